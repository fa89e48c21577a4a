/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's clock, after the guest has stood still: while it was suspended, paused, or since the
 * snapshot was taken that it goes on from.
 *
 * A kernel reads its hardware clock when it starts and counts for itself from then on, so nothing
 * that QEMU does to the hardware clock helps. qemu-guest-agent in the guest sets it when it is
 * asked to; where there is none the note says what is wrong. The agent's port may become known as
 * open only some moments after the guest goes on: QEMU tells of it then, and is asked for it as
 * well. One that does not answer, in a guest that is busy, may yet set the clock, after which the
 * note is wrong: it is asked again now and then.
 */
#include "machine/lodge-machine-private.h"

#include "guest/lodge-guest-agent.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

/* From here on its user should know. */
#define TOLD_US (60 * G_USEC_PER_SEC)
/* Until an agent that is there has been seen. */
#define GRACE_MS 3000
/* Until one is asked again that did not set it; twice as long each time. */
#define AGAIN_S      15
#define MOST_AGAIN_S 3600

/* "3 hours". Transfer full. */
static char *
dup_duration (gint64 us)
{
  const gulong minutes = (gulong) (us / (60 * G_USEC_PER_SEC));

  if (minutes < 120)
    return g_strdup_printf (ngettext ("%lu minute", "%lu minutes", minutes), minutes);
  if (minutes < 48 * 60)
    return g_strdup_printf (ngettext ("%lu hour", "%lu hours", minutes / 60), minutes / 60);
  return g_strdup_printf (ngettext ("%lu day", "%lu days", minutes / (24 * 60)),
                          minutes / (24 * 60));
}

/* Nobody has set it. What else there is to say comes first. */
static void
tell (LodgeMachine *self, gboolean agent)
{
  g_autofree char *duration = NULL;

  if (self->clock_behind_us < TOLD_US || lodge_machine_get_own_note (self)[0] != '\0')
    return;
  duration = dup_duration (self->clock_behind_us);
  g_free (self->clock_note);
  if (agent)
    self->clock_note =
        g_strdup_printf (_ ("The guest's clock is %s behind, because it has stood still; its "
                            "qemu-guest-agent did not set it"),
                         duration);
  else
    self->clock_note =
        g_strdup_printf (_ ("The guest's clock is %s behind, because it has stood still; with "
                            "qemu-guest-agent installed in the guest, Lodge sets it"),
                         duration);
  lodge_machine_set_own_note (self, self->clock_note);
}

void
lodge_machine_clock_end (LodgeMachine *self)
{
  g_clear_handle_id (&self->clock_timeout, g_source_remove);
  if (self->clock_talk != NULL)
    g_cancellable_cancel (self->clock_talk);
  g_clear_object (&self->clock_talk);
}

void
lodge_machine_clock_forget (LodgeMachine *self)
{
  g_autofree char *note = g_steal_pointer (&self->clock_note);

  lodge_machine_clock_end (self);
  self->clock_since_us = 0;
  self->clock_again_s = 0;
  if (note != NULL && g_str_equal (lodge_machine_get_own_note (self), note))
    lodge_machine_set_own_note (self, NULL);
}

/* Asking the agent. */

static gboolean look_again_cb (gpointer user_data);

static void
ask_later (LodgeMachine *self)
{
  self->clock_again_s = CLAMP (self->clock_again_s * 2, AGAIN_S, MOST_AGAIN_S);
  g_clear_handle_id (&self->clock_timeout, g_source_remove);
  self->clock_timeout = g_timeout_add_seconds (self->clock_again_s, look_again_cb, self);
}

static void
set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GWeakRef *reference = user_data;
  g_autoptr (LodgeMachine) self = g_weak_ref_get (reference);
  g_autoptr (GError) error = NULL;

  g_weak_ref_clear (reference);
  g_free (reference);
  if (self == NULL)
    return;
  if (lodge_guest_agent_set_clock_finish (result, &error)) {
    g_debug ("%s: the guest's clock is right", self->uuid);
    lodge_machine_clock_forget (self);
    return;
  }
  g_debug ("%s: %s", self->uuid, error->message);
  /* Otherwise somebody else goes on with it. */
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED))
    return;
  lodge_machine_clock_end (self);
  tell (self, TRUE);
  ask_later (self);
}

static void
talk (LodgeMachine *self)
{
  GWeakRef *reference;
  g_autofree char *path = NULL;

  if (self->clock_talk != NULL || self->fetching || self->clock_since_us == 0 ||
      self->runtime == NULL || self->state != LODGE_STATE_RUNNING)
    return;
  g_clear_handle_id (&self->clock_timeout, g_source_remove);
  path = lodge_machine_agent_dup_socket (self);
  self->clock_talk = g_cancellable_new ();
  /* An agent that does not answer must not keep the machine. */
  reference = g_new0 (GWeakRef, 1);
  g_weak_ref_init (reference, self);
  lodge_guest_agent_set_clock_async (path, lodge_qmp_get_pid (self->qmp), self->clock_talk, set_cb,
                                     reference);
}

/* Whether there is one. */

static void look (LodgeMachine *self, GAsyncReadyCallback callback);

static void
looked_again_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachine) self = user_data;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, NULL);

  if (self->clock_since_us == 0 || self->clock_talk != NULL || self->state != LODGE_STATE_RUNNING)
    return;
  if (lodge_machine_agent_is_there (answer)) {
    talk (self);
    return;
  }
  tell (self, FALSE);
  /* There was one, and a QEMU that is busy need not have answered. */
  if (self->clock_again_s != 0)
    ask_later (self);
}

static gboolean
look_again_cb (gpointer user_data)
{
  LodgeMachine *self = user_data;

  self->clock_timeout = 0;
  look (self, looked_again_cb);
  return G_SOURCE_REMOVE;
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachine) self = user_data;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, NULL);

  if (self->clock_since_us == 0 || self->clock_talk != NULL || self->state != LODGE_STATE_RUNNING)
    return;
  if (lodge_machine_agent_is_there (answer))
    talk (self);
  else if (self->clock_timeout == 0)
    self->clock_timeout = g_timeout_add (GRACE_MS, look_again_cb, self);
}

static void
look (LodgeMachine *self, GAsyncReadyCallback callback)
{
  if (self->qmp != NULL)
    lodge_machine_agent_look_async (self, NULL, callback, g_object_ref (self));
}

/* What happens to the guest. */

void
lodge_machine_clock_stood_still (LodgeMachine *self, gint64 since_us)
{
  if (self->clock_since_us == 0)
    self->clock_since_us = since_us;
}

void
lodge_machine_clock_update (LodgeMachine *self)
{
  if (self->state == LODGE_STATE_PAUSED) {
    lodge_machine_clock_end (self);
    lodge_machine_clock_stood_still (self, g_get_real_time ());
  } else if (self->state == LODGE_STATE_RUNNING && self->clock_since_us != 0) {
    self->clock_behind_us = g_get_real_time () - self->clock_since_us;
    if (self->clock_behind_us < LODGE_GUEST_AGENT_FINE_S * G_USEC_PER_SEC)
      self->clock_since_us = 0;
    else
      look (self, looked_cb);
  }
}

void
lodge_machine_clock_port_changed (LodgeMachine *self, const char *port, gboolean open)
{
  if (open && lodge_machine_agent_is_port (port))
    talk (self);
}

void
lodge_machine_clock_channel_is_free (LodgeMachine *self)
{
  if (self->clock_since_us != 0 && self->state == LODGE_STATE_RUNNING)
    look (self, looked_cb);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A QEMU that lives and does not answer: it was stopped, or hangs in a disk that does not answer
 * either, or somebody else holds its monitor. Or one whose connection has ended, by itself or
 * because what came over it was no QMP.
 *
 * It is asked again, with growing pauses, for as long as it lives. Meanwhile the note says so,
 * nothing is asked of it that it would do at a moment that nobody knows, and it can be ended. When
 * it answers, all is as with one that an engine finds at its start (lodge-machine-recover.c).
 */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

#define FIRST_PAUSE_MS 1000
#define MOST_PAUSE_MS  60000
/* Of one attempt: the answer is taken as soon as it comes. */
#define ATTEMPT_MS 600000

struct _LodgeSilence {
  LodgeMachine *machine; /* NULL: it is over, and this lives on for the attempt under way */
  guint timer;
  guint pause_ms;
  GCancellable *cancellable; /* of the attempt under way, or NULL */
  char *note;                /* the machine's, while the sentence is told instead; or NULL */
};

static const char *const sentence =
    N_ ("Runs, but QEMU does not answer. It is asked again until it does; the machine can be "
        "forced off");

static void
silence_clear (gpointer data)
{
  LodgeSilence *self = data;

  g_clear_object (&self->cancellable);
  g_free (self->note);
}

static gboolean attempt_cb (gpointer user_data);

static void
wait (LodgeSilence *self)
{
  if (self->timer != 0 || self->cancellable != NULL)
    return;
  self->timer = g_timeout_add (self->pause_ms, attempt_cb, self);
  self->pause_ms = MIN (self->pause_ms * 2, MOST_PAUSE_MS);
}

/* What the machine's note says comes back when QEMU answers. */
static void
tell (LodgeSilence *self)
{
  LodgeMachine *machine = self->machine;

  if (g_str_equal (machine->note, _ (sentence)))
    return;
  g_free (self->note);
  self->note = g_strdup (machine->note);
  lodge_machine_set_note (machine, _ (sentence));
}

static gboolean
is_told (LodgeMachine *machine)
{
  return machine->silence != NULL && machine->silence->note != NULL &&
         g_str_equal (machine->note, _ (sentence));
}

const char *
lodge_machine_get_own_note (LodgeMachine *self)
{
  return is_told (self) ? self->silence->note : self->note;
}

void
lodge_machine_set_own_note (LodgeMachine *self, const char *note)
{
  if (!is_told (self)) {
    lodge_machine_set_note (self, note);
    return;
  }
  g_free (self->silence->note);
  self->silence->note = g_strdup (note != NULL ? note : "");
}

/* Whoever is at it asks QEMU by himself. */
static gboolean
is_asked (LodgeMachine *machine)
{
  return machine->work != NULL || machine->recovering;
}

static void
recovered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *machine = LODGE_MACHINE (source);

  lodge_machine_recover_finish (machine, result);
  /* It has fallen silent in the middle of that. */
  if (machine->silence != NULL && !machine->ending)
    wait (machine->silence);
}

/* Takes @qmp, which is NULL where the connection is the one that there was. */
static void
answered (LodgeSilence *self, LodgeQmp *qmp_given)
{
  g_autoptr (LodgeQmp) qmp = qmp_given;
  LodgeMachine *machine = self->machine;

  self->pause_ms = FIRST_PAUSE_MS;
  if (is_asked (machine)) {
    wait (self);
  } else if (!machine->ending) {
    lodge_machine_recover_silent_async (machine, qmp, recovered_cb, NULL);
  }
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeSilence *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeQmp) qmp = lodge_qmp_connect_finish (result, &error);

  g_clear_object (&self->cancellable);
  if (self->machine != NULL && qmp != NULL) {
    answered (self, g_steal_pointer (&qmp));
  } else if (self->machine != NULL) {
    g_debug ("%s: %s", self->machine->uuid, error->message);
    wait (self);
  }
  g_rc_box_release_full (self, silence_clear);
}

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeSilence *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  g_clear_object (&self->cancellable);
  if (self->machine != NULL && answer != NULL) {
    answered (self, NULL);
  } else if (self->machine != NULL) {
    g_debug ("%s: %s", self->machine->uuid, error->message);
    wait (self);
  }
  g_rc_box_release_full (self, silence_clear);
}

static gboolean
attempt_cb (gpointer user_data)
{
  LodgeSilence *self = user_data;
  LodgeMachine *machine = self->machine;

  self->timer = 0;
  if (is_asked (machine)) {
    self->pause_ms = FIRST_PAUSE_MS;
    wait (self);
    return G_SOURCE_REMOVE;
  }
  tell (self);
  self->cancellable = g_cancellable_new ();
  if (machine->qmp != NULL && !lodge_qmp_is_closed (machine->qmp)) {
    lodge_qmp_execute_async (machine->qmp, "query-status", NULL, ATTEMPT_MS, self->cancellable,
                             asked_cb, g_rc_box_acquire (self));
  } else {
    g_autofree char *socket = g_build_filename (machine->runtime, "qmp.sock", NULL);

    lodge_qmp_connect_async (socket, ATTEMPT_MS, machine->pid, self->cancellable, connected_cb,
                             g_rc_box_acquire (self));
  }
  return G_SOURCE_REMOVE;
}

static void
begin (LodgeMachine *self)
{
  if (self->silence == NULL) {
    self->silence = g_rc_box_new0 (LodgeSilence);
    self->silence->machine = self;
    self->silence->pause_ms = FIRST_PAUSE_MS;
  }
  wait (self->silence);
}

void
lodge_machine_begin_silence (LodgeMachine *self)
{
  g_return_if_fail (self->pid != 0 && self->runtime != NULL);

  begin (self);
  tell (self->silence);
}

void
lodge_machine_lost_qmp (LodgeMachine *self)
{
  /* A start fails over it by itself. Its own end is heard of in a moment, and nothing was said. */
  if (self->pid != 0 && self->runtime != NULL && !self->ending &&
      self->state != LODGE_STATE_STARTING)
    begin (self);
}

void
lodge_machine_end_silence (LodgeMachine *self)
{
  g_autofree char *note = is_told (self) ? g_strdup (self->silence->note) : NULL;
  LodgeSilence *silence = g_steal_pointer (&self->silence);

  if (silence == NULL)
    return;
  silence->machine = NULL;
  g_clear_handle_id (&silence->timer, g_source_remove);
  if (silence->cancellable != NULL)
    g_cancellable_cancel (silence->cancellable);
  g_rc_box_release_full (silence, silence_clear);
  if (note != NULL)
    lodge_machine_set_note (self, note);
}

gboolean
lodge_machine_check_answers (LodgeMachine *self, GError **error)
{
  if (self->silence == NULL)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
               _ ("The QEMU of “%s” does not answer at the moment: wait until it does, or force "
                  "the machine off"),
               lodge_machine_get_name (self));
  return FALSE;
}

gboolean
lodge_machine_check_qmp (LodgeMachine *self, GError **error)
{
  if (self->qmp != NULL)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE, _ ("The control socket of “%s” is gone"),
               lodge_machine_get_name (self));
  return FALSE;
}

gboolean
lodge_machine_leave_open (LodgeMachine *self, gboolean known, GError **error)
{
  if (known || self->pid == 0 || self->runtime == NULL || self->qmp == NULL)
    return FALSE;
  /* One whose connection has ended may be about to end itself, which is heard of in a moment and
   * ends this, too (lodge-machine-end.c). As long as it lives it does what it was told. */
  if (lodge_qmp_is_closed (self->qmp))
    lodge_machine_lost_qmp (self);
  else
    lodge_machine_begin_silence (self);
  self->left_open = TRUE;
  /* Nothing is as it was yet. */
  if (g_error_matches (*error, LODGE_ERROR, LODGE_ERROR_CANCELLED)) {
    g_clear_error (error);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                 _ ("This was cancelled, but the QEMU of “%s” does not answer: what was begun is "
                    "undone when it does"),
                 lodge_machine_get_name (self));
  }
  return TRUE;
}

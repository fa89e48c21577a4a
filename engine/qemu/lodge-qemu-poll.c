/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qemu/lodge-qemu-poll.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

struct _LodgeQemuPoll {
  LodgeQmp *qmp;
  const char *command;
  guint wait_ms;
  guint most_ms;
  guint patience_ms;
  LodgeQemuPollLook look;
  LodgeQemuPollFail fail;
  gpointer user_data;

  gboolean freed; /* and lives on for the question that is under way, or for who calls */
  guint timer;
  GCancellable *cancellable;
  guint64 mark;
  gint64 since_us; /* that is the mark */
};

static void ask (LodgeQemuPoll *self);

static void
clear (gpointer data)
{
  LodgeQemuPoll *self = data;

  g_object_unref (self->qmp);
  g_object_unref (self->cancellable);
}

static gboolean
ask_cb (gpointer user_data)
{
  LodgeQemuPoll *self = user_data;

  self->timer = 0;
  ask (self);
  return G_SOURCE_REMOVE;
}

static void
give_up (LodgeQemuPoll *self)
{
  self->fail (g_error_new (LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                           _ ("QEMU has made no progress for %u seconds"),
                           self->patience_ms / 1000),
              self->user_data);
}

static void
take_answer (LodgeQemuPoll *self, JsonNode *answer)
{
  g_autoptr (JsonObject) object = NULL;
  gint64 now_us = g_get_monotonic_time ();
  guint64 mark = 0;

  if (JSON_NODE_HOLDS_OBJECT (answer))
    object = json_node_dup_object (answer);
  else
    object = json_object_new ();
  if (!self->look (object, &mark, self->user_data) || self->freed)
    return;
  if (mark != self->mark) {
    self->mark = mark;
    self->since_us = now_us;
  } else if (now_us - self->since_us >= (gint64) self->patience_ms * 1000) {
    give_up (self);
    return;
  }
  self->timer = g_timeout_add (self->wait_ms, ask_cb, self);
  self->wait_ms = MIN (self->wait_ms + self->wait_ms / 2 + 1, self->most_ms);
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeQemuPoll *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (self->freed)
    ;
  else if (answer != NULL)
    take_answer (self, answer);
  else if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT))
    give_up (self);
  else
    self->fail (g_steal_pointer (&error), self->user_data);
  g_rc_box_release_full (self, clear);
}

static void
ask (LodgeQemuPoll *self)
{
  lodge_qmp_execute_async (self->qmp, self->command, NULL, self->patience_ms, self->cancellable,
                           answered_cb, g_rc_box_acquire (self));
}

LodgeQemuPoll *
lodge_qemu_poll_new (LodgeQmp *qmp,
                     const char *command,
                     guint first_ms,
                     guint most_ms,
                     guint patience_ms,
                     LodgeQemuPollLook look,
                     LodgeQemuPollFail fail,
                     gpointer user_data)
{
  LodgeQemuPoll *self = g_rc_box_new0 (LodgeQemuPoll);

  self->qmp = g_object_ref (qmp);
  self->command = command;
  self->wait_ms = first_ms;
  self->most_ms = most_ms;
  self->patience_ms = patience_ms;
  self->look = look;
  self->fail = fail;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->since_us = g_get_monotonic_time ();
  ask (self);
  return self;
}

void
lodge_qemu_poll_free (LodgeQemuPoll *self)
{
  self->freed = TRUE;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  g_rc_box_release_full (self, clear);
}

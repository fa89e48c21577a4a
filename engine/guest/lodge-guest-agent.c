/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A conversation with qemu-guest-agent about its clock.
 *
 *   LOOK --> (right: done)
 *     |
 *     v
 *    SET --> CHECK --> (right: done)
 *     ^        |
 *     +--------+ (until it was told 3 times)
 *
 * Setting the clock can fail in its second half, the writing of the hardware clock, so what counts
 * is what the guest says then. A guest that is busy sets it to what is over by then, and is told
 * again: what it needs for that is in its memory now.
 */
#include "guest/lodge-guest-agent.h"

#include "guest/lodge-guest-channel.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

/* The answers have some dozens of bytes. */
#define MOST_BYTES (64 * 1024)
#define RIGHT_NS   G_GINT64_CONSTANT (1000000000)
/* Good enough after it was told so many times. */
#define FINE_NS   (LODGE_GUEST_AGENT_FINE_S * RIGHT_NS)
#define MOST_SETS 3

typedef enum {
  STEP_LOOK,
  STEP_SET,
  STEP_CHECK,
} Step;

guint lodge_guest_agent_patience_ms = 20000;

/* The task's data. */
typedef struct {
  Step step;
  LodgeGuestChannel *channel;
  gulong cancel_id;
  gint64 end_us;   /* of its patience */
  gint64 asked_ns; /* when its clock was asked for */
  guint n_set;     /* how often it was told to set it */
} Talk;

static void
talk_free (gpointer data)
{
  Talk *talk = data;

  g_object_unref (talk->channel);
  g_free (talk);
}

/* Takes both. @error: NULL when the clock is right. */
static void
end (GTask *task_given, GError *error)
{
  g_autoptr (GTask) task = task_given;
  Talk *talk = g_task_get_task_data (task);
  GCancellable *outer = g_task_get_cancellable (task);

  if (talk->cancel_id != 0)
    g_cancellable_disconnect (outer, talk->cancel_id);
  talk->cancel_id = 0;
  if (error == NULL) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  if (g_cancellable_is_cancelled (outer)) {
    g_clear_error (&error);
    error = g_error_new (LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled"));
  }
  g_task_return_error (task, error);
}

static gint64
get_now_ns (void)
{
  return g_get_real_time () * 1000;
}

static void answered_cb (GObject *source, GAsyncResult *result, gpointer user_data);

/* Takes @task. */
static void
say (GTask *task, Step step)
{
  Talk *talk = g_task_get_task_data (task);
  const gint64 left_ms = MAX (0, (talk->end_us - g_get_monotonic_time ()) / 1000);
  JsonObject *arguments = NULL;

  talk->step = step;
  if (step == STEP_SET) {
    talk->n_set++;
    arguments = json_object_new ();
    json_object_set_int_member (arguments, "time", get_now_ns ());
  } else {
    talk->asked_ns = get_now_ns ();
  }
  lodge_guest_channel_ask_async (talk->channel,
                                 step == STEP_SET ? "guest-set-time" : "guest-get-time", arguments,
                                 MOST_BYTES, (guint) left_ms, answered_cb, task);
}

/* It was read at some time from @since on, and until @now. */
static gboolean
is_within (gint64 guest, gint64 since, gint64 now, gint64 limit)
{
  return since - guest < limit && guest - now < limit;
}

/* What it is of none is the beginning of all times. */
static gint64
read_clock (const LodgeQmpMessage *answer)
{
  JsonNode *value = answer->value;

  return answer->kind == LODGE_QMP_MESSAGE_RETURN && JSON_NODE_HOLDS_VALUE (value) &&
                 json_node_get_value_type (value) == G_TYPE_INT64
             ? MAX (0, json_node_get_int (value))
             : 0;
}

/* Takes @task. @answer: to what was said last. */
static void
take (GTask *task, const LodgeQmpMessage *answer)
{
  Talk *talk = g_task_get_task_data (task);
  gint64 guest, now, since;

  if (talk->step == STEP_SET) {
    say (task, STEP_CHECK);
    return;
  }
  guest = read_clock (answer);
  now = get_now_ns ();
  /* To be set once too often does no harm. */
  since = talk->step == STEP_CHECK ? talk->asked_ns : now;
  if (is_within (guest, since, now, RIGHT_NS))
    end (task, NULL);
  else if (talk->n_set < MOST_SETS)
    say (task, STEP_SET);
  else if (is_within (guest, since, now, FINE_NS))
    end (task, NULL);
  else
    end (task, g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED,
                            _ ("The guest's agent did not set its clock")));
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_autoptr (LodgeQmpMessage) answer =
      lodge_guest_channel_ask_finish (LODGE_GUEST_CHANNEL (source), result, &error);

  if (answer != NULL)
    take (user_data, answer);
  else
    end (user_data, error);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (lodge_guest_channel_open_finish (LODGE_GUEST_CHANNEL (source), result, &error))
    say (user_data, STEP_LOOK);
  else
    end (user_data, error);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  lodge_guest_channel_hurry (user_data, 0);
}

void
lodge_guest_agent_set_clock_async (const char *socket_path,
                                   GPid qemu,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Talk *talk = g_new0 (Talk, 1);

  g_task_set_source_tag (task, lodge_guest_agent_set_clock_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, talk, talk_free);
  talk->channel = lodge_guest_channel_new ();
  talk->end_us = g_get_monotonic_time () + (gint64) lodge_guest_agent_patience_ms * 1000;
  if (cancellable != NULL)
    talk->cancel_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb),
                                             g_object_ref (talk->channel), g_object_unref);
  lodge_guest_channel_open_async (talk->channel, socket_path, qemu, lodge_guest_agent_patience_ms,
                                  opened_cb, task);
}

gboolean
lodge_guest_agent_set_clock_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_guest_agent_set_clock_async),
                        FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

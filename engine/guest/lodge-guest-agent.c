/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A conversation with qemu-guest-agent.
 *
 *   SYNC --> LOOK --> (right: done)
 *              |
 *              v
 *            SET --> CHECK --> (right: done)
 *             ^        |
 *             +--------+ (until it was told 3 times)
 *
 * What an earlier conversation has left in the channel comes first, and is skipped up to the answer
 * that has our number (guest-sync-delimited puts a byte before it that is in no text). Setting the
 * clock can fail in its second half, the writing of the hardware clock, so what counts is what the
 * guest says then. A guest that is busy sets it to what is over by then, and is told again: what
 * it needs for that is in its memory now.
 */
#include "guest/lodge-guest-agent.h"

#include "lodge-error.h"
#include "qemu/lodge-json.h"
#include "qemu/lodge-qmp-message.h"
#include "qemu/lodge-unix-socket.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>

/* The answers have some dozens of bytes. */
#define MOST_BYTES (64 * 1024)
#define DELIMITER  '\xff'
#define RIGHT_NS   G_GINT64_CONSTANT (1000000000)
/* Good enough after it was told so many times. */
#define FINE_NS   (LODGE_GUEST_AGENT_FINE_S * RIGHT_NS)
#define MOST_SETS 3

typedef enum {
  STEP_SYNC,
  STEP_LOOK,
  STEP_SET,
  STEP_CHECK,
} Step;

guint lodge_guest_agent_patience_ms = 20000;

/* The task's data. */
typedef struct {
  Step step;
  gint64 number;
  GSocketConnection *connection;
  GCancellable *inner; /* ends what is under way */
  gulong cancel_id;
  guint timeout;
  gboolean timed_out;
  GByteArray *heard; /* and not yet looked at */
  gsize n_heard;
  guint8 buffer[4096];
  char *said;
  gint64 asked_ns; /* when its clock was asked for */
  guint n_set;     /* how often it was told to set it */
} Talk;

static void
talk_free (gpointer data)
{
  Talk *talk = data;

  g_clear_handle_id (&talk->timeout, g_source_remove);
  g_clear_object (&talk->connection);
  g_clear_object (&talk->inner);
  g_byte_array_unref (talk->heard);
  g_free (talk->said);
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
  g_clear_handle_id (&talk->timeout, g_source_remove);
  if (error == NULL) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  if (g_cancellable_is_cancelled (outer)) {
    g_clear_error (&error);
    error = g_error_new (LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled"));
  } else if (talk->timed_out) {
    g_clear_error (&error);
    error = g_error_new (LODGE_ERROR, LODGE_ERROR_TIMEOUT, _ ("The guest's agent does not answer"));
  }
  g_task_return_error (task, error);
}

/* @what: for us; nothing of what the guest has said. */
static void
fail (GTask *task, const char *what)
{
  end (task, g_error_new_literal (LODGE_ERROR, LODGE_ERROR_FAILED, what));
}

static gint64
get_now_ns (void)
{
  return g_get_real_time () * 1000;
}

static void hear (GTask *task);

static void
said_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error)) {
    hear (user_data);
    return;
  }
  g_clear_error (&error);
  fail (user_data, _ ("The guest's agent has gone"));
}

/* Takes @task. */
static void
say (GTask *task, Step step)
{
  Talk *talk = g_task_get_task_data (task);

  talk->step = step;
  g_free (talk->said);
  switch (step) {
  case STEP_SYNC:
    talk->said = g_strdup_printf (
        "%c{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%" G_GINT64_FORMAT "}}\n",
        DELIMITER, talk->number);
    break;
  case STEP_SET:
    talk->n_set++;
    talk->said = g_strdup_printf (
        "{\"execute\":\"guest-set-time\",\"arguments\":{\"time\":%" G_GINT64_FORMAT "}}\n",
        get_now_ns ());
    break;
  case STEP_LOOK:
  case STEP_CHECK:
    talk->asked_ns = get_now_ns ();
    talk->said = g_strdup ("{\"execute\":\"guest-get-time\"}\n");
    break;
  }
  g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (talk->connection)),
                                   talk->said, strlen (talk->said), G_PRIORITY_DEFAULT, talk->inner,
                                   said_cb, task);
}

/* It was read at some time from @since on, and until @now. */
static gboolean
is_within (gint64 guest, gint64 since, gint64 now, gint64 limit)
{
  return since - guest < limit && guest - now < limit;
}

/* Takes @task. @answer: to what was said last. */
static void
take (GTask *task, JsonObject *answer)
{
  Talk *talk = g_task_get_task_data (task);
  gint64 guest, now, since;

  switch (talk->step) {
  case STEP_SYNC:
    say (task, STEP_LOOK);
    break;
  case STEP_LOOK:
  case STEP_CHECK:
    guest = MAX (0, lodge_json_get_int (answer, "return", 0));
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
      fail (task, _ ("The guest's agent did not set its clock"));
    break;
  case STEP_SET:
    say (task, STEP_CHECK);
    break;
  }
}

/* The next line that is whole. NULL: there is none. */
static char *
take_line (Talk *talk, gsize *out_length)
{
  const guint8 *newline = memchr (talk->heard->data, '\n', talk->heard->len);
  char *line;

  if (talk->heard->len == 0 || newline == NULL)
    return NULL;
  *out_length = newline - talk->heard->data;
  line = g_strndup ((const char *) talk->heard->data, *out_length);
  g_byte_array_remove_range (talk->heard, 0, (guint) *out_length + 1);
  return line;
}

/* (transfer full) (nullable) */
static JsonNode *
parse (const char *line, gsize length)
{
  g_autoptr (JsonNode) node = NULL;

  if (strlen (line) != length || lodge_qmp_message_find_fault (line, length) != NULL)
    return NULL;
  node = json_from_string (line, NULL);
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? g_steal_pointer (&node) : NULL;
}

/* Takes @task where the line is what was waited for. */
static gboolean
look_at_line (GTask *task, const char *line, gsize length)
{
  Talk *talk = g_task_get_task_data (task);
  const char *delimiter = talk->step == STEP_SYNC ? memrchr (line, DELIMITER, length) : NULL;
  g_autoptr (JsonNode) node = NULL;

  if (talk->step == STEP_SYNC && delimiter == NULL)
    return FALSE;
  if (delimiter != NULL) {
    length -= delimiter + 1 - line;
    line = delimiter + 1;
  }
  node = parse (line, length);
  if (talk->step == STEP_SYNC &&
      (node == NULL ||
       lodge_json_get_int (json_node_get_object (node), "return", -1) != talk->number))
    return FALSE;
  if (node == NULL)
    fail (task, _ ("The guest's agent does not answer as it should"));
  else
    take (task, json_node_get_object (node));
  return TRUE;
}

static void
heard_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Talk *talk = g_task_get_task_data (task);
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  if (n <= 0) {
    fail (task, _ ("The guest's agent has gone"));
    return;
  }
  talk->n_heard += (gsize) n;
  if (talk->n_heard > MOST_BYTES) {
    fail (task, _ ("The guest's agent says more than it should"));
    return;
  }
  g_byte_array_append (talk->heard, talk->buffer, (guint) n);
  for (;;) {
    gsize length;
    g_autofree char *line = take_line (talk, &length);

    if (line == NULL)
      break;
    if (look_at_line (task, line, length))
      return;
  }
  hear (task);
}

/* Takes @task. */
static void
hear (GTask *task)
{
  Talk *talk = g_task_get_task_data (task);

  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (talk->connection)),
                             talk->buffer, sizeof talk->buffer, G_PRIORITY_DEFAULT, talk->inner,
                             heard_cb, task);
}

static gboolean
timeout_cb (gpointer user_data)
{
  Talk *talk = user_data;

  talk->timeout = 0;
  talk->timed_out = TRUE;
  g_cancellable_cancel (talk->inner);
  return G_SOURCE_REMOVE;
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static gboolean
is_qemu (GSocket *socket, GPid qemu)
{
  struct ucred peer = {0};
  socklen_t size = sizeof peer;

  return qemu == 0 ||
         (getsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
          peer.pid == qemu);
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
  g_autoptr (GSocket) socket = NULL;
  int saved = 0;

  g_task_set_source_tag (task, lodge_guest_agent_set_clock_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, talk, talk_free);
  talk->heard = g_byte_array_new ();
  talk->inner = g_cancellable_new ();
  talk->number = g_random_int_range (1, G_MAXINT32);
  socket = lodge_unix_socket_connect (socket_path, &saved);
  if (socket == NULL || !is_qemu (socket, qemu)) {
    fail (task, _ ("The channel of the guest's agent cannot be reached"));
    return;
  }
  talk->connection = g_socket_connection_factory_create_connection (socket);
  talk->timeout = g_timeout_add (lodge_guest_agent_patience_ms, timeout_cb, talk);
  if (cancellable != NULL)
    talk->cancel_id =
        g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), talk->inner, NULL);
  say (task, STEP_SYNC);
}

gboolean
lodge_guest_agent_set_clock_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_guest_agent_set_clock_async),
                        FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

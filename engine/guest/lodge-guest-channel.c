/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The channel to qemu-guest-agent in a guest.
 *
 * What an earlier conversation has left in it comes first, and is skipped up to the answer that has
 * our number (guest-sync-delimited puts a byte before it that is in no text).
 */
#include "guest/lodge-guest-channel.h"

#include "lodge-error.h"
#include "qemu/lodge-unix-socket.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>

#define DELIMITER '\xff'
/* What was left: the longest answer, that somebody who ended did not hear, and some more. */
#define LEFT_BYTES  (1024 * 1024)
#define PIECE_BYTES (64 * 1024)

struct _LodgeGuestChannel {
  GObject parent_instance;

  GSocketConnection *connection;
  GCancellable *inner; /* ends what is under way; the channel is out of step then */
  gint64 number;       /* of the opening */
  guint limit_ms;      /* by lodge_guest_channel_hurry() */
  gboolean timed_out;

  GTask *task; /* that waits for an answer, or NULL; kept by what is under way */
  gboolean opening;
  char *said;
  gsize most_bytes;
  guint timeout;
  gint64 end_us;
  GByteArray *heard; /* and not yet looked at */
  gsize n_taken;     /* of it, as lines; 0 while hearing */
  gsize n_searched;  /* of it, without an end of a line; n_taken at least */
  guint8 *piece;
};

G_DEFINE_FINAL_TYPE (LodgeGuestChannel, lodge_guest_channel, G_TYPE_OBJECT)

static void
lodge_guest_channel_finalize (GObject *object)
{
  LodgeGuestChannel *self = LODGE_GUEST_CHANNEL (object);

  g_clear_handle_id (&self->timeout, g_source_remove);
  g_clear_object (&self->connection);
  g_object_unref (self->inner);
  g_byte_array_unref (self->heard);
  g_free (self->piece);
  g_free (self->said);

  G_OBJECT_CLASS (lodge_guest_channel_parent_class)->finalize (object);
}

static void
lodge_guest_channel_class_init (LodgeGuestChannelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_guest_channel_finalize;
}

static void
lodge_guest_channel_init (LodgeGuestChannel *self)
{
  self->inner = g_cancellable_new ();
  self->heard = g_byte_array_new ();
  self->piece = g_malloc (PIECE_BYTES);
  self->limit_ms = G_MAXUINT;
}

LodgeGuestChannel *
lodge_guest_channel_new (void)
{
  return g_object_new (LODGE_TYPE_GUEST_CHANNEL, NULL);
}

/* The end of what waits. */

static void
fail (LodgeGuestChannel *self, const char *what)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  g_clear_handle_id (&self->timeout, g_source_remove);
  g_cancellable_cancel (self->inner);
  if (self->timed_out)
    g_task_return_new_error (
        task, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
        _ ("The guest's agent does not answer: see whether the guest is paused or too busy"));
  else
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED, "%s", what);
}

static void
fail_gone (LodgeGuestChannel *self)
{
  fail (self, _ ("The guest's agent has gone: see whether qemu-guest-agent runs in the guest"));
}

/* Takes @message. */
static void
answer (LodgeGuestChannel *self, LodgeQmpMessage *message)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  g_clear_handle_id (&self->timeout, g_source_remove);
  g_task_return_pointer (task, message, (GDestroyNotify) lodge_qmp_message_free);
}

static gboolean
timeout_cb (gpointer user_data)
{
  LodgeGuestChannel *self = user_data;

  self->timeout = 0;
  self->timed_out = TRUE;
  /* What is under way ends with it. */
  g_cancellable_cancel (self->inner);
  return G_SOURCE_REMOVE;
}

/* Hearing. */

/* The next line that is whole; transfer full. NULL: there is none. */
static char *
take_line (LodgeGuestChannel *self, gsize *out_length)
{
  const char *data = (const char *) self->heard->data;
  const char *begin, *newline = NULL;

  if (self->heard->len > self->n_searched)
    newline = memchr (data + self->n_searched, '\n', self->heard->len - self->n_searched);
  if (newline == NULL) {
    /* Once for all lines, of which there may be as many as bytes. */
    if (self->n_taken > 0)
      g_byte_array_remove_range (self->heard, 0, (guint) self->n_taken);
    self->n_taken = 0;
    self->n_searched = self->heard->len;
    return NULL;
  }
  begin = data + self->n_taken;
  *out_length = newline - begin;
  self->n_taken = newline + 1 - data;
  self->n_searched = self->n_taken;
  return g_strndup (begin, *out_length);
}

/* (transfer full) (nullable) */
static LodgeQmpMessage *
parse (const char *line, gsize length)
{
  g_autoptr (LodgeQmpMessage) message =
      strlen (line) == length ? lodge_qmp_message_parse (line, length, NULL) : NULL;

  return message != NULL && (message->kind == LODGE_QMP_MESSAGE_RETURN ||
                             message->kind == LODGE_QMP_MESSAGE_ERROR)
             ? g_steal_pointer (&message)
             : NULL;
}

static gboolean
has_number (const LodgeQmpMessage *message, gint64 number)
{
  return message->kind == LODGE_QMP_MESSAGE_RETURN && JSON_NODE_HOLDS_VALUE (message->value) &&
         json_node_get_value_type (message->value) == G_TYPE_INT64 &&
         json_node_get_int (message->value) == number;
}

/* TRUE: it is what was waited for. */
static gboolean
look_at_line (LodgeGuestChannel *self, const char *line, gsize length)
{
  g_autoptr (LodgeQmpMessage) message = NULL;

  if (self->opening) {
    const char *delimiter = memrchr (line, DELIMITER, length);

    if (delimiter == NULL)
      return FALSE;
    length -= delimiter + 1 - line;
    message = parse (delimiter + 1, length);
    if (message == NULL || !has_number (message, self->number))
      return FALSE;
  } else {
    message = parse (line, length);
  }
  if (message == NULL)
    fail (self, _ ("The guest's agent does not answer as it should"));
  else
    answer (self, g_steal_pointer (&message));
  return TRUE;
}

static void hear (LodgeGuestChannel *self);

/* TRUE: what was waited for has come. */
static gboolean
look (LodgeGuestChannel *self)
{
  for (;;) {
    gsize length = 0;
    g_autofree char *line = take_line (self, &length);

    if (line == NULL)
      return FALSE;
    if (look_at_line (self, line, length))
      return TRUE;
  }
}

static void
heard_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeGuestChannel) self = user_data;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  if (n <= 0) {
    fail_gone (self);
    return;
  }
  g_byte_array_append (self->heard, self->piece, (guint) n);
  if (self->opening ? (self->most_bytes -= MIN (self->most_bytes, (gsize) n)) == 0
                    : self->heard->len > self->most_bytes) {
    fail (self, _ ("The guest's agent says more than it should"));
    return;
  }
  if (!look (self))
    hear (self);
}

static void
hear (LodgeGuestChannel *self)
{
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (self->connection)),
                             self->piece, PIECE_BYTES, G_PRIORITY_DEFAULT, self->inner, heard_cb,
                             g_object_ref (self));
}

/* Saying. */

static void
said_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeGuestChannel) self = user_data;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL)) {
    fail_gone (self);
    return;
  }
  /* Perhaps it was said before it was asked for. */
  if (!look (self))
    hear (self);
}

static void
set_timer (LodgeGuestChannel *self)
{
  const gint64 left_ms = (self->end_us - g_get_monotonic_time ()) / 1000;

  g_clear_handle_id (&self->timeout, g_source_remove);
  self->timeout =
      g_timeout_add ((guint) CLAMP (left_ms, 0, (gint64) self->limit_ms), timeout_cb, self);
}

/* Takes @said. */
static void
say (LodgeGuestChannel *self, GTask *task, char *said, gsize most_bytes, guint patience_ms)
{
  g_return_if_fail (self->task == NULL);

  g_free (self->said);
  self->said = said;
  self->task = task;
  self->most_bytes = most_bytes;
  if (self->connection == NULL || g_cancellable_is_cancelled (self->inner)) {
    fail_gone (self);
    return;
  }
  self->end_us = g_get_monotonic_time () + (gint64) patience_ms * 1000;
  set_timer (self);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (self->connection)),
                                   self->said, strlen (self->said), G_PRIORITY_DEFAULT, self->inner,
                                   said_cb, g_object_ref (self));
}

/* Takes @arguments. Transfer full. */
static char *
dup_command (const char *command, JsonObject *arguments)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  g_autofree char *text = NULL;

  json_object_set_string_member (object, "execute", command);
  if (arguments != NULL)
    json_object_set_object_member (object, "arguments", arguments);
  json_node_take_object (root, object);
  text = json_to_string (root, FALSE);
  return g_strconcat (text, "\n", NULL);
}

void
lodge_guest_channel_ask_async (LodgeGuestChannel *self,
                               const char *command,
                               JsonObject *arguments,
                               gsize most_bytes,
                               guint patience_ms,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_guest_channel_ask_async);
  self->opening = FALSE;
  say (self, task, dup_command (command, arguments), most_bytes, patience_ms);
}

LodgeQmpMessage *
lodge_guest_channel_ask_finish (LodgeGuestChannel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
lodge_guest_channel_is_in_step (LodgeGuestChannel *self)
{
  return !g_cancellable_is_cancelled (self->inner);
}

void
lodge_guest_channel_tell (LodgeGuestChannel *self, const char *command, JsonObject *arguments)
{
  g_autofree char *said = dup_command (command, arguments);

  /* The beginning of another command may be in it without its end: the agent's parser begins anew
   * at the byte that is in no text. Who does not hear it is gone or stands still, and there is
   * nobody to be told. */
  if (self->connection != NULL) {
    g_autofree char *text = g_strdup_printf ("%c%s", DELIMITER, said);

    (void) g_socket_send_with_blocking (g_socket_connection_get_socket (self->connection), text,
                                        strlen (text), FALSE, NULL, NULL);
  }
}

void
lodge_guest_channel_hurry (LodgeGuestChannel *self, guint patience_ms)
{
  self->limit_ms = MIN (self->limit_ms, patience_ms);
  if (self->timeout != 0)
    set_timer (self);
}

/* Opening. */

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
lodge_guest_channel_open_async (LodgeGuestChannel *self,
                                const char *socket_path,
                                GPid qemu,
                                guint patience_ms,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  int saved = 0;
  g_autoptr (GSocket) socket = lodge_unix_socket_connect (socket_path, &saved);

  g_return_if_fail (self->connection == NULL);

  g_task_set_source_tag (task, lodge_guest_channel_open_async);
  if (socket == NULL || !is_qemu (socket, qemu)) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED,
                             _ ("The channel of the guest's agent cannot be reached"));
    g_object_unref (task);
    return;
  }
  self->connection = g_socket_connection_factory_create_connection (socket);
  self->number = g_random_int_range (1, G_MAXINT32);
  self->opening = TRUE;
  say (self, task,
       g_strdup_printf (
           "%c{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%" G_GINT64_FORMAT "}}\n",
           DELIMITER, self->number),
       LEFT_BYTES, patience_ms);
}

gboolean
lodge_guest_channel_open_finish (LodgeGuestChannel *self, GAsyncResult *result, GError **error)
{
  g_autoptr (LodgeQmpMessage) message = NULL;

  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_guest_channel_open_async), FALSE);
  message = g_task_propagate_pointer (G_TASK (result), error);
  return message != NULL;
}

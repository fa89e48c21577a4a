/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines in and out of one non-blocking socket.
 *
 * Its two sources are the only way in and out, and destroying them is all it takes to stop. Memory
 * is bounded by the longest line that is allowed.
 */
#include "qemu/lodge-qmp-wire.h"

#include "qemu/lodge-qmp-message.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define READ_BYTES (64 * 1024)

struct _LodgeQmpWire {
  GSocket *socket;
  GMainContext *context;
  const LodgeQmpWireEvents *events;
  gpointer user_data;
  gboolean held;
  gboolean stopped;

  GSource *read_source;
  GByteArray *input; /* bytes of lines not looked at yet */
  gsize input_seen;  /* of these, known to hold no line's end */

  GSource *write_source;
  GQueue output; /* of Request, the first may be sent in part */
};

typedef struct {
  gint64 id;
  char *bytes;
  gsize length;
  gsize sent;
  GUnixFDMessage *fds; /* NULL once its first byte is sent */
} Request;

static void
request_free (Request *request)
{
  g_clear_object (&request->fds);
  g_free (request->bytes);
  g_free (request);
}

static void
destroy_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
lodge_qmp_wire_stop (LodgeQmpWire *self)
{
  self->stopped = TRUE;
  destroy_source (&self->read_source);
  destroy_source (&self->write_source);
  g_queue_clear_full (&self->output, (GDestroyNotify) request_free);
  g_byte_array_set_size (self->input, 0);
  self->input_seen = 0;
  g_socket_close (self->socket, NULL); /* whatever it says, the descriptor is closed */
}

static void
end (LodgeQmpWire *self, const char *reason)
{
  if (self->stopped)
    return;
  lodge_qmp_wire_stop (self);
  self->events->ended (reason, self->user_data);
}

/* Sending */

/* Returns FALSE when the socket takes no more now, or is gone. */
static gboolean
send_some (LodgeQmpWire *self, Request *request)
{
  GOutputVector vector = {request->bytes + request->sent, request->length - request->sent};
  GSocketControlMessage *message = (GSocketControlMessage *) request->fds;
  g_autoptr (GError) error = NULL;
  gssize n = g_socket_send_message (self->socket, NULL, &vector, 1, &message, message != NULL,
                                    G_SOCKET_MSG_NONE, NULL, &error);

  if (n < 0) {
    /* What the other end said before is still there: reading finds it, and then the end. */
    if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      g_debug ("QMP: cannot send: %s", error->message);
      g_queue_clear_full (&self->output, (GDestroyNotify) request_free);
      g_socket_shutdown (self->socket, TRUE, TRUE, NULL);
    }
    return FALSE;
  }
  g_clear_object (&request->fds);
  request->sent += n;
  return TRUE;
}

static gboolean
can_write_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  LodgeQmpWire *self = user_data;

  while (!g_queue_is_empty (&self->output)) {
    Request *request = g_queue_peek_head (&self->output);

    if (!send_some (self, request))
      break;
    if (request->sent == request->length)
      request_free (g_queue_pop_head (&self->output));
  }
  if (!g_queue_is_empty (&self->output))
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->write_source, g_source_unref);
  return G_SOURCE_REMOVE;
}

void
lodge_qmp_wire_send (LodgeQmpWire *self, gint64 id, char *line, GUnixFDMessage *fds)
{
  Request *request = g_new0 (Request, 1);

  request->id = id;
  request->bytes = line;
  request->length = strlen (line);
  request->fds = fds != NULL ? g_object_ref (fds) : NULL;
  if (self->stopped) {
    request_free (request);
    return;
  }
  g_queue_push_tail (&self->output, request);
  if (self->write_source != NULL)
    return;

  self->write_source = g_socket_create_source (self->socket, G_IO_OUT, NULL);
  g_source_set_callback (self->write_source, G_SOURCE_FUNC (can_write_cb), self, NULL);
  g_source_set_static_name (self->write_source, "LodgeQmp write");
  /* Most often the socket takes it at once; the source is for when it does not. */
  if (can_write_cb (self->socket, G_IO_OUT, self) == G_SOURCE_CONTINUE)
    g_source_attach (self->write_source, self->context);
}

gboolean
lodge_qmp_wire_withdraw (LodgeQmpWire *self, gint64 id)
{
  for (GList *l = self->output.head; l != NULL; l = l->next) {
    Request *request = l->data;

    if (request->id == id && request->sent == 0) {
      request_free (request);
      g_queue_delete_link (&self->output, l);
      return TRUE;
    }
  }
  return FALSE;
}

/* Receiving */

static void
give_line (LodgeQmpWire *self, const char *line, gsize length)
{
  while (length > 0 && g_ascii_isspace (line[length - 1]))
    length--;
  if (length > 0)
    self->events->line (line, length, self->user_data);
}

/* Gives each whole line. A line is copied out of the buffer first, since stopping empties it. */
static void
process_input (LodgeQmpWire *self)
{
  gsize start = 0;

  while (!self->stopped && !self->held && self->input_seen < self->input->len) {
    const char *bytes = (const char *) self->input->data;
    const char *newline =
        memchr (bytes + self->input_seen, '\n', self->input->len - self->input_seen);
    gsize line_end = newline != NULL ? (gsize) (newline - bytes) : self->input->len;
    gsize length = line_end - start;
    g_autofree char *line = NULL;

    if (length > LODGE_QMP_MESSAGE_MAX_BYTES) {
      end (self, _ ("QEMU sent a line that is too long"));
      return;
    }
    if (newline == NULL) {
      self->input_seen = line_end;
      break;
    }
    line = g_memdup2 (bytes + start, length + 1);
    start = self->input_seen = line_end + 1;
    give_line (self, line, length);
  }
  if (!self->stopped && start > 0) {
    g_byte_array_remove_range (self->input, 0, start);
    self->input_seen -= start;
  }
}

static gboolean
can_read_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  g_autoptr (LodgeQmpWire) self = g_rc_box_acquire (user_data);
  g_autoptr (GError) error = NULL;
  guint old_length = self->input->len;
  gssize n;

  g_byte_array_set_size (self->input, old_length + READ_BYTES);
  n = g_socket_receive (socket, (char *) self->input->data + old_length, READ_BYTES, NULL, &error);
  g_byte_array_set_size (self->input, old_length + MAX (n, 0));

  /* A reset is an end too: QEMU leaves without reading all that was sent. */
  if (n > 0)
    process_input (self);
  else if (n == 0 || !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    end (self, _ ("QEMU closed the connection"));
  return G_SOURCE_CONTINUE; /* when it stopped meanwhile, the source is destroyed already */
}

static void
begin_reading (LodgeQmpWire *self)
{
  self->read_source = g_socket_create_source (self->socket, G_IO_IN, NULL);
  g_source_set_callback (self->read_source, G_SOURCE_FUNC (can_read_cb), self, NULL);
  g_source_set_static_name (self->read_source, "LodgeQmp read");
  g_source_attach (self->read_source, self->context);
}

void
lodge_qmp_wire_hold (LodgeQmpWire *self)
{
  self->held = TRUE;
  destroy_source (&self->read_source);
}

void
lodge_qmp_wire_resume (LodgeQmpWire *wire)
{
  g_autoptr (LodgeQmpWire) self = g_rc_box_acquire (wire);

  if (self->stopped || !self->held)
    return;
  self->held = FALSE;
  begin_reading (self);
  process_input (self);
}

LodgeQmpWire *
lodge_qmp_wire_new (GSocket *socket, const LodgeQmpWireEvents *events, gpointer user_data)
{
  LodgeQmpWire *self = g_rc_box_new0 (LodgeQmpWire);

  self->socket = g_object_ref (socket);
  self->context = g_main_context_ref_thread_default ();
  self->events = events;
  self->user_data = user_data;
  self->input = g_byte_array_new ();
  g_queue_init (&self->output);
  begin_reading (self);
  return self;
}

static void
clear (gpointer data)
{
  LodgeQmpWire *self = data;

  lodge_qmp_wire_stop (self);
  g_object_unref (self->socket);
  g_byte_array_unref (self->input);
  g_main_context_unref (self->context);
}

void
lodge_qmp_wire_unref (LodgeQmpWire *self)
{
  g_rc_box_release_full (self, clear);
}

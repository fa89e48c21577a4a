/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's agent that has one file, in a thread. */
#include "file-agent.h"

#include "agent-lines.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static gboolean
send_bytes (int fd, const char *text, gsize length)
{
  while (length > 0) {
    gssize n = send (fd, text, length, MSG_NOSIGNAL);

    if (n <= 0)
      return FALSE;
    text += n;
    length -= (gsize) n;
  }
  return TRUE;
}

static gboolean
send_text (int fd, const char *text)
{
  return send_bytes (fd, text, strlen (text));
}

static gboolean send_format (int fd, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
send_format (int fd, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  return send_text (fd, text);
}

static FileAgentWhen
get_when (const char *name, JsonObject *arguments)
{
  if (g_str_equal (name, "guest-sync-delimited"))
    return FILE_AGENT_SYNC;
  if (g_str_equal (name, "guest-file-open"))
    return FILE_AGENT_OPEN;
  if (g_str_equal (name, "guest-file-read"))
    return FILE_AGENT_READ;
  if (g_str_equal (name, "guest-file-close"))
    return FILE_AGENT_CLOSE;
  g_assert_cmpstr (name, ==, "guest-file-seek");
  return json_object_get_int_member (arguments, "whence") == 2 ? FILE_AGENT_MEASURE
                                                               : FILE_AGENT_REWIND;
}

static gboolean
send_piece (FileAgent *f, int fd, gsize most)
{
  const FileAgentKind *agent = f->kind;
  const gsize wanted = agent->piece > 0 ? MIN (most, agent->piece) : most;
  const gsize length = agent->endless ? wanted : MIN (wanted, agent->size - f->place);
  g_autofree char *text = g_base64_encode (f->content + f->place, length);
  /* feof() is known once more was wanted than there was. */
  const gboolean last = !agent->endless && (agent->like_windows ? length == 0 : length < wanted);

  f->n_pieces++;
  if (!agent->endless)
    f->place += length;
  if (length == 0)
    return send_format (fd, "{\"return\": {\"count\": 0, \"eof\": true}}\n");
  return send_format (
      fd, "{\"return\": {\"count\": %" G_GSIZE_FORMAT ", \"buf-b64\": \"%s\", \"eof\": %s}}\n",
      length, text, last ? "true" : "false");
}

static gboolean
seek (FileAgent *f, int fd, JsonObject *arguments, gboolean from_end)
{
  const gint64 offset = json_object_get_int_member (arguments, "offset");

  if (f->kind->no_place)
    return send_text (fd, FILE_AGENT_ERROR ("failed to seek file: Illegal seek") "\n");
  if (f->kind->one_place)
    return send_text (fd, "{\"return\": {\"position\": 0, \"eof\": false}}\n");
  f->place = (from_end ? f->kind->size : 0) + (gsize) offset;
  g_assert_cmpuint (f->place, <=, f->kind->size);
  return send_format (fd, "{\"return\": {\"position\": %" G_GSIZE_FORMAT ", \"eof\": false}}\n",
                      f->place);
}

/* FALSE: it goes away. */
static gboolean
answer (gpointer agent_data, int fd, JsonObject *command)
{
  FileAgent *f = agent_data;
  const FileAgentKind *agent = f->kind;
  JsonObject *arguments = json_object_get_object_member (command, "arguments");
  const FileAgentWhen when =
      get_when (json_object_get_string_member (command, "execute"), arguments);
  const gboolean now = f->n_pieces >= agent->after;

  f->asked = TRUE;
  if (when == FILE_AGENT_SYNC) {
    g_autofree char *stale = g_strnfill (agent->stale, 'A');

    send_text (fd, stale);
    if (agent->stale > 0)
      send_text (fd, "\"}}\n{\"return\":1}\n\xff{\"return\":-5}\n");
  } else if (when == FILE_AGENT_OPEN) {
    g_assert_cmpstr (json_object_get_string_member (arguments, "path"), ==, "/srv/a.bin");
    g_assert_cmpstr (json_object_get_string_member (arguments, "mode"), ==, "r");
  } else {
    g_assert_cmpint (json_object_get_int_member (arguments, "handle"), ==, FILE_AGENT_HANDLE);
  }
  f->n_closed += when == FILE_AGENT_CLOSE;
  if (now && agent->silent == when)
    return TRUE;
  if (now && agent->leaves == when)
    return FALSE;
  if (now && agent->instead_of == when)
    return send_text (fd, agent->instead);
  if (now && agent->flood == when) {
    g_autofree char *rubbish = g_strnfill (1 << 16, '[');

    while (send_bytes (fd, rubbish, 1 << 16))
      ;
    return FALSE;
  }
  switch (when) {
  case FILE_AGENT_SYNC:
    return send_format (fd, "\xff{\"return\": %" G_GINT64_FORMAT "}\n",
                        json_object_get_int_member (arguments, "id"));
  case FILE_AGENT_OPEN:
    g_atomic_int_inc (&f->n_open);
    while (agent->hesitates && !g_cancellable_is_cancelled (f->cancellable))
      g_usleep (1000);
    return send_format (fd, "{\"return\": %d}\n", FILE_AGENT_HANDLE);
  case FILE_AGENT_READ:
    return send_piece (f, fd, (gsize) json_object_get_int_member (arguments, "count"));
  case FILE_AGENT_MEASURE:
  case FILE_AGENT_REWIND:
    return seek (f, fd, arguments, when == FILE_AGENT_MEASURE);
  default:
    return send_text (fd, "{\"return\": {}}\n");
  }
}

static gpointer
serve (gpointer data)
{
  const FileAgent *f = data;

  agent_lines_serve (f->listener, answer, data);
  return NULL;
}

void
file_agent_start (FileAgent *self,
                  const FileAgentKind *kind,
                  int listener,
                  GCancellable *cancellable)
{
  const gsize size = MAX (kind->size, FILE_AGENT_PIECE);

  self->kind = kind;
  self->listener = listener;
  self->cancellable = cancellable;
  self->content = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    self->content[i] = (guint8) (i * 7 + i / 251);
  self->thread = g_thread_new ("agent", serve, self);
}

void
file_agent_join (FileAgent *self)
{
  g_thread_join (g_steal_pointer (&self->thread));
}

void
file_agent_clear (FileAgent *self)
{
  g_assert_null (self->thread);
  g_free (self->content);
}

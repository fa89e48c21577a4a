/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between one of QEMU's text consoles and whoever looks at it. See the header. */
#include "machine/lodge-terminal-relay.h"

#include "lodge-error.h"
#include "qemu/lodge-unix-socket.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES         (64 * 1024)
#define FIRST_HISTORY_BYTES (16 * 1024)
/* After a whole chunk, and after one that came so soon behind the last. So a guest that writes
 * without end, in pieces of whatever size, costs the engine 200 looks and 6 MB a second and no
 * more; a serial port that is real takes 0.01 MB. */
#define PAUSE_MS 10
/* While nobody more can be let in. */
#define ACCEPT_PAUSE_MS 1000
/* What clients have written and the guest has not read; more stays with them. */
#define INPUT_LIMIT_BYTES (64 * 1024)
/* How far a client that missed something is brought forward to begin at a line. */
#define LINE_LIMIT_BYTES 4096
/* What is read of a QEMU that has ended. */
#define LAST_WORDS_BYTES LODGE_TERMINAL_RELAY_HISTORY_BYTES

G_STATIC_ASSERT (CHUNK_BYTES <= LODGE_TERMINAL_RELAY_HISTORY_BYTES);

typedef struct {
  LodgeTerminalRelay *relay;
  GSocket *socket;
  GSource *in;
  GSource *out;
  guint64 next;    /* the byte it is told next, counted from the first that was ever written */
  guint64 missed;  /* how many before that it was not told, and does not know of yet */
  GString *notice; /* the rest of what is told before that, or NULL */
} Client;

struct _LodgeTerminalRelay {
  char *path;
  GSocket *listener;
  GSource *accepting; /* or a pause */
  GPtrArray *clients; /* of Client */

  GSocket *qemu; /* NULL once it has ended */
  GSource *in;
  GSource *out;
  GSource *pause;
  gint64 read_us;    /* when it was read from */
  GByteArray *input; /* for QEMU */

  guint8 *history; /* byte number n is at n modulo size */
  gsize size;
  guint64 end; /* how many bytes were ever written */
};

static gboolean client_in_cb (GSocket *socket, GIOCondition condition, gpointer user_data);
static gboolean client_out_cb (GSocket *socket, GIOCondition condition, gpointer user_data);
static gboolean qemu_in_cb (GSocket *socket, GIOCondition condition, gpointer user_data);
static gboolean accept_cb (GSocket *socket, GIOCondition condition, gpointer user_data);

static void
stop (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
watch (GSource **source,
       GSocket *socket,
       GIOCondition condition,
       GSocketSourceFunc func,
       gpointer data)
{
  if (*source != NULL)
    return;
  *source = g_socket_create_source (socket, condition, NULL);
  g_source_set_callback (*source, G_SOURCE_FUNC (func), data, NULL);
  /* Below the contract's: a guest that floods its console must not keep other machines waiting. */
  g_source_set_priority (*source, G_PRIORITY_DEFAULT_IDLE);
  g_source_attach (*source, NULL);
}

/* --- What is remembered --- */

static guint64
get_oldest (LodgeTerminalRelay *self)
{
  return self->end > self->size ? self->end - self->size : 0;
}

static void
remember (LodgeTerminalRelay *self, const guint8 *data, gsize length)
{
  gsize at, first;

  /* Nothing has to be moved: it grows before it goes round for the first time. */
  while (self->end + length > self->size && self->size < LODGE_TERMINAL_RELAY_HISTORY_BYTES) {
    self->size = self->size == 0 ? FIRST_HISTORY_BYTES : self->size * 2;
    self->history = g_realloc (self->history, self->size);
  }
  at = self->end % self->size;
  first = MIN (length, self->size - at);
  memcpy (self->history + at, data, first);
  memcpy (self->history, data + first, length - first);
  self->end += length;
}

/* The oldest byte that is remembered, or the beginning of a line soon behind it. */
static guint64
find_beginning (LodgeTerminalRelay *self)
{
  const guint64 oldest = get_oldest (self);

  for (guint64 n = oldest; oldest > 0 && n < MIN (oldest + LINE_LIMIT_BYTES, self->end); n++) {
    if (self->history[n % self->size] == '\n')
      return n + 1;
  }
  return oldest;
}

/* --- Clients --- */

static void
client_free (gpointer data)
{
  Client *self = data;

  stop (&self->in);
  stop (&self->out);
  g_socket_close (self->socket, NULL);
  g_object_unref (self->socket);
  if (self->notice != NULL)
    g_string_free (self->notice, TRUE);
  g_free (self);
}

static void
note_gap (Client *self)
{
  const guint64 from = find_beginning (self->relay);

  self->missed += from - self->next;
  self->next = from;
}

/* As much of it as the client takes now. FALSE: it has gone. */
static gboolean
send_bytes (Client *self, const char *data, gsize length, gsize *out_sent)
{
  g_autoptr (GError) error = NULL;
  gssize sent;

  *out_sent = 0;
  sent = g_socket_send (self->socket, data, length, NULL, &error);
  if (sent >= 0)
    *out_sent = sent;
  return sent >= 0 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

/* Only what the client has begun to take is kept: one that never reads is owed one notice, however
 * much it misses. FALSE: it has gone. */
static gboolean
tell_gap (Client *self)
{
  const gboolean fresh = self->notice == NULL;
  gsize sent;

  if (fresh && self->missed > 0) {
    g_autofree char *size = g_format_size (self->missed);
    /* Translators: a line in a terminal, in place of what could not be shown in time. */
    g_autofree char *words = g_strdup_printf (_ ("%s were left out here"), size);

    self->notice = g_string_new (NULL);
    g_string_append_printf (self->notice, "\r\n[%s]\r\n", words);
  }
  if (self->notice == NULL)
    return TRUE;
  if (!send_bytes (self, self->notice->str, self->notice->len, &sent))
    return FALSE;
  if (fresh && sent > 0)
    self->missed = 0;
  g_string_erase (self->notice, 0, sent);
  if (self->notice->len == 0 || (fresh && sent == 0))
    g_string_free (g_steal_pointer (&self->notice), TRUE);
  return TRUE;
}

static gboolean
is_fed (Client *self)
{
  return self->notice == NULL && self->missed == 0 && self->next == self->relay->end;
}

/* FALSE: it has gone. */
static gboolean
feed (Client *self)
{
  LodgeTerminalRelay *relay = self->relay;
  gsize sent, at, length;

  if (self->next < get_oldest (relay))
    note_gap (self);
  if (!tell_gap (self))
    return FALSE;
  while (self->notice == NULL && self->missed == 0 && self->next < relay->end) {
    at = self->next % relay->size;
    length = MIN (relay->end - self->next, relay->size - at);
    if (!send_bytes (self, (const char *) relay->history + at, length, &sent))
      return FALSE;
    self->next += sent;
    if (sent < length)
      break;
  }
  if (!is_fed (self))
    watch (&self->out, self->socket, G_IO_OUT, client_out_cb, self);
  else
    stop (&self->out);
  return TRUE;
}

static gboolean
client_out_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Client *self = user_data;
  LodgeTerminalRelay *relay = self->relay;

  if (!feed (self) || (relay->qemu == NULL && is_fed (self)))
    g_ptr_array_remove_fast (relay->clients, self);
  return G_SOURCE_CONTINUE;
}

static void
feed_all (LodgeTerminalRelay *self)
{
  for (guint i = self->clients->len; i > 0; i--) {
    Client *client = self->clients->pdata[i - 1];

    if (!feed (client) || (self->qemu == NULL && is_fed (client)))
      g_ptr_array_remove_index_fast (self->clients, i - 1);
  }
}

static void
hear_all (LodgeTerminalRelay *self, gboolean hear)
{
  for (guint i = 0; i < self->clients->len; i++) {
    Client *client = self->clients->pdata[i];

    if (hear)
      watch (&client->in, client->socket, G_IO_IN, client_in_cb, client);
    else
      stop (&client->in);
  }
}

/* --- QEMU --- */

static void
lose_qemu (LodgeTerminalRelay *self)
{
  stop (&self->in);
  stop (&self->out);
  stop (&self->pause);
  if (self->qemu != NULL)
    g_socket_close (self->qemu, NULL);
  g_clear_object (&self->qemu);
  g_byte_array_set_size (self->input, 0);
}

static gboolean
qemu_out_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  LodgeTerminalRelay *self = user_data;
  g_autoptr (GError) error = NULL;
  gssize sent =
      g_socket_send (self->qemu, (const char *) self->input->data, self->input->len, NULL, &error);

  /* An end is seen, and told, where it is read. */
  if (sent < 0 && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    sent = self->input->len;
  if (sent > 0)
    g_byte_array_remove_range (self->input, 0, sent);
  if (self->input->len > 0)
    watch (&self->out, self->qemu, G_IO_OUT, qemu_out_cb, self);
  else
    stop (&self->out);
  hear_all (self, self->input->len < INPUT_LIMIT_BYTES);
  return G_SOURCE_CONTINUE;
}

static gboolean
pause_cb (gpointer user_data)
{
  LodgeTerminalRelay *self = user_data;

  g_clear_pointer (&self->pause, g_source_unref);
  watch (&self->in, self->qemu, G_IO_IN, qemu_in_cb, self);
  return G_SOURCE_REMOVE;
}

/* One chunk. Returns how much it was; 0: nothing is there now; -1: it has ended. */
static gssize
read_qemu (LodgeTerminalRelay *self)
{
  g_autofree guint8 *chunk = g_malloc (CHUNK_BYTES);
  g_autoptr (GError) error = NULL;
  gssize length = g_socket_receive (self->qemu, (char *) chunk, CHUNK_BYTES, NULL, &error);

  if (length > 0) {
    remember (self, chunk, length);
    return length;
  }
  return length < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? 0 : -1;
}

static gboolean
qemu_in_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  LodgeTerminalRelay *self = user_data;
  const gssize length = read_qemu (self);
  const gint64 before_us = self->read_us;

  self->read_us = g_get_monotonic_time ();
  if (length < 0) {
    lose_qemu (self);
  } else if (length == CHUNK_BYTES || self->read_us - before_us < PAUSE_MS * 1000) {
    stop (&self->in);
    self->pause = g_timeout_source_new (PAUSE_MS);
    g_source_set_callback (self->pause, pause_cb, self, NULL);
    g_source_attach (self->pause, NULL);
  }
  feed_all (self);
  return G_SOURCE_CONTINUE;
}

/* --- Listening --- */

/* Returns FALSE when it has gone. */
static gboolean
hear (Client *self)
{
  LodgeTerminalRelay *relay = self->relay;
  char words[4096];
  g_autoptr (GError) error = NULL;
  gssize length = g_socket_receive (self->socket, words, sizeof words, NULL, &error);

  if (length <= 0)
    return length < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  if (relay->qemu == NULL)
    return TRUE;
  g_byte_array_append (relay->input, (const guint8 *) words, length);
  qemu_out_cb (relay->qemu, G_IO_OUT, relay);
  return TRUE;
}

static gboolean
client_in_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Client *self = user_data;

  if (!hear (self))
    g_ptr_array_remove_fast (self->relay->clients, self);
  return G_SOURCE_CONTINUE;
}

static gboolean
accept_pause_cb (gpointer user_data)
{
  LodgeTerminalRelay *self = user_data;

  g_clear_pointer (&self->accepting, g_source_unref);
  watch (&self->accepting, self->listener, G_IO_IN, accept_cb, self);
  return G_SOURCE_REMOVE;
}

static gboolean
accept_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  LodgeTerminalRelay *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) accepted = g_socket_accept (self->listener, NULL, &error);
  Client *client;

  if (accepted == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;
  if (accepted == NULL) {
    /* No descriptor is left, say: whoever waits is still there, and would be seen at once. */
    g_warning ("%s: %s", self->path, error->message);
    stop (&self->accepting);
    self->accepting = g_timeout_source_new (ACCEPT_PAUSE_MS);
    g_source_set_callback (self->accepting, accept_pause_cb, self, NULL);
    g_source_attach (self->accepting, NULL);
    return G_SOURCE_REMOVE;
  }
  g_socket_set_blocking (accepted, FALSE);
  if (self->clients->len >= LODGE_TERMINAL_RELAY_CLIENTS) {
    g_autofree char *words = g_strconcat (
        _ ("Too many windows show this console already: close one of them."), "\r\n", NULL);

    (void) g_socket_send (accepted, words, strlen (words), NULL, NULL);
    g_socket_close (accepted, NULL);
    return G_SOURCE_CONTINUE;
  }

  client = g_new0 (Client, 1);
  client->relay = self;
  client->socket = g_steal_pointer (&accepted);
  client->next = find_beginning (self);
  g_ptr_array_add (self->clients, client);
  if (!feed (client) || (self->qemu == NULL && is_fed (client)))
    g_ptr_array_remove_fast (self->clients, client);
  else if (self->input->len < INPUT_LIMIT_BYTES)
    watch (&client->in, client->socket, G_IO_IN, client_in_cb, client);
  return G_SOURCE_CONTINUE;
}

/* --- Life --- */

static gboolean
connect_qemu (LodgeTerminalRelay *self, const char *path, GPid qemu, GError **error)
{
  g_autoptr (GCredentials) peer = NULL;
  int saved_errno = 0;

  self->qemu = lodge_unix_socket_connect (path, &saved_errno);
  if (self->qemu == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not connect to %s: %s"), path,
                 g_strerror (saved_errno));
    return FALSE;
  }
  /* A link that a QEMU that was taken over put there would lead what is typed, and who types it,
   * elsewhere. */
  peer = g_socket_get_credentials (self->qemu, NULL);
  if (qemu != 0 && (peer == NULL || g_credentials_get_unix_pid (peer, NULL) != qemu)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("It is not QEMU that listens on %s"),
                 path);
    return FALSE;
  }
  return TRUE;
}

static gboolean
serve (LodgeTerminalRelay *self, const char *path, GError **error)
{
  int fd = lodge_unix_socket_listen (path, error);

  if (fd < 0)
    return FALSE;
  self->path = g_strdup (path);
  self->listener = g_socket_new_from_fd (fd, error);
  if (self->listener == NULL) {
    close (fd);
    return FALSE;
  }
  g_socket_set_blocking (self->listener, FALSE);
  watch (&self->accepting, self->listener, G_IO_IN, accept_cb, self);
  return TRUE;
}

LodgeTerminalRelay *
lodge_terminal_relay_new (const char *qemu_socket, GPid qemu, const char *path, GError **error)
{
  g_autoptr (LodgeTerminalRelay) self = g_new0 (LodgeTerminalRelay, 1);

  g_return_val_if_fail (qemu_socket != NULL && path != NULL, NULL);

  self->clients = g_ptr_array_new_with_free_func (client_free);
  self->input = g_byte_array_new ();
  if (!connect_qemu (self, qemu_socket, qemu, error) || !serve (self, path, error))
    return NULL;
  watch (&self->in, self->qemu, G_IO_IN, qemu_in_cb, self);
  return g_steal_pointer (&self);
}

void
lodge_terminal_relay_free (LodgeTerminalRelay *self)
{
  gssize length, total = 0;

  /* What a guest says last matters most. */
  while (self->path != NULL && self->qemu != NULL && total < LAST_WORDS_BYTES &&
         (length = read_qemu (self)) > 0) {
    total += length;
    feed_all (self);
  }
  lose_qemu (self);
  feed_all (self);
  g_ptr_array_unref (self->clients);
  g_byte_array_unref (self->input);
  stop (&self->accepting);
  if (self->listener != NULL)
    g_socket_close (self->listener, NULL);
  g_clear_object (&self->listener);
  if (self->path != NULL)
    (void) g_unlink (self->path);
  g_free (self->path);
  g_free (self->history);
  g_free (self);
}

const char *
lodge_terminal_relay_get_path (LodgeTerminalRelay *self)
{
  return self->path;
}

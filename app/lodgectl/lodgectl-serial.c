/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl serial: this terminal becomes the guest's.
 *
 * The terminal is raw while it is the guest's, and is given back whatever ends this: Ctrl+], the
 * machine, a signal.
 */
#include "lodgectl-handlers.h"

#include "lodge-error.h"
#include "lodge-plain-text.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define LEAVE_KEY 0x1d /* Ctrl+] */
/* What was typed and the guest has not read; more stays in the terminal. */
#define PENDING_LIMIT_BYTES (64 * 1024)
/* What a guest may have left a terminal in, in the order of xterm's manual: soft reset, the normal
 * screen, no reports of the mouse, no bracketed paste, a cursor. */
#define CALM "\033[!p\033[?47l\033[?1000l\033[?1002l\033[?1003l\033[?2004l\033[?25h"

typedef struct {
  GMainLoop *loop;
  GSocket *socket;
  GSource *out;  /* while something is pending */
  guint in;      /* on stdin; 0 while it is not read */
  GSource *said; /* while the guest is listened to */
  int show_fd;   /* the standard output */
  guint show;    /* while it takes nothing, and the guest is not listened to */
  GByteArray *unshown;
  gboolean in_ended;
  GByteArray *pending;
  gboolean left; /* by the key or a signal */

  int log_fd; /* -1: none */
  const char *log_path;
  LodgePlainText filter;
  guint64 logged;
  GError *error;

  gboolean raw;
  struct termios saved;
} Attach;

static gboolean said_cb (GSocket *socket, GIOCondition condition, gpointer user_data);
static gboolean typed_cb (int fd, GIOCondition condition, gpointer user_data);

static void
leave (Attach *self)
{
  self->left = TRUE;
  g_main_loop_quit (self->loop);
}

/* --- Typing --- */

static gboolean
writable_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Attach *self = user_data;
  gssize sent = g_socket_send (self->socket, (const char *) self->pending->data, self->pending->len,
                               NULL, NULL);

  if (sent > 0)
    g_byte_array_remove_range (self->pending, 0, (guint) sent);
  if (self->in == 0 && !self->in_ended && self->pending->len < PENDING_LIMIT_BYTES)
    self->in = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP, typed_cb, self);
  if (self->pending->len > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->out, g_source_unref);
  return G_SOURCE_REMOVE;
}

static void
send (Attach *self, const guint8 *data, gsize length)
{
  gssize sent = 0;

  /* At once where that goes: the key to leave may follow. */
  if (self->pending->len == 0 && length > 0)
    sent = g_socket_send (self->socket, (const char *) data, length, NULL, NULL);
  if (sent < 0)
    sent = 0;
  g_byte_array_append (self->pending, data + sent, (guint) (length - (gsize) sent));
  if (self->out != NULL || self->pending->len == 0)
    return;
  self->out = g_socket_create_source (self->socket, G_IO_OUT, NULL);
  g_source_set_callback (self->out, G_SOURCE_FUNC (writable_cb), self, NULL);
  g_source_attach (self->out, NULL);
}

static gboolean
typed_cb (int fd, GIOCondition condition, gpointer user_data)
{
  Attach *self = user_data;
  guint8 words[4096];
  gssize length = read (fd, words, sizeof words);
  const guint8 *end;

  if (length < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (length <= 0) {
    /* The end of a pipe; what the guest says to that is still to come. A terminal that has gone
     * takes this with it by SIGHUP. */
    self->in_ended = TRUE;
    self->in = 0;
    return G_SOURCE_REMOVE;
  }
  end = self->raw ? memchr (words, LEAVE_KEY, (gsize) length) : NULL;
  send (self, words, end != NULL ? (gsize) (end - words) : (gsize) length);
  if (end != NULL) {
    self->in = 0;
    leave (self);
    return G_SOURCE_REMOVE;
  }
  if (self->pending->len < PENDING_LIMIT_BYTES)
    return G_SOURCE_CONTINUE;
  self->in = 0;
  return G_SOURCE_REMOVE;
}

/* --- What comes --- */

/* FALSE: with errno. */
static gboolean
write_all (int fd, const guint8 *data, gsize length)
{
  while (length > 0) {
    gssize written = write (fd, data, length);

    if (written < 0 && errno != EINTR)
      return FALSE;
    if (written > 0) {
      data += written;
      length -= (gsize) written;
    }
  }
  return TRUE;
}

/* The standard output, so that one that takes nothing does not stop this: a pipe or a terminal
 * opened a second time, as whoever shares it would be surprised by one that does not block. */
static int
open_output (void)
{
  struct stat info;
  int fd = -1;

  if (isatty (STDOUT_FILENO) || (fstat (STDOUT_FILENO, &info) == 0 && S_ISFIFO (info.st_mode)))
    fd = open ("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  /* What cannot be had so may be a terminal of another user's. */
  return fd >= 0 ? fd : STDOUT_FILENO;
}

static void
listen_to_guest (Attach *self)
{
  self->said = g_socket_create_source (self->socket, G_IO_IN, NULL);
  g_source_set_callback (self->said, G_SOURCE_FUNC (said_cb), self, NULL);
  g_source_attach (self->said, NULL);
}

static void
stop_listening (Attach *self)
{
  if (self->said != NULL)
    g_source_destroy (self->said);
  g_clear_pointer (&self->said, g_source_unref);
}

/* What goes. FALSE: it is closed. */
static gboolean
show_unshown (Attach *self)
{
  while (self->unshown->len > 0) {
    gssize written = write (self->show_fd, self->unshown->data, self->unshown->len);

    if (written > 0)
      g_byte_array_remove_range (self->unshown, 0, (guint) written);
    else if (errno == EAGAIN)
      break;
    else if (errno != EINTR) {
      if (self->error == NULL && errno != EPIPE)
        g_set_error (&self->error, LODGE_ERROR, LODGE_ERROR_STORAGE,
                     _ ("Could not write to the standard output: %s"), g_strerror (errno));
      g_byte_array_set_size (self->unshown, 0);
      leave (self);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
showable_cb (int fd, GIOCondition condition, gpointer user_data)
{
  Attach *self = user_data;

  if (show_unshown (self) && self->unshown->len > 0)
    return G_SOURCE_CONTINUE;
  self->show = 0;
  listen_to_guest (self);
  return G_SOURCE_REMOVE;
}

static void
end_log (Attach *self)
{
  close (self->log_fd);
  self->log_fd = -1;
}

static void
log_words (Attach *self, const guint8 *data, gsize length)
{
  g_autoptr (GByteArray) plain = g_byte_array_new ();

  if (self->log_fd < 0)
    return;
  lodge_plain_text_filter (&self->filter, data, length, plain);
  if (!write_all (self->log_fd, plain->data, plain->len)) {
    g_set_error (&self->error, LODGE_ERROR, LODGE_ERROR_STORAGE, _ ("Could not write %s: %s"),
                 self->log_path, g_strerror (errno));
    g_main_loop_quit (self->loop);
    return;
  }
  self->logged += plain->len;
  if (self->logged > LODGE_PLAIN_TEXT_LOG_LIMIT_BYTES) {
    g_autofree char *size = g_format_size (LODGE_PLAIN_TEXT_LOG_LIMIT_BYTES);

    fprintf (stderr, "\r\nlodgectl: ");
    fprintf (stderr, _ ("The log ended by itself because it has reached %s"), size);
    fprintf (stderr, "\r\n");
    end_log (self);
  }
}

static gboolean
said_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Attach *self = user_data;
  g_autofree guint8 *words = g_malloc (65536);
  g_autoptr (GError) error = NULL;
  gssize length = g_socket_receive (socket, (char *) words, 65536, NULL, &error);

  if (length < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;
  if (length <= 0) {
    g_main_loop_quit (self->loop);
    return G_SOURCE_REMOVE;
  }
  log_words (self, words, (gsize) length);
  g_byte_array_append (self->unshown, words, (guint) length);
  if (!show_unshown (self) || self->unshown->len == 0)
    return G_SOURCE_CONTINUE;
  stop_listening (self);
  self->show = g_unix_fd_add (self->show_fd, G_IO_OUT | G_IO_ERR | G_IO_HUP, showable_cb, self);
  return G_SOURCE_REMOVE;
}

/* --- The terminal --- */

static void
make_raw (Attach *self)
{
  struct termios raw;

  if (!isatty (STDIN_FILENO) || tcgetattr (STDIN_FILENO, &self->saved) != 0)
    return;
  raw = self->saved;
  cfmakeraw (&raw);
  self->raw = tcsetattr (STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void
give_back (Attach *self)
{
  if (isatty (STDOUT_FILENO))
    (void) write_all (self->show_fd, (const guint8 *) CALM, strlen (CALM));
  if (self->raw)
    /* At once: what a stopped terminal has not shown may never be. */
    (void) tcsetattr (STDIN_FILENO, TCSANOW, &self->saved);
}

static gboolean
stop_cb (gpointer user_data)
{
  leave (user_data);
  return G_SOURCE_CONTINUE;
}

static void
run_attached (Attach *self)
{
  static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
  guint ids[G_N_ELEMENTS (stops)];

  signal (SIGPIPE, SIG_IGN);
  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    ids[i] = g_unix_signal_add (stops[i], stop_cb, self);
  self->show_fd = open_output ();
  listen_to_guest (self);
  make_raw (self);
  self->in = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP, typed_cb, self);

  g_main_loop_run (self->loop);

  give_back (self);
  stop_listening (self);
  g_clear_handle_id (&self->show, g_source_remove);
  if (self->show_fd != STDOUT_FILENO)
    close (self->show_fd);
  g_clear_handle_id (&self->in, g_source_remove);
  if (self->out != NULL)
    g_source_destroy (self->out);
  g_clear_pointer (&self->out, g_source_unref);
  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    g_source_remove (ids[i]);
}

/* --- The command --- */

static gboolean
is_up (LodgeMachine1 *machine)
{
  const char *state = lodge_machine1_get_state (machine);

  return g_strcmp0 (state, "off") != 0 && g_strcmp0 (state, "crashed") != 0;
}

static void
set_missing (LodgeMachine1 *machine, const char *id, GError **error)
{
  const char *name = lodge_machine1_get_name (machine);

  if (!is_up (machine))
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” has no serial port now: start it first"), name);
  else if (g_str_equal (id, "serial"))
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” is on, but the engine has no way to its serial port: its log says why"),
                 name);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” has no QEMU console: allow it with “lodgectl set NAME "
                    "terminal.monitor=yes”, and start the machine again"),
                 name);
}

/* (transfer full): the path of its socket */
static char *
find_socket (LodgeMachine1 *machine, const char *id, GError **error)
{
  GVariant *list = lodge_machine1_get_terminals (machine);
  const char *found, *label, *path;
  GVariantIter iter;

  if (list != NULL) {
    g_variant_iter_init (&iter, list);
    while (g_variant_iter_next (&iter, "(&s&s&s)", &found, &label, &path)) {
      if (g_str_equal (found, id))
        return g_strdup (path);
    }
  }
  set_missing (machine, id, error);
  return NULL;
}

static GSocketConnection *
open_connection (const char *path, GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GError) cause = NULL;
  GSocketConnection *connection;

  g_socket_client_set_enable_proxy (client, FALSE);
  connection = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, &cause);
  if (connection == NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not connect to %s: %s"), path,
                 cause->message);
  return connection;
}

static gboolean
open_log (Attach *self, GError **error)
{
  if (self->log_path == NULL)
    return TRUE;
  self->log_fd = open (self->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (self->log_fd >= 0)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE, _ ("Could not write %s: %s"),
               self->log_path, g_strerror (errno));
  return FALSE;
}

gboolean
lodgectl_serial (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  const char *id = lodgectl_run_has_option (run, "monitor") ? "monitor" : "serial";
  Attach self = {.log_fd = -1, .log_path = lodgectl_run_get_option (run, "log")};
  g_autofree char *path = NULL;
  g_autoptr (GSocketConnection) connection = NULL;

  if (machine == NULL)
    return FALSE;
  path = find_socket (machine, id, error);
  if (path == NULL || !open_log (&self, error))
    return FALSE;
  connection = open_connection (path, error);
  if (connection != NULL) {
    self.socket = g_socket_connection_get_socket (connection);
    g_socket_set_blocking (self.socket, FALSE);
    self.loop = g_main_loop_new (NULL, FALSE);
    self.pending = g_byte_array_new ();
    self.unshown = g_byte_array_new ();
    if (isatty (STDIN_FILENO))
      fprintf (stderr, "%s\n", _ ("Connected; Ctrl+] leaves."));
    run_attached (&self);
    if (isatty (STDIN_FILENO))
      fprintf (stderr, "\n%s\n",
               self.left ? _ ("Left; the guest goes on.") : _ ("The connection has ended."));
    g_main_loop_unref (self.loop);
    g_byte_array_unref (self.pending);
    g_byte_array_unref (self.unshown);
  }
  if (self.log_fd >= 0)
    end_log (&self);
  if (self.error != NULL) {
    g_propagate_error (error, self.error);
    return FALSE;
  }
  return connection != NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge-share with the program that guests run, spice-webdavd, and an HTTP client behind it.
 * Instead of a virtio port it has a terminal, which passes the same bytes. */
#include "share-guest.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

/* Where the program looks, and nowhere else. */
#define PORT_PATH "/dev/virtio-ports/org.spice-space.webdav.0"

typedef struct {
  ShareGuest guest;
  GSubprocess *share;
  GSubprocess *daemon;
  GThread *up, *down;
  int master, slave;
  guint16 port;
} Fixture;

typedef struct {
  int from, to;
} Pump;

static gpointer
pump_thread (gpointer data)
{
  Pump *pump = data;
  char buffer[4096];
  gssize n;

  while ((n = read (pump->from, buffer, sizeof buffer)) > 0)
    for (gssize at = 0; at < n;) {
      gssize put = write (pump->to, buffer + at, (gsize) (n - at));

      if (put <= 0)
        goto out;
      at += put;
    }
out:
  g_free (pump);
  return NULL;
}

static GThread *
start_pump (int from, int to)
{
  Pump *pump = g_new0 (Pump, 1);

  pump->from = from;
  pump->to = to;
  return g_thread_new ("pump", pump_thread, pump);
}

static guint16
find_port (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();

  return g_socket_listener_add_any_inet_port (listener, NULL, NULL);
}

static void
start_daemon (Fixture *self, const char *program)
{
  g_autofree char *port = g_strdup_printf ("%u", self->port);
  g_autofree char *path = g_strdup (ttyname (self->slave));
  g_autoptr (GError) error = NULL;

  self->daemon = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "bwrap", "--unshare-user",
                                   "--die-with-parent", "--bind", "/", "/", "--dev", "/dev",
                                   "--dev-bind", path, PORT_PATH, "--setenv", "LD_PRELOAD",
                                   g_getenv ("LODGE_TEST_NO_AVAHI"), program, "-p", port, NULL);
  g_assert_no_error (error);
}

/* A connection to the daemon, once it listens. */
static GSocketConnection *
connect_to_daemon (Fixture *self)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  g_socket_client_set_enable_proxy (client, FALSE);

  for (guint i = 0; i < 600; i++) {
    GSocketConnection *connection =
        g_socket_client_connect_to_host (client, "127.0.0.1", self->port, NULL, NULL);

    if (connection != NULL)
      return connection;
    g_usleep (100000);
  }
  g_error ("spice-webdavd does not listen");
}

/* How long the answer will be, once its head is there; else G_MAXSIZE. */
static gsize
get_length (const GString *answer)
{
  const char *end = strstr (answer->str, "\r\n\r\n");
  const char *length = strstr (answer->str, "\r\nContent-Length: ");

  if (end == NULL)
    return G_MAXSIZE;
  g_assert_true (length != NULL && length < end);
  return (gsize) (end + 4 - answer->str) +
         (gsize) g_ascii_strtoull (length + strlen ("\r\nContent-Length: "), NULL, 10);
}

/* spice-webdavd 3.0 does not pass on that a connection has ended. */
static GString *
ask (Fixture *self, const char *question)
{
  g_autoptr (GSocketConnection) connection = connect_to_daemon (self);
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  GString *answer = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  char buffer[65536];

  g_output_stream_write_all (out, question, strlen (question), NULL, NULL, &error);
  g_assert_no_error (error);
  while (answer->len < get_length (answer)) {
    gssize n = g_input_stream_read (in, buffer, sizeof buffer, NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpint (n, >, 0);
    g_string_append_len (answer, buffer, n);
  }
  return answer;
}

static void
test_real (gconstpointer data)
{
  g_autofree char *program = g_find_program_in_path ("spice-webdavd");
  g_autofree char *walls = g_find_program_in_path ("bwrap");
  Fixture self = {0};
  struct termios settings;
  int ends[2];

  if (program == NULL)
    program = g_file_test ("/usr/sbin/spice-webdavd", G_FILE_TEST_IS_EXECUTABLE)
                  ? g_strdup ("/usr/sbin/spice-webdavd")
                  : NULL;
  if (program == NULL || walls == NULL) {
    g_test_skip ("spice-webdavd or bubblewrap is not installed");
    return;
  }

  share_guest_set_up (&self.guest);
  g_assert_cmpint (openpty (&self.master, &self.slave, NULL, NULL, NULL), ==, 0);
  g_assert_cmpint (tcgetattr (self.slave, &settings), ==, 0);
  cfmakeraw (&settings);
  g_assert_cmpint (tcsetattr (self.slave, TCSANOW, &settings), ==, 0);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  fcntl (self.master, F_SETFD, FD_CLOEXEC);
  self.port = find_port ();
  self.share = share_guest_spawn (&self.guest, ends[1], TRUE, "fatal-criticals", NULL);
  start_daemon (&self, program);
  self.up = start_pump (self.master, ends[0]);
  self.down = start_pump (ends[0], self.master);

  {
    g_autoptr (GString) list = ask (&self, "PROPFIND / HTTP/1.1\r\nHost: localhost\r\nDepth: 1\r\n"
                                           "\r\n");
    GString *file;
    g_autofree char *written = NULL;
    GString *large = g_string_new (NULL);
    g_autofree char *path = g_build_filename (self.guest.folder, "large", NULL);

    g_assert_true (g_str_has_prefix (list->str, "HTTP/1.1 207 "));
    g_assert_nonnull (strstr (list->str, "/a.txt<"));

    file = ask (&self, "GET /sub/b.txt HTTP/1.1\r\nHost: localhost\r\n\r\n");
    g_assert_true (g_str_has_suffix (file->str, "\r\n\r\nbeta"));
    g_string_free (file, TRUE);

    file = ask (&self, "PUT /c.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
                       "\r\ngamma");
    g_assert_true (g_str_has_prefix (file->str, "HTTP/1.1 201 "));
    g_string_free (file, TRUE);
    written = share_guest_read_file (&self.guest, "share/c.txt");
    g_assert_cmpstr (written, ==, "gamma");

    for (guint i = 0; i < 400000; i++)
      g_string_append_printf (large, "%07u\n", i);
    g_assert_true (g_file_set_contents (path, large->str, (gssize) large->len, NULL));
    file = ask (&self, "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    g_assert_true (g_str_has_suffix (file->str, large->str));
    g_string_free (file, TRUE);
    g_string_free (large, TRUE);
  }

  g_subprocess_force_exit (self.daemon);
  g_subprocess_wait (self.daemon, NULL, NULL);
  close (self.slave);
  shutdown (ends[0], SHUT_RDWR);
  g_subprocess_wait (self.share, NULL, NULL);
  g_thread_join (self.down);
  g_thread_join (self.up);
  close (self.master);
  close (ends[0]);
  g_object_unref (self.daemon);
  g_object_unref (self.share);
  share_guest_tear_down (&self.guest);
}

int
main (int argc, char **argv)
{
  signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/sharing/real-webdavd", NULL, test_real);
  return g_test_run ();
}

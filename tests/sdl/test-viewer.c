/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer as it is run: with a machine of Lodge's, with foreign servers good and bad, and with
 * wrong words. */
#include "fake-engine.h"
#include "spice-fixture.h"
#include "test-folder.h"
#include "test-wait.h"
#include "test-xdotool.h"

#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixsocketaddress.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Without a picture the window is of this grey. */
#define GREY 0x242424

typedef struct {
  char *folder;
  char *socket;
  SpiceFixture *server; /* NULL: the test has none */
  GSubprocess *viewer;
  gboolean ended;
  Display *display;
  Window xid;
} Fixture;

static void
set_up (Fixture *f, gboolean server)
{
  *f = (Fixture){.folder = g_dir_make_tmp ("lv-XXXXXX", NULL)};
  f->socket = g_build_filename (f->folder, "spice.sock", NULL);
  f->display = XOpenDisplay (NULL);
  if (server)
    f->server = spice_fixture_new_at (f->socket, 320, 240);
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL));
  *(gboolean *) user_data = TRUE;
}

/* @stdin_fd: -1: nothing can be read there; closed. */
static void
start (Fixture *f, int stdin_fd, const char *words)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autofree char *line = g_strconcat (g_getenv ("LODGE_TEST_VIEWER"), " ", words, NULL);
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, NULL));
  g_subprocess_launcher_take_stdin_fd (
      launcher, stdin_fd >= 0 ? stdin_fd : open ("/dev/null", O_RDONLY | O_CLOEXEC));
  /* What the library calls critical, and goes on after, is what a bad server has done. */
  g_subprocess_launcher_unsetenv (launcher, "G_DEBUG");
  f->ended = FALSE;
  f->viewer = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv, &error);
  g_assert_no_error (error);
  g_subprocess_wait_async (f->viewer, NULL, ended_cb, &f->ended);
}

static void
start_with_server (Fixture *f, const char *words)
{
  g_autofree char *whole =
      g_strdup_printf ("--connect spice+unix://%s --no-sound %s", f->socket, words);

  start (f, -1, whole);
}

/* Waits for its end. @said: what it says, in one line; NULL: it closes itself, and what libraries
 * have to say is no matter. */
static void
expect_end (Fixture *f, int code, const char *said)
{
  char text[4096];
  gsize n = 0;

  test_wait_until (f->ended);
  g_assert_true (g_subprocess_get_if_exited (f->viewer));
  g_assert_cmpint (g_subprocess_get_exit_status (f->viewer), ==, code);
  if (said != NULL) {
    g_input_stream_read_all (g_subprocess_get_stderr_pipe (f->viewer), text, sizeof text - 1, &n,
                             NULL, NULL);
    text[n] = '\0';
    if (strstr (text, said) == NULL)
      g_error ("it says: %s", text);
    g_assert_true (g_str_has_prefix (text, "lodge-viewer: "));
    g_assert_true (strchr (text, '\n') == text + n - 1);
  }
  g_clear_object (&f->viewer);
}

static void
tear_down (Fixture *f)
{
  if (f->server != NULL)
    spice_fixture_free (f->server);
  XCloseDisplay (f->display);
  test_folder_remove (f->folder);
  g_free (f->folder);
  g_free (f->socket);
}

/* ---- its window */

static Window
find (Display *display, Window root)
{
  Window found = None, unused, *children = NULL;
  XClassHint hint = {NULL, NULL};
  unsigned n = 0;

  if (XGetClassHint (display, root, &hint) != 0) {
    if (g_strcmp0 (hint.res_class, "lodge-viewer") == 0)
      found = root;
    XFree (hint.res_name);
    XFree (hint.res_class);
  }
  if (found == None && XQueryTree (display, root, &unused, &unused, &children, &n) != 0) {
    for (unsigned i = 0; i < n && found == None; i++)
      found = find (display, children[i]);
    XFree (children);
  }
  return found;
}

static gboolean
has_window (Fixture *f)
{
  g_assert_false (f->ended);
  f->xid = find (f->display, DefaultRootWindow (f->display));
  return f->xid != None;
}

/* Windows come and go while they are looked for. */
static int
ignore_error (Display *display, XErrorEvent *event)
{
  return 0;
}

static guint32
get_pixel (Fixture *f, int x, int y)
{
  XImage *image = XGetImage (f->display, f->xid, x, y, 1, 1, AllPlanes, ZPixmap);
  const guint32 color = image != NULL ? (guint32) XGetPixel (image, 0, 0) & 0xffffff : G_MAXUINT32;

  if (image != NULL)
    XDestroyImage (image);
  return color;
}

static void
expect_pixel (Fixture *f, int x, int y, guint32 color)
{
  test_wait_polled (has_window (f) && get_pixel (f, x, y) == color);
}

static gboolean
is_focused (Fixture *f)
{
  Window focus;
  int unused;

  XGetInputFocus (f->display, &focus, &unused);
  return focus == f->xid;
}

static gboolean
has_status (Fixture *f, const char *line)
{
  g_autofree char *path =
      g_strdup_printf ("/proc/%s/status", g_subprocess_get_identifier (f->viewer));
  g_autofree char *status = NULL;

  g_assert_true (g_file_get_contents (path, &status, NULL, NULL));
  return strstr (status, line) != NULL;
}

static void
press (Fixture *f, const char *keys)
{
  test_wait_polled (is_focused (f));
  test_xdotool ("key %s", keys);
}

/* ---- what it says */

static gboolean
says (int fd, GString *all, const char *words)
{
  char text[256];
  gssize n;

  while ((n = read (fd, text, sizeof text)) > 0)
    g_string_append_len (all, text, n);
  return strstr (all->str, words) != NULL;
}

/* On standard error, after all that it has said before. */
static void
expect_words (Fixture *f, const char *words)
{
  const int fd =
      g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (g_subprocess_get_stderr_pipe (f->viewer)));
  g_autoptr (GString) all = g_string_new (NULL);

  g_assert_cmpint (fcntl (fd, F_SETFL, O_NONBLOCK), ==, 0);
  test_wait_polled (says (fd, all, words));
}

/* ---- a foreign server */

static void
test_server (void)
{
  Fixture f;

  set_up (&f, TRUE);
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  start_with_server (&f, "");
  expect_pixel (&f, 10, 10, 0x336699);
  /* It has shut itself off. */
  g_assert_true (has_status (&f, "\nNoNewPrivs:\t1\n"));
  g_assert_true (has_status (&f, "\nSeccomp:\t2\n"));
  test_wait_polled (has_status (&f, "\nSeccomp_filters:\t2\n"));
  /* And works. */
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x993366);
  expect_pixel (&f, 10, 10, 0x993366);
  spice_fixture_clear (f.server);
  press (&f, "a");
  spice_fixture_expect_scancodes (f.server, "1e 9e");

  press (&f, "ctrl+alt");
  spice_fixture_expect_scancodes (f.server, "1d 38 9d b8");
  press (&f, "q");
  expect_end (&f, 0, NULL);
  tear_down (&f);
}

static void
test_server_goes (void)
{
  Fixture f;

  set_up (&f, TRUE);
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  start_with_server (&f, "");
  expect_pixel (&f, 10, 10, 0x336699);
  g_clear_pointer (&f.server, spice_fixture_free);
  expect_words (&f, "lodge-viewer: The ");
  expect_pixel (&f, 10, 10, GREY);
  press (&f, "q");
  expect_end (&f, 0, NULL);
  tear_down (&f);
}

/* A signal closes it, and a key that was down is not held in the guest. */
static void
test_signal (void)
{
  Fixture f;

  set_up (&f, TRUE);
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  start_with_server (&f, "");
  expect_pixel (&f, 10, 10, 0x336699);
  test_wait_polled (is_focused (&f));
  spice_fixture_settle ();
  spice_fixture_clear (f.server);
  test_xdotool ("keydown b");
  spice_fixture_expect_scancodes (f.server, "30");
  g_subprocess_send_signal (f.viewer, SIGTERM);
  expect_end (&f, 0, NULL);
  spice_fixture_expect_scancodes (f.server, "b0");
  test_xdotool ("keyup b");
  tear_down (&f);
}

static void
test_ticket (void)
{
  Fixture f;

  set_up (&f, TRUE);
  spice_fixture_set_ticket (f.server, "secret");
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  g_autofree char *path = g_build_filename (f.folder, "ticket", NULL);
  g_autofree char *words = g_strdup_printf ("--ticket-file %s", path);

  g_assert_true (g_file_set_contents (path, "secret\n", -1, NULL));
  start_with_server (&f, words);
  expect_pixel (&f, 10, 10, 0x336699);
  g_subprocess_send_signal (f.viewer, SIGTERM);
  expect_end (&f, 0, NULL);

  start_with_server (&f, "");
  expect_words (&f, "wants a ticket.\n");
  g_subprocess_send_signal (f.viewer, SIGTERM);
  expect_end (&f, 0, NULL);

  g_assert_true (g_file_set_contents (path, "wrong\n", -1, NULL));
  start_with_server (&f, words);
  expect_words (&f, "refuses this ticket.\n");
  expect_pixel (&f, 10, 10, GREY);
  press (&f, "q");
  expect_end (&f, 0, NULL);
  tear_down (&f);
}

/* On the terminal it is asked for, and not shown; a wrong one is asked for again. */
static void
test_ticket_asked (void)
{
  g_autoptr (GString) shown = g_string_new (NULL);
  int master, slave;
  Fixture f;

  set_up (&f, TRUE);
  spice_fixture_set_ticket (f.server, "secret");
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  master = posix_openpt (O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  g_assert_cmpint (grantpt (master), ==, 0);
  g_assert_cmpint (unlockpt (master), ==, 0);
  slave = open (ptsname (master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_autofree char *words = g_strdup_printf ("--connect spice+unix://%s --no-sound", f.socket);
  start (&f, dup (slave), words);

  expect_words (&f, "wants a ticket. Ticket: ");
  g_assert_cmpint (write (master, "wrong\n", 6), ==, 6);
  expect_words (&f, "refuses this ticket. Ticket: ");
  g_assert_cmpint (write (master, "secret\n", 7), ==, 7);
  expect_pixel (&f, 10, 10, 0x336699);
  g_assert_false (says (master, shown, "secret"));
  g_assert_false (says (master, shown, "wrong"));
  g_subprocess_send_signal (f.viewer, SIGTERM);
  expect_end (&f, 0, NULL);
  close (slave);
  close (master);
  tear_down (&f);
}

/* ---- a bad server */

static gboolean
garbage_cb (GSocketService *service, GSocketConnection *connection, GObject *object, gpointer data)
{
  GBytes *bytes = data;
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (connection));

  g_output_stream_write_all (output, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL,
                             NULL, NULL);
  return TRUE;
}

static void
try_garbage (GBytes *bytes)
{
  g_autoptr (GSocketService) service = g_socket_service_new ();
  Fixture f;

  set_up (&f, FALSE);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (f.socket);
  g_assert_true (g_socket_listener_add_address (G_SOCKET_LISTENER (service), address,
                                                G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
                                                NULL, NULL, NULL));
  g_signal_connect (service, "incoming", G_CALLBACK (garbage_cb), bytes);
  start_with_server (&f, "");
  expect_words (&f, "lodge-viewer: Could not connect");
  expect_pixel (&f, 10, 10, GREY);
  press (&f, "q");
  expect_end (&f, 0, NULL);
  g_socket_service_stop (service);
  g_socket_listener_close (G_SOCKET_LISTENER (service));
  tear_down (&f);
}

static void
test_garbage (void)
{
  /* No protocol; then SPICE's greeting with sizes that cannot be. */
  static const guint8 greeting[] = {'R',  'E',  'D',  'Q',  2,    0,    0,    0,    2,    0,
                                    0,    0,    0xff, 0xff, 0xff, 0x7f, 0,    0,    0,    0,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  g_autoptr (GBytes) text = g_bytes_new_static ("HTTP/1.1 400 Bad Request\r\n\r\n", 28);
  g_autoptr (GBytes) sizes = g_bytes_new_static (greeting, sizeof greeting);

  try_garbage (text);
  try_garbage (sizes);
}

/* ---- a machine */

/* The only child of a process, or 0. */
static int
find_child (int parent)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task/%d/children", parent, parent);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? atoi (text) : 0;
}

static void
test_machine (void)
{
  g_autoptr (FakeEngine) engine = fake_engine_new (NULL);
  Fixture f;

  set_up (&f, TRUE);
  fake_engine_add_machine (engine, "web", "off");
  fake_engine_set_spice_socket (engine, "web", f.socket);
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  start (&f, -1, "web --no-sound");
  expect_pixel (&f, 10, 10, GREY);
  press (&f, "Return");
  expect_pixel (&f, 10, 10, 0x336699);
  g_autofree char *state = fake_engine_dup_state (engine, "web");
  g_assert_cmpstr (state, ==, "running");
  /* Its window comes back when what a guest sends brings it down. */
  const int window = find_child (atoi (g_subprocess_get_identifier (f.viewer)));
  g_assert_cmpint (window, >, 0);
  g_assert_cmpint (kill (window, SIGSEGV), ==, 0);
  test_wait_polled (find_child (atoi (g_subprocess_get_identifier (f.viewer))) != window);
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x993366);
  expect_pixel (&f, 10, 10, 0x993366);
  /* What is Lodge's own is not shut off. */
  g_assert_true (has_status (&f, "\nSeccomp:\t0\n"));
  fake_engine_set_state (engine, "web", "off");
  expect_pixel (&f, 10, 10, GREY);
  press (&f, "q");
  expect_end (&f, 0, NULL);
  tear_down (&f);
}

/* ---- what cannot be */

static void
check_end (const char *words, int code, const char *said)
{
  Fixture f;

  set_up (&f, FALSE);
  start (&f, -1, words);
  expect_end (&f, code, said);
  tear_down (&f);
}

static void
test_refused (void)
{
  g_autoptr (FakeEngine) engine = fake_engine_new (NULL);

  check_end ("", 2, "Name a machine");
  check_end ("--connect 'spice://host:1?password=x'", 2, "a ticket does not belong there");
  check_end ("--connect file:///etc/passwd", 2, "no address of a SPICE server");
  check_end ("nobody", 1, "nobody");

  Fixture f;
  set_up (&f, FALSE);
  g_setenv ("DISPLAY", ":4711", TRUE); /* a number that Xvfb never takes */
  start (&f, -1, "--connect spice+unix:///nowhere");
  expect_end (&f, 1, "There is no display");
  tear_down (&f);
}

static void
run (gconstpointer test)
{
  spice_fixture_run ((void (*) (void)) test);
}

#define ADD(path, test)                                                                            \
  g_test_add_data_func ("/viewer/" path, (gconstpointer) (void (*) (void)) test, run)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  XSetErrorHandler (ignore_error);
  /* libspice-server, like QEMU around it, writes to clients that have gone. */
  signal (SIGPIPE, SIG_IGN);
  ADD ("server", test_server);
  ADD ("server-goes", test_server_goes);
  ADD ("signal", test_signal);
  ADD ("ticket", test_ticket);
  ADD ("ticket-asked", test_ticket_asked);
  ADD ("garbage", test_garbage);
  ADD ("machine", test_machine);
  ADD ("refused", test_refused);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer as it is run: with a machine of Lodge's, with foreign servers good and bad, and with
 * wrong words. */
#include "viewer-fixture.h"

#include "fake-engine.h"
#include "lodge-client.h"
#include "test-wait.h"
#include "test-xdotool.h"

#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a foreign server */

static void
test_server (void)
{
  ViewerFixture f;

  viewer_fixture_set_up (&f, TRUE);
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  viewer_fixture_start_with_server (&f, "");
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  /* It has shut itself off. */
  g_assert_true (viewer_fixture_has_status (&f, "\nNoNewPrivs:\t1\n"));
  g_assert_true (viewer_fixture_has_status (&f, "\nSeccomp:\t2\n"));
  test_wait_polled (viewer_fixture_has_status (&f, "\nSeccomp_filters:\t2\n"));
  /* And works. */
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x993366);
  viewer_fixture_expect_pixel (&f, 10, 10, 0x993366);
  spice_fixture_clear (f.server);
  viewer_fixture_press (&f, "a");
  spice_fixture_expect_scancodes (f.server, "1e 9e");

  viewer_fixture_press (&f, "ctrl+alt");
  spice_fixture_expect_scancodes (f.server, "1d 38 9d b8");
  viewer_fixture_press (&f, "q");
  viewer_fixture_expect_end (&f, 0, NULL);
  viewer_fixture_tear_down (&f);
}

static void
test_server_goes (void)
{
  ViewerFixture f;

  viewer_fixture_set_up (&f, TRUE);
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  viewer_fixture_start_with_server (&f, "");
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  /* With all its channels: one that is half made is left open by a server that goes. */
  test_wait_polled (viewer_fixture_has_status (&f, "\nSeccomp_filters:\t2\n"));
  g_clear_pointer (&f.server, spice_fixture_free);
  viewer_fixture_expect_words (&f, "lodge-viewer: The ");
  viewer_fixture_expect_pixel (&f, 10, 10, VIEWER_FIXTURE_GREY);
  viewer_fixture_press (&f, "q");
  viewer_fixture_expect_end (&f, 0, NULL);
  viewer_fixture_tear_down (&f);
}

/* Where files cannot be kept from it, a server is shown only if that is wanted. */
static void
test_no_landlock (void)
{
  ViewerFixture f;

  viewer_fixture_set_up (&f, TRUE);
  f.no_landlock = TRUE;
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  viewer_fixture_start_with_server (&f, "");
  viewer_fixture_expect_end (&f, 1, "has no Landlock");

  viewer_fixture_start_with_server (&f, "--without-landlock");
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  g_subprocess_send_signal (f.viewer, SIGTERM);
  viewer_fixture_expect_end (&f, 0, NULL);
  viewer_fixture_tear_down (&f);
}

/* A signal closes it, and a key that was down is not held in the guest. */
static void
test_signal (void)
{
  ViewerFixture f;

  viewer_fixture_set_up (&f, TRUE);
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  viewer_fixture_start_with_server (&f, "");
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  /* All channels are open: it has its last filter. */
  test_wait_polled (viewer_fixture_has_status (&f, "\nSeccomp_filters:\t2\n"));
  viewer_fixture_wait_for_focus (&f);
  spice_fixture_settle ();
  spice_fixture_clear (f.server);
  test_xdotool ("keydown b");
  spice_fixture_expect_scancodes (f.server, "30");
  g_subprocess_send_signal (f.viewer, SIGTERM);
  viewer_fixture_expect_end (&f, 0, NULL);
  spice_fixture_expect_scancodes (f.server, "b0");
  test_xdotool ("keyup b");
  viewer_fixture_tear_down (&f);
}

static void
test_ticket (void)
{
  ViewerFixture f;

  viewer_fixture_set_up (&f, TRUE);
  spice_fixture_set_ticket (f.server, "secret");
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  g_autofree char *path = g_build_filename (f.folder, "ticket", NULL);
  g_autofree char *words = g_strdup_printf ("--ticket-file %s", path);

  g_assert_true (g_file_set_contents (path, "secret\n", -1, NULL));
  viewer_fixture_start_with_server (&f, words);
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  g_subprocess_send_signal (f.viewer, SIGTERM);
  viewer_fixture_expect_end (&f, 0, NULL);

  viewer_fixture_start_with_server (&f, "");
  viewer_fixture_expect_words (&f, "wants a ticket.\n");
  g_subprocess_send_signal (f.viewer, SIGTERM);
  viewer_fixture_expect_end (&f, 0, NULL);

  g_assert_true (g_file_set_contents (path, "wrong\n", -1, NULL));
  viewer_fixture_start_with_server (&f, words);
  viewer_fixture_expect_words (&f, "refuses this ticket.\n");
  viewer_fixture_expect_pixel (&f, 10, 10, VIEWER_FIXTURE_GREY);
  viewer_fixture_press (&f, "q");
  viewer_fixture_expect_end (&f, 0, NULL);
  viewer_fixture_tear_down (&f);
}

/* On the terminal it is asked for, and not shown; a wrong one is asked for again. */
static void
test_ticket_asked (void)
{
  g_autoptr (GString) shown = g_string_new (NULL);
  int master, slave;
  ViewerFixture f;

  viewer_fixture_set_up (&f, TRUE);
  spice_fixture_set_ticket (f.server, "secret");
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x336699);
  master = posix_openpt (O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  g_assert_cmpint (grantpt (master), ==, 0);
  g_assert_cmpint (unlockpt (master), ==, 0);
  slave = open (ptsname (master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_autofree char *words = g_strdup_printf ("--connect spice+unix://%s --no-sound", f.socket);
  viewer_fixture_start (&f, dup (slave), words);

  viewer_fixture_expect_words (&f, "wants a ticket. Ticket: ");
  g_assert_cmpint (write (master, "wrong\n", 6), ==, 6);
  viewer_fixture_expect_words (&f, "refuses this ticket. Ticket: ");
  g_assert_cmpint (write (master, "secret\n", 7), ==, 7);
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  g_assert_false (viewer_fixture_says (master, shown, "secret"));
  g_assert_false (viewer_fixture_says (master, shown, "wrong"));
  g_subprocess_send_signal (f.viewer, SIGTERM);
  viewer_fixture_expect_end (&f, 0, NULL);
  close (slave);
  close (master);
  viewer_fixture_tear_down (&f);
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
  ViewerFixture f;

  viewer_fixture_set_up (&f, FALSE);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (f.socket);
  g_assert_true (g_socket_listener_add_address (G_SOCKET_LISTENER (service), address,
                                                G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
                                                NULL, NULL, NULL));
  g_signal_connect (service, "incoming", G_CALLBACK (garbage_cb), bytes);
  viewer_fixture_start_with_server (&f, "");
  viewer_fixture_expect_words (&f, "lodge-viewer: Could not connect");
  viewer_fixture_expect_pixel (&f, 10, 10, VIEWER_FIXTURE_GREY);
  viewer_fixture_press (&f, "q");
  viewer_fixture_expect_end (&f, 0, NULL);
  g_socket_service_stop (service);
  g_socket_listener_close (G_SOCKET_LISTENER (service));
  viewer_fixture_tear_down (&f);
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

/* Enter does nothing while the viewer still looks for the machine. */
static gboolean
is_started (ViewerFixture *f, FakeEngine *engine)
{
  g_autofree char *state = fake_engine_dup_state (engine, "web");

  if (g_str_equal (state, "running"))
    return TRUE;
  viewer_fixture_press (f, "Return");
  return FALSE;
}

/* A machine whose guest's screen is of one colour. Returns: (transfer full) */
static FakeEngine *
set_up_machine (ViewerFixture *f, const char *state)
{
  FakeEngine *engine = fake_engine_new (NULL);

  viewer_fixture_set_up (f, TRUE);
  fake_engine_add_machine (engine, "web", state);
  fake_engine_set_spice_socket (engine, "web", f->socket);
  spice_fixture_fill (f->server, 0, 0, 320, 240, 0x336699);
  return engine;
}

static void
test_machine (void)
{
  ViewerFixture f;
  g_autoptr (FakeEngine) engine = set_up_machine (&f, "off");

  viewer_fixture_start (&f, -1, "web --no-sound");
  viewer_fixture_expect_pixel (&f, 10, 10, VIEWER_FIXTURE_GREY);
  test_wait_polled (is_started (&f, engine));
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  /* Its window comes back when what a guest sends brings it down. */
  const int window = find_child (atoi (g_subprocess_get_identifier (f.viewer)));
  g_assert_cmpint (window, >, 0);
  g_assert_cmpint (kill (window, SIGSEGV), ==, 0);
  test_wait_polled (find_child (atoi (g_subprocess_get_identifier (f.viewer))) != window);
  spice_fixture_fill (f.server, 0, 0, 320, 240, 0x993366);
  viewer_fixture_expect_pixel (&f, 10, 10, 0x993366);
  /* What is Lodge's own is not shut off. */
  g_assert_true (viewer_fixture_has_status (&f, "\nSeccomp:\t0\n"));
  fake_engine_set_state (engine, "web", "off");
  viewer_fixture_expect_pixel (&f, 10, 10, VIEWER_FIXTURE_GREY);
  viewer_fixture_press (&f, "q");
  viewer_fixture_expect_end (&f, 0, NULL);
  viewer_fixture_tear_down (&f);
}

static gboolean
was_called (FakeEngine *engine, const char *call)
{
  g_auto (GStrv) calls = fake_engine_dup_calls (engine);

  return g_strv_contains ((const char *const *) calls, call);
}

/* Its window may still be of another size, or the answer on its way. */
static gboolean
has_pointed (ViewerFixture *f, FakeEngine *engine)
{
  test_xdotool ("mousemove --window %lu 11 20 mousemove --window %lu 10 20", f->xid, f->xid);
  /* In the guest's 640 by 240 pixels. */
  return was_called (engine, "Point web 537 2798 0 0");
}

/* Through the engine, where the guest has no agent. */
static void
test_resize (void)
{
  ViewerFixture f;
  g_autoptr (FakeEngine) engine = set_up_machine (&f, "running");

  viewer_fixture_start (&f, -1, "web --no-sound");
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  test_xdotool ("windowsize %lu 700 500", f.xid);
  test_wait_polled (was_called (engine, "SetDisplaySize web 0 700 500"));
  g_subprocess_send_signal (f.viewer, SIGTERM);
  viewer_fixture_expect_end (&f, 0, NULL);
  viewer_fixture_tear_down (&f);
}

/* Also one that the window was given while the engine was away. */
static void
test_resize_without_engine (void)
{
  ViewerFixture f;
  g_autoptr (FakeEngine) engine = set_up_machine (&f, "running");

  viewer_fixture_start (&f, -1, "web --no-sound");
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  fake_engine_set_api_version (engine, LODGE_CLIENT_API_VERSION + 1);
  fake_engine_drop_clients (engine);
  test_wait_polled (fake_engine_get_n_clients (engine) == 0);
  test_xdotool ("windowsize %lu 700 500", f.xid);
  viewer_fixture_expect_size (&f, 700, 500);
  /* Until a window that is being resized is taken to be done with it. */
  test_wait_ms (500);
  g_assert_false (was_called (engine, "SetDisplaySize web 0 700 500"));
  fake_engine_set_api_version (engine, LODGE_CLIENT_API_VERSION);
  test_wait_polled (was_called (engine, "SetDisplaySize web 0 700 500"));
  g_subprocess_send_signal (f.viewer, SIGTERM);
  viewer_fixture_expect_end (&f, 0, NULL);
  viewer_fixture_tear_down (&f);
}

/* A monitor that is off is switched on when it is to be shown, and off when it is no more. */
static void
test_monitor (void)
{
  const int both[] = {0, 0, 160, 240, 160, 0, 160, 240};
  ViewerFixture f;
  g_autoptr (FakeEngine) engine = set_up_machine (&f, "running");

  spice_fixture_fill (f.server, 160, 0, 160, 240, 0x993366);
  viewer_fixture_start (&f, -1, "--monitor 2 web --no-sound");
  test_wait_polled (was_called (engine, "SetDisplaySize web 1 1024 768"));
  spice_fixture_set_monitors (f.server, 2, both);
  viewer_fixture_expect_pixel (&f, 10, 10, 0x993366);
  viewer_fixture_press (&f, "ctrl+alt");
  viewer_fixture_press (&f, "q");
  viewer_fixture_expect_end (&f, 0, NULL);
  test_wait_polled (was_called (engine, "SetDisplaySize web 1 0 0"));
  viewer_fixture_tear_down (&f);
}

/* Why it is off is told where that can be told: there is no agent that could switch it on. */
static void
test_monitor_without_agent (void)
{
  ViewerFixture f;
  g_autoptr (FakeEngine) engine = set_up_machine (&f, "off");
  int two_lines;

  viewer_fixture_start (&f, -1, "--monitor 2 web --no-sound");
  viewer_fixture_expect_pixel (&f, 10, 10, VIEWER_FIXTURE_GREY);
  test_wait_polled ((two_lines = viewer_fixture_measure_words (&f)) > 0);
  fake_engine_set_state (engine, "web", "running");
  test_wait_polled (viewer_fixture_measure_words (&f) > 2 * two_lines);
  spice_fixture_set_agent (f.server, TRUE);
  test_wait_polled (viewer_fixture_measure_words (&f) < 2 * two_lines);
  viewer_fixture_press (&f, "ctrl+alt");
  viewer_fixture_press (&f, "q");
  viewer_fixture_expect_end (&f, 0, NULL);
  viewer_fixture_tear_down (&f);
}

/* A guest without an agent that has a card with several monitors, each a display channel: SPICE
 * takes no places for its tablet then, and the engine does. */
static void
test_tablet (void)
{
  ViewerFixture f;
  g_autoptr (FakeEngine) engine = set_up_machine (&f, "running");

  spice_fixture_add_channel (f.server, 320, 240);
  fake_engine_set_absolute (engine, "web", TRUE);
  viewer_fixture_start (&f, -1, "web --no-sound");
  viewer_fixture_expect_pixel (&f, 10, 10, 0x336699);
  test_wait_polled (was_called (engine, "IsPointerAbsolute web"));
  test_wait_polled (has_pointed (&f, engine));
  g_subprocess_send_signal (f.viewer, SIGTERM);
  viewer_fixture_expect_end (&f, 0, NULL);
  viewer_fixture_tear_down (&f);
}

/* The screen that xvfb-test makes. */
#define SCREEN_WIDTH  1600
#define SCREEN_HEIGHT 1200

/* The picture is as large as the screen, and so is the guest asked to be. */
static void
test_full_screen (void)
{
  ViewerFixture f;
  g_autoptr (FakeEngine) engine = set_up_machine (&f, "running");

  viewer_fixture_start (&f, -1, "--full-screen web --no-sound");
  viewer_fixture_expect_size (&f, SCREEN_WIDTH, SCREEN_HEIGHT);
  viewer_fixture_expect_pixel (&f, 0, 0, 0x336699);
  viewer_fixture_expect_pixel (&f, SCREEN_WIDTH - 1, SCREEN_HEIGHT - 1, 0x336699);
  test_wait_polled (was_called (engine, "SetDisplaySize web 0 1600 1200"));
  /* And back. */
  viewer_fixture_press (&f, "F11");
  viewer_fixture_expect_size (&f, 1024, 768);
  viewer_fixture_press (&f, "ctrl+alt");
  viewer_fixture_press (&f, "q");
  viewer_fixture_expect_end (&f, 0, NULL);

  /* A foreign server's, too. */
  viewer_fixture_start_with_server (&f, "--full-screen");
  viewer_fixture_expect_size (&f, SCREEN_WIDTH, SCREEN_HEIGHT);
  viewer_fixture_expect_pixel (&f, SCREEN_WIDTH - 1, SCREEN_HEIGHT - 1, 0x336699);
  g_subprocess_send_signal (f.viewer, SIGTERM);
  viewer_fixture_expect_end (&f, 0, NULL);
  viewer_fixture_tear_down (&f);
}

/* ---- what cannot be */

static void
check_end (const char *words, int code, const char *said)
{
  ViewerFixture f;

  viewer_fixture_set_up (&f, FALSE);
  viewer_fixture_start (&f, -1, words);
  viewer_fixture_expect_end (&f, code, said);
  viewer_fixture_tear_down (&f);
}

static void
test_refused (void)
{
  g_autoptr (FakeEngine) engine = fake_engine_new (NULL);

  check_end ("", 2, "Name a machine");
  check_end ("--connect 'spice://host:1?password=x'", 2, "a ticket does not belong there");
  check_end ("--connect file:///etc/passwd", 2, "no address of a SPICE server");
  g_assert_cmpuint (fake_engine_get_n_machines (engine), ==, 0);
  check_end ("nobody", 1, "nobody");

  ViewerFixture f;
  viewer_fixture_set_up (&f, FALSE);
  g_setenv ("DISPLAY", ":4711", TRUE); /* a number that Xvfb never takes */
  viewer_fixture_start (&f, -1, "--connect spice+unix:///nowhere");
  viewer_fixture_expect_end (&f, 1, "There is no display");
  viewer_fixture_tear_down (&f);
}

int
main (int argc, char **argv)
{
  viewer_fixture_init (&argc, &argv);
  viewer_fixture_add ("/viewer/server", test_server);
  viewer_fixture_add ("/viewer/server-goes", test_server_goes);
  viewer_fixture_add ("/viewer/no-landlock", test_no_landlock);
  viewer_fixture_add ("/viewer/signal", test_signal);
  viewer_fixture_add ("/viewer/ticket", test_ticket);
  viewer_fixture_add ("/viewer/ticket-asked", test_ticket_asked);
  viewer_fixture_add ("/viewer/garbage", test_garbage);
  viewer_fixture_add ("/viewer/machine", test_machine);
  viewer_fixture_add ("/viewer/resize", test_resize);
  viewer_fixture_add ("/viewer/resize-without-engine", test_resize_without_engine);
  viewer_fixture_add ("/viewer/monitor", test_monitor);
  viewer_fixture_add ("/viewer/monitor-without-agent", test_monitor_without_agent);
  viewer_fixture_add ("/viewer/tablet", test_tablet);
  viewer_fixture_add ("/viewer/full-screen", test_full_screen);
  viewer_fixture_add ("/viewer/refused", test_refused);
  return g_test_run ();
}

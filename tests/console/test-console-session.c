/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting, losing the connection, connecting again; and asking the guest for a size. */
#include "console/lodge-console-session.h"
#include "lodge-error.h"
#include "spice-fixture-agent.h"
#include "spice-fixture.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  SpiceFixture *server;
  LodgeConsoleSession *session;
  guint ends; /* how often "disconnected" came */
  GError *error;
  const char *property;
  gboolean value;
} Test;

static void
disconnected_cb (LodgeConsoleSession *session, const GError *error, Test *test)
{
  gboolean connected;

  g_object_get (session, "connected", &connected, NULL);
  g_assert_false (connected);
  test->ends++;
  g_clear_error (&test->error);
  if (error != NULL)
    test->error = g_error_copy (error);
}

static gboolean
has_ended (gpointer data)
{
  return ((Test *) data)->ends > 0;
}

static gboolean
has_value (gpointer data)
{
  Test *test = data;
  gboolean value;

  g_object_get (test->session, test->property, &value, NULL);
  return value == test->value;
}

static void
expect (Test *test, const char *property, gboolean value)
{
  test->property = property;
  test->value = value;
  g_assert_true (spice_fixture_wait (has_value, test));
}

static gboolean
has_frame (gpointer data)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_source (((Test *) data)->session),
                                &frame);
  return frame.data != NULL;
}

static void
take (Test *test, LodgeConsoleSession *session)
{
  test->session = session;
  g_signal_connect (session, "disconnected", G_CALLBACK (disconnected_cb), test);
}

static void
setup (Test *test)
{
  *test = (Test){.server = spice_fixture_new (640, 480, TRUE)};
  take (test, lodge_console_session_new_for_open (spice_fixture_open, test->server));
}

static void
teardown (Test *test)
{
  g_assert_finalize_object (test->session);
  g_clear_error (&test->error);
  spice_fixture_settle ();
  if (test->server != NULL)
    spice_fixture_free (test->server);
}

static void
test_connects (void)
{
  Test test;

  setup (&test);
  g_assert_false (has_frame (&test));
  lodge_console_session_open (test.session);
  lodge_console_session_open (test.session); /* does nothing more */
  expect (&test, "connected", TRUE);
  g_assert_true (spice_fixture_wait (has_frame, &test));

  lodge_console_session_close (test.session);
  expect (&test, "connected", FALSE);
  g_assert_false (has_frame (&test));
  lodge_console_session_close (test.session);
  spice_fixture_settle ();
  g_assert_cmpuint (test.ends, ==, 0);
  teardown (&test);
}

static void
test_socket (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "spice.sock", NULL);
  Test test = {.server = spice_fixture_new_at (path, 640, 480)};

  /* A proxy in the environment is not for this. */
  g_setenv ("SPICE_PROXY", "http://127.0.0.1:9", TRUE);
  take (&test, lodge_console_session_new (path));
  lodge_console_session_open (test.session);
  expect (&test, "connected", TRUE);
  g_assert_true (spice_fixture_wait (has_frame, &test));
  teardown (&test);
  g_unlink (path);
  g_rmdir (folder);
}

/* The error is one sentence that says where. */
static void
expect_failure (Test *test, const char *path, int code)
{
  g_assert_true (spice_fixture_wait (has_ended, test));
  g_assert_error (test->error, LODGE_ERROR, code);
  g_test_message ("%s", test->error->message);
  if (path != NULL)
    g_assert_nonnull (strstr (test->error->message, path));
  g_assert_null (strchr (test->error->message, '\n'));
  spice_fixture_settle ();
  g_assert_cmpuint (test->ends, ==, 1);
}

static void
test_no_socket (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "spice.sock", NULL);
  Test test = {0};

  take (&test, lodge_console_session_new (path));
  lodge_console_session_open (test.session);
  expect_failure (&test, path, LODGE_ERROR_FAILED);

  /* And it can be tried again. */
  test.ends = 0;
  lodge_console_session_open (test.session);
  expect_failure (&test, path, LODGE_ERROR_FAILED);
  teardown (&test);
  g_rmdir (folder);
}

typedef struct {
  int pair[2];
  const char *says;
} Stranger;

static int
open_stranger (gpointer data)
{
  Stranger *stranger = data;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stranger->pair), ==, 0);
  if (stranger->says != NULL)
    g_assert_cmpint (write (stranger->pair[0], stranger->says, strlen (stranger->says)), >, 0);
  else
    shutdown (stranger->pair[0], SHUT_RDWR);
  return stranger->pair[1];
}

/* At the other end there is something, but no SPICE. */
static void
test_stranger (void)
{
  static const char *const says[] = {NULL, "HTTP/1.1 400 Bad Request\r\n\r\n", "RED"};

  for (gsize i = 0; i < G_N_ELEMENTS (says); i++) {
    Stranger stranger = {.says = says[i]};
    Test test = {0};

    take (&test, lodge_console_session_new_for_open (open_stranger, &stranger));
    lodge_console_session_open (test.session);
    if (i == 2) {
      spice_fixture_settle ();
      g_assert_cmpuint (test.ends, ==, 0);
      shutdown (stranger.pair[0], SHUT_RDWR);
    }
    expect_failure (&test, NULL, LODGE_ERROR_FAILED);
    teardown (&test);
    close (stranger.pair[0]);
  }
}

static void
test_refused (void)
{
  Test test;

  setup (&test);
  spice_fixture_refuse (test.server);
  lodge_console_session_open (test.session);
  expect_failure (&test, NULL, LODGE_ERROR_FAILED);
  teardown (&test);
}

/* The machine went off: nothing failed, so there is no error. */
static void
test_cut (void)
{
  Test test;

  setup (&test);
  for (int i = 0; i < 5; i++) {
    test.ends = 0;
    lodge_console_session_open (test.session);
    expect (&test, "connected", TRUE);
    g_assert_true (spice_fixture_wait (has_frame, &test));
    lodge_console_session_key (test.session, 30, TRUE);

    spice_fixture_cut (test.server);
    g_assert_true (spice_fixture_wait (has_ended, &test));
    g_assert_false (has_frame (&test));
    spice_fixture_settle ();
    g_assert_cmpuint (test.ends, ==, 1);
    g_assert_no_error (test.error);
  }
  teardown (&test);
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

/* A day of windows that are opened and closed: nothing is left of any. What it takes of memory is
 * LeakSanitizer's to say. None is cut: libspice-server 0.15 crashes in one of some hundred such
 * ends. */
static void
test_hundred_times (void)
{
  guint descriptors = 0;
  Test test;

  setup (&test);
  for (guint i = 0; i < 100; i++) {
    lodge_console_session_open (test.session);
    expect (&test, "connected", TRUE);
    g_assert_true (spice_fixture_wait (has_frame, &test));
    spice_fixture_fill (test.server, 0, 0, 64, 64, i * 0x010203);
    lodge_console_session_key (test.session, 30, TRUE);
    lodge_console_session_close (test.session);
    expect (&test, "connected", FALSE);
    g_assert_false (has_frame (&test));
    spice_fixture_settle ();
    spice_fixture_cut (test.server);
    /* The first ones open what stays. */
    if (i == 4)
      descriptors = count_descriptors ();
  }
  g_assert_cmpuint (test.ends, ==, 0);
  g_assert_cmpuint (count_descriptors (), <=, descriptors);
  teardown (&test);
}

/* Thrown away in the middle of connecting, at any moment. */
static void
test_dropped_early (void)
{
  Test test;

  for (int turns = 0; turns < 40; turns++) {
    setup (&test);
    lodge_console_session_open (test.session);
    for (int i = 0; i < turns; i++)
      g_main_context_iteration (NULL, FALSE);
    g_assert_finalize_object (test.session);
    spice_fixture_settle ();
    g_assert_cmpuint (test.ends, ==, 0);
    spice_fixture_free (test.server);
  }
}

static gboolean
is_being_taken (gpointer server)
{
  return spice_fixture_get_n_taken (server) > 0;
}

static gboolean
is_over (gpointer data)
{
  return !lodge_console_session_is_ending ();
}

/* A server that is busy hears all at once what a client has said and that it has gone: it would
 * crash, and the guest with it. */
static void
test_busy_server (void)
{
  Test test;

  setup (&test);
  spice_fixture_set_take_ms (test.server, 300);
  lodge_console_session_open (test.session);
  g_assert_true (spice_fixture_wait (is_being_taken, test.server));
  lodge_console_session_close (test.session);
  g_assert_true (lodge_console_session_is_ending ());
  g_assert_true (spice_fixture_wait (is_over, NULL));
  teardown (&test);
}

static void
close_cb (LodgeConsoleSession *session, const GError *error, Test *test)
{
  lodge_console_session_close (session);
  lodge_console_session_open (session);
}

/* A handler that opens it again at once, as the console's window does. */
static void
test_reopen_in_handler (void)
{
  Test test;

  setup (&test);
  g_signal_connect (test.session, "disconnected", G_CALLBACK (close_cb), &test);
  lodge_console_session_open (test.session);
  expect (&test, "connected", TRUE);
  spice_fixture_cut (test.server);
  g_assert_true (spice_fixture_wait (has_ended, &test));
  expect (&test, "connected", TRUE);
  g_assert_true (spice_fixture_wait (has_frame, &test));
  teardown (&test);
}

/* ---- the program's end */

typedef struct {
  int fd;
  ino_t inode;
} End;

typedef struct {
  Test test;
  GArray *ends; /* of End: the client's of all connections */
} Program;

static int
open_noted (gpointer data)
{
  Program *program = data;
  End end = {.fd = spice_fixture_open (program->test.server)};
  struct stat st;

  g_assert_cmpint (fstat (end.fd, &st), ==, 0);
  end.inode = st.st_ino;
  g_array_append_val (program->ends, end);
  return end.fd;
}

static guint
count_open (GArray *ends)
{
  guint n = 0;

  for (guint i = 0; i < ends->len; i++) {
    const End *end = &g_array_index (ends, End, i);
    struct stat st;

    n += fstat (end->fd, &st) == 0 && st.st_ino == end->inode;
  }
  return n;
}

/* The last window closes. */
static gboolean
close_last_cb (gpointer user_data)
{
  Program *program = user_data;
  GApplication *application = g_application_get_default ();

  if (!has_frame (&program->test))
    return G_SOURCE_CONTINUE;
  g_assert_cmpuint (count_open (program->ends), >=, 3);
  g_application_release (application);
  g_assert_finalize_object (g_steal_pointer (&program->test.session));
  return G_SOURCE_REMOVE;
}

static void
activate_cb (GApplication *application, Program *program)
{
  g_application_hold (application);
  lodge_console_session_open (program->test.session);
  g_timeout_add (10, close_last_cb, program);
}

/* All channels are closed, in their order, before the program ends: by then it has no loop any more
 * that could do it. */
static void
test_last_window (void)
{
  g_autoptr (GApplication) application = g_application_new (NULL, G_APPLICATION_NON_UNIQUE);
  Program program = {.test = {.server = spice_fixture_new (640, 480, TRUE)}};

  program.ends = g_array_new (FALSE, FALSE, sizeof (End));
  take (&program.test, lodge_console_session_new_for_open (open_noted, &program));
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), &program);
  g_assert_cmpint (g_application_run (application, 0, NULL), ==, 0);
  g_assert_null (program.test.session);
  g_assert_cmpuint (count_open (program.ends), ==, 0);
  spice_fixture_settle ();
  spice_fixture_free (program.test.server);
  g_array_unref (program.ends);
}

/* ---- size */

typedef struct {
  SpiceFixture *server;
  int width, height;
} Size;

static gboolean
has_size (gpointer data)
{
  Size *want = data;
  int width, height;

  spice_fixture_get_asked_size (want->server, &width, &height);
  return width == want->width && height == want->height;
}

static void
expect_size (Test *test, int width, int height)
{
  Size want = {test->server, width, height};

  g_assert_true (spice_fixture_wait (has_size, &want));
}

static void
test_resize (void)
{
  Test test;

  setup (&test);
  lodge_console_session_open (test.session);
  expect (&test, "connected", TRUE);
  expect (&test, "can-resize", FALSE);
  lodge_console_session_resize (test.session, 1234, 777);
  spice_fixture_settle ();
  g_assert_cmpuint (spice_fixture_get_asked_size (test.server, NULL, NULL), ==, 0);

  /* The guest's port appears: it is told what was wanted before. */
  spice_fixture_set_agent (test.server, TRUE);
  expect (&test, "can-resize", TRUE);
  expect_size (&test, 1234, 777);

  /* The same again is not sent. */
  spice_fixture_settle ();
  guint asked = spice_fixture_get_asked_size (test.server, NULL, NULL);
  lodge_console_session_resize (test.session, 1234, 777);
  spice_fixture_settle ();
  g_assert_cmpuint (spice_fixture_get_asked_size (test.server, NULL, NULL), ==, asked);
  lodge_console_session_resize (test.session, 800, 600);
  expect_size (&test, 800, 600);

  /* Nonsense is made the nearest sense. */
  lodge_console_session_resize (test.session, -1, 0);
  expect_size (&test, 320, 200);
  lodge_console_session_resize (test.session, G_MAXINT, 300);
  expect_size (&test, 16384, 300);

  spice_fixture_set_agent (test.server, FALSE);
  expect (&test, "can-resize", FALSE);
  teardown (&test);
}

static gboolean
has_picture (gpointer data)
{
  LodgeFrame frame = {0};

  lodge_frame_source_get_frame (lodge_console_session_get_source (((Test *) data)->session),
                                &frame);
  return frame.width > 0;
}

static gboolean
has_no_picture (gpointer data)
{
  return !has_picture (data);
}

static gboolean
asks_for_two (gpointer data)
{
  return spice_fixture_get_asked_monitors (((Test *) data)->server) == 2;
}

static gboolean
asks_for_one (gpointer data)
{
  return spice_fixture_get_asked_monitors (((Test *) data)->server) == 1;
}

/* A first monitor that shall not follow its window keeps its size when others come and go. */
static void
test_further (void)
{
  SpiceFixtureAgent *agent;
  Test test;
  int width, height;

  setup (&test);
  agent = spice_fixture_agent_new (test.server);
  lodge_console_session_open (test.session);
  expect (&test, "can-resize", TRUE);
  g_assert_true (spice_fixture_wait (has_picture, &test));
  lodge_console_session_resize (test.session, 1234, 777);
  expect_size (&test, 1234, 777);
  lodge_console_session_set_follows (test.session, 0, FALSE);
  lodge_console_session_set_follows (test.session, 1, FALSE);

  lodge_console_session_resize_monitor (test.session, 1, 800, 600);
  g_assert_true (spice_fixture_wait (asks_for_two, &test));
  spice_fixture_get_asked_size (test.server, &width, &height);
  g_assert_cmpint (width, ==, 640);
  g_assert_cmpint (height, ==, 480);

  /* There is no picture now that it could be told to keep: then later. */
  spice_fixture_blank (test.server);
  g_assert_true (spice_fixture_wait (has_no_picture, &test));
  lodge_console_session_resize_monitor (test.session, 1, 0, 0);
  spice_fixture_settle ();
  g_assert_cmpuint (spice_fixture_get_asked_monitors (test.server), ==, 2);
  spice_fixture_resize (test.server, 400, 300);
  g_assert_true (spice_fixture_wait (asks_for_one, &test));
  expect_size (&test, 400, 300);
  guint asked = spice_fixture_get_asked_size (test.server, NULL, NULL);

  /* Its agent begins anew: the library, which waits a second, has nothing to say again. */
  spice_fixture_agent_announce (agent, SPICE_FIXTURE_AGENT_LINUX);
  spice_fixture_run_for (1500);
  g_assert_cmpuint (spice_fixture_get_asked_size (test.server, NULL, NULL), ==, asked);

  /* It follows again: the same as before is news. */
  lodge_console_session_set_follows (test.session, 0, TRUE);
  lodge_console_session_resize (test.session, 1234, 777);
  expect_size (&test, 1234, 777);
  spice_fixture_agent_free (agent);
  teardown (&test);
}

#define TEST(name)                                                                                 \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
TEST (connects)
TEST (socket)
TEST (no_socket)
TEST (stranger)
TEST (refused)
TEST (cut)
TEST (hundred_times)
TEST (dropped_early)
TEST (busy_server)
TEST (reopen_in_handler)
TEST (last_window)
TEST (resize)
TEST (further)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/console-session/connects", run_connects);
  g_test_add_func ("/console-session/socket", run_socket);
  g_test_add_func ("/console-session/no-socket", run_no_socket);
  g_test_add_func ("/console-session/stranger", run_stranger);
  g_test_add_func ("/console-session/refused", run_refused);
  g_test_add_func ("/console-session/cut", run_cut);
  g_test_add_func ("/console-session/hundred-times", run_hundred_times);
  g_test_add_func ("/console-session/dropped-early", run_dropped_early);
  g_test_add_func ("/console-session/busy-server", run_busy_server);
  g_test_add_func ("/console-session/reopen-in-handler", run_reopen_in_handler);
  g_test_add_func ("/console-session/last-window", run_last_window);
  g_test_add_func ("/console-session/resize", run_resize);
  g_test_add_func ("/console-session/further", run_further);
  return g_test_run ();
}

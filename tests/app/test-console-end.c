/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window's process is asked to end while its connection is just being made: by a signal, as
 * when the session ends, and it is opened again before it has. With a real SPICE server, which
 * would crash, and a fake engine. */
#include "app-fixture.h"

#include "gtk/lodge-console-launcher.h"
#include "spice-fixture.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

/* How long the server is busy when a window connects: less than the console waits for
 * (lodge-console-ending.c). It ends with the test. */
#define BUSY_MS 8000

typedef struct {
  FakeEngine *engine;
  const char *uuid;
  SpiceFixture *server;
  char *folder;
  char *socket;
  LodgeConsoleLauncher *launcher;
} Test;

static void
show (Test *test)
{
  g_autoptr (GError) error = NULL;

  lodge_console_launcher_show (test->launcher, test->uuid, NULL, &error);
  g_assert_no_error (error);
}

static void
set_up (Test *test)
{
  *test = (Test){.engine = fake_engine_new (NULL)};
  test->uuid = fake_engine_add_machine (test->engine, "web", "running");
  test->folder = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);
  test->socket = g_build_filename (test->folder, "spice.sock", NULL);
  test->server = spice_fixture_new_at (test->socket, 640, 400);
  spice_fixture_set_take_ms (test->server, BUSY_MS);
  fake_engine_set_spice_socket (test->engine, test->uuid, test->socket);
  g_setenv ("LODGE_ENGINE_SOCKET", fake_engine_get_socket (test->engine), TRUE);
  test->launcher = lodge_console_launcher_new (g_getenv ("LODGE_TEST_PROGRAM"));
}

static void
tear_down (Test *test)
{
  spice_fixture_settle ();
  g_object_unref (test->launcher);
  fake_engine_free (test->engine);
  spice_fixture_free (test->server);
  g_unlink (test->socket);
  g_rmdir (test->folder);
  g_free (test->socket);
  g_free (test->folder);
}

static int
find_keeper (void)
{
  return app_find_child (getpid ());
}

/* Its window's connection is just being made. Returns the window's keeper. */
static int
set_up_taken (Test *test)
{
  int keeper;

  set_up (test);
  show (test);
  app_wait_until (spice_fixture_get_n_taken (test->server) == 1);
  keeper = find_keeper ();
  g_assert_cmpint (keeper, >, 1);
  return keeper;
}

static void
tear_down_ended (Test *test)
{
  spice_fixture_set_take_ms (test->server, 0);
  app_wait_until (find_keeper () == 0);
  tear_down (test);
}

static void
test_signal (void)
{
  Test test;
  const int keeper = set_up_taken (&test);
  const int window = app_find_child (keeper);

  g_assert_cmpint (window, >, 1);
  /* As a desktop's session manager does, which does not know who is whose. */
  g_assert_no_errno (kill (window, SIGTERM));
  spice_fixture_run_for (250);
  g_assert_no_errno (kill (keeper, SIGTERM));
  tear_down_ended (&test);
}

static void
test_open_again (void)
{
  Test test;
  const int keeper = set_up_taken (&test);

  g_assert_no_errno (kill (keeper, SIGTERM));
  spice_fixture_run_for (BUSY_MS / 8);
  g_assert_cmpint (find_keeper (), ==, keeper); /* it is still being ended */
  show (&test);
  app_wait_until (spice_fixture_get_n_taken (test.server) == 2);
  g_assert_cmpint (find_keeper (), ==, keeper);
  g_assert_no_errno (kill (keeper, SIGTERM));
  tear_down_ended (&test);
}

static void
run_signal (void)
{
  spice_fixture_run (test_signal);
}

static void
run_open_again (void)
{
  spice_fixture_run (test_open_again);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;
  g_test_add_func ("/console-end/signal", run_signal);
  g_test_add_func ("/console-end/open-again", run_open_again);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window's process crashes, and its window comes back; with a fake engine. */
#include "app-fixture.h"

#include "gtk/lodge-console-launcher.h"

#include <signal.h>

typedef struct {
  FakeEngine *engine;
  LodgeConsoleLauncher *launcher;
  const char *uuid;
  char *failed; /* the machine whose window stays closed */
} Fixture;

static void
failed_cb (LodgeConsoleLauncher *launcher, const char *uuid, Fixture *f)
{
  g_assert_null (f->failed);
  f->failed = g_strdup (uuid);
}

/* What shows the window, once it asks the engine for its machine. @keeper: 0 to look for it. */
static int
wait_for_window (Fixture *f, int *keeper)
{
  app_wait_until (fake_engine_get_n_clients (f->engine) == 1);
  if (*keeper == 0)
    *keeper = app_find_child (getpid ());
  return app_find_child (*keeper);
}

static void
test_comes_back (void)
{
  Fixture f = {.engine = fake_engine_new (NULL)};
  g_autoptr (GError) error = NULL;
  int keeper = 0;

  f.uuid = fake_engine_add_machine (f.engine, "web", "off");
  g_setenv ("LODGE_ENGINE_SOCKET", fake_engine_get_socket (f.engine), TRUE);
  f.launcher = lodge_console_launcher_new (g_getenv ("LODGE_TEST_PROGRAM"));
  g_signal_connect (f.launcher, "failed", G_CALLBACK (failed_cb), &f);
  g_assert_true (lodge_console_launcher_show (f.launcher, f.uuid, NULL, &error));
  g_assert_no_error (error);

  for (int crash = 1; crash <= 4; crash++) {
    const int window = wait_for_window (&f, &keeper);

    g_test_message ("crash %d of process %d", crash, window);
    g_assert_cmpint (window, >, 1);
    g_assert_null (f.failed);
    g_assert_no_errno (kill (window, SIGSEGV));
    app_wait_until (fake_engine_get_n_clients (f.engine) == 0);
  }
  app_wait_until (f.failed != NULL);
  g_assert_cmpstr (f.failed, ==, f.uuid);
  /* A new one can be opened. That one is asked to end, which is no failure. */
  g_clear_pointer (&f.failed, g_free);
  g_assert_true (lodge_console_launcher_show (f.launcher, f.uuid, NULL, &error));
  keeper = 0;
  g_assert_cmpint (wait_for_window (&f, &keeper), >, 1);
  g_assert_no_errno (kill (keeper, SIGTERM));
  app_wait_until (fake_engine_get_n_clients (f.engine) == 0);
  app_wait_until (app_find_child (getpid ()) == 0);
  app_settle ();
  g_assert_null (f.failed);

  g_object_unref (f.launcher);
  fake_engine_free (f.engine);
  g_free (f.failed);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;
  g_test_add_func ("/console-crash/comes-back", test_comes_back);
  return g_test_run ();
}

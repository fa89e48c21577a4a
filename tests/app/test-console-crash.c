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

/* Whether there is what shows the window, and asks the engine for its machine. @keeper: 0 to look
 * for it.
 */
static gboolean
is_there (Fixture *f, int *keeper, int *out_window)
{
  if (fake_engine_get_n_clients (f->engine) != 1)
    return FALSE;
  if (*keeper == 0)
    *keeper = app_find_child (getpid ());
  *out_window = *keeper > 1 ? app_find_child (*keeper) : 0;
  return *out_window > 1;
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

  /* The fourth is the last one, unless they are too far apart on a busy computer
   * (lodge-keeper.c). */
  const gint64 begin_us = g_get_monotonic_time ();
  for (int crash = 1, window = 0;; crash++) {
    const int before = window;

    app_wait_until (f.failed != NULL || (is_there (&f, &keeper, &window) && window != before));
    if (f.failed != NULL) {
      g_assert_cmpint (crash, >, 4);
      if (g_get_monotonic_time () - begin_us < 60 * G_TIME_SPAN_SECOND)
        g_assert_cmpint (crash, ==, 5);
      break;
    }
    g_test_message ("crash %d of process %d", crash, window);
    g_assert_cmpint (crash, <, 20);
    g_assert_no_errno (kill (window, SIGSEGV));
  }
  g_assert_cmpstr (f.failed, ==, f.uuid);
  /* A new one can be opened. That one is asked to end, which is no failure. */
  g_clear_pointer (&f.failed, g_free);
  g_assert_true (lodge_console_launcher_show (f.launcher, f.uuid, NULL, &error));
  keeper = 0;
  app_wait_until (is_there (&f, &keeper, &(int){0}));
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

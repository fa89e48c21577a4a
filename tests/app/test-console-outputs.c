/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's monitors on a host with two of its own: full screen on both at once. */
#include "console-fixture.h"

typedef ConsoleFixture Test;

static const int two[] = {0, 0, 320, 400, 320, 0, 320, 400};

static GdkMonitor *
get_host (gpointer window)
{
  return gdk_display_get_monitor_at_surface (gdk_display_get_default (),
                                             gtk_native_get_surface (GTK_NATIVE (window)));
}

static GListModel *
get_hosts (void)
{
  return gdk_display_get_monitors (gdk_display_get_default ());
}

static gboolean
fills_host (gpointer window)
{
  GdkRectangle place;

  if (!gtk_window_is_fullscreen (window) || get_host (window) == NULL)
    return FALSE;
  gdk_monitor_get_geometry (get_host (window), &place);
  return gtk_widget_get_width (window) == place.width &&
         gtk_widget_get_height (window) == place.height;
}

static gboolean
is_on_all (Test *test)
{
  GtkWindow *second = console_fixture_find_monitor ();

  return second != NULL && fills_host (test->window) && fills_host (second) &&
         get_host (test->window) != get_host (second);
}

static gboolean
is_on_none (Test *test)
{
  GtkWindow *second = console_fixture_find_monitor ();

  return !gtk_window_is_fullscreen (GTK_WINDOW (test->window)) &&
         (second == NULL || !gtk_window_is_fullscreen (second));
}

static void
activate (Test *test, const char *action)
{
  gtk_widget_activate_action (GTK_WIDGET (test->window), action, NULL);
}

static gboolean
count_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer frames)
{
  ++*(guint *) frames;
  return G_SOURCE_CONTINUE;
}

/* What was there before is drawn first, and Weston has said so: it says no more of a window that is
 * covered for the most part, and GTK waits for that before the window is what it should be. */
static void
enter_all (Test *test)
{
  GtkWidget *console = GTK_WIDGET (test->window);
  guint frames = 0;

  app_settle ();
  const guint tick = gtk_widget_add_tick_callback (console, count_cb, &frames, NULL);
  app_wait_until (frames > 2);
  gtk_widget_remove_tick_callback (console, tick);
  activate (test, "monitors.all");
  app_wait_until (is_on_all (test));
}

static void
in_all (void)
{
  Test test;

  console_fixture_set_up (&test, 0);
  app_wait_until (g_list_model_get_n_items (get_hosts ()) == 2);
  app_wait_until (get_host (test.window) != NULL);
  /* On one of them: Weston may forget to draw a window that goes there from both. */
  gtk_window_set_default_size (GTK_WINDOW (test.window), 500, 400);
  app_wait_until (app_has_width (test.window, 500));
  /* There is nothing to fill them with while the guest has one. */
  activate (&test, "monitors.all");
  app_settle ();
  g_assert_null (console_fixture_find_monitor ());
  g_assert_true (is_on_none (&test));

  console_fixture_set_monitors (&test, 2);
  spice_fixture_set_monitors (test.server, 2, two);
  enter_all (&test);

  /* The console's own key and button end it, and close what was opened for it. */
  activate (&test, "console.fullscreen");
  app_wait_until (is_on_none (&test));
  g_assert_null (console_fixture_find_monitor ());

  /* What was open before is open after. */
  activate (&test, "monitors.2");
  app_wait_until (console_fixture_find_monitor () != NULL);
  GtkWindow *second = console_fixture_find_monitor ();
  app_wait_until (gtk_widget_get_mapped (GTK_WIDGET (second)));
  enter_all (&test);
  activate (&test, "monitors.all");
  app_wait_until (is_on_none (&test));
  g_assert_true (console_fixture_find_monitor () == second);

  /* What is beside the first one has a host's monitor of its own for that time, and the guest does
   * not hear of it but by its size. */
  console_fixture_set_key (&test, "display.side-by-side", "true");
  app_wait_until (console_fixture_find_monitor () == NULL);
  LodgeMonitorView *view = app_find (test.window, LODGE_TYPE_MONITOR_VIEW);
  g_assert_nonnull (view);
  fake_engine_clear_calls (test.engine);
  enter_all (&test);
  g_assert_true (console_fixture_get_view (console_fixture_find_monitor ()) == view);
  activate (&test, "console.fullscreen");
  app_wait_until (is_on_none (&test));
  g_assert_null (console_fixture_find_monitor ());
  g_assert_true (app_find (test.window, LODGE_TYPE_MONITOR_VIEW) == view);
  g_assert_false (app_was_called (test.engine, "SetDisplaySize web 1 0 0"));
  console_fixture_set_key (&test, "display.side-by-side", "false");
  app_wait_until (console_fixture_find_monitor () != NULL);

  /* A host that loses a monitor is given back to its user. Not by a true loss: Weston moves its
   * windows then, and of those a rare one stays in full screen. */
  enter_all (&test);
  g_list_model_items_changed (get_hosts (), 1, 0, 0);
  app_wait_until (is_on_none (&test));
  console_fixture_tear_down (&test);
}

static void
test_all (void)
{
  spice_fixture_run (in_all);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

  g_test_add_func ("/console-outputs/all", test_all);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's further monitors: windows of their own, and full screen of one. */
#include "console-fixture.h"

#include "gtk/lodge-monitor-window.h"
#include "gtk/lodge-settings.h"

typedef ConsoleFixture Test;

#define COUNTS                                                                                     \
  "> _One Monitor monitors.count\n> _Two Monitors monitors.count\n"                                \
  "> Th_ree Monitors monitors.count\n> _Four Monitors monitors.count\n"
#define ALL                                                                                        \
  "> --\n> _Side by Side in This Window monitors.side-by-side\n"                                   \
  "> Full Screen on _All Monitors monitors.all\n"
#define NEXT     "> --From the Guest’s Next Start On\n" COUNTS
#define MENU_ONE "Further M_onitors \n" NEXT
#define MENU_TWO "Further M_onitors \n> Monitor _2 monitors.2\n" ALL NEXT
#define MENU_VGA "Further M_onitors \n> --More Than One Needs a Virtio Graphics Card\n" COUNTS
#define MENU_QXL                                                                                   \
  "Further M_onitors \n> Monitor _2 monitors.2\n> Monitor _3 monitors.3\n"                         \
  "> Monitor _4 monitors.4\n" ALL

/* The screen of xvfb-test. */
enum { WIDTH = 1600, HEIGHT = 1200 };

static const int two[] = {0, 0, 320, 400, 320, 0, 320, 400};

/* The window that shows another monitor, or NULL. */
static GtkWindow *
find_window (const char *title)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);
    if (g_strcmp0 (gtk_window_get_title (window), title) == 0)
      return window;
  }
  return NULL;
}

static gboolean
has_menu (Test *test, const char *expected)
{
  g_autofree char *text = console_fixture_dup_menu (G_MENU_MODEL (test->window->monitors_menu), "");

  return g_str_equal (text, expected);
}

static gboolean
has_key (Test *test, const char *key, const char *expected)
{
  g_autofree char *text = fake_engine_dup_key (test->engine, test->uuid, key);

  return g_str_equal (text, expected);
}

static void
choose_count (Test *test, const char *count)
{
  gtk_widget_activate_action (GTK_WIDGET (test->window), "monitors.count", "s", count);
}

/* How many there are is chosen where they are opened; it counts from the guest's next start on. */
static void
in_count (void)
{
  Test test;

  console_fixture_set_up (&test, 0);
  choose_count (&test, "2");
  app_wait_until (has_key (&test, "display.monitors", "2"));
  app_wait_until (has_menu (&test, MENU_TWO));
  app_wait_until (app_find_label (test.window, "The guest has 2 monitors once it was shut down and "
                                               "started again") != NULL);
  gtk_widget_activate_action (GTK_WIDGET (test.window), "monitors.2", NULL);
  app_settle ();
  g_assert_null (find_window ("web: Monitor 2"));
  spice_fixture_settle ();
  fake_engine_set_state (test.engine, test.uuid, "off");
  app_wait_until (!console_fixture_is_shown (&test));
  fake_engine_set_state (test.engine, test.uuid, "running");
  app_wait_until (console_fixture_is_shown (&test));
  gtk_widget_activate_action (GTK_WIDGET (test.window), "monitors.2", NULL);
  app_wait_until (find_window ("web: Monitor 2") != NULL);

  /* One that is open stays, and can be opened again, while the guest has it. */
  choose_count (&test, "1");
  app_wait_until (has_key (&test, "display.monitors", "1"));
  app_settle ();
  g_assert_nonnull (find_window ("web: Monitor 2"));
  g_assert_true (has_menu (&test, MENU_TWO));
  spice_fixture_settle ();
  fake_engine_set_state (test.engine, test.uuid, "off");
  app_wait_until (has_menu (&test, MENU_ONE));

  /* What is refused is said, and nothing has changed. */
  fake_engine_fail_next (test.engine, "Set", LODGE_ERROR_STATE, "Not <now> & here.");
  choose_count (&test, "3");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Not <now> & here."));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_assert_true (has_menu (&test, MENU_ONE));
  console_fixture_tear_down (&test);
}

/* A card that cannot have several says so; one that has as many as its driver likes has no choice.
 */
static void
in_other_cards (void)
{
  Test test;

  console_fixture_set_up (&test, 0);
  console_fixture_set_key (&test, "display.model", "vga");
  app_wait_until (has_menu (&test, MENU_VGA));
  fake_engine_clear_calls (test.engine);
  choose_count (&test, "2");
  app_settle ();
  g_assert_false (app_was_called (test.engine, "Set web"));
  console_fixture_set_key (&test, "display.model", "qxl");
  app_wait_until (has_menu (&test, MENU_QXL));
  console_fixture_tear_down (&test);
}

/* One that shows nothing says why, and no more once it does. */
static void
in_dark (void)
{
  Test test;

  console_fixture_set_up (&test, 0);
  console_fixture_set_monitors (&test, 2);
  gtk_widget_activate_action (GTK_WIDGET (test.window), "monitors.2", NULL);
  app_wait_until (find_window ("web: Monitor 2") != NULL);
  GtkWindow *window = find_window ("web: Monitor 2");
  GtkWidget *display =
      GTK_WIDGET (lodge_monitor_view_get_display (console_fixture_get_view (window)));
  /* What could switch it on may only be on its way. */
  app_wait_until (console_fixture_has_hint (window, "Waiting for the Guest’s Agent"));
  spice_fixture_set_agent (test.server, TRUE);
  app_wait_until (console_fixture_has_hint (window, "This Monitor Is Off"));
  spice_fixture_set_agent (test.server, FALSE);
  app_wait_until (console_fixture_has_hint (window, "Waiting for the Guest’s Agent"));
  spice_fixture_set_agent (test.server, TRUE);
  app_wait_until (console_fixture_has_hint (window, "This Monitor Is Off"));
  g_assert_cmpfloat (gtk_widget_get_opacity (display), ==, 0);
  gtk_widget_activate_action (GTK_WIDGET (window), "monitor.screenshot", NULL);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (),
                                    "This monitor shows nothing now. Try again once it does."));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);

  spice_fixture_set_monitors (test.server, 2, two);
  app_wait_until (!console_fixture_has_hint (window, "This Monitor Is Off"));
  g_assert_cmpfloat (gtk_widget_get_opacity (display), ==, 1);
  fake_engine_set_asleep (test.engine, test.uuid, TRUE);
  app_wait_until (console_fixture_has_hint (window, "The Guest Is Asleep"));
  fake_engine_set_asleep (test.engine, test.uuid, FALSE);
  app_wait_until (!console_fixture_has_hint (window, "The Guest Is Asleep"));
  console_fixture_tear_down (&test);
}

/* Another monitor has a window of its own, and is on while that is open. */
static void
in_windows (void)
{
  Test test;

  console_fixture_set_up (&test, 0);
  g_assert_true (has_menu (&test, MENU_ONE));
  console_fixture_set_monitors (&test, 2);
  g_assert_true (has_menu (&test, MENU_TWO));

  spice_fixture_set_monitors (test.server, 2, two);
  gtk_widget_activate_action (GTK_WIDGET (test.window), "monitors.2", NULL);
  app_wait_until (find_window ("web: Monitor 2") != NULL);
  GtkWindow *window = find_window ("web: Monitor 2");
  app_wait_until (gtk_widget_get_mapped (GTK_WIDGET (window)));
  g_assert_true (lodge_display_get_session (app_find (window, LODGE_TYPE_DISPLAY)) ==
                 console_fixture_get_session (&test));
  app_wait_until (app_was_called (test.engine, "SetDisplaySize web 1 "));

  /* Closed, it is off; and again, with the machine. */
  fake_engine_clear_calls (test.engine);
  gtk_window_close (window);
  app_wait_until (find_window ("web: Monitor 2") == NULL);
  app_wait_until (app_was_called (test.engine, "SetDisplaySize web 1 0 0"));
  gtk_widget_activate_action (GTK_WIDGET (test.window), "monitors.2", NULL);
  app_wait_until (find_window ("web: Monitor 2") != NULL);
  spice_fixture_settle (); /* the server's screen has nothing to do when its client goes */
  fake_engine_set_state (test.engine, test.uuid, "off");
  app_wait_until (find_window ("web: Monitor 2") == NULL);

  /* What is off has no monitor to open. */
  gtk_widget_activate_action (GTK_WIDGET (test.window), "monitors.2", NULL);
  g_assert_null (find_window ("web: Monitor 2"));
  fake_engine_set_state (test.engine, test.uuid, "running");
  app_wait_until (console_fixture_is_shown (&test));

  /* And it goes with the console. */
  gtk_widget_activate_action (GTK_WIDGET (test.window), "monitors.2", NULL);
  app_wait_until (find_window ("web: Monitor 2") != NULL);
  console_fixture_tear_down (&test);
  g_assert_null (find_window ("web: Monitor 2"));
}

static gboolean
is_absolute (Test *test)
{
  LodgeConsoleSession *session = console_fixture_get_session (test);
  gboolean absolute = FALSE;

  if (session != NULL)
    g_object_get (session, "pointer-absolute", &absolute, NULL);
  return absolute;
}

/* Whether the left button went down, and came up as the last there was. */
static gboolean
has_clicked (Test *test)
{
  g_auto (GStrv) calls = fake_engine_dup_calls (test->engine);
  gboolean pressed = FALSE, released = FALSE;

  for (guint i = 0; calls[i] != NULL; i++) {
    if (!g_str_has_prefix (calls[i], "Point web "))
      continue;
    released = pressed && g_str_has_suffix (calls[i], " 0 0");
    pressed |= g_str_has_suffix (calls[i], " 1 0");
  }
  return released;
}

/* A guest without an agent on several monitors, each a display channel: SPICE takes no places for
 * its tablet then, and the engine does. */
static void
in_tablet (void)
{
  Test test;

  console_fixture_set_up (&test, 0);
  spice_fixture_settle ();
  fake_engine_set_state (test.engine, test.uuid, "off");
  app_wait_until (console_fixture_get_session (&test) == NULL);
  spice_fixture_settle ();
  spice_fixture_add_channel (test.server, 320, 240);
  fake_engine_set_absolute (test.engine, test.uuid, TRUE);
  fake_engine_set_state (test.engine, test.uuid, "running");
  app_wait_until (console_fixture_is_shown (&test));
  app_wait_until (is_absolute (&test));
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test.window)));
  app_xdotool ("getactivewindow mousemove --window %%1 300 300 click 1");
  app_wait_until (app_was_called (test.engine, "Point web "));
  app_wait_until (has_clicked (&test));
  console_fixture_tear_down (&test);
}

static gboolean
fills_screen (GtkWindow *window)
{
  return gtk_window_is_fullscreen (window) && gtk_widget_get_width (GTK_WIDGET (window)) == WIDTH &&
         gtk_widget_get_height (GTK_WIDGET (window)) == HEIGHT;
}

static void
set_up (Test *test, guint32 agent)
{
  console_fixture_set_up (test, agent);
  console_fixture_set_monitors (test, 2);
  spice_fixture_set_monitors (test->server, 2, two);
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
}

static GtkWindow *
open_second (Test *test)
{
  GtkWindow *window;

  gtk_widget_activate_action (GTK_WIDGET (test->window), "monitors.2", NULL);
  app_wait_until ((window = find_window ("web: Monitor 2")) != NULL);
  app_wait_until (gtk_window_is_active (window));
  return window;
}

static LodgeScaling
get_scaling (LodgeDisplay *display)
{
  LodgeScaling scaling;

  g_object_get (display, "scaling", &scaling, NULL);
  return scaling;
}

static const char *
get_subtitle (GtkWindow *window)
{
  return adw_window_title_get_subtitle (app_get_child (window, LODGE_TYPE_MONITOR_WINDOW, "title"));
}

static GtkDropTarget *
find_drop_target (GtkWidget *widget)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++) {
    g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

    if (GTK_IS_DROP_TARGET (controller))
      return GTK_DROP_TARGET (controller);
  }
  return NULL;
}

/* One that is opened where the guest does not follow the window is switched on all the same; what
 * the user has settled about keys, clipboard and files counts in its window, too. */
static void
in_scaled (void)
{
  GSettings *settings = lodge_settings_get ();
  Test test;

  g_assert_nonnull (settings);
  g_settings_set_boolean (settings, LODGE_SETTINGS_GRAB_SHORTCUTS, FALSE);
  set_up (&test, 0);
  console_fixture_set_key (&test, "display.scaling", "scale");
  app_wait_until (get_scaling (test.window->display) == LODGE_SCALING_SCALE);
  fake_engine_clear_calls (test.engine);
  GtkWindow *window = open_second (&test);
  LodgeDisplay *display = lodge_monitor_view_get_display (console_fixture_get_view (window));
  app_wait_until (app_was_called (test.engine, "SetDisplaySize web 1 "));
  /* Once: from then on it is scaled. */
  fake_engine_clear_calls (test.engine);
  gtk_window_set_default_size (window, 700, 500);
  app_wait_until (app_has_width (window, 700));
  spice_fixture_run_for (300);
  g_assert_false (app_was_called (test.engine, "SetDisplaySize web 1 "));

  g_assert_true (lodge_display_get_keeps_shortcuts (display));
  g_settings_set_boolean (settings, LODGE_SETTINGS_GRAB_SHORTCUTS, TRUE);
  app_wait_until (!lodge_display_get_keeps_shortcuts (display));
  g_assert_cmpstr (get_subtitle (window), ==, "");
  app_xdotool ("getactivewindow mousemove --window %%1 300 300 click 1");
  app_wait_until (lodge_display_get_grabbed (display));
  app_wait_until (g_str_has_prefix (get_subtitle (window), "Ctrl+Alt takes"));
  app_xdotool ("key ctrl+alt");
  app_wait_until (!lodge_display_get_grabbed (display));
  app_wait_until (*get_subtitle (window) == '\0');
  console_fixture_tear_down (&test);
}

/* What is copied and dropped counts in its window, too. */
static void
in_exchange (void)
{
  g_autoptr (GFile) file = g_file_new_for_path ("/etc/hostname");
  GSList files = {.data = file};
  g_auto (GValue) value = G_VALUE_INIT;
  gboolean taken = FALSE;
  Test test;

  set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  LodgeConsoleSession *session = console_fixture_get_session (&test);
  LodgeConsoleClipboard *clipboard = lodge_console_session_get_clipboard (session);
  GtkWindow *window = open_second (&test);
  LodgeDisplay *display = lodge_monitor_view_get_display (console_fixture_get_view (window));

  app_wait_until (!gtk_window_is_active (GTK_WINDOW (test.window)));
  g_assert_false (lodge_console_clipboard_is_offering (clipboard));
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (window)), "copied");
  app_wait_until (lodge_console_clipboard_is_offering (clipboard));

  GtkDropTarget *target = find_drop_target (GTK_WIDGET (display));
  app_wait_until (gtk_drop_target_get_actions (target) == GDK_ACTION_COPY);
  g_value_init (&value, GDK_TYPE_FILE_LIST);
  g_value_take_boxed (&value, gdk_file_list_new_from_list (&files));
  g_signal_emit_by_name (target, "drop", &value, 10., 10., &taken);
  g_assert_true (taken);
  console_fixture_set_key (&test, "sharing.files", "false");
  app_wait_until (gtk_drop_target_get_actions (target) == 0);
  gtk_window_close (window);
  app_wait_until (find_window ("web: Monitor 2") == NULL);
  console_fixture_set_key (&test, "sharing.files", "true");
  app_wait_until (lodge_console_files_get_enabled (lodge_console_session_get_files (session)));
  console_fixture_tear_down (&test);
}

static GtkPolicyType
get_bars (GtkWidget *display)
{
  GtkPolicyType horizontal, vertical;

  gtk_scrolled_window_get_policy (GTK_SCROLLED_WINDOW (gtk_widget_get_parent (display)),
                                  &horizontal, &vertical);
  g_assert_cmpint (horizontal, ==, vertical);
  return horizontal;
}

/* F11 is this window's alone, and its header hides as the console's does. */
static void
in_fullscreen (void)
{
  Test test;

  set_up (&test, 0);
  GtkWindow *window = open_second (&test);
  GtkRevealer *bar = app_get_child (window, LODGE_TYPE_MONITOR_WINDOW, "bar");
  GtkWidget *header = app_get_child (window, LODGE_TYPE_MONITOR_WINDOW, "header");
  GtkWidget *toggle = app_get_child (window, LODGE_TYPE_MONITOR_WINDOW, "fullscreen_button");
  GtkWidget *display =
      GTK_WIDGET (lodge_monitor_view_get_display (console_fixture_get_view (window)));

  app_wait_until (gtk_window_get_focus (window) == display);
  app_xdotool ("mousemove 800 700");
  app_xdotool ("key F11");
  app_wait_until (fills_screen (window) && gtk_widget_is_ancestor (header, GTK_WIDGET (bar)));
  g_assert_false (gtk_window_is_fullscreen (GTK_WINDOW (test.window)));
  app_wait_until (!gtk_widget_get_mapped (GTK_WIDGET (bar)));
  app_wait_until (gtk_widget_get_height (display) == HEIGHT);
  g_assert_true (gtk_window_get_focus (window) == display);
  /* Bars would take from the screen. */
  g_assert_cmpint (get_bars (display), ==, GTK_POLICY_EXTERNAL);

  app_xdotool ("key ctrl+alt");
  app_wait_until (gtk_revealer_get_reveal_child (bar));
  g_assert_true (gtk_window_get_focus (window) == toggle);
  app_xdotool ("key Escape");
  app_wait_until (!gtk_widget_get_mapped (GTK_WIDGET (bar)));
  app_wait_until (gtk_window_get_focus (window) == display);

  app_xdotool ("key F11");
  app_wait_until (!gtk_window_is_fullscreen (window) &&
                  !gtk_widget_is_ancestor (header, GTK_WIDGET (bar)));
  app_wait_until (gtk_widget_get_mapped (header));
  g_assert_cmpint (get_bars (display), ==, GTK_POLICY_AUTOMATIC);

  /* What is closed in full screen is as well closed. */
  app_xdotool ("key F11");
  app_wait_until (fills_screen (window));
  gtk_window_close (window);
  app_wait_until (find_window ("web: Monitor 2") == NULL);
  console_fixture_tear_down (&test);
}

static void
test_windows (void)
{
  spice_fixture_run (in_windows);
}

static void
test_tablet (void)
{
  spice_fixture_run (in_tablet);
}

static void
test_count (void)
{
  spice_fixture_run (in_count);
}

static void
test_other_cards (void)
{
  spice_fixture_run (in_other_cards);
}

static void
test_dark (void)
{
  spice_fixture_run (in_dark);
}

static void
test_scaled (void)
{
  spice_fixture_run (in_scaled);
}

static void
test_exchange (void)
{
  spice_fixture_run (in_exchange);
}

static void
test_fullscreen (void)
{
  spice_fixture_run (in_fullscreen);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

  g_test_add_func ("/console-monitors/windows", test_windows);
  g_test_add_func ("/console-monitors/count", test_count);
  g_test_add_func ("/console-monitors/other-cards", test_other_cards);
  g_test_add_func ("/console-monitors/dark", test_dark);
  g_test_add_func ("/console-monitors/scaled", test_scaled);
  g_test_add_func ("/console-monitors/exchange", test_exchange);
  g_test_add_func ("/console-monitors/tablet", test_tablet);
  g_test_add_func ("/console-monitors/fullscreen", test_fullscreen);
  return g_test_run ();
}

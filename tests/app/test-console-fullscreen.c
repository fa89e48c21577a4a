/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console window in full screen, with a real pointer and a real keyboard: its bar comes and goes,
 * and all of the screen is the guest's. */
#include "console-fixture.h"

typedef ConsoleFixture Test;

/* That of xvfb-test. */
enum { WIDTH = 1600, HEIGHT = 1200 };

static gboolean
is_fullscreen (Test *test)
{
  return gtk_window_is_fullscreen (GTK_WINDOW (test->window));
}

static gboolean
is_revealed (Test *test)
{
  return gtk_revealer_get_reveal_child (test->window->bar);
}

/* Nothing of it is left over the picture. */
static gboolean
is_gone (Test *test)
{
  return !is_revealed (test) && !gtk_widget_get_mapped (GTK_WIDGET (test->window->bar));
}

static gboolean
has_focus (Test *test, gpointer widget)
{
  return gtk_window_get_focus (GTK_WINDOW (test->window)) == widget;
}

static gboolean
is_in_bar (Test *test)
{
  return gtk_widget_is_ancestor (test->window->header, GTK_WIDGET (test->window->bar));
}

static gboolean
is_drawn (gpointer data)
{
  Test *test = data;
  LodgeFrame frame;

  lodge_frame_source_get_frame (
      lodge_console_session_get_source (console_fixture_get_session (test)), &frame);
  return frame.width == WIDTH && frame.height == HEIGHT;
}

static gboolean
is_absolute (Test *test)
{
  gboolean absolute;

  g_object_get (console_fixture_get_session (test), "pointer-absolute", &absolute, NULL);
  return absolute;
}

static void
set_up (Test *test)
{
  app_xdotool ("mousemove 800 700");
  console_fixture_set_up (test, 0);
  spice_fixture_set_tablet (test->server, TRUE);
  app_wait_until (is_absolute (test));
  spice_fixture_resize (test->server, WIDTH, HEIGHT);
  g_assert_true (spice_fixture_wait (is_drawn, test));
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
  app_wait_until (has_focus (test, test->window->display));
  app_xdotool ("key F11");
  app_wait_until (is_fullscreen (test) && is_in_bar (test));
}

static void
in_bar (void)
{
  Test test;

  set_up (&test);
  /* It is seen first, and then goes by itself. */
  g_assert_true (is_revealed (&test));
  g_assert_true (gtk_widget_get_visible (test.window->minimize_button));
  g_assert_true (has_focus (&test, test.window->display));
  app_wait_until (is_gone (&test));
  app_wait_until (gtk_widget_get_width (GTK_WIDGET (test.window->display)) == WIDTH &&
                  gtk_widget_get_height (GTK_WIDGET (test.window->display)) == HEIGHT);

  /* The pointer rests at the edge: it comes, and stays while the pointer is in it. */
  app_xdotool ("mousemove 800 0");
  app_wait_until (is_revealed (&test));
  app_xdotool ("mousemove 800 20");
  spice_fixture_settle ();
  g_assert_true (is_revealed (&test));
  app_xdotool ("mousemove 800 700");
  app_wait_until (is_gone (&test));

  /* Its buttons do what they do in the window, and a menu keeps it there. */
  app_xdotool ("mousemove 800 0");
  app_wait_until (gtk_revealer_get_child_revealed (test.window->bar));
  gtk_menu_button_popup (GTK_MENU_BUTTON (test.window->power_button));
  app_xdotool ("mousemove 800 900");
  GtkWidget *menu =
      GTK_WIDGET (gtk_menu_button_get_popover (GTK_MENU_BUTTON (test.window->power_button)));
  app_wait_until (gtk_widget_get_mapped (menu));
  for (guint i = 0; i < 4; i++)
    spice_fixture_settle ();
  g_assert_true (is_revealed (&test));
  gtk_menu_button_popdown (GTK_MENU_BUTTON (test.window->power_button));
  app_xdotool ("mousemove 800 700");
  app_wait_until (is_gone (&test));
  g_assert_true (has_focus (&test, test.window->display));

  /* Out of it: all is as it was. */
  app_xdotool ("mousemove 800 0");
  app_wait_until (gtk_revealer_get_child_revealed (test.window->bar));
  g_signal_emit_by_name (test.window->fullscreen_button, "clicked");
  app_wait_until (!is_fullscreen (&test) && !is_in_bar (&test));
  g_assert_true (gtk_widget_get_mapped (test.window->header));
  g_assert_true (gtk_widget_get_first_child (GTK_WIDGET (test.window->content)) ==
                 test.window->header);
  g_assert_false (gtk_widget_get_visible (test.window->minimize_button));
  g_assert_true (has_focus (&test, test.window->display));
  console_fixture_tear_down (&test);
}

static GtkEventController *
dup_motion (GtkWidget *widget)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++) {
    g_autoptr (GtkEventController) one = g_list_model_get_item (controllers, i);

    if (GTK_IS_EVENT_CONTROLLER_MOTION (one) &&
        gtk_event_controller_get_propagation_phase (one) == GTK_PHASE_CAPTURE)
      return g_steal_pointer (&one);
  }
  g_assert_not_reached ();
}

/* The pointer goes to another monitor, which this screen has not: what GTK then says is said. */
static void
in_leave (void)
{
  Test test;
  g_autoptr (GtkEventController) motion = NULL;

  set_up (&test);
  motion = dup_motion (gtk_widget_get_parent (GTK_WIDGET (test.window->bar)));
  app_wait_until (is_gone (&test));
  /* From within the bar. */
  app_xdotool ("mousemove 800 0");
  app_wait_until (is_revealed (&test));
  app_xdotool ("mousemove 800 20");
  app_wait_until (gtk_revealer_get_child_revealed (test.window->bar));
  for (guint i = 0; i < 8; i++)
    spice_fixture_settle ();
  g_assert_true (is_revealed (&test));
  g_signal_emit_by_name (motion, "leave");
  app_wait_until (is_gone (&test));
  /* It comes back into it at once, and has not gone. */
  app_xdotool ("mousemove 800 700");
  app_xdotool ("mousemove 800 0");
  app_wait_until (is_revealed (&test));
  g_signal_emit_by_name (motion, "leave");
  g_signal_emit_by_name (motion, "enter", 800.0, 20.0);
  for (guint i = 0; i < 4; i++)
    spice_fixture_settle ();
  g_assert_true (is_revealed (&test));
  app_xdotool ("mousemove 800 700");
  app_wait_until (is_gone (&test));
  console_fixture_tear_down (&test);
}

/* The keyboard's way in, through, and out. */
static void
in_keyboard (void)
{
  Test test;

  set_up (&test);
  app_wait_until (is_gone (&test));
  app_xdotool ("key ctrl+alt");
  app_wait_until (is_revealed (&test));
  g_assert_true (has_focus (&test, test.window->fullscreen_button));
  app_xdotool ("key Tab");
  app_wait_until (!has_focus (&test, test.window->fullscreen_button));
  g_assert_true (is_revealed (&test));
  app_xdotool ("key Escape");
  app_wait_until (is_gone (&test));
  g_assert_true (has_focus (&test, test.window->display));

  /* A pointer that is moved in the guest meanwhile takes nothing away; one that clicks there does.
   */
  app_xdotool ("key ctrl+alt");
  app_wait_until (is_revealed (&test));
  app_xdotool ("mousemove 900 800");
  for (guint i = 0; i < 4; i++)
    spice_fixture_settle ();
  g_assert_true (is_revealed (&test));
  app_xdotool ("click 1");
  app_wait_until (is_gone (&test));
  g_assert_true (has_focus (&test, test.window->display));

  /* The bar's keys come before the guest's again in an idle moment after the focus has changed. */
  app_settle ();
  app_xdotool ("key F11");
  app_wait_until (!is_fullscreen (&test));
  g_assert_true (has_focus (&test, test.window->display));
  console_fixture_tear_down (&test);
}

/* What a hand does in the guest's top row arrives there, and brings no bar. */
static void
in_top_row (void)
{
  Test test;

  set_up (&test);
  app_wait_until (is_gone (&test));
  spice_fixture_clear (test.server);
  app_xdotool ("mousemove 800 0 click 1");
  spice_fixture_expect_pointer (test.server, "@800,0 =1 =0");
  for (guint i = 0; i < 4; i++)
    spice_fixture_settle ();
  g_assert_true (is_gone (&test));

  /* Nor does a drag along it. */
  app_xdotool ("mousemove 700 300");
  app_xdotool ("mousedown 1");
  app_xdotool ("mousemove 700 0");
  for (guint i = 0; i < 4; i++)
    spice_fixture_settle ();
  g_assert_true (is_gone (&test));
  app_xdotool ("mouseup 1");
  app_wait_until (spice_fixture_get_buttons (test.server) == 0);
  spice_fixture_clear (test.server);

  /* The bar is not over the corners, where a guest's own buttons are. */
  app_xdotool ("mousemove 701 0");
  spice_fixture_expect_pointer (test.server, "@701,0");
  app_wait_until (gtk_revealer_get_child_revealed (test.window->bar));
  app_xdotool ("mousemove 1599 0");
  spice_fixture_expect_pointer (test.server, "@1599,0");
  app_wait_until (is_gone (&test));
  console_fixture_tear_down (&test);
}

/* A button of the header that has the keyboard keeps it there, and GTK does not complain about its
 * role for a screen reader, which fails the test. */
static void
in_focus (void)
{
  Test test;
  GtkWidget *focus;

  set_up (&test);
  for (guint i = 0; i < 2; i++) {
    gtk_widget_grab_focus (test.window->fullscreen_button);
    focus = gtk_window_get_focus (GTK_WINDOW (test.window));
    g_assert_true (gtk_widget_is_ancestor (focus, test.window->header));
    app_xdotool ("key F11");
    app_wait_until (is_fullscreen (&test) == (i == 1) && is_in_bar (&test) == (i == 1));
    app_settle ();
    /* It was there by the keyboard, and the guest has it again. */
    g_assert_true (has_focus (&test, test.window->display));
  }
  console_fixture_tear_down (&test);
}

static void
test_focus (void)
{
  spice_fixture_run (in_focus);
}

static void
test_bar (void)
{
  spice_fixture_run (in_bar);
}

static void
test_leave (void)
{
  spice_fixture_run (in_leave);
}

static void
test_keyboard (void)
{
  spice_fixture_run (in_keyboard);
}

static void
test_top_row (void)
{
  spice_fixture_run (in_top_row);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

  g_test_add_func ("/console-fullscreen/bar", test_bar);
  g_test_add_func ("/console-fullscreen/focus", test_focus);
  g_test_add_func ("/console-fullscreen/leave", test_leave);
  g_test_add_func ("/console-fullscreen/keyboard", test_keyboard);
  g_test_add_func ("/console-fullscreen/top-row", test_top_row);
  return g_test_run ();
}

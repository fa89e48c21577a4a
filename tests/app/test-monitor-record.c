/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recordings of a guest's further monitor, from its own window. */
#include "record-fixture.h"

#include "gtk/lodge-monitor-window.h"
#include "recording.h"

typedef struct {
  Test test;
  GtkWindow *window; /* of the guest's second monitor */
} Second;

static GtkWidget *
get_part (Second *second, const char *name)
{
  return app_get_child (second->window, LODGE_TYPE_MONITOR_WINDOW, name);
}

/* Of what is in it. */
static GtkWidget *
get_view_part (Second *second, const char *name)
{
  return app_get_child (console_fixture_get_view (second->window), LODGE_TYPE_MONITOR_VIEW, name);
}

static gpointer
get_toasts (Second *second)
{
  return app_find (second->window, ADW_TYPE_TOAST_OVERLAY);
}

static gboolean
is_second_recording (Second *second)
{
  return gtk_widget_get_visible (get_part (second, "record_button"));
}

static void
toggle_second (Second *second)
{
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (second->window), "monitor.record", NULL));
}

/* Red on the first monitor, green on the second one. */
static void
set_up_second (Second *second)
{
  static const int two[] = {0, 0, 320, 400, 320, 0, 320, 400};
  Test *test = &second->test;

  record_fixture_set_up (test);
  console_fixture_set_monitors (test, 2);
  spice_fixture_set_monitors (test->server, 2, two);
  spice_fixture_fill (test->server, 320, 0, 320, 400, GREEN);
  spice_fixture_fill (test->server, 0, 0, 320, 400, RED);
  app_wait_until (record_fixture_has_color (test, RED));
  gtk_widget_activate_action (GTK_WIDGET (test->window), "monitors.2", NULL);
  app_wait_until ((second->window = console_fixture_find_monitor ()) != NULL);
  app_wait_until (gtk_window_is_active (second->window));
  /* A file has the size of its first picture, and a monitor that shows nothing yet has none. */
  app_wait_until (record_fixture_is_colored (
      lodge_console_session_get_monitor (console_fixture_get_session (test), 1), GREEN));
}

static Recording *
read_second (Second *second)
{
  g_autoptr (GDir) files = g_dir_open (second->test.folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (files)) != NULL) {
    g_autofree char *path = g_build_filename (second->test.folder, name, NULL);
    if (g_str_has_prefix (name, "web, Monitor 2 2"))
      return recording_read (path);
  }
  g_assert_not_reached ();
}

static void
assert_second (Recording *recording)
{
  const RecordingFrame *last = g_ptr_array_index (recording->frames, recording->frames->len - 1);

  g_assert_cmpint (last->width, ==, 320);
  g_assert_cmpint (last->height, ==, 400);
  recording_assert_color (recording, 0, 5, 5, GREEN);
  recording_assert_color (recording, last->time_us, 315, 395, GREEN);
}

/* Its window records it, while the console's records the first one. */
static void
in_monitor (void)
{
  Second second;

  set_up_second (&second);
  g_assert_false (is_second_recording (&second));
  g_assert_true (gtk_widget_get_visible (get_part (&second, "begin_button")));
  toggle_second (&second);
  g_assert_true (is_second_recording (&second));
  g_assert_false (gtk_widget_get_visible (get_part (&second, "begin_button")));
  g_assert_false (record_fixture_is_on (&second.test));
  record_fixture_toggle (&second.test);
  record_fixture_wait_time (&second.test, 1);
  app_wait_until (
      !g_str_equal (gtk_label_get_text (GTK_LABEL (get_part (&second, "record_time"))), "0:00"));

  /* Where there is no header a corner says so. */
  gtk_window_fullscreen (second.window);
  app_wait_until (gtk_widget_get_mapped (get_view_part (&second, "record_pill")));
  g_signal_emit_by_name (get_view_part (&second, "record_pill"), "clicked");
  app_wait_until (!is_second_recording (&second));
  g_assert_false (gtk_widget_get_visible (get_view_part (&second, "record_pill")));
  /* It is said there, with the way to the file. */
  app_wait_until (app_find_label (get_toasts (&second), "Recording saved") != NULL);
  g_assert_null (app_find_label (second.test.window->toasts, "Recording saved"));
  g_assert_true (gtk_widget_is_sensitive (app_find_button (get_toasts (&second), "_Open")));
  g_assert_true (
      gtk_widget_is_sensitive (app_find_button (get_toasts (&second), "Show in _Folder")));
  g_assert_true (record_fixture_is_on (&second.test));
  g_assert_cmpuint (record_fixture_count (&second.test, NULL), ==, 2);
  g_autoptr (Recording) recording = read_second (&second);
  assert_second (recording);
  record_fixture_toggle (&second.test);
  app_wait_until (!record_fixture_is_on (&second.test));
  console_fixture_tear_down (&second.test);
}

/* The key is that of the window that it is pressed in. */
static void
in_monitor_key (void)
{
  Second second;

  set_up_second (&second);
  app_wait_until (gtk_window_get_focus (second.window) == get_view_part (&second, "display"));
  app_settle ();
  app_xdotool ("key ctrl+shift+Print");
  app_wait_until (is_second_recording (&second));
  g_assert_false (record_fixture_is_on (&second.test));
  app_xdotool ("key ctrl+shift+Print");
  app_wait_until (!is_second_recording (&second));
  app_wait_until (app_find_label (get_toasts (&second), "Recording saved") != NULL);
  g_autoptr (Recording) recording = read_second (&second);
  assert_second (recording);
  console_fixture_tear_down (&second.test);
}

/* Who closes its window is asked; the machine's end asks nobody, and the console says so. */
static void
in_monitor_close (void)
{
  static const char words[] = "This monitor is being recorded: closing the window ends that, and "
                              "the recording is saved.";
  Second second;

  set_up_second (&second);
  toggle_second (&second);
  spice_fixture_run_for (300);
  gtk_window_close (second.window);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), words));
  app_click (app_get_dialog (), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_true (is_second_recording (&second));
  /* The console's own window takes it along, and asks as well. */
  gtk_window_close (GTK_WINDOW (second.test.window));
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);

  gtk_window_close (second.window);
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Close Anyway");
  app_wait_until (console_fixture_find_monitor () == NULL);
  app_wait_until (app_find_label (second.test.window->toasts, "Recording saved") != NULL);
  g_autoptr (Recording) recording = read_second (&second);
  assert_second (recording);

  /* The window is not there any more when the answer comes. */
  gtk_widget_activate_action (GTK_WIDGET (second.test.window), "monitors.2", NULL);
  app_wait_until ((second.window = console_fixture_find_monitor ()) != NULL);
  toggle_second (&second);
  spice_fixture_run_for (300);
  gtk_window_close (second.window);
  app_wait_until (app_get_dialog () != NULL);
  spice_fixture_settle (); /* the server's screen has nothing to do when its client goes */
  fake_engine_set_state (second.test.engine, second.test.uuid, "off");
  app_wait_until (console_fixture_find_monitor () == NULL);
  app_wait_until (record_fixture_count (&second.test, NULL) == 2);
  if (app_get_dialog () != NULL)
    app_click (app_get_dialog (), "_Close Anyway");
  app_wait_until (app_get_dialog () == NULL);
  spice_fixture_run_for (300);
  console_fixture_tear_down (&second.test);
}

/* It goes on where its monitor is put beside the first one, and a corner says so there. */
static void
in_monitor_beside (void)
{
  Second second;
  LodgeMonitorView *view;

  set_up_second (&second);
  Test *test = &second.test;
  toggle_second (&second);
  spice_fixture_run_for (300);
  gtk_widget_activate_action (GTK_WIDGET (test->window), "monitors.side-by-side", NULL);
  app_wait_until (app_find (test->window, LODGE_TYPE_MONITOR_VIEW) != NULL);
  gtk_widget_activate_action (GTK_WIDGET (test->window), "monitors.side-by-side", NULL);
  app_wait_until ((second.window = console_fixture_find_monitor ()) != NULL);
  g_assert_true (is_second_recording (&second));
  g_assert_false (gtk_widget_get_visible (get_view_part (&second, "record_pill")));
  gtk_widget_activate_action (GTK_WIDGET (test->window), "monitors.side-by-side", NULL);
  app_wait_until ((view = app_find (test->window, LODGE_TYPE_MONITOR_VIEW)) != NULL);
  g_assert_null (console_fixture_find_monitor ());
  g_assert_true (lodge_monitor_view_is_recording (view));
  GtkWidget *pill = app_get_child (view, LODGE_TYPE_MONITOR_VIEW, "record_pill");
  app_wait_until (gtk_widget_get_mapped (pill));
  g_assert_false (record_fixture_is_on (test));
  spice_fixture_run_for (300);

  /* The window takes it along, and asks. */
  gtk_window_close (GTK_WINDOW (test->window));
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);

  app_wait_until (gtk_widget_is_sensitive (pill));
  g_signal_emit_by_name (pill, "clicked");
  app_wait_until (app_find_label (test->window->toasts, "Recording saved") != NULL);
  g_assert_false (gtk_widget_get_visible (pill));
  g_assert_true (gtk_widget_is_sensitive (app_find_button (test->window->toasts, "_Open")));
  g_assert_cmpuint (record_fixture_count (test, NULL), ==, 1);
  g_autoptr (Recording) recording = read_second (&second);
  assert_second (recording);
  console_fixture_tear_down (test);
}

int
main (int argc, char **argv)
{
  static const RecordCase cases[] = {
      {"file", in_monitor},
      {"key", in_monitor_key},
      {"close", in_monitor_close},
      {"beside", in_monitor_beside},
  };

  return record_fixture_run (&argc, &argv, "monitor-record", cases, G_N_ELEMENTS (cases));
}

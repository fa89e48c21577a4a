/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recordings from a console window: the menu, the buttons, the key, the file, and all that ends
 * one.
 */
#include "record-fixture.h"

#include "gtk/lodge-settings.h"
#include "recording.h"

#include <gst/gst.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static gboolean
is_offered (Test *test, const char *label)
{
  g_autofree char *menu = console_fixture_dup_menu (G_MENU_MODEL (test->window->picture_menu), "");
  g_autofree char *line =
      g_strdup_printf ("Save _Screenshot console.screenshot\n%s console.record\n", label);

  return g_str_has_prefix (menu, line);
}

/* So long that it is in the recording. */
static void
fill (Test *test, guint32 rgb)
{
  spice_fixture_fill (test->server, 0, 0, 640, 400, rgb);
  app_wait_until (record_fixture_has_color (test, rgb));
  spice_fixture_run_for (200);
}

static void
wait_saved (Test *test)
{
  app_wait_until (!record_fixture_is_on (test));
  app_wait_until (app_find_label (test->window->toasts, "Recording saved") != NULL);
  g_assert_true (is_offered (test, "_Record the Screen"));
}

/* Its colors from beginning to end, of which one may be missing at the end. */
static Recording *
read_file (Test *test)
{
  g_autofree char *path = NULL;

  g_assert_cmpuint (record_fixture_count (test, &path), ==, 1);
  g_assert_nonnull (strstr (path, "/web 2"));
  return recording_read (path);
}

static void
assert_end (Recording *recording, guint32 rgb)
{
  const RecordingFrame *last = g_ptr_array_index (recording->frames, recording->frames->len - 1);

  g_assert_cmpint (last->width, ==, 640);
  g_assert_cmpint (last->height, ==, 400);
  recording_assert_color (recording, last->time_us, 5, 5, rgb);
}

/* From the menu, and with the button that shows the time. */
static void
in_menu (void)
{
  Test test;

  record_fixture_set_up (&test);
  g_assert_false (record_fixture_is_on (&test));
  g_assert_true (is_offered (&test, "_Record the Screen"));
  fill (&test, RED);
  const gint64 begin_us = g_get_monotonic_time ();
  record_fixture_toggle (&test);
  g_assert_true (record_fixture_is_on (&test));
  g_assert_false (gtk_widget_get_visible (test.window->record_pill));
  g_assert_true (is_offered (&test, "Stop _Recording"));
  g_assert_cmpint (record_fixture_get_seconds (&test), <=,
                   (g_get_monotonic_time () - begin_us) / G_USEC_PER_SEC);
  g_assert_cmpuint (record_fixture_count (&test, NULL), ==, 1);
  record_fixture_wait_time (&test, 1);
  fill (&test, GREEN);
  g_signal_emit_by_name (test.window->record_button, "clicked");
  /* Once is enough. */
  gtk_widget_activate_action (GTK_WIDGET (test.window), "console.record", NULL);
  wait_saved (&test);
  g_assert_nonnull (app_find_label (test.window->toasts, "Open"));
  g_assert_nonnull (app_find_label (test.window->toasts, "Show in Folder"));

  g_autoptr (Recording) recording = read_file (&test);
  recording_assert_color (recording, 0, 5, 5, RED);
  assert_end (recording, GREEN);
  console_fixture_tear_down (&test);
}

/* The toast's own button opens it in the user's player. */
static void
in_open (void)
{
  g_autofree char *applications = g_build_filename (g_get_user_data_dir (), "applications", NULL);
  g_autofree char *entry = g_build_filename (applications, "player.desktop", NULL);
  g_autofree char *defaults = g_build_filename (g_get_user_config_dir (), "mimeapps.list", NULL);
  g_autofree char *record = NULL;
  g_autofree char *path = NULL;
  Test test;

  record_fixture_set_up (&test);
  g_autofree char *player = app_make_recorder (test.folder, &record);
  g_autofree char *text = g_strdup_printf (
      "[Desktop Entry]\nType=Application\nName=Player\nExec=%s %%f\nMimeType=video/webm;\n",
      player);
  g_assert_cmpint (g_mkdir_with_parents (applications, 0700), ==, 0);
  g_assert_true (g_file_set_contents (entry, text, -1, NULL));
  g_assert_true (g_file_set_contents (
      defaults, "[Default Applications]\nvideo/webm=player.desktop\n", -1, NULL));
  record_fixture_toggle (&test);
  spice_fixture_run_for (300);
  record_fixture_toggle (&test);
  wait_saved (&test);
  app_click (test.window->toasts, "_Open");
  g_assert_cmpuint (record_fixture_count (&test, &path), ==, 1);
  app_wait_until (app_file_contains (record, path));
  console_fixture_tear_down (&test);
}

/* Another one can follow at once, and is another file. */
static void
in_row (void)
{
  Test test;

  record_fixture_set_up (&test);
  for (guint i = 1; i <= 3; i++) {
    record_fixture_toggle (&test);
    record_fixture_toggle (&test);
    app_wait_until (!record_fixture_is_on (&test));
    g_assert_cmpuint (record_fixture_count (&test, NULL), ==, i);
  }
  console_fixture_tear_down (&test);
}

static void
in_key (void)
{
  Test test;

  record_fixture_set_up (&test);
  app_wait_until (gtk_window_get_focus (GTK_WINDOW (test.window)) ==
                  GTK_WIDGET (test.window->display));
  app_settle ();
  app_xdotool ("key ctrl+shift+Print");
  app_wait_until (record_fixture_is_on (&test));
  fill (&test, RED);
  app_xdotool ("key ctrl+shift+Print");
  wait_saved (&test);
  g_autoptr (Recording) recording = read_file (&test);
  assert_end (recording, RED);
  console_fixture_tear_down (&test);
}

static gboolean
busy_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* The guest gets the keyboard while there is never time for what can wait: ours are still ours. */
static void
in_busy_key (void)
{
  Test test;

  record_fixture_set_up (&test);
  app_wait_until (gtk_window_get_focus (GTK_WINDOW (test.window)) ==
                  GTK_WIDGET (test.window->display));
  gtk_widget_grab_focus (test.window->menu_button);
  app_settle ();
  guint busy = g_idle_add_full (G_PRIORITY_DEFAULT_IDLE - 1, busy_cb, NULL, NULL);
  gtk_widget_grab_focus (GTK_WIDGET (test.window->display));
  app_xdotool ("key ctrl+shift+Print");
  app_wait_until (record_fixture_is_on (&test));
  g_source_remove (busy);
  record_fixture_toggle (&test);
  wait_saved (&test);
  console_fixture_tear_down (&test);
}

/* Where there is no header a corner says so, and the bar as well. */
static void
in_full_screen (void)
{
  Test test;

  record_fixture_set_up (&test);
  record_fixture_toggle (&test);
  gtk_window_fullscreen (GTK_WINDOW (test.window));
  app_wait_until (gtk_widget_get_mapped (test.window->record_pill));
  g_assert_true (
      gtk_widget_is_ancestor (test.window->record_button, GTK_WIDGET (test.window->bar)));
  app_wait_until (!g_str_equal (gtk_label_get_text (test.window->record_pill_time), "0:00"));
  g_signal_emit_by_name (test.window->record_pill, "clicked");
  wait_saved (&test);
  g_assert_false (gtk_widget_get_visible (test.window->record_pill));
  record_fixture_toggle (&test);
  g_assert_true (gtk_widget_get_visible (test.window->record_pill));
  /* The header, while it is there, has the time itself. */
  app_xdotool ("mousemove 600 300 mousemove 600 0");
  app_wait_until (gtk_widget_get_mapped (test.window->record_button));
  app_wait_until (!gtk_widget_get_visible (test.window->record_pill));
  app_xdotool ("mousemove 600 600");
  app_wait_until (gtk_widget_get_visible (test.window->record_pill));
  gtk_window_unfullscreen (GTK_WINDOW (test.window));
  app_wait_until (!gtk_widget_get_visible (test.window->record_pill));
  g_assert_true (record_fixture_is_on (&test));
  record_fixture_toggle (&test);
  wait_saved (&test);
  console_fixture_tear_down (&test);
}

/* The guest is paused, and the recording's time with it. */
static void
in_pause (void)
{
  Test test;

  record_fixture_set_up (&test);
  fill (&test, RED);
  const gint64 begin_us = g_get_monotonic_time ();
  record_fixture_toggle (&test);
  record_fixture_wait_time (&test, 1);
  fake_engine_set_state (test.engine, test.uuid, "paused");
  app_wait_until (lodge_console_machine_get_state (lodge_console_window_get_machine (
                      test.window)) == LODGE_MACHINE_STATE_PAUSED);
  spice_fixture_run_for (500); /* what is shown is that of the pause */
  const guint seconds = record_fixture_get_seconds (&test);
  spice_fixture_run_for (2500);
  g_assert_cmpuint (record_fixture_get_seconds (&test), ==, seconds);
  fake_engine_set_state (test.engine, test.uuid, "running");
  record_fixture_wait_time (&test, seconds + 1);
  record_fixture_toggle (&test);
  const gint64 end_us = g_get_monotonic_time ();
  wait_saved (&test);
  g_autoptr (Recording) recording = read_file (&test);
  g_assert_cmpint (recording->duration_us, <, end_us - begin_us - 2500 * 1000);
  assert_end (recording, RED);
  console_fixture_tear_down (&test);
}

/* The connection breaks and is made again. */
static void
in_reconnect (void)
{
  Test test;

  record_fixture_set_up (&test);
  fill (&test, RED);
  record_fixture_toggle (&test);
  LodgeConsoleSession *first = console_fixture_get_session (&test);
  spice_fixture_run_for (200);
  g_signal_emit_by_name (first, "disconnected", NULL);
  g_assert_null (console_fixture_get_session (&test));
  g_assert_true (record_fixture_is_on (&test));
  app_wait_until (console_fixture_is_shown (&test));
  app_wait_until (record_fixture_has_color (&test, RED));
  fill (&test, GREEN);
  record_fixture_toggle (&test);
  wait_saved (&test);
  g_autoptr (Recording) recording = read_file (&test);
  recording_assert_color (recording, 0, 5, 5, RED);
  assert_end (recording, GREEN);
  console_fixture_tear_down (&test);
}

/* The machine ends; and somebody else shows its console. */
static void
in_machine_end (void)
{
  Test test;

  record_fixture_set_up (&test);
  fill (&test, RED);
  record_fixture_toggle (&test);
  spice_fixture_run_for (300);
  fake_engine_set_state (test.engine, test.uuid, "off");
  wait_saved (&test);
  /* There is nothing to be recorded. */
  g_assert_cmpint (lodge_console_machine_get_phase (lodge_console_window_get_machine (test.window)),
                   ==, LODGE_CONSOLE_OFF);
  gtk_widget_activate_action (GTK_WIDGET (test.window), "console.record", NULL);
  g_assert_false (record_fixture_is_on (&test));
  g_autoptr (Recording) recording = read_file (&test);
  assert_end (recording, RED);
  console_fixture_tear_down (&test);
}

static gboolean
says (Test *test, const char *words)
{
  const char *description = adw_status_page_get_description (test->window->status_page);

  return description != NULL && strstr (description, words) != NULL;
}

/* Somebody else shows the console: what that did is said until it is back. */
static void
in_taken (void)
{
  g_autofree char *path = NULL;
  Test test;

  record_fixture_set_up (&test);
  fill (&test, RED);
  record_fixture_toggle (&test);
  spice_fixture_run_for (300);
  g_autoptr (LodgeClient) other =
      lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NO_START, NULL, NULL);
  g_autoptr (LodgeMachine1) machine = lodge_client_open_machine_sync (other, test.uuid, NULL, NULL);
  g_assert_true (lodge_machine1_call_claim_console_sync (machine, "another & co", NULL, NULL));
  wait_saved (&test);
  g_assert_cmpuint (record_fixture_count (&test, &path), ==, 1);
  g_assert_true (says (&test, "The console is shown by another &amp; co."));
  g_autofree char *words =
      g_strdup_printf ("That ended the recording, which was saved as %s.", path);
  g_assert_true (says (&test, words));
  g_clear_object (&machine);
  g_clear_object (&other);
  app_wait_until (console_fixture_is_shown (&test));
  g_autoptr (Recording) recording = read_file (&test);
  assert_end (recording, RED);
  console_fixture_tear_down (&test);
}

/* It is closed when it is complete. */
static gboolean
is_open (const char *path)
{
  g_autoptr (GDir) descriptors = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (descriptors)) != NULL) {
    g_autofree char *link = g_build_filename ("/proc/self/fd", name, NULL);
    g_autofree char *target = g_file_read_link (link, NULL);

    if (g_strcmp0 (target, path) == 0)
      return TRUE;
  }
  return FALSE;
}

/* What is recorded is completed when there is no window any more. */
static void
in_close (void)
{
  g_autofree char *path = NULL;
  Test test;

  record_fixture_set_up (&test);
  fill (&test, RED);
  record_fixture_toggle (&test);
  spice_fixture_run_for (300);
  gtk_window_destroy (GTK_WINDOW (test.window));
  app_wait_until (test.window == NULL);
  g_assert_cmpuint (record_fixture_count (&test, &path), ==, 1);
  app_wait_until (!is_open (path));
  g_autoptr (Recording) recording = read_file (&test);
  g_assert_cmpint (recording->duration_us, >, 0);
  assert_end (recording, RED);
  spice_fixture_run_for (200);
  console_fixture_tear_down (&test);
}

/* Who closes the window is told what that ends. */
static void
in_close_asks (void)
{
  static const char words[] =
      "The screen is being recorded: closing the window ends that, and the recording is saved.";
  static const char explained[] =
      "Closing the window does not stop the guest. The library shows it, and opens this window "
      "again. This is said only once. "
      "The screen is being recorded: closing the window ends that, and the recording is saved.";
  Test test;

  record_fixture_set_up (&test);
  record_fixture_toggle (&test);
  if (lodge_settings_get () != NULL) {
    g_settings_set_boolean (lodge_settings_get (), "closing-explained", FALSE);
    gtk_window_close (GTK_WINDOW (test.window));
    app_wait_until (app_get_dialog () != NULL);
    g_assert_nonnull (app_find_label (app_get_dialog (), explained));
    app_click (app_get_dialog (), "_Cancel");
    app_wait_until (app_get_dialog () == NULL);
    g_settings_set_boolean (lodge_settings_get (), "closing-explained", TRUE);
  }
  gtk_window_close (GTK_WINDOW (test.window));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), words));
  app_click (app_get_dialog (), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_true (record_fixture_is_on (&test));
  gtk_window_close (GTK_WINDOW (test.window));
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Close Anyway");
  app_wait_until (test.window == NULL);
  spice_fixture_run_for (200);
  console_fixture_tear_down (&test);
}

static void
in_missing (void)
{
  static const char *const names[] = {"vp8enc", "vp9enc"};
  Test test;

  record_fixture_set_up (&test);
  gst_init (NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstPluginFeature) feature =
        gst_registry_find_feature (gst_registry_get (), names[i], GST_TYPE_ELEMENT_FACTORY);
    gst_registry_remove_feature (gst_registry_get (), feature);
  }
  record_fixture_toggle (&test);
  g_assert_false (record_fixture_is_on (&test));
  g_assert_true (is_offered (&test, "_Record the Screen"));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Record the Screen"));
  g_assert_nonnull (app_find_label (app_get_dialog (),
                                    "Recording needs GStreamer’s “vp8enc”: install the package "
                                    "gstreamer1.0-plugins-good."));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_assert_cmpuint (record_fixture_count (&test, NULL), ==, 0);
  console_fixture_tear_down (&test);
}

/* It cannot be written any more: that is said, and what there is is shown. */
static void
in_failure (void)
{
  const struct rlimit limit = {200 * 1024, RLIM_INFINITY};
  g_autofree guint32 *pixels = g_new (guint32, 640 * 400);
  Test test;

  record_fixture_set_up (&test);
  fill (&test, RED);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  record_fixture_toggle (&test);
  spice_fixture_run_for (300);
  for (guint round = 0; app_get_dialog () == NULL; round++) {
    g_assert_cmpuint (round, <, 4000);
    for (guint i = 0; i < 640 * 400; i++)
      pixels[i] = ((i + round * 77777) * 2654435761u) >> 8;
    spice_fixture_draw (test.server, 0, 0, 640, 400, pixels);
    spice_fixture_run_for (30);
  }
  g_assert_false (record_fixture_is_on (&test));
  g_assert_nonnull (app_find_label (app_get_dialog (), "The Recording Has Ended"));
  g_assert_nonnull (app_find_label (test.window->toasts, "Recording saved"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_autoptr (Recording) recording = read_file (&test);
  recording_assert_color (recording, 0, 5, 5, RED);
  console_fixture_tear_down (&test);
}

/* What a graphics card has is recorded as it is, its first line on top, where the window can show
 * that; else it is said what to do. */
static void
in_scanout (void)
{
  enum { WIDTH = 72, HEIGHT = 32 };
  guint32 pixels[WIDTH * HEIGHT];
  Test test;
  int memory;

  record_fixture_set_up (&test);
  for (int i = 0; i < WIDTH * HEIGHT; i++)
    pixels[i] = i < WIDTH * HEIGHT / 2 ? GREEN : RED;
  memory = console_fixture_set_scanout (&test, pixels, WIDTH, HEIGHT);
  record_fixture_toggle (&test);
  if (lodge_display_get_problem (test.window->display) == NULL) {
    app_wait_until (record_fixture_is_on (&test));
    record_fixture_wait_time (&test, 1);
    record_fixture_toggle (&test);
    wait_saved (&test);
    g_autoptr (Recording) recording = read_file (&test);
    recording_assert_color (recording, 0, 20, 4, RED);
    recording_assert_color (recording, 0, 20, HEIGHT - 4, GREEN);
  } else {
    app_wait_until (app_get_dialog () != NULL);
    g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Record the Screen"));
    g_assert_nonnull (app_find_label (
        app_get_dialog (), "Only what is shown can be recorded, and the guest’s picture is not: "
                           "switch 3D acceleration off, and start the guest again."));
    gtk_window_close (GTK_WINDOW (app_get_dialog ()));
    app_wait_until (app_get_dialog () == NULL);
    g_assert_false (record_fixture_is_on (&test));
    g_assert_cmpuint (record_fixture_count (&test, NULL), ==, 0);
  }
  console_fixture_tear_down (&test);
  close (memory);
}

int
main (int argc, char **argv)
{
  static const RecordCase cases[] = {
      {"menu", in_menu},
      {"open", in_open},
      {"scanout", in_scanout},
      {"row", in_row},
      {"key", in_key},
      {"busy-key", in_busy_key},
      {"full-screen", in_full_screen},
      {"pause", in_pause},
      {"reconnect", in_reconnect},
      {"machine-end", in_machine_end},
      {"taken", in_taken},
      {"close", in_close},
      {"close-asks", in_close_asks},
      {"missing", in_missing},
      {"failure", in_failure},
  };

  return record_fixture_run (&argc, &argv, "console-record", cases, G_N_ELEMENTS (cases));
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record-fixture.h"

#include "test-folder.h"

#include <stdio.h>

guint
record_fixture_count (Test *test, char **out_path)
{
  return console_fixture_count_files (test, ".webm", out_path);
}

gboolean
record_fixture_is_on (Test *test)
{
  return gtk_widget_get_visible (test->window->record_button);
}

void
record_fixture_toggle (Test *test)
{
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (test->window), "console.record", NULL));
}

gboolean
record_fixture_is_colored (LodgeFrameSource *source, guint32 rgb)
{
  LodgeFrame frame = {0};

  if (source != NULL)
    lodge_frame_source_get_frame (source, &frame);
  return frame.data != NULL && (*(const guint32 *) (const void *) frame.data & 0xffffff) == rgb;
}

gboolean
record_fixture_has_color (Test *test, guint32 rgb)
{
  LodgeConsoleSession *session = console_fixture_get_session (test);

  return session != NULL &&
         record_fixture_is_colored (lodge_console_session_get_source (session), rgb);
}

/* The fixture's folder is where the user's videos are. A file has the size of its first picture, so
 * the guest's is there.
 */
void
record_fixture_set_up (Test *test)
{
  LodgeFrame frame = {0};

  console_fixture_set_up (test, 0);
  console_fixture_set_user_folder ("XDG_VIDEOS_DIR", test->folder);
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
  app_wait_until (
      (lodge_frame_source_get_frame (
           lodge_console_session_get_source (console_fixture_get_session (test)), &frame),
       frame.data != NULL && frame.width == 640));
}

guint
record_fixture_get_seconds (Test *test)
{
  guint minutes, seconds;

  g_assert_cmpint (
      sscanf (gtk_label_get_text (test->window->record_time), "%u:%u", &minutes, &seconds), ==, 2);
  return minutes * 60 + seconds;
}

/* The time that is shown may skip a second. */
void
record_fixture_wait_time (Test *test, guint seconds)
{
  app_wait_until (record_fixture_get_seconds (test) >= seconds);
}

static void
run (gconstpointer test)
{
  spice_fixture_run ((void (*) (void)) test);
}

int
record_fixture_run (int *argc, char ***argv, const char *group, const RecordCase *cases, gsize n)
{
  g_autofree char *config = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);
  int status = 0;

  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  g_setenv ("XDG_DATA_HOME", config, TRUE);
  g_setenv ("PULSE_SERVER", "unix:/nonexistent", TRUE);
  if (app_test_init (argc, argv)) {
    for (gsize i = 0; i < n; i++) {
      g_autofree char *path = g_strdup_printf ("/%s/%s", group, cases[i].name);

      g_test_add_data_func (path, (gconstpointer) cases[i].run, run);
    }
    status = g_test_run ();
  }
  test_folder_remove (config);
  return status;
}

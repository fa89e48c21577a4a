/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files dragged with the pointer from another program's window onto a console window. */
#include "app-fixture.h"

#include "gtk/lodge-console-window-private.h"
#include "spice-fixture-agent.h"

#include <gdk/x11/gdkx.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeConsoleWindow *window;
  SpiceFixture *server;
  SpiceFixtureAgent *agent;
  GSubprocess *source;
  char *folder;
  char *socket;
  char *file;
} Test;

static LodgeConsoleSession *
get_session (Test *test)
{
  return lodge_console_machine_get_session (lodge_console_window_get_machine (test->window));
}

static gboolean
is_ready (Test *test)
{
  LodgeConsoleSession *session = get_session (test);

  return session != NULL &&
         lodge_console_files_get_available (lodge_console_session_get_files (session)) &&
         gtk_widget_get_width (GTK_WIDGET (test->window->display)) > 300;
}

static gboolean
is_hinted (Test *test)
{
  GtkLabel *label = app_find_label (test->window, "Drop files to copy them into the guest");
  GtkWidget *revealer = gtk_widget_get_ancestor (GTK_WIDGET (label), GTK_TYPE_REVEALER);

  return gtk_revealer_get_reveal_child (GTK_REVEALER (revealer));
}

static void
drag (Test *test)
{
  app_xdotool ("mousemove 1300 900");
  app_xdotool ("mousedown 1");
  /* Far enough to be a drag, then in steps, as a hand does it. */
  for (int i = 1; i <= 8; i++)
    app_xdotool ("mousemove %d %d", 1300 - 110 * i, 900 - 70 * i);
}

static void
in_drop (void)
{
  Test test = {.engine = fake_engine_new (NULL)};
  const char *uuid = fake_engine_add_machine (test.engine, "web", "running");

  test.folder = g_dir_make_tmp ("lodge-drop-XXXXXX", NULL);
  test.socket = g_build_filename (test.folder, "spice.sock", NULL);
  test.file = g_build_filename (test.folder, "ein & <b>.txt", NULL);
  g_assert_true (g_file_set_contents (test.file, "gezogen", -1, NULL));
  test.server = spice_fixture_new_at (test.socket, 640, 400);
  test.agent = spice_fixture_agent_new (test.server);
  spice_fixture_agent_announce (test.agent, SPICE_FIXTURE_AGENT_LINUX);
  fake_engine_set_spice_socket (test.engine, uuid, test.socket);
  test.connection = lodge_connection_new ();
  lodge_connection_open (test.connection);
  test.window = LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, test.connection, uuid));
  g_object_add_weak_pointer (G_OBJECT (test.window), (gpointer *) &test.window);
  gtk_window_set_default_size (GTK_WINDOW (test.window), 800, 700);
  gtk_window_present (GTK_WINDOW (test.window));
  app_wait_until (is_ready (&test));
  test.source = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, NULL,
                                  g_getenv ("LODGE_TEST_DRAG_SOURCE"), test.file, NULL);
  g_assert_nonnull (test.source);
  app_xdotool ("search --sync --onlyvisible --name ^drag-source$ windowmove --sync 1200 800");
  app_xdotool ("windowmove --sync %lu 20 20",
               gdk_x11_surface_get_xid (gtk_native_get_surface (GTK_NATIVE (test.window))));

  drag (&test);
  /* A source that stood still has seen one motion, with which it only began. */
  for (int i = 0; !is_hinted (&test); i++) {
    g_assert_cmpint (i, <, 1000);
    app_xdotool ("mousemove %d 340", 421 - i % 2);
  }
  app_settle ();
  app_xdotool ("mouseup 1");
  app_wait_until (strcmp (spice_fixture_agent_get_log (test.agent), "start1") == 0);
  g_assert_nonnull (strstr (spice_fixture_agent_get_file_start (test.agent), "ein & <b>.txt"));
  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  app_wait_until (strcmp (spice_fixture_agent_get_log (test.agent), "start1 data1") == 0);
  GByteArray *arrived = spice_fixture_agent_get_file (test.agent);
  g_assert_cmpmem (arrived->data, arrived->len, "gezogen", 7);
  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
  app_wait_until (app_find_label (test.window, "1 file was copied into the guest") != NULL);
  app_wait_until (!is_hinted (&test));

  /* Switched off: nothing is taken, and nothing is promised. */
  spice_fixture_agent_clear (test.agent);
  gtk_widget_activate_action (GTK_WIDGET (test.window), "sharing.files", NULL);
  app_wait_until (
      !lodge_console_files_get_enabled (lodge_console_session_get_files (get_session (&test))));
  drag (&test);
  app_xdotool ("mouseup 1");
  app_settle ();
  g_assert_cmpstr (spice_fixture_agent_get_log (test.agent), ==, "");

  g_subprocess_force_exit (test.source);
  g_assert_true (g_subprocess_wait (test.source, NULL, NULL));
  g_object_unref (test.source);
  gtk_window_destroy (GTK_WINDOW (test.window));
  app_wait_until (test.window == NULL);
  app_assert_dies (test.connection);
  fake_engine_free (test.engine);
  spice_fixture_settle ();
  spice_fixture_agent_free (test.agent);
  spice_fixture_free (test.server);
  g_unlink (test.file);
  g_unlink (test.socket);
  g_rmdir (test.folder);
  g_free (test.file);
  g_free (test.socket);
  g_free (test.folder);
}

static void
test_drop (void)
{
  spice_fixture_run (in_drop);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

  g_test_add_func ("/file-drop/drop", test_drop);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console window types the host's clipboard into its guest. */
#include "app-fixture.h"

#include "gtk/lodge-console-window-private.h"
#include "gtk/lodge-settings.h"
#include "spice-fixture.h"

#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <string.h>

typedef struct {
  FakeEngine *engine;
  const char *uuid;
  LodgeConnection *connection;
  LodgeConsoleWindow *window;
  SpiceFixture *server;
  char *folder;
  char *socket;
} Test;

static gboolean
is_ready (Test *test)
{
  return lodge_console_machine_get_phase (lodge_console_window_get_machine (test->window)) ==
         LODGE_CONSOLE_SHOWN;
}

static void
set_up (Test *test)
{
  *test = (Test){.engine = fake_engine_new (NULL)};
  test->folder = g_dir_make_tmp ("lodge-type-XXXXXX", NULL);
  test->socket = g_build_filename (test->folder, "spice.sock", NULL);
  test->server = spice_fixture_new_at (test->socket, 640, 480);
  test->uuid = fake_engine_add_machine (test->engine, "web", "running");
  fake_engine_set_spice_socket (test->engine, test->uuid, test->socket);
  test->connection = lodge_connection_new ();
  lodge_connection_open (test->connection);
  test->window =
      LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, test->connection, test->uuid));
  gtk_window_present (GTK_WINDOW (test->window));
  app_wait_until (is_ready (test));
  spice_fixture_settle ();
  spice_fixture_clear (test->server);
}

static void
tear_down (Test *test)
{
  app_destroy_window (test->window);
  app_assert_dies (test->connection);
  spice_fixture_settle ();
  spice_fixture_free (test->server);
  fake_engine_free (test->engine);
  g_unlink (test->socket);
  g_rmdir (test->folder);
  g_free (test->socket);
  g_free (test->folder);
}

static void
type (Test *test, const char *text)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (test->window)), text);
  gtk_widget_activate_action (GTK_WIDGET (test->window), "keys.type-clipboard", NULL);
  app_settle ();
}

static void
answer (const char *button)
{
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), button);
  app_wait_until (app_get_dialog () == NULL);
}

static void
test_type (void)
{
  Test test;

  set_up (&test);
  /* A short line is typed at once. The X server's keyboard is a US one. */
  type (&test, "Hi!");
  g_assert_null (app_get_dialog ());
  spice_fixture_expect_scancodes (test.server, "2a 23 a3 aa 17 97 2a 02 82 aa");
  app_wait_until (test.window->typing == NULL);

  /* Lines are commands, and what is on no key is told of: both are asked about first. */
  type (&test, "a\nb\xe2\x82\xac");
  answer ("_Cancel");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");
  type (&test, "a\nb\xe2\x82\xac");
  answer ("_Type");
  spice_fixture_expect_scancodes (test.server, "1e 9e 1c 9c 30 b0");
  app_wait_until (test.window->typing == NULL);
  type (&test, "\xe2\x82\xac");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_false (
      adw_message_dialog_get_response_enabled (ADW_MESSAGE_DIALOG (app_get_dialog ()), "type"));
  answer ("_Cancel");
  type (&test, "");
  app_wait_until (app_find_label (test.window, "There is no text to type") != NULL);
  tear_down (&test);
}

/* A key that is let go of while the guest stands still, for a snapshot or longer. */
static void
test_still (void)
{
  LodgeConsoleSession *session;
  Test test;

  set_up (&test);
  session = lodge_console_machine_get_session (lodge_console_window_get_machine (test.window));
  lodge_console_session_key (session, KEY_A, TRUE);
  spice_fixture_expect_scancodes (test.server, "1e");
  fake_engine_guest_event (test.engine, test.uuid, "stands-still");
  lodge_console_session_key (session, KEY_A, FALSE);
  spice_fixture_expect_scancodes (test.server, "9e");
  fake_engine_guest_event (test.engine, test.uuid, "reset");
  app_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");
  fake_engine_guest_event (test.engine, test.uuid, "goes-on");
  spice_fixture_expect_scancodes (test.server, "9e");
  tear_down (&test);
}

static void
test_ends (void)
{
  g_autofree char *much = g_strnfill (3000, 'a');
  g_autofree char *too_much = g_strnfill (64 * 1024 + 1, 'a');
  Test test;

  set_up (&test);
  type (&test, much);
  answer ("_Type");
  app_wait_until (*spice_fixture_get_scancodes (test.server) != '\0');
  app_wait_until (app_find_label (test.window, "Typing the Clipboard") != NULL);
  app_click (test.window->typing_bar, "_Cancel");
  app_wait_until (app_find_label (test.window, "Not all of the text was typed") != NULL);
  g_assert_null (test.window->typing);
  g_assert_null (app_find_label (test.window, "Typing the Clipboard"));

  /* A guest that is paused would lose it. */
  type (&test, much);
  answer ("_Type");
  g_assert_nonnull (test.window->typing);
  fake_engine_set_state (test.engine, test.uuid, "paused");
  app_wait_until (test.window->typing == NULL);
  type (&test, "a");
  g_assert_null (test.window->typing);
  fake_engine_set_state (test.engine, test.uuid, "running");
  app_wait_until (g_action_get_enabled (G_ACTION (test.window->type_action)));
  type (&test, much);
  app_wait_until (app_get_dialog () != NULL);
  fake_engine_set_state (test.engine, test.uuid, "paused");
  app_wait_until (!g_action_get_enabled (G_ACTION (test.window->type_action)));
  answer ("_Type");
  app_wait_until (app_find_label (test.window, "Nothing was typed: the guest does not run now") !=
                  NULL);
  g_assert_null (test.window->typing);
  fake_engine_set_state (test.engine, test.uuid, "running");
  app_wait_until (g_action_get_enabled (G_ACTION (test.window->type_action)));
  type (&test, much);
  app_wait_until (app_get_dialog () != NULL);
  spice_fixture_settle (); /* the server's screen has nothing to do when its client goes */
  fake_engine_set_state (test.engine, test.uuid, "off");
  app_wait_until (lodge_display_get_session (test.window->display) == NULL);
  answer ("_Type");
  g_assert_null (test.window->typing);
  fake_engine_set_state (test.engine, test.uuid, "running");
  app_wait_until (is_ready (&test));
  app_wait_until (g_action_get_enabled (G_ACTION (test.window->type_action)));

  type (&test, too_much);
  app_wait_until (app_get_dialog () != NULL);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_assert_null (test.window->typing);
  /* The window closes in the middle of it. */
  type (&test, much);
  answer ("_Type");
  tear_down (&test);
}

static void
run (gconstpointer test)
{
  spice_fixture_run ((void (*) (void)) test);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;
  if (lodge_settings_get () != NULL)
    g_settings_set_boolean (lodge_settings_get (), "closing-explained", TRUE);
  g_test_add_data_func ("/console-type/type", (gconstpointer) (void (*) (void)) test_type, run);
  g_test_add_data_func ("/console-type/ends", (gconstpointer) (void (*) (void)) test_ends, run);
  g_test_add_data_func ("/console-type/still", (gconstpointer) (void (*) (void)) test_still, run);
  return g_test_run ();
}

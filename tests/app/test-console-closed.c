/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows that are closed while an answer is on its way: there is nobody left to be told. */
#include "app-fixture.h"

#include "gtk/lodge-console-window.h"
#include "gtk/lodge-library-window.h"
#include "gtk/lodge-settings.h"

typedef struct {
  const char *state;
  const char *method;
  const char *action;
  const char *parameter; /* a GVariant as text, or NULL */
} Row;

static const Row console_rows[] = {
    {"off", "Start", "console.start", NULL},
    {"running", "Pause", "console.pause", NULL},
    {"running", "SendKeys", "console.send-keys", "'ctrl+alt+delete'"},
    {"running", "Screenshot", "console.screenshot", NULL},
    {"running", "Set", "sound.microphone", NULL},
    {"running", "Set", "sharing.files", NULL},
    {"running", "Set", "display.whole-multiples", NULL},
    {"off", "EjectMedia", "media.eject", "'cd0'"},
};

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  const char *uuid;
} Test;

static void
set_up (Test *test, const Row *row)
{
  *test = (Test){.engine = fake_engine_new (NULL)};
  test->uuid = fake_engine_add_machine (test->engine, "web", row->state);
  test->connection = lodge_connection_new ();
  lodge_connection_open (test->connection);
}

static void
tear_down (Test *test)
{
  app_assert_dies (test->connection);
  fake_engine_free (test->engine);
}

/* Asks, and closes @window before there can be an answer. */
static void
ask_and_close (Test *test, const Row *row, GtkWidget *window, GVariant *parameter)
{
  gpointer weak = window;

  g_object_add_weak_pointer (G_OBJECT (window), &weak);
  fake_engine_fail_next (test->engine, row->method, LODGE_ERROR_HOST, "It will not do.");
  g_assert_true (gtk_widget_activate_action_variant (window, row->action, parameter));
  gtk_window_destroy (GTK_WINDOW (window));
  /* It goes with the answer. */
  app_wait_until (weak == NULL);
  g_assert_null (app_get_dialog ());
}

static void
test_console (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GVariant) parameter = NULL;
  GtkWidget *window;
  Test test;

  set_up (&test, row);
  if (lodge_settings_get () != NULL)
    g_settings_set_boolean (lodge_settings_get (), "closing-explained", TRUE);
  window = lodge_console_window_new (NULL, test.connection, test.uuid);
  gtk_window_present (GTK_WINDOW (window));
  app_wait_until (lodge_console_machine_get_machine (
                      lodge_console_window_get_machine (LODGE_CONSOLE_WINDOW (window))) != NULL);
  if (row->parameter != NULL)
    parameter = g_variant_ref_sink (g_variant_new_parsed (row->parameter));
  ask_and_close (&test, row, window, parameter);
  tear_down (&test);
}

static void
test_library (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (LodgeConsoleLauncher) launcher = lodge_console_launcher_new ("/bin/false");
  g_autoptr (LodgeMachineList) machines = NULL;
  g_autoptr (GVariant) parameter = NULL;
  GtkWidget *window;
  Test test;

  set_up (&test, row);
  machines = lodge_machine_list_new (test.connection);
  window = lodge_library_window_new (NULL, test.connection, machines, launcher);
  gtk_window_present (GTK_WINDOW (window));
  app_wait_until (app_find_label (window, "web") != NULL);
  parameter = g_variant_ref_sink (g_variant_new_string (test.uuid));
  ask_and_close (&test, row, window, parameter);
  g_clear_object (&machines);
  tear_down (&test);
}

static const Row library_rows[] = {
    {"off", "Start", "machine.start", NULL},
    {"running", "Pause", "machine.pause", NULL},
};

int
main (int argc, char **argv)
{
  g_setenv ("PULSE_SERVER", "unix:/nonexistent", TRUE);
  if (!app_test_init (&argc, &argv))
    return 0;

  for (guint i = 0; i < G_N_ELEMENTS (console_rows); i++) {
    g_autofree char *path = g_strconcat ("/console-closed/", console_rows[i].action, NULL);

    g_test_add_data_func (path, &console_rows[i], test_console);
  }
  for (guint i = 0; i < G_N_ELEMENTS (library_rows); i++) {
    g_autofree char *path = g_strconcat ("/console-closed/library/", library_rows[i].action, NULL);

    g_test_add_data_func (path, &library_rows[i], test_library);
  }
  return g_test_run ();
}

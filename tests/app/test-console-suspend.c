/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window of a machine that is suspended to disk: on its way there, and when it is. */
#include "app-fixture.h"

#include "gtk/lodge-console-window.h"
#include "gtk/lodge-settings.h"

#include <string.h>

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeConsoleWindow *window;
  const char *uuid;
} Fixture;

static void
set_up (Fixture *f, gconstpointer state)
{
  f->engine = fake_engine_new (NULL);
  f->uuid = fake_engine_add_machine (f->engine, "web & <b>", state);
  f->connection = lodge_connection_new ();
  lodge_connection_open (f->connection);
  if (lodge_settings_get () != NULL)
    g_settings_set_boolean (lodge_settings_get (), "closing-explained", TRUE);
  f->window = LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, f->connection, f->uuid));
  g_object_add_weak_pointer (G_OBJECT (f->window), (gpointer *) &f->window);
  gtk_window_present (GTK_WINDOW (f->window));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->window != NULL)
    gtk_window_destroy (GTK_WINDOW (f->window));
  app_wait_until (f->window == NULL);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
}

static gpointer
get (Fixture *f, const char *id)
{
  return app_get_child (f->window, LODGE_TYPE_CONSOLE_WINDOW, id);
}

static void
act (Fixture *f, const char *action)
{
  gtk_widget_activate_action (GTK_WIDGET (f->window), action, NULL);
}

static void
wait_state (Fixture *f, const char *word)
{
  app_wait_until (app_find_label (get (f, "header"), word) != NULL);
}

/* How far it is, and a way back. */
static void
test_cancel (Fixture *f, gconstpointer data)
{
  wait_state (f, "Running");
  fake_engine_set_hold_jobs (f->engine, TRUE);
  act (f, "console.suspend");
  app_wait_until (app_was_called (f->engine, "Suspend web & <b>"));
  wait_state (f, "Suspending");
  app_wait_until (app_find (get (f, "busy_box"), GTK_TYPE_PROGRESS_BAR) != NULL);
  app_wait_until (gtk_progress_bar_get_fraction (
                      app_find (get (f, "busy_box"), GTK_TYPE_PROGRESS_BAR)) > 0.4);
  app_assert_named (f->window);
  app_click (get (f, "busy_box"), "_Cancel");
  wait_state (f, "Running");
  app_settle ();
  g_assert_null (app_get_dialog ());
  g_assert_null (app_find (get (f, "busy_box"), GTK_TYPE_PROGRESS_BAR));

  /* Once more, and to its end. */
  act (f, "console.suspend");
  wait_state (f, "Suspending");
  app_wait_until (app_find (get (f, "busy_box"), GTK_TYPE_PROGRESS_BAR) != NULL);
  fake_engine_finish_jobs (f->engine, 0, NULL);
  app_wait_until (app_find_label (f->window, "The Machine Is Suspended") != NULL);
}

/* The window may be gone before its work is. */
static void
test_closed (Fixture *f, gconstpointer data)
{
  wait_state (f, "Running");
  fake_engine_set_hold_jobs (f->engine, TRUE);
  act (f, "console.suspend");
  wait_state (f, "Suspending");
  app_wait_until (app_find (get (f, "busy_box"), GTK_TYPE_PROGRESS_BAR) != NULL);
  gtk_window_destroy (GTK_WINDOW (f->window));
  app_settle ();
  fake_engine_finish_jobs (f->engine, 0, NULL);
  app_wait_until (f->window == NULL);
  {
    g_autofree char *state = fake_engine_dup_state (f->engine, f->uuid);

    g_assert_cmpstr (state, ==, "suspended");
  }
}

static void
test_resume (Fixture *f, gconstpointer data)
{
  app_wait_until (app_find_label (f->window, "The Machine Is Suspended") != NULL);
  /* Enter does what the page offers. */
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (f->window)) == get (f, "status_button"));
  g_assert_false (app_was_called (f->engine, "Start"));
  /* Why it could not go on takes the place of what there is to say else. */
  fake_engine_set_note (f->engine, f->uuid, "<b>It</b> does not & fit.");
  app_wait_until (app_find_label (f->window, "<b>It</b> does not & fit.") != NULL);
  app_click (f->window, "_Resume");
  app_wait_until (app_was_called (f->engine, "Start web & <b>"));
  wait_state (f, "Running");
}

static void
test_discard (Fixture *f, gconstpointer data)
{
  app_wait_until (app_find_label (f->window, "The Machine Is Suspended") != NULL);
  act (f, "console.discard");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "loss of power"));
  app_click (app_get_dialog (), "_Cancel");
  app_settle ();
  g_assert_false (app_was_called (f->engine, "DiscardSuspended"));
  act (f, "console.discard");
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Discard");
  app_wait_until (app_was_called (f->engine, "DiscardSuspended web & <b>"));
  app_wait_until (app_find_label (f->window, "The Machine Is Off") != NULL);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;
  g_test_add ("/console/suspend/cancel", Fixture, "running", set_up, test_cancel, tear_down);
  g_test_add ("/console/suspend/closed", Fixture, "running", set_up, test_closed, tear_down);
  g_test_add ("/console/suspend/resume", Fixture, "suspended", set_up, test_resume, tear_down);
  g_test_add ("/console/suspend/discard", Fixture, "suspended", set_up, test_discard, tear_down);
  return g_test_run ();
}

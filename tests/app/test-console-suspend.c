/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window of a machine that is suspended to disk: on its way there, and when it is. */
#include "app-fixture.h"

#include "gtk/lodge-console-window-private.h"
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
  app_wait_until (
      gtk_progress_bar_get_fraction (app_find (get (f, "busy_box"), GTK_TYPE_PROGRESS_BAR)) > 0.4);
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

/* The entry of the window's menu, which is opened for it. */
static gboolean
is_offered (Fixture *f, const char *label)
{
  GtkMenuButton *button = get (f, "menu_button");
  GtkLabel *entry;

  gtk_menu_button_popup (button);
  app_wait_until (app_find_label (gtk_menu_button_get_popover (button), label) != NULL);
  entry = app_find_label (gtk_menu_button_get_popover (button), label);
  return gtk_widget_is_sensitive (GTK_WIDGET (entry));
}

/* A disc would be another one than the guest expects: that is said before it is tried. */
static void
test_media (Fixture *f, gconstpointer data)
{
  app_wait_until (app_find_label (f->window, "The Machine Is Suspended") != NULL);
  g_assert_false (is_offered (f, "Insert a Disc (Resume First)"));
  fake_engine_set_state (f->engine, f->uuid, "off");
  wait_state (f, "Off");
  g_assert_true (is_offered (f, "Insert a Disc…"));
}

/* What goes on when the window is closed is said as it is, also while that changes. */
static void
test_closing (Fixture *f, gconstpointer data)
{
  if (lodge_settings_get () == NULL) {
    g_test_skip ("there are no settings");
    return;
  }
  wait_state (f, "Running");
  fake_engine_set_hold_jobs (f->engine, TRUE);
  act (f, "console.suspend");
  wait_state (f, "Suspending");
  g_settings_set_boolean (lodge_settings_get (), "closing-explained", FALSE);
  gtk_window_close (GTK_WINDOW (f->window));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "“web & <b>” Is Still Being Suspended"));
  g_assert_null (
      strstr (adw_message_dialog_get_body (app_get_dialog ()), "does not stop the guest"));
  fake_engine_set_state (f->engine, f->uuid, "paused");
  app_wait_until (app_find_label (app_get_dialog (), "“web & <b>” Stays Paused") != NULL);
  fake_engine_finish_jobs (f->engine, 0, NULL);
  wait_state (f, "Suspended");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_true (gtk_widget_get_visible (GTK_WIDGET (f->window)));
  /* Nothing goes on any more. */
  gtk_window_close (GTK_WINDOW (f->window));
  app_wait_until (f->window == NULL);
  g_settings_set_boolean (lodge_settings_get (), "closing-explained", TRUE);
}

/* A question that does not apply any more goes. */
static void
test_question (Fixture *f, gconstpointer data)
{
  wait_state (f, "Running");
  act (f, "console.kill");
  app_wait_until (app_get_dialog () != NULL);
  fake_engine_set_state (f->engine, f->uuid, "paused");
  wait_state (f, "Paused");
  g_assert_nonnull (app_get_dialog ());
  fake_engine_set_state (f->engine, f->uuid, "off");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_false (app_was_called (f->engine, "Kill"));
}

/* In a window that is small the words and the button come before the icon. */
static void
test_small (Fixture *f, gconstpointer data)
{
  GtkWidget *button = get (f, "status_button");
  graphene_rect_t bounds;

  app_wait_until (app_find_label (f->window, "The Machine Is Suspended") != NULL);
  app_wait_until (gtk_widget_get_height (GTK_WIDGET (f->window)) > 400);
  g_assert_nonnull (adw_status_page_get_icon_name (get (f, "status_page")));
  gtk_window_set_default_size (GTK_WINDOW (f->window), 400, 300);
  app_wait_until (gtk_widget_get_height (GTK_WIDGET (f->window)) <= 300 &&
                  adw_status_page_get_icon_name (get (f, "status_page")) == NULL);
  app_settle ();
  g_assert_true (gtk_widget_compute_bounds (button, GTK_WIDGET (f->window), &bounds));
  g_assert_cmpfloat (bounds.origin.y + bounds.size.height, <=,
                     gtk_widget_get_height (GTK_WIDGET (f->window)));
  gtk_window_set_default_size (GTK_WINDOW (f->window), 800, 600);
  app_wait_until (adw_status_page_get_icon_name (get (f, "status_page")) != NULL);
}

/* One that was deleted has nothing to be shared with. */
static void
test_gone (Fixture *f, gconstpointer data)
{
  GListModel *windows = gtk_window_get_toplevels ();

  wait_state (f, "Off");
  act (f, "console.shared");
  app_wait_until (g_list_model_get_n_items (windows) == 2);
  fake_engine_remove_machine (f->engine, f->uuid);
  app_wait_until (app_find_label (f->window, "The Machine Is Gone") != NULL);
  app_wait_until (g_list_model_get_n_items (windows) == 1);
  g_assert_false (is_offered (f, "What Is Shared…"));
  g_assert_false (is_offered (f, "Snapshots…"));
}

/* For as long as nothing is kept, the window says so. */
static void
test_disposable (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeMachine1) machine = NULL;

  wait_state (f, "Off");
  g_assert_null (app_find_label (get (f, "header"), "Not Kept"));
  machine = g_object_ref (lodge_console_machine_get_machine (f->window->machine));
  lodge_machine1_call_start_disposable (machine, NULL, NULL, NULL);
  app_wait_until (app_find_label (get (f, "header"), "Not Kept") != NULL);
  fake_engine_set_state (f->engine, f->uuid, "off");
  app_wait_until (app_find_label (get (f, "header"), "Not Kept") == NULL);
  act (f, "console.start");
  wait_state (f, "Running");
  g_assert_null (app_find_label (get (f, "header"), "Not Kept"));
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
  g_test_add ("/console/suspend/media", Fixture, "suspended", set_up, test_media, tear_down);
  g_test_add ("/console/suspend/closing", Fixture, "running", set_up, test_closing, tear_down);
  g_test_add ("/console/suspend/question", Fixture, "running", set_up, test_question, tear_down);
  g_test_add ("/console/suspend/small", Fixture, "suspended", set_up, test_small, tear_down);
  g_test_add ("/console/suspend/gone", Fixture, "off", set_up, test_gone, tear_down);
  g_test_add ("/console/suspend/disposable", Fixture, "off", set_up, test_disposable, tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window that clones a machine: a name that is free, what is asked of the engine, failing and
 * cancelled jobs, a window that is gone before the answer. */
#include "app-fixture.h"

#include "gtk/lodge-clone-from-row.h"
#include "gtk/lodge-clone-window.h"
#include "gtk/lodge-machine-list.h"

#include <string.h>

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeMachineList *machines;
  GtkWidget *window; /* NULL once it has closed itself */
} Fixture;

#define NAME "<web> & more"

static void
set_up (Fixture *f, gconstpointer data)
{
  const char *uuid;

  f->engine = fake_engine_new (NULL);
  uuid = fake_engine_add_machine (f->engine, NAME, "off");
  fake_engine_add_machine (f->engine, NAME " (clone)", "off");
  f->connection = lodge_connection_new ();
  f->machines = lodge_machine_list_new (f->connection);
  lodge_connection_open (f->connection);
  app_wait_until (lodge_machine_list_get_loaded (f->machines));
  f->window = lodge_clone_window_new (f->connection, G_LIST_MODEL (f->machines), uuid, NAME);
  g_object_add_weak_pointer (G_OBJECT (f->window), (gpointer *) &f->window);
  gtk_window_present (GTK_WINDOW (f->window));
  app_wait_until (gtk_widget_get_mapped (f->window));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->window != NULL)
    gtk_window_destroy (GTK_WINDOW (f->window));
  app_wait_until (f->window == NULL);
  app_assert_dies (f->machines);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
}

static gpointer
child (Fixture *f, const char *id)
{
  return app_get_child (f->window, LODGE_TYPE_CLONE_WINDOW, id);
}

static void
set_name (Fixture *f, const char *name)
{
  gtk_editable_set_text (GTK_EDITABLE (child (f, "name_row")), name);
}

static gboolean
can_clone (Fixture *f)
{
  return gtk_widget_get_sensitive (child (f, "clone_button"));
}

/* With all that is around it. */
static gboolean
shows_from (Fixture *f)
{
  GtkWidget *group = gtk_widget_get_ancestor (child (f, "from_row"), ADW_TYPE_PREFERENCES_GROUP);

  return gtk_widget_get_visible (group);
}

static void
test_linked (Fixture *f, gconstpointer data)
{
  app_assert_named (f->window);
  g_assert_cmpstr (gtk_editable_get_text (GTK_EDITABLE (child (f, "name_row"))), ==,
                   NAME " (clone) 2");
  g_assert_true (can_clone (f));
  g_assert_false (shows_from (f));
  set_name (f, "new");
  app_click (f->window, "C_lone");
  app_wait_until (f->window == NULL);
  g_assert_true (app_was_called (f->engine, "Clone " NAME " 'new' {'linked': <true>}"));
  g_assert_cmpuint (fake_engine_get_n_machines (f->engine), ==, 3);
}

/* The passphrase is asked for where it is needed, and the form stays as it is. */
static void
test_locked (Fixture *f, gconstpointer data)
{
  fake_engine_encrypt (f->engine, NAME, "secret");
  set_name (f, "new");
  app_click (f->window, "C_lone");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_false (app_was_called (f->engine, "Unlock"));
  g_assert_true (can_clone (f));
  gtk_editable_set_text (GTK_EDITABLE (app_find (app_get_dialog (), GTK_TYPE_ENTRY)), "secret");
  app_click (app_get_dialog (), "_Unlock");
  app_wait_until (f->window == NULL);
  g_assert_true (app_was_called (f->engine, "Clone " NAME " 'new' {'linked': <true>}"));
}

static void
test_full (Fixture *f, gconstpointer data)
{
  gtk_check_button_set_active (child (f, "full_check"), TRUE);
  set_name (f, "new");
  app_click (f->window, "C_lone");
  app_wait_until (f->window == NULL);
  g_assert_true (app_was_called (f->engine, "Clone " NAME " 'new' {}"));
}

/* Why it cannot be cloned is said, also where there is nothing to choose. */
static void
test_suspended (Fixture *f, gconstpointer data)
{
  LodgeCloneFromRow *row = child (f, "from_row");

  fake_engine_clear_snapshots (f->engine, NAME);
  app_wait_until (!gtk_widget_get_visible (GTK_WIDGET (row)));
  fake_engine_set_state (f->engine, NAME, "suspended");
  app_wait_until (!can_clone (f));
  g_assert_true (gtk_widget_get_visible (GTK_WIDGET (row)));
  g_assert_nonnull (app_find_label (row, "It is suspended: choose a snapshot, or resume it first"));
}

/* Also of a snapshot: the newest is first behind the present, and one that is chosen stays so. */
static void
test_snapshot (Fixture *f, gconstpointer data)
{
  LodgeCloneFromRow *row = child (f, "from_row");
  GtkDropDown *choice;

  app_wait_until (gtk_widget_get_visible (GTK_WIDGET (row)));
  g_assert_true (shows_from (f));
  choice = app_find (row, GTK_TYPE_DROP_DOWN);
  app_wait_until (choice != NULL);
  g_assert_cmpuint (g_list_model_get_n_items (gtk_drop_down_get_model (choice)), ==, 5);
  g_assert_null (lodge_clone_from_row_get_snapshot (row));
  gtk_drop_down_set_selected (choice, 2);
  g_assert_cmpstr (lodge_clone_from_row_get_snapshot (row), ==, "s3");
  fake_engine_add_snapshot (f->engine, NAME, "s9", "<b>one</b> & more", "s2", FALSE);
  app_wait_until (g_list_model_get_n_items (gtk_drop_down_get_model (choice)) == 6);
  g_assert_cmpstr (lodge_clone_from_row_get_snapshot (row), ==, "s3");
  /* One that is gone is not replaced by the present. */
  fake_engine_remove_snapshot (f->engine, NAME, "s3");
  app_wait_until (app_find_label (row, "The snapshot that was chosen is gone: choose again") !=
                  NULL);
  g_assert_false (can_clone (f));

  /* What is suspended has its snapshots only. */
  fake_engine_set_state (f->engine, NAME, "suspended");
  gtk_drop_down_set_selected (choice, 0);
  app_wait_until (!can_clone (f));
  g_assert_nonnull (app_find_label (row, "It is suspended: choose a snapshot, or resume it first"));
  gtk_drop_down_set_selected (choice, 1);
  app_wait_until (can_clone (f));
  set_name (f, "new");
  app_click (f->window, "C_lone");
  app_wait_until (f->window == NULL);
  g_assert_true (
      app_was_called (f->engine, "Clone " NAME " 'new' {'linked': <true>, 'snapshot': <'s9'>}") ||
      app_was_called (f->engine, "Clone " NAME " 'new' {'snapshot': <'s9'>, 'linked': <true>}"));
}

static void
test_names (Fixture *f, gconstpointer data)
{
  static const char *const bad[] = {"", " x", "a/b", NAME, NAME " (clone)"};

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    set_name (f, bad[i]);
    g_assert_false (can_clone (f));
    g_assert_true (gtk_widget_get_visible (child (f, "name_error")));
  }
  set_name (f, "good");
  g_assert_true (can_clone (f));
  g_assert_false (gtk_widget_get_visible (child (f, "name_error")));
}

static void
test_fails (Fixture *f, gconstpointer data)
{
  fake_engine_fail_next (f->engine, "Clone", LODGE_ERROR_STATE, "It is <busy> now");
  app_click (f->window, "C_lone");
  app_wait_until (gtk_revealer_get_reveal_child (child (f, "error_revealer")));
  g_assert_nonnull (app_find_label (f->window, "It is <busy> now"));
  fake_engine_fail_next_job (f->engine, LODGE_ERROR_STORAGE, "The disk is full");
  app_click (f->window, "C_lone");
  app_wait_until (app_find_label (f->window, "The disk is full") != NULL);
  app_wait_until (can_clone (f));
  g_assert_cmpuint (fake_engine_get_n_machines (f->engine), ==, 2);
  app_click (f->window, "C_lone");
  app_wait_until (f->window == NULL);
}

/* Cancelled: back to the form, where the other button closes. */
static void
test_cancel (Fixture *f, gconstpointer data)
{
  fake_engine_set_hold_jobs (f->engine, TRUE);
  app_click (f->window, "C_lone");
  app_wait_until (app_find_label (f->window, "Writing it down") != NULL);
  g_assert_false (can_clone (f));
  app_click (f->window, "_Cancel");
  app_wait_until (can_clone (f));
  g_assert_false (gtk_revealer_get_reveal_child (child (f, "error_revealer")));
  g_assert_cmpuint (fake_engine_get_n_machines (f->engine), ==, 2);
  app_click (f->window, "_Cancel");
  app_wait_until (f->window == NULL);
}

/* A window that is closed stops nothing, wherever it was. */
static void
test_gone (Fixture *f, gconstpointer method)
{
  fake_engine_set_delay (f->engine, method, 200);
  app_click (f->window, "C_lone");
  app_wait_until (app_was_called (f->engine, method));
  gtk_window_close (GTK_WINDOW (f->window));
  g_assert_false (gtk_widget_get_mapped (f->window));
  app_wait_until (f->window == NULL);
  g_assert_cmpuint (fake_engine_get_n_machines (f->engine), ==, 3);
}

static void
test_gone_and_going_on (Fixture *f, gconstpointer data)
{
  fake_engine_set_hold_jobs (f->engine, TRUE);
  app_click (f->window, "C_lone");
  app_wait_until (app_find_label (f->window, "Writing it down") != NULL);
  g_assert_nonnull (app_find_label (f->window, "Close"));
  gtk_window_close (GTK_WINDOW (f->window));
  g_assert_false (gtk_widget_get_mapped (f->window));
  app_settle ();
  fake_engine_finish_jobs (f->engine, 0, NULL);
  app_wait_until (f->window == NULL);
  g_assert_cmpuint (fake_engine_get_n_machines (f->engine), ==, 3);
}

int
main (int argc, char *argv[])
{
  if (!app_test_init (&argc, &argv))
    return 0;
#define ADD_WITH(name, data, function)                                                             \
  g_test_add ("/app/clone-window/" name, Fixture, data, set_up, function, tear_down)
#define ADD(name, function) ADD_WITH (name, NULL, function)
  ADD ("linked", test_linked);
  ADD ("full", test_full);
  ADD ("locked", test_locked);
  ADD ("snapshot", test_snapshot);
  ADD ("suspended", test_suspended);
  ADD ("names", test_names);
  ADD ("fails", test_fails);
  ADD ("cancel", test_cancel);
  ADD_WITH ("gone-while-opening", "OpenMachine", test_gone);
  ADD_WITH ("gone-while-asking", "Clone", test_gone);
  ADD ("gone-and-going-on", test_gone_and_going_on);
  return g_test_run ();
}

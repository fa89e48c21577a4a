/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window that says what becomes of a guest when its user logs out: what it shows, what it sets,
 * and why it may not be able to. */
#include "app-fixture.h"

#include "gtk/lodge-child-window.h"
#include "gtk/lodge-console-window-private.h"
#include "gtk/lodge-logout-window.h"
#include "gtk/lodge-machine-operation.h"

#include <string.h>

#define KEY "machine.at-session-end"

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  const char *uuid;
  GtkWidget *parent;
  GtkWidget *window;
} Fixture;

static AdwComboRow *
get_choice (Fixture *f)
{
  return app_find (f->window, ADW_TYPE_COMBO_ROW);
}

static gboolean
is_enabled (Fixture *f)
{
  return gtk_widget_is_sensitive (GTK_WIDGET (get_choice (f)));
}

static gboolean
has_key (Fixture *f, const char *text)
{
  g_autofree char *now = fake_engine_dup_key (f->engine, f->uuid, KEY);

  return g_strcmp0 (now, text) == 0;
}

/* By somebody else. */
static void
set_key (Fixture *f, const char *key, const char *text)
{
  lodge_machine_set_async (lodge_connection_get_client (f->connection), f->uuid, key, text, NULL,
                           NULL, NULL);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->engine = fake_engine_new (NULL);
  f->uuid = fake_engine_add_machine (f->engine, "web", "running");
  f->connection = lodge_connection_new ();
  lodge_connection_open (f->connection);
  f->parent = adw_window_new ();
  gtk_window_present (GTK_WINDOW (f->parent));
  f->window = lodge_machine_window_show (LODGE_TYPE_LOGOUT_WINDOW, GTK_WINDOW (f->parent),
                                         f->connection, f->uuid, "web");
  g_object_add_weak_pointer (G_OBJECT (f->window), (gpointer *) &f->window);
  app_wait_until (get_choice (f) != NULL);
  /* Nothing is known yet. */
  g_assert_false (is_enabled (f));
  app_wait_until (is_enabled (f));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  app_destroy_window (f->parent);
  app_wait_until (f->window == NULL);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
}

/* What is chosen is set at once, and what it means is said; somebody else's choice is followed. */
static void
test_choose (Fixture *f, gconstpointer data)
{
  g_assert_cmpstr (gtk_window_get_title (GTK_WINDOW (f->window)), ==, "“web” When You Log Out");
  app_assert_named (f->window);
  g_assert_cmpuint (adw_combo_row_get_selected (get_choice (f)), ==, 0);
  g_assert_true (app_says (f->window, "power button"));
  g_assert_false (app_was_called (f->engine, "Set"));
  adw_combo_row_set_selected (get_choice (f), 1);
  app_wait_until (has_key (f, "suspend"));
  app_wait_until (app_says (f->window, "Its memory is written to the disk"));
  set_key (f, KEY, "shut-down");
  app_wait_until (adw_combo_row_get_selected (get_choice (f)) == 0);
  set_key (f, "machine.name", "shop");
  app_wait_until (
      g_str_equal (gtk_window_get_title (GTK_WINDOW (f->window)), "“shop” When You Log Out"));
  g_assert_true (has_key (f, "shut-down"));
}

/* With the keyboard alone, and Escape leads out. */
static void
test_keys (Fixture *f, gconstpointer data)
{
  GtkWidget *focus;

  app_wait_until (gtk_window_is_active (GTK_WINDOW (f->window)));
  focus = gtk_window_get_focus (GTK_WINDOW (f->window));
  g_assert_true (focus != NULL && (focus == GTK_WIDGET (get_choice (f)) ||
                                   gtk_widget_is_ancestor (focus, GTK_WIDGET (get_choice (f)))));
  app_xdotool ("key Return");
  app_wait_until (app_find (get_choice (f), GTK_TYPE_POPOVER) != NULL);
  app_settle ();
  app_xdotool ("key Down");
  app_xdotool ("key Return");
  app_wait_until (has_key (f, "suspend"));
  app_wait_until (app_find (get_choice (f), GTK_TYPE_POPOVER) == NULL);
  app_xdotool ("key Escape");
  app_wait_until (f->window == NULL);
}

/* What is refused is said, and goes back. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  fake_engine_fail_next (f->engine, "Set", LODGE_ERROR_STORAGE, "No <room> & no luck.");
  adw_combo_row_set_selected (get_choice (f), 1);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "No <room> & no luck."));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL && adw_combo_row_get_selected (get_choice (f)) == 0);
  g_assert_true (has_key (f, "shut-down"));
}

/* Where it cannot be changed it is said why, and what to do. */
static void
test_obstacles (Fixture *f, gconstpointer data)
{
  fake_engine_set_state (f->engine, f->uuid, "template");
  app_wait_until (!is_enabled (f));
  g_assert_true (app_says (f->window, "make it an ordinary machine again"));
  fake_engine_set_state (f->engine, f->uuid, "off");
  app_wait_until (is_enabled (f));
  g_assert_false (app_says (f->window, "make it an ordinary machine again"));

  /* What only a newer engine does is not taken for what this one knows. */
  set_key (f, KEY, "fly");
  app_wait_until (!is_enabled (f));
  g_assert_true (app_says (f->window, "another version"));
  g_assert_cmpuint (adw_combo_row_get_selected (get_choice (f)), ==, GTK_INVALID_LIST_POSITION);
  set_key (f, KEY, "suspend");
  app_wait_until (is_enabled (f));
  g_assert_cmpuint (adw_combo_row_get_selected (get_choice (f)), ==, 1);

  /* The engine goes away, and comes back. */
  fake_engine_clear_calls (f->engine);
  fake_engine_drop_clients (f->engine);
  app_wait_until (!is_enabled (f));
  g_assert_cmpuint (adw_combo_row_get_selected (get_choice (f)), ==, 1);
  app_wait_until (is_enabled (f));
  g_assert_false (app_was_called (f->engine, "Set"));
}

/* Of a run of which nothing is kept there is nothing to be suspended. */
static void
test_disposable (Fixture *f, gconstpointer data)
{
  fake_engine_set_state (f->engine, f->uuid, "off");
  lodge_machine_operate_async (lodge_connection_get_client (f->connection), f->uuid,
                               LODGE_MACHINE_START_DISPOSABLE, NULL, NULL, NULL);
  app_wait_until (app_says (f->window, "Nothing of this run is kept"));
  g_assert_true (is_enabled (f));
}

/* One for each machine; a machine that is deleted takes it along. */
static void
test_gone (Fixture *f, gconstpointer data)
{
  g_assert_true (lodge_machine_window_show (LODGE_TYPE_LOGOUT_WINDOW, GTK_WINDOW (f->parent),
                                            f->connection, f->uuid, "web") == f->window);
  fake_engine_remove_machine (f->engine, f->uuid);
  app_wait_until (f->window == NULL);
}

/* Closed with a call on its way: the answer comes to nobody. */
static void
test_closed (Fixture *f, gconstpointer data)
{
  fake_engine_set_delay (f->engine, "Set", 50);
  adw_combo_row_set_selected (get_choice (f), 1);
  gtk_window_close (GTK_WINDOW (f->window));
  app_wait_until (f->window == NULL);
  g_assert_true (has_key (f, "suspend"));
}

/* From a console window, also of a machine that is off. */
static void
test_console (Fixture *f, gconstpointer data)
{
  LodgeConsoleWindow *console =
      LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, f->connection, f->uuid));
  GtkWindow *window;

  fake_engine_set_state (f->engine, f->uuid, "off");
  gtk_window_present (GTK_WINDOW (console));
  app_wait_until (lodge_console_machine_get_machine (lodge_console_window_get_machine (console)) !=
                  NULL);
  gtk_widget_activate_action (GTK_WIDGET (console), "console.logout", NULL);
  window = lodge_child_window_find (GTK_WINDOW (console), LODGE_TYPE_LOGOUT_WINDOW, f->uuid);
  g_assert_nonnull (window);
  app_wait_until (app_find (window, ADW_TYPE_COMBO_ROW) != NULL &&
                  gtk_widget_is_sensitive (app_find (window, ADW_TYPE_COMBO_ROW)));
  app_destroy_window (console);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, test) g_test_add ("/logout-window/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("choose", test_choose);
  ADD ("keys", test_keys);
  ADD ("refused", test_refused);
  ADD ("obstacles", test_obstacles);
  ADD ("disposable", test_disposable);
  ADD ("gone", test_gone);
  ADD ("closed", test_closed);
  ADD ("console", test_console);
  return g_test_run ();
}

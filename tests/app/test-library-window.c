/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library window, driven through its own widgets and actions against a fake engine. */
#include "app-fixture.h"

#include "gtk/lodge-create-window.h"
#include "gtk/lodge-library-window.h"
#include "gtk/lodge-machine-card.h"
#include "gtk/lodge-snapshots-window.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeMachineList *machines;
  LodgeConsoleLauncher *launcher;
  LodgeLibraryWindow *window;
  char *folder;
  char *record;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *program = NULL;

  f->engine = fake_engine_new (NULL);
  f->folder = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);
  program = app_make_recorder (f->folder, &f->record);
  f->connection = lodge_connection_new ();
  f->machines = lodge_machine_list_new (f->connection);
  f->launcher = lodge_console_launcher_new (program);
  f->window = LODGE_LIBRARY_WINDOW (
      lodge_library_window_new (NULL, f->connection, f->machines, f->launcher));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree char *program = g_build_filename (f->folder, "recorder", NULL);

  app_destroy_window (f->window);
  app_assert_dies (f->launcher);
  app_assert_dies (f->machines);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
  g_unlink (program);
  g_unlink (f->record);
  g_rmdir (f->folder);
  g_free (f->folder);
  g_free (f->record);
}

static const char *
get_page (Fixture *f)
{
  return gtk_stack_get_visible_child_name (
      app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "pages"));
}

static void
show (Fixture *f)
{
  gtk_window_present (GTK_WINDOW (f->window));
  lodge_connection_open (f->connection);
  app_wait_until (lodge_machine_list_get_loaded (f->machines));
}

static gboolean
is_page (Fixture *f, const char *page)
{
  return g_str_equal (get_page (f), page);
}

static void
act (Fixture *f, const char *action, const char *uuid)
{
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (f->window), action, "s", uuid));
}

static gboolean
banner_is_shown (Fixture *f)
{
  return gtk_revealer_get_reveal_child (
      app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "banner"));
}

static void
test_empty (Fixture *f, gconstpointer data)
{
  GtkLabel *offer = app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "offer_label");

  g_assert_cmpstr (get_page (f), ==, "loading");
  show (f);
  app_wait_until (is_page (f, "empty"));
  app_wait_until (strstr (gtk_label_get_text (offer), "Debian 12") != NULL);
  gtk_test_accessible_assert_property (
      app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "offer_button"),
      GTK_ACCESSIBLE_PROPERTY_LABEL, gtk_label_get_text (offer));
  fake_engine_add_machine (f->engine, "first", "off");
  app_wait_until (is_page (f, "machines"));
  fake_engine_remove_machine (f->engine, "first");
  app_wait_until (is_page (f, "empty"));
}

static void
test_cards (Fixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");

  fake_engine_add_machine (f->engine, "db", "running");
  show (f);
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 2);
  g_assert_nonnull (app_find_label (f->window, "web"));
  g_assert_nonnull (app_find_label (f->window, "Off"));
  g_assert_nonnull (app_find_label (f->window, "Running"));
  fake_engine_set_state (f->engine, uuid, "crashed");
  app_wait_until (app_find_label (f->window, "Crashed") != NULL);
  g_assert_null (app_find_label (f->window, "Off"));
  fake_engine_remove_machine (f->engine, "db");
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 1);
  /* Nothing was opened to show them. */
  g_assert_false (app_was_called (f->engine, "OpenMachine"));
}

static void
test_hostile_text (Fixture *f, gconstpointer data)
{
  static const char markup[] = "<b>bold</b> & <a href=\"file:///\">x</a> &lt;";
  static const char rtl[] = "\xe2\x80\xaeمكتب \xe2\x80\xadweb";
  g_autofree char *wide = g_strnfill (64, 'W');
  const char *uuid = fake_engine_add_machine (f->engine, markup, "crashed");
  LodgeMachineCard *card;

  fake_engine_add_machine (f->engine, rtl, "off");
  fake_engine_add_machine (f->engine, wide, "off");
  fake_engine_set_note (f->engine, uuid, "<i>QEMU</i> & its <disk> ended.");
  show (f);
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 3);
  g_assert_nonnull (app_find_label (f->window, markup));
  g_assert_nonnull (app_find_label (f->window, rtl));
  g_assert_nonnull (app_find_label (f->window, wide));
  app_wait_until (app_find_label (f->window, "<i>QEMU</i> & its <disk> ended.") != NULL);
  /* 64 wide characters do not widen a card. */
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  for (GtkWidget *item = gtk_widget_get_parent (GTK_WIDGET (card)); item != NULL;
       item = gtk_widget_get_next_sibling (item)) {
    int minimum, natural;

    gtk_widget_measure (item, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, &natural, NULL, NULL);
    g_assert_cmpint (minimum, <=, 260);
    g_assert_cmpint (natural, <=, 260);
  }
}

static void
test_start_and_open (Fixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");
  GtkGridView *grid = app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "grid");
  g_autofree char *line = g_strdup_printf ("--console %s\n", uuid);

  show (f);
  app_wait_until (is_page (f, "machines"));
  /* Twice, as an impatient hand does: one start. */
  fake_engine_clear_calls (f->engine);
  g_signal_emit_by_name (grid, "activate", 0);
  g_signal_emit_by_name (grid, "activate", 0);
  app_wait_until (app_file_contains (f->record, line));
  g_assert_true (app_was_called (f->engine, "Start web"));
  {
    g_auto (GStrv) calls = fake_engine_dup_calls (f->engine);
    guint n_starts = 0;

    for (guint i = 0; calls[i] != NULL; i++)
      n_starts += g_str_has_prefix (calls[i], "Start ");
    g_assert_cmpuint (n_starts, ==, 1);
  }

  /* Once it runs, the window that is there is brought back: no second one, no second start. */
  app_wait_until (app_find_label (f->window, "Running") != NULL);
  fake_engine_clear_calls (f->engine);
  g_signal_emit_by_name (grid, "activate", 0);
  app_wait_until (app_file_contains (f->record, "present "));
  g_assert_false (app_was_called (f->engine, "Start"));
  {
    g_autofree char *content = NULL;

    g_assert_true (g_file_get_contents (f->record, &content, NULL, NULL));
    g_assert_cmpstr (strstr (content, "--console"), ==, g_strrstr (content, "--console"));
  }
}

static void
test_error_text (Fixture *f, gconstpointer data)
{
  static const char sentence[] = "Could not open <b>/dev/kvm</b> & \"more\": permission denied.";
  const char *uuid = fake_engine_add_machine (f->engine, "<u>web</u>", "off");
  AdwMessageDialog *dialog;

  show (f);
  fake_engine_fail_next (f->engine, "Start", LODGE_ERROR_DENIED, sentence);
  act (f, "machine.start", uuid);
  app_wait_until (app_get_dialog () != NULL);
  dialog = app_get_dialog ();
  g_assert_nonnull (app_find_label (dialog, sentence));
  g_assert_nonnull (app_find_label (dialog, "Could Not Start “<u>web</u>”"));
  g_assert_false (g_file_test (f->record, G_FILE_TEST_EXISTS));
  gtk_window_close (GTK_WINDOW (dialog));
  app_wait_until (app_get_dialog () == NULL);
}

static void
test_power (Fixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");

  show (f);
  act (f, "machine.pause", uuid);
  app_wait_until (app_find_label (f->window, "Paused") != NULL);
  act (f, "machine.resume", uuid);
  app_wait_until (app_find_label (f->window, "Running") != NULL);
  act (f, "machine.shutdown", uuid);
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  g_assert_null (app_get_dialog ());
}

/* What loses something asks; and an answer of no leaves it alone. */
static void
test_kill (Fixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");

  show (f);
  act (f, "machine.kill", uuid);
  app_wait_until (app_get_dialog () != NULL);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  app_settle ();
  g_assert_false (app_was_called (f->engine, "Kill"));
  act (f, "machine.kill", uuid);
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Force Off");
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  g_assert_true (app_was_called (f->engine, "Kill web"));
  app_wait_until (app_get_dialog () == NULL);
}

static void
test_delete (Fixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "old <one>", "off");
  const char *running = fake_engine_add_machine (f->engine, "web", "running");

  show (f);
  act (f, "machine.delete", uuid);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Delete “old <one>”?"));
  /* It says what goes, by name. */
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "/"));
  g_assert_false (app_was_called (f->engine, "Delete"));
  app_click (app_get_dialog (), "_Delete");
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 1);
  app_wait_until (app_get_dialog () == NULL);

  /* One that is in use is not deleted, and that is said at once. */
  act (f, "machine.delete", running);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Delete “web”"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_assert_cmpuint (fake_engine_get_n_machines (f->engine), ==, 1);
}

static void
test_rename (Fixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");
  GtkEditable *entry;

  show (f);
  act (f, "machine.rename", uuid);
  app_wait_until (app_get_dialog () != NULL);
  entry = app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW);
  g_assert_nonnull (entry);
  g_assert_cmpstr (gtk_editable_get_text (entry), ==, "web");
  gtk_editable_set_text (entry, "a/b");
  g_assert_false (adw_message_dialog_get_response_enabled (app_get_dialog (), "act"));
  gtk_editable_set_text (entry, "web two");
  g_assert_true (adw_message_dialog_get_response_enabled (app_get_dialog (), "act"));
  app_click (app_get_dialog (), "_Rename");
  app_wait_until (app_find_label (f->window, "web two") != NULL);
  app_wait_until (app_get_dialog () == NULL);
}

/* Tab goes from card to card, where Enter, F2 and Delete are; the first has the keyboard at once.
 */
static void
test_keyboard (Fixture *f, gconstpointer data)
{
  GtkWindow *window = GTK_WINDOW (f->window);
  GtkWidget *first;

  fake_engine_add_machine (f->engine, "a", "off");
  fake_engine_add_machine (f->engine, "b", "off");
  show (f);
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 2);
  first = gtk_window_get_focus (window);
  g_assert_nonnull (first);
  g_assert_true (LODGE_IS_MACHINE_CARD (gtk_widget_get_first_child (first)));
  g_assert_nonnull (app_find_label (first, "a"));
  g_assert_true (gtk_widget_child_focus (GTK_WIDGET (window), GTK_DIR_TAB_FORWARD));
  g_assert_nonnull (app_find_label (gtk_window_get_focus (window), "b"));
  g_assert_true (
      LODGE_IS_MACHINE_CARD (gtk_widget_get_first_child (gtk_window_get_focus (window))));
  g_assert_true (gtk_widget_child_focus (GTK_WIDGET (window), GTK_DIR_TAB_BACKWARD));
  g_assert_true (gtk_window_get_focus (window) == first);

  /* A form that is being filled in keeps it. */
  gtk_widget_activate_action (GTK_WIDGET (window), "library.search", NULL);
  gtk_editable_set_text (app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "search_entry"), "b");
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 1);
  g_assert_false (gtk_widget_is_ancestor (
      gtk_window_get_focus (window), app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "grid")));
}

/* What a screen reader says of the cell that has the keyboard. */
static void
test_spoken (Fixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "crashed");
  GtkAccessible *card, *cell;

  fake_engine_set_note (f->engine, uuid, "QEMU ended.");
  show (f);
  app_wait_until (app_find (f->window, LODGE_TYPE_MACHINE_CARD) != NULL);
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  cell = GTK_ACCESSIBLE (gtk_widget_get_parent (GTK_WIDGET (card)));
  app_wait_until (app_find_label (f->window, "QEMU ended.") != NULL);
  gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LABEL, "web, Crashed");
  gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "QEMU ended.");
  gtk_test_accessible_assert_relation (cell, GTK_ACCESSIBLE_RELATION_LABELLED_BY, card, NULL);
  gtk_test_accessible_assert_relation (cell, GTK_ACCESSIBLE_RELATION_DESCRIBED_BY, card, NULL);
  app_assert_named (f->window);
}

static guint
count_entries (GMenuModel *menu, const char *action)
{
  guint n = 0;

  for (int s = 0; s < g_menu_model_get_n_items (menu); s++) {
    g_autoptr (GMenuModel) section = g_menu_model_get_item_link (menu, s, G_MENU_LINK_SECTION);

    for (int i = 0; i < g_menu_model_get_n_items (section); i++) {
      g_autofree char *name = NULL;
      g_menu_model_get_item_attribute (section, i, G_MENU_ATTRIBUTE_ACTION, "s", &name);
      n += g_strcmp0 (name, action) == 0;
    }
  }

  return n;
}

static void
test_menu (Fixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");
  LodgeMachineCard *card;
  g_autoptr (GMenuModel) off = NULL, running = NULL;

  show (f);
  app_wait_until (app_find (f->window, LODGE_TYPE_MACHINE_CARD) != NULL);
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  off = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (count_entries (off, "machine.start"), ==, 1);
  g_assert_cmpuint (count_entries (off, "machine.delete"), ==, 1);
  g_assert_cmpuint (count_entries (off, "machine.kill"), ==, 0);
  fake_engine_set_state (f->engine, uuid, "running");
  app_wait_until (app_find_label (f->window, "Running") != NULL);
  running = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (count_entries (running, "machine.start"), ==, 0);
  g_assert_cmpuint (count_entries (running, "machine.delete"), ==, 0);
  g_assert_cmpuint (count_entries (running, "machine.shutdown"), ==, 1);
  g_assert_cmpuint (count_entries (running, "machine.open"), ==, 1);

  lodge_machine_card_popup_menu (card);
  app_wait_until (app_find (card, GTK_TYPE_POPOVER_MENU) != NULL);
}

/* One that is suspended goes on, or is given up after a question; one on its way there may stay. */
static void
test_suspended (Fixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");
  g_autoptr (GMenuModel) running = NULL, suspending = NULL, suspended = NULL;
  LodgeMachineCard *card;

  fake_engine_set_hold_jobs (f->engine, TRUE);
  show (f);
  app_wait_until (app_find_label (f->window, "Running") != NULL);
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  running = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (count_entries (running, "machine.suspend"), ==, 1);
  g_assert_cmpuint (count_entries (running, "machine.discard"), ==, 0);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.suspend", "s", uuid);
  app_wait_until (app_find_label (f->window, "Suspending") != NULL);
  suspending = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (count_entries (suspending, "machine.suspend"), ==, 0);
  g_assert_cmpuint (count_entries (suspending, "machine.cancel-suspend"), ==, 1);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.cancel-suspend", "s", uuid);
  app_wait_until (app_find_label (f->window, "Running") != NULL);

  gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.suspend", "s", uuid);
  app_wait_until (app_find_label (f->window, "Suspending") != NULL);
  fake_engine_finish_jobs (f->engine, 0, NULL);
  app_wait_until (app_find_label (f->window, "Suspended") != NULL);
  suspended = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (count_entries (suspended, "machine.start"), ==, 1);
  g_assert_cmpuint (count_entries (suspended, "machine.discard"), ==, 1);
  g_assert_cmpuint (count_entries (suspended, "machine.delete"), ==, 1);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.discard", "s", uuid);
  app_wait_until (app_get_dialog () != NULL);
  fake_engine_set_hold_jobs (f->engine, FALSE);
  app_click (app_get_dialog (), "_Discard");
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  app_wait_until (app_get_dialog () == NULL);
}

/* One that has crashed may have its QEMU still, which stands there until it is ended. */
static void
test_kill_crashed (Fixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "crashed");
  g_autoptr (GMenuModel) menu = NULL;

  fake_engine_set_stands (f->engine, uuid, TRUE);
  show (f);
  app_wait_until (app_find (f->window, LODGE_TYPE_MACHINE_CARD) != NULL);
  menu = lodge_machine_card_dup_menu (app_find (f->window, LODGE_TYPE_MACHINE_CARD));
  g_assert_cmpuint (count_entries (menu, "machine.start"), ==, 1);
  g_assert_cmpuint (count_entries (menu, "machine.kill"), ==, 1);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.kill", "s", uuid);
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Force Off");
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  app_wait_until (app_get_dialog () == NULL);
}

static void
test_engine_dies (Fixture *f, gconstpointer data)
{
  fake_engine_add_machine (f->engine, "web", "running");
  show (f);
  app_wait_until (is_page (f, "machines"));
  g_assert_false (banner_is_shown (f));
  fake_engine_drop_clients (f->engine);
  app_wait_until (banner_is_shown (f));
  /* The machines stay to be seen; the way back needs no hand. */
  g_assert_cmpstr (get_page (f), ==, "machines");
  fake_engine_add_machine (f->engine, "while-away", "off");
  app_wait_until (!banner_is_shown (f));
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 2);
}

static void
test_no_engine (Fixture *f, gconstpointer data)
{
  fake_engine_set_api_version (f->engine, 4711);
  gtk_window_present (GTK_WINDOW (f->window));
  lodge_connection_open (f->connection);
  app_wait_until (is_page (f, "problem"));
  g_assert_nonnull (app_find_label (f->window, lodge_connection_get_problem (f->connection)));
  fake_engine_set_api_version (f->engine, 1);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "library.retry", NULL);
  app_wait_until (is_page (f, "empty"));
}

static void
test_search (Fixture *f, gconstpointer data)
{
  GtkEditable *entry = app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "search_entry");
  GtkSearchBar *bar = app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "search_bar");

  fake_engine_add_machine (f->engine, "Straße", "off");
  fake_engine_add_machine (f->engine, "web", "off");
  show (f);
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 2);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "library.search", NULL);
  g_assert_true (gtk_search_bar_get_search_mode (bar));
  gtk_editable_set_text (entry, "STRASSE");
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 1);
  g_assert_nonnull (app_find_label (f->window, "Straße"));
  gtk_editable_set_text (entry, "nobody");
  app_wait_until (is_page (f, "nothing-found"));
  gtk_search_bar_set_search_mode (bar, FALSE);
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 2);
}

/* Cards are made for what is on screen and somewhat around it, not for every machine. */
static void
test_many (Fixture *f, gconstpointer data)
{
  GtkGridView *grid = app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "grid");
  guint n_cards = 0;

  fake_engine_add_many (f->engine, 1000);
  show (f);
  app_wait_until (is_page (f, "machines"));
  app_wait_until (app_find (f->window, LODGE_TYPE_MACHINE_CARD) != NULL);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (gtk_grid_view_get_model (grid))), ==,
                    1000);
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (grid)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    n_cards++;
  g_assert_cmpuint (n_cards, <, 500);
  g_assert_false (app_was_called (f->engine, "OpenMachine"));
  /* One that is far away changes and goes: nothing but its row. */
  fake_engine_set_state (f->engine, "machine-0999", "running");
  fake_engine_remove_machine (f->engine, "machine-0998");
  app_wait_until (g_list_model_get_n_items (G_LIST_MODEL (gtk_grid_view_get_model (grid))) == 999);
}

static void
test_thumbnail (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) picture = fake_engine_make_picture (64, 40, 0x3584e4);
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");
  LodgeMachineItem *item;

  show (f);
  app_wait_until (app_find (f->window, LODGE_TYPE_MACHINE_CARD) != NULL);
  item = lodge_machine_list_find (f->machines, uuid);
  g_assert_null (lodge_machine_item_get_thumbnail (item));
  fake_engine_set_picture (f->engine, uuid, picture);
  app_wait_until (lodge_machine_item_get_thumbnail (item) != NULL);
  g_assert_cmpint (gdk_paintable_get_intrinsic_width (lodge_machine_item_get_thumbnail (item)), ==,
                   64);
  app_wait_until (app_find (f->window, GTK_TYPE_PICTURE) != NULL);
}

static guint
count_snapshots_windows (void)
{
  GListModel *windows = gtk_window_get_toplevels ();
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

    n += LODGE_IS_SNAPSHOTS_WINDOW (window);
  }
  return n;
}

/* One window for each machine, which goes with the library's. */
static void
test_snapshots (Fixture *f, gconstpointer data)
{
  const char *web = fake_engine_add_machine (f->engine, "web", "off");
  const char *mail = fake_engine_add_machine (f->engine, "mail", "running");

  show (f);
  act (f, "machine.snapshots", web);
  act (f, "machine.snapshots", mail);
  act (f, "machine.snapshots", web);
  g_assert_cmpuint (count_snapshots_windows (), ==, 2);
  app_wait_until (app_was_called (f->engine, "ListSnapshots web") &&
                  app_was_called (f->engine, "ListSnapshots mail"));
  fake_engine_remove_machine (f->engine, "mail");
  app_wait_until (count_snapshots_windows () == 1);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, test) g_test_add ("/library-window/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("snapshots", test_snapshots);
  ADD ("empty", test_empty);
  ADD ("cards", test_cards);
  ADD ("hostile-text", test_hostile_text);
  ADD ("start-and-open", test_start_and_open);
  ADD ("error-text", test_error_text);
  ADD ("power", test_power);
  ADD ("kill", test_kill);
  ADD ("delete", test_delete);
  ADD ("rename", test_rename);
  ADD ("keyboard", test_keyboard);
  ADD ("spoken", test_spoken);
  ADD ("menu", test_menu);
  ADD ("suspended", test_suspended);
  ADD ("kill-crashed", test_kill_crashed);
  ADD ("engine-dies", test_engine_dies);
  ADD ("no-engine", test_no_engine);
  ADD ("search", test_search);
  ADD ("many", test_many);
  ADD ("thumbnail", test_thumbnail);
#undef ADD
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library window, driven through its own widgets and actions against a fake engine. */
#include "library-fixture.h"

#include "gtk/lodge-create-window.h"
#include "gtk/lodge-logout-window.h"
#include "gtk/lodge-machine-card.h"
#include "gtk/lodge-machine-menu.h"
#include "gtk/lodge-snapshots-window.h"

#include <string.h>

static const char *
get_page (LibraryFixture *f)
{
  return gtk_stack_get_visible_child_name (
      app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "pages"));
}

static gboolean
is_page (LibraryFixture *f, const char *page)
{
  return g_str_equal (get_page (f), page);
}

static gboolean
banner_is_shown (LibraryFixture *f)
{
  return gtk_revealer_get_reveal_child (
      app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "banner"));
}

static guint
count_snapshots_windows (void)
{
  return library_fixture_count_windows (LODGE_TYPE_SNAPSHOTS_WINDOW, NULL);
}

static void
test_empty (LibraryFixture *f, gconstpointer data)
{
  GtkLabel *offer = app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "offer_label");

  g_assert_cmpstr (get_page (f), ==, "loading");
  library_fixture_show (f);
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
test_cards (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");

  fake_engine_add_machine (f->engine, "db", "running");
  library_fixture_show (f);
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
test_hostile_text (LibraryFixture *f, gconstpointer data)
{
  static const char markup[] = "<b>bold</b> & <a href=\"file:///\">x</a> &lt;";
  static const char rtl[] = "\xe2\x80\xaeمكتب \xe2\x80\xadweb";
  g_autofree char *wide = g_strnfill (64, 'W');
  const char *uuid = fake_engine_add_machine (f->engine, markup, "crashed");
  LodgeMachineCard *card;

  fake_engine_add_machine (f->engine, rtl, "off");
  fake_engine_add_machine (f->engine, wide, "off");
  fake_engine_set_note (f->engine, uuid, "<i>QEMU</i> & its <disk> ended.");
  library_fixture_show (f);
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
test_start_and_open (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");
  GtkGridView *grid = app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "grid");
  g_autofree char *line = g_strdup_printf ("--console %s\n", uuid);

  library_fixture_show (f);
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
test_error_text (LibraryFixture *f, gconstpointer data)
{
  static const char sentence[] = "Could not open <b>/dev/kvm</b> & \"more\": permission denied.";
  const char *uuid = fake_engine_add_machine (f->engine, "<u>web</u>", "off");
  AdwMessageDialog *dialog;

  library_fixture_show (f);
  fake_engine_fail_next (f->engine, "Start", LODGE_ERROR_DENIED, sentence);
  library_fixture_act (f, "machine.start", uuid);
  app_wait_until (app_get_dialog () != NULL);
  dialog = app_get_dialog ();
  g_assert_nonnull (app_find_label (dialog, sentence));
  g_assert_nonnull (app_find_label (dialog, "Could Not Start “<u>web</u>”"));
  g_assert_false (g_file_test (f->record, G_FILE_TEST_EXISTS));
  gtk_window_close (GTK_WINDOW (dialog));
  app_wait_until (app_get_dialog () == NULL);
}

static void
test_power (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");

  library_fixture_show (f);
  library_fixture_act (f, "machine.pause", uuid);
  app_wait_until (app_find_label (f->window, "Paused") != NULL);
  library_fixture_act (f, "machine.resume", uuid);
  app_wait_until (app_find_label (f->window, "Running") != NULL);
  library_fixture_act (f, "machine.shutdown", uuid);
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  g_assert_null (app_get_dialog ());
}

/* What loses something asks; and an answer of no leaves it alone. */
static void
test_kill (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");

  library_fixture_show (f);
  library_fixture_act (f, "machine.kill", uuid);
  app_wait_until (app_get_dialog () != NULL);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  app_settle ();
  g_assert_false (app_was_called (f->engine, "Kill"));
  library_fixture_act (f, "machine.kill", uuid);
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Force Off");
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  g_assert_true (app_was_called (f->engine, "Kill web"));
  app_wait_until (app_get_dialog () == NULL);
}

static void
test_delete (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "old <one>", "off");
  const char *running = fake_engine_add_machine (f->engine, "web", "running");

  library_fixture_show (f);
  library_fixture_act (f, "machine.delete", uuid);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Delete “old <one>”?"));
  /* It says what goes, by name. */
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "/"));
  g_assert_false (app_was_called (f->engine, "Delete"));
  app_click (app_get_dialog (), "_Delete");
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 1);
  app_wait_until (app_get_dialog () == NULL);

  /* One that is in use is not deleted, and that is said at once. */
  library_fixture_act (f, "machine.delete", running);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Delete “web”"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_assert_cmpuint (fake_engine_get_n_machines (f->engine), ==, 1);
}

static void
test_rename (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");
  GtkEditable *entry;

  library_fixture_show (f);
  library_fixture_act (f, "machine.rename", uuid);
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
test_keyboard (LibraryFixture *f, gconstpointer data)
{
  GtkWindow *window = GTK_WINDOW (f->window);
  GtkWidget *first;

  fake_engine_add_machine (f->engine, "a", "off");
  fake_engine_add_machine (f->engine, "b", "off");
  library_fixture_show (f);
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
test_spoken (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "crashed");
  GtkAccessible *card, *cell;

  fake_engine_set_note (f->engine, uuid, "QEMU ended.");
  library_fixture_show (f);
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

static void
test_engine_dies (LibraryFixture *f, gconstpointer data)
{
  fake_engine_add_machine (f->engine, "web", "running");
  library_fixture_show (f);
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

/* An answer that comes while it is away is not lost without a word. */
static void
test_answer_unheard (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");
  AdwMessageDialog *question;

  library_fixture_show (f);
  library_fixture_act (f, "machine.kill", uuid);
  app_wait_until (app_get_dialog () != NULL);
  question = app_get_dialog ();
  fake_engine_drop_clients (f->engine);
  app_wait_until (lodge_connection_get_client (f->connection) == NULL);
  app_click (question, "_Force Off");
  app_wait_until (app_get_dialog () != NULL && app_get_dialog () != question);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Force Off “web”"));
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "cannot be reached"));
  app_click (app_get_dialog (), "_Close");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_false (app_was_called (f->engine, "Kill"));
}

/* What is asked for while the engine is away is not dropped in silence either. */
static void
test_acts_unheard (LibraryFixture *f, gconstpointer data)
{
  static const char *const rows[][2] = {{"machine.delete", "Could Not Delete “web”"},
                                        {"machine.make-template", "Could Not Change the Machine"},
                                        {"machine.cancel-suspend", "Could Not Cancel Suspending"},
                                        {"machine.start", "Could Not Start “web”"}};
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");

  library_fixture_show (f);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    app_wait_until (lodge_connection_get_client (f->connection) != NULL);
    fake_engine_drop_clients (f->engine);
    app_wait_until (lodge_connection_get_client (f->connection) == NULL);
    library_fixture_act (f, rows[i][0], uuid);
    app_wait_until (app_get_dialog () != NULL);
    g_assert_nonnull (app_find_label (app_get_dialog (), rows[i][1]));
    g_assert_nonnull (
        strstr (adw_message_dialog_get_body (app_get_dialog ()), "cannot be reached"));
    app_click (app_get_dialog (), "_Close");
    app_wait_until (app_get_dialog () == NULL);
  }
}

static void
test_no_engine (LibraryFixture *f, gconstpointer data)
{
  fake_engine_set_api_version (f->engine, 4711);
  gtk_window_present (GTK_WINDOW (f->window));
  lodge_connection_open (f->connection);
  app_wait_until (is_page (f, "problem"));
  g_assert_nonnull (app_find_label (f->window, lodge_connection_get_problem (f->connection)));
  fake_engine_set_api_version (f->engine, LODGE_CLIENT_API_VERSION);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "library.retry", NULL);
  app_wait_until (is_page (f, "empty"));
}

static void
test_search (LibraryFixture *f, gconstpointer data)
{
  GtkEditable *entry = app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "search_entry");
  GtkSearchBar *bar = app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "search_bar");

  fake_engine_add_machine (f->engine, "Straße", "off");
  fake_engine_add_machine (f->engine, "web", "off");
  library_fixture_show (f);
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 2);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "library.search", NULL);
  g_assert_true (gtk_search_bar_get_search_mode (bar));
  gtk_editable_set_text (entry, "STRASSE");
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 1);
  g_assert_nonnull (app_find_label (f->window, "Straße"));
  gtk_editable_set_text (entry, "nobody");
  app_wait_until (is_page (f, "nothing-found"));
  /* Enter comes before the entry has told of what was typed; and means nothing in an empty one. */
  gtk_editable_set_text (entry, "");
  g_signal_emit_by_name (entry, "activate");
  app_settle ();
  g_assert_false (app_was_called (f->engine, "Start"));
  gtk_editable_set_text (entry, "web");
  g_signal_emit_by_name (entry, "activate");
  app_wait_until (app_was_called (f->engine, "Start web"));
  g_assert_false (app_was_called (f->engine, "Start Straße"));
  gtk_search_bar_set_search_mode (bar, FALSE);
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 2);
}

/* Cards are made for what is on screen and somewhat around it, not for every machine. */
static void
test_many (LibraryFixture *f, gconstpointer data)
{
  GtkGridView *grid = app_get_child (f->window, LODGE_TYPE_LIBRARY_WINDOW, "grid");
  guint n_cards = 0;

  fake_engine_add_many (f->engine, 1000);
  library_fixture_show (f);
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
test_thumbnail (LibraryFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) picture = fake_engine_make_picture (64, 40, 0x3584e4);
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");
  LodgeMachineItem *item;

  library_fixture_show (f);
  app_wait_until (app_find (f->window, LODGE_TYPE_MACHINE_CARD) != NULL);
  item = lodge_machine_list_find (f->machines, uuid);
  g_assert_null (lodge_machine_item_get_thumbnail (item));
  fake_engine_set_picture (f->engine, uuid, picture);
  app_wait_until (lodge_machine_item_get_thumbnail (item) != NULL);
  g_assert_cmpint (gdk_paintable_get_intrinsic_width (lodge_machine_item_get_thumbnail (item)), ==,
                   64);
  app_wait_until (app_find (f->window, GTK_TYPE_PICTURE) != NULL);
}

/* One window for each machine, which goes with the library's. */
static void
test_snapshots (LibraryFixture *f, gconstpointer data)
{
  const char *web = fake_engine_add_machine (f->engine, "web", "off");
  const char *mail = fake_engine_add_machine (f->engine, "mail", "running");

  library_fixture_show (f);
  library_fixture_act (f, "machine.snapshots", web);
  library_fixture_act (f, "machine.snapshots", mail);
  library_fixture_act (f, "machine.snapshots", web);
  g_assert_cmpuint (count_snapshots_windows (), ==, 2);
  app_wait_until (app_was_called (f->engine, "ListSnapshots web") &&
                  app_was_called (f->engine, "ListSnapshots mail"));
  fake_engine_remove_machine (f->engine, "mail");
  app_wait_until (count_snapshots_windows () == 1);
}

static guint
count_logout_entries (LodgeMachineItem *item)
{
  g_autoptr (GMenuModel) menu = lodge_machine_menu_dup (item);

  return library_fixture_count_entries (menu, "card.logout");
}

/* A template never runs. */
static void
test_logout (LibraryFixture *f, gconstpointer data)
{
  const char *web = fake_engine_add_machine (f->engine, "web", "off");
  const char *base = fake_engine_add_machine (f->engine, "base", "template");

  library_fixture_show (f);
  g_assert_cmpuint (count_logout_entries (lodge_machine_list_find (f->machines, web)), ==, 1);
  g_assert_cmpuint (count_logout_entries (lodge_machine_list_find (f->machines, base)), ==, 0);
  library_fixture_act (f, "machine.logout", web);
  g_assert_nonnull (library_fixture_find_window (LODGE_TYPE_LOGOUT_WINDOW));
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, test)                                                                            \
  g_test_add ("/library-window/" path, LibraryFixture, NULL, library_fixture_set_up, test,         \
              library_fixture_tear_down)
  ADD ("snapshots", test_snapshots);
  ADD ("logout", test_logout);
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
  ADD ("engine-dies", test_engine_dies);
  ADD ("answer-unheard", test_answer_unheard);
  ADD ("acts-unheard", test_acts_unheard);
  ADD ("no-engine", test_no_engine);
  ADD ("search", test_search);
  ADD ("many", test_many);
  ADD ("thumbnail", test_thumbnail);
#undef ADD
  return g_test_run ();
}

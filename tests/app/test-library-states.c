/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the library offers for a machine in each of its states, and while something is being done to
 * it. */
#include "library-fixture.h"

#include "gtk/lodge-clone-window.h"
#include "gtk/lodge-create-window.h"
#include "gtk/lodge-machine-card.h"

#include <string.h>

static GtkWidget *
find_clone_window (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

    if (LODGE_IS_CLONE_WINDOW (window))
      return window;
  }
  return NULL;
}

/* As choosing an entry does. GTK (4.8) asks half a second after the pointer has come to a menu, or
 * to what was below it, for a tooltip there, and complains itself where the window is gone by then.
 */
static void
close_menu (LodgeMachineCard *card)
{
  GtkWidget *menu = app_find (card, GTK_TYPE_POPOVER_MENU);

  gtk_popover_popdown (GTK_POPOVER (menu));
  app_wait_until (!gtk_widget_get_mapped (menu));
  for (guint i = 0; i < 4; i++)
    app_settle ();
}

static void
test_menu (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");
  LodgeMachineCard *card;
  g_autoptr (GMenuModel) off = NULL, running = NULL;

  library_fixture_show (f);
  app_wait_until (app_find (f->window, LODGE_TYPE_MACHINE_CARD) != NULL);
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  off = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (library_fixture_count_entries (off, "card.start"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (off, "card.start-disposable"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (off, "card.delete"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (off, "card.kill"), ==, 0);
  fake_engine_set_state (f->engine, uuid, "running");
  app_wait_until (app_find_label (f->window, "Running") != NULL);
  running = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (library_fixture_count_entries (running, "card.start"), ==, 0);
  g_assert_cmpuint (library_fixture_count_entries (running, "card.start-disposable"), ==, 0);
  g_assert_cmpuint (library_fixture_count_entries (running, "card.delete"), ==, 0);
  g_assert_cmpuint (library_fixture_count_entries (running, "card.shutdown"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (running, "card.open"), ==, 1);

  lodge_machine_card_popup_menu (card);
  app_wait_until (app_find (card, GTK_TYPE_POPOVER_MENU) != NULL);
  fake_engine_set_state (f->engine, uuid, "off");
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  library_fixture_act (f, "machine.start-disposable", uuid);
  app_wait_until (app_was_called (f->engine, "StartDisposable web"));
  close_menu (card);
}

/* What is refused of a run of which nothing is kept is not offered. */
static void
test_disposable (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");
  g_autoptr (GMenuModel) off = NULL, running = NULL, after = NULL;
  LodgeMachineCard *card;

  library_fixture_show (f);
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  off = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (library_fixture_count_entries (off, "card.clone"), ==, 1);
  library_fixture_act (f, "machine.start-disposable", uuid);
  app_wait_until (app_find_label (f->window, "Running") != NULL);
  running = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (library_fixture_count_entries (running, "card.suspend"), ==, 0);
  g_assert_cmpuint (library_fixture_count_entries (running, "card.clone"), ==, 0);
  g_assert_cmpuint (library_fixture_count_entries (running, "card.shutdown"), ==, 1);
  fake_engine_set_state (f->engine, uuid, "off");
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  after = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (library_fixture_count_entries (after, "card.clone"), ==, 1);
}

/* One that is suspended goes on, or is given up after a question; one on its way there may stay. */
static void
test_suspended (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");
  g_autoptr (GMenuModel) running = NULL, suspending = NULL, suspended = NULL;
  LodgeMachineCard *card;

  fake_engine_set_hold_jobs (f->engine, TRUE);
  library_fixture_show (f);
  app_wait_until (app_find_label (f->window, "Running") != NULL);
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  running = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (library_fixture_count_entries (running, "card.suspend"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (running, "card.discard"), ==, 0);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.suspend", "s", uuid);
  app_wait_until (app_find_label (f->window, "Suspending · 50 %") != NULL);
  suspending = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (library_fixture_count_entries (suspending, "card.suspend"), ==, 0);
  g_assert_cmpuint (library_fixture_count_entries (suspending, "card.cancel-suspend"), ==, 1);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.cancel-suspend", "s", uuid);
  app_wait_until (app_find_label (f->window, "Running") != NULL);

  gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.suspend", "s", uuid);
  app_wait_until (app_find_label (f->window, "Suspending · 50 %") != NULL);
  fake_engine_finish_jobs (f->engine, 0, NULL);
  app_wait_until (app_find_label (f->window, "Suspended") != NULL);
  suspended = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (library_fixture_count_entries (suspended, "card.start"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (suspended, "card.start-disposable"), ==, 0);
  g_assert_cmpuint (library_fixture_count_entries (suspended, "card.discard"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (suspended, "card.delete"), ==, 1);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.discard", "s", uuid);
  app_wait_until (app_get_dialog () != NULL);
  fake_engine_set_hold_jobs (f->engine, FALSE);
  app_click (app_get_dialog (), "_Discard");
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  app_wait_until (app_get_dialog () == NULL);
}

/* The entry of the open menu. */
static gboolean
is_offered (LodgeMachineCard *card, const char *label)
{
  GtkLabel *entry = app_find_label (card, label);

  return entry != NULL && gtk_widget_is_sensitive (GTK_WIDGET (entry));
}

/* Others are made from it, by linked clones unless somebody wants it otherwise. */
static void
test_template (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");
  g_autoptr (GMenuModel) off = NULL, template = NULL;
  LodgeMachineCard *card;
  GtkWidget *window;

  library_fixture_show (f);
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  off = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (library_fixture_count_entries (off, "card.make-template"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (off, "card.instantiate"), ==, 0);
  library_fixture_act (f, "machine.make-template", uuid);
  app_wait_until (app_was_called (f->engine, "Set web {'machine.template': 'true'}"));
  fake_engine_set_state (f->engine, uuid, "template");
  app_wait_until (app_find_label (f->window, "Template") != NULL);
  template = lodge_machine_card_dup_menu (card);
  g_assert_cmpuint (library_fixture_count_entries (template, "card.instantiate"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (template, "card.unmake-template"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (template, "card.delete"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (template, "card.start"), ==, 0);
  g_assert_cmpuint (library_fixture_count_entries (template, "card.start-disposable"), ==, 0);
  g_assert_cmpuint (library_fixture_count_entries (template, "card.clone"), ==, 0);
  g_assert_cmpuint (library_fixture_count_entries (template, "card.open"), ==, 0);

  lodge_library_window_start_and_open (f->window, uuid);
  window = find_clone_window ();
  g_assert_nonnull (window);
  g_assert_true (gtk_check_button_get_active (
      app_get_child (window, LODGE_TYPE_CLONE_WINDOW, "linked_check")));
  gtk_window_destroy (GTK_WINDOW (window));
  g_assert_false (app_was_called (f->engine, "Start"));
  library_fixture_act (f, "machine.unmake-template", uuid);
  app_wait_until (app_was_called (f->engine, "Set web {'machine.template': 'false'}"));
}

/* What cannot be done with one that is suspended says so before it is tried, and what to do. */
static void
test_suspended_refusals (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "suspended");
  LodgeMachineCard *card;
  GtkWindow *window;

  library_fixture_show (f);
  app_wait_until (app_find_label (f->window, "Suspended") != NULL);
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  lodge_machine_card_popup_menu (card);
  app_wait_until (is_offered (card, "Delete…"));
  close_menu (card);
  library_fixture_act (f, "machine.clone", uuid);
  window = library_fixture_find_window (LODGE_TYPE_CLONE_WINDOW);
  app_wait_until (app_find_label (window, "It is suspended: choose a snapshot, or resume it "
                                          "first") != NULL);
  gtk_window_close (window);

  /* Its memory goes with it; what was cloned of it does not. */
  library_fixture_act (f, "machine.delete", uuid);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "memory"));
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "clones stay"));
  /* That is not so any more when it has gone on. */
  fake_engine_set_state (f->engine, uuid, "running");
  app_wait_until (app_get_dialog () == NULL);
  fake_engine_set_state (f->engine, uuid, "off");
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  library_fixture_act (f, "machine.delete", uuid);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_null (strstr (adw_message_dialog_get_body (app_get_dialog ()), "memory"));
  fake_engine_remove_machine (f->engine, uuid);
  app_wait_until (app_get_dialog () == NULL);
}

/* What is open follows the machine: a menu keeps its entries where they are, and a question that
 * does not apply any more goes. */
static void
test_follows (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");
  LodgeMachineCard *card;

  library_fixture_show (f);
  app_wait_until (app_find_label (f->window, "Running") != NULL);
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  lodge_machine_card_popup_menu (card);
  app_wait_until (is_offered (card, "Pause") && is_offered (card, "Force Off…"));
  fake_engine_set_state (f->engine, uuid, "off");
  app_wait_until (!is_offered (card, "Pause") && !is_offered (card, "Force Off…"));
  g_assert_nonnull (app_find_label (card, "Pause"));
  fake_engine_set_state (f->engine, uuid, "running");
  app_wait_until (is_offered (card, "Pause"));
  close_menu (card);

  library_fixture_act (f, "machine.kill", uuid);
  app_wait_until (app_get_dialog () != NULL);
  fake_engine_set_state (f->engine, uuid, "off");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_false (app_was_called (f->engine, "Kill"));
  fake_engine_set_state (f->engine, uuid, "looking");
  app_wait_until (app_find_label (f->window, "Looking…") != NULL);
  library_fixture_act (f, "machine.delete", uuid);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "found out"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

static gboolean
is_drawn (LibraryFixture *f, double fraction)
{
  GtkProgressBar *bar = app_find (f->window, GTK_TYPE_PROGRESS_BAR);

  return bar != NULL && gtk_progress_bar_get_fraction (bar) >= fraction;
}

/* How far long work is, and for a machine that is being made a way to stop it. */
static void
test_work (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");
  LodgeMachineItem *item;
  GtkWidget *window;

  fake_engine_set_hold_jobs (f->engine, TRUE);
  library_fixture_show (f);
  app_wait_until (app_find_label (f->window, "Running") != NULL);
  library_fixture_act (f, "machine.suspend", uuid);
  app_wait_until (app_find_label (f->window, "Suspending · 50 %") != NULL);
  app_wait_until (is_drawn (f, 0.5));
  fake_engine_finish_jobs (f->engine, 0, NULL);
  app_wait_until (app_find_label (f->window, "Suspended") != NULL);
  app_wait_until (app_find (f->window, GTK_TYPE_PROGRESS_BAR) == NULL);

  fake_engine_set_state (f->engine, uuid, "off");
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  library_fixture_act (f, "machine.clone", uuid);
  window = GTK_WIDGET (library_fixture_find_window (LODGE_TYPE_CLONE_WINDOW));
  g_assert_nonnull (window);
  app_wait_until (gtk_widget_get_mapped (window));
  app_click (window, "C_lone");
  app_wait_until (app_find_label (f->window, "Cloning · 50 %") != NULL);
  /* What it is made of stays while it is. */
  item = lodge_machine_list_find (f->machines, uuid);
  app_wait_until (lodge_machine_item_get_cloned (item));
  library_fixture_act (f, "machine.delete", uuid);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "being cloned"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_assert_false (app_was_called (f->engine, "Delete"));
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (f->machines)); i++) {
    g_autoptr (LodgeMachineItem) made = g_list_model_get_item (G_LIST_MODEL (f->machines), i);

    if (made == item)
      continue;
    /* It cannot be opened or renamed before it is there. */
    lodge_library_window_start_and_open (f->window, lodge_machine_item_get_uuid (made));
    library_fixture_act (f, "machine.rename", lodge_machine_item_get_uuid (made));
    app_settle ();
    g_assert_null (app_get_dialog ());
    g_assert_false (app_was_called (f->engine, "Start"));
    library_fixture_act (f, "machine.cancel-work", lodge_machine_item_get_uuid (made));
  }
  app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 1);
  app_wait_until (!lodge_machine_item_get_cloned (item));
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine1 **machine = user_data;

  *machine = lodge_client_open_machine_finish (LODGE_CLIENT (source), result, NULL);
  g_assert_nonnull (*machine);
}

/* What a machine is doing is said, also to who does not see it. */
static void
test_work_spoken (LibraryFixture *f, gconstpointer data)
{
  static const struct {
    const char *method;
    const char *word;
  } cases[] = {
      {"CreateSnapshot", "Taking a Snapshot"},
      {"CompactDisk", "Compacting a Disk"},
  };
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");
  g_autoptr (LodgeMachine1) machine = NULL;
  LodgeMachineItem *item;
  GtkAccessible *card;

  fake_engine_set_hold_jobs (f->engine, TRUE);
  library_fixture_show (f);
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  item = lodge_machine_list_find (f->machines, uuid);
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LABEL, "web, Off");
  lodge_client_open_machine_async (lodge_connection_get_client (f->connection), uuid, NULL,
                                   opened_cb, &machine);
  app_wait_until (machine != NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *shown = g_strdup_printf ("%s · 50 %%", cases[i].word);
    g_autofree char *spoken = g_strdup_printf ("web, %s", cases[i].word);

    g_dbus_proxy_call (G_DBUS_PROXY (machine), cases[i].method,
                       i == 0 ? g_variant_new_parsed ("('one', '', @a{sv} {})")
                              : g_variant_new ("(s)", "disk0"),
                       G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
    app_wait_until (app_find_label (f->window, shown) != NULL);
    gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LABEL, spoken);
    fake_engine_finish_jobs (f->engine, 0, NULL);
    app_wait_until (lodge_machine_item_get_work (item) == NULL);
    gtk_test_accessible_assert_property (card, GTK_ACCESSIBLE_PROPERTY_LABEL, "web, Off");
  }
}

/* Who has begun it may be gone; that it has failed is said until something else is done. */
static void
test_work_failed (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");
  static const char *const told = "What was being done with it has failed: No <room>";
  static const LodgeError codes[] = {LODGE_ERROR_STORAGE, LODGE_ERROR_LOCKED, LODGE_ERROR_EXISTS,
                                     LODGE_ERROR_STORAGE};
  g_autoptr (LodgeMachine1) machine = NULL;

  fake_engine_set_hold_jobs (f->engine, TRUE);
  library_fixture_show (f);
  lodge_client_open_machine_async (lodge_connection_get_client (f->connection), uuid, NULL,
                                   opened_cb, &machine);
  app_wait_until (machine != NULL);
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++) {
    g_dbus_proxy_call (G_DBUS_PROXY (machine), "CompactDisk", g_variant_new ("(s)", "disk0"),
                       G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
    app_wait_until (app_find_label (f->window, "Compacting a Disk · 50 %") != NULL);
    g_assert_null (app_find_label (f->window, told));
    fake_engine_finish_jobs (f->engine, codes[i], "No <room>");
    app_wait_until (app_find_label (f->window, "Compacting a Disk · 50 %") == NULL);
    /* Of these its window asks. */
    if (codes[i] == LODGE_ERROR_LOCKED || codes[i] == LODGE_ERROR_EXISTS)
      g_assert_null (app_find_label (f->window, told));
    else
      app_wait_until (app_find_label (f->window, told) != NULL);
  }
  /* What the engine itself has to say comes first. */
  fake_engine_set_note (f->engine, uuid, "The disk is full");
  app_wait_until (app_find_label (f->window, "The disk is full") != NULL);
  fake_engine_set_note (f->engine, uuid, "");
  app_wait_until (app_find_label (f->window, told) != NULL);
  fake_engine_set_state (f->engine, uuid, "running");
  app_wait_until (app_find_label (f->window, told) == NULL);

  /* What is asked for here is told here. */
  library_fixture_act (f, "machine.suspend", uuid);
  app_wait_until (app_find_label (f->window, "Suspending · 50 %") != NULL);
  fake_engine_finish_jobs (f->engine, LODGE_ERROR_STORAGE, "No <room>");
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Close");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_null (app_find_label (f->window, told));
}

/* The window that asked for a clone is closed: what became of it is told here. */
static void
test_closed_clone (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "<web>", "off");

  fake_engine_set_hold_jobs (f->engine, TRUE);
  library_fixture_show (f);
  for (guint i = 0; i < 2; i++) {
    GtkWidget *window;

    library_fixture_act (f, "machine.clone", uuid);
    window = GTK_WIDGET (library_fixture_find_window (LODGE_TYPE_CLONE_WINDOW));
    app_wait_until (gtk_widget_get_mapped (window));
    app_click (window, "C_lone");
    app_wait_until (app_find_label (window, "Writing it down") != NULL);
    gtk_window_close (GTK_WINDOW (window));
    app_wait_until (app_find_label (f->window, "Cloning · 50 %") != NULL);
    if (i == 0) {
      fake_engine_finish_jobs (f->engine, LODGE_ERROR_STORAGE, "No <room>");
      app_wait_until (app_get_dialog () != NULL);
      g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Clone “<web>”"));
      g_assert_nonnull (app_find_label (app_get_dialog (), "No <room>"));
      gtk_window_close (GTK_WINDOW (app_get_dialog ()));
      app_wait_until (app_get_dialog () == NULL);
      app_wait_until (app_count (f->window, LODGE_TYPE_MACHINE_CARD) == 1);
    } else {
      fake_engine_finish_jobs (f->engine, 0, NULL);
      app_wait_until (app_find_label (f->window, "“<web>” was cloned") != NULL);
      app_wait_until (app_find_label (f->window, "<web> (clone)") != NULL);
    }
  }
}

/* The form can be had again while a machine is being made, and that one is started all the same. */
static void
test_closed_creation (LibraryFixture *f, gconstpointer data)
{
  GtkWidget *window;

  fake_engine_set_hold_jobs (f->engine, TRUE);
  library_fixture_show (f);
  lodge_library_window_create (f->window, NULL);
  window = GTK_WIDGET (library_fixture_find_window (LODGE_TYPE_CREATE_WINDOW));
  app_wait_until (gtk_widget_get_mapped (window));
  app_wait_until (
      gtk_widget_get_sensitive (app_get_child (window, LODGE_TYPE_CREATE_WINDOW, "create_button")));
  app_click (window, "Create and _Start");
  app_wait_until (app_find_label (window, "Writing it down") != NULL);
  gtk_window_close (GTK_WINDOW (window));
  app_wait_until (app_find_label (f->window, "Being Created · 50 %") != NULL);
  lodge_library_window_create (f->window, NULL);
  window = GTK_WIDGET (library_fixture_find_window (LODGE_TYPE_CREATE_WINDOW));
  app_wait_until (gtk_widget_get_mapped (window));
  fake_engine_finish_jobs (f->engine, 0, NULL);
  app_wait_until (app_file_contains (f->record, "--console "));
  gtk_window_close (GTK_WINDOW (window));
}

/* A card has room for some lines of what there is to say. */
static void
test_note (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "<web>", "suspended");
  g_autofree char *words = g_strnfill (300, 'x');
  g_autofree char *note = g_strconcat ("<b>", words, "</b> & the end", NULL);
  LodgeMachineCard *card;

  fake_engine_set_note (f->engine, uuid, note);
  library_fixture_show (f);
  app_wait_until (app_find_label (f->window, note) != NULL);
  card = app_find (f->window, LODGE_TYPE_MACHINE_CARD);
  lodge_machine_card_popup_menu (card);
  app_wait_until (is_offered (card, "Show Message…"));
  close_menu (card);
  library_fixture_act (f, "machine.note", uuid);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_cmpstr (adw_message_dialog_get_body (app_get_dialog ()), ==, note);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

/* One that has crashed may have its QEMU still, which stands there until it is ended. */
static void
test_kill_crashed (LibraryFixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "crashed");
  g_autoptr (GMenuModel) menu = NULL;

  fake_engine_set_stands (f->engine, uuid, TRUE);
  library_fixture_show (f);
  app_wait_until (app_find (f->window, LODGE_TYPE_MACHINE_CARD) != NULL);
  menu = lodge_machine_card_dup_menu (app_find (f->window, LODGE_TYPE_MACHINE_CARD));
  g_assert_cmpuint (library_fixture_count_entries (menu, "card.start"), ==, 1);
  g_assert_cmpuint (library_fixture_count_entries (menu, "card.kill"), ==, 1);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.kill", "s", uuid);
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Force Off");
  app_wait_until (app_find_label (f->window, "Off") != NULL);
  app_wait_until (app_get_dialog () == NULL);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, test)                                                                            \
  g_test_add ("/library-states/" path, LibraryFixture, NULL, library_fixture_set_up, test,         \
              library_fixture_tear_down)
  ADD ("menu", test_menu);
  ADD ("disposable", test_disposable);
  ADD ("suspended", test_suspended);
  ADD ("template", test_template);
  ADD ("suspended-refusals", test_suspended_refusals);
  ADD ("follows", test_follows);
  ADD ("work", test_work);
  ADD ("work-spoken", test_work_spoken);
  ADD ("work-failed", test_work_failed);
  ADD ("closed-clone", test_closed_clone);
  ADD ("closed-creation", test_closed_creation);
  ADD ("note", test_note);
  ADD ("kill-crashed", test_kill_crashed);
#undef ADD
  return g_test_run ();
}

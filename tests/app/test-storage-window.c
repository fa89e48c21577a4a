/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of a machine's disks and drives: what it shows and asks, when nothing can be done, and
 * what becomes of it when it, its machine or the engine goes. */
#include "storage-fixture.h"

#include "gtk/lodge-message.h"

#include <string.h>

typedef StorageFixture Test;

static gboolean
may_answer (void)
{
  return adw_message_dialog_get_response_enabled (app_get_dialog (), LODGE_MESSAGE_ACT);
}

/* --- What is shown --- */

static void
test_shown (Test *test, gconstpointer data)
{
  g_assert_cmpstr (gtk_window_get_title (GTK_WINDOW (test->window)), ==, "Storage of “web”");
  g_assert_cmpuint (storage_count_rows (test->window->disk_list), ==, 2);
  g_assert_nonnull (app_find_label (test->window, "disk0"));
  g_assert_nonnull (app_find_label (test->window,
                                    "20.0\302\240GiB, takes 1.5\302\240GiB · virtio · 3 layers of "
                                    "snapshots and clones"));
  g_assert_nonnull (
      app_find_label (test->window, "100.0\302\240GiB, takes 192.0\302\240KiB · SATA"));
  g_assert_cmpuint (storage_count_rows (test->window->drive_list), ==, 1);
  g_assert_nonnull (app_find_label (test->window, "cd0"));
  g_assert_nonnull (app_find_label (test->window, "Empty"));
  g_assert_false (gtk_widget_get_visible (test->window->hint));
  app_assert_named (test->window);

  /* One of them for a console window. */
  gtk_widget_activate_action (GTK_WIDGET (test->console), "console.storage", NULL);
  g_assert_true (storage_find_window () == test->window);
}

static void
test_empty (Test *test, gconstpointer data)
{
  static const char *const ids[] = {"disk1", "disk0"};

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    app_ask (test->window, "storage.remove", ids[i]);
    app_answer (LODGE_MESSAGE_ACT);
    app_wait_until (storage_count_rows (test->window->disk_list) == 1 - i &&
                    storage_can_add (test));
  }
  g_assert_true (gtk_widget_get_visible (test->window->no_disks));
  g_assert_true (storage_can_add (test));
}

/* What is refused is switched off, and why is said before anybody tries. */
static void
test_states (Test *test, gconstpointer data)
{
  static const struct {
    const char *state;
    gboolean grow;
    gboolean other;
    const char *hint;
  } cases[] = {
      {"running", TRUE, TRUE,
       "Disks of “web” can be added, attached, detached, removed and grown now, discs changed, and "
       "USB sticks plugged in and out. For all else shut it down first"},
      {"suspended", FALSE, FALSE,
       "Disks of “web” can be changed once it is off: resume it and shut it down first, or discard "
       "its saved state"},
      {"template", FALSE, FALSE,
       "“web” is a template: make it an ordinary machine again before its disks are changed"},
      {"crashed", TRUE, TRUE, ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    fake_engine_set_state (test->engine, "web", cases[i].state);
    app_wait_until (
        g_str_equal (gtk_label_get_text (test->window->hint_label), cases[i].hint) &&
        g_strcmp0 (lodge_machine1_get_state (test->window->base.machine), cases[i].state) == 0);
    g_assert_true (gtk_widget_get_visible (test->window->hint) == (*cases[i].hint != '\0'));
    g_assert_true (storage_can_add (test) == cases[i].other);
    fake_engine_clear_calls (test->engine);
    gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.grow", "s", "disk0");
    g_assert_true ((app_get_dialog () != NULL) == cases[i].grow);
    if (cases[i].grow)
      app_answer ("cancel");
    gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.remove", "s", "disk0");
    g_assert_true ((app_get_dialog () != NULL) == cases[i].other);
    if (cases[i].other)
      app_answer ("cancel");
  }
  g_assert_false (app_was_called (test->engine, "GrowDisk"));
}

static void
assert_told (Test *test, const char *disk, const char *words)
{
  app_ask (test->window, "storage.remove", disk);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), words));
  app_answer ("close");
}

/* What is asked of a machine that is off says nothing of a guest that gets it at once. */
static void
test_started_meanwhile (Test *test, gconstpointer data)
{
  app_ask (test->window, "storage.add", NULL);
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_false (app_was_called (test->engine, "AddDisk"));
}

static void
test_started_meanwhile_host (Test *test, gconstpointer data)
{
  AdwMessageDialog *question;

  app_ask (test->window, "storage.add-host", NULL);
  question = app_get_dialog ();
  gtk_check_button_set_active (app_find (question, GTK_TYPE_CHECK_BUTTON), TRUE);
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (lodge_storage_window_is_live (test->window));
  adw_message_dialog_response (question, LODGE_MESSAGE_ACT);
  gtk_window_close (GTK_WINDOW (question));
  app_wait_until (app_get_dialog () != NULL && app_get_dialog () != question);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Add a Disk"));
  app_answer ("close");
  g_assert_false (app_was_called (test->engine, "AddDisk"));
}

/* What a guest that runs cannot do is said before anything is asked. */
static void
test_running (Test *test, gconstpointer data)
{
  GtkEditable *entry;

  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (gtk_widget_get_visible (test->window->hint));
  assert_told (test, "disk0", "has started from disk0");
  assert_told (test, "disk1", "disk1 is a SATA disk");
  fake_engine_clear_calls (test->engine);

  app_ask (test->window, "storage.add", NULL);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "gets it at once"));
  g_assert_null (strstr (adw_message_dialog_get_body (app_get_dialog ()), "drivers"));
  entry = app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW);
  gtk_editable_set_text (entry, "8G");
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (storage_count_rows (test->window->disk_list) == 3);
  g_assert_true (app_was_called (test->engine, "AddDisk web 8589934592 {'bus': <'virtio'>}"));

  app_wait_until (test->window->work == NULL && storage_can_add (test));
  app_ask (test->window, "storage.remove", "disk2");
  g_assert_nonnull (
      strstr (adw_message_dialog_get_body (app_get_dialog ()), "Unmount it in the guest first"));
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (storage_count_rows (test->window->disk_list) == 2);

  fake_engine_set_state (test->engine, "web", "paused");
  app_wait_until (g_strcmp0 (lodge_machine1_get_state (test->window->base.machine), "paused") ==
                      0 &&
                  storage_can_add (test));
  app_ask (test->window, "storage.add", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (storage_count_rows (test->window->disk_list) == 3);
  app_wait_until (test->window->work == NULL && storage_can_add (test));
  assert_told (test, "disk2", "Resume it first");
}

/* Whether the Tab key comes there. */
static gboolean
is_reached (GtkWindow *window, GtkWidget *row)
{
  for (guint i = 0; i < 30 && gtk_window_get_focus (window) != row; i++)
    gtk_widget_child_focus (GTK_WIDGET (window), GTK_DIR_TAB_FORWARD);
  return gtk_window_get_focus (window) == row;
}

/* A disk of this computer: only one that is free, and not before the danger is known. */
static void
test_host (Test *test, gconstpointer data)
{
  GtkCheckButton *known;
  GtkLabel *used;
  GtkWidget *row;

  app_ask (test->window, "storage.add-host", NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "sdb, Stick, 8 GB"));
  /* What cannot be chosen is there all the same, and says why. */
  used = app_find_label (app_get_dialog (), "sda, Disk, 1 TB");
  g_assert_nonnull (used);
  g_assert_nonnull (app_find_label (app_get_dialog (), "This computer uses sda"));
  /* To whoever comes there with the keyboard, too. */
  row = gtk_widget_get_ancestor (GTK_WIDGET (used), GTK_TYPE_LIST_BOX_ROW);
  g_assert_true (is_reached (GTK_WINDOW (app_get_dialog ()), row));
  gtk_test_accessible_assert_property (row, GTK_ACCESSIBLE_PROPERTY_LABEL, "sda, Disk, 1 TB");
  gtk_test_accessible_assert_property (row, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       "This computer uses sda");
  gtk_test_accessible_assert_state (row, GTK_ACCESSIBLE_STATE_DISABLED, TRUE);
  g_assert_false (gtk_list_box_row_get_activatable (GTK_LIST_BOX_ROW (row)));
  g_assert_false (may_answer ());
  known = app_find (app_get_dialog (), GTK_TYPE_CHECK_BUTTON);
  gtk_check_button_set_active (known, TRUE);
  g_assert_true (may_answer ());
  gtk_check_button_set_active (known, FALSE);
  g_assert_false (may_answer ());
  gtk_check_button_set_active (known, TRUE);
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (storage_count_rows (test->window->disk_list) == 3);
  g_assert_true (app_was_called (test->engine, "AddDisk web 0 {"));
}

/* --- Life --- */

/* What could not be listed is not looked for any more, and can be asked for again. */
static void
test_not_listed (Test *test, gconstpointer data)
{
  fake_engine_fail_next (test->engine, "ListDisks", LODGE_ERROR_STORAGE, "The <b>disk</b> fails");
  storage_open_window (test);
  app_wait_until (app_find_label (test->window, "Could Not List the Disks") != NULL);
  g_assert_nonnull (app_find_label (test->window, "The <b>disk</b> fails"));
  g_assert_cmpstr (gtk_stack_get_visible_child_name (test->window->pages), ==, "problem");
  g_assert_null (app_get_dialog ());
  app_click (test->window, "_Try Again");
  app_wait_until (storage_can_add (test));
  g_assert_cmpstr (gtk_stack_get_visible_child_name (test->window->pages), ==, "list");
}

/* The desktop's dialog goes with the window, also where something else holds it. */
static void
test_closed_choosing (Test *test, gconstpointer data)
{
  g_autoptr (GtkFileChooserNative) held = NULL;
  GtkFileChooserNative *living;

  gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.insert", "s", "cd0");
  held = g_object_ref (test->window->chooser);
  living = held;
  g_object_add_weak_pointer (G_OBJECT (living), (gpointer *) &living);
  gtk_window_close (GTK_WINDOW (test->window));
  app_wait_until (test->window == NULL);
  g_assert_null (living);
}

/* Long work goes on without the window, and is found again. */
static void
test_closed (Test *test, gconstpointer data)
{
  fake_engine_set_hold_jobs (test->engine, TRUE);
  gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.compact", "s", "disk0");
  app_wait_until (storage_is_busy (test));
  gtk_window_close (GTK_WINDOW (test->window));
  app_wait_until (storage_find_window () == NULL);
  /* The one that is closed lives on in what it follows. */
  if (test->window != NULL)
    g_object_remove_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
  test->window = NULL;

  storage_open_window (test);
  app_wait_until (storage_is_busy (test));
  g_assert_false (storage_can_add (test));
  fake_engine_finish_jobs (test->engine, 0, NULL);
  app_wait_until (test->window->work == NULL && storage_can_add (test));
  g_assert_null (app_get_dialog ());
}

/* In a call that comes back late. */
static void
test_closed_early (Test *test, gconstpointer data)
{
  static const char *const methods[] = {"ListDisks", "CompactDisk", "EjectMedia"};

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++) {
    fake_engine_set_delay (test->engine, methods[i], 300);
    if (i == 0)
      lodge_storage_window_reload (test->window);
    else if (i == 1)
      gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.compact", "s", "disk0");
    else
      lodge_storage_work_change_drive (test->window, "cd0", NULL, FALSE);
    gtk_window_close (GTK_WINDOW (test->window));
    app_wait_until (test->window == NULL);
    fake_engine_set_delay (test->engine, methods[i], 0);
    if (i + 1 < G_N_ELEMENTS (methods)) {
      storage_open_window (test);
      app_wait_until (storage_can_add (test));
    }
  }
}

static void
test_engine_gone (Test *test, gconstpointer data)
{
  fake_engine_drop_clients (test->engine);
  app_wait_until (test->window->base.machine == NULL);
  g_assert_false (storage_can_add (test));
  app_wait_until (test->window->base.machine != NULL && storage_can_add (test));
  g_assert_cmpuint (storage_count_rows (test->window->disk_list), ==, 2);
}

static void
test_machine_gone (Test *test, gconstpointer data)
{
  app_ask (test->window, "storage.add", NULL);
  fake_engine_remove_machine (test->engine, "web");
  app_wait_until (test->window == NULL);
  app_wait_until (app_get_dialog () == NULL);
}

/* Escape closes it, Ctrl+N adds one, Enter opens what can be done with a disk. */
static void
test_keys (Test *test, gconstpointer data)
{
  GtkWidget *focus;

  app_wait_until ((focus = gtk_window_get_focus (GTK_WINDOW (test->window))) != NULL &&
                  ADW_IS_ACTION_ROW (focus));
  app_xdotool ("key ctrl+n");
  app_wait_until (app_get_dialog () != NULL);
  app_cancel (test->window);
  app_xdotool ("key Escape");
  app_wait_until (test->window == NULL);
}

int
main (int argc, char *argv[])
{
  if (!app_test_init (&argc, &argv))
    return 0;
#define ADD(name, function)                                                                        \
  g_test_add ("/storage-window/" name, Test, NULL, storage_set_up, function, storage_tear_down)
  ADD ("shown", test_shown);
  ADD ("empty", test_empty);
  ADD ("states", test_states);
  ADD ("running", test_running);
  ADD ("started-meanwhile", test_started_meanwhile);
  ADD ("started-meanwhile-host", test_started_meanwhile_host);
  ADD ("host", test_host);
  ADD ("closed", test_closed);
  ADD ("closed-choosing", test_closed_choosing);
  ADD ("closed-early", test_closed_early);
  ADD ("engine-gone", test_engine_gone);
  ADD ("machine-gone", test_machine_gone);
  ADD ("keys", test_keys);
  g_test_add ("/storage-window/not-listed", Test, NULL, storage_set_up_closed, test_not_listed,
              storage_tear_down);
  return g_test_run ();
}

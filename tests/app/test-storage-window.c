/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of a machine's disks and drives: what it shows, what it asks of the engine, and when
 * nothing can be done. */
#include "app-fixture.h"

#include "gtk/lodge-console-window-private.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-storage-window-private.h"

#include <string.h>

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  const char *uuid;
  LodgeConsoleWindow *console; /* weak */
  LodgeStorageWindow *window;  /* weak */
} Test;

static LodgeStorageWindow *
find_window (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

    if (LODGE_IS_STORAGE_WINDOW (window) && gtk_widget_get_visible (window))
      return LODGE_STORAGE_WINDOW (window);
  }
  return NULL;
}

static void
open_window (Test *test)
{
  gtk_widget_activate_action (GTK_WIDGET (test->console), "console.storage", NULL);
  test->window = find_window ();
  g_assert_nonnull (test->window);
  g_object_add_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
}

static gboolean
can_add (Test *test)
{
  return gtk_widget_is_sensitive (test->window->add_button);
}

static void
set_up_closed (Test *test, gconstpointer data)
{
  test->engine = fake_engine_new (NULL);
  test->uuid = fake_engine_add_machine (test->engine, "web", "off");
  test->connection = lodge_connection_new ();
  lodge_connection_open (test->connection);
  test->console =
      LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, test->connection, test->uuid));
  g_object_add_weak_pointer (G_OBJECT (test->console), (gpointer *) &test->console);
  gtk_window_present (GTK_WINDOW (test->console));
  app_wait_until (
      lodge_console_machine_get_machine (lodge_console_window_get_machine (test->console)) != NULL);
}

static void
set_up (Test *test, gconstpointer data)
{
  set_up_closed (test, data);
  open_window (test);
  app_wait_until (can_add (test));
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
}

static void
tear_down (Test *test, gconstpointer data)
{
  if (test->console != NULL)
    gtk_window_destroy (GTK_WINDOW (test->console));
  app_wait_until (test->console == NULL && test->window == NULL);
  app_assert_dies (test->connection);
  fake_engine_free (test->engine);
}

static void
ask (Test *test, const char *action, const char *id)
{
  g_assert_true (
      gtk_widget_activate_action (GTK_WIDGET (test->window), action, id != NULL ? "s" : NULL, id));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_true (gtk_window_get_transient_for (GTK_WINDOW (app_get_dialog ())) ==
                 GTK_WINDOW (test->window));
}

static void
answer (const char *response)
{
  adw_message_dialog_response (app_get_dialog (), response);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

static gboolean
may_answer (void)
{
  return adw_message_dialog_get_response_enabled (app_get_dialog (), LODGE_MESSAGE_ACT);
}

static gboolean
is_busy (Test *test)
{
  return test->window->work != NULL && lodge_work_panel_is_shown (test->window->work_panel);
}

static guint
count_rows (GtkListBox *list)
{
  guint n = 0;

  while (gtk_list_box_get_row_at_index (list, (int) n) != NULL)
    n++;
  return n;
}

/* Whether the keyboard is at the row, or its button, of that title. */
static gboolean
is_focused (Test *test, const char *title)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (test->window));
  GtkWidget *row = focus != NULL ? gtk_widget_get_ancestor (focus, ADW_TYPE_ACTION_ROW) : NULL;

  return row != NULL &&
         g_str_equal (adw_preferences_row_get_title (ADW_PREFERENCES_ROW (row)), title);
}

/* --- What is shown --- */

static void
test_shown (Test *test, gconstpointer data)
{
  g_assert_cmpstr (gtk_window_get_title (GTK_WINDOW (test->window)), ==, "Storage of “web”");
  g_assert_cmpuint (count_rows (test->window->disk_list), ==, 2);
  g_assert_nonnull (app_find_label (test->window, "disk0"));
  g_assert_nonnull (app_find_label (test->window,
                                    "20.0\302\240GiB, takes 1.5\302\240GiB · virtio · 3 layers of "
                                    "snapshots and clones"));
  g_assert_nonnull (
      app_find_label (test->window, "100.0\302\240GiB, takes 192.0\302\240KiB · SATA"));
  g_assert_cmpuint (count_rows (test->window->drive_list), ==, 1);
  g_assert_nonnull (app_find_label (test->window, "cd0"));
  g_assert_nonnull (app_find_label (test->window, "Empty"));
  g_assert_false (gtk_widget_get_visible (test->window->hint));
  app_assert_named (test->window);

  /* One of them for a console window. */
  gtk_widget_activate_action (GTK_WIDGET (test->console), "console.storage", NULL);
  g_assert_true (find_window () == test->window);
}

static void
test_empty (Test *test, gconstpointer data)
{
  static const char *const ids[] = {"disk1", "disk0"};

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    ask (test, "storage.remove", ids[i]);
    answer (LODGE_MESSAGE_ACT);
    app_wait_until (count_rows (test->window->disk_list) == 1 - i && can_add (test));
  }
  g_assert_true (gtk_widget_get_visible (test->window->no_disks));
  g_assert_true (can_add (test));
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
       "Disks of “web” can be added, removed and grown now, discs changed, and USB sticks plugged "
       "in "
       "and out. For all else shut it down first"},
      {"suspended", FALSE, FALSE,
       "Disks of “web” can be changed once it is off: resume it and shut it down first, or discard "
       "its saved state"},
      {"template", FALSE, FALSE,
       "“web” is a template: make it an ordinary machine again before its disks are changed"},
      {"crashed", TRUE, TRUE, ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    fake_engine_set_state (test->engine, "web", cases[i].state);
    app_wait_until (g_str_equal (gtk_label_get_text (test->window->hint_label), cases[i].hint) &&
                    g_strcmp0 (lodge_machine1_get_state (test->window->machine), cases[i].state) ==
                        0);
    g_assert_true (gtk_widget_get_visible (test->window->hint) == (*cases[i].hint != '\0'));
    g_assert_true (can_add (test) == cases[i].other);
    fake_engine_clear_calls (test->engine);
    gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.grow", "s", "disk0");
    g_assert_true ((app_get_dialog () != NULL) == cases[i].grow);
    if (cases[i].grow)
      answer ("cancel");
    gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.remove", "s", "disk0");
    g_assert_true ((app_get_dialog () != NULL) == cases[i].other);
    if (cases[i].other)
      answer ("cancel");
  }
  g_assert_false (app_was_called (test->engine, "GrowDisk"));
}

static void
assert_told (Test *test, const char *disk, const char *words)
{
  ask (test, "storage.remove", disk);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), words));
  answer ("close");
}

/* What is asked of a machine that is off says nothing of a guest that gets it at once. */
static void
test_started_meanwhile (Test *test, gconstpointer data)
{
  static const char *const questions[] = {"storage.add", "storage.add-host"};

  for (guint i = 0; i < G_N_ELEMENTS (questions); i++) {
    fake_engine_set_state (test->engine, "web", "off");
    app_wait_until (!lodge_storage_window_is_live (test->window) && can_add (test));
    ask (test, questions[i], NULL);
    if (i == 1)
      gtk_check_button_set_active (app_find (app_get_dialog (), GTK_TYPE_CHECK_BUTTON), TRUE);
    fake_engine_set_state (test->engine, "web", "running");
    app_wait_until (lodge_storage_window_is_live (test->window));
    if (i == 1) {
      AdwMessageDialog *question = app_get_dialog ();

      adw_message_dialog_response (question, LODGE_MESSAGE_ACT);
      gtk_window_close (GTK_WINDOW (question));
      app_wait_until (app_get_dialog () != NULL && app_get_dialog () != question);
      g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Add a Disk"));
      answer ("close");
    }
    app_wait_until (app_get_dialog () == NULL);
  }
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

  ask (test, "storage.add", NULL);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "gets it at once"));
  g_assert_null (strstr (adw_message_dialog_get_body (app_get_dialog ()), "drivers"));
  entry = app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW);
  gtk_editable_set_text (entry, "8G");
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (count_rows (test->window->disk_list) == 3);
  g_assert_true (app_was_called (test->engine, "AddDisk web 8589934592 {'bus': <'virtio'>}"));

  app_wait_until (test->window->work == NULL && can_add (test));
  ask (test, "storage.remove", "disk2");
  g_assert_nonnull (
      strstr (adw_message_dialog_get_body (app_get_dialog ()), "Unmount it in the guest first"));
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (count_rows (test->window->disk_list) == 2);

  fake_engine_set_state (test->engine, "web", "paused");
  app_wait_until (g_strcmp0 (lodge_machine1_get_state (test->window->machine), "paused") == 0 &&
                  can_add (test));
  ask (test, "storage.add", NULL);
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (count_rows (test->window->disk_list) == 3);
  app_wait_until (test->window->work == NULL && can_add (test));
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

  ask (test, "storage.add-host", NULL);
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
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (count_rows (test->window->disk_list) == 3);
  g_assert_true (app_was_called (test->engine, "AddDisk web 0 {"));
}

/* --- What is done --- */

static void
test_grow (Test *test, gconstpointer data)
{
  GtkEditable *entry;

  ask (test, "storage.grow", "disk0");
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "It has 20G."));
  /* What its system has to do then. */
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "file system on it"));
  entry = app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW);
  /* Not before it is larger. */
  g_assert_false (may_answer ());
  gtk_editable_set_text (entry, "10G");
  g_assert_false (may_answer ());
  g_assert_cmpstr (adw_message_dialog_get_body (app_get_dialog ()), ==,
                   "It has 20G already: it can only be made larger.");
  gtk_editable_set_text (entry, "much");
  g_assert_false (may_answer ());
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "much"));
  /* A number alone is one of GiB. */
  gtk_editable_set_text (entry, " 40 ");
  g_assert_true (may_answer ());
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "It has 20G."));
  gtk_editable_set_text (entry, " 40g ");
  g_assert_true (may_answer ());
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_find_label (test->window, "40.0\302\240GiB, takes 1.5\302\240GiB · virtio · "
                                                "3 layers of snapshots and clones") != NULL);
  g_assert_true (app_was_called (test->engine, "GrowDisk web 'disk0' 42949672960"));
  app_wait_until (app_find_label (test->window, "The disk is larger") != NULL);
}

static void
test_add (Test *test, gconstpointer data)
{
  GtkEditable *entry;

  ask (test, "storage.add", NULL);
  entry = app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW);
  g_assert_true (may_answer ());
  gtk_editable_set_text (entry, "");
  g_assert_false (may_answer ());
  gtk_editable_set_text (entry, "8G");
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (count_rows (test->window->disk_list) == 3);
  g_assert_true (app_was_called (test->engine, "AddDisk web 8589934592 {}"));
  app_wait_until (app_find_label (test->window, "The disk disk2 was added") != NULL);
  app_wait_until (is_focused (test, "disk2"));
}

static GFile *chosen; /* by whoever uses the desktop's dialog */

/* Instead of GTK's. */
GFile *
gtk_file_chooser_get_file (GtkFileChooser *chooser)
{
  return g_steal_pointer (&chosen);
}

/* Its dialog looks at folders, and keeps some of what it has read of them. */
void
gtk_native_dialog_show (GtkNativeDialog *dialog)
{
}

/* As somebody does in the desktop's dialog. */
static void
choose (Test *test, const char *path)
{
  g_autoptr (GtkFileChooserNative) chooser = NULL;

  app_wait_until (test->window->chooser != NULL);
  chooser = g_object_ref (test->window->chooser);
  chosen = g_file_new_for_path (path);
  g_signal_emit_by_name (chooser, "response", GTK_RESPONSE_ACCEPT);
  g_assert_null (chosen);
  g_assert_null (test->window->chooser);
}

/* An image to copy is chosen, and not wanted after all. */
static void
test_add_image (Test *test, gconstpointer data)
{
  g_autofree char *image = g_build_filename (g_get_user_data_dir (), "old.vmdk", NULL);
  g_autofree char *call = g_strdup_printf ("AddDisk web 0 {'from': <'%s'>}", image);
  GtkEditable *entry;

  g_assert_no_errno (g_mkdir_with_parents (g_get_user_data_dir (), 0700));
  g_assert_true (g_file_set_contents (image, "", 0, NULL));
  ask (test, "storage.add", NULL);
  entry = app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW);
  for (guint i = 0; i < 2; i++) {
    g_assert_nonnull (app_find_label (app_get_dialog (), "None: the disk is empty"));
    g_assert_cmpstr (gtk_editable_get_text (entry), ==, "20G");
    app_click (app_get_dialog (), "C_hoose…");
    choose (test, image);
    g_assert_nonnull (app_find_label (app_get_dialog (), "old.vmdk"));
    g_assert_cmpstr (gtk_editable_get_text (entry), ==, "");
    g_assert_true (may_answer ());
    if (i == 0)
      app_click (app_get_dialog (), "edit-clear-symbolic");
  }
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (count_rows (test->window->disk_list) == 3);
  g_assert_true (app_was_called (test->engine, call));
}

static void
test_compact (Test *test, gconstpointer data)
{
  fake_engine_set_hold_jobs (test->engine, TRUE);
  gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.compact", "s", "disk0");
  app_wait_until (is_busy (test));
  /* One thing at a time, which can be cancelled. */
  app_wait_until (app_find (test->window->work_panel, GTK_TYPE_PROGRESS_BAR) != NULL);
  g_assert_false (can_add (test));
  app_click (test->window->work_panel, "_Cancel");
  app_wait_until (test->window->work == NULL && can_add (test));
  g_assert_null (app_get_dialog ());
  g_assert_true (app_was_called (test->engine, "CompactDisk web 'disk0'"));

  fake_engine_set_hold_jobs (test->engine, FALSE);
  gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.compact", "s", "disk0");
  app_wait_until (app_find_label (test->window, "512.0\302\240MiB were given back") != NULL);
}

/* What fails for want of the passphrase asks for it, and is done then. */
static void
test_locked (Test *test, gconstpointer data)
{
  fake_engine_encrypt (test->engine, "web", "secret");
  ask (test, "storage.compact", "disk0");
  g_assert_nonnull (app_find_label (app_get_dialog (), "Unlock “web”"));
  g_assert_true (can_add (test));
  gtk_editable_set_text (GTK_EDITABLE (app_find (app_get_dialog (), GTK_TYPE_ENTRY)), "secret");
  app_click (app_get_dialog (), "_Unlock");
  app_wait_until (app_find_label (test->window, "512.0\302\240MiB were given back") != NULL);
}

static void
test_remove (Test *test, gconstpointer data)
{
  ask (test, "storage.remove", "disk0");
  g_assert_nonnull (app_find_label (app_get_dialog (), "Remove disk0?"));
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "starts from this"));
  answer ("cancel");
  /* What it says is not so any more once the guest runs. */
  ask (test, "storage.remove", "disk1");
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (app_get_dialog () == NULL);
  fake_engine_set_state (test->engine, "web", "off");
  app_wait_until (g_strcmp0 (lodge_machine1_get_state (test->window->machine), "off") == 0 &&
                  can_add (test));
  g_assert_false (app_was_called (test->engine, "RemoveDisk"));
  ask (test, "storage.remove", "disk1");
  g_assert_null (strstr (adw_message_dialog_get_body (app_get_dialog ()), "starts from this"));
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (count_rows (test->window->disk_list) == 1);
  g_assert_true (app_was_called (test->engine, "RemoveDisk web 'disk1' {}"));
  app_wait_until (test->window->work == NULL && can_add (test));
  ask (test, "storage.remove", "disk0");
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_was_called (test->engine, "RemoveDisk web 'disk0' {'first': <true>}"));
}

/* An answer that comes when something else has begun is not lost without a word. */
static void
test_not_now (Test *test, gconstpointer data)
{
  test->window->calling = TRUE;
  lodge_storage_work_call (test->window, "CompactDisk", g_variant_new ("(s)", "disk0"),
                           g_strdup ("Could Not Compact disk0"));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Compact disk0"));
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "not possible"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  test->window->calling = FALSE;
  g_assert_false (app_was_called (test->engine, "CompactDisk"));
}

static void
export_to (Test *test, const char *path)
{
  lodge_storage_work_call (
      test->window, "ConvertDisk",
      g_variant_new ("(sss@a{sv})", "disk0", "vmdk", path, g_variant_new_parsed ("@a{sv} {}")),
      g_strdup ("Could Not Export disk0"));
}

/* What is there is asked for. */
static void
test_export (Test *test, gconstpointer data)
{
  export_to (test, "/out/web.vmdk");
  app_wait_until (app_find_label (test->window, "The disk was exported") != NULL);
  app_wait_until (can_add (test));
  fake_engine_fail_next_job (test->engine, LODGE_ERROR_EXISTS, "It is there already");
  export_to (test, "/out/web.vmdk");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Replace the File?"));
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_was_called (
      test->engine, "ConvertDisk web 'disk0' 'vmdk' '/out/web.vmdk' {'replace': <true>}"));
  app_wait_until (can_add (test));
}

static void
test_export_asked (Test *test, gconstpointer data)
{
  AdwComboRow *row;

  ask (test, "storage.export", "disk1");
  row = app_find (app_get_dialog (), ADW_TYPE_COMBO_ROW);
  g_assert_nonnull (row);
  g_assert_cmpuint (g_list_model_get_n_items (adw_combo_row_get_model (row)), ==, 5);
  answer ("cancel");
  g_assert_null (test->window->chooser);
}

/* The desktop's dialog has asked already whether what is there is replaced. */
static void
test_export_over (Test *test, gconstpointer data)
{
  g_autofree char *out = g_build_filename (g_get_user_data_dir (), "out.qcow2", NULL);
  g_autofree char *call =
      g_strdup_printf ("ConvertDisk web 'disk1' 'qcow2' '%s' {'replace': <true>}", out);

  g_assert_no_errno (g_mkdir_with_parents (g_get_user_data_dir (), 0700));
  g_assert_true (g_file_set_contents (out, "", 0, NULL));
  ask (test, "storage.export", "disk1");
  answer (LODGE_MESSAGE_ACT);
  choose (test, out);
  app_wait_until (app_find_label (test->window, "The disk was exported") != NULL);
  g_assert_true (app_was_called (test->engine, call));
  g_assert_null (app_get_dialog ());

  /* What cannot be replaced is not asked about again and again. */
  app_wait_until (can_add (test));
  fake_engine_fail_next_job (test->engine, LODGE_ERROR_EXISTS, "It is a folder");
  ask (test, "storage.export", "disk1");
  answer (LODGE_MESSAGE_ACT);
  choose (test, out);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Export disk1"));
  answer ("close");
}

static void
test_failed (Test *test, gconstpointer data)
{
  fake_engine_fail_next_job (test->engine, LODGE_ERROR_STORAGE, "The <b>disk</b> is full");
  gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.compact", "s", "disk0");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Compact disk0"));
  g_assert_nonnull (app_find_label (app_get_dialog (), "The <b>disk</b> is full"));
  answer ("close");
  app_wait_until (can_add (test));
}

/* --- Drives --- */

static void
test_drive (Test *test, gconstpointer data)
{
  lodge_storage_work_change_drive (test->window, "cd0", "/images/<b>a & b.iso", FALSE);
  app_wait_until (app_find_label (test->window, "<b>a & b.iso") != NULL);
  g_assert_true (
      app_was_called (test->engine, "InsertMedia web 'cd0' '/images/<b>a & b.iso' false"));
  app_wait_until (can_add (test));

  fake_engine_fail_next (test->engine, "EjectMedia", LODGE_ERROR_BUSY, "The guest holds it");
  app_click (test->window->drive_list, "E_ject");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "The Guest Does Not Give the Disc Back"));
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_find_label (test->window, "Empty") != NULL);
  g_assert_true (app_was_called (test->engine, "EjectMedia web 'cd0' true"));

  app_wait_until (can_add (test));
  fake_engine_fail_next (test->engine, "InsertMedia", LODGE_ERROR_NOT_FOUND, "There is no file");
  lodge_storage_work_change_drive (test->window, "cd0", "/none.iso", FALSE);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Insert the Disc"));
  answer ("close");
}

/* The keyboard stays at the drive whose disc is changed. */
static void
test_drive_focus (Test *test, gconstpointer data)
{
  lodge_storage_work_change_drive (test->window, "cd0", "/images/a.iso", FALSE);
  app_wait_until (app_find_label (test->window, "a.iso") != NULL && can_add (test));
  gtk_widget_grab_focus (app_find_button (test->window->drive_list, "E_ject"));
  app_click (test->window->drive_list, "E_ject");
  app_wait_until (app_find_label (test->window, "Empty") != NULL && can_add (test));
  g_assert_true (gtk_widget_is_ancestor (gtk_window_get_focus (GTK_WINDOW (test->window)),
                                         GTK_WIDGET (test->window->drive_list)));
}

/* --- USB sticks --- */

static void
test_stick (Test *test, gconstpointer data)
{
  g_autofree char *image = g_build_filename (g_get_user_data_dir (), "<b>stick & co.img", NULL);
  g_autofree char *call = g_strdup_printf ("PlugStick web '%s'", image);

  g_assert_cmpint (g_mkdir_with_parents (g_get_user_data_dir (), 0700), ==, 0);
  g_assert_true (g_file_set_contents (image, "an image", -1, NULL));
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (g_str_equal (lodge_machine1_get_state (test->window->machine), "running"));
  app_click (test->window, "_Plug In Image…");
  choose (test, image);
  app_wait_until (app_find_label (test->window, "<b>stick & co.img") != NULL && can_add (test));
  g_assert_true (app_was_called (test->engine, call));
  g_assert_cmpuint (count_rows (test->window->stick_list), ==, 1);
  g_assert_nonnull (app_find_label (test->window, "The USB stick usb0 was plugged in"));
  /* The keyboard is where something has come of it. */
  app_wait_until (is_focused (test, "usb0"));
  app_settle ();
  g_assert_true (is_focused (test, "usb0"));
  app_click (test->window->stick_list, "_Unplug");
  app_wait_until (count_rows (test->window->stick_list) == 0 && can_add (test));
  app_wait_until (gtk_window_get_focus (GTK_WINDOW (test->window)) ==
                  app_find_button (test->window, "_Plug In Image…"));
  g_assert_true (app_was_called (test->engine, "UnplugStick web 'usb0'"));

  fake_engine_fail_next (test->engine, "PlugStick", LODGE_ERROR_INVALID, "It is no image");
  app_click (test->window, "_Plug In Image…");
  choose (test, image);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Plug In the Image"));
  answer ("close");
}

/* --- Life --- */

/* What could not be listed is not looked for any more, and can be asked for again. */
static void
test_not_listed (Test *test, gconstpointer data)
{
  fake_engine_fail_next (test->engine, "ListDisks", LODGE_ERROR_STORAGE, "The <b>disk</b> fails");
  open_window (test);
  app_wait_until (app_find_label (test->window, "Could Not List the Disks") != NULL);
  g_assert_nonnull (app_find_label (test->window, "The <b>disk</b> fails"));
  g_assert_cmpstr (gtk_stack_get_visible_child_name (test->window->pages), ==, "problem");
  g_assert_null (app_get_dialog ());
  app_click (test->window, "_Try Again");
  app_wait_until (can_add (test));
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
  app_wait_until (is_busy (test));
  gtk_window_close (GTK_WINDOW (test->window));
  app_wait_until (find_window () == NULL);
  /* The one that is closed lives on in what it follows. */
  if (test->window != NULL)
    g_object_remove_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
  test->window = NULL;

  open_window (test);
  app_wait_until (is_busy (test));
  g_assert_false (can_add (test));
  fake_engine_finish_jobs (test->engine, 0, NULL);
  app_wait_until (test->window->work == NULL && can_add (test));
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
      open_window (test);
      app_wait_until (can_add (test));
    }
  }
}

static void
test_engine_gone (Test *test, gconstpointer data)
{
  fake_engine_drop_clients (test->engine);
  app_wait_until (test->window->machine == NULL);
  g_assert_false (can_add (test));
  app_wait_until (test->window->machine != NULL && can_add (test));
  g_assert_cmpuint (count_rows (test->window->disk_list), ==, 2);
}

static void
test_machine_gone (Test *test, gconstpointer data)
{
  ask (test, "storage.add", NULL);
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
  answer ("cancel");
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
  app_xdotool ("key Escape");
  app_wait_until (test->window == NULL);
}

int
main (int argc, char *argv[])
{
  if (!app_test_init (&argc, &argv))
    return 0;
#define ADD(name, function)                                                                        \
  g_test_add ("/storage-window/" name, Test, NULL, set_up, function, tear_down)
  ADD ("shown", test_shown);
  ADD ("empty", test_empty);
  ADD ("states", test_states);
  ADD ("running", test_running);
  ADD ("started-meanwhile", test_started_meanwhile);
  ADD ("host", test_host);
  ADD ("grow", test_grow);
  ADD ("add", test_add);
  ADD ("add-image", test_add_image);
  ADD ("compact", test_compact);
  ADD ("locked", test_locked);
  ADD ("remove", test_remove);
  ADD ("not-now", test_not_now);
  ADD ("export", test_export);
  ADD ("export-asked", test_export_asked);
  ADD ("export-over", test_export_over);
  ADD ("failed", test_failed);
  ADD ("drive", test_drive);
  ADD ("drive-focus", test_drive_focus);
  ADD ("stick", test_stick);
  ADD ("closed", test_closed);
  ADD ("closed-choosing", test_closed_choosing);
  ADD ("closed-early", test_closed_early);
  ADD ("engine-gone", test_engine_gone);
  ADD ("machine-gone", test_machine_gone);
  ADD ("keys", test_keys);
  g_test_add ("/storage-window/not-listed", Test, NULL, set_up_closed, test_not_listed, tear_down);
  return g_test_run ();
}

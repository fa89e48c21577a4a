/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of a machine's disks and drives: what it asks of the engine, and says of it. */
#include "storage-fixture.h"

#include "gtk/lodge-job.h"
#include "gtk/lodge-message.h"

#include <string.h>

typedef StorageFixture Test;

static gboolean
may_answer (void)
{
  return adw_message_dialog_get_response_enabled (app_get_dialog (), LODGE_MESSAGE_ACT);
}

/* --- What is done --- */

static void
test_grow (Test *test, gconstpointer data)
{
  GtkEditable *entry;

  app_ask (test->window, "storage.grow", "disk0");
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
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_find_label (test->window, "The disk is larger") != NULL);
  g_assert_true (app_was_called (test->engine, "GrowDisk web 'disk0' 42949672960"));
  app_wait_until (app_find_label (test->window, "40.0\302\240GiB, takes 1.5\302\240GiB · virtio · "
                                                "3 layers of snapshots and clones") != NULL);
}

static void
test_add (Test *test, gconstpointer data)
{
  GtkEditable *entry;

  app_ask (test->window, "storage.add", NULL);
  entry = app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW);
  g_assert_true (may_answer ());
  gtk_editable_set_text (entry, "");
  g_assert_false (may_answer ());
  gtk_editable_set_text (entry, "8G");
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_find_label (test->window, "The disk disk2 was added") != NULL);
  g_assert_true (app_was_called (test->engine, "AddDisk web 8589934592 {}"));
  app_wait_until (storage_count_rows (test->window->disk_list) == 3);
  app_wait_until (storage_is_focused (test, "disk2"));
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
  app_ask (test->window, "storage.add", NULL);
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
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (storage_count_rows (test->window->disk_list) == 3);
  g_assert_true (app_was_called (test->engine, call));
}

static void
test_compact (Test *test, gconstpointer data)
{
  fake_engine_set_hold_jobs (test->engine, TRUE);
  gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.compact", "s", "disk0");
  app_wait_until (storage_is_busy (test));
  /* One thing at a time, which can be cancelled. */
  app_wait_until (app_find (test->window->work_panel, GTK_TYPE_PROGRESS_BAR) != NULL);
  g_assert_false (storage_can_add (test));
  app_click (test->window->work_panel, "_Cancel");
  app_wait_until (test->window->work == NULL && storage_can_add (test));
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
  app_ask (test->window, "storage.compact", "disk0");
  g_assert_nonnull (app_find_label (app_get_dialog (), "Unlock “web”"));
  g_assert_true (storage_can_add (test));
  gtk_editable_set_text (GTK_EDITABLE (app_find (app_get_dialog (), GTK_TYPE_ENTRY)), "secret");
  app_click (app_get_dialog (), "_Unlock");
  app_wait_until (app_find_label (test->window, "512.0\302\240MiB were given back") != NULL);
}

/* Closed while the passphrase is looked at: nothing is done then, and that is said. */
static void
test_locked_closed (Test *test, gconstpointer data)
{
  fake_engine_encrypt (test->engine, "web", "secret");
  fake_engine_set_delay (test->engine, "Unlock", 300);
  app_ask (test->window, "storage.compact", "disk0");
  gtk_editable_set_text (GTK_EDITABLE (app_find (app_get_dialog (), GTK_TYPE_ENTRY)), "secret");
  app_click (app_get_dialog (), "_Unlock");
  /* At once: the answer cannot have been looked at. */
  g_assert_null (app_get_dialog ());
  gtk_window_close (GTK_WINDOW (test->window));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_true (app_was_called (test->engine, "Unlock"));
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Compact disk0"));
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "window was closed"));
  app_answer ("close");
  app_wait_until (test->window == NULL);
}

static void
others_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) answer = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, NULL);

  g_variant_get (answer, "(o)", user_data);
}

/* What somebody else has begun goes on here, and does not end without a word. */
static void
test_others_fails (Test *test, gconstpointer data)
{
  g_autofree char *path = NULL;

  fake_engine_set_hold_jobs (test->engine, TRUE);
  g_dbus_proxy_call (G_DBUS_PROXY (test->window->base.machine), "CompactDisk",
                     g_variant_new ("(s)", "disk0"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, others_cb,
                     &path);
  app_wait_until (path != NULL);
  lodge_storage_work_find (test->window);
  app_wait_until (storage_is_busy (test));
  /* Nor may the window be there by then: the library tells of it. */
  g_assert_false (lodge_job_is_followed (path));
  fake_engine_finish_jobs (test->engine, LODGE_ERROR_STORAGE, "No <room>");
  app_wait_until (app_find_label (test->window, "No <room>") != NULL);
  g_assert_null (app_get_dialog ());
}

static void
test_remove (Test *test, gconstpointer data)
{
  app_ask (test->window, "storage.remove", "disk0");
  g_assert_nonnull (app_find_label (app_get_dialog (), "Remove disk0?"));
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "starts from this"));
  app_answer ("cancel");
  /* What it says is not so any more once the guest runs. */
  app_ask (test->window, "storage.remove", "disk1");
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (app_get_dialog () == NULL);
  fake_engine_set_state (test->engine, "web", "off");
  app_wait_until (g_strcmp0 (lodge_machine1_get_state (test->window->base.machine), "off") == 0 &&
                  storage_can_add (test));
  g_assert_false (app_was_called (test->engine, "RemoveDisk"));
  app_ask (test->window, "storage.remove", "disk1");
  g_assert_null (strstr (adw_message_dialog_get_body (app_get_dialog ()), "starts from this"));
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (storage_count_rows (test->window->disk_list) == 1);
  g_assert_true (app_was_called (test->engine, "RemoveDisk web 'disk1' {}"));
  app_wait_until (test->window->work == NULL && storage_can_add (test));
  app_ask (test->window, "storage.remove", "disk0");
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_was_called (test->engine, "RemoveDisk web 'disk0' {'first': <true>}"));
}

/* What the menu of the disk in that row offers. */
static gboolean
offers (Test *test, int row, const char *label)
{
  GtkWidget *button =
      app_find (gtk_list_box_get_row_at_index (test->window->disk_list, row), GTK_TYPE_MENU_BUTTON);
  GMenuModel *menu = gtk_menu_button_get_menu_model (GTK_MENU_BUTTON (button));
  gboolean found = FALSE;

  for (int i = 0; i < g_menu_model_get_n_items (menu); i++) {
    g_autoptr (GMenuModel) section = g_menu_model_get_item_link (menu, i, G_MENU_LINK_SECTION);

    for (int k = 0; k < g_menu_model_get_n_items (section); k++) {
      g_autofree char *text = NULL;

      g_menu_model_get_item_attribute (section, k, G_MENU_ATTRIBUTE_LABEL, "s", &text);
      found = found || g_strcmp0 (text, label) == 0;
    }
  }
  return found;
}

static const char *
get_question (void)
{
  return adw_message_dialog_get_body (app_get_dialog ());
}

/* Asked only where something would stop, and kept for ever in the list. */
static void
test_detach (Test *test, gconstpointer data)
{
  g_assert_true (offers (test, 1, "_Detach…"));
  g_assert_false (offers (test, 1, "_Attach"));
  app_ask (test->window, "storage.remove", "disk1");
  g_assert_nonnull (strstr (get_question (), "detach the disk instead"));
  app_answer ("cancel");
  gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.detach", "s", "disk1");
  app_wait_until (app_find_label (test->window, "The disk was detached") != NULL);
  g_assert_null (app_get_dialog ());
  g_assert_true (app_was_called (test->engine, "DetachDisk web 'disk1' {}"));
  app_wait_until (offers (test, 1, "_Attach") && storage_can_add (test));
  g_assert_false (offers (test, 1, "_Detach…"));
  g_assert_nonnull (app_find_label (test->window,
                                    "Detached: the guest does not have it\n"
                                    "100.0\302\240GiB, takes 192.0\302\240KiB · SATA"));
  /* What is detached already is not said to be kept by that. */
  app_ask (test->window, "storage.remove", "disk1");
  g_assert_null (strstr (get_question (), "detach"));
  app_answer ("cancel");

  /* The one that it starts from, of a machine that is off. */
  app_ask (test->window, "storage.detach", "disk0");
  g_assert_nonnull (app_find_label (app_get_dialog (), "Detach disk0?"));
  g_assert_nonnull (strstr (get_question (), "starts from this"));
  g_assert_nonnull (strstr (get_question (), "keeps it"));
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (offers (test, 0, "_Attach") && storage_can_add (test));
  g_assert_true (app_was_called (test->engine, "DetachDisk web 'disk0' {'first': <true>}"));
  gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.attach", "s", "disk1");
  app_wait_until (app_find_label (test->window, "The disk was attached") != NULL);
  app_wait_until (offers (test, 1, "_Detach…") && storage_can_add (test));
  g_assert_true (app_was_called (test->engine, "AttachDisk web 'disk1'"));
  /* Which is now the other one. */
  app_ask (test->window, "storage.detach", "disk1");
  g_assert_nonnull (strstr (get_question (), "starts from this"));
  app_answer ("cancel");
  fake_engine_fail_next (test->engine, "AttachDisk", LODGE_ERROR_STATE, "It is a SATA disk");
  app_ask (test->window, "storage.attach", "disk0");
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Attach disk0"));
  app_answer ("close");
}

/* A guest that runs is to be told first, and one that lets go of nothing is not asked. */
static void
test_detach_running (Test *test, gconstpointer data)
{
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (gtk_widget_get_visible (test->window->hint));
  lodge_storage_work_call (test->window, "AddDisk",
                           g_variant_new_parsed ("(@t 1073741824, @a{sv} {})"),
                           g_strdup ("Could Not Add a Disk"));
  app_wait_until (storage_count_rows (test->window->disk_list) == 3 && test->window->work == NULL &&
                  storage_can_add (test));
  app_ask (test->window, "storage.detach", "disk0");
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Detach disk0"));
  g_assert_nonnull (strstr (get_question (), "has started from disk0"));
  app_answer ("close");
  app_ask (test->window, "storage.detach", "disk1");
  g_assert_nonnull (strstr (get_question (), "SATA"));
  app_answer ("close");

  app_ask (test->window, "storage.detach", "disk2");
  g_assert_nonnull (strstr (get_question (), "Unmount it in the guest first"));
  g_assert_nonnull (strstr (get_question (), "keeps it"));
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (offers (test, 2, "_Attach") && storage_can_add (test));
  /* The guest has nothing to let go of any more. */
  app_ask (test->window, "storage.remove", "disk2");
  g_assert_null (strstr (get_question (), "Unmount"));
  app_answer ("cancel");
  gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.attach", "s", "disk2");
  app_wait_until (offers (test, 2, "_Detach…") && storage_can_add (test));
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
  app_wait_until (storage_can_add (test));
  fake_engine_fail_next_job (test->engine, LODGE_ERROR_EXISTS, "It is there already");
  export_to (test, "/out/web.vmdk");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Replace the File?"));
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_was_called (
      test->engine, "ConvertDisk web 'disk0' 'vmdk' '/out/web.vmdk' {'replace': <true>}"));
  app_wait_until (storage_can_add (test));
}

static void
test_export_asked (Test *test, gconstpointer data)
{
  AdwComboRow *row;

  app_ask (test->window, "storage.export", "disk1");
  row = app_find (app_get_dialog (), ADW_TYPE_COMBO_ROW);
  g_assert_nonnull (row);
  g_assert_cmpuint (g_list_model_get_n_items (adw_combo_row_get_model (row)), ==, 5);
  app_answer ("cancel");
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
  app_ask (test->window, "storage.export", "disk1");
  app_answer (LODGE_MESSAGE_ACT);
  choose (test, out);
  app_wait_until (app_find_label (test->window, "The disk was exported") != NULL);
  g_assert_true (app_was_called (test->engine, call));
  g_assert_null (app_get_dialog ());

  /* What cannot be replaced is not asked about again and again. */
  app_wait_until (storage_can_add (test));
  fake_engine_fail_next_job (test->engine, LODGE_ERROR_EXISTS, "It is a folder");
  app_ask (test->window, "storage.export", "disk1");
  app_answer (LODGE_MESSAGE_ACT);
  choose (test, out);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Export disk1"));
  app_answer ("close");
}

static void
test_failed (Test *test, gconstpointer data)
{
  fake_engine_fail_next_job (test->engine, LODGE_ERROR_STORAGE, "The <b>disk</b> is full");
  gtk_widget_activate_action (GTK_WIDGET (test->window), "storage.compact", "s", "disk0");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Compact disk0"));
  g_assert_nonnull (app_find_label (app_get_dialog (), "The <b>disk</b> is full"));
  app_answer ("close");
  app_wait_until (storage_can_add (test));
}

/* --- Drives --- */

static void
test_drive (Test *test, gconstpointer data)
{
  lodge_storage_work_change_drive (test->window, "cd0", "/images/<b>a & b.iso", FALSE);
  app_wait_until (app_find_label (test->window, "<b>a & b.iso") != NULL);
  g_assert_true (
      app_was_called (test->engine, "InsertMedia web 'cd0' '/images/<b>a & b.iso' false"));
  app_wait_until (storage_can_add (test));

  fake_engine_fail_next (test->engine, "EjectMedia", LODGE_ERROR_BUSY, "The guest holds it");
  app_click (test->window->drive_list, "E_ject");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "The Guest Does Not Give the Disc Back"));
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_find_label (test->window, "Empty") != NULL);
  g_assert_true (app_was_called (test->engine, "EjectMedia web 'cd0' true"));

  app_wait_until (storage_can_add (test));
  fake_engine_fail_next (test->engine, "InsertMedia", LODGE_ERROR_NOT_FOUND, "There is no file");
  lodge_storage_work_change_drive (test->window, "cd0", "/none.iso", FALSE);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Insert the Disc"));
  app_answer ("close");
}

/* A disc that is chosen while the engine is away is not lost without a word. */
static void
test_drive_away (Test *test, gconstpointer data)
{
  fake_engine_drop_clients (test->engine);
  app_wait_until (test->window->base.machine == NULL);
  lodge_storage_work_change_drive (test->window, "cd0", "/images/a.iso", FALSE);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Insert the Disc"));
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "cannot be reached"));
  app_answer ("close");
  app_wait_until (storage_can_add (test));
  g_assert_false (app_was_called (test->engine, "InsertMedia"));
}

/* The keyboard stays at the drive whose disc is changed. */
static void
test_drive_focus (Test *test, gconstpointer data)
{
  lodge_storage_work_change_drive (test->window, "cd0", "/images/a.iso", FALSE);
  app_wait_until (app_find_label (test->window, "a.iso") != NULL && storage_can_add (test));
  gtk_widget_grab_focus (app_find_button (test->window->drive_list, "E_ject"));
  app_click (test->window->drive_list, "E_ject");
  app_wait_until (app_find_label (test->window, "Empty") != NULL && storage_can_add (test));
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
  app_wait_until (g_str_equal (lodge_machine1_get_state (test->window->base.machine), "running"));
  app_click (test->window, "_Plug In Image…");
  choose (test, image);
  app_wait_until (app_find_label (test->window, "<b>stick & co.img") != NULL &&
                  storage_can_add (test));
  g_assert_true (app_was_called (test->engine, call));
  g_assert_cmpuint (storage_count_rows (test->window->stick_list), ==, 1);
  g_assert_nonnull (app_find_label (test->window, "The USB stick usb0 was plugged in"));
  /* The keyboard is where something has come of it. */
  app_wait_until (storage_is_focused (test, "usb0"));
  app_settle ();
  g_assert_true (storage_is_focused (test, "usb0"));
  app_click (test->window->stick_list, "_Unplug");
  app_wait_until (storage_count_rows (test->window->stick_list) == 0 && storage_can_add (test));
  app_wait_until (gtk_window_get_focus (GTK_WINDOW (test->window)) ==
                  app_find_button (test->window, "_Plug In Image…"));
  g_assert_true (app_was_called (test->engine, "UnplugStick web 'usb0'"));

  fake_engine_fail_next (test->engine, "PlugStick", LODGE_ERROR_INVALID, "It is no image");
  app_click (test->window, "_Plug In Image…");
  choose (test, image);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Plug In the Image"));
  app_answer ("close");
}

int
main (int argc, char *argv[])
{
  if (!app_test_init (&argc, &argv))
    return 0;
#define ADD(name, function)                                                                        \
  g_test_add ("/storage-work/" name, Test, NULL, storage_set_up, function, storage_tear_down)
  ADD ("grow", test_grow);
  ADD ("add", test_add);
  ADD ("add-image", test_add_image);
  ADD ("compact", test_compact);
  ADD ("locked", test_locked);
  ADD ("locked-closed", test_locked_closed);
  ADD ("others-fails", test_others_fails);
  ADD ("remove", test_remove);
  ADD ("detach", test_detach);
  ADD ("detach-running", test_detach_running);
  ADD ("not-now", test_not_now);
  ADD ("export", test_export);
  ADD ("export-asked", test_export_asked);
  ADD ("export-over", test_export_over);
  ADD ("failed", test_failed);
  ADD ("drive", test_drive);
  ADD ("drive-away", test_drive_away);
  ADD ("drive-focus", test_drive_focus);
  ADD ("stick", test_stick);
  return g_test_run ();
}

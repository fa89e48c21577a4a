/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The creation form: three clicks, bad input, failing and cancelled jobs, nothing lost. */
#include "app-fixture.h"

#include "gtk/lodge-create-window.h"
#include "gtk/lodge-hardware-row.h"
#include "gtk/lodge-library-window.h"
#include "gtk/lodge-work-panel.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeMachineList *machines;
  GtkWidget *window; /* NULL once it has closed itself */
  char *created;
  char *folder;
  char *image; /* a file with an odd name; the engine wants it to be there */
} Fixture;

static void
created_cb (LodgeCreateWindow *window, const char *uuid, Fixture *f)
{
  g_assert_null (f->created);
  f->created = g_strdup (uuid);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);
  f->image = g_build_filename (f->folder, "<b>an & image.iso", NULL);
  g_assert_true (g_file_set_contents (f->image, "CD001", -1, NULL));
  f->engine = fake_engine_new (NULL);
  fake_engine_set_detected (
      f->engine, g_variant_new_parsed ("{'os': <'debian12'>, 'os-name': <'Debian <12> & more'>, "
                                       "'name': <'Debian 12'>, 'memory': <uint32 3072>, "
                                       "'cpus': <uint32 3>, 'disk-size': <uint64 32212254720>, "
                                       "'firmware': <'uefi'>, 'tpm': <true>}"));
  f->connection = lodge_connection_new ();
  f->machines = lodge_machine_list_new (f->connection);
  lodge_connection_open (f->connection);
  app_wait_until (lodge_machine_list_get_loaded (f->machines));
  f->window = lodge_create_window_new (f->connection, G_LIST_MODEL (f->machines));
  g_object_add_weak_pointer (G_OBJECT (f->window), (gpointer *) &f->window);
  g_signal_connect (f->window, "created", G_CALLBACK (created_cb), f);
  gtk_window_present (GTK_WINDOW (f->window));
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
  g_free (f->created);
  g_unlink (f->image);
  g_rmdir (f->folder);
  g_free (f->image);
  g_free (f->folder);
}

static gpointer
get (Fixture *f, const char *id)
{
  return app_get_child (f->window, LODGE_TYPE_CREATE_WINDOW, id);
}

static gboolean
can_create (Fixture *f)
{
  return gtk_widget_get_sensitive (get (f, "create_button"));
}

static void
click_create (Fixture *f)
{
  app_wait_until (can_create (f));
  g_signal_emit_by_name (get (f, "create_button"), "clicked");
}

static const char *
get_name (Fixture *f)
{
  return gtk_editable_get_text (get (f, "name_row"));
}

static GtkSpinButton *
get_spin (Fixture *f, const char *id)
{
  return app_get_child (get (f, "hardware_row"), LODGE_TYPE_HARDWARE_ROW, id);
}

static GtkWidget *
get_row (Fixture *f, const char *id)
{
  return app_get_child (get (f, "hardware_row"), LODGE_TYPE_HARDWARE_ROW, id);
}

static const char *
get_error (Fixture *f)
{
  return gtk_revealer_get_reveal_child (get (f, "error_revealer"))
             ? gtk_label_get_text (get (f, "error_label"))
             : "";
}

static char *
dup_call (Fixture *f, const char *method)
{
  g_auto (GStrv) calls = fake_engine_dup_calls (f->engine);

  for (guint i = 0; calls[i] != NULL; i++) {
    if (g_str_has_prefix (calls[i], method))
      return g_strdup (calls[i]);
  }

  return g_strdup ("");
}

static void
test_installer (Fixture *f, gconstpointer data)
{
  g_autofree char *call = NULL;

  app_assert_named (f->window);
  app_wait_until (can_create (f));
  g_assert_cmpstr (get_name (f), ==, "Debian 12");
  click_create (f);
  app_wait_until (f->created != NULL);
  app_wait_until (f->window == NULL);
  call = dup_call (f, "CreateMachine");
  g_assert_nonnull (strstr (call, "'name': <'Debian 12'>"));
  g_assert_nonnull (strstr (call, "'installer': <"));
  g_assert_nonnull (strstr (call, "'memory': <uint32 3072>"));
  g_assert_nonnull (strstr (call, "'cpus': <uint32 3>"));
  g_assert_nonnull (strstr (call, "'disk-size': <uint64 32212254720>"));
  g_assert_nonnull (strstr (call, "'firmware': <'uefi'>"));
  g_assert_nonnull (strstr (call, "'tpm': <true>"));
  g_assert_null (strstr (call, "'media'"));
  g_assert_cmpuint (fake_engine_get_n_machines (f->engine), ==, 1);
}

static GtkEditable *
get_entry (AdwExpanderRow *row, const char *title, GtkWidget *below)
{
  for (GtkWidget *child = gtk_widget_get_first_child (below); child != NULL;
       child = gtk_widget_get_next_sibling (child)) {
    GtkEditable *found;

    if (ADW_IS_PASSWORD_ENTRY_ROW (child) &&
        g_str_equal (adw_preferences_row_get_title (ADW_PREFERENCES_ROW (child)), title))
      return GTK_EDITABLE (child);
    found = get_entry (row, title, child);
    if (found != NULL)
      return found;
  }
  return NULL;
}

/* A passphrase is typed twice, and is sent as bytes; without one there is nothing to create. */
static void
test_encrypted (Fixture *f, gconstpointer data)
{
  AdwExpanderRow *row = get (f, "encrypt_row");
  GtkEditable *passphrase = get_entry (row, "Passphrase", GTK_WIDGET (row));
  GtkEditable *again = get_entry (row, "The Same Again", GTK_WIDGET (row));
  g_autofree char *call = NULL;

  app_wait_until (can_create (f));
  adw_expander_row_set_enable_expansion (row, TRUE);
  g_assert_false (can_create (f));
  app_settle ();
  app_assert_named (f->window);
  gtk_editable_set_text (passphrase, "abc");
  gtk_editable_set_text (again, "abd");
  g_assert_false (can_create (f));
  g_assert_true (gtk_widget_has_css_class (GTK_WIDGET (again), "error"));
  gtk_editable_set_text (again, "abc");
  g_assert_false (gtk_widget_has_css_class (GTK_WIDGET (again), "error"));
  click_create (f);
  app_wait_until (f->created != NULL);
  call = dup_call (f, "CreateMachine");
  g_assert_nonnull (strstr (call, "'passphrase': <"));
  g_assert_nonnull (strstr (call, "'remember': <false>"));
}

/* A window that goes while a passphrase is typed reads nothing that is gone: what watches memory
 * would say so. */
static void
test_encrypted_closed (Fixture *f, gconstpointer data)
{
  AdwExpanderRow *row = get (f, "encrypt_row");
  GtkEditable *again;
  GtkWidget *focus;

  app_wait_until (can_create (f) && gtk_window_is_active (GTK_WINDOW (f->window)));
  adw_expander_row_set_enable_expansion (row, TRUE);
  adw_expander_row_set_expanded (row, TRUE);
  again = get_entry (row, "The Same Again", GTK_WIDGET (row));
  app_wait_until (gtk_widget_get_mapped (GTK_WIDGET (again)));
  gtk_widget_grab_focus (GTK_WIDGET (again));
  focus = gtk_window_get_focus (GTK_WINDOW (f->window));
  g_assert_true (focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (again)));
  gtk_window_destroy (GTK_WINDOW (f->window));
  app_wait_until (f->window == NULL);
}

/* What the engine does not say is left to it, and not sent. */
static void
test_automatic (Fixture *f, gconstpointer data)
{
  g_autofree char *call = NULL;

  gtk_window_destroy (GTK_WINDOW (f->window));
  app_wait_until (f->window == NULL);
  fake_engine_set_detected (f->engine, g_variant_new_parsed ("@a{sv} {}"));
  fake_engine_add_machine (f->engine, "Debian 12 Installer", "off");
  app_wait_until (g_list_model_get_n_items (G_LIST_MODEL (f->machines)) == 1);
  f->window = lodge_create_window_new (f->connection, G_LIST_MODEL (f->machines));
  g_object_add_weak_pointer (G_OBJECT (f->window), (gpointer *) &f->window);
  app_wait_until (can_create (f));
  /* A name that is free. */
  g_assert_cmpstr (get_name (f), ==, "Debian 12 Installer 2");
  g_assert_cmpstr (gtk_editable_get_text (GTK_EDITABLE (get_spin (f, "memory"))), ==, "Automatic");
  click_create (f);
  app_wait_until (f->window == NULL);
  call = dup_call (f, "CreateMachine");
  g_assert_null (strstr (call, "memory"));
  g_assert_null (strstr (call, "cpus"));
  g_assert_null (strstr (call, "disk-size"));
  g_assert_null (strstr (call, "firmware"));
  g_assert_null (strstr (call, "tpm"));
}

static void
test_file (Fixture *f, gconstpointer data)
{
  g_autofree char *subtitle = g_strdup_printf ("Debian <12> & more\n%s", f->image);
  g_autofree char *media = g_strdup_printf ("'media': <'%s'>", f->image);
  g_autofree char *call = NULL;

  app_wait_until (can_create (f));
  lodge_create_window_set_media (LODGE_CREATE_WINDOW (f->window), f->image);
  app_wait_until (app_find_label (f->window, subtitle) != NULL);
  g_assert_true (gtk_check_button_get_active (get (f, "file_check")));
  click_create (f);
  app_wait_until (f->created != NULL);
  call = dup_call (f, "CreateMachine");
  g_assert_nonnull (strstr (call, media));
  g_assert_null (strstr (call, "'installer'"));
}

/* Create is pressed before it is known what was chosen: what was chosen is created, as what it is.
 */
static void
test_hasty (Fixture *f, gconstpointer data)
{
  g_autofree char *disk = g_strdup_printf ("'disk': <'%s'>", f->image);
  g_autofree char *call = NULL;

  app_wait_until (can_create (f));
  fake_engine_set_detected (f->engine,
                            g_variant_new_parsed ("{'kind': <'disk'>, 'name': <'Copied'>}"));
  fake_engine_set_delay (f->engine, "DetectMedia", 300);
  lodge_create_window_set_media (LODGE_CREATE_WINDOW (f->window), f->image);
  g_signal_emit_by_name (get (f, "create_button"), "clicked");
  g_assert_false (app_was_called (f->engine, "CreateMachine"));
  app_wait_until (f->created != NULL);
  call = dup_call (f, "CreateMachine");
  g_assert_nonnull (strstr (call, disk));
  g_assert_nonnull (strstr (call, "'name': <'Copied'>"));
  g_assert_null (strstr (call, "'media'"));
}

/* Another choice meanwhile is another machine, for which nothing was pressed. */
static void
test_hasty_and_changed (Fixture *f, gconstpointer data)
{
  app_wait_until (can_create (f));
  fake_engine_set_delay (f->engine, "DetectMedia", 300);
  lodge_create_window_set_media (LODGE_CREATE_WINDOW (f->window), f->image);
  g_signal_emit_by_name (get (f, "create_button"), "clicked");
  g_assert_false (can_create (f));
  lodge_create_window_set_media (LODGE_CREATE_WINDOW (f->window), "/srv/another.iso");
  app_wait_until (app_find_label (f->window, "Debian <12> & more\n/srv/another.iso") != NULL);
  app_wait_until (can_create (f));
  g_assert_false (app_was_called (f->engine, "CreateMachine"));
}

static int
get_y (Fixture *f, const char *id)
{
  double x, y;

  g_assert_true (gtk_widget_translate_coordinates (get (f, id), f->window, 0, 0, &x, &y));
  return (int) y;
}

/* What is wrong is told where nothing has to make room for it. */
static void
test_nothing_moves (Fixture *f, gconstpointer data)
{
  int file, name, hardware;

  gtk_window_present (GTK_WINDOW (f->window));
  app_wait_until (can_create (f));
  /* The row of the file was put in anew, with the installers above it. */
  app_wait_until (gtk_widget_get_height (get (f, "hardware_row")) > 0 &&
                  gtk_widget_get_height (get (f, "file_row")) > 0);
  file = get_y (f, "file_row");
  name = get_y (f, "name_row");
  hardware = get_y (f, "hardware_row");
  gtk_editable_set_text (get (f, "name_row"), "");
  fake_engine_fail_next (f->engine, "DetectMedia", LODGE_ERROR_NOT_FOUND, "There is no <b>.iso.");
  lodge_create_window_set_media (LODGE_CREATE_WINDOW (f->window), "/srv/<b>.iso");
  app_wait_until (gtk_widget_get_height (get (f, "error_label")) > 0 &&
                  gtk_widget_get_mapped (get (f, "error_label")));
  app_settle ();
  g_assert_cmpstr (gtk_label_get_text (get (f, "name_error")), !=, "");
  g_assert_cmpint (get_y (f, "file_row"), ==, file);
  g_assert_cmpint (get_y (f, "name_row"), ==, name);
  g_assert_cmpint (get_y (f, "hardware_row"), ==, hardware);
}

/* A disk is copied into the machine, which needs no empty one besides. */
static void
test_disk (Fixture *f, gconstpointer data)
{
  g_autofree char *subtitle =
      g_strdup_printf ("A disk that is copied into the machine\n%s", f->image);
  g_autofree char *disk = g_strdup_printf ("'disk': <'%s'>", f->image);
  g_autofree char *call = NULL;

  app_wait_until (can_create (f));
  g_assert_true (gtk_widget_get_visible (get_row (f, "disk_row")));
  fake_engine_set_detected (f->engine,
                            g_variant_new_parsed ("{'kind': <'disk'>, 'os': <''>, 'os-name': <''>, "
                                                  "'name': <'old box'>, 'memory': <uint32 2048>}"));
  lodge_create_window_set_media (LODGE_CREATE_WINDOW (f->window), f->image);
  app_wait_until (app_find_label (f->window, subtitle) != NULL);
  g_assert_false (gtk_widget_get_visible (get_row (f, "disk_row")));
  g_assert_cmpstr (get_name (f), ==, "old box");
  click_create (f);
  app_wait_until (f->created != NULL);
  call = dup_call (f, "CreateMachine");
  g_assert_nonnull (strstr (call, disk));
  g_assert_null (strstr (call, "'media'"));
  g_assert_null (strstr (call, "'disk-size'"));
}

/* `lodge IMAGE` opens the form before the engine has answered. */
static void
test_early_file (Fixture *f, gconstpointer data)
{
  LodgeConnection *connection = lodge_connection_new ();
  GtkWidget *window = lodge_create_window_new (connection, G_LIST_MODEL (f->machines));

  /* The fixture's own window has asked for what it wants. */
  app_wait_until (can_create (f));
  lodge_create_window_set_media (LODGE_CREATE_WINDOW (window), "/nowhere/<b>.iso");
  gtk_window_present (GTK_WINDOW (window));
  fake_engine_fail_next (f->engine, "DetectMedia", LODGE_ERROR_NOT_FOUND, "There is no <b>.iso.");
  lodge_connection_open (connection);
  app_wait_until (app_find_label (window, "There is no <b>.iso.") != NULL);
  app_destroy_window (window);
  app_assert_dies (connection);
}

static void
test_bad_file (Fixture *f, gconstpointer data)
{
  static const char sentence[] = "“/tmp/x&y” is a <folder>, not an image.";

  app_wait_until (can_create (f));
  fake_engine_fail_next (f->engine, "DetectMedia", LODGE_ERROR_INVALID, sentence);
  lodge_create_window_set_media (LODGE_CREATE_WINDOW (f->window), "/tmp/x&y");
  app_wait_until (g_str_equal (get_error (f), sentence));
  g_assert_nonnull (app_find_label (f->window, sentence));
  g_assert_false (can_create (f));
  /* Another file, and it goes on. */
  lodge_create_window_set_media (LODGE_CREATE_WINDOW (f->window), "/tmp/good.iso");
  app_wait_until (can_create (f));
  g_assert_cmpstr (get_error (f), ==, "");
}

/* What D-Bus cannot carry is refused before it is asked about. */
static void
test_bad_name (Fixture *f, gconstpointer data)
{
  lodge_create_window_set_media (LODGE_CREATE_WINDOW (f->window), f->image);
  app_wait_until (can_create (f));
  fake_engine_clear_calls (f->engine);
  lodge_create_window_set_media (LODGE_CREATE_WINDOW (f->window), "/tmp/\xff\xfe.iso");
  g_assert_cmpstr (get_error (f), ==,
                   "Only a file whose name is UTF-8 can be used: rename it first");
  app_settle ();
  g_assert_false (app_was_called (f->engine, "DetectMedia"));
  /* What was chosen before is still there. */
  g_assert_true (can_create (f));
}

static void
test_names (Fixture *f, gconstpointer data)
{
  GtkLabel *problem = get (f, "name_error");

  fake_engine_add_machine (f->engine, "web", "off");
  app_wait_until (can_create (f));
  app_wait_until (g_list_model_get_n_items (G_LIST_MODEL (f->machines)) == 1);
  gtk_editable_set_text (get (f, "name_row"), "a/b");
  g_assert_cmpstr (gtk_label_get_text (problem), !=, "");
  g_assert_false (can_create (f));
  gtk_editable_set_text (get (f, "name_row"), "web");
  g_assert_nonnull (strstr (gtk_label_get_text (problem), "web"));
  g_assert_false (can_create (f));
  gtk_editable_set_text (get (f, "name_row"), "<i>");
  g_assert_cmpstr (gtk_label_get_text (problem), ==, "");
  g_assert_true (can_create (f));
}

/* What was typed is there after a failure, and after another source was chosen. */
static void
test_nothing_lost (Fixture *f, gconstpointer data)
{
  static const char sentence[] = "<b>No space</b> & no hope on the disk.";
  g_autofree char *subtitle = g_strdup_printf ("Debian <12> & more\n%s", f->image);
  g_autofree char *call = NULL;

  app_wait_until (can_create (f));
  gtk_editable_set_text (get (f, "name_row"), "mine");
  gtk_editable_set_text (GTK_EDITABLE (get_spin (f, "memory")), "1.5G");
  gtk_spin_button_update (get_spin (f, "memory"));
  fake_engine_fail_next (f->engine, "CreateMachine", LODGE_ERROR_STORAGE, sentence);
  click_create (f);
  app_wait_until (g_str_equal (get_error (f), sentence));
  g_assert_nonnull (app_find_label (f->window, sentence));
  g_assert_true (gtk_widget_get_sensitive (get (f, "form")));
  g_assert_cmpstr (get_name (f), ==, "mine");
  /* Enter tries again. */
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (f->window)) == get (f, "create_button"));

  lodge_create_window_set_media (LODGE_CREATE_WINDOW (f->window), f->image);
  app_wait_until (app_find_label (f->window, subtitle) != NULL);
  g_assert_cmpstr (get_name (f), ==, "mine");
  g_assert_cmpint (gtk_spin_button_get_value_as_int (get_spin (f, "memory")), ==, 1536);

  fake_engine_fail_next_job (f->engine, LODGE_ERROR_STORAGE, "The <job> & its disk failed.");
  click_create (f);
  app_wait_until (g_str_equal (get_error (f), "The <job> & its disk failed."));
  g_assert_null (f->created);
  click_create (f);
  app_wait_until (f->created != NULL);
  call = dup_call (f, "CreateMachine");
  g_assert_nonnull (strstr (call, "'memory': <uint32 1536>"));
}

static LodgeWorkPanel *
get_panel (Fixture *f)
{
  return get (f, "work_panel");
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  fake_engine_set_hold_jobs (f->engine, TRUE);
  click_create (f);
  app_wait_until (app_was_called (f->engine, "CreateMachine"));
  g_assert_false (gtk_widget_get_sensitive (get (f, "form")));
  app_wait_until (lodge_work_panel_get_fraction (get_panel (f)) >= 0.5);
  app_click (f->window, "_Cancel");
  g_assert_cmpstr (lodge_work_panel_get_step (get_panel (f)), ==, "Cancelling");
  app_wait_until (gtk_widget_get_sensitive (get (f, "form")));
  g_assert_false (lodge_work_panel_is_shown (get_panel (f)));
  g_assert_cmpstr (get_error (f), ==, "");
  g_assert_cmpstr (get_name (f), ==, "Debian 12");
  g_assert_null (f->created);
  g_assert_cmpuint (fake_engine_get_n_machines (f->engine), ==, 0);
  /* Asked to close once it is idle, it closes. */
  app_click (f->window, "_Cancel");
  app_wait_until (f->window == NULL);
}

/* A window that is closed stops nothing, even before the engine has answered. */
static void
test_closed (Fixture *f, gconstpointer data)
{
  fake_engine_set_hold_jobs (f->engine, TRUE);
  fake_engine_set_delay (f->engine, "CreateMachine", 100);
  click_create (f);
  app_wait_until (app_was_called (f->engine, "CreateMachine"));
  gtk_window_close (GTK_WINDOW (f->window));
  g_assert_false (gtk_widget_get_mapped (f->window));
  app_wait_until (g_list_model_get_n_items (G_LIST_MODEL (f->machines)) == 1);
  g_assert_null (f->created);
  fake_engine_finish_jobs (f->engine, 0, NULL);
  app_wait_until (f->created != NULL);
  app_wait_until (f->window == NULL);
  g_assert_cmpuint (fake_engine_get_n_machines (f->engine), ==, 1);
}

/* Enter in a number creates, with that number. */
static void
test_enter (Fixture *f, gconstpointer data)
{
  GtkSpinButton *spin = get_spin (f, "cpus");
  GtkEditable *text = gtk_editable_get_delegate (GTK_EDITABLE (spin));
  g_autofree char *call = NULL;

  app_wait_until (can_create (f));
  gtk_editable_set_text (text, "7");
  g_signal_emit_by_name (text, "activate");
  app_wait_until (f->created != NULL);
  call = dup_call (f, "CreateMachine");
  g_assert_nonnull (strstr (call, "'cpus': <uint32 7>"));
}

static void
test_engine_dies (Fixture *f, gconstpointer data)
{
  fake_engine_set_hold_jobs (f->engine, TRUE);
  click_create (f);
  app_wait_until (lodge_work_panel_get_fraction (get_panel (f)) > 0);
  fake_engine_drop_clients (f->engine);
  app_wait_until (*get_error (f) != '\0');
  g_assert_cmpstr (get_name (f), ==, "Debian 12");
  fake_engine_set_hold_jobs (f->engine, FALSE);
  app_wait_until (can_create (f));
}

static void
test_sizes (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *text;
    int mib;
  } rows[] = {
      {"4", 4096},     {"4G", 4096},    {"4 GiB", 4096},
      {"512M", 512},   {"1T", 1048576}, {"automatic?", 1048576},
      {"-3", 1048576}, {"4x", 1048576}, {"Automatic", 0},
      {"2g", 2048},    {"", 0},
  };
  GtkSpinButton *spin = get_spin (f, "memory");

  app_wait_until (can_create (f));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    gtk_editable_set_text (GTK_EDITABLE (spin), rows[i].text);
    gtk_spin_button_update (spin);
    g_assert_cmpint (gtk_spin_button_get_value_as_int (spin), ==, rows[i].mib);
  }
  g_assert_cmpstr (gtk_editable_get_text (GTK_EDITABLE (spin)), ==, "Automatic");
}

/* From the library to a started installer: New, Create and Start; and from an empty one: one. */
static void
test_clicks (Fixture *f, gconstpointer one_click)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);
  g_autofree char *record = NULL;
  g_autofree char *program = app_make_recorder (folder, &record);
  LodgeConsoleLauncher *launcher = lodge_console_launcher_new (program);
  GtkWidget *library = lodge_library_window_new (NULL, f->connection, f->machines, launcher);

  gtk_window_destroy (GTK_WINDOW (f->window));
  app_wait_until (f->window == NULL);
  gtk_window_present (GTK_WINDOW (library));

  if (one_click != NULL) {
    GtkWidget *offer = app_get_child (library, LODGE_TYPE_LIBRARY_WINDOW, "offer_button");
    app_wait_until (gtk_widget_get_mapped (offer));
    g_signal_emit_by_name (offer, "clicked");
  } else {
    GtkWidget *button;
    GListModel *windows = gtk_window_get_toplevels ();

    app_wait_until (app_find (library, ADW_TYPE_BUTTON_CONTENT) != NULL);
    button = gtk_widget_get_ancestor (app_find (library, ADW_TYPE_BUTTON_CONTENT), GTK_TYPE_BUTTON);
    app_wait_until (lodge_connection_get_client (f->connection) != NULL);
    /* The first. */
    gtk_widget_activate (button);
    app_wait_until (g_list_model_get_n_items (windows) == 2);
    for (guint i = 0; i < 2; i++) {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);
      if (LODGE_IS_CREATE_WINDOW (window))
        f->window = window;
    }
    g_object_add_weak_pointer (G_OBJECT (f->window), (gpointer *) &f->window);
    /* The second. */
    app_wait_until (can_create (f));
    gtk_widget_activate (get (f, "create_button"));
  }

  app_wait_until (app_file_contains (record, "--console "));
  g_assert_true (app_was_called (f->engine, "Start Debian 12"));
  app_wait_until (f->window == NULL);
  app_destroy_window (library);
  app_assert_dies (launcher);
  g_unlink (program);
  g_unlink (record);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, data, test)                                                                      \
  g_test_add ("/create-window/" path, Fixture, data, set_up, test, tear_down)
  ADD ("installer", NULL, test_installer);
  ADD ("encrypted", NULL, test_encrypted);
  ADD ("encrypted-closed", NULL, test_encrypted_closed);
  ADD ("automatic", NULL, test_automatic);
  ADD ("file", NULL, test_file);
  ADD ("disk", NULL, test_disk);
  ADD ("hasty", NULL, test_hasty);
  ADD ("hasty-and-changed", NULL, test_hasty_and_changed);
  ADD ("nothing-moves", NULL, test_nothing_moves);
  ADD ("early-file", NULL, test_early_file);
  ADD ("bad-file", NULL, test_bad_file);
  ADD ("bad-name", NULL, test_bad_name);
  ADD ("names", NULL, test_names);
  ADD ("nothing-lost", NULL, test_nothing_lost);
  ADD ("cancel", NULL, test_cancel);
  ADD ("closed", NULL, test_closed);
  ADD ("enter", NULL, test_enter);
  ADD ("engine-dies", NULL, test_engine_dies);
  ADD ("sizes", NULL, test_sizes);
  ADD ("two-clicks", NULL, test_clicks);
  ADD ("one-click", "", test_clicks);
#undef ADD
  return g_test_run ();
}

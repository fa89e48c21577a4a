/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk of this computer for a machine, as a whole: which one, and that the guest may destroy what
 * is on it. */
#include "gtk/lodge-storage-window-private.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-window-parts.h"

#include <glib/gi18n-lib.h>

/* Of the list of disks that cannot be had, in pixels, before it scrolls. */
#define OTHERS_HEIGHT 180

/* One question; goes with its window. */
typedef struct {
  LodgeStorageWindow *window; /* owned */
  GPtrArray *paths;
  AdwComboRow *choice; /* the dialog's */
  gboolean live;       /* the guest ran when it was asked */
} Ask;

static void
ask_free (gpointer data, GClosure *closure)
{
  Ask *ask = data;

  g_object_unref (ask->window);
  g_ptr_array_unref (ask->paths);
  g_free (ask);
}

static void
answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  const Ask *ask = user_data;
  GVariantDict options = G_VARIANT_DICT_INIT (NULL);
  const guint n = adw_combo_row_get_selected (ask->choice);

  if (!g_str_equal (response, LODGE_MESSAGE_ACT) || n >= ask->paths->len)
    return;
  if (ask->live != lodge_storage_window_is_live (ask->window)) {
    if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (ask->window)))
      lodge_message_show_not_now (GTK_WINDOW (ask->window), _ ("Could Not Add a Disk"));
    return;
  }
  g_variant_dict_insert (&options, "host-disk", "s", ask->paths->pdata[n]);
  g_variant_dict_insert (&options, "accepted", "b", TRUE);
  if (lodge_storage_window_is_live (ask->window))
    g_variant_dict_insert (&options, "bus", "s", "virtio");
  lodge_storage_work_call (ask->window, "AddDisk",
                           g_variant_new ("(t@a{sv})", (guint64) 0, g_variant_dict_end (&options)),
                           g_strdup (_ ("Could Not Add a Disk")));
}

/* Not before it was said that this is known. */
static void
known_cb (GtkCheckButton *button, GParamSpec *pspec, AdwMessageDialog *dialog)
{
  adw_message_dialog_set_response_enabled (dialog, LODGE_MESSAGE_ACT,
                                           gtk_check_button_get_active (button));
}

/* Those that cannot be had now, and why: whoever looks for one of them should find it, with the
 * keyboard and by ear, too. So they are rows that the focus comes to, and not insensitive. */
static GtkWidget *
new_others (GVariant *disks)
{
  GtkListBox *list = lodge_boxed_list_new ();
  GtkWidget *scrolled = gtk_scrolled_window_new ();
  GVariantIter iter;
  const char *path, *label, *obstacle;
  guint n = 0;

  g_variant_iter_init (&iter, disks);
  while (g_variant_iter_next (&iter, "(&s&s&s)", &path, &label, &obstacle)) {
    GtkWidget *row;

    if (*obstacle == '\0')
      continue;
    row = adw_action_row_new ();
    adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
    adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), label);
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), obstacle);
    gtk_widget_set_tooltip_text (row, path);
    gtk_widget_add_css_class (row, "dim-label");
    gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                    GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, obstacle, -1);
    gtk_accessible_update_state (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_STATE_DISABLED, TRUE, -1);
    gtk_list_box_append (list, row);
    n++;
  }
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Disks that cannot be added now"), -1);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), GTK_WIDGET (list));
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scrolled), OTHERS_HEIGHT);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_widget_set_visible (scrolled, n > 0);
  return scrolled;
}

static void
ask (LodgeStorageWindow *self, GtkStringList *labels, GPtrArray *paths, GVariant *disks)
{
  AdwMessageDialog *dialog = lodge_message_ask (
      GTK_WINDOW (self), _ ("Add a Disk of This Computer"),
      _ ("The guest reads and writes the disk or partition itself, and can destroy all that is on "
         "it. As long as the machine has it there are no snapshots and no clones, and it is not "
         "suspended to disk."),
      _ ("_Add"));
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkListBox *list = lodge_boxed_list_new ();
  GtkWidget *choice = adw_combo_row_new ();
  GtkWidget *known = gtk_check_button_new ();
  GtkWidget *row = adw_action_row_new ();
  Ask *its = g_new0 (Ask, 1);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (choice), _ ("Disk"));
  adw_combo_row_set_model (ADW_COMBO_ROW (choice), G_LIST_MODEL (labels));
  gtk_list_box_append (list, choice);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ ("What is on it may be lost"));
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), known);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), known);
  gtk_accessible_update_property (GTK_ACCESSIBLE (known), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("What is on it may be lost"), -1);
  gtk_list_box_append (list, row);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (list));
  gtk_box_append (GTK_BOX (box), new_others (disks));
  adw_message_dialog_set_extra_child (dialog, box);
  g_signal_connect (known, "notify::active", G_CALLBACK (known_cb), dialog);
  adw_message_dialog_set_response_enabled (dialog, LODGE_MESSAGE_ACT, FALSE);

  its->window = g_object_ref (self);
  its->paths = g_ptr_array_ref (paths);
  its->choice = ADW_COMBO_ROW (choice);
  its->live = lodge_storage_window_is_live (self);
  g_signal_connect_data (dialog, "response", G_CALLBACK (answered_cb), its, ask_free, 0);
  g_signal_connect_object (self, "unrealize", G_CALLBACK (gtk_window_close), dialog,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeStorageWindow) self = user_data;
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GtkStringList) labels = gtk_string_list_new (NULL);
  g_autoptr (GString) obstacles = g_string_new (NULL);
  g_autoptr (GVariant) disks = NULL;
  g_autoptr (GError) error = NULL;
  GVariantIter iter;
  const char *path, *label, *obstacle;

  lodge_engine1_call_list_host_disks_finish (LODGE_ENGINE1 (source), &disks, result, &error);
  self->looking = FALSE;
  if (!lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)))
    return;
  if (error != NULL) {
    g_dbus_error_strip_remote_error (error);
    lodge_set_keys_show_error (GTK_WINDOW (self), _ ("Could Not Add a Disk"), error);
    return;
  }
  g_variant_iter_init (&iter, disks);
  while (g_variant_iter_next (&iter, "(&s&s&s)", &path, &label, &obstacle)) {
    if (*obstacle == '\0') {
      g_ptr_array_add (paths, g_strdup (path));
      gtk_string_list_append (labels, label);
    } else {
      g_string_append_printf (obstacles, "%s%s.", obstacles->len > 0 ? " " : "", obstacle);
    }
  }
  if (paths->len > 0) {
    ask (self, labels, paths, disks);
    return;
  }
  lodge_message_show (GTK_WINDOW (self), _ ("No Disk of This Computer Is Free"),
                      obstacles->len > 0
                          ? obstacles->str
                          : _ ("Only a disk or partition that has a name in /dev/disk/by-id or "
                               "/dev/disk/by-partuuid can be given to a machine."));
}

void
lodge_storage_ask_add_host (LodgeStorageWindow *self)
{
  /* A disk that sleeps is a while about it: whoever asks again gets one question. */
  if (self->base.engine == NULL || self->looking)
    return;
  self->looking = TRUE;
  lodge_engine1_call_list_host_disks (self->base.engine, NULL, listed_cb, g_object_ref (self));
}

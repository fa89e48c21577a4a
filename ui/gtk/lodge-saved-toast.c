/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a window says of a file that was saved: that it is there, and the way to it. */
#include "gtk/lodge-saved-toast.h"

#include "gtk/lodge-message.h"

#include <glib/gi18n-lib.h>

/* One that is closed may live on in a call that has not come back. */
static gboolean
is_open (GtkWindow *window)
{
  return gtk_widget_get_realized (GTK_WIDGET (window));
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GtkWindow) self = GTK_WINDOW (g_object_ref (source));
  g_autoptr (GError) error = NULL;

  if (!gtk_show_uri_full_finish (self, result, &error) && is_open (self))
    lodge_message_show_error (self, user_data, error);
}

typedef struct {
  GtkWindow *window; /* owned */
  char *uri;
} Show;

static void
shown_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Show *show = user_data;
  g_autoptr (GtkWindow) self = show->window;
  g_autofree char *uri = show->uri;
  g_autoptr (GVariant) answer =
      source != NULL ? g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL)
                     : NULL;

  if (answer != NULL || !is_open (self))
    return;
  /* No file manager that can point at a file: the folder alone. */
  g_autoptr (GFile) file = g_file_new_for_uri (uri);
  g_autoptr (GFile) folder = g_file_get_parent (file);
  g_autofree char *folder_uri = g_file_get_uri (folder);
  gtk_show_uri_full (self, folder_uri, GDK_CURRENT_TIME, NULL, opened_cb,
                     (gpointer) _ ("Could Not Show the Folder"));
}

static void
bus_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Show *show = user_data;
  g_autoptr (GDBusConnection) bus = g_bus_get_finish (result, NULL);
  const char *const uris[] = {show->uri, NULL};

  if (bus == NULL) {
    shown_cb (NULL, NULL, show);
    return;
  }
  /* https://www.freedesktop.org/wiki/Specifications/file-manager-interface/ */
  g_dbus_connection_call (bus, "org.freedesktop.FileManager1", "/org/freedesktop/FileManager1",
                          "org.freedesktop.FileManager1", "ShowItems",
                          g_variant_new ("(^ass)", uris, ""), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
                          NULL, shown_cb, show);
}

static void
show_in_folder_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  Show *show = g_new0 (Show, 1);

  show->window = GTK_WINDOW (g_object_ref (widget));
  show->uri = g_variant_dup_string (parameter, NULL);
  g_bus_get (G_BUS_TYPE_SESSION, NULL, bus_cb, show);
}

static void
open_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  gtk_show_uri_full (GTK_WINDOW (widget), g_variant_get_string (parameter, NULL), GDK_CURRENT_TIME,
                     NULL, opened_cb, (gpointer) _ ("Could Not Open the File"));
}

/* A toast has one button of its own. */
static GtkWidget *
make_title (const char *words, const char *uri)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *label = gtk_label_new (words);
  GtkWidget *button = gtk_button_new_with_mnemonic (_ ("_Open"));

  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (label, "heading");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "saved.open");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", uri);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), button);
  return box;
}

void
lodge_saved_toast_say (
    AdwToastOverlay *toasts, AdwToast **last, const char *words, GFile *file, gboolean can_open)
{
  AdwToast *toast = adw_toast_new (words);
  g_autofree char *uri = g_file_get_uri (file);

  if (can_open)
    adw_toast_set_custom_title (toast, make_title (words, uri));

  adw_toast_set_button_label (toast, _ ("Show in _Folder"));
  adw_toast_set_action_name (toast, "saved.show-in-folder");
  adw_toast_set_action_target (toast, "s", uri);
  /* Several in a row would be told one after the other, long after the last. */
  if (*last != NULL)
    adw_toast_dismiss (*last);
  g_set_weak_pointer (last, toast);
  adw_toast_overlay_add_toast (toasts, toast);
}

void
lodge_saved_toast_install_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "saved.open", "s", open_action);
  gtk_widget_class_install_action (widget_class, "saved.show-in-folder", "s",
                                   show_in_folder_action);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The storage window's USB sticks: an image each, plugged in and unplugged at any time. */
#include "gtk/lodge-storage-window-private.h"

#include "gtk/lodge-file-choice.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-window-parts.h"

#include <glib/gi18n-lib.h>
#include <string.h>

void
lodge_storage_sticks_show (LodgeStorageWindow *self, GVariant *description)
{
  gboolean any = FALSE;
  GVariantIter iter;
  const char *key, *file;

  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &file)) {
    g_autofree char *id = NULL;
    g_autofree char *base = NULL;
    g_autofree char *shown = NULL;
    GtkWidget *row;

    if (!g_str_has_prefix (key, "stick.") || !g_str_has_suffix (key, ".file"))
      continue;
    any = TRUE;
    id = g_strndup (key + strlen ("stick."), strlen (key) - strlen ("stick..file"));
    base = g_path_get_basename (file);
    shown = g_utf8_make_valid (base, -1);
    row = lodge_storage_list_make_row (id, shown, "media-removable-symbolic");
    adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 1);
    gtk_widget_set_tooltip_text (row, file);
    adw_action_row_add_suffix (
        ADW_ACTION_ROW (row), lodge_storage_list_make_button (_ ("_Unplug"), "storage.unplug", id));
    g_object_set_data_full (G_OBJECT (row), "row", g_strconcat ("stick.", id, NULL), g_free);
    gtk_list_box_append (self->stick_list, row);
  }
  gtk_widget_set_visible (GTK_WIDGET (self->stick_list), any);
}

static void
chosen (const char *path, const GError *error, gpointer window)
{
  LodgeStorageWindow *self = window;

  if (path != NULL)
    lodge_storage_work_call (self, "PlugStick", g_variant_new ("(s)", path),
                             g_strdup (_ ("Could Not Plug In the Image")));
  else
    lodge_set_keys_show_error (GTK_WINDOW (self), _ ("Could Not Plug In the Image"), error);
}

void
lodge_storage_sticks_plug (LodgeStorageWindow *self)
{
  const LodgeFileQuestion question = {
      .title = _ ("Choose an Image for a USB Stick"),
      .action = GTK_FILE_CHOOSER_ACTION_OPEN,
      .accept = _ ("_Plug In"),
  };

  lodge_file_choice_ask (&self->chooser, GTK_WINDOW (self), &question, chosen, self, NULL);
}

void
lodge_storage_sticks_unplug (LodgeStorageWindow *self, const char *id)
{
  /* Translators: %s is the id of a USB stick, such as usb0. */
  lodge_storage_work_call (self, "UnplugStick", g_variant_new ("(s)", id),
                           g_strdup_printf (_ ("Could Not Unplug %s"), id));
}

void
lodge_storage_sticks_init (LodgeStorageWindow *self, GtkBox *box)
{
  GtkWidget *group = adw_preferences_group_new ();
  GtkWidget *plug = lodge_storage_list_make_button (_ ("_Plug In Image…"), "storage.plug", NULL);

  self->plug_button = plug;
  self->stick_list = lodge_boxed_list_new ();
  gtk_widget_set_visible (GTK_WIDGET (self->stick_list), FALSE);
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _ ("USB Sticks"));
  adw_preferences_group_set_description (
      ADW_PREFERENCES_GROUP (group),
      _ ("The guest sees an image that is plugged in as a USB stick, and can only read it."));
  adw_preferences_group_set_header_suffix (ADW_PREFERENCES_GROUP (group), plug);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), GTK_WIDGET (self->stick_list));
  gtk_box_append (box, group);
}

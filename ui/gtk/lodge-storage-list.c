/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of the storage window: a disk each, and a drive each. Names of files are shown as they
 * are, never as markup. */
#include "gtk/lodge-storage-window-private.h"

#include "gtk/lodge-menu-tooltip.h"
#include "gtk/lodge-window-parts.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static void
clear (GtkListBox *list)
{
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (list, 0)) != NULL)
    gtk_list_box_remove (list, GTK_WIDGET (row));
}

GtkWidget *
lodge_storage_list_make_row (const char *title, const char *subtitle, const char *icon)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 1);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), gtk_image_new_from_icon_name (icon));
  return row;
}

/* --- Disks --- */

static void
add_item (GMenu *menu, const char *label, const char *action, const char *id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target (item, action, "s", id);
  g_menu_append_item (menu, item);
}

static GMenuModel *
make_menu (const char *id, gboolean host, gboolean attached)
{
  GMenu *menu = g_menu_new ();
  g_autoptr (GMenu) change = g_menu_new ();
  g_autoptr (GMenu) end = g_menu_new ();

  /* Of a disk of this computer there is no image. */
  if (!host) {
    add_item (change, _ ("_Grow…"), "storage.grow", id);
    add_item (change, _ ("_Compact"), "storage.compact", id);
    add_item (change, _ ("_Export…"), "storage.export", id);
  }
  /* Such a one stays as it is when it is removed. */
  if (!host && attached)
    add_item (end, _ ("_Detach…"), "storage.detach", id);
  else if (!host)
    add_item (end, _ ("_Attach"), "storage.attach", id);
  add_item (end, _ ("_Remove…"), "storage.remove", id);
  g_menu_append_section (menu, NULL, G_MENU_MODEL (change));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (end));
  return G_MENU_MODEL (menu);
}

static char *
dup_all_facts (GVariant *disk)
{
  const char *bus = "";
  guint64 size = 0, used = 0;
  guint32 layers = 0;
  g_autofree char *size_text = NULL;
  g_autofree char *used_text = NULL;
  g_autofree char *facts = NULL;
  gboolean host = FALSE;
  const char *file = "";

  g_variant_lookup (disk, "host", "b", &host);
  g_variant_lookup (disk, "file", "&s", &file);
  g_variant_lookup (disk, "bus", "&s", &bus);
  g_variant_lookup (disk, "size", "t", &size);
  g_variant_lookup (disk, "used", "t", &used);
  g_variant_lookup (disk, "layers", "u", &layers);
  size_text = g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS);
  used_text = g_format_size_full (used, G_FORMAT_SIZE_IEC_UNITS);
  /* Translators: a disk: its size, what it takes of this computer's disk, and how it is
   * connected. */
  facts = g_strdup_printf (_ ("%s, takes %s · %s"), size_text, used_text,
                           g_str_equal (bus, "sata") ? "SATA" : bus);
  if (host)
    /* Translators: a disk of this computer: its size, how it is connected, and its path. */
    return g_strdup_printf (_ ("%s · %s · %s of this computer"), size_text,
                            g_str_equal (bus, "sata") ? "SATA" : bus, file);
  if (layers < 2)
    return g_steal_pointer (&facts);
  /* Translators: %s is what there is to say of a disk. */
  return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%s · %u layer of snapshots and clones",
                                       "%s · %u layers of snapshots and clones", layers),
                          facts, layers);
}

static char *
dup_facts (GVariant *disk)
{
  g_autofree char *facts = dup_all_facts (disk);

  if (lodge_storage_is_attached (disk))
    return g_steal_pointer (&facts);
  return g_strconcat (_ ("Detached: the guest does not have it"), "\n", facts, NULL);
}

static void
add_disk (LodgeStorageWindow *self, GVariant *disk)
{
  g_autoptr (GMenuModel) menu = NULL;
  g_autofree char *facts = dup_facts (disk);
  g_autofree char *tip = NULL;
  const char *id = "";
  gboolean host = FALSE;
  GtkWidget *row, *button = gtk_menu_button_new ();

  g_variant_lookup (disk, "id", "&s", &id);
  g_variant_lookup (disk, "host", "b", &host);
  menu = make_menu (id, host, lodge_storage_is_attached (disk));
  row = lodge_storage_list_make_row (id, facts, "drive-harddisk-symbolic");
  /* Translators: %s is the id of a disk, such as disk1. */
  tip = g_strdup_printf (_ ("What to do with %s"), id);
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (button), menu);
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (button), "view-more-symbolic");
  gtk_widget_set_tooltip_text (button, tip);
  lodge_menu_tooltip_yield (GTK_MENU_BUTTON (button));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, tip, -1);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), button);
  g_object_set_data_full (G_OBJECT (row), "row", g_strconcat ("disk.", id, NULL), g_free);
  gtk_list_box_append (self->disk_list, row);
}

/* Lent: of the row that has the keyboard, or its menu or button. */
static const char *
get_focused (LodgeStorageWindow *self)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  GtkWidget *row = focus != NULL ? gtk_widget_get_ancestor (focus, ADW_TYPE_ACTION_ROW) : NULL;

  return row != NULL ? g_object_get_data (G_OBJECT (row), "row") : NULL;
}

void
lodge_storage_list_note_focus (LodgeStorageWindow *self)
{
  const char *focused = get_focused (self);

  if (focused == NULL)
    return;
  g_free (self->focus);
  self->focus = g_strdup (focused);
}

static GtkListBoxRow *
find_row (GtkListBox *list, const char *which)
{
  GtkListBoxRow *row;

  for (int i = 0; (row = gtk_list_box_get_row_at_index (list, i)) != NULL; i++) {
    if (g_strcmp0 (g_object_get_data (G_OBJECT (row), "row"), which) == 0)
      return row;
  }
  return NULL;
}

static GtkListBoxRow *
find_any (LodgeStorageWindow *self, const char *which)
{
  GtkListBoxRow *found = find_row (self->disk_list, which);

  if (found == NULL)
    found = find_row (self->drive_list, which);
  return found != NULL ? found : find_row (self->stick_list, which);
}

/* Whether what is wanted has got the keyboard now. */
static gboolean
focus_wanted (LodgeStorageWindow *self)
{
  GtkListBoxRow *found = self->wanted != NULL ? find_any (self, self->wanted) : NULL;

  if (found == NULL)
    return FALSE;
  g_clear_pointer (&self->wanted, g_free);
  return gtk_widget_grab_focus (GTK_WIDGET (found));
}

void
lodge_storage_list_want (LodgeStorageWindow *self, const char *kind, const char *id)
{
  g_free (self->wanted);
  self->wanted = g_strconcat (kind, ".", id, NULL);
  focus_wanted (self);
}

void
lodge_storage_list_show_disks (LodgeStorageWindow *self)
{
  const gsize n = g_variant_n_children (self->disks);
  const gboolean focused = get_focused (self) != NULL;

  lodge_storage_list_note_focus (self);
  clear (self->disk_list);
  for (gsize i = 0; i < n; i++) {
    g_autoptr (GVariant) disk = g_variant_get_child_value (self->disks, i);

    add_disk (self, disk);
  }
  gtk_widget_set_visible (GTK_WIDGET (self->disk_list), n > 0);
  gtk_widget_set_visible (self->no_disks, n == 0);
  if (!focus_wanted (self) && focused)
    lodge_storage_list_focus (self);
}

void
lodge_storage_list_focus (LodgeStorageWindow *self)
{
  GtkListBoxRow *found = find_any (self, self->focus);

  if (found == NULL)
    found = gtk_list_box_get_row_at_index (self->disk_list, 0);
  if (found != NULL)
    gtk_widget_grab_focus (GTK_WIDGET (found));
  else
    gtk_widget_child_focus (GTK_WIDGET (self->pages), GTK_DIR_TAB_FORWARD);
}

/* --- Drives --- */

GtkWidget *
lodge_storage_list_make_button (const char *label, const char *action, const char *id)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  if (id != NULL)
    gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", id);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  return button;
}

static void
add_drive (LodgeStorageWindow *self, const char *drive, const char *file)
{
  g_autofree char *base = *file != '\0' ? g_path_get_basename (file) : NULL;
  g_autofree char *valid = base != NULL ? g_utf8_make_valid (base, -1) : g_strdup (_ ("Empty"));
  GtkWidget *row = lodge_storage_list_make_row (drive, valid, "media-optical-symbolic");

  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 1);
  if (*file != '\0') {
    gtk_widget_set_tooltip_text (row, file);
    adw_action_row_add_suffix (ADW_ACTION_ROW (row), lodge_storage_list_make_button (
                                                         _ ("E_ject"), "storage.eject", drive));
  }
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), lodge_storage_list_make_button (
                                                       _ ("_Insert…"), "storage.insert", drive));
  g_object_set_data_full (G_OBJECT (row), "row", g_strconcat ("media.", drive, NULL), g_free);
  gtk_list_box_append (self->drive_list, row);
}

void
lodge_storage_list_show_drives (LodgeStorageWindow *self)
{
  GVariant *description =
      self->base.machine != NULL ? lodge_machine1_get_description (self->base.machine) : NULL;
  g_autoptr (GString) seen = g_string_new (NULL);
  gboolean focused;
  GVariantIter iter;
  const char *key, *text;

  if (description == NULL)
    return;
  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &text)) {
    if ((g_str_has_prefix (key, "media.") || g_str_has_prefix (key, "stick.")) &&
        g_str_has_suffix (key, ".file"))
      g_string_append_printf (seen, "%s=%s\n", key, text);
  }
  if (g_strcmp0 (self->drives, seen->str) == 0)
    return;
  g_free (self->drives);
  self->drives = g_strdup (seen->str);
  focused = get_focused (self) != NULL;
  lodge_storage_list_note_focus (self);
  clear (self->drive_list);
  clear (self->stick_list);
  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &text)) {
    if (g_str_has_prefix (key, "media.") && g_str_has_suffix (key, ".file")) {
      g_autofree char *drive =
          g_strndup (key + strlen ("media."), strlen (key) - strlen ("media..file"));

      add_drive (self, drive, text);
    }
  }
  lodge_storage_sticks_show (self, description);
  gtk_widget_set_visible (self->drive_group,
                          gtk_list_box_get_row_at_index (self->drive_list, 0) != NULL);
  if (!focus_wanted (self) && focused)
    lodge_storage_list_focus (self);
}

static GtkWidget *
make_group (const char *title, GtkWidget *list)
{
  GtkWidget *group = adw_preferences_group_new ();

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), title);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), list);
  return group;
}

void
lodge_storage_list_init (LodgeStorageWindow *self, GtkBox *box)
{
  GtkWidget *group, *host;

  self->disk_list = lodge_boxed_list_new ();
  self->drive_list = lodge_boxed_list_new ();
  self->no_disks = gtk_label_new (_ ("This machine has no disk. What it writes is kept nowhere."));
  gtk_label_set_wrap (GTK_LABEL (self->no_disks), TRUE);
  gtk_label_set_xalign (GTK_LABEL (self->no_disks), 0);
  gtk_widget_add_css_class (self->no_disks, "dim-label");
  gtk_widget_set_visible (self->no_disks, FALSE);
  group = make_group (_ ("Disks"), GTK_WIDGET (self->disk_list));
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), self->no_disks);
  host = gtk_button_new_with_mnemonic (_ ("Add a Disk of This _Computer…"));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (host), "storage.add-host");
  gtk_widget_add_css_class (host, "flat");
  gtk_widget_set_halign (host, GTK_ALIGN_START);
  gtk_widget_set_margin_top (host, 6);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), host);
  gtk_box_append (box, group);
  self->drive_group = make_group (_ ("Drives for Discs"), GTK_WIDGET (self->drive_list));
  gtk_box_append (box, self->drive_group);
  lodge_storage_sticks_init (self, box);
}

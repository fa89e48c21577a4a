/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which keys go to the guests. */
#include "gtk/lodge-keys-window.h"

#include "gtk/lodge-child-window.h"
#include "gtk/lodge-key-list.h"
#include "gtk/lodge-settings.h"

struct _LodgeKeysWindow {
  AdwPreferencesWindow parent_instance;

  GtkSwitch *grab_switch;
  LodgeKeyList *host_list;
  LodgeKeyList *send_list;
  AdwComboRow *layout_row;
};

G_DEFINE_FINAL_TYPE (LodgeKeysWindow, lodge_keys_window, ADW_TYPE_PREFERENCES_WINDOW)

/* In the order of the row's list. */
static const char *const layouts[] = {"host", "us"};

static gboolean
get_layout (GValue *value, GVariant *variant, gpointer user_data)
{
  for (guint i = 0; i < G_N_ELEMENTS (layouts); i++) {
    if (g_str_equal (layouts[i], g_variant_get_string (variant, NULL)))
      g_value_set_uint (value, i);
  }
  return TRUE;
}

static GVariant *
set_layout (const GValue *value, const GVariantType *type, gpointer user_data)
{
  return g_variant_new_string (layouts[MIN (g_value_get_uint (value), G_N_ELEMENTS (layouts) - 1)]);
}

static void
lodge_keys_window_class_init (LodgeKeysWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  g_type_ensure (LODGE_TYPE_KEY_LIST);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-keys-window.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeKeysWindow, grab_switch);
  gtk_widget_class_bind_template_child (widget_class, LodgeKeysWindow, host_list);
  gtk_widget_class_bind_template_child (widget_class, LodgeKeysWindow, send_list);
  gtk_widget_class_bind_template_child (widget_class, LodgeKeysWindow, layout_row);
}

static void
lodge_keys_window_init (LodgeKeysWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
lodge_keys_window_new (GtkWindow *parent, GSettings *settings)
{
  LodgeKeysWindow *self = g_object_new (LODGE_TYPE_KEYS_WINDOW, NULL);

  if (parent != NULL)
    lodge_child_window_attach (GTK_WINDOW (self), parent);
  g_settings_bind (settings, LODGE_SETTINGS_GRAB_SHORTCUTS, self->grab_switch, "active",
                   G_SETTINGS_BIND_DEFAULT);
  lodge_key_list_bind (self->host_list, settings, LODGE_SETTINGS_HOST_KEYS, TRUE);
  lodge_key_list_bind (self->send_list, settings, LODGE_SETTINGS_SEND_KEYS, FALSE);
  g_settings_bind_with_mapping (settings, LODGE_SETTINGS_TYPE_LAYOUT, self->layout_row, "selected",
                                G_SETTINGS_BIND_DEFAULT, get_layout, set_layout, NULL, NULL);
  return GTK_WIDGET (self);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Is Shared: the network cards of the guest and the forwards. */
#include "gtk/lodge-shared-network.h"

#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-shared-row.h"
#include "gtk/lodge-shared-window.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _LodgeSharedNetwork {
  AdwPreferencesGroup parent_instance;

  LodgeConsoleMachine *machine;
  GPtrArray *rows;      /* of GtkWidget, in the group */
  GHashTable *switches; /* NIC id to GtkSwitch */
  char *seen;           /* what the rows are of */
  gboolean updating;    /* what changes now is not the user's wish */
};

G_DEFINE_FINAL_TYPE (LodgeSharedNetwork, lodge_shared_network, ADW_TYPE_PREFERENCES_GROUP)

static const char *
lookup (LodgeSharedNetwork *self, const char *nic, const char *name)
{
  g_autofree char *key = g_strdup_printf ("nic.%s.%s", nic, name);

  return lodge_shared_lookup (self->machine, key);
}

static GtkWindow *
get_window (LodgeSharedNetwork *self)
{
  return GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self)));
}

/* --- Changes --- */

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GtkWindow) window = user_data;
  g_autoptr (GError) error = NULL;

  if (lodge_machine1_call_remove_forward_finish (LODGE_MACHINE1 (source), result, &error))
    return;
  g_dbus_error_strip_remote_error (error);
  lodge_set_keys_show_error (window, _ ("Could Not Remove the Forward"), error);
}

static void
remove_cb (GtkButton *button, LodgeSharedNetwork *self)
{
  LodgeMachine1 *object = lodge_console_machine_get_machine (self->machine);

  if (object != NULL)
    lodge_machine1_call_remove_forward (object, g_object_get_data (G_OBJECT (button), "nic"),
                                        g_object_get_data (G_OBJECT (button), "rule"), NULL,
                                        removed_cb, g_object_ref (get_window (self)));
}

static void
switched_cb (GtkSwitch *widget, GParamSpec *spec, LodgeSharedNetwork *self)
{
  g_autofree char *key = NULL;

  if (self->updating)
    return;
  key = g_strdup_printf ("nic.%s.connected",
                         (const char *) g_object_get_data (G_OBJECT (widget), "nic"));
  lodge_set_keys (get_window (self), lodge_console_machine_get_machine (self->machine),
                  _ ("Could Not Change the Network"), lodge_shared_window_update, key,
                  gtk_switch_get_active (widget) ? "true" : "false", NULL);
}

/* --- What there is --- */

static AdwActionRow *
add_row (LodgeSharedNetwork *self, const char *title)
{
  AdwActionRow *row = lodge_shared_row_new (title);

  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self), GTK_WIDGET (row));
  g_ptr_array_add (self->rows, row);
  return row;
}

static void
add_forward (LodgeSharedNetwork *self, const char *nic, const char *rule)
{
  AdwActionRow *row = add_row (self, rule);
  g_autofree char *words = g_strdup_printf (_ ("Remove the forward %s"), rule);
  GtkWidget *button = gtk_button_new_from_icon_name ("list-remove-symbolic");

  adw_action_row_set_subtitle (row, _ ("A port of this computer that leads into the guest"));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (row, button);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, words,
                                  -1);
  g_object_set_data_full (G_OBJECT (button), "nic", g_strdup (nic), g_free);
  g_object_set_data_full (G_OBJECT (button), "rule", g_strdup (rule), g_free);
  g_signal_connect (button, "clicked", G_CALLBACK (remove_cb), self);
}

static void
add_nic (LodgeSharedNetwork *self, const char *nic)
{
  g_autofree char *title = g_strdup_printf (_ ("Network Card %s"), nic);
  AdwActionRow *row = add_row (self, title);
  g_auto (GStrv) rules = g_strsplit (lookup (self, nic, "forwards"), ";", -1);
  GtkWidget *cable = GTK_WIDGET (lodge_shared_row_add_switch (row));

  gtk_widget_set_tooltip_text (cable, _ ("Connected"));
  g_object_set_data_full (G_OBJECT (cable), "nic", g_strdup (nic), g_free);
  g_object_set_data (G_OBJECT (cable), "row", row);
  g_signal_connect (cable, "notify::active", G_CALLBACK (switched_cb), self);
  g_hash_table_insert (self->switches, g_strdup (nic), cable);
  for (guint i = 0; rules[i] != NULL; i++) {
    if (*g_strstrip (rules[i]) != '\0')
      add_forward (self, nic, rules[i]);
  }
}

/* "nic.nic0.model" is there once for each card. */
static GPtrArray *
list_nics (LodgeSharedNetwork *self)
{
  LodgeMachine1 *object = lodge_console_machine_get_machine (self->machine);
  GVariant *description = object != NULL ? lodge_machine1_get_description (object) : NULL;
  GPtrArray *nics = g_ptr_array_new_with_free_func (g_free);
  GVariantIter iter;
  const char *key, *text;

  if (description == NULL)
    return nics;
  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &text)) {
    if (g_str_has_prefix (key, "nic.") && g_str_has_suffix (key, ".model"))
      g_ptr_array_add (nics,
                       g_strndup (key + strlen ("nic."), strlen (key) - strlen ("nic..model")));
  }
  return nics;
}

static void
update_switch (LodgeSharedNetwork *self, const char *nic)
{
  GtkSwitch *cable = g_hash_table_lookup (self->switches, nic);
  const gboolean connected = g_str_equal (lookup (self, nic, "connected"), "true");

  gtk_switch_set_active (cable, connected);
  adw_action_row_set_subtitle (
      g_object_get_data (G_OBJECT (cable), "row"),
      connected ? _ ("Connected: the guest reaches the networks that this computer reaches, but "
                     "not what listens on localhost only")
                : _ ("Disconnected: the guest has the card, and no cable in it"));
}

void
lodge_shared_network_update (LodgeSharedNetwork *self)
{
  g_autoptr (GPtrArray) nics = list_nics (self);
  g_autoptr (GString) seen = g_string_new (NULL);

  for (guint i = 0; i < nics->len; i++)
    g_string_append_printf (seen, "%s=%s\n", (char *) nics->pdata[i],
                            lookup (self, nics->pdata[i], "forwards"));
  gtk_widget_set_visible (GTK_WIDGET (self), nics->len > 0);
  self->updating = TRUE;
  /* A row that has the keyboard's focus stays while nothing comes or goes. */
  if (g_strcmp0 (seen->str, self->seen) != 0) {
    g_free (self->seen);
    self->seen = g_strdup (seen->str);
    g_hash_table_remove_all (self->switches);
    for (guint i = 0; i < self->rows->len; i++)
      adw_preferences_group_remove (ADW_PREFERENCES_GROUP (self), self->rows->pdata[i]);
    g_ptr_array_set_size (self->rows, 0);
    for (guint i = 0; i < nics->len; i++)
      add_nic (self, nics->pdata[i]);
  }
  for (guint i = 0; i < nics->len; i++)
    update_switch (self, nics->pdata[i]);
  self->updating = FALSE;
}

/* --- Life --- */

static void
lodge_shared_network_dispose (GObject *object)
{
  LodgeSharedNetwork *self = LODGE_SHARED_NETWORK (object);

  /* A switch may tell of its end. */
  self->updating = TRUE;
  g_clear_object (&self->machine);
  G_OBJECT_CLASS (lodge_shared_network_parent_class)->dispose (object);
}

static void
lodge_shared_network_finalize (GObject *object)
{
  LodgeSharedNetwork *self = LODGE_SHARED_NETWORK (object);

  g_hash_table_unref (self->switches);
  g_ptr_array_unref (self->rows);
  g_free (self->seen);
  G_OBJECT_CLASS (lodge_shared_network_parent_class)->finalize (object);
}

static void
lodge_shared_network_class_init (LodgeSharedNetworkClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_shared_network_dispose;
  G_OBJECT_CLASS (klass)->finalize = lodge_shared_network_finalize;
}

static void
lodge_shared_network_init (LodgeSharedNetwork *self)
{
  self->rows = g_ptr_array_new ();
  self->switches = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self), _ ("Network"));
}

LodgeSharedNetwork *
lodge_shared_network_new (LodgeConsoleMachine *machine)
{
  LodgeSharedNetwork *self = g_object_new (LODGE_TYPE_SHARED_NETWORK, NULL);

  self->machine = g_object_ref (machine);
  return self;
}

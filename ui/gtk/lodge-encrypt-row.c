/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a new machine is encrypted, and what opens it. */
#include "gtk/lodge-encrypt-row.h"

#include "gtk/lodge-password-row.h"
#include "lodge-passphrase.h"

#include <glib/gi18n-lib.h>

struct _LodgeEncryptRow {
  AdwExpanderRow parent_instance;

  GtkEditable *passphrase;
  GtkEditable *again;
  GtkSwitch *remember;
};

G_DEFINE_FINAL_TYPE (LodgeEncryptRow, lodge_encrypt_row, ADW_TYPE_EXPANDER_ROW)

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

static gboolean
is_wanted (LodgeEncryptRow *self)
{
  return adw_expander_row_get_enable_expansion (ADW_EXPANDER_ROW (self));
}

gboolean
lodge_encrypt_row_is_good (LodgeEncryptRow *self)
{
  const char *passphrase;

  g_return_val_if_fail (LODGE_IS_ENCRYPT_ROW (self), FALSE);

  passphrase = gtk_editable_get_text (self->passphrase);
  return !is_wanted (self) ||
         (*passphrase != '\0' && g_str_equal (passphrase, gtk_editable_get_text (self->again)));
}

void
lodge_encrypt_row_add_to_spec (LodgeEncryptRow *self, GVariantDict *spec)
{
  g_return_if_fail (LODGE_IS_ENCRYPT_ROW (self));

  if (!is_wanted (self))
    return;
  g_variant_dict_insert_value (
      spec, "passphrase", lodge_passphrase_to_variant (gtk_editable_get_text (self->passphrase)));
  g_variant_dict_insert (spec, "remember", "b", gtk_switch_get_active (self->remember));
}

void
lodge_encrypt_row_clear (LodgeEncryptRow *self)
{
  g_return_if_fail (LODGE_IS_ENCRYPT_ROW (self));

  if (*gtk_editable_get_text (self->passphrase) != '\0')
    gtk_editable_set_text (self->passphrase, "");
  if (*gtk_editable_get_text (self->again) != '\0')
    gtk_editable_set_text (self->again, "");
}

/* Two that differ are told of once the second has as much as the first. */
static void
changed_cb (LodgeEncryptRow *self)
{
  const char *first = gtk_editable_get_text (self->passphrase);
  const char *second = gtk_editable_get_text (self->again);
  const gboolean differs = is_wanted (self) && !g_str_equal (first, second) &&
                           g_utf8_strlen (second, -1) >= g_utf8_strlen (first, -1);

  if (differs)
    gtk_widget_add_css_class (GTK_WIDGET (self->again), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->again), "error");
  gtk_accessible_update_state (GTK_ACCESSIBLE (self->again), GTK_ACCESSIBLE_STATE_INVALID,
                               differs ? GTK_ACCESSIBLE_INVALID_TRUE : GTK_ACCESSIBLE_INVALID_FALSE,
                               -1);
  g_signal_emit (self, signals[CHANGED], 0);
}

static GtkEditable *
add_entry (LodgeEncryptRow *self, const char *title)
{
  GtkWidget *row = lodge_password_row_new (title);

  adw_expander_row_add_row (ADW_EXPANDER_ROW (self), row);
  g_signal_connect_swapped (row, "changed", G_CALLBACK (changed_cb), self);
  return GTK_EDITABLE (row);
}

static void
lodge_encrypt_row_class_init (LodgeEncryptRowClass *klass)
{
  signals[CHANGED] = g_signal_new ("changed", LODGE_TYPE_ENCRYPT_ROW, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
lodge_encrypt_row_init (LodgeEncryptRow *self)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), _ ("Encrypt This Machine’s Disks"));
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self),
                                 _ ("Without the passphrase nobody can read them again"));
  adw_expander_row_set_show_enable_switch (ADW_EXPANDER_ROW (self), TRUE);
  adw_expander_row_set_enable_expansion (ADW_EXPANDER_ROW (self), FALSE);
  adw_expander_row_set_expanded (ADW_EXPANDER_ROW (self), FALSE);
  self->passphrase = add_entry (self, _ ("Passphrase"));
  self->again = add_entry (self, _ ("The Same Again"));

  self->remember = GTK_SWITCH (gtk_switch_new ());
  gtk_widget_set_valign (GTK_WIDGET (self->remember), GTK_ALIGN_CENTER);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ ("Keep the Key in the Keyring"));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row),
                               _ ("Then the machine starts without the passphrase"));
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), GTK_WIDGET (self->remember));
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), GTK_WIDGET (self->remember));
  adw_expander_row_add_row (ADW_EXPANDER_ROW (self), row);
  g_signal_connect (self, "notify::enable-expansion", G_CALLBACK (changed_cb), NULL);
}

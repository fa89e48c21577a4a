/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Is Shared: a row. */
#include "gtk/lodge-shared-row.h"

#define SUBTITLE_LINES 3

void
lodge_shared_row_init (AdwActionRow *row, const char *title)
{
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle_lines (row, SUBTITLE_LINES);
}

AdwActionRow *
lodge_shared_row_new (const char *title)
{
  AdwActionRow *row = ADW_ACTION_ROW (adw_action_row_new ());

  lodge_shared_row_init (row, title);
  return row;
}

GtkSwitch *
lodge_shared_row_add_switch (AdwActionRow *row)
{
  GtkWidget *widget = gtk_switch_new ();

  gtk_widget_set_valign (widget, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (row, widget);
  adw_action_row_set_activatable_widget (row, widget);
  return GTK_SWITCH (widget);
}

GtkWidget *
lodge_shared_row_add_button (AdwActionRow *row, const char *label, const char *name)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  if (name != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                    -1);
  adw_action_row_add_suffix (row, button);
  return button;
}

void
lodge_shared_row_set_warns (AdwActionRow *row, gboolean warns)
{
  if (warns)
    gtk_widget_add_css_class (GTK_WIDGET (row), "warning");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (row), "warning");
}

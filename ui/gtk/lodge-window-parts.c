/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the windows about one machine are made of, so that they look alike. */
#include "gtk/lodge-window-parts.h"

GtkListBox *
lodge_boxed_list_new (void)
{
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  return GTK_LIST_BOX (list);
}

GtkWidget *
lodge_hint_new (GtkLabel **out_label)
{
  GtkWidget *hint = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  GtkLabel *label = GTK_LABEL (gtk_label_new (NULL));

  gtk_label_set_wrap (label, TRUE);
  gtk_label_set_wrap_mode (label, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (label, 0);
  gtk_widget_set_hexpand (GTK_WIDGET (label), TRUE);
  gtk_box_append (GTK_BOX (hint), gtk_image_new_from_icon_name ("dialog-information-symbolic"));
  gtk_box_append (GTK_BOX (hint), GTK_WIDGET (label));
  gtk_widget_add_css_class (hint, "snapshots-hint");
  gtk_widget_set_visible (hint, FALSE);
  *out_label = label;
  return hint;
}

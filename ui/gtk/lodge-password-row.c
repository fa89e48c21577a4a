/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row for a passphrase. */
#include "gtk/lodge-password-row.h"

/* The window is whole yet: its class has not heard of it. */
static void
window_unrealize_cb (GtkWindow *window, GtkWidget *row)
{
  GtkWidget *focus = gtk_window_get_focus (window);

  if (focus != NULL && gtk_widget_is_ancestor (focus, row))
    gtk_window_set_focus (window, NULL);
}

static void
realize_cb (GtkWidget *row)
{
  GtkRoot *root = gtk_widget_get_root (row);

  /* Once for a window that is hidden and shown again. */
  g_signal_handlers_disconnect_by_func (root, window_unrealize_cb, row);
  g_signal_connect_object (root, "unrealize", G_CALLBACK (window_unrealize_cb), row, 0);
}

GtkWidget *
lodge_password_row_new (const char *title)
{
  GtkWidget *row = adw_password_entry_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_entry_row_set_activates_default (ADW_ENTRY_ROW (row), TRUE);
  g_signal_connect (row, "realize", G_CALLBACK (realize_cb), NULL);
  return row;
}

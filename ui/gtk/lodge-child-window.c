/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window that belongs to another one and closes with it. */
#include "gtk/lodge-child-window.h"

#define MACHINE "lodge-machine"

void
lodge_child_window_attach (GtkWindow *child, GtkWindow *parent)
{
  gtk_window_set_transient_for (child, parent);
  /* A parent that lives on in a call of its own is not destroyed yet, but has no surface any
   * more. */
  g_signal_connect_object (parent, "unrealize", G_CALLBACK (gtk_window_destroy), child,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (parent, "destroy", G_CALLBACK (gtk_window_destroy), child,
                           G_CONNECT_SWAPPED);
}

void
lodge_child_window_set_machine (GtkWindow *child, const char *uuid)
{
  g_object_set_data_full (G_OBJECT (child), MACHINE, g_strdup (uuid), g_free);
}

GtkWindow *
lodge_child_window_find (GtkWindow *parent, GType type, const char *uuid)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);

    /* The list holds it. */
    if (G_TYPE_CHECK_INSTANCE_TYPE (window, type) &&
        gtk_window_get_transient_for (window) == parent &&
        g_strcmp0 (g_object_get_data (G_OBJECT (window), MACHINE), uuid) == 0)
      return window;
  }
  return NULL;
}

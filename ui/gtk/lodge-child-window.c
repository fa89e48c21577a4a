/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window that belongs to another one and closes with it. */
#include "gtk/lodge-child-window.h"

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

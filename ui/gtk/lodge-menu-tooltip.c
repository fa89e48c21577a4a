/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tooltip of a button that opens a menu. */
#include "gtk/lodge-menu-tooltip.h"

void
lodge_menu_tooltip_yield (GtkMenuButton *button)
{
  /* Its own "active" came with GTK 4.10; the button inside has always had one. */
  g_object_bind_property (gtk_widget_get_first_child (GTK_WIDGET (button)), "active", button,
                          "has-tooltip", G_BINDING_INVERT_BOOLEAN);
}

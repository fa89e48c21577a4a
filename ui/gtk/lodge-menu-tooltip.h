/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tooltip of a button that opens a menu. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* While the menu is open there is no tooltip, which would cover its first entry. */
void lodge_menu_tooltip_yield (GtkMenuButton *button);

/* Sets a tooltip of text from elsewhere (nullable), which may have words that are wider than the
 * screen: those are broken. */
void lodge_tooltip_set (GtkWidget *widget, const char *text);

G_END_DECLS

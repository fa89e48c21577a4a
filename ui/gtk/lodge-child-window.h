/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window that belongs to another one and closes with it. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * lodge_child_window_attach:
 *
 * Keeps @child above @parent and closes it with it. Instead of "destroy-with-parent": GTK (4.8 to
 * 4.18) does not forget a parent that took its child along, and a child that lives on for a
 * moment, in a call that has not come back, then reads freed memory at its end.
 */
void lodge_child_window_attach (GtkWindow *child, GtkWindow *parent);

/**
 * lodge_child_window_find:
 * @type: of a window that is about one machine, and says so by lodge_child_window_set_machine()
 *
 * Returns: (nullable): the one of @parent's for that machine; lent
 */
GtkWindow *lodge_child_window_find (GtkWindow *parent, GType type, const char *uuid);
void lodge_child_window_set_machine (GtkWindow *child, const char *uuid);

G_END_DECLS

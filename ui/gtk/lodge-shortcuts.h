/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The desktop's own keyboard shortcuts, for a window that is to see their keys itself. */
#pragma once

#include <gdk/gdk.h>

G_BEGIN_DECLS

/* As gdk_toplevel_inhibit_system_shortcuts(), and also where the window's focus is still on its
 * way: GDK does nothing then on X11, which is each time that the click which asks for this is also
 * the one that gives the window the focus. The property "shortcuts-inhibited" says how it stands.
 */
void lodge_shortcuts_inhibit (GdkToplevel *toplevel, GdkEvent *event);
void lodge_shortcuts_restore (GdkToplevel *toplevel);

G_END_DECLS

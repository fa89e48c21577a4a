/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Joins the host's clipboard and a guest's, for the windows that show it. */
#pragma once

#include "console/lodge-console-clipboard.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LODGE_TYPE_DISPLAY_CLIPBOARD (lodge_display_clipboard_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeDisplayClipboard, lodge_display_clipboard, LODGE, DISPLAY_CLIPBOARD, GObject)

/* Signal "problem" (const char *sentence): something was not passed on; for the user, not markup */

/* @window: outlives it */
LodgeDisplayClipboard *lodge_display_clipboard_new (GtkWindow *window);
/* A further one; removed before it goes. */
void lodge_display_clipboard_add_window (LodgeDisplayClipboard *self, GtkWindow *window);
void lodge_display_clipboard_remove_window (LodgeDisplayClipboard *self, GtkWindow *window);
/* NULL: there is no guest now, and nothing of it stays behind. */
void lodge_display_clipboard_set_guest (LodgeDisplayClipboard *self, LodgeConsoleClipboard *guest);
/* Which ways are open, for this guest and those that come. None at first. */
void lodge_display_clipboard_set_ways (LodgeDisplayClipboard *self, LodgeClipboardWays ways);
LodgeClipboardWays lodge_display_clipboard_get_ways (LodgeDisplayClipboard *self);

G_END_DECLS

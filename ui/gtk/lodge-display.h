/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The widget that shows a console session and gives it keys and pointer. */
#pragma once

#include "console/lodge-console-session.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LODGE_TYPE_DISPLAY (lodge_display_get_type ())
G_DECLARE_FINAL_TYPE (LodgeDisplay, lodge_display, LODGE, DISPLAY, GtkWidget)

/* Properties
 *   "session" (LodgeConsoleSession, read-write)
 *   "resize-guest" (boolean, read-write, default TRUE): the guest follows the widget's size
 *   "grabbed" (boolean, read): system shortcuts and the pointer are the guest's now
 *
 * Signals
 *   "leave": Ctrl+Alt was typed without a grab: the keyboard is wanted outside. All other keys are
 *            the guest's, Tab too, so without a pointer this is the only way out.
 */
GtkWidget *lodge_display_new (void);
void lodge_display_set_session (LodgeDisplay *self, LodgeConsoleSession *session);
LodgeConsoleSession *lodge_display_get_session (LodgeDisplay *self);
void lodge_display_set_resize_guest (LodgeDisplay *self, gboolean resize_guest);
gboolean lodge_display_get_grabbed (LodgeDisplay *self);
void lodge_display_ungrab (LodgeDisplay *self);

G_END_DECLS

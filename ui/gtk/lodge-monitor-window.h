/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window for one of a guest's further monitors: a header with what can be done with it, and full
 * screen. */
#pragma once

#include "gtk/lodge-monitor-view.h"

G_BEGIN_DECLS

#define LODGE_TYPE_MONITOR_WINDOW (lodge_monitor_window_get_type ())
G_DECLARE_FINAL_TYPE (LodgeMonitorWindow, lodge_monitor_window, LODGE, MONITOR_WINDOW, AdwWindow)

/* @view: is in it until lodge_monitor_window_give_back()
 *
 * Returns: (transfer none): the toolkit's, until it is destroyed. */
LodgeMonitorWindow *lodge_monitor_window_new (GtkApplication *application, LodgeMonitorView *view);
/* The view, which somebody else holds, can go elsewhere; the window is only good to be destroyed.
 */
void lodge_monitor_window_give_back (LodgeMonitorWindow *self);
/* Shows everything of the machine as it is now. */
void lodge_monitor_window_follow (LodgeMonitorWindow *self, LodgeConsoleMachine *machine);

G_END_DECLS

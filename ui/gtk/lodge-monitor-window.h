/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window that shows one of a guest's further monitors, and full screen of it. */
#pragma once

#include "gtk/lodge-display.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_MONITOR_WINDOW (lodge_monitor_window_get_type ())
G_DECLARE_FINAL_TYPE (LodgeMonitorWindow, lodge_monitor_window, LODGE, MONITOR_WINDOW, AdwWindow)

/* @monitor: which of the guest's, below LODGE_CONSOLE_MONITORS. Returns: (transfer none): the
 * toolkit's, until it is destroyed. */
LodgeMonitorWindow *lodge_monitor_window_new (GtkApplication *application, guint monitor);
/* @machine: the machine's name */
void lodge_monitor_window_set_machine (LodgeMonitorWindow *self, const char *machine);
/* Lent. */
LodgeDisplay *lodge_monitor_window_get_display (LodgeMonitorWindow *self);

G_END_DECLS

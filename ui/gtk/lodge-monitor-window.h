/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window that shows one of a guest's further monitors, full screen of it, its screenshots and its
 * recording. */
#pragma once

#include "console/lodge-console-machine.h"
#include "gtk/lodge-display.h"
#include "gtk/lodge-recording.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_MONITOR_WINDOW (lodge_monitor_window_get_type ())
G_DECLARE_FINAL_TYPE (LodgeMonitorWindow, lodge_monitor_window, LODGE, MONITOR_WINDOW, AdwWindow)

/* @monitor: which of the guest's, below LODGE_CONSOLE_MONITORS
 * @owner, @ended: of its recordings; see LodgeRecordingParts, whose user_data is the window
 *
 * Returns: (transfer none): the toolkit's, until it is destroyed. */
LodgeMonitorWindow *lodge_monitor_window_new (
    GtkApplication *application,
    guint monitor,
    GObject *owner,
    void (*ended) (GObject *owner, gpointer window, GFile *file, const GError *error));
/* Of its recording; @file and @error may be NULL. */
void lodge_monitor_window_say_ended (LodgeMonitorWindow *self, GFile *file, const GError *error);
/* Shows everything of the machine as it is now. */
void lodge_monitor_window_follow (LodgeMonitorWindow *self, LodgeConsoleMachine *machine);
gboolean lodge_monitor_window_is_recording (LodgeMonitorWindow *self);
/* Lent: over the screen. */
GtkOverlay *lodge_monitor_window_get_overlay (LodgeMonitorWindow *self);
/* Lent. */
LodgeDisplay *lodge_monitor_window_get_display (LodgeMonitorWindow *self);

G_END_DECLS

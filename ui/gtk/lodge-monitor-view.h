/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One of a guest's further monitors: its screen, what is said over it, its screenshots and its
 * recording. It is in a window of its own or beside the first monitor, and goes on when it is moved
 * from the one to the other.
 */
#pragma once

#include "console/lodge-console-machine.h"
#include "gtk/lodge-display.h"
#include "gtk/lodge-recording.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_MONITOR_VIEW (lodge_monitor_view_get_type ())
G_DECLARE_FINAL_TYPE (LodgeMonitorView, lodge_monitor_view, LODGE, MONITOR_VIEW, AdwBin)

/* Property "recorded" (boolean, read): there is a recording whose file is not complete
 *
 * Actions "screen.screenshot", "screen.record": what is saved is said in the AdwToastOverlay that
 *   the view is in */

/* @monitor: which of the guest's, below LODGE_CONSOLE_MONITORS
 * @owner, @ended: of its recordings; see LodgeRecordingParts, whose user_data is the view
 *
 * Returns: (transfer floating) */
LodgeMonitorView *lodge_monitor_view_new (
    guint monitor,
    GObject *owner,
    void (*ended) (GObject *owner, gpointer view, GFile *file, const GError *error));
/* Of its recording; @file and @error may be NULL. */
void lodge_monitor_view_say_ended (LodgeMonitorView *self, GFile *file, const GError *error);
/* Shows everything of the machine as it is now. */
void lodge_monitor_view_follow (LodgeMonitorView *self, LodgeConsoleMachine *machine);
gboolean lodge_monitor_view_is_recording (LodgeMonitorView *self);
/* Whether a header is seen that tells of its recording; else a corner of the picture does, as at
 * first. */
void lodge_monitor_view_set_header_seen (LodgeMonitorView *self, gboolean seen);

guint lodge_monitor_view_get_monitor (LodgeMonitorView *self);
/* Lent: the overlay is over the screen, and the label has the time of what is recorded. */
GtkOverlay *lodge_monitor_view_get_overlay (LodgeMonitorView *self);
LodgeDisplay *lodge_monitor_view_get_display (LodgeMonitorView *self);
GtkLabel *lodge_monitor_view_get_time (LodgeMonitorView *self);
/* The same actions without "screen.", for what is around it. */
GActionGroup *lodge_monitor_view_get_actions (LodgeMonitorView *self);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The snapshots of one machine: their tree, with the present in it, and what can be done with them.
 *
 * What is shown is what the engine says, and follows it, whoever has changed something. Long work
 * goes on when the window is closed; it is shown again when it is opened, whoever began it.
 */
#pragma once

#include "gtk/lodge-machine-window.h"

G_BEGIN_DECLS

#define LODGE_TYPE_SNAPSHOTS_WINDOW (lodge_snapshots_window_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeSnapshotsWindow, lodge_snapshots_window, LODGE, SNAPSHOTS_WINDOW, LodgeMachineWindow)

G_END_DECLS

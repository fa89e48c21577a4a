/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one machine stores on: its disks, with what they take of this computer's, and its drives for
 * discs; and what can be done with them.
 *
 * What is shown is what the engine says, and follows it, whoever has changed something. Long work
 * goes on when the window is closed; it is shown again when it is opened, whoever began it.
 */
#pragma once

#include "gtk/lodge-machine-window.h"

G_BEGIN_DECLS

#define LODGE_TYPE_STORAGE_WINDOW (lodge_storage_window_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeStorageWindow, lodge_storage_window, LODGE, STORAGE_WINDOW, LodgeMachineWindow)

G_END_DECLS

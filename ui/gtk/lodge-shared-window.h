/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is shared with one guest: every channel between it and this computer, in what state it is,
 * and what closes it.
 *
 * What is shown is what the engine says; a switch asks it for a change, and goes back when that is
 * refused.
 */
#pragma once

#include "console/lodge-console-machine.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_SHARED_WINDOW (lodge_shared_window_get_type ())
G_DECLARE_FINAL_TYPE (LodgeSharedWindow, lodge_shared_window, LODGE, SHARED_WINDOW, AdwWindow)

/* @console: the window that it belongs to; its actions sound.* are used */
GtkWidget *lodge_shared_window_new (GtkWindow *console, LodgeConsoleMachine *machine);

/* Shares @path instead of what was shared before, read-only. */
void lodge_shared_window_set_folder (LodgeSharedWindow *self, const char *path);

/* Why the guest cannot open the shared folder, lent, or "". */
const char *lodge_shared_get_problem (LodgeConsoleMachine *machine);

/* Shows what the engine says now: for a switch that it has refused. Nothing once it is closed. */
void lodge_shared_window_update (GtkWindow *window);

/* A key of the description, lent, or "" while nothing is known of it. */
const char *lodge_shared_lookup (LodgeConsoleMachine *machine, const char *key);

/* Whether the machine has a QEMU now: what is said to be open is open to that. */
gboolean lodge_shared_is_live (LodgeConsoleMachine *machine);

G_END_DECLS

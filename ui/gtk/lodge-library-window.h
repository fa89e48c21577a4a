/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library: every machine as a card, and the way to make one. */
#pragma once

#include "gtk/lodge-console-launcher.h"
#include "gtk/lodge-machine-list.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_LIBRARY_WINDOW (lodge_library_window_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeLibraryWindow, lodge_library_window, LODGE, LIBRARY_WINDOW, AdwApplicationWindow)

/* Actions
 *   "library.new", "library.search", "library.retry"
 *   "machine.start", ".open", ".pause", ".resume", ".shutdown", ".reset", ".kill", ".rename",
 *   ".delete" and more (lodge-machine-menu.c): each with the machine's UUID as target; what loses
 * something asks first
 */
GtkWidget *lodge_library_window_new (GtkApplication *application,
                                     LodgeConnection *connection,
                                     LodgeMachineList *machines,
                                     LodgeConsoleLauncher *launcher);

/* Opens the creation window; with @media chosen when not NULL. */
void lodge_library_window_create (LodgeLibraryWindow *self, const char *media);
/* What activating a card does: starts the machine where that is possible, and shows its console. */
void lodge_library_window_start_and_open (LodgeLibraryWindow *self, const char *uuid);

G_END_DECLS

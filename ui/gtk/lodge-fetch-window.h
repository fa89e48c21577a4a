/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies files out of a machine's guest that runs: which, and where to.
 *
 * One after the other; what has come is not in the list any more. It goes on when the window is
 * closed, and is told of at the one that it belonged to; a window that is opened meanwhile shows
 * it, and can cancel it.
 */
#pragma once

#include "gtk/lodge-machine-window.h"

G_BEGIN_DECLS

#define LODGE_TYPE_FETCH_WINDOW (lodge_fetch_window_get_type ())
G_DECLARE_FINAL_TYPE (LodgeFetchWindow, lodge_fetch_window, LODGE, FETCH_WINDOW, LodgeMachineWindow)

/* @paths: one on each line; not in the place of what the user has typed. */
void lodge_fetch_window_propose (LodgeFetchWindow *self, const char *paths);
/* Where the files come to. */
void lodge_fetch_window_set_folder (LodgeFetchWindow *self, const char *folder);

G_END_DECLS

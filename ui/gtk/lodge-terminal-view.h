/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console of text: a terminal, what it is connected to, search, and a log.
 *
 * What it shows is a hostile guest's. The terminal opens no links, shows no pictures, rings no bell
 * and gives no title to a window; what is typed goes to the guest and nowhere else.
 */
#pragma once

#include "console/lodge-terminal-stream.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_TERMINAL_VIEW (lodge_terminal_view_get_type ())
G_DECLARE_FINAL_TYPE (LodgeTerminalView, lodge_terminal_view, LODGE, TERMINAL_VIEW, AdwBin)

/* How many lines can be scrolled back to. */
#define LODGE_TERMINAL_VIEW_LINES 10000

/* @id: the contract's, "serial" or "monitor". @machine: what files are called after. */
GtkWidget *lodge_terminal_view_new (const char *id, const char *machine);

/* @socket: %NULL or "" while the machine has none; what was written stays. */
void lodge_terminal_view_set_socket (LodgeTerminalView *self, const char *socket);
/* What the menu does, to a file that was chosen. Failures are shown. */
void lodge_terminal_view_save (LodgeTerminalView *self, GFile *file);
void lodge_terminal_view_log (LodgeTerminalView *self, GFile *file);
LodgeTerminalStream *lodge_terminal_view_get_stream (LodgeTerminalView *self);
/* Where the keyboard belongs. Lent. */
GtkWidget *lodge_terminal_view_get_terminal (LodgeTerminalView *self);

G_END_DECLS

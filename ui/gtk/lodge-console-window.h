/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One guest's window. */
#pragma once

#include "console/lodge-console-machine.h"
#include "console/lodge-terminal-stream.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_CONSOLE_WINDOW (lodge_console_window_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeConsoleWindow, lodge_console_window, LODGE, CONSOLE_WINDOW, AdwApplicationWindow)

/* Actions
 *   "console.start", ".pause", ".resume", ".shutdown", ".reset", ".kill": enabled as the state
 *     allows; the last two ask first
 *   "console.send-keys" (s): "ctrl+alt+delete"
 *   "console.screenshot", "saved.open", "saved.show-in-folder" (s: a URI), "console.fullscreen",
 *   "console.retry", "console.take-back"
 *   "graphics.accelerated": the machine's key display.3d
 *   "display.scaling" (s), "display.whole-multiples": the machine's keys of these names
 */

/* @machine: a UUID or a name */
GtkWidget *lodge_console_window_new (GtkApplication *application,
                                     LodgeConnection *connection,
                                     const char *machine);

/* Starts the machine as soon as it is known to be off; once. */
void lodge_console_window_start (LodgeConsoleWindow *self);

/* Says that the window before this one crashed. */
void lodge_console_window_say_crashed (LodgeConsoleWindow *self);

LodgeConsoleMachine *lodge_console_window_get_machine (LodgeConsoleWindow *self);

/* A console of text that is open in the window, by the contract's id; NULL while it is not. Lent.
 */
LodgeTerminalStream *lodge_console_window_get_terminal (LodgeConsoleWindow *self, const char *id);

G_END_DECLS

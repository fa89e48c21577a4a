/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens consoles as processes of their own, and brings back the one that is open already. */
#pragma once

#include <gdk/gdk.h>
#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_CONSOLE_LAUNCHER (lodge_console_launcher_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeConsoleLauncher, lodge_console_launcher, LODGE, CONSOLE_LAUNCHER, GObject)

/* Signals
 *   "failed" (const char *uuid): a window crashed again and again, and stays closed
 */

/* A console's exit status then. */
#define LODGE_CONSOLE_GAVE_UP 70

/* What a console reads from its standard input: this word and a space, then the token with which
 * its window may come to the front (may be empty), then a newline. */
#define LODGE_CONSOLE_PRESENT "present"

/* @program: what to run with "--console UUID"; %NULL for this program itself */
LodgeConsoleLauncher *lodge_console_launcher_new (const char *program);

/**
 * lodge_console_launcher_show:
 * @uuid: a machine
 * @display: (nullable): where the user asked for it
 *
 * Errors: %LODGE_ERROR_HOST when the process cannot be started.
 */
gboolean lodge_console_launcher_show (LodgeConsoleLauncher *self,
                                      const char *uuid,
                                      GdkDisplay *display,
                                      GError **error);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps a window that draws what a guest or a server sends: when that brings its process down, a
 * new one takes its place. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a keeper that has given up returns: EX_SOFTWARE of sysexits.h. */
#define LODGE_KEEPER_GAVE_UP 70

/* Shows a window until it is closed. @again: the last one crashed. Returns: the exit status. */
typedef int (*LodgeKeeperFunc) (gboolean again, gpointer user_data);

/**
 * lodge_keep:
 *
 * Calls @func in a process of its own, and in a new one when that ends by a signal that only a
 * defect sends. After four crashes within a minute it gives up, which it says on the standard
 * error. SIGTERM, SIGINT and SIGHUP are passed on, and end it also when @func's process crashes
 * over them. To be called before there are threads.
 *
 * Returns: what @func returned, in its process and in this one; #LODGE_KEEPER_GAVE_UP; or 128 and
 * the number of the signal that ended @func's process, or was to end it
 */
int lodge_keep (LodgeKeeperFunc func, gpointer user_data);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Watches in which order an engine gives its files to the disk, from within its process: fsync(),
 * rename(), unlink() and the like are those of durable-watch.c.
 *
 * A power cut leaves a file as it was when it was synced last, or newer, or anything; a name in a
 * folder as it was when the folder was synced last, or newer. So, at any moment:
 *
 *   - all that a machine.ini names which may be on the disk is there, and has its data;
 *   - nothing is removed that a machine.ini names which may be on the disk still.
 *
 * Whether a file was written to since it was synced is told by its time of change, so it does not
 * matter who has written: qemu-img and QEMU do, too.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @folder: of machines, all of which are on the disk now. @live: what is written to the layers that
 * are there is a guest's, who says himself when it has to be on the disk. */
void durable_watch_begin (const char *folder, gboolean live);
/* All is done: it has to be on the disk. Returns (element-type utf8): what would be lost by a power
 * cut at some moment since then. */
GPtrArray *durable_watch_end (void);
/* How many times something was looked at. */
guint durable_watch_get_n_looks (void);

G_END_DECLS

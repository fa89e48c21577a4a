/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are being made outside of any machine's folder: recorded before they are made, so that
 * the next engine removes what one that was killed has left of them.
 *
 * The records are the engine's own, in the folder "unfinished" beside "machines", and not in a
 * machine's folder: that may come from somebody else, who must not have files of ours removed.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @path: absolute, of a hidden file (".NAME.new"). Durable when it returns: for threads. Returns:
 * (transfer full): what to end it with, or %NULL with the errors of lodge_durable_file_write(). */
char *lodge_unfinished_begin (const char *data_folder, const char *path, GError **error);
/* The file is whole, or gone. */
void lodge_unfinished_end (const char *record);

/* Removes those files, and their records. The caller is the only engine. */
void lodge_unfinished_clean (const char *data_folder);

G_END_DECLS

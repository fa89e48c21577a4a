/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is kept of a guest as a file of the user's: how it is named, and that it replaces nothing.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* @what: a machine's name, say, and what of it. Returns: (transfer full): that and this moment
 * ("web 2026-01-31 23-59-59"), fit for a file: no '/', no dot in front, and short enough for an
 * ending. */
char *lodge_saved_file_dup_stem (const char *what);

/* Returns: (transfer full): the user's folder of that kind; "~/@name" where the desktop has none.
 */
char *lodge_saved_file_dup_folder (GUserDirectory directory, const char *name);

/* Makes an empty file that was not there before, "STEM.ENDING" or "STEM (2).ENDING" and so on, and
 * its folder where that is missing. Blocks.
 *
 * @ending: with its dot. @out_file: (transfer full). Returns: (transfer full): NULL with an error
 * of %G_IO_ERROR. */
GFileOutputStream *lodge_saved_file_create (
    const char *folder, const char *stem, const char *ending, GFile **out_file, GError **error);

G_END_DECLS

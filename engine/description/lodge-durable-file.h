/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files that must survive a crash: read with a limit, replaced whole or not at all. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * lodge_durable_file_read:
 * @limit: in bytes; a larger file is refused
 *
 * Reads a regular file. Never follows a link in the last part of @path, never waits on a pipe.
 *
 * Returns: (transfer full): the bytes with a NUL behind them that is not counted, or %NULL with
 * %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_INVALID (not a regular file, or too large),
 * %LODGE_ERROR_DENIED, %LODGE_ERROR_STORAGE
 */
char *lodge_durable_file_read (const char *path, gsize limit, gsize *out_length, GError **error);

/**
 * lodge_durable_file_write:
 *
 * Puts @length bytes of @data at @path: written to a hidden file beside it, synced, renamed, and
 * the folder synced. 0600. On an error what was at @path is as it was and nothing is left beside
 * it.
 *
 * Errors: %LODGE_ERROR_NOT_FOUND (no folder), %LODGE_ERROR_STORAGE (full disk),
 * %LODGE_ERROR_DENIED.
 */
gboolean
lodge_durable_file_write (const char *path, const char *data, gsize length, GError **error);

/* The same without waiting for the disk: whole for whoever reads it, but a power cut soon after may
 * take it. */
gboolean
lodge_durable_file_replace (const char *path, const char *data, gsize length, GError **error);

/* Makes what was renamed, made or removed in @folder survive a power cut. */
gboolean lodge_durable_folder_sync (const char *folder, GError **error);

/* renameat() within @folder_fd (or AT_FDCWD) that never replaces what is at @to. 0 or an errno:
 * EEXIST when something is there. */
int lodge_durable_rename_new (int folder_fd, const char *from, const char *to);

/* The LODGE_ERROR code for an errno of a file system call. */
int lodge_durable_error_code (int saved_errno);

/* Whether an errno says that a disk is full, or one's share of it. */
gboolean lodge_durable_is_full (int saved_errno);
/* The same of what another program says, in the system's words for that. */
gboolean lodge_durable_says_full (const char *words);
/* %LODGE_ERROR_STORAGE with what to do. @path: what there is no room for. */
void lodge_durable_set_full (GError **error, const char *path);

G_END_DECLS

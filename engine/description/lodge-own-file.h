/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files in a machine's folder, by their paths in it: "layers/disk0-l0.qcow2".
 *
 * The folder may come from somebody else: no part of a path is followed when it is a link, and none
 * leads out of the folder.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* A plain file. @flags: O_RDONLY, O_RDWR. -1 with %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_INVALID (a
 * link, not a file, a path that leads out), %LODGE_ERROR_DENIED, %LODGE_ERROR_STORAGE. */
int lodge_own_file_open (const char *folder, const char *file, int flags, GError **error);

/* A folder, opened for reading. */
int lodge_own_folder_open (const char *folder, const char *file, GError **error);

/* 0700, where it is missing. */
gboolean lodge_own_folder_make (const char *folder, const char *file, GError **error);

gboolean
lodge_own_file_set_mode (const char *folder, const char *file, mode_t mode, GError **error);

/* A file, or a folder and all in it. What is not there is no error. */
gboolean lodge_own_file_remove (const char *folder, const char *file, GError **error);

/* What a file takes of the disk, in bytes; 0 for none. */
guint64 lodge_own_file_measure (const char *folder, const char *file);

/**
 * lodge_own_file_link:
 * @to_folder: another machine's, on the same file system
 *
 * Gives a plain file a second name, as @to_file there: one file from then on, which is there until
 * its last name is removed. Durable once that folder is.
 *
 * Errors: those of lodge_own_file_open(), %LODGE_ERROR_EXISTS, %LODGE_ERROR_HOST where the file
 * system does not do that.
 */
gboolean lodge_own_file_link (const char *folder,
                              const char *file,
                              const char *to_folder,
                              const char *to_file,
                              GError **error);

/* How many names a file has; 0 where there is none. What has several is shared with others, who
 * must not see it changed. */
guint lodge_own_file_count_names (const char *folder, const char *file);

/* The names in a folder, without "." and "..": (element-type utf8), transfer full; empty where
 * there is none. %NULL when it cannot be read, or read to its end. */
GPtrArray *lodge_own_folder_list (const char *folder, const char *file, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that comes out of a guest into a folder of the user's: named by what it is called there,
 * hidden until it is whole, and never in the place of another.
 *
 * Who has named it, and what is in it, is not trusted. All but the names blocks: for threads.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _LodgeReceivedFile LodgeReceivedFile;

/**
 * lodge_received_file_dup_name:
 * @path: a whole path in a guest, of whichever system
 *
 * What the file is to be called here: what follows the last '/' or '\'. Transfer full.
 *
 * Errors: %LODGE_ERROR_INVALID when it is no whole path, is a folder's, or its name can be none
 * here.
 */
char *lodge_received_file_dup_name (const char *path, GError **error);

/* @name with a number, for where that is taken: "name (2).ext". As long as a name may be. Transfer
 * full. */
char *lodge_received_file_dup_numbered (const char *name, guint number);

/**
 * lodge_received_file_open_folder:
 * @data_folder: Lodge's own, in which nothing comes
 * @folder: absolute; where a file is to be
 *
 * Opens it before the guest is asked, once for all: when the file comes is the guest's to say, and
 * where the folder is shared with it, what its name leads to is, too.
 *
 * Returns: a descriptor of it (O_PATH), or -1 with %LODGE_ERROR_NOT_FOUND (no folder),
 * %LODGE_ERROR_DENIED, %LODGE_ERROR_INVALID (it is @data_folder, or in that)
 */
int lodge_received_file_open_folder (const char *data_folder, const char *folder, GError **error);

/**
 * lodge_received_file_begin:
 * @data_folder: where the next engine looks for what this one has left (lodge-unfinished.h)
 * @folder_fd: as lodge_received_file_open_folder() returns it; not kept
 * @folder: what that is called, for words
 * @size_bytes: how much will come, or 0 where that is not known
 *
 * Returns: (transfer full): %NULL with %LODGE_ERROR_NOT_FOUND (the folder has gone),
 * %LODGE_ERROR_DENIED, %LODGE_ERROR_STORAGE (no room for it)
 */
LodgeReceivedFile *lodge_received_file_begin (const char *data_folder,
                                              int folder_fd,
                                              const char *folder,
                                              const char *name,
                                              guint64 size_bytes,
                                              GError **error);

/* Appends. %LODGE_ERROR_STORAGE, also while the disk has some room left, for the sake of others:
 * what comes may never end. */
gboolean lodge_received_file_write (LodgeReceivedFile *self, GBytes *bytes, GError **error);

/* It is whole: gives it its name, or that with a number. Returns: (transfer full): its path;
 * %NULL with %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED, %LODGE_ERROR_EXISTS (a thousand of that
 * name are there). Once. */
char *lodge_received_file_commit (LodgeReceivedFile *self, GError **error);

/* Removes what was not committed, which may take its time, too. */
void lodge_received_file_free (LodgeReceivedFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeReceivedFile, lodge_received_file_free)

G_END_DECLS

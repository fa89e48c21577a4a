/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which machines' folders are encrypted, and the keys of those that are unlocked.
 *
 * Whatever writes an image asks here, by the image's path. So nothing has to be told that a machine
 * is encrypted, and nothing that forgot to ask can put a guest's data on the disk in clear: in such
 * a folder every qcow2 image is an encrypted one, and without the key none is made or read.
 *
 * For any thread.
 */
#pragma once

#include "storage/lodge-secret.h"

G_BEGIN_DECLS

/* @folder: absolute; encrypted from here on. @key: (nullable): %NULL locks it. */
void lodge_folder_key_set (const char *folder, LodgeSecret *key);
/* There is no such folder any more, or it is not encrypted. */
void lodge_folder_key_forget (const char *folder);

/* A file or a folder that is being made for a machine which will be encrypted, or will not be any
 * more, once all is made: whatever the folder is that it is in. @key: (nullable): %NULL for one
 * that is in clear. For lodge_folder_key_forget(). */
void lodge_folder_key_except (const char *path, LodgeSecret *key);

/**
 * lodge_folder_key_find:
 * @path: absolute, of a file anywhere below a folder, or an exception itself
 * @out_key: (transfer full) (nullable): %NULL when it is in no encrypted folder
 *
 * Errors: %LODGE_ERROR_LOCKED: it is in one, whose key is not here.
 */
gboolean lodge_folder_key_find (const char *path, LodgeSecret **out_key, GError **error);
/* The same for a folder itself: %NULL also when it is locked. Transfer full. */
LodgeSecret *lodge_folder_key_get (const char *folder);

G_END_DECLS

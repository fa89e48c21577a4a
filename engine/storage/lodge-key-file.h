/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file "key" in an encrypted machine's folder: the machine's key, locked with its passphrase.
 *
 *     [key]
 *     version=1
 *     kdf=argon2id
 *     memory=65536       KiB
 *     passes=3
 *     lanes=4
 *     salt=              16 bytes, in base64
 *     nonce=             12 bytes
 *     locked=            the key, encrypted with AES-256-GCM, and its tag
 *     check=             16 bytes of what is derived from the key: whether another one is it
 *
 * The key itself is random, and the same for ever; so another passphrase is a matter of this file
 * alone, and no disk, snapshot or clone has to be written again. What was copied before opens with
 * the passphrase that it had then.
 */
#pragma once

#include "description/lodge-description-snapshots.h"
#include "storage/lodge-secret.h"

G_BEGIN_DECLS

#define LODGE_KEY_FILE LODGE_DESCRIPTION_KEY_FILE
/* Bytes of UTF-8. */
#define LODGE_KEY_FILE_MOST_PASSPHRASE 1024

/* Writes it, durably, over one that is there. It takes a part of a second, on purpose: for threads.
 * %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED, %LODGE_ERROR_INVALID (an empty passphrase). */
gboolean lodge_key_file_write (const char *folder,
                               LodgeSecret *key,
                               LodgeSecret *passphrase,
                               GError **error);

/**
 * lodge_key_file_open:
 *
 * For threads, too.
 *
 * Returns: (transfer full): the machine's key, or %NULL with %LODGE_ERROR_DENIED (it is not the
 *   passphrase), %LODGE_ERROR_NOT_FOUND (there is no such file), %LODGE_ERROR_INVALID (it is
 * damaged)
 */
LodgeSecret *lodge_key_file_open (const char *folder, LodgeSecret *passphrase, GError **error);

/* Whether @key, from a keyring, is that of the machine. TRUE also where the file is gone or
 * damaged: the disks tell then. */
gboolean lodge_key_file_check (const char *folder, LodgeSecret *key);

/* Copies it into another machine's folder, which has the same key and passphrase then. */
gboolean lodge_key_file_copy (const char *folder, const char *to_folder, GError **error);

G_END_DECLS

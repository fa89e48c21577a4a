/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that nobody can read or change without its key, written and read as a stream: a guest's
 * memory.
 *
 *     magic "LodgeMem", version 1 and the size of a chunk (32 bits each, big-endian), 32 bytes of
 * salt chunks: what was written, 1 MiB each but for the last, encrypted; and 16 bytes that prove it
 *
 * A chunk is sealed with AES-256-GCM, under a key that is derived from the machine's and the salt.
 * Its nonce is its number (64 bits) and whether it is the last (32 bits), and the header is proven
 * with it: so a chunk that was changed, moved, left out or put in is noticed, as is a file that was
 * cut short. Whoever reads gets no byte that is not proven.
 *
 * Owns: a thread for each stream, and its pipe. Never: reads ahead of the one at the other end by
 * more than a pipe and a chunk.
 */
#pragma once

#include "storage/lodge-secret.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _LodgeSealed LodgeSealed;

/* @fd: an empty file; duplicated. @key: the machine's. @out_fd: what is written to it is sealed
 * into the file; the end is when all who have it have closed it. %NULL with %LODGE_ERROR_FAILED. */
LodgeSealed *lodge_sealed_write (int fd, LodgeSecret *key, int *out_fd, GError **error);
/* @fd: at its beginning; duplicated. @out_fd: where it can be read. */
LodgeSealed *lodge_sealed_read (int fd, LodgeSecret *key, int *out_fd, GError **error);

/* Nothing more is written or read, and whoever is at the other end of the pipe is told by its end.
 */
void lodge_sealed_stop (LodgeSealed *self);
/* Stops it. */
void lodge_sealed_free (LodgeSealed *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeSealed, lodge_sealed_free)

/* Waits for the end of the stream. For one that writes: all is in the file. Errors:
 * %LODGE_ERROR_STORAGE (full disk), %LODGE_ERROR_INVALID (damaged, or sealed with another key),
 * %LODGE_ERROR_CANCELLED (stopped), %LODGE_ERROR_FAILED. */
void
lodge_sealed_finish_async (LodgeSealed *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean lodge_sealed_finish (GAsyncResult *result, GError **error);
/* What has gone wrong until now, or %NULL. Transfer full. */
GError *lodge_sealed_dup_error (LodgeSealed *self);

G_END_DECLS

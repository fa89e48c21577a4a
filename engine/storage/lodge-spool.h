/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stream on its way to a file, as fast as this computer's memory takes it: a guest's memory,
 * which is written while the guest changes it again.
 *
 * Whoever writes to the pipe is not held up by the disk as long as there is memory to keep what the
 * disk has not taken yet; then he is, and to the speed that the disk has, not to that of a cache
 * that is full some time later.
 *
 * Owns: two threads and their pipe, and what is on its way. Never: uses memory that somebody else
 * needs; how much there is it looks at all the time.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _LodgeSpool LodgeSpool;

/* What of this computer's memory may be used now, at most. */
guint64 lodge_spool_get_room (void);
/* Tests have less. */
extern guint64 lodge_spool_most_room;

/* @fd: an empty file, or a pipe; duplicated. @most_bytes: of memory. @out_fd: what is written to it
 * comes to @fd; the end is when all who have it have closed it. %NULL with %LODGE_ERROR_FAILED. */
LodgeSpool *lodge_spool_new (int fd, guint64 most_bytes, int *out_fd, GError **error);

/* From here to its end the disk is left alone, for somebody who waits for it, as long as there is
 * memory. */
void lodge_spool_hold (LodgeSpool *self);
/* What has come until now, and what of it is in the file. */
void lodge_spool_get_bytes (LodgeSpool *self, guint64 *out_taken, guint64 *out_written);

/* Nothing more is written, and whoever is at the other end of the pipe is told by its end. */
void lodge_spool_stop (LodgeSpool *self);
/* Stops it. */
void lodge_spool_free (LodgeSpool *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeSpool, lodge_spool_free)

/* Waits for the end of the stream: all is in the file, which is closed here, and not durable yet.
 * Errors: %LODGE_ERROR_STORAGE (full disk), %LODGE_ERROR_CANCELLED (stopped), %LODGE_ERROR_FAILED.
 */
void lodge_spool_finish_async (LodgeSpool *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean lodge_spool_finish (GAsyncResult *result, GError **error);
/* What has gone wrong until now, or %NULL. Transfer full. */
GError *lodge_spool_dup_error (LodgeSpool *self);

G_END_DECLS

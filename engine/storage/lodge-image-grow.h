/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How large the disk in one of our own layers is, and making it larger. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The most that a disk can have. It is qcow2's: 32 MiB of entries of 8 bytes, of which each stands
 * for 512 MiB (QEMU block/qcow2.h, QCOW_MAX_L1_SIZE; clusters of 64 KiB). */
#define LODGE_IMAGE_MOST_BYTES (G_GUINT64_CONSTANT (2048) << 40)

/* What a guest sees of the image in @fd. @format: "qcow2" or "raw", as recorded. %FALSE when it
 * cannot be read, or is none such. */
gboolean lodge_image_read_size (int fd, const char *format, guint64 *out_bytes);

/**
 * lodge_image_grow_async:
 * @format: "qcow2" or "raw"
 * @path: not in use by a QEMU; nothing else stands on it
 * @size_bytes: whole sectors, more than it has
 *
 * What is new reads as zeros and takes no room. Durable. Whenever this ends the image has its old
 * size or the new one, and is whole.
 *
 * Errors: %LODGE_ERROR_STORAGE, %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_DENIED, %LODGE_ERROR_STATE (in
 * use), %LODGE_ERROR_HOST, %LODGE_ERROR_TIMEOUT.
 */
void lodge_image_grow_async (const char *format,
                             const char *path,
                             guint64 size_bytes,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean lodge_image_grow_finish (GAsyncResult *result, GError **error);

/* Waits until the disk has what was written to a file by others: for a thread. */
gboolean lodge_image_sync (const char *path, GError **error);

G_END_DECLS

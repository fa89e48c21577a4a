/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several layers of a chain become one new layer. */
#pragma once

#include "storage/lodge-image.h"

G_BEGIN_DECLS

/**
 * lodge_image_join_async:
 * @layers: (array zero-terminated): "format:path" from the upmost of those that are joined down to
 *   the lowest of the chain; nobody writes to them, a QEMU may read them
 * @n_joined: how many of them are, at least one; there are more than those
 * @path: a new qcow2 layer, must not exist
 *
 * On the others the new layer reads as the first does: what they have is copied, from the lowest
 * up, zeros that hide something of what is below as zeros, and what none of them has is left to
 * what is below. No file that is there is changed. It ends before the disk is full, and does not
 * begin where it might be.
 *
 * Errors: %LODGE_ERROR_STORAGE (not enough room), %LODGE_ERROR_INVALID, %LODGE_ERROR_NOT_FOUND,
 * %LODGE_ERROR_DENIED, %LODGE_ERROR_STATE (somebody writes to one), %LODGE_ERROR_LOCKED,
 * %LODGE_ERROR_CANCELLED, %LODGE_ERROR_HOST. Nothing is left behind.
 */
void lodge_image_join_async (const char *const *layers,
                             guint n_joined,
                             const char *path,
                             LodgeImageProgress progress,
                             gpointer progress_data,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean lodge_image_join_finish (GAsyncResult *result, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an image is, by its first and last bytes: looked at by ourselves before any QEMU opens it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * lodge_image_magic_find:
 * @path: any file; a link is followed, since the user named it
 * @out_size: of the file, in bytes
 *
 * Reads some kilobytes. Blocks: call it in a thread.
 *
 * Returns: qcow2, vmdk, vdi, vhdx, vpc, qed, or raw when it is nothing else; %NULL with
 * %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_DENIED, %LODGE_ERROR_STORAGE, or %LODGE_ERROR_INVALID: not a
 * file, empty, cut short, compressed, encrypted, or it refers to another file
 */
const char *lodge_image_magic_find (const char *path, guint64 *out_size, GError **error);

/* Whether the first sector ends with the signature 55 AA, as that of every disk that a computer can
 * start from. %FALSE also when it cannot be read. Blocks. */
gboolean lodge_image_magic_has_boot_sector (const char *path);

G_END_DECLS

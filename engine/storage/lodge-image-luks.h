/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The LUKS header of an encrypted qcow2 image. */
#pragma once

#include "storage/lodge-secret.h"

G_BEGIN_DECLS

/* How many bytes the header has, of which LODGE_IMAGE_LUKS_USED are not zeros. */
#define LODGE_IMAGE_LUKS_BYTES (4040u * 512)
#define LODGE_IMAGE_LUKS_USED  (512u * 512)

/**
 * lodge_image_luks_new:
 * @passphrase: of full strength, such as that of lodge_secret_new_for_disks()
 *
 * A header with a new master key, which @passphrase opens.
 *
 * Returns: (transfer full): the first LODGE_IMAGE_LUKS_USED bytes of it, or %NULL with
 *   %LODGE_ERROR_HOST
 */
guint8 *lodge_image_luks_new (LodgeSecret *passphrase, GError **error);

G_END_DECLS

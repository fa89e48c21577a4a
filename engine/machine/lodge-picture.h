/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of a guest's screen: from the PPM that QEMU writes to PNG. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* No screen is larger; a header that says so is a lie. */
#define LODGE_PICTURE_MAX_SIDE 16384

typedef struct {
  int width;
  int height;
  gsize stride;      /* bytes a line: width * 3, and what QEMU fills it up with */
  const guint8 *rgb; /* inside the bytes it was parsed from */
} LodgePicture;

/**
 * lodge_picture_parse:
 * @bytes: a PPM ("P6 WIDTH HEIGHT 255", netpbm's ppm(5)) from a QEMU that may be hostile
 *
 * QEMU 7.2 and others fill each line up to a multiple of four bytes (ui/ui-qmp-cmds.c, ppm_save
 * writes pixman's stride), which ppm(5) does not know; both are taken.
 *
 * Errors: %LODGE_ERROR_INVALID when anything about it is not exactly as it should be.
 */
gboolean lodge_picture_parse (GBytes *bytes, LodgePicture *out_picture, GError **error);

/**
 * lodge_picture_encode:
 * @max_width: the result is scaled down to at most this, keeping its shape; 0 keeps the size
 *
 * Returns: (transfer full): PNG bytes
 */
GBytes *lodge_picture_encode (const LodgePicture *picture, int max_width, GError **error);

G_END_DECLS

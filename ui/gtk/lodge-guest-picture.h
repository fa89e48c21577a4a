/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small pictures of what a guest drew, which came through a QEMU that a guest may have taken over:
 * only a PNG of a sane size is given to the decoder, which runs in a thread. */
#pragma once

#include <gdk/gdk.h>

G_BEGIN_DECLS

/* @png: of type "ay" */
void
lodge_guest_picture_decode_async (GVariant *png, GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full): NULL where it is no such picture */
GdkTexture *lodge_guest_picture_decode_finish (GAsyncResult *result);

G_END_DECLS

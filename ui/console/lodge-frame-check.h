/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server says about sizes, checked before anything is read through it. */
#pragma once

#include "console/lodge-frame-source.h"

G_BEGIN_DECLS

/* The largest picture taken, per side: what GPUs take as one texture and more than any head of
 * QEMU's devices has. Width * 4 * height stays below 2^31, so no int overflows on the way. */
#define LODGE_FRAME_SIZE_MAX 16384
/* The largest cursor taken, per side: QXL's largest is 256, virtio-gpu's 64. */
#define LODGE_CURSOR_SIZE_MAX 512

/* FALSE, and an empty @out_frame, when the numbers cannot be those of a picture. */
gboolean
lodge_frame_check (const guint8 *data, int width, int height, int stride, LodgeFrame *out_frame);
/* Narrows @frame to one monitor's rectangle. One that is empty or not all inside the picture
 * changes nothing. */
void lodge_frame_crop (LodgeFrame *frame, guint32 x, guint32 y, guint32 width, guint32 height);
/* FALSE when nothing of the rectangle is inside; else it is cut to what is. */
gboolean lodge_frame_clip (const LodgeFrame *frame, int *x, int *y, int *width, int *height);
/* FALSE, and a hidden cursor, when there is no picture in it. The hot spot is moved inside. */
gboolean lodge_cursor_check (
    const guint8 *rgba, int width, int height, int hot_x, int hot_y, LodgeCursor *out_cursor);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server says about sizes, checked before anything is read through it. */
#include "console/lodge-frame-check.h"

gboolean
lodge_frame_check (const guint8 *data, int width, int height, int stride, LodgeFrame *out_frame)
{
  *out_frame = (LodgeFrame){0};
  if (data == NULL || width < 1 || height < 1 || width > LODGE_FRAME_SIZE_MAX ||
      height > LODGE_FRAME_SIZE_MAX)
    return FALSE;
  if (stride < width * 4 || stride > LODGE_FRAME_SIZE_MAX * 4)
    return FALSE;

  *out_frame = (LodgeFrame){data, width, height, stride};
  return TRUE;
}

void
lodge_frame_crop (LodgeFrame *frame, guint32 x, guint32 y, guint32 width, guint32 height)
{
  /* Compared by what is left, so that no sum wraps around. */
  if (frame->data == NULL || width < 1 || height < 1 || x >= (guint32) frame->width ||
      y >= (guint32) frame->height || width > (guint32) frame->width - x ||
      height > (guint32) frame->height - y)
    return;

  frame->data += (gsize) y * frame->stride + (gsize) x * 4;
  frame->width = width;
  frame->height = height;
}

static gboolean
clip_line (int *start, int *length, int limit)
{
  gint64 from = MAX (*start, 0);
  gint64 to = MIN ((gint64) *start + *length, limit);

  if (to <= from)
    return FALSE;
  *start = from;
  *length = to - from;
  return TRUE;
}

gboolean
lodge_frame_clip (const LodgeFrame *frame, int *x, int *y, int *width, int *height)
{
  return clip_line (x, width, frame->width) && clip_line (y, height, frame->height);
}

gboolean
lodge_cursor_check (
    const guint8 *rgba, int width, int height, int hot_x, int hot_y, LodgeCursor *out_cursor)
{
  *out_cursor = (LodgeCursor){0};
  if (rgba == NULL || width < 1 || height < 1 || width > LODGE_CURSOR_SIZE_MAX ||
      height > LODGE_CURSOR_SIZE_MAX)
    return FALSE;

  out_cursor->rgba = rgba;
  out_cursor->width = width;
  out_cursor->height = height;
  out_cursor->hot_x = CLAMP (hot_x, 0, width - 1);
  out_cursor->hot_y = CLAMP (hot_y, 0, height - 1);
  return TRUE;
}

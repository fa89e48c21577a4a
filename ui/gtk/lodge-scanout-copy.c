/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A copy of what a graphics card has in its memory. */
#include "gtk/lodge-scanout-copy.h"

#include <string.h>

static gboolean
make_room (LodgeScanoutCopy *self, gsize size)
{
  if (self->size == size)
    return TRUE;
  lodge_scanout_copy_clear (self);
  self->data = g_try_malloc (size);
  self->size = self->data != NULL ? size : 0;
  return self->data != NULL;
}

static void
turn_over (guint8 *data, gsize stride, int height)
{
  g_autofree guint8 *line = g_malloc (stride);

  for (int y = 0; y < height / 2; y++) {
    guint8 *above = data + (gsize) y * stride;
    guint8 *below = data + (gsize) (height - 1 - y) * stride;

    memcpy (line, above, stride);
    memcpy (above, below, stride);
    memcpy (below, line, stride);
  }
}

gboolean
lodge_scanout_copy_take (LodgeScanoutCopy *self, LodgeDisplay *display, LodgeFrame *out_frame)
{
  gboolean from_bottom = FALSE;
  g_autoptr (GdkTexture) texture = lodge_display_dup_scanout (display, &from_bottom);
  LodgeFrame frame;

  if (texture == NULL)
    return FALSE;
  frame = (LodgeFrame){.width = gdk_texture_get_width (texture),
                       .height = gdk_texture_get_height (texture)};
  frame.stride = frame.width * 4;
  if (!make_room (self, (gsize) frame.stride * (gsize) frame.height))
    return FALSE;
  gdk_texture_download (texture, self->data, (gsize) frame.stride);
  if (from_bottom)
    turn_over (self->data, (gsize) frame.stride, frame.height);
  frame.data = self->data;
  *out_frame = frame;
  return TRUE;
}

void
lodge_scanout_copy_clear (LodgeScanoutCopy *self)
{
  g_clear_pointer (&self->data, g_free);
  self->size = 0;
}

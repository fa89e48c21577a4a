/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The interface every transport of a guest's picture implements. */
#include "console/lodge-frame-source.h"

G_DEFINE_INTERFACE (LodgeFrameSource, lodge_frame_source, G_TYPE_OBJECT)

enum { FRAME_CHANGED, DAMAGE, CURSOR_CHANGED, CURSOR_MOVED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
lodge_frame_source_default_init (LodgeFrameSourceInterface *iface)
{
  signals[FRAME_CHANGED] = g_signal_new ("frame-changed", LODGE_TYPE_FRAME_SOURCE,
                                         G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[DAMAGE] =
      g_signal_new ("damage", LODGE_TYPE_FRAME_SOURCE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 4, G_TYPE_INT, G_TYPE_INT, G_TYPE_INT, G_TYPE_INT);
  signals[CURSOR_CHANGED] = g_signal_new ("cursor-changed", LODGE_TYPE_FRAME_SOURCE,
                                          G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[CURSOR_MOVED] = g_signal_new ("cursor-moved", LODGE_TYPE_FRAME_SOURCE, G_SIGNAL_RUN_LAST,
                                        0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

void
lodge_frame_source_get_frame (LodgeFrameSource *self, LodgeFrame *out_frame)
{
  g_return_if_fail (LODGE_IS_FRAME_SOURCE (self));
  g_return_if_fail (out_frame != NULL);

  *out_frame = (LodgeFrame){0};
  LODGE_FRAME_SOURCE_GET_IFACE (self)->get_frame (self, out_frame);
}

gboolean
lodge_frame_source_get_cursor (LodgeFrameSource *self, LodgeCursor *out_cursor)
{
  g_return_val_if_fail (LODGE_IS_FRAME_SOURCE (self), FALSE);
  g_return_val_if_fail (out_cursor != NULL, FALSE);

  *out_cursor = (LodgeCursor){0};
  return LODGE_FRAME_SOURCE_GET_IFACE (self)->get_cursor (self, out_cursor);
}

gboolean
lodge_frame_source_get_scanout (LodgeFrameSource *self, LodgeScanout *out_scanout)
{
  g_return_val_if_fail (LODGE_IS_FRAME_SOURCE (self), FALSE);
  g_return_val_if_fail (out_scanout != NULL, FALSE);

  const LodgeFrameSourceInterface *iface = LODGE_FRAME_SOURCE_GET_IFACE (self);
  *out_scanout = (LodgeScanout){.fd = -1};
  return iface->get_scanout != NULL && iface->get_scanout (self, out_scanout);
}

void
lodge_frame_source_drawn (LodgeFrameSource *self)
{
  g_return_if_fail (LODGE_IS_FRAME_SOURCE (self));

  if (LODGE_FRAME_SOURCE_GET_IFACE (self)->drawn != NULL)
    LODGE_FRAME_SOURCE_GET_IFACE (self)->drawn (self);
}

const char *
lodge_frame_source_get_problem (LodgeFrameSource *self)
{
  g_return_val_if_fail (LODGE_IS_FRAME_SOURCE (self), NULL);

  if (LODGE_FRAME_SOURCE_GET_IFACE (self)->get_problem == NULL)
    return NULL;
  return LODGE_FRAME_SOURCE_GET_IFACE (self)->get_problem (self);
}

void
lodge_frame_source_emit_frame_changed (LodgeFrameSource *self)
{
  g_return_if_fail (LODGE_IS_FRAME_SOURCE (self));
  g_signal_emit (self, signals[FRAME_CHANGED], 0);
}

void
lodge_frame_source_emit_damage (LodgeFrameSource *self, int x, int y, int width, int height)
{
  g_return_if_fail (LODGE_IS_FRAME_SOURCE (self));
  g_signal_emit (self, signals[DAMAGE], 0, x, y, width, height);
}

void
lodge_frame_source_emit_cursor_changed (LodgeFrameSource *self)
{
  g_return_if_fail (LODGE_IS_FRAME_SOURCE (self));
  g_signal_emit (self, signals[CURSOR_CHANGED], 0);
}

void
lodge_frame_source_emit_cursor_moved (LodgeFrameSource *self)
{
  g_return_if_fail (LODGE_IS_FRAME_SOURCE (self));
  g_signal_emit (self, signals[CURSOR_MOVED], 0);
}

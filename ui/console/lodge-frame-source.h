/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a guest's picture comes from. A display draws what a source offers and knows nothing of
 * SPICE; other transports are other implementations of this interface. */
#pragma once

#include "console/lodge-scanout.h"

#include <glib-object.h>

G_BEGIN_DECLS

#define LODGE_TYPE_FRAME_SOURCE (lodge_frame_source_get_type ())
G_DECLARE_INTERFACE (LodgeFrameSource, lodge_frame_source, LODGE, FRAME_SOURCE, GObject)

/* Pixels of 32 bits, 0xXXRRGGBB in the host's byte order; the X byte means nothing. */
typedef struct {
  const guint8 *data; /* NULL: nothing can be read of it now; it may be a scanout, below */
  int width;          /* 0: there is no picture now */
  int height;
  int stride; /* bytes from one line to the next, at least width * 4 */
} LodgeFrame;

/* A guest's cursor. Bytes R, G, B, A, straight alpha, stride width * 4. */
typedef struct {
  const guint8 *rgba; /* NULL: hidden */
  int width;
  int height;
  int hot_x; /* within the picture: 0 to width - 1 */
  int hot_y;
  int x; /* where it is: the guest has put it there, or this side while the pointer is absolute */
  int y; /* outside of the frame while it is on another monitor */
} LodgeCursor;

/* Signals, all on the main context
 *   "frame-changed" (): the buffer itself is another one (or gone). The old data is freed when the
 *     handlers return: whatever was made from it must go within the handler
 *   "damage" (int x, int y, int width, int height): pixels inside the frame changed
 *   "cursor-changed" ()
 *   "cursor-moved" ()
 */
struct _LodgeFrameSourceInterface {
  GTypeInterface parent;

  void (*get_frame) (LodgeFrameSource *self, LodgeFrame *out_frame);
  gboolean (*get_cursor) (LodgeFrameSource *self, LodgeCursor *out_cursor);

  /* These may be missing. */
  gboolean (*get_scanout) (LodgeFrameSource *self, LodgeScanout *out_scanout);
  void (*drawn) (LodgeFrameSource *self);
  const char *(*get_problem) (LodgeFrameSource *self);
};

/* Lent until "frame-changed". */
void lodge_frame_source_get_frame (LodgeFrameSource *self, LodgeFrame *out_frame);
/* FALSE when the guest has not said anything about its cursor yet: show the host's. Lent until
 * "cursor-changed". */
gboolean lodge_frame_source_get_cursor (LodgeFrameSource *self, LodgeCursor *out_cursor);

/* FALSE unless the picture is in a graphics card's memory; its size is the frame's, whose data is
 * NULL. Lent until "frame-changed". */
gboolean lodge_frame_source_get_scanout (LodgeFrameSource *self, LodgeScanout *out_scanout);
/* What was damaged of a scanout is on the screen: the guest, which waits for that, may go on. */
void lodge_frame_source_drawn (LodgeFrameSource *self);
/* Lent until "frame-changed": why there is no picture, where that is known; else NULL. */
const char *lodge_frame_source_get_problem (LodgeFrameSource *self);

/* For implementations. */
void lodge_frame_source_emit_frame_changed (LodgeFrameSource *self);
void lodge_frame_source_emit_damage (LodgeFrameSource *self, int x, int y, int width, int height);
void lodge_frame_source_emit_cursor_changed (LodgeFrameSource *self);
void lodge_frame_source_emit_cursor_moved (LodgeFrameSource *self);

G_END_DECLS

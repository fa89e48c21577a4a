/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's picture as render nodes: tiles that are made again only where it changed. */
#pragma once

#include "console/lodge-frame-source.h"
#include "console/lodge-display-view.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Guest pixels on a side of a tile for GL (cairo has bands): 128 doubles the cost of a full
 * repaint, 512 costs more for small changes. */
#define LODGE_TILE_SIZE 256

typedef struct _LodgeTiles LodgeTiles;

LodgeTiles *lodge_tiles_new (void);
void lodge_tiles_free (LodgeTiles *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeTiles, lodge_tiles_free)

/* Another buffer, or none. All that was made from the last one is let go of before this returns. */
void lodge_tiles_set_frame (LodgeTiles *self, const LodgeFrame *frame);
/* @for_cairo: whether GskCairoRenderer is what draws the nodes. */
void lodge_tiles_set_view (LodgeTiles *self, const LodgeDisplayView *view, gboolean for_cairo);
void lodge_tiles_damage (LodgeTiles *self, int x, int y, int width, int height);

/* Black where the picture is not (and below GL's tiles; cairo's have no alpha), and the tiles. */
void lodge_tiles_snapshot (LodgeTiles *self, GtkSnapshot *snapshot);

/* For tests. Lent; NULL for a tile that is to be made again. */
GskRenderNode *lodge_tiles_get_node (LodgeTiles *self, int column, int row);

G_END_DECLS

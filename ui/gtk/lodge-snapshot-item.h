/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of the tree of snapshots, in a list model. */
#pragma once

#include "console/lodge-snapshot-tree.h"

#include <gdk/gdk.h>

G_BEGIN_DECLS

#define LODGE_TYPE_SNAPSHOT_ITEM (lodge_snapshot_item_get_type ())
G_DECLARE_FINAL_TYPE (LodgeSnapshotItem, lodge_snapshot_item, LODGE, SNAPSHOT_ITEM, GObject)

/* Signal "changed" (): another thumbnail. */

LodgeSnapshotItem *lodge_snapshot_item_new (LodgeSnapshotRow *row);

/* Lent. */
const LodgeSnapshotRow *lodge_snapshot_item_get_row (LodgeSnapshotItem *self);

/* NULL when there is none (yet). */
GdkPaintable *lodge_snapshot_item_get_thumbnail (LodgeSnapshotItem *self);
void lodge_snapshot_item_set_thumbnail (LodgeSnapshotItem *self, GdkPaintable *thumbnail);

G_END_DECLS

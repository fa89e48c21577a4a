/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of the tree of snapshots, in a list model. */
#include "gtk/lodge-snapshot-item.h"

struct _LodgeSnapshotItem {
  GObject parent_instance;

  LodgeSnapshotRow *row;
  GdkPaintable *thumbnail;
};

G_DEFINE_FINAL_TYPE (LodgeSnapshotItem, lodge_snapshot_item, G_TYPE_OBJECT)

static guint changed_signal;

static void
lodge_snapshot_item_finalize (GObject *object)
{
  LodgeSnapshotItem *self = LODGE_SNAPSHOT_ITEM (object);

  lodge_snapshot_row_unref (self->row);
  g_clear_object (&self->thumbnail);
  G_OBJECT_CLASS (lodge_snapshot_item_parent_class)->finalize (object);
}

static void
lodge_snapshot_item_class_init (LodgeSnapshotItemClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_snapshot_item_finalize;
  changed_signal = g_signal_new ("changed", LODGE_TYPE_SNAPSHOT_ITEM, G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 0);
}

static void
lodge_snapshot_item_init (LodgeSnapshotItem *self)
{
}

LodgeSnapshotItem *
lodge_snapshot_item_new (LodgeSnapshotRow *row)
{
  LodgeSnapshotItem *self = g_object_new (LODGE_TYPE_SNAPSHOT_ITEM, NULL);

  self->row = lodge_snapshot_row_ref (row);
  return self;
}

const LodgeSnapshotRow *
lodge_snapshot_item_get_row (LodgeSnapshotItem *self)
{
  return self->row;
}

GdkPaintable *
lodge_snapshot_item_get_thumbnail (LodgeSnapshotItem *self)
{
  return self->thumbnail;
}

void
lodge_snapshot_item_set_thumbnail (LodgeSnapshotItem *self, GdkPaintable *thumbnail)
{
  if (g_set_object (&self->thumbnail, thumbnail))
    g_signal_emit (self, changed_signal, 0);
}

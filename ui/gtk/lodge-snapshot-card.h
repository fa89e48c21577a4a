/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of the tree of snapshots as it is drawn: lines, picture, name, when, how large, and what
 * can be done with it. Its buttons and menu activate "snapshots.go-back", "snapshots.describe" and
 * "snapshots.delete" with the snapshot's id. */
#pragma once

#include "gtk/lodge-snapshot-item.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LODGE_TYPE_SNAPSHOT_CARD (lodge_snapshot_card_get_type ())
G_DECLARE_FINAL_TYPE (LodgeSnapshotCard, lodge_snapshot_card, LODGE, SNAPSHOT_CARD, GtkWidget)

GtkWidget *lodge_snapshot_card_new (void);

/* @item: (nullable) */
void lodge_snapshot_card_set_item (LodgeSnapshotCard *self, LodgeSnapshotItem *item);
/* Lent, or NULL. */
LodgeSnapshotItem *lodge_snapshot_card_get_item (LodgeSnapshotCard *self);
/* The present has none. */
void lodge_snapshot_card_popup_menu (LodgeSnapshotCard *self);

G_END_DECLS

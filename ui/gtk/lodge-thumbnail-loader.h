/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fetches the pictures of those machines whose cards are on screen, a few at a time. */
#pragma once

#include "console/lodge-connection.h"
#include "gtk/lodge-machine-item.h"

G_BEGIN_DECLS

#define LODGE_TYPE_THUMBNAIL_LOADER (lodge_thumbnail_loader_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeThumbnailLoader, lodge_thumbnail_loader, LODGE, THUMBNAIL_LOADER, GObject)

LodgeThumbnailLoader *lodge_thumbnail_loader_new (LodgeConnection *connection);

/* From now on @item has the picture of its serial, until it is let go. */
void lodge_thumbnail_loader_want (LodgeThumbnailLoader *self, LodgeMachineItem *item);
void lodge_thumbnail_loader_let_go (LodgeThumbnailLoader *self, LodgeMachineItem *item);

G_END_DECLS

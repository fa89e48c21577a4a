/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A frame source fed by SPICE's display and cursor channels. */
#pragma once

#include "console/lodge-frame-source.h"

#include <spice-client.h>

G_BEGIN_DECLS

#define LODGE_TYPE_SPICE_SOURCE (lodge_spice_source_get_type ())
G_DECLARE_FINAL_TYPE (LodgeSpiceSource, lodge_spice_source, LODGE, SPICE_SOURCE, GObject)

LodgeSpiceSource *lodge_spice_source_new (void);

/* Each keeps a reference, and lets go of the channel it had. NULL: there is none now.
 *
 * @monitor: which of the channel's. A QXL card has several on one surface, one beside the other; a
 * virtio card has a channel for each, where it is the first one. Without that many there is no
 * picture; the first one is all of the surface where the server names none. */
void lodge_spice_source_set_display (LodgeSpiceSource *self,
                                     SpiceDisplayChannel *channel,
                                     guint monitor);
/* Whether somebody looks, and says what of a scanout was drawn. FALSE at first. */
void lodge_spice_source_set_shown (LodgeSpiceSource *self, gboolean shown);
void lodge_spice_source_set_cursor (LodgeSpiceSource *self, SpiceCursorChannel *channel);

/* Where the monitor begins in all that its channel shows. */
void lodge_spice_source_get_offset (LodgeSpiceSource *self, int *out_x, int *out_y);
/* Where the client has put an absolute pointer, of which no server says anything. May be outside.
 */
void lodge_spice_source_place_cursor (LodgeSpiceSource *self, int x, int y);

G_END_DECLS

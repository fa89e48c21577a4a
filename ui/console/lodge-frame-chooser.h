/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One monitor's picture out of two places: SPICE, which always has it, and QEMU's own memory, which
 * is sooner where it can be had. Whoever shows it does not see the difference.
 *
 * The cursor is SPICE's. The other picture counts only while it is as large as SPICE's, which says
 * what the guest's pointer moves on.
 */
#pragma once

#include "console/lodge-frame-source.h"

G_BEGIN_DECLS

#define LODGE_TYPE_FRAME_CHOOSER (lodge_frame_chooser_get_type ())
G_DECLARE_FINAL_TYPE (LodgeFrameChooser, lodge_frame_chooser, LODGE, FRAME_CHOOSER, GObject)

/* Keeps a reference on @spice. */
LodgeFrameChooser *lodge_frame_chooser_new (LodgeFrameSource *spice, guint monitor);

/* @path: (nullable): where the engine gives frames (lodge-frames-wire.h); NULL or "": nowhere */
void lodge_frame_chooser_set_socket (LodgeFrameChooser *self, const char *path);
/* Whether anybody looks. Frames are only asked for while that is so. FALSE at first. */
void lodge_frame_chooser_set_shown (LodgeFrameChooser *self, gboolean shown);
/* Whether the picture is QEMU's own now. */
gboolean lodge_frame_chooser_is_mapped (LodgeFrameChooser *self);
/* How long it waits the next time that it cannot be. */
guint lodge_frame_chooser_get_pause_ms (LodgeFrameChooser *self);

G_END_DECLS

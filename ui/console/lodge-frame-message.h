/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's own words in the place of a guest's picture.
 *
 * A graphics card without a picture (a guest that has switched its display off, or has not come to
 * switching it on) is shown by QEMU as a black picture with a sentence in its middle, which SPICE
 * sends like any other. So that can only be told by looking at it.
 */
#pragma once

#include "console/lodge-frame-source.h"

G_BEGIN_DECLS

/* Cheap enough for every damage: nearly every other picture is told by a few of its pixels. */
gboolean lodge_frame_is_message (const LodgeFrame *frame);
/* The guest shows something: there is a picture, and not one that its card has written. */
gboolean lodge_frame_is_shown (const LodgeFrame *frame);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of GTK's renderers draws the windows. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether a device of @dev, which is "/dev" outside of tests, lets OpenGL draw on a graphics card:
 * a render node of Linux's DRM, NVIDIA's own driver, or the card of a Windows that Linux runs in.
 */
gboolean lodge_renderer_has_card (const char *dev);

/* Has GTK draw with cairo where no graphics card would do it: OpenGL computed by the processor
 * paints the whole window anew for each letter that changes. Leaves a choice that was made in the
 * variable GSK_RENDERER as it is. To be called before GTK is initialised, and before there are
 * threads. */
void lodge_renderer_choose (void);

G_END_DECLS

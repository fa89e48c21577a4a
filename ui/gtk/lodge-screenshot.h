/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's picture as a file: in its own pixels, whatever a window makes of them, among the user's
 * pictures, under a name that was free. */
#pragma once

#include "gtk/lodge-display.h"

G_BEGIN_DECLS

/**
 * lodge_screenshot_copy:
 * @source: (nullable): what @display shows
 *
 * Returns: (transfer full) (nullable): what is on the screen now; %NULL where nothing of it can be
 *   read
 */
GdkTexture *lodge_screenshot_copy (LodgeFrameSource *source, LodgeDisplay *display);

/**
 * lodge_screenshot_save_async:
 * @owner: a #GObject, the source of the result; kept until then
 * @texture: (transfer full) (nullable): either this
 * @png: (transfer full) (nullable): or this
 * @what: what the file is named by
 *
 * Returns by finish: (transfer full): the file
 * Errors: those of %G_IO_ERROR.
 */
void lodge_screenshot_save_async (gpointer owner,
                                  GdkTexture *texture,
                                  GBytes *png,
                                  const char *what,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
GFile *lodge_screenshot_save_finish (GAsyncResult *result, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words as pictures: what a window says when there is nothing to show, and the line at its foot. */
#pragma once

#include <SDL.h>
#include <glib.h>

G_BEGIN_DECLS

/**
 * lodge_sdl_text_new:
 * @heading: (nullable): large
 * @body: (nullable): below it; neither is taken for markup
 * @width: of the room, in pixels of the screen; long text is wrapped
 * @size: of a line of @body, in such pixels
 *
 * Returns: (transfer full): a transparent picture with white words in the middle of it, or %NULL
 *   when there is no memory
 */
SDL_Surface *lodge_sdl_text_new (const char *heading, const char *body, int width, int size);

G_END_DECLS

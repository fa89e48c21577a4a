/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's cursor as one of this host. */
#pragma once

#include "console/lodge-frame-source.h"

#include <SDL.h>

G_BEGIN_DECLS

/* @scale: pixels of the screen in one of the guest's. The colours are straight, not multiplied by
 * the alpha. Returns: (transfer full): or NULL without memory. */
SDL_Surface *lodge_sdl_cursor_make_surface (const LodgeCursor *cursor, double scale);
/* Returns: (transfer full): NULL where the display server takes no coloured cursors. */
SDL_Cursor *lodge_sdl_cursor_new (const LodgeCursor *cursor, double scale);

G_END_DECLS

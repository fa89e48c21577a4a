/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's cursor as one of this host. */
#include "sdl/lodge-sdl-cursor.h"

#include <math.h>

/* Cursors made larger than this are too large for a display server's hardware plane, or for it. */
#define CURSOR_SIZE_MAX 256

static int
scale_side (int side, double scale)
{
  return CLAMP ((int) round (side * scale), 1, CURSOR_SIZE_MAX);
}

SDL_Surface *
lodge_sdl_cursor_make_surface (const LodgeCursor *cursor, double scale)
{
  const int width = scale_side (cursor->width, scale);
  const int height = scale_side (cursor->height, scale);
  /* The pixels are lent, and only read. */
  SDL_Surface *lent =
      SDL_CreateRGBSurfaceWithFormatFrom ((void *) cursor->rgba, cursor->width, cursor->height, 32,
                                          cursor->width * 4, SDL_PIXELFORMAT_RGBA32);
  SDL_Surface *result =
      SDL_CreateRGBSurfaceWithFormat (0, width, height, 32, SDL_PIXELFORMAT_RGBA32);

  if (lent != NULL && result != NULL) {
    /* Every byte as it is: no blending with what is below, which is nothing yet. Pixels are doubled
     * and not blurred, because colours of transparent ones are anything. */
    SDL_SetSurfaceBlendMode (lent, SDL_BLENDMODE_NONE);
    SDL_BlitScaled (lent, NULL, result, NULL);
  }
  SDL_FreeSurface (lent);
  return result;
}

SDL_Cursor *
lodge_sdl_cursor_new (const LodgeCursor *cursor, double scale)
{
  SDL_Surface *surface = lodge_sdl_cursor_make_surface (cursor, scale);
  SDL_Cursor *result = NULL;

  if (surface != NULL)
    result = SDL_CreateColorCursor (surface, cursor->hot_x * surface->w / cursor->width,
                                    cursor->hot_y * surface->h / cursor->height);
  SDL_FreeSurface (surface);
  return result;
}

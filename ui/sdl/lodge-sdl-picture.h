/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's picture on SDL's renderer.
 *
 * Owns: the texture, and what of it is out of date. Never: keeps a pixel of the source's beyond
 * its "frame-changed".
 */
#pragma once

#include "console/lodge-frame-source.h"

#include <SDL.h>

G_BEGIN_DECLS

typedef struct _LodgeSdlPicture LodgeSdlPicture;

/* Called when it is to be drawn again. @resized: the picture has another size, or is gone, or
 * there again. */
typedef void (*LodgeSdlPictureFunc) (gboolean resized, gpointer user_data);

/* @renderer: lent; it outlives this */
LodgeSdlPicture *lodge_sdl_picture_new (LodgeFrameSource *source,
                                        SDL_Renderer *renderer,
                                        LodgeSdlPictureFunc func,
                                        gpointer user_data);
void lodge_sdl_picture_free (LodgeSdlPicture *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeSdlPicture, lodge_sdl_picture_free)

/* 0 by 0: there is none. */
void lodge_sdl_picture_get_size (LodgeSdlPicture *self, int *out_width, int *out_height);
/* The renderer has lost its textures (SDL_RENDER_DEVICE_RESET, SDL_RENDER_TARGETS_RESET). */
void lodge_sdl_picture_forget_texture (LodgeSdlPicture *self);
/* @place: where on the renderer's target, in its pixels. FALSE when it could not be. */
gboolean lodge_sdl_picture_draw (LodgeSdlPicture *self, const SDL_Rect *place);

G_END_DECLS

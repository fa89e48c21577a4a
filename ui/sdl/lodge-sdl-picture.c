/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's picture on SDL's renderer: one texture, of which what the guest has changed is given
 * to the renderer when the window is drawn, and not before: many changes are one picture. */
#include "sdl/lodge-sdl-picture.h"

#include "lodge-damage.h"

/* More pieces than these cost more than what lies between them. */
#define PIECES_MAX 32

struct _LodgeSdlPicture {
  LodgeFrameSource *source;
  SDL_Renderer *renderer;
  LodgeSdlPictureFunc func;
  gpointer user_data;

  SDL_Texture *texture;
  cairo_region_t *damage; /* what the texture has not got yet */
};

void
lodge_sdl_picture_get_size (LodgeSdlPicture *self, int *out_width, int *out_height)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (self->source, &frame);
  *out_width = frame.data != NULL ? frame.width : 0;
  *out_height = frame.data != NULL ? frame.height : 0;
}

void
lodge_sdl_picture_forget_texture (LodgeSdlPicture *self)
{
  g_clear_pointer (&self->texture, SDL_DestroyTexture);
}

static void
frame_changed_cb (LodgeFrameSource *source, LodgeSdlPicture *self)
{
  lodge_sdl_picture_forget_texture (self);
  self->func (TRUE, self->user_data);
}

static void
damage_cb (LodgeFrameSource *source, int x, int y, int width, int height, LodgeSdlPicture *self)
{
  const cairo_rectangle_int_t piece = {x, y, width, height};
  LodgeScanout scanout;

  /* It is not shown; the guest shall not wait for that. */
  if (lodge_frame_source_get_scanout (source, &scanout)) {
    lodge_frame_source_drawn (source);
    return;
  }
  lodge_damage_add (self->damage, &piece);
  self->func (FALSE, self->user_data);
}

static void
upload (LodgeSdlPicture *self, const LodgeFrame *frame, const cairo_rectangle_int_t *piece)
{
  const SDL_Rect rect = {piece->x, piece->y, piece->width, piece->height};

  SDL_UpdateTexture (self->texture, &rect,
                     frame->data + (gsize) rect.y * frame->stride + (gsize) rect.x * 4,
                     frame->stride);
}

static gboolean
make_texture (LodgeSdlPicture *self, const LodgeFrame *frame)
{
  const cairo_rectangle_int_t whole = {0, 0, frame->width, frame->height};

  if (self->texture != NULL)
    return TRUE;
  self->texture = SDL_CreateTexture (self->renderer, SDL_PIXELFORMAT_RGB888,
                                     SDL_TEXTUREACCESS_STREAMING, frame->width, frame->height);
  if (self->texture == NULL)
    return FALSE;
  SDL_SetTextureBlendMode (self->texture, SDL_BLENDMODE_NONE);
  cairo_region_union_rectangle (self->damage, &whole);
  return TRUE;
}

static void
update_texture (LodgeSdlPicture *self, const LodgeFrame *frame)
{
  cairo_rectangle_int_t piece = {0, 0, frame->width, frame->height};

  cairo_region_intersect_rectangle (self->damage, &piece);
  const int n = cairo_region_num_rectangles (self->damage);
  if (n > PIECES_MAX) {
    cairo_region_get_extents (self->damage, &piece);
    upload (self, frame, &piece);
  } else {
    for (int i = 0; i < n; i++) {
      cairo_region_get_rectangle (self->damage, i, &piece);
      upload (self, frame, &piece);
    }
  }
  cairo_region_subtract (self->damage, self->damage);
}

/* Whole multiples stay sharp: each of the guest's pixels is a block of the screen's. */
static SDL_ScaleMode
get_scale_mode (const LodgeFrame *frame, const SDL_Rect *place)
{
  return place->w % frame->width == 0 && place->h % frame->height == 0 ? SDL_ScaleModeNearest
                                                                       : SDL_ScaleModeLinear;
}

gboolean
lodge_sdl_picture_draw (LodgeSdlPicture *self, const SDL_Rect *place)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (self->source, &frame);
  if (frame.data == NULL || !make_texture (self, &frame))
    return FALSE;
  update_texture (self, &frame);
  SDL_SetTextureScaleMode (self->texture, get_scale_mode (&frame, place));
  return SDL_RenderCopy (self->renderer, self->texture, NULL, place) == 0;
}

LodgeSdlPicture *
lodge_sdl_picture_new (LodgeFrameSource *source,
                       SDL_Renderer *renderer,
                       LodgeSdlPictureFunc func,
                       gpointer user_data)
{
  LodgeSdlPicture *self = g_new0 (LodgeSdlPicture, 1);

  self->source = g_object_ref (source);
  self->renderer = renderer;
  self->func = func;
  self->user_data = user_data;
  self->damage = cairo_region_create ();
  g_signal_connect (source, "frame-changed", G_CALLBACK (frame_changed_cb), self);
  g_signal_connect (source, "damage", G_CALLBACK (damage_cb), self);
  return self;
}

void
lodge_sdl_picture_free (LodgeSdlPicture *self)
{
  if (self == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->source, self);
  lodge_sdl_picture_forget_texture (self);
  cairo_region_destroy (self->damage);
  g_object_unref (self->source);
  g_free (self);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A part of a window whose pixels go onto the screen without GTK. */
#include "gtk/lodge-plane-private.h"

#include "lodge-damage.h"

#include <pixman.h>

#ifdef LODGE_HAVE_X11_PLANE
#include <gdk/x11/gdkx.h>
#endif
#ifdef LODGE_HAVE_WAYLAND
#include <gdk/wayland/gdkwayland.h>
#endif

LodgePlane *
lodge_plane_new (GdkSurface *surface, const LodgePlaneEvents *events, gpointer user_data)
{
  LodgePlane *self = NULL;

#ifdef LODGE_HAVE_X11_PLANE
  if (GDK_IS_X11_SURFACE (surface))
    self = lodge_plane_x11_new (surface);
#endif
#ifdef LODGE_HAVE_WAYLAND
  if (GDK_IS_WAYLAND_SURFACE (surface))
    self = lodge_plane_wayland_new (surface);
#endif
  if (self == NULL)
    return NULL;
  self->events = events;
  self->user_data = user_data;
  return self;
}

void
lodge_plane_free (LodgePlane *self)
{
  if (self != NULL)
    self->kind->free (self);
}

gboolean
lodge_plane_fits (LodgePlane *self, const cairo_rectangle_int_t *place, double scale)
{
  self->scale = scale;
  return self->kind->fits == NULL || self->kind->fits (self, place);
}

gboolean
lodge_plane_show (LodgePlane *self, const cairo_rectangle_int_t *place, double scale)
{
  self->scale = scale;
  return self->kind->show (self, place);
}

void
lodge_plane_hide (LodgePlane *self)
{
  if (self->shown)
    self->kind->hide (self);
}

gboolean
lodge_plane_put (
    LodgePlane *self, const LodgeFrame *frame, int x, int y, const cairo_region_t *damage)
{
  const cairo_rectangle_int_t seen = {x, y, self->place.width, self->place.height};
  const cairo_rectangle_int_t all = {0, 0, frame->width, frame->height};
  cairo_rectangle_int_t pieces[LODGE_DAMAGE_PIECES_MAX];
  cairo_region_t *region;
  int n;

  if (!self->shown || frame->data == NULL)
    return TRUE;
  region = cairo_region_copy (damage);
  cairo_region_intersect_rectangle (region, &seen);
  cairo_region_intersect_rectangle (region, &all);
  /* More than are told apart there are not, however they are cut. */
  n = cairo_region_num_rectangles (region);
  if (n > LODGE_DAMAGE_PIECES_MAX) {
    cairo_region_get_extents (region, &pieces[0]);
    n = 1;
  } else {
    for (int i = 0; i < n; i++)
      cairo_region_get_rectangle (region, i, &pieces[i]);
  }
  cairo_region_destroy (region);
  return n == 0 || self->kind->put (self, frame, x, y, pieces, n);
}

void
lodge_plane_copy (const LodgeFrame *frame,
                  int x,
                  int y,
                  guint32 *to,
                  int width,
                  const cairo_rectangle_int_t *place)
{
  pixman_image_t *source = pixman_image_create_bits_no_clear (
      PIXMAN_x8r8g8b8, frame->width, frame->height, (guint32 *) frame->data, frame->stride);
  pixman_image_t *target = pixman_image_create_bits_no_clear (
      PIXMAN_a8r8g8b8, width, place->y + place->height, to, width * (int) sizeof (guint32));

  pixman_image_composite32 (PIXMAN_OP_SRC, source, NULL, target, x, y, 0, 0, place->x, place->y,
                            place->width, place->height);
  pixman_image_unref (target);
  pixman_image_unref (source);
}

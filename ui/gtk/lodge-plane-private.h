/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each windowing system does for a plane; see lodge-plane.h. */
#pragma once

#include "gtk/lodge-plane.h"

G_BEGIN_DECLS

typedef struct {
  void (*free) (LodgePlane *self);
  gboolean (*show) (LodgePlane *self, const cairo_rectangle_int_t *place);
  void (*hide) (LodgePlane *self);
  /* @pieces: at least one, of the picture and inside the plane */
  gboolean (*put) (LodgePlane *self,
                   const LodgeFrame *frame,
                   int x,
                   int y,
                   const cairo_rectangle_int_t *pieces,
                   int n_pieces);
  gboolean (*fits) (LodgePlane *self, const cairo_rectangle_int_t *place); /* NULL: anywhere */
} LodgePlaneKind;

/* The first member of each. */
struct _LodgePlane {
  const LodgePlaneKind *kind;
  const LodgePlaneEvents *events;
  gpointer user_data;
  cairo_rectangle_int_t place; /* of the last time it was shown; 0 x 0: never yet */
  double scale;                /* set before "fits" and "show" are called */
  gboolean shown;
};

/* NULL where it cannot be. Events and user data are not set yet. */
#ifdef LODGE_HAVE_X11_PLANE
LodgePlane *lodge_plane_x11_new (GdkSurface *surface);
#endif
#ifdef LODGE_HAVE_WAYLAND
LodgePlane *lodge_plane_wayland_new (GdkSurface *surface);
#endif

/* Copies a part of a picture, opaque: its X byte means nothing.
 * @x, @y: the picture's pixel that goes to the left and top of @place
 * @to: an image of lines of @width pixels, without padding, in which @place lies */
void lodge_plane_copy (const LodgeFrame *frame,
                       int x,
                       int y,
                       guint32 *to,
                       int width,
                       const cairo_rectangle_int_t *place);

/* Of its pixels, in bytes. */
static inline gsize
lodge_plane_get_size (const cairo_rectangle_int_t *piece)
{
  return (gsize) piece->width * piece->height * sizeof (guint32);
}

G_END_DECLS

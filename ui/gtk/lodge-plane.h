/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A part of a window whose pixels go onto the screen without GTK: from the guest's memory into
 * memory of the display server, in one step and at once. What GTK needs to find out what changed in
 * a window, and to draw it, takes several times as long as to copy what a guest changes while
 * somebody types.
 *
 * It lies over all that GTK draws in that place, and the pointer does not see it.
 */
#pragma once

#include "console/lodge-frame-source.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct _LodgePlane LodgePlane;

/* Those that say nothing else may also come within a call of lodge_plane_put(). */
typedef struct {
  /* There is room for what was refused. */
  void (*ready) (gpointer user_data);
  /* The server has not kept all of it: it is wanted again. */
  void (*exposed) (gpointer user_data);
  /* It is of no use any more, and is to be freed; not within that call. */
  void (*lost) (gpointer user_data);
  /* It comes, or moves, with the next frame in which GTK draws something; one is wanted. Only
   * within a call of lodge_plane_show(). */
  void (*frame_wanted) (gpointer user_data);
} LodgePlaneEvents;

/* For the window of this surface; hidden at first. NULL where its windowing system has no such
 * thing, or the display server is on another machine. */
LodgePlane *
lodge_plane_new (GdkSurface *surface, const LodgePlaneEvents *events, gpointer user_data);
void lodge_plane_free (LodgePlane *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgePlane, lodge_plane_free)

/* Whether it can be shown there; FALSE also before that is known: "ready" will follow.
 * @place: in device pixels of the surface, at least 1 x 1
 * @scale: device pixels in one of the surface's own */
gboolean lodge_plane_fits (LodgePlane *self, const cairo_rectangle_int_t *place, double scale);
/* Shows it there, where it fits. What it then shows is undefined until it is put.
 * Returns: FALSE: there is no memory for one as large; it is hidden. */
gboolean lodge_plane_show (LodgePlane *self, const cairo_rectangle_int_t *place, double scale);
/* A frame in which GTK draws all of that place must follow. */
void lodge_plane_hide (LodgePlane *self);

/* Brings a part of the picture onto the screen, pixel for pixel.
 * @x, @y: the picture's pixel that is at the left and top of the plane
 * @damage: in pixels of the picture; what is outside of picture or plane is left out
 * Returns: FALSE: the server has not read yet what it was given before; "ready" will follow. */
gboolean lodge_plane_put (
    LodgePlane *self, const LodgeFrame *frame, int x, int y, const cairo_region_t *damage);

G_END_DECLS

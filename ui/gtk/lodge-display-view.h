/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in a widget the guest's picture is, and which of its pixels is under a point.
 *
 * All edges lie on device pixels: a picture of the size of the widget is shown pixel for pixel, and
 * the tiles it is drawn in meet without a seam.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  /* the widget, in its own (logical) pixels, and where it is in the window's surface */
  double width;
  double height;
  double origin_x;
  double origin_y;
  double device_scale; /* device pixels in one logical pixel */
  /* the picture, in device pixels of the surface */
  int left;
  int top;
  int view_width;
  int view_height;
  /* and in its own */
  int guest_width;
  int guest_height;
} LodgeDisplayView;

/* Fills in the picture's place: as large as it fits, its sides in proportion, in the middle. Its
 * scale is a whole number where that leaves little room unused. Without a picture (0 x 0) the view
 * is empty. */
void lodge_display_view_fit (LodgeDisplayView *self, int guest_width, int guest_height);
/* How many whole device pixels the widget has: the size at which nothing is scaled. */
void lodge_display_view_get_room (const LodgeDisplayView *self, int *out_width, int *out_height);
gboolean lodge_display_view_equal (const LodgeDisplayView *a, const LodgeDisplayView *b);
gboolean lodge_display_view_is_unscaled (const LodgeDisplayView *self);

/* From device pixels of the surface to the widget's own. */
double lodge_display_view_from_device_x (const LodgeDisplayView *self, double x);
double lodge_display_view_from_device_y (const LodgeDisplayView *self, double y);
/* The guest's pixel that is shown at a point of the widget; the nearest one for points outside.
 * FALSE when there is no picture. */
gboolean lodge_display_view_to_guest (
    const LodgeDisplayView *self, double x, double y, int *out_x, int *out_y);

G_END_DECLS

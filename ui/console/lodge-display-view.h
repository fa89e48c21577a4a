/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in a widget the guest's picture is, and which of its pixels is under a point.
 *
 * All edges lie on device pixels: a picture of the size of the widget is shown pixel for pixel, and
 * the tiles it is drawn in meet without a seam.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How the picture is made to fit. */
typedef enum {
  LODGE_FIT_ROOM,       /* as large as it fits; by a whole number where that leaves little unused */
  LODGE_FIT_WHOLE,      /* larger only by a whole number; smaller as it must */
  LODGE_FIT_ONE_TO_ONE, /* never scaled: what does not fit is cut, and the view can be moved */
} LodgeFit;

typedef struct {
  /* the widget, in its own (logical) pixels, and where it is in the window's surface */
  double width;
  double height;
  double origin_x;
  double origin_y;
  double device_scale; /* device pixels in one logical pixel */
  LodgeFit fit;
  /* how much of a picture that does not fit is cut at its left and top; made valid by _fit() */
  int pan_x;
  int pan_y;
  /* the picture, in device pixels of the surface */
  int left;
  int top;
  int view_width;
  int view_height;
  /* and in its own */
  int guest_width;
  int guest_height;
} LodgeDisplayView;

/* Fills in the picture's place: as "fit" says, its sides in proportion, in the middle. Without a
 * picture (0 x 0) the view is empty. */
void lodge_display_view_fit (LodgeDisplayView *self, int guest_width, int guest_height);
/* How many whole device pixels the widget has: the size at which nothing is scaled. */
void lodge_display_view_get_room (const LodgeDisplayView *self, int *out_width, int *out_height);
/* The part of an unscaled picture that lies in the widget, in the picture's pixels. */
void lodge_display_view_get_shown (
    const LodgeDisplayView *self, int *out_x, int *out_y, int *out_width, int *out_height);
gboolean lodge_display_view_equal (const LodgeDisplayView *a, const LodgeDisplayView *b);
gboolean lodge_display_view_is_unscaled (const LodgeDisplayView *self);
/* 2 when each of the guest's pixels is exactly 2 x 2 of the screen's, and so on; 1 when it is one;
 * 0 for anything else. */
int lodge_display_view_get_multiple (const LodgeDisplayView *self);

/* From device pixels of the surface to the widget's own. */
double lodge_display_view_from_device_x (const LodgeDisplayView *self, double x);
double lodge_display_view_from_device_y (const LodgeDisplayView *self, double y);
/* The guest's pixel that is shown at a point of the widget; the nearest one for points outside.
 * FALSE when there is no picture. */
gboolean lodge_display_view_to_guest (
    const LodgeDisplayView *self, double x, double y, int *out_x, int *out_y);

G_END_DECLS

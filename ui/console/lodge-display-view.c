/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in a widget the guest's picture is, and which of its pixels is under a point. */
#include "console/lodge-display-view.h"

#include <math.h>

/* Room left unused for the sake of an unblurred picture, in device pixels and as a part of the
 * whole; either will do. Guests round widths down to a multiple of 8 or 16, and would otherwise be
 * stretched by a per cent. */
#define UNUSED_MAX      16
#define UNUSED_PART_MAX 0.03

/* Products like 1.1 * 10 come out a little above the whole number that is meant. */
#define EPSILON 1e-6
/* Wayland names points in 256ths of a logical pixel (wl_fixed_t), rounded down. */
#define POINT_GRAIN (1.0 / 256)

static void
get_edges (double origin, double size, double scale, int *first, int *last)
{
  *first = ceil (origin * scale - EPSILON);
  *last = MAX (*first, (int) floor ((origin + size) * scale + EPSILON));
}

void
lodge_display_view_get_room (const LodgeDisplayView *self, int *out_width, int *out_height)
{
  int first, last;

  get_edges (self->origin_x, self->width, self->device_scale, &first, &last);
  *out_width = last - first;
  get_edges (self->origin_y, self->height, self->device_scale, &first, &last);
  *out_height = last - first;
}

static double
find_scale (const LodgeDisplayView *self, int room_width, int room_height)
{
  double by_width = (double) room_width / self->guest_width;
  double by_height = (double) room_height / self->guest_height;
  double scale = MIN (by_width, by_height);
  double whole = floor (scale + EPSILON);
  double unused = (scale - whole) * (by_width < by_height ? self->guest_width : self->guest_height);

  if (self->fit == LODGE_FIT_ONE_TO_ONE)
    return 1;
  if (whole >= 1 && (self->fit == LODGE_FIT_WHOLE || unused <= UNUSED_MAX ||
                     (scale - whole) / scale <= UNUSED_PART_MAX))
    return whole;
  return scale;
}

/* Where a side of the picture begins: in the middle, or cut. */
static int
place (int first, int room, int view, int *pan)
{
  *pan = CLAMP (*pan, 0, MAX (view - room, 0));
  return view > room ? first - *pan : first + (room - view) / 2;
}

void
lodge_display_view_fit (LodgeDisplayView *self, int guest_width, int guest_height)
{
  int left, right, top, bottom;

  self->guest_width = guest_width;
  self->guest_height = guest_height;
  self->left = self->top = self->view_width = self->view_height = 0;

  get_edges (self->origin_x, self->width, self->device_scale, &left, &right);
  get_edges (self->origin_y, self->height, self->device_scale, &top, &bottom);
  int room_width = right - left;
  int room_height = bottom - top;
  if (guest_width < 1 || guest_height < 1 || room_width < 1 || room_height < 1) {
    self->pan_x = self->pan_y = 0;
    return;
  }

  double scale = find_scale (self, room_width, room_height);
  self->view_width = MAX (1, (int) round (guest_width * scale));
  self->view_height = MAX (1, (int) round (guest_height * scale));
  if (self->fit != LODGE_FIT_ONE_TO_ONE) {
    self->view_width = MIN (self->view_width, room_width);
    self->view_height = MIN (self->view_height, room_height);
  }
  self->left = place (left, room_width, self->view_width, &self->pan_x);
  self->top = place (top, room_height, self->view_height, &self->pan_y);
}

void
lodge_display_view_get_shown (
    const LodgeDisplayView *self, int *out_x, int *out_y, int *out_width, int *out_height)
{
  int left, right, top, bottom;

  get_edges (self->origin_x, self->width, self->device_scale, &left, &right);
  get_edges (self->origin_y, self->height, self->device_scale, &top, &bottom);
  *out_x = MAX (left - self->left, 0);
  *out_y = MAX (top - self->top, 0);
  *out_width = MAX (MIN (right - self->left, self->view_width) - *out_x, 0);
  *out_height = MAX (MIN (bottom - self->top, self->view_height) - *out_y, 0);
}

gboolean
lodge_display_view_equal (const LodgeDisplayView *a, const LodgeDisplayView *b)
{
  return a->width == b->width && a->height == b->height && a->origin_x == b->origin_x &&
         a->origin_y == b->origin_y && a->device_scale == b->device_scale && a->left == b->left &&
         a->top == b->top && a->view_width == b->view_width && a->view_height == b->view_height &&
         a->guest_width == b->guest_width && a->guest_height == b->guest_height;
}

gboolean
lodge_display_view_is_unscaled (const LodgeDisplayView *self)
{
  return self->view_width == self->guest_width && self->view_height == self->guest_height;
}

int
lodge_display_view_get_multiple (const LodgeDisplayView *self)
{
  int multiple = self->guest_width > 0 ? self->view_width / self->guest_width : 0;

  return self->view_width == multiple * self->guest_width &&
                 self->view_height == multiple * self->guest_height
             ? multiple
             : 0;
}

double
lodge_display_view_from_device_x (const LodgeDisplayView *self, double x)
{
  return x / self->device_scale - self->origin_x;
}

double
lodge_display_view_from_device_y (const LodgeDisplayView *self, double y)
{
  return y / self->device_scale - self->origin_y;
}

/* The first pixel shown is the guest's first and the last one its last, so that a pointer in the
 * corner of the view is in the corner of the guest at any scale. */
/* @grain: how much less than it is @position may be */
static int
to_guest (double position, double grain, int view, int guest)
{
  double pixel = CLAMP (floor (position + grain), 0, view - 1);

  return view > 1 ? (int) round (pixel * (guest - 1) / (view - 1)) : 0;
}

gboolean
lodge_display_view_to_guest (
    const LodgeDisplayView *self, double x, double y, int *out_x, int *out_y)
{
  if (self->view_width < 1 || self->view_height < 1)
    return FALSE;

  const double grain = POINT_GRAIN * self->device_scale;

  *out_x = to_guest ((x + self->origin_x) * self->device_scale - self->left, grain,
                     self->view_width, self->guest_width);
  *out_y = to_guest ((y + self->origin_y) * self->device_scale - self->top, grain,
                     self->view_height, self->guest_height);
  return TRUE;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See bench-pixel.h. */
#include "bench-pixel.h"

#include <X11/Xutil.h>

guint32
bench_pixel_look (Display *display, int x, int y)
{
  XImage *image = XGetImage (display, DefaultRootWindow (display), x, y, 1, 1, AllPlanes, ZPixmap);
  const guint32 colour = XGetPixel (image, 0, 0) & 0xffffff;

  XDestroyImage (image);
  return colour;
}

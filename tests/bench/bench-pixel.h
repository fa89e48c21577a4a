/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is on the display. */
#pragma once

#include <X11/Xlib.h>
#include <glib.h>

/* The colour of a pixel of the whole display: 0xRRGGBB. */
guint32 bench_pixel_look (Display *display, int x, int y);

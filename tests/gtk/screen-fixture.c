/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See screen-fixture.h. */
#include "screen-fixture.h"

#include "gtk/lodge-display-private.h"

#include <X11/Xlib.h>
#include <X11/Xutil.h>

#define RGB_MASK 0xffffffu

/* A plane comes with a change after the first picture: not the first one, for which the compositor
 * is asked what it has. */
#define ROUNDS_MAX 10

void
screen_fixture_set_up (ScreenFixture *self, SpiceFixture *server, LodgeDisplay *display)
{
  *self = (ScreenFixture){.server = server, .display = display};
}

void
screen_fixture_tear_down (ScreenFixture *self)
{
  g_clear_pointer (&self->pixels, g_free);
}

void
screen_fixture_resize (ScreenFixture *self, int width, int height)
{
  static const guint32 unseen = 0;

  g_free (self->pixels);
  self->pixels = g_new0 (guint32, (gsize) width * (gsize) height);
  self->width = width;
  self->height = height;
  spice_fixture_resize (self->server, width, height);
  /* Weston draws the pointer over the picture. A guest's is that of a mode. */
  spice_fixture_set_cursor (self->server, 1, 1, 0, 0, &unseen);
  screen_fixture_draw (self, 0, 0, width, height);
}

void
screen_fixture_draw (ScreenFixture *self, int x, int y, int width, int height)
{
  g_autofree guint32 *pixels = g_new (guint32, (gsize) width * (gsize) height);

  self->n_drawn++;
  for (int row = 0; row < height; row++) {
    for (int column = 0; column < width; column++) {
      const guint32 color = ((guint32) (x + column) * 2654435761u ^
                             (guint32) (y + row) * 40503u * 65537u ^ self->n_drawn * 7368787u) &
                            RGB_MASK;

      pixels[row * width + column] = color;
      self->pixels[(y + row) * self->width + x + column] = color;
    }
  }
  spice_fixture_draw (self->server, x, y, width, height, pixels);
}

/* ---- the screen */

static XImage *
take_image (Display *display, int x, int y, int width, int height)
{
  XImage *image = XGetImage (display, DefaultRootWindow (display), x, y, (unsigned) width,
                             (unsigned) height, AllPlanes, ZPixmap);

  g_assert_nonnull (image);
  g_assert_cmpint (image->bits_per_pixel, ==, 32);
  return image;
}

static guint32
get_pixel (const XImage *image, int x, int y)
{
  return ((const guint32 *) (gconstpointer) (image->data + y * image->bytes_per_line))[x] &
         RGB_MASK;
}

guint32
screen_fixture_get_pixel (int x, int y)
{
  Display *display = XOpenDisplay (NULL);
  XImage *image = take_image (display, x, y, 1, 1);
  const guint32 pixel = get_pixel (image, 0, 0);

  XDestroyImage (image);
  XCloseDisplay (display);
  return pixel;
}

gboolean
screen_fixture_is_shown (gpointer data)
{
  ScreenFixture *self = data;
  const LodgeDisplayView *view = &self->display->view;
  int x, y, width, height;
  gboolean same = TRUE;

  if (view->guest_width != self->width || view->guest_height != self->height ||
      !lodge_display_view_is_unscaled (view))
    return FALSE;
  lodge_display_view_get_shown (view, &x, &y, &width, &height);
  if (width < 1 || height < 1)
    return FALSE;

  Display *display = XOpenDisplay (NULL);
  XImage *image = take_image (display, view->left + x, view->top + y, width, height);

  for (int row = 0; same && row < height; row++) {
    for (int column = 0; same && column < width; column++)
      same = get_pixel (image, column, row) == self->pixels[(y + row) * self->width + x + column];
  }
  XDestroyImage (image);
  XCloseDisplay (display);
  return same;
}

gboolean
screen_fixture_is_on_plane (gpointer data)
{
  return ((ScreenFixture *) data)->display->plane_shown && screen_fixture_is_shown (data);
}

gboolean
screen_fixture_is_drawn (gpointer data)
{
  return !((ScreenFixture *) data)->display->plane_shown && screen_fixture_is_shown (data);
}

void
screen_fixture_expect_on_plane (ScreenFixture *self)
{
  g_assert_true (spice_fixture_wait (screen_fixture_is_shown, self));
  for (int round = 0; !self->display->plane_shown; round++) {
    g_assert_cmpint (round, <, ROUNDS_MAX);
    screen_fixture_draw (self, 20, 30, 5, 5);
    g_assert_true (spice_fixture_wait (screen_fixture_is_shown, self));
  }
  g_assert_true (spice_fixture_wait (screen_fixture_is_on_plane, self));
}

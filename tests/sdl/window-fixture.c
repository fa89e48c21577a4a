/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See window-fixture.h. */
#include "window-fixture.h"

#include <SDL_syswm.h>
#include <X11/Xutil.h>
#include <X11/extensions/Xfixes.h>

static Window
get_xid (WindowFixture *self)
{
  SDL_SysWMinfo info;

  SDL_VERSION (&info.version);
  g_assert_true (SDL_GetWindowWMInfo (lodge_sdl_window_get_window (self->window), &info));
  return info.info.x11.window;
}

gboolean
window_fixture_is_focused (gpointer self)
{
  SDL_Window *window = lodge_sdl_window_get_window (((WindowFixture *) self)->window);

  return (SDL_GetWindowFlags (window) & SDL_WINDOW_INPUT_FOCUS) != 0;
}

/* ---- size */

typedef struct {
  WindowFixture *self;
  int width;
  int height;
} Size;

static gboolean
has_size (gpointer data)
{
  Size *want = data;
  int width, height;

  SDL_GetWindowSize (lodge_sdl_window_get_window (want->self->window), &width, &height);
  return width == want->width && height == want->height;
}

void
window_fixture_expect_size (WindowFixture *self, int width, int height)
{
  Size want = {self, width, height};

  g_assert_true (spice_fixture_wait (has_size, &want));
  spice_fixture_settle ();
}

void
window_fixture_resize (WindowFixture *self, int width, int height)
{
  test_xdotool ("windowsize %lu %d %d", get_xid (self), width, height);
  window_fixture_expect_size (self, width, height);
}

/* ---- what the screen shows */

guint32
window_fixture_get_pixel (WindowFixture *self, int x, int y)
{
  XImage *image = XGetImage (self->display, get_xid (self), x, y, 1, 1, AllPlanes, ZPixmap);
  g_assert_nonnull (image);
  const guint32 color = (guint32) XGetPixel (image, 0, 0) & 0xffffff;

  XDestroyImage (image);
  return color;
}

typedef struct {
  WindowFixture *self;
  int x;
  int y;
  guint32 color;
} Pixel;

static gboolean
has_pixel (gpointer data)
{
  Pixel *want = data;

  return window_fixture_get_pixel (want->self, want->x, want->y) == want->color;
}

void
window_fixture_expect_pixel (WindowFixture *self, int x, int y, guint32 color)
{
  Pixel want = {self, x, y, color};

  spice_fixture_wait (has_pixel, &want);
  g_assert_cmphex (window_fixture_get_pixel (self, x, y), ==, color);
}

typedef struct {
  WindowFixture *self;
  int width, height, hot_x, hot_y;
  guint32 first;
} WantedCursor;

static gboolean
has_cursor (gpointer data)
{
  WantedCursor *want = data;
  XFixesCursorImage *image = XFixesGetCursorImage (want->self->display);
  const gboolean equal = image->width == want->width && image->height == want->height &&
                         image->xhot == want->hot_x && image->yhot == want->hot_y &&
                         (guint32) image->pixels[0] == want->first;

  XFree (image);
  return equal;
}

void
window_fixture_expect_cursor (
    WindowFixture *self, int width, int height, int hot_x, int hot_y, guint32 first)
{
  WantedCursor want = {self, width, height, hot_x, hot_y, first};

  if (spice_fixture_wait (has_cursor, &want))
    return;
  XFixesCursorImage *image = XFixesGetCursorImage (self->display);
  g_error ("the pointer is %d by %d, at %d, %d, and begins with %08lx", image->width, image->height,
           image->xhot, image->yhot, image->pixels[0]);
}

/* ---- pointer, focus */

void
window_fixture_move_to (WindowFixture *self, int x, int y)
{
  test_xdotool ("mousemove --window %lu %d %d", get_xid (self), x, y);
}

typedef struct {
  WindowFixture *self;
  gboolean grabbed;
} Grab;

static gboolean
is_grabbed_as_wanted (gpointer data)
{
  Grab *want = data;

  return lodge_sdl_window_get_grabbed (want->self->window) == want->grabbed;
}

void
window_fixture_expect_grabbed (WindowFixture *self, gboolean grabbed)
{
  Grab want = {self, grabbed};

  g_assert_true (spice_fixture_wait (is_grabbed_as_wanted, &want));
}

static gboolean
is_unfocused (gpointer self)
{
  return !window_fixture_is_focused (self);
}

SDL_Window *
window_fixture_distract (WindowFixture *self)
{
  SDL_Window *other = SDL_CreateWindow ("other", 1200, 900, 100, 100, 0);

  g_assert_nonnull (other);
  SDL_RaiseWindow (other);
  g_assert_true (spice_fixture_wait (is_unfocused, self));
  return other;
}

void
window_fixture_come_back (WindowFixture *self, SDL_Window *other)
{
  SDL_DestroyWindow (other);
  SDL_RaiseWindow (lodge_sdl_window_get_window (self->window));
  g_assert_true (spice_fixture_wait (window_fixture_is_focused, self));
}

/* ---- life */

static gboolean
is_ready (gpointer data)
{
  WindowFixture *self = data;
  LodgeFrame frame;
  gboolean connected, absolute;

  lodge_frame_source_get_frame (lodge_console_session_get_source (self->session), &frame);
  g_object_get (self->session, "connected", &connected, "pointer-absolute", &absolute, NULL);
  return connected && absolute == self->tablet && frame.data != NULL &&
         window_fixture_is_focused (self);
}

void
window_fixture_set_up (WindowFixture *self, int width, int height, gboolean tablet)
{
  g_autoptr (GError) error = NULL;

  test_xdotool ("mousemove 1599 1199");
  lodge_sdl_window_set_hints ();
  g_assert_cmpint (SDL_Init (SDL_INIT_VIDEO), ==, 0);
  *self = (WindowFixture){.server = spice_fixture_new (width, height, tablet), .tablet = tablet};
  self->display = XOpenDisplay (NULL);
  self->window = lodge_sdl_window_new ("web", FALSE, &error);
  g_assert_no_error (error);
  self->session = lodge_console_session_new_for_open (spice_fixture_open, self->server);
  lodge_sdl_window_set_session (self->window, self->session, 0);
  lodge_console_session_open (self->session);
  g_assert_true (spice_fixture_wait (is_ready, self));
  /* The window has taken the picture's size. */
  window_fixture_expect_size (self, width, height);
  spice_fixture_clear (self->server);
}

void
window_fixture_tear_down (WindowFixture *self)
{
  g_assert_finalize_object (self->window);
  lodge_console_session_close (self->session);
  g_assert_finalize_object (self->session);
  spice_fixture_settle ();
  spice_fixture_free (self->server);
  XCloseDisplay (self->display);
  SDL_Quit ();
}

void
window_fixture_run (gconstpointer test)
{
  spice_fixture_run ((void (*) (void)) test);
}

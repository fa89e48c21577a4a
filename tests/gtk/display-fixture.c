/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See display-fixture.h. */
#include "display-fixture.h"

#include "test-xdotool.h"

#include <gdk/x11/gdkx.h>
#include <stdarg.h>

void
display_fixture_xdotool (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  test_xdotool_va (format, args);
  va_end (args);
}

void
display_fixture_to_window (DisplayFixture *self, double x, double y, int *out_x, int *out_y)
{
  GtkNative *native = GTK_NATIVE (self->window);
  graphene_point_t point;
  double native_x, native_y;

  g_assert_true (
      gtk_widget_compute_point (self->display, self->window, &GRAPHENE_POINT_INIT (x, y), &point));
  gtk_native_get_surface_transform (native, &native_x, &native_y);
  *out_x = point.x + native_x;
  *out_y = point.y + native_y;
}

gulong
display_fixture_get_xid (GtkWidget *window)
{
  return gdk_x11_surface_get_xid (gtk_native_get_surface (GTK_NATIVE (window)));
}

void
display_fixture_move_to (DisplayFixture *self, double x, double y)
{
  int window_x, window_y;

  display_fixture_to_window (self, x, y, &window_x, &window_y);
  display_fixture_xdotool ("mousemove --window %lu %d %d", display_fixture_get_xid (self->window),
                           window_x, window_y);
}

gboolean
display_fixture_is_ready (gpointer data)
{
  DisplayFixture *self = data;
  LodgeFrame frame;
  gboolean connected, absolute;

  lodge_frame_source_get_frame (lodge_console_session_get_source (self->session), &frame);
  g_object_get (self->session, "connected", &connected, "pointer-absolute", &absolute, NULL);
  return connected && absolute == self->tablet && frame.data != NULL &&
         gtk_widget_has_focus (self->display) && gtk_window_is_active (GTK_WINDOW (self->window)) &&
         gtk_widget_get_width (self->display) > 100;
}

void
display_fixture_set_up_size (
    DisplayFixture *self, int width, int height, int guest_width, int guest_height, gboolean tablet)
{
  gtk_init ();
  /* So that nothing in the test depends on where the pointer was before. */
  display_fixture_xdotool ("mousemove 1599 1199");
  *self = (DisplayFixture){.server = spice_fixture_new (guest_width, guest_height, tablet),
                           .tablet = tablet};
  self->session = lodge_console_session_new_for_open (spice_fixture_open, self->server);
  self->window = gtk_window_new ();
  self->display = lodge_display_new ();
  lodge_display_set_session (LODGE_DISPLAY (self->display), self->session);
  gtk_window_set_child (GTK_WINDOW (self->window), self->display);
  gtk_window_set_default_size (GTK_WINDOW (self->window), width, height);
  gtk_window_set_focus (GTK_WINDOW (self->window), self->display);
  gtk_window_present (GTK_WINDOW (self->window));
  lodge_console_session_open (self->session);
  g_assert_true (spice_fixture_wait (display_fixture_is_ready, self));
  spice_fixture_settle ();
  spice_fixture_clear (self->server);
}

void
display_fixture_set_up (DisplayFixture *self)
{
  display_fixture_set_up_size (self, 640, 480, 640, 480, TRUE);
  g_assert_cmpint (gtk_widget_get_width (self->display), ==, 640);
  g_assert_cmpint (gtk_widget_get_height (self->display), ==, 480);
}

void
display_fixture_tear_down (DisplayFixture *self)
{
  gpointer display = self->display;

  g_object_add_weak_pointer (G_OBJECT (display), &display);
  gtk_window_destroy (GTK_WINDOW (self->window));
  spice_fixture_settle ();
  g_assert_null (display);
  g_assert_finalize_object (self->session);
  spice_fixture_settle ();
  spice_fixture_free (self->server);
}

guint32
display_fixture_get_pixel (DisplayFixture *self, int x, int y)
{
  Display *display = gdk_x11_display_get_xdisplay (gtk_widget_get_display (self->window));
  const int scale = gtk_widget_get_scale_factor (self->window);
  int window_x, window_y;

  display_fixture_to_window (self, x, y, &window_x, &window_y);
  XImage *image = XGetImage (display, display_fixture_get_xid (self->window), window_x * scale,
                             window_y * scale, 1, 1, AllPlanes, ZPixmap);
  g_assert_nonnull (image);
  const guint32 pixel = (guint32) XGetPixel (image, 0, 0);
  XDestroyImage (image);
  return pixel | 0xff000000;
}

typedef struct {
  DisplayFixture *fixture;
  int x, y;
  guint32 color;
} Spot;

static gboolean
has_color (gpointer data)
{
  Spot *spot = data;

  return display_fixture_get_pixel (spot->fixture, spot->x, spot->y) == spot->color;
}

void
display_fixture_expect_color (DisplayFixture *self, int x, int y, guint32 color)
{
  Spot spot = {self, x, y, color};

  spice_fixture_wait (has_color, &spot);
  g_assert_cmphex (display_fixture_get_pixel (self, x, y), ==, color);
}

/* What the grab shall be. */
typedef struct {
  DisplayFixture *self;
  gboolean grabbed;
} Grab;

static gboolean
is_grabbed_as_wanted (gpointer data)
{
  Grab *want = data;

  return lodge_display_get_grabbed (LODGE_DISPLAY (want->self->display)) == want->grabbed;
}

void
display_fixture_expect_grabbed (DisplayFixture *self, gboolean grabbed)
{
  Grab want = {self, grabbed};

  g_assert_true (spice_fixture_wait (is_grabbed_as_wanted, &want));
}

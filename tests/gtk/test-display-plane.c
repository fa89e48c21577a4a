/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The picture past GTK on X11: that it is used, that it shows what the guest has drawn to the
 * pixel, and that it gives way to whatever lies over the picture. */
#include "display-fixture.h"

#include "gtk/lodge-display-private.h"

#include <gdk/x11/gdkx.h>

#define RED 0xffff0000

static LodgeDisplay *
get_display (DisplayFixture *test)
{
  return LODGE_DISPLAY (test->display);
}

static gboolean
has_plane (gpointer data)
{
  return get_display (data)->plane_shown;
}

static gboolean
has_no_plane (gpointer data)
{
  return !get_display (data)->plane_shown;
}

/* Each pixel of the picture where the display has room for it, as the X server shows it. */
static gboolean
shows_frame (gpointer data)
{
  DisplayFixture *test = data;
  const LodgeDisplayView *view = &get_display (test)->view;
  int x, y, width, height, wrong = 0;
  LodgeFrame frame;

  lodge_frame_source_get_frame (get_display (test)->source, &frame);
  if (frame.data == NULL || frame.width != view->guest_width ||
      !lodge_display_view_is_unscaled (view))
    return FALSE;
  lodge_display_view_get_shown (view, &x, &y, &width, &height);
  XImage *image = XGetImage (gdk_x11_display_get_xdisplay (gtk_widget_get_display (test->window)),
                             display_fixture_get_xid (test->window), view->left + x, view->top + y,
                             (guint) width, (guint) height, AllPlanes, ZPixmap);
  g_assert_nonnull (image);
  for (int line = 0; line < height; line++) {
    const guint32 *pixels = (const guint32 *) (frame.data + (gsize) (y + line) * frame.stride) + x;

    for (int column = 0; column < width; column++) {
      const gulong pixel = XGetPixel (image, column, line);

      wrong += (pixel & 0xffffff) != (pixels[column] & 0xffffff);
      /* What is not opaque the desktop would be seen through. */
      wrong += image->depth == 32 && pixel >> 24 != 0xff;
    }
  }
  XDestroyImage (image);
  return wrong == 0;
}

static void
expect_frame (DisplayFixture *test)
{
  g_assert_true (spice_fixture_wait (shows_frame, test));
}

/* Every pixel another one than its neighbours. */
static void
draw_pattern (DisplayFixture *test, int x, int y, int width, int height, guint32 seed)
{
  g_autofree guint32 *pixels = g_new (guint32, (gsize) width * (gsize) height);

  for (int i = 0; i < width * height; i++)
    pixels[i] = ((guint32) i * 2654435761u ^ seed * 40503u) & 0xffffff;
  spice_fixture_draw (test->server, x, y, width, height, pixels);
}

/* It comes with what the guest draws once nothing is in its way. */
static void
expect_plane (DisplayFixture *test)
{
  for (guint32 i = 0; i < 1000 && !has_plane (test); i++) {
    draw_pattern (test, 0, 0, 20, 20, i);
    spice_fixture_settle ();
  }
  g_assert_true (has_plane (test));
  expect_frame (test);
}

/* With a picture that is drawn by the plane. */
static void
set_up (DisplayFixture *test)
{
  display_fixture_set_up (test);
  draw_pattern (test, 0, 0, 640, 480, 1);
  expect_plane (test);
}

/* ---- the picture */

static void
paint_cb (GdkFrameClock *clock, guint *frames)
{
  (*frames)++;
}

static void
test_alone (void)
{
  DisplayFixture test;
  guint frames = 0;

  set_up (&test);
  spice_fixture_settle ();
  GdkFrameClock *clock = gtk_widget_get_frame_clock (test.window);
  gulong id = g_signal_connect (clock, "paint", G_CALLBACK (paint_cb), &frames);
  for (guint32 i = 0; i < 60; i++) {
    draw_pattern (&test, (int) (i * 37 % 600), (int) (i * 53 % 450), 1 + (int) i % 40, 30, i);
    if (i % 4 == 0)
      spice_fixture_settle ();
  }
  draw_pattern (&test, 639, 0, 1, 480, 7);
  draw_pattern (&test, 0, 479, 640, 1, 8);
  expect_frame (&test);
  g_assert_true (has_plane (&test));
  g_assert_cmpuint (frames, ==, 0);
  g_signal_handler_disconnect (clock, id);
  display_fixture_tear_down (&test);
}

/* What would be scaled is GTK's; and black where there is nothing. */
static void
test_sizes (void)
{
  DisplayFixture test;

  set_up (&test);
  spice_fixture_resize (test.server, 500, 480);
  spice_fixture_fill (test.server, 0, 0, 500, 480, 0x123456);
  display_fixture_expect_color (&test, 320, 240, 0xff123456);
  draw_pattern (&test, 40, 40, 400, 400, 2);
  expect_plane (&test);
  g_assert_cmphex (display_fixture_get_pixel (&test, 69, 240), ==, 0xff000000);

  spice_fixture_resize (test.server, 1280, 1024);
  spice_fixture_fill (test.server, 0, 0, 1280, 1024, 0x654321);
  display_fixture_expect_color (&test, 320, 240, 0xff654321);
  g_assert_true (has_no_plane (&test));

  spice_fixture_resize (test.server, 640, 480);
  draw_pattern (&test, 0, 0, 640, 480, 3);
  expect_frame (&test);
  draw_pattern (&test, 20, 20, 100, 100, 4);
  expect_plane (&test);

  /* Nothing is left of it when the machine is off. */
  spice_fixture_cut (test.server);
  display_fixture_expect_color (&test, 320, 240, 0xff000000);
  g_assert_true (has_no_plane (&test));
  display_fixture_tear_down (&test);
}

static void
test_panned (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  GtkWidget *stage = gtk_scrolled_window_new ();
  g_object_ref (test.display);
  gtk_window_set_child (GTK_WINDOW (test.window), NULL);
  gtk_scrolled_window_set_overlay_scrolling (GTK_SCROLLED_WINDOW (stage), FALSE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (stage), test.display);
  gtk_window_set_child (GTK_WINDOW (test.window), stage);
  g_object_unref (test.display);
  lodge_display_set_scaling (get_display (&test), LODGE_SCALING_ONE_TO_ONE);
  spice_fixture_resize (test.server, 1000, 800);
  draw_pattern (&test, 0, 0, 1000, 800, 1);
  expect_frame (&test);
  draw_pattern (&test, 10, 10, 900, 700, 2);
  expect_plane (&test);

  GtkScrolledWindow *scrolled = GTK_SCROLLED_WINDOW (stage);
  gtk_adjustment_set_value (gtk_scrolled_window_get_hadjustment (scrolled), 200);
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (scrolled), 130);
  spice_fixture_settle ();
  expect_frame (&test);
  g_assert_cmpint (get_display (&test)->view.pan_x, ==, 200);
  draw_pattern (&test, 150, 100, 300, 300, 5);
  expect_frame (&test);
  g_assert_true (has_plane (&test));
  display_fixture_tear_down (&test);
}

static Window find_plane_window (DisplayFixture *test);

static gboolean
is_in_place (gpointer data)
{
  DisplayFixture *test = data;
  LodgeDisplayView view;
  guint width, height, border, depth;
  Window root;
  int x, y;

  lodge_display_find_view (get_display (test), &view);
  XGetGeometry (gdk_x11_display_get_xdisplay (gtk_widget_get_display (test->window)),
                find_plane_window (test), &root, &x, &y, &width, &height, &border, &depth);
  return x == view.left && y == view.top;
}

/* GTK draws a widget that keeps its size as it was, in its new place. */
static void
test_moved (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  GtkWidget *fixed = gtk_fixed_new ();
  g_object_ref (test.display);
  gtk_window_set_child (GTK_WINDOW (test.window), NULL);
  gtk_widget_set_size_request (test.display, 320, 240);
  lodge_display_set_scaling (get_display (&test), LODGE_SCALING_ONE_TO_ONE);
  gtk_fixed_put (GTK_FIXED (fixed), test.display, 0, 0);
  gtk_window_set_child (GTK_WINDOW (test.window), fixed);
  g_object_unref (test.display);
  spice_fixture_resize (test.server, 320, 240);
  draw_pattern (&test, 0, 0, 320, 240, 1);
  expect_plane (&test);
  g_assert_true (is_in_place (&test));
  for (int i = 1; i < 20; i++) {
    gtk_fixed_move (GTK_FIXED (fixed), test.display, 7 * i, 3 * i);
    g_assert_true (spice_fixture_wait (is_in_place, &test));
    expect_frame (&test);
  }
  display_fixture_tear_down (&test);
}

/* ---- what lies over it */

static void
draw_red (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer user_data)
{
  cairo_set_source_rgb (cr, 1, 0, 0);
  cairo_paint (cr);
}

static void
test_covered (void)
{
  DisplayFixture test;

  set_up (&test);
  GtkWidget *overlay = gtk_overlay_new ();
  GtkWidget *revealer = gtk_revealer_new ();
  GtkWidget *area = gtk_drawing_area_new ();
  g_object_ref (test.display);
  gtk_window_set_child (GTK_WINDOW (test.window), NULL);
  gtk_overlay_set_child (GTK_OVERLAY (overlay), test.display);
  gtk_window_set_child (GTK_WINDOW (test.window), overlay);
  g_object_unref (test.display);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (area), draw_red, NULL, NULL);
  gtk_widget_set_size_request (area, 100, 60);
  gtk_revealer_set_transition_type (GTK_REVEALER (revealer),
                                    GTK_REVEALER_TRANSITION_TYPE_CROSSFADE);
  gtk_revealer_set_child (GTK_REVEALER (revealer), area);
  gtk_widget_set_halign (revealer, GTK_ALIGN_END);
  gtk_widget_set_valign (revealer, GTK_ALIGN_START);
  gtk_overlay_add_overlay (GTK_OVERLAY (overlay), revealer);

  /* One that is ready to be shown has its room, and hides nothing. */
  spice_fixture_settle ();
  draw_pattern (&test, 0, 0, 640, 480, 2);
  expect_plane (&test);

  /* The guest draws elsewhere meanwhile. */
  for (guint32 round = 0; round < 3; round++) {
    spice_fixture_fill (test.server, 100, 410, 50, 50, 0x405060 + round);
    expect_frame (&test);
    g_assert_true (has_plane (&test));
    gtk_revealer_set_reveal_child (GTK_REVEALER (revealer), TRUE);
    display_fixture_expect_color (&test, 600, 30, RED);
    g_assert_true (has_no_plane (&test));
    /* GTK had not drawn that. */
    display_fixture_expect_color (&test, 120, 430, 0xff405060 + round);
    spice_fixture_fill (test.server, 0, 200, 640, 200, 0x336699 + round);
    display_fixture_expect_color (&test, 320, 300, 0xff336699 + round);
    spice_fixture_fill (test.server, 540, 0, 100, 60, 0x102030 + round);
    spice_fixture_settle ();
    display_fixture_expect_color (&test, 600, 30, RED);

    gtk_revealer_set_reveal_child (GTK_REVEALER (revealer), FALSE);
    display_fixture_expect_color (&test, 600, 30, 0xff102030 + round);
    draw_pattern (&test, 0, 0, 10, 10, round);
    expect_plane (&test);
  }
  display_fixture_tear_down (&test);
}

/* ---- the server and the window */

static Window
find_plane_window (DisplayFixture *test)
{
  Window root, parent, *children = NULL, found;
  guint n = 0;

  XQueryTree (gdk_x11_display_get_xdisplay (gtk_widget_get_display (test->window)),
              display_fixture_get_xid (test->window), &root, &parent, &children, &n);
  g_assert_cmpuint (n, >=, 1);
  found = children[n - 1];
  XFree (children);
  return found;
}

/* Where nothing is composited the server does not keep what other windows lie over. */
static void
test_exposed (void)
{
  DisplayFixture test;

  set_up (&test);
  const Window window = find_plane_window (&test);
  Display *other = XOpenDisplay (NULL);
  GC gc = XCreateGC (other, window, 0, NULL);
  XSetForeground (other, gc, 0xffff00ff);
  XFillRectangle (other, window, gc, 100, 50, 300, 200);
  XSync (other, False);
  g_assert_false (shows_frame (&test));
  XClearArea (other, window, 100, 50, 300, 200, True);
  XFreeGC (other, gc);
  XCloseDisplay (other);
  expect_frame (&test);
  g_assert_true (has_plane (&test));
  display_fixture_tear_down (&test);
}

/* GTK goes on. */
static void
test_lost (void)
{
  DisplayFixture test;

  set_up (&test);
  Display *other = XOpenDisplay (NULL);
  XKillClient (other, find_plane_window (&test));
  XCloseDisplay (other);
  g_assert_true (spice_fixture_wait (has_no_plane, &test));
  expect_frame (&test);
  draw_pattern (&test, 0, 100, 640, 300, 4);
  expect_frame (&test);
  g_assert_true (has_no_plane (&test));
  display_fixture_tear_down (&test);
}

typedef struct {
  guint ready;
} Heard;

static void
ready_cb (gpointer user_data)
{
  ((Heard *) user_data)->ready++;
}

static void
ignore_cb (gpointer user_data)
{
}

static gboolean
is_ready (gpointer data)
{
  return ((Heard *) data)->ready > 0;
}

/* A server that is busy is not given more than the memory holds, and says when it has read it. */
static void
test_held (void)
{
  static const LodgePlaneEvents events = {ready_cb, ignore_cb, ignore_cb};
  const cairo_rectangle_int_t place = {0, 0, 640, 480}, small = {0, 0, 40, 20};
  DisplayFixture test;
  LodgeFrame frame;
  Heard heard = {0};

  set_up (&test);
  lodge_frame_source_get_frame (get_display (&test)->source, &frame);
  GdkSurface *surface = gtk_native_get_surface (GTK_NATIVE (test.window));
  LodgePlane *plane = lodge_plane_new (surface, &events, &heard);
  cairo_region_t *all = cairo_region_create_rectangle (&place);
  cairo_region_t *word = cairo_region_create_rectangle (&small);
  g_assert_nonnull (plane);
  g_assert_true (lodge_plane_show (plane, &place, 1));

  Display *other = XOpenDisplay (NULL);
  XGrabServer (other);
  XSync (other, False);
  g_assert_true (lodge_plane_put (plane, &frame, 0, 0, all));
  g_assert_true (lodge_plane_put (plane, &frame, 0, 0, all));
  g_assert_false (lodge_plane_put (plane, &frame, 0, 0, all));
  g_assert_false (lodge_plane_put (plane, &frame, 0, 0, word));
  g_assert_cmpuint (heard.ready, ==, 0);
  XCloseDisplay (other);
  g_assert_true (spice_fixture_wait (is_ready, &heard));

  /* Many small ones go round and round in the memory. */
  for (int i = 0; i < 2000; i++) {
    heard.ready = 0;
    if (!lodge_plane_put (plane, &frame, 0, 0, word))
      g_assert_true (spice_fixture_wait (is_ready, &heard));
  }
  cairo_region_destroy (word);
  cairo_region_destroy (all);
  lodge_plane_free (plane);
  display_fixture_tear_down (&test);
}

static gboolean
is_at (gpointer data)
{
  int x, y;

  spice_fixture_get_position (((DisplayFixture *) data)->server, &x, &y);
  return x == 123 && y == 45;
}

static void
test_window (void)
{
  DisplayFixture test;

  set_up (&test);
  /* The pointer is the display's, on the plane, too. */
  display_fixture_move_to (&test, 123, 45);
  g_assert_true (spice_fixture_wait (is_at, &test));

  gtk_widget_set_visible (test.window, FALSE);
  g_assert_true (has_no_plane (&test));
  draw_pattern (&test, 50, 50, 300, 300, 6);
  spice_fixture_settle ();
  gtk_window_present (GTK_WINDOW (test.window));
  g_assert_true (spice_fixture_wait (display_fixture_is_ready, &test));
  draw_pattern (&test, 0, 0, 20, 20, 7);
  expect_plane (&test);
  display_fixture_tear_down (&test);
}

static void
test_switched_off (void)
{
  DisplayFixture test;

  g_setenv ("LODGE_PLANE", "0", TRUE);
  display_fixture_set_up (&test);
  for (guint32 i = 0; i < 5; i++) {
    draw_pattern (&test, 0, 0, 640, 480, i);
    expect_frame (&test);
    g_assert_true (has_no_plane (&test));
  }
  display_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  DISPLAY_FIXTURE_ADD ("plane/alone", test_alone);
  DISPLAY_FIXTURE_ADD ("plane/sizes", test_sizes);
  DISPLAY_FIXTURE_ADD ("plane/panned", test_panned);
  DISPLAY_FIXTURE_ADD ("plane/moved", test_moved);
  DISPLAY_FIXTURE_ADD ("plane/covered", test_covered);
  DISPLAY_FIXTURE_ADD ("plane/exposed", test_exposed);
  DISPLAY_FIXTURE_ADD ("plane/lost", test_lost);
  DISPLAY_FIXTURE_ADD ("plane/held", test_held);
  DISPLAY_FIXTURE_ADD ("plane/window", test_window);
  DISPLAY_FIXTURE_ADD ("plane/switched-off", test_switched_off);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the picture is in the widget, and which of its pixels is under a point. */
#include "console/lodge-display-view.h"

#include <math.h>

static LodgeDisplayView
fit (double width, double height, double scale, int guest_width, int guest_height)
{
  LodgeDisplayView view = {.width = width, .height = height, .device_scale = scale};

  lodge_display_view_fit (&view, guest_width, guest_height);
  return view;
}

static void
expect (const LodgeDisplayView *view, int left, int top, int width, int height)
{
  g_assert_cmpint (view->left, ==, left);
  g_assert_cmpint (view->top, ==, top);
  g_assert_cmpint (view->view_width, ==, width);
  g_assert_cmpint (view->view_height, ==, height);
}

static void
test_fit (void)
{
  LodgeDisplayView view = fit (800, 600, 1, 800, 600);
  expect (&view, 0, 0, 800, 600);
  g_assert_true (lodge_display_view_is_unscaled (&view));

  /* In proportion, in the middle. */
  view = fit (800, 600, 1, 400, 200);
  expect (&view, 0, 100, 800, 400);
  view = fit (300, 600, 1, 400, 200);
  expect (&view, 0, 225, 300, 150);
  g_assert_false (lodge_display_view_is_unscaled (&view));

  /* The window is 6 pixels wider than what the guest could do: no stretching by half a per cent. */
  view = fit (1366, 768, 1, 1360, 768);
  expect (&view, 3, 0, 1360, 768);
  view = fit (1366, 780, 1, 1360, 768);
  expect (&view, 3, 6, 1360, 768);
  view = fit (1610, 1206, 1, 800, 600);
  expect (&view, 5, 3, 1600, 1200);
  /* A window that is twice as large but for a few per cent is not worth a blur. */
  view = fit (2640, 2025, 1, 1280, 1000);
  expect (&view, 40, 12, 2560, 2000);
  g_assert_cmpint (lodge_display_view_get_multiple (&view), ==, 2);
  /* But a window that is a good deal larger is used. */
  view = fit (2700, 2200, 1, 1280, 1000);
  expect (&view, 0, 45, 2700, 2109);
  g_assert_cmpint (lodge_display_view_get_multiple (&view), ==, 0);
  view = fit (1000, 768, 1, 960, 700);
  g_assert_cmpint (view.view_width, ==, 1000);
}

/* Larger only by whole numbers, whatever that leaves unused. */
static void
test_whole (void)
{
  LodgeDisplayView view = {
      .width = 1599, .height = 1300, .device_scale = 1, .fit = LODGE_FIT_WHOLE};

  lodge_display_view_fit (&view, 800, 600);
  expect (&view, 399, 350, 800, 600);
  g_assert_cmpint (lodge_display_view_get_multiple (&view), ==, 1);
  lodge_display_view_fit (&view, 534, 400);
  expect (&view, 265, 250, 1068, 800);
  g_assert_cmpint (lodge_display_view_get_multiple (&view), ==, 2);
  lodge_display_view_fit (&view, 533, 433);
  expect (&view, 0, 0, 1599, 1299);
  g_assert_cmpint (lodge_display_view_get_multiple (&view), ==, 3);
  /* Where it has no room it is made smaller: a part of it would be worse. */
  lodge_display_view_fit (&view, 3198, 600);
  expect (&view, 0, 500, 1599, 300);
  g_assert_cmpint (lodge_display_view_get_multiple (&view), ==, 0);

  /* Of the screen's pixels, not of GTK's. */
  view =
      (LodgeDisplayView){.width = 800, .height = 600, .device_scale = 1.75, .fit = LODGE_FIT_WHOLE};
  lodge_display_view_fit (&view, 700, 500);
  expect (&view, 0, 25, 1400, 1000);
}

/* Never scaled; what does not fit is cut, and every pixel can be moved into the room. */
static void
test_one_to_one (void)
{
  LodgeDisplayView view = {
      .width = 800, .height = 600, .device_scale = 1, .fit = LODGE_FIT_ONE_TO_ONE};
  int x, y;

  lodge_display_view_fit (&view, 400, 300);
  expect (&view, 200, 150, 400, 300);
  lodge_display_view_fit (&view, 1000, 300);
  expect (&view, 0, 150, 1000, 300);
  g_assert_true (lodge_display_view_is_unscaled (&view));
  view.pan_x = 120;
  view.pan_y = 50;
  lodge_display_view_fit (&view, 1000, 300);
  expect (&view, -120, 150, 1000, 300);
  g_assert_cmpint (view.pan_y, ==, 0); /* there is nothing to move */
  g_assert_true (lodge_display_view_to_guest (&view, 0, 150, &x, &y));
  g_assert_cmpint (x, ==, 120);
  g_assert_cmpint (y, ==, 0);
  /* Not beyond its end, also when the guest or the window changes. */
  view.pan_x = 500;
  lodge_display_view_fit (&view, 1000, 300);
  expect (&view, -200, 150, 1000, 300);
  lodge_display_view_fit (&view, 900, 300);
  expect (&view, -100, 150, 900, 300);
  view.pan_x = -7;
  lodge_display_view_fit (&view, 900, 300);
  expect (&view, 0, 150, 900, 300);

  /* One of the screen's pixels for each of the guest's, at any scale of the desktop. */
  static const double scales[] = {1, 1.25, 1.5, 1.75, 2};
  for (gsize i = 0; i < G_N_ELEMENTS (scales); i++) {
    view = (LodgeDisplayView){.width = 801,
                              .height = 601,
                              .origin_x = 7,
                              .origin_y = 47,
                              .device_scale = scales[i],
                              .fit = LODGE_FIT_ONE_TO_ONE,
                              .pan_x = 3};
    lodge_display_view_fit (&view, 1920, 1080);
    g_assert_cmpint (view.view_width, ==, 1920);
    g_assert_cmpint (view.view_height, ==, 1080);
    int first = ceil (7 * scales[i]) - view.left;
    g_assert_cmpint (first, ==, 3);
    for (int n = 0; n < 300; n++) {
      double device = view.left + first + n + 0.5;
      g_assert_true (lodge_display_view_to_guest (
          &view, lodge_display_view_from_device_x (&view, device), 10, &x, &y));
      g_assert_cmpint (x, ==, first + n);
    }
  }
}

static void
test_device_pixels (void)
{
  /* Each of the guest's pixels is one of the screen's, also where those are smaller than GTK's. */
  LodgeDisplayView view = fit (640, 400, 2, 1280, 800);
  expect (&view, 0, 0, 1280, 800);
  g_assert_true (lodge_display_view_is_unscaled (&view));

  view = fit (640, 400, 1.25, 800, 500);
  expect (&view, 0, 0, 800, 500);

  /* A widget that begins in the middle of a device pixel has one less. */
  view = (LodgeDisplayView){.width = 641, .height = 401, .origin_x = 1, .device_scale = 1.5};
  int width, height;
  lodge_display_view_get_room (&view, &width, &height);
  g_assert_cmpint (width, ==, 961);
  g_assert_cmpint (height, ==, 601);
  lodge_display_view_fit (&view, width, height);
  expect (&view, 2, 0, 961, 601);
  g_assert_cmpfloat_with_epsilon (lodge_display_view_from_device_x (&view, 2), 1 / 3.0, 1e-9);
}

static void
test_empty (void)
{
  LodgeDisplayView view = fit (800, 600, 1, 0, 0);
  int x = 7, y = 7;

  expect (&view, 0, 0, 0, 0);
  g_assert_false (lodge_display_view_to_guest (&view, 1, 1, &x, &y));
  view = fit (0, 0, 1, 800, 600);
  expect (&view, 0, 0, 0, 0);
  g_assert_false (lodge_display_view_to_guest (&view, 1, 1, &x, &y));
  /* One pixel for all. */
  view = fit (1, 1, 1, 800, 600);
  expect (&view, 0, 0, 1, 1);
  g_assert_true (lodge_display_view_to_guest (&view, 0.5, 0.5, &x, &y));
  g_assert_cmpint (x, ==, 0);
  g_assert_cmpint (y, ==, 0);
}

static void
expect_guest (const LodgeDisplayView *view, double x, double y, int guest_x, int guest_y)
{
  int got_x = -1, got_y = -1;

  g_assert_true (lodge_display_view_to_guest (view, x, y, &got_x, &got_y));
  g_assert_cmpint (got_x, ==, guest_x);
  g_assert_cmpint (got_y, ==, guest_y);
}

static void
test_to_guest (void)
{
  /* Unscaled, each pixel is itself. */
  LodgeDisplayView view = fit (800, 600, 1, 800, 600);
  for (int i = 0; i < 600; i++) {
    expect_guest (&view, i, i, i, i);
    expect_guest (&view, i + 0.99, i + 0.01, i, i);
  }

  /* The corners are the corners, at any scale, and outside is the nearest edge. */
  static const double scales[] = {0.5, 0.83, 1, 1.25, 1.37, 1.5, 2, 3.7};
  for (gsize i = 0; i < G_N_ELEMENTS (scales); i++) {
    view = fit (800 * scales[i], 600 * scales[i], 1, 800, 600);
    expect_guest (&view, 0, 0, 0, 0);
    expect_guest (&view, view.left + view.view_width - 1, view.top + view.view_height - 1, 799,
                  599);
    expect_guest (&view, -100, 1e9, 0, 599);
    expect_guest (&view, 1e9, -100, 799, 0);

    /* And it never goes back on the way. */
    int last = 0;
    for (int x = 0; x < view.view_width; x++) {
      int guest_x, guest_y;
      lodge_display_view_to_guest (&view, view.left + x, 0, &guest_x, &guest_y);
      g_assert_cmpint (guest_x, >=, last);
      last = guest_x;
    }
    g_assert_cmpint (last, ==, 799);
  }

  /* On a screen of two device pixels for one of GTK's, half pixels count. */
  view = fit (400, 300, 2, 800, 600);
  expect_guest (&view, 0.5, 299.5, 1, 599);

  /* A fraction of the screen's pixel that Wayland cannot name does not lead to the one before. */
  static const double fractions[] = {1.25, 1.5, 1.75};
  for (gsize i = 0; i < G_N_ELEMENTS (fractions); i++) {
    view = fit (1050 / fractions[i], 1050 / fractions[i], fractions[i], 1050, 1050);
    for (int pixel = 0; pixel < 1050; pixel++) {
      const double named = floor (pixel / fractions[i] * 256) / 256;
      expect_guest (&view, named, named, pixel, pixel);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/display-view/fit", test_fit);
  g_test_add_func ("/display-view/whole", test_whole);
  g_test_add_func ("/display-view/one-to-one", test_one_to_one);
  g_test_add_func ("/display-view/device-pixels", test_device_pixels);
  g_test_add_func ("/display-view/empty", test_empty);
  g_test_add_func ("/display-view/to-guest", test_to_guest);
  return g_test_run ();
}

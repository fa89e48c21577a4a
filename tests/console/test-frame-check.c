/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes from a server that may be lying. */
#include "console/lodge-frame-check.h"

static const guint8 pixel[4];

static void
test_sizes (void)
{
  static const struct {
    int width, height, stride;
    gboolean good;
  } cases[] = {
      {1, 1, 4, TRUE},
      {1920, 1080, 7680, TRUE},
      {1920, 1080, 8192, TRUE},
      {LODGE_FRAME_SIZE_MAX, LODGE_FRAME_SIZE_MAX, LODGE_FRAME_SIZE_MAX * 4, TRUE},
      {0, 1, 4, FALSE},
      {1, 0, 4, FALSE},
      {-1, 1, 4, FALSE},
      {1, G_MININT, 4, FALSE},
      {1920, 1080, 7679, FALSE},
      {1920, 1080, -7680, FALSE},
      {1920, 1080, G_MAXINT, FALSE},
      {LODGE_FRAME_SIZE_MAX + 1, 1, (LODGE_FRAME_SIZE_MAX + 1) * 4, FALSE},
      {1, LODGE_FRAME_SIZE_MAX + 1, 4, FALSE},
      {G_MAXINT, G_MAXINT, G_MAXINT, FALSE},
      {1 << 30, 1, 0, FALSE}, /* times 4 is 0 in 32 bits */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    LodgeFrame frame = {.width = 7};
    gboolean good =
        lodge_frame_check (pixel, cases[i].width, cases[i].height, cases[i].stride, &frame);

    g_assert_cmpint (good, ==, cases[i].good);
    g_assert_true ((frame.data == pixel) == good);
    g_assert_cmpint (frame.width, ==, good ? cases[i].width : 0);
    g_assert_cmpint (frame.height, ==, good ? cases[i].height : 0);
  }

  LodgeFrame frame;
  g_assert_false (lodge_frame_check (NULL, 1, 1, 4, &frame));
}

static void
test_crop (void)
{
  guint8 data[100 * 50 * 4];
  static const guint32 refused[][4] = {
      {0, 0, 0, 10},          {0, 0, 10, 0},          {100, 0, 1, 1},
      {0, 50, 1, 1},          {1, 0, 100, 50},        {0, 1, 100, 50},
      {G_MAXUINT32, 0, 2, 2}, {0, G_MAXUINT32, 2, 2}, {2, 0, G_MAXUINT32, 2},
      {0, 2, 2, G_MAXUINT32},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++) {
    LodgeFrame frame = {data, 100, 50, 400};

    lodge_frame_crop (&frame, refused[i][0], refused[i][1], refused[i][2], refused[i][3]);
    g_assert_true (frame.data == data);
    g_assert_cmpint (frame.width, ==, 100);
    g_assert_cmpint (frame.height, ==, 50);
  }

  LodgeFrame frame = {data, 100, 50, 400};
  lodge_frame_crop (&frame, 60, 10, 40, 40);
  g_assert_true (frame.data == data + 10 * 400 + 60 * 4);
  g_assert_cmpint (frame.width, ==, 40);
  g_assert_cmpint (frame.height, ==, 40);
  g_assert_cmpint (frame.stride, ==, 400);
  g_assert_true (frame.data + 39 * frame.stride + frame.width * 4 == data + sizeof data);

  LodgeFrame none = {0};
  lodge_frame_crop (&none, 0, 0, 1, 1);
  g_assert_null (none.data);
}

static void
test_clip (void)
{
  LodgeFrame frame = {pixel, 100, 50, 400};
  static const struct {
    int in[4];
    gboolean some;
    int out[4];
  } cases[] = {
      {{0, 0, 100, 50}, TRUE, {0, 0, 100, 50}},
      {{-5, -5, 10, 10}, TRUE, {0, 0, 5, 5}},
      {{95, 45, 10, 10}, TRUE, {95, 45, 5, 5}},
      {{0, 0, G_MAXINT, G_MAXINT}, TRUE, {0, 0, 100, 50}},
      {{10, 10, G_MAXINT, 1}, TRUE, {10, 10, 90, 1}},
      {{G_MININT, 0, G_MAXINT, 50}, FALSE, {0}},
      {{G_MAXINT, 0, G_MAXINT, 50}, FALSE, {0}},
      {{100, 0, 1, 1}, FALSE, {0}},
      {{0, 50, 1, 1}, FALSE, {0}},
      {{5, 5, 0, 5}, FALSE, {0}},
      {{5, 5, 5, -1}, FALSE, {0}},
      {{-5, 0, 5, 5}, FALSE, {0}},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    int x = cases[i].in[0], y = cases[i].in[1], width = cases[i].in[2], height = cases[i].in[3];

    g_assert_cmpint (lodge_frame_clip (&frame, &x, &y, &width, &height), ==, cases[i].some);
    if (!cases[i].some)
      continue;
    g_assert_cmpint (x, ==, cases[i].out[0]);
    g_assert_cmpint (y, ==, cases[i].out[1]);
    g_assert_cmpint (width, ==, cases[i].out[2]);
    g_assert_cmpint (height, ==, cases[i].out[3]);
  }
}

static void
test_cursor (void)
{
  LodgeCursor cursor;

  g_assert_true (lodge_cursor_check (pixel, 24, 16, 3, 4, &cursor));
  g_assert_cmpint (cursor.hot_x, ==, 3);
  g_assert_cmpint (cursor.hot_y, ==, 4);

  /* GDK takes no hot spot outside, and the client library lets one be just at the edge. */
  g_assert_true (lodge_cursor_check (pixel, 24, 16, 24, 16, &cursor));
  g_assert_cmpint (cursor.hot_x, ==, 23);
  g_assert_cmpint (cursor.hot_y, ==, 15);
  g_assert_true (lodge_cursor_check (pixel, 24, 16, -1, 65535, &cursor));
  g_assert_cmpint (cursor.hot_x, ==, 0);
  g_assert_cmpint (cursor.hot_y, ==, 15);

  g_assert_false (lodge_cursor_check (NULL, 24, 16, 0, 0, &cursor));
  g_assert_false (lodge_cursor_check (pixel, 0, 16, 0, 0, &cursor));
  g_assert_false (lodge_cursor_check (pixel, 24, 0, 0, 0, &cursor));
  g_assert_false (lodge_cursor_check (pixel, LODGE_CURSOR_SIZE_MAX + 1, 1, 0, 0, &cursor));
  g_assert_false (lodge_cursor_check (pixel, 1, 65535, 0, 0, &cursor));
  g_assert_null (cursor.rgba);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/frame-check/sizes", test_sizes);
  g_test_add_func ("/frame-check/crop", test_crop);
  g_test_add_func ("/frame-check/clip", test_clip);
  g_test_add_func ("/frame-check/cursor", test_cursor);
  return g_test_run ();
}

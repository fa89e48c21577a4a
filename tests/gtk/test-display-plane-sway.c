/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's picture past GTK on a desktop of any scale: on the plane where its place is whole in
 * the window's own pixels, drawn by GTK where it is not, and on the screen pixel for pixel in each
 * case. */
#include "gtk/lodge-display-private.h"
#include "screen-fixture.h"
#include "sway-fixture.h"

typedef struct {
  SwayFixture base;
  ScreenFixture screen;
} Test;

static void
set_up (Test *test)
{
  sway_fixture_set_up (&test->base);
  screen_fixture_set_up (&test->screen, test->base.base.server, test->base.base.display);
}

static void
tear_down (Test *test)
{
  screen_fixture_tear_down (&test->screen);
  sway_fixture_tear_down (&test->base);
}

/* The guest has followed, and draws. */
static void
use_margin (Test *test, int margin)
{
  test->base.margin = margin;
  gtk_widget_set_margin_start (GTK_WIDGET (test->base.base.display), margin);
  gtk_widget_set_margin_top (GTK_WIDGET (test->base.base.display), margin);
  g_assert_true (spice_fixture_wait (sway_fixture_is_asked, &test->base));
  screen_fixture_resize (&test->screen, test->base.width, test->base.height);
}

static void
draw_pieces (Test *test)
{
  const int right = test->base.width, bottom = test->base.height;
  const cairo_rectangle_int_t pieces[] = {{0, 0, 1, 1},
                                          {right - 1, bottom - 1, 1, 1},
                                          {right - 9, 0, 9, bottom},
                                          {255, 255, 2, 2},
                                          {301, 77, 33, 44}};

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    screen_fixture_draw (&test->screen, pieces[i].x, pieces[i].y, pieces[i].width,
                         pieces[i].height);
    g_assert_true (spice_fixture_wait (screen_fixture_is_shown, &test->screen));
  }
}

static void
test_scales (void)
{
  /* At a margin of 8 the place is whole; at the other one it is not. */
  static const struct {
    double scale;
    int other;
  } rows[] = {{1.5, 7}, {2, 0}, {1.25, 6}, {1, 0}};
  Test test;

  set_up (&test);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    sway_fixture_use_scale (&test.base, rows[i].scale);
    use_margin (&test, 8);
    screen_fixture_expect_on_plane (&test.screen);
    draw_pieces (&test);
    g_assert_true (test.screen.display->plane_shown);
    g_assert_cmpfloat (test.screen.display->plane_scale, ==, rows[i].scale);
    if (rows[i].other != 0) {
      use_margin (&test, rows[i].other);
      g_assert_true (spice_fixture_wait (screen_fixture_is_drawn, &test.screen));
      draw_pieces (&test);
      g_assert_false (test.screen.display->plane_shown);
    }
  }
  tear_down (&test);
}

/* All of the screen's pixels stay the guest's: the place is the same, in other pixels of the
 * window's. */
static void
test_change (void)
{
  static const double scales[] = {2, 1.5, 1, 1.25, 2, 1};
  Test test;

  set_up (&test);
  use_margin (&test, 0);
  screen_fixture_expect_on_plane (&test.screen);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    sway_fixture_use_scale (&test.base, scales[i]);
    screen_fixture_expect_on_plane (&test.screen);
    draw_pieces (&test);
    g_assert_true (test.screen.display->plane_shown);
  }
  tear_down (&test);
}

#define ADD(path, test) SPICE_FIXTURE_ADD ("/display/plane-sway/" path, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("scales", test_scales);
  ADD ("change", test_change);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changed of a picture that is not drawn: told apart, but not without limit. */
#include "lodge-damage.h"

#include <glib.h>

static void
test_apart (void)
{
  cairo_region_t *damage = cairo_region_create ();

  for (int i = 0; i < LODGE_DAMAGE_PIECES_MAX; i++)
    lodge_damage_add (damage, &(cairo_rectangle_int_t){10 * i, 10 * i, 5, 5});
  g_assert_cmpint (cairo_region_num_rectangles (damage), ==, LODGE_DAMAGE_PIECES_MAX);
  g_assert_true (cairo_region_contains_point (damage, 12, 12));
  g_assert_false (cairo_region_contains_point (damage, 17, 17));
  cairo_region_destroy (damage);
}

static void
test_limit (void)
{
  cairo_region_t *damage = cairo_region_create ();
  cairo_rectangle_int_t whole;

  for (int i = 0; i < 10000; i++) {
    const int x = i * 7919 % 1920, y = i * 104729 % 1080;

    lodge_damage_add (damage, &(cairo_rectangle_int_t){x, y, 1, 1});
    g_assert_cmpint (cairo_region_num_rectangles (damage), <=, LODGE_DAMAGE_PIECES_MAX);
    g_assert_true (cairo_region_contains_point (damage, x, y));
  }
  cairo_region_get_extents (damage, &whole);
  g_assert_cmpint (whole.x + whole.width, <=, 1920);
  g_assert_cmpint (whole.y + whole.height, <=, 1080);
  cairo_region_destroy (damage);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/damage/apart", test_apart);
  g_test_add_func ("/damage/limit", test_limit);
  return g_test_run ();
}

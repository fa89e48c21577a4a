/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display on a desktop that scales by fractions, as it is on the screen: what the compositor
 * shows, the size a guest is asked for, and where its pointer is.
 */
#include "sway-fixture.h"

#include "gtk/lodge-display-private.h"
#include "test-xdotool.h"

typedef SwayFixture Test;

static const double scales[] = {1.25, 1.5, 1.75, 2, 1};

/* Every pixel another one than its neighbours, so that a smoothed or shifted one is seen. */
static guint32
get_color (int x, int y)
{
  return ((guint32) x * 2654435761u ^ (guint32) y * 40503u * 65537u) & 0xffffff;
}

static void
draw (Test *test)
{
  g_autofree guint32 *pixels = g_new (guint32, (gsize) test->width * (gsize) test->height);

  for (int y = 0; y < test->height; y++) {
    for (int x = 0; x < test->width; x++)
      pixels[y * test->width + x] = get_color (x, y);
  }
  spice_fixture_resize (test->base.server, test->width, test->height);
  spice_fixture_draw (test->base.server, 0, 0, test->width, test->height, pixels);
}

/* Each of the guest's pixels is one of the screen's, where the display says that it is. */
static gboolean
is_on_screen (gpointer data)
{
  static const char *const argv[] = {
      "import",
      "-window",
      "root",
      "-depth",
      "8",
      "-crop",
      G_STRINGIFY (SCREEN_WIDTH) "x" G_STRINGIFY (SCREEN_HEIGHT) "+0+0",
      "rgb:-",
      NULL};
  Test *test = data;
  const LodgeDisplayView *view = &test->base.display->view;
  g_autoptr (GBytes) bytes = sway_fixture_run_program (argv);
  gsize size;
  const guint8 *rgb = g_bytes_get_data (bytes, &size);

  g_assert_cmpuint (size, ==, (gsize) SCREEN_WIDTH * SCREEN_HEIGHT * 3);
  for (int y = 0; y < test->height; y++) {
    for (int x = 0; x < test->width; x++) {
      const guint8 *p =
          rgb + ((gsize) (view->top + y) * SCREEN_WIDTH + (gsize) (view->left + x)) * 3;
      if (((guint32) p[0] << 16 | (guint32) p[1] << 8 | p[2]) != get_color (x, y))
        return FALSE;
    }
  }
  return TRUE;
}

static void
set_margin (Test *test, int margin)
{
  test->margin = margin;
  gtk_widget_set_margin_start (GTK_WIDGET (test->base.display), margin);
  gtk_widget_set_margin_top (GTK_WIDGET (test->base.display), margin);
}

/* A guest that follows the window is asked for the screen's pixels, and each of its own is one of
 * them, wherever in the window the display is. */
static void
test_pixels (void)
{
  Test test;

  sway_fixture_set_up (&test);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    sway_fixture_use_scale (&test, scales[i]);
    for (int margin = 7; margin >= 0; margin -= 7) {
      set_margin (&test, margin);
      g_assert_true (spice_fixture_wait (sway_fixture_is_asked, &test));
      if (margin == 0) {
        g_assert_cmpint (test.width, ==, SCREEN_WIDTH);
        g_assert_cmpint (test.height, ==, SCREEN_HEIGHT);
      }
      draw (&test);
      g_assert_true (spice_fixture_wait (is_on_screen, &test));
    }
  }
  sway_fixture_tear_down (&test);
}

/* The guest's pointer is at the pixel of its picture that the screen's is at. */
static void
test_pointer (void)
{
  Test test;

  sway_fixture_set_up (&test);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    sway_fixture_use_scale (&test, scales[i]);
    g_assert_true (spice_fixture_wait (sway_fixture_is_asked, &test));
    draw (&test);
    g_assert_true (spice_fixture_wait (is_on_screen, &test));
    for (int x = 11; x < SCREEN_WIDTH; x += 163) {
      const int y = SCREEN_HEIGHT - 1 - x * 2 / 3;
      g_autofree char *want = g_strdup_printf ("@%d,%d", x, y);

      spice_fixture_clear (test.base.server);
      test_xdotool ("mousemove %d %d", x, y);
      spice_fixture_expect_pointer (test.base.server, want);
    }
  }
  sway_fixture_tear_down (&test);
}

#define ADD(path, test) SPICE_FIXTURE_ADD ("/display/fractional/" path, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("pixels", test_pixels);
  ADD ("pointer", test_pointer);
  return g_test_run ();
}

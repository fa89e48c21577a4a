/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display on a compositor that gives its shortcuts away, and that can be of any scale: who gets
 * a combination of keys, and how large the guest's cursor is. */
#include "sway-fixture.h"

#include "gtk/lodge-display-private.h"
#include "test-xdotool.h"

#include <X11/Xlib.h>
#include <X11/extensions/Xfixes.h>
#include <glib/gstdio.h>

typedef SwayFixture Test;

/* ---- Sway's own shortcut: Super+Y makes this file (sway-test) */

static char *
dup_trace (void)
{
  return g_build_filename (g_get_user_runtime_dir (), "shortcut", NULL);
}

static gboolean
has_trace (gpointer unused)
{
  g_autofree char *path = dup_trace ();

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* Sway takes it, and the guest sees no Y. */
static void
expect_taken (Test *test)
{
  g_autofree char *path = dup_trace ();

  test_xdotool ("key super+y");
  g_assert_true (spice_fixture_wait (has_trace, NULL));
  g_assert_cmpint (g_unlink (path), ==, 0);
  spice_fixture_settle ();
  g_assert_null (strstr (spice_fixture_get_scancodes (test->base.server), "15"));
  spice_fixture_clear (test->base.server);
}

static gboolean
is_inhibited (gpointer test)
{
  LodgeDisplay *display = ((Test *) test)->base.display;

  return display->grabbed && !lodge_display_get_keeps_shortcuts (display);
}

static gboolean
is_free (gpointer test)
{
  return !((Test *) test)->base.display->grabbed;
}

static void
test_shortcuts (void)
{
  Test test;

  sway_fixture_set_up (&test);
  lodge_display_set_grab_shortcuts (test.base.display, TRUE);
  expect_taken (&test);

  /* What is clicked has the keyboard, with all that the compositor would do with it. */
  test_xdotool ("mousemove 700 500 click 1");
  g_assert_true (spice_fixture_wait (is_inhibited, &test));
  spice_fixture_settle ();
  spice_fixture_clear (test.base.server);
  /* In this order: how xdotool lets go of a combination depends on its version. */
  test_xdotool ("keydown super key y keyup super");
  spice_fixture_expect_scancodes (test.base.server, "e0 5b 15 95 e0 db");
  spice_fixture_settle ();
  g_assert_false (has_trace (NULL));

  /* And the compositor has its shortcuts back. */
  test_xdotool ("key ctrl+alt");
  g_assert_true (spice_fixture_wait (is_free, &test));
  /* Until Sway has heard of it, too. */
  gdk_display_sync (gtk_widget_get_display (test.base.window));
  spice_fixture_settle ();
  spice_fixture_clear (test.base.server);
  expect_taken (&test);
  sway_fixture_tear_down (&test);
}

/* ---- the cursor, as Sway gives it to the X server: in the screen's pixels, with much around it */

typedef struct {
  Display *display;
  int width;
  int height;
} Wanted;

static gboolean
has_cursor (gpointer data)
{
  const Wanted *want = data;
  XFixesCursorImage *image = XFixesGetCursorImage (want->display);
  int left = image->width, top = image->height, right = -1, bottom = -1;

  for (int y = 0; y < image->height; y++) {
    for (int x = 0; x < image->width; x++) {
      if ((image->pixels[y * image->width + x] & 0xff000000) == 0)
        continue;
      left = MIN (left, x);
      right = MAX (right, x);
      top = MIN (top, y);
      bottom = MAX (bottom, y);
    }
  }
  XFree (image);
  return right - left + 1 == want->width && bottom - top + 1 == want->height;
}

static void
test_cursor (void)
{
  static const double scales[] = {1, 2, 1};
  Wanted want = {.display = XOpenDisplay (NULL)};
  guint32 shape[24 * 12];
  Test test;

  g_assert_nonnull (want.display);
  for (guint i = 0; i < G_N_ELEMENTS (shape); i++)
    shape[i] = 0xff804020;
  sway_fixture_set_up (&test);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    sway_fixture_use_scale (&test, scales[i]);
    g_assert_true (spice_fixture_wait (sway_fixture_is_asked, &test));
    spice_fixture_resize (test.base.server, test.width, test.height);
    /* Another one each time, so that it is not the last one that is found. */
    want.width = 16 + 4 * (int) i;
    want.height = 8 + 2 * (int) i;
    spice_fixture_set_cursor (test.base.server, want.width, want.height, 3, 2, shape);
    test_xdotool ("mousemove 701 501 mousemove 700 500");
    /* One of the guest's pixels is one of the screen's, whatever its scale. */
    g_assert_true (spice_fixture_wait (has_cursor, &want));
  }
  sway_fixture_tear_down (&test);
  XCloseDisplay (want.display);
}

#define ADD(path, test) SPICE_FIXTURE_ADD ("/display/sway/" path, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("shortcuts", test_shortcuts);
  ADD ("cursor", test_cursor);
  return g_test_run ();
}

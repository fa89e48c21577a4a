/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display where the guest's picture is in a graphics card's memory: shown where GTK can do
 * that, and said why not where it cannot; the guest never waits for ever.
 *
 * Where there is neither a graphics card nor /dev/udmabuf ordinary memory is in the card's place,
 * which GTK reads line by line there. */
#include "display-fixture.h"

#include "gtk/lodge-renderer.h"
#include "gtk/lodge-scanout-view.h"

#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define XR24   0x34325258u
#define WIDTH  640
#define HEIGHT 480
#define STRIDE (WIDTH * 4)

typedef struct {
  DisplayFixture display;
  int file;
  int memory;
  guint32 *pixels;
} Test;

/* A dma-buf of the file's pages, where the kernel makes them. */
static int
open_memory (int file)
{
  const int udmabuf = open ("/dev/udmabuf", O_RDWR | O_CLOEXEC);
  struct udmabuf_create create = {
      .memfd = (guint32) file, .flags = UDMABUF_FLAGS_CLOEXEC, .size = STRIDE * HEIGHT};

  if (udmabuf < 0)
    return dup (file);
  const int memory = ioctl (udmabuf, UDMABUF_CREATE, &create);
  close (udmabuf);
  return memory >= 0 ? memory : dup (file);
}

static void
set_up (Test *test)
{
  /* GTK tells of ordinary memory that the kernel does not wait for the card there. */
  g_log_set_fatal_mask ("Gdk", G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  display_fixture_set_up (&test->display);
  test->file = memfd_create ("scanout", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  g_assert_cmpint (ftruncate (test->file, STRIDE * HEIGHT), ==, 0);
  g_assert_cmpint (fcntl (test->file, F_ADD_SEALS, F_SEAL_SHRINK), ==, 0);
  test->memory = open_memory (test->file);
  test->pixels = mmap (NULL, STRIDE * HEIGHT, PROT_READ | PROT_WRITE, MAP_SHARED, test->file, 0);
  g_assert_true (test->pixels != MAP_FAILED);
}

static void
tear_down (Test *test)
{
  display_fixture_tear_down (&test->display);
  munmap (test->pixels, STRIDE * HEIGHT);
  close (test->memory);
  close (test->file);
}

static void
fill (Test *test, int x, int y, int width, int height, guint32 color)
{
  for (int row = y; row < y + height; row++)
    for (int column = x; column < x + width; column++)
      test->pixels[row * WIDTH + column] = color;
}

static void
show (Test *test, gboolean from_bottom)
{
  spice_fixture_set_scanout (test->display.server, test->memory, WIDTH, HEIGHT, STRIDE, XR24,
                             from_bottom);
}

static const char *
get_problem (Test *test)
{
  return lodge_display_get_problem (LODGE_DISPLAY (test->display.display));
}

static gboolean
has_picture_or_problem (gpointer data)
{
  Test *test = data;
  gboolean from_bottom;
  g_autoptr (GdkTexture) texture =
      lodge_display_dup_scanout (LODGE_DISPLAY (test->display.display), &from_bottom);

  return texture != NULL || get_problem (test) != NULL;
}

typedef struct {
  Test *test;
  guint n;
} Count;

static gboolean
is_answered (gpointer data)
{
  const Count *want = data;

  return spice_fixture_get_n_answered (want->test->display.server) >= want->n;
}

static void
draw (Test *test, int x, int y, int width, int height)
{
  Count want = {test, spice_fixture_get_n_answered (test->display.server) + 1};

  spice_fixture_draw_scanout (test->display.server, (guint32) x, (guint32) y, (guint32) width,
                              (guint32) height);
  g_assert_true (spice_fixture_wait (is_answered, &want));
}

/* Whether GTK shows such memory here at all. What it says where it does not is looked at, too. */
static gboolean
can_show (Test *test)
{
  g_assert_true (spice_fixture_wait (has_picture_or_problem, test));
  if (get_problem (test) == NULL)
    return TRUE;
  g_test_message ("%s", get_problem (test));
  if (gtk_check_version (4, 14, 0) != NULL) {
    g_assert_nonnull (strstr (get_problem (test), "too old"));
    return FALSE;
  }
  /* From 4.14 on only a card's driver may refuse what is not its own. */
  g_assert_true (lodge_renderer_has_card ("/dev"));
  return FALSE;
}

static void
test_picture (void)
{
  Test test;

  set_up (&test);
  fill (&test, 0, 0, WIDTH, HEIGHT, 0x00336699);
  show (&test, FALSE);
  if (!can_show (&test)) {
    /* Nobody waits for a picture that is not shown; an ordinary one is seen again. */
    for (int i = 0; i < 5; i++)
      draw (&test, 0, 0, WIDTH, HEIGHT);
    display_fixture_expect_color (&test.display, 10, 10, 0xff000000);
    spice_fixture_resize (test.display.server, WIDTH, HEIGHT);
    spice_fixture_fill (test.display.server, 0, 0, WIDTH, HEIGHT, 0x123456);
    display_fixture_expect_color (&test.display, 10, 10, 0xff123456);
    g_assert_null (get_problem (&test));
    tear_down (&test);
    return;
  }
  draw (&test, 0, 0, WIDTH, HEIGHT);
  display_fixture_expect_color (&test.display, 10, 10, 0xff336699);
  display_fixture_expect_color (&test.display, WIDTH - 1, HEIGHT - 1, 0xff336699);

  /* What is drawn in it is seen. */
  for (guint i = 0; i < 10; i++) {
    fill (&test, 100, 50, 20, 10, 0x00102030u + i);
    draw (&test, 100, 50, 20, 10);
    display_fixture_expect_color (&test.display, 110, 55, 0xff102030u + i);
    g_assert_cmphex (display_fixture_get_pixel (&test.display, 99, 55), ==, 0xff336699);
  }

  /* From the bottom: 480 lines, of which the first is now the last. */
  show (&test, TRUE);
  draw (&test, 0, 0, WIDTH, HEIGHT);
  display_fixture_expect_color (&test.display, 110, HEIGHT - 1 - 55, 0xff102039);
  g_assert_cmphex (display_fixture_get_pixel (&test.display, 110, 55), ==, 0xff336699);

  /* An ordinary picture takes its place, and it takes that one's again. */
  spice_fixture_resize (test.display.server, WIDTH, HEIGHT);
  spice_fixture_fill (test.display.server, 0, 0, WIDTH, HEIGHT, 0x123456);
  display_fixture_expect_color (&test.display, 10, 10, 0xff123456);
  show (&test, FALSE);
  draw (&test, 0, 0, WIDTH, HEIGHT);
  display_fixture_expect_color (&test.display, 10, 10, 0xff336699);
  tear_down (&test);
}

/* Scaled, and beside it black. */
static void
test_place (void)
{
  Test test;

  set_up (&test);
  fill (&test, 0, 0, WIDTH, HEIGHT, 0x00336699);
  fill (&test, 0, 0, 1, 1, 0x00ff0000);
  spice_fixture_set_scanout (test.display.server, test.memory, 160, 240, STRIDE, XR24, FALSE);
  if (!can_show (&test)) {
    tear_down (&test);
    return;
  }
  /* 2 to 1, and sharp: a pixel is a square of four. */
  display_fixture_expect_color (&test.display, 160, 0, 0xffff0000);
  display_fixture_expect_color (&test.display, 161, 1, 0xffff0000);
  display_fixture_expect_color (&test.display, 162, 0, 0xff336699);
  display_fixture_expect_color (&test.display, 159, 0, 0xff000000);
  display_fixture_expect_color (&test.display, 479, 479, 0xff336699);
  display_fixture_expect_color (&test.display, 480, 479, 0xff000000);
  tear_down (&test);
}

/* The desktop says no: words, and a guest that goes on. */
static void
test_refused (void)
{
  Test test;

  set_up (&test);
  lodge_scanout_view_refuse (TRUE);
  show (&test, FALSE);
  g_assert_true (spice_fixture_wait (has_picture_or_problem, &test));
  g_assert_nonnull (get_problem (&test));
  g_assert_nonnull (strstr (get_problem (&test), "refused"));
  for (int i = 0; i < 5; i++)
    draw (&test, 0, 0, WIDTH, HEIGHT);
  lodge_scanout_view_refuse (FALSE);
  tear_down (&test);
}

/* The window is closed while the guest waits for its drawing; and a hidden one holds up nothing. */
static void
test_hidden (void)
{
  Test test;

  set_up (&test);
  show (&test, FALSE);
  g_assert_true (spice_fixture_wait (has_picture_or_problem, &test));
  gtk_widget_set_visible (test.display.window, FALSE);
  for (int i = 0; i < 5; i++)
    draw (&test, 0, 0, WIDTH, HEIGHT);
  gtk_window_present (GTK_WINDOW (test.display.window));
  for (int i = 0; i < 5; i++)
    draw (&test, 0, 0, WIDTH, HEIGHT);
  spice_fixture_draw_scanout (test.display.server, 0, 0, WIDTH, HEIGHT);
  tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  DISPLAY_FIXTURE_ADD ("scanout/picture", test_picture);
  DISPLAY_FIXTURE_ADD ("scanout/place", test_place);
  DISPLAY_FIXTURE_ADD ("scanout/refused", test_refused);
  DISPLAY_FIXTURE_ADD ("scanout/hidden", test_hidden);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's picture past GTK on Wayland: what the compositor shows of it, and when it is GTK that
 * draws instead. */
#include "gtk/lodge-display-private.h"
#include "screen-fixture.h"
#include "test-xdotool.h"
#include "wayland-fixture.h"

#define WIDTH  800
#define HEIGHT 600
/* A part of GTK's own over the picture. */
#define PART_X      300
#define PART_Y      200
#define PART_WIDTH  120
#define PART_HEIGHT 80
#define PART_COLOR  0x20c040

typedef struct {
  WaylandFixture base;
  ScreenFixture screen;
} Test;

static void
set_up (Test *test)
{
  test_xdotool ("mousemove 600 500");
  wayland_fixture_set_up (&test->base, WIDTH, HEIGHT, WIDTH, TRUE);
  screen_fixture_set_up (&test->screen, test->base.server, test->base.display);
  /* GTK finds what is below it when it moves. */
  test_xdotool ("mousemove 601 500");
  screen_fixture_resize (&test->screen, WIDTH, HEIGHT);
  screen_fixture_expect_on_plane (&test->screen);
}

static void
tear_down (Test *test)
{
  screen_fixture_tear_down (&test->screen);
  wayland_fixture_tear_down (&test->base);
}

static gint64
count_frames (Test *test)
{
  return gdk_frame_clock_get_frame_counter (
      gtk_widget_get_frame_clock (GTK_WIDGET (test->base.display)));
}

static gboolean
has_focus (gpointer window)
{
  return gtk_window_is_active (window);
}

/* Over all of the screen, and seen. */
static GtkWidget *
present_other (void)
{
  GtkWidget *other = gtk_window_new ();

  gtk_window_set_decorated (GTK_WINDOW (other), FALSE);
  gtk_window_present (GTK_WINDOW (other));
  g_assert_true (spice_fixture_wait (has_focus, other));
  return other;
}

static gboolean
is_not_shown (gpointer screen)
{
  return !screen_fixture_is_shown (screen);
}

/* ---- the picture */

/* Corners and edges of picture and tiles, single pixels, and much of it. */
static const cairo_rectangle_int_t pieces[] = {
    {0, 0, 1, 1},     {WIDTH - 1, 0, 1, 1},  {0, HEIGHT - 1, 1, 1}, {WIDTH - 1, HEIGHT - 1, 1, 1},
    {255, 255, 2, 2}, {40, 30, 200, 1},      {511, 100, 1, 300},    {123, 456, 77, 33},
    {8, 16, 8, 16},   {0, 0, WIDTH, HEIGHT}, {700, 500, 100, 100},
};

static void
test_damage (void)
{
  GtkWidget *other;
  gint64 frames;
  Test test;

  set_up (&test);
  spice_fixture_settle ();
  frames = count_frames (&test);
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    screen_fixture_draw (&test.screen, pieces[i].x, pieces[i].y, pieces[i].width, pieces[i].height);
    g_assert_true (spice_fixture_wait (screen_fixture_is_on_plane, &test.screen));
  }
  g_assert_cmpint (count_frames (&test), ==, frames);
  /* The compositor draws its screen from what it was given: also what it had no need to look at. */
  other = present_other ();
  g_assert_true (spice_fixture_wait (is_not_shown, &test.screen));
  gtk_window_destroy (GTK_WINDOW (other));
  g_assert_true (spice_fixture_wait (screen_fixture_is_on_plane, &test.screen));
  spice_fixture_settle ();

  frames = count_frames (&test);
  /* More than the screen has frames for. */
  for (int round = 0; round < 300; round++) {
    const cairo_rectangle_int_t *piece = &pieces[round % G_N_ELEMENTS (pieces)];

    screen_fixture_draw (&test.screen, piece->x, piece->y, piece->width, piece->height);
    g_main_context_iteration (NULL, FALSE);
  }
  g_assert_true (spice_fixture_wait (screen_fixture_is_on_plane, &test.screen));
  /* And all of that past GTK. */
  g_assert_cmpint (count_frames (&test), ==, frames);
  tear_down (&test);
}

static gboolean
is_doubled (gpointer data)
{
  Test *test = data;

  return !test->base.display->plane_shown &&
         test->base.display->view.guest_width == test->screen.width &&
         screen_fixture_get_pixel (2 * 33, 2 * 44) ==
             test->screen.pixels[44 * test->screen.width + 33];
}

/* A guest of another size: larger ones and smaller ones, and one that is scaled. */
static void
test_resize (void)
{
  Test test;

  set_up (&test);
  screen_fixture_resize (&test.screen, WIDTH - 8, HEIGHT - 10);
  screen_fixture_expect_on_plane (&test.screen);
  /* Nothing of what was there before is beside it. */
  g_assert_cmphex (screen_fixture_get_pixel (2, 300), ==, 0);
  g_assert_cmphex (screen_fixture_get_pixel (400, HEIGHT - 3), ==, 0);

  screen_fixture_resize (&test.screen, WIDTH / 2, HEIGHT / 2);
  g_assert_true (spice_fixture_wait (is_doubled, &test));

  screen_fixture_resize (&test.screen, WIDTH, HEIGHT);
  screen_fixture_expect_on_plane (&test.screen);
  tear_down (&test);
}

/* A part of a larger picture, pixel for pixel. */
static void
test_pan (void)
{
  static const int places[][2] = {{0, 0}, {1, 1}, {200, 100}, {77, 13}};
  GtkAdjustment *pan[2];
  Test test;

  set_up (&test);
  for (int i = 0; i < 2; i++) {
    pan[i] = gtk_adjustment_new (0, 0, 0, 0, 0, 0);
    lodge_display_set_adjustment (test.base.display, i, pan[i]);
  }
  lodge_display_set_scaling (test.base.display, LODGE_SCALING_ONE_TO_ONE);
  screen_fixture_resize (&test.screen, WIDTH + 200, HEIGHT + 100);
  screen_fixture_expect_on_plane (&test.screen);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    gtk_adjustment_set_value (pan[GTK_ORIENTATION_HORIZONTAL], places[i][0]);
    gtk_adjustment_set_value (pan[GTK_ORIENTATION_VERTICAL], places[i][1]);
    screen_fixture_draw (&test.screen, 300, 200, 5, 5);
    g_assert_true (spice_fixture_wait (screen_fixture_is_on_plane, &test.screen));
    g_assert_cmpint (test.base.display->plane_x, ==, places[i][0]);
    g_assert_cmpint (test.base.display->plane_y, ==, places[i][1]);
    /* With a part that is not seen, and one that is half seen. */
    screen_fixture_draw (&test.screen, 0, 0, 250, 150);
    screen_fixture_draw (&test.screen, WIDTH + 150, HEIGHT + 90, 50, 10);
  }
  g_assert_true (spice_fixture_wait (screen_fixture_is_on_plane, &test.screen));
  tear_down (&test);
}

/* ---- with GTK */

static GtkWidget *
new_part (void)
{
  guint32 *pixels = g_new (guint32, PART_WIDTH * PART_HEIGHT);

  for (int i = 0; i < PART_WIDTH * PART_HEIGHT; i++)
    pixels[i] = 0xff000000 | PART_COLOR;

  g_autoptr (GBytes) bytes = g_bytes_new_take (pixels, PART_WIDTH * PART_HEIGHT * sizeof *pixels);
  g_autoptr (GdkTexture) texture =
      gdk_memory_texture_new (PART_WIDTH, PART_HEIGHT, GDK_MEMORY_B8G8R8A8_PREMULTIPLIED, bytes,
                              PART_WIDTH * sizeof *pixels);
  GtkWidget *part = gtk_picture_new_for_paintable (GDK_PAINTABLE (texture));

  gtk_widget_set_halign (part, GTK_ALIGN_START);
  gtk_widget_set_valign (part, GTK_ALIGN_START);
  gtk_widget_set_margin_start (part, PART_X);
  gtk_widget_set_margin_top (part, PART_Y);
  return part;
}

/* The part, and around it the guest's pixels. */
static gboolean
has_part (gpointer data)
{
  Test *test = data;
  const int x = PART_X - 1, y = PART_Y + 5;

  return !test->base.display->plane_shown &&
         screen_fixture_get_pixel (PART_X, PART_Y) == PART_COLOR &&
         screen_fixture_get_pixel (PART_X + PART_WIDTH - 1, PART_Y + PART_HEIGHT - 1) ==
             PART_COLOR &&
         screen_fixture_get_pixel (x, y) == test->screen.pixels[y * WIDTH + x] &&
         screen_fixture_get_pixel (PART_X + PART_WIDTH, y) ==
             test->screen.pixels[y * WIDTH + PART_X + PART_WIDTH];
}

static void
put_into_overlay (Test *test, GtkWidget *part)
{
  GtkWidget *overlay = gtk_overlay_new ();

  g_object_ref (test->base.display);
  gtk_window_set_child (GTK_WINDOW (test->base.window), overlay);
  gtk_overlay_set_child (GTK_OVERLAY (overlay), GTK_WIDGET (test->base.display));
  gtk_overlay_add_overlay (GTK_OVERLAY (overlay), part);
  g_object_unref (test->base.display);
}

static void
test_covered (void)
{
  GtkWidget *part;
  Test test;

  set_up (&test);
  part = new_part ();
  put_into_overlay (&test, part);
  g_assert_true (spice_fixture_wait (has_part, &test));
  for (int round = 0; round < 3; round++) {
    /* The guest goes on below it. */
    screen_fixture_draw (&test.screen, 0, 0, WIDTH, HEIGHT);
    g_assert_true (spice_fixture_wait (has_part, &test));
    gtk_widget_set_visible (part, FALSE);
    screen_fixture_expect_on_plane (&test.screen);
    screen_fixture_draw (&test.screen, 0, 0, WIDTH, HEIGHT);
    g_assert_true (spice_fixture_wait (screen_fixture_is_on_plane, &test.screen));
    gtk_widget_set_visible (part, TRUE);
    g_assert_true (spice_fixture_wait (has_part, &test));
  }
  tear_down (&test);
}

/* The plane does not take the pointer. */
static void
test_pointer (void)
{
  static const int points[][2] = {{0, 0}, {WIDTH - 1, HEIGHT - 1}, {400, 300}, {17, 599}};
  Test test;

  set_up (&test);
  /* GTK finds what is below the pointer when that moves. */
  test_xdotool ("mousemove 100 100 mousemove 101 101");
  spice_fixture_settle ();
  spice_fixture_clear (test.base.server);
  for (guint i = 0; i < G_N_ELEMENTS (points); i++) {
    g_autofree char *want = g_strdup_printf ("@%d,%d", points[i][0], points[i][1]);

    test_xdotool ("mousemove %d %d", points[i][0], points[i][1]);
    spice_fixture_expect_pointer (test.base.server, want);
    g_assert_true (test.base.display->plane_shown);
  }
  test_xdotool ("click 1");
  spice_fixture_expect_pointer (test.base.server, "=1 =0");
  tear_down (&test);
}

static gboolean
is_black (gpointer data)
{
  return screen_fixture_get_pixel (400, 300) == 0;
}

/* Out of sight, in each of the ways there are, while the guest goes on. */
static void
test_hidden (void)
{
  GtkWidget *other;
  Test test;

  set_up (&test);
  gtk_widget_set_visible (GTK_WIDGET (test.base.display), FALSE);
  g_assert_null (test.base.display->plane);
  screen_fixture_draw (&test.screen, 0, 0, WIDTH, HEIGHT);
  gtk_widget_set_visible (GTK_WIDGET (test.base.display), TRUE);
  screen_fixture_expect_on_plane (&test.screen);

  gtk_widget_set_visible (test.base.window, FALSE);
  g_assert_null (test.base.display->plane);
  screen_fixture_draw (&test.screen, 0, 0, WIDTH, HEIGHT);
  spice_fixture_settle ();
  gtk_window_present (GTK_WINDOW (test.base.window));
  screen_fixture_expect_on_plane (&test.screen);

  /* Nobody sees it, and the compositor asks for nothing. */
  other = present_other ();
  g_assert_true (spice_fixture_wait (is_not_shown, &test.screen));
  for (int round = 0; round < 20; round++) {
    screen_fixture_draw (&test.screen, 40 * round, 30 * round, 40, 30);
    spice_fixture_run_for (10);
  }
  g_assert_true (test.base.display->plane_shown);
  gtk_window_destroy (GTK_WINDOW (other));
  g_assert_true (spice_fixture_wait (screen_fixture_is_on_plane, &test.screen));

  /* The guest's picture is gone while nobody sees it. */
  spice_fixture_cut (test.base.server);
  lodge_display_set_session (test.base.display, NULL);
  g_assert_true (spice_fixture_wait (is_black, &test));
  tear_down (&test);
}

/* ---- the plane alone */

#define SIZE 64

typedef struct {
  LodgePlane *plane;
  gboolean ready;
  int x; /* where in the window it is */
} Sample;

static void
ready_cb (gpointer sample)
{
  ((Sample *) sample)->ready = TRUE;
}

static void
unexpected_cb (gpointer unused)
{
  g_assert_not_reached ();
}

static void
frame_wanted_cb (gpointer unused)
{
}

static const LodgePlaneEvents events = {ready_cb, unexpected_cb, unexpected_cb, frame_wanted_cb};

static gboolean
is_ready (gpointer sample)
{
  return ((Sample *) sample)->ready;
}

static void
put (Sample *sample, guint32 color)
{
  guint32 pixels[SIZE * SIZE];
  const LodgeFrame frame = {(const guint8 *) pixels, SIZE, SIZE, SIZE * sizeof (guint32)};
  cairo_region_t *all = cairo_region_create_rectangle (&(cairo_rectangle_int_t){0, 0, SIZE, SIZE});

  for (int i = 0; i < SIZE * SIZE; i++)
    pixels[i] = color;
  sample->ready = FALSE;
  while (!lodge_plane_put (sample->plane, &frame, 0, 0, all)) {
    g_assert_true (spice_fixture_wait (is_ready, sample));
    sample->ready = FALSE;
  }
  cairo_region_destroy (all);
}

static void
make (Sample *sample, GtkWidget *window, int x)
{
  const cairo_rectangle_int_t place = {x, 0, SIZE, SIZE};

  *sample = (Sample){.x = x};
  sample->plane = lodge_plane_new (gtk_native_get_surface (GTK_NATIVE (window)), &events, sample);
  g_assert_nonnull (sample->plane);
  if (!lodge_plane_fits (sample->plane, &place, 1)) {
    g_assert_true (spice_fixture_wait (is_ready, sample));
    g_assert_true (lodge_plane_fits (sample->plane, &place, 1));
  }
  /* These are not pixels of the surface's own. */
  g_assert_false (
      lodge_plane_fits (sample->plane, &(cairo_rectangle_int_t){x + 1, 0, SIZE, SIZE}, 2));
  g_assert_false (
      lodge_plane_fits (sample->plane, &(cairo_rectangle_int_t){x, 0, SIZE, SIZE}, 1.5));
  g_assert_true (lodge_plane_fits (sample->plane, &(cairo_rectangle_int_t){3, 6, 9, 12}, 1.5));
  g_assert_true (lodge_plane_show (sample->plane, &place, 1));
}

typedef struct {
  int x;
  guint32 color;
} Wanted;

static gboolean
has_color (gpointer data)
{
  const Wanted *want = data;

  return screen_fixture_get_pixel (want->x + SIZE / 2, SIZE / 2) == want->color;
}

static void
expect_color (int x, guint32 color)
{
  Wanted want = {x, color};

  g_assert_true (spice_fixture_wait (has_color, &want));
}

static gboolean
is_mapped (gpointer widget)
{
  return gtk_widget_get_mapped (widget) && gtk_window_is_active (widget);
}

/* A frame of GTK's in which something has changed. */
static void
draw_frame (GtkWidget *window)
{
  static gboolean more;

  more = !more;
  gtk_widget_set_margin_start (gtk_window_get_child (GTK_WINDOW (window)), more);
}

/* What GTK drew behind it is old: it stays until GTK's next frame. */
static void
test_end (void)
{
  GtkWidget *window;
  Sample first, second;

  gtk_init ();
  test_xdotool ("mousemove 600 500");
  window = gtk_window_new ();
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  gtk_window_set_child (GTK_WINDOW (window), gtk_label_new ("."));
  gtk_window_present (GTK_WINDOW (window));
  g_assert_true (spice_fixture_wait (is_mapped, window));
  spice_fixture_settle ();
  const guint32 background = screen_fixture_get_pixel (SIZE / 2, SIZE / 2);

  make (&first, window, 0);
  make (&second, window, 2 * SIZE);
  put (&first, 0x111111);
  put (&second, 0x222222);
  draw_frame (window);
  expect_color (0, 0x111111);
  expect_color (2 * SIZE, 0x222222);

  lodge_plane_hide (first.plane);
  /* The compositor draws its screen, without a frame of GTK's. */
  put (&second, 0x333333);
  expect_color (2 * SIZE, 0x333333);
  expect_color (0, 0x111111);
  draw_frame (window);
  expect_color (0, background);

  /* Once more; and it is freed where it was hidden. */
  g_assert_true (lodge_plane_show (first.plane, &(cairo_rectangle_int_t){0, 0, SIZE, SIZE}, 1));
  put (&first, 0x444444);
  draw_frame (window);
  expect_color (0, 0x444444);
  lodge_plane_free (first.plane);
  put (&second, 0x555555);
  expect_color (2 * SIZE, 0x555555);
  expect_color (0, 0x444444);
  draw_frame (window);
  expect_color (0, background);

  /* That is still shown when the window goes. */
  lodge_plane_free (second.plane);
  gtk_window_destroy (GTK_WINDOW (window));
  spice_fixture_settle ();
}

#define ADD(path, test) SPICE_FIXTURE_ADD ("/display/plane-wayland/" path, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("damage", test_damage);
  ADD ("resize", test_resize);
  ADD ("pan", test_pan);
  ADD ("covered", test_covered);
  ADD ("pointer", test_pointer);
  ADD ("hidden", test_hidden);
  ADD ("end", test_end);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display on desktops of every scale: each pixel of the picture, the size a guest is asked for,
 * the pointer and its shape.
 *
 * X11 has whole scales only. What a fraction does to the window is tried by telling the display of
 * one and drawing its nodes enlarged by it, as GTK does on Wayland. Under GDK_SCALE the pixels are
 * those that the X server shows.
 */
#include "display-fixture.h"

#include "gtk/lodge-display-private.h"
#include "gtk/lodge-display-scale.h"

#include <math.h>

static const double scales[] = {1, 1.25, 1.5, 1.75, 2};

/* ---- pixels */

/* Every pixel another one than its neighbours, so that a smoothed or shifted one is seen. */
static guint32
get_color (int x, int y)
{
  return ((guint32) x * 2654435761u ^ (guint32) y * 40503u * 65537u) & 0xffffff;
}

static void
draw (DisplayFixture *test, int width, int height)
{
  g_autofree guint32 *pixels = g_new (guint32, (gsize) width * (gsize) height);

  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++)
      pixels[y * width + x] = get_color (x, y);
  }
  spice_fixture_draw (test->server, 0, 0, width, height, pixels);
}

/* A guest of that size has drawn all of it, and the display knows. */
typedef struct {
  DisplayFixture *test;
  int width, height;
} Size;

static gboolean
is_drawn (gpointer data)
{
  Size *want = data;
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_source (want->test->session), &frame);
  if (frame.data == NULL || frame.width != want->width || frame.height != want->height)
    return FALSE;
  const guint32 *last = (const guint32 *) (frame.data + (gsize) (frame.height - 1) * frame.stride);
  return (last[frame.width - 1] & 0xffffff) == get_color (frame.width - 1, frame.height - 1);
}

static void
show (DisplayFixture *test, int width, int height)
{
  Size want = {test, width, height};

  spice_fixture_resize (test->server, width, height);
  draw (test, width, height);
  g_assert_true (spice_fixture_wait (is_drawn, &want));
  spice_fixture_settle ();
}

/* The display's picture in device pixels, from @left, @top of the surface on. */
static guint32 *
render (DisplayFixture *test, double scale, int left, int top, int width, int height)
{
  const LodgeDisplayView *view = &LODGE_DISPLAY (test->display)->view;
  GskRenderer *renderer = gtk_native_get_renderer (GTK_NATIVE (test->window));
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (test->display);
  g_autoptr (GtkSnapshot) snapshot = gtk_snapshot_new ();
  guint32 *data = g_new (guint32, (gsize) width * (gsize) height);

  gtk_snapshot_scale (snapshot, scale, scale);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT (view->origin_x, view->origin_y));
  gdk_paintable_snapshot (paintable, snapshot, gtk_widget_get_width (test->display),
                          gtk_widget_get_height (test->display));
  g_autoptr (GskRenderNode) node = gtk_snapshot_to_node (snapshot);
  g_autoptr (GdkTexture) texture =
      gsk_renderer_render_texture (renderer, node, &GRAPHENE_RECT_INIT (left, top, width, height));
  gdk_texture_download (texture, (guchar *) data, (gsize) width * 4);
  return data;
}

/* The renderers that came with GTK 4.14 take pictures that cairo made at a fraction as textures,
 * and their coordinates are a rounding away from whole pixels: up to a hundredth of what lies
 * between two colours. */
static gboolean
is_close (guint32 got, guint32 want, double scale, int multiple)
{
  const int most = GTK_CHECK_VERSION (4, 14, 0) && multiple > 1 && scale != floor (scale) ? 3 : 0;

  for (guint shift = 0; shift < 32; shift += 8) {
    if (ABS ((int) (got >> shift & 0xff) - (int) (want >> shift & 0xff)) > most)
      return FALSE;
  }
  return TRUE;
}

/* @multiple: of the guest's pixels; the first one seen is @pan_x, @pan_y. */
static void
expect_pixels (
    DisplayFixture *test, double scale, int multiple, int pan_x, int pan_y, int width, int height)
{
  LodgeDisplay *display = LODGE_DISPLAY (test->display);

  spice_fixture_settle (); /* a widget that waits for its next frame is not drawn before that */
  lodge_display_update_view (display);
  const int left = display->view.left + pan_x * multiple;
  const int top = display->view.top + pan_y * multiple;
  g_autofree guint32 *got = render (test, scale, left, top, width, height);

  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++) {
      const guint32 want = 0xff000000 | get_color (pan_x + x / multiple, pan_y + y / multiple);
      if (!is_close (got[y * width + x], want, scale, multiple))
        g_error ("scale %g: %d,%d is %08x, not %08x", scale, x, y, got[y * width + x], want);
    }
  }
}

static void
use_scale (DisplayFixture *test, double scale)
{
  lodge_display_set_device_scale (scale);
  gtk_widget_queue_resize (test->display);
}

static void
get_room (DisplayFixture *test, int *out_width, int *out_height)
{
  LodgeDisplay *display = LODGE_DISPLAY (test->display);

  lodge_display_update_view (display);
  lodge_display_view_get_room (&display->view, out_width, out_height);
}

/* A guest that followed the window is shown as it is, wherever in its window the display is. */
static void
test_pixels (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    for (int margin = 0; margin <= 7; margin += 7) {
      int width, height;

      gtk_widget_set_margin_start (test.display, margin);
      gtk_widget_set_margin_top (test.display, margin);
      use_scale (&test, scales[i]);
      spice_fixture_settle ();
      get_room (&test, &width, &height);
      show (&test, width, height);
      expect_pixels (&test, scales[i], 1, 0, 0, width, height);
    }
  }
  lodge_display_set_device_scale (0);
  display_fixture_tear_down (&test);
}

/* One that is half as large, or a third, has sharp squares for pixels. Before 4.10 GTK's GL
 * renderer cannot do that at a fraction, which GTK itself has from 4.12 on. */
static void
test_multiples (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  const gboolean whole_only =
      !GTK_CHECK_VERSION (4, 10, 0) &&
      !GSK_IS_CAIRO_RENDERER (gtk_native_get_renderer (GTK_NATIVE (test.window)));
  lodge_display_set_scaling (LODGE_DISPLAY (test.display), LODGE_SCALING_SCALE);
  lodge_display_set_whole_multiples (LODGE_DISPLAY (test.display), TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    if (whole_only && scales[i] != floor (scales[i]))
      continue;
    use_scale (&test, scales[i]);
    for (int multiple = 2; multiple <= 3; multiple++) {
      const int width = (int) (640 * scales[i]) / multiple - 3;
      const int height = (int) (480 * scales[i]) / multiple - 30;

      show (&test, width, height);
      expect_pixels (&test, scales[i], multiple, 0, 0, width * multiple, height * multiple);
    }
  }
  lodge_display_set_device_scale (0);
  display_fixture_tear_down (&test);
}

/* One that is larger is cut, never scaled. */
static void
test_one_to_one (void)
{
  g_autoptr (GtkAdjustment) across = g_object_ref_sink (gtk_adjustment_new (0, 0, 0, 0, 0, 0));
  g_autoptr (GtkAdjustment) down = g_object_ref_sink (gtk_adjustment_new (0, 0, 0, 0, 0, 0));
  DisplayFixture test;

  display_fixture_set_up (&test);
  g_object_set (test.display, "scaling", LODGE_SCALING_ONE_TO_ONE, "hadjustment", across,
                "vadjustment", down, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    int width, height;

    use_scale (&test, scales[i]);
    show (&test, 1600, 1200);
    get_room (&test, &width, &height);
    gtk_adjustment_set_value (across, 0);
    gtk_adjustment_set_value (down, 0);
    expect_pixels (&test, scales[i], 1, 0, 0, width, height);
    gtk_adjustment_set_value (across, 301);
    gtk_adjustment_set_value (down, 129);
    expect_pixels (&test, scales[i], 1, 301, 129, width, height);
    gtk_adjustment_set_value (across, 9999);
    gtk_adjustment_set_value (down, 9999);
    expect_pixels (&test, scales[i], 1, 1600 - width, 1200 - height, width, height);
  }
  lodge_display_set_device_scale (0);
  display_fixture_tear_down (&test);
}

/* ---- sizes */

static gboolean
was_asked (gpointer data)
{
  Size *want = data;
  int width, height;

  spice_fixture_get_asked_size (want->test->server, &width, &height);
  return width == want->width && height == want->height;
}

/* A guest is asked for the window's device pixels, and again when its scale changes. */
static void
test_asked (void)
{
  static const int widths[] = {1280, 800, 960, 1120, 640};
  static const int heights[] = {960, 600, 720, 840, 480};
  static const double order[] = {2, 1.25, 1.5, 1.75, 1};
  DisplayFixture test;

  display_fixture_set_up (&test);
  spice_fixture_set_agent (test.server, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (order); i++) {
    Size want = {&test, widths[i], heights[i]};

    use_scale (&test, order[i]);
    g_assert_true (spice_fixture_wait (was_asked, &want));
  }
  lodge_display_set_device_scale (0);
  display_fixture_tear_down (&test);
}

/* ---- pointer */

static void
test_pointer (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  lodge_display_set_scaling (LODGE_DISPLAY (test.display), LODGE_SCALING_ONE_TO_ONE);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    const double scale = scales[i];

    use_scale (&test, scale);
    show (&test, (int) (640 * scale), (int) (480 * scale));
    spice_fixture_clear (test.server);
    display_fixture_move_to (&test, 101, 53);
    g_autofree char *want =
        g_strdup_printf ("@%d,%d", (int) floor (101 * scale), (int) floor (53 * scale));
    spice_fixture_expect_pointer (test.server, want);
  }
  lodge_display_set_device_scale (0);
  display_fixture_tear_down (&test);
}

typedef struct {
  DisplayFixture *test;
  int width;
} CursorWidth;

static gboolean
has_cursor_width (gpointer data)
{
  CursorWidth *want = data;
  GdkCursor *cursor = gtk_widget_get_cursor (want->test->display);

  return cursor != NULL && gdk_cursor_get_texture (cursor) != NULL &&
         gdk_texture_get_width (gdk_cursor_get_texture (cursor)) == want->width;
}

/* The guest's pointer is as large as its picture: its pixels are the screen's where those of the
 * picture are, and four times as many where the picture is twice as large. */
static void
test_cursor (void)
{
  guint32 argb[24 * 24] = {0xff402010};
  DisplayFixture test;

  display_fixture_set_up (&test);
  lodge_display_set_scaling (LODGE_DISPLAY (test.display), LODGE_SCALING_SCALE);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    CursorWidth same = {&test, 24};
    CursorWidth twice = {&test, 48};

    use_scale (&test, scales[i]);
    show (&test, (int) (640 * scales[i]), (int) (480 * scales[i]));
    spice_fixture_set_cursor (test.server, 24, 24, 5, 7, argb); /* it goes with each mode */
    g_assert_true (spice_fixture_wait (has_cursor_width, &same));
    /* The window is given another one while the cursor stays. */
    use_scale (&test, scales[i] * 2);
    g_assert_true (spice_fixture_wait (has_cursor_width, &twice));
    use_scale (&test, scales[i]);
    show (&test, (int) (640 * scales[i]) / 2, (int) (480 * scales[i]) / 2);
    spice_fixture_set_cursor (test.server, 24, 24, 5, 7, argb);
    g_assert_true (spice_fixture_wait (has_cursor_width, &twice));
    GdkCursor *cursor = gtk_widget_get_cursor (test.display);
    g_assert_cmpint (gdk_cursor_get_hotspot_x (cursor), ==, 10);
    g_assert_cmpint (gdk_cursor_get_hotspot_y (cursor), ==, 14);
  }
  lodge_display_set_device_scale (0);
  display_fixture_tear_down (&test);
}

/* ---- the real thing */

static void
captured_cb (GObject *process, GAsyncResult *result, gpointer data)
{
  g_assert_true (
      g_subprocess_communicate_finish (G_SUBPROCESS (process), result, data, NULL, NULL));
}

static gboolean
is_there (gpointer data)
{
  return *(gpointer *) data != NULL;
}

/* What the X server shows of the window, red, green and blue. */
static GBytes *
capture (DisplayFixture *test)
{
  g_autofree char *window = g_strdup_printf ("%lu", display_fixture_get_xid (test->window));
  g_autoptr (GSubprocess) process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, "import", "-window", window, "-depth",
                        "8", "rgb:-", NULL);
  GBytes *bytes = NULL;

  g_assert_nonnull (process);
  g_subprocess_communicate_async (process, NULL, NULL, captured_cb, &bytes);
  g_assert_true (spice_fixture_wait (is_there, &bytes));
  return bytes;
}

typedef struct {
  DisplayFixture *test;
  int width, height;
} Screen;

static gboolean
is_on_screen (gpointer data)
{
  Screen *want = data;
  g_autoptr (GBytes) bytes = capture (want->test);
  gsize size;
  const guint8 *rgb = g_bytes_get_data (bytes, &size);

  if (size != (gsize) want->width * (gsize) want->height * 3)
    return FALSE;
  for (int y = 0; y < want->height; y++) {
    for (int x = 0; x < want->width; x++) {
      const guint8 *p = rgb + ((gsize) y * (gsize) want->width + (gsize) x) * 3;
      if (((guint32) p[0] << 16 | (guint32) p[1] << 8 | p[2]) != get_color (x, y))
        return FALSE;
    }
  }
  return TRUE;
}

static void
test_screen (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  const int scale = gtk_widget_get_scale_factor (test.display);
  g_assert_cmpint (scale, ==, g_getenv ("GDK_SCALE") != NULL ? atoi (g_getenv ("GDK_SCALE")) : 1);
  spice_fixture_set_agent (test.server, TRUE);
  Size asked = {&test, 640 * scale, 480 * scale};
  g_assert_true (spice_fixture_wait (was_asked, &asked));
  show (&test, 640 * scale, 480 * scale);
  Screen want = {&test, 640 * scale, 480 * scale};
  g_assert_true (spice_fixture_wait (is_on_screen, &want));
  display_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Nodes are GTK's, and are not kept up behind a picture that goes past it. */
  if (g_getenv ("GDK_SCALE") == NULL)
    g_setenv ("LODGE_PLANE", "0", TRUE);
  if (g_getenv ("GDK_SCALE") == NULL) {
    DISPLAY_FIXTURE_ADD ("scale/pixels", test_pixels);
    DISPLAY_FIXTURE_ADD ("scale/multiples", test_multiples);
    DISPLAY_FIXTURE_ADD ("scale/one-to-one", test_one_to_one);
    DISPLAY_FIXTURE_ADD ("scale/asked", test_asked);
    DISPLAY_FIXTURE_ADD ("scale/pointer", test_pointer);
    DISPLAY_FIXTURE_ADD ("scale/cursor", test_cursor);
  }
  DISPLAY_FIXTURE_ADD ("scale/screen", test_screen);
  return g_test_run ();
}

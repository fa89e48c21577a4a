/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display's picture, cursor, size and properties. */
#include "display-fixture.h"

/* ---- picture */

static void
test_picture (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  spice_fixture_fill (test.server, 0, 0, 640, 480, 0x336699);
  display_fixture_expect_color (&test, 0, 0, 0xff336699);
  spice_fixture_fill (test.server, 639, 479, 1, 1, 0xfedcba);
  display_fixture_expect_color (&test, 639, 479, 0xfffedcba);
  g_assert_cmphex (display_fixture_get_pixel (&test, 638, 479), ==, 0xff336699);

  /* Other modes, one after the other: scaled to fit, black beside it. */
  for (int i = 0; i < 26; i++) {
    spice_fixture_resize (test.server, 320 + 8 * i, 480);
    spice_fixture_fill (test.server, 0, 0, 320 + 8 * i, 480, 0x102030u + (guint32) i);
    display_fixture_expect_color (&test, 320, 240, 0xff102030u + (guint32) i);
    g_assert_cmphex (display_fixture_get_pixel (&test, 0, 0), ==, 0xff000000);
  }

  /* Nothing is left of it when the machine is off. */
  spice_fixture_cut (test.server);
  display_fixture_expect_color (&test, 320, 240, 0xff000000);
  display_fixture_tear_down (&test);
}

typedef struct {
  LodgeConsoleSession *session;
  int x, y;
} Arrival;

/* The session has the drawing; whether the window shows it is another matter. */
static gboolean
has_arrived (gpointer data)
{
  Arrival *want = data;
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_source (want->session), &frame);
  const guint32 *line = (const guint32 *) (frame.data + (gsize) want->y * frame.stride);
  return (line[want->x] & 0xffffff) == 0x336699;
}

/* A frame that takes long, as on a computer without a graphics card. */
static void
slow_frame_cb (GdkFrameClock *clock, guint *frames)
{
  (*frames)++;
  g_usleep (20 * 1000);
}

/* A guest that draws letter by letter is not a hundred frames behind after a hundred letters. */
static void
test_many_drawings (void)
{
  enum { DRAWINGS = 100 };
  DisplayFixture test;
  guint frames = 0;

  g_setenv ("LODGE_PLANE", "0", TRUE);
  display_fixture_set_up (&test);
  GdkFrameClock *clock = gtk_widget_get_frame_clock (test.window);
  gulong id = g_signal_connect (clock, "paint", G_CALLBACK (slow_frame_cb), &frames);
  for (int i = 0; i < DRAWINGS; i++)
    spice_fixture_fill (test.server, 6 * i, 2 * i, 4, 4, 0x336699);
  Arrival want = {test.session, 6 * (DRAWINGS - 1), 2 * (DRAWINGS - 1)};
  g_assert_true (spice_fixture_wait (has_arrived, &want));
  g_assert_cmpuint (frames, <, DRAWINGS / 4);

  /* And all of it is seen in the end. */
  g_signal_handler_disconnect (clock, id);
  for (int i = 0; i < DRAWINGS; i++)
    display_fixture_expect_color (&test, 6 * i, 2 * i, 0xff336699);
  display_fixture_tear_down (&test);
}

/* The picture of the tests' window goes through the renderer that was asked for. */
static void
test_renderer (void)
{
  DisplayFixture test;
  const char *wanted = g_getenv ("GSK_RENDERER");

  display_fixture_set_up (&test);
  GskRenderer *renderer = gtk_native_get_renderer (GTK_NATIVE (test.window));
  if (wanted != NULL)
    g_assert_cmpint (GSK_IS_CAIRO_RENDERER (renderer), ==, g_str_equal (wanted, "cairo"));
  display_fixture_tear_down (&test);
}

/* Two monitors on one surface: each display has its own, and nothing while there is none. */
static void
test_monitors (void)
{
  static const int one[] = {0, 0, 640, 480};
  static const int two[] = {0, 0, 320, 480, 320, 0, 320, 480};
  static const int wrong[] = {0, 0, 320, 480, 320, 0, 321, 480};
  DisplayFixture test;

  display_fixture_set_up (&test);
  spice_fixture_fill (test.server, 0, 0, 320, 480, 0x336699);
  spice_fixture_fill (test.server, 320, 0, 320, 480, 0x993366);
  display_fixture_expect_color (&test, 639, 1, 0xff993366);
  lodge_display_set_session (LODGE_DISPLAY (test.display), NULL);
  lodge_display_set_monitor (LODGE_DISPLAY (test.display), 1);
  lodge_display_set_session (LODGE_DISPLAY (test.display), test.session);
  display_fixture_expect_color (&test, 320, 240, 0xff000000);
  spice_fixture_set_monitors (test.server, 2, two);
  display_fixture_expect_color (&test, 320, 240, 0xff993366);
  /* Its pixels are counted from its own corner; what is drawn on the other is not its affair. */
  spice_fixture_fill (test.server, 320, 0, 160, 480, 0x112233);
  display_fixture_expect_color (&test, 170, 240, 0xff112233);
  display_fixture_expect_color (&test, 470, 240, 0xff993366);
  spice_fixture_fill (test.server, 0, 0, 320, 480, 0xffffff);
  spice_fixture_settle ();
  display_fixture_expect_color (&test, 170, 240, 0xff112233);

  spice_fixture_set_monitors (test.server, 2, wrong);
  display_fixture_expect_color (&test, 170, 240, 0xff000000);
  spice_fixture_set_monitors (test.server, 2, two);
  display_fixture_expect_color (&test, 170, 240, 0xff112233);
  spice_fixture_set_monitors (test.server, 1, one);
  display_fixture_expect_color (&test, 170, 240, 0xff000000);
  display_fixture_tear_down (&test);
}

/* ---- cursor */

static gboolean
has_texture (gpointer data)
{
  GdkCursor *cursor = gtk_widget_get_cursor (((DisplayFixture *) data)->display);

  return cursor != NULL && gdk_cursor_get_texture (cursor) != NULL;
}

static gboolean
has_no_cursor (gpointer data)
{
  DisplayFixture *test = data;
  GdkCursor *cursor = gtk_widget_get_cursor (test->display);

  return cursor != NULL && g_strcmp0 (gdk_cursor_get_name (cursor), "none") == 0;
}

static void
test_cursor (void)
{
  guint32 argb[24 * 16] = {0x80402010};
  guint8 pixels[24 * 16 * 4];
  DisplayFixture test;

  display_fixture_set_up (&test);
  /* Until the guest has one, the host's. */
  g_assert_null (gtk_widget_get_cursor (test.display));
  spice_fixture_set_cursor (test.server, 24, 16, 24, 5, argb);
  g_assert_true (spice_fixture_wait (has_texture, &test));
  GdkCursor *cursor = gtk_widget_get_cursor (test.display);
  g_assert_cmpint (gdk_cursor_get_hotspot_x (cursor), ==, 23);
  g_assert_cmpint (gdk_cursor_get_hotspot_y (cursor), ==, 5);
  g_assert_cmpint (gdk_texture_get_width (gdk_cursor_get_texture (cursor)), ==, 24);
  /* Premultiplied, B G R A: 0x40, 0x20, 0x10 at half. */
  gdk_texture_download (gdk_cursor_get_texture (cursor), pixels, 24 * 4);
  g_assert_cmpuint (pixels[3], ==, 0x80);
  g_assert_cmpuint (pixels[2], ==, 0x20);
  g_assert_cmpuint (pixels[1], ==, 0x10);
  g_assert_cmpuint (pixels[0], ==, 0x08);

  spice_fixture_hide_cursor (test.server);
  g_assert_true (spice_fixture_wait (has_no_cursor, &test));

  /* Twice as large as the guest's picture is shown. */
  spice_fixture_resize (test.server, 320, 240);
  spice_fixture_fill (test.server, 0, 0, 320, 240, 0x445566);
  display_fixture_expect_color (&test, 320, 240, 0xff445566);
  spice_fixture_set_cursor (test.server, 24, 16, 4, 5, argb);
  g_assert_true (spice_fixture_wait (has_texture, &test));
  cursor = gtk_widget_get_cursor (test.display);
  g_assert_cmpint (gdk_texture_get_width (gdk_cursor_get_texture (cursor)), ==, 48);
  g_assert_cmpint (gdk_cursor_get_hotspot_x (cursor), ==, 8);
  g_assert_cmpint (gdk_cursor_get_hotspot_y (cursor), ==, 10);

  /* With the machine off there is nobody to draw one. */
  spice_fixture_cut (test.server);
  spice_fixture_settle ();
  g_assert_null (gtk_widget_get_cursor (test.display));
  display_fixture_tear_down (&test);
}

/* ---- size */

typedef struct {
  DisplayFixture *test;
  int width, height;
} Size;

static gboolean
was_asked (gpointer data)
{
  Size *want = data;
  int width, height;

  spice_fixture_get_asked_size (want->test->server, &width, &height);
  return width == want->width && height == want->height;
}

static void
test_resize (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  spice_fixture_set_agent (test.server, TRUE);
  Size want = {&test, 640, 480};
  g_assert_true (spice_fixture_wait (was_asked, &want));

  /* A window that is dragged larger is of many sizes, and the guest is asked for the last. */
  guint asked = spice_fixture_get_asked_size (test.server, NULL, NULL);
  for (int width = 641; width <= 660; width++)
    gtk_widget_allocate (test.display, width, 480, -1, NULL);
  want = (Size){&test, 660, 480};
  g_assert_true (spice_fixture_wait (was_asked, &want));
  spice_fixture_settle ();
  g_assert_cmpuint (spice_fixture_get_asked_size (test.server, NULL, NULL), ==, asked + 1);

  display_fixture_xdotool ("windowsize %lu 801 557", display_fixture_get_xid (test.window));
  want = (Size){&test, 801, 557};
  g_assert_true (spice_fixture_wait (was_asked, &want));

  /* Not against the user's wish, and at once when it comes back. */
  lodge_display_set_scaling (LODGE_DISPLAY (test.display), LODGE_SCALING_SCALE);
  asked = spice_fixture_get_asked_size (test.server, NULL, NULL);
  display_fixture_xdotool ("windowsize %lu 700 500", display_fixture_get_xid (test.window));
  spice_fixture_settle ();
  spice_fixture_settle ();
  g_assert_cmpuint (spice_fixture_get_asked_size (test.server, NULL, NULL), ==, asked);
  lodge_display_set_scaling (LODGE_DISPLAY (test.display), LODGE_SCALING_RESIZE_GUEST);
  want = (Size){&test, 700, 500};
  g_assert_true (spice_fixture_wait (was_asked, &want));
  display_fixture_tear_down (&test);
}

/* ---- life */

static void
count_cb (GObject *object, GParamSpec *pspec, guint *counter)
{
  (*counter)++;
}

static void
test_properties (void)
{
  DisplayFixture test;
  guint notified = 0;

  display_fixture_set_up (&test);
  g_signal_connect (test.display, "notify::scaling", G_CALLBACK (count_cb), &notified);
  g_signal_connect (test.display, "notify::session", G_CALLBACK (count_cb), &notified);
  lodge_display_set_scaling (LODGE_DISPLAY (test.display), LODGE_SCALING_RESIZE_GUEST);
  lodge_display_set_session (LODGE_DISPLAY (test.display), test.session);
  g_assert_cmpuint (notified, ==, 0);
  lodge_display_set_scaling (LODGE_DISPLAY (test.display), LODGE_SCALING_SCALE);
  g_assert_cmpuint (notified, ==, 1);

  /* Another session, or none, while the first one goes on. */
  spice_fixture_fill (test.server, 0, 0, 640, 480, 0x336699);
  display_fixture_expect_color (&test, 1, 1, 0xff336699);
  lodge_display_set_session (LODGE_DISPLAY (test.display), NULL);
  g_assert_cmpuint (notified, ==, 2);
  display_fixture_expect_color (&test, 1, 1, 0xff000000);
  display_fixture_xdotool ("key a click 1");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");
  g_object_set (test.display, "session", test.session, NULL);
  display_fixture_expect_color (&test, 1, 1, 0xff336699);
  display_fixture_tear_down (&test);
}

/* A guest with a mouse has its cursor drawn in its picture while it has the pointer, not after. */
static void
test_drawn_cursor (void)
{
  guint32 argb[16 * 16];
  DisplayFixture test;

  for (guint i = 0; i < G_N_ELEMENTS (argb); i++)
    argb[i] = 0xffeedd00;
  display_fixture_set_up_size (&test, 640, 480, 640, 480, FALSE);
  spice_fixture_fill (test.server, 0, 0, 640, 480, 0x336699);
  spice_fixture_set_cursor (test.server, 16, 16, 0, 0, argb);
  spice_fixture_move_cursor (test.server, 50, 60);
  display_fixture_expect_color (&test, 55, 65, 0xff336699);
  display_fixture_move_to (&test, 200, 200);
  display_fixture_xdotool ("click 1");
  display_fixture_expect_grabbed (&test, TRUE);
  display_fixture_expect_color (&test, 55, 65, 0xffeedd00);
  display_fixture_xdotool ("key ctrl+alt");
  display_fixture_expect_grabbed (&test, FALSE);
  display_fixture_expect_color (&test, 55, 65, 0xff336699);
  display_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  DISPLAY_FIXTURE_ADD ("picture", test_picture);
  DISPLAY_FIXTURE_ADD ("many-drawings", test_many_drawings);
  DISPLAY_FIXTURE_ADD ("monitors", test_monitors);
  DISPLAY_FIXTURE_ADD ("renderer", test_renderer);
  DISPLAY_FIXTURE_ADD ("cursor", test_cursor);
  DISPLAY_FIXTURE_ADD ("drawn-cursor", test_drawn_cursor);
  DISPLAY_FIXTURE_ADD ("resize", test_resize);
  DISPLAY_FIXTURE_ADD ("properties", test_properties);
  return g_test_run ();
}

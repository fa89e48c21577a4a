/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display in a window, with a SPICE server behind it and xdotool in front of it. */
#include "gtk/lodge-display.h"
#include "spice-fixture.h"

#include <gdk/x11/gdkx.h>
#include <math.h>
#include <stdarg.h>

typedef struct {
  SpiceFixture *server;
  LodgeConsoleSession *session;
  GtkWidget *window;
  GtkWidget *display;
  gboolean tablet;
  const char *want;
  gboolean flag;
} Test;

/* ---- outside */

static void
finished_cb (GObject *process, GAsyncResult *result, gpointer data)
{
  g_assert_true (g_subprocess_wait_check_finish (G_SUBPROCESS (process), result, NULL));
  *(gboolean *) data = TRUE;
}

static gboolean
is_set (gpointer data)
{
  return *(gboolean *) data;
}

static void xdotool (const char *format, ...) G_GNUC_PRINTF (1, 2);

static void
xdotool (const char *format, ...)
{
  g_autofree char *arguments = NULL;
  g_auto (GStrv) argv = NULL;
  gboolean done = FALSE;
  va_list args;

  va_start (args, format);
  g_autofree char *command = g_strdup_vprintf (format, args);
  va_end (args);
  arguments = g_strconcat ("xdotool ", command, NULL);
  argv = g_strsplit (arguments, " ", -1);
  g_autoptr (GSubprocess) process =
      g_subprocess_newv ((const char *const *) argv, G_SUBPROCESS_FLAGS_NONE, NULL);
  g_assert_nonnull (process);
  g_subprocess_wait_check_async (process, NULL, finished_cb, &done);
  g_assert_true (spice_fixture_wait (is_set, &done));
}

/* Where a point of the display is in its X window. */
static void
to_window (Test *test, double x, double y, int *out_x, int *out_y)
{
  GtkNative *native = GTK_NATIVE (test->window);
  graphene_point_t point;
  double native_x, native_y;

  g_assert_true (
      gtk_widget_compute_point (test->display, test->window, &GRAPHENE_POINT_INIT (x, y), &point));
  gtk_native_get_surface_transform (native, &native_x, &native_y);
  *out_x = point.x + native_x;
  *out_y = point.y + native_y;
}

static gulong
get_xid (GtkWidget *window)
{
  return gdk_x11_surface_get_xid (gtk_native_get_surface (GTK_NATIVE (window)));
}

static void
move_to (Test *test, double x, double y)
{
  int window_x, window_y;

  to_window (test, x, y, &window_x, &window_y);
  xdotool ("mousemove --window %lu %d %d", get_xid (test->window), window_x, window_y);
}

/* ---- setup */

static gboolean
is_ready (gpointer data)
{
  Test *test = data;
  LodgeFrame frame;
  gboolean connected, absolute;

  lodge_frame_source_get_frame (lodge_console_session_get_source (test->session), &frame);
  g_object_get (test->session, "connected", &connected, "pointer-absolute", &absolute, NULL);
  return connected && absolute == test->tablet && frame.data != NULL &&
         gtk_widget_has_focus (test->display) && gtk_window_is_active (GTK_WINDOW (test->window)) &&
         gtk_widget_get_width (test->display) > 100;
}

static void
setup_size (Test *test, int width, int height, int guest_width, int guest_height, gboolean tablet)
{
  gtk_init ();
  /* So that nothing in the test depends on where the pointer was before. */
  xdotool ("mousemove 1599 1199");
  *test = (Test){.server = spice_fixture_new (guest_width, guest_height, tablet), .tablet = tablet};
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  test->window = gtk_window_new ();
  test->display = lodge_display_new ();
  lodge_display_set_session (LODGE_DISPLAY (test->display), test->session);
  gtk_window_set_child (GTK_WINDOW (test->window), test->display);
  gtk_window_set_default_size (GTK_WINDOW (test->window), width, height);
  gtk_window_set_focus (GTK_WINDOW (test->window), test->display);
  gtk_window_present (GTK_WINDOW (test->window));
  lodge_console_session_open (test->session);
  g_assert_true (spice_fixture_wait (is_ready, test));
  spice_fixture_settle ();
  spice_fixture_clear (test->server);
}

static void
setup (Test *test)
{
  setup_size (test, 640, 480, 640, 480, TRUE);
  g_assert_cmpint (gtk_widget_get_width (test->display), ==, 640);
  g_assert_cmpint (gtk_widget_get_height (test->display), ==, 480);
}

static void
teardown (Test *test)
{
  gpointer display = test->display;

  g_object_add_weak_pointer (G_OBJECT (display), &display);
  gtk_window_destroy (GTK_WINDOW (test->window));
  spice_fixture_settle ();
  g_assert_null (display);
  g_assert_finalize_object (test->session);
  spice_fixture_settle ();
  spice_fixture_free (test->server);
}

static gboolean
has_scancodes (gpointer data)
{
  Test *test = data;

  return g_strcmp0 (spice_fixture_get_scancodes (test->server), test->want) == 0;
}

static void
expect_scancodes (Test *test, const char *want)
{
  test->want = want;
  spice_fixture_wait (has_scancodes, test);
  g_assert_cmpstr (spice_fixture_get_scancodes (test->server), ==, want);
  spice_fixture_clear (test->server);
}

static gboolean
has_pointer (gpointer data)
{
  Test *test = data;

  return g_strcmp0 (spice_fixture_get_pointer (test->server), test->want) == 0;
}

static void
expect_pointer (Test *test, const char *want)
{
  test->want = want;
  spice_fixture_wait (has_pointer, test);
  g_assert_cmpstr (spice_fixture_get_pointer (test->server), ==, want);
  spice_fixture_clear (test->server);
}

static gboolean
is_grabbed_as_wanted (gpointer data)
{
  Test *test = data;

  return lodge_display_get_grabbed (LODGE_DISPLAY (test->display)) == test->flag;
}

static void
expect_grabbed (Test *test, gboolean grabbed)
{
  test->flag = grabbed;
  g_assert_true (spice_fixture_wait (is_grabbed_as_wanted, test));
}

/* ---- picture */

/* What is drawn of the display at a point, as 0xAARRGGBB. */
static guint32
pixel (Test *test, int x, int y)
{
  int width = gtk_widget_get_width (test->display);
  int height = gtk_widget_get_height (test->display);
  GskRenderer *renderer = gtk_native_get_renderer (GTK_NATIVE (test->window));
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (test->display);
  g_autoptr (GtkSnapshot) snapshot = gtk_snapshot_new ();
  g_autofree guint32 *data = g_new (guint32, (gsize) width * height);

  gdk_paintable_snapshot (paintable, snapshot, width, height);
  g_autoptr (GskRenderNode) node = gtk_snapshot_to_node (snapshot);
  if (node == NULL)
    return 0;
  g_autoptr (GdkTexture) texture =
      gsk_renderer_render_texture (renderer, node, &GRAPHENE_RECT_INIT (0, 0, width, height));
  gdk_texture_download (texture, (guchar *) data, (gsize) width * 4);
  return data[y * width + x];
}

typedef struct {
  Test *test;
  int x, y;
  guint32 color;
} Spot;

static gboolean
has_color (gpointer data)
{
  Spot *spot = data;

  return pixel (spot->test, spot->x, spot->y) == spot->color;
}

static void
expect_color (Test *test, int x, int y, guint32 color)
{
  Spot spot = {test, x, y, color};

  spice_fixture_wait (has_color, &spot);
  g_assert_cmphex (pixel (test, x, y), ==, color);
}

static void
test_picture (void)
{
  Test test;

  setup (&test);
  spice_fixture_fill (test.server, 0, 0, 640, 480, 0x336699);
  expect_color (&test, 0, 0, 0xff336699);
  spice_fixture_fill (test.server, 639, 479, 1, 1, 0xfedcba);
  expect_color (&test, 639, 479, 0xfffedcba);
  g_assert_cmphex (pixel (&test, 638, 479), ==, 0xff336699);

  /* Other modes, one after the other: scaled to fit, black beside it. */
  for (int i = 0; i < 26; i++) {
    spice_fixture_resize (test.server, 320 + 8 * i, 480);
    spice_fixture_fill (test.server, 0, 0, 320 + 8 * i, 480, 0x102030u + (guint32) i);
    expect_color (&test, 320, 240, 0xff102030u + (guint32) i);
    g_assert_cmphex (pixel (&test, 0, 0), ==, 0xff000000);
  }

  /* Nothing is left of it when the machine is off. */
  spice_fixture_cut (test.server);
  expect_color (&test, 320, 240, 0xff000000);
  teardown (&test);
}

/* The picture of the tests' window goes through the renderer that was asked for. */
static void
test_renderer (void)
{
  Test test;
  const char *wanted = g_getenv ("GSK_RENDERER");

  setup (&test);
  GskRenderer *renderer = gtk_native_get_renderer (GTK_NATIVE (test.window));
  if (wanted != NULL)
    g_assert_cmpint (GSK_IS_CAIRO_RENDERER (renderer), ==, g_str_equal (wanted, "cairo"));
  teardown (&test);
}

/* ---- keyboard */

static gboolean
shortcut_cb (GtkWidget *widget, GVariant *args, gpointer data)
{
  *(guint *) data += 1;
  return TRUE;
}

static void
test_keys (void)
{
  Test test;
  guint closed = 0;

  setup (&test);
  /* As the application's accelerators are: in the capture phase, for the whole window. */
  GtkEventController *shortcuts = gtk_shortcut_controller_new ();
  gtk_shortcut_controller_set_scope (GTK_SHORTCUT_CONTROLLER (shortcuts),
                                     GTK_SHORTCUT_SCOPE_GLOBAL);
  gtk_event_controller_set_propagation_phase (shortcuts, GTK_PHASE_CAPTURE);
  gtk_shortcut_controller_add_shortcut (
      GTK_SHORTCUT_CONTROLLER (shortcuts),
      gtk_shortcut_new (gtk_shortcut_trigger_parse_string ("<Control>w"),
                        gtk_callback_action_new (shortcut_cb, &closed, NULL)));

  xdotool ("key a");
  expect_scancodes (&test, "1e 9e");
  gtk_widget_add_controller (test.window, shortcuts);
  /* Given back and taken again, the display is before a controller that came later. */
  gtk_window_set_focus (GTK_WINDOW (test.window), NULL);
  gtk_window_set_focus (GTK_WINDOW (test.window), test.display);
  xdotool ("key ctrl+w");
  expect_scancodes (&test, "1d 11 9d 91");
  g_assert_cmpuint (closed, ==, 0);
  xdotool ("key Right");
  expect_scancodes (&test, "e0 4d e0 cd");
  /* Keys that GTK would take to move the focus or to open a menu. */
  xdotool ("key Tab F10 Escape");
  expect_scancodes (&test, "0f 8f 44 c4 01 81");

  /* Without the focus the window has its shortcut. */
  gtk_window_set_focus (GTK_WINDOW (test.window), NULL);
  xdotool ("key ctrl+w");
  g_assert_cmpuint (closed, ==, 1);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");
  teardown (&test);
}

static gboolean
is_inactive (gpointer data)
{
  return !gtk_window_is_active (GTK_WINDOW (((Test *) data)->window));
}

static gboolean
is_active (gpointer data)
{
  return !is_inactive (data);
}

/* Keys that are down when the user goes to another window are not held in the guest for ever. */
static void
test_focus_loss (void)
{
  Test test;

  setup (&test);
  xdotool ("keydown shift keydown b");
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  GtkWidget *other = gtk_window_new ();
  gtk_window_present (GTK_WINDOW (other));
  g_assert_true (spice_fixture_wait (is_inactive, &test));
  expect_scancodes (&test, "aa b0");
  xdotool ("keyup b keyup shift");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");

  gtk_window_destroy (GTK_WINDOW (other));
  gtk_window_present (GTK_WINDOW (test.window));
  g_assert_true (spice_fixture_wait (is_active, &test));
  xdotool ("keydown c");
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  /* Nor when it is hidden. */
  gtk_widget_set_visible (test.display, FALSE);
  expect_scancodes (&test, "ae");
  xdotool ("keyup c");
  teardown (&test);
}

static void
test_grab (void)
{
  Test test;

  setup (&test);
  expect_grabbed (&test, FALSE);
  /* Nothing to be given back: the two keys are the guest's alone. */
  xdotool ("key ctrl+alt");
  expect_scancodes (&test, "1d 38 9d b8");

  move_to (&test, 100, 100);
  xdotool ("click 1");
  expect_grabbed (&test, TRUE);
  expect_pointer (&test, "@100,100 =1 =0");

  /* With another key it is the guest's, however it is let go. */
  xdotool ("keydown ctrl keydown alt key t keyup alt keyup ctrl");
  expect_scancodes (&test, "1d 38 14 94 b8 9d");
  expect_grabbed (&test, TRUE);
  xdotool ("keydown alt keydown ctrl");
  expect_scancodes (&test, "38 1d");
  expect_grabbed (&test, TRUE);
  xdotool ("keyup ctrl keyup alt");
  expect_scancodes (&test, "9d b8");
  expect_grabbed (&test, FALSE);

  /* A window that takes the focus takes the keyboard, although it is grabbed. */
  xdotool ("click 1");
  expect_grabbed (&test, TRUE);
  xdotool ("keydown d");
  GtkWidget *other = gtk_window_new ();
  gtk_window_present (GTK_WINDOW (other));
  expect_grabbed (&test, FALSE);
  g_assert_true (spice_fixture_wait (is_inactive, &test));
  spice_fixture_settle ();
  g_assert_true (g_str_has_suffix (spice_fixture_get_scancodes (test.server), "a0"));
  xdotool ("keyup d");
  gtk_window_destroy (GTK_WINDOW (other));

  /* So does the end of the connection. */
  gtk_window_present (GTK_WINDOW (test.window));
  g_assert_true (spice_fixture_wait (is_active, &test));
  xdotool ("click 1");
  expect_grabbed (&test, TRUE);
  spice_fixture_cut (test.server);
  expect_grabbed (&test, FALSE);
  teardown (&test);
}

/* ---- pointer */

static void
test_pointer (void)
{
  Test test;

  setup (&test);
  move_to (&test, 0, 0);
  expect_pointer (&test, "@0,0");
  move_to (&test, 639, 479);
  expect_pointer (&test, "@639,479");
  xdotool ("click 1 click 3 click 2");
  expect_pointer (&test, "=1 =0 =2 =0 =4 =0");
  xdotool ("click 8 click 9");
  expect_pointer (&test, "=64 =0 =128 =0");
  xdotool ("click 5 click 5 click 4");
  expect_pointer (&test, "w1/0 w1/0 w-1/0");

  /* A drag that leaves the window goes on along its edge, and its end is seen. */
  move_to (&test, 600, 400);
  xdotool ("mousedown 1");
  move_to (&test, 800, 410);
  xdotool ("mouseup 1");
  expect_pointer (&test, "@600,400 =1 @639,410 =0");
  teardown (&test);
}

/* A guest of another size: the corners are still the corners. */
static void
test_pointer_scaled (void)
{
  Test test;

  setup_size (&test, 640, 480, 1000, 750, TRUE);
  lodge_display_set_resize_guest (LODGE_DISPLAY (test.display), FALSE);
  move_to (&test, 639, 479);
  expect_pointer (&test, "@999,749");
  move_to (&test, 0, 0);
  expect_pointer (&test, "@0,0");
  move_to (&test, 320, 0);
  expect_pointer (&test, "@500,0");
  teardown (&test);
}

static gboolean
has_moved (gpointer data)
{
  int dx, dy;

  spice_fixture_get_motion (((Test *) data)->server, &dx, &dy);
  return dx == 2000 && dy == 1400;
}

/* Much further than the screen is wide, and nothing of it lost. */
static void
test_relative (void)
{
  Test test;

  setup_size (&test, 640, 480, 640, 480, FALSE);
  move_to (&test, 200, 200);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");
  /* The click that gives the guest the pointer is not the guest's. */
  xdotool ("click 1");
  expect_grabbed (&test, TRUE);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");

  for (int i = 0; i < 10; i++)
    xdotool ("mousemove_relative --sync 10 7 mousemove_relative 90 63 mousemove_relative 100 70");
  spice_fixture_wait (has_moved, &test);
  int dx, dy;
  spice_fixture_get_motion (test.server, &dx, &dy);
  g_assert_cmpint (dx, ==, 2000);
  g_assert_cmpint (dy, ==, 1400);
  spice_fixture_clear (test.server);
  xdotool ("click 3");
  expect_pointer (&test, "=2 =0");

  /* Given back, the pointer is where it was, and the guest gets no more of it. */
  xdotool ("key ctrl+alt");
  expect_grabbed (&test, FALSE);
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  xdotool ("mousemove_relative 5 5");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");
  GdkSurface *surface = gtk_native_get_surface (GTK_NATIVE (test.window));
  GdkSeat *seat = gdk_display_get_default_seat (gdk_surface_get_display (surface));
  double x, y;
  int window_x, window_y;
  gdk_surface_get_device_position (surface, gdk_seat_get_pointer (seat), &x, &y, NULL);
  to_window (&test, 205, 205, &window_x, &window_y);
  g_assert_cmpfloat (x, ==, window_x);
  g_assert_cmpfloat (y, ==, window_y);

  /* The guest's tablet wakes up while the pointer is locked: it goes on as a tablet's. */
  xdotool ("click 1");
  expect_grabbed (&test, TRUE);
  test.tablet = TRUE;
  spice_fixture_set_tablet (test.server, TRUE);
  g_assert_true (spice_fixture_wait (is_ready, &test));
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  move_to (&test, 33, 44);
  expect_pointer (&test, "@33,44");
  teardown (&test);
}

/* ---- cursor */

static gboolean
has_texture (gpointer data)
{
  GdkCursor *cursor = gtk_widget_get_cursor (((Test *) data)->display);

  return cursor != NULL && gdk_cursor_get_texture (cursor) != NULL;
}

static gboolean
has_name (gpointer data)
{
  Test *test = data;
  GdkCursor *cursor = gtk_widget_get_cursor (test->display);

  return cursor != NULL && g_strcmp0 (gdk_cursor_get_name (cursor), test->want) == 0;
}

static void
test_cursor (void)
{
  guint32 argb[24 * 16] = {0x80402010};
  guint8 pixels[24 * 16 * 4];
  Test test;

  setup (&test);
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
  test.want = "none";
  g_assert_true (spice_fixture_wait (has_name, &test));

  /* Twice as large as the guest's picture is shown. */
  spice_fixture_resize (test.server, 320, 240);
  spice_fixture_fill (test.server, 0, 0, 320, 240, 0x445566);
  expect_color (&test, 320, 240, 0xff445566);
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
  teardown (&test);
}

/* ---- size */

static gboolean
was_asked (gpointer data)
{
  Spot *want = data;
  int width, height;

  spice_fixture_get_asked_size (want->test->server, &width, &height);
  return width == want->x && height == want->y;
}

static void
test_resize (void)
{
  Test test;

  setup (&test);
  spice_fixture_set_agent (test.server, TRUE);
  Spot want = {&test, 640, 480, 0};
  g_assert_true (spice_fixture_wait (was_asked, &want));

  xdotool ("windowsize %lu 801 557", get_xid (test.window));
  want = (Spot){&test, 801, 557, 0};
  g_assert_true (spice_fixture_wait (was_asked, &want));

  /* Not against the user's wish, and at once when it comes back. */
  lodge_display_set_resize_guest (LODGE_DISPLAY (test.display), FALSE);
  guint asked = spice_fixture_get_asked_size (test.server, NULL, NULL);
  xdotool ("windowsize %lu 700 500", get_xid (test.window));
  spice_fixture_settle ();
  spice_fixture_settle ();
  g_assert_cmpuint (spice_fixture_get_asked_size (test.server, NULL, NULL), ==, asked);
  lodge_display_set_resize_guest (LODGE_DISPLAY (test.display), TRUE);
  want = (Spot){&test, 700, 500, 0};
  g_assert_true (spice_fixture_wait (was_asked, &want));
  teardown (&test);
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
  Test test;
  guint notified = 0;

  setup (&test);
  g_signal_connect (test.display, "notify::resize-guest", G_CALLBACK (count_cb), &notified);
  g_signal_connect (test.display, "notify::session", G_CALLBACK (count_cb), &notified);
  lodge_display_set_resize_guest (LODGE_DISPLAY (test.display), TRUE);
  lodge_display_set_session (LODGE_DISPLAY (test.display), test.session);
  g_assert_cmpuint (notified, ==, 0);
  lodge_display_set_resize_guest (LODGE_DISPLAY (test.display), FALSE);
  g_assert_cmpuint (notified, ==, 1);

  /* Another session, or none, while the first one goes on. */
  spice_fixture_fill (test.server, 0, 0, 640, 480, 0x336699);
  expect_color (&test, 1, 1, 0xff336699);
  lodge_display_set_session (LODGE_DISPLAY (test.display), NULL);
  g_assert_cmpuint (notified, ==, 2);
  expect_color (&test, 1, 1, 0xff000000);
  xdotool ("key a click 1");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");
  g_object_set (test.display, "session", test.session, NULL);
  expect_color (&test, 1, 1, 0xff336699);
  teardown (&test);
}

#define TEST(name)                                                                                 \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
TEST (picture)
TEST (renderer)
TEST (keys)
TEST (focus_loss)
TEST (grab)
TEST (pointer)
TEST (pointer_scaled)
TEST (relative)
TEST (cursor)
TEST (resize)
TEST (properties)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/display/picture", run_picture);
  g_test_add_func ("/display/renderer", run_renderer);
  g_test_add_func ("/display/keys", run_keys);
  g_test_add_func ("/display/focus-loss", run_focus_loss);
  g_test_add_func ("/display/grab", run_grab);
  g_test_add_func ("/display/pointer", run_pointer);
  g_test_add_func ("/display/pointer-scaled", run_pointer_scaled);
  g_test_add_func ("/display/relative", run_relative);
  g_test_add_func ("/display/cursor", run_cursor);
  g_test_add_func ("/display/resize", run_resize);
  g_test_add_func ("/display/properties", run_properties);
  return g_test_run ();
}

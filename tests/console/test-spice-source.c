/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Picture and cursor as they come from a real SPICE server. */
#include "console/lodge-console-session.h"
#include "spice-fixture.h"

#include <string.h>

typedef struct {
  SpiceFixture *server;
  LodgeConsoleSession *session;
  LodgeFrameSource *source;
  guint frames; /* how often "frame-changed" came */
  guint damages;
  guint cursors;
  guint64 sum; /* of every pixel there was, so that freed memory would be noticed */
} Test;

static gboolean
has_frame (gpointer data)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (((Test *) data)->source, &frame);
  return frame.data != NULL;
}

/* Reads all of it, as a display does. */
static void
frame_changed_cb (LodgeFrameSource *source, Test *test)
{
  LodgeFrame frame;

  test->frames++;
  lodge_frame_source_get_frame (source, &frame);
  for (int y = 0; frame.data != NULL && y < frame.height; y++) {
    const guint32 *line = (const guint32 *) (frame.data + (gsize) y * frame.stride);
    for (int x = 0; x < frame.width; x++)
      test->sum += line[x];
  }
}

static void
damage_cb (LodgeFrameSource *source, int x, int y, int width, int height, Test *test)
{
  LodgeFrame frame;

  test->damages++;
  lodge_frame_source_get_frame (source, &frame);
  g_assert_cmpint (x, >=, 0);
  g_assert_cmpint (y, >=, 0);
  g_assert_cmpint (width, >, 0);
  g_assert_cmpint (height, >, 0);
  g_assert_cmpint (x + width, <=, frame.width);
  g_assert_cmpint (y + height, <=, frame.height);
}

static void
count_cb (LodgeFrameSource *source, guint *counter)
{
  (*counter)++;
}

static void
setup_mode (Test *test, int width, int height, gboolean tablet)
{
  *test = (Test){0};
  test->server = spice_fixture_new (width, height, tablet);
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  test->source = lodge_console_session_get_source (test->session);
  g_signal_connect (test->source, "frame-changed", G_CALLBACK (frame_changed_cb), test);
  g_signal_connect (test->source, "damage", G_CALLBACK (damage_cb), test);
  g_signal_connect (test->source, "cursor-changed", G_CALLBACK (count_cb), &test->cursors);
  lodge_console_session_open (test->session);
  g_assert_true (spice_fixture_wait (has_frame, test));
}

static void
setup (Test *test, int width, int height)
{
  setup_mode (test, width, height, TRUE);
}

static void
teardown (Test *test)
{
  gpointer source = test->source;

  g_object_add_weak_pointer (G_OBJECT (source), &source);
  g_assert_finalize_object (test->session);
  g_assert_null (source);
  spice_fixture_settle ();
  spice_fixture_free (test->server);
}

static guint32
pixel (Test *test, int x, int y)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (test->source, &frame);
  if (frame.data == NULL || x >= frame.width || y >= frame.height)
    return G_MAXUINT32;
  return ((const guint32 *) (frame.data + (gsize) y * frame.stride))[x] & 0xffffff;
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
wait_color (Test *test, int x, int y, guint32 color)
{
  Spot spot = {test, x, y, color};

  g_assert_true (spice_fixture_wait (has_color, &spot));
}

/* The pixels are there a little before the signal that says so. */
static gboolean
has_damage (gpointer data)
{
  return ((Test *) data)->damages > 0;
}

/* Every pixel of a picture without two that are alike next to each other. */
static void
test_exact (void)
{
  const int width = 317, height = 211;
  g_autofree guint32 *pixels = g_new (guint32, width * height);
  Test test;

  setup (&test, width, height);
  for (int i = 0; i < width * height; i++)
    pixels[i] = (guint32) i * 2654435761u >> 8;
  spice_fixture_draw (test.server, 0, 0, width, height, pixels);
  wait_color (&test, width - 1, height - 1, pixels[width * height - 1]);

  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++)
      g_assert_cmphex (pixel (&test, x, y), ==, pixels[y * width + x]);
  }
  teardown (&test);
}

static void
test_damage (void)
{
  Test test;

  setup (&test, 640, 480);
  test.damages = 0;
  spice_fixture_fill (test.server, 100, 50, 20, 10, 0x336699);
  wait_color (&test, 119, 59, 0x336699);
  g_assert_true (spice_fixture_wait (has_damage, &test));
  g_assert_cmphex (pixel (&test, 100, 50), ==, 0x336699);
  g_assert_cmphex (pixel (&test, 99, 50), ==, 0);
  g_assert_cmphex (pixel (&test, 120, 59), ==, 0);
  g_assert_cmphex (pixel (&test, 119, 60), ==, 0);
  teardown (&test);
}

static gboolean
has_size (gpointer data)
{
  Spot *want = data;
  LodgeFrame frame;

  lodge_frame_source_get_frame (want->test->source, &frame);
  return frame.data != NULL && frame.width == want->x && frame.height == want->y;
}

/* A guest that changes its mode again and again. */
static void
test_new_sizes (void)
{
  Test test;

  setup (&test, 640, 480);
  for (int i = 0; i < 26; i++) {
    Spot want = {&test, 320 + i * 37, 200 + i * 23, 0x010203u * (i + 1)};

    spice_fixture_resize (test.server, want.x, want.y);
    g_assert_true (spice_fixture_wait (has_size, &want));
    spice_fixture_fill (test.server, 0, 0, want.x, want.y, want.color);
    wait_color (&test, want.x - 1, want.y - 1, want.color);
  }
  g_assert_cmpuint (test.frames, >=, 26);
  teardown (&test);
}

/* Two heads on one surface: only the first is shown. */
static void
test_monitor (void)
{
  static const int heads[] = {40, 30, 200, 100, 240, 30, 80, 100};
  static const int wrong[] = {0, 0, 1000, 100};
  Test test;

  setup (&test, 320, 240);
  spice_fixture_fill (test.server, 0, 0, 320, 240, 0x111111);
  spice_fixture_fill (test.server, 40, 30, 1, 1, 0xff0000);
  spice_fixture_fill (test.server, 239, 129, 1, 1, 0x00ff00);
  wait_color (&test, 239, 129, 0x00ff00);

  spice_fixture_set_monitors (test.server, 2, heads);
  Spot want = {&test, 200, 100, 0};
  g_assert_true (spice_fixture_wait (has_size, &want));
  g_assert_cmphex (pixel (&test, 0, 0), ==, 0xff0000);
  g_assert_cmphex (pixel (&test, 199, 99), ==, 0x00ff00);

  /* Drawn outside it is not its damage; inside it is, where it is in it. */
  test.damages = 0;
  spice_fixture_fill (test.server, 0, 0, 40, 30, 0x222222);
  spice_fixture_fill (test.server, 50, 40, 5, 5, 0x333333);
  wait_color (&test, 14, 14, 0x333333);
  g_assert_true (spice_fixture_wait (has_damage, &test));

  /* One larger than the surface is not believed. */
  spice_fixture_set_monitors (test.server, 1, wrong);
  want = (Spot){&test, 320, 240, 0};
  g_assert_true (spice_fixture_wait (has_size, &want));
  teardown (&test);
}

static gboolean
has_cursor (gpointer data)
{
  LodgeCursor cursor;

  return lodge_frame_source_get_cursor (((Test *) data)->source, &cursor) && cursor.rgba != NULL;
}

static gboolean
cursor_was_set (gpointer data)
{
  return ((Test *) data)->cursors > 0;
}

static gboolean
cursor_hidden (gpointer data)
{
  LodgeCursor cursor;

  return lodge_frame_source_get_cursor (((Test *) data)->source, &cursor) && cursor.rgba == NULL;
}

static gboolean
cursor_at (gpointer data)
{
  Spot *want = data;
  LodgeCursor cursor;

  lodge_frame_source_get_cursor (want->test->source, &cursor);
  return cursor.x == want->x && cursor.y == want->y;
}

static void
test_cursor (void)
{
  g_autofree guint32 *argb = g_new0 (guint32, 24 * 16);
  LodgeCursor cursor;
  Test test;

  setup (&test, 320, 240);
  /* Nothing said, or only "hidden": the host's own is to be shown. */
  g_assert_false (lodge_frame_source_get_cursor (test.source, &cursor));
  spice_fixture_hide_cursor (test.server);
  spice_fixture_settle ();
  g_assert_false (lodge_frame_source_get_cursor (test.source, &cursor));

  argb[0] = 0x80402010;
  argb[24 * 16 - 1] = 0xff0000ff;
  spice_fixture_set_cursor (test.server, 24, 16, 3, 200, argb);
  g_assert_true (spice_fixture_wait (has_cursor, &test));
  lodge_frame_source_get_cursor (test.source, &cursor);
  g_assert_cmpint (cursor.width, ==, 24);
  g_assert_cmpint (cursor.height, ==, 16);
  g_assert_cmpint (cursor.hot_x, ==, 3);
  g_assert_cmpint (cursor.hot_y, ==, 15);
  g_assert_cmpmem (cursor.rgba, 4, "\x40\x20\x10\x80", 4);
  g_assert_cmpmem (cursor.rgba + (24 * 16 - 1) * 4, 4, "\x00\x00\xff\xff", 4);

  spice_fixture_hide_cursor (test.server);
  g_assert_true (spice_fixture_wait (cursor_hidden, &test));
  g_assert_cmpuint (test.cursors, >=, 2);
  teardown (&test);
}

/* The server says where the guest has put it only while the pointer is relative. */
static void
test_cursor_moves (void)
{
  guint32 argb[8 * 8] = {0xffffffff};
  Test test;

  setup_mode (&test, 320, 240, FALSE);
  spice_fixture_set_cursor (test.server, 8, 8, 0, 0, argb);
  g_assert_true (spice_fixture_wait (has_cursor, &test));
  spice_fixture_move_cursor (test.server, 77, 88);
  Spot want = {&test, 77, 88, 0};
  g_assert_true (spice_fixture_wait (cursor_at, &want));

  teardown (&test);
}

/* The picture may be there before the inputs are. */
static gboolean
takes_positions (gpointer data)
{
  gboolean connected = FALSE, absolute = FALSE;

  g_object_get (((Test *) data)->session, "connected", &connected, "pointer-absolute", &absolute,
                NULL);
  return connected && absolute;
}

/* No server says where an absolute pointer is: it is where it was put. */
static void
test_cursor_placed (void)
{
  guint32 argb[8 * 8] = {0xffffffff};
  LodgeCursor cursor;
  guint moves = 0;
  Test test;

  setup (&test, 320, 240);
  g_assert_true (spice_fixture_wait (takes_positions, &test));
  spice_fixture_set_cursor (test.server, 8, 8, 0, 0, argb);
  g_assert_true (spice_fixture_wait (has_cursor, &test));
  g_signal_connect (test.source, "cursor-moved", G_CALLBACK (count_cb), &moves);
  lodge_console_session_position (test.session, 77, 88);
  g_assert_cmpuint (moves, ==, 1);
  lodge_console_session_position (test.session, 77, 1000);
  g_assert_true (lodge_frame_source_get_cursor (test.source, &cursor));
  g_assert_cmpint (cursor.x, ==, 77);
  g_assert_cmpint (cursor.y, ==, 239);
  /* Another shape is where the last one was. */
  test.cursors = 0;
  argb[0] = 0xff00ff00;
  spice_fixture_set_cursor (test.server, 8, 8, 0, 0, argb);
  g_assert_true (spice_fixture_wait (cursor_was_set, &test));
  lodge_frame_source_get_cursor (test.source, &cursor);
  g_assert_cmpint (cursor.x, ==, 77);
  g_assert_cmpuint (moves, ==, 2);
  teardown (&test);
}

/* What the source lends is gone when the session says so, not later. */
static void
test_close (void)
{
  LodgeFrame frame;
  Test test;

  setup (&test, 320, 240);
  test.frames = 0;
  lodge_console_session_close (test.session);
  g_assert_cmpuint (test.frames, ==, 1);
  lodge_frame_source_get_frame (test.source, &frame);
  g_assert_null (frame.data);
  teardown (&test);
}

#define TEST(name)                                                                                 \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
TEST (exact)
TEST (damage)
TEST (new_sizes)
TEST (monitor)
TEST (cursor)
TEST (cursor_moves)
TEST (cursor_placed)
TEST (close)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/spice-source/exact", run_exact);
  g_test_add_func ("/spice-source/damage", run_damage);
  g_test_add_func ("/spice-source/new-sizes", run_new_sizes);
  g_test_add_func ("/spice-source/monitor", run_monitor);
  g_test_add_func ("/spice-source/cursor", run_cursor);
  g_test_add_func ("/spice-source/cursor-moves", run_cursor_moves);
  g_test_add_func ("/spice-source/cursor-placed", run_cursor_placed);
  g_test_add_func ("/spice-source/close", run_close);
  return g_test_run ();
}

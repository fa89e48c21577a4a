/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A frame source fed by QEMU's memory: by a fake QEMU that says what a good one says, and what one
 * that its guest has taken over might. */
#include "console/lodge-map-source.h"

#include "fake-frames.h"
#include "test-wait.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define WIDTH  200
#define HEIGHT 150
#define STRIDE (WIDTH * 4 + 64)
#define OFFSET 4096
#define BYTES  (OFFSET + STRIDE * (HEIGHT - 1) + WIDTH * 4)

typedef struct {
  FakeFrames *qemu;
  LodgeMapSource *source;
  int memory;
  guint n_frames;
  guint n_ended;
  guint n_damage;
  int left, top, right, bottom; /* of all damage since it was last cleared */
} Test;

static void
frame_cb (LodgeFrameSource *source, Test *test)
{
  test->n_frames++;
}

static void
damage_cb (LodgeFrameSource *source, int x, int y, int width, int height, Test *test)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (source, &frame);
  g_assert_cmpint (x, >=, 0);
  g_assert_cmpint (y, >=, 0);
  g_assert_cmpint (x + width, <=, frame.width);
  g_assert_cmpint (y + height, <=, frame.height);
  test->left = test->n_damage == 0 ? x : MIN (test->left, x);
  test->top = test->n_damage == 0 ? y : MIN (test->top, y);
  test->right = test->n_damage == 0 ? x + width : MAX (test->right, x + width);
  test->bottom = test->n_damage == 0 ? y + height : MAX (test->bottom, y + height);
  test->n_damage++;
}

static void
ended_cb (LodgeMapSource *source, Test *test)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (LODGE_FRAME_SOURCE (source), &frame);
  g_assert_null (frame.data);
  test->n_ended++;
}

static void
set_up (Test *test, gconstpointer unused)
{
  int fd;

  test->qemu = fake_frames_new (&fd);
  test->source = lodge_map_source_new ();
  g_signal_connect (test->source, "frame-changed", G_CALLBACK (frame_cb), test);
  g_signal_connect (test->source, "damage", G_CALLBACK (damage_cb), test);
  g_signal_connect (test->source, "ended", G_CALLBACK (ended_cb), test);
  lodge_map_source_take_fd (test->source, fd);
  test->memory = fake_frames_memory (BYTES);
  /* The connection is made in the main loop; after that nothing needs it. */
  test_wait_ms (50);
}

static void
tear_down (Test *test, gconstpointer unused)
{
  g_object_add_weak_pointer (G_OBJECT (test->source), (gpointer *) &test->source);
  g_object_unref (test->source);
  test_wait_polled (test->source == NULL);
  test_wait_polled (fake_frames_is_closed (test->qemu));
  fake_frames_free (test->qemu);
  close (test->memory);
}

static LodgeFrame
get_frame (const Test *test)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (LODGE_FRAME_SOURCE (test->source), &frame);
  return frame;
}

static guint32
get_pixel (const Test *test, int x, int y)
{
  const LodgeFrame frame = get_frame (test);

  return ((const guint32 *) (frame.data + (gsize) y * frame.stride))[x] & 0xffffff;
}

static void
paint (const Test *test, int x, int y, guint32 colour)
{
  fake_frames_paint (test->memory, (OFFSET + (gsize) y * STRIDE) / 4 + x, colour);
}

static void
show (Test *test)
{
  fake_frames_scanout (test->qemu, test->memory, OFFSET, WIDTH, HEIGHT, STRIDE);
  test_wait_until (test->n_frames == 1);
}

static void
test_pixels (Test *test, gconstpointer unused)
{
  LodgeCursor cursor;

  for (int y = 0; y < HEIGHT; y++) {
    for (int x = 0; x < WIDTH; x++)
      paint (test, x, y, x << 8 | y);
  }
  show (test);
  g_assert_cmpint (get_frame (test).width, ==, WIDTH);
  g_assert_cmpint (get_frame (test).height, ==, HEIGHT);
  for (int y = 0; y < HEIGHT; y++) {
    for (int x = 0; x < WIDTH; x++)
      g_assert_cmphex (get_pixel (test, x, y), ==, x << 8 | y);
  }
  g_assert_false (lodge_frame_source_get_cursor (LODGE_FRAME_SOURCE (test->source), &cursor));
}

/* What changed is told, in blocks of 64 pixels, and nothing else is. */
static void
test_damage (Test *test, gconstpointer unused)
{
  show (test);
  paint (test, 70, 10, 0x112233);
  paint (test, 100, 20, 0x445566);
  paint (test, 150, 140, 0x778899); /* not said to have changed */
  fake_frames_update (test->qemu, 0, 0, WIDTH, 100);
  test_wait_until (test->n_damage > 0);
  g_assert_cmpint (test->left, ==, 64);
  g_assert_cmpint (test->right, ==, 128);
  g_assert_cmpint (test->top, ==, 0);
  g_assert_cmpint (test->bottom, ==, 64);
  g_assert_cmphex (get_pixel (test, 70, 10), ==, 0x112233);
  g_assert_cmphex (get_pixel (test, 100, 20), ==, 0x445566);
  g_assert_cmphex (get_pixel (test, 150, 140), ==, 0);

  /* A narrow one, a place that is partly outside, and one that did not change. */
  test->n_damage = 0;
  paint (test, 199, 149, 0xabcdef);
  fake_frames_update (test->qemu, 190, 145, 100, 100);
  test_wait_until (test->n_damage > 0);
  g_assert_cmphex (get_pixel (test, 199, 149), ==, 0xabcdef);
  g_assert_cmphex (get_pixel (test, 150, 140), ==, 0);
  test->n_damage = 0;
  fake_frames_update (test->qemu, -5, -5, 20, 20);
  fake_frames_update (test->qemu, G_MININT, G_MININT, G_MAXINT, G_MAXINT);
  fake_frames_update (test->qemu, 3, 3, -1, 0);
  test_wait_ms (100);
  g_assert_cmpuint (test->n_damage, ==, 0);
  g_assert_cmpuint (test->n_frames, ==, 1);
  g_assert_cmpuint (test->n_ended, ==, 0);
}

/* Another size is another picture; the same size in other memory is the same one, changed. */
static void
test_resize (Test *test, gconstpointer unused)
{
  const int larger = fake_frames_memory (640 * 480 * 4);
  const int flipped = fake_frames_memory (640 * 480 * 4);

  show (test);
  fake_frames_paint (larger, 639, 0x123456);
  fake_frames_scanout (test->qemu, larger, 0, 640, 480, 640 * 4);
  test_wait_until (test->n_frames == 2);
  g_assert_cmpint (get_frame (test).width, ==, 640);
  g_assert_cmphex (get_pixel (test, 639, 0), ==, 0x123456);

  test->n_damage = 0;
  fake_frames_paint (flipped, 639, 0x654321);
  fake_frames_scanout (test->qemu, flipped, 0, 640, 480, 640 * 4);
  test_wait_until (test->n_damage > 0);
  g_assert_cmpint (test->left, ==, 576);
  g_assert_cmpint (test->bottom, ==, 64);
  g_assert_cmphex (get_pixel (test, 639, 0), ==, 0x654321);
  g_assert_cmpuint (test->n_frames, ==, 2);
  close (larger);
  close (flipped);
}

static void
test_disconnect (Test *test, gconstpointer unused)
{
  int fd;

  show (test);
  fake_frames_free (test->qemu);
  test_wait_until (test->n_ended == 1);
  g_assert_cmpuint (test->n_frames, ==, 2);
  test_wait_ms (50);
  g_assert_cmpuint (test->n_ended, ==, 1);
  test->qemu = fake_frames_new (&fd); /* for the end of the test */
  close (fd);
}

static void
test_other_pictures (Test *test, gconstpointer member)
{
  guint32 serial;

  show (test);
  fake_frames_call (test->qemu, FAKE_FRAMES_LISTENER, "MouseSet", g_variant_new ("(iii)", 1, 1, 1),
                    NULL, TRUE);
  fake_frames_call (test->qemu, FAKE_FRAMES_LISTENER, "CursorDefine", NULL, NULL, TRUE);
  test_wait_ms (50);
  g_assert_cmpuint (test->n_ended, ==, 0);
  serial = fake_frames_call (test->qemu, FAKE_FRAMES_LISTENER, member, NULL, NULL, FALSE);
  /* An UpdateDMABUF holds up the guest's graphics until it is answered. */
  g_assert_null (fake_frames_dup_error (test->qemu, serial));
  test_wait_until (test->n_ended == 1);
}

static void
expect_end (Test *test)
{
  test_wait_until (test->n_ended == 1);
  g_assert_null (get_frame (test).data);
}

typedef struct {
  guint32 handle, offset, width, height, stride, format;
} Numbers;

static void
test_hostile_numbers (gconstpointer data)
{
  const Numbers *numbers = data;
  Test test = {0};

  for (guint shown = 0; shown < 2; shown++) {
    test = (Test){0};
    set_up (&test, NULL);
    if (shown)
      show (&test);
    const int fds[] = {test.memory, -1};

    fake_frames_call (test.qemu, FAKE_FRAMES_MAP, "ScanoutMap",
                      g_variant_new ("(huuuuu)", numbers->handle, numbers->offset, numbers->width,
                                     numbers->height, numbers->stride, numbers->format),
                      fds, TRUE);
    expect_end (&test);
    tear_down (&test, NULL);
  }
}

/* What is no memory. Reading a pipe would wait for ever. */
static void
test_hostile_descriptors (Test *test, gconstpointer what)
{
  g_autofree char *path = NULL;
  int fds[] = {-1, -1};
  int pair[2];

  g_assert_cmpint (pipe (pair), ==, 0);
  if (g_str_equal (what, "pipe")) {
    fds[0] = dup (pair[0]);
  } else if (g_str_equal (what, "file")) {
    fds[0] = g_file_open_tmp (NULL, &path, NULL);
    g_assert_cmpint (ftruncate (fds[0], BYTES), ==, 0);
  } else if (g_str_equal (what, "device")) {
    fds[0] = open ("/dev/zero", O_RDONLY | O_CLOEXEC);
  }
  fake_frames_call (test->qemu, FAKE_FRAMES_MAP, "ScanoutMap",
                    g_variant_new ("(huuuuu)", 0, 0, WIDTH, HEIGHT, WIDTH * 4, FAKE_FRAMES_XRGB),
                    fds, TRUE);
  expect_end (test);
  if (fds[0] >= 0)
    close (fds[0]);
  if (path != NULL)
    unlink (path);
  close (pair[0]);
  close (pair[1]);
}

/* Cut off after it was looked at: that would be SIGBUS if it were mapped. */
static void
test_truncated (Test *test, gconstpointer unused)
{
  show (test);
  g_assert_cmpint (ftruncate (test->memory, OFFSET), ==, 0);
  fake_frames_update (test->qemu, 0, 0, WIDTH, HEIGHT);
  expect_end (test);
}

static void
test_strange (Test *test, gconstpointer unused)
{
  g_autofree char *interface = NULL;
  g_autofree char *signature = NULL;

  show (test);
  interface = fake_frames_dup_error (
      test->qemu, fake_frames_call (test->qemu, "org.example.Other", "Do", NULL, NULL, FALSE));
  g_assert_cmpstr (interface, ==, "org.freedesktop.DBus.Error.UnknownMethod");
  signature = fake_frames_dup_error (test->qemu,
                                     fake_frames_call (test->qemu, FAKE_FRAMES_MAP, "UpdateMap",
                                                       g_variant_new ("(s)", "all"), NULL, FALSE));
  g_assert_cmpstr (signature, ==, "org.freedesktop.DBus.Error.UnknownMethod");
  test_wait_ms (50);
  g_assert_cmpuint (test->n_ended, ==, 0);
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

/* All of it is taken while the main loop does something else, and is one change to that. */
static void
test_flood (Test *test, gconstpointer unused)
{
  guint before;

  show (test);
  before = count_descriptors ();
  paint (test, 5, 5, 0x010203);
  paint (test, 195, 145, 0x040506);
  for (int i = 0; i < 4000; i++)
    fake_frames_update (test->qemu, i % WIDTH, i % HEIGHT, 9, 9);
  for (guint i = 0; i < 200; i++) {
    const int fds[] = {test->memory, test->memory, test->memory, test->memory, -1};

    fake_frames_call (
        test->qemu, FAKE_FRAMES_MAP, "ScanoutMap",
        g_variant_new ("(huuuuu)", 3, OFFSET, WIDTH, HEIGHT, STRIDE, FAKE_FRAMES_XRGB), fds, TRUE);
  }
  /* Answered, so all before it has been taken; the main loop has not run. */
  fake_frames_scanout (test->qemu, test->memory, OFFSET, WIDTH, HEIGHT, STRIDE);
  g_assert_cmpuint (test->n_damage, ==, 0);
  /* The one that waits, and this folder's own. */
  g_assert_cmpuint (count_descriptors (), <=, before + 2);

  test_wait_until (test->n_damage > 1);
  g_assert_cmpuint (test->n_damage, ==, 2);
  g_assert_cmphex (get_pixel (test, 5, 5), ==, 0x010203);
  g_assert_cmphex (get_pixel (test, 195, 145), ==, 0x040506);
  g_assert_cmpuint (test->n_frames, ==, 1);
}

static void
close_in_damage_cb (LodgeMapSource *source, int x, int y, int width, int height, Test *test)
{
  lodge_map_source_close (source);
}

/* Whoever looks may let go of it at any time. */
static void
test_closed_inside (Test *test, gconstpointer unused)
{
  show (test);
  g_signal_connect (test->source, "damage", G_CALLBACK (close_in_damage_cb), test);
  for (int y = 0; y < HEIGHT; y += 10)
    paint (test, y, y, 0xffffff);
  fake_frames_update (test->qemu, 0, 0, WIDTH, HEIGHT);
  test_wait_until (test->n_damage == 1);
  test_wait_ms (50);
  g_assert_cmpuint (test->n_damage, ==, 1);
  g_assert_cmpuint (test->n_ended, ==, 0);
}

/* Before the connection was even made. */
static void
test_closed_early (void)
{
  int fd;
  FakeFrames *qemu = fake_frames_new (&fd);
  LodgeMapSource *source = lodge_map_source_new ();

  lodge_map_source_take_fd (source, fd);
  lodge_map_source_close (source);
  g_object_unref (source);
  test_wait_polled (fake_frames_is_closed (qemu));
  fake_frames_free (qemu);
}

int
main (int argc, char **argv)
{
  static const Numbers numbers[] = {
      {1, OFFSET, WIDTH, HEIGHT, STRIDE, FAKE_FRAMES_XRGB},
      {G_MAXUINT32, OFFSET, WIDTH, HEIGHT, STRIDE, FAKE_FRAMES_XRGB},
      {0, OFFSET, 0, HEIGHT, STRIDE, FAKE_FRAMES_XRGB},
      {0, OFFSET, WIDTH, 0, STRIDE, FAKE_FRAMES_XRGB},
      {0, OFFSET, WIDTH, HEIGHT + 1, STRIDE, FAKE_FRAMES_XRGB},
      {0, OFFSET + 1, WIDTH, HEIGHT, STRIDE, FAKE_FRAMES_XRGB},
      {0, G_MAXUINT32, WIDTH, HEIGHT, STRIDE, FAKE_FRAMES_XRGB},
      {0, OFFSET, WIDTH, HEIGHT, WIDTH * 4 - 1, FAKE_FRAMES_XRGB},
      {0, OFFSET, WIDTH, HEIGHT, 0, FAKE_FRAMES_XRGB},
      {0, OFFSET, WIDTH, HEIGHT, G_MAXUINT32, FAKE_FRAMES_XRGB},
      {0, OFFSET, 16385, 1, 16385 * 4, FAKE_FRAMES_XRGB},
      {0, OFFSET, G_MAXUINT32, G_MAXUINT32, G_MAXUINT32, FAKE_FRAMES_XRGB},
      {0, OFFSET, 0x40000001, 1, 4, FAKE_FRAMES_XRGB},
      {0, 0, 16384, 16384, 65536, FAKE_FRAMES_XRGB},
      {0, OFFSET, WIDTH, HEIGHT, STRIDE, 0x10020565},
      {0, OFFSET, WIDTH, HEIGHT, STRIDE, 0},
  };

  g_test_init (&argc, &argv, NULL);
#define ADD(path, data, function)                                                                  \
  g_test_add ("/map-source/" path, Test, data, set_up, function, tear_down)
  ADD ("pixels", NULL, test_pixels);
  ADD ("damage", NULL, test_damage);
  ADD ("resize", NULL, test_resize);
  ADD ("disconnect", NULL, test_disconnect);
  ADD ("other/bytes", "Scanout", test_other_pictures);
  ADD ("other/update", "Update", test_other_pictures);
  ADD ("other/dmabuf", "UpdateDMABUF", test_other_pictures);
  ADD ("other/nothing", "Disable", test_other_pictures);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    g_autofree char *path = g_strdup_printf ("/map-source/hostile/%u", i);

    g_test_add_data_func (path, &numbers[i], test_hostile_numbers);
  }
  ADD ("hostile/none", "none", test_hostile_descriptors);
  ADD ("hostile/pipe", "pipe", test_hostile_descriptors);
  ADD ("hostile/file", "file", test_hostile_descriptors);
  ADD ("hostile/device", "device", test_hostile_descriptors);
  ADD ("truncated", NULL, test_truncated);
  ADD ("strange", NULL, test_strange);
  ADD ("flood", NULL, test_flood);
  ADD ("closed/inside", NULL, test_closed_inside);
#undef ADD
  g_test_add_func ("/map-source/closed/early", test_closed_early);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames from QEMU's memory in a real window, beside a real SPICE server: what is drawn, and that
 * QEMU is let go of while nobody sees it. */
#include "display-fixture.h"

#include "fake-frames.h"
#include "machine/lodge-frame-door.h"
#include "test-folder.h"

#include <unistd.h>

#define WIDTH  640
#define HEIGHT 480
#define BLUE   0x0000ff
#define ORANGE 0xff8800
#define GREEN  0x00ff00

typedef struct {
  DisplayFixture display;
  char *folder;
  GObject *opener;
  LodgeFrameDoor *door;
  FakeFrames *qemu; /* the last one */
  guint n_opened;
  int memory;
  guint wanted; /* of n_opened */
} Test;

static Test *current;

static void
open_cb (gpointer opener, guint monitor, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (opener, NULL, callback, user_data);
  int fd;

  g_assert_cmpuint (monitor, ==, 0);
  g_clear_pointer (&current->qemu, fake_frames_free);
  current->qemu = fake_frames_new (&fd);
  current->n_opened++;
  g_task_return_int (task, fd);
}

static int
opened_cb (gpointer opener, GAsyncResult *result, GError **error)
{
  return (int) g_task_propagate_int (G_TASK (result), error);
}

static gboolean
is_opened (gpointer data)
{
  return ((Test *) data)->n_opened == ((Test *) data)->wanted;
}

static gboolean
is_closed (gpointer data)
{
  return fake_frames_is_closed (((Test *) data)->qemu);
}

static void
paint (Test *test, guint32 colour)
{
  for (gsize i = 0; i < WIDTH * HEIGHT; i++)
    fake_frames_paint (test->memory, i, colour);
}

static void
expect_opened (Test *test)
{
  test->wanted++;
  g_assert_true (spice_fixture_wait (is_opened, test));
  spice_fixture_settle ();
  fake_frames_scanout (test->qemu, test->memory, 0, WIDTH, HEIGHT, WIDTH * 4);
}

static void
test_frames (void)
{
  Test test = {0};
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  current = &test;
  test.folder = g_dir_make_tmp ("lodge-frames-XXXXXX", NULL);
  path = g_build_filename (test.folder, "frames.sock", NULL);
  test.opener = g_object_new (G_TYPE_OBJECT, NULL);
  test.door = lodge_frame_door_new (path, LODGE_FRAME_DOOR_PATIENCE_MS, test.opener, open_cb,
                                    opened_cb, &error);
  g_assert_no_error (error);
  test.memory = fake_frames_memory ((gsize) WIDTH * HEIGHT * 4);
  paint (&test, ORANGE);
  display_fixture_set_up (&test.display);
  spice_fixture_fill (test.display.server, 0, 0, WIDTH, HEIGHT, BLUE);
  display_fixture_expect_color (&test.display, 300, 200, 0xff000000 | BLUE);

  /* The window is there already: it is asked for at once. */
  lodge_console_session_set_frames (test.display.session, path);
  expect_opened (&test);
  display_fixture_expect_color (&test.display, 300, 200, 0xff000000 | ORANGE);
  fake_frames_paint (test.memory, 200 * WIDTH + 300, GREEN);
  fake_frames_update (test.qemu, 300, 200, 1, 1);
  display_fixture_expect_color (&test.display, 300, 200, 0xff000000 | GREEN);
  g_assert_cmphex (display_fixture_get_pixel (&test.display, 301, 200), ==, 0xff000000 | ORANGE);

  /* Not seen any more, and seen again. */
  gtk_widget_set_visible (test.display.window, FALSE);
  g_assert_true (spice_fixture_wait (is_closed, &test));
  gtk_window_present (GTK_WINDOW (test.display.window));
  expect_opened (&test);
  display_fixture_expect_color (&test.display, 300, 200, 0xff000000 | GREEN);
  display_fixture_xdotool ("windowminimize %lu", display_fixture_get_xid (test.display.window));
  g_assert_true (spice_fixture_wait (is_closed, &test));
  display_fixture_xdotool ("windowactivate %lu", display_fixture_get_xid (test.display.window));
  expect_opened (&test);
  display_fixture_expect_color (&test.display, 300, 200, 0xff000000 | GREEN);

  /* QEMU ends it: SPICE's picture, which has gone on. */
  spice_fixture_fill (test.display.server, 10, 10, 20, 20, GREEN);
  g_clear_pointer (&test.qemu, fake_frames_free);
  display_fixture_expect_color (&test.display, 300, 200, 0xff000000 | BLUE);
  display_fixture_expect_color (&test.display, 15, 15, 0xff000000 | GREEN);

  display_fixture_tear_down (&test.display);
  g_clear_pointer (&test.door, lodge_frame_door_free);
  g_clear_pointer (&test.qemu, fake_frames_free);
  g_object_unref (test.opener);
  close (test.memory);
  test_folder_remove (test.folder);
  g_free (test.folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  DISPLAY_FIXTURE_ADD ("frames", test_frames);
  return g_test_run ();
}

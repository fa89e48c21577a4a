/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One picture out of two places: the engine's own door, with a fake QEMU behind it, beside a fake
 * SPICE. */
#include "console/lodge-frame-chooser.h"

#include "fake-frames.h"
#include "machine/lodge-frame-door.h"
#include "test-folder.h"
#include "test-wait.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define WIDTH  96
#define HEIGHT 64
#define BYTES  (WIDTH * HEIGHT * 4)

/* ---- a fake SPICE */

#define FAKE_TYPE_SOURCE (fake_source_get_type ())
G_DECLARE_FINAL_TYPE (FakeSource, fake_source, FAKE, SOURCE, GObject)

struct _FakeSource {
  GObject parent_instance;
  LodgeFrame frame;
};

static guint8 spice_pixels[4 * WIDTH * HEIGHT * 4];

static void
fake_source_get_frame (LodgeFrameSource *source, LodgeFrame *out_frame)
{
  *out_frame = FAKE_SOURCE (source)->frame;
}

static gboolean
fake_source_get_cursor (LodgeFrameSource *source, LodgeCursor *out_cursor)
{
  out_cursor->x = 77;
  return TRUE;
}

static void
fake_source_init_iface (LodgeFrameSourceInterface *iface)
{
  iface->get_frame = fake_source_get_frame;
  iface->get_cursor = fake_source_get_cursor;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (FakeSource,
                               fake_source,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (LODGE_TYPE_FRAME_SOURCE,
                                                      fake_source_init_iface))

static void
fake_source_class_init (FakeSourceClass *klass)
{
}

static void
fake_source_init (FakeSource *self)
{
}

/* ---- the test's things */

typedef struct {
  char *folder;
  char *path;
  LodgeFrameDoor *door;
  GObject *opener;
  gboolean refuse;
  gboolean slow;     /* opening lasts until the test says so */
  GTask *under_way;  /* while it does */
  guint n_asked;     /* of QEMU */
  guint monitor;     /* the last that was asked for */
  FakeFrames *qemu;  /* the last one */
  GPtrArray *others; /* those before */
  FakeSource *spice;
  LodgeFrameChooser *chooser;
  int memory;
  guint n_frames;
  guint n_damage;
  guint n_cursor;
} Test;

static Test *current;

static void
answer (GTask *task)
{
  int fd;

  if (current->refuse) {
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_FAILED, "there are none");
    return;
  }
  if (current->qemu != NULL)
    g_ptr_array_add (current->others, current->qemu);
  current->qemu = fake_frames_new (&fd);
  g_task_return_int (task, fd);
}

static void
open_cb (gpointer opener, guint monitor, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (opener, NULL, callback, user_data);

  current->n_asked++;
  current->monitor = monitor;
  if (current->slow)
    g_set_object (&current->under_way, task);
  else
    answer (task);
}

static int
opened_cb (gpointer opener, GAsyncResult *result, GError **error)
{
  return (int) g_task_propagate_int (G_TASK (result), error);
}

static void
open_door (Test *test, guint patience_ms)
{
  g_autoptr (GError) error = NULL;

  test->door =
      lodge_frame_door_new (test->path, patience_ms, test->opener, open_cb, opened_cb, &error);
  g_assert_no_error (error);
}

static void
frame_cb (LodgeFrameSource *source, Test *test)
{
  LodgeFrame frame;

  test->n_frames++;
  /* It can be read. */
  lodge_frame_source_get_frame (source, &frame);
  for (int y = 0; y < frame.height; y++)
    g_assert_cmpuint (frame.data[(gsize) y * frame.stride], <=, 255);
}

static void
damage_cb (LodgeFrameSource *source, int x, int y, int width, int height, Test *test)
{
  test->n_damage++;
}

static void
cursor_cb (LodgeFrameSource *source, Test *test)
{
  test->n_cursor++;
}

static void
set_up (Test *test, gconstpointer unused)
{
  current = test;
  test->folder = g_dir_make_tmp ("lodge-chooser-XXXXXX", NULL);
  test->path = g_build_filename (test->folder, "frames.sock", NULL);
  test->others = g_ptr_array_new_with_free_func ((GDestroyNotify) fake_frames_free);
  test->opener = g_object_new (G_TYPE_OBJECT, NULL);
  open_door (test, LODGE_FRAME_DOOR_PATIENCE_MS);
  test->memory = fake_frames_memory (4 * BYTES);
  fake_frames_paint (test->memory, 0, 0x00c0ffee);
  test->spice = g_object_new (FAKE_TYPE_SOURCE, NULL);
  test->chooser = lodge_frame_chooser_new (LODGE_FRAME_SOURCE (test->spice), 2);
  g_signal_connect (test->chooser, "frame-changed", G_CALLBACK (frame_cb), test);
  g_signal_connect (test->chooser, "damage", G_CALLBACK (damage_cb), test);
  g_signal_connect (test->chooser, "cursor-changed", G_CALLBACK (cursor_cb), test);
}

static void
tear_down (Test *test, gconstpointer unused)
{
  test_wait_unref (g_steal_pointer (&test->chooser));
  test_wait_unref (g_steal_pointer (&test->spice));
  g_clear_pointer (&test->door, lodge_frame_door_free);
  g_clear_object (&test->under_way);
  test_wait_unref (g_steal_pointer (&test->opener));
  if (test->qemu != NULL)
    g_ptr_array_add (test->others, test->qemu);
  /* Nobody keeps a connection with QEMU. */
  for (guint i = 0; i < test->others->len; i++)
    test_wait_polled (fake_frames_is_closed (test->others->pdata[i]));
  g_ptr_array_unref (test->others);
  g_assert_false (g_file_test (test->path, G_FILE_TEST_EXISTS));
  close (test->memory);
  test_folder_remove (test->folder);
  g_free (test->folder);
  g_free (test->path);
}

static void
set_spice (Test *test, int width, int height)
{
  test->spice->frame =
      (LodgeFrame){width > 0 ? spice_pixels : NULL, width, height, MAX (width, 1) * 4};
  lodge_frame_source_emit_frame_changed (LODGE_FRAME_SOURCE (test->spice));
}

static gboolean
shows_qemu (Test *test)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (LODGE_FRAME_SOURCE (test->chooser), &frame);
  g_assert_true (lodge_frame_chooser_is_mapped (test->chooser) == (frame.data != spice_pixels) ||
                 frame.data == NULL);
  return frame.data != NULL && frame.data != spice_pixels;
}

/* Until QEMU's picture is shown. */
static void
map (Test *test)
{
  const guint asked = test->n_asked;

  set_spice (test, WIDTH, HEIGHT);
  lodge_frame_chooser_set_socket (test->chooser, test->path);
  lodge_frame_chooser_set_shown (test->chooser, TRUE);
  test_wait_until (test->n_asked == asked + 1);
  test_wait_ms (50);
  fake_frames_scanout (test->qemu, test->memory, 0, WIDTH, HEIGHT, WIDTH * 4);
  test_wait_until (shows_qemu (test));
}

/* ---- tests */

/* One thing alone is not enough to ask. */
static void
test_wanted (Test *test, gconstpointer unused)
{
  LodgeCursor cursor = {0};

  set_spice (test, WIDTH, HEIGHT);
  g_assert_cmpuint (test->n_frames, ==, 1);
  lodge_frame_chooser_set_socket (test->chooser, test->path);
  test_wait_ms (50);
  g_assert_cmpuint (test->n_asked, ==, 0);
  set_spice (test, 0, 0);
  lodge_frame_chooser_set_shown (test->chooser, TRUE);
  test_wait_ms (50);
  g_assert_cmpuint (test->n_asked, ==, 0);
  set_spice (test, WIDTH, HEIGHT);
  lodge_frame_chooser_set_socket (test->chooser, "");
  test_wait_ms (50);
  g_assert_false (shows_qemu (test));

  map (test);
  g_assert_cmpuint (test->monitor, ==, 2);
  g_assert_true (lodge_frame_source_get_cursor (LODGE_FRAME_SOURCE (test->chooser), &cursor));
  g_assert_cmpint (cursor.x, ==, 77);
}

/* Only what is shown is told of; the cursor always is. */
static void
test_forwarded (Test *test, gconstpointer unused)
{
  LodgeFrame frame;
  guint frames;

  set_spice (test, WIDTH, HEIGHT);
  lodge_frame_source_emit_damage (LODGE_FRAME_SOURCE (test->spice), 0, 0, 1, 1);
  g_assert_cmpuint (test->n_damage, ==, 1);
  map (test);
  frames = test->n_frames;
  lodge_frame_source_get_frame (LODGE_FRAME_SOURCE (test->chooser), &frame);
  g_assert_cmphex (*(const guint32 *) frame.data, ==, 0x00c0ffee);
  lodge_frame_source_emit_damage (LODGE_FRAME_SOURCE (test->spice), 0, 0, 1, 1);
  lodge_frame_source_emit_frame_changed (LODGE_FRAME_SOURCE (test->spice));
  g_assert_cmpuint (test->n_damage, ==, 1);
  g_assert_cmpuint (test->n_frames, ==, frames);
  lodge_frame_source_emit_cursor_changed (LODGE_FRAME_SOURCE (test->spice));
  g_assert_cmpuint (test->n_cursor, ==, 1);
  fake_frames_paint (test->memory, 5, 0x123456);
  fake_frames_update (test->qemu, 0, 0, WIDTH, HEIGHT);
  test_wait_until (test->n_damage == 2);
}

/* In the time between two sizes SPICE's counts; without it nothing does. */
static void
test_sizes (Test *test, gconstpointer unused)
{
  map (test);
  set_spice (test, WIDTH * 2, HEIGHT * 2);
  g_assert_false (shows_qemu (test));
  fake_frames_scanout (test->qemu, test->memory, 0, WIDTH * 2, HEIGHT * 2, WIDTH * 8);
  test_wait_until (shows_qemu (test));
  g_assert_cmpuint (test->n_asked, ==, 1);
  set_spice (test, 0, 0);
  g_assert_false (shows_qemu (test));
  test_wait_polled (fake_frames_is_closed (test->qemu));
}

/* A picture that stays of no use is given up, and asked for again. */
static void
test_unused (Test *test, gconstpointer unused)
{
  FakeFrames *first;

  map (test);
  first = test->qemu;
  set_spice (test, WIDTH * 2, HEIGHT);
  test_wait_polled (fake_frames_is_closed (first));
  g_assert_false (shows_qemu (test));
  test_wait_until (test->n_asked == 2);
}

static void
test_fall_back (Test *test, gconstpointer how)
{
  guint frames;

  map (test);
  frames = test->n_frames;
  if (g_str_equal (how, "closed"))
    fake_frames_free (g_steal_pointer (&test->qemu));
  else
    fake_frames_call (test->qemu, FAKE_FRAMES_LISTENER, "Scanout", NULL, NULL, TRUE);
  test_wait_until (!shows_qemu (test));
  g_assert_cmpuint (test->n_frames, ==, frames + 1);
  /* By itself. */
  test_wait_until (test->n_asked == 2);
  test_wait_ms (50);
  fake_frames_scanout (test->qemu, test->memory, 0, WIDTH, HEIGHT, WIDTH * 4);
  test_wait_until (shows_qemu (test));
}

static void
test_refused (Test *test, gconstpointer unused)
{
  test->refuse = TRUE;
  set_spice (test, WIDTH, HEIGHT);
  lodge_frame_chooser_set_socket (test->chooser, test->path);
  lodge_frame_chooser_set_shown (test->chooser, TRUE);
  test_wait_until (test->n_asked == 2);
  g_assert_false (shows_qemu (test));
  test->refuse = FALSE;
  test_wait_until (test->n_asked == 3);
  test_wait_ms (50);
  fake_frames_scanout (test->qemu, test->memory, 0, WIDTH, HEIGHT, WIDTH * 4);
  test_wait_until (shows_qemu (test));
}

/* A window that is hidden lets QEMU go, and one that is seen again asks again. */
/* What had to be asked for again and again, and then was there for long, is soon asked for again.
 * The other size tells of its end before QEMU does. */
static void
test_lasted (Test *test, gconstpointer unused)
{
  guint first = lodge_frame_chooser_get_pause_ms (test->chooser);

  test->refuse = TRUE;
  set_spice (test, WIDTH, HEIGHT);
  lodge_frame_chooser_set_socket (test->chooser, test->path);
  lodge_frame_chooser_set_shown (test->chooser, TRUE);
  test_wait_until (test->n_asked == 2);
  test->refuse = FALSE;
  test_wait_until (test->n_asked == 3);
  test_wait_ms (50);
  fake_frames_scanout (test->qemu, test->memory, 0, WIDTH, HEIGHT, WIDTH * 4);
  test_wait_until (shows_qemu (test));
  g_assert_cmpuint (lodge_frame_chooser_get_pause_ms (test->chooser), >, first);
  test_wait_ms (5100);
  set_spice (test, WIDTH * 2, HEIGHT);
  g_assert_false (shows_qemu (test));
  g_assert_cmpuint (lodge_frame_chooser_get_pause_ms (test->chooser), ==, first);
}

static void
test_hidden (Test *test, gconstpointer unused)
{
  map (test);
  lodge_frame_chooser_set_shown (test->chooser, FALSE);
  g_assert_false (shows_qemu (test));
  test_wait_polled (fake_frames_is_closed (test->qemu));
  map (test);
  g_assert_cmpuint (test->n_asked, ==, 2);
}

/* Hidden while it is being opened: what comes then is let go of. */
static void
test_hidden_early (Test *test, gconstpointer unused)
{
  test->slow = TRUE;
  set_spice (test, WIDTH, HEIGHT);
  lodge_frame_chooser_set_socket (test->chooser, test->path);
  lodge_frame_chooser_set_shown (test->chooser, TRUE);
  test_wait_until (test->n_asked == 1);
  lodge_frame_chooser_set_shown (test->chooser, FALSE);
  test_wait_ms (50);
  answer (test->under_way);
  test_wait_polled (fake_frames_is_closed (test->qemu));
  g_assert_false (shows_qemu (test));
}

/* The door goes while something is being opened, as when a machine ends. */
static void
test_door_goes (Test *test, gconstpointer unused)
{
  test->slow = TRUE;
  set_spice (test, WIDTH, HEIGHT);
  lodge_frame_chooser_set_socket (test->chooser, test->path);
  lodge_frame_chooser_set_shown (test->chooser, TRUE);
  test_wait_until (test->n_asked == 1);
  g_clear_pointer (&test->door, lodge_frame_door_free);
  answer (test->under_way);
  test_wait_polled (fake_frames_is_closed (test->qemu));
  g_assert_false (shows_qemu (test));
}

/* The next engine gives them where the last one did. */
static void
test_engine_changes (Test *test, gconstpointer unused)
{
  map (test);
  g_clear_pointer (&test->door, lodge_frame_door_free);
  test_wait_until (!shows_qemu (test));
  test->slow = FALSE;
  open_door (test, LODGE_FRAME_DOOR_PATIENCE_MS);
  test_wait_until (test->n_asked == 2);
  test_wait_ms (50);
  fake_frames_scanout (test->qemu, test->memory, 0, WIDTH, HEIGHT, WIDTH * 4);
  test_wait_until (shows_qemu (test));
}

/* ---- the door alone */

static GSocket *
connect_raw (Test *test, const char *words)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (test->path);
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, 0, NULL);

  g_assert_true (g_socket_connect (socket, address, NULL, NULL));
  g_socket_set_blocking (socket, FALSE);
  g_assert_cmpint (g_socket_send (socket, words, strlen (words), NULL, NULL), ==, strlen (words));
  return socket;
}

/* The next byte, or 0 at the end. */
static char
read_byte (GSocket *socket)
{
  char byte = 0;

  test_wait_polled (g_socket_condition_check (socket, G_IO_IN | G_IO_HUP) != 0);
  return g_socket_receive (socket, &byte, 1, NULL, NULL) == 1 ? byte : '\0';
}

static void
test_impatient (Test *test, gconstpointer unused)
{
  g_autoptr (GSocket) alive = NULL;
  g_autoptr (GSocket) silent = NULL;
  FakeFrames *of_alive;

  g_clear_pointer (&test->door, lodge_frame_door_free);
  open_door (test, 300);
  alive = connect_raw (test, "\001");
  g_assert_cmpint (read_byte (alive), ==, '+');
  of_alive = test->qemu;
  silent = connect_raw (test, "\001");
  g_assert_cmpint (read_byte (silent), ==, '+');
  for (guint i = 0; i < 4; i++) {
    g_assert_cmpint (read_byte (alive), ==, '?');
    g_assert_cmpint (g_socket_send (alive, "!", 1, NULL, NULL), ==, 1);
  }
  g_assert_cmpint (read_byte (silent), ==, '?');
  g_assert_cmpint (read_byte (silent), ==, '\0');
  g_assert_true (fake_frames_is_closed (test->qemu));
  g_assert_false (fake_frames_is_closed (of_alive));
  g_socket_close (alive, NULL);
  test_wait_polled (fake_frames_is_closed (of_alive));
}

/* More than was asked for. */
static void
test_door_hostile (Test *test, gconstpointer words)
{
  g_autoptr (GSocket) socket = connect_raw (test, words);

  while (read_byte (socket) != '\0')
    ;
  test_wait_polled (test->qemu == NULL || fake_frames_is_closed (test->qemu));
}

static void
test_door_mode (Test *test, gconstpointer unused)
{
  GStatBuf info;

  g_assert_cmpint (g_lstat (test->path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
  g_assert_cmpstr (lodge_frame_door_get_path (test->door), ==, test->path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, data, function) g_test_add (path, Test, data, set_up, function, tear_down)
  ADD ("/frame-chooser/wanted", NULL, test_wanted);
  ADD ("/frame-chooser/forwarded", NULL, test_forwarded);
  ADD ("/frame-chooser/sizes", NULL, test_sizes);
  ADD ("/frame-chooser/unused", NULL, test_unused);
  ADD ("/frame-chooser/fall-back/closed", "closed", test_fall_back);
  ADD ("/frame-chooser/fall-back/bytes", "bytes", test_fall_back);
  ADD ("/frame-chooser/refused", NULL, test_refused);
  ADD ("/frame-chooser/lasted", NULL, test_lasted);
  ADD ("/frame-chooser/hidden", NULL, test_hidden);
  ADD ("/frame-chooser/hidden-early", NULL, test_hidden_early);
  ADD ("/frame-chooser/door-goes", NULL, test_door_goes);
  ADD ("/frame-chooser/engine-changes", NULL, test_engine_changes);
  ADD ("/frame-door/impatient", NULL, test_impatient);
  ADD ("/frame-door/hostile", "\001xyz", test_door_hostile);
  ADD ("/frame-door/mode", NULL, test_door_mode);
#undef ADD
  return g_test_run ();
}

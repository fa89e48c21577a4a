/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recordings that something comes in the way of: a slow encoder and one that fails, parts that are
 * missing, a full disk, a crash. */
#include "recorder-fixture.h"

#include "lodge-error.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define RED  0xe02020
#define BLUE 0x2020e0

static void
noise (RecorderFixture *test, guint seed)
{
  static guint32 pixels[320 * 240];

  for (guint i = 0; i < G_N_ELEMENTS (pixels); i++)
    pixels[i] = ((i + seed * 77777) * 2654435761u) >> 8;
  spice_fixture_draw (test->server, 0, 0, 320, 240, pixels);
  spice_fixture_run_for (20);
}

/* ---- a slow encoder */

static GstPadProbeReturn
hold_cb (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  return GST_PAD_PROBE_OK; /* blocked for as long as it is there */
}

/* Nothing goes into it until the probe @out_id of its pad is removed. */
static GstPad *
hold_encoder (RecorderFixture *test, gulong *out_id)
{
  g_autoptr (GstElement) encoder =
      gst_bin_get_by_name (GST_BIN (test->recorder->pipeline), "encoder");
  GstPad *pad = gst_element_get_static_pad (encoder, "sink");

  *out_id = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, hold_cb, NULL, NULL);
  return pad;
}

static guint
count_buffers (RecorderFixture *test, gsize *out_bytes)
{
  guint n = 0;

  *out_bytes = 0;
  for (guint i = 0; i < LODGE_RECORDER_SLOTS; i++) {
    const LodgeRecorderSlot *slot = test->recorder->slots[i];

    n += slot != NULL ? (guint) g_atomic_int_get (&slot->buffers) : 0;
    *out_bytes += slot != NULL ? slot->size : 0;
  }
  return n;
}

/* Pictures are left out, memory stays what it was, and this thread goes on; what has changed
 * meanwhile is seen as soon as there is room. */
static void
test_slow (void)
{
  RecorderFixture test;
  gsize bytes;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  const gint64 red = recorder_fixture_fill (&test, RED);
  gulong id;
  g_autoptr (GstPad) pad = hold_encoder (&test, &id);
  for (guint i = 0; i < 100; i++) {
    noise (&test, i);
    g_assert_cmpuint (count_buffers (&test, &bytes), <=, LODGE_RECORDER_PICTURES);
    g_assert_cmpuint (bytes, <=, LODGE_RECORDER_SLOTS * 320 * 240 * 4);
    g_assert_cmpuint (gst_app_src_get_current_level_buffers (test.recorder->pictures), <=,
                      LODGE_RECORDER_PICTURES);
    g_assert_cmpuint (gst_app_src_get_current_level_bytes (test.recorder->sounds), <=,
                      LODGE_RECORDER_SOUND_BYTES);
  }
  g_assert_cmpuint (test.recorder->n_left_out, >, 10);
  gst_pad_remove_probe (pad, id);
  const gint64 blue = recorder_fixture_fill (&test, BLUE);

  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  recording_assert_color (recording, red, 100, 100, RED);
  recording_assert_color (recording, blue, 100, 100, BLUE);
  g_clear_object (&pad);
  recorder_fixture_tear_down (&test);
}

/* What the guest showed last is in the file, however far behind the encoder is. */
static void
test_slow_end (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  recorder_fixture_fill (&test, RED);
  gulong id;
  g_autoptr (GstPad) pad = hold_encoder (&test, &id);
  for (guint i = 0; test.recorder->n_left_out < 10; i++)
    noise (&test, i);
  spice_fixture_fill (test.server, 0, 0, 320, 240, BLUE);
  recorder_fixture_wait_color (&test, BLUE);
  lodge_recorder_stop (test.recorder);
  gst_pad_remove_probe (pad, id);
  recorder_fixture_wait_ended (&test);
  g_assert_no_error (test.error);

  g_autoptr (Recording) recording = recording_read (test.path);
  const RecordingFrame *last = g_ptr_array_index (recording->frames, recording->frames->len - 1);
  recording_assert_color (recording, last->time_us, 100, 100, BLUE);
  g_clear_object (&pad);
  recorder_fixture_tear_down (&test);
}

/* Sample by sample, each of another format: no more wait than may. */
static void
test_crumbs (void)
{
  static const guint8 frame[4] = {1};
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (GST_ELEMENT (test.recorder->sounds), "src");
  const gulong id =
      gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, hold_cb, NULL, NULL);
  for (guint i = 0; i < 50000; i++) {
    lodge_sound_start (test.sound, LODGE_SOUND_PLAYBACK, 1, 2, i % 2 != 0 ? 96000 : 192000);
    lodge_sound_play (test.sound, frame, sizeof frame);
    g_assert_cmpuint (gst_app_src_get_current_level_buffers (test.recorder->sounds), <=,
                      LODGE_RECORDER_SOUND_BUFFERS);
  }
  gst_pad_remove_probe (pad, id);
  lodge_sound_stop (test.sound, LODGE_SOUND_PLAYBACK);
  /* What such a thing sounds like is no matter. */
  lodge_recorder_stop (test.recorder);
  recorder_fixture_wait_ended (&test);
  g_assert_no_error (test.error);
  g_clear_object (&pad);
  recorder_fixture_tear_down (&test);
}

/* An encoder that does not end is not waited for. */
static void
test_stuck (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  const gint64 red = recorder_fixture_fill (&test, RED);
  /* On a busy computer the encoder is that far behind. */
  recorder_fixture_wait_length (&test, red / 1000 + 5000);
  gulong id;
  g_autoptr (GstPad) pad = hold_encoder (&test, &id);
  test.recorder->end_limit_ms = 300;
  lodge_recorder_stop (test.recorder);
  recorder_fixture_wait_ended (&test);
  g_assert_error (test.error, LODGE_ERROR, LODGE_ERROR_TIMEOUT);

  g_autoptr (Recording) recording = recording_read (test.path);
  recording_assert_color (recording, red, 100, 100, RED);
  g_clear_object (&pad);
  recorder_fixture_tear_down (&test);
}

/* ---- what fails */

/* It ends by itself, says one sentence, and what was recorded plays. */
static void
expect_failure (RecorderFixture *test, const char *words)
{
  recorder_fixture_wait_ended (test);
  g_assert_nonnull (test->error);
  g_assert_nonnull (strstr (test->error->message, words));
  g_assert_nonnull (strstr (test->error->message, test->path));
  /* Too late for that. */
  lodge_recorder_stop (test->recorder);
  lodge_recorder_set_paused (test->recorder, TRUE);
  lodge_recorder_set_source (test->recorder, NULL);
  spice_fixture_run_for (50);
  g_assert_cmpuint (test->ended, ==, 1);
}

static void
test_encoder (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  const gint64 red = recorder_fixture_fill (&test, RED);
  /* On a busy computer the encoder is that far behind. */
  recorder_fixture_wait_length (&test, red / 1000 + 5000);
  g_autoptr (GstElement) encoder =
      gst_bin_get_by_name (GST_BIN (test.recorder->pipeline), "encoder");
  GST_ELEMENT_ERROR (encoder, STREAM, ENCODE, ("The encoder is <broken>."), (NULL));
  GST_ELEMENT_ERROR (encoder, STREAM, ENCODE, ("And again."), (NULL));
  expect_failure (&test, "The encoder is <broken>.");
  g_clear_object (&encoder);

  g_autoptr (Recording) recording = recording_read (test.path);
  recording_assert_color (recording, red, 100, 100, RED);
  recorder_fixture_tear_down (&test);
}

static void
remove_element (const char *name)
{
  gst_init (NULL, NULL);
  GstRegistry *registry = gst_registry_get ();
  g_autoptr (GstPluginFeature) feature =
      gst_registry_find_feature (registry, name, GST_TYPE_ELEMENT_FACTORY);

  g_assert_nonnull (feature);
  gst_registry_remove_feature (registry, feature);
}

static void
expect_refused (RecorderFixture *test, const char *sentence)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = NULL;

  g_assert_null (lodge_recorder_new (test->folder, "web",
                                     lodge_console_session_get_source (test->session), NULL,
                                     test->sound, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_cmpstr (error->message, ==, sentence);
  dir = g_dir_open (test->folder, 0, NULL);
  g_assert_null (g_dir_read_name (dir));
}

/* With less than there could be it records; with too little it says what to install. */
static void
test_missing (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  remove_element ("vp8enc");
  remove_element ("opusenc");
  recorder_fixture_begin (&test);
  const gint64 red = recorder_fixture_fill (&test, RED);
  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  recording_assert_color (recording, red, 100, 100, RED);
  g_assert_cmpuint (recording->sound->len, >, 0);
  g_assert_cmpint (g_unlink (test.path), ==, 0);

  /* The plugin has been loaded meanwhile, and has named all that it has. */
  remove_element ("vp8enc");
  remove_element ("vp9enc");
  expect_refused (&test, "Recording needs GStreamer’s “vp8enc”: install the package "
                         "gstreamer1.0-plugins-good.");
  remove_element ("webmmux");
  expect_refused (&test, "Recording needs GStreamer’s “webmmux”: install the package "
                         "gstreamer1.0-plugins-good.");
  remove_element ("videoscale");
  expect_refused (&test, "Recording needs GStreamer’s “videoscale”: install the package "
                         "gstreamer1.0-plugins-base.");
  recorder_fixture_tear_down (&test);
}

/* There can be no such file. */
static void
test_folder (void)
{
  RecorderFixture test;
  g_autoptr (GError) error = NULL;

  recorder_fixture_set_up (&test, 320, 240);
  g_autofree char *file = g_build_filename (test.folder, "file", NULL);
  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_assert_null (lodge_recorder_new (file, "web", lodge_console_session_get_source (test.session),
                                     NULL, test.sound, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY);
  recorder_fixture_tear_down (&test);
}

static void
draw_until_ended (RecorderFixture *test)
{
  for (guint i = 0; test->ended == 0; i++) {
    g_assert_cmpuint (i, <, 2000);
    noise (test, i);
  }
}

/* A file that may not become larger: an error while writing. */
static void
test_write (void)
{
  const struct rlimit limit = {300 * 1024, RLIM_INFINITY};
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  signal (SIGXFSZ, SIG_IGN);
  recorder_fixture_begin (&test);
  const gint64 red = recorder_fixture_fill (&test, RED);
  draw_until_ended (&test);
  expect_failure (&test, "could not be written any further");

  g_autoptr (Recording) recording = recording_read (test.path);
  g_assert_cmpuint (recording->frames->len, >, 3);
  recording_assert_color (recording, red, 100, 100, RED);
  recorder_fixture_tear_down (&test);
}

/* From here on what this process mounts is its own. */
static gboolean
leave_mounts (void)
{
  return unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static gboolean
can_mount (void)
{
  const pid_t child = fork ();
  int status = -1;

  if (child == 0)
    _exit (leave_mounts () ? 0 : 1);
  return child > 0 && waitpid (child, &status, 0) == child && status == 0;
}

/* Not even a beginning: then there is no file. */
static void
test_nothing (void)
{
  const struct rlimit limit = {0, RLIM_INFINITY};
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  signal (SIGXFSZ, SIG_IGN);
  recorder_fixture_begin (&test);
  expect_failure (&test, "could not be written any further");
  g_assert_cmpint (g_access (test.path, F_OK), !=, 0);
  recorder_fixture_tear_down (&test);
}

/* A disk that is full. */
static void
test_full (void)
{
  RecorderFixture test;

  g_assert_true (leave_mounts ());
  recorder_fixture_set_up (&test, 320, 240);
  g_assert_cmpint (mount ("none", test.folder, "tmpfs", 0, "size=400k"), ==, 0);
  recorder_fixture_begin (&test);
  const gint64 red = recorder_fixture_fill (&test, RED);
  draw_until_ended (&test);
  expect_failure (&test, "There is no room left");

  g_autoptr (Recording) recording = recording_read (test.path);
  g_assert_cmpuint (recording->frames->len, >, 3);
  recording_assert_color (recording, red, 100, 100, RED);
  g_assert_cmpint (umount2 (test.folder, MNT_DETACH), ==, 0);
  recorder_fixture_tear_down (&test);
}

/* ---- a crash: what is in the file at any moment plays */

static void
test_crash (void)
{
  g_autofree char *data = NULL;
  gsize length;
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  const gint64 red = recorder_fixture_fill (&test, RED);
  /* What goes with this process is what came in the last moment. */
  recorder_fixture_wait_length (&test, red / 1000 + 6000);
  g_assert_true (g_file_get_contents (test.path, &data, &length, NULL));
  g_autofree char *left = g_build_filename (test.folder, "left.webm", NULL);
  g_assert_true (g_file_set_contents (left, data, (gssize) length, NULL));

  g_autoptr (Recording) recording = recording_read (left);
  recording_assert_color (recording, red, 100, 100, RED);
  const RecordingFrame *last = g_ptr_array_index (recording->frames, recording->frames->len - 1);
  g_assert_cmpint (last->time_us, >, red);
  recorder_fixture_tear_down (&test);
}

/* Nobody waits for it any more: it goes, and its file stays. */
static void
test_dropped (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  const gint64 red = recorder_fixture_fill (&test, RED);
  recorder_fixture_wait_length (&test, red / 1000 + 5000);
  g_assert_finalize_object (g_steal_pointer (&test.recorder));
  g_autoptr (Recording) recording = recording_read (test.path);
  recording_assert_color (recording, red, 100, 100, RED);
  recorder_fixture_tear_down (&test);
}

#define TEST(name)                                                                                 \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
TEST (slow)
TEST (slow_end)
TEST (crumbs)
TEST (stuck)
TEST (nothing)
TEST (encoder)
TEST (missing)
TEST (folder)
TEST (write)
TEST (crash)
TEST (dropped)

static void
run_full (void)
{
  if (g_test_subprocess () || can_mount ())
    spice_fixture_run (test_full);
  else
    g_test_skip ("a file system of its own takes root");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recorder/slow", run_slow);
  g_test_add_func ("/recorder/slow-end", run_slow_end);
  g_test_add_func ("/recorder/crumbs", run_crumbs);
  g_test_add_func ("/recorder/stuck", run_stuck);
  g_test_add_func ("/recorder/nothing", run_nothing);
  g_test_add_func ("/recorder/encoder", run_encoder);
  g_test_add_func ("/recorder/missing", run_missing);
  g_test_add_func ("/recorder/folder", run_folder);
  g_test_add_func ("/recorder/write", run_write);
  g_test_add_func ("/recorder/full", run_full);
  g_test_add_func ("/recorder/crash", run_crash);
  g_test_add_func ("/recorder/dropped", run_dropped);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making and importing that does not come to its end: the disk is full, or somebody cancels. */
#include "image-fixture.h"

#include "lodge-error.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

static void
test_full_disk (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *raw = image_fixture_make_raw (fixture);
  g_autofree char *layer = image_fixture_path (fixture, "layer.qcow2");
  g_autoptr (GError) error = NULL;
  struct rlimit before, tiny;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  tiny = before;
  tiny.rlim_cur = 400 * 1024;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tiny), ==, 0);
  image_fixture_import (raw, "raw", layer, NULL, NULL, &error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  image_fixture_assert_sentence (error, LODGE_ERROR_STORAGE, layer);
  g_assert_nonnull (strstr (error->message, "full"));
  g_clear_error (&error);
  image_fixture_assert_n_files (fixture, 1);

  tiny.rlim_cur = 4096;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tiny), ==, 0);
  image_fixture_create (layer, "qcow2", 100 * IMAGE_FIXTURE_MIB, NULL, &error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  image_fixture_assert_sentence (error, LODGE_ERROR_STORAGE, layer);
  g_assert_nonnull (strstr (error->message, "full"));
  image_fixture_assert_n_files (fixture, 1);
}

static void
test_cancel (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *raw = image_fixture_path (fixture, "large");
  g_autofree char *layer = image_fixture_path (fixture, "layer.qcow2");
  g_autofree char *bytes = g_malloc (32 * IMAGE_FIXTURE_MIB);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  ImageProgress progress = {0, 0, cancellable};
  g_autoptr (GError) error = NULL;

  memset (bytes, 'm', 32 * IMAGE_FIXTURE_MIB);
  g_assert_true (g_file_set_contents (raw, bytes, 32 * IMAGE_FIXTURE_MIB, NULL));
  g_assert_false (image_fixture_import (raw, "raw", layer, &progress, cancellable, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpuint (progress.n, >, 0);
  image_fixture_assert_n_files (fixture, 1);

  g_cancellable_cancel (cancelled);
  g_assert_false (image_fixture_import (raw, "raw", layer, NULL, cancelled, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (image_fixture_create (layer, "qcow2", IMAGE_FIXTURE_MIB, cancelled, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (image_fixture_inspect (raw, cancelled, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  image_fixture_assert_n_files (fixture, 1);
}

/* A process whose command line names @folder. */
static gboolean
is_at_work (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename ("/proc", name, "cmdline", NULL);
    g_autofree char *line = NULL;
    gsize length;

    if (g_ascii_isdigit (name[0]) && g_file_get_contents (path, &line, &length, NULL) &&
        memmem (line, length, folder, strlen (folder)) != NULL)
      return TRUE;
  }
  return FALSE;
}

static gboolean
cancel_cb (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

/* At every moment of a start, among them those at which bubblewrap's child does not yet die with
 * it: it always ends, and nothing of it stays. */
static void
test_cancel_any_time (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *layer = image_fixture_path (fixture, "layer.qcow2");
  guint n_cancelled = 0;

  for (guint i = 0; i < 60; i++) {
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    g_autoptr (GError) error = NULL;
    ImageWait wait = {NULL, FALSE};

    lodge_image_create_async (layer, "qcow2", IMAGE_FIXTURE_MIB, cancellable, image_fixture_got_cb,
                              &wait);
    if (i % 2 == 0) {
      g_usleep (i * 100);
      g_cancellable_cancel (cancellable);
    } else {
      g_idle_add_full (G_PRIORITY_LOW, cancel_cb, cancellable, NULL);
    }
    if (!lodge_image_create_finish (image_fixture_wait (&wait), &error)) {
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
      n_cancelled++;
    }
    image_fixture_end_wait (&wait);
    g_unlink (layer);
    image_fixture_assert_n_files (fixture, 0);
  }
  g_assert_cmpuint (n_cancelled, >, 0);
  for (guint i = 0; is_at_work (fixture->folder) && i < 300; i++)
    g_usleep (100000);
  g_assert_false (is_at_work (fixture->folder));
}

/* A file system of two megabytes, in a mount namespace of this process. */
static void
fill_disk (ImageFixture *fixture)
{
  g_autofree char *raw = g_build_filename (fixture->secret_folder, "raw", NULL);
  g_autofree char *layer = image_fixture_path (fixture, "layer.qcow2");
  g_autofree char *filler = image_fixture_path (fixture, "filler");
  g_autofree char *bytes = g_malloc (8 * IMAGE_FIXTURE_MIB);
  g_autoptr (GError) error = NULL;

  if (unshare (CLONE_NEWNS) != 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount ("tmpfs", fixture->folder, "tmpfs", 0, "size=2m") != 0) {
    g_test_skip ("nothing can be mounted here");
    return;
  }
  memset (bytes, 'm', 8 * IMAGE_FIXTURE_MIB);
  g_assert_true (g_file_set_contents (raw, bytes, 8 * IMAGE_FIXTURE_MIB, NULL));
  g_assert_false (image_fixture_import (raw, "raw", layer, NULL, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_STORAGE, layer);
  g_assert_nonnull (strstr (error->message, "full"));
  g_clear_error (&error);
  image_fixture_assert_n_files (fixture, 0);

  /* The namespace that had the hidden file bound in it goes a moment after its last process. */
  for (guint i = 0;
       i < 300 && !g_file_set_contents (filler, bytes, 2 * IMAGE_FIXTURE_MIB - 8192, NULL); i++)
    g_usleep (100000);
  g_assert_true (g_file_test (filler, G_FILE_TEST_EXISTS));
  g_assert_false (image_fixture_create (layer, "qcow2", IMAGE_FIXTURE_MIB, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_STORAGE, layer);
  g_assert_nonnull (strstr (error->message, "full"));
  image_fixture_assert_n_files (fixture, 1);
  g_unlink (filler);
  g_unlink (raw);
  umount (fixture->folder);
}

static void
test_small_disk (void)
{
  if (geteuid () != 0) {
    g_test_skip ("only root can mount");
    return;
  }
  image_fixture_in_child (fill_disk);
}

int
main (int argc, char **argv)
{
  if (!image_fixture_init (&argc, &argv))
    return 0;
  IMAGE_FIXTURE_ADD ("full-disk", test_full_disk);
  g_test_add_func ("/image/small-disk", test_small_disk);
  IMAGE_FIXTURE_ADD ("cancel", test_cancel);
  IMAGE_FIXTURE_ADD ("cancel-any-time", test_cancel_any_time);
  return g_test_run ();
}

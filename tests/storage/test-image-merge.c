/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two layers become one. What the chain holds is looked at with qemu-io, whatever has happened. */
#include "image-fixture.h"

#include "lodge-error.h"
#include "test-folder.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not a whole number of clusters. */
#define SIZE     (20 * IMAGE_FIXTURE_MIB + 512)
#define SIZE_ARG "20972032"

typedef struct {
  char *path[3]; /* from the top down */
  char *layers[4];
  char *image[3]; /* as qemu-io takes each chain */
} Chain;

static void
chain_make (ImageFixture *fixture, Chain *self, const char *lowest_format)
{
  static const char *const names[] = {"top.qcow2", "middle.qcow2", "lowest"};
  const char *formats[] = {"qcow2", "qcow2", lowest_format};
  g_autofree char *below = g_strdup ("null");

  for (int i = 2; i >= 0; i--) {
    char *node;

    self->path[i] = image_fixture_path (fixture, names[i]);
    self->layers[i] = g_strdup_printf ("%s:%s", formats[i], self->path[i]);
    image_fixture_run ("qemu-img", "create", "-q", "-f", formats[i], self->path[i], SIZE_ARG, NULL);
    node = g_strdup_printf (
        "{\"driver\":\"%s\",\"file\":{\"driver\":\"file\",\"filename\":\"%s\"}%s%s}", formats[i],
        self->path[i], g_str_equal (formats[i], "raw") ? "" : ",\"backing\":",
        g_str_equal (formats[i], "raw") ? "" : below);
    g_free (below);
    below = node;
    self->image[i] = g_strconcat ("json:", node, NULL);
  }
  self->layers[3] = NULL;
  image_fixture_run ("qemu-io", "-c", "write -P 1 0 8M", "-c", "write -P 1 20M 512", self->image[2],
                     NULL);
  image_fixture_run ("qemu-io", "-c", "write -P 2 2M 4M", "-c", "write -P 2 20M 512",
                     self->image[1], NULL);
  image_fixture_run ("qemu-io", "-c", "write -P 3 3M 10M", "-c", "write -z 4M 1M", "-c",
                     "write -P 3 7000k 1536", self->image[0], NULL);
}

static void
chain_clear (Chain *self)
{
  for (guint i = 0; i < 3; i++) {
    g_free (self->path[i]);
    g_free (self->layers[i]);
    g_free (self->image[i]);
  }
}

/* All that the guest sees. */
static void
assert_content (const char *image)
{
  image_fixture_run ("qemu-io", "-r", "-c", "read -P 1 0 2M", "-c", "read -P 2 2M 1M", "-c",
                     "read -P 3 3M 1M", "-c", "read -P 0 4M 1M", "-c", "read -P 3 5M 8M", "-c",
                     "read -P 0 13M 7M", "-c", "read -P 2 20M 512", image, NULL);
}

static void
assert_lowest (Chain *chain)
{
  image_fixture_run ("qemu-io", "-r", "-c", "read -P 1 0 8M", "-c", "read -P 0 8M 12M", "-c",
                     "read -P 1 20M 512", chain->image[2], NULL);
}

static void
progress_cb (double fraction, gpointer user_data)
{
  ImageProgress *progress = user_data;

  g_assert_cmpfloat (fraction, >=, 0);
  g_assert_cmpfloat (fraction, <=, 1);
  progress->last = fraction;
  progress->n++;
}

static gboolean
merge (Chain *chain, guint from, ImageProgress *progress, GCancellable *cancellable, GError **error)
{
  ImageWait wait = {NULL, FALSE};
  gboolean good;

  lodge_image_merge_async ((const char *const *) chain->layers + from,
                           progress != NULL ? progress_cb : NULL, progress, cancellable,
                           image_fixture_got_cb, &wait);
  good = lodge_image_merge_finish (image_fixture_wait (&wait), error);
  image_fixture_end_wait (&wait);
  return good;
}

static void
test_merge (ImageFixture *fixture, gconstpointer format)
{
  Chain chain;
  ImageProgress progress = {0, 0, NULL};
  g_autoptr (GError) error = NULL;

  chain_make (fixture, &chain, format);
  /* As a frozen layer is: nothing may be written to the lowest. */
  g_assert_no_errno (chmod (chain.path[2], 0400));
  merge (&chain, 0, &progress, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (progress.n, >, 0);
  g_assert_cmpfloat (progress.last, ==, 1);
  assert_content (chain.image[0]);
  assert_content (chain.image[1]);
  assert_lowest (&chain);

  /* The next one down, also where that is somebody's raw image. */
  g_assert_no_errno (chmod (chain.path[2], 0600));
  merge (&chain, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_content (chain.image[2]);
  assert_content (chain.image[0]);
  image_fixture_assert_n_files (fixture, 3);
  chain_clear (&chain);
}

static void
test_merge_qcow2 (ImageFixture *fixture, gconstpointer data)
{
  test_merge (fixture, "qcow2");
}

static void
test_merge_raw (ImageFixture *fixture, gconstpointer data)
{
  test_merge (fixture, "raw");
}

/* Wherever it ends, the chain reads the same, and the next one finishes it. */
static void
test_cancelled (ImageFixture *fixture, gconstpointer data)
{
  Chain chain;
  guint n_cancelled = 0;
  g_autoptr (GError) error = NULL;

  chain_make (fixture, &chain, "qcow2");
  for (guint i = 0; i < 25; i++) {
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    g_autoptr (GSource) timeout = g_timeout_source_new (i * 4);
    ImageWait wait = {NULL, FALSE};

    g_source_set_callback (timeout, G_SOURCE_FUNC (g_cancellable_cancel), cancellable, NULL);
    g_source_attach (timeout, NULL);
    lodge_image_merge_async ((const char *const *) chain.layers, NULL, NULL, cancellable,
                             image_fixture_got_cb, &wait);
    if (!lodge_image_merge_finish (image_fixture_wait (&wait), &error)) {
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
      g_clear_error (&error);
      n_cancelled++;
    }
    g_source_destroy (timeout);
    image_fixture_end_wait (&wait);
    assert_content (chain.image[0]);
  }
  g_assert_cmpuint (n_cancelled, >, 0);
  merge (&chain, 0, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_content (chain.image[1]);
  assert_lowest (&chain);
  chain_clear (&chain);
}

static void
test_full_disk (ImageFixture *fixture, gconstpointer data)
{
  Chain chain;
  struct rlimit before, tiny;
  g_autoptr (GError) error = NULL;

  chain_make (fixture, &chain, "qcow2");
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  /* From less than the lower one is by now to nearly all that is needed. */
  for (guint mib = 1; mib < 10; mib += 2) {
    tiny = before;
    tiny.rlim_cur = mib * IMAGE_FIXTURE_MIB;
    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tiny), ==, 0);
    g_assert_false (merge (&chain, 0, NULL, NULL, &error));
    g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
    image_fixture_assert_sentence (error, LODGE_ERROR_STORAGE, chain.path[1]);
    g_assert_nonnull (strstr (error->message, "full"));
    g_clear_error (&error);
    assert_content (chain.image[0]);
  }
  merge (&chain, 0, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_content (chain.image[1]);
  chain_clear (&chain);
}

/* A file system that is full, in a mount namespace of this process. */
static void
fill_disk (ImageFixture *fixture)
{
  Chain chain;
  g_autoptr (GError) error = NULL;

  if (unshare (CLONE_NEWNS) != 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount ("tmpfs", fixture->folder, "tmpfs", 0, "size=26m") != 0) {
    g_test_skip ("nothing can be mounted here");
    return;
  }
  chain_make (fixture, &chain, "qcow2");
  g_assert_false (merge (&chain, 0, NULL, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_STORAGE, chain.path[1]);
  g_assert_nonnull (strstr (error->message, "full"));
  g_clear_error (&error);
  assert_content (chain.image[0]);
  assert_lowest (&chain);
  chain_clear (&chain);
  /* The namespace of the last qemu-img may still have it. */
  umount2 (fixture->folder, MNT_DETACH);
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

static void
test_missing (ImageFixture *fixture, gconstpointer data)
{
  Chain chain;
  g_autoptr (GError) error = NULL;

  chain_make (fixture, &chain, "qcow2");
  g_assert_no_errno (g_unlink (chain.path[1]));
  g_assert_false (merge (&chain, 0, NULL, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_NOT_FOUND, chain.path[1]);
  chain_clear (&chain);
}

int
main (int argc, char **argv)
{
  if (!image_fixture_init (&argc, &argv))
    return 0;
  IMAGE_FIXTURE_ADD ("merge/qcow2", test_merge_qcow2);
  IMAGE_FIXTURE_ADD ("merge/raw", test_merge_raw);
  IMAGE_FIXTURE_ADD ("merge/cancelled", test_cancelled);
  IMAGE_FIXTURE_ADD ("merge/full-disk", test_full_disk);
  g_test_add_func ("/image/merge/small-disk", test_small_disk);
  IMAGE_FIXTURE_ADD ("merge/missing", test_missing);
  return g_test_run ();
}

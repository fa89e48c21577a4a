/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several layers become a new one. What is read is compared by qemu-img, whatever was written,
 * zeroed and discarded in them; and none of their files is changed. */
#include "image-fixture.h"

#include "lodge-error.h"
#include "storage/lodge-image-join.h"
#include "test-folder.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_LAYERS 6
#define BLOCK    4096

typedef struct {
  char *path[N_LAYERS]; /* from the top down */
  char *layers[N_LAYERS + 1];
  char *image[N_LAYERS]; /* as qemu-io takes each chain */
  char *sum[N_LAYERS];
  char *joined;
} Chain;

static char *
dup_node (const char *format, const char *path, const char *below)
{
  const char *text = below != NULL ? below + strlen ("json:") : "null";

  return g_strdup_printf (
      "json:{\"driver\":\"%s\",\"file\":{\"driver\":\"file\",\"filename\":\"%s\"}%s%s}", format,
      path,
      g_str_equal (format, "raw") ? "" : ",\"backing\":", g_str_equal (format, "raw") ? "" : text);
}

static char *
dup_sum (const char *path)
{
  g_autofree char *data = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &data, &length, NULL));
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) data, length);
}

/* What guests do, at places that are not those of clusters. @blocks: the size of its disk */
static void
fill (GRand *rand, const char *image, guint layer, guint blocks)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  int status;

  g_ptr_array_add (argv, g_strdup ("qemu-io"));
  for (guint i = 0; i < 24; i++) {
    guint64 at = (guint64) g_rand_int_range (rand, 0, (gint32) blocks) * BLOCK;
    guint64 length = (guint64) g_rand_int_range (rand, 1, 100) * BLOCK;
    static const char *const kinds[] = {"write -P", "write -P", "write -z", "write -z -u",
                                        "discard"};
    const guint kind = (guint) g_rand_int_range (rand, 0, G_N_ELEMENTS (kinds));

    length = MIN (length, (guint64) blocks * BLOCK - at);
    g_ptr_array_add (argv, g_strdup ("-c"));
    if (kind < 2)
      g_ptr_array_add (argv, g_strdup_printf ("%s %u %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                                              kinds[kind], layer * 30 + i + 1, at, length));
    else
      g_ptr_array_add (argv, g_strdup_printf ("%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                                              kinds[kind], at, length));
  }
  g_ptr_array_add (argv, g_strdup (image));
  g_ptr_array_add (argv, NULL);
  g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL,
                NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
}

/* The disk grows in the middle of it, and not by whole clusters. */
static void
chain_make (ImageFixture *fixture, Chain *self, const char *lowest_format)
{
  static const guint blocks[N_LAYERS] = {2051, 2051, 2051, 1800, 1537, 1537};
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) g_test_rand_int ());

  for (int i = N_LAYERS - 1; i >= 0; i--) {
    const char *format = i == N_LAYERS - 1 ? lowest_format : "qcow2";
    g_autofree char *name = g_strdup_printf ("l%d", i);
    g_autofree char *size = g_strdup_printf ("%u", blocks[i] * BLOCK);

    self->path[i] = image_fixture_path (fixture, name);
    self->layers[i] = g_strdup_printf ("%s:%s", format, self->path[i]);
    image_fixture_run ("qemu-img", "create", "-q", "-f", format, self->path[i], size, NULL);
    self->image[i] = dup_node (format, self->path[i], i < N_LAYERS - 1 ? self->image[i + 1] : NULL);
    fill (rand, self->image[i], (guint) i, blocks[i]);
    self->sum[i] = dup_sum (self->path[i]);
    g_assert_no_errno (chmod (self->path[i], 0400));
  }
  self->layers[N_LAYERS] = NULL;
  self->joined = image_fixture_path (fixture, "joined");
}

static void
chain_clear (Chain *self)
{
  for (guint i = 0; i < N_LAYERS; i++) {
    g_autofree char *sum = dup_sum (self->path[i]);

    g_assert_cmpstr (sum, ==, self->sum[i]);
    g_assert_no_errno (g_unlink (self->path[i]));
    g_free (self->path[i]);
    g_free (self->layers[i]);
    g_free (self->image[i]);
    g_free (self->sum[i]);
  }
  (void) g_unlink (self->joined);
  g_free (self->joined);
}

/* The joined one on @below says what the upmost of them does. */
static void
assert_same (Chain *self, guint upmost, guint below)
{
  g_autofree char *image = dup_node ("qcow2", self->joined, self->image[below]);

  image_fixture_run ("qemu-img", "compare", "-q", self->image[upmost], image, NULL);
  image_fixture_run ("qemu-img", "check", "-q", self->joined, NULL);
}

static void
progress_cb (double fraction, gpointer user_data)
{
  ImageProgress *progress = user_data;

  g_assert_cmpfloat (fraction, >=, progress->last);
  g_assert_cmpfloat (fraction, <=, 1);
  progress->last = fraction;
  progress->n++;
  if (progress->cancel_at_first != NULL)
    g_cancellable_cancel (progress->cancel_at_first);
}

static gboolean
join (Chain *chain,
      guint upmost,
      guint n,
      ImageProgress *progress,
      GCancellable *cancellable,
      GError **error)
{
  ImageWait wait = {NULL, FALSE};
  gboolean good;

  lodge_image_join_async ((const char *const *) chain->layers + upmost, n, chain->joined,
                          progress != NULL ? progress_cb : NULL, progress, cancellable,
                          image_fixture_got_cb, &wait);
  good = lodge_image_join_finish (image_fixture_wait (&wait), error);
  image_fixture_end_wait (&wait);
  return good;
}

static void
test_join (ImageFixture *fixture, gconstpointer format)
{
  for (guint n = 1; n <= 4; n++) {
    Chain chain;
    ImageProgress progress = {0, 0, NULL};
    g_autoptr (GError) error = NULL;
    const guint upmost = 5 - n;

    chain_make (fixture, &chain, format);
    join (&chain, upmost, n, &progress, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpfloat (progress.last, ==, 1);
    assert_same (&chain, upmost, 5);
    image_fixture_assert_n_files (fixture, N_LAYERS + 1);
    chain_clear (&chain);
  }
}

static void
test_qcow2 (ImageFixture *fixture, gconstpointer data)
{
  test_join (fixture, "qcow2");
}

static void
test_raw (ImageFixture *fixture, gconstpointer data)
{
  test_join (fixture, "raw");
}

/* With some that stay below them, too, and some above. */
static void
test_middle (ImageFixture *fixture, gconstpointer data)
{
  Chain chain;
  g_autoptr (GError) error = NULL;
  g_autofree char *image = NULL;
  g_autofree char *upper = NULL;

  chain_make (fixture, &chain, "qcow2");
  join (&chain, 1, 2, NULL, NULL, &error);
  g_assert_no_error (error);
  assert_same (&chain, 1, 3);
  image = dup_node ("qcow2", chain.joined, chain.image[3]);
  upper = dup_node ("qcow2", chain.path[0], image);
  image_fixture_run ("qemu-img", "compare", "-q", chain.image[0], upper, NULL);
  chain_clear (&chain);
}

static void
test_cancelled (ImageFixture *fixture, gconstpointer data)
{
  Chain chain;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  ImageProgress progress = {0, 0, cancellable};
  g_autoptr (GError) error = NULL;

  chain_make (fixture, &chain, "qcow2");
  g_assert_false (join (&chain, 1, 4, &progress, cancellable, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  image_fixture_assert_n_files (fixture, N_LAYERS);
  chain_clear (&chain);
}

/* A file that may not become as large as it has to be. */
static void
test_too_large (ImageFixture *fixture, gconstpointer data)
{
  Chain chain;
  struct rlimit before, tiny;
  g_autoptr (GError) error = NULL;

  chain_make (fixture, &chain, "qcow2");
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  tiny = before;
  tiny.rlim_cur = IMAGE_FIXTURE_MIB;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tiny), ==, 0);
  g_assert_false (join (&chain, 1, 4, NULL, NULL, &error));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  image_fixture_assert_sentence (error, LODGE_ERROR_STORAGE, chain.joined);
  g_assert_nonnull (strstr (error->message, "full"));
  image_fixture_assert_n_files (fixture, N_LAYERS);
  chain_clear (&chain);
}

/* A disk with less room than it may take: nothing is begun. */
static void
join_on_small_disk (ImageFixture *fixture)
{
  Chain chain;
  g_autoptr (GError) error = NULL;

  if (unshare (CLONE_NEWNS) != 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount ("tmpfs", fixture->folder, "tmpfs", 0, "size=80m") != 0) {
    g_test_skip ("nothing can be mounted here");
    return;
  }
  chain_make (fixture, &chain, "qcow2");
  g_assert_false (join (&chain, 1, 4, NULL, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_STORAGE, chain.joined);
  g_assert_nonnull (strstr (error->message, "full"));
  image_fixture_assert_n_files (fixture, N_LAYERS);
  chain_clear (&chain);
  umount2 (fixture->folder, MNT_DETACH);
}

static void
test_small_disk (void)
{
  if (geteuid () != 0) {
    g_test_skip ("only root can mount");
    return;
  }
  image_fixture_in_child (join_on_small_disk);
}

/* None is larger than what stands on it, and each is what it is said to be. */
static void
test_refused (ImageFixture *fixture, gconstpointer data)
{
  Chain chain;
  g_autofree char *layer = NULL;
  g_autoptr (GError) error = NULL;

  chain_make (fixture, &chain, "raw");
  layer = g_steal_pointer (&chain.layers[1]);
  chain.layers[1] = g_strdup (chain.layers[4]);
  g_assert_false (join (&chain, 1, 2, NULL, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_INVALID, chain.path[2]);
  g_clear_error (&error);
  g_free (chain.layers[1]);
  chain.layers[1] = g_strconcat ("qcow2:", chain.path[5], NULL);
  g_assert_false (join (&chain, 1, 2, NULL, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_INVALID, chain.path[5]);
  image_fixture_assert_n_files (fixture, N_LAYERS);
  chain_clear (&chain);
}

int
main (int argc, char **argv)
{
  if (!image_fixture_init (&argc, &argv))
    return 0;
  IMAGE_FIXTURE_ADD ("join/qcow2", test_qcow2);
  IMAGE_FIXTURE_ADD ("join/raw", test_raw);
  IMAGE_FIXTURE_ADD ("join/middle", test_middle);
  IMAGE_FIXTURE_ADD ("join/cancelled", test_cancelled);
  IMAGE_FIXTURE_ADD ("join/too-large", test_too_large);
  g_test_add_func ("/image/join/small-disk", test_small_disk);
  IMAGE_FIXTURE_ADD ("join/refused", test_refused);
  return g_test_run ();
}

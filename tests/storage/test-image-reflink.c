/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Full copies of layers where the file system shares blocks, and where it does not: the same comes
 * of both, and neither changes what it was made of.
 *
 * ioctl() is that of this file, so that both are tried on any file system.
 * LODGE_TEST_REFLINK_FOLDER=FOLDER, on Btrfs or XFS, uses the kernel's there. */
#include "image-fixture.h"

#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE (8 * IMAGE_FIXTURE_MIB)

static gboolean real;    /* the kernel does it */
static int failure;      /* what the one here answers; 0: it copies */
static guint n_reflinks; /* that were asked for */

int
ioctl (int fd, unsigned long request, ...)
{
  va_list arguments;
  long value;
  char buffer[65536];
  gssize n;
  off_t at = 0;

  va_start (arguments, request);
  value = va_arg (arguments, long);
  va_end (arguments);
  if (request != FICLONE || real) {
    n_reflinks += request == FICLONE;
    return (int) syscall (SYS_ioctl, fd, request, value);
  }
  n_reflinks++;
  if (failure != 0) {
    errno = failure;
    return -1;
  }
  while ((n = pread ((int) value, buffer, sizeof buffer, at)) > 0) {
    g_assert_cmpint (pwrite (fd, buffer, n, at), ==, n);
    at += n;
  }
  return 0;
}

static gboolean
flatten (const char *const *layers, guint64 size, const char *path, GError **error)
{
  ImageWait wait = {NULL};
  gboolean done;

  lodge_image_flatten_async (layers, size, path, NULL, NULL, NULL, image_fixture_got_cb, &wait);
  done = lodge_image_flatten_finish (image_fixture_wait (&wait), error);
  image_fixture_end_wait (&wait);
  return done;
}

typedef struct {
  char *folder;
  char *lower, *upper, *copy;
  char *lower_layer, *upper_layer;
} Chain;

static void
chain_make (ImageFixture *fixture, Chain *chain)
{
  const char *wanted = g_getenv ("LODGE_TEST_REFLINK_FOLDER");
  g_autofree char *raw = image_fixture_make_raw (fixture);

  real = wanted != NULL;
  n_reflinks = 0;
  chain->folder = g_strdup (real ? wanted : fixture->folder);
  chain->lower = g_build_filename (chain->folder, "lower.qcow2", NULL);
  chain->upper = g_build_filename (chain->folder, "upper.qcow2", NULL);
  chain->copy = g_build_filename (chain->folder, "copy.qcow2", NULL);
  chain->lower_layer = g_strconcat ("qcow2:", chain->lower, NULL);
  chain->upper_layer = g_strconcat ("qcow2:", chain->upper, NULL);
  image_fixture_run ("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, chain->lower, NULL);
  image_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", chain->upper, "8M", NULL);
  image_fixture_run ("qemu-io", "-f", "qcow2", "-c", "write -P 7 1M 64k", chain->upper, NULL);
}

static void
chain_clear (Chain *chain)
{
  unlink (chain->lower);
  unlink (chain->upper);
  unlink (chain->copy);
  g_free (chain->folder);
  g_free (chain->lower);
  g_free (chain->upper);
  g_free (chain->copy);
  g_free (chain->lower_layer);
  g_free (chain->upper_layer);
}

/* It is written to, which is nothing to its source. */
static void
assert_copy (Chain *chain, gboolean upper)
{
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  gsize length, length_after;
  struct stat info;

  image_fixture_run ("qemu-img", "check", "-q", "-f", "qcow2", chain->copy, NULL);
  if (!upper)
    image_fixture_run ("qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", chain->lower,
                       chain->copy, NULL);
  else
    image_fixture_run ("qemu-io", "-f", "qcow2", "-c", "read -P 7 1M 64k", chain->copy, NULL);
  g_assert_no_errno (lstat (chain->copy, &info));
  g_assert_cmpuint (info.st_mode & 0777, ==, 0600);
  g_assert_true (g_file_get_contents (chain->lower, &before, &length, NULL));
  image_fixture_run ("qemu-io", "-f", "qcow2", "-c", "write -P 9 0 8M", "-c", "flush", chain->copy,
                     NULL);
  g_assert_true (g_file_get_contents (chain->lower, &after, &length_after, NULL));
  g_assert_cmpmem (before, length, after, length_after);
}

static void
test_shared (ImageFixture *fixture, gconstpointer data)
{
  Chain chain;
  const char *one[2] = {NULL};
  g_autoptr (GError) error = NULL;

  failure = 0;
  chain_make (fixture, &chain);
  one[0] = chain.lower_layer;
  g_assert_true (flatten (one, SIZE, chain.copy, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_reflinks, ==, 1);
  assert_copy (&chain, FALSE);

  /* Somebody's image keeps its name. */
  g_assert_false (flatten (one, SIZE, chain.copy, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  chain_clear (&chain);
}

/* Of a chain qemu-img makes one layer; it is asked to share what it copies. */
static void
test_chain (ImageFixture *fixture, gconstpointer data)
{
  Chain chain;
  const char *two[3] = {NULL};
  g_autoptr (GError) error = NULL;

  failure = 0;
  chain_make (fixture, &chain);
  two[0] = chain.upper_layer;
  two[1] = chain.lower_layer;
  g_assert_true (flatten (two, SIZE, chain.copy, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_reflinks, ==, 1);
  assert_copy (&chain, TRUE);
  chain_clear (&chain);
}

/* A file system that cannot, or another one: quietly the long way. */
static void
test_not_here (ImageFixture *fixture, gconstpointer data)
{
  static const int failures[] = {EOPNOTSUPP, EXDEV, EINVAL, ENOTTY, EIO};

  for (guint i = 0; i < G_N_ELEMENTS (failures); i++) {
    Chain chain;
    const char *one[2] = {NULL};
    g_autoptr (GError) error = NULL;

    failure = failures[i];
    chain_make (fixture, &chain);
    one[0] = chain.lower_layer;
    g_assert_true (flatten (one, SIZE, chain.copy, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (n_reflinks, >=, 1);
    assert_copy (&chain, FALSE);
    chain_clear (&chain);
  }
}

/* A disk that is larger than what is in its layer, and a layer that is not what it is said to be:
 * shared, it would stay so. */
static void
test_other_size (ImageFixture *fixture, gconstpointer data)
{
  Chain chain;
  const char *one[2] = {NULL};
  g_autoptr (GError) error = NULL;

  failure = 0;
  chain_make (fixture, &chain);
  one[0] = chain.lower_layer;
  g_assert_true (flatten (one, 2 * SIZE, chain.copy, &error));
  g_assert_no_error (error);
  /* It was only asked whether that would be possible. */
  g_assert_cmpuint (n_reflinks, ==, 1);
  assert_copy (&chain, FALSE);
  chain_clear (&chain);
}

int
main (int argc, char **argv)
{
  if (!image_fixture_init (&argc, &argv))
    return 0;
  IMAGE_FIXTURE_ADD ("reflink/shared", test_shared);
  IMAGE_FIXTURE_ADD ("reflink/chain", test_chain);
  IMAGE_FIXTURE_ADD ("reflink/not-here", test_not_here);
  IMAGE_FIXTURE_ADD ("reflink/other-size", test_other_size);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sealed files: what goes in comes out, and nothing does of what was changed. */
#include "storage/lodge-sealed.h"

#include "lodge-error.h"
#include "test-wait.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK  (1024 * 1024)
#define TAG    16
#define HEADER 48

typedef struct {
  LodgeSecret *key;
  int file;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->key = lodge_secret_new_random (LODGE_SECRET_KEY_BYTES);
  f->file = memfd_create ("sealed", MFD_CLOEXEC);
  g_assert_cmpint (f->file, >=, 0);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  lodge_secret_unref (f->key);
  close (f->file);
}

/* Something that is different everywhere. */
static GBytes *
make (gsize length)
{
  guint32 *data = g_malloc ((length / 4 + 1) * 4);

  for (gsize i = 0; i <= length / 4; i++)
    data[i] = (guint32) i * 2654435761u;
  return g_bytes_new_take (data, length);
}

typedef struct {
  int fd;
  GBytes *bytes;
} Feed;

static gpointer
feed_thread (gpointer data)
{
  Feed *feed = data;
  gsize length;
  const char *bytes = g_bytes_get_data (feed->bytes, &length);

  for (gsize at = 0; at < length;) {
    ssize_t n = write (feed->fd, bytes + at, MIN (length - at, 70000));

    g_assert_cmpint (n, >, 0);
    at += (gsize) n;
  }
  close (feed->fd);
  return NULL;
}

static gboolean
finish (LodgeSealed *sealed, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_sealed_finish_async (sealed, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_sealed_finish (result, error);
}

static void
seal (Fixture *f, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeSealed) sealed = NULL;
  Feed feed = {-1, bytes};

  sealed = lodge_sealed_write (f->file, f->key, &feed.fd, &error);
  g_assert_no_error (error);
  g_thread_join (g_thread_new ("feed", feed_thread, &feed));
  finish (sealed, &error);
  g_assert_no_error (error);
}

/* All that comes, and how it ended. */
static GBytes *
unseal (Fixture *f, LodgeSecret *key, GError **error)
{
  g_autoptr (LodgeSealed) sealed = NULL;
  g_autoptr (GByteArray) all = g_byte_array_new ();
  guint8 chunk[65536];
  ssize_t n;
  int fd;

  g_assert_cmpint (lseek (f->file, 0, SEEK_SET), ==, 0);
  sealed = lodge_sealed_read (f->file, key, &fd, NULL);
  g_assert_nonnull (sealed);
  while ((n = read (fd, chunk, sizeof chunk)) > 0)
    g_byte_array_append (all, chunk, (guint) n);
  g_assert_cmpint (n, ==, 0);
  close (fd);
  finish (sealed, error);
  return g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

static void
test_sizes (Fixture *f, gconstpointer data)
{
  static const gsize sizes[] = {0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 77};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GBytes) bytes = make (sizes[i]);
    g_autoptr (GBytes) back = NULL;
    g_autoptr (GError) error = NULL;
    struct stat info;

    g_assert_no_errno (ftruncate (f->file, 0));
    g_assert_cmpint (lseek (f->file, 0, SEEK_SET), ==, 0);
    seal (f, bytes);
    g_assert_no_errno (fstat (f->file, &info));
    g_assert_cmpuint ((guint64) info.st_size, ==, HEADER + sizes[i] + (sizes[i] / CHUNK + 1) * TAG);
    back = unseal (f, f->key, &error);
    g_assert_no_error (error);
    g_assert_true (g_bytes_equal (bytes, back));
  }
}

/* What is told of is a beginning of what was written, and the end says that it was not all. */
static void
assert_refused (Fixture *f, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) back = unseal (f, f->key, &error);

  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_cmpuint (g_bytes_get_size (back), <=, g_bytes_get_size (bytes));
  g_assert_true (g_bytes_get_size (back) == 0 ||
                 memcmp (g_bytes_get_data (back, NULL), g_bytes_get_data (bytes, NULL),
                         g_bytes_get_size (back)) == 0);
}

static void
flip (Fixture *f, off_t at)
{
  guint8 byte;

  g_assert_cmpint (pread (f->file, &byte, 1, at), ==, 1);
  byte ^= 4;
  g_assert_cmpint (pwrite (f->file, &byte, 1, at), ==, 1);
}

static void
test_changed (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = make (2 * CHUNK + 5000);
  static const off_t places[] = {
      0,
      9,
      13,
      20,
      HEADER,
      HEADER + CHUNK - 1,
      HEADER + CHUNK,
      HEADER + CHUNK + TAG,
      HEADER + 2 * (CHUNK + TAG) + 100,
      HEADER + 2 * (CHUNK + TAG) + 5000,
  };

  seal (f, bytes);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    flip (f, places[i]);
    assert_refused (f, bytes);
    flip (f, places[i]);
  }
}

static void
test_cut (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = make (2 * CHUNK + 5000);
  static const off_t lengths[] = {
      0,
      10,
      HEADER,
      HEADER + TAG,
      HEADER + 100,
      HEADER + CHUNK + TAG,
      HEADER + CHUNK + TAG + TAG,
      HEADER + 2 * (CHUNK + TAG),
      HEADER + 2 * (CHUNK + TAG) + 5000 + TAG - 1,
  };

  for (gint i = G_N_ELEMENTS (lengths) - 1; i >= 0; i--) {
    g_assert_no_errno (ftruncate (f->file, 0));
    g_assert_cmpint (lseek (f->file, 0, SEEK_SET), ==, 0);
    seal (f, bytes);
    g_assert_no_errno (ftruncate (f->file, lengths[i]));
    assert_refused (f, bytes);
  }
  /* Nor longer. */
  g_assert_no_errno (ftruncate (f->file, 0));
  g_assert_cmpint (lseek (f->file, 0, SEEK_SET), ==, 0);
  seal (f, bytes);
  g_assert_no_errno (ftruncate (f->file, HEADER + 2 * (CHUNK + TAG) + 5000 + TAG + 1));
  assert_refused (f, bytes);
}

/* Two chunks in each other's place; and one of another file, which has another salt. */
static void
test_moved (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = make (3 * CHUNK);
  g_autofree guint8 *first = g_malloc (CHUNK + TAG);
  g_autofree guint8 *second = g_malloc (CHUNK + TAG);

  seal (f, bytes);
  g_assert_cmpint (pread (f->file, first, CHUNK + TAG, HEADER), ==, CHUNK + TAG);
  g_assert_cmpint (pread (f->file, second, CHUNK + TAG, HEADER + CHUNK + TAG), ==, CHUNK + TAG);
  g_assert_cmpint (pwrite (f->file, second, CHUNK + TAG, HEADER), ==, CHUNK + TAG);
  g_assert_cmpint (pwrite (f->file, first, CHUNK + TAG, HEADER + CHUNK + TAG), ==, CHUNK + TAG);
  assert_refused (f, bytes);

  g_assert_no_errno (ftruncate (f->file, 0));
  g_assert_cmpint (lseek (f->file, 0, SEEK_SET), ==, 0);
  seal (f, bytes);
  g_assert_cmpint (pwrite (f->file, first, CHUNK + TAG, HEADER), ==, CHUNK + TAG);
  assert_refused (f, bytes);
}

static void
test_other_key (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = make (1000);
  g_autoptr (LodgeSecret) other = lodge_secret_new_random (LODGE_SECRET_KEY_BYTES);
  g_autoptr (GBytes) back = NULL;
  g_autoptr (GError) error = NULL;

  seal (f, bytes);
  back = unseal (f, other, &error);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_cmpuint (g_bytes_get_size (back), ==, 0);
}

/* Whoever writes on is told by the pipe's end. */
static void
test_full (Fixture *f, gconstpointer data)
{
  int full = open ("/dev/full", O_WRONLY | O_CLOEXEC);
  g_autoptr (LodgeSealed) sealed = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) again = NULL;
  int fd;

  sealed = lodge_sealed_write (full, f->key, &fd, &error);
  g_assert_no_error (error);
  g_assert_false (finish (sealed, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE);
  again = lodge_sealed_dup_error (sealed);
  g_assert_error (again, LODGE_ERROR, LODGE_ERROR_STORAGE);
  g_assert_cmpint (fcntl (fd, F_GETFD), >=, 0);
  close (fd);
  close (full);
}

/* While somebody keeps the pipe open, who says nothing. */
static void
test_stopped (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeSealed) sealed = NULL;
  g_autoptr (GBytes) bytes = make (4 * CHUNK);
  g_autoptr (LodgeSealed) reading = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  sealed = lodge_sealed_write (f->file, f->key, &fd, &error);
  lodge_sealed_stop (sealed);
  g_assert_false (finish (sealed, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_clear_error (&error);
  close (fd);

  g_assert_no_errno (ftruncate (f->file, 0));
  g_assert_cmpint (lseek (f->file, 0, SEEK_SET), ==, 0);
  seal (f, bytes);
  g_assert_cmpint (lseek (f->file, 0, SEEK_SET), ==, 0);
  reading = lodge_sealed_read (f->file, f->key, &fd, &error);
  lodge_sealed_stop (reading);
  g_assert_false (finish (reading, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  close (fd);
}

/* A QEMU that is gone does not end the engine. */
static void
test_reader_gone (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeSealed) reading = NULL;
  g_autoptr (GBytes) bytes = make (4 * CHUNK);
  g_autoptr (GError) error = NULL;
  int fd;

  seal (f, bytes);
  g_assert_cmpint (lseek (f->file, 0, SEEK_SET), ==, 0);
  reading = lodge_sealed_read (f->file, f->key, &fd, &error);
  close (fd);
  g_assert_false (finish (reading, &error));
  g_assert_nonnull (error);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function) g_test_add ("/sealed/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("sizes", test_sizes);
  ADD ("changed", test_changed);
  ADD ("cut", test_cut);
  ADD ("moved", test_moved);
  ADD ("other-key", test_other_key);
  ADD ("full", test_full);
  ADD ("stopped", test_stopped);
  ADD ("reader-gone", test_reader_gone);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stream on its way to a file, through memory: all of it comes, in its order, and whoever writes
 * waits for the disk only when there is no memory left. */
#include "storage/lodge-spool.h"

#include "lodge-error.h"
#include "test-wait.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1024u * 1024)

typedef struct {
  int fd;
  gsize length;
  gint n_written; /* atomic, in MiB */
  gboolean broken;
} Feed;

static guint32
get_word (gsize i)
{
  return (guint32) i * 2654435761u;
}

/* In pieces that fit to nothing. */
static gpointer
feed_thread (gpointer data)
{
  Feed *feed = data;
  g_autofree guint32 *piece = g_malloc (70000);

  for (gsize at = 0; at < feed->length;) {
    gsize length = MIN (feed->length - at, 70000);

    for (gsize i = 0; i < 70000 / 4; i++)
      piece[i] = get_word (at / 4 + i);
    for (gsize done = 0; done < length;) {
      ssize_t n = write (feed->fd, (char *) piece + done, length - done);

      if (n <= 0) {
        feed->broken = TRUE;
        close (feed->fd);
        return NULL;
      }
      done += (gsize) n;
    }
    at += length;
    g_atomic_int_set (&feed->n_written, (gint) (at / MIB));
  }
  close (feed->fd);
  return NULL;
}

static gboolean
finish (LodgeSpool *spool, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_spool_finish_async (spool, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_spool_finish (result, error);
}

static void
assert_content (int fd, gsize length)
{
  struct stat info;
  guint32 *data;

  g_assert_no_errno (fstat (fd, &info));
  g_assert_cmpuint ((guint64) info.st_size, ==, length);
  if (length == 0)
    return;
  data = mmap (NULL, length, PROT_READ, MAP_SHARED, fd, 0);
  g_assert_true (data != MAP_FAILED);
  for (gsize i = 0; i < length / 4; i++)
    if (data[i] != get_word (i))
      g_error ("at %" G_GSIZE_FORMAT, i * 4);
  munmap (data, length);
}

/* On a file system, where it is written around the cache if that can be. */
static int
open_file (char **out_path)
{
  int fd = g_file_open_tmp ("spool-XXXXXX", out_path, NULL);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
test_whole (void)
{
  static const gsize lengths[] = {0, 4, 4 * MIB, 4 * MIB + 4096, 37 * MIB + 12, 100 * MIB + 4};

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    g_autofree char *path = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (LodgeSpool) spool = NULL;
    Feed feed = {.length = lengths[i]};
    guint64 taken, written;
    int fd = open_file (&path);
    GThread *thread;

    spool = lodge_spool_new (fd, i % 2 == 0 ? G_MAXUINT64 : 0, &feed.fd, &error);
    g_assert_no_error (error);
    thread = g_thread_new ("feed", feed_thread, &feed);
    g_assert_true (finish (spool, &error));
    g_assert_no_error (error);
    g_thread_join (thread);
    lodge_spool_get_bytes (spool, &taken, &written);
    g_assert_cmpuint (taken, ==, feed.length);
    g_assert_cmpuint (written, ==, feed.length);
    assert_content (fd, feed.length);
    /* What is written to it next is not bound to whole pages. */
    g_assert_cmpint (fcntl (fd, F_GETFL) & O_DIRECT, ==, 0);
    g_unlink (path);
    close (fd);
  }
}

/* A disk that takes nothing, as a pipe that nobody reads: there is room in memory, or not. */
static void
test_waits (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeSpool) spool = NULL;
  Feed feed = {.length = 64 * MIB};
  g_autofree char *path = NULL;
  g_autofree char *data = g_malloc (MIB);
  guint64 taken, written;
  int ends[2], fd;
  GThread *thread;

  for (guint i = 0; i < 2; i++) {
    g_assert_no_errno (pipe2 (ends, O_CLOEXEC));
    fd = open_file (&path);
    feed.n_written = 0;
    spool = lodge_spool_new (ends[1], i == 0 ? 0 : G_MAXUINT64, &feed.fd, &error);
    g_assert_no_error (error);
    close (ends[1]);
    thread = g_thread_new ("feed", feed_thread, &feed);
    if (i == 0) {
      /* As many blocks as there are, and what is in the pipes; not more, however long it takes. */
      test_wait_polled (g_atomic_int_get (&feed.n_written) >= 31);
      test_wait_ms (100);
      g_assert_cmpint (g_atomic_int_get (&feed.n_written), <, 36);
    } else {
      test_wait_polled (g_atomic_int_get (&feed.n_written) == 64);
    }
    lodge_spool_get_bytes (spool, &taken, &written);
    g_assert_cmpuint (written, ==, 0);
    for (;;) {
      ssize_t n = read (ends[0], data, MIB);

      if (n <= 0)
        break;
      g_assert_cmpint (write (fd, data, (gsize) n), ==, n);
    }
    g_assert_true (finish (spool, &error));
    g_thread_join (thread);
    assert_content (fd, feed.length);
    close (ends[0]);
    close (fd);
    g_unlink (path);
    g_clear_pointer (&path, g_free);
    g_clear_pointer (&spool, lodge_spool_free);
  }
}

/* The disk is left alone, until the end. */
static void
test_held (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeSpool) spool = NULL;
  g_autofree char *path = NULL;
  Feed feed = {.length = 20 * MIB};
  int fd = open_file (&path);
  guint64 taken, written;
  GThread *thread;

  spool = lodge_spool_new (fd, G_MAXUINT64, &feed.fd, &error);
  g_assert_no_error (error);
  lodge_spool_hold (spool);
  thread = g_thread_new ("feed", feed_thread, &feed);
  g_thread_join (thread);
  do
    lodge_spool_get_bytes (spool, &taken, &written);
  while (taken < 20 * MIB);
  g_assert_cmpuint (written, ==, 0);
  g_assert_true (finish (spool, &error));
  assert_content (fd, feed.length);
  close (fd);
  g_unlink (path);
}

static void
test_stopped (void)
{
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (LodgeSpool) spool = NULL;
    g_autoptr (GAsyncResult) result = NULL;
    Feed feed = {.length = 64 * MIB};
    int ends[2];
    GThread *thread;

    g_assert_no_errno (pipe2 (ends, O_CLOEXEC));
    spool = lodge_spool_new (ends[1], 0, &feed.fd, &error);
    close (ends[1]);
    thread = g_thread_new ("feed", feed_thread, &feed);
    if (i == 1)
      test_wait_polled (g_atomic_int_get (&feed.n_written) > 0);
    if (i == 2)
      lodge_spool_finish_async (spool, test_wait_result_cb, &result);
    lodge_spool_stop (spool);
    /* Whoever reads there is gone, too. */
    close (ends[0]);
    if (i == 2) {
      test_wait_until (result != NULL);
      g_assert_false (lodge_spool_finish (result, &error));
    } else {
      g_assert_false (finish (spool, &error));
    }
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
    g_thread_join (thread);
    g_assert_true (feed.broken);
  }
}

/* It says what is wrong, and whoever writes is told that nobody reads. */
static void
test_full (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) again = NULL;
  g_autoptr (LodgeSpool) spool = NULL;
  Feed feed = {.length = 64 * MIB};
  int fd = open ("/dev/full", O_WRONLY | O_CLOEXEC);
  GThread *thread;

  g_assert_cmpint (fd, >=, 0);
  spool = lodge_spool_new (fd, G_MAXUINT64, &feed.fd, &error);
  close (fd);
  thread = g_thread_new ("feed", feed_thread, &feed);
  g_thread_join (thread);
  g_assert_true (feed.broken);
  g_assert_false (finish (spool, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE);
  again = lodge_spool_dup_error (spool);
  g_assert_cmpstr (again->message, ==, error->message);
}

int
main (int argc, char *argv[])
{
  signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/storage/spool/whole", test_whole);
  g_test_add_func ("/storage/spool/waits", test_waits);
  g_test_add_func ("/storage/spool/held", test_held);
  g_test_add_func ("/storage/spool/stopped", test_stopped);
  g_test_add_func ("/storage/spool/full", test_full);
  return g_test_run ();
}

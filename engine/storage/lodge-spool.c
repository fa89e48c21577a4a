/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stream on its way to a file, through memory.
 *
 *   QEMU --pipe--> reader --blocks--> writer --> file
 *
 * Theory of operation. The reader takes what comes and the writer what the disk takes; between them
 * is a queue of blocks. A block is mapped when there is none to use again, and while there is
 * memory for it. Files are written around the page cache where they can be: what is there already
 * needs no second copy, and a cache that is full of it would make everybody wait who wants
 * something to be durable.
 *
 * The mutex guards all but the block that a thread has in its hands, and what never changes.
 */
#include "storage/lodge-spool.h"

#include "description/lodge-durable-file.h"
#include "host/lodge-host-facts.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK      (4u * 1024 * 1024)
#define PIPE_BYTES (1024 * 1024)
/* Always, or nothing would move: the ends' and some between them. */
#define LEAST_BLOCKS 8
/* Of blocks, between two looks at how much memory there is. */
#define LOOK_BLOCKS 16
/* For the last bytes of one that has said that there are no more. */
#define GRACE_MS 10000

typedef struct {
  guint8 *data;
  gsize length;
} Block;

struct _LodgeSpool {
  gatomicrefcount references; /* the owner's and the threads' */
  int pipe;
  int wake; /* of the reader, who waits for the pipe */

  GMutex mutex;
  GCond cond;
  int file;
  guint64 most_blocks;
  guint64 n_blocks; /* mapped */
  GQueue full;      /* of Block, in their order */
  GQueue spare;     /* of Block */
  gboolean starved; /* the reader waits for a block */
  gboolean held;
  gboolean stopped;
  gboolean finishing; /* the other end has nothing more to say */
  gboolean read_all;
  guint n_running; /* threads */
  guint64 taken, written;
  GError *error; /* the first */
  GTask *waiting;
};

guint64 lodge_spool_most_room = G_MAXUINT64;

guint64
lodge_spool_get_room (void)
{
  LodgeHostMemory memory = lodge_host_memory_read ();

  /* The other half is for those who are here already: it is used for some seconds, and they for
   * longer. */
  return MIN (memory.available_bytes / 2, lodge_spool_most_room);
}

static void
block_free (gpointer data)
{
  Block *block = data;

  munmap (block->data, BLOCK);
  g_free (block);
}

static void
unref (LodgeSpool *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_queue_clear_full (&self->full, block_free);
  g_queue_clear_full (&self->spare, block_free);
  if (self->file >= 0)
    close (self->file);
  if (self->pipe >= 0)
    close (self->pipe);
  close (self->wake);
  g_clear_error (&self->error);
  g_clear_object (&self->waiting);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

/* Both threads. */

static void
fail (LodgeSpool *self, int saved)
{
  g_mutex_lock (&self->mutex);
  if (self->error == NULL && lodge_durable_is_full (saved))
    g_set_error_literal (&self->error, LODGE_ERROR, LODGE_ERROR_STORAGE,
                         _ ("There is no room left on the disk for the guest's memory"));
  else if (self->error == NULL)
    g_set_error (&self->error, LODGE_ERROR, lodge_durable_error_code (saved),
                 _ ("The guest's memory could not be written: %s"), g_strerror (saved));
  self->stopped = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
  eventfd_write (self->wake, 1);
}

/* Once in each, with the mutex: the last one answers. */
static void
end_thread (LodgeSpool *self)
{
  GTask *waiting = NULL;

  if (--self->n_running == 0)
    waiting = g_steal_pointer (&self->waiting);
  g_mutex_unlock (&self->mutex);
  if (waiting != NULL) {
    if (self->error != NULL)
      g_task_return_error (waiting, g_error_copy (self->error));
    else
      g_task_return_boolean (waiting, TRUE);
    g_object_unref (waiting);
  }
  unref (self);
}

/* A QEMU or a thread that is gone is an error here, and no end of the engine. */
static void
block_signal (void)
{
  sigset_t pipe_signal;

  sigemptyset (&pipe_signal);
  sigaddset (&pipe_signal, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &pipe_signal, NULL);
}

/* The reader. */

static Block *
map_block (void)
{
  void *data = mmap (NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Block *block;

  if (data == MAP_FAILED)
    return NULL;
  /* It is the guest's, and belongs into no file of ours. */
  (void) madvise (data, BLOCK, MADV_DONTDUMP);
  block = g_new0 (Block, 1);
  block->data = data;
  return block;
}

static gboolean
may_map (LodgeSpool *self)
{
  if (self->n_blocks < LEAST_BLOCKS)
    return TRUE;
  if (self->n_blocks >= self->most_blocks)
    return FALSE;
  /* As much as there is now, and no more later. */
  if (self->n_blocks % LOOK_BLOCKS == 0 && lodge_spool_get_room () < LOOK_BLOCKS * BLOCK)
    self->most_blocks = self->n_blocks;
  return self->n_blocks < self->most_blocks;
}

/* Waits for one. NULL: stopped. */
static Block *
take_block (LodgeSpool *self)
{
  Block *block = NULL;

  g_mutex_lock (&self->mutex);
  while (block == NULL && !self->stopped) {
    block = g_queue_pop_tail (&self->spare);
    if (block == NULL && may_map (self)) {
      block = map_block ();
      if (block != NULL)
        self->n_blocks++;
      else
        self->most_blocks = self->n_blocks;
    }
    if (block == NULL) {
      self->starved = TRUE;
      g_cond_broadcast (&self->cond);
      g_cond_wait (&self->cond, &self->mutex);
      self->starved = FALSE;
    }
  }
  g_mutex_unlock (&self->mutex);
  if (block != NULL)
    block->length = 0;
  return block;
}

/* FALSE: there is no more, or it was stopped. */
static gboolean
wait_pipe (LodgeSpool *self)
{
  for (;;) {
    struct pollfd fds[] = {{self->pipe, POLLIN, 0}, {self->wake, POLLIN, 0}};
    gboolean stopped, finishing;
    int n;

    g_mutex_lock (&self->mutex);
    stopped = self->stopped;
    finishing = self->finishing;
    g_mutex_unlock (&self->mutex);
    if (stopped)
      return FALSE;
    /* What has woken us for that is not looked at again. */
    if (finishing)
      fds[1].events = 0;
    n = poll (fds, G_N_ELEMENTS (fds), finishing ? GRACE_MS : -1);
    if (n < 0 && errno != EINTR) {
      fail (self, errno);
      return FALSE;
    }
    if (n == 0)
      return FALSE;
    if (n > 0 && fds[0].revents != 0)
      return TRUE;
  }
}

/* A whole block; less only at the end, which is FALSE. */
static gboolean
fill (LodgeSpool *self, Block *block)
{
  while (block->length < BLOCK) {
    ssize_t n;

    if (!wait_pipe (self))
      return FALSE;
    n = read (self->pipe, block->data + block->length, BLOCK - block->length);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (n < 0)
      fail (self, errno);
    if (n <= 0)
      return FALSE;
    block->length += (gsize) n;
  }
  return TRUE;
}

static gpointer
reader (gpointer data)
{
  LodgeSpool *self = data;
  gboolean more = TRUE;

  block_signal ();
  while (more) {
    Block *block = take_block (self);

    if (block == NULL)
      break;
    more = fill (self, block);
    g_mutex_lock (&self->mutex);
    self->taken += block->length;
    g_queue_push_tail (&self->full, block);
    g_cond_broadcast (&self->cond);
    g_mutex_unlock (&self->mutex);
  }
  /* Not before the error is known: who finds the pipe closed asks for it. */
  close (g_steal_fd (&self->pipe));
  g_mutex_lock (&self->mutex);
  self->read_all = TRUE;
  g_cond_broadcast (&self->cond);
  end_thread (self);
  return NULL;
}

/* The writer. */

/* Waits for one. NULL: there is no more, or it was stopped. */
static Block *
wait_full (LodgeSpool *self)
{
  Block *block = NULL;

  g_mutex_lock (&self->mutex);
  while (!self->stopped && block == NULL) {
    gboolean goes_on = !self->held || self->starved;

    block = goes_on ? g_queue_pop_head (&self->full) : NULL;
    if (block == NULL && self->read_all && g_queue_is_empty (&self->full))
      break;
    if (block == NULL)
      g_cond_wait (&self->cond, &self->mutex);
  }
  g_mutex_unlock (&self->mutex);
  return block;
}

static gboolean
set_direct (int file, gboolean direct)
{
  int flags = fcntl (file, F_GETFL);

  return flags >= 0 && fcntl (file, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

static gboolean
write_block (LodgeSpool *self, const Block *block, gboolean *inout_direct)
{
  const guint8 *data = block->data;
  gsize left = block->length;

  while (left > 0) {
    ssize_t n;

    /* Only whole pages go around the cache. */
    if (*inout_direct && left % 4096 != 0)
      *inout_direct = !set_direct (self->file, FALSE);
    n = write (self->file, data, left);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EINVAL && *inout_direct) {
      *inout_direct = !set_direct (self->file, FALSE);
      continue;
    }
    if (n < 0) {
      fail (self, errno);
      return FALSE;
    }
    data += n;
    left -= (gsize) n;
  }
  return TRUE;
}

static gpointer
writer (gpointer data)
{
  LodgeSpool *self = data;
  /* A file system that does not know it refuses, and a pipe means something else by it. */
  gboolean direct = lseek (self->file, 0, SEEK_CUR) == 0 && set_direct (self->file, TRUE);
  Block *block;

  block_signal ();
  while ((block = wait_full (self)) != NULL) {
    gboolean ok = write_block (self, block, &direct);

    g_mutex_lock (&self->mutex);
    if (ok)
      self->written += block->length;
    if (self->read_all) {
      block_free (block);
      self->n_blocks--;
    } else {
      g_queue_push_tail (&self->spare, block);
    }
    g_cond_broadcast (&self->cond);
    g_mutex_unlock (&self->mutex);
    if (!ok)
      break;
  }
  if (direct)
    set_direct (self->file, FALSE);
  g_mutex_lock (&self->mutex);
  /* Whoever reads from it, where it is a pipe, knows that there is no more. */
  close (g_steal_fd (&self->file));
  end_thread (self);
  return NULL;
}

/* For its owner. */

static LodgeSpool *
set_errno (GError **error, int saved)
{
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
               _ ("The guest's memory could not be written: %s"), g_strerror (saved));
  return NULL;
}

LodgeSpool *
lodge_spool_new (int fd, guint64 most_bytes, int *out_fd, GError **error)
{
  LodgeSpool *self;
  int ends[2];
  int file, wake;

  if (pipe2 (ends, O_CLOEXEC) != 0)
    return set_errno (error, errno);
  file = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (file < 0 || wake < 0) {
    set_errno (error, errno);
    close (ends[0]);
    close (ends[1]);
    if (file >= 0)
      close (file);
    if (wake >= 0)
      close (wake);
    return NULL;
  }
  (void) fcntl (ends[0], F_SETPIPE_SZ, PIPE_BYTES);
  /* Also against one that has another copy of it: poll() says what can be done. */
  (void) fcntl (ends[0], F_SETFL, O_NONBLOCK);

  self = g_new0 (LodgeSpool, 1);
  g_atomic_ref_count_init (&self->references);
  g_atomic_ref_count_inc (&self->references);
  g_atomic_ref_count_inc (&self->references);
  self->file = file;
  self->wake = wake;
  self->pipe = ends[0];
  self->most_blocks = most_bytes / BLOCK;
  self->n_running = 2;
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  *out_fd = ends[1];
  g_thread_unref (g_thread_new ("spool-reader", reader, self));
  g_thread_unref (g_thread_new ("spool-writer", writer, self));
  return self;
}

void
lodge_spool_hold (LodgeSpool *self)
{
  g_mutex_lock (&self->mutex);
  self->held = TRUE;
  g_mutex_unlock (&self->mutex);
}

void
lodge_spool_get_bytes (LodgeSpool *self, guint64 *out_taken, guint64 *out_written)
{
  g_mutex_lock (&self->mutex);
  *out_taken = self->taken;
  *out_written = self->written;
  g_mutex_unlock (&self->mutex);
}

void
lodge_spool_stop (LodgeSpool *self)
{
  g_mutex_lock (&self->mutex);
  /* What is complete is complete. */
  if (self->n_running > 0 && self->error == NULL)
    g_set_error_literal (&self->error, LODGE_ERROR, LODGE_ERROR_CANCELLED,
                         _ ("This was cancelled"));
  self->stopped = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
  eventfd_write (self->wake, 1);
}

void
lodge_spool_free (LodgeSpool *self)
{
  if (self == NULL)
    return;
  lodge_spool_stop (self);
  unref (self);
}

void
lodge_spool_finish_async (LodgeSpool *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_spool_finish_async);
  g_mutex_lock (&self->mutex);
  if (self->n_running > 0) {
    self->waiting = g_steal_pointer (&task);
    self->finishing = TRUE;
    self->held = FALSE;
    g_cond_broadcast (&self->cond);
  }
  g_mutex_unlock (&self->mutex);
  if (task == NULL)
    eventfd_write (self->wake, 1);
  else if (self->error != NULL)
    g_task_return_error (task, g_error_copy (self->error));
  else
    g_task_return_boolean (task, TRUE);
}

gboolean
lodge_spool_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_spool_finish_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

GError *
lodge_spool_dup_error (LodgeSpool *self)
{
  GError *error;

  g_mutex_lock (&self->mutex);
  error = self->error != NULL ? g_error_copy (self->error) : NULL;
  g_mutex_unlock (&self->mutex);
  return error;
}

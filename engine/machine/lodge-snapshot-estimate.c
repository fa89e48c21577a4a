/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a guest will stand still for its snapshot.
 *
 * What it waits for (lodge-machine-snapshot-live.c) is the rest of its memory, and some small files
 * that have to be durable. How much the rest is depends on who is faster, the guest or what it is
 * written to:
 *
 *   into memory         always the memory; QEMU stops the guest for what it aims at
 *   to a faster disk    the same
 *   to a slower disk    the guest is slowed down until it is slower than the disk; QEMU aims at
 *                       more after some passes
 *   to one that is slower even then, or where there is no room to write it often
 *                       the guest is stopped with all of it still to be written
 */
#include "machine/lodge-snapshot-estimate.h"

#include "qemu/lodge-qemu-snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a busy computer copies in a second, carefully. */
#define MEMORY_SPEED (G_GUINT64_CONSTANT (400) << 20)
/* A guest that is slowed down does a tenth of it (max-cpu-throttle). */
#define THROTTLED_PART 10
/* QEMU begins with that when half of what it writes is written again. */
#define EASY_PART 2

#define SYNC_ROUNDS 2
#define SPEED_BLOCK (4u * 1024 * 1024)
#define SPEED_MOST  (G_GUINT64_CONSTANT (64) << 20)
#define SPEED_US    (G_USEC_PER_SEC / 2)

gboolean
lodge_snapshot_estimate_is_kept (const LodgeSnapshotEstimate *self)
{
  return self->kept_bytes >= self->memory_bytes;
}

static guint
get_ms (guint64 bytes, guint64 speed)
{
  return (guint) MIN (bytes / MAX (speed / 1000, 1), G_MAXINT);
}

guint
lodge_snapshot_estimate (const LodgeSnapshotEstimate *self)
{
  const gboolean kept = lodge_snapshot_estimate_is_kept (self);
  /* Nothing known of a disk: as if it were good. */
  const guint64 disk = self->disk_speed > 0 ? self->disk_speed : MEMORY_SPEED;
  const guint64 speed = kept ? MEMORY_SPEED : disk;
  const guint64 throttled = self->dirty_speed / THROTTLED_PART;
  const guint fixed = self->n_syncs * self->sync_us / 1000;

  if (self->most_bytes < self->memory_bytes)
    return fixed + get_ms (self->memory_bytes - self->most_bytes, speed);
  if (self->dirty_speed <= speed / EASY_PART)
    return fixed + LODGE_QEMU_SNAPSHOT_DOWNTIME_MS;
  if (throttled < speed)
    return fixed + LODGE_QEMU_SNAPSHOT_DOWNTIME_EASED_MS;
  return fixed + get_ms (self->memory_bytes, speed);
}

/* Measuring. */

static gboolean
write_all (int fd, const char *data, gsize length)
{
  while (length > 0) {
    ssize_t n = TEMP_FAILURE_RETRY (write (fd, data, length));

    if (n <= 0)
      return FALSE;
    data += n;
    length -= (gsize) n;
  }
  return TRUE;
}

static void
measure_sync (LodgeSnapshotEstimate *self, int fd, const char *data)
{
  gint64 longest = 0;

  for (guint i = 0; i < SYNC_ROUNDS; i++) {
    gint64 began = g_get_monotonic_time ();

    if (!write_all (fd, data, 4096) || fsync (fd) != 0)
      return;
    longest = MAX (longest, g_get_monotonic_time () - began);
  }
  self->sync_us = (guint) MIN (longest, G_MAXINT);
}

static void
measure_speed (LodgeSnapshotEstimate *self, int fd, const char *data)
{
  int flags = fcntl (fd, F_GETFL);
  gint64 began = g_get_monotonic_time ();
  gint64 taken = 0;
  guint64 written = 0;

  /* Around the cache, as the memory is written; else the sync tells. */
  if (lseek (fd, 0, SEEK_SET) != 0 || fcntl (fd, F_SETFL, flags | O_DIRECT) != 0)
    fcntl (fd, F_SETFL, flags);
  while (written < SPEED_MOST && taken < SPEED_US) {
    if (!write_all (fd, data, SPEED_BLOCK) || fdatasync (fd) != 0)
      return;
    written += SPEED_BLOCK;
    taken = g_get_monotonic_time () - began;
  }
  self->disk_speed = written * G_USEC_PER_SEC / (guint64) MAX (taken, 1);
}

void
lodge_snapshot_estimate_measure (LodgeSnapshotEstimate *self, const char *folder, gboolean speed)
{
  /* Gone with the descriptor, also when the engine ends here. */
  int fd = open (folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  void *data = NULL;

  /* There are file systems that cannot do that: nothing is known then. */
  if (fd < 0)
    return;
  if (posix_memalign (&data, 4096, SPEED_BLOCK) == 0) {
    /* Not zeros, which some disks do not write. */
    for (gsize i = 0; i < SPEED_BLOCK / sizeof (guint32); i++)
      ((guint32 *) data)[i] = (guint32) i * 2654435761u;
    measure_sync (self, fd, data);
    if (speed)
      measure_speed (self, fd, data);
    free (data);
  }
  close (fd);
}

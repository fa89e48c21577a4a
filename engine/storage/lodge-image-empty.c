/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Empty qcow2 layers (QEMU, docs/interop/qcow2.txt).
 *
 * Clusters of 64 KiB, version 3:
 *
 *     0    the header
 *     1    the table of blocks of reference counts, which has one entry
 *     2    that block: 32768 counts of 16 bits
 *     3..  the first-level table, all zeros: nothing is allocated
 *
 * An encrypted one has the header of LUKS behind that, and an extension of its own header that says
 * where ("Full disk encryption header pointer").
 */
#include "storage/lodge-image-empty.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"
#include "storage/lodge-folder-key.h"
#include "storage/lodge-image-luks.h"
#include "storage/lodge-image-target.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#define CLUSTER_BITS 16
#define CLUSTER      (1u << CLUSTER_BITS)
/* An entry of the first-level table stands for a cluster full of entries of 8 bytes. */
#define L1_SPAN       ((guint64) CLUSTER * (CLUSTER / 8))
#define MAGIC         0x514649fbu
#define VERSION       3
#define HEADER_LENGTH 104
#define REFCOUNT_BITS 4 /* as a power of two: 16 bits */
/* QEMU's own limit of a first-level table (block/qcow2.h, QCOW_MAX_L1_SIZE). */
#define MOST_L1 (32u << 20)
#define LUKS    2u
/* The type of that extension. */
#define ENCRYPTION 0x0537be77u

/* Places in the header. */
enum {
  AT_MAGIC = 0,
  AT_VERSION = 4,
  AT_BACKING = 8,
  AT_CLUSTER_BITS = 20,
  AT_SIZE = 24,
  AT_ENCRYPTION = 32,
  AT_L1_ENTRIES = 36,
  AT_L1 = 40,
  AT_REFCOUNTS = 48,
  AT_REFCOUNT_CLUSTERS = 56,
  AT_SNAPSHOTS = 60,
  AT_INCOMPATIBLE = 72,
  AT_REFCOUNT_ORDER = 96,
  AT_HEADER_LENGTH = 100,
};

static void
put32 (guint8 *data, gsize at, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (data + at, &value, sizeof value);
}

static void
put64 (guint8 *data, gsize at, guint64 value)
{
  value = GUINT64_TO_BE (value);
  memcpy (data + at, &value, sizeof value);
}

static guint32
get32 (const guint8 *data, gsize at)
{
  guint32 value;

  memcpy (&value, data + at, sizeof value);
  return GUINT32_FROM_BE (value);
}

static guint64
get64 (const guint8 *data, gsize at)
{
  guint64 value;

  memcpy (&value, data + at, sizeof value);
  return GUINT64_FROM_BE (value);
}

GBytes *
lodge_image_empty_new (guint64 size_bytes)
{
  /* Whole sectors, as qemu-img has it. */
  guint64 size = (size_bytes + 511) / 512 * 512;
  guint32 n_l1 = (guint32) ((size + L1_SPAN - 1) / L1_SPAN);
  guint32 n_clusters = 3 + (n_l1 * 8 + CLUSTER - 1) / CLUSTER;
  gsize length = (gsize) n_clusters * CLUSTER;
  guint8 *data;

  g_return_val_if_fail ((guint64) n_l1 * 8 <= MOST_L1, NULL);

  data = g_malloc0 (length);
  put32 (data, AT_MAGIC, MAGIC);
  put32 (data, AT_VERSION, VERSION);
  put32 (data, AT_CLUSTER_BITS, CLUSTER_BITS);
  put64 (data, AT_SIZE, size);
  put32 (data, AT_L1_ENTRIES, n_l1);
  put64 (data, AT_L1, 3 * CLUSTER);
  put64 (data, AT_REFCOUNTS, CLUSTER);
  put32 (data, AT_REFCOUNT_CLUSTERS, 1);
  put32 (data, AT_REFCOUNT_ORDER, REFCOUNT_BITS);
  put32 (data, AT_HEADER_LENGTH, HEADER_LENGTH);
  put64 (data, CLUSTER, 2 * CLUSTER);
  for (guint i = 0; i < n_clusters; i++)
    data[2 * CLUSTER + 2 * i + 1] = 1;
  return g_bytes_new_take (data, length);
}

/* The header of LUKS, and the image with it put behind. */
static guint8 *
encrypt (GBytes **image, LodgeSecret *key, GError **error)
{
  g_autoptr (LodgeSecret) passphrase = lodge_secret_new_for_disks (key);
  guint8 *luks = lodge_image_luks_new (passphrase, error);
  guint32 n_luks = (LODGE_IMAGE_LUKS_BYTES + CLUSTER - 1) / CLUSTER;
  gsize length;
  guint8 *data;

  if (luks == NULL)
    return NULL;
  data = g_bytes_unref_to_data (g_steal_pointer (image), &length);
  put32 (data, AT_ENCRYPTION, LUKS);
  put32 (data, HEADER_LENGTH, ENCRYPTION);
  put32 (data, HEADER_LENGTH + 4, 16);
  put64 (data, HEADER_LENGTH + 8, length);
  put64 (data, HEADER_LENGTH + 16, LODGE_IMAGE_LUKS_BYTES);
  for (guint32 i = 0; i < n_luks; i++)
    data[2 * CLUSTER + 2 * (length / CLUSTER + i) + 1] = 1;
  *image = g_bytes_new_take (data, length);
  return luks;
}

static gboolean
write_at (int fd, const void *data, gsize length, gsize at)
{
  const char *bytes = data;

  while (length > 0) {
    ssize_t n = pwrite (fd, bytes, length, (off_t) at);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    bytes += n;
    length -= (gsize) n;
    at += (gsize) n;
  }
  return TRUE;
}

gboolean
lodge_image_empty_fill (const LodgeImageTarget *target, guint64 size_bytes, GError **error)
{
  g_autoptr (GBytes) image = lodge_image_empty_new (size_bytes);
  g_autoptr (LodgeSecret) key = NULL;
  g_autofree guint8 *luks = NULL;
  const void *data;
  gsize length;
  int fd, saved = 0;

  if (!lodge_folder_key_find (target->hidden, &key, error))
    return FALSE;
  if (key != NULL) {
    luks = encrypt (&image, key, error);
    if (luks == NULL)
      return FALSE;
  }
  data = g_bytes_get_data (image, &length);
  fd = open (target->hidden, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  /* Whole clusters: the slots of LUKS that are not used are a hole. */
  if (fd < 0 || !write_at (fd, data, length, 0) ||
      (luks != NULL && (!write_at (fd, luks, LODGE_IMAGE_LUKS_USED, length) ||
                        ftruncate (fd, (off_t) (length + (LODGE_IMAGE_LUKS_BYTES + CLUSTER - 1) /
                                                             CLUSTER * CLUSTER)) != 0)))
    saved = errno;
  if (fd >= 0)
    close (fd);
  if (saved == 0)
    return TRUE;
  if (lodge_durable_is_full (saved))
    lodge_durable_set_full (error, target->path);
  else
    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved), _ ("Could not make %s: %s"),
                 target->path, g_strerror (saved));
  return FALSE;
}

gboolean
lodge_image_empty_write (const char *path, guint64 size_bytes, GError **error)
{
  g_autoptr (LodgeImageTarget) target = lodge_image_target_begin (path, error);

  return target != NULL && lodge_image_empty_fill (target, size_bytes, error) &&
         lodge_image_target_commit (target, error);
}

gboolean
lodge_image_empty_check (int fd)
{
  guint8 header[HEADER_LENGTH];
  g_autofree guint8 *table = NULL;
  guint64 bytes;

  if (pread (fd, header, sizeof header, 0) != sizeof header || get32 (header, AT_MAGIC) != MAGIC ||
      get32 (header, AT_VERSION) != VERSION || get64 (header, AT_BACKING) != 0 ||
      get32 (header, AT_SNAPSHOTS) != 0 || get64 (header, AT_INCOMPATIBLE) != 0)
    return FALSE;
  bytes = (guint64) get32 (header, AT_L1_ENTRIES) * 8;
  if (bytes == 0 || bytes > MOST_L1)
    return FALSE;
  table = g_malloc (bytes);
  if (pread (fd, table, bytes, (off_t) get64 (header, AT_L1)) != (gssize) bytes)
    return FALSE;
  for (guint64 i = 0; i < bytes; i++) {
    if (table[i] != 0)
      return FALSE;
  }
  return TRUE;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tells whether a suspended guest's memory still fits its disks.
 *
 *     [disks]
 *     disk0=10737418240 1790000000.123456789      bytes and time of the last change of its top
 *     [memory]
 *     bytes=536870912
 *
 * There is no checksum of the memory. QEMU writes it itself, to a descriptor, so that all of it
 * would have to be read back for one, and once more before each load: as long again as the writing
 * took, at the very moments in which somebody waits, the end of a session and a start. What is cut
 * off is found by its length, which is recorded after fsync(2); what is shifted or overwritten by
 * QEMU, whose sections have marks at both ends (migration/savevm.c, QEMU_VM_SECTION_FOOTER). What
 * is left are bits that the disk has changed in a page of the guest's, and those it can change in
 * the guest's disks, too, which have no checksum either: that is what a file system is for that
 * keeps them.
 */
#include "machine/lodge-suspend-files.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-durable-file.h"
#include "description/lodge-ini.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-snapshot-files.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FAT keeps times of change to two seconds. */
#define COARSE_S 2

static char *
dup_name (const char *id)
{
  g_autofree char *below = lodge_snapshot_dup_folder (id);

  return g_build_filename (below, "disks", NULL);
}

static gboolean
look (const char *folder, const char *file, struct stat *info, GError **error)
{
  int fd;

  if (g_path_is_absolute (file)) {
    int saved;

    if (stat (file, info) == 0)
      return TRUE;
    saved = errno;
    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved), _ ("Could not open %s: %s"),
                 file, g_strerror (saved));
    return FALSE;
  }
  fd = lodge_own_file_open (folder, file, O_RDONLY, error);
  if (fd < 0)
    return FALSE;
  (void) fstat (fd, info);
  close (fd);
  return TRUE;
}

gboolean
lodge_suspend_files_stamp (const char *folder,
                           const char *id,
                           const LodgeDescription *description,
                           gboolean stood,
                           GError **error)
{
  static const char head[] = "# How the disks were when the guest was suspended.\n[disks]\n";
  g_autofree char *name = dup_name (id);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *memory = lodge_snapshot_dup_memory (id);
  g_autofree char *bytes = NULL;
  g_autofree char *text = NULL;
  g_autoptr (LodgeIni) ini = lodge_ini_parse (path, head, strlen (head), error);
  struct stat info;
  gsize length;

  for (guint i = 0; i < description->disks->len; i++) {
    const LodgeDisk *disk = description->disks->pdata[i];
    const LodgeLayer *top = lodge_description_get_layer (description, disk->top);
    g_autofree char *value = NULL;

    /* What the guest has not got its memory knows nothing of. */
    if (!disk->attached)
      continue;
    if (!look (folder, top->file, &info, error))
      return FALSE;
    value =
        g_strdup_printf ("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT ".%09ld", (gint64) info.st_size,
                         (gint64) info.st_mtim.tv_sec, (long) info.st_mtim.tv_nsec);
    lodge_ini_set_value (ini, "disks", disk->id, value);
  }
  if (!look (folder, memory, &info, error))
    return FALSE;
  bytes = g_strdup_printf ("%" G_GINT64_FORMAT, (gint64) info.st_size);
  lodge_ini_set_value (ini, "memory", "bytes", bytes);
  if (stood)
    lodge_ini_set_value (ini, "guest", "paused", "true");
  text = lodge_ini_dup_text (ini, &length);
  if (!lodge_durable_file_write (path, text, length, error) ||
      !lodge_own_file_set_mode (folder, name, 0400, error))
    return FALSE;
  lodge_journal_step ("stamped");
  return TRUE;
}

static gboolean
is_same (const char *value, const struct stat *info, gboolean exact)
{
  gint64 size = 0, seconds = 0;
  long nanoseconds = 0;

  if (sscanf (value, "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT ".%9ld", &size, &seconds,
              &nanoseconds) != 3 ||
      size != info->st_size)
    return FALSE;
  if (exact)
    return seconds == info->st_mtim.tv_sec && nanoseconds == info->st_mtim.tv_nsec;
  return ABS (seconds - (gint64) info->st_mtim.tv_sec) <= COARSE_S;
}

static char *
dup_time (const struct stat *info)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (info->st_mtim.tv_sec);

  return g_date_time_format (time, "%Y-%m-%d %H:%M:%S");
}

static gboolean
check_memory (const char *folder, const char *id, LodgeIni *ini, GError **error)
{
  g_autofree char *file = lodge_snapshot_dup_memory (id);
  g_autofree char *bytes = lodge_ini_dup_value (ini, "memory", "bytes", NULL);
  g_autofree char *has = NULL;
  struct stat info;

  if (!look (folder, file, &info, error))
    return FALSE;
  if (bytes != NULL && g_ascii_strtoll (bytes, NULL, 10) == info.st_size)
    return TRUE;
  has = g_format_size_full ((guint64) info.st_size, G_FORMAT_SIZE_IEC_UNITS);
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("the file with its memory, %s, is not as it was written: it has %s"), file, has);
  return FALSE;
}

gboolean
lodge_suspend_files_stood (const char *folder, const char *id)
{
  g_autofree char *name = dup_name (id);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (LodgeIni) ini = lodge_ini_load (path, NULL);
  g_autofree char *paused = ini != NULL ? lodge_ini_dup_value (ini, "guest", "paused", NULL) : NULL;

  return g_strcmp0 (paused, "true") == 0;
}

gboolean
lodge_suspend_files_check (const char *folder,
                           const char *id,
                           const LodgeDescription *description,
                           gboolean exact,
                           GError **error)
{
  g_autofree char *name = dup_name (id);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (LodgeIni) ini = NULL;
  int fd = lodge_own_file_open (folder, name, O_RDONLY, error);

  /* For what is on the way; the last part is looked at by the reading itself. */
  if (fd < 0)
    return FALSE;
  close (fd);
  ini = lodge_ini_load (path, error);
  if (ini == NULL || !check_memory (folder, id, ini, error))
    return FALSE;
  for (guint i = 0; i < description->disks->len; i++) {
    const LodgeDisk *disk = description->disks->pdata[i];
    const LodgeLayer *top = lodge_description_get_layer (description, disk->top);
    g_autofree char *value = lodge_ini_dup_value (ini, "disks", disk->id, NULL);
    g_autofree char *time = NULL;
    struct stat info;

    if (!disk->attached)
      continue;
    if (!look (folder, top->file, &info, error))
      return FALSE;
    if (value != NULL && is_same (value, &info, exact))
      continue;
    time = dup_time (&info);
    g_set_error (
        error, LODGE_ERROR, LODGE_ERROR_INVALID,
        _ ("its disk %s was changed on %s, after the guest had been suspended, and does not "
           "fit the guest's memory any more"),
        top->file, time);
    return FALSE;
  }
  return TRUE;
}

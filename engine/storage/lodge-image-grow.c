/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making the disk in a layer larger.
 *
 * A raw file gets a hole at its end. A qcow2 file gets a longer first-level table, if it needs one,
 * beside the old one; the header names that, and then the new size. So a stop at any moment leaves
 * the old size or the new one, and at most a cluster that nobody uses (QEMU, block/qcow2.c:
 * qcow2_co_truncate).
 */
#include "storage/lodge-image-grow.h"

#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "storage/lodge-qemu-img.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The beginning of a qcow2 file (QEMU, docs/interop/qcow2.txt). */
#define MAGIC   "QFI\xfb"
#define AT_SIZE 24
#define SECONDS 600
/* The tables of a disk of 2048T are 32 MiB; reference counts for them some more. */
#define TABLE_BYTES (G_GUINT64_CONSTANT (128) << 20)

gboolean
lodge_image_read_size (int fd, const char *format, guint64 *out_bytes)
{
  guint8 header[AT_SIZE + sizeof (guint64)];
  struct stat info;
  guint64 size;

  if (strcmp (format, "raw") == 0) {
    if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
      return FALSE;
    *out_bytes = (guint64) info.st_size;
    return TRUE;
  }
  if (pread (fd, header, sizeof header, 0) != sizeof header ||
      memcmp (header, MAGIC, strlen (MAGIC)) != 0)
    return FALSE;
  memcpy (&size, header + AT_SIZE, sizeof size);
  *out_bytes = GUINT64_FROM_BE (size);
  return TRUE;
}

gboolean
lodge_image_sync (const char *path, GError **error)
{
  int fd = open (path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  int saved = fd < 0 || fsync (fd) != 0 ? errno : 0;

  if (fd >= 0)
    close (fd);
  if (saved == 0)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE, _ ("Could not write %s to disk: %s"), path,
               g_strerror (saved));
  return FALSE;
}

static gboolean
sync_step (gpointer data, GError **error)
{
  return lodge_image_sync (data, error);
}

static void
grown_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const char *path = g_task_get_task_data (task);
  g_autoptr (LodgeQemuImgResult) done = NULL;
  GError *error = NULL;

  done = lodge_qemu_img_run_finish (result, &error);
  if (done != NULL && done->status != 0)
    lodge_qemu_img_set_error (&error, LODGE_ERROR_STORAGE, path, path, done);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    lodge_task_step_in_thread (g_steal_pointer (&task), sync_step, lodge_task_forward_cb);
}

void
lodge_image_grow_async (const char *format,
                        const char *path,
                        guint64 size_bytes,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  LodgeQemuImg *run = lodge_qemu_img_new ("qemu-img");
  g_autofree char *image = lodge_qemu_img_dup_source (format, path, NULL);
  g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT, size_bytes);
  struct stat info;
  guint64 file_bytes = lstat (path, &info) == 0 ? (guint64) info.st_size : 0;

  g_task_set_source_tag (task, lodge_image_grow_async);
  g_task_set_task_data (task, g_strdup (path), g_free);
  lodge_qemu_img_add (run, "resize", "-q", image, size, NULL);
  lodge_qemu_img_bind (run, LODGE_COMMAND_BIND_READ_WRITE, path);
  lodge_qemu_img_limit (run, SECONDS,
                        strcmp (format, "raw") == 0 ? size_bytes : file_bytes + TABLE_BYTES);
  lodge_qemu_img_run_async (run, NULL, grown_cb, task);
}

gboolean
lodge_image_grow_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_image_grow_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

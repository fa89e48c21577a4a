/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two layers of a chain become one: what the upper one holds is written into the lower one.
 *
 * All the while the chain that ends with the upper one reads the same: what has been written below
 * is hidden by what it was written from. So nothing is lost whenever this ends, and it can begin
 * again at any time.
 */
#include "storage/lodge-image.h"

#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "storage/lodge-image-grow.h"
#include "storage/lodge-qemu-img.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  char *upper;
  char *lower;
} Merge;

static void
merge_free (gpointer data)
{
  Merge *merge = data;

  g_free (merge->upper);
  g_free (merge->lower);
  g_free (merge);
}

static gboolean
sync_lower (gpointer data, GError **error)
{
  const Merge *merge = data;

  return lodge_image_sync (merge->lower, error);
}

static void
merged_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Merge *merge = g_task_get_task_data (task);
  g_autoptr (LodgeQemuImgResult) done = NULL;
  GError *error = NULL;

  done = lodge_qemu_img_run_finish (result, &error);
  if (done != NULL && done->status != 0)
    lodge_qemu_img_set_error (&error, LODGE_ERROR_STORAGE, merge->upper, merge->lower, done);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    lodge_task_step_in_thread (g_steal_pointer (&task), sync_lower, lodge_task_forward_cb);
}

static guint64
get_size (const char *path)
{
  struct stat info;

  return lstat (path, &info) == 0 ? (guint64) info.st_size : 0;
}

static guint64
get_disk_size (const char *layer, const char *path)
{
  int fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  guint64 bytes = 0;

  if (fd < 0)
    return 0;
  if (!lodge_image_read_size (fd, g_str_has_prefix (layer, "raw:") ? "raw" : "qcow2", &bytes))
    bytes = 0;
  close (fd);
  return bytes;
}

void
lodge_image_merge_async (const char *const *layers,
                         LodgeImageProgress progress,
                         gpointer progress_data,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (LodgeQemuImg) run = lodge_qemu_img_new ("qemu-img");
  Merge *merge = g_new0 (Merge, 1);
  g_autofree char *image = NULL;
  guint64 bytes, most;
  GError *error = NULL;

  g_return_if_fail (layers[0] != NULL && layers[1] != NULL);

  g_task_set_source_tag (task, lodge_image_merge_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, merge, merge_free);
  /* qemu-img opens also the upper one for writing, and does not write to it. */
  image = lodge_qemu_img_bind_chain (run, layers, 2, &error);
  if (image == NULL) {
    g_task_return_error (task, error);
    return;
  }
  merge->upper = g_strdup (strchr (layers[0], '/'));
  merge->lower = g_strdup (strchr (layers[1], '/'));
  bytes = get_size (merge->upper) + get_size (merge->lower);
  /* A raw file below is made as long as the disk, which may have grown since. */
  most = MAX (bytes + LODGE_QEMU_IMG_TABLE_BYTES (bytes), get_disk_size (layers[0], merge->upper));

  /* -d: the upper one stays as it is. Without it qemu-img would empty it, which is the one moment
   * in which an end would lose something. */
  lodge_qemu_img_add (run, "commit", "-p", "-d", "-t", "writeback", image, NULL);
  lodge_qemu_img_set_background (run);
  lodge_qemu_img_set_progress (run, progress, progress_data);
  lodge_qemu_img_limit (run, 600 + (guint) (bytes >> 20), most);
  lodge_qemu_img_run_async (g_steal_pointer (&run), cancellable, merged_cb,
                            g_steal_pointer (&task));
}

gboolean
lodge_image_merge_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_image_merge_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

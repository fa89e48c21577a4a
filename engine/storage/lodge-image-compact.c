/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One layer of a chain is written anew, without what it has of no use.
 *
 * The new one stands on the same layers below, so that what the old one does not have is left to
 * those, and zeros that hide something of theirs stay zeros. Where nothing is below, what is not
 * there is zeros anyway.
 */
#include "storage/lodge-image.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "storage/lodge-image-empty.h"
#include "storage/lodge-image-grow.h"
#include "storage/lodge-image-target.h"
#include "storage/lodge-qemu-img.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  GStrv layers;
  char *source; /* of the first */
  char *format;
  char *path;
  LodgeImageTarget *target;
  guint64 disk_bytes; /* what a guest sees */
  guint64 file_bytes; /* the length of the old one */
  LodgeImageProgress progress;
  gpointer progress_data;
} Compact;

static void
compact_free (gpointer data)
{
  Compact *compact = data;

  g_strfreev (compact->layers);
  g_free (compact->source);
  g_free (compact->format);
  g_free (compact->path);
  g_clear_pointer (&compact->target, lodge_image_target_free);
  g_free (compact);
}

static gboolean
commit (gpointer data, GError **error)
{
  const Compact *compact = data;

  return lodge_image_target_commit (compact->target, error);
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Compact *compact = g_task_get_task_data (task);
  g_autoptr (LodgeQemuImgResult) done = NULL;
  GError *error = NULL;

  done = lodge_qemu_img_run_finish (result, &error);
  if (done != NULL && done->status != 0)
    lodge_qemu_img_set_error (&error, LODGE_ERROR_STORAGE, compact->source, compact->path, done);
  if (error != NULL) {
    /* Gone before anybody hears that it failed. */
    g_clear_pointer (&compact->target, lodge_image_target_free);
    g_task_return_error (task, error);
    return;
  }
  lodge_task_step_in_thread (g_steal_pointer (&task), commit, lodge_task_forward_cb);
}

static void
made_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Compact *compact = g_task_get_task_data (task);
  g_autoptr (LodgeQemuImg) run = lodge_qemu_img_new ("qemu-img");
  g_autofree char *from = NULL;
  g_autofree char *to = NULL;
  guint64 most = compact->file_bytes + LODGE_QEMU_IMG_TABLE_BYTES (compact->disk_bytes);
  const guint64 room = lodge_image_target_get_room (compact->path);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    from = lodge_qemu_img_bind_chain (run, (const char *const *) compact->layers, 0, &error);
  if (from != NULL) {
    g_free (compact->layers[0]);
    compact->layers[0] = g_strdup_printf ("%s:%s", compact->format, compact->target->hidden);
    to = lodge_qemu_img_bind_chain (run, (const char *const *) compact->layers, 1, &error);
  }
  if (to == NULL) {
    g_task_return_error (task, error);
    return;
  }

  /* -n: into what is there. -B says that what is below the old one is below the new one, too; its
   * own words on that are not read. */
  lodge_qemu_img_add (run, "convert", "-p", "-n", "-t", "writeback", "-O", compact->format, NULL);
  if (compact->layers[1] != NULL)
    lodge_qemu_img_add (run, "-B", "below", "-F", "raw", NULL);
  else
    lodge_qemu_img_add (run, "--target-is-zero", NULL);
  lodge_qemu_img_add (run, from, to, NULL);
  lodge_qemu_img_set_progress (run, compact->progress, compact->progress_data);
  /* So that it ends before the disk is full. */
  if (strcmp (compact->format, "qcow2") == 0)
    most = MIN (most, MAX (room, 1));
  lodge_qemu_img_limit (run, 600 + (guint) (compact->file_bytes >> 20), most);
  lodge_qemu_img_run_async (g_steal_pointer (&run), g_task_get_cancellable (task), written_cb,
                            g_object_ref (task));
}

/* An empty one of the same size. */
static gboolean
make_empty (gpointer data, GError **error)
{
  Compact *compact = data;
  int fd = open (compact->source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  gboolean known = FALSE;
  struct stat info;

  if (fd >= 0) {
    known =
        fstat (fd, &info) == 0 && lodge_image_read_size (fd, compact->format, &compact->disk_bytes);
    close (fd);
  }
  if (!known || compact->disk_bytes == 0 || compact->disk_bytes > LODGE_IMAGE_MOST_BYTES) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is not what machine.ini says: it is no %s image"), compact->source,
                 compact->format);
    return FALSE;
  }
  compact->file_bytes = (guint64) info.st_size;
  compact->target = lodge_image_target_begin (compact->path, error);
  if (compact->target == NULL)
    return FALSE;
  if (strcmp (compact->format, "qcow2") == 0)
    return lodge_image_empty_fill (compact->target, compact->disk_bytes, error);
  if (truncate (compact->target->hidden, (off_t) compact->disk_bytes) == 0)
    return TRUE;
  g_set_error (error, LODGE_ERROR, lodge_durable_error_code (errno), _ ("Could not make %s: %s"),
               compact->path, g_strerror (errno));
  return FALSE;
}

void
lodge_image_compact_async (const char *const *layers,
                           const char *path,
                           LodgeImageProgress progress,
                           gpointer progress_data,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Compact *compact = g_new0 (Compact, 1);
  const char *colon = strchr (layers[0], ':');

  g_return_if_fail (colon != NULL);

  g_task_set_source_tag (task, lodge_image_compact_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, compact, compact_free);
  compact->layers = g_strdupv ((char **) layers);
  compact->format = g_strndup (layers[0], (gsize) (colon - layers[0]));
  compact->source = g_strdup (colon + 1);
  compact->path = g_canonicalize_filename (path, NULL);
  compact->progress = progress;
  compact->progress_data = progress_data;
  lodge_task_step_in_thread (g_steal_pointer (&task), make_empty, made_cb);
}

gboolean
lodge_image_compact_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_image_compact_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

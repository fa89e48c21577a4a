/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several layers of a chain become one new layer.
 *
 * An empty one is made on what is below them. Then each of them is copied into it, the lowest
 * first: "qemu-img convert -n -B" copies what one layer has, and zeros that it says are there, and
 * nothing that it leaves to what is below. What an upper one has is written over what a lower one
 * had, as it is read.
 *
 * A layer is read on the next lower one alone, of which nothing is read: only where that ends, and
 * the upper one is zeros therefore, is of interest.
 */
#include "storage/lodge-image-join.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "storage/lodge-image-empty.h"
#include "storage/lodge-image-grow.h"
#include "storage/lodge-image-target.h"
#include "storage/lodge-qemu-img.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  GStrv layers;
  guint n_joined;
  guint n_left;   /* of those that are to be copied, the first ones */
  guint64 *bytes; /* that each of them takes */
  guint64 all_bytes;
  guint64 all_lengths; /* of their files, which a file system may keep in less */
  guint64 done_bytes;
  char *path;
  LodgeImageTarget *target;
  guint64 disk_bytes; /* what a guest sees */
  LodgeImageProgress progress;
  gpointer progress_data;
} Join;

static void
join_free (gpointer data)
{
  Join *join = data;

  g_strfreev (join->layers);
  g_free (join->bytes);
  g_free (join->path);
  g_clear_pointer (&join->target, lodge_image_target_free);
  g_free (join);
}

static gboolean
commit (gpointer data, GError **error)
{
  const Join *join = data;

  return lodge_image_target_commit (join->target, error);
}

static void
report_progress (double fraction, gpointer user_data)
{
  const Join *join = user_data;

  if (join->progress != NULL)
    join->progress (((double) join->done_bytes + fraction * (double) join->bytes[join->n_left]) /
                        (double) MAX (join->all_bytes, 1),
                    join->progress_data);
}

static void copy_next (GTask *task);

static void
copied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Join *join = g_task_get_task_data (task);
  g_autoptr (LodgeQemuImgResult) done = NULL;
  GError *error = NULL;

  done = lodge_qemu_img_run_finish (result, &error);
  if (done != NULL && done->status != 0)
    lodge_qemu_img_set_error (&error, LODGE_ERROR_STORAGE, strchr (join->layers[join->n_left], '/'),
                              join->path, done);
  if (error != NULL) {
    /* Gone before anybody hears that it failed. */
    g_clear_pointer (&join->target, lodge_image_target_free);
    g_task_return_error (task, error);
    return;
  }
  join->done_bytes += join->bytes[join->n_left];
  copy_next (task);
}

/* How long the new file may become. */
static guint64
get_most (const Join *join)
{
  struct stat info;
  guint64 length = lstat (join->target->hidden, &info) == 0 ? (guint64) info.st_size : 0;

  return MIN (MAX (join->all_lengths, join->all_bytes) +
                  LODGE_QEMU_IMG_TABLE_BYTES (join->disk_bytes),
              MAX (length + lodge_image_target_get_room (join->path), 1));
}

/* Of those that are left the lowest; or the end. */
static void
copy_next (GTask *task)
{
  Join *join = g_task_get_task_data (task);
  g_autoptr (LodgeQemuImg) run = NULL;
  g_autoptr (GPtrArray) chain = g_ptr_array_new_with_free_func (g_free);
  const char *source[3] = {NULL};
  g_autofree char *from = NULL;
  g_autofree char *to = NULL;
  GError *error = NULL;

  if (join->n_left == 0) {
    lodge_task_step_in_thread (g_object_ref (task), commit, lodge_task_forward_cb);
    return;
  }
  join->n_left--;
  run = lodge_qemu_img_new ("qemu-img");
  source[0] = join->layers[join->n_left];
  source[1] = join->layers[join->n_left + 1];
  from = lodge_qemu_img_bind_chain (run, source, 0, &error);
  if (from != NULL) {
    g_ptr_array_add (chain, g_strconcat ("qcow2:", join->target->hidden, NULL));
    for (guint i = join->n_joined; join->layers[i] != NULL; i++)
      g_ptr_array_add (chain, g_strdup (join->layers[i]));
    g_ptr_array_add (chain, NULL);
    to = lodge_qemu_img_bind_chain (run, (const char *const *) chain->pdata, 1, &error);
  }
  if (to == NULL) {
    g_clear_pointer (&join->target, lodge_image_target_free);
    g_task_return_error (task, error);
    return;
  }
  /* As in lodge-image-compact.c. */
  lodge_qemu_img_add (run, "convert", "-p", "-n", "-t", "writeback", "-O", "qcow2", "-B", "below",
                      "-F", "raw", from, to, NULL);
  lodge_qemu_img_set_background (run);
  lodge_qemu_img_set_progress (run, report_progress, join);
  lodge_qemu_img_limit (run, 600 + (guint) (join->bytes[join->n_left] >> 20), get_most (join));
  lodge_qemu_img_run_async (g_steal_pointer (&run), g_task_get_cancellable (task), copied_cb,
                            g_object_ref (task));
}

static void
made_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Join *join = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error)) {
    copy_next (task);
    return;
  }
  g_clear_pointer (&join->target, lodge_image_target_free);
  g_task_return_error (task, error);
}

/* The size of the disk in @layer, what its file takes, and its length. */
static gboolean
measure (const char *layer, guint64 *out_disk_bytes, guint64 *out_bytes, guint64 *out_length)
{
  int fd = open (strchr (layer, '/'), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  gboolean known = FALSE;
  struct stat info;

  if (fd < 0)
    return FALSE;
  known = fstat (fd, &info) == 0 && lodge_image_read_size (fd, "qcow2", out_disk_bytes) &&
          *out_disk_bytes > 0 && *out_disk_bytes <= LODGE_IMAGE_MOST_BYTES;
  close (fd);
  if (!known)
    return FALSE;
  *out_bytes = (guint64) info.st_blocks * 512;
  *out_length = (guint64) info.st_size;
  return TRUE;
}

static gboolean
set_invalid (const char *layer, GError **error)
{
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("%s is not what machine.ini says: it is no %s image"), strchr (layer, '/'),
               "qcow2");
  return FALSE;
}

/* An empty one, of the size of the upmost, which is the largest: a disk only grows. */
static gboolean
make_empty (gpointer data, GError **error)
{
  Join *join = data;
  guint64 above_bytes = G_MAXUINT64;

  for (guint i = 0; i < join->n_joined; i++) {
    const char *layer = join->layers[i];
    guint64 disk_bytes, length;

    if (!g_str_has_prefix (layer, "qcow2:") ||
        !measure (layer, &disk_bytes, &join->bytes[i], &length) || disk_bytes > above_bytes)
      return set_invalid (layer, error);
    if (i == 0)
      join->disk_bytes = disk_bytes;
    above_bytes = disk_bytes;
    join->all_bytes += join->bytes[i];
    join->all_lengths += length;
  }
  if (lodge_image_target_get_room (join->path) < join->all_bytes) {
    lodge_durable_set_full (error, join->path);
    return FALSE;
  }
  join->target = lodge_image_target_begin (join->path, error);
  return join->target != NULL && lodge_image_empty_fill (join->target, join->disk_bytes, error);
}

void
lodge_image_join_async (const char *const *layers,
                        guint n_joined,
                        const char *path,
                        LodgeImageProgress progress,
                        gpointer progress_data,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Join *join = g_new0 (Join, 1);

  g_return_if_fail (n_joined > 0 && n_joined < g_strv_length ((char **) layers));

  g_task_set_source_tag (task, lodge_image_join_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, join, join_free);
  join->layers = g_strdupv ((char **) layers);
  join->n_joined = join->n_left = n_joined;
  join->bytes = g_new0 (guint64, n_joined);
  join->path = g_canonicalize_filename (path, NULL);
  join->progress = progress;
  join->progress_data = progress_data;
  lodge_task_step_in_thread (g_steal_pointer (&task), make_empty, made_cb);
}

gboolean
lodge_image_join_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_image_join_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

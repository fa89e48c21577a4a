/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making a disk larger.
 *
 * Only the layer that is written to grows; those below, and the snapshots that have them, keep
 * their size. What is on them is read as before, and behind their end there are zeros.
 *
 *   1. machine.ini says the new size: what is made on this layer from here on is not smaller than
 *      it, whatever becomes of the rest.
 *   2. The layer grows: by qemu-img, or by the QEMU that has it open.
 *   3. If that has failed machine.ini says again what the layer has.
 *
 * An end between 1 and 2 leaves a disk of the old size under a larger number, which hurts nobody:
 * what its file says is what counts for the guest, for the list, and for the next attempt.
 */
#include "machine/lodge-machine-disks.h"
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-keys.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-key.h"
#include "storage/lodge-image-grow.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

#define SECTOR 512

typedef struct {
  LodgeJob *job;
  char *disk;
  guint64 wanted;
  char *folder;
  int lock_fd;
  gboolean live;

  char *layer; /* its top: id, file and format */
  char *file;
  char *format;
  guint64 has; /* what the file says */
  GError *error;
} Grow;

static void
grow_free (gpointer data)
{
  Grow *grow = data;

  g_object_unref (grow->job);
  g_free (grow->disk);
  g_free (grow->folder);
  if (grow->lock_fd >= 0)
    close (grow->lock_fd);
  g_free (grow->layer);
  g_free (grow->file);
  g_free (grow->format);
  g_clear_error (&grow->error);
  g_free (grow);
}

/* Takes @task. */
static void
end (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  Grow *grow = g_task_get_task_data (task);

  if (grow->lock_fd >= 0)
    close (g_steal_fd (&grow->lock_fd));
  lodge_machine_end_work (self);
  lodge_machine_emit_changed (self);
  if (grow->error != NULL)
    g_task_return_error (task, g_steal_pointer (&grow->error));
  else
    g_task_return_boolean (task, TRUE);
}

/* Takes @error. */
static void
fail (GTask *task, GError *error)
{
  Grow *grow = g_task_get_task_data (task);

  grow->error = error;
  end (task);
}

/* What the file says, which must be the machine's alone: a clone must not see it changed. */
static gboolean
measure (Grow *grow, GError **error)
{
  int fd;

  if (lodge_own_file_count_names (grow->folder, grow->file) > 1) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The file of the disk “%s” is shared with another machine: it cannot be grown"),
                 grow->disk);
    return FALSE;
  }
  fd = lodge_own_file_open (grow->folder, grow->file, O_RDONLY, error);
  if (fd < 0)
    return FALSE;
  if (!lodge_image_read_size (fd, grow->format, &grow->has)) {
    close (fd);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("The file of the disk “%s” is not what machine.ini says: it is no %s image"),
                 grow->disk, grow->format);
    return FALSE;
  }
  close (fd);
  return TRUE;
}

static void
measure_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (measure (data, &error))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

static void
measure_async (GTask *task, GAsyncReadyCallback callback)
{
  g_autoptr (GTask) worker = g_task_new (NULL, NULL, callback, task);

  g_task_set_task_data (worker, g_task_get_task_data (task), NULL);
  lodge_task_run_in_thread (worker, measure_thread);
}

/* 3. */

static gboolean
edit_has (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Grow *grow = data;
  LodgeLayer *layer = lodge_description_get_layer (value, grow->layer);

  if (layer != NULL)
    layer->size_bytes = grow->has;
  return TRUE;
}

static void
put_back_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* Then it stays the larger number, as after a crash. */
  if (!lodge_machine_save_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  end (user_data);
}

static void
measured_again_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Grow *grow = g_task_get_task_data (task);

  /* A QEMU that answers too late has done it all the same. */
  if (g_task_propagate_boolean (G_TASK (result), NULL) && grow->has < grow->wanted) {
    lodge_machine_save_for_work_async (g_task_get_source_object (task), edit_has, grow, put_back_cb,
                                       task);
    return;
  }
  if (grow->has >= grow->wanted)
    g_clear_error (&grow->error);
  end (task);
}

/* 2. Takes @error. */
static void
grown (GTask *task, GError *error)
{
  Grow *grow = g_task_get_task_data (task);

  if (error == NULL) {
    lodge_journal_step ("grown");
    grow->has = grow->wanted;
    end (task);
    return;
  }
  grow->error = error;
  measure_async (task, measured_again_cb);
}

static void
resized_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  G_GNUC_UNUSED g_autoptr (JsonNode) answer =
      lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  grown (user_data, error);
}

static void
file_grown_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  lodge_image_grow_finish (result, &error);
  grown (user_data, error);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Grow *grow = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_machine_save_finish (self, result, &error)) {
    fail (task, error);
    return;
  }
  lodge_journal_step ("written");
  if (!grow->live) {
    g_autofree char *path = g_build_filename (grow->folder, grow->file, NULL);

    lodge_image_grow_async (grow->format, path, grow->wanted, file_grown_cb, task);
  } else if (self->qmp == NULL) {
    grown (task, g_error_new (LODGE_ERROR, LODGE_ERROR_STATE,
                              _ ("“%s” has ended meanwhile: try again now"),
                              lodge_machine_get_name (self)));
  } else {
    JsonObject *arguments = lodge_qmp_arguments ("node-name", grow->layer, NULL);

    json_object_set_int_member (arguments, "size", (gint64) grow->wanted);
    lodge_qmp_execute_async (self->qmp, "block_resize", arguments, 0, NULL, resized_cb, task);
  }
}

/* 1. */

static gboolean
edit_wanted (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Grow *grow = data;
  LodgeLayer *layer = lodge_description_get_layer (value, grow->layer);

  if (layer != NULL)
    layer->size_bytes = grow->wanted;
  return TRUE;
}

static void
measured_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Grow *grow = g_task_get_task_data (task);
  g_autofree char *has = NULL;
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) ||
      lodge_job_set_error_if_cancelled (grow->job, &error)) {
    fail (task, error);
    return;
  }
  has = lodge_size_format (grow->has);
  if (grow->wanted <= grow->has)
    error = g_error_new (LODGE_ERROR, LODGE_ERROR_INVALID,
                         _ ("The disk “%s” has %s already, and a disk can only be made larger"),
                         grow->disk, has);
  if (error != NULL)
    fail (task, error);
  else
    lodge_machine_save_for_work_async (self, edit_wanted, grow, saved_cb, task);
}

static void
earlier_tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Grow *grow = g_task_get_task_data (task);
  const LodgeDescription *now;
  const LodgeDisk *disk = NULL;
  const LodgeLayer *top;
  GError *error = NULL;

  if (!lodge_machine_tidy_earlier_finish (self, result, &error)) {
    fail (task, error);
    return;
  }
  now = lodge_machine_get_description (self);
  if (now != NULL)
    disk = lodge_machine_find_disk (self, grow->disk, &error);
  else
    lodge_machine_check_usable (self, &error);
  if (disk == NULL) {
    fail (task, error);
    return;
  }
  top = lodge_description_get_layer (now, disk->top);
  if (g_path_is_absolute (top->file)) {
    fail (task, g_error_new (LODGE_ERROR, LODGE_ERROR_INVALID,
                             _ ("The disk “%s” is a file outside of the machine's folder, which "
                                "Lodge does not grow: %s"),
                             disk->id, top->file));
    return;
  }
  grow->layer = g_strdup (top->id);
  grow->file = g_strdup (top->file);
  grow->format = g_strdup (top->format);
  measure_async (task, measured_cb);
}

static void
saved_before_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_tidy_earlier_async (LODGE_MACHINE (source), earlier_tidied_cb, user_data);
}

/* What can be known before the first step. */
static gboolean
check (LodgeMachine *self, const Grow *grow, GError **error)
{
  lodge_machine_refresh (self);
  if (!lodge_machine_check_usable (self, error) ||
      !lodge_machine_check_not_suspended (self, _ ("disk"), error) ||
      !lodge_machine_check_action (self, LODGE_ACTION_GROW, error) ||
      (!lodge_state_is_live (self->state) && !lodge_machine_check_unlocked (self, error)) ||
      lodge_machine_find_disk (self, grow->disk, error) == NULL)
    return FALSE;
  if (grow->wanted > LODGE_IMAGE_MOST_BYTES) {
    g_autofree char *size = lodge_size_format (grow->wanted);

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("A disk cannot have %s: 2048T is the most"), size);
    return FALSE;
  }
  if (!lodge_state_is_live (self->state) && self->pid != 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The QEMU of “%s” is still there after a panic: force it off first"),
                 lodge_machine_get_name (self));
    return FALSE;
  }
  if (lodge_state_is_live (self->state) && self->qmp == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” runs, but its control socket is gone: its disks can be grown once it is "
                    "off"),
                 lodge_machine_get_name (self));
    return FALSE;
  }
  return TRUE;
}

static void
begin_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Grow *grow = g_task_get_task_data (task);
  GError *error = NULL;

  lodge_machine_stop_work_finish (self, result);
  if (!check (self, grow, &error) || !lodge_machine_begin_work (self, grow->job, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  lodge_job_set_step (grow->job, _ ("Growing the disk"));
  grow->live = lodge_state_is_live (self->state);
  if (!grow->live) {
    grow->lock_fd = lodge_store_lock (self->store, self->uuid, &error);
    if (grow->lock_fd < 0) {
      fail (task, error);
      return;
    }
  }
  lodge_machine_wait_saved_async (self, saved_before_cb, task);
}

const LodgeDisk *
lodge_machine_find_disk (LodgeMachine *self, const char *id, GError **error)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  const LodgeDisk *disk = lodge_section_find_item (LODGE_SECTION_DISK, now, id);
  g_autofree char *shown = disk == NULL ? g_utf8_make_valid (id, -1) : NULL;

  if (disk == NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("“%s” has no disk “%s”"),
                 lodge_machine_get_name (self), shown);
  return disk;
}

void
lodge_machine_grow_disk_async (LodgeMachine *self,
                               LodgeJob *job,
                               const char *disk,
                               guint64 size_bytes,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Grow *grow = g_new0 (Grow, 1);

  grow->job = g_object_ref (job);
  grow->disk = g_strdup (disk);
  grow->wanted = size_bytes > LODGE_IMAGE_MOST_BYTES ? size_bytes
                                                     : (size_bytes + SECTOR - 1) / SECTOR * SECTOR;
  grow->folder = lodge_machine_dup_folder (self);
  grow->lock_fd = -1;
  g_task_set_source_tag (task, lodge_machine_grow_disk_async);
  g_task_set_task_data (task, grow, grow_free);
  lodge_machine_stop_work_async (self, begin_cb, task);
}

gboolean
lodge_machine_grow_disk_finish (LodgeMachine *self,
                                GAsyncResult *result,
                                guint64 *out_bytes,
                                GError **error)
{
  const Grow *grow;

  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_grow_disk_async), FALSE);
  grow = g_task_get_task_data (G_TASK (result));
  *out_bytes = grow->has;
  return g_task_propagate_boolean (G_TASK (result), error);
}

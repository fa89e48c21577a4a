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
#include "machine/lodge-machine-disk-work.h"
#include "machine/lodge-machine-disks.h"

#include "description/lodge-description-keys.h"
#include "description/lodge-durable-file.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-key.h"
#include "qemu/lodge-qemu-chain.h"
#include "storage/lodge-image-grow.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>

#define SECTOR 512

typedef struct {
  LodgeDiskWork work;
  guint64 wanted;
  char *layer; /* its top: id, file and format */
  char *file;
  char *format;
  guint64 has;      /* what the file says */
  gboolean plugged; /* QEMU has it open */
  GError *error;
} Grow;

static void
grow_free (gpointer data)
{
  Grow *grow = data;

  lodge_disk_work_clear (&grow->work);
  g_free (grow->layer);
  g_free (grow->file);
  g_free (grow->format);
  g_clear_error (&grow->error);
  g_free (grow);
}

/* What the file says, which must be the machine's alone: a clone must not see it changed. */
static gboolean
measure (gpointer data, GError **error)
{
  Grow *grow = data;
  int fd;

  if (lodge_own_file_count_names (grow->work.folder, grow->file) > 1) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The file of the disk “%s” is shared with another machine: it cannot be grown"),
                 grow->work.disk);
    return FALSE;
  }
  fd = lodge_own_file_open (grow->work.folder, grow->file, O_RDONLY, error);
  if (fd < 0)
    return FALSE;
  if (!lodge_image_read_size (fd, grow->format, &grow->has)) {
    close (fd);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("The file of the disk “%s” is not what machine.ini says: it is no %s image"),
                 grow->work.disk, grow->format);
    return FALSE;
  }
  close (fd);
  return TRUE;
}

/* 3. */

static void
end (GTask *task)
{
  Grow *grow = g_task_get_task_data (task);

  if (grow->error == NULL)
    grow->work.result = g_strdup_printf ("%" G_GUINT64_FORMAT, grow->has);
  lodge_disk_work_end (task, g_steal_pointer (&grow->error));
}

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
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_STORAGE))
    g_prefix_error (&error, _ ("The disk “%s” was not made larger: "), grow->work.disk);
  grow->error = error;
  lodge_task_step_in_thread (task, measure, measured_again_cb);
}

static void
resized_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  const Grow *grow = g_task_get_task_data (user_data);
  GError *error = NULL;
  G_GNUC_UNUSED g_autoptr (JsonNode) answer =
      lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  /* QEMU has the words alone. */
  if (error != NULL && lodge_durable_says_full (error->message)) {
    g_autofree char *path = g_build_filename (grow->work.folder, grow->file, NULL);

    g_clear_error (&error);
    lodge_durable_set_full (&error, path);
  }
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
    lodge_disk_work_end (task, error);
    return;
  }
  lodge_journal_step ("written");
  if (!grow->plugged) {
    g_autofree char *path = g_build_filename (grow->work.folder, grow->file, NULL);

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
at_hand_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (!lodge_qemu_chain_check_finish (LODGE_QMP (source), result, &error))
    lodge_disk_work_end (task, error);
  else
    lodge_machine_save_for_work_async (g_task_get_source_object (task), edit_wanted,
                                       g_task_get_task_data (task), saved_cb, task);
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
      lodge_job_set_error_if_cancelled (grow->work.job, &error)) {
    lodge_disk_work_end (task, error);
    return;
  }
  has = lodge_size_format (grow->has);
  if (grow->wanted <= grow->has)
    error = g_error_new (LODGE_ERROR, LODGE_ERROR_INVALID,
                         _ ("The disk “%s” has %s already, and a disk can only be made larger"),
                         grow->work.disk, has);
  if (error != NULL)
    lodge_disk_work_end (task, error);
  /* QEMU 7.2 aborts over a disk that it has put aside. */
  else if (grow->plugged && self->qmp != NULL)
    lodge_qemu_chain_check_async (self->qmp, at_hand_cb, task);
  else
    lodge_machine_save_for_work_async (self, edit_wanted, grow, saved_cb, task);
}

static void
go (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Grow *grow = g_task_get_task_data (task);
  const LodgeDescription *now = lodge_machine_get_description (self);
  const LodgeDisk *disk = lodge_machine_find_disk (self, grow->work.disk, NULL);
  const LodgeLayer *top = lodge_description_get_layer (now, disk->top);

  if (g_path_is_absolute (top->file)) {
    lodge_disk_work_end (
        task, g_error_new (LODGE_ERROR, LODGE_ERROR_INVALID,
                           _ ("The disk “%s” is a file outside of the machine's folder, which "
                              "Lodge does not grow: %s"),
                           disk->id, top->file));
    return;
  }
  grow->plugged = grow->work.live && lodge_machine_is_plugged (self, disk->id);
  grow->layer = g_strdup (top->id);
  grow->file = g_strdup (top->file);
  grow->format = g_strdup (top->format);
  lodge_task_step_in_thread (task, measure, measured_cb);
}

static gboolean
check (LodgeMachine *self, gpointer data, GError **error)
{
  const Grow *grow = data;
  g_autofree char *size = NULL;

  if ((!lodge_state_is_live (self->state) || !lodge_machine_is_plugged (self, grow->work.disk)) &&
      !lodge_machine_check_unlocked (self, error))
    return FALSE;
  if (grow->wanted <= LODGE_IMAGE_MOST_BYTES)
    return TRUE;
  size = lodge_size_format (grow->wanted);
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("A disk cannot have %s: 2048T is the most"), size);
  return FALSE;
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
  static const LodgeDiskWorkKind kind = {LODGE_ACTION_GROW, N_ ("Growing the disk"), check, go};
  Grow *grow = g_new0 (Grow, 1);

  grow->wanted = size_bytes > LODGE_IMAGE_MOST_BYTES ? size_bytes
                                                     : (size_bytes + SECTOR - 1) / SECTOR * SECTOR;
  lodge_disk_work_begin (
      lodge_disk_work_new (self, grow, job, disk, grow_free, callback, user_data), &kind);
}

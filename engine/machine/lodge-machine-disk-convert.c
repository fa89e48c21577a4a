/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a disk holds, as an image for other programs: of a machine that is off, or of a snapshot.
 *
 * It is written to a hidden file beside its place, which is recorded (lodge-unfinished.h), and gets
 * its name when it is whole.
 */
#include "machine/lodge-machine-disk-work.h"
#include "machine/lodge-machine-disks.h"

#include "description/lodge-description-keys.h"
#include "description/lodge-description-snapshots.h"
#include "description/lodge-unfinished.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-snapshot-files.h"
#include "storage/lodge-image-target.h"
#include "storage/lodge-image.h"

#include <glib/gi18n-lib.h>
#include <sys/stat.h>

typedef struct {
  LodgeDiskWork work;
  char *disk; /* its id: of the snapshot's, where there is one */
  char *format;
  char *path;
  char *snapshot; /* id, or NULL */
  char *snapshot_name;
  gboolean replace;
  LodgeDescription *then; /* the snapshot's */
  GStrv forbidden;        /* disks that are used in place */
  char *hidden;           /* what the image is until it is whole */
  char *record;
  GPtrArray *chain;
} Convert;

static void
convert_free (gpointer data)
{
  Convert *convert = data;

  lodge_disk_work_clear (&convert->work);
  g_free (convert->disk);
  g_free (convert->format);
  g_free (convert->path);
  g_free (convert->snapshot);
  g_free (convert->snapshot_name);
  g_clear_pointer (&convert->then, lodge_description_free);
  g_strfreev (convert->forbidden);
  g_free (convert->hidden);
  g_free (convert->record);
  g_clear_pointer (&convert->chain, g_ptr_array_unref);
  g_free (convert);
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Convert *convert = g_task_get_task_data (task);
  struct stat info;
  GError *error = NULL;

  if (lodge_image_flatten_finish (result, &error)) {
    lodge_journal_step ("named");
    convert->work.result =
        g_strdup_printf ("%" G_GUINT64_FORMAT,
                         lstat (convert->path, &info) == 0 ? (guint64) info.st_blocks * 512 : 0);
  }
  lodge_unfinished_end (convert->record);
  lodge_disk_work_end (task, error);
}

static void
progress_cb (double fraction, gpointer user_data)
{
  lodge_journal_step ("writing");
  lodge_job_set_progress (user_data, fraction);
}

static const LodgeLayer *
find_layer (LodgeMachine *self, const Convert *convert, GError **error)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  const LodgeDescription *of = convert->then != NULL ? convert->then : now;
  const LodgeDisk *disk = lodge_section_find_item (LODGE_SECTION_DISK, of, convert->disk);
  const LodgeLayer *layer = disk != NULL ? lodge_description_get_layer (now, disk->top) : NULL;

  if (disk != NULL && layer != NULL)
    return layer;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("The snapshot “%s” has no disk “%s”"),
               convert->snapshot_name, convert->disk);
  return NULL;
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Convert *convert = g_task_get_task_data (task);
  LodgeJob *job = convert->work.job;
  const LodgeLayer *layer = NULL;
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error) &&
      !lodge_job_set_error_if_cancelled (job, &error))
    layer = find_layer (self, convert, &error);
  if (layer != NULL)
    convert->chain =
        lodge_machine_list_chain (self, lodge_machine_get_description (self), layer, &error);
  if (layer == NULL || convert->chain == NULL) {
    if (convert->record != NULL)
      lodge_unfinished_end (convert->record);
    lodge_disk_work_end (task, error);
    return;
  }
  lodge_journal_step ("recorded");
  lodge_image_export_async ((const char *const *) convert->chain->pdata, layer->size_bytes,
                            convert->format, convert->path, convert->hidden, convert->replace,
                            progress_cb, job, lodge_job_get_cancellable (job), written_cb, task);
}

/* Another machine's disk must not be what is replaced. */
static gboolean
check_place (const Convert *convert, const char *machines, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (convert->path);
  struct stat info, other;

  if (lodge_store_is_below (folder, machines)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is where Lodge keeps its machines: choose another folder"), convert->path);
    return FALSE;
  }
  if (lstat (convert->path, &info) != 0)
    return TRUE;
  for (guint i = 0; convert->forbidden[i] != NULL; i++) {
    if (stat (convert->forbidden[i], &other) == 0 && other.st_dev == info.st_dev &&
        other.st_ino == info.st_ino) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("%s is a machine's disk, or is in a drive: choose another name"),
                   convert->path);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
prepare_step (gpointer data, GError **error)
{
  Convert *convert = data;
  g_autofree char *machines = g_path_get_dirname (convert->work.folder);
  g_autofree char *data_folder = g_path_get_dirname (machines);

  if (!check_place (convert, machines, error))
    return FALSE;
  if (convert->snapshot != NULL) {
    convert->then = lodge_snapshot_files_load (convert->work.folder, convert->snapshot,
                                               convert->snapshot_name, error);
    if (convert->then == NULL)
      return FALSE;
  }
  /* Another machine's disk, or another program, may be on its way to the same place. */
  convert->hidden = lodge_image_target_dup_apart (convert->path);
  convert->record = lodge_unfinished_begin (data_folder, convert->hidden, error);
  return convert->record != NULL;
}

static void
go (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Convert *convert = g_task_get_task_data (task);
  const LodgeSnapshot *snapshot;
  GError *error = NULL;

  if (convert->snapshot_name != NULL) {
    snapshot = lodge_description_find_snapshot (lodge_machine_get_description (self),
                                                convert->snapshot_name, &error);
    if (snapshot == NULL) {
      lodge_disk_work_end (task, error);
      return;
    }
    convert->snapshot = g_strdup (snapshot->id);
  }
  lodge_task_step_in_thread (task, prepare_step, prepared_cb);
}

static gboolean
check (LodgeMachine *self, gpointer data, GError **error)
{
  const Convert *convert = data;

  if (!lodge_image_check_export_format (convert->format, error))
    return FALSE;
  if (!g_path_is_absolute (convert->path) || g_str_has_suffix (convert->path, "/")) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("“%s” is no whole path from /"),
                 convert->path);
    return FALSE;
  }
  /* What the snapshot names may be a file of the user's. */
  return convert->snapshot_name == NULL ||
         (lodge_machine_check_no_outside (self, error) &&
          lodge_description_find_snapshot (lodge_machine_get_description (self),
                                           convert->snapshot_name, error) != NULL);
}

void
lodge_machine_convert_disk_async (LodgeMachine *self,
                                  LodgeJob *job,
                                  const char *disk,
                                  const char *format,
                                  const char *path,
                                  const char *snapshot,
                                  gboolean replace,
                                  const char *const *forbidden,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  static const LodgeDiskWorkKind present = {LODGE_ACTION_CONVERT, N_ ("Copying the disk"), check,
                                            go};
  static const LodgeDiskWorkKind frozen = {LODGE_N_ACTIONS, N_ ("Copying the disk"), check, go};
  Convert *convert = g_new0 (Convert, 1);

  convert->work.undone = g_strdup_printf (_ ("The disk “%s” was not copied: "), disk);
  convert->disk = g_strdup (disk);
  convert->format = g_strdup (format);
  convert->path = g_strdup (path);
  convert->snapshot_name = g_strdup (snapshot);
  convert->replace = replace;
  convert->forbidden = g_strdupv ((char **) forbidden);
  /* A snapshot may have one that the present has no more. */
  lodge_disk_work_begin (lodge_disk_work_new (self, convert, job, snapshot == NULL ? disk : NULL,
                                              convert_free, callback, user_data),
                         snapshot == NULL ? &present : &frozen);
}

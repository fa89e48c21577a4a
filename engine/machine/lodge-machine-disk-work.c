/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all work on a disk has in common.
 *
 * Whatever changes a machine's layers does it by the journal (lodge-journal.h): new files are
 * listed and made, one write of machine.ini makes them count, and what that does not name any more
 * goes.
 */
#include "machine/lodge-machine-disk-work.h"
#include "machine/lodge-machine-disks.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

void
lodge_disk_work_clear (LodgeDiskWork *self)
{
  g_object_unref (self->job);
  g_free (self->disk);
  g_free (self->folder);
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  g_ptr_array_unref (self->files);
  g_free (self->result);
  g_free (self->undone);
  g_clear_error (&self->error);
}

/* Takes @task. */
static void
finish (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeDiskWork *work = g_task_get_task_data (task);

  if (work->lock_fd >= 0)
    close (g_steal_fd (&work->lock_fd));
  if (work->began) {
    lodge_machine_end_work (self);
    lodge_machine_emit_changed (self);
  }
  if (work->undone != NULL && g_error_matches (work->error, LODGE_ERROR, LODGE_ERROR_STORAGE))
    g_prefix_error (&work->error, "%s", work->undone);
  if (work->error != NULL)
    g_task_return_error (task, g_steal_pointer (&work->error));
  else
    g_task_return_pointer (task, g_strdup (work->result != NULL ? work->result : ""), g_free);
}

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* What could not be removed is tried again with the next work, and by the next engine. */
  if (!lodge_machine_tidy_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  finish (user_data);
}

void
lodge_disk_work_end (GTask *task, GError *error)
{
  LodgeDiskWork *work = g_task_get_task_data (task);

  work->error = error;
  lodge_machine_tidy_async (g_task_get_source_object (task), tidied_cb, task);
}

static gboolean
journal_step (gpointer data, GError **error)
{
  const LodgeDiskWork *work = data;

  return lodge_journal_begin (work->folder, work->files, error);
}

void
lodge_disk_work_journal (GTask *task, GAsyncReadyCallback callback)
{
  lodge_task_step_in_thread (task, journal_step, callback);
}

char *
lodge_disk_work_dup_free_file (const LodgeDiskWork *self,
                               const LodgeDescription *now,
                               const char *disk,
                               const char *format)
{
  for (guint n = 0;; n++) {
    g_autofree char *file = g_strdup_printf ("layers/%s-l%u.%s", disk, n, format);
    g_autofree char *path = g_build_filename (self->folder, file, NULL);
    gboolean taken = g_file_test (path, G_FILE_TEST_EXISTS) ||
                     g_file_test (path, G_FILE_TEST_IS_SYMLINK) ||
                     lodge_description_needs_file (now, file);

    if (!taken)
      return g_steal_pointer (&file);
  }
}

/* The beginning. */

typedef struct {
  GTask *task;
  const LodgeDiskWorkKind *kind;
} Beginning;

/* What was asked for before has been made since: it may be a template. */
static gboolean
check_state (LodgeMachine *self, LodgeDiskWork *work, const LodgeDiskWorkKind *kind, GError **error)
{
  return work->live || kind->action == LODGE_N_ACTIONS ||
         lodge_state_check_action (self->state, kind->action, lodge_machine_get_name (self), error);
}

static void
earlier_tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Beginning *beginning = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  LodgeDiskWork *work = g_task_get_task_data (beginning->task);

  /* The journal of earlier work stays where that could not be finished. */
  if (!lodge_machine_tidy_earlier_finish (self, result, &work->error) ||
      !lodge_machine_check_usable (self, &work->error) ||
      !check_state (self, work, beginning->kind, &work->error) ||
      (work->disk != NULL && lodge_machine_find_disk (self, work->disk, &work->error) == NULL))
    finish (beginning->task);
  else
    beginning->kind->go (beginning->task);
}

static void
saved_before_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_tidy_earlier_async (LODGE_MACHINE (source), earlier_tidied_cb, user_data);
}

/* What is no image is not grown, compacted or copied out. */
static gboolean
check_image (LodgeMachine *self, const char *id, GError **error)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  const LodgeDisk *disk = id != NULL ? lodge_machine_find_disk (self, id, NULL) : NULL;
  const LodgeLayer *top = disk != NULL ? lodge_description_get_layer (now, disk->top) : NULL;

  if (top == NULL || top->host_disk[0] == '\0')
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
               _ ("The disk “%s” is one of this computer, %s, as a whole: there is no image of it "
                  "that could be grown, compacted or copied"),
               id, top->file);
  return FALSE;
}

static gboolean
check (LodgeMachine *self, LodgeDiskWork *work, const LodgeDiskWorkKind *kind, GError **error)
{
  lodge_machine_refresh (self);
  if (!lodge_machine_check_usable (self, error))
    return FALSE;
  if (kind->action != LODGE_N_ACTIONS) {
    if ((kind->action != LODGE_ACTION_ENCRYPT &&
         !lodge_machine_check_not_suspended (self, _ ("disk"), error)) ||
        !lodge_machine_check_action (self, kind->action, error))
      return FALSE;
    if (!lodge_state_is_live (self->state) && self->pid != 0) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                   _ ("The QEMU of “%s” is still there after a panic: force it off first"),
                   lodge_machine_get_name (self));
      return FALSE;
    }
    if (lodge_state_is_live (self->state) && self->qmp == NULL) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                   _ ("“%s” runs, but its control socket is gone: its disks can be changed once it "
                      "is off"),
                   lodge_machine_get_name (self));
      return FALSE;
    }
  }
  return (work->disk == NULL || lodge_machine_find_disk (self, work->disk, error) != NULL) &&
         (kind->action == LODGE_ACTION_DISKS || check_image (self, work->disk, error)) &&
         (kind->check == NULL || kind->check (self, work, error));
}

gboolean
lodge_disk_work_check (GTask *task, const LodgeDiskWorkKind *kind, GError **error)
{
  return check (g_task_get_source_object (task), g_task_get_task_data (task), kind, error);
}

static void
begin_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Beginning *beginning = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = beginning->task;
  LodgeDiskWork *work = g_task_get_task_data (task);

  lodge_machine_stop_work_finish (self, result);
  work->began = check (self, work, beginning->kind, &work->error) &&
                lodge_machine_begin_work (self, work->job, &work->error);
  if (work->began) {
    lodge_job_set_step (work->job, _ (beginning->kind->step));
    work->live = lodge_state_is_live (self->state);
    if (!work->live && beginning->kind->action != LODGE_N_ACTIONS)
      work->lock_fd = lodge_store_lock (self->store, self->uuid, &work->error);
  }
  if (work->error != NULL) {
    g_free (beginning);
    finish (task);
    return;
  }
  lodge_machine_wait_saved_async (self, saved_before_cb, beginning);
}

void
lodge_disk_work_begin (GTask *task, const LodgeDiskWorkKind *kind)
{
  Beginning *beginning = g_new0 (Beginning, 1);

  beginning->task = task;
  beginning->kind = kind;
  lodge_machine_stop_work_async (g_task_get_source_object (task), begin_cb, beginning);
}

GTask *
lodge_disk_work_new (LodgeMachine *self,
                     gpointer work_given,
                     LodgeJob *job,
                     const char *disk,
                     GDestroyNotify free_work,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  LodgeDiskWork *work = work_given;

  work->job = g_object_ref (job);
  work->disk = g_strdup (disk);
  work->folder = lodge_machine_dup_folder (self);
  work->lock_fd = -1;
  work->files = g_ptr_array_new_with_free_func (g_free);
  g_task_set_source_tag (task, lodge_disk_work_new);
  g_task_set_task_data (task, work, free_work);
  return task;
}

char *
lodge_machine_disk_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_disk_work_new), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk goes, with its layers.
 *
 * A guest that runs lets go of it first; whatever ends before machine.ini is written, it has it
 * again then (lodge-machine-disk-plug.c).
 *
 * What would go is listed in the journal; then machine.ini names it no more, which is the moment
 * from which it is gone. Layers that a snapshot needs stay, and so does what a clone shares: a file
 * with another name is there under that.
 */
#include "machine/lodge-machine-disk-work.h"
#include "machine/lodge-machine-disks.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"

#include <glib/gi18n-lib.h>

typedef struct {
  LodgeDiskWork work;
  gboolean first; /* also the one that it starts from */
  gboolean out;   /* its guest has it no more */
  GError *failed; /* what was wrong, while it gets it again */
} Remove;

static void
remove_free (gpointer data)
{
  Remove *its = data;

  lodge_disk_work_clear (&its->work);
  g_clear_error (&its->failed);
  g_free (data);
}

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Remove *its = g_task_get_task_data (task);

  (void) lodge_machine_settle_disks_finish (LODGE_MACHINE (source), result);
  lodge_disk_work_end (task, g_steal_pointer (&its->failed));
}

/* Takes @error. */
static void
finish (GTask *task, GError *error)
{
  Remove *its = g_task_get_task_data (task);

  if (error == NULL || !its->out) {
    lodge_disk_work_end (task, error);
    return;
  }
  its->failed = error;
  lodge_machine_settle_disks_async (g_task_get_source_object (task), settled_cb, task);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Remove *its = g_task_get_task_data (task);
  GError *error = NULL;

  if (lodge_machine_save_finish (self, result, &error)) {
    lodge_journal_step ("written");
    lodge_machine_plug_removed (self, its->work.disk);
  }
  finish (task, error);
}

static gboolean
edit (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const LodgeDiskWork *work = data;

  lodge_description_remove_disk (value, work->disk);
  return TRUE;
}

static void
journaled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeDiskWork *work = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) ||
      lodge_job_set_error_if_cancelled (work->job, &error))
    finish (task, error);
  else
    lodge_machine_save_for_work_async (g_task_get_source_object (task), edit, work, saved_cb, task);
}

static void
remove_files (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeDiskWork *work = g_task_get_task_data (task);
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (LodgeDescription) next = lodge_description_copy (now);

  lodge_description_remove_disk (next, work->disk);
  for (guint i = 0; i < now->layers->len; i++) {
    const LodgeLayer *layer = now->layers->pdata[i];

    /* Nor what lies elsewhere, or was named by hand. */
    if (lodge_description_get_layer (next, layer->id) == NULL && lodge_journal_takes (layer->file))
      g_ptr_array_add (work->files, g_strdup (layer->file));
  }
  lodge_disk_work_journal (task, journaled_cb);
}

static void
unplugged_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Remove *its = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_machine_plug_finish (LODGE_MACHINE (source), result, &error)) {
    lodge_disk_work_end (task, error);
    return;
  }
  its->out = TRUE;
  remove_files (task);
}

static void
go (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  const LodgeDiskWork *work = g_task_get_task_data (task);

  if (!work->live) {
    remove_files (task);
    return;
  }
  lodge_job_set_step (work->job, _ ("Waiting until the guest lets go of the disk"));
  lodge_machine_plug_out_async (self, work->disk, lodge_job_get_cancellable (work->job),
                                unplugged_cb, task);
}

static gboolean
check (LodgeMachine *self, gpointer data, GError **error)
{
  const Remove *its = data;
  const LodgeDescription *now = lodge_machine_get_description (self);
  const LodgeDisk *first = now->disks->pdata[0];
  const gboolean live = lodge_state_is_live (self->state);

  if (!g_str_equal (first->id, its->work.disk) || (its->first && !live))
    return !live || lodge_machine_check_plug (self, first->bus, its->work.disk, error);
  if (live)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” has started from the disk “%s”, which can be removed only while it is "
                    "off: shut it down first"),
                 lodge_machine_get_name (self), first->id);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” starts from the disk “%s”: removing that has to be confirmed"),
                 lodge_machine_get_name (self), first->id);
  return FALSE;
}

void
lodge_machine_remove_disk_async (LodgeMachine *self,
                                 LodgeJob *job,
                                 const char *disk,
                                 gboolean first,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  static const LodgeDiskWorkKind kind = {LODGE_ACTION_DISKS, N_ ("Removing the disk"), check, go};
  Remove *its = g_new0 (Remove, 1);

  its->first = first;
  lodge_disk_work_begin (
      lodge_disk_work_new (self, its, job, disk, remove_free, callback, user_data), &kind);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk goes, with its layers, or is kept and only not the guest's any more.
 *
 * A guest that runs lets go of it first; whatever ends before machine.ini is written, it has it
 * again then (lodge-machine-disk-plug.c).
 *
 * Of one that is detached machine.ini says so, and nothing else changes: it has its layers, its
 * port and its place among the others. Attaching it is in lodge-machine-disk-add.c.
 *
 * What would go is listed in the journal; then machine.ini names it no more, which is the moment
 * from which it is gone. Layers that a snapshot needs stay, and so does what a clone shares: a file
 * with another name is there under that.
 */
#include "machine/lodge-machine-disk-work.h"
#include "machine/lodge-machine-disks.h"

#include "description/lodge-description-keys.h"
#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"

#include <glib/gi18n-lib.h>

typedef struct {
  LodgeDiskWork work;
  gboolean kept;  /* it is only detached */
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
  const Remove *its = data;
  LodgeDisk *disk = lodge_section_find_item (LODGE_SECTION_DISK, value, its->work.disk);

  if (!its->kept)
    lodge_description_remove_disk (value, its->work.disk);
  else if (disk != NULL)
    disk->attached = FALSE;
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

/* The guest has it no more. */
static void
take_out (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  const Remove *its = g_task_get_task_data (task);
  LodgeDiskWork *work = g_task_get_task_data (task);
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (LodgeDescription) next = lodge_description_copy (now);

  if (its->kept) {
    lodge_machine_save_for_work_async (self, edit, work, saved_cb, task);
    return;
  }
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
  take_out (task);
}

static void
go (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  const LodgeDiskWork *work = g_task_get_task_data (task);

  if (!work->live || !lodge_machine_is_plugged (self, work->disk)) {
    take_out (task);
    return;
  }
  lodge_job_set_step (work->job, _ ("Waiting until the guest lets go of the disk"));
  lodge_machine_plug_out_async (self, work->disk, lodge_job_get_cancellable (work->job),
                                unplugged_cb, task);
}

/* The one that it starts from is not taken by a slip. */
static gboolean
refuse_first (LodgeMachine *self, const Remove *its, GError **error)
{
  const char *name = lodge_machine_get_name (self);

  if (!lodge_state_is_live (self->state))
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 its->kept
                     ? _ ("“%s” starts from the disk “%s”: detaching that has to be confirmed")
                     : _ ("“%s” starts from the disk “%s”: removing that has to be confirmed"),
                 name, its->work.disk);
  else
    g_set_error (
        error, LODGE_ERROR, LODGE_ERROR_STATE,
        its->kept ? _ ("“%s” has started from the disk “%s”, which can be detached only while it "
                       "is off: shut it down first")
                  : _ ("“%s” has started from the disk “%s”, which can be removed only while it "
                       "is off: shut it down first"),
        name, its->work.disk);
  return FALSE;
}

static gboolean
check (LodgeMachine *self, gpointer data, GError **error)
{
  const Remove *its = data;
  const LodgeDisk *first = lodge_description_get_boot_disk (lodge_machine_get_description (self));
  const gboolean live = lodge_state_is_live (self->state);

  if (live && !lodge_machine_is_plugged (self, its->work.disk))
    return TRUE;
  if (first != NULL && g_str_equal (first->id, its->work.disk) && (!its->first || live))
    return refuse_first (self, its, error);
  return !live || lodge_machine_check_plug_out (self, its->work.disk, error);
}

static gboolean
check_kept (LodgeMachine *self, gpointer data, GError **error)
{
  const Remove *its = data;
  const LodgeDisk *disk = lodge_machine_find_disk (self, its->work.disk, NULL);
  const LodgeLayer *top =
      lodge_description_get_layer (lodge_machine_get_description (self), disk->top);

  if (!disk->attached) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The disk “%s” of “%s” is detached already"), disk->id,
                 lodge_machine_get_name (self));
    return FALSE;
  }
  if (top->host_disk[0] != '\0') {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The disk “%s” is one of this computer, %s, as a whole: remove it from the "
                    "machine, which leaves all that is on it"),
                 disk->id, top->file);
    return FALSE;
  }
  return check (self, data, error);
}

/* Takes @its. */
static void
begin (LodgeMachine *self,
       Remove *its,
       const LodgeDiskWorkKind *kind,
       LodgeJob *job,
       const char *disk,
       GAsyncReadyCallback callback,
       gpointer user_data)
{
  lodge_disk_work_begin (
      lodge_disk_work_new (self, its, job, disk, remove_free, callback, user_data), kind);
}

void
lodge_machine_detach_disk_async (LodgeMachine *self,
                                 LodgeJob *job,
                                 const char *disk,
                                 gboolean first,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  static const LodgeDiskWorkKind kind = {LODGE_ACTION_DISKS, N_ ("Detaching the disk"), check_kept,
                                         go};
  Remove *its = g_new0 (Remove, 1);

  its->kept = TRUE;
  its->first = first;
  begin (self, its, &kind, job, disk, callback, user_data);
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
  begin (self, its, &kind, job, disk, callback, user_data);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Suspending a guest to disk, and giving up what was suspended.
 *
 * Theory of operation. The memory is written while the guest runs; then it stands still, and QEMU
 * writes what is left and lets go of the disks. What is written is in snapshots/ID:
 *
 *     machine.ini   what the guest runs with
 *     memory        what QEMU needs to go on from there: also the firmware's variables and the TPM
 *     disks         how the disks were then (lodge-suspend-files.h)
 *
 * All of that is on the disk before machine.ini names it, which is the moment from which the
 * machine is suspended; only then QEMU ends. Until that moment the guest can go on in the same
 * QEMU, and does so after a failure or when it was cancelled. A QEMU that ends by itself once it
 * has let go of the disks has done its part: the memory counts.
 *
 * It Mustn't let a guest run while machine.ini names its memory.
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-durable-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-machine-snapshot-private.h"
#include "machine/lodge-snapshot-files.h"
#include "machine/lodge-suspend-files.h"
#include "qemu/lodge-qemu-snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

/* The data of the task, whose source is the machine. */
typedef struct {
  LodgeJob *job;
  char *folder;
  char *id;      /* of what is written */
  char *earlier; /* what machine.ini names still, of a guest that has gone on from it; or NULL */
  LodgeDescription *stored;
  LodgeQemuSnapshot *qemu;
  int memory_fd;
  LodgeSealed *sealed;    /* of an encrypted machine, between QEMU and that */
  LodgeMachineShot *shot; /* of what the guest shows while it stands still */
  gboolean ran;           /* and does not only stand still */
  gboolean stood;         /* because the user had paused it, and is to do so again */
  gboolean named;         /* machine.ini names it, or may do so */
  gboolean known;         /* what QEMU does, once this has ended badly */
  int lock_fd;            /* while there is no QEMU */
  gboolean rests;         /* it is where it was to come to; told last */
  GError *error;          /* while what was begun is being undone */
} Suspend;

static void
suspend_free (gpointer data)
{
  Suspend *suspend = data;

  g_clear_object (&suspend->job);
  g_free (suspend->folder);
  g_free (suspend->id);
  g_free (suspend->earlier);
  g_clear_pointer (&suspend->stored, lodge_description_free);
  g_clear_object (&suspend->qemu);
  lodge_sealed_free (suspend->sealed);
  lodge_machine_shot_free (suspend->shot);
  if (suspend->memory_fd >= 0)
    close (suspend->memory_fd);
  if (suspend->lock_fd >= 0)
    close (suspend->lock_fd);
  g_clear_error (&suspend->error);
  g_free (suspend);
}

/* The last step. Takes @task_given. */
static void
end (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  Suspend *suspend = g_task_get_task_data (task);

  if (suspend->lock_fd >= 0)
    close (g_steal_fd (&suspend->lock_fd));
  lodge_machine_end_work (self);
  /* Whoever is told may start it at once. */
  if (suspend->rests) {
    lodge_machine_set_state (self, lodge_machine_get_rest_state (self));
    lodge_machine_note_rest (self);
    lodge_machine_end_waiting (self);
  }
  if (suspend->error != NULL) {
    if (suspend->error->code == LODGE_ERROR_STORAGE)
      g_prefix_error (&suspend->error, _ ("“%s” was not suspended: "),
                      lodge_machine_get_name (self));
    g_task_return_error (task, g_steal_pointer (&suspend->error));
  } else {
    g_task_return_boolean (task, TRUE);
  }
}

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* What could not be removed is tried again with the next work, and by the next engine. */
  if (!lodge_machine_tidy_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  end (user_data);
}

static void
tidy (GTask *task)
{
  lodge_machine_tidy_async (g_task_get_source_object (task), tidied_cb, task);
}

/* A failure: the guest goes on as if nothing had been. */

static void
settle (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Suspend *suspend = g_task_get_task_data (task);

  if (self->state == LODGE_STATE_SUSPENDING) {
    if (self->pid == 0) {
      lodge_run_record_qemu_ended (suspend->folder);
      lodge_machine_crashed (self, LODGE_RUN_QEMU_ENDED);
      lodge_machine_end_waiting (self);
    } else {
      /* One that has stopped by itself, for a disk that failed, stays as it is. */
      lodge_machine_set_state (self, suspend->ran && !self->disk_failed ? LODGE_STATE_RUNNING
                                                                        : LODGE_STATE_PAUSED);
    }
  }
  /* A QEMU that could not be asked may still write the memory, or stand still over it. */
  if (suspend->qemu != NULL && lodge_machine_leave_open (self, suspend->known, &suspend->error))
    end (task);
  else
    tidy (task);
}

static void
went_on_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Suspend *suspend = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error)) {
    g_debug ("%s", error->message);
    /* The user can resume it, and should know. */
    suspend->ran = FALSE;
  } else {
    lodge_machine_went_on (self, suspend->id);
  }
  self->frozen = FALSE;
  settle (task);
}

static void
go_on (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Suspend *suspend = g_task_get_task_data (task);

  if (self->qmp != NULL && suspend->ran) {
    lodge_qemu_snapshot_go_on_async (suspend->qemu, went_on_cb, task);
    return;
  }
  self->frozen = FALSE;
  settle (task);
}

static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* Should machine.ini still name it then there is nothing in it any more. */
  if (!lodge_machine_forget_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  go_on (user_data);
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Suspend *suspend = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  suspend->known = lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error);
  if (!suspend->known)
    g_debug ("%s", error->message);
  /* The guest may stand still for want of the room that its memory has taken. */
  if (suspend->memory_fd >= 0 && ftruncate (suspend->memory_fd, 0) != 0)
    g_debug ("%s", g_strerror (errno));
  if (suspend->named) {
    /* Where it was not named after all, what is still named is an older memory, of which the same
     * is known already. */
    if (g_strcmp0 (lodge_machine_get_description (self)->suspended, suspend->id) == 0)
      lodge_machine_set_gone_on (self, suspend->id);
    lodge_machine_forget_async (self, forgotten_cb, task);
  } else {
    go_on (task);
  }
}

/* Takes @error. */
static void
abandon (GTask *task, GError *error)
{
  Suspend *suspend = g_task_get_task_data (task);
  LodgeMachine *self = g_task_get_source_object (task);

  suspend->error = error;
  if (suspend->sealed != NULL)
    lodge_sealed_stop (suspend->sealed);
  self->ending = self->ending && self->state != LODGE_STATE_SUSPENDING;
  if (suspend->qemu != NULL)
    lodge_qemu_snapshot_end_async (suspend->qemu, ended_cb, task);
  else
    settle (task);
}

/* It counts: QEMU ends. */

static void
rest (GTask *task)
{
  Suspend *suspend = g_task_get_task_data (task);

  /* Also of a QEMU that has ended by itself. */
  lodge_run_record_clear (suspend->folder);
  suspend->rests = TRUE;
  tidy (task);
}

static void
gone_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_journal_step ("gone");
  rest (user_data);
}

static gboolean
edit_suspended (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Suspend *suspend = data;

  if (self->state != LODGE_STATE_SUSPENDING) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” has ended meanwhile: try again now"), lodge_machine_get_name (self));
    return FALSE;
  }
  g_free (value->suspended);
  value->suspended = g_strdup (suspend->id);
  return TRUE;
}

static void
named_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  GError *error = NULL;

  if (!lodge_machine_save_finish (self, result, &error)) {
    abandon (task, error);
    return;
  }
  lodge_journal_step ("named");
  if (self->pid == 0) {
    rest (task);
    return;
  }
  g_ptr_array_add (self->waiting_for_end, g_task_new (self, NULL, gone_cb, task));
  lodge_machine_end_qemu (self);
}

static void
pictured_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Suspend *suspend = g_task_get_task_data (task);
  GBytes *png = lodge_machine_shot_wait_finish (result);

  /* The machine has it by now. */
  g_clear_pointer (&png, g_bytes_unref);
  /* A write that fails at its very end may be there all the same. */
  suspend->named = TRUE;
  lodge_machine_save_for_work_async (self, edit_suspended, suspend, named_cb, task);
}

static void
synced_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Suspend *suspend = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    lodge_machine_shot_wait_async (suspend->shot, pictured_cb, task);
  else
    abandon (task, error);
}

static gboolean
sync_step (gpointer data, GError **error)
{
  Suspend *suspend = data;
  g_autofree char *below = lodge_snapshot_dup_folder (suspend->id);
  g_autofree char *path = g_build_filename (suspend->folder, below, NULL);
  gboolean synced =
      lodge_snapshot_files_sync_memory (suspend->folder, suspend->id, suspend->memory_fd, error);

  lodge_journal_step ("synced");
  return synced &&
         lodge_suspend_files_stamp (suspend->folder, suspend->id, suspend->stored, suspend->stood,
                                    error) &&
         lodge_durable_folder_sync (path, error);
}

static void
sealed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (lodge_sealed_finish (result, &error))
    lodge_task_step_in_thread (user_data, sync_step, synced_cb);
  else
    abandon (user_data, error);
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Suspend *suspend = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error)) {
    abandon (task, error);
    return;
  }
  lodge_journal_step ("whole");
  if (self->state != LODGE_STATE_SUSPENDING) {
    abandon (task, g_error_new (LODGE_ERROR, LODGE_ERROR_STATE,
                                _ ("“%s” has ended meanwhile: try again now"),
                                lodge_machine_get_name (self)));
    return;
  }
  /* Its end is none of the guest's any more. */
  self->ending = TRUE;
  lodge_job_set_progress (suspend->job, 0.96);
  lodge_job_set_step (suspend->job, _ ("Writing it to disk"));
  lodge_qemu_snapshot_close_memory (suspend->qemu);
  suspend->shot = lodge_machine_shot_new (self);
  if (suspend->sealed != NULL)
    lodge_sealed_finish_async (suspend->sealed, sealed_cb, task);
  else
    lodge_task_step_in_thread (task, sync_step, synced_cb);
}

/* While the guest runs. */

static void
frozen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Suspend *suspend = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error)) {
    abandon (task, error);
    return;
  }
  lodge_journal_step ("frozen");
  lodge_qemu_snapshot_switch_async (suspend->qemu, written_cb, task);
}

static void
progress_cb (double fraction, gpointer user_data)
{
  Suspend *suspend = g_task_get_task_data (user_data);

  lodge_journal_step ("memory");
  lodge_job_set_progress (suspend->job, fraction * 0.95);
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Suspend *suspend = g_task_get_task_data (task);
  guint64 memory = (guint64) suspend->stored->memory_mib << 20;
  guint64 bytes, room;
  int memory_fd;
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    abandon (task, error);
    return;
  }
  if (self->qmp == NULL || self->state != LODGE_STATE_SUSPENDING) {
    abandon (task, g_error_new (LODGE_ERROR, LODGE_ERROR_STATE,
                                _ ("“%s” has ended meanwhile: try again now"),
                                lodge_machine_get_name (self)));
    return;
  }
  memory_fd = lodge_machine_seal_memory (self, suspend->memory_fd, &suspend->sealed, &error);
  if (memory_fd < 0) {
    abandon (task, error);
    return;
  }
  lodge_job_set_step (suspend->job, _ ("Writing the guest's memory"));
  suspend->qemu = lodge_qemu_snapshot_new (self->qmp);
  self->frozen = TRUE;
  lodge_snapshot_live_measure (self, &bytes, &room);
  lodge_qemu_snapshot_freeze_async (
      suspend->qemu, memory_fd, lodge_snapshot_live_get_most (memory, bytes, room), progress_cb,
      task, lodge_job_get_cancellable (suspend->job), frozen_cb, task);
  close (memory_fd);
}

static gboolean
prepare_step (gpointer data, GError **error)
{
  Suspend *suspend = data;
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (files, lodge_snapshot_dup_folder (suspend->id));
  if (suspend->earlier != NULL)
    g_ptr_array_add (files, lodge_snapshot_dup_folder (suspend->earlier));
  if (!lodge_journal_begin_live (suspend->folder, files, suspend->id, suspend->ran, error) ||
      !lodge_snapshot_files_store (suspend->folder, suspend->id, suspend->stored, error))
    return FALSE;
  suspend->memory_fd = lodge_snapshot_files_open_memory (suspend->folder, suspend->id, TRUE, error);
  return suspend->memory_fd >= 0;
}

static void
prepare (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Suspend *suspend = g_task_get_task_data (task);

  suspend->id = lodge_description_dup_snapshot_id ();
  suspend->earlier = g_strdup (lodge_machine_get_description (self)->suspended);
  suspend->stored = lodge_snapshot_live_dup_description (self);
  lodge_task_step_in_thread (task, prepare_step, prepared_cb);
}

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (lodge_snapshot_ask_qemu_finish (LODGE_MACHINE (source), result, &error))
    prepare (user_data);
  else
    abandon (user_data, error);
}

static void
earlier_tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  const Suspend *suspend = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_machine_tidy_earlier_finish (self, result, &error))
    abandon (task, error);
  else if (self->qmp != NULL)
    /* What it has against it is known before anything is written, and is said with its switch. */
    lodge_snapshot_ask_qemu_async (self, LODGE_ACTION_SUSPEND,
                                   lodge_job_get_cancellable (suspend->job), asked_cb, task);
  else
    prepare (task);
}

static void
saved_before_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_tidy_earlier_async (LODGE_MACHINE (source), earlier_tidied_cb, user_data);
}

/* What can be known before the first step. */
static gboolean
check (LodgeMachine *self, GError **error)
{
  /* What is in the way of a snapshot with memory is in the way of this; what QEMU has against it is
   * asked as the first step. */
  if (!lodge_snapshot_check (self, LODGE_ACTION_SUSPEND, NULL, error))
    return FALSE;
  if (self->asleep) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE, _ ("“%s” is asleep: wake it up first"),
                 lodge_machine_get_name (self));
    return FALSE;
  }
  if (self->changing_media) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("A drive of “%s” is being changed: try again when that is done"),
                 lodge_machine_get_name (self));
    return FALSE;
  }
  return lodge_machine_check_writable (self, error);
}

static GTask *
new_task (LodgeMachine *self,
          LodgeJob *job,
          gpointer tag,
          GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Suspend *suspend = g_new0 (Suspend, 1);

  suspend->job = g_object_ref (job);
  suspend->folder = lodge_machine_dup_folder (self);
  suspend->memory_fd = -1;
  suspend->lock_fd = -1;
  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, suspend, suspend_free);
  return task;
}

/* Takes @task. */
static void
begin (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Suspend *suspend = g_task_get_task_data (task);
  GError *error = NULL;

  if (!check (self, &error) || !lodge_machine_begin_work (self, suspend->job, &error)) {
    if (error->code == LODGE_ERROR_STORAGE)
      g_prefix_error (&error, _ ("“%s” was not suspended: "), lodge_machine_get_name (self));
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  suspend->ran = self->state == LODGE_STATE_RUNNING;
  suspend->stood = !suspend->ran && !self->paused_for_suspend;
  self->paused_for_suspend = FALSE;
  lodge_job_set_step (suspend->job, _ ("Suspending"));
  lodge_machine_set_state (self, LODGE_STATE_SUSPENDING);
  lodge_machine_wait_saved_async (self, saved_before_cb, task);
}

static void
other_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_stop_work_finish (LODGE_MACHINE (source), result);
  begin (user_data);
}

void
lodge_machine_suspend_async (LodgeMachine *self,
                             LodgeJob *job,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task = new_task (self, job, lodge_machine_suspend_async, callback, user_data);
  g_autoptr (GError) error = NULL;

  /* Where nothing is to be waited for the state is another when this returns. What is refused stops
   * nothing. */
  if (self->work != NULL && self->work_gives_way && check (self, &error))
    lodge_machine_end_other_work_async (self, other_ended_cb, task);
  else
    begin (task);
}

gboolean
lodge_machine_suspend_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Discarding. */

static void
discarded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Suspend *suspend = g_task_get_task_data (task);

  if (lodge_machine_forget_finish (self, result, &suspend->error)) {
    lodge_journal_step ("written");
    suspend->rests = TRUE;
  }
  tidy (task);
}

static void
discard_journaled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Suspend *suspend = g_task_get_task_data (task);

  if (g_task_propagate_boolean (G_TASK (result), &suspend->error))
    lodge_machine_forget_async (g_task_get_source_object (task), discarded_cb, task);
  else
    tidy (task);
}

static gboolean
journal_step (gpointer data, GError **error)
{
  Suspend *suspend = data;
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (files, lodge_snapshot_dup_folder (suspend->id));
  return lodge_journal_begin (suspend->folder, files, error);
}

static void
saved_before_discard_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_task_step_in_thread (user_data, journal_step, discard_journaled_cb);
}

void
lodge_machine_discard_suspended_async (LodgeMachine *self,
                                       LodgeJob *job,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  GTask *task = new_task (self, job, lodge_machine_discard_suspended_async, callback, user_data);
  Suspend *suspend = g_task_get_task_data (task);
  GError *error = NULL;

  lodge_machine_refresh (self);
  if (lodge_machine_check_usable (self, &error) &&
      lodge_machine_check_action (self, LODGE_ACTION_DISCARD, &error))
    suspend->lock_fd = lodge_store_lock (self->store, self->uuid, &error);
  if (error != NULL || !lodge_machine_begin_work (self, job, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  suspend->id = g_strdup (lodge_machine_get_description (self)->suspended);
  lodge_job_set_step (job, _ ("Discarding the saved memory"));
  lodge_machine_wait_saved_async (self, saved_before_discard_cb, task);
}

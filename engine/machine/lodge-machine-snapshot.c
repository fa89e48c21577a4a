/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking a snapshot of a machine that is off, and going back to one.
 *
 * Theory of operation. Both make new files beside those that are there, then write machine.ini,
 * which is the moment from which it counts, and then remove what that does not name any more:
 *
 *   1. The machine's lock is taken: no QEMU, and no other engine.
 *   2. What it will be is worked out on a copy of the description.
 *   3. The journal lists all that will be made, and all that may go.
 *   4. What is now is stored in snapshots/ID (always, but for a present that is given up); what was
 *      then is copied out of there, under new names.
 *   5. New tops are made. Until here it can be cancelled.
 *   6. machine.ini is written. Going back, the machine's picture is the one of then.
 *   7. What the journal lists and machine.ini does not need goes: after a failure what was made,
 *      after a success what is old.
 *
 * It Mustn't change a file that either the old or the new machine.ini names.
 */
#include "machine/lodge-machine-snapshot-private.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-clock.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-schedule.h"
#include "machine/lodge-snapshot-files.h"
#include "storage/lodge-image.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

static void
work_free (LodgeSnapshotWork *work)
{
  g_clear_pointer (&work->live, lodge_snapshot_live_free);
  g_clear_object (&work->job);
  g_free (work->name);
  g_free (work->text);
  g_free (work->before);
  g_free (work->target);
  g_free (work->target_name);
  g_free (work->id);
  if (work->lock_fd >= 0)
    close (work->lock_fd);
  g_clear_pointer (&work->tops, g_ptr_array_unref);
  g_clear_pointer (&work->files, g_ptr_array_unref);
  g_clear_pointer (&work->then, lodge_description_free);
  g_clear_pointer (&work->stored, lodge_description_free);
  g_clear_pointer (&work->next, lodge_description_free);
  g_clear_error (&work->refusal);
  g_clear_error (&work->error);
  g_free (work);
}

void
lodge_snapshot_work_end (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeSnapshotWork *work = g_task_get_task_data (task);

  if (work->lock_fd >= 0)
    close (g_steal_fd (&work->lock_fd));
  if (work->error == NULL && work->target != NULL && self->state == LODGE_STATE_CRASHED) {
    g_autofree char *folder = lodge_machine_dup_folder (self);

    /* The disks that a crash was told of are not the present any more. */
    lodge_run_record_clear (folder);
    lodge_machine_set_state (self, LODGE_STATE_OFF);
  }
  lodge_machine_end_work (self);
  if (work->error == NULL) {
    lodge_machine_note_rest (self);
    lodge_machine_emit_changed (self);
    g_task_return_pointer (task, g_strdup (work->id != NULL ? work->id : ""), g_free);
    return;
  }
  if (g_error_matches (work->error, LODGE_ERROR, LODGE_ERROR_STORAGE))
    g_prefix_error (&work->error,
                    work->target != NULL ? _ ("“%s” has not gone back: ")
                                         : _ ("No snapshot of “%s” was taken: "),
                    lodge_machine_get_name (self));
  g_task_return_error (task, g_steal_pointer (&work->error));
}

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* What could not be removed is tried again with the next work, and by the next engine. */
  if (!lodge_machine_tidy_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  lodge_snapshot_work_end (user_data);
}

void
lodge_snapshot_work_tidy (GTask *task)
{
  lodge_machine_tidy_async (g_task_get_source_object (task), tidied_cb, task);
}

/* Takes @error. */
static void
fail (GTask *task, GError *error)
{
  LodgeSnapshotWork *work = g_task_get_task_data (task);

  work->error = error;
  lodge_snapshot_work_tidy (task);
}

/* The present of @value becomes the snapshot. */
static void
freeze (const LodgeSnapshotWork *work, LodgeDescription *value)
{
  LodgeSnapshot *snapshot;

  lodge_description_freeze (value, work->id, work->name, work->text != NULL ? work->text : "",
                            work->scheduled_s != 0 ? work->scheduled_s
                                                   : g_get_real_time () / G_USEC_PER_SEC);
  snapshot = lodge_description_get_snapshot (value, work->id);
  snapshot->automatic = work->target != NULL || work->before != NULL || work->scheduled_s != 0;
  snapshot->scheduled = work->scheduled_s != 0;
  if (work->scheduled_s != 0)
    value->scheduled_s = work->scheduled_s;
}

/* Each on what is there by now: while a guest's memory is written the description may change. */
gboolean
lodge_snapshot_work_edit (LodgeMachine *self,
                          LodgeDescription *value,
                          gpointer data,
                          GError **error)
{
  const LodgeSnapshotWork *work = data;

  if (work->target != NULL) {
    LodgeDescription *copy = lodge_description_copy (work->next);
    LodgeDescription old = *value;

    *value = *copy;
    *copy = old;
    lodge_description_free (copy);
    return TRUE;
  }
  freeze (work, value);
  for (guint i = 0; i < work->tops->len; i++)
    lodge_description_put_top (value, work->tops->pdata[i]);
  return TRUE;
}

/* What the machine shows is what it showed then. Not in the journal: whoever ends before this
 * leaves an older picture, and nothing else that is wrong. */
static void
picture_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  const LodgeSnapshotWork *work = data;
  g_autofree char *folder = lodge_machine_dup_folder (source);
  GError *error = NULL;

  if (lodge_snapshot_files_restore_picture (folder, work->target, &error))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

static void
pictured_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_debug ("%s", error->message);
  lodge_machine_screen_reload (LODGE_MACHINE (source));
  lodge_snapshot_work_tidy (user_data);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  g_autoptr (GTask) worker = NULL;
  GError *error = NULL;

  if (!lodge_machine_save_finish (LODGE_MACHINE (source), result, &error)) {
    fail (task, error);
    return;
  }
  lodge_journal_step ("written");
  if (work->target == NULL) {
    lodge_snapshot_work_tidy (task);
    return;
  }
  worker = g_task_new (source, NULL, pictured_cb, task);
  g_task_set_task_data (worker, work, NULL);
  lodge_task_run_in_thread (worker, picture_thread);
}

static void make_top (GTask *task);

static void
top_made_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_image_create_finish (result, &error)) {
    fail (task, error);
    return;
  }
  lodge_journal_step ("top");
  work->n_made++;
  make_top (task);
}

/* The next one; behind the last it cannot be cancelled any more. */
static void
make_top (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  GCancellable *cancellable = lodge_job_get_cancellable (work->job);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *path = NULL;
  const LodgeLayer *top;
  GError *error = NULL;

  if (g_cancellable_is_cancelled (cancellable)) {
    g_set_error_literal (&error, LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled"));
    fail (task, error);
    return;
  }
  lodge_job_set_progress (work->job, (work->n_made + 1.0) / (work->tops->len + 2));
  if (work->n_made == work->tops->len) {
    if (work->live != NULL)
      lodge_snapshot_live_begin (task);
    else
      lodge_machine_save_for_work_async (self, lodge_snapshot_work_edit, work, saved_cb, task);
    return;
  }
  top = work->tops->pdata[work->n_made];
  path = g_build_filename (folder, top->file, NULL);
  lodge_image_create_async (path, top->format, top->size_bytes, cancellable, top_made_cb, task);
}

static void
prepare_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  LodgeMachine *self = source;
  LodgeSnapshotWork *work = data;
  g_autofree char *folder = lodge_machine_dup_folder (self);
  GError *error = NULL;

  if (lodge_journal_begin_live (folder, work->files, work->live != NULL ? work->id : NULL,
                                work->live != NULL && lodge_snapshot_live_ran (work->live),
                                &error) &&
      (work->stored == NULL ||
       lodge_snapshot_files_store (folder, work->id, work->stored, &error)) &&
      (work->stored == NULL || work->live != NULL ||
       (lodge_snapshot_files_store_states (folder, work->id, work->stored, &error) &&
        lodge_snapshot_files_store_picture (folder, work->id, NULL, &error))) &&
      (work->target == NULL ||
       lodge_snapshot_files_restore (folder, work->target, work->next->nvram, work->next->tpm_state,
                                     &error)))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    make_top (user_data);
  else
    fail (user_data, error);
}

static void
add_file (GPtrArray *files, const char *file)
{
  if (lodge_journal_takes (file))
    g_ptr_array_add (files, g_strdup (file));
}

/* All that may go: what is made, if it comes to nothing, and what is old, if it does not. */
static void
list_files (LodgeSnapshotWork *work, const LodgeDescription *now)
{
  work->files = g_ptr_array_new_with_free_func (g_free);
  if (work->id != NULL)
    g_ptr_array_add (work->files, lodge_snapshot_dup_folder (work->id));
  for (guint i = 0; i < work->tops->len; i++)
    add_file (work->files, ((const LodgeLayer *) work->tops->pdata[i])->file);
  if (work->target == NULL)
    return;
  add_file (work->files, work->next->nvram);
  add_file (work->files, work->next->tpm_state);
  add_file (work->files, now->tpm_state);
  add_file (work->files, now->nvram);
  for (guint i = 0; i < now->layers->len; i++) {
    const LodgeLayer *layer = now->layers->pdata[i];

    if (lodge_description_get_layer (work->next, layer->id) == NULL)
      add_file (work->files, layer->file);
  }
}

static char *
dup_kept_name (const LodgeDescription *now, const char *target)
{
  const LodgeSnapshot *snapshot = lodge_description_get_snapshot (now, target);
  g_autofree char *name = g_strdup_printf (_ ("Before going back to %s"), snapshot->name);

  /* With room for a number behind it. */
  if (g_utf8_strlen (name, -1) > 58 || !lodge_snapshot_name_check (name, NULL)) {
    g_free (name);
    name = g_strdup (_ ("Before going back"));
  }
  return lodge_description_dup_free_snapshot_name (now, name);
}

/* What machine.ini will say. */
static gboolean
plan (LodgeMachine *self, LodgeSnapshotWork *work, GError **error)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autoptr (GHashTable) taken = lodge_snapshot_files_list_layers (folder, error);
  g_autoptr (GPtrArray) old = NULL;

  if (taken == NULL)
    return FALSE;
  /* What was asked for before has been made since: it may be a template, or the name be taken. */
  if (work->live == NULL &&
      !lodge_state_check_action (self->state,
                                 work->target != NULL ? LODGE_ACTION_REVERT : LODGE_ACTION_SNAPSHOT,
                                 lodge_machine_get_name (self), error))
    return FALSE;
  if (work->keep && !lodge_description_check_snapshot_name (now, work->name, error))
    return FALSE;
  work->next = lodge_description_copy (now);
  if (work->keep) {
    work->stored = work->live != NULL ? lodge_snapshot_live_dup_description (self)
                                      : lodge_description_copy (now);
    work->id = lodge_description_dup_snapshot_id ();
    freeze (work, work->next);
  }
  if (work->target != NULL) {
    g_autofree char *suffix = lodge_description_dup_snapshot_id ();

    if (!lodge_description_go_back (work->next, work->then, work->target, &old, error))
      return FALSE;
    /* New names, also where nothing was stored: what is there now is not what was there then. */
    if (work->next->nvram[0] != '\0') {
      g_free (work->next->nvram);
      work->next->nvram = g_strdup_printf ("nvram-%s.qcow2", suffix);
    }
    g_free (work->next->tpm_state);
    work->next->tpm_state = g_strdup_printf ("tpm-%s", suffix);
  }
  work->tops = lodge_description_add_tops (work->next, taken);
  for (guint i = 0; old != NULL && i < old->len; i++)
    lodge_description_release_layer (work->next, old->pdata[i]);
  if (!lodge_snapshot_check_depth (work->next, now, error) ||
      !lodge_description_check (work->next, error))
    return FALSE;
  list_files (work, now);
  return TRUE;
}

static void
prepare (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  g_autoptr (GTask) worker = NULL;
  GError *error = NULL;

  if (!plan (self, work, &error)) {
    fail (task, error);
    return;
  }
  worker = g_task_new (self, lodge_job_get_cancellable (work->job), prepared_cb, task);
  g_task_set_check_cancellable (worker, FALSE);
  g_task_set_task_data (worker, work, NULL);
  lodge_task_run_in_thread (worker, prepare_thread);
}

static void
load_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autofree char *folder = lodge_machine_dup_folder (source);
  LodgeSnapshotWork *work = data;
  GError *error = NULL;

  work->then = lodge_snapshot_files_load (folder, work->target, work->target_name, &error);
  if (work->then != NULL)
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    prepare (user_data);
  else
    fail (user_data, error);
}

static void
earlier_tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  g_autoptr (GTask) worker = NULL;
  GError *error = NULL;

  if (!lodge_machine_tidy_earlier_finish (self, result, &error)) {
    work->error = error;
    lodge_snapshot_work_end (task);
  } else if (work->target == NULL) {
    prepare (task);
  } else {
    worker = g_task_new (self, NULL, loaded_cb, task);
    g_task_set_task_data (worker, work, NULL);
    lodge_task_run_in_thread (worker, load_thread);
  }
}

/* What can be known before the first step. */
static gboolean
check (LodgeMachine *self, LodgeSnapshotWork *work, GError **error)
{
  const LodgeDescription *now;
  const LodgeSnapshot *target;

  if (!lodge_snapshot_check (self,
                             work->target != NULL ? LODGE_ACTION_REVERT : LODGE_ACTION_SNAPSHOT,
                             work->refusal, error))
    return FALSE;
  if (lodge_state_is_live (self->state))
    work->live = lodge_snapshot_live_new (self);

  now = lodge_machine_get_description (self);
  if (work->target != NULL) {
    target = lodge_description_find_snapshot (now, work->target, error);
    if (target == NULL)
      return FALSE;
    g_free (work->target);
    work->target = g_strdup (target->id);
    work->target_name = g_strdup (target->name);
    if (work->keep && work->name == NULL)
      work->name = dup_kept_name (now, work->target);
  }
  if (work->before != NULL) {
    target = lodge_description_find_snapshot (now, work->before, error);
    if (target == NULL)
      return FALSE;
    if (work->name == NULL)
      work->name = dup_kept_name (now, target->id);
  }
  if (work->keep && !lodge_description_check_snapshot_name (now, work->name, error))
    return FALSE;
  return TRUE;
}

static void
saved_before_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_tidy_earlier_async (LODGE_MACHINE (source), earlier_tidied_cb, user_data);
}

static void
begin_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  GError *error = NULL;

  lodge_machine_stop_work_finish (self, result);
  if (!check (self, work, &error) || !lodge_machine_begin_work (self, work->job, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  /* Nobody has asked for it, and it takes a moment: whoever wants something else waits. */
  if (work->scheduled_s != 0 && work->live == NULL)
    lodge_machine_work_ends_soon (self);
  lodge_job_set_step (work->job, work->target != NULL ? _ ("Going back") : _ ("Taking a snapshot"));
  /* QEMU has it while there is one. */
  if (work->live == NULL)
    work->lock_fd = lodge_store_lock (self->store, self->uuid, &work->error);
  if (work->error != NULL)
    lodge_snapshot_work_end (task);
  else
    lodge_machine_wait_saved_async (self, saved_before_cb, task);
}

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  LodgeSnapshotWork *work = g_task_get_task_data (user_data);

  lodge_snapshot_ask_qemu_finish (self, result, &work->refusal);
  lodge_machine_stop_work_async (self, begin_cb, user_data);
}

/* Takes @work. */
static void
begin (LodgeMachine *self,
       LodgeSnapshotWork *work,
       gpointer tag,
       GAsyncReadyCallback callback,
       gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  work->lock_fd = -1;
  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, work, (GDestroyNotify) work_free);
  /* First, because from the end of other work to the begin of this one nothing may come between. */
  if (work->target == NULL && lodge_state_is_live (self->state) && self->qmp != NULL &&
      lodge_machine_check_answers (self, NULL))
    lodge_snapshot_ask_qemu_async (self, LODGE_ACTION_SNAPSHOT,
                                   lodge_job_get_cancellable (work->job), asked_cb, task);
  else
    lodge_machine_stop_work_async (self, begin_cb, task);
}

void
lodge_machine_take_snapshot_async (LodgeMachine *self,
                                   LodgeJob *job,
                                   const char *name,
                                   const char *text,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  LodgeSnapshotWork *work = g_new0 (LodgeSnapshotWork, 1);

  work->job = g_object_ref (job);
  work->name = g_strdup (name);
  work->text = g_strdup (text);
  work->keep = TRUE;
  begin (self, work, lodge_machine_take_snapshot_async, callback, user_data);
}

void
lodge_machine_take_scheduled_async (LodgeMachine *self,
                                    LodgeJob *job,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  LodgeSnapshotWork *work = g_new0 (LodgeSnapshotWork, 1);
  LodgeClock clock;

  lodge_clock_read (&clock);
  work->job = g_object_ref (job);
  work->name = lodge_schedule_dup_name (lodge_machine_get_description (self), clock.wall_s);
  work->scheduled_s = clock.wall_s;
  work->keep = TRUE;
  begin (self, work, lodge_machine_take_snapshot_async, callback, user_data);
}

void
lodge_machine_keep_present_async (LodgeMachine *self,
                                  LodgeJob *job,
                                  const char *snapshot,
                                  const char *name,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  LodgeSnapshotWork *work = g_new0 (LodgeSnapshotWork, 1);

  work->job = g_object_ref (job);
  work->before = g_strdup (snapshot);
  work->name = g_strdup (name);
  work->keep = TRUE;
  begin (self, work, lodge_machine_take_snapshot_async, callback, user_data);
}

char *
lodge_machine_take_snapshot_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_take_snapshot_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
lodge_machine_go_back_async (LodgeMachine *self,
                             LodgeJob *job,
                             const char *snapshot,
                             gboolean keep,
                             const char *name,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  LodgeSnapshotWork *work = g_new0 (LodgeSnapshotWork, 1);

  work->job = g_object_ref (job);
  work->target = g_strdup (snapshot);
  work->keep = keep;
  work->name = g_strdup (name);
  begin (self, work, lodge_machine_go_back_async, callback, user_data);
}

char *
lodge_machine_go_back_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_go_back_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deleting a snapshot, and making one layer of two where no snapshot needs both.
 *
 * A snapshot is forgotten by one write of machine.ini, in any state of its machine: a QEMU goes on
 * with the layers that it has open. Merging waits until there is none, unless there are many: then
 * they become one new layer (lodge-machine-layers-live.c). It changes a layer that is there, and
 * yet no moment of it is a danger: see lodge_image_merge_async(). A layer that a clone
 * shares is never changed; it waits until that is gone. What is to be merged is said by machine.ini
 * alone, so a merge that was stopped, or an engine that was, is nothing that must be remembered.
 * Where layers wait so and a chain is long, they are read into a new one at last, whose machine
 * alone has it (lodge-machine-layers-live.c), once there is nothing left to merge.
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-machine-schedule.h"
#include "storage/lodge-image.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

typedef struct {
  LodgeJob *job;
  char *snapshot;   /* name, then id, of the one to delete; NULL to merge only */
  char *name;       /* of that, for messages */
  gboolean expires; /* it is deleted only if its schedule still says so, */
  gboolean trusted; /* and to whom the clock is right */
  gboolean forgotten;
  int lock_fd;
  GPtrArray *files; /* for the journal */
  char *upper;      /* id of the layer whose contents go down */
  char *layers[3];  /* its file and that of the one below, to be made writable */
  GPtrArray *chain; /* for the merge */
  guint n_merged, n_all;
  gboolean joined; /* a new layer of several was tried */
  GError *error;
} Work;

static void
work_free (Work *work)
{
  g_clear_object (&work->job);
  g_free (work->snapshot);
  g_free (work->name);
  if (work->lock_fd >= 0)
    close (work->lock_fd);
  g_clear_pointer (&work->files, g_ptr_array_unref);
  g_clear_pointer (&work->chain, g_ptr_array_unref);
  g_free (work->upper);
  g_free (work->layers[0]);
  g_free (work->layers[1]);
  g_clear_error (&work->error);
  g_free (work);
}

static void
end (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  Work *work = g_task_get_task_data (task);

  if (work->lock_fd >= 0)
    close (g_steal_fd (&work->lock_fd));
  /* Not by itself again: who has stopped it wants that, and a disk stays full. A start and the like
   * only wait for their turn. */
  if (work->error != NULL && work->upper != NULL && self->waiting_for_work->len == 0)
    self->merge_stopped = TRUE;
  if (work->error != NULL && work->joined && self->waiting_for_work->len == 0)
    self->join_stopped = TRUE;
  /* It has not given way. */
  if (work->snapshot == NULL && self->waiting_for_work->len == 0)
    self->schedule_stopped_merge = FALSE;
  /* There may be room by now. */
  if (work->forgotten)
    self->join_stopped = FALSE;
  lodge_machine_end_work (self);
  lodge_machine_emit_changed (self);
  if (work->error != NULL && work->forgotten) {
    if (g_error_matches (work->error, LODGE_ERROR, LODGE_ERROR_CANCELLED))
      g_clear_error (&work->error);
    else
      g_prefix_error (&work->error,
                      _ ("The snapshot “%s” is deleted, but its layer is not yet merged: "),
                      work->name);
  }
  if (work->error == NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&work->error));
}

static void merge (GTask *task);

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Work *work = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  /* What could not be removed is tried again with the next work, and by the next engine. */
  if (!lodge_machine_tidy_finish (self, result, &error))
    g_debug ("%s", error->message);
  if (work->error != NULL)
    end (task);
  else
    merge (task);
}

/* Takes @error. */
static void
fail (GTask *task, GError *error)
{
  Work *work = g_task_get_task_data (task);

  work->error = error;
  lodge_machine_tidy_async (g_task_get_source_object (task), tidied_cb, task);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Work *work = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_machine_save_finish (self, result, &error)) {
    fail (task, error);
    return;
  }
  lodge_journal_step ("written");
  if (work->upper != NULL)
    work->n_merged++;
  else
    work->forgotten = TRUE;
  lodge_machine_tidy_async (self, tidied_cb, task);
}

static gboolean
edit (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  Work *work = data;

  if (work->upper != NULL)
    lodge_description_merge (value, work->upper);
  else
    lodge_description_forget_snapshot (value, work->snapshot);
  return TRUE;
}

static void
save (GTask *task)
{
  lodge_machine_save_for_work_async (g_task_get_source_object (task), edit,
                                     g_task_get_task_data (task), saved_cb, task);
}

static void
journal_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  g_autofree char *folder = lodge_machine_dup_folder (source);
  GError *error = NULL;

  if (!lodge_journal_begin (folder, work->files, &error)) {
    g_task_return_error (worker, error);
    return;
  }
  for (guint i = 0; work->layers[i] != NULL; i++) {
    if (!g_path_is_absolute (work->layers[i]) &&
        !lodge_own_file_set_mode (folder, work->layers[i], 0600, &error)) {
      g_task_return_error (worker, error);
      return;
    }
  }
  g_task_return_boolean (worker, TRUE);
}

static void
run_journal (GTask *task, GAsyncReadyCallback callback)
{
  Work *work = g_task_get_task_data (task);
  g_autoptr (GTask) worker = g_task_new (g_task_get_source_object (task), NULL, callback, task);

  g_task_set_task_data (worker, work, NULL);
  lodge_task_run_in_thread (worker, journal_thread);
}

/* Merging. */

static void
merged_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (!lodge_image_merge_finish (result, &error)) {
    fail (task, error);
    return;
  }
  lodge_journal_step ("merged");
  /* From here to the end nobody stops it. */
  lodge_machine_work_ends_soon (self);
  save (task);
}

static void
progress_cb (double fraction, gpointer user_data)
{
  Work *work = g_task_get_task_data (user_data);

  lodge_journal_step ("merging");
  lodge_job_set_progress (work->job, (work->n_merged + fraction) / work->n_all);
}

static void
merge_journaled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Work *work = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    lodge_image_merge_async ((const char *const *) work->chain->pdata, progress_cb, task,
                             lodge_job_get_cancellable (work->job), merged_cb, task);
  else
    fail (task, error);
}

/* A file with several names is a clone's, too. */
static gboolean
is_ours_alone (const LodgeLayer *layer, gpointer folder)
{
  return g_path_is_absolute (layer->file) || lodge_own_file_count_names (folder, layer->file) == 1;
}

static LodgeLayer *
find_merge (LodgeMachine *self, const LodgeDescription *description)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  /* What is below may be a file of the user's that somebody else's machine.ini names. */
  if (self->outside != NULL)
    return NULL;
  return lodge_description_find_merge (description, is_ours_alone, folder);
}

/* How many merges there will be. */
static guint
count_merges (LodgeMachine *self, const LodgeDescription *now)
{
  g_autoptr (LodgeDescription) copy = lodge_description_copy (now);
  const LodgeLayer *upper;
  guint n = 0;

  while ((upper = find_merge (self, copy)) != NULL) {
    g_autofree char *id = g_strdup (upper->id);

    lodge_description_merge (copy, id);
    n++;
  }
  return n;
}

/* Whether nobody has the layers open, or will go on from the memory of what was in them: their
 * files must be as they were then. */
gboolean
lodge_machine_is_at_rest (LodgeMachine *self)
{
  return !lodge_state_is_live (self->state) && self->state != LODGE_STATE_SUSPENDED &&
         self->pid == 0;
}

static void
joined_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Work *work = g_task_get_task_data (task);

  if (lodge_machine_join_layers_finish (LODGE_MACHINE (source), result, &work->error))
    merge (task);
  else
    end (task);
}

/* What a deletion leaves is a job of its own: it may take long. */
static gboolean
join (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Work *work = g_task_get_task_data (task);

  if (work->snapshot != NULL || work->joined || self->waiting_for_work->len > 0 ||
      !lodge_machine_can_join_layers (self))
    return FALSE;
  work->joined = TRUE;
  /* What fails from here on is not the merging. */
  g_clear_pointer (&work->upper, g_free);
  /* It takes the lock itself, where there is no QEMU. */
  if (work->lock_fd >= 0)
    close (g_steal_fd (&work->lock_fd));
  lodge_machine_join_layers_async (self, work->job, joined_cb, task);
  return TRUE;
}

/* The next one, or the end. */
static void
merge (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Work *work = g_task_get_task_data (task);
  const LodgeDescription *now = lodge_machine_get_description (self);
  const LodgeLayer *upper = NULL;
  const LodgeLayer *lower;

  if (!lodge_machine_is_at_rest (self) && join (task))
    return;
  /* Nobody waits for a merge, and what is locked can wait: that is done the next time. */
  if (now != NULL && lodge_machine_is_at_rest (self) && self->waiting_for_work->len == 0 &&
      !lodge_machine_is_locked (self))
    upper = find_merge (self, now);
  if (upper == NULL) {
    if (!lodge_machine_is_at_rest (self) || !join (task))
      end (task);
    return;
  }
  if (work->lock_fd < 0)
    work->lock_fd = lodge_store_lock (self->store, self->uuid, &work->error);
  g_clear_pointer (&work->chain, g_ptr_array_unref);
  if (work->lock_fd >= 0)
    work->chain = lodge_machine_list_chain (self, now, upper, &work->error);
  if (work->chain == NULL) {
    end (task);
    return;
  }
  if (work->n_all == 0)
    work->n_all = count_merges (self, now);
  lower = lodge_description_get_layer (now, upper->below);
  lodge_job_set_step (work->job, _ ("Merging layers"));
  g_free (work->upper);
  work->upper = g_strdup (upper->id);
  g_free (work->layers[0]);
  work->layers[0] = g_strdup (upper->file);
  g_free (work->layers[1]);
  work->layers[1] = g_strdup (lower->file);
  g_ptr_array_set_size (work->files, 0);
  if (lodge_journal_takes (upper->file))
    g_ptr_array_add (work->files, g_strdup (upper->file));
  self->work_gives_way = TRUE;
  self->work_ends_soon = FALSE;
  lodge_machine_save_waiting (self);
  run_journal (task, merge_journaled_cb);
}

/* Deleting. */

static void
journaled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    save (user_data);
  else
    fail (user_data, error);
}

static void
forget (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Work *work = g_task_get_task_data (task);
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (LodgeDescription) next = NULL;
  const LodgeSnapshot *snapshot;

  if (work->snapshot == NULL) {
    merge (task);
    return;
  }
  /* Looked for again: what was waited for may have been its deletion. */
  snapshot = lodge_description_find_snapshot (now, work->snapshot, &work->error);
  if (snapshot == NULL ||
      /* And so with what somebody has made his own meanwhile. */
      (work->expires && !lodge_machine_schedule_expires (self, snapshot, work->trusted))) {
    end (task);
    return;
  }
  work->name = g_strdup (snapshot->name);
  g_free (work->snapshot);
  work->snapshot = g_strdup (snapshot->id);
  next = lodge_description_copy (now);
  lodge_description_forget_snapshot (next, work->snapshot);
  g_ptr_array_add (work->files, lodge_snapshot_dup_folder (work->snapshot));
  for (guint i = 0; i < now->layers->len; i++) {
    const LodgeLayer *layer = now->layers->pdata[i];

    if (lodge_description_get_layer (next, layer->id) == NULL && lodge_journal_takes (layer->file))
      g_ptr_array_add (work->files, g_strdup (layer->file));
  }
  run_journal (task, journaled_cb);
}

static void
earlier_tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Work *work = g_task_get_task_data (task);

  if (lodge_machine_tidy_earlier_finish (LODGE_MACHINE (source), result, &work->error))
    forget (task);
  else
    end (task);
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
  Work *work = g_task_get_task_data (task);
  GError *error = NULL;

  lodge_machine_stop_work_finish (self, result);
  lodge_machine_refresh (self);
  if (!lodge_machine_check_usable (self, &error) ||
      (work->snapshot != NULL &&
       lodge_description_find_snapshot (lodge_machine_get_description (self), work->snapshot,
                                        &error) == NULL) ||
      !lodge_machine_begin_work (self, work->job, &error)) {
    /* What nobody has asked for only comes too late. */
    if (work->snapshot == NULL && g_error_matches (error, LODGE_ERROR, LODGE_ERROR_STATE)) {
      g_clear_error (&error);
      g_task_return_boolean (task, TRUE);
    } else {
      g_task_return_error (task, error);
    }
    g_object_unref (task);
    return;
  }
  /* But for the merge itself, which can be stopped. */
  lodge_machine_work_ends_soon (self);
  if (work->snapshot != NULL)
    lodge_job_set_step (work->job, _ ("Deleting the snapshot"));
  lodge_machine_wait_saved_async (self, saved_before_cb, task);
}

/* Takes @work. */
static void
begin (LodgeMachine *self,
       LodgeJob *job,
       const char *snapshot,
       Work *work,
       GAsyncReadyCallback callback,
       gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  work->job = g_object_ref (job);
  work->snapshot = g_strdup (snapshot);
  work->files = g_ptr_array_new_with_free_func (g_free);
  work->lock_fd = -1;
  g_task_set_source_tag (task, lodge_machine_merge_layers_async);
  g_task_set_task_data (task, work, (GDestroyNotify) work_free);
  lodge_machine_stop_work_async (self, begin_cb, task);
}

void
lodge_machine_delete_snapshot_async (LodgeMachine *self,
                                     LodgeJob *job,
                                     const char *snapshot,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  begin (self, job, snapshot, g_new0 (Work, 1), callback, user_data);
}

void
lodge_machine_delete_expired_async (LodgeMachine *self,
                                    LodgeJob *job,
                                    const char *snapshot,
                                    gboolean trusted,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  Work *work = g_new0 (Work, 1);

  work->expires = TRUE;
  work->trusted = trusted;
  begin (self, job, snapshot, work, callback, user_data);
}

void
lodge_machine_merge_layers_async (LodgeMachine *self,
                                  LodgeJob *job,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  begin (self, job, NULL, g_new0 (Work, 1), callback, user_data);
}

gboolean
lodge_machine_layers_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_merge_layers_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
lodge_machine_can_merge_layers (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);

  if (now == NULL || self->work != NULL)
    return FALSE;
  if (!lodge_machine_is_at_rest (self))
    return lodge_machine_can_join_layers (self);
  if (lodge_machine_is_locked (self) || self->recovering || self->merge_stopped ||
      lodge_description_file_get_read_only (self->file) != NULL)
    return FALSE;
  return find_merge (self, now) != NULL || lodge_machine_can_join_layers (self);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making a machine of another one.
 *
 *     web   l0 (frozen) <-- l1 (web writes here)
 *            |
 *     new   l0 (the same file, under a second name) <-- l1 (new writes here)
 *
 * Theory of operation. A layer that two machines stand on is one file with two names, one in the
 * folder of each (link(2)). So each folder names nothing outside of itself, whichever of the two is
 * deleted first leaves the other whole, and the room is free again with the last. A file with
 * several names is never written to: not as a top (lodge-machine-command-check.c), not by a merge
 * (lodge-machine-layers.c), and its mode says so.
 *
 *   1. The source's work is taken, and its lock unless it runs or a snapshot is cloned.
 *   2. Its present becomes frozen layers (lodge-machine-freeze.h): only where something was written
 *      since the last time, and not for a full clone of a machine that is off.
 *   3. The clone's hidden folder gets second names of the frozen layers, and copies of the states.
 *   4. The source is free again.
 *   5. A linked clone gets its own tops. A full one copies what it has names of, and gives them up.
 *   6. machine.ini is written, and the folder gets its name.
 *
 * A full clone of a machine that is off reads what that writes to once it runs: it gets no names,
 * and keeps the source's work until it has copied. So it does where files cannot be shared, or lie
 * outside the folder.
 */
#include "machine/lodge-machine-clone.h"

#include "description/lodge-description-clone.h"
#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-clone-private.h"
#include "machine/lodge-machine-freeze.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-machine-snapshot-private.h"
#include "machine/lodge-snapshot-files.h"
#include "storage/lodge-folder-key.h"
#include "storage/lodge-image-empty.h"
#include "storage/lodge-key-file.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

static void
clone_free (LodgeClone *clone)
{
  lodge_clone_spec_free (clone->spec);
  g_object_unref (clone->job);
  g_free (clone->source_folder);
  g_free (clone->folder);
  if (clone->lock_fd >= 0)
    close (clone->lock_fd);
  g_free (clone->snapshot);
  lodge_machine_shot_free (clone->shot);
  g_clear_pointer (&clone->picture, g_bytes_unref);
  g_clear_pointer (&clone->then, lodge_description_free);
  g_clear_pointer (&clone->from, lodge_description_free);
  g_clear_pointer (&clone->clone, lodge_description_free);
  g_clear_pointer (&clone->flat, lodge_description_free);
  g_clear_pointer (&clone->files, g_ptr_array_unref);
  g_clear_pointer (&clone->chain, g_ptr_array_unref);
  g_clear_pointer (&clone->made, lodge_description_file_free);
  g_clear_error (&clone->error);
  g_free (clone);
}

/* The end, well or not. */

static void
release_source (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeClone *clone = g_task_get_task_data (task);

  if (clone->lock_fd >= 0)
    close (g_steal_fd (&clone->lock_fd));
  if (!clone->working)
    return;
  clone->working = FALSE;
  lodge_machine_end_work (self);
  lodge_machine_emit_changed (self);
}

static void
end (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeClone *clone = g_task_get_task_data (task);

  release_source (task);
  if (clone->folder != NULL)
    lodge_folder_key_forget (clone->folder);
  if (clone->error != NULL) {
    g_autofree char *folder =
        lodge_store_dup_folder (clone->store, lodge_job_get_machine (clone->job));

    lodge_folder_key_forget (folder);
  }
  if (clone->error == NULL) {
    g_task_return_pointer (task, g_steal_pointer (&clone->made),
                           (GDestroyNotify) lodge_description_file_free);
    return;
  }
  if (clone->error->code == LODGE_ERROR_STORAGE)
    g_prefix_error (&clone->error, _ ("“%s” was not made: "), clone->spec->name);
  g_task_return_error (task, g_steal_pointer (&clone->error));
}

static void
aborted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_task_propagate_boolean (G_TASK (result), NULL);
  end (user_data);
}

static gboolean
abort_step (gpointer data, GError **error)
{
  LodgeClone *clone = data;

  if (clone->folder != NULL)
    lodge_store_abort (clone->store, lodge_job_get_machine (clone->job));
  return TRUE;
}

/* People know neither the hidden folder nor the UUID that it is named by. */
void
lodge_clone_fail (GTask *task, GError *error)
{
  LodgeClone *clone = g_task_get_task_data (task);

  if (clone->folder != NULL) {
    g_autofree char *folder =
        lodge_store_dup_folder (clone->store, lodge_job_get_machine (clone->job));
    g_autoptr (GString) message = g_string_new (error->message);

    g_string_replace (message, clone->folder, folder, 0);
    g_free (error->message);
    error->message = g_string_free (g_steal_pointer (&message), FALSE);
  }
  clone->error = error;
  lodge_task_step_in_thread (task, abort_step, aborted_cb);
}

/* Writing it. */

static void
committed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    end (task);
  else
    lodge_clone_fail (task, error);
}

static gboolean
commit_step (gpointer data, GError **error)
{
  LodgeClone *clone = data;

  if (!lodge_own_file_remove (clone->folder, LODGE_CLONE_PINS, error))
    return FALSE;
  lodge_journal_step ("whole");
  clone->made =
      lodge_store_commit (clone->store, clone->flat != NULL ? clone->flat : clone->clone, error);
  if (clone->made == NULL)
    return FALSE;
  lodge_journal_step ("committed");
  return TRUE;
}

void
lodge_clone_commit (GTask *task)
{
  LodgeClone *clone = g_task_get_task_data (task);
  GError *error = NULL;

  if (lodge_job_set_error_if_cancelled (clone->job, &error))
    lodge_clone_fail (task, error);
  else
    lodge_task_step_in_thread (task, commit_step, committed_cb);
}

/* What the clone has of its source. */

static gboolean
hand_states_over (gpointer data, GError **error)
{
  LodgeClone *clone = data;

  if (!lodge_snapshot_files_hand_over (clone->source_folder, clone->snapshot, clone->from,
                                       clone->folder, clone->clone, error))
    return FALSE;
  clone->states_there = TRUE;
  lodge_journal_step ("states");
  return TRUE;
}

/* The source's tops cannot be shared unless they are frozen, and nothing outside its folder. */
static gboolean
can_share (const LodgeClone *clone)
{
  if (clone->lock_fd >= 0 && !clone->spec->linked)
    return FALSE;
  for (guint i = 0; i < clone->files->len; i++) {
    if (g_path_is_absolute (clone->files->pdata[i]))
      return FALSE;
  }
  return TRUE;
}

static gboolean
link_layers (LodgeClone *clone, GError **error)
{
  if (!clone->spec->linked && !lodge_own_folder_make (clone->folder, LODGE_CLONE_PINS, error))
    return FALSE;
  for (guint i = 0; i < clone->files->len; i++) {
    const LodgeLayer *layer = clone->clone->layers->pdata[i];
    g_autofree char *name = g_path_get_basename (layer->file);
    g_autofree char *pin = g_build_filename (LODGE_CLONE_PINS, name, NULL);

    if (!lodge_own_file_link (clone->source_folder, clone->files->pdata[i], clone->folder,
                              clone->spec->linked ? layer->file : pin, error))
      return FALSE;
    lodge_journal_step ("linked");
  }
  return TRUE;
}

static gboolean
take_over_step (gpointer data, GError **error)
{
  LodgeClone *clone = data;
  g_autoptr (GError) why = NULL;

  if (!clone->states_there && !hand_states_over (clone, error))
    return FALSE;
  /* The last one in the source's folder is of the run before. A clone is good without one. */
  if (clone->shot != NULL &&
      !lodge_snapshot_files_set_picture (clone->folder, clone->picture, &why)) {
    g_debug ("%s", why->message);
    g_clear_error (&why);
    lodge_snapshot_files_set_picture (clone->folder, NULL, NULL);
  }
  if (can_share (clone) && link_layers (clone, &why))
    clone->pinned = TRUE;
  if (!clone->spec->linked)
    return TRUE;
  if (clone->pinned &&
      lodge_freeze_make_tops (clone->folder, clone->clone->layers, clone->files->len, &why))
    return TRUE;
  if (g_error_matches (why, LODGE_ERROR, LODGE_ERROR_HOST)) {
    g_autofree char *words = g_strdup (why->message);

    g_free (why->message);
    why->message =
        g_strdup_printf (_ ("No linked clone can be made here, make a full one: %s"), words);
  }
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

static void
taken_over_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeClone *clone = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    lodge_clone_fail (task, error);
    return;
  }
  if (clone->pinned)
    release_source (task);
  if (clone->spec->linked) {
    lodge_clone_commit (task);
  } else {
    lodge_job_set_step (clone->job, _ ("Copying the disks"));
    clone->flat = lodge_description_copy (clone->clone);
    lodge_description_flatten (clone->flat);
    lodge_clone_copy (task);
  }
}

static void
take_over (GTask *task)
{
  LodgeClone *clone = g_task_get_task_data (task);
  GError *error = NULL;

  if (lodge_job_set_error_if_cancelled (clone->job, &error))
    lodge_clone_fail (task, error);
  else
    lodge_task_step_in_thread (task, take_over_step, taken_over_cb);
}

static void
sealed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_seal_finish (LODGE_MACHINE (source), result);
  take_over (user_data);
}

static void
pictured_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeClone *clone = g_task_get_task_data (task);

  clone->picture = lodge_machine_shot_wait_finish (result);
  lodge_machine_seal_async (g_task_get_source_object (task), sealed_cb, task);
}

static void
frozen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  LodgeClone *clone = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_machine_freeze_finish (self, result, &error)) {
    lodge_clone_fail (task, error);
    return;
  }
  if (!lodge_state_is_live (self->state)) {
    lodge_machine_seal_async (self, sealed_cb, task);
    return;
  }
  clone->shot = lodge_machine_shot_new (self);
  lodge_machine_shot_wait_async (clone->shot, pictured_cb, task);
}

/* The plan. */

/* The clone stands on what the source's tops stand on. */
static void
drop_tops (LodgeDescription *from)
{
  for (guint i = 0; i < from->disks->len; i++) {
    const LodgeDisk *disk = from->disks->pdata[i];
    g_autofree char *top = g_strdup (disk->top);

    lodge_description_drop_top (from, top);
  }
}

/* What is made from here on is encrypted, with the key of the source: a linked clone stands on what
 * that has written, and both open with the same passphrase. */
static gboolean
share_key (LodgeClone *clone, GError **error)
{
  g_autoptr (LodgeSecret) key = lodge_folder_key_get (clone->source_folder);
  g_autofree char *folder = lodge_store_dup_folder (clone->store, clone->clone->uuid);

  if (!clone->clone->encrypted)
    return TRUE;
  lodge_folder_key_set (clone->folder, key);
  lodge_folder_key_set (folder, key);
  return lodge_key_file_copy (clone->source_folder, clone->folder, error);
}

static gboolean
describe (LodgeClone *clone, GError **error)
{
  g_autoptr (GHashTable) none = g_hash_table_new (g_str_hash, g_str_equal);

  clone->clone = lodge_description_dup_clone (clone->from, lodge_job_get_machine (clone->job),
                                              clone->spec->name, &clone->files);
  if (clone->spec->linked) {
    g_autoptr (GPtrArray) tops = NULL;

    if (!can_share (clone)) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("A disk of “%s” is a file outside of its folder, which a linked clone cannot "
                      "share: make a full clone"),
                   clone->from->name);
      return FALSE;
    }
    tops = lodge_description_add_tops (clone->clone, none);
    for (guint i = 0; i < tops->len; i++)
      lodge_description_release_layer (clone->clone, ((const LodgeLayer *) tops->pdata[i])->below);
    if (!lodge_snapshot_check_clone_depth (clone->clone, clone->from->name, error))
      return FALSE;
  }
  clone->folder = lodge_store_begin (clone->store, clone->clone->uuid, error);
  if (clone->folder == NULL || !share_key (clone, error))
    return FALSE;
  lodge_journal_step ("begun");
  return lodge_description_check (clone->clone, error);
}

static void
planned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeClone *clone = g_task_get_task_data (task);
  gboolean live = lodge_state_is_live (self->state);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error) && clone->snapshot == NULL && !live &&
      clone->lock_fd < 0)
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” has ended meanwhile: try again now"), lodge_machine_get_name (self));
  if (error != NULL)
    lodge_clone_fail (task, error);
  else if (clone->freezes)
    lodge_machine_freeze_async (self, clone->job, hand_states_over, clone, frozen_cb, task);
  else if (live)
    lodge_machine_seal_async (self, sealed_cb, task);
  else
    take_over (task);
}

static gboolean
plan_step (gpointer data, GError **error)
{
  LodgeClone *clone = data;

  /* Whose lock we have nobody writes to; and a template does not get a layer for each clone. */
  if (clone->freezes && clone->lock_fd >= 0 &&
      lodge_freeze_is_fresh (clone->source_folder, clone->from)) {
    clone->freezes = FALSE;
    drop_tops (clone->from);
  }
  return describe (clone, error);
}

static void
plan (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeClone *clone = g_task_get_task_data (task);
  g_autoptr (GPtrArray) old = NULL;
  GError *error = NULL;

  clone->from = lodge_description_copy (lodge_machine_get_description (self));
  if (clone->snapshot != NULL &&
      !lodge_description_go_back (clone->from, clone->then, clone->snapshot, &old, &error)) {
    lodge_clone_fail (task, error);
    return;
  }
  clone->freezes = clone->snapshot == NULL && (clone->lock_fd < 0 || clone->spec->linked);
  lodge_task_step_in_thread (task, plan_step, planned_cb);
}

static gboolean
load_step (gpointer data, GError **error)
{
  LodgeClone *clone = data;

  clone->then = lodge_snapshot_files_load (clone->source_folder, clone->snapshot,
                                           clone->spec->snapshot, error);
  return clone->then != NULL;
}

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    plan (user_data);
  else
    lodge_clone_fail (user_data, error);
}

/* The beginning. */

static void
earlier_tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeClone *clone = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_machine_tidy_earlier_finish (LODGE_MACHINE (source), result, &error))
    lodge_clone_fail (task, error);
  else if (clone->snapshot != NULL)
    lodge_task_step_in_thread (task, load_step, loaded_cb);
  else
    plan (task);
}

static void
saved_before_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_tidy_earlier_async (LODGE_MACHINE (source), earlier_tidied_cb, user_data);
}

/* What can be known before the first step. */
static gboolean
check (LodgeMachine *self, LodgeClone *clone, GError **error)
{
  const LodgeSnapshot *snapshot;

  lodge_machine_refresh (self);
  /* The clone is the user's own, and is asked for nothing. */
  if (!lodge_machine_check_usable (self, error) || !lodge_machine_check_no_outside (self, error))
    return FALSE;
  if (!lodge_machine_check_unlocked (self, error))
    return FALSE;
  if (clone->spec->snapshot == NULL)
    return lodge_machine_freeze_check (self, error);
  snapshot = lodge_description_find_snapshot (lodge_machine_get_description (self),
                                              clone->spec->snapshot, error);
  if (snapshot == NULL)
    return FALSE;
  clone->snapshot = g_strdup (snapshot->id);
  return TRUE;
}

static void
begin_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  LodgeClone *clone = g_task_get_task_data (task);
  GError *error = NULL;

  lodge_machine_stop_work_finish (self, result);
  if (!check (self, clone, &error) || !lodge_machine_begin_work (self, clone->job, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  clone->working = TRUE;
  lodge_job_set_step (clone->job, _ ("Cloning"));
  /* QEMU has it while there is one; and nobody writes to what a snapshot has. */
  if (clone->snapshot == NULL && !lodge_state_is_live (self->state)) {
    clone->lock_fd = lodge_store_lock (self->store, self->uuid, &error);
    if (clone->lock_fd < 0) {
      lodge_clone_fail (task, error);
      return;
    }
  }
  lodge_machine_wait_saved_async (self, saved_before_cb, task);
}

void
lodge_machine_clone_async (LodgeMachine *self,
                           LodgeCloneSpec *spec,
                           LodgeJob *job,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  LodgeClone *clone = g_new0 (LodgeClone, 1);

  clone->spec = spec;
  clone->job = g_object_ref (job);
  clone->store = self->store;
  clone->source_folder = lodge_machine_dup_folder (self);
  clone->lock_fd = -1;
  g_task_set_source_tag (task, lodge_machine_clone_async);
  g_task_set_task_data (task, clone, (GDestroyNotify) clone_free);
  lodge_machine_stop_work_async (self, begin_cb, task);
}

LodgeDescriptionFile *
lodge_machine_clone_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_clone_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

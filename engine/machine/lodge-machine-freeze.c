/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The present becomes frozen layers, without a snapshot.
 *
 * Theory of operation:
 *
 *   1. The journal lists the new tops, and they are made.
 *   2. A guest that runs is told of them, and stands still.
 *   3. The states are copied: they fit to the disks of this moment.
 *   4. machine.ini is written, which is the moment from which it counts.
 *   5. QEMU switches to the new tops, and the guest goes on.
 *
 * An end at any moment loses nothing: a chain whose new top is empty reads as that below it.
 * Between 4 and 5 QEMU still writes to the old top, and the next engine gives the disks their old
 * tops again (lodge-machine-snapshot-recover.c). A new top that nobody stands beside is merged by
 * itself.
 */
#include "machine/lodge-machine-freeze.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "host/lodge-host-kernel.h"
#include "lodge-error.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-machine-snapshot-private.h"
#include "machine/lodge-snapshot-files.h"
#include "qemu/lodge-qemu-seal.h"
#include "qemu/lodge-qemu-snapshot.h"
#include "storage/lodge-image-empty.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  LodgeJob *job;
  LodgeFreezeStill still;
  gpointer data;
  char *folder;
  LodgeDescription *next;  /* what machine.ini says; with the new tops, once planned */
  GPtrArray *tops;         /* lent by next */
  GPtrArray *files;        /* for the journal */
  LodgeQemuSnapshot *qemu; /* while the guest is live, or NULL */
  gboolean live;
  char *id;       /* what the journal calls it */
  gboolean ran;   /* and did not only stand still */
  gboolean named; /* machine.ini names the new tops, or may do so */
  gboolean known; /* which tops QEMU is on, once it has ended badly */
  GError *error;  /* while what was begun is being undone */
} Freeze;

static void
freeze_free (Freeze *freeze)
{
  g_object_unref (freeze->job);
  g_free (freeze->folder);
  g_free (freeze->id);
  g_clear_pointer (&freeze->tops, g_ptr_array_unref);
  g_clear_pointer (&freeze->files, g_ptr_array_unref);
  g_clear_pointer (&freeze->next, lodge_description_free);
  g_clear_object (&freeze->qemu);
  g_clear_error (&freeze->error);
  g_free (freeze);
}

gboolean
lodge_machine_freeze_check (LodgeMachine *self, GError **error)
{
  const char *name = lodge_machine_get_name (self);
  const LodgeLayer *host_disk;

  host_disk = lodge_description_find_host_disk (lodge_machine_get_description (self));
  if (!lodge_machine_check_action (self, LODGE_ACTION_CLONE, error) ||
      !lodge_machine_check_unlocked (self, error))
    return FALSE;
  if (host_disk != NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” has a disk of this computer as a whole, %s, which cannot be cloned: "
                    "remove that from the machine first, which leaves all that is on it"),
                 name, host_disk->file);
    return FALSE;
  }
  if (!lodge_state_is_live (self->state)) {
    if (self->pid == 0)
      return TRUE;
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The QEMU of “%s” is still there after a panic: force it off first"), name);
    return FALSE;
  }
  if (self->qmp == NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” runs, but its control socket is gone: it can be cloned once it is off"),
                 name);
  else if (self->disk_failed)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” stands still because its disk failed or is full: mend that first"), name);
  else
    return TRUE;
  return FALSE;
}

/* The end, well or not. */

static void
end (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  Freeze *freeze = g_task_get_task_data (task);

  if (freeze->error != NULL)
    g_task_return_error (task, g_steal_pointer (&freeze->error));
  else
    g_task_return_boolean (task, TRUE);
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

static void
unnamed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* Then the tops stay, and machine.ini still says what is true. */
  if (!lodge_machine_save_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  tidy (user_data);
}

static gboolean
edit_away (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  Freeze *freeze = data;

  lodge_snapshot_drop_unused (value, freeze->tops, freeze->qemu);
  return TRUE;
}

static void
forget (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Freeze *freeze = g_task_get_task_data (task);

  /* A QEMU that could not be asked may be on its old tops while machine.ini names the new ones, and
   * then writes to layers that count as frozen. */
  if (lodge_machine_leave_open (self, freeze->known, &freeze->error))
    end (task);
  else if (freeze->named && freeze->known)
    lodge_machine_save_for_work_async (self, edit_away, freeze, unnamed_cb, task);
  else
    tidy (task);
}

static void
went_on_anyway_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  const Freeze *freeze = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error))
    lodge_machine_went_on (self, freeze->id);
  else
    g_debug ("%s", error->message);
  lodge_snapshot_thaw (self, error == NULL);
  forget (task);
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Freeze *freeze = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  freeze->known = lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error);
  if (!freeze->known)
    g_debug ("%s", error->message);
  if (self->qmp != NULL && freeze->ran) {
    lodge_qemu_snapshot_go_on_async (freeze->qemu, went_on_anyway_cb, task);
    return;
  }
  lodge_snapshot_thaw (self, TRUE);
  forget (task);
}

/* Everything goes on as if nothing had been. Takes @error. */
static void
abandon (GTask *task, GError *error)
{
  Freeze *freeze = g_task_get_task_data (task);

  freeze->error = error;
  if (freeze->qemu != NULL)
    lodge_qemu_snapshot_end_async (freeze->qemu, ended_cb, task);
  else
    tidy (task);
}

static void
went_on_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  const Freeze *freeze = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error)) {
    lodge_snapshot_thaw (self, FALSE);
    abandon (task, error);
    return;
  }
  lodge_machine_went_on (self, freeze->id);
  lodge_snapshot_thaw (self, TRUE);
  lodge_journal_step ("resumed");
  tidy (task);
}

static void
switched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Freeze *freeze = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error)) {
    abandon (task, error);
    return;
  }
  lodge_journal_step ("switched");
  if (self->qmp != NULL && freeze->ran) {
    lodge_qemu_snapshot_go_on_async (freeze->qemu, went_on_cb, task);
    return;
  }
  lodge_snapshot_thaw (self, TRUE);
  tidy (task);
}

/* The steps. */

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Freeze *freeze = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_machine_save_finish (LODGE_MACHINE (source), result, &error)) {
    abandon (task, error);
    return;
  }
  lodge_journal_step ("frozen");
  if (freeze->qemu != NULL)
    lodge_qemu_snapshot_switch_async (freeze->qemu, switched_cb, task);
  else
    tidy (task);
}

static gboolean
edit (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Freeze *freeze = data;

  for (guint i = 0; i < freeze->tops->len; i++) {
    const LodgeLayer *top = freeze->tops->pdata[i];

    lodge_description_put_top (value, top);
    lodge_description_release_layer (value, top->below);
  }
  return TRUE;
}

static void
still_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Freeze *freeze = data;
  GError *error = NULL;

  if (freeze->still (freeze->data, &error))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

static void
copied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Freeze *freeze = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) ||
      lodge_job_set_error_if_cancelled (freeze->job, &error)) {
    abandon (task, error);
    return;
  }
  /* A write that fails at its very end may be there all the same. */
  freeze->named = TRUE;
  lodge_machine_save_for_work_async (g_task_get_source_object (task), edit, freeze, saved_cb, task);
}

static void
copy_states (GTask *task)
{
  g_autoptr (GTask) worker = g_task_new (NULL, NULL, copied_cb, task);

  g_task_set_task_data (worker, g_task_get_task_data (task), NULL);
  g_task_run_in_thread (worker, still_thread);
}

static void
stopped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (!lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error)) {
    abandon (task, error);
    return;
  }
  lodge_journal_step ("stopped");
  copy_states (task);
}

static gboolean
add_disks (LodgeMachine *self, Freeze *freeze, GError **error)
{
  for (guint i = 0; i < freeze->tops->len; i++) {
    const LodgeLayer *top = freeze->tops->pdata[i];
    int fd;

    if (!lodge_machine_is_top_plugged (self, freeze->next, top))
      continue;
    fd = lodge_own_file_open (freeze->folder, top->file, O_RDWR, error);
    if (fd < 0)
      return FALSE;
    lodge_qemu_snapshot_add_disk (freeze->qemu, top->below, top->id, fd,
                                  lodge_host_has_io_uring ());
    close (fd);
  }
  return TRUE;
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Freeze *freeze = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    abandon (task, error);
    return;
  }
  if (!freeze->live) {
    copy_states (task);
    return;
  }
  if (self->qmp == NULL || !lodge_state_is_live (self->state)) {
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” has ended meanwhile: try again now"), lodge_machine_get_name (self));
    abandon (task, error);
    return;
  }
  freeze->qemu = lodge_qemu_snapshot_new (self->qmp);
  lodge_qemu_snapshot_set_encrypted (freeze->qemu, freeze->next->encrypted);
  if (!add_disks (self, freeze, &error)) {
    abandon (task, error);
    return;
  }
  self->frozen = TRUE;
  lodge_qemu_snapshot_freeze_async (freeze->qemu, -1, 0, NULL, NULL, NULL, stopped_cb, task);
}

gboolean
lodge_freeze_make_tops (const char *folder, GPtrArray *layers, guint first, GError **error)
{
  for (guint i = first; i < layers->len; i++) {
    const LodgeLayer *top = layers->pdata[i];
    g_autofree char *path = g_build_filename (folder, top->file, NULL);

    if (!lodge_image_empty_write (path, top->size_bytes, error))
      return FALSE;
    lodge_journal_step ("top");
  }
  return TRUE;
}

gboolean
lodge_freeze_is_fresh (const char *folder, const LodgeDescription *from)
{
  for (guint i = 0; i < from->disks->len; i++) {
    const LodgeDisk *disk = from->disks->pdata[i];
    const LodgeLayer *top = lodge_description_get_layer (from, disk->top);
    gboolean empty;
    int fd;

    if (top->below == NULL || strcmp (top->format, "qcow2") != 0 || g_path_is_absolute (top->file))
      return FALSE;
    /* What it stands on has not grown with it. */
    if (lodge_description_get_layer (from, top->below)->size_bytes != top->size_bytes)
      return FALSE;
    fd = lodge_own_file_open (folder, top->file, O_RDONLY, NULL);
    empty = fd >= 0 && lodge_image_empty_check (fd);
    if (fd >= 0)
      close (fd);
    if (!empty)
      return FALSE;
  }
  return TRUE;
}

/* What machine.ini will say, from what it says. */
static gboolean
plan (Freeze *freeze, GError **error)
{
  g_autoptr (GHashTable) taken = lodge_snapshot_files_list_layers (freeze->folder, error);

  if (taken == NULL)
    return FALSE;
  freeze->tops = lodge_description_add_tops (freeze->next, taken);
  freeze->files = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < freeze->tops->len; i++)
    g_ptr_array_add (freeze->files, g_strdup (((const LodgeLayer *) freeze->tops->pdata[i])->file));
  return lodge_snapshot_check_depth (freeze->next, freeze->next, error) &&
         lodge_description_check (freeze->next, error);
}

static gboolean
prepare (Freeze *freeze, GError **error)
{
  freeze->id = lodge_description_dup_snapshot_id ();
  if (!plan (freeze, error) ||
      !lodge_journal_begin_live (freeze->folder, freeze->files, freeze->live ? freeze->id : NULL,
                                 freeze->ran, error))
    return FALSE;
  return lodge_freeze_make_tops (freeze->folder, freeze->tops, 0, error);
}

static void
prepare_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (prepare (data, &error))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

void
lodge_machine_freeze_async (LodgeMachine *self,
                            LodgeJob *job,
                            LodgeFreezeStill still,
                            gpointer data,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Freeze *freeze = g_new0 (Freeze, 1);
  g_autoptr (GTask) worker = NULL;

  g_task_set_source_tag (task, lodge_machine_freeze_async);
  g_task_set_task_data (task, freeze, (GDestroyNotify) freeze_free);
  freeze->job = g_object_ref (job);
  freeze->still = still;
  freeze->data = data;
  freeze->folder = lodge_machine_dup_folder (self);
  freeze->live = lodge_state_is_live (self->state);
  /* One that was asked to shut down runs until it has. */
  freeze->ran = freeze->live && self->state != LODGE_STATE_PAUSED;
  freeze->next = lodge_description_copy (lodge_machine_get_description (self));
  worker = g_task_new (NULL, NULL, prepared_cb, task);
  g_task_set_task_data (worker, freeze, NULL);
  g_task_run_in_thread (worker, prepare_thread);
}

gboolean
lodge_machine_freeze_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_freeze_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Sealing. */

static void
sealed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  if (!lodge_qemu_seal_finish (LODGE_QMP (source), result, &error))
    g_message ("%s", error->message);
  g_task_return_boolean (task, TRUE);
}

void
lodge_machine_seal_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (GPtrArray) layers = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  g_task_set_source_tag (task, lodge_machine_seal_async);
  for (guint i = 0; self->qmp != NULL && i < now->disks->len; i++) {
    const LodgeDisk *disk = now->disks->pdata[i];
    const LodgeLayer *layer = lodge_description_get_layer (now, disk->top);

    while (layer->below != NULL && lodge_machine_is_plugged (self, disk->id)) {
      layer = lodge_description_get_layer (now, layer->below);
      if (!g_hash_table_add (seen, layer->id))
        continue;
      g_ptr_array_add (layers, g_strdup_printf ("%s:%s", layer->format, layer->id));
      g_ptr_array_add (layers, g_strdup (layer->below != NULL ? layer->below : ""));
    }
  }
  if (layers->len == 0) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  g_ptr_array_add (layers, NULL);
  lodge_qemu_seal_async (self->qmp, (const char *const *) layers->pdata, now->encrypted, sealed_cb,
                         g_steal_pointer (&task));
}

void
lodge_machine_seal_finish (LodgeMachine *self, GAsyncResult *result)
{
  g_return_if_fail (g_task_is_valid (result, self));
  g_task_propagate_boolean (G_TASK (result), NULL);
}

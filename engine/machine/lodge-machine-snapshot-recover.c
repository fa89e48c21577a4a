/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A snapshot of a running guest whose engine was killed over it.
 *
 * machine.ini may name the snapshot, and QEMU may have switched to the new tops, or not:
 *
 *   QEMU is gone      the new tops are what machine.ini says, and right: those that QEMU had not
 *                     switched to are empty. The snapshot, which has no memory, is forgotten.
 *   QEMU lives        it is told to stop writing memory, and says which tops it is on: where those
 *                     are the old ones, they are machine.ini's again. The guest goes on if it ran.
 */
#include "machine/lodge-machine-private.h"
#include "machine/lodge-machine-snapshot-private.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-durable-file.h"
#include "lodge-error.h"
#include "machine/lodge-journal.h"
#include "qemu/lodge-qemu-snapshot.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct {
  char *snapshot;
  GPtrArray *nodes; /* NULL-terminated: what QEMU may have been given, or NULL */
  gboolean ran;
  LodgeQemuSnapshot *qemu; /* NULL: it is gone */
} Recover;

static void
recover_free (Recover *recover)
{
  g_free (recover->snapshot);
  g_clear_pointer (&recover->nodes, g_ptr_array_unref);
  g_clear_object (&recover->qemu);
  g_free (recover);
}

/* That the guest goes on is said beside QEMU's sockets, where there is room when the disk is full,
 * and gone when QEMU is. */
#define WENT_ON    "went-on"
#define MOST_BYTES 64

void
lodge_machine_went_on (LodgeMachine *self, const char *snapshot)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  if (self->runtime == NULL || snapshot == NULL)
    return;
  path = g_build_filename (self->runtime, WENT_ON, NULL);
  if (!g_file_set_contents_full (path, snapshot, -1, G_FILE_SET_CONTENTS_NONE, 0600, &error))
    g_debug ("%s", error->message);
}

static gboolean
has_gone_on (LodgeMachine *self, const char *snapshot)
{
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  gsize length;

  if (self->runtime == NULL)
    return FALSE;
  path = g_build_filename (self->runtime, WENT_ON, NULL);
  text = lodge_durable_file_read (path, MOST_BYTES, &length, NULL);
  return g_strcmp0 (text, snapshot) == 0;
}

/* The nodes that QEMU may have been given: each is called as its layer, and as that is its file. */
static GPtrArray *
list_nodes (const char *folder)
{
  g_autoptr (GPtrArray) files = lodge_journal_list (folder);
  GPtrArray *nodes = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < files->len; i++) {
    const char *file = files->pdata[i];

    if (g_str_has_prefix (file, "layers/") && g_str_has_suffix (file, ".qcow2"))
      g_ptr_array_add (nodes, g_strndup (file + strlen ("layers/"),
                                         strlen (file) - strlen ("layers/") - strlen (".qcow2")));
  }
  g_ptr_array_add (nodes, NULL);
  return nodes;
}

/* The tops that were made for the snapshot: they stand on its layers. */
static GPtrArray *
list_tops (const LodgeDescription *now, const LodgeSnapshot *snapshot)
{
  GPtrArray *tops = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < now->disks->len; i++) {
    const LodgeDisk *disk = now->disks->pdata[i];
    const LodgeLayer *top = lodge_description_get_layer (now, disk->top);

    if (top->below != NULL && g_strv_contains ((const char *const *) snapshot->layers, top->below))
      g_ptr_array_add (tops, g_strdup (top->id));
  }
  return tops;
}

/* Layers were frozen for a clone, and are no snapshot's: those tops go that QEMU is not on. That of
 * a detached disk stays: what is below it may be a clone's by now, which is never written to. */
static gboolean
edit_tops_away (LodgeDescription *value, const Recover *recover, GError **error)
{
  gboolean changed = FALSE;

  for (guint i = 0; recover->nodes != NULL && recover->nodes->pdata[i] != NULL; i++) {
    if (lodge_snapshot_drop_top (value, recover->nodes->pdata[i], recover->qemu))
      changed = TRUE;
  }
  if (!changed)
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_CANCELLED, "");
  return changed;
}

static gboolean
edit_away (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  Recover *recover = data;
  const LodgeSnapshot *snapshot = lodge_description_get_snapshot (value, recover->snapshot);
  g_autoptr (GPtrArray) tops = NULL;

  if (snapshot == NULL)
    return edit_tops_away (value, recover, error);
  if (snapshot->memory) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_CANCELLED, "");
    return FALSE;
  }
  tops = list_tops (value, snapshot);
  for (guint i = 0; recover->qemu != NULL && i < tops->len; i++)
    lodge_snapshot_drop_unused_top (value, tops->pdata[i], recover->qemu);
  lodge_description_forget_snapshot (value, recover->snapshot);
  return TRUE;
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  /* Nothing had to be changed. */
  if (!lodge_machine_save_finish (LODGE_MACHINE (source), result, &error) &&
      g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED))
    g_clear_error (&error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
save (GTask *task)
{
  lodge_machine_save_for_work_async (g_task_get_source_object (task), edit_away,
                                     g_task_get_task_data (task), saved_cb, task);
}

static void
went_on_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Recover *recover = g_task_get_task_data (user_data);
  g_autoptr (GError) error = NULL;

  /* Its state, which is asked next, says so. */
  if (lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error))
    lodge_machine_went_on (g_task_get_source_object (user_data), recover->snapshot);
  else
    g_debug ("%s", error->message);
  save (user_data);
}

static void
stopped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Recover *recover = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_qemu_snapshot_finish (recover->qemu, result, &error)) {
    /* Nothing is known of its tops: nothing is changed. */
    g_task_return_error (task, error);
    g_object_unref (task);
  } else if (recover->ran) {
    lodge_qemu_snapshot_go_on_async (recover->qemu, went_on_cb, task);
  } else {
    save (task);
  }
}

static void
recover_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  const LodgeDescription *now = lodge_machine_get_description (self);
  Recover *recover = g_new0 (Recover, 1);

  g_task_set_source_tag (task, recover_async);
  g_task_set_task_data (task, recover, (GDestroyNotify) recover_free);
  recover->snapshot = lodge_journal_dup_live (folder, &recover->ran);
  /* What machine.ini names as a suspended guest's memory counts: there is nothing to undo. */
  if (recover->snapshot == NULL || now == NULL ||
      g_strcmp0 (now->suspended, recover->snapshot) == 0) {
    g_task_return_boolean (task, TRUE);
    g_object_unref (task);
    return;
  }
  if (self->qmp == NULL && self->pid != 0) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_STATE,
                             _ ("“%s” runs, but its control socket is gone: what an earlier "
                                "snapshot has left can be removed once it is off"),
                             lodge_machine_get_name (self));
    g_object_unref (task);
    return;
  }
  if (self->qmp == NULL) {
    save (task);
    return;
  }
  /* Only the first time: a guest that stands still since may do so by somebody's wish. */
  recover->ran = recover->ran && self->recovering && !has_gone_on (self, recover->snapshot);
  recover->nodes = list_nodes (folder);
  recover->qemu = lodge_qemu_snapshot_new (self->qmp);
  lodge_qemu_snapshot_recover_async (recover->qemu, (const char *const *) recover->nodes->pdata,
                                     stopped_cb, task);
}

static gboolean
recover_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, recover_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (lodge_machine_tidy_finish (LODGE_MACHINE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
recovered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (recover_finish (self, result, &error))
    lodge_machine_tidy_async (self, tidied_cb, g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

void
lodge_machine_tidy_earlier_async (LodgeMachine *self,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_machine_tidy_earlier_async);
  self->left_open = FALSE;
  recover_async (self, recovered_cb, task);
}

gboolean
lodge_machine_tidy_earlier_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_tidy_earlier_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

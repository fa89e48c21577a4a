/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine whose machine.ini names a guest's memory, found by an engine that has just begun.
 *
 *   QEMU has written it, or   it has nothing left to do, and ends: suspended.
 *   was loading it
 *   QEMU has written one that that was given up while it was named. As below.
 *   is not whole any more
 *   QEMU has a guest          that goes on, or can: QEMU has all of it. The memory is given up.
 *                             (So has one that went on from that memory, and stood still when a
 *                             snapshot was written, which leaves QEMU as after any memory, or when
 *                             it was reset, which leaves it as before any guest.)
 *   no QEMU, and "run" does   the guest has not gone on from it: suspended.
 *   not name it
 *   no QEMU, and "run" does   the guest may have run. Where its disks are still what they were, to
 *                             the nanosecond, nothing of that is left: suspended. After a power cut
 * a time of change proves nothing, since data may be on the disk before it. So there, and where a
 * disk has changed, the guest has lost power, and the memory, which does not fit any more, is given
 * up.
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-snapshot-files.h"
#include "machine/lodge-suspend-files.h"

#include <string.h>

typedef struct {
  char *folder;
  LodgeDescription *now;
  LodgeRunEnd how;
  gboolean suspended;
  gboolean live;    /* there is a QEMU */
  gboolean written; /* which says that it has written a guest's memory */
} Recover;

static void
recover_free (gpointer data)
{
  Recover *recover = data;

  g_free (recover->folder);
  lodge_description_free (recover->now);
  g_free (recover);
}

static gboolean
has_resumed (const char *folder, const char *suspended)
{
  g_autofree char *resumed = lodge_run_record_dup_resumed (folder);

  return g_strcmp0 (resumed, suspended) == 0;
}

/* So that what is given up is removed by lodge_machine_tidy_async(). */
static gboolean
list_memory (const char *folder, const char *suspended, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  gboolean ran = FALSE;
  /* A snapshot that could not be undone yet still has to be. */
  g_autofree char *snapshot = lodge_journal_dup_live (folder, &ran);

  g_ptr_array_add (files, lodge_snapshot_dup_folder (suspended));
  return lodge_journal_begin_live (folder, files, snapshot, ran, error);
}

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Recover *recover = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_tidy_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  g_task_return_boolean (task, !recover->suspended);
}

static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;

  if (lodge_machine_forget_finish (self, result, &error)) {
    lodge_machine_tidy_async (self, tidied_cb, task);
    return;
  }
  /* Tried again at its guest's end or next start; removed by the next work. */
  g_debug ("%s", error->message);
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

/* QEMU, which may have ended by now, has nothing left to do. */
static void
settle_suspended (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  const Recover *recover = g_task_get_task_data (task);

  if (recover->live)
    lodge_machine_set_note (self, NULL);
  if (self->pid != 0) {
    lodge_machine_set_state (self, LODGE_STATE_STOPPING);
    lodge_machine_end_qemu (self);
  } else {
    lodge_machine_set_gone_on (self, NULL);
    lodge_machine_clear_run (self);
    lodge_machine_set_state (self, LODGE_STATE_SUSPENDED);
  }
  lodge_machine_tidy_async (self, tidied_cb, task);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Recover *recover = g_task_get_task_data (task);

  g_task_propagate_boolean (G_TASK (result), NULL);
  if (recover->suspended) {
    settle_suspended (task);
    return;
  }
  lodge_machine_set_gone_on (self, recover->now->suspended);
  if (!recover->live) {
    if (recover->how == LODGE_RUN_QEMU_ENDED)
      lodge_run_record_qemu_ended (recover->folder);
    lodge_machine_crashed (self, recover->how);
  }
  lodge_machine_forget_async (self, forgotten_cb, task);
}

static gboolean
is_whole (const Recover *recover, gboolean exact)
{
  const char *id = recover->now->suspended;
  g_autoptr (LodgeDescription) stored = NULL;
  g_autoptr (LodgeDescription) then = NULL;
  g_autoptr (GError) error = NULL;

  stored = lodge_snapshot_files_load (recover->folder, id, recover->now->name, &error);
  if (stored != NULL)
    then = lodge_description_dup_suspended (recover->now, stored, &error);
  if (then != NULL && lodge_suspend_files_check (recover->folder, id, then, exact, &error))
    return TRUE;
  g_debug ("%s", error->message);
  return FALSE;
}

static void
look_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Recover *recover = data;
  g_autoptr (GError) error = NULL;

  recover->how = lodge_run_record_read (recover->folder);
  if (recover->live)
    recover->suspended = recover->written && is_whole (recover, FALSE);
  else
    recover->suspended = !has_resumed (recover->folder, recover->now->suspended) ||
                         (recover->how == LODGE_RUN_QEMU_ENDED && is_whole (recover, TRUE));
  if (!recover->suspended && !list_memory (recover->folder, recover->now->suspended, &error))
    g_debug ("%s", error->message);
  g_task_return_boolean (worker, TRUE);
}

static Recover *
begin (GTask *task, gboolean live)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Recover *recover = g_new0 (Recover, 1);

  recover->folder = lodge_machine_dup_folder (self);
  recover->now = lodge_description_copy (lodge_machine_get_description (self));
  recover->live = live;
  g_task_set_task_data (task, recover, recover_free);
  return recover;
}

static void
look (GTask *task)
{
  g_autoptr (GTask) worker = g_task_new (NULL, NULL, looked_cb, task);

  g_task_set_task_data (worker, g_task_get_task_data (task), NULL);
  g_task_run_in_thread (worker, look_thread);
}

void
lodge_machine_recover_suspended_async (LodgeMachine *self,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_machine_recover_suspended_async);
  begin (task, FALSE);
  look (task);
}

void
lodge_machine_recover_resumed_async (LodgeMachine *self,
                                     const char *status,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Recover *recover = begin (task, TRUE);
  /* qapi/run-state.json: what a QEMU says that waits for a guest, or has written it away. It says
   * the same of one that stood still when a snapshot was written, or was reset; whose QEMU has no
   * other "run" than that of the memory that it went on from. */
  const gboolean resumed = has_resumed (recover->folder, recover->now->suspended);

  g_task_set_source_tag (task, lodge_machine_recover_resumed_async);
  recover->written = g_str_equal (status, "postmigrate") && !resumed;
  if (g_str_equal (status, "inmigrate") || (g_str_equal (status, "prelaunch") && !resumed)) {
    recover->suspended = TRUE;
    settle_suspended (task);
  } else {
    look (task);
  }
}

gboolean
lodge_machine_recover_resumed_finish (LodgeMachine *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), NULL);
}

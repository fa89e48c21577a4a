/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Giving up the memory of a guest that was suspended to disk.
 *
 * Once a guest goes on its disks may be newer than the memory, which must never be loaded again.
 * As long as machine.ini names it, which is so for a moment, or until a write that has failed is
 * tried again, "run" keeps it from that (lodge-machine-suspend-recover.c). So "run" stays, whatever
 * comes of the guest, and the machine is off and not suspended when that has ended.
 */
#include "machine/lodge-machine-private.h"

void
lodge_machine_set_gone_on (LodgeMachine *self, const char *suspended)
{
  char *copy = g_strdup (suspended);

  g_free (self->gone_on);
  self->gone_on = copy;
}

gboolean
lodge_machine_has_gone_on (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);

  /* What a broken machine.ini names is not known before it is mended. */
  return self->gone_on != NULL && (now == NULL || g_strcmp0 (now->suspended, self->gone_on) == 0);
}

void
lodge_machine_clear_run (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  /* As long as there is a QEMU that nothing is kept of, no other engine may take it for another. */
  if (!lodge_machine_has_gone_on (self) && (!self->disposable || self->pid == 0))
    lodge_run_record_clear (folder);
}

static gboolean
edit_away (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  g_clear_pointer (&value->suspended, g_free);
  return TRUE;
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  GError *error = NULL;

  if (!lodge_machine_save_finish (self, result, &error)) {
    g_task_return_error (task, error);
    return;
  }
  g_clear_pointer (&self->gone_on, g_free);
  /* What it had to stay for is over. Of a crash it still tells. */
  if (self->pid == 0 && (self->state == LODGE_STATE_OFF || self->state == LODGE_STATE_STOPPING))
    lodge_machine_clear_run (self);
  g_task_return_boolean (task, TRUE);
}

void
lodge_machine_forget_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_machine_forget_async);
  lodge_machine_save_for_work_async (self, edit_away, NULL, saved_cb, task);
}

gboolean
lodge_machine_forget_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

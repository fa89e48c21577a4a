/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Long work on a machine's folder: one at a time, and what waits for its end. */
#include "machine/lodge-machine-private.h"

#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-key.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

static gboolean
set_worked_on (LodgeMachine *self, GError **error)
{
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
               _ ("“%s” is being worked on (%s): wait until that is done, or cancel it"),
               lodge_machine_get_name (self), lodge_job_get_step (self->work));
  return FALSE;
}

gboolean
lodge_machine_check_no_work (LodgeMachine *self, GError **error)
{
  return self->work == NULL || self->work_gives_way || set_worked_on (self, error);
}

gboolean
lodge_machine_begin_work (LodgeMachine *self, LodgeJob *job, GError **error)
{
  if (!lodge_machine_check_recovered (self, error) || !lodge_machine_check_no_work (self, error))
    return FALSE;
  /* What QEMU is about to open is in the journal, and would be removed. */
  if (self->disposable && self->state == LODGE_STATE_STARTING) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” is being started: try again in a few seconds"),
                 lodge_machine_get_name (self));
    return FALSE;
  }
  /* It would give way, and was not asked to. */
  if (self->work != NULL)
    return set_worked_on (self, error);
  self->work = g_object_ref (job);
  self->work_gives_way = FALSE;
  self->work_ends_soon = FALSE;
  return TRUE;
}

void
lodge_machine_work_ends_soon (LodgeMachine *self)
{
  self->work_gives_way = TRUE;
  self->work_ends_soon = TRUE;
}

void
lodge_machine_end_work (LodgeMachine *self)
{
  g_autoptr (GPtrArray) waiting = g_steal_pointer (&self->waiting_for_work);

  self->waiting_for_work = g_ptr_array_new_with_free_func (g_object_unref);
  g_clear_object (&self->work);
  self->work_gives_way = FALSE;
  self->work_ends_soon = FALSE;
  lodge_machine_save_waiting (self);
  for (guint i = 0; i < waiting->len; i++)
    g_task_return_boolean (waiting->pdata[i], TRUE);
  lodge_machine_restart_waiting (self);
}

static void
keyed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  /* What comes now needs it, and says so itself. */
  if (!lodge_machine_need_key_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  g_task_return_boolean (task, TRUE);
}

static void
stopped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_stop_work_finish (LODGE_MACHINE (source), result);
  lodge_machine_need_key_async (LODGE_MACHINE (source), keyed_cb, user_data);
}

void
lodge_machine_stop_work_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  if (!lodge_machine_is_locked (self)) {
    lodge_machine_end_other_work_async (self, callback, user_data);
    return;
  }
  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, lodge_machine_stop_work_async);
  lodge_machine_end_other_work_async (self, stopped_cb, task);
}

void
lodge_machine_end_other_work_async (LodgeMachine *self,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_machine_stop_work_async);
  if (self->work == NULL || !self->work_gives_way) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  g_ptr_array_add (self->waiting_for_work, g_steal_pointer (&task));
  if (!self->work_ends_soon)
    lodge_job_cancel (self->work);
}

void
lodge_machine_stop_work_finish (LodgeMachine *self, GAsyncResult *result)
{
  g_return_if_fail (g_task_is_valid (result, self));
  g_task_propagate_boolean (G_TASK (result), NULL);
}

static void
tidy_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  LodgeMachine *self = source;
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autoptr (LodgeDescriptionFile) file = NULL;
  GError *error = NULL;

  /* From the disk: a write that has failed at its very end may be there all the same. */
  file = lodge_store_load (self->store, self->uuid, &error);
  if (file != NULL && lodge_journal_finish (folder, lodge_description_file_get (file), &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
lodge_machine_tidy_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autofree char *folder = lodge_machine_dup_folder (self);

  g_task_set_source_tag (task, lodge_machine_tidy_async);
  if (lodge_journal_exists (folder))
    lodge_task_run_in_thread (task, tidy_thread);
  else
    g_task_return_boolean (task, TRUE);
}

gboolean
lodge_machine_tidy_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

GPtrArray *
lodge_machine_list_chain (LodgeMachine *self,
                          const LodgeDescription *now,
                          const LodgeLayer *layer,
                          GError **error)
{
  g_autoptr (GPtrArray) chain = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = lodge_machine_dup_folder (self);

  for (; layer != NULL;
       layer = layer->below != NULL ? lodge_description_get_layer (now, layer->below) : NULL) {
    g_autofree char *path = NULL;

    if (g_path_is_absolute (layer->file)) {
      path = g_strdup (layer->file);
    } else {
      int fd = lodge_own_file_open (folder, layer->file, O_RDONLY, error);

      if (fd < 0)
        return NULL;
      close (fd);
      path = g_build_filename (folder, layer->file, NULL);
    }
    g_ptr_array_add (chain, g_strdup_printf ("%s:%s", layer->format, path));
  }
  g_ptr_array_add (chain, NULL);
  return g_steal_pointer (&chain);
}

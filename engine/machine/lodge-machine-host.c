/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this computer offers to machines: its QEMU and its host check, found once and shared. */
#include "machine/lodge-machine-host.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

struct _LodgeMachineHost {
  GObject parent_instance;

  LodgeQemu *qemu;
  GError *qemu_error;
  LodgeHostReport *report;
  gboolean fresh;
  gboolean under_way;
  GPtrArray *waiting; /* of GTask */

  LodgeVirtiofsd *virtiofsd;       /* or NULL */
  GPtrArray *waiting_for_virtiofs; /* of GTask, while it is looked for; else NULL */
};

G_DEFINE_FINAL_TYPE (LodgeMachineHost, lodge_machine_host, G_TYPE_OBJECT)

static void
lodge_machine_host_finalize (GObject *object)
{
  LodgeMachineHost *self = LODGE_MACHINE_HOST (object);

  g_clear_object (&self->qemu);
  g_clear_error (&self->qemu_error);
  g_clear_pointer (&self->report, lodge_host_report_unref);
  g_ptr_array_unref (self->waiting);
  g_clear_pointer (&self->virtiofsd, lodge_virtiofsd_free);
  g_clear_pointer (&self->waiting_for_virtiofs, g_ptr_array_unref);

  G_OBJECT_CLASS (lodge_machine_host_parent_class)->finalize (object);
}

static void
lodge_machine_host_class_init (LodgeMachineHostClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_machine_host_finalize;
}

static void
lodge_machine_host_init (LodgeMachineHost *self)
{
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
}

LodgeMachineHost *
lodge_machine_host_new (void)
{
  return g_object_new (LODGE_TYPE_MACHINE_HOST, NULL);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachineHost) self = user_data;
  g_autoptr (GPtrArray) waiting = NULL;

  g_clear_pointer (&self->report, lodge_host_report_unref);
  self->report = lodge_host_check_finish (result);

  self->under_way = FALSE;
  waiting = g_steal_pointer (&self->waiting);
  self->waiting = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiting->len; i++)
    g_task_return_boolean (waiting->pdata[i], TRUE);
}

static void
probed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachineHost) self = user_data;
  LodgeHostQemuFacts facts = {NULL, NULL};

  g_clear_object (&self->qemu);
  g_clear_error (&self->qemu_error);
  self->qemu = lodge_qemu_probe_finish (result, &self->qemu_error);
  if (self->qemu != NULL) {
    facts.qemu_binary = lodge_qemu_get_binary (self->qemu);
    facts.qemu_version = lodge_qemu_get_version (self->qemu);
  }
  lodge_host_check_async (&facts, self->fresh, NULL, checked_cb, g_object_ref (self));
}

void
lodge_machine_host_prepare_async (LodgeMachineHost *self,
                                  gboolean fresh,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_machine_host_prepare_async);

  /* A missing QEMU is looked for each time: the user has perhaps just installed it. */
  if (!fresh && !self->under_way && self->report != NULL && self->qemu != NULL) {
    g_task_return_boolean (task, TRUE);
    return;
  }

  g_ptr_array_add (self->waiting, g_steal_pointer (&task));
  if (self->under_way)
    return;
  self->under_way = TRUE;
  self->fresh = fresh;
  lodge_qemu_probe_async ("x86_64", NULL, probed_cb, g_object_ref (self));
}

void
lodge_machine_host_prepare_finish (LodgeMachineHost *self, GAsyncResult *result)
{
  g_return_if_fail (g_task_is_valid (result, self));
  g_task_propagate_boolean (G_TASK (result), NULL);
}

LodgeHostReport *
lodge_machine_host_get_report (LodgeMachineHost *self)
{
  return self->report;
}

LodgeQemu *
lodge_machine_host_get_qemu (LodgeMachineHost *self, GError **error)
{
  if (self->qemu != NULL)
    return self->qemu;
  if (self->qemu_error != NULL)
    g_propagate_error (error, g_error_copy (self->qemu_error));
  else
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_HOST,
                         _ ("QEMU has not been looked for yet"));
  return NULL;
}

static void
virtiofsd_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachineHost) self = user_data;
  g_autoptr (GPtrArray) waiting = g_steal_pointer (&self->waiting_for_virtiofs);

  g_clear_pointer (&self->virtiofsd, lodge_virtiofsd_free);
  self->virtiofsd = lodge_virtiofsd_probe_finish (result);
  for (guint i = 0; i < waiting->len; i++)
    g_task_return_boolean (waiting->pdata[i], TRUE);
}

void
lodge_machine_host_find_virtiofsd_async (LodgeMachineHost *self,
                                         gboolean fresh,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  const gboolean under_way = self->waiting_for_virtiofs != NULL;

  g_task_set_source_tag (task, lodge_machine_host_find_virtiofsd_async);
  if (!fresh && !under_way && self->virtiofsd != NULL &&
      lodge_virtiofsd_is_current (self->virtiofsd)) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  if (!under_way)
    self->waiting_for_virtiofs = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (self->waiting_for_virtiofs, g_steal_pointer (&task));
  if (!under_way)
    lodge_virtiofsd_probe_async (virtiofsd_cb, g_object_ref (self));
}

const LodgeVirtiofsd *
lodge_machine_host_find_virtiofsd_finish (LodgeMachineHost *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_task_propagate_boolean (G_TASK (result), NULL);
  return self->virtiofsd;
}

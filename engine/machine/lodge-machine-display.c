/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How large a machine's screens should be, said through its graphics card. */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"
#include "qemu/lodge-qemu-display.h"

#include <glib/gi18n-lib.h>

typedef struct {
  guint monitor;
  guint width;
  guint height;
} Size;

static void begin_next (LodgeMachine *self);

static void
sized_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (LodgeMachine) self = g_object_ref (g_task_get_source_object (task));
  GError *error = NULL;

  if (lodge_qemu_display_set_size_finish (LODGE_QMP (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  g_object_unref (g_queue_pop_head (&self->sizes));
  begin_next (self);
}

/* QEMU serves one at a time. */
static void
begin_next (LodgeMachine *self)
{
  GTask *task;

  while ((task = g_queue_peek_head (&self->sizes)) != NULL) {
    const Size *size = g_task_get_task_data (task);

    if (self->qmp != NULL) {
      g_autofree char *keyring = g_build_filename (self->runtime, LODGE_QEMU_DISPLAY_KEYRING, NULL);

      lodge_qemu_display_set_size_async (self->qmp, keyring, size->monitor, size->width,
                                         size->height, sized_cb, g_object_ref (task));
      return;
    }
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_STATE,
                             _ ("The control socket of “%s” is gone"),
                             lodge_machine_get_name (self));
    g_object_unref (g_queue_pop_head (&self->sizes));
  }
}

void
lodge_machine_set_display_size_async (LodgeMachine *self,
                                      guint monitor,
                                      guint width,
                                      guint height,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Size *size = g_new (Size, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, lodge_machine_set_display_size_async);
  *size = (Size){monitor, width, height};
  g_task_set_task_data (task, size, g_free);
  if (!lodge_machine_check_action (self, LODGE_ACTION_INPUT, &error)) {
    g_task_return_error (task, error);
    return;
  }
  g_queue_push_tail (&self->sizes, g_steal_pointer (&task));
  if (g_queue_get_length (&self->sizes) == 1)
    begin_next (self);
}

gboolean
lodge_machine_set_display_size_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host check: three things side by side, then the report.
 *
 *   accelerator   lodge-accelerator.c, 800 ms at most
 *   sandbox       lodge-host-sandbox.c, two seconds at most, usually 10 ms
 *   files         lodge-host-facts.c, in a thread
 */
#include "host/lodge-host-check.h"

#include "host/lodge-host-facts.h"

typedef struct {
  LodgeHostFacts facts;
  guint waiting;
} Check;

static void
check_free (Check *self)
{
  lodge_host_facts_clear (&self->facts);
  g_free (self);
}

/* One of the three is done; the last one makes the report. Takes @task. */
static void
done (GTask *task)
{
  g_autoptr (GTask) owned = task;
  Check *self = g_task_get_task_data (owned);

  if (--self->waiting > 0)
    return;
  g_task_return_pointer (owned, lodge_host_report_new (&self->facts),
                         (GDestroyNotify) lodge_host_report_unref);
}

static void
accelerator_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Check *self = g_task_get_task_data (user_data);

  self->facts.accelerator = lodge_accelerator_measure_finish (result);
  done (user_data);
}

static void
sandbox_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Check *self = g_task_get_task_data (user_data);

  self->facts.sandbox = lodge_host_sandbox_try_finish (result);
  done (user_data);
}

static void
read_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  lodge_host_facts_read (data);
  g_task_return_boolean (task, TRUE);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  done (user_data);
}

void
lodge_host_check_async (const LodgeHostQemuFacts *qemu,
                        gboolean fresh,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GTask) reading = g_task_new (NULL, NULL, read_cb, g_object_ref (task));
  Check *self = g_new0 (Check, 1);

  /* A report is always a true one: the three end by their own limits, cancelled or not. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_source_tag (task, lodge_host_check_async);
  g_task_set_task_data (task, self, (GDestroyNotify) check_free);
  self->facts.qemu_binary = g_strdup (qemu != NULL ? qemu->qemu_binary : NULL);
  self->facts.qemu_version = g_strdup (qemu != NULL ? qemu->qemu_version : NULL);

  self->waiting = 3;
  lodge_accelerator_measure_async (fresh, NULL, accelerator_cb, g_object_ref (task));
  lodge_host_sandbox_try_async (NULL, sandbox_cb, g_object_ref (task));
  g_task_set_source_tag (reading, lodge_host_check_async);
  g_task_set_task_data (reading, &self->facts, NULL);
  g_task_run_in_thread (reading, read_in_thread);
}

LodgeHostReport *
lodge_host_check_finish (GAsyncResult *result)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_host_check_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

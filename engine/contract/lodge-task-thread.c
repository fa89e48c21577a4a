/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread works for a task of its own that holds nothing. It carries the other one along, and
 * that one is let go of where the thread's is answered. */
#include "lodge-task-thread.h"

typedef struct {
  GTask *task;
  GTaskThreadFunc function;
} Run;

static void
run_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Run *run = data;

  run->function (run->task, g_task_get_source_object (run->task), g_task_get_task_data (run->task),
                 g_task_get_cancellable (run->task));
  g_task_return_boolean (worker, TRUE);
}

static void
ran_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;

  g_task_propagate_boolean (G_TASK (result), NULL);
  g_object_unref (task);
}

void
lodge_task_run_in_thread (GTask *task, GTaskThreadFunc function)
{
  g_autoptr (GTask) worker = NULL;
  Run *run;

  g_return_if_fail (G_IS_TASK (task));
  g_return_if_fail (function != NULL);
  g_return_if_fail (!g_task_get_return_on_cancel (task));

  run = g_new (Run, 1);
  *run = (Run){task, function};
  worker = g_task_new (NULL, NULL, ran_cb, g_object_ref (task));
  g_task_set_source_tag (worker, g_task_get_source_tag (task));
  g_task_set_priority (worker, g_task_get_priority (task));
  g_task_set_task_data (worker, run, g_free);
  g_task_run_in_thread (worker, run_thread);
}

typedef struct {
  LodgeTaskStep step;
  gpointer data;
} Step;

static void
step_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Step *step = data;
  GError *error = NULL;
  gboolean done = step->step (step->data, &error);

  if (error != NULL)
    g_task_return_error (worker, error);
  else
    g_task_return_boolean (worker, done);
}

void
lodge_task_step_in_thread (GTask *task, LodgeTaskStep function, GAsyncReadyCallback callback)
{
  /* The thread may be the last to let go of it: it holds nothing but where the task's data is, and
   * the task waits for the callback. */
  g_autoptr (GTask) worker = g_task_new (NULL, NULL, callback, task);
  Step *step = g_new (Step, 1);

  *step = (Step){function, g_task_get_task_data (task)};
  g_task_set_source_tag (worker, g_task_get_source_tag (task));
  g_task_set_task_data (worker, step, g_free);
  g_task_run_in_thread (worker, step_thread);
}

void
lodge_task_forward_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  gboolean done = g_task_propagate_boolean (G_TASK (result), &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, done);
}

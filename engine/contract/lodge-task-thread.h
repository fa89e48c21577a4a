/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* As g_task_run_in_thread (): @function runs in a thread and answers through @task. There the
 * thread may be the last to let go of the task, and what the task holds, its source object and its
 * data, is then finalized in the thread. Here the thread that made the task is always the last.
 *
 * @function is given @task, its source object, its data and its cancellable. @task must not return
 * on cancel, and whoever waits for it must let the main context run once more after its callback:
 * what the task holds is let go of then. */
void lodge_task_run_in_thread (GTask *task, GTaskThreadFunc function);

/* One step of a task's work; @data is the task's. An @error counts as one whatever is returned. */
typedef gboolean (*LodgeTaskStep) (gpointer data, GError **error);

/* Does @step in a thread, with the data of @task, which stays as it is meanwhile. Takes @task and
 * hands it to @callback as its user data. What the step returned is said by
 * g_task_propagate_boolean () of the result. @task is not cancelled by this. */
void lodge_task_step_in_thread (GTask *task, LodgeTaskStep step, GAsyncReadyCallback callback);

/* The callback of a last step: @user_data, a task, is taken and returns what the step did. */
void lodge_task_forward_cb (GObject *source, GAsyncResult *result, gpointer user_data);

G_END_DECLS

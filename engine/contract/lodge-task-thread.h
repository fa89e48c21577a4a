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

G_END_DECLS

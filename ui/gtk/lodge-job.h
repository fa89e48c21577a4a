/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Following one of the engine's jobs to its end. */
#pragma once

#include "lodge-contract-generated.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* @progress: 0 to 1, -1 while unknown. @step: what is being done, for the user; may be "". */
typedef void (*LodgeJobProgress) (double progress, const char *step, gpointer user_data);

/**
 * lodge_job_follow_async:
 * @path: object path of a Job1
 * @tells: the caller tells what has come of it, also where its window is closed by then: see
 *   lodge_job_is_followed()
 * @cancellable: (nullable): asks the engine to undo the job; the operation ends when it has
 * @progress: (nullable): called for each change until the operation ends
 *
 * Waits for the job's end: as long as the engine lives, since a copy takes what it takes and the
 * user can cancel.
 *
 * Returns by finish: (transfer full): the job's result
 * Errors: the job's own, %LODGE_ERROR_CANCELLED, %LODGE_ERROR_FAILED when the engine went away.
 */
void lodge_job_follow_async (GDBusConnection *connection,
                             const char *path,
                             gboolean tells,
                             GCancellable *cancellable,
                             LodgeJobProgress progress,
                             gpointer progress_data,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
char *lodge_job_follow_finish (GAsyncResult *result, GError **error);

/* Whether somebody in this program follows it to its end, and tells what has come of it. */
gboolean lodge_job_is_followed (const char *path);
/* What a machine's item says of a job that has failed: NULL for what only makes whoever began it
 * ask his user, and begin it again. */
char *lodge_job_dup_failure (LodgeJob1 *job);

/**
 * lodge_job_find:
 * @jobs: what Engine1.ListJobs has answered
 * @machine: a UUID
 * @is_wanted: whether a job of that kind is looked for
 *
 * Returns: (nullable) (transfer full): the path of the first that runs
 */
char *
lodge_job_find (GVariant *jobs, const char *machine, gboolean (*is_wanted) (const char *kind));

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Long work: what it is, how far it is, how to stop it, how it ended. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  LODGE_JOB_RUNNING,
  LODGE_JOB_DONE,
  LODGE_JOB_FAILED,
  LODGE_JOB_CANCELLED,
} LodgeJobState;

#define LODGE_TYPE_JOB (lodge_job_get_type ())
G_DECLARE_FINAL_TYPE (LodgeJob, lodge_job, LODGE, JOB, GObject)

/* Signals: "changed" (), at most ten times a second for progress, at once for everything else. */

/* @kind: "create", "delete". @machine: UUID. */
LodgeJob *lodge_job_new (const char *kind, const char *machine);

const char *lodge_job_get_kind (LodgeJob *self);
const char *lodge_job_get_machine (LodgeJob *self);
/* Of a machine that it makes: its name, and the UUID of the one that is cloned; "" where it makes
 * none. Set before anybody is told of the job. */
void lodge_job_set_name (LodgeJob *self, const char *name);
const char *lodge_job_get_name (LodgeJob *self);
void lodge_job_set_source (LodgeJob *self, const char *source);
const char *lodge_job_get_source (LodgeJob *self);
LodgeJobState lodge_job_get_state (LodgeJob *self);
/* "running", "done", "failed", "cancelled". */
const char *lodge_job_get_state_name (LodgeJob *self);
/* 0 to 1, -1 while unknown. */
double lodge_job_get_progress (LodgeJob *self);
const char *lodge_job_get_step (LodgeJob *self);
const char *lodge_job_get_result (LodgeJob *self);
/* Lent; %NULL unless failed or cancelled. */
const GError *lodge_job_get_error (LodgeJob *self);

/* Lent: what the work watches to stop early. */
GCancellable *lodge_job_get_cancellable (LodgeJob *self);
/* Asks the work to stop and undo; no effect once it has ended. */
void lodge_job_cancel (LodgeJob *self);

/* %LODGE_ERROR_CANCELLED once somebody has asked for it. */
gboolean lodge_job_set_error_if_cancelled (LodgeJob *self, GError **error);

/* For the work itself. */
void lodge_job_set_progress (LodgeJob *self, double progress);
void lodge_job_set_step (LodgeJob *self, const char *step);
/* Ends the job, once. @result: the UUID of a new machine, or "". */
void lodge_job_done (LodgeJob *self, const char *result);
/* Ends the job, once, as failed, or as cancelled where @error says so. Takes @error. */
void lodge_job_take_error (LodgeJob *self, GError *error);

G_END_DECLS

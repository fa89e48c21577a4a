/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Long work: what it is, how far it is, how to stop it, how it ended. */
#include "machine/lodge-job.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

/* The contract promises at most ten changes a second. */
#define PROGRESS_INTERVAL_US (G_USEC_PER_SEC / 10)

struct _LodgeJob {
  GObject parent_instance;

  char *kind;
  char *machine;
  char *name;
  char *source;
  LodgeJobState state;
  double progress;
  char *step;
  char *result;
  GError *error;
  GCancellable *cancellable;
  gint64 last_change_us;
};

G_DEFINE_FINAL_TYPE (LodgeJob, lodge_job, G_TYPE_OBJECT)

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

static const char *const state_names[] = {
    [LODGE_JOB_RUNNING] = "running",
    [LODGE_JOB_DONE] = "done",
    [LODGE_JOB_FAILED] = "failed",
    [LODGE_JOB_CANCELLED] = "cancelled",
};

static void
lodge_job_finalize (GObject *object)
{
  LodgeJob *self = LODGE_JOB (object);

  g_free (self->kind);
  g_free (self->machine);
  g_free (self->name);
  g_free (self->source);
  g_free (self->step);
  g_free (self->result);
  g_clear_error (&self->error);
  g_object_unref (self->cancellable);

  G_OBJECT_CLASS (lodge_job_parent_class)->finalize (object);
}

static void
lodge_job_class_init (LodgeJobClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_job_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
lodge_job_init (LodgeJob *self)
{
  self->progress = -1;
  self->name = g_strdup ("");
  self->source = g_strdup ("");
  self->step = g_strdup ("");
  self->result = g_strdup ("");
  self->cancellable = g_cancellable_new ();
}

LodgeJob *
lodge_job_new (const char *kind, const char *machine)
{
  LodgeJob *self = g_object_new (LODGE_TYPE_JOB, NULL);

  self->kind = g_strdup (kind);
  self->machine = g_strdup (machine);
  return self;
}

const char *
lodge_job_get_kind (LodgeJob *self)
{
  return self->kind;
}

const char *
lodge_job_get_machine (LodgeJob *self)
{
  return self->machine;
}

void
lodge_job_set_name (LodgeJob *self, const char *name)
{
  g_free (self->name);
  self->name = g_strdup (name);
}

const char *
lodge_job_get_name (LodgeJob *self)
{
  return self->name;
}

void
lodge_job_set_source (LodgeJob *self, const char *source)
{
  g_free (self->source);
  self->source = g_strdup (source);
}

const char *
lodge_job_get_source (LodgeJob *self)
{
  return self->source;
}

LodgeJobState
lodge_job_get_state (LodgeJob *self)
{
  return self->state;
}

const char *
lodge_job_get_state_name (LodgeJob *self)
{
  return state_names[self->state];
}

double
lodge_job_get_progress (LodgeJob *self)
{
  return self->progress;
}

const char *
lodge_job_get_step (LodgeJob *self)
{
  return self->step;
}

const char *
lodge_job_get_result (LodgeJob *self)
{
  return self->result;
}

const GError *
lodge_job_get_error (LodgeJob *self)
{
  return self->error;
}

GCancellable *
lodge_job_get_cancellable (LodgeJob *self)
{
  return self->cancellable;
}

gboolean
lodge_job_set_error_if_cancelled (LodgeJob *self, GError **error)
{
  if (!g_cancellable_is_cancelled (self->cancellable))
    return FALSE;
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled"));
  return TRUE;
}

void
lodge_job_cancel (LodgeJob *self)
{
  if (self->state == LODGE_JOB_RUNNING)
    g_cancellable_cancel (self->cancellable);
}

void
lodge_job_set_progress (LodgeJob *self, double progress)
{
  gint64 now = g_get_monotonic_time ();

  if (self->state != LODGE_JOB_RUNNING)
    return;
  self->progress = CLAMP (progress, 0, 1);
  if (now - self->last_change_us < PROGRESS_INTERVAL_US)
    return;
  self->last_change_us = now;
  g_signal_emit (self, signals[CHANGED], 0);
}

void
lodge_job_set_step (LodgeJob *self, const char *step)
{
  if (self->state != LODGE_JOB_RUNNING || g_str_equal (self->step, step))
    return;
  g_free (self->step);
  self->step = g_strdup (step);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
end (LodgeJob *self, LodgeJobState state)
{
  g_return_if_fail (self->state == LODGE_JOB_RUNNING);

  self->state = state;
  g_signal_emit (self, signals[CHANGED], 0);
}

void
lodge_job_done (LodgeJob *self, const char *result)
{
  g_return_if_fail (self->state == LODGE_JOB_RUNNING);

  g_free (self->result);
  self->result = g_strdup (result);
  self->progress = 1;
  end (self, LODGE_JOB_DONE);
}

void
lodge_job_take_error (LodgeJob *self, GError *error)
{
  g_return_if_fail (self->state == LODGE_JOB_RUNNING);

  self->error = error;
  end (self, g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED) ||
                     g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
                 ? LODGE_JOB_CANCELLED
                 : LODGE_JOB_FAILED);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Suspending to disk, going on from there, and giving it up, as jobs of the library. */
#include "machine/lodge-library-private.h"

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeJob) job = user_data;
  GError *error = NULL;

  if (lodge_machine_suspend_finish (LODGE_MACHINE (source), result, &error))
    lodge_job_done (job, "");
  else
    lodge_job_take_error (job, error);
}

LodgeJob *
lodge_library_suspend (LodgeLibrary *self, LodgeMachine *machine)
{
  LodgeJob *job =
      lodge_library_add_job (self, lodge_job_new ("suspend", lodge_machine_get_uuid (machine)));

  lodge_machine_suspend_async (machine, job, done_cb, g_object_ref (job));
  return job;
}

LodgeJob *
lodge_library_resume (LodgeLibrary *self, LodgeMachine *machine)
{
  LodgeJob *job =
      lodge_library_add_job (self, lodge_job_new ("resume", lodge_machine_get_uuid (machine)));

  lodge_machine_resume_async (machine, job, done_cb, g_object_ref (job));
  return job;
}

LodgeJob *
lodge_library_discard_suspended (LodgeLibrary *self, LodgeMachine *machine)
{
  LodgeJob *job = lodge_library_add_job (
      self, lodge_job_new ("discard-saved", lodge_machine_get_uuid (machine)));

  lodge_machine_discard_suspended_async (machine, job, done_cb, g_object_ref (job));
  return job;
}

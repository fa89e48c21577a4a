/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of a guest, as jobs of the library. */
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-fetch.h"

static void
fetched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeJob) job = user_data;
  GError *error = NULL;
  g_autofree char *path = lodge_machine_fetch_file_finish (LODGE_MACHINE (source), result, &error);

  if (path != NULL)
    lodge_job_done (job, path);
  else
    lodge_job_take_error (job, error);
}

LodgeJob *
lodge_library_fetch_file (LodgeLibrary *self,
                          LodgeMachine *machine,
                          const char *path,
                          const char *folder)
{
  LodgeJob *job =
      lodge_library_add_job (self, lodge_job_new ("file-fetch", lodge_machine_get_uuid (machine)));

  lodge_machine_fetch_file_async (machine, job, path, folder, fetched_cb, g_object_ref (job));
  return job;
}

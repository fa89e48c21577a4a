/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clones as jobs of the library. */
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-clone.h"

typedef struct {
  LodgeLibrary *library;
  LodgeJob *job;
} Made;

static void
cloned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Made *made = user_data;
  GError *error = NULL;
  LodgeDescriptionFile *file = lodge_machine_clone_finish (LODGE_MACHINE (source), result, &error);

  if (file == NULL)
    lodge_job_take_error (made->job, error);
  else
    lodge_job_done (made->job,
                    lodge_machine_get_uuid (lodge_library_add_made (made->library, file)));
  /* What was frozen for it may be the source's alone after all. */
  lodge_library_merge_later (made->library);
  g_object_unref (made->library);
  g_object_unref (made->job);
  g_free (made);
}

LodgeJob *
lodge_library_clone_machine (
    LodgeLibrary *self, LodgeMachine *machine, const char *name, GVariant *options, GError **error)
{
  g_autoptr (LodgeCloneSpec) spec = lodge_clone_spec_parse (name, options, error);
  g_autofree char *uuid = g_uuid_string_random ();
  g_autoptr (LodgeJob) job = lodge_job_new ("clone", uuid);
  Made *made;

  if (spec == NULL || !lodge_library_reserve_name (self, job, name, error))
    return NULL;
  lodge_job_set_source (job, lodge_machine_get_uuid (machine));
  made = g_new0 (Made, 1);
  made->library = g_object_ref (self);
  made->job = g_object_ref (job);
  lodge_library_add_job (self, g_object_ref (job));
  lodge_machine_clone_async (machine, g_steal_pointer (&spec), job, cloned_cb, made);
  return job;
}

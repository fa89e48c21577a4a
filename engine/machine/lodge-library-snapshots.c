/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots as jobs of the library. */
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-private.h"

static void
taken_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeJob) job = user_data;
  GError *error = NULL;
  g_autofree char *id = lodge_machine_take_snapshot_finish (LODGE_MACHINE (source), result, &error);

  if (id != NULL)
    lodge_job_done (job, id);
  else
    lodge_job_take_error (job, error);
}

LodgeJob *
lodge_library_take_snapshot (LodgeLibrary *self,
                             LodgeMachine *machine,
                             const char *name,
                             const char *text)
{
  LodgeJob *job = lodge_library_add_job (
      self, lodge_job_new ("snapshot-create", lodge_machine_get_uuid (machine)));

  lodge_machine_take_snapshot_async (machine, job, name, text, taken_cb, g_object_ref (job));
  return job;
}

LodgeJob *
lodge_library_take_scheduled (LodgeLibrary *self, LodgeMachine *machine)
{
  LodgeJob *job = lodge_library_add_job (
      self, lodge_job_new ("snapshot-create", lodge_machine_get_uuid (machine)));

  lodge_machine_take_scheduled_async (machine, job, taken_cb, g_object_ref (job));
  return job;
}

static void
layers_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeJob) job = user_data;
  GError *error = NULL;

  if (lodge_machine_layers_finish (LODGE_MACHINE (source), result, &error))
    lodge_job_done (job, "");
  else
    lodge_job_take_error (job, error);
}

static LodgeJob *
add_deletion (LodgeLibrary *self, LodgeMachine *machine)
{
  return lodge_library_add_job (
      self, lodge_job_new ("snapshot-delete", lodge_machine_get_uuid (machine)));
}

LodgeJob *
lodge_library_delete_snapshot (LodgeLibrary *self, LodgeMachine *machine, const char *snapshot)
{
  LodgeJob *job = add_deletion (self, machine);

  lodge_machine_delete_snapshot_async (machine, job, snapshot, layers_cb, g_object_ref (job));
  return job;
}

LodgeJob *
lodge_library_delete_expired (LodgeLibrary *self,
                              LodgeMachine *machine,
                              const char *snapshot,
                              gboolean trusted)
{
  LodgeJob *job = add_deletion (self, machine);

  lodge_machine_delete_expired_async (machine, job, snapshot, trusted, layers_cb,
                                      g_object_ref (job));
  return job;
}

typedef struct {
  LodgeLibrary *library;
  LodgeJob *job;
} Merge;

static void
merged_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Merge *merge = user_data;
  g_autoptr (LodgeLibrary) library = merge->library;

  layers_cb (source, result, merge->job);
  /* What this one has let go of may be another's alone now, which can be merged there. */
  lodge_library_merge_later (library);
}

void
lodge_library_consider_merging (LodgeLibrary *self, LodgeMachine *machine)
{
  LodgeJob *job;
  Merge *merge;

  if (!lodge_machine_can_merge_layers (machine))
    return;
  job = lodge_library_add_job (self,
                               lodge_job_new ("snapshot-merge", lodge_machine_get_uuid (machine)));
  merge = g_new0 (Merge, 1);
  merge->library = g_object_ref (self);
  merge->job = g_object_ref (job);
  lodge_machine_merge_layers_async (machine, job, merged_cb, merge);
}

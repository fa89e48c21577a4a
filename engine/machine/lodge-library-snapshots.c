/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots as jobs of the library. */
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-snapshots.h"

#include <glib/gi18n-lib.h>

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

/* Going back to a guest that ran. The present is kept until its memory has loaded: its disks have
 * gone back by then, for a QEMU cannot be asked without them; when it does not load they come
 * again, and all is as before. */
typedef struct {
  LodgeJob *job;
  LodgeJob *undo;   /* what the user cannot cancel, or has cancelled already */
  char *kept;       /* id of what the present became */
  gboolean discard; /* that, once the guest goes on */
  GError *error;    /* why it has not gone back */
} Back;

static void
back_free (Back *back)
{
  g_object_unref (back->job);
  g_clear_object (&back->undo);
  g_free (back->kept);
  g_clear_error (&back->error);
  g_free (back);
}

static void
discarded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Back *back = user_data;
  GError *error = NULL;

  if (lodge_machine_layers_finish (LODGE_MACHINE (source), result, &error))
    lodge_job_done (back->job, "");
  else
    lodge_job_take_error (back->job, error);
  back_free (back);
}

/* What the present had become is its own again, or a snapshot that nobody needs: not worth more
 * words than these. */
static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Back *back = user_data;
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_layers_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  g_prefix_error (&back->error, _ ("“%s” has not gone back and is as it was before: "),
                  lodge_machine_get_name (LODGE_MACHINE (source)));
  lodge_job_take_error (back->job, g_steal_pointer (&back->error));
  back_free (back);
}

static void
come_again_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *machine = LODGE_MACHINE (source);
  Back *back = user_data;
  g_autoptr (GError) why = NULL;
  g_autofree char *nothing = lodge_machine_go_back_finish (machine, result, &why);
  const LodgeDescription *now = lodge_machine_get_description (machine);
  const LodgeSnapshot *kept = now != NULL ? lodge_description_get_snapshot (now, back->kept) : NULL;

  if (nothing != NULL) {
    lodge_machine_delete_snapshot_async (machine, back->undo, back->kept, forgotten_cb, back);
    return;
  }
  g_debug ("%s", why->message);
  g_prefix_error (&back->error,
                  _ ("The disks of “%s” have gone back, but its guest could not go on from there; "
                     "go back to the snapshot “%s” to have what was before: "),
                  lodge_machine_get_name (machine), kept != NULL ? kept->name : back->kept);
  lodge_job_take_error (back->job, g_steal_pointer (&back->error));
  back_free (back);
}

/* Takes @error. */
static void
come_again (LodgeMachine *machine, Back *back, GError *error)
{
  back->error = error;
  back->undo = lodge_job_new ("snapshot-revert", lodge_machine_get_uuid (machine));
  lodge_job_set_step (back->job, _ ("Bringing back what was before"));
  lodge_machine_go_back_async (machine, back->undo, back->kept, FALSE, NULL, come_again_cb, back);
}

static void
went_on_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *machine = LODGE_MACHINE (source);
  Back *back = user_data;
  GError *error = NULL;

  if (!lodge_machine_start_finish (machine, result, &error)) {
    come_again (machine, back, error);
    return;
  }
  if (back->discard) {
    lodge_machine_delete_snapshot_async (machine, back->job, back->kept, discarded_cb, back);
    return;
  }
  lodge_job_done (back->job, back->kept);
  back_free (back);
}

static void
gone_back_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *machine = LODGE_MACHINE (source);
  Back *back = user_data;
  GError *error = NULL;
  int memory = -1;

  back->kept = lodge_machine_go_back_finish (machine, result, &error);
  if (back->kept == NULL) {
    lodge_job_take_error (back->job, error);
  } else if (!lodge_machine_open_memory (machine, &memory, &error)) {
    come_again (machine, back, error);
    return;
  } else if (memory >= 0) {
    lodge_job_set_step (back->job, _ ("Loading the guest's memory"));
    lodge_machine_start_from_async (machine, memory, went_on_cb, back);
    return;
  } else {
    lodge_job_done (back->job, back->kept);
  }
  back_free (back);
}

LodgeJob *
lodge_library_go_back (LodgeLibrary *self,
                       LodgeMachine *machine,
                       const char *snapshot,
                       gboolean keep,
                       const char *name)
{
  Back *back = g_new0 (Back, 1);
  LodgeJob *job = lodge_library_add_job (
      self, lodge_job_new ("snapshot-revert", lodge_machine_get_uuid (machine)));

  back->job = g_object_ref (job);
  /* Memory that does not load must not cost the present. */
  back->discard = !keep && lodge_machine_has_memory (machine, snapshot);
  lodge_machine_go_back_async (machine, job, snapshot, keep || back->discard, name, gone_back_cb,
                               back);
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

LodgeJob *
lodge_library_delete_snapshot (LodgeLibrary *self, LodgeMachine *machine, const char *snapshot)
{
  LodgeJob *job = lodge_library_add_job (
      self, lodge_job_new ("snapshot-delete", lodge_machine_get_uuid (machine)));

  lodge_machine_delete_snapshot_async (machine, job, snapshot, layers_cb, g_object_ref (job));
  return job;
}

void
lodge_library_consider_merging (LodgeLibrary *self, LodgeMachine *machine)
{
  LodgeJob *job;

  if (!lodge_machine_can_merge_layers (machine))
    return;
  job = lodge_library_add_job (self,
                               lodge_job_new ("snapshot-merge", lodge_machine_get_uuid (machine)));
  lodge_machine_merge_layers_async (machine, job, layers_cb, g_object_ref (job));
}

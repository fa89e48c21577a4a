/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going back to a snapshot, as a job of the library.
 *
 * The present is kept until the memory of then has loaded: its disks have gone back by then, for a
 * QEMU cannot be asked without them; when it does not load they come again, and all is as before.
 *
 * Of a guest that runs the present is a snapshot with its memory, after which it is not let go on:
 *
 *   1. the snapshot is taken; until that is durable the guest goes on when anything fails
 *   2. its QEMU is ended, which loses nothing any more
 *   3. the disks go back, and the memory of then is loaded
 *
 * Whoever fails in 3 brings the guest back from the snapshot: where the disks have not gone back,
 * as on a disk that is full, nothing has to be written for that, since the present stands on it
 * still. Who ends in the middle (the engine, the computer) leaves that, and a machine that stands
 * still (after 1) or is off.
 */
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-file.h"
#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-freeze.h"
#include "machine/lodge-snapshot-files.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct {
  LodgeJob *job;
  LodgeJob *undo;   /* what the user cannot cancel, or has cancelled already */
  char *snapshot;   /* to go back to */
  char *kept;       /* id of what the present became */
  gboolean discard; /* that, once the guest goes on */
  gboolean live;    /* it is one with memory */
  gboolean paused;  /* of a guest that stood still */
  gboolean off;     /* the memory of then is left alone */
  gboolean gone;    /* its disks have gone back */
  GError *error;    /* why it has not gone back */
} Back;

static void
back_free (Back *back)
{
  g_object_unref (back->job);
  g_clear_object (&back->undo);
  g_free (back->snapshot);
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

/* It has gone back. */
static void
done (LodgeMachine *machine, Back *back)
{
  if (back->discard) {
    lodge_machine_delete_snapshot_async (machine, back->job, back->kept, discarded_cb, back);
    return;
  }
  lodge_job_done (back->job, back->kept);
  back_free (back);
}

/* It has not. */

/* What the present had become is its own again, or a snapshot that nobody needs: not worth more
 * words than these. */
static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *machine = LODGE_MACHINE (source);
  const LodgeDescription *now = lodge_machine_get_description (machine);
  Back *back = user_data;
  const LodgeSnapshot *kept = now != NULL ? lodge_description_get_snapshot (now, back->kept) : NULL;
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_layers_finish (machine, result, &error))
    g_debug ("%s", error->message);
  if (kept != NULL)
    g_prefix_error (&back->error,
                    _ ("The guest of “%s” is as it was before, and the snapshot “%s” of that "
                       "moment can be deleted: "),
                    lodge_machine_get_name (machine), kept->name);
  else
    g_prefix_error (&back->error, _ ("“%s” has not gone back and is as it was before: "),
                    lodge_machine_get_name (machine));
  lodge_job_take_error (back->job, g_steal_pointer (&back->error));
  back_free (back);
}

/* Takes @why. */
static void
stay_away (LodgeMachine *machine, Back *back, GError *why)
{
  const LodgeDescription *now = lodge_machine_get_description (machine);
  const LodgeSnapshot *kept = now != NULL ? lodge_description_get_snapshot (now, back->kept) : NULL;

  g_debug ("%s", why->message);
  g_error_free (why);
  g_prefix_error (&back->error,
                  back->gone
                      ? _ ("The disks of “%s” have gone back, but its guest could not go on from "
                           "there; go back to the snapshot “%s” to have what was before: ")
                      : _ ("The guest of “%s” was ended, but its disks could not go back; "
                           "go back to the snapshot “%s” to have what was before: "),
                  lodge_machine_get_name (machine), kept != NULL ? kept->name : back->kept);
  lodge_job_take_error (back->job, g_steal_pointer (&back->error));
  back_free (back);
}

static void
forget (LodgeMachine *machine, Back *back)
{
  lodge_machine_delete_snapshot_async (machine, back->undo, back->kept, forgotten_cb, back);
}

static void
paused_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* It runs: nothing is lost by that. */
  if (!lodge_machine_request_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  forget (LODGE_MACHINE (source), user_data);
}

static void
came_again_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *machine = LODGE_MACHINE (source);
  Back *back = user_data;
  GError *why = NULL;

  if (!lodge_machine_start_finish (machine, result, &why))
    stay_away (machine, back, why);
  else if (back->paused)
    lodge_machine_request_async (machine, LODGE_REQUEST_PAUSE, paused_cb, back);
  else
    forget (machine, back);
}

/* From the memory of what the present goes on from. */
static void
come_from (LodgeMachine *machine, Back *back)
{
  GError *why = NULL;
  int memory = -1;

  if (!lodge_machine_open_memory (machine, &memory, &why))
    stay_away (machine, back, why);
  else if (memory >= 0)
    lodge_machine_start_from_async (machine, memory, came_again_cb, back);
  else
    forget (machine, back);
}

static void
come_again_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *machine = LODGE_MACHINE (source);
  Back *back = user_data;
  GError *why = NULL;
  g_autofree char *nothing = lodge_machine_go_back_finish (machine, result, &why);

  if (nothing == NULL)
    stay_away (machine, back, why);
  else
    come_from (machine, back);
}

/* What was stored with a snapshot. */
typedef struct {
  Back *back;
  char *folder;
  char *id;
  char *name; /* of the snapshot */
  char *keep_as;
  LodgeDescription *stored;
  LodgeDescription *now; /* of what comes again; or NULL */
  gboolean fresh;        /* nobody has written to what that stands on */
} Look;

static void
look_free (gpointer data)
{
  Look *look = data;

  g_free (look->folder);
  g_free (look->id);
  g_free (look->name);
  g_free (look->keep_as);
  g_clear_pointer (&look->now, lodge_description_free);
  lodge_description_free (look->stored);
  g_free (look);
}

static gboolean
look_step (gpointer data, GError **error)
{
  Look *look = data;

  look->stored = lodge_snapshot_files_load (look->folder, look->id, look->name, error);
  look->fresh = look->now != NULL && lodge_freeze_is_fresh (look->folder, look->now);
  return look->stored != NULL;
}

/* @keep_as: (nullable): the present is that already, and is looked at, too */
static void
look (LodgeMachine *machine,
      Back *back,
      const LodgeSnapshot *snapshot,
      const char *keep_as,
      GAsyncReadyCallback callback)
{
  GTask *task = g_task_new (machine, NULL, NULL, NULL);
  Look *look = g_new0 (Look, 1);

  look->back = back;
  look->folder = lodge_machine_dup_folder (machine);
  look->id = g_strdup (snapshot->id);
  look->name = g_strdup (snapshot->name);
  look->keep_as = g_strdup (keep_as);
  if (keep_as == NULL)
    look->now = lodge_description_copy (lodge_machine_get_description (machine));
  g_task_set_task_data (task, look, look_free);
  lodge_task_step_in_thread (task, look_step, callback);
}

/* The QEMU that machine.ini makes is the one whose memory it has. */
static gboolean
is_as_kept (const LodgeDescription *now, const LodgeDescription *stored, const char *kept)
{
  g_autoptr (LodgeDescription) then = lodge_description_copy (now);
  g_autoptr (GPtrArray) old = NULL;
  g_autofree char *text = NULL;
  g_autofree char *text_then = NULL;
  gsize length;

  if (g_strcmp0 (now->snapshot, kept) != 0 ||
      !lodge_description_go_back (then, stored, kept, &old, NULL))
    return FALSE;
  lodge_description_take_layers (then, now);
  /* It has not gone anywhere: it is the same guest. */
  g_free (then->vmgenid);
  then->vmgenid = g_strdup (now->vmgenid);
  text = lodge_description_file_dup_text (now, &length);
  text_then = lodge_description_file_dup_text (then, &length);
  return strcmp (text, text_then) == 0;
}

static void
kept_looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *machine = g_task_get_source_object (task);
  const Look *look = g_task_get_task_data (task);
  const LodgeDescription *now = lodge_machine_get_description (machine);

  if (g_task_propagate_boolean (G_TASK (result), NULL) && look->fresh && now != NULL &&
      is_as_kept (now, look->stored, look->id))
    come_from (machine, look->back);
  else
    lodge_machine_go_back_async (machine, look->back->undo, look->id, FALSE, NULL, come_again_cb,
                                 look->back);
}

/* Takes @error. */
static void
come_again (LodgeMachine *machine, Back *back, GError *error)
{
  const LodgeDescription *now = lodge_machine_get_description (machine);
  const LodgeSnapshot *kept = now != NULL ? lodge_description_get_snapshot (now, back->kept) : NULL;

  back->error = error;
  back->undo = lodge_job_new ("snapshot-revert", lodge_machine_get_uuid (machine));
  lodge_job_set_step (back->job, _ ("Bringing back what was before"));
  if (back->live && !back->gone && kept != NULL)
    look (machine, back, kept, NULL, kept_looked_cb);
  else
    lodge_machine_go_back_async (machine, back->undo, back->kept, FALSE, NULL, come_again_cb, back);
}

/* The disks, and the memory of then. */

/* Memory needs all that its guest had, to the last stick, and its disks do not. */
static void
advise (GError *error)
{
  g_autofree char *why = NULL;

  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED) ||
      g_error_matches (error, LODGE_ERROR, LODGE_ERROR_LOCKED))
    return;
  why = g_steal_pointer (&error->message);
  error->message = g_strdup_printf (
      _ ("%s. The disks of then can be had without the memory (“Without "
         "the guest’s memory” where you go back, or lodgectl snapshot revert --without-memory)"),
      why);
}

static void
went_on_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *machine = LODGE_MACHINE (source);
  GError *error = NULL;

  if (lodge_machine_start_finish (machine, result, &error)) {
    done (machine, user_data);
    return;
  }
  advise (error);
  come_again (machine, user_data, error);
}

static void
gone_back_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *machine = LODGE_MACHINE (source);
  Back *back = user_data;
  GError *error = NULL;
  g_autofree char *kept = lodge_machine_go_back_finish (machine, result, &error);
  int memory = -1;

  back->gone = kept != NULL;
  if (kept == NULL && !back->live) {
    lodge_job_take_error (back->job, error);
    back_free (back);
    return;
  }
  if (!back->live)
    back->kept = g_steal_pointer (&kept);
  if (error == NULL && !back->off && !lodge_machine_open_memory (machine, &memory, &error))
    advise (error);
  if (error != NULL) {
    come_again (machine, back, error);
    return;
  }
  if (back->live)
    lodge_journal_step ("gone-back");
  if (memory < 0) {
    done (machine, back);
    return;
  }
  lodge_job_set_step (back->job, _ ("Loading the guest's memory"));
  lodge_machine_start_from_async (machine, memory, went_on_cb, back);
}

/* A guest that runs, or is paused. */

static void
killed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *machine = LODGE_MACHINE (source);
  Back *back = user_data;
  GError *error = NULL;

  /* Then it stands still, and can be resumed. */
  if (!lodge_machine_request_finish (machine, result, &error)) {
    lodge_job_take_error (back->job, error);
    back_free (back);
    return;
  }
  lodge_journal_step ("ended");
  lodge_machine_go_back_async (machine, back->job, back->snapshot, FALSE, NULL, gone_back_cb, back);
}

static void
kept_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *machine = LODGE_MACHINE (source);
  Back *back = user_data;
  GError *error = NULL;

  back->kept = lodge_machine_take_snapshot_finish (machine, result, &error);
  if (back->kept == NULL) {
    if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_STORAGE))
      g_prefix_error (&error, _ ("“%s” has not gone back: "), lodge_machine_get_name (machine));
    lodge_job_take_error (back->job, error);
    back_free (back);
    return;
  }
  lodge_journal_step ("kept");
  lodge_job_set_step (back->job, _ ("Ending the guest"));
  lodge_machine_request_async (machine, LODGE_REQUEST_KILL, killed_cb, back);
}

/* What was stored with the snapshot, looked at before the guest is ended for it. */

static gboolean
check_stored (LodgeMachine *machine, const Look *look, GError **error)
{
  const LodgeDescription *now = lodge_machine_get_description (machine);
  g_autoptr (LodgeDescription) next = now != NULL ? lodge_description_copy (now) : NULL;
  g_autoptr (GPtrArray) old = NULL;

  /* What else may have become of it is said by what comes next. */
  return next == NULL || lodge_description_get_snapshot (next, look->id) == NULL ||
         lodge_description_go_back (next, look->stored, look->id, &old, error);
}

static void
stored_looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *machine = g_task_get_source_object (task);
  Look *look = g_task_get_task_data (task);
  Back *back = look->back;
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error) && check_stored (machine, look, &error)) {
    lodge_machine_keep_present_async (machine, back->job, back->snapshot, look->keep_as, kept_cb,
                                      back);
    return;
  }
  lodge_job_take_error (back->job, error);
  back_free (back);
}

static void
keep_present (LodgeMachine *machine, Back *back, const char *name)
{
  const LodgeDescription *now = lodge_machine_get_description (machine);
  const LodgeSnapshot *snapshot =
      now != NULL ? lodge_description_find_snapshot (now, back->snapshot, NULL) : NULL;

  if (snapshot == NULL)
    lodge_machine_keep_present_async (machine, back->job, back->snapshot, name, kept_cb, back);
  else
    look (machine, back, snapshot, name, stored_looked_cb);
}

static LodgeJob *
go_back (LodgeLibrary *self,
         LodgeMachine *machine,
         const char *snapshot,
         gboolean keep,
         const char *name,
         gboolean off)
{
  Back *back = g_new0 (Back, 1);
  LodgeJob *job = lodge_library_add_job (
      self, lodge_job_new ("snapshot-revert", lodge_machine_get_uuid (machine)));
  LodgeState state = lodge_machine_get_state (machine);

  back->job = g_object_ref (job);
  back->snapshot = g_strdup (snapshot);
  back->live = state == LODGE_STATE_RUNNING || state == LODGE_STATE_PAUSED;
  back->paused = state == LODGE_STATE_PAUSED;
  back->off = off;
  /* Memory that does not load must not cost the present. */
  back->discard = !keep && (back->live || (!off && lodge_machine_has_memory (machine, snapshot)));
  if (back->live)
    keep_present (machine, back, name);
  else
    lodge_machine_go_back_async (machine, job, snapshot, keep || back->discard, name, gone_back_cb,
                                 back);
  return job;
}

LodgeJob *
lodge_library_go_back (LodgeLibrary *self,
                       LodgeMachine *machine,
                       const char *snapshot,
                       gboolean keep,
                       const char *name)
{
  return go_back (self, machine, snapshot, keep, name, FALSE);
}

LodgeJob *
lodge_library_go_back_off (LodgeLibrary *self,
                           LodgeMachine *machine,
                           const char *snapshot,
                           gboolean keep,
                           const char *name)
{
  return go_back (self, machine, snapshot, keep, name, TRUE);
}

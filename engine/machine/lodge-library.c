/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All machines of this user, and the jobs that are under way. */
#include "machine/lodge-library-private.h"

#include "description/lodge-unfinished.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-create.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-machine-private.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

/* A client that was slow to look still sees how its job ended. */
#define JOB_KEPT_S 60

struct _LodgeLibrary {
  GObject parent_instance;

  LodgeStore *store;
  char *clock_path; /* lodge-clock-trust.h */
  LodgeMachineHost *host;
  GPtrArray *machines;
  GHashTable *by_uuid; /* lent UUID to lent machine */
  GPtrArray *jobs;
  GHashTable *names_being_made; /* job, or task that renames, to name */
  guint recovering;
  guint merge_idle; /* some machine may have layers to merge */
  LodgeLibrarySchedule *schedule;
};

G_DEFINE_FINAL_TYPE (LodgeLibrary, lodge_library, G_TYPE_OBJECT)

enum { MACHINE_CHANGED, MACHINE_REMOVED, JOB_ADDED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
lodge_library_finalize (GObject *object)
{
  LodgeLibrary *self = LODGE_LIBRARY (object);

  g_clear_handle_id (&self->merge_idle, g_source_remove);
  g_clear_pointer (&self->schedule, lodge_library_schedule_free);
  g_hash_table_unref (self->names_being_made);
  g_ptr_array_unref (self->jobs);
  g_hash_table_unref (self->by_uuid);
  g_ptr_array_unref (self->machines);
  g_object_unref (self->host);
  g_clear_pointer (&self->store, lodge_store_unref);
  g_free (self->clock_path);

  G_OBJECT_CLASS (lodge_library_parent_class)->finalize (object);
}

static void
lodge_library_class_init (LodgeLibraryClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = lodge_library_finalize;

  signals[MACHINE_CHANGED] = g_signal_new ("machine-changed", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                           NULL, NULL, G_TYPE_NONE, 1, LODGE_TYPE_MACHINE);
  signals[MACHINE_REMOVED] =
      g_signal_new ("machine-removed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                    G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
  signals[JOB_ADDED] = g_signal_new ("job-added", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                     G_TYPE_NONE, 1, LODGE_TYPE_JOB);
}

static void
lodge_library_init (LodgeLibrary *self)
{
  self->machines = g_ptr_array_new_with_free_func (g_object_unref);
  self->by_uuid = g_hash_table_new (g_str_hash, g_str_equal);
  self->jobs = g_ptr_array_new_with_free_func (g_object_unref);
  self->names_being_made = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->host = lodge_machine_host_new ();
}

static gboolean
merge_idle_cb (gpointer user_data)
{
  LodgeLibrary *self = user_data;

  self->merge_idle = 0;
  for (guint i = 0; i < self->machines->len; i++)
    lodge_library_consider_merging (self, self->machines->pdata[i]);
  return G_SOURCE_REMOVE;
}

/* What a snapshot's deletion has left for later, when its machine has come to rest. */
void
lodge_library_merge_later (LodgeLibrary *self)
{
  if (self->recovering == 0 && self->merge_idle == 0)
    self->merge_idle = g_idle_add_full (G_PRIORITY_LOW, merge_idle_cb, self, NULL);
}

static void
machine_changed_cb (LodgeMachine *machine, LodgeLibrary *self)
{
  if (lodge_machine_can_merge_layers (machine))
    lodge_library_merge_later (self);
  g_signal_emit (self, signals[MACHINE_CHANGED], 0, machine);
}

static void
add_machine (LodgeLibrary *self, LodgeMachine *machine)
{
  g_ptr_array_add (self->machines, machine);
  g_hash_table_insert (self->by_uuid, (gpointer) lodge_machine_get_uuid (machine), machine);
  g_signal_connect_object (machine, "changed", G_CALLBACK (machine_changed_cb), self, 0);
}

LodgeLibrary *
lodge_library_new (const char *data_folder, GError **error)
{
  g_autoptr (LodgeLibrary) self = g_object_new (LODGE_TYPE_LIBRARY, NULL);
  g_autoptr (GPtrArray) uuids = NULL;

  self->store = lodge_store_open (data_folder, error);
  if (self->store == NULL)
    return NULL;
  self->clock_path = g_build_filename (data_folder, "clock", NULL);
  lodge_store_clean (self->store);
  lodge_unfinished_clean (data_folder);
  uuids = lodge_store_list (self->store);
  for (guint i = 0; i < uuids->len; i++)
    add_machine (self, lodge_machine_new (self->store, self->host, uuids->pdata[i]));
  return g_steal_pointer (&self);
}

/* It is known what runs. */
static void
begin_schedule (LodgeLibrary *self)
{
  if (self->schedule == NULL)
    self->schedule = lodge_library_schedule_new (self, self->clock_path);
  lodge_library_schedule_tick (self->schedule);
}

LodgeLibrarySchedule *
lodge_library_get_schedule (LodgeLibrary *self)
{
  return self->schedule;
}

static void
recovered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeLibrary *self = g_task_get_source_object (task);

  lodge_machine_recover_finish (LODGE_MACHINE (source), result);
  if (--self->recovering > 0)
    return;
  lodge_library_merge_later (self);
  begin_schedule (self);
  g_task_return_boolean (task, TRUE);
}

void
lodge_library_recover_async (LodgeLibrary *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_library_recover_async);
  self->recovering = self->machines->len;
  if (self->recovering == 0) {
    begin_schedule (self);
    g_task_return_boolean (task, TRUE);
  }
  for (guint i = 0; i < self->machines->len; i++)
    lodge_machine_recover_async (self->machines->pdata[i], recovered_cb, g_object_ref (task));
}

void
lodge_library_recover_finish (LodgeLibrary *self, GAsyncResult *result)
{
  g_return_if_fail (g_task_is_valid (result, self));
  g_task_propagate_boolean (G_TASK (result), NULL);
}

GPtrArray *
lodge_library_get_machines (LodgeLibrary *self)
{
  return self->machines;
}

GPtrArray *
lodge_library_get_jobs (LodgeLibrary *self)
{
  return self->jobs;
}

LodgeMachineHost *
lodge_library_get_host (LodgeLibrary *self)
{
  return self->host;
}

LodgeMachine *
lodge_library_find (LodgeLibrary *self, const char *machine, GError **error)
{
  LodgeMachine *found = g_hash_table_lookup (self->by_uuid, machine);
  g_autoptr (GString) uuids = g_string_new (NULL);

  if (found != NULL) {
    lodge_machine_refresh (found);
    return found;
  }
  for (guint i = 0; i < self->machines->len; i++) {
    LodgeMachine *one = self->machines->pdata[i];

    if (!g_str_equal (lodge_machine_get_name (one), machine))
      continue;
    found = uuids->len == 0 ? one : NULL;
    g_string_append_printf (uuids, "%s%s", uuids->len > 0 ? ", " : "",
                            lodge_machine_get_uuid (one));
  }
  if (found != NULL) {
    lodge_machine_refresh (found);
    return found;
  }
  if (uuids->len == 0)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("There is no machine “%s”"),
                 machine);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("Several machines are called “%s”: say which by its UUID (%s)"), machine,
                 uuids->str);
  return NULL;
}

gboolean
lodge_library_is_name_free (LodgeLibrary *self, const char *name)
{
  GHashTableIter iter;
  gpointer being_made;

  for (guint i = 0; i < self->machines->len; i++) {
    if (g_str_equal (lodge_machine_get_name (self->machines->pdata[i]), name))
      return FALSE;
  }
  g_hash_table_iter_init (&iter, self->names_being_made);
  while (g_hash_table_iter_next (&iter, NULL, &being_made)) {
    if (g_str_equal (being_made, name))
      return FALSE;
  }
  return TRUE;
}

static gboolean
check_name_free (LodgeLibrary *self, const char *name, GError **error)
{
  if (lodge_library_is_name_free (self, name))
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS,
               _ ("There is a machine “%s” already: choose another name"), name);
  return FALSE;
}

gboolean
lodge_library_reserve_name (LodgeLibrary *self, LodgeJob *job, const char *name, GError **error)
{
  if (!check_name_free (self, name, error))
    return FALSE;
  g_hash_table_insert (self->names_being_made, job, g_strdup (name));
  lodge_job_set_name (job, name);
  return TRUE;
}

LodgeMachine *
lodge_library_add_made (LodgeLibrary *self, LodgeDescriptionFile *file)
{
  LodgeMachine *machine = lodge_machine_new_for_file (self->store, self->host, file);

  lodge_machine_screen_load (machine);
  add_machine (self, machine);
  machine_changed_cb (machine, self);
  return machine;
}

typedef struct {
  LodgeLibrary *library; /* lent: it holds the job */
  LodgeJob *job;
} KeptJob;

static gboolean
forget_job_cb (gpointer user_data)
{
  KeptJob *kept = user_data;

  if (kept->library != NULL) {
    g_object_remove_weak_pointer (G_OBJECT (kept->library), (gpointer *) &kept->library);
    g_ptr_array_remove (kept->library->jobs, kept->job);
  }
  g_free (kept);
  return G_SOURCE_REMOVE;
}

static void
job_changed_cb (LodgeJob *job, LodgeLibrary *self)
{
  KeptJob *kept;

  if (lodge_job_get_state (job) == LODGE_JOB_RUNNING)
    return;
  g_signal_handlers_disconnect_by_func (job, job_changed_cb, self);
  g_hash_table_remove (self->names_being_made, job);
  kept = g_new0 (KeptJob, 1);
  kept->library = self;
  kept->job = job;
  g_object_add_weak_pointer (G_OBJECT (self), (gpointer *) &kept->library);
  g_timeout_add_seconds (JOB_KEPT_S, forget_job_cb, kept);
}

LodgeJob *
lodge_library_add_job (LodgeLibrary *self, LodgeJob *job)
{
  g_ptr_array_add (self->jobs, job);
  g_signal_connect_object (job, "changed", G_CALLBACK (job_changed_cb), self, 0);
  g_signal_emit (self, signals[JOB_ADDED], 0, job);
  return job;
}

static void
remembered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeJob) job = user_data;
  LodgeMachine *machine = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;

  /* It is made, and its passphrase opens it. */
  if (!lodge_machine_key_finish (machine, result, &error))
    lodge_machine_set_note (machine, error->message);
  lodge_job_done (job, lodge_machine_get_uuid (machine));
}

static void
created_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeLibrary) self = user_data;
  LodgeJob *job = lodge_create_get_job (result);
  GError *error = NULL;
  LodgeDescriptionFile *file = lodge_create_finish (result, &error);

  if (file == NULL)
    lodge_job_take_error (job, error);
  else if (lodge_create_get_remember (result))
    lodge_machine_remember_async (lodge_library_add_made (self, file), TRUE, remembered_cb,
                                  g_object_ref (job));
  else
    lodge_job_done (job, lodge_machine_get_uuid (lodge_library_add_made (self, file)));
}

LodgeJob *
lodge_library_create_machine (LodgeLibrary *self, GVariant *spec, GError **error)
{
  g_autoptr (LodgeCreateSpec) parsed = lodge_create_spec_parse (spec, error);
  g_autofree char *uuid = NULL;
  LodgeJob *job;

  if (parsed == NULL || !check_name_free (self, parsed->name, error))
    return NULL;
  uuid = g_uuid_string_random ();
  job = lodge_job_new ("create", uuid);
  lodge_library_reserve_name (self, job, parsed->name, NULL);
  lodge_library_add_job (self, job);
  lodge_create_async (self->store, g_steal_pointer (&parsed), job, created_cb, g_object_ref (self));
  return job;
}

/* Removing a folder can take a while: a thread of its own. */
static void
delete_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  LodgeLibrary *self = source;
  GError *error = NULL;
  int lock = lodge_store_lock (self->store, task_data, &error);

  /* Somebody runs it: a start that came in between, or another user. A folder that cannot be locked
   * for another reason may go. */
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_STATE)) {
    g_task_return_error (task, error);
    return;
  }
  g_clear_error (&error);
  if (lodge_store_delete (self->store, task_data, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  if (lock >= 0)
    close (lock);
}

static void
deleted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeLibrary *self = LODGE_LIBRARY (source);
  g_autoptr (LodgeJob) job = user_data;
  const char *uuid = lodge_job_get_machine (job);
  LodgeMachine *machine = g_hash_table_lookup (self->by_uuid, uuid);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    lodge_job_take_error (job, error);
    return;
  }
  if (machine != NULL) {
    if (lodge_machine_get_encryption (machine)[0] != '\0')
      lodge_machine_forget_key (uuid);
    g_hash_table_remove (self->by_uuid, uuid);
    g_ptr_array_remove (self->machines, machine);
    g_signal_emit (self, signals[MACHINE_REMOVED], 0, uuid);
  }
  /* A clone that shared its layers may have them for itself now. */
  lodge_library_merge_later (self);
  lodge_job_done (job, "");
}

static void
delete_now (LodgeLibrary *self, LodgeJob *job)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, deleted_cb, g_object_ref (job));

  g_task_set_source_tag (task, lodge_library_delete_machine);
  g_task_set_task_data (task, g_strdup (lodge_job_get_machine (job)), g_free);
  lodge_task_run_in_thread (task, delete_thread);
}

/* Nothing runs of it and nothing works on it, unless somebody who waited for the same was quicker.
 */
static void
work_stopped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeJob) job = user_data;
  /* Taken from the job, which the library holds. */
  g_autoptr (LodgeLibrary) self = g_object_steal_data (G_OBJECT (job), "library");
  LodgeMachine *machine = LODGE_MACHINE (source);
  GError *error = NULL;

  lodge_machine_stop_work_finish (machine, result);
  if (lodge_machine_check_action (machine, LODGE_ACTION_DELETE, &error))
    delete_now (self, job);
  else
    lodge_job_take_error (job, error);
}

static void
remains_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  /* What a crash left is gone, or there was nothing: either way the folder may go. */
  lodge_machine_request_finish (LODGE_MACHINE (source), result, NULL);
  lodge_machine_end_other_work_async (LODGE_MACHINE (source), work_stopped_cb, user_data);
}

LodgeJob *
lodge_library_delete_machine (LodgeLibrary *self, LodgeMachine *machine, GError **error)
{
  LodgeJob *job;

  if (!lodge_machine_check_action (machine, LODGE_ACTION_DELETE, error))
    return NULL;
  job = lodge_library_add_job (self, lodge_job_new ("delete", lodge_machine_get_uuid (machine)));
  g_object_set_data_full (G_OBJECT (job), "library", g_object_ref (self), g_object_unref);
  if (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED)
    lodge_machine_request_async (machine, LODGE_REQUEST_KILL, remains_ended_cb, g_object_ref (job));
  else
    lodge_machine_end_other_work_async (machine, work_stopped_cb, g_object_ref (job));
  return job;
}

static void
set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeLibrary *self = g_task_get_source_object (task);
  GError *error = NULL;

  g_hash_table_remove (self->names_being_made, task);
  if (lodge_machine_save_finish (LODGE_MACHINE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
lodge_library_set_async (LodgeLibrary *self,
                         LodgeMachine *machine,
                         GVariant *changes,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  G_GNUC_UNUSED g_autoptr (GVariant) held = g_variant_ref_sink (changes);
  GError *error = NULL;
  const char *name;

  g_task_set_source_tag (task, lodge_library_set_async);
  if (g_variant_lookup (changes, "machine.name", "&s", &name) &&
      !g_str_equal (name, lodge_machine_get_name (machine))) {
    if (!check_name_free (self, name, &error)) {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
    /* Nobody else may take it while it is being written. */
    g_hash_table_insert (self->names_being_made, task, g_strdup (name));
  }
  lodge_machine_set_async (machine, changes, set_cb, task);
}

gboolean
lodge_library_set_finish (LodgeLibrary *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's jobs, brought to the machines that they are about. */
#include "gtk/lodge-machine-jobs.h"

#include "gtk/lodge-job.h"

struct _LodgeMachineJobs {
  LodgeMachineList *list; /* lent */
  LodgeEngine1 *engine;
  GCancellable *cancellable;
  GHashTable *jobs; /* object path to Job */
};

typedef struct {
  LodgeMachineJobs *jobs; /* NULL once it has been let go of */
  char *path;
  LodgeJob1 *proxy; /* NULL until it is there */
  gboolean running; /* and told to the list */
  gboolean told;    /* somebody else here says how it ends */
} Job;

static void
job_clear (gpointer data)
{
  Job *job = data;

  if (job->proxy != NULL)
    g_signal_handlers_disconnect_by_data (job->proxy, job);
  g_clear_object (&job->proxy);
  g_free (job->path);
}

static void
job_unref (gpointer data)
{
  g_rc_box_release_full (data, job_clear);
}

/* --- What the list says of it --- */

/* It tidies up after others, by itself, and gives way to whatever a user wants. */
static gboolean
is_shown (Job *job)
{
  return g_strcmp0 (lodge_job1_get_kind (job->proxy), "snapshot-merge") != 0;
}

/* A clone's or a new one; which is in no list of the engine yet. */
static gboolean
makes_machine (Job *job)
{
  const char *name = lodge_job1_get_name (job->proxy);

  return name != NULL && *name != '\0';
}

static LodgeMachineItem *
find_source (Job *job)
{
  const char *source = lodge_job1_get_source (job->proxy);

  return source != NULL ? lodge_machine_list_find (job->jobs->list, source) : NULL;
}

static void
begin (Job *job)
{
  LodgeMachineList *list = job->jobs->list;
  const char *uuid = lodge_job1_get_machine (job->proxy);
  LodgeMachineItem *item = lodge_machine_list_find (list, uuid);
  LodgeMachineItem *source = find_source (job);

  job->running = TRUE;
  if (item == NULL && makes_machine (job)) {
    g_autoptr (GVariant) row = g_variant_ref_sink (
        g_variant_new (LODGE_MACHINE_ITEM_ROW_TYPE, uuid, lodge_job1_get_name (job->proxy),
                       LODGE_MACHINE_STATE_MAKING_TEXT, "", "", 0, 0, G_GUINT64_CONSTANT (0), ""));

    lodge_machine_list_put (list, row);
    item = lodge_machine_list_find (list, uuid);
  }
  if (item != NULL && is_shown (job))
    lodge_machine_item_set_work (item, job->proxy);
  if (source != NULL)
    lodge_machine_item_add_clone (source, 1);
}

/* @made: the machine is there, and the list is told so in a moment */
static void
end (Job *job, gboolean made)
{
  LodgeMachineList *list = job->jobs->list;
  const char *uuid = lodge_job1_get_machine (job->proxy);
  LodgeMachineItem *item = lodge_machine_list_find (list, uuid);
  LodgeMachineItem *source = find_source (job);

  job->running = FALSE;
  if (item != NULL && lodge_machine_item_get_work (item) == job->proxy)
    lodge_machine_item_set_work (item, NULL);
  if (item != NULL && !made && lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_MAKING)
    lodge_machine_list_take_out (list, uuid);
  if (source != NULL)
    lodge_machine_item_add_clone (source, -1);
}

/* Who has begun it may be gone, or in a window that is closed. */
static void
tell_failure (Job *job)
{
  LodgeMachineItem *item =
      lodge_machine_list_find (job->jobs->list, lodge_job1_get_machine (job->proxy));
  g_autofree char *sentence = NULL;

  if (item == NULL)
    item = find_source (job);
  if (item == NULL || job->told || !is_shown (job))
    return;
  sentence = lodge_job_dup_failure (job->proxy);
  if (sentence != NULL)
    lodge_machine_item_set_failure (item, sentence);
}

static void
look (Job *job)
{
  const char *state = lodge_job1_get_state (job->proxy);
  const char *uuid = lodge_job1_get_machine (job->proxy);
  LodgeMachineItem *item;

  /* The engine ended before it answered what the job is. */
  if (state == NULL || uuid == NULL) {
    g_hash_table_remove (job->jobs->jobs, job->path);
    return;
  }
  item = lodge_machine_list_find (job->jobs->list, uuid);
  job->told = job->told || lodge_job_is_followed (job->path);
  if (g_strcmp0 (state, "running") != 0) {
    if (job->running)
      end (job, g_strcmp0 (state, "done") == 0);
    if (g_strcmp0 (state, "failed") == 0)
      tell_failure (job);
    g_hash_table_remove (job->jobs->jobs, job->path);
  } else if (!job->running) {
    begin (job);
  } else if (item != NULL && lodge_machine_item_get_work (item) == job->proxy) {
    lodge_machine_item_work_changed (item);
  }
}

static void
properties_cb (GDBusProxy *proxy, GVariant *changed, const char *const *invalidated, Job *job)
{
  look (job);
}

/* --- Finding them --- */

static void
proxy_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Job *job = user_data;
  /* One that cannot be asked about any more has ended. */
  LodgeJob1 *proxy = lodge_job1_proxy_new_finish (result, NULL);

  if (job->jobs != NULL && proxy != NULL) {
    job->proxy = g_steal_pointer (&proxy);
    /* Once per message of the engine, when all that is in it is there. */
    g_signal_connect (job->proxy, "g-properties-changed", G_CALLBACK (properties_cb), job);
    look (job);
  }
  g_clear_object (&proxy);
  job_unref (job);
}

static void
follow (LodgeMachineJobs *self, const char *path)
{
  Job *job;

  if (g_hash_table_contains (self->jobs, path))
    return;
  job = g_rc_box_new0 (Job);
  job->jobs = self;
  job->path = g_strdup (path);
  g_hash_table_insert (self->jobs, job->path, job);
  lodge_job1_proxy_new (g_dbus_proxy_get_connection (G_DBUS_PROXY (self->engine)),
                        G_DBUS_PROXY_FLAGS_NONE, NULL, path, self->cancellable, proxy_cb,
                        g_rc_box_acquire (job));
}

static void
added_cb (LodgeEngine1 *engine, const char *path, LodgeMachineJobs *self)
{
  follow (self, path);
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachineJobs *self;
  g_autoptr (GVariant) jobs = NULL;
  g_autoptr (GError) error = NULL;
  GVariantIter iter;
  const char *path, *state;

  /* Without an answer, or when it was let go of, there is nothing to follow. */
  if (!lodge_engine1_call_list_jobs_finish (LODGE_ENGINE1 (source), &jobs, result, &error))
    return;
  self = user_data;
  g_variant_iter_init (&iter, jobs);
  while (g_variant_iter_next (&iter, "(&o&s&s&sd)", &path, NULL, NULL, &state, NULL)) {
    if (g_str_equal (state, "running"))
      follow (self, path);
  }
}

LodgeMachineJobs *
lodge_machine_jobs_new (LodgeMachineList *list, LodgeEngine1 *engine)
{
  LodgeMachineJobs *self = g_new0 (LodgeMachineJobs, 1);

  self->list = list;
  self->engine = g_object_ref (engine);
  self->cancellable = g_cancellable_new ();
  self->jobs = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, job_unref);
  /* First the signal, then the question: none is missed in between. */
  g_signal_connect (engine, "job-added", G_CALLBACK (added_cb), self);
  lodge_engine1_call_list_jobs (engine, self->cancellable, listed_cb, self);
  return self;
}

void
lodge_machine_jobs_free (LodgeMachineJobs *self)
{
  GHashTableIter iter;
  gpointer value;

  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_signal_handlers_disconnect_by_data (self->engine, self);
  g_object_unref (self->engine);
  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Job *job = value;

    if (job->running)
      end (job, FALSE);
    job->jobs = NULL;
    if (job->proxy != NULL)
      g_signal_handlers_disconnect_by_data (job->proxy, job);
  }
  g_hash_table_unref (self->jobs);
  g_free (self);
}

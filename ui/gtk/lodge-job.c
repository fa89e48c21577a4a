/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Following one of the engine's jobs to its end. */
#include "gtk/lodge-job.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

typedef struct {
  char *path; /* NULL: the caller does not tell what has come of it */
  GDBusConnection *connection;
  LodgeJob1 *job; /* NULL until its proxy is there */
  gulong closed_handler;
  GCancellable *cancellable;
  gulong cancelled_handler;
  guint cancel_idle;
  LodgeJobProgress progress;
  gpointer progress_data;
} Follow;

/* Those of this program: path to how many. There is one engine at a time. */
static GHashTable *
get_followed (void)
{
  static GHashTable *followed;

  if (followed == NULL)
    followed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return followed;
}

static void
count_followers (const char *path, int n)
{
  const int sum = GPOINTER_TO_INT (g_hash_table_lookup (get_followed (), path)) + n;

  if (sum > 0)
    g_hash_table_insert (get_followed (), g_strdup (path), GINT_TO_POINTER (sum));
  else
    g_hash_table_remove (get_followed (), path);
}

gboolean
lodge_job_is_followed (const char *path)
{
  return g_hash_table_contains (get_followed (), path);
}

/* Everything that could call back is gone before the task's callback runs. */
static void
follow_stop (Follow *follow, gpointer task)
{
  if (follow->job != NULL)
    g_signal_handlers_disconnect_by_data (follow->job, task);
  if (follow->closed_handler != 0)
    g_signal_handler_disconnect (follow->connection, follow->closed_handler);
  follow->closed_handler = 0;
  if (follow->cancelled_handler != 0)
    g_signal_handler_disconnect (follow->cancellable, follow->cancelled_handler);
  follow->cancelled_handler = 0;
  g_clear_handle_id (&follow->cancel_idle, g_source_remove);
}

static void
follow_free (Follow *follow)
{
  if (follow->path != NULL)
    count_followers (follow->path, -1);
  g_free (follow->path);
  g_clear_object (&follow->job);
  g_clear_object (&follow->connection);
  g_clear_object (&follow->cancellable);
  g_free (follow);
}

static void
finish_with_error (GTask *task, GError *error)
{
  follow_stop (g_task_get_task_data (task), task);
  g_task_return_error (task, error);
  g_object_unref (task);
}

static GError *
make_error (LodgeJob1 *job)
{
  const char *name = lodge_job1_get_error_name (job);
  const char *message = lodge_job1_get_error_message (job);
  GError *error;

  if (message == NULL || *message == '\0')
    message = _ ("The engine did not say why it failed.");
  if (name == NULL || !g_dbus_is_interface_name (name))
    name = "org.lodgevm.Error.Failed";

  /* The domain is registered by its quark. */
  (void) LODGE_ERROR;
  error = g_dbus_error_new_for_dbus_error (name, message);
  g_dbus_error_strip_remote_error (error);
  return error;
}

char *
lodge_job_dup_failure (LodgeJob1 *job)
{
  g_autoptr (GError) error = make_error (job);

  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_LOCKED) ||
      g_error_matches (error, LODGE_ERROR, LODGE_ERROR_EXISTS))
    return NULL;
  return g_strdup_printf (_ ("What was being done with it has failed: %s"), error->message);
}

static void
look (GTask *task, LodgeJob1 *job)
{
  Follow *follow = g_task_get_task_data (task);
  const char *state = lodge_job1_get_state (job);

  if (g_strcmp0 (state, "done") == 0) {
    follow_stop (follow, task);
    g_task_return_pointer (task, g_strdup (lodge_job1_get_result (job)), g_free);
    g_object_unref (task);
  } else if (g_strcmp0 (state, "failed") == 0) {
    finish_with_error (task, make_error (job));
  } else if (g_strcmp0 (state, "cancelled") == 0) {
    finish_with_error (task, g_error_new_literal (LODGE_ERROR, LODGE_ERROR_CANCELLED,
                                                  _ ("Cancelled; nothing was changed.")));
  } else if (follow->progress != NULL) {
    const char *step = lodge_job1_get_step (job);
    follow->progress (lodge_job1_get_progress (job), step != NULL ? step : "",
                      follow->progress_data);
  }
}

static void
properties_cb (GDBusProxy *proxy, GVariant *changed, const char *const *invalidated, GTask *task)
{
  look (task, LODGE_JOB1 (proxy));
}

static void
closed_cb (GDBusConnection *connection, gboolean remote, GError *reason, gpointer user_data)
{
  finish_with_error (user_data,
                     g_error_new_literal (LODGE_ERROR, LODGE_ERROR_FAILED,
                                          _ ("The Lodge engine ended before this was finished; "
                                             "its next start finishes or undoes it.")));
}

static gboolean
cancel_idle_cb (gpointer user_data)
{
  Follow *follow = g_task_get_task_data (user_data);

  follow->cancel_idle = 0;
  /* The answer is the job's state; a job that ended meanwhile refuses, and that is right. */
  if (follow->job != NULL)
    lodge_job1_call_cancel (follow->job, NULL, NULL, NULL);
  return G_SOURCE_REMOVE;
}

/* Runs inside g_cancellable_cancel(): only arranges for the call. */
static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  Follow *follow = g_task_get_task_data (user_data);

  if (follow->cancel_idle == 0)
    follow->cancel_idle = g_idle_add (cancel_idle_cb, user_data);
}

static void
proxy_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Follow *follow = g_task_get_task_data (task);
  GError *error = NULL;

  follow->job = lodge_job1_proxy_new_finish (result, &error);
  if (follow->job == NULL) {
    g_dbus_error_strip_remote_error (error);
    finish_with_error (task, error);
    return;
  }

  if (g_dbus_connection_is_closed (follow->connection)) {
    closed_cb (follow->connection, TRUE, NULL, task);
    return;
  }

  follow->closed_handler =
      g_signal_connect (follow->connection, "closed", G_CALLBACK (closed_cb), task);
  /* Once per message of the engine, after GDBus has taken over all the values in it: a final State
   * never comes before its Result or error. */
  g_signal_connect (follow->job, "g-properties-changed", G_CALLBACK (properties_cb), task);
  if (follow->cancellable != NULL)
    follow->cancelled_handler =
        g_signal_connect (follow->cancellable, "cancelled", G_CALLBACK (cancelled_cb), task);
  if (g_cancellable_is_cancelled (follow->cancellable))
    cancelled_cb (follow->cancellable, task);

  look (task, follow->job);
}

void
lodge_job_follow_async (GDBusConnection *connection,
                        const char *path,
                        gboolean tells,
                        GCancellable *cancellable,
                        LodgeJobProgress progress,
                        gpointer progress_data,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  /* Not the task's cancellable: a cancelled job ends when the engine has undone it. */
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Follow *follow = g_new0 (Follow, 1);

  g_task_set_source_tag (task, lodge_job_follow_async);
  if (tells) {
    follow->path = g_strdup (path);
    count_followers (path, 1);
  }
  follow->connection = g_object_ref (connection);
  follow->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  follow->progress = progress;
  follow->progress_data = progress_data;
  g_task_set_task_data (task, follow, (GDestroyNotify) follow_free);

  lodge_job1_proxy_new (connection, G_DBUS_PROXY_FLAGS_NONE, NULL, path, NULL, proxy_cb, task);
}

char *
lodge_job_follow_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

char *
lodge_job_find (GVariant *jobs, const char *machine, gboolean (*is_wanted) (const char *kind))
{
  GVariantIter iter;
  const char *path, *kind, *its, *state;

  g_variant_iter_init (&iter, jobs);
  while (g_variant_iter_next (&iter, "(&o&s&s&sd)", &path, &kind, &its, &state, NULL)) {
    if (is_wanted (kind) && g_str_equal (its, machine) && g_str_equal (state, "running"))
      return g_strdup (path);
  }
  return NULL;
}

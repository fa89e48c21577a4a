/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the windows have in common about guests that are suspended to disk. */
#include "gtk/lodge-suspend.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

const char lodge_suspend_loss[] = N_ (
    "The guest’s memory, with everything that is open in it and not saved, is deleted for good. "
    "Its disks stay as they were when it was suspended: for the guest this is a loss of power at "
    "that time.");

const char *
lodge_suspend_get_loss (void)
{
  return _ (lodge_suspend_loss);
}

typedef struct {
  char *uuid;
  LodgeJobProgress progress;
  gpointer progress_data;
} Follow;

static void
follow_free (gpointer data)
{
  Follow *follow = data;

  g_free (follow->uuid);
  g_free (follow);
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autofree char *nothing = lodge_job_follow_finish (result, &error);

  if (nothing != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
is_wanted (const char *kind)
{
  return g_str_equal (kind, "suspend");
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Follow *follow = g_task_get_task_data (task);
  g_autoptr (GVariant) jobs = NULL;
  g_autofree char *path = NULL;
  GError *error = NULL;

  if (!lodge_engine1_call_list_jobs_finish (LODGE_ENGINE1 (source), &jobs, result, &error)) {
    g_dbus_error_strip_remote_error (error);
    g_task_return_error (task, error);
    return;
  }
  path = lodge_job_find (jobs, follow->uuid, is_wanted);
  if (path == NULL)
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                             _ ("The machine is not being suspended"));
  else
    lodge_job_follow_async (g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path, TRUE,
                            g_task_get_cancellable (task), follow->progress, follow->progress_data,
                            ended_cb, g_object_ref (task));
}

void
lodge_suspend_follow_async (LodgeClient *client,
                            const char *uuid,
                            GCancellable *cancellable,
                            LodgeJobProgress progress,
                            gpointer progress_data,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = g_task_new (client, cancellable, callback, user_data);
  Follow *follow = g_new0 (Follow, 1);

  g_task_set_source_tag (task, lodge_suspend_follow_async);
  /* A job that was cancelled ends when it has undone what it did. */
  g_task_set_check_cancellable (task, FALSE);
  follow->uuid = g_strdup (uuid);
  follow->progress = progress;
  follow->progress_data = progress_data;
  g_task_set_task_data (task, follow, follow_free);
  lodge_engine1_call_list_jobs (lodge_client_get_engine (client), NULL, listed_cb, task);
}

gboolean
lodge_suspend_follow_finish (LodgeClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, client), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
lodge_suspend_cancel (LodgeClient *client, const char *uuid)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_cancellable_cancel (cancellable);
  lodge_suspend_follow_async (client, uuid, cancellable, NULL, NULL, NULL, NULL);
}

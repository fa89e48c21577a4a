/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of a guest that runs, copied out of it through its agent.
 *
 * The agent's channel is one conversation's at a time. Who asked for a file waits for it, so the
 * clock (lodge-machine-clock.c) gives way, and is asked for again afterwards.
 */
#include "machine/lodge-machine-fetch.h"
#include "machine/lodge-machine-private.h"

#include "description/lodge-received-file.h"
#include "guest/lodge-guest-fetch.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

/* How often it is said how much has come. */
#define STEP_INTERVAL_US (G_USEC_PER_SEC / 2)

/* The task's data. */
typedef struct {
  LodgeJob *job;
  char *path;
  char *folder;
  char *data_folder;
  int folder_fd;       /* -1: it is not open */
  GCancellable *inner; /* ends it, for whichever reason */
  gulong cancel_id;
  gulong changed_id;
  GError *stopped; /* why it was ended, where nobody has cancelled it */
  gint64 told_us;
} Fetch;

static void
fetch_free (gpointer data)
{
  Fetch *fetch = data;

  g_object_unref (fetch->job);
  g_object_unref (fetch->inner);
  g_clear_error (&fetch->stopped);
  g_free (fetch->path);
  g_free (fetch->folder);
  g_free (fetch->data_folder);
  if (fetch->folder_fd >= 0)
    close (fetch->folder_fd);
  g_free (fetch);
}

/* Takes @task, and @error where there is one. */
static void
end (GTask *task_given, char *path, GError *error)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  Fetch *fetch = g_task_get_task_data (task);

  g_cancellable_disconnect (lodge_job_get_cancellable (fetch->job), fetch->cancel_id);
  g_signal_handler_disconnect (self, fetch->changed_id);
  self->fetching = FALSE;
  lodge_machine_clock_channel_is_free (self);
  /* What has come all the same is there. */
  if (error != NULL && fetch->stopped != NULL) {
    g_error_free (error);
    error = g_steal_pointer (&fetch->stopped);
  }
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, path, g_free);
}

static void
fetched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  char *path = lodge_guest_fetch_finish (result, &error);

  end (user_data, path, error);
}

static void
progress_cb (guint64 n_bytes, guint64 size_bytes, gpointer user_data)
{
  Fetch *fetch = user_data;
  const gint64 now = g_get_monotonic_time ();
  g_autofree char *done = NULL;
  g_autofree char *all = NULL;
  g_autofree char *step = NULL;

  if (size_bytes > 0)
    lodge_job_set_progress (fetch->job, (double) n_bytes / (double) size_bytes);
  if (now - fetch->told_us < STEP_INTERVAL_US)
    return;
  fetch->told_us = now;
  done = g_format_size (n_bytes);
  all = g_format_size (size_bytes);
  /* Translators: how much of a file has come, such as “1.2 MB of 5 MB” */
  step = size_bytes > 0 ? g_strdup_printf (_ ("%s of %s"), done, all) : g_strdup (done);
  lodge_job_set_step (fetch->job, step);
}

/* Before anything is asked, and as long as it goes on. */

static gboolean
check_allowed (LodgeMachine *self, GError **error)
{
  const LodgeDescription *description = lodge_machine_get_description (self);

  if (description != NULL && description->share_files_out)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED,
               _ ("No files are copied out of “%s”: that is switched off for this machine. Switch "
                  "it on in What Is Shared, or with sharing.files-out"),
               lodge_machine_get_name (self));
  return FALSE;
}

static gboolean
set_ended (LodgeMachine *self, GError **error)
{
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
               _ ("“%s” stands still or has ended, and the file was not copied: try again when it "
                  "runs"),
               lodge_machine_get_name (self));
  return FALSE;
}

static gboolean
check_runs (LodgeMachine *self, GError **error)
{
  return self->state == LODGE_STATE_RUNNING || self->state == LODGE_STATE_STOPPING ||
         set_ended (self, error);
}

static void
changed_cb (LodgeMachine *self, Fetch *fetch)
{
  if (fetch->stopped == NULL &&
      (!check_allowed (self, &fetch->stopped) || !check_runs (self, &fetch->stopped)))
    g_cancellable_cancel (fetch->inner);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static gboolean
check_folder (const char *folder, GError **error)
{
  if (g_path_is_absolute (folder))
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("“%s” is no whole path from /"), folder);
  return FALSE;
}

static gboolean
check (LodgeMachine *self, const char *path, const char *folder, GError **error)
{
  g_autofree char *name = NULL;

  lodge_machine_refresh (self);
  if (!lodge_machine_check_usable (self, error) || !check_allowed (self, error) ||
      !lodge_machine_check_action (self, LODGE_ACTION_FETCH, error))
    return FALSE;
  name = lodge_received_file_dup_name (path, error);
  if (name == NULL || !check_folder (folder, error))
    return FALSE;
  if (self->qmp == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” runs, but its control socket is gone: files can be copied out of it once "
                    "it was started again"),
                 lodge_machine_get_name (self));
    return FALSE;
  }
  if (self->asleep) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("No file can be copied out of “%s”: its guest is asleep; wake it up first"),
                 lodge_machine_get_name (self));
    return FALSE;
  }
  if (self->fetching) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_BUSY,
                 _ ("Another file is being copied out of “%s”: wait until that is done, or cancel "
                    "it"),
                 lodge_machine_get_name (self));
    return FALSE;
  }
  return TRUE;
}

/* Takes @task. */
static void
fetch (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Fetch *fetch = g_task_get_task_data (task);
  g_autofree char *socket = lodge_machine_agent_dup_socket (self);
  const LodgeGuestFetchPlan plan = {
      .socket_path = socket,
      .qemu = lodge_qmp_get_pid (self->qmp),
      .path = fetch->path,
      .folder_fd = fetch->folder_fd,
      .folder = fetch->folder,
      .data_folder = fetch->data_folder,
  };

  lodge_guest_fetch_async (&plan, progress_cb, fetch, fetch->inner, fetched_cb, task);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer != NULL && !lodge_machine_agent_is_there (answer))
    g_set_error (
        &error, LODGE_ERROR, LODGE_ERROR_STATE,
        _ ("qemu-guest-agent does not run in “%s”: install the package of that name in the "
           "guest (for Windows it is among the virtio drivers) and start it"),
        lodge_machine_get_name (self));
  else if (answer != NULL && self->qmp == NULL)
    set_ended (self, &error);
  if (error != NULL)
    end (task, NULL, error);
  else
    fetch (task);
}

static gboolean
open_step (gpointer data, GError **error)
{
  Fetch *fetch = data;

  fetch->folder_fd = lodge_received_file_open_folder (fetch->data_folder, fetch->folder, error);
  return fetch->folder_fd >= 0;
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error) &&
      !g_cancellable_set_error_if_cancelled (fetch->inner, &error) && self->qmp == NULL)
    set_ended (self, &error);
  if (error != NULL)
    end (task, NULL, error);
  else
    lodge_machine_agent_look_async (self, fetch->inner, looked_cb, task);
}

void
lodge_machine_fetch_file_async (LodgeMachine *self,
                                LodgeJob *job,
                                const char *path,
                                const char *folder,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  g_autofree char *own = NULL;
  g_autofree char *machines = NULL;
  Fetch *fetch;
  GError *error = NULL;

  g_task_set_source_tag (task, lodge_machine_fetch_file_async);
  if (!check (self, path, folder, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  fetch = g_new0 (Fetch, 1);
  fetch->job = g_object_ref (job);
  fetch->path = g_strdup (path);
  fetch->folder = g_strdup (folder);
  own = lodge_machine_dup_folder (self);
  machines = g_path_get_dirname (own);
  /* Beside the machines are the engine's own records. */
  fetch->data_folder = g_path_get_dirname (machines);
  fetch->folder_fd = -1;
  fetch->inner = g_cancellable_new ();
  g_task_set_task_data (task, fetch, fetch_free);
  lodge_job_set_step (job, _ ("Asking the guest for the file"));
  fetch->cancel_id =
      g_cancellable_connect (lodge_job_get_cancellable (job), G_CALLBACK (cancelled_cb),
                             g_object_ref (fetch->inner), g_object_unref);
  fetch->changed_id = g_signal_connect (self, "changed", G_CALLBACK (changed_cb), fetch);
  self->fetching = TRUE;
  lodge_machine_clock_end (self);
  lodge_task_step_in_thread (task, open_step, opened_cb);
}

char *
lodge_machine_fetch_file_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_fetch_file_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going on from the memory of a guest that was suspended to disk.
 *
 * Theory of operation. A fresh QEMU is started as the one was that the guest ran in, and loads the
 * memory. Nothing is written to a disk by that, so whatever fails until then leaves the machine
 * suspended. Then:
 *
 *   1. "run" (lodge-run-record.h) says that the guest goes on from this memory;
 *   2. the guest goes on: from here its disks are newer than the memory;
 *   3. machine.ini does not name the memory any more, and it is removed.
 *
 * Whoever finds what is named in both machine.ini and "run" knows that the guest may have run
 * (lodge-machine-suspend-recover.c).
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-snapshot-files.h"
#include "machine/lodge-suspend-files.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/stat.h>
#include <unistd.h>

/* How often it is looked how far QEMU is. */
#define PROGRESS_MS 200

/* The data of the task, whose source is the machine. */
typedef struct {
  LodgeJob *job;
  char *folder;
  char *name;
  LodgeDescription *now;
  LodgeDescription *then; /* what QEMU has to be like */
  int memory_fd;          /* shares its place with QEMU's */
  gboolean stood;         /* the guest had been paused, and comes back so */
  guint poll;
  gulong cancel_id;
  GError *error;
} Resume;

static void
resume_free (gpointer data)
{
  Resume *resume = data;

  g_clear_handle_id (&resume->poll, g_source_remove);
  g_clear_object (&resume->job);
  g_free (resume->folder);
  g_free (resume->name);
  g_clear_pointer (&resume->now, lodge_description_free);
  g_clear_pointer (&resume->then, lodge_description_free);
  if (resume->memory_fd >= 0)
    close (resume->memory_fd);
  g_clear_error (&resume->error);
  g_free (resume);
}

/* Why the guest could not go on, and what can be done. */
static void
advise (LodgeMachine *self, GError *error)
{
  g_autofree char *why = NULL;

  if (error->code == LODGE_ERROR_CANCELLED || error->code == LODGE_ERROR_STATE ||
      error->code == LODGE_ERROR_LOCKED || self->state == LODGE_STATE_CRASHED)
    return;
  why = g_steal_pointer (&error->message);
  error->message =
      g_strdup_printf (_ ("The guest of “%s” could not go on from where it was suspended: %s. What "
                          "was saved is kept; give it up to start the guest anew (“Discard Saved "
                          "State”, or lodgectl start --discard-suspended)"),
                       lodge_machine_get_name (self), why);
  lodge_machine_set_note (self, error->message);
}

/* Takes @task_given. */
static void
end (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  Resume *resume = g_task_get_task_data (task);

  lodge_machine_end_work (self);
  if (resume->error != NULL) {
    advise (self, resume->error);
    g_task_return_error (task, g_steal_pointer (&resume->error));
  } else {
    g_task_return_boolean (task, TRUE);
  }
}

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* What could not be removed is tried again with the next work, and by the next engine. */
  if (!lodge_machine_tidy_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  end (user_data);
}

static void
stop_watching (GTask *task)
{
  Resume *resume = g_task_get_task_data (task);

  g_clear_handle_id (&resume->poll, g_source_remove);
  if (resume->cancel_id != 0)
    g_cancellable_disconnect (lodge_job_get_cancellable (resume->job), resume->cancel_id);
  resume->cancel_id = 0;
}

static void
tidy (GTask *task)
{
  stop_watching (task);
  lodge_machine_tidy_async (g_task_get_source_object (task), tidied_cb, task);
}

static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;

  if (lodge_machine_forget_finish (self, result, &error)) {
    lodge_journal_step ("forgotten");
    tidy (task);
    return;
  }
  /* The guest runs all the same; "run" and its disks keep that memory from being loaded again. It
   * is forgotten when the guest ends, and removed by the next work or the next engine. */
  lodge_machine_set_note (self, error->message);
  stop_watching (task);
  end (task);
}

static void
started_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Resume *resume = g_task_get_task_data (task);

  if (lodge_machine_start_finish (self, result, &resume->error))
    lodge_journal_step ("running");
  /* Also by one that has ended in that moment. */
  if (lodge_machine_has_gone_on (self))
    lodge_machine_forget_async (self, forgotten_cb, task);
  else
    tidy (task);
}

/* QEMU's descriptor is a copy of ours, and both stand at the same place of the file. */
static gboolean
poll_cb (gpointer user_data)
{
  Resume *resume = g_task_get_task_data (user_data);
  off_t at = lseek (resume->memory_fd, 0, SEEK_CUR);
  struct stat info;

  if (at >= 0 && fstat (resume->memory_fd, &info) == 0 && info.st_size > 0)
    lodge_job_set_progress (resume->job, CLAMP ((double) at / (double) info.st_size, 0, 1) * 0.95);
  return G_SOURCE_CONTINUE;
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  LodgeMachine *self = g_task_get_source_object (user_data);
  Resume *resume = g_task_get_task_data (user_data);

  /* A start whose QEMU is gone ends in here. Not disconnected from within its own call. */
  resume->cancel_id = 0;
  /* A guest that goes on does so: it would be lost with its memory. */
  if (self->state == LODGE_STATE_STARTING && !lodge_machine_has_gone_on (self))
    g_cancellable_cancel (self->start_cancellable);
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Resume *resume = g_task_get_task_data (task);
  GCancellable *cancellable = lodge_job_get_cancellable (resume->job);
  int memory_fd = -1;

  if (g_task_propagate_boolean (G_TASK (result), &resume->error) &&
      g_cancellable_is_cancelled (cancellable))
    resume->error = g_error_new (LODGE_ERROR, LODGE_ERROR_CANCELLED,
                                 _ ("“%s” was switched off before it had started"),
                                 lodge_machine_get_name (self));
  if (resume->error == NULL) {
    memory_fd = fcntl (resume->memory_fd, F_DUPFD_CLOEXEC, 3);
    if (memory_fd < 0)
      resume->error =
          g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED,
                       _ ("The saved memory could not be handed over: %s"), g_strerror (errno));
  }
  if (resume->error != NULL) {
    tidy (task);
    return;
  }
  lodge_job_set_step (resume->job, _ ("Loading the guest's memory"));
  lodge_machine_start_suspended_async (self, memory_fd, g_steal_pointer (&resume->then),
                                       resume->stood, started_cb, task);
  resume->poll = g_timeout_add (PROGRESS_MS, poll_cb, task);
  resume->cancel_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), task, NULL);
}

static void
prepare_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Resume *resume = data;
  const char *id = resume->now->suspended;
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (LodgeDescription) stored = NULL;
  GError *error = NULL;

  stored = lodge_snapshot_files_load (resume->folder, id, resume->name, &error);
  if (stored != NULL)
    resume->then = lodge_description_dup_suspended (resume->now, stored, &error);
  if (resume->then != NULL &&
      lodge_suspend_files_check (resume->folder, id, resume->then, FALSE, &error))
    resume->memory_fd = lodge_snapshot_files_open_memory (resume->folder, id, FALSE, &error);
  resume->stood = error == NULL && lodge_suspend_files_stood (resume->folder, id);
  g_ptr_array_add (files, lodge_snapshot_dup_folder (id));
  if (error == NULL && lodge_journal_begin (resume->folder, files, &error))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

static void
saved_before_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  Resume *resume = g_task_get_task_data (task);
  /* Its source is not the machine, whose last reference might end in the thread. */
  g_autoptr (GTask) worker = g_task_new (NULL, NULL, prepared_cb, task);

  resume->now = lodge_description_copy (lodge_machine_get_description (self));
  resume->name = g_strdup (lodge_machine_get_name (self));
  g_task_set_task_data (worker, resume, NULL);
  g_task_run_in_thread (worker, prepare_thread);
}

void
lodge_machine_resume_async (LodgeMachine *self,
                            LodgeJob *job,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Resume *resume = g_new0 (Resume, 1);
  GError *error = NULL;

  resume->job = g_object_ref (job);
  resume->folder = lodge_machine_dup_folder (self);
  resume->memory_fd = -1;
  g_task_set_source_tag (task, lodge_machine_resume_async);
  g_task_set_task_data (task, resume, resume_free);
  if (!lodge_machine_check_usable (self, &error) ||
      !lodge_machine_check_action (self, LODGE_ACTION_START, &error) ||
      /* Or the memory could not be forgotten. */
      !lodge_machine_check_writable (self, &error) ||
      !lodge_machine_begin_work (self, job, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  lodge_job_set_step (job, _ ("Resuming"));
  lodge_machine_wait_saved_async (self, saved_before_cb, task);
}

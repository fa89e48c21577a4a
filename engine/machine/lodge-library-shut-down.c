/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of the user's session: every guest that can hear of it is asked to power off, or is
 * suspended to disk where its machine says so (machine.at-session-end).
 *
 *   paused by the user       resumed, then asked: a guest that stands still hears no button
 *   starting                 asked once it runs
 *   running, stopping        asked, and again after a while: one that was still booting, or that
 *                            showed a question, did not take the first press
 *   paused by a failed disk  cannot write what it has to: left alone, and not waited for
 *   no control socket        the same, but for one that is stopping or suspending: what its QEMU,
 *                            which has gone, has left is being recorded
 *   to be suspended          stopped first, so that its memory is written once and as fast as the
 *                            disk takes it; where that fails it is resumed and asked to power off
 *
 * Never: kills. What is left when the time is over ends with the session.
 */
#include "machine/lodge-library-private.h"

typedef struct {
  guint limit;
  guint again;
  GHashTable *asked;         /* lent LodgeMachine to LodgeRequest: since the last turn */
  GHashTable *suspended;     /* lent LodgeMachine: once, whatever comes of it */
  GHashTable *not_suspended; /* lent LodgeMachine: it came to nothing */
  gboolean done;
} ShutDown;

static void
shut_down_free (ShutDown *shut_down)
{
  g_clear_handle_id (&shut_down->limit, g_source_remove);
  g_clear_handle_id (&shut_down->again, g_source_remove);
  g_hash_table_unref (shut_down->asked);
  g_hash_table_unref (shut_down->suspended);
  g_hash_table_unref (shut_down->not_suspended);
  g_free (shut_down);
}

/* @only_waited_for: those that hear of it, or are on their way out: of a QEMU that has gone, and
 * its control socket with it, it still has to be recorded how, and what it has written. */
static guint
count (LodgeLibrary *self, gboolean only_waited_for)
{
  GPtrArray *machines = lodge_library_get_machines (self);
  guint n = 0;

  for (guint i = 0; i < machines->len; i++)
    n += lodge_state_is_live (lodge_machine_get_state (machines->pdata[i])) &&
         (!only_waited_for || lodge_machine_hears_button (machines->pdata[i]) ||
          lodge_machine_is_going (machines->pdata[i]));
  return n;
}

static void ask (GTask *task, LodgeMachine *machine);

typedef struct {
  GTask *task;
  LodgeMachine *machine;
  gulong handler;
} Suspending;

static void
suspend_changed_cb (LodgeJob *job, Suspending *suspending)
{
  ShutDown *shut_down = g_task_get_task_data (suspending->task);

  if (lodge_job_get_state (job) == LODGE_JOB_RUNNING)
    return;
  g_signal_handler_disconnect (job, suspending->handler);
  if (lodge_job_get_error (job) != NULL && !shut_down->done) {
    g_debug ("%s", lodge_job_get_error (job)->message);
    g_hash_table_add (shut_down->not_suspended, suspending->machine);
    g_hash_table_remove (shut_down->asked, suspending->machine);
    ask (suspending->task, suspending->machine);
  }
  g_object_unref (suspending->task);
  g_free (suspending);
}

/* TRUE: it is not to be asked to power off. */
static gboolean
suspend (GTask *task, LodgeMachine *machine)
{
  ShutDown *shut_down = g_task_get_task_data (task);
  const LodgeDescription *description = lodge_machine_get_description (machine);
  LodgeState state = lodge_machine_get_state (machine);
  Suspending *suspending;
  LodgeJob *job;

  if (description == NULL || description->session_end != LODGE_SESSION_END_SUSPEND ||
      lodge_machine_get_asleep (machine) || lodge_machine_is_disposable (machine) ||
      g_hash_table_contains (shut_down->not_suspended, machine))
    return FALSE;
  if (state == LODGE_STATE_RUNNING) {
    if (g_hash_table_add (shut_down->asked, machine)) {
      lodge_machine_pause_for_suspend (machine);
      lodge_machine_request_async (machine, LODGE_REQUEST_PAUSE, NULL, NULL);
    }
    return TRUE;
  }
  if (state != LODGE_STATE_PAUSED)
    return state == LODGE_STATE_SUSPENDING;
  /* It waits for its turn, or is about to say that it has failed. */
  if (!g_hash_table_add (shut_down->suspended, machine))
    return TRUE;
  suspending = g_new0 (Suspending, 1);
  suspending->task = g_object_ref (task);
  suspending->machine = machine;
  job = lodge_library_suspend (g_task_get_source_object (task), machine);
  suspending->handler =
      g_signal_connect (job, "changed", G_CALLBACK (suspend_changed_cb), suspending);
  /* What is refused has ended already. */
  suspend_changed_cb (job, suspending);
  return TRUE;
}

static void
ask (GTask *task, LodgeMachine *machine)
{
  ShutDown *shut_down = g_task_get_task_data (task);
  LodgeState state = lodge_machine_get_state (machine);
  LodgeRequest request =
      state == LODGE_STATE_PAUSED ? LODGE_REQUEST_RESUME : LODGE_REQUEST_SHUTDOWN;
  gpointer last;

  if ((state != LODGE_STATE_PAUSED && state != LODGE_STATE_RUNNING &&
       state != LODGE_STATE_STOPPING) ||
      !lodge_machine_hears_button (machine) || suspend (task, machine))
    return;
  if (g_hash_table_lookup_extended (shut_down->asked, machine, NULL, &last) &&
      GPOINTER_TO_INT (last) == (int) request)
    return;
  g_hash_table_insert (shut_down->asked, machine, GINT_TO_POINTER (request));
  /* One that fails is asked again, or ends with the session. */
  lodge_machine_request_async (machine, request, NULL, NULL);
}

/* Takes the reference that the sources hold. */
static void
end (GTask *task)
{
  LodgeLibrary *self = g_task_get_source_object (task);
  ShutDown *shut_down = g_task_get_task_data (task);

  if (shut_down->done)
    return;
  shut_down->done = TRUE;
  g_clear_handle_id (&shut_down->limit, g_source_remove);
  g_clear_handle_id (&shut_down->again, g_source_remove);
  g_signal_handlers_disconnect_by_data (self, task);
  g_task_return_int (task, count (self, FALSE));
  g_object_unref (task);
}

static void
changed_cb (LodgeLibrary *self, LodgeMachine *machine, GTask *task)
{
  /* Asking may change a machine, which comes back to here and may be the end. */
  g_object_ref (task);
  ask (task, machine);
  if (count (self, TRUE) == 0)
    end (task);
  g_object_unref (task);
}

static gboolean
again_cb (gpointer user_data)
{
  GTask *task = user_data;
  ShutDown *shut_down = g_task_get_task_data (task);
  GPtrArray *machines = lodge_library_get_machines (g_task_get_source_object (task));

  g_hash_table_remove_all (shut_down->asked);
  for (guint i = 0; i < machines->len; i++)
    ask (task, machines->pdata[i]);
  return G_SOURCE_CONTINUE;
}

static gboolean
limit_cb (gpointer user_data)
{
  ShutDown *shut_down = g_task_get_task_data (user_data);

  shut_down->limit = 0;
  end (user_data);
  return G_SOURCE_REMOVE;
}

void
lodge_library_shut_down_async (LodgeLibrary *self,
                               guint limit_s,
                               guint again_s,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  ShutDown *shut_down = g_new0 (ShutDown, 1);

  g_task_set_source_tag (task, lodge_library_shut_down_async);
  if (lodge_library_get_schedule (self) != NULL)
    lodge_library_schedule_stop (lodge_library_get_schedule (self));
  for (guint i = 0; i < lodge_library_get_machines (self)->len; i++)
    lodge_machine_forget_restart (lodge_library_get_machines (self)->pdata[i]);
  shut_down->asked = g_hash_table_new (NULL, NULL);
  shut_down->suspended = g_hash_table_new (NULL, NULL);
  shut_down->not_suspended = g_hash_table_new (NULL, NULL);
  g_task_set_task_data (task, shut_down, (GDestroyNotify) shut_down_free);
  g_signal_connect (self, "machine-changed", G_CALLBACK (changed_cb), task);
  shut_down->limit = g_timeout_add_seconds (limit_s, limit_cb, task);
  shut_down->again = g_timeout_add_seconds (again_s, again_cb, task);
  again_cb (task);
  if (count (self, TRUE) == 0)
    end (task);
}

guint
lodge_library_shut_down_finish (LodgeLibrary *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, self), 0);
  return (guint) g_task_propagate_int (G_TASK (result), NULL);
}

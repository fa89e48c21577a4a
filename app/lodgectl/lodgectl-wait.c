/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for what the engine does: a machine's state, the end of a job. Nothing is polled. */
#include "lodgectl-wait.h"

#include "lodgectl-print.h"

#include "lodge-error.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <unistd.h>

#define BAR_WIDTH 24

typedef struct {
  GMainLoop *loop;
  gboolean closed;
  gboolean late;

  LodgeMachine1 *machine;
  const char *const *states;
  gboolean deleted;

  LodgeJob1 *job;
  gboolean cancelled; /* asked to */
  gboolean left;      /* the user would not even wait for that */
  gboolean terminal;
} Wait;

static void
wait_clear (Wait *self)
{
  g_clear_pointer (&self->loop, g_main_loop_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wait, wait_clear)

static void
closed_cb (LodgeClient *client, Wait *self)
{
  self->closed = TRUE;
  g_main_loop_quit (self->loop);
}

static gboolean
late_cb (gpointer user_data)
{
  Wait *self = user_data;

  self->late = TRUE;
  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE; /* removed by who added it */
}

/* --- A state --- */

static gboolean
in_state (Wait *self)
{
  const char *state = lodge_machine1_get_state (self->machine);

  return state != NULL && g_strv_contains (self->states, state);
}

static void
state_cb (LodgeMachine1 *machine, GParamSpec *pspec, Wait *self)
{
  if (in_state (self))
    g_main_loop_quit (self->loop);
}

static void
removed_cb (LodgeEngine1 *engine, const char *uuid, Wait *self)
{
  if (g_strcmp0 (uuid, lodge_machine1_get_uuid (self->machine)) != 0)
    return;
  self->deleted = TRUE;
  g_main_loop_quit (self->loop);
}

gboolean
lodgectl_wait_state (LodgectlRun *run,
                     LodgeMachine1 *machine,
                     const char *const *states,
                     gint64 timeout_s,
                     GError **error)
{
  g_auto (Wait)
      self = {.loop = g_main_loop_new (NULL, FALSE), .machine = machine, .states = states};
  const char *name = lodge_machine1_get_name (machine);
  guint timeout_id = 0;
  gulong closed_id, removed_id, state_id;

  if (in_state (&self))
    return TRUE;
  closed_id = g_signal_connect (run->client, "closed", G_CALLBACK (closed_cb), &self);
  removed_id = g_signal_connect (lodge_client_get_engine (run->client), "machine-removed",
                                 G_CALLBACK (removed_cb), &self);
  state_id = g_signal_connect (machine, "notify::state", G_CALLBACK (state_cb), &self);
  if (timeout_s >= 0)
    timeout_id = g_timeout_add_seconds ((guint) timeout_s, late_cb, &self);
  if (!g_dbus_connection_is_closed (lodge_client_get_connection (run->client)))
    g_main_loop_run (self.loop);
  else
    self.closed = TRUE;
  if (timeout_id != 0)
    g_source_remove (timeout_id);
  g_signal_handler_disconnect (machine, state_id);
  g_signal_handler_disconnect (lodge_client_get_engine (run->client), removed_id);
  g_signal_handler_disconnect (run->client, closed_id);

  if (in_state (&self))
    return TRUE;
  if (self.deleted)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("“%s” was deleted"), name);
  else if (self.late)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                 g_dngettext (GETTEXT_PACKAGE, "“%s” is still %s after %d second",
                              "“%s” is still %s after %d seconds", (gulong) timeout_s),
                 name, lodge_machine1_get_state (machine), (int) timeout_s);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("The engine ended while “%s” was waited for; it was %s"), name,
                 lodge_machine1_get_state (machine));
  return FALSE;
}

/* --- A job --- */

static gboolean
is_final (LodgeJob1 *job)
{
  return g_strcmp0 (lodge_job1_get_state (job), "running") != 0;
}

static void
clear_progress (Wait *self)
{
  if (self->terminal)
    fputs ("\r\x1b[K", stderr);
}

static void
show_progress (Wait *self)
{
  double progress = lodge_job1_get_progress (self->job);
  const char *step = lodge_job1_get_step (self->job);
  g_autofree char *harmless = lodgectl_dup_harmless (step != NULL ? step : "");

  if (!self->terminal)
    return;
  clear_progress (self);
  if (self->cancelled) {
    fputs (_ ("Stopping…"), stderr);
  } else {
    if (progress >= 0) {
      int done = (int) (MIN (progress, 1) * BAR_WIDTH);

      for (int i = 0; i < BAR_WIDTH; i++)
        fputs (i < done ? "█" : "░", stderr);
      fprintf (stderr, " %3d %%  ", (int) (MIN (progress, 1) * 100));
    }
    fprintf (stderr, "%.120s", harmless);
  }
  fflush (stderr);
}

static void
job_changed_cb (GDBusProxy *proxy, GVariant *changed, char **invalidated, Wait *self)
{
  if (is_final (self->job))
    g_main_loop_quit (self->loop);
  else
    show_progress (self);
}

static gboolean
stop_cb (gpointer user_data)
{
  Wait *self = user_data;

  if (self->cancelled) {
    self->left = TRUE;
    g_main_loop_quit (self->loop);
    return G_SOURCE_CONTINUE;
  }
  self->cancelled = TRUE;
  /* What comes of it is seen in the job's state. */
  lodge_job1_call_cancel (self->job, NULL, NULL, NULL);
  show_progress (self);
  return G_SOURCE_CONTINUE;
}

static char *
get_result (Wait *self, GError **error)
{
  const char *state = lodge_job1_get_state (self->job);
  const char *name = lodge_job1_get_error_name (self->job);
  const char *message = lodge_job1_get_error_message (self->job);

  if (self->closed || (self->left && !is_final (self->job))) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                         self->closed ? _ ("The engine ended in the middle of it; the next one "
                                           "undoes what was begun")
                                      : _ ("Not waiting any longer: the engine is still undoing "
                                           "what was begun"));
  } else if (g_strcmp0 (state, "done") == 0) {
    return g_strdup (lodge_job1_get_result (self->job));
  } else if (g_strcmp0 (state, "cancelled") == 0) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_CANCELLED,
                         _ ("Stopped; everything is as before"));
  } else if (name != NULL && *name != '\0') {
    g_autoptr (GError) remote =
        g_dbus_error_new_for_dbus_error (name, message != NULL ? message : "");

    g_dbus_error_strip_remote_error (remote);
    g_propagate_error (error, g_steal_pointer (&remote));
  } else {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, "%s",
                 message != NULL && *message != '\0' ? message : _ ("The engine gave no reason"));
  }
  return NULL;
}

char *
lodgectl_wait_job (LodgectlRun *run, const char *path, GError **error)
{
  g_auto (Wait) self = {.loop = g_main_loop_new (NULL, FALSE), .terminal = isatty (STDERR_FILENO)};
  g_autoptr (LodgeJob1) job = NULL;
  guint ids[3];
  gulong closed_id;

  job = lodge_job1_proxy_new_sync (lodge_client_get_connection (run->client),
                                   G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, NULL, path, NULL, error);
  if (!lodgectl_run_check (run, job != NULL, error))
    return NULL;
  self.job = job;
  closed_id = g_signal_connect (run->client, "closed", G_CALLBACK (closed_cb), &self);
  g_signal_connect (job, "g-properties-changed", G_CALLBACK (job_changed_cb), &self);
  ids[0] = g_unix_signal_add (SIGINT, stop_cb, &self);
  ids[1] = g_unix_signal_add (SIGTERM, stop_cb, &self);
  ids[2] = g_unix_signal_add (SIGHUP, stop_cb, &self);

  show_progress (&self);
  if (!is_final (job)) {
    if (!g_dbus_connection_is_closed (lodge_client_get_connection (run->client)))
      g_main_loop_run (self.loop);
    else
      self.closed = TRUE;
  }
  clear_progress (&self);

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    g_source_remove (ids[i]);
  g_signal_handlers_disconnect_by_data (job, &self);
  g_signal_handler_disconnect (run->client, closed_id);
  return get_result (&self, error);
}

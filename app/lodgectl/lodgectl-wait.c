/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for what the engine does: a machine's state, the end of a job, an answer. Nothing is
 * polled. */
#include "lodgectl-wait.h"

#include "lodgectl-passphrase.h"
#include "lodgectl-print.h"

#include "lodge-error.h"
#include "lodge-words.h"

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

  LodgectlRun *run;
  LodgeJob1 *job;     /* NULL until it is known */
  GError *error;      /* why there is none */
  gboolean cancelled; /* asked to */
  gboolean left;      /* the user would not even wait for that */
  gboolean terminal;
} Wait;

static void
wait_clear (Wait *self)
{
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_clear_object (&self->job);
  g_clear_error (&self->error);
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
                 name, lodge_words_machine_state (lodge_machine1_get_state (machine)),
                 (int) timeout_s);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("The engine ended while “%s” was waited for; it was %s"), name,
                 lodge_words_machine_state (lodge_machine1_get_state (machine)));
  return FALSE;
}

/* --- A job --- */

static gboolean
is_final (LodgeJob1 *job)
{
  const char *state = job != NULL ? lodge_job1_get_state (job) : NULL;

  return state != NULL && !g_str_equal (state, "running");
}

static void
clear_progress (Wait *self)
{
  if (self->terminal)
    fputs ("\r\x1b[K", stderr);
}

static void
show_bar (double progress)
{
  int done = (int) (MIN (progress, 1) * BAR_WIDTH);

  for (int i = 0; i < BAR_WIDTH; i++)
    fputs (i < done ? "█" : "░", stderr);
  fprintf (stderr, " %3d %%  ", (int) (MIN (progress, 1) * 100));
}

static void
show_progress (Wait *self)
{
  const char *step = self->job != NULL ? lodge_job1_get_step (self->job) : NULL;
  g_autofree char *harmless = lodgectl_dup_harmless (step != NULL ? step : "");
  g_autofree char *short_step =
      g_utf8_substring (harmless, 0, MIN (g_utf8_strlen (harmless, -1), 50));

  if (!self->terminal)
    return;
  clear_progress (self);
  if (self->cancelled) {
    fputs (_ ("Stopping…"), stderr);
  } else if (self->job != NULL) {
    if (lodge_job1_get_progress (self->job) >= 0)
      show_bar (lodge_job1_get_progress (self->job));
    fputs (short_step, stderr);
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
  if (self->job != NULL)
    lodge_job1_call_cancel (self->job, NULL, NULL, NULL);
  show_progress (self);
  return G_SOURCE_CONTINUE;
}

static void
job_called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wait *self = user_data;
  g_autoptr (GVariant) reply =
      g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &self->error);
  const char *path;

  if (reply != NULL) {
    g_variant_get (reply, "(&o)", &path);
    self->job = lodge_job1_proxy_new_sync (lodge_client_get_connection (self->run->client),
                                           G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, NULL, path, NULL,
                                           &self->error);
  }
  /* A proxy without properties: the engine ended before it told them. */
  if (self->job == NULL || lodge_job1_get_state (self->job) == NULL || is_final (self->job)) {
    g_main_loop_quit (self->loop);
    return;
  }
  g_signal_connect (self->job, "g-properties-changed", G_CALLBACK (job_changed_cb), self);
  if (self->cancelled)
    lodge_job1_call_cancel (self->job, NULL, NULL, NULL);
  show_progress (self);
}

/* Of a job that is known and final. */
static char *
get_result (LodgeJob1 *job, GError **error)
{
  const char *state = lodge_job1_get_state (job);
  const char *name = lodge_job1_get_error_name (job);
  const char *message = lodge_job1_get_error_message (job);

  if (g_strcmp0 (state, "done") == 0)
    return g_strdup (lodge_job1_get_result (job));
  if (g_strcmp0 (state, "cancelled") == 0) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_CANCELLED,
                         _ ("Stopped; everything is as before"));
  } else if (name != NULL && *name != '\0') {
    g_autoptr (GError) remote =
        g_dbus_error_new_for_dbus_error (name, message != NULL ? message : "");

    g_dbus_error_strip_remote_error (remote);
    g_propagate_error (error, g_steal_pointer (&remote));
  } else {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                         message != NULL && *message != '\0' ? message
                                                             : _ ("The engine gave no reason"));
  }
  return NULL;
}

static char *
get_outcome (Wait *self, GError **error)
{
  if (is_final (self->job))
    return get_result (self->job, error);
  if (self->left) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                         _ ("Not waiting any longer: the engine is still undoing what was begun"));
  } else if (self->job != NULL || self->error == NULL) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                         _ ("The engine ended in the middle of it; the next one undoes what was "
                            "begun"));
  } else {
    g_propagate_error (error, g_steal_pointer (&self->error));
    (void) lodgectl_run_check (self->run, FALSE, error);
  }
  return NULL;
}

static char *
run_job (
    LodgectlRun *run, GDBusProxy *proxy, const char *method, GVariant *arguments, GError **error)
{
  static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
  g_auto (Wait) self = {
      .loop = g_main_loop_new (NULL, FALSE), .run = run, .terminal = isatty (STDERR_FILENO)};
  guint ids[G_N_ELEMENTS (stops)];
  gulong closed_id = g_signal_connect (run->client, "closed", G_CALLBACK (closed_cb), &self);

  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    ids[i] = g_unix_signal_add (stops[i], stop_cb, &self);
  g_dbus_proxy_call (proxy, method, arguments, G_DBUS_CALL_FLAGS_NONE, -1, NULL, job_called_cb,
                     &self);
  g_main_loop_run (self.loop);
  clear_progress (&self);

  for (guint i = 0; i < G_N_ELEMENTS (stops); i++)
    g_source_remove (ids[i]);
  if (self.job != NULL)
    g_signal_handlers_disconnect_by_data (self.job, &self);
  g_signal_handler_disconnect (run->client, closed_id);
  return get_outcome (&self, error);
}

char *
lodgectl_run_job (
    LodgectlRun *run, GDBusProxy *proxy, const char *method, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  g_autoptr (GError) why = NULL;
  char *result = run_job (run, proxy, method, kept, &why);

  if (result != NULL)
    return result;
  if (!LODGE_IS_MACHINE1 (proxy) || !g_error_matches (why, LODGE_ERROR, LODGE_ERROR_LOCKED)) {
    g_propagate_error (error, g_steal_pointer (&why));
    return NULL;
  }
  if (!lodgectl_unlock_machine (run, LODGE_MACHINE1 (proxy), error))
    return NULL;
  return run_job (run, proxy, method, kept, error);
}

/* --- A call that takes its time --- */

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wait *self = user_data;
  GVariant *reply = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &self->error);

  g_clear_pointer (&reply, g_variant_unref);
  g_main_loop_quit (self->loop);
}

gboolean
lodgectl_wait_call (LodgectlRun *run,
                    GDBusProxy *proxy,
                    const char *method,
                    GVariant *arguments,
                    const char *sentence,
                    GError **error)
{
  g_auto (Wait) self = {.loop = g_main_loop_new (NULL, FALSE), .terminal = isatty (STDERR_FILENO)};

  if (self.terminal)
    fputs (sentence, stderr);
  g_dbus_proxy_call (proxy, method, arguments, G_DBUS_CALL_FLAGS_NONE, -1, NULL, called_cb, &self);
  g_main_loop_run (self.loop);
  clear_progress (&self);
  if (self.error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self.error));
  return lodgectl_run_check (run, FALSE, error);
}

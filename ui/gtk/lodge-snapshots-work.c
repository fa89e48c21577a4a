/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the snapshots window asks of the machine, and the jobs that come of it. */
#include "gtk/lodge-snapshots-window-private.h"

#include "gtk/lodge-job.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-passphrase-ask.h"
#include "gtk/lodge-set-keys.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

#define CALL_LIMIT_MS (LODGE_CLIENT_CALL_LIMIT_S * 1000)

/* What is told of work whose window has been closed. */
typedef struct {
  const char *method;
  const char *going_on;
  const char *done;
} WorkRow;

static const WorkRow rows[] = {
    {"CreateSnapshot", N_ ("A snapshot is being taken"), N_ ("The snapshot was taken")},
    {"RevertSnapshot", N_ ("Going back to a snapshot"), N_ ("The machine is back at its snapshot")},
    {"DeleteSnapshot", N_ ("A snapshot is being deleted"), N_ ("The snapshot was deleted")},
};

/* From a call to the end of its job; lives longer than the window where that is closed. */
struct _LodgeSnapshotsWork {
  LodgeSnapshotsWindow *window; /* owned */
  char *failure;                /* NULL: somebody else's */
  char *method;                 /* NULL: somebody else's */
  GVariant *parameters;
  gboolean told;      /* by who began it */
  const WorkRow *row; /* or NULL: nothing is told */
  AdwToast *toast;    /* weak; that it goes on */
};
typedef LodgeSnapshotsWork Work;

static Work *
work_new (LodgeSnapshotsWindow *window, char *failure)
{
  Work *work = g_new0 (Work, 1);

  work->window = g_object_ref (window);
  work->failure = failure;
  return work;
}

static void
work_free (Work *work)
{
  if (work->window->its == work)
    work->window->its = NULL;
  g_clear_weak_pointer (&work->toast);
  g_object_unref (work->window);
  g_free (work->failure);
  g_free (work->method);
  g_clear_pointer (&work->parameters, g_variant_unref);
  g_free (work);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Work, work_free)

static gboolean
is_open (LodgeSnapshotsWindow *self)
{
  return self->base.connection != NULL;
}

/* At the window that the one that was closed belonged to. */
static void
say (Work *work, gboolean done)
{
  AdwToast *toast;

  if (work->toast != NULL)
    adw_toast_dismiss (work->toast);
  g_clear_weak_pointer (&work->toast);
  if (work->row == NULL)
    return;
  toast = lodge_message_toast (gtk_window_get_transient_for (GTK_WINDOW (work->window)),
                               done ? _ (work->row->done) : _ (work->row->going_on),
                               done ? LODGE_MESSAGE_TOAST_S : 0);
  if (!done)
    g_set_weak_pointer (&work->toast, toast);
}

static void
begin (LodgeSnapshotsWindow *self)
{
  self->work = g_cancellable_new ();
  lodge_snapshots_window_update (self);
}

static void
unlocked_cb (gpointer user_data)
{
  const Work *work = user_data;

  if (is_open (work->window))
    lodge_snapshots_work_call (work->window, work->method, work->parameters,
                               g_strdup (work->failure));
  else
    lodge_passphrase_say_dropped (GTK_WINDOW (work->window), work->failure);
}

static void
ask_passphrase (const Work *failed)
{
  LodgeSnapshotsWindow *self = failed->window;
  Work *work = work_new (self, g_strdup (failed->failure));

  work->method = g_strdup (failed->method);
  work->parameters = g_variant_ref (failed->parameters);
  lodge_passphrase_ask (GTK_WINDOW (self), lodge_connection_get_client (self->base.connection),
                        self->base.uuid, self->base.name, work->failure, unlocked_cb, work,
                        (GDestroyNotify) work_free);
}

static void
end (Work *work, GError *error)
{
  LodgeSnapshotsWindow *self = work->window;
  const gboolean locked = g_error_matches (error, LODGE_ERROR, LODGE_ERROR_LOCKED) &&
                          work->method != NULL && is_open (self) &&
                          lodge_connection_get_client (self->base.connection) != NULL;

  if (locked) {
    ask_passphrase (work);
  } else if (error != NULL && work->failure != NULL) {
    g_dbus_error_strip_remote_error (error);
    lodge_set_keys_show_error (GTK_WINDOW (self), work->failure, error);
  } else if (error != NULL && !work->told && is_open (self)) {
    lodge_message_toast_error (GTK_WINDOW (self), error);
  }
  if (!is_open (self)) {
    if (error == NULL)
      say (work, TRUE);
    else if (work->toast != NULL)
      adw_toast_dismiss (work->toast);
    return;
  }

  if (lodge_work_panel_has_focus (self->work_panel))
    lodge_snapshots_list_focus (self);
  g_clear_object (&self->work);
  lodge_work_panel_end (self->work_panel);
  lodge_snapshots_window_update (self);
  lodge_snapshots_check_begin (self);
  lodge_snapshots_window_reload (self);
  /* What began meanwhile. */
  lodge_snapshots_work_find (self);
}

static void
job_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Work) work = user_data;
  g_autoptr (GError) error = NULL;
  G_GNUC_UNUSED g_autofree char *unused = lodge_job_follow_finish (result, &error);

  end (work, error);
}

static void
follow (Work *work, GDBusConnection *connection, const char *path)
{
  LodgeSnapshotsWindow *self = work->window;

  if (is_open (self))
    lodge_work_panel_begin (self->work_panel, self->work, "");
  lodge_job_follow_async (connection, path, work->method != NULL, self->work,
                          lodge_work_panel_show_progress, self->work_panel, job_cb, work);
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Work) work = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &error);
  const char *path;

  if (answer == NULL || !g_variant_is_of_type (answer, G_VARIANT_TYPE ("(o)"))) {
    end (work, error);
    return;
  }
  g_variant_get (answer, "(&o)", &path);
  follow (g_steal_pointer (&work), g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path);
}

void
lodge_snapshots_work_call (LodgeSnapshotsWindow *self,
                           const char *method,
                           GVariant *parameters,
                           char *failure)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (parameters);
  g_autofree char *owned_failure = failure;

  /* A question may be answered after the engine went away, or something else began. */
  if (!is_open (self))
    return;
  if (self->base.machine == NULL) {
    lodge_message_show_away (GTK_WINDOW (self), owned_failure);
    return;
  }
  if (self->work != NULL) {
    lodge_message_show_not_now (GTK_WINDOW (self), owned_failure);
    return;
  }
  begin (self);
  self->its = work_new (self, g_steal_pointer (&owned_failure));
  self->its->method = g_strdup (method);
  self->its->parameters = g_variant_ref (owned);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    if (g_str_equal (rows[i].method, method))
      self->its->row = &rows[i];
  }
  g_dbus_proxy_call (G_DBUS_PROXY (self->base.machine), method, owned, G_DBUS_CALL_FLAGS_NONE,
                     CALL_LIMIT_MS, NULL, called_cb, self->its);
}

/* --- Jobs that run already --- */

static gboolean
is_wanted (const char *kind)
{
  /* What is merged after others gives way to whatever is wanted. */
  return g_str_has_prefix (kind, "snapshot-") && !g_str_equal (kind, "snapshot-merge");
}

static void
jobs_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeSnapshotsWindow) self = user_data;
  g_autoptr (GVariant) jobs = NULL;
  g_autofree char *path = NULL;
  Work *work;

  /* Without an answer there is nothing to show. */
  if (!lodge_engine1_call_list_jobs_finish (LODGE_ENGINE1 (source), &jobs, result, NULL) ||
      !is_open (self) || self->work != NULL)
    return;
  path = lodge_job_find (jobs, self->base.uuid, is_wanted);
  if (path == NULL)
    return;
  begin (self);
  work = work_new (self, NULL);
  work->told = lodge_job_is_followed (path);
  follow (work, g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path);
}

void
lodge_snapshots_work_find (LodgeSnapshotsWindow *self)
{
  if (self->work == NULL && self->base.engine != NULL)
    lodge_engine1_call_list_jobs (self->base.engine, NULL, jobs_cb, g_object_ref (self));
}

void
lodge_snapshots_work_clear (LodgeSnapshotsWindow *self)
{
  if (self->its != NULL)
    say (self->its, FALSE);
  self->its = NULL;
  if (self->work != NULL)
    lodge_work_panel_end (self->work_panel);
  g_clear_object (&self->work);
}

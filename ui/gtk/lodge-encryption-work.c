/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the encryption window asks of the machine, and the jobs that come of it. */
#include "gtk/lodge-encryption-window-private.h"

#include "gtk/lodge-job.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-passphrase-ask.h"
#include "gtk/lodge-set-keys.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

#define CALL_LIMIT_MS (LODGE_CLIENT_CALL_LIMIT_S * 1000)

/* From a call to the end of its job; lives longer than the window where that is closed. */
typedef struct {
  LodgeEncryptionWindow *window; /* owned */
  char *method;                  /* NULL: somebody else's */
  GVariant *parameters;
  char *failure;
  char *outcome;
  gboolean told; /* by who began it */
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_object_unref (work->window);
  g_free (work->method);
  g_clear_pointer (&work->parameters, g_variant_unref);
  g_free (work->failure);
  g_free (work->outcome);
  g_free (work);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Work, work_free)

static void
unlocked_cb (gpointer user_data)
{
  const Work *work = user_data;

  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (work->window)))
    lodge_encryption_work_call (work->window, work->method, work->parameters,
                                g_strdup (work->failure), work->outcome);
  else
    lodge_passphrase_say_dropped (GTK_WINDOW (work->window), work->failure);
}

/* Takes @work_given, and @error. */
static void
end (Work *work_given, GError *error_given)
{
  g_autoptr (Work) work = work_given;
  g_autoptr (GError) error = error_given;
  LodgeEncryptionWindow *self = work->window;
  const gboolean open = lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self));
  LodgeClient *client = open ? lodge_connection_get_client (self->base.connection) : NULL;

  if (open) {
    self->calling = FALSE;
    lodge_encryption_window_update (self);
  }
  if (error == NULL && work->outcome != NULL) {
    lodge_message_toast (GTK_WINDOW (self), work->outcome, LODGE_MESSAGE_TOAST_S);
  } else if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_LOCKED) && work->method != NULL &&
             client != NULL) {
    lodge_passphrase_ask (GTK_WINDOW (self), client, self->base.uuid, self->base.name,
                          work->failure, unlocked_cb, work, work_free);
    g_steal_pointer (&work);
  } else if (error != NULL && work->failure != NULL) {
    g_dbus_error_strip_remote_error (error);
    lodge_set_keys_show_error (GTK_WINDOW (self), work->failure, error);
  } else if (error != NULL && !work->told && open) {
    lodge_message_toast_error (GTK_WINDOW (self), error);
  }
}

static void
job_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Work *work = user_data;
  LodgeEncryptionWindow *self = work->window;
  GError *error = NULL;

  g_free (lodge_job_follow_finish (result, &error));
  g_clear_object (&self->work);
  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)))
    lodge_work_panel_end (self->work_panel);
  end (work, error);
}

/* Takes @work. */
static void
follow (Work *work, GDBusConnection *connection, const char *path)
{
  LodgeEncryptionWindow *self = work->window;

  self->work = g_cancellable_new ();
  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self))) {
    lodge_work_panel_begin (self->work_panel, self->work, "");
    lodge_encryption_window_update (self);
  }
  lodge_job_follow_async (connection, path, work->method != NULL, self->work,
                          lodge_work_panel_show_progress, self->work_panel, job_cb, work);
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Work *work = user_data;
  GError *error = NULL;
  g_autoptr (GVariant) answer = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &error);
  const char *path;

  if (answer != NULL && g_variant_is_of_type (answer, G_VARIANT_TYPE ("(o)"))) {
    g_variant_get (answer, "(&o)", &path);
    follow (work, g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path);
    return;
  }
  end (work, error);
}

void
lodge_encryption_work_call (LodgeEncryptionWindow *self,
                            const char *method,
                            GVariant *parameters,
                            char *failure,
                            const char *outcome)
{
  g_autoptr (GVariant) owned = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  g_autofree char *owned_failure = failure;
  Work *work;

  /* A question may be answered after the engine went away, or something else began. */
  if (!lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)))
    return;
  if (self->base.machine == NULL) {
    lodge_message_show_away (GTK_WINDOW (self), owned_failure);
    return;
  }
  if (self->calling || self->work != NULL) {
    lodge_message_show_not_now (GTK_WINDOW (self), owned_failure);
    return;
  }
  self->calling = TRUE;
  lodge_encryption_window_update (self);
  work = g_new0 (Work, 1);
  work->window = g_object_ref (self);
  work->method = g_strdup (method);
  work->parameters = owned != NULL ? g_variant_ref (owned) : NULL;
  work->failure = g_steal_pointer (&owned_failure);
  work->outcome = g_strdup (outcome);
  g_dbus_proxy_call (G_DBUS_PROXY (self->base.machine), method, owned, G_DBUS_CALL_FLAGS_NONE,
                     CALL_LIMIT_MS, NULL, called_cb, work);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeEncryptionWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!lodge_machine1_call_check_encrypt_finish (LODGE_MACHINE1 (source), result, &error) &&
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (self->base.machine != LODGE_MACHINE1 (source))
    return;
  g_clear_object (&self->checking);
  g_clear_pointer (&self->problem, g_free);
  /* Without an answer of the engine's it is said when the button is pressed. */
  if (error != NULL && error->domain == LODGE_ERROR) {
    g_dbus_error_strip_remote_error (error);
    self->problem = g_strdup (error->message);
  }
  lodge_encryption_window_update (self);
}

void
lodge_encryption_work_check (LodgeEncryptionWindow *self)
{
  const char *encryption, *state;

  if (self->base.machine == NULL || self->calling || self->work != NULL)
    return;
  encryption = lodge_machine1_get_encryption (self->base.machine);
  state = lodge_machine1_get_state (self->base.machine);
  g_cancellable_cancel (self->checking);
  g_clear_object (&self->checking);
  /* Of other states the window speaks itself, and of both pages. */
  if ((encryption != NULL && *encryption != '\0') || g_strcmp0 (state, "off") != 0) {
    g_clear_pointer (&self->problem, g_free);
    return;
  }
  self->checking = g_cancellable_new ();
  lodge_machine1_call_check_encrypt (self->base.machine, self->checking, checked_cb,
                                     g_object_ref (self));
}

static gboolean
is_wanted (const char *kind)
{
  return g_str_equal (kind, "encrypt") || g_str_equal (kind, "decrypt");
}

static void
jobs_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeEncryptionWindow) self = user_data;
  g_autoptr (GVariant) jobs = NULL;
  g_autofree char *path = NULL;
  Work *work;

  /* Without an answer there is nothing to show. */
  if (!lodge_engine1_call_list_jobs_finish (LODGE_ENGINE1 (source), &jobs, result, NULL) ||
      !lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)) || self->calling ||
      self->work != NULL)
    return;
  path = lodge_job_find (jobs, self->base.uuid, is_wanted);
  if (path == NULL)
    return;
  work = g_new0 (Work, 1);
  work->window = g_object_ref (self);
  work->told = lodge_job_is_followed (path);
  follow (work, g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path);
}

void
lodge_encryption_work_find (LodgeEncryptionWindow *self)
{
  if (self->base.engine != NULL)
    lodge_engine1_call_list_jobs (self->base.engine, NULL, jobs_cb, g_object_ref (self));
}

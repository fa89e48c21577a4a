/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the encryption window asks of the machine, and the jobs that come of it. */
#include "gtk/lodge-encryption-window-private.h"

#include "gtk/lodge-child-window.h"
#include "gtk/lodge-job.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-passphrase-ask.h"
#include "gtk/lodge-set-keys.h"
#include "lodge-error.h"
#include "lodge-passphrase.h"

#include <glib/gi18n-lib.h>

#define CALL_LIMIT_MS (LODGE_CLIENT_CALL_LIMIT_S * 1000)

/* From a call to the end of its job; lives longer than the window where that is closed. */
typedef struct {
  LodgeEncryptionWindow *window; /* owned */
  char *method;                  /* NULL: somebody else's */
  GVariant *parameters;
  char *failure;
  char *outcome;
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

  lodge_encryption_work_call (work->window, work->method, work->parameters,
                              g_strdup (work->failure), work->outcome);
}

/* Takes @work_given, and @error. */
static void
end (Work *work_given, GError *error_given)
{
  g_autoptr (Work) work = work_given;
  g_autoptr (GError) error = error_given;
  LodgeEncryptionWindow *self = work->window;
  const gboolean open = lodge_encryption_window_is_open (self);
  LodgeClient *client = open ? lodge_connection_get_client (self->connection) : NULL;

  if (open) {
    self->calling = FALSE;
    lodge_encryption_window_update (self);
  }
  if (error == NULL && work->outcome != NULL) {
    lodge_message_toast (GTK_WINDOW (self), work->outcome, LODGE_MESSAGE_TOAST_S);
  } else if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_LOCKED) && work->method != NULL &&
             client != NULL) {
    lodge_passphrase_ask (GTK_WINDOW (self), client, self->uuid, self->name, work->failure,
                          unlocked_cb, work, work_free);
    g_steal_pointer (&work);
  } else if (error != NULL && work->failure != NULL) {
    g_dbus_error_strip_remote_error (error);
    lodge_set_keys_show_error (GTK_WINDOW (self), work->failure, error);
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
  if (lodge_encryption_window_is_open (self))
    lodge_work_panel_end (self->work_panel);
  end (work, error);
}

/* Takes @work. */
static void
follow (Work *work, GDBusConnection *connection, const char *path)
{
  LodgeEncryptionWindow *self = work->window;

  self->work = g_cancellable_new ();
  if (lodge_encryption_window_is_open (self)) {
    lodge_work_panel_begin (self->work_panel, self->work, "");
    lodge_encryption_window_update (self);
  }
  lodge_job_follow_async (connection, path, self->work, lodge_work_panel_show_progress,
                          self->work_panel, job_cb, work);
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
  if (!lodge_encryption_window_is_open (self) || self->machine == NULL || self->calling ||
      self->work != NULL)
    return;
  self->calling = TRUE;
  lodge_encryption_window_update (self);
  work = g_new0 (Work, 1);
  work->window = g_object_ref (self);
  work->method = g_strdup (method);
  work->parameters = owned != NULL ? g_variant_ref (owned) : NULL;
  work->failure = g_steal_pointer (&owned_failure);
  work->outcome = g_strdup (outcome);
  g_dbus_proxy_call (G_DBUS_PROXY (self->machine), method, owned, G_DBUS_CALL_FLAGS_NONE,
                     CALL_LIMIT_MS, NULL, called_cb, work);
}

static void
jobs_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeEncryptionWindow) self = user_data;
  g_autoptr (GVariant) jobs = NULL;
  GVariantIter iter;
  const char *path, *kind, *machine, *state;

  /* Without an answer there is nothing to show. */
  if (!lodge_engine1_call_list_jobs_finish (LODGE_ENGINE1 (source), &jobs, result, NULL) ||
      !lodge_encryption_window_is_open (self) || self->calling || self->work != NULL)
    return;
  g_variant_iter_init (&iter, jobs);
  while (g_variant_iter_next (&iter, "(&o&s&s&sd)", &path, &kind, &machine, &state, NULL)) {
    Work *work;

    if ((!g_str_equal (kind, "encrypt") && !g_str_equal (kind, "decrypt")) ||
        !g_str_equal (machine, self->uuid) || !g_str_equal (state, "running"))
      continue;
    work = g_new0 (Work, 1);
    work->window = g_object_ref (self);
    follow (work, g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path);
    return;
  }
}

void
lodge_encryption_work_find (LodgeEncryptionWindow *self)
{
  if (self->engine != NULL)
    lodge_engine1_call_list_jobs (self->engine, NULL, jobs_cb, g_object_ref (self));
}

/* --- Another passphrase --- */

/* Lent by the question, which frees it. */
typedef struct {
  LodgeEncryptionWindow *window; /* not owned: the question goes first */
  GtkEditable *old, *next, *again;
} Change;

static void
changed_cb (GtkEditable *entry, AdwMessageDialog *dialog)
{
  const Change *change = g_object_get_data (G_OBJECT (dialog), "lodge-change");
  const char *next;

  /* A row that goes is emptied first, and the others may be gone. */
  if (gtk_widget_in_destruction (GTK_WIDGET (dialog)))
    return;
  next = gtk_editable_get_text (change->next);
  adw_message_dialog_set_response_enabled (
      dialog, LODGE_MESSAGE_ACT,
      *gtk_editable_get_text (change->old) != '\0' && *next != '\0' &&
          g_str_equal (next, gtk_editable_get_text (change->again)));
}

/* A password row that has the keyboard when it goes tells of that to what is gone already (GTK 4.8,
 * libadwaita 1.2). */
static void
unrealize_cb (GtkWindow *dialog)
{
  gtk_window_set_focus (dialog, NULL);
}

static void
answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  const Change *change = g_object_get_data (G_OBJECT (dialog), "lodge-change");

  if (!g_str_equal (response, LODGE_MESSAGE_ACT))
    return;
  lodge_encryption_work_call (
      change->window, "ChangePassphrase",
      g_variant_new ("(@ay@ay)", lodge_passphrase_to_variant (gtk_editable_get_text (change->old)),
                     lodge_passphrase_to_variant (gtk_editable_get_text (change->next))),
      g_strdup (_ ("Could Not Change the Passphrase")), _ ("The passphrase was changed"));
}

static GtkEditable *
add_entry (AdwMessageDialog *dialog, GtkWidget *list, const char *title)
{
  GtkWidget *row = adw_password_entry_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_entry_row_set_activates_default (ADW_ENTRY_ROW (row), TRUE);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
  return GTK_EDITABLE (row);
}

void
lodge_encryption_ask_change (LodgeEncryptionWindow *self)
{
  AdwMessageDialog *dialog = lodge_message_ask (
      GTK_WINDOW (self), _ ("Change the Passphrase"),
      _ ("Clones of the machine and copies of its folder that were made before keep the passphrase "
         "that it has now."),
      _ ("_Change"));
  GtkWidget *list = gtk_list_box_new ();
  Change *change = g_new0 (Change, 1);
  GtkEditable *entries[3];

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  change->window = self;
  entries[0] = change->old = add_entry (dialog, list, _ ("Passphrase That It Has"));
  entries[1] = change->next = add_entry (dialog, list, _ ("New Passphrase"));
  entries[2] = change->again = add_entry (dialog, list, _ ("The Same Again"));
  g_object_set_data_full (G_OBJECT (dialog), "lodge-change", change, g_free);
  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    g_signal_connect_object (entries[i], "changed", G_CALLBACK (changed_cb), dialog, 0);
  adw_message_dialog_set_extra_child (dialog, list);
  adw_message_dialog_set_response_appearance (dialog, LODGE_MESSAGE_ACT, ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (dialog, LODGE_MESSAGE_ACT);
  changed_cb (NULL, dialog);
  lodge_child_window_attach (GTK_WINDOW (dialog), GTK_WINDOW (self));
  g_signal_connect (dialog, "response", G_CALLBACK (answered_cb), NULL);
  g_signal_connect (dialog, "unrealize", G_CALLBACK (unrealize_cb), NULL);
  gtk_window_present (GTK_WINDOW (dialog));
  gtk_widget_grab_focus (GTK_WIDGET (change->old));
}

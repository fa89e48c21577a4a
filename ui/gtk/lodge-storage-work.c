/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the storage window asks of the machine, and the jobs that come of it. */
#include "gtk/lodge-storage-window-private.h"

#include "gtk/lodge-disc.h"
#include "gtk/lodge-job.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-passphrase-ask.h"
#include "gtk/lodge-set-keys.h"
#include "lodge-client.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

#define CALL_LIMIT_MS (LODGE_CLIENT_CALL_LIMIT_S * 1000)

/* From a call to the end of its job; lives longer than the window where that is closed. */
typedef struct {
  LodgeStorageWindow *window; /* owned */
  char *method;               /* NULL: somebody else's */
  GVariant *parameters;
  char *failure;
  gboolean told; /* by who began it */
} Work;

static Work *
work_new (LodgeStorageWindow *window, const char *method, GVariant *parameters, char *failure)
{
  Work *work = g_new0 (Work, 1);

  work->window = g_object_ref (window);
  work->method = g_strdup (method);
  work->parameters = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  work->failure = failure;
  return work;
}

static void
work_free (Work *work)
{
  g_object_unref (work->window);
  g_free (work->method);
  g_clear_pointer (&work->parameters, g_variant_unref);
  g_free (work->failure);
  g_free (work);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Work, work_free)

/* What it has brought, in passing. Transfer full. */
static char *
dup_outcome (const Work *work, const char *result)
{
  guint64 bytes = g_ascii_strtoull (result, NULL, 10);
  g_autofree char *size = g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);

  if (g_str_equal (work->method, "CompactDisk"))
    /* Translators: %s is a size. */
    return bytes > 0 ? g_strdup_printf (_ ("%s were given back"), size)
                     : g_strdup (_ ("There was nothing to give back"));
  if (g_str_equal (work->method, "GrowDisk"))
    return g_strdup (_ ("The disk is larger"));
  if (g_str_equal (work->method, "AddDisk"))
    /* Translators: %s is the id of a disk, such as disk1. */
    return g_strdup_printf (_ ("The disk %s was added"), result);
  if (g_str_equal (work->method, "ConvertDisk"))
    return g_strdup (_ ("The disk was exported"));
  if (g_str_equal (work->method, "DetachDisk"))
    return g_strdup (_ ("The disk was detached"));
  if (g_str_equal (work->method, "AttachDisk"))
    return g_strdup (_ ("The disk was attached"));
  if (g_str_equal (work->method, "PlugStick"))
    /* Translators: %s is the id of a USB stick, such as usb0. */
    return g_strdup_printf (_ ("The USB stick %s was plugged in"), result);
  if (g_str_equal (work->method, "UnplugStick"))
    return g_strdup (_ ("The USB stick was unplugged"));
  return g_strdup (_ ("The disk was removed"));
}

static void
replace_answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  const Work *work = user_data;
  const char *disk, *format, *path;

  if (!g_str_equal (response, LODGE_MESSAGE_ACT))
    return;
  g_variant_get (work->parameters, "(&s&s&sa{sv})", &disk, &format, &path, NULL);
  lodge_storage_work_export (work->window, disk, format, path, TRUE);
}

/* Whether a file that is there can still be asked about. */
static gboolean
may_replace (const Work *work)
{
  g_autoptr (GVariant) options = NULL;
  gboolean replace = FALSE;

  if (g_strcmp0 (work->method, "ConvertDisk") != 0)
    return FALSE;
  options = g_variant_get_child_value (work->parameters, 3);
  g_variant_lookup (options, "replace", "b", &replace);
  return !replace;
}

static void
replace_gone (gpointer data, GClosure *closure)
{
  work_free (data);
}

/* Takes @work. */
static void
ask_replace (Work *work)
{
  AdwMessageDialog *dialog = lodge_message_ask (
      GTK_WINDOW (work->window), _ ("Replace the File?"),
      _ ("There is a file of that name already. What is in it is lost."), _ ("_Replace"));

  g_signal_connect_data (dialog, "response", G_CALLBACK (replace_answered_cb), work, replace_gone,
                         0);
  g_signal_connect_object (work->window, "unrealize", G_CALLBACK (gtk_window_close), dialog,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
unlocked_cb (gpointer user_data)
{
  const Work *work = user_data;

  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (work->window)))
    lodge_storage_work_call (work->window, work->method, work->parameters,
                             g_strdup (work->failure));
  else
    lodge_passphrase_say_dropped (GTK_WINDOW (work->window), work->failure);
}

/* Takes @work. */
static void
ask_passphrase (Work *work)
{
  LodgeStorageWindow *self = work->window;

  lodge_passphrase_ask (GTK_WINDOW (self), lodge_connection_get_client (self->base.connection),
                        self->base.uuid, self->base.name, work->failure, unlocked_cb, work,
                        (GDestroyNotify) work_free);
}

/* The keyboard goes on with what has come of it, not with the first row, which had it meanwhile. */
static void
move_focus (const Work *work, const char *result, gboolean done)
{
  LodgeStorageWindow *self = work->window;

  if (done && g_strcmp0 (work->method, "AddDisk") == 0)
    lodge_storage_list_want (self, "disk", result);
  else if (done && g_strcmp0 (work->method, "PlugStick") == 0)
    lodge_storage_list_want (self, "stick", result);
  else if (g_strcmp0 (work->method, "PlugStick") == 0 ||
           (done && g_strcmp0 (work->method, "UnplugStick") == 0))
    gtk_widget_grab_focus (self->plug_button);
}

static void
end (Work *work_given, const char *result, GError *error)
{
  g_autoptr (Work) work = work_given;
  LodgeStorageWindow *self = work->window;

  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self))) {
    self->calling = FALSE;
    lodge_storage_window_update (self);
    move_focus (work, result, error == NULL);
    lodge_storage_window_reload (self);
  }
  if (error == NULL && work->method != NULL) {
    g_autofree char *outcome = dup_outcome (work, result);

    lodge_message_toast (GTK_WINDOW (self), outcome, LODGE_MESSAGE_TOAST_S);
  } else if (error != NULL && lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)) &&
             may_replace (work) && g_error_matches (error, LODGE_ERROR, LODGE_ERROR_EXISTS)) {
    ask_replace (g_steal_pointer (&work));
  } else if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_LOCKED) && work->method != NULL &&
             lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)) &&
             lodge_connection_get_client (self->base.connection) != NULL) {
    ask_passphrase (g_steal_pointer (&work));
  } else if (error != NULL && work->failure != NULL) {
    g_dbus_error_strip_remote_error (error);
    lodge_set_keys_show_error (GTK_WINDOW (self), work->failure, error);
  } else if (error != NULL && !work->told &&
             lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self))) {
    lodge_message_toast_error (GTK_WINDOW (self), error);
  }
  /* What began meanwhile. */
  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)))
    lodge_storage_work_find (self);
}

static void
job_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Work *work = user_data;
  LodgeStorageWindow *self = work->window;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = lodge_job_follow_finish (result, &error);

  g_clear_object (&self->work);
  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self))) {
    if (lodge_work_panel_has_focus (self->work_panel))
      lodge_storage_list_focus (self);
    lodge_work_panel_end (self->work_panel);
  }
  end (work, text, error);
}

/* Takes @work. */
static void
follow (Work *work, GDBusConnection *connection, const char *path)
{
  LodgeStorageWindow *self = work->window;

  self->work = g_cancellable_new ();
  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self))) {
    lodge_work_panel_begin (self->work_panel, self->work, "");
    lodge_storage_window_update (self);
  }
  lodge_job_follow_async (connection, path, work->method != NULL, self->work,
                          lodge_work_panel_show_progress, self->work_panel, job_cb, work);
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Work *work = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &error);
  const char *path;

  if (answer == NULL) {
    end (work, NULL, error);
    return;
  }
  g_variant_get (answer, "(&o)", &path);
  follow (work, g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path);
}

void
lodge_storage_work_call (LodgeStorageWindow *self,
                         const char *method,
                         GVariant *parameters,
                         char *failure)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (parameters);
  g_autofree char *owned_failure = failure;

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
  lodge_storage_window_update (self);
  g_dbus_proxy_call (G_DBUS_PROXY (self->base.machine), method, owned, G_DBUS_CALL_FLAGS_NONE,
                     CALL_LIMIT_MS, NULL, called_cb,
                     work_new (self, method, owned, g_steal_pointer (&owned_failure)));
}

void
lodge_storage_work_export (LodgeStorageWindow *self,
                           const char *id,
                           const char *format,
                           const char *path,
                           gboolean replace)
{
  GVariantDict options = G_VARIANT_DICT_INIT (NULL);

  if (replace)
    g_variant_dict_insert (&options, "replace", "b", TRUE);
  lodge_storage_work_call (
      self, "ConvertDisk",
      g_variant_new ("(sss@a{sv})", id, format, path, g_variant_dict_end (&options)),
      g_strdup_printf (_ ("Could Not Export %s"), id));
}

/* --- Jobs that run already --- */

static gboolean
is_wanted (const char *kind)
{
  return g_str_has_prefix (kind, "disk-") || g_str_has_prefix (kind, "stick-");
}

static void
jobs_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeStorageWindow) self = user_data;
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
  work = work_new (self, NULL, NULL, NULL);
  work->told = lodge_job_is_followed (path);
  follow (work, g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path);
}

void
lodge_storage_work_find (LodgeStorageWindow *self)
{
  if (self->base.engine != NULL)
    lodge_engine1_call_list_jobs (self->base.engine, NULL, jobs_cb, g_object_ref (self));
}

/* --- Drives --- */

typedef struct {
  LodgeStorageWindow *window; /* owned */
  char *drive;
  char *path;
} Change;

static void
change_free (gpointer data)
{
  Change *its = data;

  g_object_unref (its->window);
  g_free (its->drive);
  g_free (its->path);
  g_free (its);
}

static const char *
get_drive_failure (const char *path)
{
  return path != NULL ? _ ("Could Not Insert the Disc") : _ ("Could Not Eject the Disc");
}

static void
take_by_force (gpointer user_data)
{
  const Change *its = user_data;

  lodge_storage_work_change_drive (its->window, its->drive, its->path, TRUE);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Change *its = user_data;
  LodgeStorageWindow *self = its->window;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &error);

  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self))) {
    self->calling = FALSE;
    lodge_storage_window_update (self);
    if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_BUSY)) {
      lodge_disc_ask_for_force (GTK_WINDOW (self), take_by_force, its, change_free);
      return;
    }
  }
  if (answer == NULL) {
    g_dbus_error_strip_remote_error (error);
    lodge_set_keys_show_error (GTK_WINDOW (self), get_drive_failure (its->path), error);
  }
  change_free (its);
}

void
lodge_storage_work_change_drive (LodgeStorageWindow *self,
                                 const char *drive,
                                 const char *path,
                                 gboolean force)
{
  GVariant *parameters = path != NULL ? g_variant_new ("(ssb)", drive, path, force)
                                      : g_variant_new ("(sb)", drive, force);
  g_autoptr (GVariant) owned = g_variant_ref_sink (parameters);
  Change *its;

  if (!lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)))
    return;
  if (self->base.machine == NULL) {
    lodge_message_show_away (GTK_WINDOW (self), get_drive_failure (path));
    return;
  }
  if (self->calling) {
    lodge_message_show_not_now (GTK_WINDOW (self), get_drive_failure (path));
    return;
  }
  its = g_new0 (Change, 1);
  its->window = g_object_ref (self);
  its->drive = g_strdup (drive);
  its->path = g_strdup (path);
  self->calling = TRUE;
  lodge_storage_window_update (self);
  g_dbus_proxy_call (G_DBUS_PROXY (self->base.machine), path != NULL ? "InsertMedia" : "EjectMedia",
                     owned, G_DBUS_CALL_FLAGS_NONE, CALL_LIMIT_MS, NULL, changed_cb, its);
}

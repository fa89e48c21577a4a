/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder that a machine shares with its guest: what the description says is what is shared,
 * from when the guest runs until it ends, whatever changes meanwhile.
 *
 * By virtiofs there is a device in QEMU beside the process (lodge-machine-virtiofs.c): it comes
 * after the process, and the guest is asked to let go of it before the process ends.
 *
 * Nothing here keeps a machine from running: a folder that cannot be shared is told in the note.
 */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

/* A process that fell over comes again, but not for ever: what makes it fall may be the guest. */
#define RESTART_MS    1000
#define MOST_RESTARTS 5
#define GOOD_LIFE_US  (60 * G_TIME_SPAN_SECOND)
#define GUEST_PORT    "folder-port"

static void share_now (LodgeMachine *self);

/* The last one that was told of the folder goes when there is nothing to tell. */
static void
tell (LodgeMachine *self, const char *sentence)
{
  const gboolean changed = g_strcmp0 (self->share_note, sentence) != 0;

  if (self->share_note != NULL && g_str_equal (lodge_machine_get_own_note (self), self->share_note))
    lodge_machine_set_own_note (self, NULL);
  g_free (self->share_note);
  self->share_note = g_strdup (sentence);
  if (sentence != NULL)
    lodge_machine_set_own_note (self, sentence);
  if (changed)
    lodge_machine_emit_changed (self);
}

const char *
lodge_machine_get_folder_problem (LodgeMachine *self)
{
  return self->share_note != NULL ? self->share_note : "";
}

/* Lent; "" for none. */
static const char *
get_wanted (LodgeMachine *self)
{
  const LodgeDescription *description = lodge_machine_get_description (self);

  if (description == NULL || self->pid == 0 || self->ending ||
      self->state == LODGE_STATE_STARTING || !lodge_state_is_live (self->state))
    return "";
  return description->share_folder;
}

static gboolean
wants_virtiofs (LodgeMachine *self)
{
  return lodge_machine_get_description (self)->folder_method == LODGE_FOLDER_METHOD_VIRTIOFS;
}

/* --- The folder goes, and comes again --- */

/* Of one that is there: it ends now, or once the guest has let go of it. */
static void
end_share (LodgeMachine *self)
{
  self->share_ending = TRUE;
  if (!lodge_shared_folder_is_virtiofs (self->share) || self->qmp == NULL ||
      self->folder_device == LODGE_FOLDER_DEVICE_NONE)
    lodge_shared_folder_stop (self->share);
  else
    lodge_machine_virtiofs_unplug (self);
}

void
lodge_machine_share_cut (LodgeMachine *self)
{
  if (self->share != NULL && self->share_ending)
    lodge_shared_folder_stop (self->share);
}

void
lodge_machine_share_device_changed (LodgeMachine *self)
{
  const gboolean virtiofs = self->share != NULL && lodge_shared_folder_is_virtiofs (self->share);

  if (self->folder_device == LODGE_FOLDER_DEVICE_THERE) {
    /* It was changed meanwhile, or belongs to a process that has ended. */
    if (!virtiofs || self->share_ending)
      lodge_machine_virtiofs_unplug (self);
    else
      tell (self, NULL);
  } else if (virtiofs) {
    /* The guest has let go. Where nobody asked it to, that counts as an end like any other. */
    lodge_shared_folder_stop (self->share);
  }
  /* What makes it go may be the guest, which decides neither when nor how often it comes again. */
  if (self->share_timeout == 0 && self->share_restarts <= MOST_RESTARTS)
    share_now (self);
}

void
lodge_machine_share_failed (LodgeMachine *self, const GError *error)
{
  g_clear_error (&self->share_failure);
  self->share_failure = g_error_copy (error);
  if (self->share != NULL && lodge_shared_folder_is_virtiofs (self->share)) {
    self->share_ending = TRUE;
    lodge_shared_folder_stop (self->share);
  }
}

/* Something was mounted, or the name is another folder's now, or nobody's. */
static void
look_again (LodgeMachine *self)
{
  if (self->share == NULL) {
    if (self->share_timeout == 0)
      share_now (self);
  } else if (!self->share_ending && !lodge_shared_folder_is_there (self->share)) {
    /* What is removed, or unmounted, is really gone once nobody has it open. */
    end_share (self);
  }
}

static void
monitor_cb (
    GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event, LodgeMachine *self)
{
  if (event == G_FILE_MONITOR_EVENT_DELETED || event == G_FILE_MONITOR_EVENT_CREATED)
    look_again (self);
}

static void
unwatch (LodgeMachine *self)
{
  if (self->share_monitor != NULL) {
    g_signal_handlers_disconnect_by_data (self->share_monitor, self);
    g_file_monitor_cancel (self->share_monitor);
  }
  if (self->share_mounts != NULL)
    g_signal_handlers_disconnect_by_data (self->share_mounts, self);
  g_clear_object (&self->share_monitor);
  g_clear_object (&self->share_mounts);
  g_clear_object (&self->share_watched);
}

static void
watch (LodgeMachine *self, const char *path)
{
  g_autoptr (GFile) file = *path != '\0' ? g_file_new_for_path (path) : NULL;

  if (file == NULL || (self->share_watched != NULL && !g_file_equal (file, self->share_watched)))
    unwatch (self);
  if (file == NULL || self->share_watched != NULL)
    return;
  self->share_watched = g_steal_pointer (&file);
  /* Where there is none, only the next start of the guest sees it. */
  self->share_monitor = g_file_monitor_file (self->share_watched, G_FILE_MONITOR_NONE, NULL, NULL);
  if (self->share_monitor != NULL)
    g_signal_connect (self->share_monitor, "changed", G_CALLBACK (monitor_cb), self);
  self->share_mounts = g_unix_mount_monitor_get ();
  g_signal_connect_swapped (self->share_mounts, "mounts-changed", G_CALLBACK (look_again), self);
}

static gboolean
restart_cb (gpointer user_data)
{
  LodgeMachine *self = user_data;

  self->share_timeout = 0;
  share_now (self);
  return G_SOURCE_REMOVE;
}

static void
closed_cb (LodgeSharedFolder *share, LodgeMachine *self)
{
  const gboolean asked = self->share_ending;
  const gboolean virtiofs = lodge_shared_folder_is_virtiofs (share);

  g_signal_handlers_disconnect_by_data (share, self);
  g_clear_object (&self->share);
  self->share_ending = FALSE;
  if (virtiofs && self->qmp != NULL)
    lodge_machine_virtiofs_unplug (self);
  if (asked) {
    share_now (self);
    return;
  }
  /* At a guest's end it may be seen to go before its QEMU: then it is not wanted any more. */
  if (g_get_monotonic_time () - self->share_began_us > GOOD_LIFE_US)
    self->share_restarts = 0;
  if (self->share_restarts++ < MOST_RESTARTS) {
    self->share_timeout = g_timeout_add (RESTART_MS, restart_cb, self);
  } else if (*get_wanted (self) != '\0') {
    g_autofree char *sentence = g_strdup_printf (
        _ ("The folder “%s” is not shared any more: the program that shares it has ended several "
           "times. Set sharing.folder again to try once more"),
        get_wanted (self));

    tell (self, sentence);
  }
}

static void
take (LodgeMachine *self, LodgeSharedFolder *share)
{
  self->share = share;
  self->share_ending = FALSE;
  self->share_began_us = g_get_monotonic_time ();
  g_signal_connect (share, "closed", G_CALLBACK (closed_cb), self);
}

/* Takes @error. */
static void
tell_error (LodgeMachine *self, GError *error_given)
{
  g_autoptr (GError) error = error_given;
  g_autofree char *sentence = NULL;

  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_HOST))
    sentence = g_strdup_printf (_ ("Folders are not shared on this computer: %s"), error->message);
  else if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND))
    sentence = g_strdup_printf (_ ("%s. Bring it back, and it is shared again; or share another "
                                   "folder, or none"),
                                error->message);
  else
    sentence = g_strdup (error->message);
  tell (self, sentence);
}

static void
found_virtiofsd_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachine) self = user_data;
  const LodgeDescription *description = lodge_machine_get_description (self);
  const LodgeVirtiofsd *virtiofsd =
      lodge_machine_host_find_virtiofsd_finish (LODGE_MACHINE_HOST (source), result);
  const char *wanted = get_wanted (self);
  g_autofree char *folder = NULL;
  g_autofree char *unit = NULL;
  GError *error = NULL;
  LodgeSharedFolder *share;
  int wire = -1;

  self->virtiofs_asked = FALSE;
  /* It may be wanted in another way by now, or be there. */
  if (*wanted == '\0' || !wants_virtiofs (self) || self->qmp == NULL || self->share != NULL ||
      self->folder_device != LODGE_FOLDER_DEVICE_NONE) {
    share_now (self);
    return;
  }
  if (virtiofsd->path == NULL) {
    g_autofree char *sentence = g_strdup_printf (
        _ ("The folder “%s” is not shared by virtiofs: %s. Or share it by WebDAV, with "
           "sharing.folder-method"),
        wanted, virtiofsd->problem);

    tell (self, sentence);
    return;
  }
  folder = lodge_machine_dup_folder (self);
  unit = g_strdup_printf ("lodge-share-%s.scope", self->uuid);
  share = lodge_shared_folder_start_virtiofs (wanted, description->share_folder_writable, virtiofsd,
                                              folder, unit, &wire, &error);
  if (share == NULL) {
    tell_error (self, error);
    return;
  }
  take (self, share);
  lodge_machine_virtiofs_plug (self, wire);
}

static void
share_by_virtiofs (LodgeMachine *self, const char *wanted)
{
  if (self->share_failure != NULL) {
    g_autofree char *sentence = g_strdup_printf (
        _ ("The folder “%s” is not shared by virtiofs, because QEMU refuses it: %s. Share it by "
           "WebDAV, with sharing.folder-method"),
        wanted, self->share_failure->message);

    tell (self, sentence);
  } else if (self->folder_device != LODGE_FOLDER_DEVICE_NONE) {
    g_autofree char *sentence = g_strdup_printf (
        _ ("The folder “%s” is not shared yet: the guest has not let go of the one before. Unmount "
           "that in the guest, or restart it"),
        wanted);

    tell (self, sentence);
  } else if (!self->virtiofs_asked) {
    self->virtiofs_asked = TRUE;
    lodge_machine_host_find_virtiofsd_async (self->host, FALSE, found_virtiofsd_cb,
                                             g_object_ref (self));
  }
}

static void
share_now (LodgeMachine *self)
{
  const LodgeDescription *description = lodge_machine_get_description (self);
  const char *wanted = get_wanted (self);
  g_autofree char *folder = NULL;
  g_autofree char *unit = NULL;
  GError *error = NULL;
  LodgeSharedFolder *share;

  watch (self, wanted);
  if (self->share != NULL) {
    /* It comes again, or not, when it has ended. */
    if (!self->share_ending &&
        (*wanted == '\0' ||
         !lodge_shared_folder_is (self->share, wanted, description->share_folder_writable,
                                  wants_virtiofs (self))))
      end_share (self);
    return;
  }
  /* It calls this again. */
  if (lodge_machine_virtiofs_is_busy (self))
    return;
  g_clear_handle_id (&self->share_timeout, g_source_remove);
  /* One that is there goes on with a QEMU that cannot be asked, and ends when it is not wanted. */
  if (*wanted == '\0' || self->qmp == NULL) {
    tell (self, NULL);
    return;
  }
  if (wants_virtiofs (self)) {
    share_by_virtiofs (self, wanted);
    return;
  }

  folder = lodge_machine_dup_folder (self);
  unit = g_strdup_printf ("lodge-share-%s.scope", self->uuid);
  share = lodge_shared_folder_start (wanted, description->share_folder_writable, self->runtime,
                                     lodge_qmp_get_pid (self->qmp), folder, unit, &error);
  if (share == NULL) {
    tell_error (self, error);
    return;
  }
  tell (self, NULL);
  take (self, share);
}

void
lodge_machine_share_update (LodgeMachine *self)
{
  const LodgeDescription *description = lodge_machine_get_description (self);

  /* Somebody has set it, which counts as another try. */
  if (description != NULL && self->share == NULL)
    self->share_restarts = 0;
  g_clear_error (&self->share_failure);
  share_now (self);
}

void
lodge_machine_share_recover (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);
  LodgeSharedFolder *share = self->share == NULL ? lodge_shared_folder_find (folder) : NULL;

  if (share != NULL)
    take (self, share);
  /* Once it is known what QEMU has, that is looked at. */
  if (self->qmp == NULL || lodge_machine_virtiofs_is_busy (self))
    share_now (self);
  else
    lodge_machine_share_device_changed (self);
}

void
lodge_machine_share_port_changed (LodgeMachine *self, const char *port, gboolean open)
{
  if (!g_str_equal (port, GUEST_PORT) || open || self->share == NULL || self->share_ending ||
      lodge_shared_folder_is_virtiofs (self->share))
    return;
  /* The guest's program went, perhaps in the middle of a frame: both sides begin again. */
  self->share_ending = TRUE;
  lodge_shared_folder_stop (self->share);
}

void
lodge_machine_share_end (LodgeMachine *self)
{
  g_clear_handle_id (&self->share_timeout, g_source_remove);
  unwatch (self);
  lodge_machine_virtiofs_forget (self);
  self->share_restarts = 0;
  self->share_ending = FALSE;
  g_clear_error (&self->share_failure);
  g_clear_pointer (&self->share_note, g_free);
  if (self->share == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->share, self);
  lodge_shared_folder_stop (self->share);
  g_clear_object (&self->share);
}

void
lodge_machine_share_forget (LodgeMachine *self)
{
  g_clear_handle_id (&self->share_timeout, g_source_remove);
  unwatch (self);
  lodge_machine_virtiofs_forget (self);
  g_clear_error (&self->share_failure);
  g_clear_pointer (&self->share_note, g_free);
  if (self->share != NULL)
    g_signal_handlers_disconnect_by_data (self->share, self);
  g_clear_object (&self->share);
}

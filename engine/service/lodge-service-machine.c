/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine on the wire (org.lodgevm.Machine1).
 *
 * Owns: who shows the console. Never: decides anything about the machine; each method is one call
 * into the machine room.
 */
#include "service/lodge-service-machine.h"

#include "lodge-error.h"
#include "service/lodge-service-disks.h"
#include "service/lodge-service-files.h"
#include "machine/lodge-machine-key.h"
#include "service/lodge-service-job.h"
#include "service/lodge-service-key.h"
#include "service/lodge-service-outside.h"
#include "service/lodge-service-input.h"
#include "service/lodge-service-snapshots.h"
#include "service/lodge-service-suspend.h"

#include <glib/gi18n-lib.h>

struct _LodgeServiceMachine {
  LodgeMachine1Skeleton parent_instance;

  LodgeLibrary *library;
  LodgeMachine *machine;
  GDBusConnection *console; /* of the owner, or NULL */
};

static void machine_iface_init (LodgeMachine1Iface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (LodgeServiceMachine,
                               lodge_service_machine,
                               LODGE_TYPE_MACHINE1_SKELETON,
                               G_IMPLEMENT_INTERFACE (LODGE_TYPE_MACHINE1, machine_iface_init))

static void
lodge_service_machine_finalize (GObject *object)
{
  LodgeServiceMachine *self = LODGE_SERVICE_MACHINE (object);

  g_clear_object (&self->console);
  g_clear_object (&self->machine);
  g_clear_object (&self->library);

  G_OBJECT_CLASS (lodge_service_machine_parent_class)->finalize (object);
}

static void
lodge_service_machine_class_init (LodgeServiceMachineClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_service_machine_finalize;
}

static void
lodge_service_machine_init (LodgeServiceMachine *self)
{
}

static GVariant *
describe (LodgeMachine *machine)
{
  const LodgeDescription *description = lodge_machine_get_description (machine);
  g_autoptr (GPtrArray) list = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  if (description != NULL) {
    list = lodge_description_list (description);
    for (guint i = 0; i + 1 < list->len; i += 2)
      g_variant_builder_add (&builder, "{ss}", list->pdata[i], list->pdata[i + 1]);
  }
  return g_variant_builder_end (&builder);
}

static void
update (LodgeServiceMachine *self)
{
  LodgeMachine1 *object = LODGE_MACHINE1 (self);
  LodgeMachine *machine = self->machine;

  lodge_machine1_set_name (object, lodge_machine_get_name (machine));
  lodge_machine1_set_state (object, lodge_machine_get_state_name (machine));
  lodge_machine1_set_note (object, lodge_machine_get_note (machine));
  lodge_machine1_set_description (object, describe (machine));
  lodge_machine1_set_spice_socket (object, lodge_machine_get_spice_socket (machine));
  lodge_machine1_set_frames_socket (object, lodge_machine_get_frames_socket (machine));
  lodge_machine1_set_terminals (object, lodge_machine_list_terminals (machine));
  lodge_machine1_set_asleep (object, lodge_machine_get_asleep (machine));
  lodge_machine1_set_disposable (object, lodge_machine_is_disposable (machine));
  lodge_machine1_set_folder_problem (object, lodge_machine_get_folder_problem (machine));
  lodge_machine1_set_graphics_problem (object, lodge_machine_get_graphics_problem (machine));
  lodge_machine1_set_outside_paths (object, lodge_machine_list_outside (machine));
  lodge_machine1_set_encryption (object, lodge_machine_get_encryption (machine));
  lodge_machine1_set_snapshot_serial (object, lodge_machine_get_snapshot_serial (machine));
  lodge_machine1_set_thumbnail_serial (object, lodge_machine_get_thumbnail_serial (machine));
}

static void
machine_changed_cb (LodgeMachine *machine, LodgeServiceMachine *self)
{
  update (self);
}

static void
guest_event_cb (LodgeMachine *machine, const char *kind, LodgeServiceMachine *self)
{
  lodge_machine1_emit_guest_event (LODGE_MACHINE1 (self), kind);
}

LodgeServiceMachine *
lodge_service_machine_new (LodgeLibrary *library, LodgeMachine *machine)
{
  LodgeServiceMachine *self = g_object_new (LODGE_TYPE_SERVICE_MACHINE, NULL);
  g_autofree char *folder = lodge_machine_dup_folder (machine);

  self->library = g_object_ref (library);
  self->machine = g_object_ref (machine);
  lodge_machine1_set_uuid (LODGE_MACHINE1 (self), lodge_machine_get_uuid (machine));
  lodge_machine1_set_folder (LODGE_MACHINE1 (self), folder);
  lodge_machine1_set_console_owner (LODGE_MACHINE1 (self), "");
  update (self);
  g_signal_connect_object (machine, "changed", G_CALLBACK (machine_changed_cb), self, 0);
  g_signal_connect_object (machine, "guest-event", G_CALLBACK (guest_event_cb), self, 0);
  return self;
}

LodgeLibrary *
lodge_service_machine_get_library (LodgeServiceMachine *self)
{
  return self->library;
}

LodgeMachine *
lodge_service_machine_get_machine (LodgeServiceMachine *self)
{
  return self->machine;
}

char *
lodge_service_machine_dup_path (const char *uuid)
{
  g_autofree char *element = g_strdelimit (g_strdup (uuid), "-", '_');

  return g_strconcat ("/org/lodgevm/Machine/", element, NULL);
}

void
lodge_service_machine_forget (LodgeServiceMachine *self, GDBusConnection *connection)
{
  if (self->console != connection)
    return;
  g_clear_object (&self->console);
  lodge_machine1_set_console_owner (LODGE_MACHINE1 (self), "");
}

/* Methods. Each ends its invocation exactly once: with the answer, or with the error. */

static void
return_error (GDBusMethodInvocation *invocation, GError *error)
{
  g_dbus_method_invocation_take_error (invocation, error);
}

static void
requested_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;

  if (lodge_machine_request_finish (LODGE_MACHINE (source), result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    return_error (invocation, error);
}

static gboolean
request (LodgeMachine1 *object, GDBusMethodInvocation *invocation, LodgeRequest what)
{
  lodge_machine_request_async (LODGE_SERVICE_MACHINE (object)->machine, what, requested_cb,
                               invocation);
  return TRUE;
}

static gboolean
handle_pause (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  return request (object, invocation, LODGE_REQUEST_PAUSE);
}

static gboolean
handle_resume (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  return request (object, invocation, LODGE_REQUEST_RESUME);
}

static gboolean
handle_shutdown (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  return request (object, invocation, LODGE_REQUEST_SHUTDOWN);
}

static gboolean
handle_reset (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  return request (object, invocation, LODGE_REQUEST_RESET);
}

static gboolean
handle_wake (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  return request (object, invocation, LODGE_REQUEST_WAKE);
}

static gboolean
handle_kill (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  return request (object, invocation, LODGE_REQUEST_KILL);
}

static gboolean
handle_delete (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  LodgeServiceMachine *self = LODGE_SERVICE_MACHINE (object);
  GError *error = NULL;
  LodgeJob *job = lodge_library_delete_machine (self->library, self->machine, &error);

  if (job == NULL)
    return_error (invocation, error);
  else
    lodge_machine1_complete_delete (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

static gboolean
handle_clone (LodgeMachine1 *object,
              GDBusMethodInvocation *invocation,
              const char *name,
              GVariant *options)
{
  LodgeServiceMachine *self = LODGE_SERVICE_MACHINE (object);
  GError *error = NULL;
  LodgeJob *job = lodge_library_clone_machine (self->library, self->machine, name, options, &error);

  if (job == NULL)
    g_dbus_method_invocation_take_error (invocation, error);
  else
    lodge_machine1_complete_clone (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

static void
set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;

  if (lodge_library_set_finish (LODGE_LIBRARY (source), result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    return_error (invocation, error);
}

static gboolean
handle_set (LodgeMachine1 *object, GDBusMethodInvocation *invocation, GVariant *changes)
{
  LodgeServiceMachine *self = LODGE_SERVICE_MACHINE (object);

  lodge_library_set_async (self->library, self->machine, changes, set_cb, invocation);
  return TRUE;
}

static void
explained_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;
  GPtrArray *rows = lodge_machine_explain_finish (LODGE_MACHINE (source), result, &error);
  GVariantBuilder builder;

  if (rows == NULL) {
    return_error (invocation, error);
    return;
  }
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  for (guint i = 0; i < rows->len; i++) {
    const LodgeCommandRow *row = rows->pdata[i];

    g_variant_builder_add (&builder, "(ss)", row->argument, row->reason);
  }
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(a(ss))", &builder));
}

static gboolean
handle_explain (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  lodge_machine_explain_async (LODGE_SERVICE_MACHINE (object)->machine, explained_cb, invocation);
  return TRUE;
}

static GVariant *
picture_to_variant (GBytes *png)
{
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, png, TRUE);
}

static void
shot_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;
  g_autoptr (GBytes) png = lodge_machine_screenshot_finish (LODGE_MACHINE (source), result, &error);

  if (png == NULL)
    return_error (invocation, error);
  else
    g_dbus_method_invocation_return_value (invocation,
                                           g_variant_new ("(@ay)", picture_to_variant (png)));
}

static gboolean
handle_screenshot (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  lodge_machine_screenshot_async (LODGE_SERVICE_MACHINE (object)->machine, shot_cb, invocation);
  return TRUE;
}

static void
sized_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;

  if (lodge_machine_set_display_size_finish (LODGE_MACHINE (source), result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    return_error (invocation, error);
}

static gboolean
handle_set_display_size (LodgeMachine1 *object,
                         GDBusMethodInvocation *invocation,
                         guint monitor,
                         guint width,
                         guint height)
{
  lodge_machine_set_display_size_async (LODGE_SERVICE_MACHINE (object)->machine, monitor, width,
                                        height, sized_cb, invocation);
  return TRUE;
}

static gboolean
handle_get_thumbnail (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  LodgeServiceMachine *self = LODGE_SERVICE_MACHINE (object);
  GBytes *png = lodge_machine_get_thumbnail (self->machine);

  if (png == NULL)
    g_dbus_method_invocation_return_error (invocation, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                                           _ ("There is no picture of “%s” yet"),
                                           lodge_machine_get_name (self->machine));
  else
    lodge_machine1_complete_get_thumbnail (object, invocation, picture_to_variant (png));
  return TRUE;
}

static gboolean
handle_list_forwards (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  const LodgeDescription *description =
      lodge_machine_get_description (LODGE_SERVICE_MACHINE (object)->machine);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  for (guint i = 0; description != NULL && i < description->nics->len; i++) {
    const LodgeNic *nic = description->nics->pdata[i];

    for (guint j = 0; nic->forwards[j] != NULL; j++)
      g_variant_builder_add (&builder, "(ss)", nic->id, nic->forwards[j]);
  }
  lodge_machine1_complete_list_forwards (object, invocation, g_variant_builder_end (&builder));
  return TRUE;
}

static void
forwarded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;

  if (lodge_machine_forward_finish (LODGE_MACHINE (source), result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    return_error (invocation, error);
}

static gboolean
handle_add_forward (LodgeMachine1 *object,
                    GDBusMethodInvocation *invocation,
                    const char *nic,
                    const char *rule)
{
  lodge_machine_forward_async (LODGE_SERVICE_MACHINE (object)->machine, TRUE, nic, rule,
                               forwarded_cb, invocation);
  return TRUE;
}

static gboolean
handle_remove_forward (LodgeMachine1 *object,
                       GDBusMethodInvocation *invocation,
                       const char *nic,
                       const char *rule)
{
  lodge_machine_forward_async (LODGE_SERVICE_MACHINE (object)->machine, FALSE, nic, rule,
                               forwarded_cb, invocation);
  return TRUE;
}

static void
media_changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;

  if (lodge_machine_change_media_finish (LODGE_MACHINE (source), result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    return_error (invocation, error);
}

static gboolean
handle_insert_media (LodgeMachine1 *object,
                     GDBusMethodInvocation *invocation,
                     const char *drive,
                     const char *path,
                     gboolean force)
{
  lodge_machine_change_media_async (LODGE_SERVICE_MACHINE (object)->machine, drive, path, force,
                                    media_changed_cb, invocation);
  return TRUE;
}

static gboolean
handle_eject_media (LodgeMachine1 *object,
                    GDBusMethodInvocation *invocation,
                    const char *drive,
                    gboolean force)
{
  lodge_machine_change_media_async (LODGE_SERVICE_MACHINE (object)->machine, drive, NULL, force,
                                    media_changed_cb, invocation);
  return TRUE;
}

static gboolean
handle_claim_console (LodgeMachine1 *object, GDBusMethodInvocation *invocation, const char *owner)
{
  LodgeServiceMachine *self = LODGE_SERVICE_MACHINE (object);
  GDBusConnection *connection = g_dbus_method_invocation_get_connection (invocation);

  if (owner[0] == '\0') {
    g_dbus_method_invocation_return_error (invocation, LODGE_ERROR, LODGE_ERROR_INVALID,
                                           _ ("A console has to say who shows it"));
    return TRUE;
  }
  /* Only the one who had it is told; SPICE would close its connection without a word. */
  if (self->console != NULL && self->console != connection)
    g_dbus_connection_emit_signal (
        self->console, NULL,
        g_dbus_interface_skeleton_get_object_path (G_DBUS_INTERFACE_SKELETON (self)),
        "org.lodgevm.Machine1", "ConsoleTaken", g_variant_new ("(s)", owner), NULL);
  g_set_object (&self->console, connection);
  lodge_machine1_set_console_owner (object, owner);
  lodge_machine1_complete_claim_console (object, invocation);
  return TRUE;
}

static gboolean
handle_release_console (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  LodgeServiceMachine *self = LODGE_SERVICE_MACHINE (object);

  lodge_service_machine_forget (self, g_dbus_method_invocation_get_connection (invocation));
  lodge_machine1_complete_release_console (object, invocation);
  return TRUE;
}

static void
machine_iface_init (LodgeMachine1Iface *iface)
{
  iface->handle_pause = handle_pause;
  iface->handle_resume = handle_resume;
  iface->handle_shutdown = handle_shutdown;
  iface->handle_reset = handle_reset;
  iface->handle_wake = handle_wake;
  iface->handle_kill = handle_kill;
  iface->handle_delete = handle_delete;
  iface->handle_clone = handle_clone;
  iface->handle_set = handle_set;
  iface->handle_explain = handle_explain;
  iface->handle_screenshot = handle_screenshot;
  iface->handle_set_display_size = handle_set_display_size;
  iface->handle_get_thumbnail = handle_get_thumbnail;
  iface->handle_list_forwards = handle_list_forwards;
  iface->handle_add_forward = handle_add_forward;
  iface->handle_remove_forward = handle_remove_forward;
  iface->handle_insert_media = handle_insert_media;
  iface->handle_eject_media = handle_eject_media;

  lodge_service_disks_init (iface);
  lodge_service_files_init (iface);
  lodge_service_outside_init (iface);
  lodge_service_key_init (iface);
  lodge_service_snapshots_init (iface);
  lodge_service_input_init (iface);
  lodge_service_suspend_init (iface);
  iface->handle_claim_console = handle_claim_console;
  iface->handle_release_console = handle_release_console;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's disks on the wire. Each method is one call into the machine room. */
#include "service/lodge-service-disks.h"

#include "machine/lodge-machine-disks.h"
#include "service/lodge-service-job.h"
#include "service/lodge-service-machine.h"
#include "service/lodge-service-snapshots.h"

static LodgeLibrary *
get_library (LodgeMachine1 *object)
{
  return lodge_service_machine_get_library (LODGE_SERVICE_MACHINE (object));
}

static LodgeMachine *
get_machine (LodgeMachine1 *object)
{
  return lodge_service_machine_get_machine (LODGE_SERVICE_MACHINE (object));
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) list = lodge_machine_list_disks_finish (LODGE_MACHINE (source), result);

  g_dbus_method_invocation_return_value (user_data, g_variant_new ("(@aa{sv})", list));
}

static gboolean
handle_list (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  lodge_machine_list_disks_async (get_machine (object), listed_cb, invocation);
  return TRUE;
}

static gboolean
handle_grow (LodgeMachine1 *object,
             GDBusMethodInvocation *invocation,
             const char *disk,
             guint64 size)
{
  LodgeJob *job = lodge_library_grow_disk (get_library (object), get_machine (object), disk, size);

  lodge_machine1_complete_grow_disk (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

static gboolean
handle_add (LodgeMachine1 *object,
            GDBusMethodInvocation *invocation,
            guint64 size,
            GVariant *options)
{
  static const char *const known[] = {"bus", "from", "host-disk", "accepted", NULL};
  const char *bus = NULL;
  const char *from = NULL;
  const char *host_disk = NULL;
  gboolean accepted = FALSE;
  LodgeJob *job;

  if (!lodge_service_check_options (invocation, options, known))
    return TRUE;
  g_variant_lookup (options, "bus", "&s", &bus);
  g_variant_lookup (options, "from", "&s", &from);
  g_variant_lookup (options, "host-disk", "&s", &host_disk);
  g_variant_lookup (options, "accepted", "b", &accepted);
  job = host_disk != NULL
            ? lodge_library_add_host_disk (get_library (object), get_machine (object), host_disk,
                                           bus, accepted)
            : lodge_library_add_disk (get_library (object), get_machine (object), size, bus, from);
  lodge_machine1_complete_add_disk (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

static gboolean
handle_remove (LodgeMachine1 *object,
               GDBusMethodInvocation *invocation,
               const char *disk,
               GVariant *options)
{
  static const char *const known[] = {"first", NULL};
  gboolean first = FALSE;
  LodgeJob *job;

  if (!lodge_service_check_options (invocation, options, known))
    return TRUE;
  g_variant_lookup (options, "first", "b", &first);
  job = lodge_library_remove_disk (get_library (object), get_machine (object), disk, first);
  lodge_machine1_complete_remove_disk (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

static gboolean
handle_detach (LodgeMachine1 *object,
               GDBusMethodInvocation *invocation,
               const char *disk,
               GVariant *options)
{
  static const char *const known[] = {"first", NULL};
  gboolean first = FALSE;
  LodgeJob *job;

  if (!lodge_service_check_options (invocation, options, known))
    return TRUE;
  g_variant_lookup (options, "first", "b", &first);
  job = lodge_library_detach_disk (get_library (object), get_machine (object), disk, first);
  lodge_machine1_complete_detach_disk (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

static gboolean
handle_attach (LodgeMachine1 *object, GDBusMethodInvocation *invocation, const char *disk)
{
  LodgeJob *job = lodge_library_attach_disk (get_library (object), get_machine (object), disk);

  lodge_machine1_complete_attach_disk (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

static gboolean
handle_compact (LodgeMachine1 *object, GDBusMethodInvocation *invocation, const char *disk)
{
  LodgeJob *job = lodge_library_compact_disk (get_library (object), get_machine (object), disk);

  lodge_machine1_complete_compact_disk (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

static gboolean
handle_convert (LodgeMachine1 *object,
                GDBusMethodInvocation *invocation,
                const char *disk,
                const char *format,
                const char *path,
                GVariant *options)
{
  static const char *const known[] = {"snapshot", "replace", NULL};
  const char *snapshot = NULL;
  gboolean replace = FALSE;
  LodgeJob *job;

  if (!lodge_service_check_options (invocation, options, known))
    return TRUE;
  g_variant_lookup (options, "snapshot", "&s", &snapshot);
  g_variant_lookup (options, "replace", "b", &replace);
  job = lodge_library_convert_disk (get_library (object), get_machine (object), disk, format, path,
                                    snapshot, replace);
  lodge_machine1_complete_convert_disk (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

static gboolean
handle_plug_stick (LodgeMachine1 *object, GDBusMethodInvocation *invocation, const char *path)
{
  LodgeJob *job = lodge_library_plug_stick (get_library (object), get_machine (object), path);

  lodge_machine1_complete_plug_stick (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

static gboolean
handle_unplug_stick (LodgeMachine1 *object, GDBusMethodInvocation *invocation, const char *stick)
{
  LodgeJob *job = lodge_library_unplug_stick (get_library (object), get_machine (object), stick);

  lodge_machine1_complete_unplug_stick (object, invocation, lodge_service_job_get_path (job));
  return TRUE;
}

void
lodge_service_disks_init (LodgeMachine1Iface *iface)
{
  iface->handle_list_disks = handle_list;
  iface->handle_grow_disk = handle_grow;
  iface->handle_add_disk = handle_add;
  iface->handle_remove_disk = handle_remove;
  iface->handle_detach_disk = handle_detach;
  iface->handle_attach_disk = handle_attach;
  iface->handle_compact_disk = handle_compact;
  iface->handle_convert_disk = handle_convert;
  iface->handle_plug_stick = handle_plug_stick;
  iface->handle_unplug_stick = handle_unplug_stick;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's snapshots on the wire. Each method is one call into the machine room. */
#include "service/lodge-service-snapshots.h"

#include "lodge-error.h"
#include "service/lodge-service-job.h"
#include "service/lodge-service-machine.h"

#include <glib/gi18n-lib.h>

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
return_job (GDBusMethodInvocation *invocation, LodgeJob *job)
{
  g_dbus_method_invocation_return_value (invocation,
                                         g_variant_new ("(o)", lodge_service_job_get_path (job)));
}

gboolean
lodge_service_check_options (GDBusMethodInvocation *invocation,
                             GVariant *options,
                             const char *const *known)
{
  GVariantIter iter;
  const char *name;

  g_variant_iter_init (&iter, options);
  while (g_variant_iter_next (&iter, "{&sv}", &name, NULL)) {
    if (g_strv_contains (known, name))
      continue;
    g_dbus_method_invocation_return_error (invocation, LODGE_ERROR, LODGE_ERROR_INVALID,
                                           _ ("There is no option “%s” here"), name);
    return FALSE;
  }
  return TRUE;
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) list = lodge_machine_list_snapshots_finish (LODGE_MACHINE (source), result);

  g_dbus_method_invocation_return_value (user_data, g_variant_new ("(@aa{sv})", list));
}

static gboolean
handle_list (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  lodge_machine_list_snapshots_async (get_machine (object), listed_cb, invocation);
  return TRUE;
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) checked =
      lodge_machine_check_snapshot_finish (LODGE_MACHINE (source), result);

  g_dbus_method_invocation_return_value (user_data, checked);
}

static gboolean
handle_check (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  lodge_machine_check_snapshot_async (get_machine (object), TRUE, checked_cb, invocation);
  return TRUE;
}

static gboolean
handle_create (LodgeMachine1 *object,
               GDBusMethodInvocation *invocation,
               const char *name,
               const char *description,
               GVariant *options)
{
  static const char *const known[] = {NULL};

  if (lodge_service_check_options (invocation, options, known))
    return_job (invocation, lodge_library_take_snapshot (get_library (object), get_machine (object),
                                                         name, description));
  return TRUE;
}

static gboolean
handle_revert (LodgeMachine1 *object,
               GDBusMethodInvocation *invocation,
               const char *snapshot,
               GVariant *options)
{
  static const char *const known[] = {"keep", "name", "memory", NULL};
  gboolean keep = TRUE, memory = TRUE;
  const char *name = NULL;

  if (!lodge_service_check_options (invocation, options, known))
    return TRUE;
  g_variant_lookup (options, "keep", "b", &keep);
  g_variant_lookup (options, "name", "&s", &name);
  g_variant_lookup (options, "memory", "b", &memory);
  return_job (invocation,
              memory ? lodge_library_go_back (get_library (object), get_machine (object), snapshot,
                                              keep, name)
                     : lodge_library_go_back_off (get_library (object), get_machine (object),
                                                  snapshot, keep, name));
  return TRUE;
}

static gboolean
handle_delete (LodgeMachine1 *object, GDBusMethodInvocation *invocation, const char *snapshot)
{
  return_job (invocation,
              lodge_library_delete_snapshot (get_library (object), get_machine (object), snapshot));
  return TRUE;
}

static void
described_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;

  if (lodge_machine_save_finish (LODGE_MACHINE (source), result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_take_error (invocation, error);
}

static gboolean
handle_describe (LodgeMachine1 *object,
                 GDBusMethodInvocation *invocation,
                 const char *snapshot,
                 const char *name,
                 const char *description)
{
  lodge_machine_describe_snapshot_async (get_machine (object), snapshot,
                                         name[0] != '\0' ? name : NULL, description, described_cb,
                                         invocation);
  return TRUE;
}

static void
thumbnail_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;
  g_autoptr (GBytes) png =
      lodge_machine_load_snapshot_thumbnail_finish (LODGE_MACHINE (source), result, &error);

  if (png == NULL)
    g_dbus_method_invocation_take_error (invocation, error);
  else
    g_dbus_method_invocation_return_value (
        invocation,
        g_variant_new ("(@ay)", g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, png, TRUE)));
}

static gboolean
handle_thumbnail (LodgeMachine1 *object, GDBusMethodInvocation *invocation, const char *snapshot)
{
  lodge_machine_load_snapshot_thumbnail_async (get_machine (object), snapshot, thumbnail_cb,
                                               invocation);
  return TRUE;
}

void
lodge_service_snapshots_init (LodgeMachine1Iface *iface)
{
  iface->handle_list_snapshots = handle_list;
  iface->handle_check_snapshot = handle_check;
  iface->handle_create_snapshot = handle_create;
  iface->handle_revert_snapshot = handle_revert;
  iface->handle_delete_snapshot = handle_delete;
  iface->handle_describe_snapshot = handle_describe;
  iface->handle_get_snapshot_thumbnail = handle_thumbnail;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's absolute pointer on the wire. */
#include "service/lodge-service-pointer.h"

#include "service/lodge-service-machine.h"

static void
pointed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;

  if (lodge_machine_input_finish (LODGE_MACHINE (source), result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_take_error (invocation, error);
}

static gboolean
handle_point (LodgeMachine1 *object,
              GDBusMethodInvocation *invocation,
              guint x,
              guint y,
              guint buttons,
              int notches)
{
  lodge_machine_point_async (lodge_service_machine_get_machine (LODGE_SERVICE_MACHINE (object)), x,
                             y, buttons, notches, pointed_cb, invocation);
  return TRUE;
}

static void
queried_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;
  const int absolute = lodge_machine_query_pointer_finish (LODGE_MACHINE (source), result, &error);

  if (absolute >= 0)
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(b)", absolute));
  else
    g_dbus_method_invocation_take_error (invocation, error);
}

static gboolean
handle_is_pointer_absolute (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  lodge_machine_query_pointer_async (
      lodge_service_machine_get_machine (LODGE_SERVICE_MACHINE (object)), queried_cb, invocation);
  return TRUE;
}

void
lodge_service_pointer_init (LodgeMachine1Iface *iface)
{
  iface->handle_point = handle_point;
  iface->handle_is_pointer_absolute = handle_is_pointer_absolute;
}

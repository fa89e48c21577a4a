/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's keyboard and absolute pointer on the wire. */
#include "service/lodge-service-input.h"

#include "service/lodge-service-machine.h"

static LodgeMachine *
get_machine (LodgeMachine1 *object)
{
  return lodge_service_machine_get_machine (LODGE_SERVICE_MACHINE (object));
}

static void
input_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;

  if (lodge_machine_input_finish (LODGE_MACHINE (source), result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_take_error (invocation, error);
}

static gboolean
handle_type_text (LodgeMachine1 *object, GDBusMethodInvocation *invocation, const char *text)
{
  lodge_machine_type_async (get_machine (object), text, input_cb, invocation);
  return TRUE;
}

static gboolean
handle_send_keys (LodgeMachine1 *object, GDBusMethodInvocation *invocation, const char *keys)
{
  lodge_machine_keys_async (get_machine (object), keys, input_cb, invocation);
  return TRUE;
}

static gboolean
handle_point (LodgeMachine1 *object,
              GDBusMethodInvocation *invocation,
              guint x,
              guint y,
              guint buttons,
              int notches)
{
  lodge_machine_point_async (get_machine (object), x, y, buttons, notches, input_cb, invocation);
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
  lodge_machine_query_pointer_async (get_machine (object), queried_cb, invocation);
  return TRUE;
}

void
lodge_service_input_init (LodgeMachine1Iface *iface)
{
  iface->handle_type_text = handle_type_text;
  iface->handle_send_keys = handle_send_keys;
  iface->handle_point = handle_point;
  iface->handle_is_pointer_absolute = handle_is_pointer_absolute;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine from elsewhere asks for, on the wire. */
#include "service/lodge-service-outside.h"

#include "service/lodge-service-machine.h"

static void
accepted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;

  if (lodge_machine_save_finish (LODGE_MACHINE (source), result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_take_error (invocation, error);
}

static gboolean
handle_accept_paths (LodgeMachine1 *object,
                     GDBusMethodInvocation *invocation,
                     const char *const *paths)
{
  lodge_machine_accept_async (lodge_service_machine_get_machine (LODGE_SERVICE_MACHINE (object)),
                              paths, accepted_cb, invocation);
  return TRUE;
}

void
lodge_service_outside_init (LodgeMachine1Iface *iface)
{
  iface->handle_accept_paths = handle_accept_paths;
}

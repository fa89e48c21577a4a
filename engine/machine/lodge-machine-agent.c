/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The channel of qemu-guest-agent (lodge-machine-command-devices.c): where it is, and whether an
 * agent is at its other end. */
#include "machine/lodge-machine-private.h"

#include "qemu/lodge-json.h"

#define AGENT_PORT   "agent-port"
#define AGENT_DEVICE "agent"
#define AGENT_SOCKET "agent.sock"

char *
lodge_machine_agent_dup_socket (LodgeMachine *self)
{
  return g_build_filename (self->runtime, AGENT_SOCKET, NULL);
}

gboolean
lodge_machine_agent_is_port (const char *port)
{
  return g_str_equal (port, AGENT_PORT);
}

void
lodge_machine_agent_look_async (LodgeMachine *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  lodge_qmp_execute_async (self->qmp, "query-chardev", NULL, 0, cancellable, callback, user_data);
}

gboolean
lodge_machine_agent_is_there (JsonNode *answer)
{
  JsonArray *devices =
      answer != NULL && JSON_NODE_HOLDS_ARRAY (answer) ? json_node_get_array (answer) : NULL;

  for (guint i = 0; devices != NULL && i < json_array_get_length (devices); i++) {
    JsonNode *node = json_array_get_element (devices, i);
    JsonObject *device = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

    if (device != NULL && g_strcmp0 (lodge_json_get_string (device, "label"), AGENT_DEVICE) == 0)
      return lodge_json_get_boolean (device, "frontend-open", FALSE);
  }
  return FALSE;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's absolute pointer through QMP.
 *
 * QEMU can bind a tablet to one of a card's monitors (display= and head=), and events to that. But
 * which tablet is bound to what is not told to the guest, which lays each of them over all that it
 * shows unless somebody has set it up for several seats. So there is one tablet, bound to nothing.
 */
#include "qemu/lodge-qemu-pointer.h"

#include "lodge-pointer-limits.h"
#include "qemu/lodge-json.h"

/* As the contract counts them, and as QEMU names them (qapi/ui.json: InputButton). */
static const char *const button_names[] = {"left", "middle", "right", "side", "extra"};

static void
add_event (JsonArray *events, const char *type, JsonObject *data)
{
  JsonObject *event = json_object_new ();

  json_object_set_string_member (event, "type", type);
  json_object_set_object_member (event, "data", data);
  json_array_add_object_element (events, event);
}

static void
add_axis (JsonArray *events, const char *axis, guint value)
{
  JsonObject *data = json_object_new ();

  json_object_set_string_member (data, "axis", axis);
  json_object_set_int_member (data, "value", value);
  add_event (events, "abs", data);
}

static void
add_button (JsonArray *events, const char *button, gboolean down)
{
  JsonObject *data = json_object_new ();

  json_object_set_string_member (data, "button", button);
  json_object_set_boolean_member (data, "down", down);
  add_event (events, "btn", data);
}

void
lodge_qemu_pointer_move_async (LodgeQmp *qmp,
                               guint x,
                               guint y,
                               guint buttons,
                               int notches,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_return_if_fail (x <= LODGE_POINTER_MAX && y <= LODGE_POINTER_MAX);
  g_return_if_fail (buttons <= LODGE_POINTER_BUTTONS);
  g_return_if_fail (ABS (notches) <= LODGE_POINTER_NOTCHES);

  JsonObject *arguments = json_object_new ();
  JsonArray *events = json_array_new ();
  const char *wheel = notches > 0 ? "wheel-down" : "wheel-up";

  add_axis (events, "x", x);
  add_axis (events, "y", y);
  /* All of them: what is as it was already is nothing to a guest. */
  for (guint i = 0; i < G_N_ELEMENTS (button_names); i++)
    add_button (events, button_names[i], (buttons & 1u << i) != 0);
  for (int i = 0; i < ABS (notches); i++) {
    add_button (events, wheel, TRUE);
    add_button (events, wheel, FALSE);
  }
  json_object_set_array_member (arguments, "events", events);
  lodge_qmp_execute_async (qmp, "input-send-event", arguments, 0, NULL, callback, user_data);
}

gboolean
lodge_qemu_pointer_move_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (qmp, result, error);

  return answer != NULL;
}

/* ---- whether there is one */

static gboolean
is_absolute (JsonNode *answer)
{
  JsonArray *mice = JSON_NODE_HOLDS_ARRAY (answer) ? json_node_get_array (answer) : NULL;

  for (guint i = 0; mice != NULL && i < json_array_get_length (mice); i++) {
    JsonNode *node = json_array_get_element (mice, i);
    JsonObject *mouse = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

    if (mouse != NULL && lodge_json_get_boolean (mouse, "current", FALSE))
      return lodge_json_get_boolean (mouse, "absolute", FALSE);
  }
  return FALSE;
}

/* The current one is that whose driver was the last to begin (ui/input.c:
 * qemu_input_handler_activate()). */
void
lodge_qemu_pointer_query_async (LodgeQmp *qmp, GAsyncReadyCallback callback, gpointer user_data)
{
  lodge_qmp_execute_async (qmp, "query-mice", NULL, 0, NULL, callback, user_data);
}

int
lodge_qemu_pointer_query_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (qmp, result, error);

  return answer != NULL ? is_absolute (answer) : -1;
}

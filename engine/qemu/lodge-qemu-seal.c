/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frozen layers that a running QEMU opens anew for reading.
 *
 * A node that was opened for writing holds its file's lock for that even when nothing is written to
 * it any more (QEMU, block.c: bdrv_default_perms_for_storage), so no other QEMU could stand on it.
 */
#include "qemu/lodge-qemu-seal.h"

#include "qemu/lodge-machine-command.h"

#include <string.h>

#define COMMAND_MS 60000

static JsonObject *
new_options (const char *layer, const char *below, gboolean encrypted)
{
  const char *id = strchr (layer, ':') + 1;
  g_autofree char *format = g_strndup (layer, id - layer - 1);
  g_autofree char *file = g_strconcat (id, "-file", NULL);
  JsonObject *options = json_object_new ();

  json_object_set_string_member (options, "driver", format);
  json_object_set_string_member (options, "node-name", id);
  json_object_set_string_member (options, "file", file);
  json_object_set_boolean_member (options, "read-only", TRUE);
  if (encrypted) {
    JsonObject *encrypt = json_object_new ();

    json_object_set_string_member (encrypt, "format", "luks");
    json_object_set_string_member (encrypt, "key-secret", LODGE_MACHINE_COMMAND_KEY);
    json_object_set_object_member (options, "encrypt", encrypt);
  }
  if (below[0] != '\0')
    json_object_set_string_member (options, "backing", below);
  else if (strcmp (format, "qcow2") == 0)
    json_object_set_null_member (options, "backing");
  return options;
}

static void
reopened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (answer != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
lodge_qemu_seal_async (LodgeQmp *qmp,
                       const char *const *layers,
                       gboolean encrypted,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (qmp, NULL, callback, user_data);
  JsonObject *arguments = json_object_new ();
  JsonArray *all = json_array_new ();

  g_task_set_source_tag (task, lodge_qemu_seal_async);
  for (guint i = 0; layers[i] != NULL; i += 2)
    json_array_add_object_element (all, new_options (layers[i], layers[i + 1], encrypted));
  json_object_set_array_member (arguments, "options", all);
  lodge_qmp_execute_async (qmp, "blockdev-reopen", arguments, COMMAND_MS, NULL, reopened_cb,
                           g_steal_pointer (&task));
}

gboolean
lodge_qemu_seal_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, qmp), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

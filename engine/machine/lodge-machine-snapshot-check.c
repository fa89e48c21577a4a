/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a snapshot can be taken now, what it would hold, and what is in its way: asked before
 * anybody presses a button. */
#include "machine/lodge-machine-snapshot-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

typedef struct {
  GVariantBuilder blockers; /* a(ss) */
  guint n;
  gboolean memory;
} Check;

static void
block (Check *check, const char *sentence, const char *advice)
{
  g_variant_builder_add (&check->blockers, "(ss)", sentence, advice);
  check->n++;
}

/* Takes @check. */
static void
answer (GTask *task, Check *check)
{
  LodgeMachine *self = g_task_get_source_object (task);
  guint64 bytes = 0, room = 0;
  GVariantDict facts;

  lodge_snapshot_live_measure (self, &bytes, &room);
  if (check->memory && room < bytes) {
    g_autofree char *wants = g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *has = g_format_size_full (room, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *sentence = g_strdup_printf (
        _ ("The memory of the guest takes %s and there is room for %s"), wants, has);

    block (check, sentence, _ ("Free some space on the disk, or shut the guest down first"));
  }
  g_variant_dict_init (&facts, NULL);
  g_variant_dict_insert (&facts, "memory", "b", check->memory);
  g_variant_dict_insert (&facts, "bytes", "t", check->memory ? bytes : 0);
  g_variant_dict_insert (&facts, "room", "t", room);
  g_task_return_pointer (task,
                         g_variant_ref_sink (g_variant_new ("(a(ss)@a{sv})", &check->blockers,
                                                            g_variant_dict_end (&facts))),
                         (GDestroyNotify) g_variant_unref);
  g_object_unref (task);
  g_free (check);
}

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Check *check = g_task_get_task_data (task);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *reasons = NULL;

  node = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (node == NULL)
    block (check, error->message, _ ("Shut the guest down, and take the snapshot then"));
  else if (JSON_NODE_HOLDS_OBJECT (node))
    reasons = json_object_get_member (json_node_get_object (node), "blocked-reasons");
  for (guint i = 0; reasons != NULL && JSON_NODE_HOLDS_ARRAY (reasons) &&
                    i < json_array_get_length (json_node_get_array (reasons));
       i++) {
    JsonNode *reason = json_array_get_element (json_node_get_array (reasons), i);
    g_autofree char *sentence = NULL;

    if (!JSON_NODE_HOLDS_VALUE (reason) || json_node_get_value_type (reason) != G_TYPE_STRING)
      continue;
    sentence = g_strdup_printf (_ ("QEMU cannot save the guest's memory: %s"),
                                json_node_get_string (reason));
    block (check, sentence, _ ("Shut the guest down, and take the snapshot then"));
  }
  answer (task, check);
}

void
lodge_machine_check_snapshot_async (LodgeMachine *self,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Check *check = g_new0 (Check, 1);
  g_autoptr (GError) error = NULL;

  g_task_set_source_tag (task, lodge_machine_check_snapshot_async);
  g_task_set_task_data (task, check, NULL);
  g_variant_builder_init (&check->blockers, G_VARIANT_TYPE ("a(ss)"));
  check->memory = lodge_state_is_live (self->state);
  if (!lodge_machine_check_usable (self, &error) || !lodge_machine_check_no_work (self, &error) ||
      !lodge_machine_check_action (self, LODGE_ACTION_SNAPSHOT, &error))
    block (check, error->message, "");
  if (check->memory && self->qmp == NULL)
    block (check, _ ("The guest runs, but its control socket is gone"),
           _ ("Shut it down from inside, and take the snapshot then"));
  if (self->disk_failed)
    block (check, _ ("The guest stands still because its disk failed or is full"),
           _ ("Mend that, and resume it"));
  if (check->n == 0 && check->memory)
    lodge_qmp_execute_async (self->qmp, "query-migrate", NULL, 0, NULL, asked_cb, task);
  else
    answer (task, check);
}

GVariant *
lodge_machine_check_snapshot_finish (LodgeMachine *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_check_snapshot_async),
                        NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of writing a guest's memory, by whoever began it or by somebody who finds it begun: the
 * guest goes on, and nothing is left in QEMU. And loading that memory into another QEMU. */
#include "qemu/lodge-qemu-snapshot-private.h"

#include "lodge-error.h"
#include "qemu/lodge-json.h"

#include <glib/gi18n-lib.h>

/* How often QEMU is asked whether it has put a migration away, which takes some milliseconds as a
 * rule. */
#define FIRST_MS 2
#define MOST_MS  50

typedef LodgeQemuSnapshotDisk Disk;

/* Going on. */

/* Standing still for a reason of its own: a panic, a disk that failed, a power-off. What a "cont"
 * does to such a guest is nobody's wish. */
static gboolean
stands_by_itself (LodgeQemuSnapshot *self, const char *status)
{
  static const char *const reasons[] = {"guest-panicked", "internal-error", "shutdown",
                                        "watchdog",       "suspended",      NULL};

  if (self->halted || (status != NULL && g_strv_contains (reasons, status)))
    return TRUE;
  /* What the memory had taken of the disk has been given back; then it is tried again. */
  return g_strcmp0 (status, "io-error") == 0 && !self->full;
}

static gboolean
look_at_guest (JsonObject *answer, guint64 *out_mark, gpointer user_data)
{
  LodgeQemuSnapshot *self = user_data;
  const char *status = lodge_json_get_string (answer, "status");

  if (g_strcmp0 (status, "finish-migrate") == 0)
    return TRUE;
  g_clear_pointer (&self->poll, lodge_qemu_poll_free);
  if (!stands_by_itself (self, status))
    lodge_qemu_snapshot_add_step (self, "cont", NULL);
  lodge_qemu_snapshot_next_step (self);
  return FALSE;
}

void
lodge_qemu_snapshot_go_on_async (LodgeQemuSnapshot *self,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  lodge_qemu_snapshot_begin (self, callback, user_data);
  self->poll = lodge_qemu_poll_new (self->qmp, "query-status", FIRST_MS, MOST_MS,
                                    lodge_qemu_snapshot_patience_ms, look_at_guest,
                                    lodge_qemu_snapshot_poll_failed, self);
}

/* The end. */

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
lodge_qemu_snapshot_end_async (LodgeQemuSnapshot *self,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  g_task_set_source_tag (task, lodge_qemu_snapshot_new);
  for (guint i = 0; i < self->disks->len; i++)
    g_ptr_array_add (nodes, ((Disk *) self->disks->pdata[i])->node);
  g_ptr_array_add (nodes, NULL);
  /* Who ended in the middle does not know how far QEMU has come: what was said last may not have
   * been answered. */
  lodge_qemu_snapshot_recover_async (self, (const char *const *) nodes->pdata, removed_cb, task);
}

gboolean
lodge_qemu_snapshot_finish (LodgeQemuSnapshot *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_qemu_snapshot_new), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Recovering. */

gboolean
lodge_qemu_snapshot_is_used (LodgeQemuSnapshot *self, const char *node)
{
  return self->used != NULL && g_hash_table_contains (self->used, node);
}

/* query-block: the node that each device is on. */
static void
read_used (LodgeQemuSnapshot *self, JsonNode *answer)
{
  JsonArray *devices = JSON_NODE_HOLDS_ARRAY (answer) ? json_node_get_array (answer) : NULL;

  g_clear_pointer (&self->used, g_hash_table_unref);
  self->used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; devices != NULL && i < json_array_get_length (devices); i++) {
    JsonNode *device = json_array_get_element (devices, i);
    JsonObject *inserted = NULL;
    const char *node = NULL;

    if (JSON_NODE_HOLDS_OBJECT (device))
      inserted = lodge_json_get_object (json_node_get_object (device), "inserted");
    if (inserted != NULL)
      node = lodge_json_get_string (inserted, "node-name");
    if (node != NULL)
      g_hash_table_add (self->used, g_strdup (node));
  }
}

static void
used_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeQemuSnapshot) self = user_data;
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (self->task == NULL) {
    g_clear_error (&error);
    return;
  }
  if (answer == NULL) {
    lodge_qemu_snapshot_end (self, error);
    return;
  }
  read_used (self, answer);
  lodge_qemu_snapshot_add_capabilities (self, FALSE);
  for (guint i = 0; self->strange != NULL && self->strange[i] != NULL; i++) {
    /* One that is not there is what is wanted. */
    if (!g_hash_table_contains (self->used, self->strange[i]))
      lodge_qemu_snapshot_add_step (self, "blockdev-del",
                                    lodge_qmp_arguments ("node-name", self->strange[i], NULL))
          ->may_fail = TRUE;
  }
  for (guint i = 0; i < self->disks->len; i++) {
    const Disk *disk = self->disks->pdata[i];

    if (!g_hash_table_contains (self->used, disk->node))
      lodge_qemu_snapshot_add_step (
          self, "remove-fd",
          lodge_qemu_snapshot_parse ("{\"fdset-id\":%" G_GINT64_FORMAT "}", disk->fdset))
          ->may_fail = TRUE;
  }
  lodge_qemu_snapshot_next_step (self);
}

static gboolean
look_whether_over (JsonObject *answer, guint64 *out_mark, gpointer user_data)
{
  static const char *const under_way[] = {"setup",  "active",     "pre-switchover",
                                          "device", "cancelling", NULL};
  LodgeQemuSnapshot *self = user_data;
  const char *status = lodge_json_get_string (answer, "status");

  if (status != NULL && g_strv_contains (under_way, status)) {
    *out_mark = g_str_hash (status);
    /* A cancel that comes between QEMU's look whether there was one and its pause before the
     * switchover leaves it in that pause, and the guest standing still, for ever (QEMU 7.2,
     * migration/migration.c, migration_maybe_pause()). This is what ends the pause, and nothing to
     * a QEMU that is not in it. */
    if (g_str_equal (status, "cancelling"))
      lodge_qmp_execute_async (self->qmp, "migrate-continue",
                               lodge_qmp_arguments ("state", "cancelling", NULL),
                               lodge_qemu_snapshot_patience_ms, NULL, NULL, NULL);
    return TRUE;
  }
  g_clear_pointer (&self->poll, lodge_qemu_poll_free);
  lodge_qmp_execute_async (self->qmp, "query-block", NULL, lodge_qemu_snapshot_patience_ms, NULL,
                           used_cb, g_object_ref (self));
  return FALSE;
}

void
lodge_qemu_snapshot_recover_async (LodgeQemuSnapshot *self,
                                   const char *const *nodes,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  lodge_qemu_snapshot_begin (self, callback, user_data);
  g_strfreev (self->strange);
  self->strange = g_strdupv ((char **) nodes);
  /* There is no harm in it where nothing is under way. */
  lodge_qmp_execute_async (self->qmp, "migrate_cancel", NULL, lodge_qemu_snapshot_patience_ms, NULL,
                           NULL, NULL);
  self->poll = lodge_qemu_poll_new (self->qmp, "query-migrate", FIRST_MS, MOST_MS,
                                    lodge_qemu_snapshot_patience_ms, look_whether_over,
                                    lodge_qemu_snapshot_poll_failed, self);
}

/* Loading. */

void
lodge_qemu_snapshot_load_async (LodgeQmp *qmp,
                                int memory_fd,
                                int file_fd,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (LodgeQemuSnapshot) self = lodge_qemu_snapshot_new (qmp);

  /* It lives as long as the task does. */
  lodge_qemu_snapshot_begin (self, callback, user_data);
  lodge_qemu_snapshot_set_memory (self, file_fd >= 0 ? file_fd : memory_fd);
  lodge_qemu_snapshot_add_capabilities (self, FALSE);
  lodge_qemu_snapshot_give_fd (
      lodge_qemu_snapshot_add_step (self, "getfd",
                                    lodge_qmp_arguments ("fdname", LODGE_QEMU_SNAPSHOT_FD, NULL)),
      memory_fd);
  lodge_qemu_snapshot_add_step (self, "migrate-incoming",
                                lodge_qmp_arguments ("uri", "fd:" LODGE_QEMU_SNAPSHOT_FD, NULL));
  self->wanted = "completed";
  if (lodge_qemu_snapshot_begin_cancellable (self, cancellable))
    lodge_qemu_snapshot_next_step (self);
}

gboolean
lodge_qemu_snapshot_load_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_qemu_snapshot_new), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

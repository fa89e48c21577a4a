/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in a drive of a running QEMU.
 *
 *   add-fd, blockdev-add x 2   the new image: nodes cd0-7-file and cd0-7, 7 being its set
 *   query-block                which node is in the drive now
 *   blockdev-open-tray         asks a guest that has locked it
 *   blockdev-remove-medium     again and again until that guest has let go
 *   blockdev-insert-medium, blockdev-close-tray
 *   blockdev-del, remove-fd    what is in no drive any more: the old image, or after a failure the
 *                              new one
 *
 * QEMU: qapi/block.json, blockdev-open-tray and those after it; docs/interop/qmp-spec.
 */
#include "qemu/lodge-qemu-drive.h"

#include "lodge-error.h"
#include "qemu/lodge-json.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* A guest unmounts a disc that it was asked for within this time, or does not. */
#define TRIES   20
#define WAIT_MS 250

typedef struct {
  char *drive;
  gboolean force;
  gint64 set;     /* of the new image, -1 none */
  char *new_node; /* NULL: the drive stays empty */
  char *old_node; /* what query-block said, or NULL */
  guint tries;
  GError *error; /* what is returned once all was taken back */
} Change;

static void
change_free (Change *change)
{
  g_free (change->drive);
  g_free (change->new_node);
  g_free (change->old_node);
  g_clear_error (&change->error);
  g_free (change);
}

/* Takes @arguments and @task. */
static void
execute (GTask *task, const char *command, JsonObject *arguments, GAsyncReadyCallback callback)
{
  lodge_qmp_execute_async (g_task_get_source_object (task), command, arguments, 0, NULL, callback,
                           task);
}

static JsonObject *
new_arguments (const Change *change)
{
  return lodge_qmp_arguments ("id", change->drive, NULL);
}

/* Nobody waits for it: QEMU does one command after the other. */
static void
drop_image (LodgeQmp *qmp, const Change *change, const char *node, gint64 set)
{
  g_autofree char *file = g_strconcat (node, "-file", NULL);

  lodge_qmp_execute_async (qmp, "blockdev-del", lodge_qmp_arguments ("node-name", node, NULL), 0,
                           NULL, NULL, NULL);
  lodge_qmp_execute_async (qmp, "blockdev-del", lodge_qmp_arguments ("node-name", file, NULL), 0,
                           NULL, NULL, NULL);
  if (set >= 0) {
    JsonObject *arguments = json_object_new ();

    json_object_set_int_member (arguments, "fdset-id", set);
    lodge_qmp_execute_async (qmp, "remove-fd", arguments, 0, NULL, NULL, NULL);
  }
}

/* The set of an image that was put in while QEMU ran; -1 for one that was in at its start. */
static gint64
get_set (const Change *change, const char *node)
{
  const char *rest = node + strlen (change->drive);
  guint64 set;

  if (!g_str_has_prefix (node, change->drive) || *rest != '-' ||
      !g_ascii_string_to_unsigned (rest + 1, 10, 0, G_MAXINT64, &set, NULL))
    return -1;
  return (gint64) set;
}

/* The drive has what it is to have. Takes @task. */
static void
succeed (GTask *task)
{
  const Change *change = g_task_get_task_data (task);

  if (change->old_node != NULL)
    drop_image (g_task_get_source_object (task), change, change->old_node,
                get_set (change, change->old_node));
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

/* Takes @task and @error; the drive has what it had. */
static void
fail (GTask *task, GError *error)
{
  const Change *change = g_task_get_task_data (task);

  if (change->new_node != NULL)
    drop_image (g_task_get_source_object (task), change, change->new_node, change->set);
  g_task_return_error (task, error);
  g_object_unref (task);
}

/* --- Taken back --- */

static void
closed_again_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Change *change = g_task_get_task_data (task);
  G_GNUC_UNUSED g_autoptr (JsonNode) answer =
      lodge_qmp_execute_finish (LODGE_QMP (source), result, NULL);

  fail (task, g_steal_pointer (&change->error));
}

static void
close_again (GTask *task)
{
  execute (task, "blockdev-close-tray", new_arguments (g_task_get_task_data (task)),
           closed_again_cb);
}

static void
put_back_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  G_GNUC_UNUSED g_autoptr (JsonNode) answer =
      lodge_qmp_execute_finish (LODGE_QMP (source), result, NULL);

  close_again (user_data);
}

/* --- Done --- */

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  G_GNUC_UNUSED g_autoptr (JsonNode) answer =
      lodge_qmp_execute_finish (LODGE_QMP (source), result, NULL);

  /* A tray that stays open is the guest's to close, or was closed by it before. */
  succeed (user_data);
}

static void
inserted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Change *change = g_task_get_task_data (task);
  g_autoptr (JsonNode) answer =
      lodge_qmp_execute_finish (LODGE_QMP (source), result, &change->error);

  if (answer != NULL) {
    execute (task, "blockdev-close-tray", new_arguments (change), closed_cb);
  } else if (change->old_node != NULL) {
    execute (task, "blockdev-insert-medium",
             lodge_qmp_arguments ("id", change->drive, "node-name", change->old_node, NULL),
             put_back_cb);
  } else {
    close_again (task);
  }
}

static void remove_medium (GTask *task);

static gboolean
again_cb (gpointer user_data)
{
  remove_medium (user_data);
  return G_SOURCE_REMOVE;
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Change *change = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer == NULL && !lodge_qmp_is_closed (LODGE_QMP (source)) && ++change->tries < TRIES) {
    g_timeout_add (WAIT_MS, again_cb, task);
  } else if (answer == NULL) {
    if (lodge_qmp_is_closed (LODGE_QMP (source)))
      change->error = g_steal_pointer (&error);
    else
      change->error =
          g_error_new (LODGE_ERROR, LODGE_ERROR_BUSY,
                       _ ("The guest holds what is in the drive %s: eject it in the guest, or take "
                          "it out by force"),
                       change->drive);
    close_again (task);
  } else if (change->new_node != NULL) {
    execute (task, "blockdev-insert-medium",
             lodge_qmp_arguments ("id", change->drive, "node-name", change->new_node, NULL),
             inserted_cb);
  } else {
    execute (task, "blockdev-close-tray", new_arguments (change), closed_cb);
  }
}

static void
remove_medium (GTask *task)
{
  execute (task, "blockdev-remove-medium", new_arguments (g_task_get_task_data (task)), removed_cb);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer == NULL)
    fail (task, error);
  else
    remove_medium (task);
}

/* --- The new image --- */

/* NULL: the drive is empty, or there is none. */
static char *
dup_node_in (JsonNode *answer, const char *drive)
{
  JsonArray *drives = JSON_NODE_HOLDS_ARRAY (answer) ? json_node_get_array (answer) : NULL;

  for (guint i = 0; drives != NULL && i < json_array_get_length (drives); i++) {
    JsonNode *element = json_array_get_element (drives, i);
    JsonObject *object = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
    JsonObject *inserted;

    if (object == NULL || g_strcmp0 (lodge_json_get_string (object, "qdev"), drive) != 0)
      continue;
    inserted = lodge_json_get_object (object, "inserted");
    return inserted != NULL ? g_strdup (lodge_json_get_string (inserted, "node-name")) : NULL;
  }
  return NULL;
}

static void
queried_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Change *change = g_task_get_task_data (task);
  JsonObject *arguments = new_arguments (change);
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer == NULL) {
    json_object_unref (arguments);
    fail (task, error);
    return;
  }
  change->old_node = dup_node_in (answer, change->drive);
  json_object_set_boolean_member (arguments, "force", change->force);
  execute (task, "blockdev-open-tray", arguments, opened_cb);
}

static void
added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer == NULL)
    fail (task, error);
  else
    execute (task, "query-block", NULL, queried_cb);
}

static void
file_added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  const Change *change = g_task_get_task_data (task);
  g_autofree char *file = g_strconcat (change->new_node, "-file", NULL);
  JsonObject *arguments =
      lodge_qmp_arguments ("driver", "raw", "node-name", change->new_node, "file", file, NULL);
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer == NULL) {
    json_object_unref (arguments);
    fail (task, error);
    return;
  }
  json_object_set_boolean_member (arguments, "read-only", TRUE);
  execute (task, "blockdev-add", arguments, added_cb);
}

static void
fd_added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Change *change = g_task_get_task_data (task);
  g_autofree char *file = NULL;
  g_autofree char *path = NULL;
  JsonObject *arguments;
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer != NULL && JSON_NODE_HOLDS_OBJECT (answer))
    change->set = lodge_json_get_int (json_node_get_object (answer), "fdset-id", -1);
  if (answer != NULL && change->set < 0)
    error = g_error_new_literal (LODGE_ERROR, LODGE_ERROR_FAILED,
                                 _ ("QEMU did not say where it keeps the image"));
  if (error != NULL) {
    fail (task, error);
    return;
  }
  change->new_node = g_strdup_printf ("%s-%" G_GINT64_FORMAT, change->drive, change->set);
  file = g_strconcat (change->new_node, "-file", NULL);
  path = g_strdup_printf ("/dev/fdset/%" G_GINT64_FORMAT, change->set);
  arguments = lodge_qmp_arguments ("driver", "file", "node-name", file, "filename", path, NULL);
  json_object_set_boolean_member (arguments, "read-only", TRUE);
  execute (task, "blockdev-add", arguments, file_added_cb);
}

void
lodge_qemu_drive_change_async (LodgeQmp *qmp,
                               const char *drive,
                               int fd,
                               gboolean force,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (qmp, NULL, callback, user_data);
  Change *change = g_new0 (Change, 1);

  g_task_set_source_tag (task, lodge_qemu_drive_change_async);
  g_task_set_task_data (task, change, (GDestroyNotify) change_free);
  change->drive = g_strdup (drive);
  change->force = force;
  change->set = -1;
  if (fd >= 0)
    lodge_qmp_execute_with_fd_async (qmp, "add-fd", NULL, fd, NULL, fd_added_cb, task);
  else
    execute (task, "query-block", NULL, queried_cb);
}

gboolean
lodge_qemu_drive_change_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, qmp), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of a guest that runs, written to a file.
 *
 * Theory of operation (QEMU, docs/devel/migration.rst and qapi/migration.json): a migration to a
 * file. The memory is written while the guest runs and changes it, what it has changed since is
 * written again, and so on, until what is left is small. Then QEMU stops the guest and waits
 * (pause-before-switchover). In that moment, and only then, the disks are its own and nobody writes
 * to them: each gets its new top. What is left of the memory and the devices' state follow, and the
 * guest goes on.
 *
 * A guest that changes its memory faster than it is written is stopped by us when @most_bytes have
 * been: then it comes to an end.
 */
#include "qemu/lodge-qemu-snapshot.h"

#include "lodge-error.h"
#include "qemu/lodge-json.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

#define FD_NAME "lodge-snapshot"
/* How often QEMU is asked how far it is. */
#define PROGRESS_MS 200
/* What it may take to stop a guest, in which the rest is written (QEMU's own default). */
#define DOWNTIME_MS 300
/* How often QEMU is asked whether it has put a migration away. */
#define FINALIZE_MS 2
/* Opening images and stopping a guest; a disk that is busy takes its time. */
#define COMMAND_MS 60000

typedef struct {
  char *old_node;
  char *node;
  int fd;
  gboolean io_uring;
  gint64 fdset; /* a number that QEMU has not yet */
} Disk;

struct _LodgeQemuSnapshot {
  GObject parent_instance;

  LodgeQmp *qmp;
  GPtrArray *disks;
  char **strange;   /* nodes that somebody else may have added */
  GHashTable *used; /* nodes that devices are on */

  /* Of what is under way. */
  GTask *task;
  guint turn;
  GQueue steps;       /* of Step */
  const char *wanted; /* the migration's status that ends it, or NULL */
  char *status;       /* the last that was told */
  guint64 most_bytes;
  gboolean stopped; /* so that it comes to an end */
  LodgeQemuSnapshotProgress progress;
  gpointer progress_data;
  guint poll;
  GCancellable *cancellable;
  gulong cancel_id;
};

G_DEFINE_FINAL_TYPE (LodgeQemuSnapshot, lodge_qemu_snapshot, G_TYPE_OBJECT)

/* One command to QEMU. */
typedef struct {
  LodgeQemuSnapshot *self; /* while it is under way */
  const char *command;
  JsonObject *arguments;
  int fd; /* goes with it, or -1 */
  gboolean may_fail;
  guint turn; /* of what it belongs to */
} Step;

static void
disk_free (gpointer data)
{
  Disk *disk = data;

  g_free (disk->old_node);
  g_free (disk->node);
  if (disk->fd >= 0)
    close (disk->fd);
  g_free (disk);
}

static void
step_free (gpointer data)
{
  Step *step = data;

  g_clear_pointer (&step->arguments, json_object_unref);
  g_free (step);
}

static void
stop_watching (LodgeQemuSnapshot *self)
{
  g_clear_handle_id (&self->poll, g_source_remove);
  if (self->cancel_id != 0)
    g_cancellable_disconnect (self->cancellable, self->cancel_id);
  self->cancel_id = 0;
  g_clear_object (&self->cancellable);
  self->turn++;
  self->wanted = NULL;
  g_queue_clear_full (&self->steps, step_free);
}

static void
lodge_qemu_snapshot_finalize (GObject *object)
{
  LodgeQemuSnapshot *self = LODGE_QEMU_SNAPSHOT (object);

  stop_watching (self);
  g_object_unref (self->qmp);
  g_ptr_array_unref (self->disks);
  g_free (self->status);
  g_strfreev (self->strange);
  g_clear_pointer (&self->used, g_hash_table_unref);

  G_OBJECT_CLASS (lodge_qemu_snapshot_parent_class)->finalize (object);
}

static void
lodge_qemu_snapshot_class_init (LodgeQemuSnapshotClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_qemu_snapshot_finalize;
}

static void
lodge_qemu_snapshot_init (LodgeQemuSnapshot *self)
{
  self->disks = g_ptr_array_new_with_free_func (disk_free);
}

/* Ends what is under way. Takes @error (%NULL: well). */
static void
end (LodgeQemuSnapshot *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  stop_watching (self);
  if (task == NULL)
    g_clear_error (&error);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
look_at_status (LodgeQemuSnapshot *self)
{
  if (self->task == NULL || self->wanted == NULL || self->status == NULL)
    return;
  if (g_str_equal (self->status, self->wanted)) {
    end (self, NULL);
  } else if (g_str_equal (self->status, "failed") || g_str_equal (self->status, "cancelled")) {
    if (g_str_equal (self->wanted, "cancelled"))
      end (self, NULL);
    else
      end (self, g_error_new (LODGE_ERROR, LODGE_ERROR_STORAGE,
                              _ ("QEMU could not write or read the guest's memory: there may be no "
                                 "room left on the disk")));
  }
}

static void
event_cb (LodgeQmp *qmp, const char *name, JsonObject *data, LodgeQemuSnapshot *self)
{
  if (!g_str_equal (name, "MIGRATION"))
    return;
  g_free (self->status);
  self->status = g_strdup (lodge_json_get_string (data, "status"));
  look_at_status (self);
}

static void
closed_cb (LodgeQmp *qmp, LodgeQemuSnapshot *self)
{
  end (self, g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("QEMU has ended meanwhile")));
}

LodgeQemuSnapshot *
lodge_qemu_snapshot_new (LodgeQmp *qmp)
{
  LodgeQemuSnapshot *self = g_object_new (LODGE_TYPE_QEMU_SNAPSHOT, NULL);

  self->qmp = g_object_ref (qmp);
  g_signal_connect_object (qmp, "event", G_CALLBACK (event_cb), self, 0);
  g_signal_connect_object (qmp, "closed", G_CALLBACK (closed_cb), self, 0);
  return self;
}

void
lodge_qemu_snapshot_add_disk (
    LodgeQemuSnapshot *self, const char *old_node, const char *node, int fd, gboolean io_uring)
{
  Disk *disk = g_new0 (Disk, 1);

  disk->old_node = g_strdup (old_node);
  disk->node = g_strdup (node);
  disk->fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  disk->io_uring = io_uring;
  disk->fdset = g_random_int_range (1000, G_MAXINT32);
  g_ptr_array_add (self->disks, disk);
}

/* Steps, one after the other. */

static Step *
add_step (LodgeQemuSnapshot *self, const char *command, JsonObject *arguments)
{
  Step *step = g_new0 (Step, 1);

  step->command = command;
  step->arguments = arguments;
  step->fd = -1;
  step->turn = self->turn;
  g_queue_push_tail (&self->steps, step);
  return step;
}

static void next_step (LodgeQemuSnapshot *self);

static void
stepped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Step *step = user_data;
  g_autoptr (LodgeQemuSnapshot) self = g_steal_pointer (&step->self);
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;
  gboolean old = step->turn != self->turn;
  gboolean may_fail = step->may_fail;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  step_free (step);
  if (old || may_fail)
    g_clear_error (&error);
  if (old)
    return;
  if (answer == NULL && !may_fail)
    end (self, error);
  else
    next_step (self);
}

static void
next_step (LodgeQemuSnapshot *self)
{
  Step *step = g_queue_pop_head (&self->steps);
  JsonObject *arguments;

  if (step == NULL) {
    if (self->wanted == NULL)
      end (self, NULL);
    else
      look_at_status (self);
    return;
  }
  step->self = g_object_ref (self);
  arguments = g_steal_pointer (&step->arguments);
  if (step->fd >= 0)
    lodge_qmp_execute_with_fd_async (self->qmp, step->command, arguments, step->fd, NULL,
                                     stepped_cb, step);
  else
    lodge_qmp_execute_async (self->qmp, step->command, arguments, COMMAND_MS, NULL, stepped_cb,
                             step);
}

static void
begin (LodgeQemuSnapshot *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (self->task == NULL);

  stop_watching (self);
  self->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->task, lodge_qemu_snapshot_new);
}

static JsonObject *parse (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Arguments that we write ourselves: only ids and numbers go into them. */
static JsonObject *
parse (const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  node = json_from_string (text, NULL);
  return json_node_dup_object (node);
}

static void
add_pause_capability (LodgeQemuSnapshot *self, gboolean on)
{
  add_step (self, "migrate-set-capabilities",
            parse ("{\"capabilities\":[{\"capability\":\"events\",\"state\":true},"
                   "{\"capability\":\"pause-before-switchover\",\"state\":%s}]}",
                   on ? "true" : "false"));
}

/* Freezing. */

static void
add_disk_steps (LodgeQemuSnapshot *self, Disk *disk)
{
  Step *step =
      add_step (self, "add-fd", parse ("{\"fdset-id\":%" G_GINT64_FORMAT "}", disk->fdset));

  step->fd = disk->fd;
  /* As the command line has it (lodge-machine-command-storage.c). */
  add_step (
      self, "blockdev-add",
      parse ("{\"driver\":\"qcow2\",\"node-name\":\"%s\",\"backing\":null,\"read-only\":false,"
             "\"discard\":\"unmap\",\"detect-zeroes\":\"unmap\",\"file\":{\"driver\":\"file\","
             "\"node-name\":\"%s-file\",\"filename\":\"/dev/fdset/%" G_GINT64_FORMAT "\","
             "\"read-only\":false,\"aio\":\"%s\",\"cache\":{\"direct\":false},"
             "\"discard\":\"unmap\"}}",
             disk->node, disk->node, disk->fdset, disk->io_uring ? "io_uring" : "threads"));
}

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeQemuSnapshot) self = user_data;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, NULL);
  JsonObject *ram = NULL;
  gint64 transferred, total, remaining;

  if (answer == NULL || !JSON_NODE_HOLDS_OBJECT (answer) || self->wanted == NULL ||
      !g_str_equal (self->wanted, "pre-switchover"))
    return;
  ram = lodge_json_get_object (json_node_get_object (answer), "ram");
  if (ram == NULL)
    return;
  transferred = lodge_json_get_int (ram, "transferred", 0);
  total = lodge_json_get_int (ram, "total", 0);
  remaining = lodge_json_get_int (ram, "remaining", 0);
  if (total > 0 && self->progress != NULL)
    self->progress (CLAMP (1 - (double) remaining / (double) total, 0, 1), self->progress_data);
  if (!self->stopped && transferred > 0 && (guint64) transferred > self->most_bytes) {
    self->stopped = TRUE;
    lodge_qmp_execute_async (self->qmp, "stop", NULL, 0, NULL, NULL, NULL);
  }
}

static gboolean
poll_cb (gpointer user_data)
{
  LodgeQemuSnapshot *self = user_data;

  lodge_qmp_execute_async (self->qmp, "query-migrate", NULL, 0, NULL, asked_cb,
                           g_object_ref (self));
  return G_SOURCE_CONTINUE;
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  LodgeQemuSnapshot *self = user_data;

  /* Not disconnected from within its own call. */
  self->cancel_id = 0;
  end (self, g_error_new (LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled")));
}

void
lodge_qemu_snapshot_freeze_async (LodgeQemuSnapshot *self,
                                  int memory_fd,
                                  guint64 most_bytes,
                                  LodgeQemuSnapshotProgress progress,
                                  gpointer progress_data,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  Step *step;

  begin (self, callback, user_data);
  self->most_bytes = most_bytes;
  self->progress = progress;
  self->progress_data = progress_data;
  for (guint i = 0; i < self->disks->len; i++)
    add_disk_steps (self, self->disks->pdata[i]);
  add_pause_capability (self, TRUE);
  /* As fast as the disk takes it: what is slower than the guest never comes to an end. */
  add_step (self, "migrate-set-parameters",
            parse ("{\"max-bandwidth\":0,\"downtime-limit\":%d}", DOWNTIME_MS));
  step = add_step (self, "getfd", lodge_qmp_arguments ("fdname", FD_NAME, NULL));
  step->fd = memory_fd;
  g_clear_pointer (&self->status, g_free);
  add_step (self, "migrate", lodge_qmp_arguments ("uri", "fd:" FD_NAME, NULL));
  self->wanted = "pre-switchover";
  self->poll = g_timeout_add (PROGRESS_MS, poll_cb, self);
  if (cancellable != NULL) {
    self->cancellable = g_object_ref (cancellable);
    self->cancel_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self, NULL);
    /* It was cancelled before, and that was told. */
    if (self->task == NULL)
      return;
  }
  next_step (self);
}

/* Switching. */

void
lodge_qemu_snapshot_switch_async (LodgeQemuSnapshot *self,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GString) actions = g_string_new (NULL);

  begin (self, callback, user_data);
  for (guint i = 0; i < self->disks->len; i++) {
    const Disk *disk = self->disks->pdata[i];

    g_string_append_printf (actions,
                            "%s{\"type\":\"blockdev-snapshot\",\"data\":{\"node\":\"%s\","
                            "\"overlay\":\"%s\"}}",
                            i > 0 ? "," : "", disk->old_node, disk->node);
  }
  if (self->disks->len > 0)
    add_step (self, "transaction", parse ("{\"actions\":[%s]}", actions->str));
  add_step (self, "migrate-continue", lodge_qmp_arguments ("state", "pre-switchover", NULL));
  self->wanted = "completed";
  next_step (self);
}

/* Going on. */

static void ask_status (LodgeQemuSnapshot *self);

static gboolean
ask_again_cb (gpointer user_data)
{
  LodgeQemuSnapshot *self = user_data;

  self->poll = 0;
  ask_status (self);
  return G_SOURCE_REMOVE;
}

static void
status_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeQemuSnapshot) self = user_data;
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;
  const char *status = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (self->task == NULL) {
    g_clear_error (&error);
    return;
  }
  if (answer == NULL) {
    end (self, error);
    return;
  }
  if (JSON_NODE_HOLDS_OBJECT (answer))
    status = lodge_json_get_string (json_node_get_object (answer), "status");
  if (g_strcmp0 (status, "finish-migrate") == 0) {
    self->poll = g_timeout_add (FINALIZE_MS, ask_again_cb, self);
    return;
  }
  add_step (self, "cont", NULL);
  next_step (self);
}

static void
ask_status (LodgeQemuSnapshot *self)
{
  lodge_qmp_execute_async (self->qmp, "query-status", NULL, COMMAND_MS, NULL, status_cb,
                           g_object_ref (self));
}

void
lodge_qemu_snapshot_go_on_async (LodgeQemuSnapshot *self,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  begin (self, callback, user_data);
  ask_status (self);
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
  if (answer == NULL) {
    end (self, error);
    return;
  }
  read_used (self, answer);
  add_pause_capability (self, FALSE);
  for (guint i = 0; self->strange != NULL && self->strange[i] != NULL; i++) {
    /* One that is not there is what is wanted. */
    if (!g_hash_table_contains (self->used, self->strange[i]))
      add_step (self, "blockdev-del", lodge_qmp_arguments ("node-name", self->strange[i], NULL))
          ->may_fail = TRUE;
  }
  for (guint i = 0; i < self->disks->len; i++) {
    const Disk *disk = self->disks->pdata[i];

    if (!g_hash_table_contains (self->used, disk->node))
      add_step (self, "remove-fd", parse ("{\"fdset-id\":%" G_GINT64_FORMAT "}", disk->fdset))
          ->may_fail = TRUE;
  }
  next_step (self);
}

static void ask_migration (LodgeQemuSnapshot *self);

static gboolean
ask_migration_again_cb (gpointer user_data)
{
  LodgeQemuSnapshot *self = user_data;

  self->poll = 0;
  ask_migration (self);
  return G_SOURCE_REMOVE;
}

static void
migration_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  static const char *const under_way[] = {"setup",  "active",     "pre-switchover",
                                          "device", "cancelling", NULL};
  g_autoptr (LodgeQemuSnapshot) self = user_data;
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;
  const char *status = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (self->task == NULL) {
    g_clear_error (&error);
    return;
  }
  if (answer == NULL) {
    end (self, error);
    return;
  }
  if (JSON_NODE_HOLDS_OBJECT (answer))
    status = lodge_json_get_string (json_node_get_object (answer), "status");
  if (status != NULL && g_strv_contains (under_way, status))
    self->poll = g_timeout_add (FINALIZE_MS, ask_migration_again_cb, self);
  else
    lodge_qmp_execute_async (self->qmp, "query-block", NULL, COMMAND_MS, NULL, used_cb,
                             g_object_ref (self));
}

static void
ask_migration (LodgeQemuSnapshot *self)
{
  lodge_qmp_execute_async (self->qmp, "query-migrate", NULL, COMMAND_MS, NULL, migration_cb,
                           g_object_ref (self));
}

void
lodge_qemu_snapshot_recover_async (LodgeQemuSnapshot *self,
                                   const char *const *nodes,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  begin (self, callback, user_data);
  g_strfreev (self->strange);
  self->strange = g_strdupv ((char **) nodes);
  /* There is no harm in it where nothing is under way. */
  lodge_qmp_execute_async (self->qmp, "migrate_cancel", NULL, COMMAND_MS, NULL, NULL, NULL);
  ask_migration (self);
}

/* Loading. */

void
lodge_qemu_snapshot_load_async (LodgeQmp *qmp,
                                int memory_fd,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (LodgeQemuSnapshot) self = lodge_qemu_snapshot_new (qmp);

  begin (self, callback, user_data);
  /* It lives as long as the task does. */
  add_step (self, "migrate-set-capabilities",
            parse ("{\"capabilities\":[{\"capability\":\"events\",\"state\":true}]}"));
  add_step (self, "getfd", lodge_qmp_arguments ("fdname", FD_NAME, NULL))->fd = memory_fd;
  add_step (self, "migrate-incoming", lodge_qmp_arguments ("uri", "fd:" FD_NAME, NULL));
  self->wanted = "completed";
  if (cancellable != NULL) {
    self->cancellable = g_object_ref (cancellable);
    self->cancel_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self, NULL);
    if (self->task == NULL)
      return;
  }
  next_step (self);
}

gboolean
lodge_qemu_snapshot_load_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_qemu_snapshot_new), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

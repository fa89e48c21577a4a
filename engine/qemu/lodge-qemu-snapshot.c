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
 * A guest that changes its memory nearly as fast as it is written is slowed down (auto-converge):
 * to be slow for some seconds is better than to stand still for one. When @most_bytes have been
 * written all the same it is stopped by us: then it comes to an end.
 */
#include "qemu/lodge-qemu-snapshot-private.h"

#include "lodge-error.h"
#include "qemu/lodge-json.h"
#include "qemu/lodge-machine-command.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

/* How often QEMU is asked how far it is; that it is there it tells by itself. */
/* And whether it has put an earlier one away, which takes some milliseconds as a rule. */
#define FIRST_MS 2
#define MOST_MS  50
/* The guest may stand still for longer after so many passes over its memory. */
#define EASING_PASS 12
typedef LodgeQemuSnapshotDisk Disk;
typedef LodgeQemuSnapshotStep Step;

guint lodge_qemu_snapshot_patience_ms = LODGE_QEMU_POLL_PATIENCE_MS;
guint lodge_qemu_snapshot_progress_ms = LODGE_QEMU_SNAPSHOT_PROGRESS_MS;

G_DEFINE_FINAL_TYPE (LodgeQemuSnapshot, lodge_qemu_snapshot, G_TYPE_OBJECT)

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
  if (step->owns_fd)
    close (step->fd);
  g_free (step);
}

static void
stop_watching (LodgeQemuSnapshot *self)
{
  g_clear_pointer (&self->poll, lodge_qemu_poll_free);
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
  if (self->memory_fd >= 0)
    close (self->memory_fd);

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
  self->memory_fd = -1;
}

void
lodge_qemu_snapshot_end (LodgeQemuSnapshot *self, GError *error)
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

void
lodge_qemu_snapshot_poll_failed (GError *error, gpointer user_data)
{
  lodge_qemu_snapshot_end (user_data, error);
}

static void
look_at_status (LodgeQemuSnapshot *self)
{
  if (self->task == NULL || self->wanted == NULL || self->status == NULL)
    return;
  if (g_str_equal (self->status, self->wanted))
    lodge_qemu_snapshot_end (self, NULL);
  else if (g_str_equal (self->status, "failed") || g_str_equal (self->status, "cancelled"))
    lodge_qemu_snapshot_end (self,
                             g_error_new (LODGE_ERROR, LODGE_ERROR_STORAGE,
                                          _ ("QEMU could not write or read the guest's memory: "
                                             "there may be no room left on the disk")));
}

static void
take_status (LodgeQemuSnapshot *self, const char *status)
{
  g_free (self->status);
  self->status = g_strdup (status);
  look_at_status (self);
}

/* A guest that has stopped by itself is not what anybody wants to go back to. NULL: it has not. */
static GError *
make_stopped_error (LodgeQemuSnapshot *self)
{
  if (self->halted)
    return g_error_new (LODGE_ERROR, LODGE_ERROR_STATE,
                        _ ("The guest has stopped by itself meanwhile"));
  if (self->full)
    return g_error_new (LODGE_ERROR, LODGE_ERROR_STORAGE,
                        _ ("The disk became full while the guest's memory was written"));
  return NULL;
}

static void
guest_stopped (LodgeQemuSnapshot *self, gboolean full)
{
  if (full)
    self->full = TRUE;
  else
    self->halted = TRUE;
  if (g_strcmp0 (self->wanted, "pre-switchover") == 0)
    lodge_qemu_snapshot_end (self, make_stopped_error (self));
}

/* The guest changes its memory too fast. */
static void
ease (LodgeQemuSnapshot *self)
{
  if (self->eased || g_strcmp0 (self->wanted, "pre-switchover") != 0)
    return;
  self->eased = TRUE;
  lodge_qmp_execute_async (
      self->qmp, "migrate-set-parameters",
      lodge_qemu_snapshot_parse ("{\"downtime-limit\":%d}", LODGE_QEMU_SNAPSHOT_DOWNTIME_EASED_MS),
      0, NULL, NULL, NULL);
}

static void
event_cb (LodgeQmp *qmp, const char *name, JsonObject *data, LodgeQemuSnapshot *self)
{
  if (g_str_equal (name, "MIGRATION")) {
    take_status (self, lodge_json_get_string (data, "status"));
  } else if (g_str_equal (name, "MIGRATION_PASS")) {
    if (lodge_json_get_int (data, "pass", 0) >= EASING_PASS)
      ease (self);
  } else if (g_str_equal (name, "RESUME")) {
    self->halted = FALSE;
    self->full = FALSE;
  } else if (g_str_equal (name, "GUEST_PANICKED") || g_str_equal (name, "SHUTDOWN")) {
    guest_stopped (self, FALSE);
  } else if (g_str_equal (name, "BLOCK_IO_ERROR") &&
             g_strcmp0 (lodge_json_get_string (data, "action"), "stop") == 0) {
    guest_stopped (self, lodge_json_get_boolean (data, "nospace", FALSE));
  }
}

static void
closed_cb (LodgeQmp *qmp, LodgeQemuSnapshot *self)
{
  lodge_qemu_snapshot_end (
      self, g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("QEMU has ended meanwhile")));
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
lodge_qemu_snapshot_set_encrypted (LodgeQemuSnapshot *self, gboolean encrypted)
{
  self->encrypted = encrypted;
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

Step *
lodge_qemu_snapshot_add_step (LodgeQemuSnapshot *self, const char *command, JsonObject *arguments)
{
  Step *step = g_new0 (Step, 1);

  step->command = command;
  step->arguments = arguments;
  step->fd = -1;
  step->turn = self->turn;
  g_queue_push_tail (&self->steps, step);
  return step;
}

void
lodge_qemu_snapshot_give_fd (LodgeQemuSnapshotStep *step, int fd)
{
  step->fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  step->owns_fd = step->fd >= 0;
}

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
    lodge_qemu_snapshot_end (self, error);
  else
    lodge_qemu_snapshot_next_step (self);
}

/* How far the memory is, by the place in its file: QEMU has a duplicate of the descriptor, and with
 * it the same place. */
static guint64
get_place (LodgeQemuSnapshot *self)
{
  off_t place = self->memory_fd >= 0 ? lseek (self->memory_fd, 0, SEEK_CUR) : 0;

  return place > 0 ? (guint64) place : 0;
}

static gboolean
look_at_migration (JsonObject *answer, guint64 *out_mark, gpointer user_data)
{
  LodgeQemuSnapshot *self = user_data;
  const char *status = lodge_json_get_string (answer, "status");
  JsonObject *ram = lodge_json_get_object (answer, "ram");
  guint64 transferred = 0;
  gint64 total, remaining;

  if (ram != NULL) {
    transferred = (guint64) MAX (lodge_json_get_int (ram, "transferred", 0), 0);
    total = lodge_json_get_int (ram, "total", 0);
    remaining = lodge_json_get_int (ram, "remaining", 0);
    if (total > 0 && self->progress != NULL)
      self->progress (CLAMP (1 - (double) remaining / (double) total, 0, 1), self->progress_data);
    if (self->most_bytes > 0 && transferred > self->most_bytes / 6 * 5)
      ease (self);
    if (self->most_bytes > 0 && !self->stopped && transferred > self->most_bytes) {
      self->stopped = TRUE;
      lodge_qmp_execute_async (self->qmp, "stop", NULL, 0, NULL, NULL, NULL);
    }
  }
  *out_mark = transferred + get_place (self) + (status != NULL ? g_str_hash (status) : 0);
  if (status != NULL)
    take_status (self, status);
  return self->poll != NULL;
}

void
lodge_qemu_snapshot_next_step (LodgeQemuSnapshot *self)
{
  Step *step = g_queue_pop_head (&self->steps);
  JsonObject *arguments;

  if (step == NULL) {
    if (self->wanted == NULL) {
      lodge_qemu_snapshot_end (self, NULL);
      return;
    }
    const guint turn = self->turn; /* another one: what this was for ends in here */

    /* Begun, although it may be over before it is looked at. */
    if (self->progress != NULL)
      self->progress (0, self->progress_data);
    if (self->turn == turn)
      look_at_status (self);
    /* Not before: what it would be told of is what was before. */
    if (self->turn == turn)
      self->poll =
          lodge_qemu_poll_new (self->qmp, "query-migrate", lodge_qemu_snapshot_progress_ms,
                               lodge_qemu_snapshot_progress_ms, lodge_qemu_snapshot_patience_ms,
                               look_at_migration, lodge_qemu_snapshot_poll_failed, self);
    return;
  }
  step->self = g_object_ref (self);
  arguments = g_steal_pointer (&step->arguments);
  if (step->fd >= 0)
    lodge_qmp_execute_with_fd_async (self->qmp, step->command, arguments, step->fd, NULL,
                                     stepped_cb, step);
  else
    lodge_qmp_execute_async (self->qmp, step->command, arguments, lodge_qemu_snapshot_patience_ms,
                             NULL, stepped_cb, step);
}

void
lodge_qemu_snapshot_begin (LodgeQemuSnapshot *self,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_return_if_fail (self->task == NULL);

  stop_watching (self);
  self->task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->task, lodge_qemu_snapshot_new);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  LodgeQemuSnapshot *self = user_data;

  /* Not disconnected from within its own call. */
  self->cancel_id = 0;
  lodge_qemu_snapshot_end (
      self, g_error_new (LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled")));
}

gboolean
lodge_qemu_snapshot_begin_cancellable (LodgeQemuSnapshot *self, GCancellable *cancellable)
{
  if (cancellable == NULL)
    return TRUE;
  self->cancellable = g_object_ref (cancellable);
  self->cancel_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self, NULL);
  return self->task != NULL;
}

void
lodge_qemu_snapshot_set_memory (LodgeQemuSnapshot *self, int memory_fd)
{
  if (self->memory_fd >= 0)
    close (self->memory_fd);
  self->memory_fd = fcntl (memory_fd, F_DUPFD_CLOEXEC, 3);
}

void
lodge_qemu_snapshot_close_memory (LodgeQemuSnapshot *self)
{
  if (self->memory_fd >= 0)
    close (g_steal_fd (&self->memory_fd));
}

JsonObject *
lodge_qemu_snapshot_parse (const char *format, ...)
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

void
lodge_qemu_snapshot_add_capabilities (LodgeQemuSnapshot *self, gboolean pause)
{
  lodge_qemu_snapshot_add_step (
      self, "migrate-set-capabilities",
      lodge_qemu_snapshot_parse ("{\"capabilities\":[{\"capability\":\"events\",\"state\":true},"
                                 "{\"capability\":\"pause-before-switchover\",\"state\":%s},"
                                 "{\"capability\":\"auto-converge\",\"state\":%s}]}",
                                 pause ? "true" : "false", pause ? "true" : "false"));
}

/* Freezing. */

/* A QEMU whose guest stood still when its memory was written stays in "postmigrate": its disks are
 * inactive, and another migration is refused. Only "cont" leads out of that, so the guest runs for
 * the time between two commands that are written at once. For the guest it is as if the pause had
 * begun that much later. */

static void
activated_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Step *step = user_data;
  g_autoptr (LodgeQemuSnapshot) self = g_steal_pointer (&step->self);
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;
  gboolean old = step->turn != self->turn;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  step_free (step);
  if (answer == NULL && !old)
    lodge_qemu_snapshot_end (self, error);
  else
    g_clear_error (&error);
}

static gboolean
look_at_pause (JsonObject *answer, guint64 *out_mark, gpointer user_data)
{
  LodgeQemuSnapshot *self = user_data;
  const char *status = lodge_json_get_string (answer, "status");

  if (g_strcmp0 (status, "finish-migrate") == 0)
    return TRUE;
  g_clear_pointer (&self->poll, lodge_qemu_poll_free);
  if (g_strcmp0 (status, "postmigrate") == 0) {
    Step *step = g_new0 (Step, 1);

    step->fd = -1;
    step->turn = self->turn;
    step->self = g_object_ref (self);
    lodge_qmp_execute_async (self->qmp, "cont", NULL, lodge_qemu_snapshot_patience_ms, NULL,
                             activated_cb, step);
    lodge_qemu_snapshot_add_step (self, "stop", NULL);
    g_queue_push_head (&self->steps, g_queue_pop_tail (&self->steps));
  }
  lodge_qemu_snapshot_next_step (self);
  return FALSE;
}

static void
begin_freezing (LodgeQemuSnapshot *self)
{
  self->poll = lodge_qemu_poll_new (self->qmp, "query-status", FIRST_MS, MOST_MS,
                                    lodge_qemu_snapshot_patience_ms, look_at_pause,
                                    lodge_qemu_snapshot_poll_failed, self);
}

static void
add_disk_steps (LodgeQemuSnapshot *self, Disk *disk)
{
  Step *step = lodge_qemu_snapshot_add_step (
      self, "add-fd",
      lodge_qemu_snapshot_parse ("{\"fdset-id\":%" G_GINT64_FORMAT ",\"opaque\":\"%s\"}",
                                 disk->fdset, disk->node));

  step->fd = disk->fd;
  /* As the command line has it (lodge-machine-command-storage.c). */
  lodge_qemu_snapshot_add_step (
      self, "blockdev-add",
      lodge_qemu_snapshot_parse (
          "{\"driver\":\"qcow2\",\"node-name\":\"%s\",\"backing\":null,\"read-only\":false,"
          "\"discard\":\"unmap\",\"detect-zeroes\":\"unmap\",%s\"file\":{\"driver\":\"file\","
          "\"node-name\":\"%s-file\",\"filename\":\"/dev/fdset/%" G_GINT64_FORMAT "\","
          "\"read-only\":false,\"aio\":\"%s\",\"cache\":{\"direct\":false},"
          "\"discard\":\"unmap\"}}",
          disk->node,
          self->encrypted ? "\"encrypt\":{\"format\":\"luks\",\"key-secret\":"
                            "\"" LODGE_MACHINE_COMMAND_KEY "\"},"
                          : "",
          disk->node, disk->fdset, disk->io_uring ? "io_uring" : "threads"));
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

  lodge_qemu_snapshot_begin (self, callback, user_data);
  lodge_qemu_snapshot_set_memory (self, memory_fd);
  self->most_bytes = most_bytes;
  self->stopped = FALSE;
  self->eased = FALSE;
  self->progress = progress;
  self->progress_data = progress_data;
  for (guint i = 0; i < self->disks->len; i++)
    add_disk_steps (self, self->disks->pdata[i]);
  if (memory_fd < 0) {
    lodge_qemu_snapshot_add_step (self, "stop", NULL);
    begin_freezing (self);
    return;
  }
  lodge_qemu_snapshot_add_capabilities (self, TRUE);
  /* As fast as the disk takes it: what is slower than the guest never comes to an end. */
  lodge_qemu_snapshot_add_step (
      self, "migrate-set-parameters",
      lodge_qemu_snapshot_parse (
          "{\"max-bandwidth\":0,\"downtime-limit\":%d,\"cpu-throttle-initial\":30,"
          "\"cpu-throttle-increment\":20,\"max-cpu-throttle\":90}",
          LODGE_QEMU_SNAPSHOT_DOWNTIME_MS));
  step = lodge_qemu_snapshot_add_step (
      self, "getfd", lodge_qmp_arguments ("fdname", LODGE_QEMU_SNAPSHOT_FD, NULL));
  lodge_qemu_snapshot_give_fd (step, memory_fd);
  g_clear_pointer (&self->status, g_free);
  lodge_qemu_snapshot_add_step (self, "migrate",
                                lodge_qmp_arguments ("uri", "fd:" LODGE_QEMU_SNAPSHOT_FD, NULL));
  self->wanted = "pre-switchover";
  if (lodge_qemu_snapshot_begin_cancellable (self, cancellable))
    begin_freezing (self);
}

/* Switching. */

void
lodge_qemu_snapshot_switch_async (LodgeQemuSnapshot *self,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GString) actions = g_string_new (NULL);
  GError *error = make_stopped_error (self);

  lodge_qemu_snapshot_begin (self, callback, user_data);
  if (error != NULL) {
    lodge_qemu_snapshot_end (self, error);
    return;
  }
  self->most_bytes = 0;
  self->progress = NULL;
  for (guint i = 0; i < self->disks->len; i++) {
    const Disk *disk = self->disks->pdata[i];

    g_string_append_printf (actions,
                            "%s{\"type\":\"blockdev-snapshot\",\"data\":{\"node\":\"%s\","
                            "\"overlay\":\"%s\"}}",
                            i > 0 ? "," : "", disk->old_node, disk->node);
  }
  if (self->disks->len > 0)
    lodge_qemu_snapshot_add_step (self, "transaction",
                                  lodge_qemu_snapshot_parse ("{\"actions\":[%s]}", actions->str));
  if (self->memory_fd >= 0) {
    lodge_qemu_snapshot_add_step (self, "migrate-continue",
                                  lodge_qmp_arguments ("state", "pre-switchover", NULL));
    self->wanted = "completed";
  }
  lodge_qemu_snapshot_next_step (self);
}

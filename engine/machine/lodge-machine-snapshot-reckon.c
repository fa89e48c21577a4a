/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a guest that runs will stand still for its next snapshot: what that depends on is
 * measured (lodge-snapshot-estimate.h). */
#include "machine/lodge-machine-snapshot-private.h"

#include "lodge-task-thread.h"
#include "machine/lodge-snapshot-estimate.h"
#include "qemu/lodge-json.h"
#include "qemu/lodge-qemu-poll.h"
#include "storage/lodge-spool.h"

/* What was reckoned holds for so long: a window asks whenever something has changed. */
#define AGAIN_US (15 * G_USEC_PER_SEC)
/* QEMU watches the guest for a second. */
#define WATCH_S           1
#define WATCH_MS          100
#define WATCH_PATIENCE_MS 5000

typedef struct {
  LodgeSnapshotEstimate estimate;
  char *folder;
  gboolean measured;   /* the disk is */
  LodgeQemuPoll *poll; /* while the guest is watched */
} Reckon;

static void
reckon_free (gpointer data)
{
  Reckon *reckon = data;

  g_clear_pointer (&reckon->poll, lodge_qemu_poll_free);
  g_free (reckon->folder);
  g_free (reckon);
}

/* When both have been. Takes @task then. */
static void
reckon_if_known (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Reckon *reckon = g_task_get_task_data (task);

  if (reckon->poll != NULL || !reckon->measured)
    return;
  self->expected_ms = lodge_snapshot_estimate (&reckon->estimate);
  self->expected_at_us = g_get_monotonic_time ();
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static gboolean
look_at_guest (JsonObject *answer, guint64 *out_mark, gpointer user_data)
{
  Reckon *reckon = g_task_get_task_data (user_data);

  if (g_strcmp0 (lodge_json_get_string (answer, "status"), "measuring") == 0)
    return TRUE;
  /* In MiB a second. */
  reckon->estimate.dirty_speed = (guint64) MAX (lodge_json_get_int (answer, "dirty-rate", 0), 0)
                                 << 20;
  g_clear_pointer (&reckon->poll, lodge_qemu_poll_free);
  reckon_if_known (user_data);
  return FALSE;
}

static void
watch_failed (GError *error, gpointer user_data)
{
  Reckon *reckon = g_task_get_task_data (user_data);

  g_debug ("%s", error->message);
  g_error_free (error);
  g_clear_pointer (&reckon->poll, lodge_qemu_poll_free);
  reckon_if_known (user_data);
}

/* By samples, which costs the guest nothing; "dirty-bitmap" would let QEMU 7.2 fail an assertion
 * under TCG. */
static void
watch_guest (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Reckon *reckon = g_task_get_task_data (task);
  JsonObject *arguments = json_object_new ();

  json_object_set_int_member (arguments, "calc-time", WATCH_S);
  lodge_qmp_execute_async (self->qmp, "calc-dirty-rate", arguments, 0, NULL, NULL, NULL);
  reckon->poll = lodge_qemu_poll_new (self->qmp, "query-dirty-rate", WATCH_MS, WATCH_MS,
                                      WATCH_PATIENCE_MS, look_at_guest, watch_failed, task);
}

static void
measured_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reckon *reckon = g_task_get_task_data (user_data);

  g_task_propagate_boolean (G_TASK (result), NULL);
  reckon->measured = TRUE;
  reckon_if_known (user_data);
}

static void
measure_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Reckon *reckon = data;

  lodge_snapshot_estimate_measure (&reckon->estimate, reckon->folder,
                                   !lodge_snapshot_estimate_is_kept (&reckon->estimate));
  g_task_return_boolean (worker, TRUE);
}

/* A file and its folder each: machine.ini, what is copied, and what QEMU has of each disk. */
static guint
count_syncs (const LodgeDescription *now)
{
  guint n_disks = 0;

  for (guint i = 0; i < now->disks->len; i++)
    n_disks += ((const LodgeDisk *) now->disks->pdata[i])->attached ? 1 : 0;
  return 2 * (2 + (now->nvram[0] != '\0' ? 1 : 0) + (now->tpm ? 2 : 0) + n_disks);
}

void
lodge_snapshot_reckon_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (GTask) worker = NULL;
  Reckon *reckon;
  guint64 room;

  g_task_set_source_tag (task, lodge_snapshot_reckon_async);
  /* One that is paused stands still anyway. */
  if (self->state != LODGE_STATE_RUNNING || self->qmp == NULL || now == NULL ||
      (self->expected_at_us != 0 && g_get_monotonic_time () - self->expected_at_us < AGAIN_US)) {
    g_task_return_boolean (task, TRUE);
    g_object_unref (task);
    return;
  }
  reckon = g_new0 (Reckon, 1);
  g_task_set_task_data (task, reckon, reckon_free);
  lodge_snapshot_live_measure (self, &reckon->estimate.memory_bytes, &room);
  reckon->estimate.most_bytes = lodge_snapshot_live_get_most ((guint64) now->memory_mib << 20,
                                                              reckon->estimate.memory_bytes, room);
  reckon->estimate.kept_bytes = lodge_spool_get_room ();
  reckon->estimate.n_syncs = count_syncs (now);
  reckon->folder = lodge_machine_dup_folder (self);
  if (!lodge_snapshot_estimate_is_kept (&reckon->estimate))
    watch_guest (task);
  worker = g_task_new (self, NULL, measured_cb, task);
  g_task_set_task_data (worker, reckon, NULL);
  lodge_task_run_in_thread (worker, measure_thread);
}

void
lodge_snapshot_reckon_finish (LodgeMachine *self, GAsyncResult *result)
{
  g_return_if_fail (g_task_is_valid (result, self));
  g_task_propagate_boolean (G_TASK (result), NULL);
}

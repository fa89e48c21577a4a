/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking a snapshot of a guest that runs, with its memory.
 *
 * Theory of operation. The memory is written while the guest runs; then it stands still, and:
 *
 *   1. the firmware's variables and the TPM's state are copied;
 *   2. machine.ini is written: the disks have their new tops, empty by now;
 *   3. QEMU switches to those, and writes what is left of the memory;
 *   4. the guest goes on. What is left to do waits for the disk without it: also for the picture of
 *      what the guest shows, for which QEMU is asked only then, so that nobody stands still for it.
 *
 * What QEMU writes is kept in this computer's memory until the disk has taken it (lodge-spool.h): a
 * guest that changes its memory faster than the disk writes is done with all the same, and what it
 * waits for is not behind gigabytes of its memory. Where there is not memory enough QEMU is held up
 * to what the disk takes, and slows the guest down.
 *
 * In this order an end of anything loses nothing: between 2 and 3 QEMU still writes to the old top,
 * and a chain whose new top is empty reads as that. Whoever fails there gives the disks their old
 * tops again; whoever fails after that forgets the snapshot, and keeps the new tops.
 *
 * Until the memory is on the disk the snapshot has none, so that a power cut leaves no promise that
 * is not kept.
 */
#include "machine/lodge-machine-snapshot-private.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-durable-file.h"
#include "description/lodge-own-file.h"
#include "host/lodge-host-kernel.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-snapshot-files.h"
#include "qemu/lodge-qemu-snapshot.h"
#include "storage/lodge-sealed.h"
#include "storage/lodge-spool.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Besides the memory: devices' state, new tops. */
#define MORE_BYTES (G_GUINT64_CONSTANT (64) << 20)
/* How often it is told how far the disk is. */
#define PROGRESS_MS 200

struct _LodgeSnapshotLive {
  LodgeQemuSnapshot *qemu;
  int memory_fd;
  LodgeSealed *sealed; /* of an encrypted machine, before that */
  LodgeSpool *spool;   /* between QEMU and that */
  LodgeMachineShot *shot;
  GBytes *picture;      /* that it gave, or NULL */
  guint64 memory_bytes; /* that it will be, about */
  double progress;
  guint progress_timer;
  GCancellable *cancellable; /* while only the disk is waited for */
  gulong cancel_id;
  gboolean ran; /* and does not only stand still; FALSE again when it has gone on */
  gint64 still_since_us;
  gboolean named; /* machine.ini names the snapshot, or may do so */
  gboolean known; /* which nodes the devices are on, once it has ended */
};

static void
stop_watching (LodgeSnapshotLive *self)
{
  g_clear_handle_id (&self->progress_timer, g_source_remove);
  if (self->cancel_id != 0)
    g_cancellable_disconnect (self->cancellable, self->cancel_id);
  self->cancel_id = 0;
  g_clear_object (&self->cancellable);
}

void
lodge_snapshot_live_free (LodgeSnapshotLive *self)
{
  stop_watching (self);
  g_clear_object (&self->qemu);
  lodge_spool_free (self->spool);
  lodge_sealed_free (self->sealed);
  lodge_machine_shot_free (self->shot);
  g_clear_pointer (&self->picture, g_bytes_unref);
  if (self->memory_fd >= 0)
    close (self->memory_fd);
  g_free (self);
}

/* What the guest has touched of its memory, which is what will be written at least. proc(5):
 * the memory is a memfd that is mapped, which counts as shared. */
static guint64
get_touched (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", (int) pid);
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  line = strstr (text, "\nRssShmem:");
  return line != NULL ? g_ascii_strtoull (line + strlen ("\nRssShmem:"), NULL, 10) * 1024 : 0;
}

void
lodge_snapshot_live_measure (LodgeMachine *self, guint64 *out_bytes, guint64 *out_room)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);
  struct statvfs info;

  *out_bytes = (self->pid != 0 ? get_touched (self->pid) : 0) + MORE_BYTES;
  /* Where nothing is known the writing itself will tell. */
  *out_room = G_MAXUINT64;
  if (statvfs (folder, &info) == 0)
    *out_room = (guint64) info.f_bavail * info.f_frsize;
}

guint64
lodge_snapshot_live_get_most (guint64 memory_bytes, guint64 bytes, guint64 room)
{
  guint64 most = memory_bytes + memory_bytes / 2;

  return MAX (MIN (most, room - MIN (bytes, room)), 1);
}

LodgeSnapshotLive *
lodge_snapshot_live_new (LodgeMachine *self)
{
  LodgeSnapshotLive *live = g_new0 (LodgeSnapshotLive, 1);

  live->memory_fd = -1;
  /* One that was asked to shut down runs until it has. */
  live->ran = self->state != LODGE_STATE_PAUSED;
  return live;
}

gboolean
lodge_snapshot_live_ran (LodgeSnapshotLive *self)
{
  return self->ran;
}

/* Settings that were changed since the start are seen by the guest at its next one: the memory does
 * not fit to them. */
LodgeDescription *
lodge_snapshot_live_dup_description (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  LodgeDescription *then;

  if (self->started == NULL)
    return lodge_description_copy (now);
  then = lodge_description_copy (self->started);
  lodge_description_take_layers (then, now);
  return then;
}

/* The end, well or not. */

static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (lodge_machine_save_finish (LODGE_MACHINE (source), result, &error)) {
    lodge_snapshot_work_tidy (user_data);
    return;
  }
  /* On a full disk, say. The journal stays: the next work, or the next engine, takes back what
   * nobody was told of. */
  g_debug ("%s", error->message);
  lodge_snapshot_work_end (user_data);
}

/* What QEMU has not nobody has written to since. */
static gboolean
is_of_detached (const LodgeDescription *value, const char *top)
{
  for (guint i = 0; i < value->disks->len; i++) {
    const LodgeDisk *disk = value->disks->pdata[i];

    if (g_str_equal (disk->top, top))
      return !disk->attached;
  }
  return FALSE;
}

gboolean
lodge_snapshot_drop_top (LodgeDescription *value, const char *id, LodgeQemuSnapshot *qemu)
{
  const LodgeLayer *top = lodge_description_get_layer (value, id);

  if (top == NULL || top->below == NULL || lodge_qemu_snapshot_is_used (qemu, id) ||
      !lodge_qemu_snapshot_is_used (qemu, top->below))
    return FALSE;
  lodge_description_drop_top (value, id);
  return TRUE;
}

void
lodge_snapshot_drop_unused_top (LodgeDescription *value, const char *id, LodgeQemuSnapshot *qemu)
{
  if (is_of_detached (value, id))
    lodge_description_drop_top (value, id);
  else
    lodge_snapshot_drop_top (value, id, qemu);
}

void
lodge_snapshot_drop_unused (LodgeDescription *value, const GPtrArray *tops, LodgeQemuSnapshot *qemu)
{
  for (guint i = 0; i < tops->len; i++)
    lodge_snapshot_drop_unused_top (value, ((const LodgeLayer *) tops->pdata[i])->id, qemu);
}

static gboolean
edit_away (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  LodgeSnapshotWork *work = data;

  if (lodge_description_get_snapshot (value, work->id) == NULL)
    return TRUE;
  /* One that may be in use stays: empty it reads as what is below it, and QEMU may have switched
   * without an answer that came in time. */
  if (work->live->known)
    lodge_snapshot_drop_unused (value, work->tops, work->live->qemu);
  lodge_description_forget_snapshot (value, work->id);
  return TRUE;
}

void
lodge_snapshot_thaw (LodgeMachine *self, gboolean goes_on)
{
  self->frozen = FALSE;
  /* The user can resume it, and should know. */
  if ((!goes_on || self->disk_failed) && self->state == LODGE_STATE_RUNNING)
    lodge_machine_set_state (self, LODGE_STATE_PAUSED);
}

/* The guest does by now what it did before. */
static void
forget (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeSnapshotWork *work = g_task_get_task_data (task);

  /* A QEMU that could not be asked may still write the memory, or stand still over it. */
  if (lodge_machine_leave_open (self, work->live->known, &work->error))
    lodge_snapshot_work_end (task);
  else if (work->live->named)
    lodge_machine_save_for_work_async (self, edit_away, work, forgotten_cb, task);
  else
    lodge_snapshot_work_tidy (task);
}

static void
went_on_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  const LodgeSnapshotWork *work = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error))
    lodge_machine_went_on (self, work->id);
  else
    g_debug ("%s", error->message);
  lodge_snapshot_thaw (self, error == NULL);
  forget (task);
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  work->live->known = lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error);
  if (!work->live->known)
    g_debug ("%s", error->message);
  /* The guest may stand still for want of the room that its memory has taken. */
  if (work->live->memory_fd >= 0 && ftruncate (work->live->memory_fd, 0) != 0)
    g_debug ("%s", g_strerror (errno));
  if (self->qmp != NULL && work->live->ran) {
    lodge_qemu_snapshot_go_on_async (work->live->qemu, went_on_cb, task);
    return;
  }
  lodge_snapshot_thaw (self, TRUE);
  forget (task);
}

/* What QEMU, or whoever is before it, only sees as a pipe that is closed. */
static void
take_cause (LodgeSnapshotLive *live, GError **error)
{
  GError *why = live->sealed != NULL ? lodge_sealed_dup_error (live->sealed) : NULL;

  if (why == NULL && live->spool != NULL)
    why = lodge_spool_dup_error (live->spool);
  if (why == NULL || g_error_matches (*error, LODGE_ERROR, LODGE_ERROR_CANCELLED)) {
    g_clear_error (&why);
    return;
  }
  g_error_free (*error);
  *error = why;
}

/* The guest goes on as if nothing had been. Takes @error. */
static void
abandon (GTask *task, GError *error)
{
  LodgeSnapshotWork *work = g_task_get_task_data (task);

  take_cause (work->live, &error);
  work->error = error;
  stop_watching (work->live);
  if (work->live->spool != NULL)
    lodge_spool_stop (work->live->spool);
  if (work->live->sealed != NULL)
    lodge_sealed_stop (work->live->sealed);
  if (work->live->qemu == NULL) {
    lodge_snapshot_work_tidy (task);
    return;
  }
  lodge_qemu_snapshot_end_async (work->live->qemu, ended_cb, task);
}

/* What the guest does not wait for. */

static gboolean
edit_memory (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  LodgeSnapshotWork *work = data;
  LodgeSnapshot *snapshot = lodge_description_get_snapshot (value, work->id);

  if (snapshot != NULL)
    snapshot->memory = TRUE;
  return TRUE;
}

static void
memory_named_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (lodge_machine_save_finish (LODGE_MACHINE (source), result, &error)) {
    lodge_journal_step ("written");
    lodge_snapshot_work_tidy (user_data);
  } else {
    abandon (user_data, error);
  }
}

static void
memory_synced_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    lodge_machine_save_for_work_async (self, edit_memory, g_task_get_task_data (task),
                                       memory_named_cb, task);
  else
    abandon (task, error);
}

static void
sync_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  LodgeSnapshotWork *work = data;
  g_autofree char *folder = lodge_machine_dup_folder (source);
  g_autofree char *below = lodge_snapshot_dup_folder (work->id);
  g_autofree char *path = g_build_filename (folder, below, NULL);
  g_autoptr (GError) no_picture = NULL;
  GError *error = NULL;

  /* A snapshot is good without one. */
  if (work->live->picture != NULL &&
      !lodge_snapshot_files_store_picture (folder, work->id, work->live->picture, &no_picture))
    g_debug ("%s", no_picture->message);
  if (lodge_snapshot_files_sync_memory (folder, work->id, work->live->memory_fd, &error) &&
      lodge_durable_folder_sync (path, &error))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

static void
pictured_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  g_autoptr (GTask) worker = NULL;

  work->live->picture = lodge_machine_shot_wait_finish (result);
  worker = g_task_new (self, NULL, memory_synced_cb, task);
  g_task_set_task_data (worker, work, NULL);
  lodge_task_run_in_thread (worker, sync_thread);
}

static void
sync_memory (GTask *task)
{
  LodgeSnapshotWork *work = g_task_get_task_data (task);

  lodge_machine_shot_wait_async (work->live->shot, pictured_cb, task);
}

static void
sealed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (lodge_sealed_finish (result, &error))
    sync_memory (user_data);
  else
    abandon (user_data, error);
}

static void
spooled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  GError *error = NULL;

  stop_watching (work->live);
  if (!lodge_spool_finish (result, &error)) {
    abandon (task, error);
    return;
  }
  lodge_journal_step ("spooled");
  if (work->live->sealed != NULL)
    lodge_sealed_finish_async (work->live->sealed, sealed_cb, task);
  else
    sync_memory (task);
}

static void
set_progress (LodgeSnapshotWork *work)
{
  LodgeSnapshotLive *live = work->live;
  guint64 taken, written;

  lodge_spool_get_bytes (live->spool, &taken, &written);
  /* How much there will be is a guess, and it never goes back. */
  live->progress =
      MAX (live->progress, (double) written / (double) MAX (live->memory_bytes, MAX (taken, 1)));
  lodge_job_set_progress (work->job, live->progress * 0.95);
}

static gboolean
progress_timer_cb (gpointer user_data)
{
  set_progress (user_data);
  return G_SOURCE_CONTINUE;
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  LodgeSnapshotLive *live = user_data;

  /* Not disconnected from within its own call. */
  live->cancel_id = 0;
  lodge_spool_stop (live->spool);
}

static void
cleaned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  LodgeSnapshotLive *live = work->live;

  lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, NULL);
  /* A QEMU that hangs over it keeps nothing of this waiting any more. */
  live->shot = lodge_machine_shot_new (g_task_get_source_object (task));
  lodge_job_set_step (work->job, _ ("Writing it to disk"));
  live->memory_bytes = 0;
  live->progress_timer = g_timeout_add (PROGRESS_MS, progress_timer_cb, work);
  live->cancellable = g_object_ref (lodge_job_get_cancellable (work->job));
  live->cancel_id =
      g_cancellable_connect (live->cancellable, G_CALLBACK (cancelled_cb), live, NULL);
  lodge_spool_finish_async (live->spool, spooled_cb, task);
}

static void
resumed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  GError *error = NULL;

  lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error);
  lodge_snapshot_thaw (self, error == NULL);
  if (error != NULL) {
    abandon (task, error);
    return;
  }
  self->standstill_ms = (guint) ((g_get_monotonic_time () - work->live->still_since_us) / 1000);
  /* Whoever stops it from here on means it. */
  work->live->ran = FALSE;
  lodge_machine_went_on (self, work->id);
  lodge_journal_step ("resumed");
  lodge_qemu_snapshot_end_async (work->live->qemu, cleaned_cb, task);
}

/* While the guest stands still. */

static void
switched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error)) {
    abandon (task, error);
    return;
  }
  lodge_qemu_snapshot_close_memory (work->live->qemu);
  lodge_journal_step ("switched");
  if (self->qmp != NULL && work->live->ran && work->before == NULL) {
    lodge_qemu_snapshot_go_on_async (work->live->qemu, resumed_cb, task);
    return;
  }
  lodge_snapshot_thaw (self, work->before == NULL);
  lodge_qemu_snapshot_end_async (work->live->qemu, cleaned_cb, task);
}

static void
named_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_machine_save_finish (LODGE_MACHINE (source), result, &error)) {
    abandon (task, error);
    return;
  }
  lodge_journal_step ("named");
  lodge_qemu_snapshot_switch_async (work->live->qemu, switched_cb, task);
}

static void
states_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  LodgeSnapshotWork *work = data;
  g_autofree char *folder = lodge_machine_dup_folder (source);
  GError *error = NULL;

  if (lodge_snapshot_files_store_states (folder, work->id, work->stored, &error))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

static void
states_stored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    abandon (task, error);
    return;
  }
  /* A write that fails at its very end may be there all the same. */
  work->live->named = TRUE;
  lodge_machine_save_for_work_async (g_task_get_source_object (task), lodge_snapshot_work_edit,
                                     work, named_cb, task);
}

static void
frozen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  g_autoptr (GTask) worker = NULL;
  GError *error = NULL;

  if (!lodge_qemu_snapshot_finish (LODGE_QEMU_SNAPSHOT (source), result, &error)) {
    abandon (task, error);
    return;
  }
  work->live->still_since_us = g_get_monotonic_time ();
  lodge_spool_hold (work->live->spool);
  lodge_journal_step ("frozen");
  lodge_job_set_step (work->job, _ ("Freezing the disks"));
  worker = g_task_new (self, NULL, states_stored_cb, task);
  g_task_set_task_data (worker, work, NULL);
  lodge_task_run_in_thread (worker, states_thread);
}

/* While the guest runs. */

static void
progress_cb (double fraction, gpointer user_data)
{
  lodge_journal_step ("memory");
  set_progress (g_task_get_task_data (user_data));
}

static gboolean
open_files (LodgeMachine *self, LodgeSnapshotWork *work, GError **error)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  work->live->memory_fd = lodge_snapshot_files_open_memory (folder, work->id, TRUE, error);
  if (work->live->memory_fd < 0)
    return FALSE;
  for (guint i = 0; i < work->tops->len; i++) {
    const LodgeLayer *top = work->tops->pdata[i];
    int fd;

    if (!lodge_machine_is_top_plugged (self, work->next, top))
      continue;
    fd = lodge_own_file_open (folder, top->file, O_RDWR, error);
    if (fd < 0)
      return FALSE;
    lodge_qemu_snapshot_add_disk (work->live->qemu, top->below, top->id, fd,
                                  lodge_host_has_io_uring ());
    close (fd);
  }
  return TRUE;
}

/* What QEMU writes to. */
static int
open_spool (LodgeMachine *self, LodgeSnapshotLive *live, GError **error)
{
  int fd = lodge_machine_seal_memory (self, live->memory_fd, &live->sealed, error);
  int out_fd = -1;

  if (fd < 0)
    return -1;
  live->spool = lodge_spool_new (fd, lodge_spool_get_room (), &out_fd, error);
  close (fd);
  return out_fd;
}

void
lodge_snapshot_live_begin (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeSnapshotWork *work = g_task_get_task_data (task);
  guint64 memory = (guint64) work->stored->memory_mib << 20;
  guint64 bytes, room;
  int memory_fd = -1;
  GError *error = NULL;

  if (self->qmp == NULL || !lodge_state_is_live (self->state)) {
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” has ended meanwhile: try again now"), lodge_machine_get_name (self));
    abandon (task, error);
    return;
  }
  work->live->qemu = lodge_qemu_snapshot_new (self->qmp);
  lodge_qemu_snapshot_set_encrypted (work->live->qemu, work->stored->encrypted);
  work->live->ran = self->state != LODGE_STATE_PAUSED;
  if (open_files (self, work, &error))
    memory_fd = open_spool (self, work->live, &error);
  if (memory_fd < 0) {
    abandon (task, error);
    return;
  }
  lodge_job_set_step (work->job, _ ("Writing the guest's memory"));
  self->frozen = TRUE;
  lodge_snapshot_live_measure (self, &bytes, &room);
  work->live->memory_bytes = bytes;
  lodge_qemu_snapshot_freeze_async (work->live->qemu, memory_fd,
                                    lodge_snapshot_live_get_most (memory, bytes, room), progress_cb,
                                    task, lodge_job_get_cancellable (work->job), frozen_cb, task);
  close (memory_fd);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disks and USB sticks that a running QEMU has, beside those that machine.ini names.
 *
 * They are the same, or become so again: machine.ini is what counts. A disk is named there before
 * QEMU gets it, and is named no more only when QEMU has let go of it; so whatever ends between,
 * what QEMU has too little is plugged in by whoever comes next
 * (lodge_machine_settle_disks_async()). One that is detached is named as such, and is not QEMU's.
 *
 *   adding     journal, file, machine.ini | QEMU, "started"
 *   attaching  machine.ini | QEMU, "started"
 *   detaching  QEMU's guest lets go | machine.ini, "started"
 *   removing   QEMU's guest lets go | journal, machine.ini, "started", files
 *
 * A guest that was asked to let go of a disk may do so long after whoever asked has given up, and
 * one that was not asked may do so by itself. Then the disk is still the machine's, with all that
 * is on it, and a snapshot has to have it: it is plugged in again.
 *
 * "started" (lodge-run-record.h) follows what QEMU has, since memory fits to that alone.
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-keys.h"
#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "host/lodge-host-disk.h"
#include "host/lodge-host-kernel.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "qemu/lodge-qemu-plug.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A guest that lets go of its disks again and again must not keep the engine busy. */
#define AGAIN_MS      1000
#define MOST_AGAIN_MS 60000
/* Others are at work. */
#define WAIT_MS 200

/* %NULL: there is none. */
static LodgeDisk *
find_named (const LodgeDescription *description, const char *id)
{
  return description != NULL ? lodge_section_find_item (LODGE_SECTION_DISK, description, id) : NULL;
}

static gboolean
is_attached (const LodgeDisk *disk)
{
  return disk != NULL && disk->attached;
}

/* What QEMU has by now. What it has not "started" has as machine.ini does: as one that is detached,
 * or not at all. */
static void
follow (LodgeMachine *self, const char *id, gboolean plugged)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  const LodgeDisk *named = find_named (now, id);
  const LodgeDisk *had = find_named (self->started, id);

  if (self->started == NULL || now == NULL || (plugged && is_attached (had)) ||
      (!plugged && !is_attached (had) && (had != NULL) == (named != NULL)))
    return;
  if (named != NULL)
    lodge_description_copy_disk (self->started, now, id);
  else
    lodge_description_remove_disk (self->started, id);
  lodge_description_take_layers (self->started, now);
  lodge_run_record_change_started (folder, self->started);
}

/* As QEMU has it, or is to have it: its place is that of then, also where it is another at the next
 * start. %NULL: there is none. */
static const LodgeDisk *
find_disk (LodgeMachine *self, const char *id)
{
  const LodgeDisk *disk = find_named (self->started, id);

  return is_attached (disk) ? disk : find_named (lodge_machine_get_description (self), id);
}

gboolean
lodge_machine_is_plugged (LodgeMachine *self, const char *disk)
{
  return is_attached (find_disk (self, disk));
}

gboolean
lodge_machine_is_top_plugged (LodgeMachine *self,
                              const LodgeDescription *value,
                              const LodgeLayer *top)
{
  for (guint i = 0; i < value->disks->len; i++) {
    const LodgeDisk *disk = value->disks->pdata[i];

    if (g_str_equal (disk->top, top->id))
      return lodge_machine_is_plugged (self, disk->id);
  }
  return FALSE;
}

/* One disk. */

typedef struct {
  char *id;
  char *folder;
  LodgeDescription *now;
  LodgeQemuPlug *plug; /* until QEMU has it */
  gboolean in;
  gboolean again; /* QEMU may have its files still */
  GCancellable *cancellable;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_free (work->id);
  g_free (work->folder);
  lodge_description_free (work->now);
  g_clear_pointer (&work->plug, lodge_qemu_plug_free);
  g_clear_object (&work->cancellable);
  g_free (work);
}

static void
plugged_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  const Work *work = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_qemu_plug_finish (LODGE_QMP (source), result, &error)) {
    g_task_return_error (task, error);
    return;
  }
  lodge_journal_step (work->in ? "plugged" : "unplugged");
  if (work->in)
    follow (self, work->id, TRUE);
  g_task_return_boolean (task, TRUE);
}

/* -1 with an error; without one for a disk of this computer that may be QEMU's still, which alone
 * can have it open. */
static int
open_layer (
    const char *folder, const LodgeLayer *layer, gboolean top, gboolean again, GError **error)
{
  const int flags = top ? O_RDWR : O_RDONLY;
  g_autoptr (GError) busy = NULL;
  struct stat info;
  int fd;

  if (layer->host_disk[0] != '\0') {
    fd = lodge_host_disk_open (layer->file, layer->host_disk, layer->size_bytes, top, &busy);
    if (fd < 0 && (!again || !g_error_matches (busy, LODGE_ERROR, LODGE_ERROR_BUSY)))
      g_propagate_error (error, g_steal_pointer (&busy));
    return fd;
  }
  if (!g_path_is_absolute (layer->file))
    return lodge_own_file_open (folder, layer->file, flags, error);
  fd = open (layer->file, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd >= 0 && fstat (fd, &info) == 0 && S_ISREG (info.st_mode))
    return fd;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
               _ ("Could not open the disk image %s: %s"), layer->file,
               fd < 0 ? g_strerror (errno) : _ ("it is not a plain file"));
  if (fd >= 0)
    close (fd);
  return -1;
}

/* Descriptors are asked for where they lie: that may be a disk that sleeps. */
static void
open_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  const LodgeDisk *disk = lodge_section_find_item (LODGE_SECTION_DISK, work->now, work->id);
  const LodgeLayer *layer = lodge_description_get_layer (work->now, disk->top);

  for (gboolean top = TRUE; layer != NULL; top = FALSE) {
    GError *error = NULL;
    int fd = work->in ? open_layer (work->folder, layer, top, work->again, &error) : -1;

    if (error != NULL) {
      g_task_return_error (worker, error);
      return;
    }
    lodge_qemu_plug_add_layer (work->plug, layer, fd);
    layer = layer->below != NULL ? lodge_description_get_layer (work->now, layer->below) : NULL;
  }
  g_task_return_boolean (worker, TRUE);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Work *work = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    g_task_return_error (task, error);
    return;
  }
  if (self->qmp == NULL || (!lodge_state_is_live (self->state) && !self->recovering)) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_STATE,
                             _ ("“%s” has ended meanwhile: try again now"),
                             lodge_machine_get_name (self));
    return;
  }
  if (work->in)
    lodge_qemu_plug_in_async (self->qmp, g_steal_pointer (&work->plug), plugged_cb,
                              g_steal_pointer (&task));
  else
    lodge_qemu_plug_out_async (self->qmp, g_steal_pointer (&work->plug), work->cancellable,
                               plugged_cb, g_steal_pointer (&task));
}

static void
begin (LodgeMachine *self,
       const char *id,
       gboolean in,
       gboolean again,
       GCancellable *cancellable,
       GAsyncReadyCallback callback,
       gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GTask) worker = NULL;
  Work *work = g_new0 (Work, 1);
  LodgeDisk disk = *find_disk (self, id);

  g_task_set_source_tag (task, lodge_machine_plug_in_async);
  g_task_set_task_data (task, work, work_free);
  work->id = g_strdup (id);
  work->folder = lodge_machine_dup_folder (self);
  work->now = lodge_description_copy (lodge_machine_get_description (self));
  work->in = in;
  work->again = again;
  work->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  /* Its layers are those of now. */
  disk.top = ((LodgeDisk *) lodge_section_find_item (LODGE_SECTION_DISK, work->now, id))->top;
  work->plug = lodge_qemu_plug_new (&disk, work->now->encrypted, lodge_host_has_io_uring ());
  worker = g_task_new (NULL, NULL, opened_cb, task);
  g_task_set_task_data (worker, work, NULL);
  lodge_task_run_in_thread (worker, open_thread);
}

void
lodge_machine_plug_in_async (LodgeMachine *self,
                             const char *disk,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  begin (self, disk, TRUE, FALSE, NULL, callback, user_data);
}

static void
unplugged_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  GError *error = NULL;

  g_clear_pointer (&self->unplugging, g_free);
  if (lodge_machine_plug_finish (self, result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
lodge_machine_plug_out_async (LodgeMachine *self,
                              const char *disk,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_machine_plug_in_async);
  g_free (self->unplugging);
  self->unplugging = g_strdup (disk);
  begin (self, disk, FALSE, FALSE, cancellable, unplugged_cb, task);
}

gboolean
lodge_machine_plug_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_plug_in_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
lodge_machine_plug_removed (LodgeMachine *self, const char *disk)
{
  follow (self, disk, FALSE);
}

gboolean
lodge_machine_check_plug_in (LodgeMachine *self, LodgeDiskBus bus, GError **error)
{
  if (bus != LODGE_DISK_BUS_SATA)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
               _ ("A SATA disk cannot be added while “%s” runs: shut it down first, or add a "
                  "virtio disk (--bus virtio), for which its system needs the virtio drivers"),
               lodge_machine_get_name (self));
  return FALSE;
}

gboolean
lodge_machine_check_plug_out (LodgeMachine *self, const char *disk, GError **error)
{
  const char *name = lodge_machine_get_name (self);

  if (find_disk (self, disk)->bus == LODGE_DISK_BUS_SATA)
    g_set_error (
        error, LODGE_ERROR, LODGE_ERROR_STATE,
        _ ("The SATA disk “%s” cannot be removed or detached while “%s” runs: shut it down "
           "first"),
        disk, name);
  else if (self->state != LODGE_STATE_RUNNING)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The guest of “%s” has to let go of the disk “%s”, and stands still: resume "
                    "it first, or shut it down"),
                 name, disk);
  else if (self->asleep)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The guest of “%s” has to let go of the disk “%s”, and is asleep: wake it up "
                    "first"),
                 name, disk);
  else
    return TRUE;
  return FALSE;
}

/* All disks. */

typedef struct {
  GPtrArray *missing; /* ids of disks that QEMU has not */
  guint n_done;
} Settle;

static void
settle_free (gpointer data)
{
  Settle *settle = data;

  g_ptr_array_unref (settle->missing);
  g_free (settle);
}

static void plug_next (GTask *task);

/* Takes @note: (nullable): what could not be done. */
static void
plugged_again (GTask *task, char *note)
{
  g_autofree char *text = note;
  LodgeMachine *self = g_task_get_source_object (task);
  Settle *settle = g_task_get_task_data (task);

  /* One that has ended was noticed. */
  if (text != NULL && self->qmp != NULL)
    lodge_machine_set_note (self, text);
  settle->n_done++;
  plug_next (task);
}

static const char *
get_current (GTask *task)
{
  const Settle *settle = g_task_get_task_data (task);

  return settle->missing->pdata[settle->n_done];
}

static void
plugged_again_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  char *note = NULL;

  if (!lodge_machine_plug_finish (LODGE_MACHINE (source), result, &error))
    note = g_strdup_printf (
        _ ("The guest is without the disk “%s” until the machine is started anew: %s"),
        get_current (user_data), error->message);
  plugged_again (user_data, note);
}

static void
stick_again_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  char *note = NULL;

  if (!lodge_machine_stick_in_finish (LODGE_MACHINE (source), result, &error))
    note = g_strdup_printf (
        _ ("The guest is without the USB stick “%s” until the machine is started anew: %s"),
        get_current (user_data), error->message);
  plugged_again (user_data, note);
}

static gboolean
is_named (const LodgeDescription *now, const char *id)
{
  return is_attached (find_named (now, id)) || lodge_description_get_stick (now, id) != NULL;
}

/* Takes @task_given. */
static void
plug_next (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  Settle *settle = g_task_get_task_data (task);
  const LodgeDescription *now = lodge_machine_get_description (self);
  const char *id;

  /* What machine.ini does not name any more is nothing to plug in. */
  while (now != NULL && settle->n_done < settle->missing->len &&
         !is_named (now, get_current (task)))
    settle->n_done++;
  /* It may have ended meanwhile, which was noticed. */
  if (settle->n_done == settle->missing->len || self->qmp == NULL || now == NULL) {
    g_task_return_int (task, settle->n_done);
    return;
  }
  id = get_current (task);
  if (lodge_description_get_stick (now, id) != NULL)
    lodge_machine_stick_in_async (self, id, stick_again_cb, g_steal_pointer (&task));
  else
    begin (self, id, TRUE, TRUE, NULL, plugged_again_cb, g_steal_pointer (&task));
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Settle *settle = g_task_get_task_data (task);
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) devices =
      lodge_qemu_list_devices_finish (LODGE_QMP (source), result, &error);

  if (devices == NULL || now == NULL || self->qmp == NULL) {
    if (error != NULL)
      g_debug ("%s: %s", self->uuid, error->message);
    g_task_return_int (task, 0);
    return;
  }
  for (guint i = 0; i < now->disks->len; i++) {
    const LodgeDisk *disk = now->disks->pdata[i];

    if (!disk->attached)
      continue;
    if (g_hash_table_contains (devices, disk->id))
      follow (self, disk->id, TRUE);
    else if (find_disk (self, disk->id)->bus == LODGE_DISK_BUS_VIRTIO)
      g_ptr_array_add (settle->missing, g_strdup (disk->id));
  }
  for (guint i = 0; i < now->sticks->len; i++) {
    const LodgeStick *stick = now->sticks->pdata[i];

    if (!g_hash_table_contains (devices, stick->id))
      g_ptr_array_add (settle->missing, g_strdup (stick->id));
  }
  for (guint i = self->started != NULL ? self->started->disks->len : 0; i > 0; i--) {
    const LodgeDisk *disk = self->started->disks->pdata[i - 1];

    if (!g_hash_table_contains (devices, disk->id) && !is_attached (find_named (now, disk->id)))
      follow (self, disk->id, FALSE);
  }
  plug_next (g_steal_pointer (&task));
}

void
lodge_machine_settle_disks_async (LodgeMachine *self,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  Settle *settle = g_new0 (Settle, 1);

  g_task_set_source_tag (task, lodge_machine_settle_disks_async);
  g_task_set_task_data (task, settle, settle_free);
  settle->missing = g_ptr_array_new_with_free_func (g_free);
  if (self->qmp != NULL && lodge_machine_get_description (self) != NULL &&
      !lodge_run_record_is_disposable (folder)) {
    lodge_qemu_list_devices_async (self->qmp, listed_cb, task);
    return;
  }
  g_task_return_int (task, 0);
  g_object_unref (task);
}

guint
lodge_machine_settle_disks_finish (LodgeMachine *self, GAsyncResult *result)
{
  gssize n;

  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_settle_disks_async), 0);
  n = g_task_propagate_int (G_TASK (result), NULL);
  return n > 0 ? (guint) n : 0;
}

/* A guest that has let go of a disk that is still the machine's. */

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);

  if (lodge_machine_settle_disks_finish (self, result) > 0 &&
      lodge_machine_get_own_note (self)[0] == '\0')
    lodge_machine_set_own_note (
        self, _ ("The guest has let go of a disk that is still the machine's, and has got it "
                 "again. To take one out of it, detach it (“Storage…”, or lodgectl disk detach)"));
  lodge_machine_end_work (self);
  lodge_machine_emit_changed (self);
}

static void
other_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_stop_work_finish (LODGE_MACHINE (source), result);
}

static gboolean
again_cb (gpointer user_data)
{
  LodgeMachine *self = user_data;
  g_autoptr (LodgeJob) job = lodge_job_new ("disk-add", self->uuid);

  self->settle_timeout = 0;
  if (self->qmp == NULL || self->ending || !lodge_state_is_live (self->state))
    return G_SOURCE_REMOVE;
  /* The guest misses its disk. */
  if (self->work != NULL && self->work_gives_way)
    lodge_machine_end_other_work_async (self, other_ended_cb, NULL);
  /* Of a machine whose memory is being written, too. */
  if (self->work != NULL || !lodge_machine_begin_work (self, job, NULL)) {
    self->settle_timeout = g_timeout_add (WAIT_MS, again_cb, self);
    return G_SOURCE_REMOVE;
  }
  lodge_job_set_step (job, _ ("Plugging in a disk again"));
  lodge_machine_settle_disks_async (self, settled_cb, NULL);
  return G_SOURCE_REMOVE;
}

void
lodge_machine_disk_released (LodgeMachine *self, const char *device)
{
  const LodgeDescription *now = lodge_machine_get_description (self);

  if (now == NULL || self->disposable || self->settle_timeout != 0 ||
      g_strcmp0 (self->unplugging, device) == 0 || !is_attached (find_named (now, device)))
    return;
  self->settle_timeout = g_timeout_add (self->settle_wait_ms, again_cb, self);
  self->settle_wait_ms = MIN (MAX (self->settle_wait_ms * 2, AGAIN_MS), MOST_AGAIN_MS);
}

void
lodge_machine_forget_released (LodgeMachine *self)
{
  g_clear_handle_id (&self->settle_timeout, g_source_remove);
  g_clear_pointer (&self->unplugging, g_free);
  self->settle_wait_ms = 0;
}

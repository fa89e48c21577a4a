/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A new, empty disk for a machine that is off.
 *
 * Its layer is listed in the journal and made; then machine.ini names it, which is the moment from
 * which it counts. An end before that leaves a file that the next work or engine removes.
 */
#include "machine/lodge-machine-disks.h"
#include "machine/lodge-machine-private.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "storage/lodge-image-empty.h"
#include "storage/lodge-image-grow.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#define SECTOR 512

typedef struct {
  LodgeJob *job;
  guint64 size;
  char *bus; /* or NULL */
  char *folder;
  int lock_fd;
  char *id; /* of the disk */
  GPtrArray *files;
  GError *error;
} Add;

static void
add_free (gpointer data)
{
  Add *add = data;

  g_object_unref (add->job);
  g_free (add->bus);
  g_free (add->folder);
  if (add->lock_fd >= 0)
    close (add->lock_fd);
  g_free (add->id);
  g_ptr_array_unref (add->files);
  g_clear_error (&add->error);
  g_free (add);
}

/* Takes @task. */
static void
end (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  Add *add = g_task_get_task_data (task);

  if (add->lock_fd >= 0)
    close (g_steal_fd (&add->lock_fd));
  lodge_machine_end_work (self);
  lodge_machine_emit_changed (self);
  if (add->error != NULL)
    g_task_return_error (task, g_steal_pointer (&add->error));
  else
    g_task_return_pointer (task, g_strdup (add->id), g_free);
}

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* What could not be removed is tried again with the next work, and by the next engine. */
  if (!lodge_machine_tidy_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  end (user_data);
}

/* Takes @error, which may be none. */
static void
tidy (GTask *task, GError *error)
{
  Add *add = g_task_get_task_data (task);

  add->error = error;
  lodge_machine_tidy_async (g_task_get_source_object (task), tidied_cb, task);
}

/* The bus that its first disk is on, which its system knows, unless another is wanted. Lent. */
static LodgeDisk *
add_to (LodgeDescription *value, const Add *add, GError **error)
{
  LodgeDiskBus bus = value->disks->len > 0 ? ((const LodgeDisk *) value->disks->pdata[0])->bus
                                           : LODGE_DISK_BUS_VIRTIO;

  if (add->bus != NULL)
    bus = g_str_equal (add->bus, "sata") ? LODGE_DISK_BUS_SATA : LODGE_DISK_BUS_VIRTIO;
  return lodge_description_add_disk (value, bus,
                                     add->files->len > 0 ? add->files->pdata[0] : "layers/new",
                                     "qcow2", add->size, error);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (lodge_machine_save_finish (LODGE_MACHINE (source), result, &error))
    lodge_journal_step ("written");
  tidy (user_data, error);
}

static gboolean
edit (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  return add_to (value, data, error) != NULL && lodge_description_check (value, error);
}

static void
made_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Add *add = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) ||
      lodge_job_set_error_if_cancelled (add->job, &error))
    tidy (task, error);
  else
    lodge_machine_save_for_work_async (g_task_get_source_object (task), edit, add, saved_cb, task);
}

static void
make_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Add *add = data;
  g_autofree char *path = g_build_filename (add->folder, add->files->pdata[0], NULL);
  g_autoptr (GBytes) bytes = lodge_image_empty_new (add->size);
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);
  GError *error = NULL;

  if (!lodge_journal_begin (add->folder, add->files, &error) ||
      !lodge_durable_file_write (path, text, length, &error)) {
    g_task_return_error (worker, error);
    return;
  }
  lodge_journal_step ("top");
  g_task_return_boolean (worker, TRUE);
}

/* The id that it will have, and a file that nobody has: one that was kept stays what it is. */
static gboolean
plan (LodgeMachine *self, Add *add, GError **error)
{
  g_autoptr (LodgeDescription) next = lodge_description_copy (lodge_machine_get_description (self));
  LodgeDisk *disk = add_to (next, add, error);

  if (disk == NULL)
    return FALSE;
  add->id = g_strdup (disk->id);
  for (guint n = 0; add->files->len == 0; n++) {
    g_autofree char *file = g_strdup_printf ("layers/%s-l%u.qcow2", disk->id, n);
    g_autofree char *path = g_build_filename (add->folder, file, NULL);

    if (!g_file_test (path, G_FILE_TEST_EXISTS) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
      g_ptr_array_add (add->files, g_steal_pointer (&file));
  }
  return TRUE;
}

static void
earlier_tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Add *add = g_task_get_task_data (task);
  g_autoptr (GTask) worker = NULL;

  if (!lodge_machine_tidy_earlier_finish (self, result, &add->error) ||
      !lodge_machine_check_usable (self, &add->error) || !plan (self, add, &add->error)) {
    end (task);
    return;
  }
  worker = g_task_new (NULL, NULL, made_cb, task);
  g_task_set_task_data (worker, add, NULL);
  lodge_task_run_in_thread (worker, make_thread);
}

static void
saved_before_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_tidy_earlier_async (LODGE_MACHINE (source), earlier_tidied_cb, user_data);
}

/* What can be known before the first step. */
static gboolean
check (LodgeMachine *self, const Add *add, GError **error)
{
  g_autofree char *size = lodge_size_format (add->size);

  lodge_machine_refresh (self);
  if (!lodge_machine_check_usable (self, error) ||
      !lodge_machine_check_not_suspended (self, _ ("disk"), error) ||
      !lodge_machine_check_action (self, LODGE_ACTION_DISKS, error))
    return FALSE;
  if (self->pid != 0)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The QEMU of “%s” is still there after a panic: force it off first"),
                 lodge_machine_get_name (self));
  else if (add->size > LODGE_IMAGE_MOST_BYTES)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("A disk cannot have %s: 2048T is the most"), size);
  else if (add->size == 0)
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                         _ ("A disk cannot have nothing: choose a size such as 20G"));
  else if (add->bus != NULL && !g_str_equal (add->bus, "virtio") && !g_str_equal (add->bus, "sata"))
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("A disk cannot be on “%s”: choose virtio or sata"), add->bus);
  else
    return TRUE;
  return FALSE;
}

static void
begin_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Add *add = g_task_get_task_data (task);
  GError *error = NULL;

  lodge_machine_stop_work_finish (self, result);
  if (!check (self, add, &error) || !lodge_machine_begin_work (self, add->job, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  lodge_job_set_step (add->job, _ ("Making the disk"));
  add->lock_fd = lodge_store_lock (self->store, self->uuid, &add->error);
  if (add->lock_fd < 0)
    end (task);
  else
    lodge_machine_wait_saved_async (self, saved_before_cb, task);
}

void
lodge_machine_add_disk_async (LodgeMachine *self,
                              LodgeJob *job,
                              guint64 size_bytes,
                              const char *bus,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Add *add = g_new0 (Add, 1);

  add->job = g_object_ref (job);
  add->size = size_bytes > LODGE_IMAGE_MOST_BYTES ? size_bytes
                                                  : (size_bytes + SECTOR - 1) / SECTOR * SECTOR;
  add->bus = g_strdup (bus);
  add->folder = lodge_machine_dup_folder (self);
  add->lock_fd = -1;
  add->files = g_ptr_array_new_with_free_func (g_free);
  g_task_set_source_tag (task, lodge_machine_add_disk_async);
  g_task_set_task_data (task, add, add_free);
  lodge_machine_stop_work_async (self, begin_cb, task);
}

char *
lodge_machine_add_disk_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_add_disk_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

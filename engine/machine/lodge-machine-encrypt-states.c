/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is written anew besides images when a machine is encrypted, or is not any more: what is
 * stored with a snapshot, TPMs' states, and guests' memory. */
#include "machine/lodge-machine-encrypt-private.h"

#include "description/lodge-description-encrypt.h"
#include "description/lodge-description-snapshots.h"
#include "description/lodge-durable-file.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-snapshot-files.h"
#include "machine/lodge-tpm-convert.h"
#include "storage/lodge-sealed.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* Small ones. */

static gboolean
convert_tpm (const LodgeEncrypt *encrypt, const LodgeEncryptStep *step, GError **error)
{
  const char *folder = encrypt->work.folder;
  g_autofree char *copy = g_build_filename (encrypt->scratch, "tpm", NULL);
  g_autofree char *below = step->to != NULL ? lodge_snapshot_dup_folder (step->to) : NULL;
  g_autofree char *to =
      below != NULL ? g_build_filename (below, "tpm", NULL) : g_strdup (encrypt->next->tpm_state);
  g_autofree char *unit = g_strdup_printf ("lodge-tpm-%s.scope", encrypt->now->uuid);
  g_autoptr (LodgeSecret) key = lodge_secret_derive (encrypt->key, "tpm", NULL, 0);
  const gboolean encrypts = encrypt->passphrase != NULL;

  /* Whoever opens a state may write to it. */
  if (!lodge_own_folder_make (folder, "snapshots", error) ||
      !lodge_own_folder_make (folder, encrypt->scratch, error) ||
      !(step->from != NULL
            ? lodge_snapshot_files_restore (folder, step->from, "", copy, error)
            : lodge_snapshot_files_copy_states (folder, encrypt->now, "", folder, copy, error)))
    return FALSE;
  return lodge_tpm_convert (folder, copy, to, encrypts ? NULL : key, encrypts ? key : NULL,
                            step->to != NULL ? 0400 : 0600, unit, encrypt->contained, error) &&
         lodge_own_file_remove (folder, copy, error);
}

gboolean
lodge_encrypt_convert_states (const LodgeEncrypt *encrypt,
                              const LodgeEncryptStep *step,
                              GError **error)
{
  if (step->from != NULL) {
    const char *folder = encrypt->work.folder;
    const LodgeSnapshot *snapshot = lodge_description_get_snapshot (encrypt->now, step->from);
    g_autoptr (LodgeDescription) stored =
        lodge_snapshot_files_load (folder, step->from, snapshot->name, error);

    if (stored == NULL)
      return FALSE;
    lodge_description_set_encrypted (stored, encrypt->passphrase != NULL, encrypt->suffix,
                                     encrypt->ids);
    /* Its picture is left out: one of an encrypted machine is not kept. */
    if (!lodge_snapshot_files_store (folder, step->to, stored, error))
      return FALSE;
  }
  if (!convert_tpm (encrypt, step, error))
    return FALSE;
  lodge_journal_step ("states");
  return TRUE;
}

/* Memory. */

#define CHUNK_BYTES 65536
#define LOOK_MS     200

typedef struct {
  const LodgeEncrypt *encrypt; /* lent by whoever waits for this */
  const LodgeEncryptStep *step;
  int from, to; /* what is copied from one to the other */
  int new_fd;   /* the new file */
  LodgeSealed *sealed;
  guint64 n_copied; /* with the lock */
  GMutex lock;
  guint timeout;
  void (*progress) (guint64 bytes, gpointer user_data);
  gpointer progress_data;
} Memory;

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (g_steal_fd (fd));
}

static void
memory_free (gpointer data)
{
  Memory *memory = data;

  g_clear_handle_id (&memory->timeout, g_source_remove);
  close_fd (&memory->from);
  close_fd (&memory->to);
  close_fd (&memory->new_fd);
  lodge_sealed_free (memory->sealed);
  g_mutex_clear (&memory->lock);
  g_free (memory);
}

static gboolean
look_cb (gpointer user_data)
{
  Memory *memory = user_data;
  guint64 n;

  g_mutex_lock (&memory->lock);
  n = memory->n_copied;
  g_mutex_unlock (&memory->lock);
  memory->progress (n, memory->progress_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
write_all (int fd, const guint8 *data, gsize length)
{
  while (length > 0) {
    ssize_t n = write (fd, data, length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    data += n;
    length -= (gsize) n;
  }
  return TRUE;
}

/* FALSE with errno. */
static gboolean
copy (Memory *memory, LodgeJob *job, guint8 *chunk, GError **error)
{
  for (;;) {
    ssize_t n = read (memory->from, chunk, CHUNK_BYTES);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n == 0;
    if (lodge_job_set_error_if_cancelled (job, error) || !write_all (memory->to, chunk, (gsize) n))
      return FALSE;
    g_mutex_lock (&memory->lock);
    memory->n_copied += (guint64) n;
    g_mutex_unlock (&memory->lock);
  }
}

static void
copy_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Memory *memory = data;
  const LodgeDiskWork *work = &memory->encrypt->work;
  g_autofree guint8 *chunk = g_malloc (CHUNK_BYTES);
  GError *error = NULL;
  sigset_t pipe_signal;
  gboolean ok;
  int saved;

  /* Whoever reads the pipe may have failed: that is told by itself. */
  sigemptyset (&pipe_signal);
  sigaddset (&pipe_signal, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &pipe_signal, NULL);
  ok = copy (memory, work->job, chunk, &error);
  saved = errno;
  explicit_bzero (chunk, CHUNK_BYTES);
  /* The end of a stream. */
  close_fd (&memory->from);
  close_fd (&memory->to);
  if (ok) {
    g_task_return_boolean (worker, TRUE);
    return;
  }
  if (error == NULL && lodge_durable_is_full (saved))
    lodge_durable_set_full (&error, work->folder);
  else if (error == NULL)
    g_set_error (&error, LODGE_ERROR, lodge_durable_error_code (saved),
                 _ ("A guest's memory could not be written anew: %s"), g_strerror (saved));
  g_task_return_error (worker, error);
}

static void
synced_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
sync_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Memory *memory = data;
  const LodgeEncrypt *encrypt = memory->encrypt;
  g_autofree char *below = lodge_snapshot_dup_folder (memory->step->to);
  g_autofree char *path = g_build_filename (encrypt->work.folder, below, NULL);
  GError *error = NULL;

  if (lodge_snapshot_files_sync_memory (encrypt->work.folder, memory->step->to, memory->new_fd,
                                        &error) &&
      lodge_durable_folder_sync (path, &error))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

static void
run (GTask *task, GTaskThreadFunc thread, GAsyncReadyCallback callback)
{
  g_autoptr (GTask) worker = g_task_new (NULL, NULL, callback, task);

  /* Of the outer task, which outlives it. */
  g_task_set_task_data (worker, g_task_get_task_data (task), NULL);
  lodge_task_run_in_thread (worker, thread);
}

static void
streamed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (lodge_sealed_finish (result, &error)) {
    run (task, sync_thread, synced_cb);
    return;
  }
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
copied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Memory *memory = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    g_autoptr (GError) why = lodge_sealed_dup_error (memory->sealed);

    /* Who writes into the pipe knows only that it broke. */
    if (why != NULL && memory->encrypt->passphrase != NULL &&
        !g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED)) {
      g_clear_error (&error);
      error = g_steal_pointer (&why);
    }
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  lodge_sealed_finish_async (memory->sealed, streamed_cb, task);
}

static gboolean
open_files (Memory *memory, GError **error)
{
  const LodgeEncrypt *encrypt = memory->encrypt;
  const char *folder = encrypt->work.folder;
  int old_fd = lodge_snapshot_files_open_memory (folder, memory->step->from, FALSE, error);

  if (old_fd < 0)
    return FALSE;
  memory->new_fd = lodge_snapshot_files_open_memory (folder, memory->step->to, TRUE, error);
  if (memory->new_fd < 0) {
    close (old_fd);
    return FALSE;
  }
  if (encrypt->passphrase != NULL) {
    memory->from = old_fd;
    memory->sealed = lodge_sealed_write (memory->new_fd, encrypt->key, &memory->to, error);
  } else {
    memory->to = dup (memory->new_fd);
    memory->sealed = lodge_sealed_read (old_fd, encrypt->key, &memory->from, error);
    close (old_fd);
  }
  return memory->sealed != NULL;
}

void
lodge_encrypt_convert_memory_async (const LodgeEncrypt *encrypt,
                                    const LodgeEncryptStep *step,
                                    void (*progress) (guint64 bytes, gpointer user_data),
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Memory *memory = g_new0 (Memory, 1);
  GError *error = NULL;

  memory->encrypt = encrypt;
  memory->step = step;
  memory->from = memory->to = memory->new_fd = -1;
  memory->progress = progress;
  memory->progress_data = user_data;
  g_mutex_init (&memory->lock);
  g_task_set_source_tag (task, lodge_encrypt_convert_memory_async);
  g_task_set_task_data (task, memory, memory_free);
  if (!open_files (memory, &error)) {
    g_task_return_error (task, error);
    return;
  }
  memory->timeout = g_timeout_add (LOOK_MS, look_cb, memory);
  run (g_steal_pointer (&task), copy_thread, copied_cb);
}

gboolean
lodge_encrypt_convert_memory_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_encrypt_convert_memory_async),
                        FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

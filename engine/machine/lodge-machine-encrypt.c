/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that is off becomes an encrypted one, or stops being one.
 *
 *   1. All that goes and all that comes is listed in the journal: layers, snapshots, the firmware's
 *      variables, the TPM's state, the picture; and the file with the locked key, which comes first
 *      or goes last.
 *   2. Everything is written anew beside what there is, each file under a name of its own: layer by
 *      layer, on the layers below it as they are; then what belongs to each snapshot. Nothing that
 *      is there is written to, so a clone that shares a layer never knows.
 *   3. machine.ini is written, once: it says that the machine is encrypted, or not, and names what
 *      is new. That is the moment from which it counts.
 *   4. What it does not name any more goes.
 *
 * An engine that ends before 3 leaves the machine as it was, and one that ends after it as it is to
 * be; the next one removes the rest.
 */
#include "machine/lodge-machine-encrypt.h"
#include "machine/lodge-machine-encrypt-private.h"

#include "description/lodge-description-encrypt.h"
#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-host.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-snapshot-files.h"
#include "storage/lodge-folder-key.h"
#include "storage/lodge-image-target.h"
#include "storage/lodge-image.h"
#include "storage/lodge-key-file.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/statvfs.h>

/* Of the files of each step that are small: so that many of them are seen to go on. */
#define SMALL_BYTES (1024 * 1024)
/* What is left free for others, whose guests would stand still. */
#define SPARE_BYTES (G_GUINT64_CONSTANT (64) << 20)

static void
step_free (gpointer data)
{
  LodgeEncryptStep *step = data;

  g_clear_pointer (&step->chain, g_ptr_array_unref);
  g_free (step->file);
  g_free (step->from);
  g_free (step->to);
  g_free (step);
}

static void
encrypt_free (gpointer data)
{
  LodgeEncrypt *encrypt = data;

  for (guint i = 0; i < encrypt->made->len; i++)
    lodge_folder_key_forget (encrypt->made->pdata[i]);
  g_ptr_array_unref (encrypt->made);
  g_clear_pointer (&encrypt->passphrase, lodge_secret_unref);
  g_clear_pointer (&encrypt->key, lodge_secret_unref);
  g_clear_pointer (&encrypt->now, lodge_description_free);
  g_clear_pointer (&encrypt->next, lodge_description_free);
  g_free (encrypt->suffix);
  g_free (encrypt->scratch);
  g_hash_table_unref (encrypt->ids);
  g_ptr_array_unref (encrypt->steps);
  lodge_disk_work_clear (&encrypt->work);
  g_free (encrypt);
}

/* The end. */

/* It is as it was. Takes @error. */
static void
fail (GTask *task, GError *error)
{
  const LodgeEncrypt *encrypt = g_task_get_task_data (task);

  /* A full disk says what it has no room for, which nobody has asked for. */
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_STORAGE))
    g_prefix_error (&error,
                    encrypt->passphrase != NULL ? _ ("“%s” was not encrypted: ")
                                                : _ ("“%s” is encrypted still: "),
                    encrypt->now->name);
  lodge_disk_work_end (task, error);
}

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeEncrypt *encrypt = g_task_get_task_data (user_data);
  GError *error = NULL;

  /* Elsewhere what could not be removed is no matter; here it may be what nobody else may read. */
  if (!lodge_machine_tidy_finish (LODGE_MACHINE (source), result, &error))
    g_prefix_error (&error,
                    encrypt->passphrase != NULL
                        ? _ ("“%s” is encrypted, but not all of what it was before is deleted: ")
                        : _ ("“%s” is not encrypted any more, but not all of what it was before is "
                             "deleted: "),
                    encrypt->now->name);
  lodge_disk_work_end (user_data, error);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  LodgeEncrypt *encrypt = g_task_get_task_data (task);
  const gboolean encrypts = encrypt->passphrase != NULL;
  GError *error = NULL;

  if (!lodge_machine_save_finish (self, result, &error)) {
    const LodgeDescription *now = lodge_machine_get_description (self);

    if (encrypts && (now == NULL || !now->encrypted))
      lodge_folder_key_forget (encrypt->work.folder);
    fail (task, error);
    return;
  }
  lodge_journal_step ("written");
  /* A picture is a part of what the guest keeps to itself. */
  if (encrypts) {
    g_clear_pointer (&self->thumbnail, g_bytes_unref);
    self->thumbnail_serial = 0;
  } else {
    lodge_machine_forget_key (self->uuid);
  }
  self->snapshot_serial++;
  lodge_machine_tidy_async (self, tidied_cb, task);
}

static gboolean
edit (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const LodgeEncrypt *encrypt = data;

  lodge_description_set_encrypted (value, encrypt->passphrase != NULL, encrypt->suffix,
                                   encrypt->ids);
  return TRUE;
}

/* Writing anew. */

static void next (GTask *task);

static void
set_progress (LodgeEncrypt *encrypt, double bytes)
{
  lodge_job_set_progress (encrypt->work.job,
                          ((double) encrypt->done + bytes) / (double) MAX (encrypt->all, 1));
}

/* Takes @error. */
static void
step_done (GTask *task, GError *error)
{
  LodgeEncrypt *encrypt = g_task_get_task_data (task);
  const LodgeEncryptStep *step = encrypt->steps->pdata[encrypt->at];

  if (error != NULL || lodge_job_set_error_if_cancelled (encrypt->work.job, &error)) {
    fail (task, error);
    return;
  }
  encrypt->done += step->bytes;
  encrypt->at++;
  set_progress (encrypt, 0);
  next (task);
}

static void
imaged_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  const LodgeEncrypt *encrypt = g_task_get_task_data (user_data);
  const LodgeEncryptStep *step = encrypt->steps->pdata[encrypt->at];
  GError *error = NULL;

  if (step->raw ? lodge_image_flatten_finish (result, &error)
                : lodge_image_compact_finish (result, &error))
    lodge_journal_step ("image");
  step_done (user_data, error);
}

static void
image_progress_cb (double fraction, gpointer user_data)
{
  LodgeEncrypt *encrypt = g_task_get_task_data (user_data);
  const LodgeEncryptStep *step = encrypt->steps->pdata[encrypt->at];

  set_progress (encrypt, fraction * (double) step->bytes);
}

static void
states_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  step_done (user_data, error);
}

static gboolean
states_step (gpointer data, GError **error)
{
  const LodgeEncrypt *encrypt = data;

  return lodge_encrypt_convert_states (encrypt, encrypt->steps->pdata[encrypt->at], error);
}

static void
memory_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (lodge_encrypt_convert_memory_finish (result, &error))
    lodge_journal_step ("memory");
  step_done (user_data, error);
}

static void
memory_progress_cb (guint64 bytes, gpointer user_data)
{
  set_progress (g_task_get_task_data (user_data), (double) bytes);
}

static void
next (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeEncrypt *encrypt = g_task_get_task_data (task);
  GCancellable *cancellable = lodge_job_get_cancellable (encrypt->work.job);
  const LodgeEncryptStep *step;
  g_autofree char *path = NULL;

  if (encrypt->at == encrypt->steps->len) {
    /* Before it is said that it is encrypted, so that it is not locked for a moment. */
    if (encrypt->passphrase != NULL)
      lodge_folder_key_set (encrypt->work.folder, encrypt->key);
    lodge_machine_save_for_work_async (self, edit, encrypt, saved_cb, task);
    return;
  }
  step = encrypt->steps->pdata[encrypt->at];
  lodge_journal_step ("next");
  switch (step->kind) {
  case LODGE_ENCRYPT_STATES:
    lodge_task_step_in_thread (task, states_step, states_cb);
    break;
  case LODGE_ENCRYPT_MEMORY:
    lodge_encrypt_convert_memory_async (encrypt, step, memory_progress_cb, memory_cb, task);
    break;
  case LODGE_ENCRYPT_IMAGE:
  default:
    path = g_build_filename (encrypt->work.folder, step->file, NULL);
    if (step->raw)
      lodge_image_flatten_async ((const char *const *) step->chain->pdata, step->size_bytes, path,
                                 image_progress_cb, task, cancellable, imaged_cb, task);
    else
      lodge_image_compact_async ((const char *const *) step->chain->pdata, path, image_progress_cb,
                                 task, cancellable, imaged_cb, task);
    break;
  }
}

static void
began_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  const LodgeEncrypt *encrypt = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error) &&
      !lodge_job_set_error_if_cancelled (encrypt->work.job, &error))
    next (task);
  else
    fail (task, error);
}

static gboolean
begin_step (gpointer data, GError **error)
{
  const LodgeEncrypt *encrypt = data;
  const LodgeDiskWork *work = &encrypt->work;

  if (!lodge_journal_begin (work->folder, work->files, error) ||
      (encrypt->passphrase != NULL &&
       !lodge_key_file_write (work->folder, encrypt->key, encrypt->passphrase, error)))
    return FALSE;
  lodge_journal_step ("key");
  return TRUE;
}

/* The plan. */

/* What is written there is what it is to be, whatever its folder is until then. */
static void
except (LodgeEncrypt *encrypt, const char *file)
{
  char *path = g_build_filename (encrypt->work.folder, file, NULL);

  lodge_folder_key_except (path, encrypt->passphrase != NULL ? encrypt->key : NULL);
  g_ptr_array_add (encrypt->made, path);
}

static LodgeEncryptStep *
add_step (LodgeEncrypt *encrypt, LodgeEncryptKind kind, guint64 bytes)
{
  LodgeEncryptStep *step = g_new0 (LodgeEncryptStep, 1);

  step->kind = kind;
  step->bytes = bytes + SMALL_BYTES;
  encrypt->all += step->bytes;
  g_ptr_array_add (encrypt->steps, step);
  return step;
}

/* @chain: taken */
static void
add_image (LodgeEncrypt *encrypt, GPtrArray *chain, const char *old, const char *file)
{
  LodgeEncryptStep *step =
      add_step (encrypt, LODGE_ENCRYPT_IMAGE, lodge_own_file_measure (encrypt->work.folder, old));
  g_autofree char *hidden = lodge_image_target_dup_hidden (file);

  step->chain = chain;
  step->file = g_strdup (file);
  step->raw = g_str_has_prefix (chain->pdata[0], "raw:");
  except (encrypt, file);
  except (encrypt, hidden);
}

static gboolean
add_layers (LodgeMachine *self, LodgeEncrypt *encrypt, GError **error)
{
  for (guint i = 0; i < encrypt->now->layers->len; i++) {
    const LodgeLayer *layer = encrypt->now->layers->pdata[i];
    const LodgeLayer *then = encrypt->next->layers->pdata[i];
    GPtrArray *chain = lodge_machine_list_chain (self, encrypt->now, layer, error);
    LodgeEncryptStep *step;

    if (chain == NULL)
      return FALSE;
    add_image (encrypt, chain, layer->file, then->file);
    step = encrypt->steps->pdata[encrypt->steps->len - 1];
    step->size_bytes = layer->size_bytes;
  }
  return TRUE;
}

/* The firmware's variables, which are not there before the first start. */
static void
add_variables (LodgeEncrypt *encrypt, const char *old, const char *file)
{
  g_autofree char *path = g_build_filename (encrypt->work.folder, old, NULL);
  GPtrArray *chain;

  if (lodge_own_file_count_names (encrypt->work.folder, old) == 0)
    return;
  chain = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (chain, g_strconcat ("qcow2:", path, NULL));
  g_ptr_array_add (chain, NULL);
  add_image (encrypt, chain, old, file);
}

/* @from: (nullable): a snapshot's id */
static void
add_states (LodgeEncrypt *encrypt, const char *from, const char *to)
{
  LodgeEncryptStep *step = add_step (encrypt, LODGE_ENCRYPT_STATES, 0);

  step->from = g_strdup (from);
  step->to = g_strdup (to);
}

static void
add_snapshot (LodgeEncrypt *encrypt, const LodgeSnapshot *snapshot)
{
  const char *to = g_hash_table_lookup (encrypt->ids, snapshot->id);
  g_autofree char *from_folder = lodge_snapshot_dup_folder (snapshot->id);
  g_autofree char *to_folder = lodge_snapshot_dup_folder (to);
  g_autofree char *from_nvram = g_build_filename (from_folder, "nvram.qcow2", NULL);
  g_autofree char *to_nvram = g_build_filename (to_folder, "nvram.qcow2", NULL);

  add_states (encrypt, snapshot->id, to);
  add_variables (encrypt, from_nvram, to_nvram);
  if (snapshot->memory) {
    g_autofree char *memory = lodge_snapshot_dup_memory (snapshot->id);
    LodgeEncryptStep *step = add_step (encrypt, LODGE_ENCRYPT_MEMORY,
                                       lodge_own_file_measure (encrypt->work.folder, memory));

    step->from = g_strdup (snapshot->id);
    step->to = g_strdup (to);
  }
}

static void
add_file (GPtrArray *files, const char *file)
{
  if (lodge_journal_takes (file))
    g_ptr_array_add (files, g_strdup (file));
}

/* All that may go: what is made, if it comes to nothing, and what is old, if it does not. */
static void
list_files (LodgeEncrypt *encrypt)
{
  const LodgeDescription *both[] = {encrypt->now, encrypt->next};
  GPtrArray *files = encrypt->work.files;

  for (guint n = 0; n < G_N_ELEMENTS (both); n++) {
    for (guint i = 0; i < both[n]->layers->len; i++) {
      const LodgeLayer *layer = both[n]->layers->pdata[i];
      g_autofree char *hidden = lodge_image_target_dup_hidden (layer->file);

      add_file (files, layer->file);
      if (n == 1)
        add_file (files, hidden);
    }
    for (guint i = 0; i < both[n]->snapshots->len; i++)
      g_ptr_array_add (
          files, lodge_snapshot_dup_folder (((LodgeSnapshot *) both[n]->snapshots->pdata[i])->id));
    if (both[n]->nvram[0] != '\0') {
      g_autofree char *hidden = lodge_image_target_dup_hidden (both[n]->nvram);

      add_file (files, both[n]->nvram);
      add_file (files, hidden);
    }
    add_file (files, both[n]->tpm_state);
  }
  add_file (files, encrypt->scratch);
  add_file (files, LODGE_KEY_FILE);
  if (encrypt->passphrase != NULL)
    add_file (files, LODGE_DESCRIPTION_PICTURE);
}

static gboolean
check_room (const LodgeEncrypt *encrypt, GError **error)
{
  struct statvfs info;
  g_autofree char *wanted = NULL;
  g_autofree char *room = NULL;
  guint64 free_bytes;

  /* Where nothing is known the writing itself will tell. */
  if (statvfs (encrypt->work.folder, &info) != 0)
    return TRUE;
  free_bytes = (guint64) info.f_bavail * info.f_frsize;
  if (free_bytes >= encrypt->all + SPARE_BYTES)
    return TRUE;
  wanted = g_format_size (encrypt->all + SPARE_BYTES);
  room = g_format_size (free_bytes);
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE,
               _ ("All of “%s” has to be written anew, which takes up to %s, and %s is free in %s: "
                  "make room there"),
               encrypt->now->name, wanted, room, encrypt->work.folder);
  return FALSE;
}

static gboolean
plan (LodgeMachine *self, LodgeEncrypt *encrypt, GError **error)
{
  g_autofree char *scratch = lodge_description_dup_snapshot_id ();

  encrypt->now = lodge_description_copy (lodge_machine_get_description (self));
  encrypt->next = lodge_description_copy (encrypt->now);
  encrypt->suffix = lodge_description_dup_snapshot_id ();
  encrypt->scratch = lodge_snapshot_dup_folder (scratch);
  for (guint i = 0; i < encrypt->now->snapshots->len; i++)
    g_hash_table_insert (encrypt->ids,
                         g_strdup (((LodgeSnapshot *) encrypt->now->snapshots->pdata[i])->id),
                         lodge_description_dup_snapshot_id ());
  lodge_description_set_encrypted (encrypt->next, encrypt->passphrase != NULL, encrypt->suffix,
                                   encrypt->ids);
  encrypt->key = encrypt->passphrase != NULL ? lodge_secret_new_random (LODGE_SECRET_KEY_BYTES)
                                             : lodge_folder_key_get (encrypt->work.folder);
  if (encrypt->key == NULL)
    return lodge_machine_check_unlocked (self, error);
  if (!lodge_description_check (encrypt->next, error) || !add_layers (self, encrypt, error))
    return FALSE;
  if (encrypt->now->nvram[0] != '\0')
    add_variables (encrypt, encrypt->now->nvram, encrypt->next->nvram);
  add_states (encrypt, NULL, NULL);
  for (guint i = 0; i < encrypt->now->snapshots->len; i++)
    add_snapshot (encrypt, encrypt->now->snapshots->pdata[i]);
  list_files (encrypt);
  return check_room (encrypt, error);
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeEncrypt *encrypt = g_task_get_task_data (task);
  GError *error = NULL;

  lodge_machine_host_prepare_finish (LODGE_MACHINE_HOST (source), result);
  encrypt->contained = lodge_host_report_get_sandbox (lodge_machine_host_get_report (self->host)) ==
                       LODGE_SANDBOX_BUBBLEWRAP;
  if (plan (self, encrypt, &error) && encrypt->key != NULL)
    lodge_task_step_in_thread (task, begin_step, began_cb);
  else
    lodge_disk_work_end (task, error);
}

static void
go (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);

  lodge_machine_host_prepare_async (self->host, FALSE, prepared_cb, task);
}

static gboolean
check (LodgeMachine *self, gpointer data, GError **error)
{
  const LodgeEncrypt *encrypt = data;
  const LodgeDescription *now = lodge_machine_get_description (self);

  if (now->encrypted == (encrypt->passphrase != NULL)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 now->encrypted ? _ ("“%s” is encrypted already") : _ ("“%s” is not encrypted"),
                 lodge_machine_get_name (self));
    return FALSE;
  }
  if (!lodge_machine_check_unlocked (self, error))
    return FALSE;
  return lodge_description_check_encrypt (now, error);
}

static const LodgeDiskWorkKind encrypts = {LODGE_ACTION_ENCRYPT, N_ ("Encrypting the machine"),
                                           check, go};
static const LodgeDiskWorkKind decrypts = {LODGE_ACTION_ENCRYPT, N_ ("Removing the encryption"),
                                           check, go};

static GTask *
new_task (LodgeMachine *self,
          LodgeJob *job,
          LodgeSecret *passphrase,
          GAsyncReadyCallback callback,
          gpointer user_data)
{
  LodgeEncrypt *encrypt = g_new0 (LodgeEncrypt, 1);

  if (passphrase != NULL)
    encrypt->passphrase = lodge_secret_ref (passphrase);
  encrypt->made = g_ptr_array_new_with_free_func (g_free);
  encrypt->steps = g_ptr_array_new_with_free_func (step_free);
  encrypt->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return lodge_disk_work_new (self, encrypt, job, NULL, encrypt_free, callback, user_data);
}

void
lodge_machine_encrypt_async (LodgeMachine *self,
                             LodgeJob *job,
                             LodgeSecret *passphrase,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  lodge_disk_work_begin (new_task (self, job, passphrase, callback, user_data),
                         passphrase != NULL ? &encrypts : &decrypts);
}

gboolean
lodge_machine_check_encrypt (LodgeMachine *self, GError **error)
{
  g_autoptr (LodgeJob) job = lodge_job_new ("encrypt", lodge_machine_get_uuid (self));
  g_autoptr (LodgeSecret) some = lodge_secret_new (1);
  g_autoptr (GTask) task = new_task (self, job, some, NULL, NULL);
  const gboolean can = lodge_machine_check_recovered (self, error) &&
                       lodge_machine_check_no_work (self, error) &&
                       lodge_disk_work_check (task, &encrypts, error) &&
                       plan (self, g_task_get_task_data (task), error);

  g_task_return_boolean (task, can);
  return can;
}

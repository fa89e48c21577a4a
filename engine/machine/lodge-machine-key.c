/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key of an encrypted machine. Where it is while it is here: lodge-folder-key.h. */
#include "machine/lodge-machine-key.h"

#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-machine-private.h"
#include "storage/lodge-folder-key.h"
#include "storage/lodge-key-file.h"
#include "storage/lodge-keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>

/* How long a machine that rests keeps its key, and how often it is looked whether it does. */
#define REST_MINUTES 15
#define LOOK_S       60

static LodgeSecret *
get_key (LodgeMachine *self)
{
  return self->key_folder != NULL ? lodge_folder_key_get (self->key_folder) : NULL;
}

static gboolean
is_encrypted (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);

  return now != NULL && now->encrypted;
}

gboolean
lodge_machine_is_locked (LodgeMachine *self)
{
  g_autoptr (LodgeSecret) key = get_key (self);

  return key == NULL && is_encrypted (self);
}

gboolean
lodge_machine_check_unlocked (LodgeMachine *self, GError **error)
{
  if (!lodge_machine_is_locked (self))
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED,
               _ ("“%s” is encrypted: its passphrase is needed"), lodge_machine_get_name (self));
  return FALSE;
}

const char *
lodge_machine_get_encryption (LodgeMachine *self)
{
  if (!is_encrypted (self))
    return "";
  return lodge_machine_is_locked (self) ? "locked" : "unlocked";
}

/* Coming and going. */

static gboolean
is_needed (LodgeMachine *self)
{
  return self->pid != 0 || self->work != NULL || self->recovering ||
         lodge_state_is_live (self->state) || self->state == LODGE_STATE_STARTING;
}

static void
drop (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  g_clear_handle_id (&self->key_timeout, g_source_remove);
  lodge_folder_key_set (folder, NULL);
  lodge_machine_emit_changed (self);
}

static gboolean
look_cb (gpointer user_data)
{
  LodgeMachine *self = user_data;

  self->key_rested = is_needed (self) ? 0 : self->key_rested + 1;
  if (self->key_rested < REST_MINUTES)
    return G_SOURCE_CONTINUE;
  self->key_timeout = 0;
  drop (self);
  return G_SOURCE_REMOVE;
}

static void
take (LodgeMachine *self, LodgeSecret *key)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  lodge_folder_key_set (folder, key);
  self->key_rested = 0;
  if (self->key_timeout == 0)
    self->key_timeout = g_timeout_add_seconds (LOOK_S, look_cb, self);
  lodge_machine_emit_changed (self);
}

void
lodge_machine_key_update (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autoptr (LodgeSecret) key = lodge_folder_key_get (folder);

  if (self->file == NULL)
    return; /* what it was before is the safer guess */
  if (!is_encrypted (self)) {
    lodge_machine_key_finalize (self);
    return;
  }
  g_free (self->key_folder);
  self->key_folder = g_strdup (folder);
  lodge_folder_key_set (folder, key);
  if (key != NULL && self->key_timeout == 0)
    self->key_timeout = g_timeout_add_seconds (LOOK_S, look_cb, self);
}

void
lodge_machine_key_finalize (LodgeMachine *self)
{
  g_clear_handle_id (&self->key_timeout, g_source_remove);
  /* Its library may be gone, which knows where it was. */
  if (self->key_folder != NULL)
    lodge_folder_key_forget (self->key_folder);
  g_clear_pointer (&self->key_folder, g_free);
}

int
lodge_machine_open_key (LodgeMachine *self, gboolean for_tpm, GError **error)
{
  g_autoptr (LodgeSecret) key = get_key (self);
  g_autoptr (LodgeSecret) given = NULL;

  if (!lodge_machine_check_unlocked (self, error) || key == NULL || !is_encrypted (self))
    return -1;
  given = for_tpm ? lodge_secret_derive (key, "tpm", NULL, 0) : lodge_secret_new_for_disks (key);
  return lodge_secret_open (given, error);
}

static int
hand_memory_over (LodgeMachine *self,
                  gboolean encrypted,
                  gboolean writes,
                  int fd,
                  LodgeSealed **out_sealed,
                  GError **error)
{
  g_autoptr (LodgeSecret) key = get_key (self);
  int given;

  *out_sealed = NULL;
  if (encrypted && key != NULL) {
    *out_sealed = writes ? lodge_sealed_write (fd, key, &given, error)
                         : lodge_sealed_read (fd, key, &given, error);
    return *out_sealed != NULL ? given : -1;
  }
  if (encrypted) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED,
                 _ ("“%s” is encrypted: its passphrase is needed"), lodge_machine_get_name (self));
    return -1;
  }
  given = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  if (given < 0)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("The guest's memory could not be handed over: %s"), g_strerror (errno));
  return given;
}

int
lodge_machine_seal_memory (LodgeMachine *self, int fd, LodgeSealed **out_sealed, GError **error)
{
  return hand_memory_over (self, is_encrypted (self), TRUE, fd, out_sealed, error);
}

int
lodge_machine_unseal_memory (LodgeMachine *self,
                             const LodgeDescription *description,
                             int fd,
                             LodgeSealed **out_sealed,
                             GError **error)
{
  return hand_memory_over (self, description->encrypted, FALSE, fd, out_sealed, error);
}

static void
looked_up_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autoptr (LodgeSecret) key = NULL;
  g_autoptr (GError) why = NULL;
  GError *error = NULL;

  key = lodge_keyring_look_up_finish (result, &why);
  if (key == NULL)
    g_debug ("%s: %s", self->uuid, why->message);
  else if (lodge_machine_is_locked (self) && lodge_key_file_check (folder, key))
    take (self, key);
  if (lodge_machine_check_unlocked (self, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
lodge_machine_need_key_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_machine_need_key_async);
  self->key_rested = 0;
  if (lodge_machine_is_locked (self))
    lodge_keyring_look_up_async (self->uuid, looked_up_cb, g_steal_pointer (&task));
  else
    g_task_return_boolean (task, TRUE);
}

gboolean
lodge_machine_need_key_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Passphrases. */

/* The data of a task. */
typedef struct {
  char *folder;
  LodgeSecret *passphrase;
  LodgeSecret *next; /* that it shall have, or NULL */
  LodgeSecret *here; /* the key where it is unlocked, or NULL */
  LodgeSecret *key;  /* that it opened */
} Open;

static void
open_free (gpointer data)
{
  Open *open = data;

  g_free (open->folder);
  lodge_secret_unref (open->passphrase);
  g_clear_pointer (&open->next, lodge_secret_unref);
  g_clear_pointer (&open->here, lodge_secret_unref);
  g_clear_pointer (&open->key, lodge_secret_unref);
  g_free (open);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  const Open *open = g_task_get_task_data (task);
  GError *error = NULL;

  if (open->next != NULL)
    self->passphrase_changes = FALSE;
  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    g_task_return_error (task, error);
    return;
  }
  if (open->next == NULL && is_encrypted (self))
    take (self, open->key);
  g_task_return_boolean (task, TRUE);
}

static void
open_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Open *open = data;
  GError *error = NULL;

  open->key = lodge_key_file_open (open->folder, open->passphrase, &error);
  /* A file that is lost or damaged is made anew while the key is here, from the keyring as a rule.
   */
  if (open->next != NULL && open->here != NULL &&
      (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND) ||
       g_error_matches (error, LODGE_ERROR, LODGE_ERROR_INVALID))) {
    g_clear_error (&error);
    open->key = lodge_secret_ref (open->here);
  }
  if (open->key != NULL && open->next != NULL)
    lodge_key_file_write (open->folder, open->key, open->next, &error);
  if (error == NULL)
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

static gboolean
check_encrypted (LodgeMachine *self, GError **error)
{
  if (!lodge_machine_check_usable (self, error))
    return FALSE;
  if (is_encrypted (self))
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE, _ ("“%s” is not encrypted"),
               lodge_machine_get_name (self));
  return FALSE;
}

static GTask *
new_task (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, lodge_machine_unlock_async);
  lodge_machine_refresh (self);
  if (check_encrypted (self, &error))
    return task;
  g_task_return_error (task, error);
  g_object_unref (task);
  return NULL;
}

static void
open_with (GTask *task_given, LodgeSecret *passphrase, LodgeSecret *next)
{
  g_autoptr (GTask) task = task_given;
  g_autoptr (GTask) worker = NULL;
  Open *open;

  if (task == NULL)
    return;
  open = g_new0 (Open, 1);
  open->folder = lodge_machine_dup_folder (g_task_get_source_object (task));
  open->passphrase = lodge_secret_ref (passphrase);
  open->next = next != NULL ? lodge_secret_ref (next) : NULL;
  open->here = get_key (g_task_get_source_object (task));
  g_task_set_task_data (task, open, open_free);
  worker = g_task_new (NULL, NULL, opened_cb, g_object_ref (task));
  g_task_set_task_data (worker, open, NULL);
  lodge_task_run_in_thread (worker, open_thread);
}

void
lodge_machine_unlock_async (LodgeMachine *self,
                            LodgeSecret *passphrase,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  open_with (new_task (self, callback, user_data), passphrase, NULL);
}

void
lodge_machine_change_passphrase_async (LodgeMachine *self,
                                       LodgeSecret *passphrase,
                                       LodgeSecret *next,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  GTask *task = new_task (self, callback, user_data);

  /* Two at once would write one file. */
  if (task != NULL && self->passphrase_changes) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_STATE,
                             _ ("The passphrase of “%s” is being changed already: wait until that "
                                "is done"),
                             lodge_machine_get_name (self));
    g_object_unref (task);
    return;
  }
  if (task != NULL)
    self->passphrase_changes = TRUE;
  open_with (task, passphrase, next);
}

gboolean
lodge_machine_lock (LodgeMachine *self, GError **error)
{
  if (!check_encrypted (self, error))
    return FALSE;
  if (is_needed (self)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("“%s” cannot be locked while it runs or is worked on"),
                 lodge_machine_get_name (self));
    return FALSE;
  }
  drop (self);
  return TRUE;
}

static void
cleared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (lodge_keyring_clear_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
stored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (lodge_keyring_store_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
lodge_machine_remember_async (LodgeMachine *self,
                              gboolean remember,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = new_task (self, callback, user_data);
  g_autoptr (LodgeSecret) key = get_key (self);
  GError *error = NULL;

  if (task == NULL)
    return;
  if (!remember)
    lodge_keyring_clear_async (self->uuid, cleared_cb, g_steal_pointer (&task));
  else if (lodge_machine_check_unlocked (self, &error))
    lodge_keyring_store_async (self->uuid, lodge_machine_get_name (self), key, stored_cb,
                               g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

gboolean
lodge_machine_key_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_unlock_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* Then a keyring has a key that opens nothing any more. */
  if (!lodge_keyring_clear_finish (result, &error))
    g_debug ("%s", error->message);
}

void
lodge_machine_forget_key (const char *uuid)
{
  lodge_keyring_clear_async (uuid, forgotten_cb, NULL);
}

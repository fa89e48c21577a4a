/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encrypting machines, as jobs of the library. */
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-disks.h"
#include "machine/lodge-machine-encrypt.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-machine-private.h"

typedef struct {
  LodgeLibrary *library;
  LodgeJob *job;
  gboolean remember;
} Change;

/* Takes @change and @error. */
static void
end (Change *change, GError *error)
{
  if (error != NULL)
    lodge_job_take_error (change->job, error);
  else
    lodge_job_done (change->job, "");
  /* What it has stopped goes on. */
  lodge_library_merge_later (change->library);
  g_object_unref (change->library);
  g_object_unref (change->job);
  g_free (change);
}

static void
remembered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* It is encrypted, and its passphrase opens it. */
  if (!lodge_machine_key_finish (LODGE_MACHINE (source), result, &error))
    lodge_machine_set_note (LODGE_MACHINE (source), error->message);
  end (user_data, NULL);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Change *change = user_data;
  GError *error = NULL;

  g_free (lodge_machine_disk_finish (LODGE_MACHINE (source), result, &error));
  if (error == NULL && change->remember)
    lodge_machine_remember_async (LODGE_MACHINE (source), TRUE, remembered_cb, change);
  else
    end (change, error);
}

static LodgeJob *
begin (LodgeLibrary *self,
       LodgeMachine *machine,
       const char *kind,
       LodgeSecret *passphrase,
       gboolean remember)
{
  Change *change = g_new0 (Change, 1);
  LodgeJob *job = lodge_job_new (kind, lodge_machine_get_uuid (machine));

  change->library = g_object_ref (self);
  change->job = g_object_ref (lodge_library_add_job (self, job));
  change->remember = remember;
  lodge_machine_encrypt_async (machine, job, passphrase, changed_cb, change);
  return job;
}

LodgeJob *
lodge_library_encrypt (LodgeLibrary *self,
                       LodgeMachine *machine,
                       LodgeSecret *passphrase,
                       gboolean remember)
{
  return begin (self, machine, "encrypt", passphrase, remember);
}

LodgeJob *
lodge_library_decrypt (LodgeLibrary *self, LodgeMachine *machine)
{
  return begin (self, machine, "decrypt", NULL, FALSE);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run of which nothing is kept: what its guest writes to.
 *
 *     web   the present (only read) <-- throwaway (the guest writes here)
 *
 * Theory of operation:
 *
 *   1. The journal lists all that is made: an empty top for each disk, and a copy of the firmware's
 *      variables. machine.ini needs none of it, and does not change.
 *   2. They are made. The TPM's state is copied into a folder beside the sockets, which QEMU does
 *      not see.
 *   3. QEMU opens them, and has not run an instruction.
 *   4. They lose their names, as the journal says of what machine.ini does not need. From here on
 *      they are gone with QEMU's last descriptor, whatever ends, and their room is free again.
 *   5. That nothing of this run is kept is recorded (lodge-run-record.h), durably, and the guest
 *      runs.
 *
 * Between 1 and 4 the next engine does 4. After 5 the end of QEMU is the end of it all: no engine
 * is needed for that.
 *
 * It Mustn't open anything of the present for writing.
 */
#include "machine/lodge-machine-start-private.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "description/lodge-remove-tree.h"
#include "lodge-error.h"
#include "lodge-paths.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-freeze.h"
#include "machine/lodge-snapshot-files.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <unistd.h>

typedef struct {
  char *folder;                  /* the machine's */
  char *tpm_folder;              /* or NULL without a TPM */
  LodgeDescription *description; /* lent: of the start */
} Make;

static void
make_free (gpointer data)
{
  Make *make = data;

  g_free (make->folder);
  g_free (make->tpm_folder);
  g_free (make);
}

char *
lodge_machine_throwaway_dup_tpm_folder (LodgeMachine *self)
{
  g_autofree char *runtime = lodge_paths_dup_runtime ();

  return g_build_filename (runtime, "d", self->uuid, NULL);
}

void
lodge_machine_throwaway_remove_tpm (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_throwaway_dup_tpm_folder (self);
  g_autofree char *parent = g_path_get_dirname (folder);
  g_autoptr (GError) error = NULL;
  int fd = open (parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    return; /* never made, or gone with the runtime folder */
  if (!lodge_remove_tree (fd, self->uuid, folder, &error))
    g_debug ("%s", error->message);
  close (fd);
}

static gboolean
make_tpm_folder (const char *path, GError **error)
{
  int saved;

  if (path == NULL || g_mkdir_with_parents (path, 0700) == 0)
    return TRUE;
  saved = errno;
  g_set_error (error, LODGE_ERROR, saved == ENOSPC ? LODGE_ERROR_STORAGE : LODGE_ERROR_DENIED,
               _ ("Could not make the folder %s: %s"), path, g_strerror (saved));
  return FALSE;
}

static gboolean
make (gpointer data, GError **error)
{
  Make *self = data;
  LodgeDescription *now = self->description;
  g_autoptr (LodgeDescription) before = lodge_description_copy (now);
  g_autoptr (GPtrArray) names = lodge_own_folder_list (self->folder, "layers", error);
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) tops = NULL;
  g_autofree char *suffix = lodge_description_dup_snapshot_id ();

  if (names == NULL)
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    g_hash_table_add (taken, names->pdata[i]);
  tops = lodge_description_add_tops (now, taken);
  for (guint i = 0; i < tops->len; i++)
    g_ptr_array_add (files, g_strdup (((const LodgeLayer *) tops->pdata[i])->file));
  if (now->nvram[0] != '\0') {
    g_free (now->nvram);
    now->nvram = g_strdup_printf ("nvram-%s.qcow2", suffix);
    g_ptr_array_add (files, g_strdup (now->nvram));
  }
  /* It goes back in time at the end, and is to notice that. */
  g_free (now->vmgenid);
  now->vmgenid = g_uuid_string_random ();

  return lodge_description_check (now, error) && lodge_journal_begin (self->folder, files, error) &&
         lodge_freeze_make_tops (self->folder, tops, 0, error) &&
         make_tpm_folder (self->tpm_folder, error) &&
         lodge_snapshot_files_copy_states (self->folder, before, now->nvram, self->tpm_folder,
                                           now->tpm_state, error);
}

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (lodge_machine_tidy_earlier_finish (self, result, &error))
    lodge_task_step_in_thread (g_steal_pointer (&task), make, lodge_task_forward_cb);
  else
    g_task_return_error (task, error);
}

void
lodge_machine_throwaway_make_async (LodgeMachine *self,
                                    LodgeDescription *description,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Make *make = g_new0 (Make, 1);

  make->folder = lodge_machine_dup_folder (self);
  make->description = description;
  if (description->tpm)
    make->tpm_folder = lodge_machine_throwaway_dup_tpm_folder (self);
  g_task_set_source_tag (task, lodge_machine_throwaway_make_async);
  g_task_set_task_data (task, make, make_free);
  /* What an earlier engine has left would be listed together with it. */
  lodge_machine_tidy_earlier_async (self, tidied_cb, task);
}

gboolean
lodge_machine_throwaway_make_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_throwaway_make_async),
                        FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

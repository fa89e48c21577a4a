/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What belongs to a snapshot besides its frozen layers.
 *
 * The firmware's variables and the TPM's state are copied and not layered: together they are less
 * than the tables of one empty layer, a copy needs no chain, and deleting one touches no other.
 */
#include "machine/lodge-snapshot-files.h"

#include "description/lodge-description-file.h"
#include "description/lodge-description-snapshots.h"
#include "description/lodge-durable-file.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "machine/lodge-journal-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The flash chips of all of edk2's x86 builds together are 8 MiB (OvmfPkg); a TPM's state is some
 * tens of KiB (libtpms). More than this is not theirs. */
#define MOST_STATE   (32 * 1024 * 1024)
#define MOST_PICTURE (4 * 1024 * 1024)

static const char nvram_name[] = "nvram.qcow2";
static const char tpm_name[] = "tpm";
static const char picture_name[] = "thumbnail.png";

static char *
dup_in (const char *id, const char *name)
{
  g_autofree char *below = lodge_snapshot_dup_folder (id);

  return g_build_filename (below, name, NULL);
}

/* A whole small file; one that is not there is no error, and FALSE in @out_there. */
static gboolean
copy (const char *folder,
      const char *from,
      const char *to_folder,
      const char *to,
      gsize most,
      mode_t mode,
      gboolean *out_there,
      GError **error)
{
  g_autofree char *from_path = g_build_filename (folder, from, NULL);
  g_autofree char *to_path = g_build_filename (to_folder, to, NULL);
  g_autoptr (GError) why = NULL;
  g_autofree char *data = NULL;
  gsize length;
  int fd;

  *out_there = FALSE;
  /* For what is on the way; the last part is looked at by the reading itself. */
  fd = lodge_own_file_open (folder, from, O_RDONLY, &why);
  if (fd < 0 && g_error_matches (why, LODGE_ERROR, LODGE_ERROR_NOT_FOUND))
    return TRUE;
  if (fd < 0) {
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
  }
  close (fd);
  data = lodge_durable_file_read (from_path, most, &length, error);
  if (data == NULL || !lodge_durable_file_write (to_path, data, length, error) ||
      !lodge_own_file_set_mode (to_folder, to, mode, error))
    return FALSE;
  *out_there = TRUE;
  lodge_journal_step ("file");
  return TRUE;
}

/* The state of a TPM: swtpm's files, without its lock. */
static gboolean
copy_tpm (const char *folder,
          const char *from,
          const char *to_folder,
          const char *to,
          mode_t mode,
          GError **error)
{
  g_autoptr (GPtrArray) names = lodge_own_folder_list (folder, from, error);
  g_autofree char *path = g_build_filename (to_folder, to, NULL);

  if (names == NULL)
    return FALSE;
  if (names->len == 0)
    return TRUE;
  if (!lodge_own_folder_make (to_folder, to, error))
    return FALSE;
  for (guint i = 0; i < names->len; i++) {
    g_autofree char *source = g_build_filename (from, names->pdata[i], NULL);
    g_autofree char *target = g_build_filename (to, names->pdata[i], NULL);
    gboolean there;

    if (((const char *) names->pdata[i])[0] == '.')
      continue;
    if (!copy (folder, source, to_folder, target, MOST_STATE, mode, &there, error))
      return FALSE;
  }
  return lodge_durable_folder_sync (path, error);
}

gboolean
lodge_snapshot_files_store (const char *folder,
                            const char *id,
                            const LodgeDescription *description,
                            GError **error)
{
  g_autofree char *below = lodge_snapshot_dup_folder (id);
  g_autofree char *snapshots = g_build_filename (folder, "snapshots", NULL);
  g_autofree char *path = g_build_filename (folder, below, NULL);
  g_autofree char *ini_name = dup_in (id, "machine.ini");
  g_autofree char *ini = g_build_filename (folder, ini_name, NULL);
  g_autoptr (LodgeDescriptionFile) file = NULL;

  if (!lodge_own_folder_make (folder, "snapshots", error) ||
      !lodge_own_folder_make (folder, below, error))
    return FALSE;
  lodge_journal_step ("folder");
  file = lodge_description_file_new (ini, lodge_description_copy (description));
  if (!lodge_description_file_save (file, description, error) ||
      !lodge_own_file_set_mode (folder, ini_name, 0400, error))
    return FALSE;
  lodge_journal_step ("file");
  return lodge_durable_folder_sync (path, error) && lodge_durable_folder_sync (snapshots, error) &&
         lodge_durable_folder_sync (folder, error);
}

gboolean
lodge_snapshot_files_store_states (const char *folder,
                                   const char *id,
                                   const LodgeDescription *description,
                                   GError **error)
{
  g_autofree char *below = lodge_snapshot_dup_folder (id);
  g_autofree char *path = g_build_filename (folder, below, NULL);
  g_autofree char *nvram = dup_in (id, nvram_name);
  g_autofree char *tpm = dup_in (id, tpm_name);
  gboolean there;

  if (description->nvram[0] != '\0' &&
      !copy (folder, description->nvram, folder, nvram, MOST_STATE, 0400, &there, error))
    return FALSE;
  return copy_tpm (folder, description->tpm_state, folder, tpm, 0400, error) &&
         lodge_durable_folder_sync (path, error);
}

gboolean
lodge_snapshot_files_store_picture (const char *folder, const char *id, GBytes *png, GError **error)
{
  g_autofree char *picture = dup_in (id, picture_name);
  g_autofree char *path = g_build_filename (folder, picture, NULL);
  gboolean there;

  if (png == NULL)
    return copy (folder, picture_name, folder, picture, MOST_PICTURE, 0400, &there, error);
  /* Nobody would read it. */
  if (g_bytes_get_size (png) > MOST_PICTURE)
    return TRUE;
  return lodge_durable_file_write (path, g_bytes_get_data (png, NULL), g_bytes_get_size (png),
                                   error) &&
         lodge_own_file_set_mode (folder, picture, 0400, error);
}

int
lodge_snapshot_files_open_memory (const char *folder, const char *id, gboolean make, GError **error)
{
  g_autofree char *file = lodge_snapshot_dup_memory (id);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  int fd;

  if (!make)
    return lodge_own_file_open (folder, file, O_RDONLY, error);
  /* The folder was made by us a moment ago. */
  fd = open (path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved), _ ("Could not make %s: %s"),
                 path, g_strerror (saved));
  }
  return fd;
}

char *
lodge_snapshot_dup_memory (const char *id)
{
  return dup_in (id, "memory");
}

gboolean
lodge_snapshot_files_sync_memory (const char *folder, const char *id, int memory_fd, GError **error)
{
  g_autofree char *below = lodge_snapshot_dup_folder (id);
  g_autofree char *path = g_build_filename (folder, below, NULL);
  int saved;

  if (fsync (memory_fd) == 0 && fchmod (memory_fd, 0400) == 0)
    return TRUE;
  saved = errno;
  if (lodge_durable_is_full (saved))
    lodge_durable_set_full (error, path);
  else
    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved),
                 _ ("Could not write the guest's memory to disk: %s"), g_strerror (saved));
  return FALSE;
}

GHashTable *
lodge_snapshot_files_list_layers (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) names = lodge_own_folder_list (folder, "layers", error);
  GHashTable *taken;

  if (names == NULL)
    return NULL;
  taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < names->len; i++)
    g_hash_table_add (taken, g_strdup (names->pdata[i]));
  return taken;
}

LodgeDescription *
lodge_snapshot_files_load (const char *folder, const char *id, const char *name, GError **error)
{
  g_autofree char *ini = dup_in (id, "machine.ini");
  g_autofree char *path = g_build_filename (folder, ini, NULL);
  g_autoptr (LodgeDescriptionFile) file = NULL;
  int fd = lodge_own_file_open (folder, ini, O_RDONLY, error);

  if (fd >= 0) {
    close (fd);
    file = lodge_description_file_load (path, error);
  }
  if (file == NULL) {
    g_prefix_error (error, _ ("What was stored with the snapshot “%s” cannot be used: "), name);
    return NULL;
  }
  return lodge_description_copy (lodge_description_file_get (file));
}

gboolean
lodge_snapshot_files_restore (
    const char *folder, const char *id, const char *nvram, const char *tpm_state, GError **error)
{
  g_autofree char *stored_nvram = dup_in (id, nvram_name);
  g_autofree char *stored_tpm = dup_in (id, tpm_name);
  gboolean there;

  return (nvram[0] == '\0' ||
          copy (folder, stored_nvram, folder, nvram, MOST_STATE, 0600, &there, error)) &&
         copy_tpm (folder, stored_tpm, folder, tpm_state, 0600, error);
}

gboolean
lodge_snapshot_files_restore_picture (const char *folder, const char *id, GError **error)
{
  g_autofree char *picture = dup_in (id, picture_name);
  gboolean there;

  return copy (folder, picture, folder, picture_name, MOST_PICTURE, 0600, &there, error) &&
         (there || lodge_own_file_remove (folder, picture_name, error));
}

gboolean
lodge_snapshot_files_copy_states (const char *folder,
                                  const LodgeDescription *from,
                                  const char *nvram,
                                  const char *tpm_folder,
                                  const char *tpm_state,
                                  GError **error)
{
  gboolean there;

  return (nvram[0] == '\0' ||
          copy (folder, from->nvram, folder, nvram, MOST_STATE, 0600, &there, error)) &&
         (tpm_folder == NULL ||
          copy_tpm (folder, from->tpm_state, tpm_folder, tpm_state, 0600, error));
}

gboolean
lodge_snapshot_files_set_picture (const char *folder, GBytes *png, GError **error)
{
  g_autofree char *path = g_build_filename (folder, picture_name, NULL);

  /* Nobody would read it. */
  if (png == NULL || g_bytes_get_size (png) > MOST_PICTURE)
    return lodge_own_file_remove (folder, picture_name, error);
  return lodge_durable_file_write (path, g_bytes_get_data (png, NULL), g_bytes_get_size (png),
                                   error);
}

gboolean
lodge_snapshot_files_hand_over (const char *folder,
                                const char *id,
                                const LodgeDescription *from,
                                const char *to_folder,
                                const LodgeDescription *to,
                                GError **error)
{
  g_autofree char *nvram = id != NULL ? dup_in (id, nvram_name) : g_strdup (from->nvram);
  g_autofree char *tpm = id != NULL ? dup_in (id, tpm_name) : g_strdup (from->tpm_state);
  g_autofree char *picture = id != NULL ? dup_in (id, picture_name) : g_strdup (picture_name);
  gboolean there;

  return (to->nvram[0] == '\0' ||
          copy (folder, nvram, to_folder, to->nvram, MOST_STATE, 0600, &there, error)) &&
         copy_tpm (folder, tpm, to_folder, to->tpm_state, 0600, error) &&
         copy (folder, picture, to_folder, picture_name, MOST_PICTURE, 0600, &there, error);
}

guint64
lodge_snapshot_files_measure (const char *folder, const char *id)
{
  static const char *const names[] = {"machine.ini", nvram_name, picture_name};
  g_autofree char *tpm = dup_in (id, tpm_name);
  g_autoptr (GPtrArray) states = lodge_own_folder_list (folder, tpm, NULL);
  guint64 bytes = 0;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *file = dup_in (id, names[i]);

    bytes += lodge_own_file_measure (folder, file);
  }
  for (guint i = 0; states != NULL && i < states->len; i++) {
    g_autofree char *file = g_build_filename (tpm, states->pdata[i], NULL);

    bytes += lodge_own_file_measure (folder, file);
  }
  return bytes;
}

GBytes *
lodge_snapshot_files_load_thumbnail (const char *folder, const char *id)
{
  g_autofree char *file = dup_in (id, picture_name);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  gsize length;
  int fd = lodge_own_file_open (folder, file, O_RDONLY, NULL);
  char *data;

  if (fd < 0)
    return NULL;
  close (fd);
  data = lodge_durable_file_read (path, MOST_PICTURE, &length, NULL);
  return data != NULL ? g_bytes_new_take (data, length) : NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is being changed in a machine's folder.
 *
 *     [journal]
 *     file0=layers/disk0-l1.qcow2
 *     file1=snapshots/s0123456789abcdef
 *
 * The folder may come from somebody else: a path that is none of those that a change makes is
 * refused, and no link is followed.
 */
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-durable-file.h"
#include "description/lodge-ini.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME    "journal"
#define SECTION "journal"
/* More files than the disks, snapshots and states of one change. */
#define MOST_FILES 10000

void (*lodge_journal_step_hook) (const char *step) = NULL;

void
lodge_journal_step (const char *step)
{
  if (lodge_journal_step_hook != NULL)
    lodge_journal_step_hook (step);
}

static char *
dup_path (const char *folder)
{
  return g_build_filename (folder, NAME, NULL);
}

gboolean
lodge_journal_takes (const char *file)
{
  g_auto (GStrv) parts = g_strsplit (file, "/", -1);
  guint n = g_strv_length (parts);

  for (guint i = 0; i < n; i++) {
    /* An image in the making is hidden (lodge_image_target_dup_hidden()). */
    gboolean made = g_str_has_suffix (parts[i], ".new") &&
                    ((i == 1 && n == 2 && strcmp (parts[0], "layers") == 0 && parts[i][0] == '.' &&
                      parts[i][1] != '.') ||
                     (n == 1 && g_str_has_prefix (parts[i], ".nvram")));

    if (parts[i][0] == '\0' || (parts[i][0] == '.' && !made))
      return FALSE;
  }
  if (n == 2)
    return strcmp (parts[0], "layers") == 0 || strcmp (parts[0], "snapshots") == 0;
  return n == 1 &&
         (g_str_has_prefix (file, "nvram") || g_str_has_prefix (file, ".nvram") ||
          g_str_has_prefix (file, "tpm") || strcmp (file, LODGE_DESCRIPTION_KEY_FILE) == 0 ||
          strcmp (file, LODGE_DESCRIPTION_PICTURE) == 0) &&
         strcmp (file, "tpm.log") != 0;
}

/* Transfer full; NULL with an error. Empty where there is no record. */
static GPtrArray *
read_files (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = dup_path (folder);
  g_autoptr (GError) why = NULL;
  g_autoptr (LodgeIni) ini = lodge_ini_load (path, &why);

  if (g_error_matches (why, LODGE_ERROR, LODGE_ERROR_NOT_FOUND))
    return g_steal_pointer (&files);
  if (ini == NULL) {
    g_propagate_error (error, g_steal_pointer (&why));
    return NULL;
  }
  for (guint i = 0; i < MOST_FILES; i++) {
    g_autofree char *key = g_strdup_printf ("file%u", i);
    g_autofree char *file = lodge_ini_dup_value (ini, SECTION, key, NULL);

    if (file == NULL)
      break;
    if (!lodge_journal_takes (file)) {
      g_autofree char *shown = lodge_ini_dup_quotable (file);

      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("%s lists “%s”, which Lodge has not made: look at it, and remove it"), path,
                   shown);
      return NULL;
    }
    g_ptr_array_add (files, g_steal_pointer (&file));
  }
  return g_steal_pointer (&files);
}

GPtrArray *
lodge_journal_list (const char *folder)
{
  GPtrArray *files = read_files (folder, NULL);

  return files != NULL ? files : g_ptr_array_new_with_free_func (g_free);
}

gboolean
lodge_journal_exists (const char *folder)
{
  g_autofree char *path = dup_path (folder);
  struct stat info;

  return lstat (path, &info) == 0;
}

gboolean
lodge_journal_begin (const char *folder, GPtrArray *files, GError **error)
{
  return lodge_journal_begin_live (folder, files, NULL, FALSE, error);
}

char *
lodge_journal_dup_live (const char *folder, gboolean *out_ran)
{
  g_autofree char *path = dup_path (folder);
  g_autoptr (LodgeIni) ini = lodge_ini_load (path, NULL);
  g_autofree char *ran = NULL;

  if (ini == NULL)
    return NULL;
  ran = lodge_ini_dup_value (ini, SECTION, "ran", NULL);
  *out_ran = g_strcmp0 (ran, "true") == 0;
  return lodge_ini_dup_value (ini, SECTION, "snapshot", NULL);
}

gboolean
lodge_journal_begin_live (
    const char *folder, GPtrArray *files, const char *snapshot, gboolean ran, GError **error)
{
  static const char head[] = "# What Lodge is changing here; not to be edited.\n[journal]\n";
  g_autofree char *path = dup_path (folder);
  g_autoptr (GPtrArray) all = read_files (folder, error);
  g_autoptr (LodgeIni) ini = NULL;
  g_autofree char *text = NULL;
  gsize length;

  if (all == NULL)
    return FALSE;
  for (guint i = 0; i < files->len; i++)
    g_ptr_array_add (all, g_strdup (files->pdata[i]));
  ini = lodge_ini_parse (path, head, strlen (head), error);
  for (guint i = 0; i < all->len; i++) {
    g_autofree char *key = g_strdup_printf ("file%u", i);

    if (i >= MOST_FILES) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                   _ ("%s would have to list too many files at once"), path);
      return FALSE;
    }
    g_return_val_if_fail (lodge_journal_takes (all->pdata[i]), FALSE);
    lodge_ini_set_value (ini, SECTION, key, all->pdata[i]);
  }
  if (snapshot != NULL) {
    lodge_ini_set_value (ini, SECTION, "snapshot", snapshot);
    lodge_ini_set_value (ini, SECTION, "ran", ran ? "true" : "false");
  }
  text = lodge_ini_dup_text (ini, &length);
  if (!lodge_durable_file_write (path, text, length, error))
    return FALSE;
  lodge_journal_step ("journal");
  return TRUE;
}

/* A layer that is missing is told by whoever needs it. */
static void
set_modes (const char *folder, const LodgeDescription *now)
{
  for (guint i = 0; i < now->layers->len; i++) {
    const LodgeLayer *layer = now->layers->pdata[i];
    g_autoptr (GError) error = NULL;

    if (g_path_is_absolute (layer->file))
      continue;
    if (!lodge_own_file_set_mode (folder, layer->file,
                                  lodge_description_is_top (now, layer->id) ? 0600 : 0400, &error))
      g_debug ("%s", error->message);
    lodge_journal_step ("mode");
  }
}

gboolean
lodge_journal_finish (const char *folder, const LodgeDescription *now, GError **error)
{
  g_autofree char *path = dup_path (folder);
  g_autofree char *snapshots = NULL;
  g_autoptr (GPtrArray) files = NULL;

  if (!lodge_journal_exists (folder))
    return TRUE;
  files = read_files (folder, error);
  if (files == NULL)
    return FALSE;
  set_modes (folder, now);
  /* What goes is what @now does not name; that has to be what a power cut leaves, too. */
  if (files->len > 0 && !lodge_durable_folder_sync (folder, error))
    return FALSE;
  for (guint i = 0; i < files->len; i++) {
    if (!lodge_description_needs_file (now, files->pdata[i]) &&
        !lodge_own_file_remove (folder, files->pdata[i], error))
      return FALSE;
    lodge_journal_step ("removed");
  }
  snapshots = g_build_filename (folder, "snapshots", NULL);
  /* Only when the last one is gone, or the first was not made. */
  (void) rmdir (snapshots);
  if (unlink (path) != 0 && errno != ENOENT) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved),
                 _ ("Could not remove %s: %s"), path, g_strerror (saved));
    return FALSE;
  }
  lodge_journal_step ("done");
  return lodge_durable_folder_sync (folder, error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which machines' folders are encrypted, and the keys of those that are unlocked. */
#include "storage/lodge-folder-key.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

static GMutex mutex;
/* Folder to LodgeSecret, or to NULL while it is locked. */
static GHashTable *keys;

static void
unref_key (gpointer key)
{
  if (key != NULL)
    lodge_secret_unref (key);
}

void
lodge_folder_key_set (const char *folder, LodgeSecret *key)
{
  g_autofree char *path = g_canonicalize_filename (folder, "/");

  g_mutex_lock (&mutex);
  if (keys == NULL)
    keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, unref_key);
  g_hash_table_replace (keys, g_steal_pointer (&path), key != NULL ? lodge_secret_ref (key) : NULL);
  g_mutex_unlock (&mutex);
}

void
lodge_folder_key_forget (const char *folder)
{
  g_autofree char *path = g_canonicalize_filename (folder, "/");

  g_mutex_lock (&mutex);
  if (keys != NULL)
    g_hash_table_remove (keys, path);
  if (keys != NULL && g_hash_table_size (keys) == 0)
    g_clear_pointer (&keys, g_hash_table_unref);
  g_mutex_unlock (&mutex);
}

/* TRUE: it is one of them. */
static gboolean
look_up (const char *folder, LodgeSecret **out_key)
{
  gpointer key = NULL;

  if (keys == NULL || !g_hash_table_lookup_extended (keys, folder, NULL, &key))
    return FALSE;
  *out_key = key != NULL ? lodge_secret_ref (key) : NULL;
  return TRUE;
}

gboolean
lodge_folder_key_find (const char *path, LodgeSecret **out_key, GError **error)
{
  g_autofree char *folder = g_canonicalize_filename (path, "/");
  gboolean encrypted = FALSE;

  *out_key = NULL;
  g_mutex_lock (&mutex);
  while (!encrypted && folder[1] != '\0') {
    char *above = g_path_get_dirname (folder);

    g_free (folder);
    folder = above;
    encrypted = look_up (folder, out_key);
  }
  g_mutex_unlock (&mutex);
  if (!encrypted || *out_key != NULL)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED,
               _ ("%s is encrypted, and its machine is locked: unlock it first"), path);
  return FALSE;
}

LodgeSecret *
lodge_folder_key_get (const char *folder)
{
  g_autofree char *path = g_canonicalize_filename (folder, "/");
  LodgeSecret *key = NULL;

  g_mutex_lock (&mutex);
  look_up (path, &key);
  g_mutex_unlock (&mutex);
  return key;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which machines' folders are encrypted, and the keys of those that are unlocked. */
#include "storage/lodge-folder-key.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

static GMutex mutex;
typedef struct {
  LodgeSecret *key; /* or NULL: it is locked, or in clear */
  gboolean clear;
} Entry;

/* Folder, or another path, to Entry. */
static GHashTable *keys;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_clear_pointer (&entry->key, lodge_secret_unref);
  g_free (entry);
}

static void
put (const char *path, LodgeSecret *key, gboolean clear)
{
  Entry *entry = g_new0 (Entry, 1);

  if (key != NULL)
    entry->key = lodge_secret_ref (key);
  entry->clear = clear;
  g_mutex_lock (&mutex);
  if (keys == NULL)
    keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  g_hash_table_replace (keys, g_canonicalize_filename (path, "/"), entry);
  g_mutex_unlock (&mutex);
}

void
lodge_folder_key_set (const char *folder, LodgeSecret *key)
{
  put (folder, key, FALSE);
}

void
lodge_folder_key_except (const char *path, LodgeSecret *key)
{
  put (path, key, key == NULL);
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

/* Lent; NULL: it is none of them. */
static const Entry *
look_up (const char *path)
{
  return keys != NULL ? g_hash_table_lookup (keys, path) : NULL;
}

static LodgeSecret *
ref_key (const Entry *entry)
{
  return entry != NULL && entry->key != NULL ? lodge_secret_ref (entry->key) : NULL;
}

gboolean
lodge_folder_key_find (const char *path, LodgeSecret **out_key, GError **error)
{
  g_autofree char *folder = g_canonicalize_filename (path, "/");
  gboolean clear;
  const Entry *entry;

  g_mutex_lock (&mutex);
  while ((entry = look_up (folder)) == NULL && folder[1] != '\0') {
    char *above = g_path_get_dirname (folder);

    g_free (folder);
    folder = above;
  }
  clear = entry == NULL || entry->clear;
  *out_key = ref_key (entry);
  g_mutex_unlock (&mutex);
  if (clear || *out_key != NULL)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED,
               _ ("%s is encrypted, and its machine is locked: unlock it first"), path);
  return FALSE;
}

LodgeSecret *
lodge_folder_key_get (const char *folder)
{
  g_autofree char *path = g_canonicalize_filename (folder, "/");
  LodgeSecret *key;

  g_mutex_lock (&mutex);
  key = ref_key (look_up (path));
  g_mutex_unlock (&mutex);
  return key;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are being made outside of any machine's folder. A record is a file whose name says
 * nothing, and whose text is the path. */
#include "description/lodge-unfinished.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "unfinished"
/* PATH_MAX, and some. */
#define MOST_BYTES 8192
#define MOST_TRIES 100

char *
lodge_unfinished_begin (const char *data_folder, const char *path, GError **error)
{
  g_autofree char *folder = g_build_filename (data_folder, FOLDER, NULL);
  g_autofree char *name = g_uuid_string_random ();
  g_autofree char *record = g_build_filename (folder, name, NULL);
  g_autoptr (GError) problem = NULL;

  /* Another's end may take the folder away before the record is in it. */
  for (guint i = 0; i < MOST_TRIES; i++) {
    g_clear_error (&problem);
    if (mkdir (folder, 0700) != 0 && errno != EEXIST) {
      int saved = errno;

      g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved),
                   _ ("Could not make %s: %s"), folder, g_strerror (saved));
      return NULL;
    }
    if (lodge_durable_file_write (record, path, strlen (path), &problem))
      return g_steal_pointer (&record);
    if (!g_error_matches (problem, LODGE_ERROR, LODGE_ERROR_NOT_FOUND))
      break;
  }
  g_propagate_error (error, g_steal_pointer (&problem));
  return NULL;
}

void
lodge_unfinished_end (const char *record)
{
  g_autofree char *folder = g_path_get_dirname (record);

  unlink (record);
  /* Only when it was the last. */
  (void) rmdir (folder);
}

/* What is there by now may be somebody else's. */
static gboolean
is_ours (const char *path)
{
  g_autofree char *name = g_path_get_basename (path);
  struct stat info;

  return g_path_is_absolute (path) && name[0] == '.' && g_str_has_suffix (name, ".new") &&
         lstat (path, &info) == 0 && S_ISREG (info.st_mode) && info.st_uid == getuid ();
}

void
lodge_unfinished_clean (const char *data_folder)
{
  g_autofree char *folder = g_build_filename (data_folder, FOLDER, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *record = g_build_filename (folder, name, NULL);
    g_autofree char *path = NULL;
    gsize length;

    /* Half a record is of a file that was not begun. */
    path = lodge_durable_file_read (record, MOST_BYTES, &length, NULL);
    if (path != NULL && strlen (path) == length && is_ours (path))
      unlink (path);
    unlink (record);
  }
  (void) rmdir (folder);
}

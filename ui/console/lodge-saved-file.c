/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of files that are the user's. */
#include "console/lodge-saved-file.h"

#include <string.h>

/* A file's name has at most 255 bytes (Linux, NAME_MAX); the moment and a number are added. */
#define WHAT_BYTES 200
#define NAMES_MAX  1000

char *
lodge_saved_file_dup_stem (const char *what)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *moment = g_date_time_format (now, "%Y-%m-%d %H-%M-%S");
  g_autofree char *name = g_strdup (what);

  if (strlen (name) > WHAT_BYTES) {
    name[WHAT_BYTES] = '\0';
    *(char *) g_utf8_find_prev_char (name, name + WHAT_BYTES) = '\0';
  }
  /* A name is free of '/' by the engine's rules; a file's name is not left to that. One that begins
   * with a dot would be hidden. */
  g_strdelimit (name, "/", '-');
  if (*name == '.')
    *name = '-';
  return g_strdup_printf ("%s %s", name, moment);
}

char *
lodge_saved_file_dup_folder (GUserDirectory directory, const char *name)
{
  const char *folder = g_get_user_special_dir (directory);

  return folder != NULL ? g_strdup (folder) : g_build_filename (g_get_home_dir (), name, NULL);
}

GFileOutputStream *
lodge_saved_file_create (
    const char *folder, const char *stem, const char *ending, GFile **out_file, GError **error)
{
  /* The file's own error says which folder when this did not help. */
  g_mkdir_with_parents (folder, 0755);
  for (guint i = 1; i <= NAMES_MAX; i++) {
    g_autofree char *name = i == 1 ? g_strdup_printf ("%s%s", stem, ending)
                                   : g_strdup_printf ("%s (%u)%s", stem, i, ending);
    g_autoptr (GFile) file = g_file_new_build_filename (folder, name, NULL);
    g_autoptr (GError) problem = NULL;
    GFileOutputStream *stream = g_file_create (file, G_FILE_CREATE_NONE, NULL, &problem);

    if (stream == NULL && g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_EXISTS) && i < NAMES_MAX)
      continue;
    if (stream == NULL)
      g_propagate_error (error, g_steal_pointer (&problem));
    else
      *out_file = g_steal_pointer (&file);
    return stream;
  }
  g_return_val_if_reached (NULL);
}

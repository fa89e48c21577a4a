/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which folders of machines were made, or accepted once, by the Lodge of this user.
 *
 * A machine's folder can be copied in from anywhere, with whatever its maker has written into it.
 * What is known is kept beside the machines, in "known/UUID", where no such folder can bring it
 * along: the first line tells the folder from every other one of that name, the others are what was
 * taken out of its description when it was accepted.
 *
 * The device's number is left out: it differs from one start of the computer to the next. A folder
 * restored from a backup is another one and is asked for again, which is the safe side.
 */
#include "description/lodge-known-folder.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_BYTES (1024 * 1024)

static char *
dup_path (const char *folder)
{
  g_autofree char *uuid = g_path_get_basename (folder);
  g_autofree char *machines = g_path_get_dirname (folder);
  g_autofree char *data = g_path_get_dirname (machines);

  return g_build_filename (data, "known", uuid, NULL);
}

/* The number of a removed folder is soon another's; when it was made is not. NULL: it is gone. */
static char *
dup_identity (const char *folder)
{
  struct statx info;

  if (statx (AT_FDCWD, folder, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &info) != 0)
    return NULL;
  if ((info.stx_mask & STATX_BTIME) == 0)
    return g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64) info.stx_ino);
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %" G_GINT64_FORMAT ".%09u", (guint64) info.stx_ino,
                          (gint64) info.stx_btime.tv_sec, info.stx_btime.tv_nsec);
}

gboolean
lodge_known_folder_check (const char *folder, char ***out_held)
{
  g_autofree char *path = dup_path (folder);
  g_autofree char *identity = dup_identity (folder);
  gsize length;
  /* One that cannot be read is none. */
  g_autofree char *text = lodge_durable_file_read (path, MOST_BYTES, &length, NULL);
  g_auto (GStrv) lines = text != NULL ? g_strsplit (text, "\n", -1) : NULL;

  if (lines == NULL || identity == NULL || g_strcmp0 (lines[0], identity) != 0)
    return FALSE;
  *out_held = g_strdupv (lines + 1);
  return TRUE;
}

gboolean
lodge_known_folder_set (const char *folder, const char *const *held, GError **error)
{
  g_autofree char *path = dup_path (folder);
  g_autofree char *known = g_path_get_dirname (path);
  g_autofree char *identity = dup_identity (folder);
  g_autoptr (GString) text = g_string_new (identity);

  if (identity == NULL || g_mkdir_with_parents (known, 0700) != 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved), _ ("Could not write %s: %s"),
                 path, g_strerror (saved));
    return FALSE;
  }
  for (guint i = 0; held != NULL && held[i] != NULL; i++)
    g_string_append_printf (text, "\n%s", held[i]);
  return lodge_durable_file_write (path, text->str, text->len, error);
}

void
lodge_known_folder_forget (const char *folder)
{
  g_autofree char *path = dup_path (folder);

  /* One that stays is of a folder that is gone: it is like no other. */
  (void) g_unlink (path);
}

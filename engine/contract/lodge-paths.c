/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the engine and its clients meet. */
#include "lodge-paths.h"

#include "lodge-config.h"
#include "lodge-error.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

char *
lodge_paths_dup_runtime (void)
{
  const char *override = g_getenv ("LODGE_RUNTIME_DIR");

  if (override != NULL && g_path_is_absolute (override))
    return g_strdup (override);
  return g_build_filename (g_get_user_runtime_dir (), "lodge", NULL);
}

char *
lodge_paths_ensure_runtime (GError **error)
{
  g_autofree char *path = lodge_paths_dup_runtime ();
  struct stat info;

  if (g_mkdir_with_parents (path, 0700) != 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED, _ ("Could not make the folder %s: %s"),
                 path, g_strerror (saved));
    return NULL;
  }

  /* lstat: a link put there by somebody else must not lead our sockets elsewhere. */
  if (lstat (path, &info) != 0 || !S_ISDIR (info.st_mode) || info.st_uid != geteuid () ||
      (info.st_mode & 077) != 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED,
                 _ ("The folder %s must belong to you alone: remove it, or change its owner and "
                    "permissions (0700)"),
                 path);
    return NULL;
  }

  return g_steal_pointer (&path);
}

char *
lodge_paths_dup_engine_socket (void)
{
  g_autofree char *runtime = lodge_paths_dup_runtime ();

  return g_build_filename (runtime, "engine.sock", NULL);
}

char *
lodge_paths_dup_machine_runtime (const char *uuid)
{
  g_autofree char *runtime = lodge_paths_dup_runtime ();

  return g_build_filename (runtime, "m", uuid, NULL);
}

char *
lodge_paths_dup_data (void)
{
  return g_build_filename (g_get_user_data_dir (), "lodge", NULL);
}

char *
lodge_paths_dup_helper (const char *name)
{
  const char *folder = g_getenv ("LODGE_LIBEXECDIR");

  return g_build_filename (folder != NULL && *folder != '\0' ? folder : LODGE_LIBEXECDIR, name,
                           NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which folders may be shared.
 *
 * Whoever may write into a folder of settings may run programs on this computer, and whoever may
 * read it knows the user's keys. That is never what somebody meant by sharing a folder.
 */
#include "sharing/lodge-shared-folder.h"

#include "description/lodge-ini.h"
#include "lodge-error.h"
#include "lodge-paths.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Both without links. */
static gboolean
is_in (const char *path, const char *folder)
{
  gsize length = strlen (folder);

  if (g_str_equal (folder, "/"))
    return TRUE;
  return strncmp (path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Takes @path. Where it does not exist it is compared as it is written. */
static char *
take_real (char *path)
{
  char *real = realpath (path, NULL);
  char *copy = g_strdup (real != NULL ? real : path);

  free (real);
  g_free (path);
  return copy;
}

/* One sentence's end, or NULL. */
static const char *
find_secret (const char *real)
{
  const struct {
    char *path;
    const char *why;
  } secrets[] = {
      {g_strdup (g_get_user_config_dir ()), _ ("the settings of programs are there")},
      {lodge_paths_dup_data (), _ ("Lodge keeps its machines there")},
      {lodge_paths_dup_runtime (), _ ("the sockets of programs are there")},
      {g_strdup (g_get_user_runtime_dir ()), _ ("the sockets of programs are there")},
      {g_strdup ("/etc"), _ ("it belongs to the system")},
      {g_strdup ("/usr"), _ ("it belongs to the system")},
      {g_strdup ("/boot"), _ ("it belongs to the system")},
      {g_strdup ("/dev"), _ ("it belongs to the system")},
      {g_strdup ("/proc"), _ ("it belongs to the system")},
      {g_strdup ("/sys"), _ ("it belongs to the system")},
  };
  const char *why = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++) {
    g_autofree char *secret = take_real (secrets[i].path);

    if (why == NULL && (is_in (real, secret) || is_in (secret, real)))
      why = secrets[i].why;
  }
  return why;
}

/* Folders whose programs are started without a question: by name, at login, or from a menu. */
static const char *
find_danger (const char *real)
{
  g_autoptr (GPtrArray) places = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) path = g_strsplit (g_getenv ("PATH") != NULL ? g_getenv ("PATH") : "", ":", -1);

  g_ptr_array_add (places, g_build_filename (g_get_home_dir (), "bin", NULL));
  g_ptr_array_add (places, g_build_filename (g_get_home_dir (), "snap", NULL));
  g_ptr_array_add (places, g_strdup (g_get_user_data_dir ()));
  for (guint i = 0; path[i] != NULL; i++) {
    if (g_path_is_absolute (path[i]))
      g_ptr_array_add (places, g_strdup (path[i]));
  }
  for (guint i = 0; i < places->len; i++) {
    g_autofree char *place = take_real (g_steal_pointer (&places->pdata[i]));

    if (is_in (real, place) || is_in (place, real))
      return _ ("programs are started from there, so it can be shared read-only at most");
  }
  return NULL;
}

static const char *
find_reason (int fd, const char *real, gboolean writable)
{
  g_autofree char *home = take_real (g_strdup (g_get_home_dir ()));
  g_autofree char *here = g_strdup_printf ("/proc/self/fd/%d", fd);
  const char *why;
  struct stat info;

  if (fstat (fd, &info) != 0 || !S_ISDIR (info.st_mode))
    return _ ("it is not a folder");
  if (info.st_nlink == 0)
    return _ ("it has been removed");
  if (g_str_equal (real, "/"))
    return _ ("the whole computer would be shared");
  if (is_in (home, real))
    return _ ("the whole home folder would be shared, with passwords and keys");
  /* ~/.ssh, ~/.gnupg, ~/.local, ~/.mozilla, ... */
  if (is_in (real, home) && !g_str_equal (home, "/") && real[strlen (home) + 1] == '.')
    return _ ("the hidden folders of the home folder hold keys, passwords and the settings of "
              "programs");
  if (info.st_uid != geteuid ())
    return _ ("it belongs to another user");
  if (access (here, R_OK | X_OK) != 0)
    return _ ("you may not read it");
  why = find_secret (real);
  if (why == NULL && writable)
    why = find_danger (real);
  return why;
}

int
lodge_shared_folder_open (const char *path, gboolean writable, char **out_real, GError **error)
{
  g_autofree char *shown = lodge_ini_dup_quotable (path);
  /* Links on the way are the user's own; what counts is where they lead, now and once. */
  int fd = open (path, O_PATH | O_CLOEXEC);
  g_autofree char *here = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *real = NULL;
  const char *why;

  if (fd < 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                 _ ("The folder “%s” cannot be shared: %s"), shown, g_strerror (saved));
    return -1;
  }
  real = g_file_read_link (here, NULL);
  why = real != NULL ? find_reason (fd, real, writable) : _ ("/proc is not there");
  if (why == NULL) {
    *out_real = g_steal_pointer (&real);
    return fd;
  }
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("The folder “%s” cannot be shared: %s"),
               shown, why);
  close (fd);
  return -1;
}

char *
lodge_shared_folder_check (const char *path, gboolean writable, GError **error)
{
  char *real = NULL;
  int fd = lodge_shared_folder_open (path, writable, &real, error);

  if (fd >= 0)
    close (fd);
  return real;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files in a machine's folder, by their paths in it. */
#include "description/lodge-own-file.h"

#include "description/lodge-durable-file.h"
#include "description/lodge-remove-tree.h"
#include "lodge-error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
set_error (GError **error, const char *folder, const char *file, int saved_errno)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);

  if (lodge_durable_is_full (saved_errno))
    lodge_durable_set_full (error, path);
  else if (saved_errno == ELOOP)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is a link: it must be the file itself"), path);
  else
    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved_errno),
                 _ ("Could not open %s: %s"), path, g_strerror (saved_errno));
}

/* With O_DIRECTORY a link is only no folder. */
static int
look_again (int folder_fd, const char *name, int saved_errno)
{
  struct stat info;

  if (saved_errno == ENOTDIR && fstatat (folder_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISLNK (info.st_mode))
    return ELOOP;
  return saved_errno;
}

/* The folder that @file is in, and its name there. -1 with errno set. */
static int
open_parent (const char *folder, const char *file, char **out_name)
{
  g_auto (GStrv) parts = g_strsplit (file, "/", -1);
  guint n = g_strv_length (parts);
  int fd = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (fd >= 0 && n == 0) {
    close (fd);
    errno = ELOOP;
    return -1;
  }
  for (guint i = 0; fd >= 0 && i < n; i++) {
    int next;

    if (parts[i][0] == '\0' || strcmp (parts[i], ".") == 0 || strcmp (parts[i], "..") == 0) {
      close (fd);
      errno = ELOOP;
      return -1;
    }
    if (i + 1 == n)
      break;
    next = openat (fd, parts[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0) {
      int saved = look_again (fd, parts[i], errno);

      close (fd);
      errno = saved;
      return -1;
    }
    close (fd);
    fd = next;
  }
  if (fd >= 0)
    *out_name = g_strdup (parts[n - 1]);
  return fd;
}

static int
open_it (const char *folder, const char *file, int flags, gboolean is_folder, GError **error)
{
  g_autofree char *name = NULL;
  int parent = open_parent (folder, file, &name);
  struct stat info;
  int fd = -1, saved = errno;

  if (parent >= 0) {
    /* O_NONBLOCK: opening a named pipe would wait for its writer. */
    fd = openat (parent, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    saved = fd < 0 ? look_again (parent, name, errno) : 0;
    close (parent);
  }
  if (fd >= 0 &&
      (fstat (fd, &info) != 0 || !(is_folder ? S_ISDIR (info.st_mode) : S_ISREG (info.st_mode)))) {
    close (fd);
    fd = -1;
    saved = is_folder ? ENOTDIR : EISDIR;
  }
  if (fd < 0)
    set_error (error, folder, file, saved);
  return fd;
}

int
lodge_own_file_open (const char *folder, const char *file, int flags, GError **error)
{
  return open_it (folder, file, flags, FALSE, error);
}

int
lodge_own_folder_open (const char *folder, const char *file, GError **error)
{
  return open_it (folder, file, O_RDONLY | O_DIRECTORY, TRUE, error);
}

gboolean
lodge_own_folder_make (const char *folder, const char *file, GError **error)
{
  g_autofree char *name = NULL;
  int parent = open_parent (folder, file, &name);
  int saved = errno;
  int fd;

  if (parent >= 0) {
    saved = mkdirat (parent, name, 0700) == 0 ? 0 : errno;
    close (parent);
  }
  if (saved != 0 && saved != EEXIST) {
    g_autofree char *path = g_build_filename (folder, file, NULL);

    if (lodge_durable_is_full (saved))
      lodge_durable_set_full (error, path);
    else
      g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved),
                   _ ("Could not make the folder %s: %s"), path, g_strerror (saved));
    return FALSE;
  }
  fd = lodge_own_folder_open (folder, file, error);
  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

gboolean
lodge_own_file_set_mode (const char *folder, const char *file, mode_t mode, GError **error)
{
  int fd = lodge_own_file_open (folder, file, O_RDONLY, error);
  int saved = 0;

  if (fd < 0)
    return FALSE;
  if (fchmod (fd, mode) != 0)
    saved = errno;
  close (fd);
  if (saved == 0)
    return TRUE;
  set_error (error, folder, file, saved);
  return FALSE;
}

gboolean
lodge_own_file_remove (const char *folder, const char *file, GError **error)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *name = NULL;
  int parent = open_parent (folder, file, &name);
  gboolean good;

  if (parent < 0) {
    if (errno == ENOENT)
      return TRUE;
    set_error (error, folder, file, errno);
    return FALSE;
  }
  good = lodge_remove_tree (parent, name, path, error);
  close (parent);
  return good;
}

static void
set_link_error (GError **error, const char *path, int saved_errno)
{
  /* link(2): another file system, none that knows it, or too many names already. */
  if (saved_errno == EXDEV || saved_errno == EPERM || saved_errno == EOPNOTSUPP ||
      saved_errno == EMLINK || saved_errno == ENOSYS)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("%s cannot be shared: %s"), path,
                 g_strerror (saved_errno));
  else if (lodge_durable_is_full (saved_errno))
    lodge_durable_set_full (error, path);
  else
    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved_errno),
                 _ ("Could not make %s: %s"), path, g_strerror (saved_errno));
}

gboolean
lodge_own_file_link (const char *folder,
                     const char *file,
                     const char *to_folder,
                     const char *to_file,
                     GError **error)
{
  g_autofree char *to_path = g_build_filename (to_folder, to_file, NULL);
  g_autofree char *proc = NULL;
  g_autofree char *name = NULL;
  int fd = lodge_own_file_open (folder, file, O_RDONLY, error);
  int parent, saved;

  if (fd < 0)
    return FALSE;
  parent = open_parent (to_folder, to_file, &name);
  /* The file that was opened, whatever has its name by now (open(2), O_TMPFILE). */
  proc = g_strdup_printf ("/proc/self/fd/%d", fd);
  saved = parent >= 0 && linkat (AT_FDCWD, proc, parent, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
  if (parent >= 0)
    close (parent);
  close (fd);
  if (saved == 0)
    return TRUE;
  set_link_error (error, to_path, saved);
  return FALSE;
}

guint
lodge_own_file_count_names (const char *folder, const char *file)
{
  int fd = lodge_own_file_open (folder, file, O_RDONLY, NULL);
  struct stat info;
  guint n = 0;

  if (fd < 0)
    return 0;
  if (fstat (fd, &info) == 0)
    n = (guint) info.st_nlink;
  close (fd);
  return n;
}

guint64
lodge_own_file_measure (const char *folder, const char *file)
{
  g_autofree char *name = NULL;
  int parent = open_parent (folder, file, &name);
  struct stat info = {0};

  if (parent < 0)
    return 0;
  if (fstatat (parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
    info.st_blocks = 0;
  close (parent);
  /* stat(2): in units of 512 bytes, whatever the file system's blocks are. */
  return (guint64) info.st_blocks * 512;
}

GPtrArray *
lodge_own_folder_list (const char *folder, const char *file, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) why = NULL;
  int fd = lodge_own_folder_open (folder, file, &why);
  int saved = 0;
  struct dirent *entry;
  DIR *dir;

  if (fd < 0 && g_error_matches (why, LODGE_ERROR, LODGE_ERROR_NOT_FOUND))
    return g_steal_pointer (&names);
  if (fd < 0) {
    g_propagate_error (error, g_steal_pointer (&why));
    return NULL;
  }
  dir = fdopendir (fd);
  if (dir == NULL) {
    saved = errno;
    close (fd);
  } else {
    /* readdir(3): only errno tells an error from the end. */
    while (errno = 0, (entry = readdir (dir)) != NULL) {
      if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
        g_ptr_array_add (names, g_strdup (entry->d_name));
    }
    saved = errno;
    closedir (dir);
  }
  if (saved == 0)
    return g_steal_pointer (&names);
  set_error (error, folder, file, saved);
  return NULL;
}

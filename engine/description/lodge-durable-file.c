/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files that must survive a crash. */
#include "description/lodge-durable-file.h"

#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
lodge_durable_error_code (int saved_errno)
{
  switch (saved_errno) {
  case ENOENT:
  case ENOTDIR:
    return LODGE_ERROR_NOT_FOUND;
  case EEXIST:
    return LODGE_ERROR_EXISTS;
  case EACCES:
  case EPERM:
  case EROFS:
    return LODGE_ERROR_DENIED;
  case ELOOP:
  case EISDIR:
  case ENAMETOOLONG:
    return LODGE_ERROR_INVALID;
  default:
    return LODGE_ERROR_STORAGE;
  }
}

void
lodge_durable_set_full (GError **error, const char *path)
{
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE,
               _ ("There is not enough room for %s: the disk is full, free some space on it"),
               path);
}

gboolean
lodge_durable_is_full (int saved_errno)
{
  /* The last is a limit of the process (setrlimit(2)): these files are far below what a file system
   * can have. */
  return saved_errno == ENOSPC || saved_errno == EDQUOT || saved_errno == EFBIG;
}

gboolean
lodge_durable_says_full (const char *words)
{
  /* strerror(3), not translated: QEMU sets a locale for its own windows only. */
  return strstr (words, "No space left") != NULL || strstr (words, "File too large") != NULL;
}

/* @format takes the path and the system's words. */
static void
set_error (GError **error, const char *format, const char *path, int saved_errno)
{
  if (lodge_durable_is_full (saved_errno)) {
    lodge_durable_set_full (error, path);
    return;
  }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved_errno), format, path,
               g_strerror (saved_errno));
#pragma GCC diagnostic pop
}

static gboolean
read_all (int fd, GByteArray *bytes, gsize limit, const char *path, GError **error)
{
  guint8 buffer[16384];

  for (;;) {
    gssize n = TEMP_FAILURE_RETRY (read (fd, buffer, sizeof buffer));

    if (n < 0) {
      set_error (error, _ ("Could not read %s: %s"), path, errno);
      return FALSE;
    }
    if (n == 0)
      return TRUE;
    /* Counted here and not only by fstat(): a file may grow while it is read. */
    if (bytes->len + (gsize) n > limit) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("%s is larger than %u bytes"), path,
                   (guint) limit);
      return FALSE;
    }
    g_byte_array_append (bytes, buffer, n);
  }
}

char *
lodge_durable_file_read (const char *path, gsize limit, gsize *out_length, GError **error)
{
  g_autoptr (GByteArray) bytes = NULL;
  struct stat info;
  gboolean good;
  int fd;

  /* O_NONBLOCK: opening a named pipe would wait for its writer. */
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    if (errno == ELOOP)
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("%s is a link: it must be the file itself"), path);
    else
      set_error (error, _ ("Could not open %s: %s"), path, errno);
    return NULL;
  }
  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("%s is not a file"), path);
    close (fd);
    return NULL;
  }

  bytes = g_byte_array_new ();
  good = read_all (fd, bytes, limit, path, error);
  close (fd);
  if (!good)
    return NULL;
  *out_length = bytes->len;
  g_byte_array_append (bytes, (const guint8 *) "", 1);
  return (char *) g_byte_array_free (g_steal_pointer (&bytes), FALSE);
}

/* 0 or an errno. */
static int
write_all (int fd, const char *data, gsize length)
{
  while (length > 0) {
    gssize n = TEMP_FAILURE_RETRY (write (fd, data, length));

    if (n < 0)
      return errno;
    data += n;
    length -= n;
  }
  return 0;
}

gboolean
lodge_durable_folder_sync (const char *folder, GError **error)
{
  int fd = open (folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  int saved = 0;

  if (fd < 0 || fsync (fd) != 0)
    saved = errno;
  if (fd >= 0)
    close (fd);
  /* Some file systems (FUSE, CIFS) know no fsync of a folder; they have nothing more to give. */
  if (saved == 0 || saved == EINVAL || saved == ENOTSUP)
    return TRUE;
  set_error (error, _ ("Could not write the folder %s to disk: %s"), folder, saved);
  return FALSE;
}

int
lodge_durable_rename_new (int folder_fd, const char *from, const char *to)
{
  struct stat info;

  if (renameat2 (folder_fd, from, folder_fd, to, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return errno;
  /* A file system that does not know the flag (NFS). One engine alone works in our folders. */
  if (fstatat (folder_fd, to, &info, AT_SYMLINK_NOFOLLOW) == 0)
    return EEXIST;
  return renameat (folder_fd, from, folder_fd, to) == 0 ? 0 : errno;
}

/* @sync: wait until the disk has the data. */
static gboolean
put (const char *path, const char *data, gsize length, gboolean sync, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *hidden = g_strdup_printf ("%s/.%s.new", folder, name);
  int fd, saved;

  /* Always the same name, so that what a crash left there goes with the next write. */
  unlink (hidden);
  fd = open (hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    set_error (error, _ ("Could not write %s: %s"), path, errno);
    return FALSE;
  }

  saved = write_all (fd, data, length);
  if (saved == 0 && sync && fsync (fd) != 0)
    saved = errno;
  if (close (fd) != 0 && saved == 0)
    saved = errno;
  if (saved == 0 && rename (hidden, path) != 0)
    saved = errno;
  if (saved == 0)
    return TRUE;
  unlink (hidden);
  set_error (error, _ ("Could not write %s: %s"), path, saved);
  return FALSE;
}

gboolean
lodge_durable_file_write (const char *path, const char *data, gsize length, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);

  return put (path, data, length, TRUE, error) && lodge_durable_folder_sync (folder, error);
}

gboolean
lodge_durable_file_replace (const char *path, const char *data, gsize length, GError **error)
{
  return put (path, data, length, FALSE, error);
}

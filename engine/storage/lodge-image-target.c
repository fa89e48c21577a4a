/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An image in the making. */
#include "storage/lodge-image-target.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What is left free for others, whose guests would stand still. */
#define SPARE_BYTES (G_GUINT64_CONSTANT (64) << 20)

static void
set_error (const LodgeImageTarget *self, int saved_errno, GError **error)
{
  if (saved_errno == EEXIST)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS, _ ("%s is there already"), self->path);
  else if (lodge_durable_is_full (saved_errno))
    lodge_durable_set_full (error, self->path);
  else
    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved_errno),
                 _ ("Could not make %s: %s"), self->path, g_strerror (saved_errno));
}

char *
lodge_image_target_dup_hidden (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);

  return g_strdup_printf ("%s/.%s.new", folder, name);
}

char *
lodge_image_target_dup_apart (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);

  /* Shorter, so that the whole is no longer than a name may be. */
  return g_strdup_printf ("%s/.%.*s.%08x.new", folder, NAME_MAX - 16, name, g_random_int ());
}

guint64
lodge_image_target_get_room (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  struct statvfs info;
  guint64 room = statvfs (folder, &info) == 0 ? (guint64) info.f_bavail * info.f_frsize : 0;

  return room > SPARE_BYTES ? room - SPARE_BYTES : 0;
}

LodgeImageTarget *
lodge_image_target_begin_as (const char *path,
                             const char *hidden,
                             gboolean replaces,
                             GError **error)
{
  g_autoptr (LodgeImageTarget) self = g_new0 (LodgeImageTarget, 1);
  struct stat info;
  int fd;

  self->path = g_strdup (path);
  self->replaces = replaces;
  if (lstat (path, &info) == 0 && (!replaces || !S_ISREG (info.st_mode))) {
    set_error (self, EEXIST, error);
    return NULL;
  }
  /* What a crash left goes now. */
  unlink (hidden);
  fd = open (hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) {
    set_error (self, errno, error);
    return NULL;
  }
  close (fd);
  self->hidden = g_strdup (hidden);
  return g_steal_pointer (&self);
}

LodgeImageTarget *
lodge_image_target_begin (const char *path, GError **error)
{
  g_autofree char *hidden = lodge_image_target_dup_hidden (path);

  return lodge_image_target_begin_as (path, hidden, FALSE, error);
}

gboolean
lodge_image_target_commit (LodgeImageTarget *self, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (self->path);
  int fd = open (self->hidden, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  int saved = fd >= 0 ? 0 : errno;

  if (fd >= 0 && fsync (fd) != 0)
    saved = errno;
  if (fd >= 0)
    close (fd);
  if (saved == 0 && !self->replaces)
    saved = lodge_durable_rename_new (AT_FDCWD, self->hidden, self->path);
  else if (saved == 0 && rename (self->hidden, self->path) != 0)
    saved = errno;
  if (saved != 0) {
    set_error (self, saved, error);
    return FALSE;
  }
  g_clear_pointer (&self->hidden, g_free);
  if (lodge_durable_folder_sync (folder, error))
    return TRUE;
  /* What was there before is gone already. */
  if (!self->replaces)
    unlink (self->path);
  return FALSE;
}

void
lodge_image_target_free (LodgeImageTarget *self)
{
  if (self == NULL)
    return;
  if (self->hidden != NULL)
    unlink (self->hidden);
  g_free (self->hidden);
  g_free (self->path);
  g_free (self);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Removing a folder that may be hostile.
 *
 * Every step is relative to a descriptor of the folder it is in, and every folder is opened with
 * O_NOFOLLOW: whatever is renamed or linked meanwhile, the walk stays in the tree it began in.
 */
#include "description/lodge-remove-tree.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One descriptor is open for each level. */
#define MOST_LEVELS 64

typedef struct {
  const char *shown;
  gboolean only_look;
  dev_t device;
  guint64 mount; /* 0 where the kernel does not say (before Linux 5.8) */
} Walk;

/* A bind mount of the same file system has the same device: the mount's own number tells. */
static gboolean
get_place (int fd, dev_t *out_device, guint64 *out_mount)
{
  struct stat info;
  struct statx extended = {0};

  if (fstat (fd, &info) != 0)
    return FALSE;
  *out_device = info.st_dev;
  *out_mount = 0;
  if (statx (fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &extended) == 0 &&
      (extended.stx_mask & STATX_MNT_ID) != 0)
    *out_mount = extended.stx_mnt_id;
  return TRUE;
}

static gboolean
refuse (const Walk *walk, int saved_errno, GError **error)
{
  g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved_errno),
               _ ("Could not remove all of %s: %s"), walk->shown, g_strerror (saved_errno));
  return FALSE;
}

static gboolean walk_folder (const Walk *walk, int fd, guint level, GError **error);

static gboolean
walk_name (const Walk *walk, int folder_fd, const char *name, guint level, GError **error)
{
  struct stat info;
  guint64 mount;
  dev_t device;
  int fd;

  if (fstatat (folder_fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? TRUE : refuse (walk, errno, error);

  if (!S_ISDIR (info.st_mode)) {
    if (walk->only_look || unlinkat (folder_fd, name, 0) == 0 || errno == ENOENT)
      return TRUE;
    return refuse (walk, errno, error);
  }

  if (level >= MOST_LEVELS) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("%s has folders in folders more than %d deep: remove them by hand"),
                 walk->shown, MOST_LEVELS);
    return FALSE;
  }
  fd = openat (folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return refuse (walk, errno, error);
  if (!get_place (fd, &device, &mount) || device != walk->device || mount != walk->mount) {
    close (fd);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("%s has another file system in it, mounted at “%s”: unmount that first"),
                 walk->shown, name);
    return FALSE;
  }
  /* Takes the descriptor. */
  if (!walk_folder (walk, fd, level + 1, error))
    return FALSE;
  if (walk->only_look || unlinkat (folder_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return TRUE;
  return refuse (walk, errno, error);
}

static gboolean
walk_folder (const Walk *walk, int fd, guint level, GError **error)
{
  DIR *folder = fdopendir (fd);
  gboolean good = TRUE;
  struct dirent *entry;

  if (folder == NULL) {
    int saved = errno;

    close (fd);
    return refuse (walk, saved, error);
  }
  while (good && (entry = readdir (folder)) != NULL) {
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      good = walk_name (walk, fd, entry->d_name, level, error);
  }
  closedir (folder);
  return good;
}

static gboolean
walk (int folder_fd, const char *name, const char *shown, gboolean only_look, GError **error)
{
  Walk all = {shown, only_look, 0, 0};

  g_return_val_if_fail (strchr (name, '/') == NULL, FALSE);

  if (!get_place (folder_fd, &all.device, &all.mount))
    return refuse (&all, errno, error);
  return walk_name (&all, folder_fd, name, 0, error);
}

gboolean
lodge_remove_tree_check (int folder_fd, const char *name, const char *shown, GError **error)
{
  return walk (folder_fd, name, shown, TRUE, error);
}

gboolean
lodge_remove_tree (int folder_fd, const char *name, const char *shown, GError **error)
{
  return walk (folder_fd, name, shown, TRUE, error) && walk (folder_fd, name, shown, FALSE, error);
}

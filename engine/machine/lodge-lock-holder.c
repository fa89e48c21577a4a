/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who has the lock of a machine whose sockets are gone.
 *
 * /proc/PID/fdinfo/N has a line "lock:" for every lock that was taken through the open file behind
 * descriptor N (proc(5)), also for those who inherited it, as QEMU has from the engine. /proc/locks
 * would name the engine that took it, which may be gone.
 */
#include "machine/lodge-lock-holder.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum { NOBODY, ENDING, BUBBLEWRAP, QEMU } Kind;

/* What is found in place of a pid. */
#define SOMEBODY_ENDS (-1)

/* NULL with errno. */
static char *
dup_link (const char *link)
{
  char path[PATH_MAX];
  const ssize_t length = readlink (link, path, sizeof path - 1);

  return length < 0 ? NULL : g_strndup (path, (gsize) length);
}

/* By the program's file, which a process cannot choose freely as it can its name. A package's
 * update leaves " (deleted)" behind the path. One that is ending has none any more, and its
 * descriptors for as long as its memory is being given back. */
static Kind
get_kind (const char *pid)
{
  g_autofree char *link = g_build_filename ("/proc", pid, "exe", NULL);
  g_autofree char *path = dup_link (link);
  const char *name = path != NULL ? strrchr (path, '/') : NULL;

  if (path == NULL)
    return errno == ENOENT ? ENDING : NOBODY;
  if (name == NULL)
    return NOBODY;
  name++;
  if (g_str_has_prefix (name, "qemu-system-") || strcmp (name, "qemu-kvm") == 0 ||
      strcmp (name, "qemu-kvm (deleted)") == 0)
    return QEMU;
  return strcmp (name, "bwrap") == 0 || strcmp (name, "bwrap (deleted)") == 0 ? BUBBLEWRAP : NOBODY;
}

/* "lock:	1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF" */
static gboolean
has_flock (const char *pid, const char *fd)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "fdinfo", fd, NULL);
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;
  line = strstr (text, "\nlock:");
  return line != NULL && strstr (line, "FLOCK") != NULL;
}

static Kind
look_at (const struct stat *lock, const char *pid)
{
  Kind kind = get_kind (pid);
  g_autofree char *path = g_build_filename ("/proc", pid, "fd", NULL);
  g_autoptr (GDir) fds = kind != NOBODY ? g_dir_open (path, 0, NULL) : NULL;
  const char *fd;

  while (fds != NULL && (fd = g_dir_read_name (fds)) != NULL) {
    g_autofree char *one = g_build_filename (path, fd, NULL);
    struct stat info;

    /* In this order: /proc answers of itself, stat() asks the file system of the file, which may
     * hang where a disk's or a medium's has gone away. QEMU's own locks on images are no flocks. */
    if (has_flock (pid, fd) && stat (one, &info) == 0 && info.st_dev == lock->st_dev &&
        info.st_ino == lock->st_ino)
      return kind;
  }
  return NOBODY;
}

gboolean
lodge_lock_holder_check (const char *lock_path, GPid pid)
{
  g_autofree char *name = g_strdup_printf ("%d", (int) pid);
  struct stat lock;

  return stat (lock_path, &lock) == 0 && look_at (&lock, name) >= BUBBLEWRAP;
}

static void
find_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  struct stat lock;
  GPid found = 0;
  const char *name;

  if (stat (data, &lock) != 0)
    g_clear_pointer (&proc, g_dir_close);
  while (proc != NULL && (name = g_dir_read_name (proc)) != NULL) {
    GPid pid = g_ascii_isdigit (name[0]) ? (GPid) g_ascii_strtoll (name, NULL, 10) : 0;
    Kind kind = pid > 1 && pid != getpid () ? look_at (&lock, name) : NOBODY;

    if (kind >= BUBBLEWRAP)
      found = pid;
    else if (kind == ENDING && found == 0)
      found = SOMEBODY_ENDS;
    if (kind == QEMU)
      break;
  }
  g_task_return_int (task, found);
}

void
lodge_lock_holder_find_async (const char *lock_path,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_lock_holder_find_async);
  g_task_set_task_data (task, g_strdup (lock_path), g_free);
  g_task_run_in_thread (task, find_thread);
}

GPid
lodge_lock_holder_find_finish (GAsyncResult *result, gboolean *out_ending)
{
  GPid found;

  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_lock_holder_find_async), 0);
  found = (GPid) g_task_propagate_int (G_TASK (result), NULL);
  if (out_ending != NULL)
    *out_ending = found == SOMEBODY_ENDS;
  return found == SOMEBODY_ENDS ? 0 : found;
}

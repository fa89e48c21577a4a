/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noticing that a process is gone, and making it go.
 *
 * A pidfd (pidfd_open(2)) becomes readable the moment its process has died, also when that is not
 * our child, and can not come to mean another process as a number can.
 */
#include "qemu/lodge-launch.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Only where the kernel has no pidfd, or no descriptor is free. */
#define POLL_MS 500

typedef struct {
  GPid pid;
  int fd;
  LodgeLaunchGone gone;
  gpointer user_data;
} Watch;

static void
watch_free (gpointer data)
{
  Watch *self = data;

  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}

/* Buries @self's process when it is our child. Returns its status as from waitpid(), else -1. */
static int
reap (const Watch *self)
{
  int status = 0;
  pid_t reaped;

  do {
    reaped = waitpid (self->pid, &status, WNOHANG);
  } while (reaped < 0 && errno == EINTR);
  return reaped == self->pid ? status : -1;
}

static gboolean
readable_cb (int fd, GIOCondition condition, gpointer data)
{
  const Watch *self = data;

  self->gone (self->pid, reap (self), self->user_data);
  return G_SOURCE_REMOVE;
}

static gboolean
poll_cb (gpointer data)
{
  const Watch *self = data;
  int status = reap (self);

  if (status == -1 && (kill (self->pid, 0) == 0 || errno != ESRCH))
    return G_SOURCE_CONTINUE;
  self->gone (self->pid, status, self->user_data);
  return G_SOURCE_REMOVE;
}

guint
lodge_launch_watch (GPid pid, LodgeLaunchGone gone, gpointer user_data)
{
  g_autoptr (GSource) source = NULL;
  Watch *self;
  int fd;

  g_return_val_if_fail (pid > 0 && gone != NULL, 0);

  fd = pidfd_open (pid, 0);
  if (fd < 0 && errno == ESRCH)
    return 0;

  self = g_new0 (Watch, 1);
  self->pid = pid;
  self->fd = fd;
  self->gone = gone;
  self->user_data = user_data;
  if (fd >= 0) {
    source = g_unix_fd_source_new (fd, G_IO_IN);
    g_source_set_callback (source, G_SOURCE_FUNC (readable_cb), self, watch_free);
  } else {
    source = g_timeout_source_new (POLL_MS);
    g_source_set_callback (source, poll_cb, self, watch_free);
  }
  g_source_set_static_name (source, "lodge-launch-watch");
  return g_source_attach (source, g_main_context_get_thread_default ());
}

/* The parent of @pid, from the fourth field of /proc/PID/stat (proc(5)); the second one is in
 * brackets and may contain anything, the third is a letter. 0 when it is gone. */
static GPid
get_parent (const char *pid)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "stat", NULL);
  g_autofree char *text = NULL;
  const char *behind_name;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  behind_name = strrchr (text, ')');
  if (behind_name == NULL || strlen (behind_name) < strlen (") S 1"))
    return 0;
  return (GPid) g_ascii_strtoll (behind_name + strlen (") S "), NULL, 10);
}

static gboolean
is_bubblewrap (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/comm", (int) pid);
  g_autofree char *name = NULL;

  return g_file_get_contents (path, &name, NULL, NULL) && strcmp (name, "bwrap\n") == 0;
}

/* Returns whether there was one. */
static gboolean
kill_children (GPid pid)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc", 0, NULL);
  gboolean found = FALSE;
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    if (g_ascii_isdigit (name[0]) && get_parent (name) == pid)
      found |= kill ((GPid) g_ascii_strtoll (name, NULL, 10), SIGKILL) == 0;
  }
  return found;
}

void
lodge_launch_kill (GPid pid)
{
  g_return_if_fail (pid > 1);

  if (is_bubblewrap (pid)) {
    /* Its child is the first process of the namespace: with that all others die. bubblewrap itself
     * then ends last, so that whoever sees it gone finds every lock and disk free. It is stopped
     * meanwhile so that it does not make its child behind our back. */
    kill (pid, SIGSTOP);
    if (kill_children (pid)) {
      kill (pid, SIGCONT);
      return;
    }
  }
  /* The leader of a group of its own, together with what it has started. */
  if (kill (-pid, SIGKILL) != 0)
    kill (pid, SIGKILL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unix sockets that are named by a path: making one, connecting to one. Never waits. */
#include "qemu/lodge-unix-socket.h"

#include "lodge-error.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static gboolean
set_path (struct sockaddr_un *address, const char *path)
{
  if (g_strlcpy (address->sun_path, path, sizeof address->sun_path) < sizeof address->sun_path)
    return TRUE;
  errno = ENAMETOOLONG;
  return FALSE;
}

int
lodge_unix_socket_listen (const char *path, GError **error)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = -1;
  int saved;

  /* The mode of a unix socket is that of the descriptor at bind() (unix_bind_bsd() in Linux), so
   * that it is never open to others. */
  if (set_path (&address, path)) {
    (void) g_unlink (path);
    fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && fchmod (fd, 0600) == 0 &&
        bind (fd, (struct sockaddr *) &address, sizeof address) == 0 && listen (fd, SOMAXCONN) == 0)
      return fd;
  }

  saved = errno;
  if (fd >= 0)
    close (fd);
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not make the socket %s: %s"), path,
               g_strerror (saved));
  return -1;
}

GSocket *
lodge_unix_socket_connect (const char *path, int *out_errno)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  GSocket *self = NULL;
  int fd = -1;

  if (set_path (&address, path))
    fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0) {
    *out_errno = errno;
    if (fd >= 0)
      close (fd);
    return NULL;
  }
  self = g_socket_new_from_fd (fd, NULL);
  if (self == NULL) {
    *out_errno = EBADF;
    close (fd);
    return NULL;
  }
  g_socket_set_blocking (self, FALSE);
  return self;
}

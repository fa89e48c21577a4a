/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a program that was taken over would try. */
#include "launch-probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

const char *const launch_probe_names[PROBE_N_ATTEMPTS] = {
    [PROBE_READ_HOME] = "read-home",
    [PROBE_READ_PASSWD] = "read-passwd",
    [PROBE_READ_OTHER_DISK] = "read-other-disk",
    [PROBE_WRITE_BASE] = "write-base",
    [PROBE_WRITE_MACHINE_INI] = "write-machine-ini",
    [PROBE_CREATE_IN_MACHINE] = "create-in-machine",
    [PROBE_PLANT_LINK] = "plant-link",
    [PROBE_CREATE_IN_ROOT] = "create-in-root",
    [PROBE_CONNECT_UNIX] = "connect-unix",
    [PROBE_CONNECT_ABSTRACT] = "connect-abstract",
    [PROBE_CONNECT_TCP] = "connect-tcp",
    [PROBE_READ_ENVIRON] = "read-environ",
    [PROBE_SIGNAL] = "signal",
};

static gboolean
try_read (const char *path)
{
  char byte;
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  return fd >= 0 && read (fd, &byte, 1) == 1;
}

static gboolean
try_write (const char *path)
{
  int fd = open (path, O_WRONLY | O_APPEND | O_CLOEXEC);

  return fd >= 0 && write (fd, "x", 1) == 1;
}

static gboolean
try_create (const char *path)
{
  return open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) >= 0;
}

static gboolean
try_link (const char *path)
{
  return symlink ("/etc/passwd", path) == 0;
}

static gboolean
use_unix (const char *name, gboolean abstract, gboolean serve)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  gsize offset = abstract ? 1 : 0;
  socklen_t length = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + offset + strlen (name));
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  memcpy (address.sun_path + offset, name,
          MIN (strlen (name), sizeof address.sun_path - 1 - offset));
  if (serve)
    return fd >= 0 && bind (fd, (struct sockaddr *) &address, length) == 0 && listen (fd, 1) == 0;
  return fd >= 0 && connect (fd, (struct sockaddr *) &address, length) == 0;
}

static gboolean
try_unix (const char *name)
{
  return use_unix (name, FALSE, FALSE);
}

static gboolean
try_abstract (const char *name)
{
  return use_unix (name, TRUE, FALSE);
}

static gboolean
try_listen (const char *name)
{
  return use_unix (name, FALSE, TRUE);
}

static gboolean
try_tcp (const char *port)
{
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
                                .sin_port = htons ((guint16) atoi (port))};
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  return fd >= 0 && connect (fd, (struct sockaddr *) &address, sizeof address) == 0;
}

static gboolean
try_signal (const char *pid)
{
  return kill (atoi (pid), 0) == 0;
}

static const struct {
  const char *name;
  gboolean (*attempt) (const char *argument);
} attempts[] = {
    {"read-home", try_read},
    {"read-passwd", try_read},
    {"read-other-disk", try_read},
    {"read-environ", try_read},
    {"write-base", try_write},
    {"write-machine-ini", try_write},
    {"create-in-machine", try_create},
    {"create-in-root", try_create},
    {"plant-link", try_link},
    {"connect-unix", try_unix},
    {"connect-abstract", try_abstract},
    {"connect-tcp", try_tcp},
    {"listen", try_listen},
    {"signal", try_signal},
};

/* Whether "LODGE_TEST_SECRET" stands in the environment of a process. */
static gboolean
has_secret (const char *environ_path)
{
  g_autofree char *text = NULL;
  gsize length = 0;

  return g_file_get_contents (environ_path, &text, &length, NULL) &&
         memmem (text, length, "LODGE_TEST_SECRET", strlen ("LODGE_TEST_SECRET")) != NULL;
}

static void
write_limits (FILE *out)
{
  g_autofree char *folder = g_get_current_dir ();
  struct rlimit core;
  struct sigaction action;
  mode_t mask = umask (0);
  gboolean alone = getppid () == 1 || getpid () == 2;

  getrlimit (RLIMIT_CORE, &core);
  sigaction (SIGTERM, NULL, &action);
  fprintf (out, "core %d\n", (int) core.rlim_cur);
  fprintf (out, "umask %03o\n", mask);
  fprintf (out, "secret %s\n", getenv ("LODGE_TEST_SECRET") != NULL ? "yes" : "no");
  /* Inside, process 1 is bubblewrap. */
  fprintf (out, "leader-secret %s\n", alone && has_secret ("/proc/1/environ") ? "yes" : "no");
  fprintf (out, "terminal %s\n", open ("/dev/tty", O_RDWR | O_CLOEXEC) >= 0 ? "yes" : "no");
  fprintf (out, "sigterm %s\n", action.sa_handler == SIG_DFL ? "default" : "other");
  fprintf (out, "cwd %s\n", folder);
}

/* All open numbers; those above 2 get their number written into them. */
static void
write_descriptors (FILE *out, int except)
{
  const char *gap = "";

  for (int fd = 0; fd < 1024; fd++) {
    char number = (char) ('0' + fd % 10);

    if (fd == except || fcntl (fd, F_GETFD) < 0)
      continue;
    fprintf (out, "%s%d", gap, fd);
    gap = " ";
    if (fd > 2 && write (fd, &number, 1) != 1)
      fprintf (out, "(not writable)");
  }
  fprintf (out, "\n");
}

int
launch_probe_run (const char *answers, const char *attempt, const char *argument)
{
  FILE *out = fopen (answers, "ae");

  if (out == NULL)
    return 2;
  if (strcmp (attempt, "limits") == 0) {
    write_limits (out);
    return fclose (out) == 0 ? 0 : 2;
  }
  if (strcmp (attempt, "descriptors") == 0) {
    write_descriptors (out, fileno (out));
    return fclose (out) == 0 ? 0 : 2;
  }

  for (guint i = 0; i < G_N_ELEMENTS (attempts); i++) {
    if (strcmp (attempts[i].name, attempt) != 0)
      continue;
    errno = 0;
    if (attempts[i].attempt (argument))
      fprintf (out, "reached\n");
    else
      fprintf (out, "refused: %s\n", strerror (errno));
    return fclose (out) == 0 ? 0 : 2;
  }
  return 3;
}

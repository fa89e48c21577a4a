/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-bare QMP_SOCKET LOG ARGUMENTS...: how long QEMU takes alone, from fork() to its answer to
 * "cont", in microseconds. The arguments are those that an engine has given to QEMU; the other end
 * of its wire (-netdev stream,addr.str=N) is a socket here, behind which nobody is. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_US   (60 * G_USEC_PER_SEC)
#define RETRY_US   200
#define WIRE       "addr.type=fd,addr.str="
#define FREE_ABOVE 1000 /* above every number that the arguments name */

/* The number QEMU expects its wire at; -1 without a network card. */
static int
find_wire (char **arguments)
{
  for (guint i = 0; arguments[i] != NULL; i++) {
    const char *found = strstr (arguments[i], WIRE);

    if (found != NULL)
      return (int) g_ascii_strtoll (found + strlen (WIRE), NULL, 10);
  }
  return -1;
}

static _Noreturn void
die (const char *what)
{
  g_printerr ("bench-bare: %s: %s\n", what, g_strerror (errno));
  exit (EXIT_FAILURE);
}

static pid_t
start (char **arguments, int log, int wire_from, int wire_to)
{
  pid_t pid = fork ();

  if (pid != 0)
    return pid;
  setsid ();
  if (dup2 (log, 1) >= 0 && dup2 (log, 2) >= 0 && (wire_to < 0 || dup2 (wire_from, wire_to) >= 0))
    execv (arguments[0], arguments);
  _exit (126);
}

static int
connect_qmp (const char *path, gint64 limit)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  while (g_get_monotonic_time () < limit) {
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
      return fd;
    close (fd);
    g_usleep (RETRY_US);
  }
  errno = ETIMEDOUT;
  return -1;
}

/* Reads up to the line that has @word in it; lines of events pass by. */
static gboolean
wait_for (int fd, GString *lines, const char *word)
{
  char buffer[4096];

  for (;;) {
    char *end;
    ssize_t n;

    while ((end = strchr (lines->str, '\n')) != NULL) {
      g_autofree char *line = g_strndup (lines->str, (gsize) (end - lines->str));

      g_string_erase (lines, 0, end - lines->str + 1);
      if (strstr (line, word) != NULL)
        return TRUE;
      if (strstr (line, "\"error\"") != NULL)
        return FALSE;
    }
    n = read (fd, buffer, sizeof buffer);
    if (n <= 0)
      return FALSE;
    g_string_append_len (lines, buffer, n);
  }
}

static gboolean
say (int fd, const char *line)
{
  return write (fd, line, strlen (line)) == (ssize_t) strlen (line);
}

static gboolean
run (int fd, gint64 *out_ended)
{
  g_autoptr (GString) lines = g_string_new (NULL);

  if (!wait_for (fd, lines, "\"QMP\"") || !say (fd, "{\"execute\": \"qmp_capabilities\"}\n") ||
      !wait_for (fd, lines, "\"return\"") || !say (fd, "{\"execute\": \"cont\"}\n") ||
      !wait_for (fd, lines, "\"return\""))
    return FALSE;
  *out_ended = g_get_monotonic_time ();
  return say (fd, "{\"execute\": \"query-status\"}\n") &&
         wait_for (fd, lines, "\"status\": \"running\"");
}

int
main (int argc, char **argv)
{
  int wire[2] = {-1, -1};
  int wire_to, wire_from = -1, log, fd;
  gint64 began, ended;
  gboolean ok;
  pid_t pid;

  if (argc < 4) {
    g_printerr ("bench-bare QMP_SOCKET LOG ARGUMENTS...\n");
    return 2;
  }
  signal (SIGPIPE, SIG_IGN);
  log = open (argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (log < 0)
    die (argv[2]);
  wire_to = find_wire (argv + 3);
  if (wire_to >= 0) {
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire) != 0)
      die ("socketpair");
    wire_from = fcntl (wire[0], F_DUPFD_CLOEXEC, FREE_ABOVE);
  }

  began = g_get_monotonic_time ();
  pid = start (argv + 3, log, wire_from, wire_to);
  if (pid < 0)
    die ("fork");
  fd = connect_qmp (argv[1], began + LIMIT_US);
  ok = fd >= 0 && run (fd, &ended);
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  if (!ok) {
    g_printerr ("bench-bare: QEMU did not run; what it said is in %s\n", argv[2]);
    return EXIT_FAILURE;
  }
  g_print ("%" G_GINT64_FORMAT "\n", ended - began);
  return EXIT_SUCCESS;
}

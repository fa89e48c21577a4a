/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-command PROGRAM ARGUMENTS...: how long a program takes, from fork() to its end, in
 * microseconds; and how many processes and threads the whole computer has begun meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNTER "\nprocesses "

/* proc_stat(5): "Number of forks since boot"; it counts threads as well. */
static gint64
count_forks (void)
{
  g_autofree char *text = NULL;
  const char *found;

  if (!g_file_get_contents ("/proc/stat", &text, NULL, NULL) ||
      (found = strstr (text, COUNTER)) == NULL)
    return 0;
  return g_ascii_strtoll (found + strlen (COUNTER), NULL, 10);
}

int
main (int argc, char **argv)
{
  int null = open ("/dev/null", O_WRONLY | O_CLOEXEC);
  int status = 0;
  gint64 began, ended, forks;
  pid_t pid;

  if (argc < 2 || null < 0) {
    g_printerr ("bench-command PROGRAM ARGUMENTS...\n");
    return 2;
  }
  forks = count_forks ();
  began = g_get_monotonic_time ();
  pid = fork ();
  if (pid == 0) {
    dup2 (null, 1);
    execvp (argv[1], argv + 1);
    _exit (126);
  }
  if (pid < 0 || waitpid (pid, &status, 0) != pid) {
    g_printerr ("bench-command: %s: %s\n", argv[1], g_strerror (errno));
    return EXIT_FAILURE;
  }
  ended = g_get_monotonic_time ();
  forks = count_forks () - forks;
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0) {
    g_printerr ("bench-command: %s failed\n", argv[1]);
    return EXIT_FAILURE;
  }
  g_print ("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", ended - began, forks);
  return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line that is typed on a terminal and not shown there.
 *
 * A signal meanwhile is only noted: the terminal is given back, and then the signal is sent again,
 * to whoever would have had it. Any of the program's threads may be given it, so a pipe wakes the
 * one that reads.
 */
#include "lodgectl-hidden.h"

#include "lodge-passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* What a terminal, a shell or a user sends; nothing gets past SIGKILL. */
static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

static volatile sig_atomic_t caught;
static int wake_fd;

static void
caught_cb (int number)
{
  const int saved = errno;

  caught = number;
  /* A pipe that is full has woken it already. */
  if (write (wake_fd, "", 1) < 0)
    errno = saved;
}

/* @end_fd: ends it when there is something to read; or -1 */
static char *
read_line (int fd, int end_fd)
{
  char *line = g_malloc0 (LODGE_PASSPHRASE_MOST + 2);
  gsize length = 0;
  ssize_t n = 0;

  while (length <= LODGE_PASSPHRASE_MOST) {
    struct pollfd wait[] = {{.fd = fd, .events = POLLIN}, {.fd = end_fd, .events = POLLIN}};

    if (poll (wait, G_N_ELEMENTS (wait), -1) < 0 && errno == EINTR)
      continue;
    if (wait[1].revents != 0) {
      explicit_bzero (line, length);
      g_free (line);
      return NULL;
    }
    n = read (fd, line + length, 1);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0 || line[length] == '\n')
      break;
    length++;
  }
  line[length] = '\0';
  if (length > 0 || n == 1)
    return line;
  g_free (line);
  return NULL;
}

char *
lodgectl_read_line (int fd)
{
  return read_line (fd, -1);
}

/* TRUE: it was stopped meanwhile, and goes on. */
static gboolean
read_once (int fd, const char *prompt, const struct termios *before, char **out_line)
{
  struct sigaction others[G_N_ELEMENTS (ends)];
  const struct sigaction note = {.sa_handler = caught_cb};
  struct termios hidden = *before;
  int wake[2];

  *out_line = NULL;
  if (!g_unix_open_pipe (wake, FD_CLOEXEC, NULL))
    return FALSE;
  g_unix_set_fd_nonblocking (wake[1], TRUE, NULL);
  wake_fd = wake[1];
  caught = 0;
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    sigaction (ends[i], NULL, &others[i]);
    /* As under nohup. */
    if (others[i].sa_handler != SIG_IGN)
      sigaction (ends[i], &note, NULL);
  }
  hidden.c_lflag &= (tcflag_t) ~ECHO;
  hidden.c_lflag |= ECHONL;
  (void) tcsetattr (fd, TCSAFLUSH, &hidden);
  dprintf (fd, "%s ", prompt);
  *out_line = read_line (fd, wake[0]);
  (void) tcsetattr (fd, TCSAFLUSH, before);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    sigaction (ends[i], &others[i], NULL);
  close (wake[0]);
  close (wake[1]);
  if (caught == 0)
    return FALSE;
  dprintf (fd, "\n");
  /* As a rule that is the end. */
  raise (caught);
  return caught == SIGTSTP && *out_line == NULL;
}

char *
lodgectl_read_hidden (int fd, const char *prompt)
{
  struct termios before;
  char *line = NULL;

  if (tcgetattr (fd, &before) != 0)
    return NULL;
  while (read_once (fd, prompt, &before, &line))
    ;
  return line;
}

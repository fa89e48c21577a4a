/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line that is typed on a terminal and not shown there.
 *
 * A signal does nothing but be noted, and only while a key is waited for; then the terminal is
 * given back, and the signal is sent again, to whoever would have had it.
 */
#include "lodgectl-hidden.h"

#include "lodge-passphrase.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* What a terminal, a shell or a user sends; nothing gets past SIGKILL. */
static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

static volatile sig_atomic_t caught;

static void
caught_cb (int number)
{
  caught = number;
}

/* @unblocked: (nullable): the signals while it waits; one of ours ends it */
static char *
read_line (int fd, const sigset_t *unblocked)
{
  char *line = g_malloc0 (LODGE_PASSPHRASE_MOST + 2);
  gsize length = 0;
  ssize_t n = 0;

  while (length <= LODGE_PASSPHRASE_MOST) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    if (ppoll (&wait, 1, NULL, unblocked) < 0 && errno == EINTR) {
      if (caught == 0)
        continue;
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
  return read_line (fd, NULL);
}

/* TRUE: it was stopped meanwhile, and goes on. */
static gboolean
read_once (int fd, const char *prompt, const struct termios *before, char **out_line)
{
  struct sigaction others[G_N_ELEMENTS (ends)];
  const struct sigaction note = {.sa_handler = caught_cb};
  struct termios hidden = *before;
  sigset_t blocked, unblocked;
  int number;

  caught = 0;
  sigemptyset (&blocked);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    sigaddset (&blocked, ends[i]);
  sigprocmask (SIG_BLOCK, &blocked, &unblocked);
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
  *out_line = read_line (fd, &unblocked);
  number = caught;
  (void) tcsetattr (fd, TCSAFLUSH, before);
  if (number != 0)
    dprintf (fd, "\n");
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    sigaction (ends[i], &others[i], NULL);
  if (number != 0)
    raise (number);
  /* Here it comes, and as a rule that is the end. */
  sigprocmask (SIG_SETMASK, &unblocked, NULL);
  return number == SIGTSTP;
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

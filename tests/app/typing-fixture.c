/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See typing-fixture.h. */
#include "typing-fixture.h"

#include "test-wait.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void
open_terminal (Typing *self)
{
  self->master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  g_assert_cmpint (grantpt (self->master), ==, 0);
  g_assert_cmpint (unlockpt (self->master), ==, 0);
  self->slave = open (ptsname (self->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_cmpint (self->slave, >=, 0);
  g_string_truncate (self->shown, 0);
}

static void
close_terminal (Typing *self)
{
  close (self->master);
  close (self->slave);
}

void
typing_set_up (Typing *self, gconstpointer data)
{
  set_up (&self->base, NULL);
  self->shown = g_string_new (NULL);
  open_terminal (self);
}

void
typing_tear_down (Typing *self, gconstpointer data)
{
  close_terminal (self);
  g_string_free (self->shown, TRUE);
  tear_down (&self->base, NULL);
}

void
typing_renew (Typing *self)
{
  close_terminal (self);
  open_terminal (self);
}

pid_t
typing_start (Typing *self, const char *words)
{
  g_autofree char *script =
      g_strdup_printf ("set -m; trap : INT; %s code=$?; echo ENDED; read x; exit $code", words);
  pid_t child;

  /* Before there is another process, which may not allocate: this one has threads. */
  g_setenv ("LODGE_RUNTIME_DIR", self->base.runtime, TRUE);
  child = fork ();

  if (child == 0) {
    setsid ();
    ioctl (self->slave, TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; fd++)
      dup2 (self->slave, fd);
    for (int number = 1; number < NSIG; number++)
      signal (number, SIG_DFL);
    execl ("/bin/sh", "sh", "-c", script, NULL);
    _exit (127);
  }
  g_assert_cmpint (child, >, 0);
  return child;
}

gboolean
typing_shows (Typing *self, const char *text)
{
  char words[4096];
  gssize length;

  while ((length = read (self->master, words, sizeof words)) > 0)
    g_string_append_len (self->shown, words, length);
  return strstr (self->shown->str, text) != NULL;
}

gboolean
typing_echoes (Typing *self)
{
  struct termios now;

  g_assert_cmpint (tcgetattr (self->slave, &now), ==, 0);
  return (now.c_lflag & ECHO) != 0;
}

void
typing_type (Typing *self, const char *text)
{
  g_assert_cmpint (write (self->master, text, strlen (text)), ==, strlen (text));
}

void
typing_assert_ended (Typing *self, pid_t child, int expected)
{
  int status = 0;

  test_wait_polled (typing_shows (self, "ENDED"));
  g_assert_true (typing_echoes (self));
  typing_type (self, "\n");
  test_wait_polled (waitpid (child, &status, WNOHANG) == child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, expected);
}

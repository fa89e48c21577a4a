/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl asks for a passphrase on a terminal of its own (a pty), and is ended or stopped there.
 */
#include "lodgectl-fixture.h"
#include "test-wait.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PROMPT "Passphrase of “web”:"

typedef struct {
  Fixture base;
  int master;
  int slave; /* ours: the program has a copy */
  GString *shown;
} Typing;

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

static void
typing_set_up (Typing *self, gconstpointer data)
{
  set_up (&self->base, NULL);
  fake_engine_encrypt (self->base.engine, "web", "correct horse");
  self->shown = g_string_new (NULL);
  open_terminal (self);
}

static void
typing_tear_down (Typing *self, gconstpointer data)
{
  close_terminal (self);
  g_string_free (self->shown, TRUE);
  tear_down (&self->base, NULL);
}

/* A session of its own on the terminal, and in it a shell that has jobs: what is the first of a
 * session is not stopped by its terminal. It waits for a line before it ends itself, with which the
 * terminal would be gone. @words: between the two */
static pid_t
start (Typing *self, const char *words)
{
  g_autofree char *script = g_strdup_printf ("set -m; trap : INT; \"$LODGE_TEST_LODGECTL\" unlock "
                                             "web; %s code=$?; echo ENDED; read x; exit "
                                             "$code",
                                             words);
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

static gboolean
shows (Typing *self, const char *text)
{
  char words[4096];
  gssize length;

  while ((length = read (self->master, words, sizeof words)) > 0)
    g_string_append_len (self->shown, words, length);
  return strstr (self->shown->str, text) != NULL;
}

static gboolean
echoes (Typing *self)
{
  struct termios now;

  g_assert_cmpint (tcgetattr (self->slave, &now), ==, 0);
  return (now.c_lflag & ECHO) != 0;
}

static void
type (Typing *self, const char *text)
{
  g_assert_cmpint (write (self->master, text, strlen (text)), ==, strlen (text));
}

/* The shell tells how the program has ended. */
static void
assert_ended (Typing *self, pid_t child, int expected)
{
  int status = 0;

  test_wait_polled (shows (self, "ENDED"));
  g_assert_true (echoes (self));
  type (self, "\n");
  test_wait_polled (waitpid (child, &status, WNOHANG) == child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, expected);
}

static void
test_typed (Typing *self, gconstpointer data)
{
  const pid_t child = start (self, "");

  test_wait_polled (shows (self, PROMPT) && !echoes (self));
  type (self, "correct horse\n");
  assert_ended (self, child, 0);
  g_assert_false (shows (self, "correct"));
}

/* By a key, and by another program: the whole group, of which the shell is none. */
static void
test_ended (Typing *self, gconstpointer data)
{
  static const int ends[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    const pid_t child = start (self, "");
    int group = 0;

    test_wait_polled (shows (self, PROMPT) && !echoes (self));
    g_string_truncate (self->shown, 0);
    type (self, "half");
    if (ends[i] == SIGINT) {
      type (self, "\003");
    } else {
      g_assert_cmpint (ioctl (self->master, TIOCGPGRP, &group), ==, 0);
      g_assert_cmpint (kill (-group, ends[i]), ==, 0);
    }
    /* A shell's word for a program that a signal has ended. */
    assert_ended (self, child, 128 + ends[i]);
    close_terminal (self);
    open_terminal (self);
  }
}

/* Meanwhile the terminal shows what is typed; then it is asked again. */
static void
test_stopped (Typing *self, gconstpointer data)
{
  const pid_t child = start (self, "echo HALTED; read x; fg;");

  test_wait_polled (shows (self, PROMPT) && !echoes (self));
  type (self, "half\032");
  test_wait_polled (shows (self, "HALTED"));
  g_assert_true (echoes (self));
  g_string_truncate (self->shown, 0);
  type (self, "\n");
  test_wait_polled (shows (self, PROMPT) && !echoes (self));
  type (self, "correct horse\n");
  assert_ended (self, child, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function)                                                                        \
  g_test_add ("/lodgectl/hidden/" name, Typing, NULL, typing_set_up, function, typing_tear_down)
  ADD ("typed", test_typed);
  ADD ("ended", test_ended);
  ADD ("stopped", test_stopped);
  return g_test_run ();
}

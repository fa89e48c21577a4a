/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking on a terminal, from a process that ends, is stopped, or is in the background. */
#include "sdl/lodge-viewer-prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

typedef struct {
  int master;
  int slave;
} Terminal;

static void
open_terminal (Terminal *self)
{
  self->master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_cmpint (grantpt (self->master), ==, 0);
  g_assert_cmpint (unlockpt (self->master), ==, 0);
  self->slave = open (ptsname (self->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_cmpint (self->slave, >=, 0);
}

static void
close_terminal (Terminal *self)
{
  close (self->slave);
  close (self->master);
}

static gboolean
echoes (Terminal *self)
{
  struct termios state;

  g_assert_cmpint (tcgetattr (self->slave, &state), ==, 0);
  return (state.c_lflag & ECHO) != 0;
}

static void
answer_cb (const char *ticket, gpointer user_data)
{
  _exit (ticket != NULL ? 0 : 1);
}

/* Never returns. */
static void
ask (Terminal *self)
{
  const int null = open ("/dev/null", O_WRONLY | O_CLOEXEC);

  dup2 (self->slave, STDIN_FILENO);
  dup2 (null, STDERR_FILENO);
  /* What comes of a crash is the sanitizer's, if it is there. */
  lodge_viewer_prompt_new ("?", answer_cb, NULL);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}

static pid_t
start (Terminal *terminal)
{
  const pid_t child = fork ();

  if (child == 0) {
    /* Where nobody outside a group is there to continue it, as in a container, no terminal's signal
     * stops it (POSIX: orphaned process group). In one of its own this process is. */
    setpgid (0, 0);
    /* What a shell starts in the background ignores these (POSIX: asynchronous lists). */
    signal (SIGQUIT, SIG_DFL);
    signal (SIGINT, SIG_DFL);
    ask (terminal);
  }
  while (echoes (terminal))
    g_usleep (1000);
  return child;
}

static void
test_answer (void)
{
  Terminal terminal;
  int status = 0;

  open_terminal (&terminal);
  const pid_t child = start (&terminal);
  g_assert_cmpint (write (terminal.master, "secret\n", 7), ==, 7);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  close_terminal (&terminal);
}

static void
test_ends (void)
{
  static const int ends[] = {SIGQUIT, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGTRAP};

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    Terminal terminal;
    int status = 0;

    open_terminal (&terminal);
    const pid_t child = start (&terminal);
    g_assert_cmpint (kill (child, ends[i]), ==, 0);
    g_assert_cmpint (waitpid (child, &status, 0), ==, child);
    g_assert_true (echoes (&terminal));
    /* And it is the end that it would have been. */
    g_assert_true ((WIFSIGNALED (status) && WTERMSIG (status) == ends[i]) ||
                   g_getenv ("ASAN_OPTIONS") != NULL);
    close_terminal (&terminal);
  }
}

static void
test_stops (void)
{
  Terminal terminal;
  int status = 0;

  open_terminal (&terminal);
  const pid_t child = start (&terminal);
  g_assert_cmpint (kill (child, SIGTSTP), ==, 0);
  g_assert_cmpint (waitpid (child, &status, WUNTRACED), ==, child);
  g_assert_true (WIFSTOPPED (status));
  g_assert_true (echoes (&terminal));
  g_assert_cmpint (kill (child, SIGCONT), ==, 0);
  while (echoes (&terminal))
    g_usleep (1000);
  g_assert_cmpint (write (terminal.master, "secret\n", 7), ==, 7);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  close_terminal (&terminal);
}

/* In the background of a terminal that controls it. */
static int
run_in_background (Terminal *terminal)
{
  int status = 0;

  setsid ();
  ioctl (terminal->slave, TIOCSCTTY, 0);
  dup2 (terminal->slave, STDIN_FILENO);
  const pid_t child = fork ();
  if (child == 0) {
    setpgid (0, 0);
    const gboolean possible = lodge_viewer_prompt_is_possible ();
    LodgeViewerPrompt *prompt = lodge_viewer_prompt_new ("", answer_cb, NULL);

    lodge_viewer_prompt_free (prompt);
    _exit (possible ? 1 : 0);
  }
  waitpid (child, &status, WUNTRACED);
  if (!WIFSTOPPED (status))
    return WEXITSTATUS (status);
  kill (child, SIGKILL);
  return 2;
}

static void
test_background (void)
{
  Terminal terminal;
  int status = 0;

  open_terminal (&terminal);
  const pid_t child = fork ();
  if (child == 0)
    _exit (run_in_background (&terminal));
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  g_assert_true (echoes (&terminal));
  close_terminal (&terminal);
}

/* What is no terminal is not made one. */
static void
test_no_terminal (void)
{
  int status = 0;
  const pid_t child = fork ();

  if (child == 0) {
    const int null = open ("/dev/null", O_RDONLY | O_CLOEXEC);

    dup2 (null, STDIN_FILENO);
    _exit (lodge_viewer_prompt_is_possible () ? 1 : 0);
  }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/viewer-prompt/answer", test_answer);
  g_test_add_func ("/viewer-prompt/ends", test_ends);
  g_test_add_func ("/viewer-prompt/stops", test_stops);
  g_test_add_func ("/viewer-prompt/background", test_background);
  g_test_add_func ("/viewer-prompt/no-terminal", test_no_terminal);
  return g_test_run ();
}

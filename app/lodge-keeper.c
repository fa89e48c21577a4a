/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps a window that draws what a guest or a server sends: when that brings its process down, a
 * new one takes its place. */
#include "lodge-keeper.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CRASHES_MAX    3
#define CRASHES_TIME_S 60

/* What a process gets for what it did itself: signal(7), and SIGTRAP from GLib's fatal messages. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGTRAP};
static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP};

static volatile sig_atomic_t kept;
static volatile sig_atomic_t asked; /* to end; 0: not yet */

static void
pass_on (int number)
{
  asked = number;
  if (kept > 0)
    kill (kept, number);
}

static void
set_handlers (void (*handler) (int))
{
  struct sigaction action = {.sa_handler = handler};

  sigemptyset (&action.sa_mask);
  for (guint i = 0; i < G_N_ELEMENTS (passed_on); i++)
    sigaction (passed_on[i], &action, NULL);
}

static gboolean
is_crash (int status)
{
  for (guint i = 0; i < G_N_ELEMENTS (crashes); i++) {
    if (WIFSIGNALED (status) && WTERMSIG (status) == crashes[i])
      return TRUE;
  }
  return FALSE;
}

/* Whether this crash, now, is one too many. */
static gboolean
is_too_many (gint64 times[CRASHES_MAX])
{
  const gint64 now = g_get_monotonic_time ();
  const gboolean too_many =
      times[0] != 0 && now - times[0] < (gint64) CRASHES_TIME_S * G_USEC_PER_SEC;

  for (guint i = 0; i + 1 < CRASHES_MAX; i++)
    times[i] = times[i + 1];
  times[CRASHES_MAX - 1] = now;
  return too_many;
}

/* In the parent: how it ended. What is passed on is held before and after: a signal that comes then
 * waits for the next one that is kept. */
static int
wait_for (pid_t child, const sigset_t *held, const sigset_t *before)
{
  siginfo_t info;
  int status = 0;

  kept = child;
  sigprocmask (SIG_SETMASK, before, NULL);
  /* Its number stays its own as long as signals are sent to it. */
  while (waitid (P_PID, (id_t) child, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    ;
  sigprocmask (SIG_BLOCK, held, NULL);
  kept = 0;
  waitpid (child, &status, 0);
  return status;
}

static int
keep (LodgeKeeperFunc func, gpointer user_data, const sigset_t *held, const sigset_t *before)
{
  gint64 times[CRASHES_MAX] = {0};
  const pid_t keeper = getpid ();
  gboolean again = FALSE;

  for (;;) {
    const pid_t child = fork ();
    if (child <= 0) {
      set_handlers (SIG_DFL);
      sigprocmask (SIG_SETMASK, before, NULL);
      /* Without its keeper a window would be one that nobody waits for. */
      if (child == 0 && (prctl (PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid () != keeper))
        return EXIT_FAILURE;
      return func (again, user_data);
    }

    const int status = wait_for (child, held, before);
    if (!is_crash (status))
      return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
    /* One that crashed on its way out, or just before it was told to go. */
    if (asked != 0)
      return 128 + asked;
    if (is_too_many (times)) {
      fputs (_ ("The window crashed again and again, and stays closed."), stderr);
      fputc ('\n', stderr);
      return LODGE_KEEPER_GAVE_UP;
    }
    again = TRUE;
  }
}

int
lodge_keep (LodgeKeeperFunc func, gpointer user_data)
{
  sigset_t held, before;

  sigemptyset (&held);
  for (guint i = 0; i < G_N_ELEMENTS (passed_on); i++)
    sigaddset (&held, passed_on[i]);
  sigprocmask (SIG_BLOCK, &held, &before);
  set_handlers (pass_on);

  const int status = keep (func, user_data, &held, &before);
  sigprocmask (SIG_SETMASK, &before, NULL);
  return status;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A process that keeps another one: what ends both, and what only the kept one. */
#include "lodge-keeper.h"

#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Where the kept processes tell of themselves: a letter each. */
static int told[2];

static void
tell (char letter)
{
  g_assert_cmpint (write (told[1], &letter, 1), ==, 1);
}

static void
crash (int number)
{
  signal (number, SIG_DFL);
  kill (getpid (), number);
  pause ();
}

static int
show_well (gboolean again, gpointer data)
{
  tell (again ? 'a' : 'f');
  _exit (GPOINTER_TO_INT (data));
}

static int
crash_once (gboolean again, gpointer data)
{
  tell (again ? 'a' : 'f');
  if (!again)
    crash (GPOINTER_TO_INT (data));
  _exit (0);
}

static int
crash_always (gboolean again, gpointer data)
{
  tell (again ? 'a' : 'f');
  crash (SIGSEGV);
  return 0;
}

static int
wait_for_end (gboolean again, gpointer data)
{
  tell (again ? 'a' : 'f');
  for (;;)
    pause ();
  return 0;
}

static int
crash_at_end (gboolean again, gpointer data)
{
  sigset_t set;
  int number;

  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigprocmask (SIG_BLOCK, &set, NULL);
  tell (again ? 'a' : 'f');
  if (!again)
    sigwait (&set, &number);
  crash (SIGSEGV);
  return 0;
}

/* Sent to the keeper by itself when it asks for the time: after a crash, before it keeps again. */
static int between;

gint64
g_get_monotonic_time (void)
{
  struct timespec now;

  if (between != 0)
    raise (between);
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static int
crash_then_wait (gboolean again, gpointer data)
{
  if (!again)
    crash (SIGSEGV);
  /* Long after what it waits for, and not for ever. */
  alarm (20);
  for (;;)
    pause ();
  return 0;
}

/* Keeps in a process of its own, which may be sent signals. Its exit status, and in @out_letters
 * what was told. @number: sent to it once the first letter has come, unless 0. */
static int
keep (LodgeKeeperFunc func, gpointer data, int number, char out_letters[16])
{
  int status = 0;
  ssize_t n = 0, more;

  g_assert_no_errno (pipe (told));
  pid_t keeper = fork ();
  if (keeper == 0) {
    close (told[0]);
    _exit (lodge_keep (func, data));
  }
  close (told[1]);
  if (number != 0) {
    n = read (told[0], out_letters, 1);
    g_assert_cmpint (n, ==, 1);
    g_assert_no_errno (kill (keeper, number));
  }
  while (n < 15 && (more = read (told[0], out_letters + n, 15 - n)) > 0)
    n += more;
  out_letters[n] = '\0';
  close (told[0]);
  g_assert_cmpint (waitpid (keeper, &status, 0), ==, keeper);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

static void
test_status (void)
{
  char letters[16];

  g_assert_cmpint (keep (show_well, GINT_TO_POINTER (0), 0, letters), ==, 0);
  g_assert_cmpstr (letters, ==, "f");
  g_assert_cmpint (keep (show_well, GINT_TO_POINTER (2), 0, letters), ==, 2);
  g_assert_cmpstr (letters, ==, "f");
}

static void
test_crash (void)
{
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGTRAP};
  char letters[16];

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    g_assert_cmpint (keep (crash_once, GINT_TO_POINTER (numbers[i]), 0, letters), ==, 0);
    g_assert_cmpstr (letters, ==, "fa");
  }
  /* Somebody wanted it to end. */
  g_assert_cmpint (keep (crash_once, GINT_TO_POINTER (SIGKILL), 0, letters), ==, 128 + SIGKILL);
  g_assert_cmpstr (letters, ==, "f");
}

static void
test_gives_up (void)
{
  char letters[16];

  g_assert_cmpint (keep (crash_always, NULL, 0, letters), ==, LODGE_KEEPER_GAVE_UP);
  g_assert_cmpstr (letters, ==, "faaa");
}

static void
test_signals (void)
{
  static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
  char letters[16];

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    g_assert_cmpint (keep (wait_for_end, NULL, numbers[i], letters), ==, 128 + numbers[i]);
    g_assert_cmpstr (letters, ==, "f");
  }
}

/* A window that crashes while it closes is not opened again. */
static void
test_crash_at_end (void)
{
  char letters[16];

  g_assert_cmpint (keep (crash_at_end, NULL, SIGTERM, letters), ==, 128 + SIGTERM);
  g_assert_cmpstr (letters, ==, "f");
}

/* One that it is sent while nothing is kept is passed on to the next. */
static void
test_between (void)
{
  char letters[16];

  between = SIGTERM;
  g_assert_cmpint (keep (crash_then_wait, NULL, 0, letters), ==, 128 + SIGTERM);
  between = 0;
}

/* The kept one does not outlive its keeper: the pipe would stay open, and this would not return. */
static void
test_killed (void)
{
  char letters[16];
  int status = 0;

  g_assert_no_errno (pipe (told));
  pid_t keeper = fork ();
  if (keeper == 0)
    _exit (lodge_keep (wait_for_end, NULL));
  close (told[1]);
  g_assert_cmpint (read (told[0], letters, 1), ==, 1);
  g_assert_no_errno (kill (keeper, SIGKILL));
  g_assert_cmpint (read (told[0], letters, 1), ==, 0);
  close (told[0]);
  waitpid (keeper, &status, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keeper/status", test_status);
  g_test_add_func ("/keeper/crash", test_crash);
  g_test_add_func ("/keeper/gives-up", test_gives_up);
  g_test_add_func ("/keeper/signals", test_signals);
  g_test_add_func ("/keeper/crash-at-end", test_crash_at_end);
  g_test_add_func ("/keeper/between", test_between);
  g_test_add_func ("/keeper/killed", test_killed);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a crash may leave of a program's memory. */
#include "lodge-no-dump.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void
end (gboolean good)
{
  _exit (good ? EXIT_SUCCESS : EXIT_FAILURE);
}

static gboolean
has_no_files (void)
{
  struct rlimit limit;

  return getrlimit (RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0;
}

static void
assert_child (void (*check) (void))
{
  const pid_t child = fork ();
  int status = 0;

  if (child == 0)
    check ();
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, EXIT_SUCCESS);
}

/* A window's program stays one that others can ask about. */
static void
check_files (void)
{
  prctl (PR_SET_DUMPABLE, 1, 0, 0, 0);
  lodge_no_dump_files ();
  end (has_no_files () && prctl (PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
}

/* Nothing that it reads of itself is closed to it. */
static void
check_all (void)
{
  lodge_no_dump ();
  end (has_no_files () && prctl (PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
       access ("/proc/self/fd/0", F_OK) == 0);
}

/* A program that is started from there has the limit, and is its own again. */
static void
check_started (void)
{
  lodge_no_dump ();
  execl ("/bin/sh", "sh", "-c",
         "test \"$(ulimit -c)\" = 0 && test -r /proc/self/environ && test -O /proc/self", NULL);
  end (FALSE);
}

static void
test_files (void)
{
  assert_child (check_files);
}

static void
test_all (void)
{
  assert_child (check_all);
}

static void
test_started (void)
{
  assert_child (check_started);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/no-dump/files", test_files);
  g_test_add_func ("/no-dump/all", test_all);
  g_test_add_func ("/no-dump/started", test_started);
  return g_test_run ();
}

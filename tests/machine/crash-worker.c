/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See crash-worker.h. */
#include "crash-worker.h"

#include "machine/lodge-journal-private.h"
#include "snapshot-fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static gint steps_left;

static void
step_cb (const char *step)
{
  if (g_atomic_int_dec_and_test (&steps_left))
    kill (getpid (), SIGKILL);
}

void
crash_worker_arm (int step)
{
  g_atomic_int_set (&steps_left, step);
  lodge_journal_step_hook = step_cb;
}

gboolean
crash_worker_main (int argc, char *argv[], CrashWork work)
{
  if (argc != 5 || !g_str_equal (argv[1], "--worker"))
    return FALSE;
  work (argv[2], argv[3], atoi (argv[4]));
  return TRUE;
}

gboolean
crash_worker_run (const char *data, const char *operation, guint step)
{
  g_autofree char *number = g_strdup_printf ("%u", step);
  char *argv[] = {(char *) "/proc/self/exe",
                  (char *) "--worker",
                  (char *) data,
                  (char *) operation,
                  number,
                  NULL};
  g_autoptr (GError) error = NULL;
  g_autofree char *words = NULL;
  int status;

  g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, &words, &status, &error);
  g_assert_no_error (error);
  if (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL)
    return TRUE;
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0)
    g_error ("%s at step %u: %s", operation, step, words);
  return FALSE;
}

void
crash_worker_copy (const char *original, const char *data)
{
  snapshot_fixture_run ("rm", "-rf", data, NULL);
  snapshot_fixture_run ("cp", "-a", "--sparse=always", original, data, NULL);
}

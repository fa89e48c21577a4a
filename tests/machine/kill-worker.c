/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See kill-worker.h. */
#include "kill-worker.h"

#include "machine/lodge-journal-private.h"
#include "machine/lodge-lock-holder.h"
#include "qemu/lodge-qemu-private.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const kill_victims[] = {"engine", "both", "qemu"};
G_STATIC_ASSERT (G_N_ELEMENTS (kill_victims) == KILL_N_VICTIMS);

/* --- In the worker --- */

static gint steps_left;
static gint found_qemu;
static KillVictim victim;
static int first_step;
static char *lock;

/* Whoever has the machine's lock but us: QEMU, and its bubblewrap before that is there. */
static gboolean
kill_holders (void)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  gboolean found = FALSE;
  const char *name;

  while ((name = g_dir_read_name (proc)) != NULL) {
    int pid = atoi (name);

    if (pid <= 1 || pid == getpid () || !lodge_lock_holder_check (lock, pid))
      continue;
    kill (pid, SIGKILL);
    found = TRUE;
  }
  return found;
}

/* A process that is on its way out is none that can be found, and has its lock a moment longer. */
static gboolean
is_locked (void)
{
  int fd = open (lock, O_RDWR | O_CLOEXEC);
  gboolean locked = fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) != 0;

  if (fd >= 0)
    close (fd);
  return locked;
}

static void
step_cb (const char *step)
{
  /* What it has done shows how far it was. */
  if (g_atomic_int_get (&steps_left) > 0)
    g_printerr ("%s\n", step);
  if (!g_atomic_int_dec_and_test (&steps_left))
    return;
  if (victim != KILL_ENGINE && kill_holders ()) {
    g_atomic_int_set (&found_qemu, TRUE);
    while (is_locked ()) {
      kill_holders ();
      g_usleep (2000);
    }
  }
  if (victim != KILL_QEMU)
    kill (getpid (), SIGKILL);
}

void
kill_worker_arm (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);

  lock = g_build_filename (folder, "lock", NULL);
  g_atomic_int_set (&steps_left, first_step);
  lodge_journal_step_hook = step_cb;
}

gboolean
kill_worker_has_killed_qemu (void)
{
  return g_atomic_int_get (&found_qemu);
}

void
kill_worker_disarm (LodgeMachine *machine)
{
  while (victim == KILL_QEMU && kill_worker_has_killed_qemu () &&
         lodge_state_is_live (lodge_machine_get_state (machine)))
    test_wait_ms (5);
  lodge_journal_step_hook = NULL;
}

gboolean
kill_worker_main (int argc, char *argv[], KillWork work, int *out_status)
{
  MachineFixture f = {NULL};

  if (argc != 6 || !g_str_equal (argv[1], "--worker"))
    return FALSE;
  f.folder = argv[2];
  while (!g_str_equal (kill_victims[victim], argv[4]))
    victim++;
  first_step = atoi (argv[5]);
  lodge_qemu_probe_limit_ms = TEST_WAIT_S * 1000;
  work (&f, argv[3]);
  *out_status = g_atomic_int_get (&steps_left) <= 0 ? 0 : 3;
  return TRUE;
}

/* --- In the test --- */

static void
run (const char *program, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  va_list arguments;
  int status;

  g_ptr_array_add (argv, (char *) program);
  va_start (arguments, program);
  do
    g_ptr_array_add (argv, va_arg (arguments, char *));
  while (g_ptr_array_index (argv, argv->len - 1) != NULL);
  va_end (arguments);
  g_assert_true (g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                               NULL, NULL, &status, NULL));
  g_assert_true (g_spawn_check_wait_status (status, NULL));
}

void
kill_fixture_keep (KillFixture *self)
{
  MachineFixture *m = &self->machines;

  machine_fixture_close_library (m);
  self->data = g_build_filename (m->folder, "data", NULL);
  self->original = g_build_filename (m->folder, "original", NULL);
  run ("mv", self->data, self->original, NULL);
  machine_fixture_open_library (m);
}

void
kill_fixture_clear (KillFixture *self)
{
  g_free (self->data);
  g_free (self->original);
}

void
kill_fixture_copy (KillFixture *self)
{
  machine_fixture_close_library (&self->machines);
  run ("rm", "-rf", self->data, NULL);
  run ("cp", "-a", "--sparse=always", self->original, self->data, NULL);
}

gboolean
kill_fixture_run (
    KillFixture *self, const char *operation, KillVictim who, guint step, char ***out_steps)
{
  g_autofree char *number = g_strdup_printf ("%u", step);
  char *argv[] = {(char *) "/proc/self/exe",
                  (char *) "--worker",
                  self->machines.folder,
                  (char *) operation,
                  (char *) kill_victims[who],
                  number,
                  NULL};
  g_autofree char *cache = g_build_filename (self->machines.folder, "cache", NULL);
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "XDG_CACHE_HOME", cache, TRUE);
  g_autofree char *words = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (NULL, argv, environment, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &words,
                &status, &error);
  g_assert_no_error (error);
  g_strchomp (words);
  *out_steps = g_strsplit (words, "\n", -1);
  if ((WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL) ||
      (WIFEXITED (status) && WEXITSTATUS (status) == 0))
    return TRUE;
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 3)
    g_error ("%s at step %u: status %d: %s", operation, step, status, words);
  return FALSE;
}

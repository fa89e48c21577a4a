/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See kill-worker.h. */
#include "kill-worker.h"

#include "machine/lodge-journal-private.h"
#include "machine/lodge-lock-holder.h"
#include "machine/lodge-machine-private.h"
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
/* Whom the lock was taken from; more than a QEMU and what it is walled in by are not known here. */
static int killed[16];
static guint n_killed;
static gboolean was_progress;

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
    killed[n_killed++ % G_N_ELEMENTS (killed)] = pid;
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

static gboolean
is_killed (int pid)
{
  for (guint i = 0; i < G_N_ELEMENTS (killed); i++) {
    if (pid != 0 && killed[i] == pid)
      return TRUE;
  }
  return FALSE;
}

/* On the main thread and on others, but never at the same time. */
static void
step_cb (const char *step)
{
  /* Of these there are as many as it takes. */
  const gboolean progress = g_str_equal (step, "memory");
  const gboolean again = progress && was_progress;

  was_progress = progress;
  if (again)
    return;
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
  /* It may have another by now, which goes on. */
  if (kill_worker_has_killed_qemu ())
    test_wait_polled (!lodge_state_is_live (lodge_machine_get_state (machine)) ||
                      !is_killed (machine->pid));
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

/* --- A table --- */

gboolean
kill_run_has_done (const KillRun *run, const char *step)
{
  return g_strv_contains ((const char *const *) run->steps, step);
}

/* FALSE: it came to its end. */
static gboolean
kill_once (KillFixture *self, const KillTable *table, KillVictim who, guint step)
{
  MachineFixture *m = &self->machines;
  KillRun run = {.operation = table->operation, .who = who};
  LodgeMachine *machine;

  kill_fixture_copy (self);
  run.killed = kill_fixture_run (self, table->operation, who, step, &run.steps);
  machine_fixture_open_library (m);
  machine = lodge_library_find (m->library, "web", NULL);
  g_test_message ("step %u, after “%s”, %s: %s", step,
                  run.killed ? run.steps[g_strv_length (run.steps) - 1] : "the end",
                  kill_victims[who], lodge_state_get_name (lodge_machine_get_state (machine)));
  table->look (self, machine, &run);
  if (lodge_state_is_live (lodge_machine_get_state (machine)))
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_strfreev (run.steps);
  return run.killed;
}

void
kill_fixture_kill_at_each (KillFixture *self, const KillTable *table)
{
  const gboolean few = g_getenv ("LODGE_TEST_CRASHES") == NULL;
  const guint stride = few ? MAX (table->stride, 1) : 1;
  const guint n_victims = few && !table->cheap ? 1 : KILL_N_VICTIMS;
  const guint first = (guint) g_test_rand_int_range (0, KILL_N_VICTIMS);
  guint step = (guint) g_test_rand_int_range (1, (gint32) MIN (stride, table->fewest) + 1);
  guint n_steps = 0, n_all = 0;

  for (; step < KILL_WORKER_MOST_STEPS; step += stride) {
    guint n_killed_now = 0;

    for (guint i = 0; i < n_victims; i++) {
      const KillVictim who = (first + step / stride + i) % KILL_N_VICTIMS;

      for (guint j = 0; j < test_get_times (); j++) {
        if (!kill_once (self, table, who, step))
          break;
        n_killed_now++;
      }
    }
    /* How often a merge tells of its progress is not the same each time. */
    if (n_killed_now == 0)
      break;
    n_all += n_killed_now;
    n_steps++;
  }
  g_test_message ("%s: %u steps, killed %u times", table->operation, n_steps, n_all);
  g_assert_cmpuint (step, <, KILL_WORKER_MOST_STEPS);
  g_assert_cmpuint (step, >, table->fewest);
  g_assert_cmpuint (n_steps, >, 0);
}

static void
test_killed (KillFixture *self, gconstpointer table)
{
  kill_fixture_kill_at_each (self, table);
}

void
kill_fixture_add_tables (const char *prefix,
                         const KillTable *tables,
                         gsize n_tables,
                         void (*set_up) (KillFixture *self, gconstpointer table),
                         void (*tear_down) (KillFixture *self, gconstpointer table))
{
  for (gsize i = 0; i < n_tables; i++) {
    g_autofree char *path = g_strconcat (prefix, "/", tables[i].operation, NULL);

    g_test_add (path, KillFixture, &tables[i], set_up, test_killed, tear_down);
  }
}

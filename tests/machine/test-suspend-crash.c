/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine, a QEMU, or both that are killed at every step of suspending a guest to disk and of
 * going on from there: nothing is lost, nothing is left lying about, and the next start works.
 *
 * A worker process is the engine. At its nth step, for n from 1 until it comes to its end, the
 * victim is killed. What it works on is a copy, made anew for each run, of a machine whose guest
 * was suspended with an "a" in its memory.
 */
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-lock-holder.h"
#include "memory-guest.h"
#include "qemu/lodge-qemu-private.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

/* More steps than anything has. */
#define MOST_STEPS 200

typedef enum { ENGINE, BOTH, QEMU, N_VICTIMS } Victim;
static const char *const victims[] = {"engine", "both", "qemu"};

/* --- The worker --- */

static gint steps_left;
static gint found_qemu;
static Victim victim;
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
  if (victim != ENGINE && kill_holders ()) {
    g_atomic_int_set (&found_qemu, TRUE);
    while (is_locked ()) {
      kill_holders ();
      g_usleep (2000);
    }
  }
  if (victim != QEMU)
    kill (getpid (), SIGKILL);
}

static void
wait_job (LodgeJob *job)
{
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
}

static int
work (const char *folder, const char *operation, const char *who, int step)
{
  MachineFixture f = {.folder = (char *) folder};
  g_autofree char *machine_folder = NULL;
  LodgeMachine *machine;

  while (!g_str_equal (victims[victim], who))
    victim++;
  lodge_qemu_probe_limit_ms = TEST_WAIT_S * 1000;
  machine_fixture_open_library (&f);
  machine = lodge_library_find (f.library, "web", NULL);
  machine_folder = lodge_machine_dup_folder (machine);
  lock = g_build_filename (machine_folder, "lock", NULL);
  if (g_str_equal (operation, "suspend"))
    machine_fixture_start (machine);
  g_atomic_int_set (&steps_left, step);
  lodge_journal_step_hook = step_cb;
  if (g_str_equal (operation, "suspend"))
    wait_job (lodge_library_suspend (f.library, machine));
  else if (g_str_equal (operation, "resume"))
    wait_job (lodge_library_resume (f.library, machine));
  else
    wait_job (lodge_library_discard_suspended (f.library, machine));
  /* The end of a QEMU that was killed is seen, too. */
  while (victim == QEMU && g_atomic_int_get (&found_qemu) &&
         lodge_state_is_live (lodge_machine_get_state (machine)))
    test_wait_ms (5);
  lodge_journal_step_hook = NULL;
  machine_fixture_close_library (&f);
  return g_atomic_int_get (&steps_left) <= 0 ? 0 : 3;
}

/* --- The next engine --- */

typedef struct {
  MachineFixture machines;
  char *original; /* what each run gets a copy of */
  char *data;
} Fixture;

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

static void
set_up (Fixture *f, gconstpointer data)
{
  MachineFixture *m = &f->machines;
  LodgeMachine *machine;

  machine_fixture_set_up (m, NULL);
  machine = machine_fixture_create (m, "web", BOOT_SECTOR_MEMORY);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  wait_job (lodge_library_suspend (m->library, machine));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  machine_fixture_close_library (m);
  f->data = g_build_filename (m->folder, "data", NULL);
  f->original = g_build_filename (m->folder, "original", NULL);
  run ("mv", f->data, f->original, NULL);
  machine_fixture_open_library (m);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  machine_fixture_tear_down (&f->machines, NULL);
  g_free (f->data);
  g_free (f->original);
}

static void
copy_original (Fixture *f)
{
  machine_fixture_close_library (&f->machines);
  run ("rm", "-rf", f->data, NULL);
  run ("cp", "-a", "--sparse=always", f->original, f->data, NULL);
}

/* TRUE: the victim was killed, after the last of @out_steps. FALSE: it has come to its end. */
static gboolean
run_worker (Fixture *f, const char *operation, Victim who, guint step, char ***out_steps)
{
  g_autofree char *number = g_strdup_printf ("%u", step);
  char *argv[] = {(char *) "/proc/self/exe",
                  (char *) "--worker",
                  f->machines.folder,
                  (char *) operation,
                  (char *) victims[who],
                  number,
                  NULL};
  g_autofree char *cache = g_build_filename (f->machines.folder, "cache", NULL);
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

/* What is there by now is whole, and goes on. Returns whether the guest's memory is there. */
static gboolean
look (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);

  /* An engine that found a QEMU with nothing left to do has told it to end. */
  test_wait_until (lodge_machine_get_state (machine) != LODGE_STATE_STOPPING);
  test_wait_until (!lodge_journal_exists (folder));
  switch (lodge_machine_get_state (machine)) {
  case LODGE_STATE_CRASHED:
    machine_fixture_assert_tidy (machine);
    machine_fixture_start (machine);
    memory_guest_tell (machine, "b");
    return FALSE;
  case LODGE_STATE_OFF:
    machine_fixture_assert_tidy (machine);
    return FALSE;
  case LODGE_STATE_SUSPENDED:
    machine_fixture_assert_tidy (machine);
    g_assert_false (machine_fixture_has_runtime (machine));
    machine_fixture_start (machine);
    break;
  case LODGE_STATE_PAUSED:
    machine_fixture_request (machine, LODGE_REQUEST_RESUME);
    test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
    break;
  default:
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  }
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  test_wait_until (!lodge_journal_exists (folder));
  machine_fixture_assert_tidy (machine);
  g_assert_null (lodge_machine_get_description (machine)->suspended);
  return TRUE;
}

/* From this step on nothing takes the guest's memory, whoever is killed; and up to that one. */
static const struct {
  const char *operation;
  const char *from;
  const char *to;
} promises[] = {
    {"suspend", "named", NULL},
    {"resume", NULL, "recorded"},
};

/* How often QEMU tells of its progress is not the same each time: the names of the steps tell, and
 * not how many there were. */
static gboolean
is_promised (const char *operation, char **steps)
{
  const guint n = g_strv_length (steps);

  for (guint i = 0; i < G_N_ELEMENTS (promises); i++) {
    gboolean passed = FALSE;

    if (!g_str_equal (promises[i].operation, operation))
      continue;
    if (promises[i].from != NULL)
      return g_strv_contains ((const char *const *) steps, promises[i].from);
    for (guint j = 0; j + 1 < n; j++)
      passed = passed || g_str_equal (steps[j], promises[i].to);
    return !passed;
  }
  return FALSE;
}

static void
test_killed (Fixture *f, gconstpointer operation)
{
  MachineFixture *m = &f->machines;
  guint n = 0;

  for (guint step = 1; step < MOST_STEPS; step++) {
    guint n_killed = 0;

    for (guint i = 0; i < MAX (test_get_times (), N_VICTIMS); i++) {
      Victim who = i % N_VICTIMS;
      g_auto (GStrv) steps = NULL;
      LodgeMachine *machine;
      gboolean killed, kept;

      copy_original (f);
      killed = run_worker (f, operation, who, step, &steps);
      machine_fixture_open_library (m);
      machine = lodge_library_find (m->library, "web", NULL);
      n_killed += killed ? 1 : 0;
      g_test_message ("step %u, after “%s”, %s: %s", step,
                      killed ? steps[g_strv_length (steps) - 1] : "the end", victims[who],
                      lodge_state_get_name (lodge_machine_get_state (machine)));
      kept = look (machine);
      g_assert_true (kept || !killed || !is_promised (operation, steps));
      /* An engine that goes without its QEMU takes nothing of the guest. */
      g_assert_true (kept || who != ENGINE || g_str_equal (operation, "discard"));
      if (lodge_state_is_live (lodge_machine_get_state (machine)))
        machine_fixture_request (machine, LODGE_REQUEST_KILL);
      if (!killed)
        break;
    }
    if (n_killed == 0)
      break;
    n++;
  }
  g_test_message ("%s: %u steps", (const char *) operation, n);
  g_assert_cmpuint (n, >, 4);
}

int
main (int argc, char *argv[])
{
  static const char *const operations[] = {"suspend", "resume", "discard"};

  if (argc == 6 && g_str_equal (argv[1], "--worker"))
    return work (argv[2], argv[3], argv[4], atoi (argv[5]));
  machine_fixture_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++) {
    g_autofree char *path = g_strconcat ("/machine/suspend/killed/", operations[i], NULL);

    g_test_add (path, Fixture, operations[i], set_up, test_killed, tear_down);
  }
  return g_test_run ();
}

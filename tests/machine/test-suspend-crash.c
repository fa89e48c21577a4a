/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine, a QEMU, or both that are killed at every step of suspending a guest to disk and of
 * going on from there: nothing is lost, nothing is left lying about, and the next start works.
 *
 * A worker process is the engine. At its nth step, for n from 1 until it comes to its end, the
 * victim is killed. What it works on is a copy, made anew for each run, of a machine whose guest
 * was suspended with an "a" in its memory.
 *
 * The same for an encrypted machine, which the keyring opens: a few steps each time, and every one
 * with LODGE_TEST_CRASHES set.
 */
#include "encrypted-fixture.h"
#include "kill-worker.h"
#include "machine/lodge-journal.h"
#include "memory-guest.h"

/* One step in so many of an encrypted machine. */
#define STRIDE 10

typedef struct {
  const char *operation;
  gboolean encrypted;
} Table;

/* --- The worker --- */

static void
work (MachineFixture *f, const char *operation)
{
  LodgeMachine *machine;

  machine_fixture_open_library (f);
  machine = lodge_library_find (f->library, "web", NULL);
  if (g_str_equal (operation, "suspend"))
    machine_fixture_start (machine);
  kill_worker_arm (machine);
  if (g_str_equal (operation, "suspend"))
    wait_job (lodge_library_suspend (f->library, machine));
  else if (g_str_equal (operation, "resume"))
    wait_job (lodge_library_resume (f->library, machine));
  else
    wait_job (lodge_library_discard_suspended (f->library, machine));
  kill_worker_disarm (machine);
  machine_fixture_close_library (f);
}

/* --- The next engine --- */

static void
begin_table (KillFixture *f, gconstpointer data)
{
  const Table *table = data;
  MachineFixture *m = &f->machines;
  LodgeMachine *machine;

  if (table->encrypted) {
    Fixture encrypted;

    set_up (&encrypted, NULL);
    machine = create (&encrypted, "web", PASSPHRASE, TRUE, NULL);
    *m = encrypted.machines;
  } else {
    machine_fixture_set_up (m, NULL);
    machine = machine_fixture_create (m, "web", BOOT_SECTOR_MEMORY);
  }
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  wait_job (lodge_library_suspend (m->library, machine));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  kill_fixture_keep (f);
}

static void
end_table (KillFixture *f, gconstpointer data)
{
  machine_fixture_tear_down (&f->machines, NULL);
  kill_fixture_clear (f);
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
test_killed (KillFixture *f, gconstpointer data)
{
  const Table *table = data;
  const char *operation = table->operation;
  const gboolean few = table->encrypted && g_getenv ("LODGE_TEST_CRASHES") == NULL;
  const guint stride = few ? STRIDE : 1;
  const guint first = (guint) g_test_rand_int_range (0, KILL_N_VICTIMS);
  MachineFixture *m = &f->machines;
  guint n = 0;

  for (guint step = few ? (guint) g_test_rand_int_range (1, 5) : 1; step < KILL_WORKER_MOST_STEPS;
       step += stride) {
    guint n_killed = 0;

    for (guint i = 0; i < test_get_times (); i++) {
      const KillVictim who = (first + step / stride + i) % KILL_N_VICTIMS;
      g_auto (GStrv) steps = NULL;
      LodgeMachine *machine;
      gboolean killed, kept;

      kill_fixture_copy (f);
      killed = kill_fixture_run (f, operation, who, step, &steps);
      machine_fixture_open_library (m);
      machine = lodge_library_find (m->library, "web", NULL);
      n_killed += killed ? 1 : 0;
      g_test_message ("step %u, after “%s”, %s: %s", step,
                      killed ? steps[g_strv_length (steps) - 1] : "the end", kill_victims[who],
                      lodge_state_get_name (lodge_machine_get_state (machine)));
      kept = look (machine);
      g_assert_true (kept || !killed || !is_promised (operation, steps));
      /* An engine that goes without its QEMU takes nothing of the guest. */
      g_assert_true (kept || who != KILL_ENGINE || g_str_equal (operation, "discard"));
      if (lodge_state_is_live (lodge_machine_get_state (machine)))
        machine_fixture_request (machine, LODGE_REQUEST_KILL);
      if (!killed)
        break;
    }
    if (n_killed == 0)
      break;
    n++;
  }
  g_test_message ("%s: %u steps", operation, n);
  g_assert_cmpuint (n, >, few ? 0 : 4);
}

int
main (int argc, char *argv[])
{
  static const Table tables[] = {
      {"suspend", FALSE}, {"resume", FALSE}, {"discard", FALSE},
      {"suspend", TRUE},  {"resume", TRUE},  {"discard", TRUE},
  };
  int status;

  if (kill_worker_main (argc, argv, work, &status))
    return status;
  encrypted_fixture_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++) {
    g_autofree char *path =
        g_strdup_printf ("/machine/suspend/killed%s/%s", tables[i].encrypted ? "-encrypted" : "",
                         tables[i].operation);

    g_test_add (path, KillFixture, &tables[i], begin_table, test_killed, end_table);
  }
  return encrypted_fixture_end (g_test_run ());
}

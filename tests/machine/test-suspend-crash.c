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
  KillTable table;
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
look_cb (KillFixture *f, LodgeMachine *machine, const KillRun *run)
{
  const gboolean kept = look (machine);

  g_assert_true (kept || !run->killed || !is_promised (run->operation, run->steps));
  /* An engine that goes without its QEMU takes nothing of the guest. */
  g_assert_true (kept || run->who != KILL_ENGINE || g_str_equal (run->operation, "discard"));
}

static void
test_killed (KillFixture *f, gconstpointer data)
{
  const Table *table = data;

  kill_fixture_kill_at_each (f, &table->table);
}

int
main (int argc, char *argv[])
{
  static const Table tables[] = {
      {{"suspend", look_cb, 4, 1, FALSE}, FALSE},    {{"resume", look_cb, 4, 1, FALSE}, FALSE},
      {{"discard", look_cb, 4, 1, FALSE}, FALSE},    {{"suspend", look_cb, 4, STRIDE, FALSE}, TRUE},
      {{"resume", look_cb, 4, STRIDE, FALSE}, TRUE}, {{"discard", look_cb, 4, STRIDE, FALSE}, TRUE},
  };
  int status;

  if (kill_worker_main (argc, argv, work, &status))
    return status;
  encrypted_fixture_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++) {
    g_autofree char *path =
        g_strdup_printf ("/machine/suspend/killed%s/%s", tables[i].encrypted ? "-encrypted" : "",
                         tables[i].table.operation);

    g_test_add (path, KillFixture, &tables[i], begin_table, test_killed, end_table);
  }
  return encrypted_fixture_end (g_test_run ());
}

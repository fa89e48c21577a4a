/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine, a QEMU, or both that are killed at every step of a run of which nothing is kept: the
 * machine is as before, nothing is left lying about, and the next start works.
 *
 * What each run works on is a copy of a machine with a TPM, whose disk has an "a"; the guest
 * overwrites that. */
#include "kill-worker.h"
#include "lodge-paths.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"

/* --- The worker --- */

static void
work (MachineFixture *f, const char *operation)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeMachine *machine;

  machine_fixture_open_library (f);
  machine = lodge_library_find (f->library, "web", NULL);
  kill_worker_arm (machine);
  lodge_machine_start_disposable_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  if (lodge_machine_start_finish (machine, result, &error)) {
    lodge_journal_step ("runs");
    if (!kill_worker_has_killed_qemu ()) {
      memory_guest_tell (machine, "b");
      lodge_journal_step ("written");
    }
    if (!kill_worker_has_killed_qemu ())
      lodge_machine_request_async (machine, LODGE_REQUEST_KILL, NULL, NULL);
    lodge_journal_step ("ending");
    test_wait_until (!lodge_state_is_live (lodge_machine_get_state (machine)));
    lodge_journal_step ("ended");
  }
  g_clear_object (&result);
  kill_worker_disarm (machine);
  machine_fixture_close_library (f);
}

/* --- The next engine --- */

static void
set_up (KillFixture *f, gconstpointer data)
{
  MachineFixture *m = &f->machines;
  g_autofree char *swtpm = g_find_program_in_path ("swtpm");
  LodgeMachine *machine;

  machine_fixture_set_up (m, NULL);
  machine = machine_fixture_create (m, "web", BOOT_SECTOR_DISK);
  if (swtpm != NULL)
    machine_fixture_set_key (machine, "tpm.enabled", "yes");
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  kill_fixture_keep (f);
}

static void
tear_down (KillFixture *f, gconstpointer data)
{
  machine_fixture_tear_down (&f->machines, NULL);
  kill_fixture_clear (f);
}

/* All that the machine is, byte by byte; not the logs, and not what says who runs it. */
static void
assert_as_before (KillFixture *f, LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *before =
      g_build_filename (f->original, "machines", lodge_machine_get_uuid (machine), NULL);
  const char *argv[] = {"diff",   "-r", "-x",   "qemu.log", "-x",   "tpm.log", "-x",
                        "serial", "-x", "lock", before,     folder, NULL};
  g_autofree char *words = NULL;
  int status;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &words,
                               NULL, &status, NULL));
  g_assert_cmpstr (words, ==, "");
  g_assert_cmpint (status, ==, 0);
}

static void
look (KillFixture *f, LodgeMachine *machine, const KillRun *run)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *runtime = lodge_paths_dup_runtime ();
  g_autofree char *tpm = g_build_filename (runtime, "d", lodge_machine_get_uuid (machine), NULL);

  /* An engine that found a QEMU with nothing left to do has told it to end. */
  test_wait_until (lodge_machine_get_state (machine) != LODGE_STATE_STOPPING);
  test_wait_until (!lodge_journal_exists (folder));
  if (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING) {
    g_assert_true (run->killed && run->who == KILL_ENGINE);
    g_assert_true (lodge_machine_is_disposable (machine));
    machine_fixture_assert_tidy (machine);
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
  }
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  machine_fixture_assert_tidy (machine);
  g_assert_false (machine_fixture_has_runtime (machine));
  g_assert_false (g_file_test (tpm, G_FILE_TEST_EXISTS));
  assert_as_before (f, machine);
  machine_fixture_start (machine);
  g_assert_false (lodge_machine_is_disposable (machine));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

int
main (int argc, char *argv[])
{
  static const KillTable tables[] = {{"run", look, 8, 1, FALSE}};
  int status;

  if (kill_worker_main (argc, argv, work, &status))
    return status;
  machine_fixture_init (&argc, &argv);
  kill_fixture_add_tables ("/machine/disposable/killed", tables, G_N_ELEMENTS (tables), set_up,
                           tear_down);
  return g_test_run ();
}

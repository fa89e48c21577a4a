/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guests that panic and a QEMU that dies: it is told, remembered, and over with the next start. */
#include "lodge-error.h"
#include "machine-fixture.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void
test_guest_panics (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "panic", BOOT_SECTOR_PANIC);

  machine_fixture_start (machine);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "panic"));
  /* What is left of it is ended, and it begins anew. */
  machine_fixture_start (machine);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
}

/* Two clients start what has panicked, and a third wants it gone: one start wins, nobody else. */
static void
test_start_twice_after_panic (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "panic", BOOT_SECTOR_PANIC);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (LodgeJob) job = NULL;
  g_autoptr (GError) error = NULL;

  machine_fixture_start (machine);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  lodge_machine_start_async (machine, test_wait_result_cb, &first);
  lodge_machine_start_async (machine, test_wait_result_cb, &second);
  job = g_object_ref (lodge_library_delete_machine (fixture->library, machine, &error));
  test_wait_until (first != NULL && second != NULL &&
                   lodge_job_get_state (job) != LODGE_JOB_RUNNING);

  lodge_machine_start_finish (machine, first, &error);
  g_assert_no_error (error);
  g_assert_false (lodge_machine_start_finish (machine, second, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_true (g_file_test (folder, G_FILE_TEST_EXISTS));
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
}

static void
test_qemu_dies (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);

  machine_fixture_start (machine);
  g_assert_cmpint (kill (machine_fixture_find_qemu (machine), SIGKILL), ==, 0);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  g_assert_cmpstr (lodge_machine_get_note (machine), !=, "");
  g_assert_false (machine_fixture_has_runtime (machine));
  machine_fixture_start (machine);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

static void
test_qemu_dies_without_engine (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  GPid pid;

  machine_fixture_start (machine);
  pid = machine_fixture_find_qemu (machine);
  machine_fixture_close_library (fixture);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  for (guint i = 0; i < 3000 && kill (pid, 0) == 0; i++)
    g_usleep (20000);
  machine_fixture_open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
  g_assert_cmpstr (lodge_machine_get_note (machine), !=, "");
  g_assert_false (machine_fixture_has_runtime (machine));
  machine_fixture_start (machine);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

static char *
dup_record_path (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);

  return g_build_filename (folder, "run", NULL);
}

/* A crash is known until somebody has seen to it, whatever engines come and go meanwhile. */
static void
test_crash_is_remembered (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *note = NULL;
  g_autofree char *path = dup_record_path (machine);

  machine_fixture_start (machine);
  g_assert_cmpint (kill (machine_fixture_find_qemu (machine), SIGKILL), ==, 0);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  note = g_strdup (lodge_machine_get_note (machine));
  for (guint i = 0; i < 2; i++) {
    machine = machine_fixture_change_engine (fixture, "idle");
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
    g_assert_cmpstr (lodge_machine_get_note (machine), ==, note);
  }
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  machine = machine_fixture_change_engine (fixture, "idle");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);

  /* What was forced off has not crashed, neither while it ran. */
  machine_fixture_start (machine);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  machine = machine_fixture_change_engine (fixture, "idle");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

/* Said of the computer when it was started since, and of nothing when the record is no record. */
static void
test_computer_ended (MachineFixture *fixture, gconstpointer data)
{
  static const struct {
    const char *text; /* NULL: no plain file */
    LodgeState state;
  } cases[] = {
      {"[run]\nstate=running\nboot=11111111-2222-3333-4444-555555555555\n", LODGE_STATE_CRASHED},
      {"", LODGE_STATE_CRASHED},
      {"\xff\xfe nonsense", LODGE_STATE_CRASHED},
      {NULL, LODGE_STATE_OFF},
  };
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *path = dup_record_path (machine);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    if (cases[i].text != NULL)
      g_assert_true (g_file_set_contents (path, cases[i].text, -1, NULL));
    else
      g_assert_cmpint (g_unlink (path) + symlink ("/etc/passwd", path), ==, 0);
    machine = machine_fixture_change_engine (fixture, "idle");
    g_assert_cmpint (lodge_machine_get_state (machine), ==, cases[i].state);
    if (cases[i].text != NULL)
      g_assert_nonnull (strstr (lodge_machine_get_note (machine), "computer"));
  }
  /* What is no record does not stop a start either. */
  machine_fixture_start (machine);
  g_assert_false (g_file_test (path, G_FILE_TEST_IS_SYMLINK));
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("guest-panics", test_guest_panics);
  MACHINE_FIXTURE_ADD ("start-twice-after-panic", test_start_twice_after_panic);
  MACHINE_FIXTURE_ADD ("qemu-dies", test_qemu_dies);
  MACHINE_FIXTURE_ADD ("qemu-dies-without-engine", test_qemu_dies_without_engine);
  MACHINE_FIXTURE_ADD ("crash-is-remembered", test_crash_is_remembered);
  MACHINE_FIXTURE_ADD ("computer-ended", test_computer_ended);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's life: started, used, forced off, deleted. */
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-machine-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Enough to come in between; longer takes the test longer and shows no more. */
#define SLOW_START_MS 2000

static void
count_event_cb (LodgeMachine *machine, const char *kind, gpointer user_data)
{
  GHashTable *seen = user_data;

  g_hash_table_add (seen, g_strdup (kind));
}

static GHashTable *
record_events (LodgeMachine *machine)
{
  GHashTable *seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_signal_connect_data (machine, "guest-event", G_CALLBACK (count_event_cb), seen,
                         (GClosureNotify) (void (*) (void)) g_hash_table_unref, 0);
  return seen;
}

static void
test_start_pause_resume_kill (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  GHashTable *seen = record_events (machine);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (machine_fixture_has_runtime (machine));
  machine_fixture_start (machine);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_true (g_file_test (lodge_machine_get_spice_socket (machine), G_FILE_TEST_EXISTS));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  /* Resolved once, and recorded. */
  g_assert_true (
      g_str_has_prefix (lodge_machine_get_description (machine)->machine_type, "pc-q35-"));

  lodge_machine_start_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);

  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  g_assert_true (g_hash_table_contains (seen, "stands-still"));
  g_hash_table_remove_all (seen);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  g_assert_true (g_hash_table_contains (seen, "goes-on"));
  g_assert_false (g_hash_table_contains (seen, "stands-still"));
  machine_fixture_request (machine, LODGE_REQUEST_RESET);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_false (machine_fixture_has_runtime (machine));
  g_assert_cmpstr (lodge_machine_get_spice_socket (machine), ==, "");

  /* The lock has gone with it: it starts again at once. */
  machine_fixture_start (machine);
}

static void
test_guest_powers_off (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "off", BOOT_SECTOR_POWER_OFF);
  GHashTable *seen = record_events (machine);

  machine_fixture_start (machine);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  g_assert_true (g_hash_table_contains (seen, "shutdown"));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  g_assert_false (machine_fixture_has_runtime (machine));
}

static void
test_guest_resets (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "reset", BOOT_SECTOR_RESET);
  GHashTable *seen = record_events (machine);

  machine_fixture_start (machine);
  test_wait_until (g_hash_table_contains (seen, "reset"));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
}

#define CALLED_OFF 1

/* With a kernel that is given up then it is another QEMU that goes on; a clone that is being made
 * does not take that away. */
static void
test_resets_during_work (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "reset", BOOT_SECTOR_IDLE);
  g_autoptr (LodgeJob) job = lodge_job_new ("clone", lodge_machine_get_uuid (machine));
  GHashTable *seen = record_events (machine);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  machine_fixture_give_kernel_once (fixture, machine, FALSE);
  machine_fixture_start (machine);
  lodge_job_set_step (job, "Copying the disk");
  /* Once there is work nobody may ask for it any more; guests do not ask. */
  lodge_machine_request_async (machine, LODGE_REQUEST_RESET, test_wait_result_cb, &result);
  g_assert_true (lodge_machine_begin_work (machine, job, &error));
  test_wait_until (result != NULL);
  g_assert_true (lodge_machine_request_finish (machine, result, &error));
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  g_assert_true (g_hash_table_contains (seen, "reset"));
  test_wait_until (strstr (lodge_machine_get_note (machine), "Copying the disk") != NULL);
  test_wait_ms (200);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);

  if (GPOINTER_TO_INT (data) == CALLED_OFF) {
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
    g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
    lodge_machine_end_work (machine);
  } else {
    lodge_machine_end_work (machine);
    test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
    g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
    /* Once. */
    g_assert_true (lodge_machine_begin_work (machine, job, &error));
    lodge_machine_end_work (machine);
  }
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
}

/* Kill takes a start back, whatever it is at, and answers when all of it is gone. */
static void
test_kill_while_starting (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);

  for (guint turns = 0; turns < 8; turns++) {
    g_autoptr (GAsyncResult) started = NULL;
    g_autoptr (GError) error = NULL;

    lodge_machine_start_async (machine, test_wait_result_cb, &started);
    for (guint i = 0; i < turns * turns && started == NULL; i++)
      g_main_context_iteration (NULL, TRUE);
    /* Why it has ended, if it has. */
    if (started != NULL)
      lodge_machine_start_finish (machine, started, &error);
    g_assert_no_error (error);
    g_assert_cmpint (lodge_machine_get_state (machine), !=, LODGE_STATE_OFF);
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
    g_assert_false (machine_fixture_has_runtime (machine));
    if (started == NULL) {
      test_wait_until (started != NULL);
      if (!lodge_machine_start_finish (machine, started, &error))
        g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
    }
    /* Whoever was told of the end finds the lock free, also while the result is still held. */
    if (turns == 0) {
      machine_fixture_start (machine);
      machine_fixture_request (machine, LODGE_REQUEST_KILL);
    }
  }
  machine_fixture_start (machine);
}

/* Off as far as this engine knows, but somebody has its lock. */
static void
test_delete_while_locked (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, "lock", NULL);
  g_autoptr (LodgeJob) job = NULL;
  g_autoptr (GError) error = NULL;
  int lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  g_assert_cmpint (flock (lock, LOCK_EX | LOCK_NB), ==, 0);
  job = g_object_ref (lodge_library_delete_machine (fixture->library, machine, &error));
  g_assert_no_error (error);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  close (lock);
}

static void
test_keys_and_screenshot (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "keys", BOOT_SECTOR_KEYS);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) png = NULL;

  machine_fixture_start (machine);
  lodge_machine_screenshot_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  png = lodge_machine_screenshot_finish (machine, result, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (png, NULL), 4, "\x89PNG", 4);

  g_clear_object (&result);
  lodge_machine_type_async (machine, "caf\303\251", test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_input_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);

  machine_fixture_press_until (machine, "q", LODGE_STATE_OFF);
}

static gboolean
leave_as_it_is (LodgeMachine *machine, LodgeDescription *value, gpointer data, GError **error)
{
  return TRUE;
}

static void
test_missing_disk (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *layer = g_build_filename (folder, "layers", "disk0-l0.qcow2", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_unlink (layer), ==, 0);
  lodge_machine_start_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "disk0-l0.qcow2"));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, error->message);
  g_assert_false (machine_fixture_has_runtime (machine));

  /* It may be another thing once something was changed. */
  g_clear_object (&result);
  lodge_machine_save_async (machine, leave_as_it_is, NULL, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_true (lodge_machine_save_finish (machine, result, NULL));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

static void
test_forward_while_running (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  /* Any port that is free now; a clash would be EXISTS and tried again. */
  g_autofree char *rule = NULL;
  gboolean added = FALSE;

  machine_fixture_start (machine);
  for (guint i = 0; i < 20 && !added; i++) {
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GError) error = NULL;

    g_free (rule);
    rule = g_strdup_printf ("tcp:127.0.0.1:%d:22", g_random_int_range (20000, 60000));
    lodge_machine_forward_async (machine, TRUE, "", rule, test_wait_result_cb, &result);
    test_wait_until (result != NULL);
    added = lodge_machine_forward_finish (machine, result, &error);
    if (!added)
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  }
  g_assert_true (added);

  /* Another engine finds the running network and can take the forward away. */
  machine_fixture_close_library (fixture);
  machine_fixture_open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  {
    const LodgeNic *nic = lodge_machine_get_description (machine)->nics->pdata[0];
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_cmpstr (nic->forwards[0], ==, rule);
    lodge_machine_forward_async (machine, FALSE, "nic0", rule, test_wait_result_cb, &result);
    test_wait_until (result != NULL);
    lodge_machine_forward_finish (machine, result, &error);
    g_assert_no_error (error);
  }
}

/* Not the QEMU that says what it can do. */
static int
find_machine_qemu (LodgeMachine *machine)
{
  return machine_fixture_find_descendant ("qemu-system-x86", lodge_machine_get_uuid (machine));
}

/* Starts @machine and stops its QEMU before it has got far. Gives its pid. */
static int
start_and_stop_qemu (LodgeMachine *machine, GAsyncResult **out_started)
{
  int pid = 0;

  lodge_machine_start_async (machine, test_wait_result_cb, out_started);
  test_wait_until ((pid = find_machine_qemu (machine)) != 0);
  g_assert_cmpint (kill (pid, SIGSTOP), ==, 0);
  return pid;
}

/* A computer that is busy with something else for a while. */
static void
test_slow_start (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GError) error = NULL;
  int pid = start_and_stop_qemu (machine, &started);

  test_wait_ms (SLOW_START_MS);
  g_assert_cmpint (kill (pid, SIGCONT), ==, 0);
  test_wait_until (started != NULL);
  lodge_machine_start_finish (machine, started, &error);
  g_assert_no_error (error);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
}

/* A QEMU that hangs, while it starts and while it runs, can be forced off all the same. */
static void
test_kill_hung (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autoptr (GAsyncResult) started = NULL;

  start_and_stop_qemu (machine, &started);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  test_wait_until (started != NULL);
  lodge_machine_start_finish (machine, started, NULL);
  g_assert_cmpint (find_machine_qemu (machine), ==, 0);

  machine_fixture_start (machine);
  g_assert_cmpint (kill (find_machine_qemu (machine), SIGSTOP), ==, 0);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpint (find_machine_qemu (machine), ==, 0);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  machine_fixture_start (machine);
}

/* The process that is the guest's network dies: the guest goes on, and the user is told. */
static void
test_network_dies (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  int pid = 0;

  machine_fixture_start (machine);
  test_wait_until ((pid = machine_fixture_find_descendant ("lodge-usernet", NULL)) != 0);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  test_wait_until (strstr (lodge_machine_get_note (machine), "network") != NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
}

static void
test_delete (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeJob) job = NULL;

  machine_fixture_start (machine);
  g_assert_null (lodge_library_delete_machine (fixture->library, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  job = g_object_ref (lodge_library_delete_machine (fixture->library, machine, &error));
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_cmpint (lodge_job_get_state (job), ==, LODGE_JOB_DONE);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (lodge_library_get_machines (fixture->library)->len, ==, 0);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("start-pause-resume-kill", test_start_pause_resume_kill);
  MACHINE_FIXTURE_ADD ("guest-powers-off", test_guest_powers_off);
  MACHINE_FIXTURE_ADD ("guest-resets", test_guest_resets);
  MACHINE_FIXTURE_ADD ("resets-during-work", test_resets_during_work);
  g_test_add ("/machine/life/resets-called-off", MachineFixture, GINT_TO_POINTER (CALLED_OFF),
              machine_fixture_set_up, test_resets_during_work, machine_fixture_tear_down);
  MACHINE_FIXTURE_ADD ("kill-while-starting", test_kill_while_starting);
  MACHINE_FIXTURE_ADD ("delete-while-locked", test_delete_while_locked);
  MACHINE_FIXTURE_ADD ("keys-and-screenshot", test_keys_and_screenshot);
  MACHINE_FIXTURE_ADD ("missing-disk", test_missing_disk);
  MACHINE_FIXTURE_ADD ("forward-while-running", test_forward_while_running);
  MACHINE_FIXTURE_ADD ("slow-start", test_slow_start);
  MACHINE_FIXTURE_ADD ("kill-hung", test_kill_hung);
  MACHINE_FIXTURE_ADD ("network-dies", test_network_dies);
  MACHINE_FIXTURE_ADD ("delete", test_delete);
  return g_test_run ();
}

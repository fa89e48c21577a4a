/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of which nothing is kept: a real QEMU, and a guest that writes to its disk. */
#include "host/lodge-host-firmware.h"
#include "lodge-error.h"
#include "lodge-paths.h"
#include "machine-fixture.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"

#include <signal.h>
#include <string.h>

static void
force_off (LodgeMachine *machine)
{
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  g_assert_false (lodge_machine_is_disposable (machine));
}

static void
wait_job (LodgeJob *job)
{
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
}

/* With an "a" on its disk. */
static LodgeMachine *
create (MachineFixture *f)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_DISK);

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  force_off (machine);
  return machine;
}

static char *
read_file (LodgeMachine *machine, const char *name, gsize *out_length)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;
  char *data = NULL;

  g_file_get_contents (path, &data, out_length, &error);
  g_assert_no_error (error);
  return data;
}

static void
assert_refused (LodgeJob *job)
{
  wait_job (job);
  g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_nonnull (strstr (lodge_job_get_error (job)->message, "Nothing of this run"));
}

static void
test_forgotten (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = create (f);
  g_autoptr (GVariant) none = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  g_autofree char *vmgenid = g_strdup (lodge_machine_get_description (machine)->vmgenid);
  gsize before_length, after_length;
  g_autofree char *before = read_file (machine, "machine.ini", &before_length);
  g_autofree char *after = NULL;

  machine_fixture_start_disposable (machine);
  /* What it writes to has no name. */
  machine_fixture_assert_tidy (machine);
  g_assert_cmpstr (machine->started->vmgenid, !=, vmgenid);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  memory_guest_tell (machine, "b");

  assert_refused (lodge_library_take_snapshot (f->library, machine, "one", ""));
  assert_refused (lodge_library_suspend (f->library, machine));
  assert_refused (lodge_library_clone_machine (f->library, machine, "new", none, NULL));
  assert_refused (lodge_library_grow_disk (f->library, machine, "disk0", 1 << 30));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'b');

  /* The next engine knows it, too. */
  machine = machine_fixture_change_engine (f, "web");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_true (lodge_machine_is_disposable (machine));
  assert_refused (lodge_library_take_snapshot (f->library, machine, "one", ""));
  machine_fixture_request (machine, LODGE_REQUEST_RESET);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'b');

  /* The guest powers off. */
  memory_guest_end (machine, "!");
  g_assert_false (lodge_machine_is_disposable (machine));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  machine_fixture_assert_tidy (machine);
  g_assert_false (machine_fixture_has_runtime (machine));
  after = read_file (machine, "machine.ini", &after_length);
  g_assert_cmpmem (before, before_length, after, after_length);

  machine_fixture_start (machine);
  g_assert_false (lodge_machine_is_disposable (machine));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

/* QEMU's end is no crash of the machine. */
static void
test_qemu_killed (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = create (f);

  machine_fixture_start_disposable (machine);
  memory_guest_tell (machine, "b");
  kill (machine_fixture_find_qemu (machine), SIGKILL);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "as it was before"));
  machine = machine_fixture_change_engine (f, "web");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  machine_fixture_start (machine);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

/* It ends while no engine is there: the next one tells it, once. */
static void
test_computer_ended (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = create (f);
  GPid qemu;

  machine_fixture_start_disposable (machine);
  memory_guest_tell (machine, "b");
  qemu = machine_fixture_find_qemu (machine);
  machine_fixture_close_library (f);
  kill (qemu, SIGKILL);
  while (kill (qemu, 0) == 0)
    test_wait_ms (5);
  machine_fixture_open_library (f);
  machine = lodge_library_find (f->library, "web", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "as it was before"));
  g_assert_false (machine_fixture_has_runtime (machine));
  machine_fixture_assert_tidy (machine);
  machine_fixture_start (machine);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

/* A guest that resets with a kernel that is given up then does not come up again with its real
 * disks. */
static void
test_kernel_once (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);
  g_autofree char *kernel = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  machine_fixture_give_kernel_once (f, machine, TRUE);
  kernel = g_strdup (lodge_machine_get_description (machine)->kernel);
  lodge_machine_start_disposable_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_clear_object (&result);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_description (machine)->kernel, ==, kernel);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "reset"));
}

/* Memory that could be loaded only once is not. */
static void
test_suspended (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = create (f);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  machine_fixture_start (machine);
  wait_job (lodge_library_suspend (f->library, machine));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  lodge_machine_start_disposable_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
}

/* The firmware writes to its variables and to the TPM by itself. */
static void
test_states (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);
  g_autoptr (LodgeHostFirmware) firmware =
      lodge_host_firmware_find ("x86_64", "pc-q35-7.2", FALSE, NULL);
  g_autofree char *swtpm = g_find_program_in_path ("swtpm");
  g_autofree char *runtime = lodge_paths_dup_runtime ();
  g_autofree char *tpm_folder =
      g_build_filename (runtime, "d", lodge_machine_get_uuid (machine), "tpm", NULL);
  g_autofree char *tpm_file = g_build_filename (tpm_folder, "tpm2-00.permall", NULL);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *own_tpm = g_build_filename (folder, "tpm", NULL);
  g_autofree char *before = NULL, *after = NULL;
  gsize before_length, after_length;

  if (firmware == NULL || swtpm == NULL) {
    g_test_skip ("no firmware, or no swtpm, is installed");
    return;
  }
  machine_fixture_set_key (machine, "firmware.kind", "uefi");
  machine_fixture_set_key (machine, "tpm.enabled", "yes");
  machine_fixture_start_disposable (machine);
  before = read_file (machine, "nvram.qcow2", &before_length);
  test_wait_polled (g_file_test (tpm_file, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (own_tpm, G_FILE_TEST_EXISTS));
  force_off (machine);
  g_assert_false (g_file_test (tpm_folder, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (own_tpm, G_FILE_TEST_EXISTS));
  after = read_file (machine, "nvram.qcow2", &after_length);
  g_assert_cmpmem (before, before_length, after, after_length);

  /* What the TPM has is there in such a run. */
  g_clear_pointer (&before, g_free);
  g_clear_pointer (&after, g_free);
  machine_fixture_start (machine);
  {
    g_autofree char *own_file = g_build_filename (own_tpm, "tpm2-00.permall", NULL);

    test_wait_polled (g_file_test (own_file, G_FILE_TEST_EXISTS));
  }
  force_off (machine);
  before = read_file (machine, "tpm/tpm2-00.permall", &before_length);
  machine_fixture_start_disposable (machine);
  g_assert_true (g_file_test (tpm_file, G_FILE_TEST_EXISTS));
  force_off (machine);
  after = read_file (machine, "tpm/tpm2-00.permall", &after_length);
  g_assert_cmpmem (before, before_length, after, after_length);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("disposable/forgotten", test_forgotten);
  MACHINE_FIXTURE_ADD ("disposable/qemu-killed", test_qemu_killed);
  MACHINE_FIXTURE_ADD ("disposable/computer-ended", test_computer_ended);
  MACHINE_FIXTURE_ADD ("disposable/kernel-once", test_kernel_once);
  MACHINE_FIXTURE_ADD ("disposable/suspended", test_suspended);
  MACHINE_FIXTURE_ADD ("disposable/states", test_states);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks of a guest that runs: a real QEMU. */
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-machine-private.h"
#include "qemu/lodge-json.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)

static const GError *
grow (MachineFixture *f, LodgeMachine *machine, const char *disk, guint64 size)
{
  LodgeJob *job = lodge_library_grow_disk (f->library, machine, disk, size);

  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  return lodge_job_get_error (job);
}

/* What QEMU says of what is in the device. */
static gint64
get_size (LodgeMachine *machine, const char *disk)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) error = NULL;
  JsonArray *drives;

  lodge_qmp_execute_async (machine->qmp, "query-block", NULL, 0, NULL, test_wait_result_cb,
                           &result);
  test_wait_until (result != NULL);
  answer = lodge_qmp_execute_finish (machine->qmp, result, &error);
  g_assert_no_error (error);
  drives = json_node_get_array (answer);
  for (guint i = 0; i < json_array_get_length (drives); i++) {
    JsonObject *drive = json_array_get_object_element (drives, i);
    const char *device = lodge_json_get_string (drive, "qdev");

    /* "/machine/peripheral/disk0/virtio-backend", or the id alone. */
    if (device != NULL && g_strrstr (device, disk) != NULL)
      return lodge_json_get_int (
          lodge_json_get_object (lodge_json_get_object (drive, "inserted"), "image"),
          "virtual-size", -1);
  }
  g_assert_not_reached ();
}

static void
test_grow (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);
  const GError *refused;
  LodgeJob *job;

  machine_fixture_start (machine);
  g_assert_cmpint (get_size (machine, "disk0"), <, 64 * MIB);
  g_assert_no_error (grow (f, machine, "disk0", 64 * MIB));
  g_assert_cmpint (get_size (machine, "disk0"), ==, 64 * MIB);
  refused = grow (f, machine, "disk0", 32 * MIB);
  g_assert_error (refused, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (g_strstr_len (refused->message, -1, "64M"));

  /* The layer that is written to is another one now, and has all of it. */
  job = lodge_library_take_snapshot (f->library, machine, "one", "");
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (job));
  g_assert_cmpint (get_size (machine, "disk0"), ==, 64 * MIB);
  g_assert_no_error (grow (f, machine, "disk0", 96 * MIB));
  g_assert_cmpint (get_size (machine, "disk0"), ==, 96 * MIB);

  /* The next start is with the same. */
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  machine_fixture_start (machine);
  g_assert_cmpint (get_size (machine, "disk0"), ==, 96 * MIB);
}

/* Its guest will go on with the disk that it had. */
static void
test_suspended (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);
  const GError *refused;
  LodgeJob *job;

  machine_fixture_start (machine);
  job = lodge_library_suspend (f->library, machine);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (job));
  refused = grow (f, machine, "disk0", 64 * MIB);
  g_assert_error (refused, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_nonnull (g_strstr_len (refused->message, -1, "is suspended"));
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("disks/grow", test_grow);
  MACHINE_FIXTURE_ADD ("disks/suspended", test_suspended);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks of a guest that runs: a real QEMU. */
#include "description/lodge-own-file.h"
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

/* As the device asks for it: QEMU's own qemu-io on what is behind that. */
static void
ask_device (LodgeMachine *machine, const char *device, const char *command)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_strdup_printf ("qemu-io -d %s \"%s\"", device, command);

  lodge_qmp_execute_async (machine->qmp, "human-monitor-command",
                           lodge_qmp_arguments ("command-line", line, NULL), 0, NULL,
                           test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  answer = lodge_qmp_execute_finish (machine->qmp, result, &error);
  g_assert_no_error (error);
  /* It says what went wrong, and nothing else in words like these. */
  g_assert_null (strstr (json_node_get_string (answer), "rror"));
  g_assert_null (strstr (json_node_get_string (answer), "failed"));
}

static guint64
get_used (LodgeMachine *machine, const char *layer)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  const LodgeLayer *top =
      lodge_description_get_layer (lodge_machine_get_description (machine), layer);

  return lodge_own_file_measure (folder, top->file);
}

/* What the guest frees is given back at once, and what it fills with zeros. */
static void
test_discard (MachineFixture *f, gconstpointer unused)
{
  static const char *const devices[] = {"/machine/peripheral/disk1/virtio-backend",
                                        "/machine/peripheral/disk2"};
  static const char *const layers[] = {"disk1-l0", "disk2-l0"};
  static const char *const buses[] = {"virtio", "sata"};
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);

  for (guint i = 0; i < G_N_ELEMENTS (buses); i++) {
    LodgeJob *job = lodge_library_add_disk (f->library, machine, 64 * MIB, buses[i], NULL);

    test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
    g_assert_no_error (lodge_job_get_error (job));
  }
  machine_fixture_start (machine);
  for (guint i = 0; i < G_N_ELEMENTS (devices); i++) {
    guint64 empty = get_used (machine, layers[i]);

    ask_device (machine, devices[i], "write -P 5 8M 8M");
    ask_device (machine, devices[i], "flush");
    g_assert_cmpuint (get_used (machine, layers[i]), >=, empty + 8 * MIB);
    ask_device (machine, devices[i], "discard 8M 4M");
    ask_device (machine, devices[i], "flush");
    g_assert_cmpuint (get_used (machine, layers[i]), <=, empty + 5 * MIB);
    ask_device (machine, devices[i], "write -P 0 12M 4M");
    ask_device (machine, devices[i], "flush");
    g_assert_cmpuint (get_used (machine, layers[i]), <=, empty + MIB);
  }
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

/* A guest that stood still when its memory was saved: QEMU has put its disks aside until it goes
 * on, and 7.2 would not live through this. */
static void
test_aside (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);
  LodgeJob *job;

  machine_fixture_start (machine);
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  job = lodge_library_take_snapshot (f->library, machine, "one", "");
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (job));
  g_assert_error (grow (f, machine, "disk0", 64 * MIB), LODGE_ERROR, LODGE_ERROR_BUSY);
  machine_fixture_assert_tidy (machine);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  g_assert_no_error (grow (f, machine, "disk0", 64 * MIB));
  machine_fixture_assert_tidy (machine);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("disks/grow", test_grow);
  MACHINE_FIXTURE_ADD ("disks/discard", test_discard);
  MACHINE_FIXTURE_ADD ("disks/suspended", test_suspended);
  MACHINE_FIXTURE_ADD ("disks/aside", test_aside);
  return g_test_run ();
}

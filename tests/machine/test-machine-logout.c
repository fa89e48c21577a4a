/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The session ends: machines are shut down, and nobody waits for a guest that can do nothing. */
#include "machine-fixture.h"

#include "machine/lodge-machine-private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static guint64
read_be64 (int fd, guint64 at)
{
  guint64 value;

  g_assert_cmpint (pread (fd, &value, sizeof value, (off_t) at), ==, sizeof value);
  return GUINT64_FROM_BE (value);
}

/* Its boot sector cannot be read: the first entry of the first L2 table says that the data are
 * compressed, which they are not (docs/interop/qcow2.txt in QEMU). */
static void
break_disk (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *layer = g_build_filename (folder, "layers", "disk0-l0.qcow2", NULL);
  int fd = open (layer, O_RDWR | O_CLOEXEC);
  guint64 l1 = read_be64 (fd, 40);
  guint64 l2 = read_be64 (fd, l1) & G_GUINT64_CONSTANT (0x00fffffffffffe00);
  guint64 entry = read_be64 (fd, l2) & G_GUINT64_CONSTANT (0x00fffffffffffe00);

  entry = GUINT64_TO_BE (entry | G_GUINT64_CONSTANT (1) << 62);
  g_assert_cmpint (pwrite (fd, &entry, sizeof entry, (off_t) l2), ==, sizeof entry);
  close (fd);
}

static guint
shut_down (MachineFixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_library_shut_down_async (fixture->library, TEST_WAIT_S, 1, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_library_shut_down_finish (fixture->library, result);
}

/* The session ends: whoever can hear of it does, also who is paused or needs a second press. */
static void
test_shut_down (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *running = machine_fixture_create (fixture, "running", BOOT_SECTOR_BUTTON);
  LodgeMachine *paused = machine_fixture_create (fixture, "paused", BOOT_SECTOR_BUTTON);
  LodgeMachine *dozy = machine_fixture_create (fixture, "dozy", BOOT_SECTOR_DOZY);

  g_assert_cmpuint (shut_down (fixture), ==, 0);
  machine_fixture_start (running);
  machine_fixture_start (dozy);
  machine_fixture_start (paused);
  machine_fixture_request (paused, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (paused) == LODGE_STATE_PAUSED);
  g_assert_cmpuint (shut_down (fixture), ==, 0);
  g_assert_cmpint (lodge_machine_get_state (running), ==, LODGE_STATE_OFF);
  g_assert_cmpint (lodge_machine_get_state (paused), ==, LODGE_STATE_OFF);
  g_assert_cmpint (lodge_machine_get_state (dozy), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (paused), ==, "");
}

/* One whose QEMU has gone is waited for until that is recorded. */
static void
test_shut_down_going (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autoptr (GAsyncResult) result = NULL;

  lodge_machine_set_state (machine, LODGE_STATE_STARTING);
  lodge_machine_set_state (machine, LODGE_STATE_RUNNING);
  lodge_machine_set_state (machine, LODGE_STATE_STOPPING);
  g_assert_false (lodge_machine_hears_button (machine));
  lodge_library_shut_down_async (fixture->library, TEST_WAIT_S, 1, test_wait_result_cb, &result);
  test_wait_ms (100);
  g_assert_null (result);
  lodge_machine_set_state (machine, LODGE_STATE_OFF);
  test_wait_until (result != NULL);
  g_assert_cmpuint (lodge_library_shut_down_finish (fixture->library, result), ==, 0);
}

/* A guest whose disk has failed can do nothing any more: it is not waited for. */
static void
test_shut_down_failed_disk (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);

  break_disk (machine);
  machine_fixture_start (machine);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "disk"));
  g_assert_false (lodge_machine_hears_button (machine));
  g_assert_cmpuint (shut_down (fixture), ==, 1);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_PAUSED);

  machine = machine_fixture_change_engine (fixture, "idle");
  g_assert_false (lodge_machine_hears_button (machine));
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("shut-down", test_shut_down);
  MACHINE_FIXTURE_ADD ("shut-down-going", test_shut_down_going);
  MACHINE_FIXTURE_ADD ("shut-down-failed-disk", test_shut_down_failed_disk);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots that are taken by themselves of a guest that runs: a real QEMU; the clock is the
 * test's. */
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-clock.h"
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-private.h"

#define HOUR_S 3600

static LodgeClock now = {.wall_s = 1772359200, .elapsed_s = 5000};

static void
clock_cb (LodgeClock *out_clock)
{
  *out_clock = now;
}

static void
pass (gint64 seconds)
{
  now.wall_s += seconds;
  now.elapsed_s += seconds;
}

static void
tick (MachineFixture *f)
{
  LodgeLibrarySchedule *schedule = lodge_library_get_schedule (f->library);

  lodge_library_schedule_tick (schedule);
  test_wait_until (!lodge_library_schedule_is_busy (schedule));
}

static const LodgeSnapshot *
get_last (LodgeMachine *machine)
{
  GPtrArray *snapshots = lodge_machine_get_description (machine)->snapshots;

  return snapshots->len > 0 ? snapshots->pdata[snapshots->len - 1] : NULL;
}

static guint
count (LodgeMachine *machine)
{
  return lodge_machine_get_description (machine)->snapshots->len;
}

static void
test_live (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);

  machine_fixture_set_key (machine, "snapshots.schedule", "hourly");
  machine_fixture_start (machine);
  tick (f);
  g_assert_cmpuint (count (machine), ==, 1);
  g_assert_true (get_last (machine)->memory);
  g_assert_true (get_last (machine)->scheduled);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  pass (HOUR_S);
  tick (f);
  g_assert_cmpuint (count (machine), ==, 2);

  /* One that stands still is not taken twice; it has run until here. */
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  pass (HOUR_S);
  tick (f);
  g_assert_cmpuint (count (machine), ==, 3);
  for (guint i = 0; i < 3; i++) {
    pass (HOUR_S);
    tick (f);
  }
  g_assert_cmpuint (count (machine), ==, 3);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);

  /* While it runs none is wanted: the next is of its disks, once it is off. */
  machine_fixture_set_key (machine, "snapshots.while-running", "no");
  pass (HOUR_S);
  tick (f);
  g_assert_cmpuint (count (machine), ==, 3);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  tick (f);
  /* Its guest has written nothing to them. */
  g_assert_cmpuint (count (machine), ==, 3);
  machine_fixture_assert_tidy (machine);
}

/* Those that are too many go while it runs, and their memory with them. */
static void
test_expired (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);

  machine_fixture_set_key (machine, "snapshots.schedule", "hourly");
  machine_fixture_set_key (machine, "snapshots.keep-last", "1");
  machine_fixture_start (machine);
  tick (f);
  pass (HOUR_S);
  tick (f);
  g_assert_cmpuint (count (machine), ==, 1);
  g_assert_cmpint (get_last (machine)->created_s, ==, now.wall_s);
  machine_fixture_assert_tidy (machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_until (!lodge_machine_can_merge_layers (machine) && machine->work == NULL);
  machine_fixture_assert_tidy (machine);
  machine_fixture_start (machine);
}

/* A start right when one is due comes behind it. */
static void
test_start (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);
  LodgeLibrarySchedule *schedule = lodge_library_get_schedule (f->library);

  machine_fixture_set_key (machine, "snapshots.schedule", "hourly");
  lodge_library_schedule_tick (schedule);
  test_wait_until (machine->work != NULL);
  machine_fixture_start (machine);
  test_wait_until (!lodge_library_schedule_is_busy (schedule));
  g_assert_cmpuint (count (machine), ==, 1);
  g_assert_false (get_last (machine)->memory);
}

/* Of a run of which nothing is kept there is none. */
static void
test_disposable (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);
  g_autoptr (GAsyncResult) result = NULL;

  lodge_machine_start_disposable_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_true (lodge_machine_start_finish (machine, result, NULL));
  machine_fixture_set_key (machine, "snapshots.schedule", "hourly");
  tick (f);
  g_assert_cmpuint (count (machine), ==, 0);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  tick (f);
  g_assert_cmpuint (count (machine), ==, 1);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  lodge_clock_hook = clock_cb;
  MACHINE_FIXTURE_ADD ("schedule/live", test_live);
  MACHINE_FIXTURE_ADD ("schedule/expired", test_expired);
  MACHINE_FIXTURE_ADD ("schedule/start", test_start);
  MACHINE_FIXTURE_ADD ("schedule/disposable", test_disposable);
  return g_test_run ();
}

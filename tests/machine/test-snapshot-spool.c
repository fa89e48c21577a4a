/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running guest's snapshot while the guest goes on and only the disk is waited for: real QEMUs.
 */
#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal-private.h"
#include "memory-guest.h"
#include "qemu/lodge-qemu-snapshot.h"
#include "storage/lodge-spool.h"

static LodgeJob *job_now;

static const GError *
wait_job (LodgeJob *job)
{
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  return lodge_job_get_error (job);
}

static void
cancel_cb (const char *step)
{
  if (g_str_equal (step, "resumed"))
    lodge_job_cancel (job_now);
}

/* Nothing is left of it but a layer, and the guest goes on. */
static void
test_cancel (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  lodge_journal_step_hook = cancel_cb;
  job_now = lodge_library_take_snapshot (f->library, machine, "one", "");
  g_assert_error (wait_job (job_now), LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_assert_cmpuint (lodge_machine_get_description (machine)->snapshots->len, ==, 0);
  machine_fixture_assert_tidy (machine);
  lodge_journal_step_hook = NULL;
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  g_assert_no_error (wait_job (lodge_library_take_snapshot (f->library, machine, "two", "")));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

/* A computer that is short of memory: what it takes is measured, and it goes by the disk's speed.
 */
static void
test_short (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) checked = NULL;
  g_autoptr (GVariant) facts = NULL;
  guint expected = 0;

  lodge_spool_most_room = 0;
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  lodge_machine_check_snapshot_async (machine, TRUE, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  checked = lodge_machine_check_snapshot_finish (machine, result);
  facts = g_variant_get_child_value (checked, 1);
  g_assert_true (g_variant_lookup (facts, "expected-standstill", "u", &expected));
  g_assert_cmpuint (expected, >=, LODGE_QEMU_SNAPSHOT_DOWNTIME_MS);
  g_assert_no_error (wait_job (lodge_library_take_snapshot (f->library, machine, "one", "")));
  lodge_spool_most_room = G_MAXUINT64;
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_no_error (wait_job (lodge_library_go_back (f->library, machine, "one", TRUE, NULL)));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("snapshot-spool/cancel", test_cancel);
  MACHINE_FIXTURE_ADD ("snapshot-spool/short", test_short);
  return g_test_run ();
}

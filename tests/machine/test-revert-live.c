/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going back to a snapshot from a guest that runs: what it was then, and what it is now, are both
 * there whatever fails. Whoever is killed over it: test-live-crash.c. */
#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"

#include <glib/gstdio.h>
#include <string.h>

static const LodgeDescription *
now (LodgeMachine *machine)
{
  return lodge_machine_get_description (machine);
}

static const GError *
wait_job (LodgeJob *job)
{
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  return lodge_job_get_error (job);
}

/* The snapshot "one" with a guest that knows 'a'; the guest that runs knows 'b'. */
static LodgeMachine *
make (MachineFixture *f)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  g_assert_no_error (wait_job (lodge_library_take_snapshot (f->library, machine, "one", "")));
  memory_guest_tell (machine, "b");
  return machine;
}

static void
go_back (MachineFixture *f, LodgeMachine *machine, const char *name, gboolean keep)
{
  g_assert_no_error (
      wait_job (lodge_library_go_back (f->library, machine, name, keep, keep ? "kept" : NULL)));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  machine_fixture_assert_tidy (machine);
}

static void
test_kept (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);

  go_back (f, machine, "one", TRUE);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  g_assert_true (lodge_machine_has_memory (machine, "kept"));
  g_assert_true (lodge_description_find_snapshot (now (machine), "kept", NULL)->automatic);
  /* And to what was kept, of which nothing is kept now; also from one that is paused. */
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  go_back (f, machine, "kept", FALSE);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'b');
  g_assert_cmpuint (now (machine)->snapshots->len, ==, 2);
}

/* One without memory: there is no guest to go on, and the one that ran is kept. */
static void
test_off (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);

  g_assert_no_error (wait_job (lodge_library_take_snapshot (f->library, machine, "off", "")));
  machine_fixture_start (machine);
  memory_guest_tell (machine, "b");
  g_assert_no_error (wait_job (lodge_library_go_back (f->library, machine, "off", TRUE, NULL)));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpuint (now (machine)->snapshots->len, ==, 2);
  go_back (f, machine, ((LodgeSnapshot *) now (machine)->snapshots->pdata[1])->id, FALSE);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'b');
}

/* Memory that does not load, or none of that name: the guest goes on with what it knew. */
static void
test_damaged (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *memory = g_build_filename (
      folder, "snapshots", lodge_description_find_snapshot (now (machine), "one", NULL)->id,
      "memory", NULL);
  g_autofree char *above = g_path_get_dirname (memory);
  g_autofree char *ini = g_build_filename (above, "machine.ini", NULL);
  g_autofree char *stored = NULL;
  GPid pid;

  g_assert_error (wait_job (lodge_library_go_back (f->library, machine, "none", TRUE, NULL)),
                  LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  /* What can be known before costs the guest nothing. */
  pid = machine_fixture_find_qemu (machine);
  g_assert_true (g_file_get_contents (ini, &stored, NULL, NULL));
  g_assert_no_errno (g_chmod (ini, 0600));
  g_assert_true (g_file_set_contents (ini, "[machine]\n", -1, NULL));
  g_assert_nonnull (wait_job (lodge_library_go_back (f->library, machine, "one", TRUE, NULL)));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpint (machine_fixture_find_qemu (machine), ==, pid);
  g_assert_true (g_file_set_contents (ini, stored, -1, NULL));
  g_assert_no_errno (g_chmod (memory, 0600));
  g_assert_true (g_file_set_contents (memory, "nothing that QEMU knows", -1, NULL));
  for (guint i = 0; i < 4; i++) {
    gboolean paused = i >= 2;
    LodgeJob *job;

    if (i == 2) {
      machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
      test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
    }
    job = lodge_library_go_back (f->library, machine, "one", i % 2 == 0, NULL);
    g_assert_nonnull (wait_job (job));
    g_assert_nonnull (strstr (lodge_job_get_error (job)->message, "as it was before"));
    test_wait_until (lodge_machine_get_state (machine) ==
                     (paused ? LODGE_STATE_PAUSED : LODGE_STATE_RUNNING));
    g_assert_cmpuint (now (machine)->snapshots->len, ==, 1);
    machine_fixture_assert_tidy (machine);
  }
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'b');
}

static LodgeJob *job_now;

static void
cancel_cb (const char *step)
{
  if (g_str_equal (step, "switched"))
    lodge_job_cancel (job_now);
}

/* Until it is kept it goes on. */
static void
test_cancel (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);

  lodge_journal_step_hook = cancel_cb;
  job_now = lodge_library_go_back (f->library, machine, "one", TRUE, NULL);
  g_assert_error (wait_job (job_now), LODGE_ERROR, LODGE_ERROR_CANCELLED);
  lodge_journal_step_hook = NULL;
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'b');
  g_assert_cmpuint (now (machine)->snapshots->len, ==, 1);
  machine_fixture_assert_tidy (machine);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("revert/kept", test_kept);
  MACHINE_FIXTURE_ADD ("revert/off", test_off);
  MACHINE_FIXTURE_ADD ("revert/damaged", test_damaged);
  MACHINE_FIXTURE_ADD ("revert/cancel", test_cancel);
  return g_test_run ();
}

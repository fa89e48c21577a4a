/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clock of a guest that has stood still, where nobody in the guest can set it: the machine's
 * note says how far it is behind, and no more once the guest has begun anew. */
#include "machine-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <utime.h>

#define HOUR_S 3600

/* As if its memory had been written long ago. */
static void
make_old (LodgeMachine *machine, gint64 hours)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *memory = g_build_filename (
      folder, "snapshots", lodge_machine_get_description (machine)->suspended, "memory", NULL);
  const time_t then = (time_t) (g_get_real_time () / G_USEC_PER_SEC - hours * HOUR_S - HOUR_S / 2);
  const struct utimbuf times = {then, then};

  g_assert_no_errno (g_utime (memory, (struct utimbuf *) &times));
}

static void
suspend (MachineFixture *f, LodgeMachine *machine)
{
  LodgeJob *job = lodge_library_suspend (f->library, machine);

  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (job));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
}

static gboolean
says (LodgeMachine *machine, const char *what)
{
  return strstr (lodge_machine_get_note (machine), what) != NULL;
}

static void
test_behind (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "behind", BOOT_SECTOR_IDLE);

  machine_fixture_start (machine);
  suspend (f, machine);
  make_old (machine, 3);
  machine_fixture_start (machine);
  test_wait_until (says (machine, "3 hours behind"));
  g_assert_true (says (machine, "qemu-guest-agent"));

  /* It stands still for longer. */
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (says (machine, "3 hours behind"));

  suspend (f, machine);
  make_old (machine, 100);
  machine_fixture_start (machine);
  test_wait_until (says (machine, "4 days behind"));

  /* Its firmware reads the hardware clock, which is right. */
  machine_fixture_request (machine, LODGE_REQUEST_RESET);
  test_wait_until (lodge_machine_get_note (machine)[0] == '\0');
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("clock-behind", test_behind);
  return g_test_run ();
}

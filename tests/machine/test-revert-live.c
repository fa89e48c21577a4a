/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going back to a snapshot from a guest that runs: what it was then, and what it is now, are both
 * there whatever fails, and whoever is killed. */
#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than it has. */
#define MOST_STEPS 200

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

/* --- An engine that is killed over it, at every step, while QEMU lives on or is killed, too --- */

static gint steps_left;

static void
step_cb (const char *step)
{
  /* Of these there are as many as it takes. */
  if (!g_str_equal (step, "memory") && g_atomic_int_dec_and_test (&steps_left))
    kill (getpid (), SIGKILL);
}

/* The engine that is killed. */
static int
work (const char *folder, const char *step)
{
  MachineFixture f = {.folder = (char *) folder};
  LodgeMachine *machine;

  machine_fixture_open_library (&f);
  machine = lodge_library_find (f.library, "web", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  steps_left = atoi (step);
  lodge_journal_step_hook = step_cb;
  g_assert_no_error (wait_job (lodge_library_go_back (f.library, machine, "one", TRUE, "kept")));
  machine_fixture_close_library (&f);
  return 0;
}

/* The guest that ran runs, or stands still, or what it was is a snapshot with its memory. */
static void
assert_kept (MachineFixture *f, LodgeMachine *machine)
{
  gboolean kept = lodge_description_find_snapshot (now (machine), "kept", NULL) != NULL;

  if (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED)
    machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  if (lodge_state_is_live (lodge_machine_get_state (machine))) {
    char byte = memory_guest_ask (machine, "?");

    /* Of then or of now. */
    g_assert_true (byte == 'b' || (byte == 'a' && kept));
    if (byte == 'b')
      return;
  }
  g_assert_true (kept && lodge_machine_has_memory (machine, "kept"));
  if (lodge_state_is_live (lodge_machine_get_state (machine)))
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_no_error (wait_job (lodge_library_go_back (f->library, machine, "kept", FALSE, NULL)));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'b');
}

static void
test_killed (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = make (f);
  gboolean killed = TRUE;
  guint n = 0;

  for (guint step = 1; killed && step < MOST_STEPS; step++) {
    g_autofree char *number = g_strdup_printf ("%u", step);

    machine_fixture_close_library (f);
    killed = machine_fixture_is_worker_killed (f, number);
    n += killed;
    machine_fixture_open_library (f);
    machine = lodge_library_find (f->library, "web", NULL);
    machine_fixture_wait_jobs (f);
    if (step % 2 == 1 && lodge_description_find_snapshot (now (machine), "kept", NULL) != NULL &&
        lodge_state_is_live (lodge_machine_get_state (machine))) {
      /* QEMU as well: what it was is kept by now. */
      kill (machine_fixture_find_qemu (machine), SIGKILL);
      test_wait_until (!lodge_state_is_live (lodge_machine_get_state (machine)));
    }
    machine_fixture_assert_tidy (machine);
    assert_kept (f, machine);

    /* As it was before; what nobody needs any more is merged meanwhile. */
    if (lodge_description_find_snapshot (now (machine), "kept", NULL) != NULL)
      g_assert_no_error (wait_job (lodge_library_delete_snapshot (f->library, machine, "kept")));
    g_assert_cmpuint (now (machine)->snapshots->len, ==, 1);
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
    machine_fixture_wait_jobs (f);
    go_back (f, machine, "one", FALSE);
    g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
    memory_guest_tell (machine, "b");
  }
  g_test_message ("%u times", n);
  g_assert_cmpuint (n, >, 20);
  g_assert_false (killed);
}

int
main (int argc, char *argv[])
{
  if (argc == 4 && g_str_equal (argv[1], "--worker"))
    return work (argv[2], argv[3]);
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("revert/kept", test_kept);
  MACHINE_FIXTURE_ADD ("revert/off", test_off);
  MACHINE_FIXTURE_ADD ("revert/damaged", test_damaged);
  MACHINE_FIXTURE_ADD ("revert/cancel", test_cancel);
  MACHINE_FIXTURE_ADD ("revert-killed", test_killed);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of a guest: when none is copied out of it, and why. How one is copied is
 * tests/guest/test-guest-fetch.c, and with an agent in a guest tests/system/test-state.py. */
#include "machine-fixture.h"

#include "lodge-error.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  MachineFixture *f;
  LodgeMachine *machine;
  const char *folder;
} Test;

static void
refuse (Test *test, const char *path, const char *folder, int code, const char *words)
{
  LodgeJob *job = lodge_library_fetch_file (test->f->library, test->machine, path, folder);

  g_assert_cmpstr (lodge_job_get_kind (job), ==, "file-fetch");
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_error (lodge_job_get_error (job), LODGE_ERROR, code);
  g_test_message ("%s", lodge_job_get_error (job)->message);
  g_assert_nonnull (strstr (lodge_job_get_error (job)->message, words));
}

static void
test_refused (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);
  g_autofree char *folder = machine_fixture_make_folder (f, "out");
  g_autofree char *own = lodge_machine_dup_folder (machine);
  g_autofree char *into = g_build_filename (own, "layers", NULL);
  g_autofree char *machines = g_path_get_dirname (own);
  g_autofree char *data_folder = g_path_get_dirname (machines);
  g_autofree char *unfinished = g_build_filename (data_folder, "unfinished", NULL);
  g_autofree char *beside = machine_fixture_make_folder (f, "data-beside");
  Test test = {f, machine, folder};
  LodgeJob *first;

  /* Nobody has wished that yet. */
  g_assert_false (lodge_machine_get_description (machine)->share_files_out);
  refuse (&test, "/etc/hostname", folder, LODGE_ERROR_DENIED, "sharing.files-out");
  machine_fixture_set_key (machine, "sharing.files-out", "yes");
  refuse (&test, "/etc/hostname", folder, LODGE_ERROR_STATE, "start it first");

  machine_fixture_start (machine);
  refuse (&test, "hostname", folder, LODGE_ERROR_INVALID, "hostname");
  refuse (&test, "/etc/", folder, LODGE_ERROR_INVALID, "is a folder");
  refuse (&test, "/etc/hostname", "out", LODGE_ERROR_INVALID, "out");
  refuse (&test, "/etc/hostname", own, LODGE_ERROR_INVALID, "keeps its machines");
  refuse (&test, "/etc/hostname", into, LODGE_ERROR_INVALID, "keeps its machines");
  refuse (&test, "/etc/hostname", machines, LODGE_ERROR_INVALID, "keeps its machines");
  refuse (&test, "/etc/hostname", data_folder, LODGE_ERROR_INVALID, "keeps its machines");
  g_assert_no_errno (g_mkdir (unfinished, 0700));
  refuse (&test, "/etc/hostname", unfinished, LODGE_ERROR_INVALID, "keeps its machines");
  g_assert_no_errno (g_rmdir (unfinished));
  refuse (&test, "/etc/hostname", folder, LODGE_ERROR_STATE, "install the package");
  /* It only looks as if it were in there. */
  refuse (&test, "/etc/hostname", beside, LODGE_ERROR_STATE, "install the package");

  /* One at a time. */
  first = lodge_library_fetch_file (f->library, machine, "/etc/hostname", folder);
  refuse (&test, "/etc/hostname", folder, LODGE_ERROR_BUSY, "Another file");
  test_wait_until (lodge_job_get_state (first) != LODGE_JOB_RUNNING);
  g_assert_error (lodge_job_get_error (first), LODGE_ERROR, LODGE_ERROR_STATE);

  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  refuse (&test, "/etc/hostname", folder, LODGE_ERROR_STATE, "resume it");
}

/* While it goes on, whatever it waits for. */
static void
test_ended (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);
  g_autofree char *folder = machine_fixture_make_folder (f, "out");
  LodgeJob *job;

  machine_fixture_set_key (machine, "sharing.files-out", "yes");
  machine_fixture_start (machine);
  job = lodge_library_fetch_file (f->library, machine, "/etc/hostname", folder);
  lodge_job_cancel (job);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_cmpint (lodge_job_get_state (job), ==, LODGE_JOB_CANCELLED);

  /* Its QEMU is asked, and ends before it has answered. */
  job = lodge_library_fetch_file (f->library, machine, "/etc/hostname", folder);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_cmpint (lodge_job_get_state (job), ==, LODGE_JOB_FAILED);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("fetch-refused", test_refused);
  MACHINE_FIXTURE_ADD ("fetch-ended", test_ended);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guests that are suspended to disk and go on from there: real QEMUs, and a guest that remembers
 * the last byte that it was told in its memory, and tells it again. */
#include "description/lodge-ini.h"
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-run-record.h"
#include "memory-guest.h"

#include <glib/gstdio.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utime.h>

/* What does not reach the disk, as a part of its path; or NULL. */
static const char *failing;

/* In place of the C library's. */
int
fsync (int fd)
{
  const char *name = g_atomic_pointer_get (&failing);
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *path = g_file_read_link (link, NULL);

  if (name != NULL && path != NULL && g_str_has_suffix (path, name)) {
    errno = EIO;
    return -1;
  }
  return (int) syscall (SYS_fsync, fd);
}

static const GError *
wait_job (LodgeJob *job)
{
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  return lodge_job_get_error (job);
}

static void
suspend (MachineFixture *f, LodgeMachine *machine)
{
  LodgeJob *job = lodge_library_suspend (f->library, machine);

  g_assert_no_error (wait_job (job));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
}

static void
discard (MachineFixture *f, LodgeMachine *machine)
{
  LodgeJob *job = lodge_library_discard_suspended (f->library, machine);

  g_assert_no_error (wait_job (job));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
}

static const char *
get_suspended (LodgeMachine *machine)
{
  return lodge_machine_get_description (machine)->suspended;
}

/* Nothing lies about, and what is suspended is off. */
static void
assert_tidy (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  const gboolean suspended = lodge_machine_get_state (machine) == LODGE_STATE_SUSPENDED;

  machine_fixture_assert_tidy (machine);
  g_assert_cmpint (get_suspended (machine) != NULL, ==, suspended);
  if (suspended) {
    g_assert_cmpint (lodge_run_record_read (folder), ==, LODGE_RUN_NONE);
    g_assert_false (machine_fixture_has_runtime (machine));
  }
}

static char *
dup_memory (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);

  return g_build_filename (folder, "snapshots", get_suspended (machine), "memory", NULL);
}

static void
assert_memory (LodgeMachine *machine, char what)
{
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, what);
}

/* Across engines, again and again; and one that stood still stands still again. */
static void
test_memory (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *memory = NULL;
  GStatBuf info;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  suspend (f, machine);
  assert_tidy (machine);
  memory = dup_memory (machine);
  g_assert_no_errno (g_stat (memory, &info));
  g_assert_cmpuint (info.st_mode & 0777, ==, 0400);

  machine = machine_fixture_change_engine (f, "web");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  assert_tidy (machine);
  machine_fixture_start (machine);
  assert_tidy (machine);
  assert_memory (machine, 'a');

  memory_guest_tell (machine, "b");
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  suspend (f, machine);
  machine = machine_fixture_change_engine (f, "web");
  machine_fixture_start (machine);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_PAUSED);
  assert_tidy (machine);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  assert_memory (machine, 'b');
  assert_tidy (machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
}

/* Giving it up is for the guest a loss of power. */
static void
test_discard (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  LodgeJob *job = lodge_library_discard_suspended (f->library, machine);

  g_assert_error (wait_job (job), LODGE_ERROR, LODGE_ERROR_STATE);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  suspend (f, machine);
  discard (f, machine);
  assert_tidy (machine);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "b");
}

/* At any moment: the guest runs on, and nothing is left. */
static void
test_cancel (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  guint n_cancelled = 0;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  for (guint i = 0; i < 12; i++) {
    LodgeJob *job = lodge_library_suspend (f->library, machine);

    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDING);
    test_wait_ms (i * i * 2);
    lodge_job_cancel (job);
    if (wait_job (job) != NULL) {
      g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
      n_cancelled++;
    } else {
      g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
      machine_fixture_start (machine);
    }
    assert_memory (machine, 'a');
    assert_tidy (machine);
  }
  g_assert_cmpuint (n_cancelled, >, 0);
}

static void
assert_refused (LodgeMachine *machine, const char *changes)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_set_async (machine, g_variant_new_parsed (changes), test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_save_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_test_message ("%s", error->message);
}

/* What the guest would find changed stays as it is; the rest may change. */
static void
test_what_stays (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  job = lodge_library_take_snapshot (f->library, machine, "one", "");
  g_assert_no_error (wait_job (job));
  /* Beside the running guest: only the next start from off sees it. */
  machine_fixture_set_key (machine, "machine.memory", "64M");
  suspend (f, machine);

  assert_refused (machine, "{'machine.memory': '256M'}");
  assert_refused (machine, "{'machine.cpus': '2'}");
  assert_refused (machine, "{'sharing.files': 'false', 'disk.disk0.bus': 'sata'}");
  machine_fixture_set_key (machine, "machine.at-session-end", "suspend");
  machine_fixture_set_key (machine, "sharing.files", "false");
  lodge_machine_change_media_async (machine, "", NULL, FALSE, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_change_media_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  job = lodge_library_take_snapshot (f->library, machine, "two", "");
  g_assert_error (wait_job (job), LODGE_ERROR, LODGE_ERROR_STATE);
  job = lodge_library_go_back (f->library, machine, "one", TRUE, NULL);
  g_assert_error (wait_job (job), LODGE_ERROR, LODGE_ERROR_STATE);

  /* One below it is forgotten, and its layer stays by itself for now. */
  job = lodge_library_delete_snapshot (f->library, machine, "one");
  g_assert_no_error (wait_job (job));
  g_assert_cmpuint (lodge_machine_get_description (machine)->layers->len, ==, 2);
  g_assert_false (lodge_machine_can_merge_layers (machine));

  machine_fixture_start (machine);
  assert_memory (machine, 'a');
  g_assert_false (lodge_machine_get_description (machine)->share_files);
  assert_tidy (machine);
}

/* Deleting a machine that is suspended. */
static void
test_delete (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  suspend (f, machine);
  job = lodge_library_delete_machine (f->library, machine, &error);
  g_assert_no_error (error);
  g_assert_no_error (wait_job (job));
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
}

/* Returns the message of a start that fails. */
static void
assert_stays_suspended (LodgeMachine *machine, int code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_start_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, code);
  g_test_message ("%s", error->message);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, error->message);
  g_assert_nonnull (strstr (error->message, "--discard-suspended"));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  assert_tidy (machine);
}

/* Memory that cannot be loaded is kept until somebody gives it up. */
static void
test_damaged (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *disk = NULL;
  g_autofree char *memory = NULL;
  g_autofree char *good = NULL;
  const LodgeDescription *now;
  GStatBuf info;
  gsize length;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  suspend (f, machine);
  memory = dup_memory (machine);
  g_assert_true (g_file_get_contents (memory, &good, &length, NULL));

  /* Cut off; and as long as it was, and no memory. */
  g_assert_no_errno (g_chmod (memory, 0600));
  g_assert_true (g_file_set_contents (memory, good, (gssize) length / 2, NULL));
  assert_stays_suspended (machine, LODGE_ERROR_INVALID);
  {
    g_autofree char *bad = g_malloc0 (length);

    g_assert_true (g_file_set_contents (memory, bad, (gssize) length, NULL));
  }
  assert_stays_suspended (machine, LODGE_ERROR_FAILED);

  /* A disk that somebody else has written to. */
  g_assert_true (g_file_set_contents (memory, good, (gssize) length, NULL));
  now = lodge_machine_get_description (machine);
  disk = g_build_filename (folder, ((const LodgeLayer *) now->layers->pdata[0])->file, NULL);
  g_assert_no_errno (g_stat (disk, &info));
  {
    struct utimbuf later = {info.st_mtime + 60, info.st_mtime + 60};
    struct utimbuf as_before = {info.st_mtime, info.st_mtime};

    g_assert_no_errno (g_utime (disk, &later));
    assert_stays_suspended (machine, LODGE_ERROR_INVALID);
    g_assert_no_errno (g_utime (disk, &as_before));
  }

  /* As it was it goes on; a copy on a stick knows no parts of a second. */
  machine_fixture_start (machine);
  assert_memory (machine, 'a');
  assert_tidy (machine);
}

/* A start that is given up while the memory is loaded. */
static void
test_kill_while_resuming (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  guint n_cancelled = 0;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  for (guint i = 0; i < 6; i++) {
    LodgeJob *job;

    if (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING)
      suspend (f, machine);
    job = lodge_library_resume (f->library, machine);
    test_wait_ms (i * 10);
    lodge_job_cancel (job);
    if (wait_job (job) != NULL) {
      g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
      g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
      n_cancelled++;
    }
    assert_tidy (machine);
  }
  g_assert_cmpuint (n_cancelled, >, 0);
  if (lodge_machine_get_state (machine) == LODGE_STATE_SUSPENDED)
    machine_fixture_start (machine);
  assert_memory (machine, 'a');
}

/* As a guest that writes to its disk does. */
static void
touch_disk (LodgeMachine *machine)
{
  const LodgeDescription *now = lodge_machine_get_description (machine);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *disk =
      g_build_filename (folder, ((const LodgeLayer *) now->layers->pdata[0])->file, NULL);

  g_assert_no_errno (g_utime (disk, NULL));
}

static void
assert_forgotten (LodgeMachine *machine, const char *memory)
{
  g_assert_null (get_suspended (machine));
  g_assert_false (g_file_test (memory, G_FILE_TEST_EXISTS));
}

/* A guest runs whose memory machine.ini still names, since that cannot be written: it is never
 * loaded again. */
static void
test_not_forgotten (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *memory = NULL;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  suspend (f, machine);
  memory = dup_memory (machine);
  g_atomic_pointer_set (&failing, ".machine.ini.new");
  machine_fixture_start (machine);
  assert_memory (machine, 'a');
  g_assert_nonnull (get_suspended (machine));
  g_assert_cmpstr (lodge_machine_get_note (machine), !=, "");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);

  lodge_machine_start_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE);
  g_clear_object (&result);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_nonnull (get_suspended (machine));
  touch_disk (machine);

  if (data != NULL) {
    g_atomic_pointer_set (&failing, NULL);
    machine = machine_fixture_change_engine (f, "web");
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
    assert_forgotten (machine, memory);
  } else {
    g_atomic_pointer_set (&failing, NULL);
  }
  machine_fixture_start (machine);
  g_assert_null (get_suspended (machine));
  memory_guest_tell (machine, "b");
}

/* One that has gone on from "a", and whose memory machine.ini still names; it can be written now.
 */
static LodgeMachine *
go_on_named (MachineFixture *f, char **out_memory)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  suspend (f, machine);
  *out_memory = dup_memory (machine);
  g_atomic_pointer_set (&failing, ".machine.ini.new");
  machine_fixture_start (machine);
  g_atomic_pointer_set (&failing, NULL);
  return machine;
}

/* The same of one that stands still since, and was saved so: its QEMU looks as one whose guest has
 * been suspended, and is the only one that has what the guest has done since. */
static void
test_not_forgotten_paused (MachineFixture *f, gconstpointer data)
{
  g_autofree char *memory = NULL;
  LodgeMachine *machine = go_on_named (f, &memory);

  assert_memory (machine, 'a');
  memory_guest_tell (machine, "b");
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  g_assert_nonnull (get_suspended (machine));
  g_assert_no_error (wait_job (lodge_library_take_snapshot (f->library, machine, "one", "")));
  g_assert_nonnull (get_suspended (machine));

  machine = machine_fixture_change_engine (f, "web");
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  assert_forgotten (machine, memory);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  assert_memory (machine, 'b');
}

/* One whose naming was given up at its very end, which the engine did not live to undo: what is
 * named is not there, and QEMU is the only one that has the guest. */
static void
test_named_in_vain (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);
  g_autoptr (LodgeIni) ini = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  g_assert_no_error (wait_job (lodge_library_take_snapshot (f->library, machine, "one", "")));
  ini = lodge_ini_load (path, &error);
  g_assert_no_error (error);
  lodge_ini_set_value (ini, "machine", "suspended", "s99");
  text = lodge_ini_dup_text (ini, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));

  machine = machine_fixture_change_engine (f, "web");
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  g_assert_null (get_suspended (machine));
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  assert_memory (machine, 'a');
}

/* And of one that was reset: its QEMU looks as before any guest. */
static void
test_not_forgotten_reset (MachineFixture *f, gconstpointer data)
{
  g_autofree char *memory = NULL;
  LodgeMachine *machine = go_on_named (f, &memory);

  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  machine_fixture_request (machine, LODGE_REQUEST_RESET);
  g_assert_nonnull (get_suspended (machine));

  machine = machine_fixture_change_engine (f, "web");
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  assert_forgotten (machine, memory);
}

static void
fail_naming_cb (const char *step)
{
  if (g_str_equal (step, "synced"))
    g_atomic_pointer_set (&failing, ".machine.ini.new");
}

/* A second memory could not be named: what is named is still the first, which is still not to be
 * loaded. */
static void
test_not_forgotten_twice (MachineFixture *f, gconstpointer data)
{
  g_autofree char *memory = NULL;
  LodgeMachine *machine = go_on_named (f, &memory);

  lodge_journal_step_hook = fail_naming_cb;
  g_assert_error (wait_job (lodge_library_suspend (f->library, machine)), LODGE_ERROR,
                  LODGE_ERROR_STORAGE);
  lodge_journal_step_hook = NULL;
  assert_memory (machine, 'a');
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_nonnull (get_suspended (machine));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_atomic_pointer_set (&failing, NULL);
  machine_fixture_start (machine);
  g_assert_null (get_suspended (machine));
  memory_guest_tell (machine, "b");
}

static LodgeMachine *victim;

/* One that is still named goes when the next is. */
static void
test_suspended_again (MachineFixture *f, gconstpointer data)
{
  g_autofree char *memory = NULL;
  LodgeMachine *machine = go_on_named (f, &memory);

  g_assert_nonnull (get_suspended (machine));
  suspend (f, machine);
  g_assert_false (g_file_test (memory, G_FILE_TEST_EXISTS));
  assert_tidy (machine);
  machine_fixture_start (machine);
  assert_memory (machine, 'a');
  assert_tidy (machine);
}

/* A write that fails at its very end is undone. */
static void
fail_folder_cb (const char *step)
{
  if (g_str_equal (step, "synced"))
    g_atomic_pointer_set (&failing, lodge_machine_get_uuid (victim));
}

static void
test_undone (MachineFixture *f, gconstpointer data)
{
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  LodgeJob *job;

  victim = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  folder = lodge_machine_dup_folder (victim);
  path = g_build_filename (folder, "machine.ini", NULL);
  machine_fixture_start (victim);
  memory_guest_tell (victim, "a");
  lodge_journal_step_hook = fail_folder_cb;
  job = lodge_library_suspend (f->library, victim);
  g_assert_error (wait_job (job), LODGE_ERROR, LODGE_ERROR_STORAGE);
  g_assert_true (g_atomic_pointer_get (&failing) != NULL);
  lodge_journal_step_hook = NULL;
  g_atomic_pointer_set (&failing, NULL);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_null (strstr (text, "suspended=s"));
  g_assert_null (get_suspended (victim));
  assert_memory (victim, 'a');
}

static gboolean victim_writes;

/* On a thread other than the machine's, or in the main loop. */
static void
kill_qemu_cb (const char *step)
{
  if (!g_str_equal (step, "recorded"))
    return;
  if (victim_writes)
    touch_disk (victim);
  lodge_machine_request_async (victim, LODGE_REQUEST_KILL, NULL, NULL);
}

/* One that is switched off in the moment in which it goes on: the disks tell whether it had. */
static void
test_killed_going_on (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *memory = NULL;
  LodgeJob *job;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  suspend (f, machine);
  memory = dup_memory (machine);
  victim = machine;
  victim_writes = data != NULL;
  lodge_journal_step_hook = kill_qemu_cb;
  job = lodge_library_resume (f->library, machine);
  g_assert_error (wait_job (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
  lodge_journal_step_hook = NULL;
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  if (data != NULL) {
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
    assert_forgotten (machine, memory);
  } else {
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  }
  assert_tidy (machine);
  machine_fixture_start (machine);
  if (data != NULL)
    memory_guest_tell (machine, "b");
  else
    assert_memory (machine, 'a');
}

/* The session ends: who shall be suspended is, and who cannot be is asked to power off. */
static void
test_session_end (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *kept = machine_fixture_create (f, "kept", BOOT_SECTOR_MEMORY);
  LodgeMachine *stuck = machine_fixture_create (f, "stuck", BOOT_SECTOR_BUTTON);
  g_autofree char *folder = lodge_machine_dup_folder (stuck);
  g_autofree char *in_the_way = g_build_filename (folder, "snapshots", NULL);
  g_autoptr (GAsyncResult) result = NULL;

  g_assert_true (g_file_set_contents (in_the_way, "", -1, NULL));
  machine_fixture_set_key (kept, "machine.at-session-end", "suspend");
  machine_fixture_set_key (stuck, "machine.at-session-end", "suspend");
  machine_fixture_start (kept);
  machine_fixture_start (stuck);
  memory_guest_tell (kept, "a");
  lodge_library_shut_down_async (f->library, TEST_WAIT_S, 1, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_cmpuint (lodge_library_shut_down_finish (f->library, result), ==, 0);
  g_assert_cmpint (lodge_machine_get_state (kept), ==, LODGE_STATE_SUSPENDED);
  g_assert_cmpint (lodge_machine_get_state (stuck), ==, LODGE_STATE_OFF);
  machine_fixture_start (kept);
  assert_memory (kept, 'a');
}

#define ADD_WITH(name, data, function)                                                             \
  g_test_add ("/machine/life/" name, MachineFixture, data, machine_fixture_set_up, function,       \
              machine_fixture_tear_down)

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("suspend/memory", test_memory);
  MACHINE_FIXTURE_ADD ("suspend/discard", test_discard);
  MACHINE_FIXTURE_ADD ("suspend/cancel", test_cancel);
  MACHINE_FIXTURE_ADD ("suspend/what-stays", test_what_stays);
  MACHINE_FIXTURE_ADD ("suspend/delete", test_delete);
  MACHINE_FIXTURE_ADD ("suspend/damaged", test_damaged);
  MACHINE_FIXTURE_ADD ("suspend/kill-while-resuming", test_kill_while_resuming);
  ADD_WITH ("suspend/not-forgotten/start", NULL, test_not_forgotten);
  ADD_WITH ("suspend/not-forgotten/engine", "engine", test_not_forgotten);
  MACHINE_FIXTURE_ADD ("suspend/not-forgotten/paused", test_not_forgotten_paused);
  MACHINE_FIXTURE_ADD ("suspend/not-forgotten/reset", test_not_forgotten_reset);
  MACHINE_FIXTURE_ADD ("suspend/not-forgotten/twice", test_not_forgotten_twice);
  MACHINE_FIXTURE_ADD ("suspend/named-in-vain", test_named_in_vain);
  MACHINE_FIXTURE_ADD ("suspend/suspended-again", test_suspended_again);
  MACHINE_FIXTURE_ADD ("suspend/undone", test_undone);
  ADD_WITH ("suspend/killed-going-on/before", NULL, test_killed_going_on);
  ADD_WITH ("suspend/killed-going-on/after", "writes", test_killed_going_on);
  MACHINE_FIXTURE_ADD ("suspend/session-end", test_session_end);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A QEMU that lives and does not answer, which one that is stopped (SIGSTOP) is: what is said of
 * it, what can be done, and that all is there again when it answers. */
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "qemu/lodge-qemu-snapshot-private.h"

#include <signal.h>
#include <string.h>

static gboolean
is_silent (LodgeMachine *machine)
{
  return strstr (lodge_machine_get_note (machine), "does not answer") != NULL;
}

/* It says what it does, and is told to do nothing that it would do sometime. */
static void
assert_silent (LodgeMachine *machine)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (lodge_state_is_live (lodge_machine_get_state (machine)));
  g_assert_true (is_silent (machine));
  g_assert_false (lodge_machine_hears_button (machine));
  lodge_machine_request_async (machine, LODGE_REQUEST_RESET, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_request_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_nonnull (strstr (error->message, "does not answer"));
}

/* All of a machine that runs, and nothing to be told of it. */
static void
assert_answers (LodgeMachine *machine)
{
  g_autoptr (GVariant) terminals = g_variant_ref_sink (lodge_machine_list_terminals (machine));

  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  g_assert_cmpstr (lodge_machine_get_spice_socket (machine), !=, "");
  g_assert_cmpuint (g_variant_n_children (terminals), >, 0);
  g_assert_true (lodge_machine_hears_button (machine));
  machine_fixture_assert_tidy (machine);
}

/* It is stopped while no engine runs, or one that ends. */
static LodgeMachine *
change_engine_over_silence (MachineFixture *f, LodgeMachine *machine)
{
  const GPid pid = machine_fixture_find_qemu (machine);

  g_assert_no_errno (kill (pid, SIGSTOP));
  machine = machine_fixture_change_engine (f, "web");
  assert_silent (machine);
  g_assert_cmpstr (lodge_machine_get_spice_socket (machine), ==, "");
  return machine;
}

static void
test_engine (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  GPid pid;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  pid = machine_fixture_find_qemu (machine);
  machine = change_engine_over_silence (f, machine);
  g_assert_no_errno (kill (pid, SIGCONT));
  test_wait_until (!is_silent (machine));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  assert_answers (machine);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  /* Its end is heard of, once. */
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "b");
}

/* What its guest does was nowhere written. */
static void
test_engine_paused (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  GPid pid;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  pid = machine_fixture_find_qemu (machine);
  machine = change_engine_over_silence (f, machine);
  g_assert_no_errno (kill (pid, SIGCONT));
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  assert_answers (machine);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

/* It can be ended, and ends by itself. */
static void
test_engine_killed (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  GPid pid;

  machine_fixture_start (machine);
  machine = change_engine_over_silence (f, machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  g_assert_false (machine_fixture_has_runtime (machine));

  machine_fixture_start (machine);
  pid = machine_fixture_find_qemu (machine);
  machine = change_engine_over_silence (f, machine);
  g_assert_no_errno (kill (pid, SIGKILL));
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  g_assert_false (is_silent (machine));
}

static gboolean
is_connected (LodgeMachine *machine)
{
  return machine->qmp != NULL && !lodge_qmp_is_closed (machine->qmp) && machine->silence == NULL;
}

/* A connection that ends, as at something that is no QMP, is made anew, however often. */
static void
test_connection_ends (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  GPid pid;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  pid = machine_fixture_find_qemu (machine);
  for (guint i = 0; i < 3; i++) {
    lodge_qmp_close (machine->qmp);
    test_wait_until (is_connected (machine));
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
    assert_answers (machine);
    g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  }
  /* And QEMU takes its time. */
  for (guint i = 0; i < 2; i++) {
    g_assert_no_errno (kill (pid, SIGSTOP));
    lodge_qmp_close (machine->qmp);
    test_wait_until (is_silent (machine));
    assert_silent (machine);
    g_assert_no_errno (kill (pid, SIGCONT));
    test_wait_until (is_connected (machine));
    assert_answers (machine);
  }
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  /* Its end is no silence. */
  lodge_qmp_close (machine->qmp);
  g_assert_no_errno (kill (pid, SIGKILL));
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  g_assert_false (is_silent (machine));
  g_assert_null (machine->silence);
}

/* What was to be said of it before is said again, unless it is not true any more. */
static void
test_note (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);

  machine_fixture_start (machine);
  lodge_machine_set_note (machine, "Something that is still true");
  lodge_qmp_close (machine->qmp);
  test_wait_until (is_silent (machine));
  test_wait_until (is_connected (machine));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "Something that is still true");

  lodge_qmp_close (machine->qmp);
  test_wait_until (is_silent (machine));
  g_assert_cmpstr (lodge_machine_get_own_note (machine), ==, "Something that is still true");
  lodge_machine_set_own_note (machine, NULL);
  g_assert_true (is_silent (machine));
  test_wait_until (is_connected (machine));
  assert_answers (machine);

  /* The disk was mended and the guest resumed, and nobody has told. */
  lodge_machine_set_note (machine, "Paused: the disk is full");
  machine->disk_failed = TRUE;
  lodge_qmp_close (machine->qmp);
  test_wait_until (is_silent (machine));
  test_wait_until (is_connected (machine));
  assert_answers (machine);
}

static GPid stopped_qemu;
static const char *stopped_step;
static LodgeJob *cancelled;

static void
stop_cb (const char *step)
{
  if (stopped_step == NULL || !g_str_equal (step, stopped_step))
    return;
  stopped_step = NULL;
  g_assert_no_errno (kill (stopped_qemu, SIGSTOP));
  lodge_qemu_snapshot_patience_ms = 1000;
  lodge_job_cancel (cancelled);
}

static LodgeMachine *closed_machine;

/* Its connection ends, and it cannot be had again for a while. */
static void
close_cb (const char *step)
{
  if (stopped_step == NULL || !g_str_equal (step, stopped_step))
    return;
  stopped_step = NULL;
  g_assert_no_errno (kill (stopped_qemu, SIGSTOP));
  lodge_qmp_close (closed_machine->qmp);
}

static LodgeJob *
begin_clone (LodgeLibrary *library, LodgeMachine *machine)
{
  static guint n = 0;
  g_autofree char *name = g_strdup_printf ("clone %u", n++);
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed ("{'linked': <true>}"));
  g_autoptr (GError) error = NULL;
  LodgeJob *job = lodge_library_clone_machine (library, machine, name, options, &error);

  g_assert_no_error (error);
  return job;
}

static LodgeJob *
begin_snapshot (LodgeLibrary *library, LodgeMachine *machine)
{
  return lodge_library_take_snapshot (library, machine, "new", "");
}

static const struct {
  const char *name;
  LodgeJob *(*begin) (LodgeLibrary *library, LodgeMachine *machine);
  const char *step;
} works[] = {
    /* Its guest has not stopped, and does not tell that it goes on. */
    {"suspend-running", lodge_library_suspend, "memory"},
    {"suspend-frozen", lodge_library_suspend, "frozen"},
    {"snapshot-running", begin_snapshot, "memory"},
    {"snapshot-frozen", begin_snapshot, "frozen"},
};

/* Work in it is cancelled, and it does not say that it has heard of that. */
static void
test_work (MachineFixture *f, gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *folder = lodge_machine_dup_folder (machine);

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  stopped_qemu = machine_fixture_find_qemu (machine);
  stopped_step = works[i].step;
  lodge_journal_step_hook = stop_cb;
  cancelled = works[i].begin (f->library, machine);
  test_wait_until (lodge_job_get_state (cancelled) != LODGE_JOB_RUNNING);
  lodge_journal_step_hook = NULL;
  lodge_qemu_snapshot_patience_ms = LODGE_QEMU_POLL_PATIENCE_MS;
  g_assert_null (stopped_step);
  /* Nothing is as before: it may still be written to. */
  g_assert_error (lodge_job_get_error (cancelled), LODGE_ERROR, LODGE_ERROR_TIMEOUT);
  if (g_str_equal (works[i].step, "memory"))
    g_assert_nonnull (strstr (lodge_job_get_error (cancelled)->message, "does not answer"));
  g_assert_true (lodge_journal_exists (folder));
  assert_silent (machine);

  g_assert_no_errno (kill (stopped_qemu, SIGCONT));
  test_wait_until (!is_silent (machine));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  assert_answers (machine);
  g_assert_cmpuint (lodge_machine_get_description (machine)->snapshots->len, ==, 0);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);

  cancelled = works[i].begin (f->library, machine);
  test_wait_until (lodge_job_get_state (cancelled) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (cancelled));
}

/* The data of a test: work whose QEMU loses its connection in the middle, and what comes then. */
typedef enum { THEN_ANSWERS, THEN_FORCED_OFF, THEN_KILLED } Then;

static const struct {
  const char *name;
  LodgeJob *(*begin) (LodgeLibrary *library, LodgeMachine *machine);
  const char *step;
  Then then;
} losses[] = {
    {"suspend-running", lodge_library_suspend, "memory", THEN_ANSWERS},
    {"suspend-frozen", lodge_library_suspend, "frozen", THEN_ANSWERS},
    {"snapshot-running", begin_snapshot, "memory", THEN_ANSWERS},
    {"snapshot-frozen", begin_snapshot, "frozen", THEN_ANSWERS},
    {"clone-frozen", begin_clone, "frozen", THEN_ANSWERS},
    {"forced-off", begin_snapshot, "frozen", THEN_FORCED_OFF},
    {"killed", begin_snapshot, "frozen", THEN_KILLED},
};

/* As long as it lives it may still be at it: nothing is tidied up under it. */
static void
test_loss (MachineFixture *f, gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  LodgeJob *job;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  stopped_qemu = machine_fixture_find_qemu (machine);
  closed_machine = machine;
  stopped_step = losses[i].step;
  lodge_journal_step_hook = close_cb;
  job = losses[i].begin (f->library, machine);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  lodge_journal_step_hook = NULL;
  g_assert_null (stopped_step);
  g_assert_nonnull (lodge_job_get_error (job));
  g_test_message ("%s", lodge_job_get_error (job)->message);
  g_assert_true (lodge_journal_exists (folder));
  test_wait_until (is_silent (machine));
  assert_silent (machine);

  switch (losses[i].then) {
  case THEN_FORCED_OFF:
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
    break;
  case THEN_KILLED:
    g_assert_no_errno (kill (stopped_qemu, SIGKILL));
    test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
    break;
  case THEN_ANSWERS:
    g_assert_no_errno (kill (stopped_qemu, SIGCONT));
    test_wait_until (!is_silent (machine));
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
    assert_answers (machine);
    g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
    break;
  }
  machine_fixture_assert_tidy (machine);
  g_assert_cmpuint (lodge_machine_get_description (machine)->snapshots->len, ==, 0);
  if (losses[i].then != THEN_ANSWERS) {
    machine_fixture_start (machine);
    memory_guest_tell (machine, "b");
  }
  job = losses[i].begin (f->library, machine);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (job));
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  lodge_machine_recover_greeting_ms = LODGE_MACHINE_RECOVER_GREETING_MS;
  MACHINE_FIXTURE_ADD ("silent/engine", test_engine);
  MACHINE_FIXTURE_ADD ("silent/engine-paused", test_engine_paused);
  MACHINE_FIXTURE_ADD ("silent/engine-killed", test_engine_killed);
  MACHINE_FIXTURE_ADD ("silent/connection-ends", test_connection_ends);
  MACHINE_FIXTURE_ADD ("silent/note", test_note);
  for (guint i = 0; i < G_N_ELEMENTS (losses); i++) {
    g_autofree char *path = g_strconcat ("/machine/life/lost/", losses[i].name, NULL);

    g_test_add (path, MachineFixture, GUINT_TO_POINTER (i), machine_fixture_set_up, test_loss,
                machine_fixture_tear_down);
  }
  for (guint i = 0; i < G_N_ELEMENTS (works); i++) {
    g_autofree char *path = g_strconcat ("/machine/life/silent/", works[i].name, NULL);

    g_test_add (path, MachineFixture, GUINT_TO_POINTER (i), machine_fixture_set_up, test_work,
                machine_fixture_tear_down);
  }
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clones of a guest that runs: real QEMUs, on disks that hold known data. Whoever is killed over
 * it: test-live-crash.c. */
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-private.h"
#include "machine/lodge-journal-private.h"
#include "qemu/lodge-qemu-poll.h"
#include "qemu/lodge-qemu-snapshot-private.h"

#include "description/lodge-description-snapshots.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#define LINKED "{'linked': <true>}"
#define FULL   "@a{sv} {}"
/* A place that the boot sector is not in, and what is there. */
#define MARK "65"
#define AT   "64k"

static const LodgeDescription *
now (LodgeMachine *machine)
{
  return lodge_machine_get_description (machine);
}

static void
run (const char *program, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *output = NULL;
  g_autofree char *words = NULL;
  g_autoptr (GError) error = NULL;
  va_list arguments;
  int status;

  g_ptr_array_add (argv, (char *) program);
  va_start (arguments, program);
  do
    g_ptr_array_add (argv, va_arg (arguments, char *));
  while (g_ptr_array_index (argv, argv->len - 1) != NULL);
  va_end (arguments);
  g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &words,
                &status, &error);
  g_assert_no_error (error);
  if (!g_spawn_check_wait_status (status, NULL) || strstr (output, "verification failed") != NULL)
    g_error ("%s: %s%s", program, output, words);
}

/* The disk as it is read by whoever stands on its layers; a QEMU may have it open. */
static char *
dup_image (LodgeMachine *machine)
{
  const LodgeDisk *disk = now (machine)->disks->pdata[0];
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autoptr (GPtrArray) chain = g_ptr_array_new ();
  g_autofree char *below = NULL;

  for (const LodgeLayer *layer = lodge_description_get_layer (now (machine), disk->top);
       layer != NULL;
       layer = layer->below != NULL ? lodge_description_get_layer (now (machine), layer->below)
                                    : NULL)
    g_ptr_array_insert (chain, 0, (gpointer) layer);
  for (guint i = 0; i < chain->len; i++) {
    const LodgeLayer *layer = chain->pdata[i];
    g_autofree char *old = g_steal_pointer (&below);

    below =
        g_strdup_printf ("{\"driver\":\"%s\",\"file\":{\"driver\":\"file\",\"filename\":\"%s/%s\"}"
                         "%s%s}",
                         layer->format, folder, layer->file,
                         g_str_equal (layer->format, "raw") ? "" : ",\"backing\":",
                         g_str_equal (layer->format, "raw") ? ""
                         : old != NULL                      ? old
                                                            : "null");
  }
  return g_strconcat ("json:", below, NULL);
}

static void
write_mark (LodgeMachine *machine)
{
  g_autofree char *image = dup_image (machine);

  run ("qemu-io", "-c", "write -P " MARK " " AT " 4k", image, NULL);
}

static void
assert_mark (LodgeMachine *machine)
{
  g_autofree char *image = dup_image (machine);

  run ("qemu-io", "-U", "-r", "-c", "read -P " MARK " " AT " 4k", image, NULL);
}

static LodgeJob *
begin_clone (MachineFixture *f, LodgeMachine *machine, const char *name, const char *options)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (options));
  g_autoptr (GError) error = NULL;
  LodgeJob *job = lodge_library_clone_machine (f->library, machine, name, parsed, &error);

  g_assert_no_error (error);
  return job;
}

static LodgeMachine *
make_clone (MachineFixture *f, LodgeMachine *machine, const char *name, const char *options)
{
  LodgeJob *job = begin_clone (f, machine, name, options);
  g_autoptr (GError) error = NULL;
  LodgeMachine *made;

  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (job));
  made = lodge_library_find (f->library, name, &error);
  g_assert_no_error (error);
  return made;
}

/* All that can be merged is. */
static gboolean
is_quiet (MachineFixture *f)
{
  GPtrArray *jobs = lodge_library_get_jobs (f->library);
  GPtrArray *machines = lodge_library_get_machines (f->library);

  for (guint i = 0; i < jobs->len; i++) {
    if (lodge_job_get_state (jobs->pdata[i]) == LODGE_JOB_RUNNING)
      return FALSE;
  }
  for (guint i = 0; i < machines->len; i++) {
    if (lodge_machine_can_merge_layers (machines->pdata[i]))
      return FALSE;
  }
  return TRUE;
}

static void
count_pauses_cb (LodgeMachine *machine, guint *n)
{
  if (lodge_machine_get_state (machine) != LODGE_STATE_RUNNING)
    (*n)++;
}

/* Both run at once, the clone on the layers that the source's QEMU has open, and each ends well. */
static void
test_linked (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  guint n_pauses = 0;
  LodgeMachine *made, *second;

  write_mark (machine);
  machine_fixture_start (machine);
  g_signal_connect (machine, "changed", G_CALLBACK (count_pauses_cb), &n_pauses);
  made = make_clone (f, machine, "new", LINKED);
  g_assert_cmpuint (n_pauses, ==, 0);
  g_assert_cmpuint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  machine_fixture_assert_tidy (machine);
  machine_fixture_assert_tidy (made);
  assert_mark (made);
  g_assert_cmpuint (now (machine)->layers->len, ==, 2);
  machine_fixture_start (made);
  /* Of one that was cloned before, and of a clone that runs. */
  second = make_clone (f, machine, "second", LINKED);
  machine_fixture_start (second);
  assert_mark (second);
  assert_mark (make_clone (f, made, "of-clone", LINKED));
  g_signal_handlers_disconnect_by_data (machine, &n_pauses);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  machine_fixture_request (made, LODGE_REQUEST_KILL);
  machine_fixture_request (second, LODGE_REQUEST_KILL);
  machine_fixture_start (machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  assert_mark (machine);
  assert_mark (made);
}

/* The source's layer is merged back once it is off: nobody shares it. */
static void
test_full (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  LodgeMachine *made;

  write_mark (machine);
  machine_fixture_start (machine);
  made = make_clone (f, machine, "new", FULL);
  g_assert_cmpuint (now (made)->layers->len, ==, 1);
  assert_mark (made);
  machine_fixture_start (made);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_until (is_quiet (f));
  g_assert_cmpuint (now (machine)->layers->len, ==, 1);
  assert_mark (machine);
  machine_fixture_assert_tidy (machine);
  machine_fixture_start (machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  machine_fixture_request (made, LODGE_REQUEST_KILL);
}

static void
test_snapshot (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  LodgeMachine *linked, *full;
  LodgeJob *job;

  write_mark (machine);
  machine_fixture_start (machine);
  job = lodge_library_take_snapshot (f->library, machine, "one", "");
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (job));
  linked = make_clone (f, machine, "linked", "{'linked': <true>, 'snapshot': <'one'>}");
  full = make_clone (f, machine, "full", "{'snapshot': <'one'>}");
  g_assert_cmpuint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  assert_mark (linked);
  assert_mark (full);
  machine_fixture_start (linked);
  machine_fixture_start (full);
  machine_fixture_request (linked, LODGE_REQUEST_KILL);
  machine_fixture_request (full, LODGE_REQUEST_KILL);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
}

static void
test_paused (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  LodgeMachine *made;

  write_mark (machine);
  machine_fixture_start (machine);
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  made = make_clone (f, machine, "new", LINKED);
  g_assert_cmpuint (lodge_machine_get_state (machine), ==, LODGE_STATE_PAUSED);
  assert_mark (made);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
}

/* --- Ends in the middle --- */

/* Looked for beforehand: a step may be in a thread. */
static GPid victim;

static void
stop_qemu_cb (const char *step)
{
  if (!g_str_equal (step, "frozen"))
    return;
  kill (victim, SIGSTOP);
  lodge_qemu_snapshot_patience_ms = 1000;
}

/* One that does not answer while machine.ini names the new tops already: which it is on is what
 * nobody has seen. It is asked when it answers again. */
static void
test_silent (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  LodgeMachine *made;
  LodgeJob *job;

  write_mark (machine);
  machine_fixture_start (machine);
  victim = machine_fixture_find_qemu (machine);
  lodge_journal_step_hook = stop_qemu_cb;
  job = begin_clone (f, machine, "new", LINKED);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  lodge_journal_step_hook = NULL;
  lodge_qemu_snapshot_patience_ms = LODGE_QEMU_POLL_PATIENCE_MS;
  g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_TIMEOUT);
  g_assert_cmpuint (lodge_machine_get_state (machine), ==, LODGE_STATE_PAUSED);
  g_assert_true (lodge_journal_exists (folder));

  kill (victim, SIGCONT);
  test_wait_until (lodge_machine_get_note (machine)[0] == '\0');
  g_assert_cmpuint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  made = make_clone (f, machine, "new", LINKED);
  machine_fixture_assert_tidy (machine);
  assert_mark (made);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  assert_mark (machine);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("clone/linked", test_linked);
  MACHINE_FIXTURE_ADD ("clone/full", test_full);
  MACHINE_FIXTURE_ADD ("clone/snapshot", test_snapshot);
  MACHINE_FIXTURE_ADD ("clone/paused", test_paused);
  MACHINE_FIXTURE_ADD ("clone/silent", test_silent);
  return g_test_run ();
}

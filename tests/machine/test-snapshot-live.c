/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots of a guest that runs: real QEMUs, and a guest that remembers the last byte that it was
 * told in its memory, and tells it again. */
#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-snapshot-private.h"
#include "memory-guest.h"
#include "qemu/lodge-qemu-snapshot-private.h"
#include "test-folder.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void
take (MachineFixture *f, LodgeMachine *machine, const char *name)
{
  LodgeJob *job = lodge_library_take_snapshot (f->library, machine, name, "");

  g_assert_no_error (wait_job (job));
}

static void
count_pauses_cb (LodgeMachine *machine, guint *n)
{
  if (lodge_machine_get_state (machine) != LODGE_STATE_RUNNING)
    (*n)++;
}

/* What of the disk a file takes. */
static guint64
measure (const char *folder, const char *file)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat info;

  g_assert_cmpint (fd, >=, 0);
  /* Until then it may be another number each time. */
  g_assert_no_errno (fsync (fd));
  g_assert_no_errno (fstat (fd, &info));
  close (fd);
  return (guint64) info.st_blocks * 512;
}

/* What is said of its size is what there is on the disk. */
static void
assert_sizes (LodgeMachine *machine, const char *name)
{
  const LodgeSnapshot *snapshot = lodge_description_find_snapshot (now (machine), name, NULL);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *below = g_build_filename (folder, "snapshots", snapshot->id, NULL);
  g_autoptr (GDir) dir = g_dir_open (below, 0, NULL);
  const guint64 memory = measure (below, "memory");
  guint64 all = 0, memory_bytes, bytes, shared_bytes;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) list = NULL;
  gboolean found = FALSE;
  const char *file;

  g_assert_nonnull (dir);
  while ((file = g_dir_read_name (dir)) != NULL)
    all += measure (below, file);
  for (guint i = 0; snapshot->layers[i] != NULL; i++)
    all += measure (folder, lodge_description_get_layer (now (machine), snapshot->layers[i])->file);
  lodge_machine_list_snapshots_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  list = lodge_machine_list_snapshots_finish (machine, result);
  for (gsize i = 0; i < g_variant_n_children (list); i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (list, i);
    const char *id;

    g_assert_true (g_variant_lookup (row, "id", "&s", &id));
    if (!g_str_equal (id, snapshot->id))
      continue;
    found = TRUE;
    g_assert_true (g_variant_lookup (row, "memory-bytes", "t", &memory_bytes));
    g_assert_true (g_variant_lookup (row, "bytes", "t", &bytes));
    g_assert_true (g_variant_lookup (row, "shared-bytes", "t", &shared_bytes));
    g_assert_cmpuint (memory_bytes, ==, memory);
    g_assert_cmpuint (bytes, ==, all);
    g_assert_cmpuint (shared_bytes, ==, 0);
  }
  g_assert_true (found);
  g_assert_cmpuint (memory, >, 0);
  g_assert_cmpuint (all, >, memory);
}

/* The guest hardly notices; what it knew is there again in a fresh QEMU. */
static void
test_memory (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  const LodgeSnapshot *snapshot;
  g_autofree char *memory = NULL;
  GStatBuf info;
  guint n_pauses = 0;
  LodgeJob *job;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  g_signal_connect (machine, "changed", G_CALLBACK (count_pauses_cb), &n_pauses);
  take (f, machine, "one");
  g_assert_cmpuint (n_pauses, ==, 0);
  machine_fixture_assert_tidy (machine);
  snapshot = lodge_description_find_snapshot (now (machine), "one", NULL);
  g_assert_true (snapshot->memory);
  memory = g_build_filename (folder, "snapshots", snapshot->id, "memory", NULL);
  g_assert_no_errno (g_stat (memory, &info));
  g_assert_cmpuint (info.st_mode & 0777, ==, 0400);
  assert_sizes (machine, "one");
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  memory_guest_tell (machine, "b");

  /* A second one on the first, in the same QEMU, and none that is half. */
  take (f, machine, "two");
  assert_sizes (machine, "one");
  assert_sizes (machine, "two");
  memory_guest_tell (machine, "c");
  g_signal_handlers_disconnect_by_data (machine, &n_pauses);
  g_assert_cmpuint (now (machine)->layers->len, ==, 3);

  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  job = lodge_library_go_back (f->library, machine, "one", TRUE, NULL);
  g_assert_no_error (wait_job (job));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  memory_guest_tell (machine, "d");
  machine_fixture_assert_tidy (machine);

  /* The other one, giving up the present; and the first again. */
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  job = lodge_library_go_back (f->library, machine, "two", FALSE, NULL);
  g_assert_no_error (wait_job (job));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'b');
  g_assert_cmpuint (now (machine)->snapshots->len, ==, 3);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  job = lodge_library_go_back (f->library, machine, "one", FALSE, NULL);
  g_assert_no_error (wait_job (job));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  machine_fixture_assert_tidy (machine);
}

/* What a window asks before its button can be pressed. */
static void
test_check (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);

  for (guint i = 0; i < 4; i++) {
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GVariant) checked = NULL;
    g_autoptr (GVariant) blockers = NULL;
    g_autoptr (GVariant) facts = NULL;
    LodgeJob *job = NULL;
    gboolean memory;
    guint64 bytes;
    guint standstill = 0, expected = 0;

    if (i == 1) {
      machine_fixture_start (machine);
      memory_guest_tell (machine, "a");
    } else if (i == 2) {
      job = lodge_library_take_snapshot (f->library, machine, "one", "");
      test_wait_until (lodge_job_get_step (job)[0] != '\0');
    }
    lodge_machine_check_snapshot_async (machine, TRUE, test_wait_result_cb, &result);
    test_wait_until (result != NULL);
    checked = lodge_machine_check_snapshot_finish (machine, result);
    g_variant_get (checked, "(@a(ss)@a{sv})", &blockers, &facts);
    g_assert_cmpuint (g_variant_n_children (blockers), ==, i == 2 ? 1 : 0);
    g_assert_true (g_variant_lookup (facts, "memory", "b", &memory));
    g_assert_cmpint (memory, ==, i > 0);
    g_assert_true (g_variant_lookup (facts, "bytes", "t", &bytes));
    g_assert_cmpint (bytes > 0, ==, i > 0);
    /* Of the last one that was taken of this run. */
    g_assert_cmpint (g_variant_lookup (facts, "standstill", "u", &standstill), ==, i == 3);
    g_assert_cmpint (standstill > 0, ==, i == 3);
    /* Also of the first one. */
    g_assert_cmpint (g_variant_lookup (facts, "expected-standstill", "u", &expected), ==, i > 0);
    g_assert_cmpint (expected > 0, ==, i > 0);
    g_assert_cmpuint (expected, >=, standstill);
    if (job != NULL)
      g_assert_no_error (wait_job (job));
  }
}

/* What is left of a guest that panicked holds its disks. */
static void
test_check_panicked (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_KEYS);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) checked = NULL;
  g_autoptr (GVariant) blockers = NULL;
  g_autofree char *told = NULL;
  const char *sentence, *advice;
  LodgeJob *job;

  machine_fixture_start (machine);
  machine_fixture_press_until (machine, "p", LODGE_STATE_CRASHED);
  lodge_machine_check_snapshot_async (machine, TRUE, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  checked = lodge_machine_check_snapshot_finish (machine, result);
  g_variant_get (checked, "(@a(ss)@a{sv})", &blockers, NULL);
  g_assert_cmpuint (g_variant_n_children (blockers), ==, 1);
  g_variant_get_child (blockers, 0, "(&s&s)", &sentence, &advice);
  job = lodge_library_take_snapshot (f->library, machine, "one", "");
  g_assert_error (wait_job (job), LODGE_ERROR, LODGE_ERROR_STATE);
  told = g_strdup_printf ("%s. %s", sentence, advice);
  g_assert_cmpstr (lodge_job_get_error (job)->message, ==, told);
}

/* Settings that the running guest has not got yet do not keep it from going on. */
static void
changed_settings (MachineFixture *f, gboolean other_engine)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  lodge_library_set_async (f->library, machine, g_variant_new_parsed ("{'machine.memory': '64M'}"),
                           test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_true (lodge_library_set_finish (f->library, result, &error));
  g_clear_object (&result);
  if (other_engine)
    machine = machine_fixture_change_engine (f, "web");
  take (f, machine, "one");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  job = lodge_library_go_back (f->library, machine, "one", TRUE, NULL);
  g_assert_no_error (wait_job (job));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  g_assert_cmpuint (now (machine)->memory_mib, ==, 128);
}

static void
test_changed_settings (MachineFixture *f, gconstpointer data)
{
  changed_settings (f, FALSE);
}

/* The engine that has started it is not needed for that. */
static void
test_changed_before (MachineFixture *f, gconstpointer data)
{
  changed_settings (f, TRUE);
}

/* At any moment: the guest runs on, and nothing is left. */
static void
test_cancel (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  guint n_cancelled = 0;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  /* Also between a command and its answer. */
  for (guint i = 0; i < 24; i++) {
    g_autofree char *name = g_strdup_printf ("n%u", i);
    LodgeJob *job = lodge_library_take_snapshot (f->library, machine, name, "");

    test_wait_ms (i < 14 ? i * 3 : (i - 12) * 25);
    lodge_job_cancel (job);
    if (wait_job (job) != NULL) {
      g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
      g_assert_null (lodge_description_find_snapshot (now (machine), name, NULL));
      n_cancelled++;
    }
    machine_fixture_assert_tidy (machine);
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
    g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  }
  g_assert_cmpuint (n_cancelled, >, 0);
  take (f, machine, "whole");
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

static LodgeMachine *stopping;

static void
shut_down_cb (const char *step)
{
  LodgeMachine *machine;

  if (stopping == NULL || !g_str_equal (step, "top"))
    return;
  machine = g_steal_pointer (&stopping);
  machine_fixture_request (machine, LODGE_REQUEST_SHUTDOWN);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_STOPPING);
}

static void
count_kind_cb (LodgeMachine *machine, const char *kind, GString *seen)
{
  g_string_append_printf (seen, "%s ", kind);
}

/* Who types meanwhile is told that the guest has not heard it, although its state stays. */
static void
test_told (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autoptr (GString) seen = g_string_new (NULL);

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  g_signal_connect (machine, "guest-event", G_CALLBACK (count_kind_cb), seen);
  take (f, machine, "one");
  g_assert_cmpstr (seen->str, ==, "stands-still goes-on ");
  g_signal_handlers_disconnect_by_data (machine, seen);
}

/* One that is asked to shut down while the snapshot is being prepared has to go on for that. */
static void
test_stopping (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  stopping = machine;
  lodge_journal_step_hook = shut_down_cb;
  take (f, machine, "one");
  lodge_journal_step_hook = NULL;
  g_assert_null (stopping);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_STOPPING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  machine_fixture_assert_tidy (machine);
}

/* One that stands still is left standing, and one that is deleted while the guest runs goes. */
static void
test_paused_and_deleted (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  LodgeJob *job;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  take (f, machine, "one");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_PAUSED);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');

  job = lodge_library_delete_snapshot (f->library, machine, "one");
  g_assert_no_error (wait_job (job));
  machine_fixture_assert_tidy (machine);
  g_assert_cmpuint (now (machine)->snapshots->len, ==, 0);
  g_assert_cmpuint (now (machine)->layers->len, ==, 2);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  /* Its layer waits for the guest's end, and becomes part of the present by itself. */
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_until (now (machine)->layers->len == 1);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  for (guint i = 0; i < lodge_library_get_jobs (f->library)->len; i++)
    wait_job (lodge_library_get_jobs (f->library)->pdata[i]);
  machine_fixture_assert_tidy (machine);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "b");
}

static void
make_clone (MachineFixture *f, LodgeMachine *machine, const char *name, const char *options)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (options));
  g_autoptr (GError) error = NULL;
  LodgeJob *job = lodge_library_clone_machine (f->library, machine, name, parsed, &error);

  g_assert_no_error (error);
  g_assert_no_error (wait_job (job));
}

static void
count_states_cb (LodgeMachine *machine, guint *n)
{
  if (lodge_machine_get_state (machine) != LODGE_STATE_PAUSED)
    (*n)++;
}

/* One that stands still is saved as often as somebody likes, and goes on when he likes. */
static void
test_paused_again (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  guint n = 0;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  g_signal_connect (machine, "changed", G_CALLBACK (count_states_cb), &n);
  take (f, machine, "one");
  make_clone (f, machine, "of-one", "{'linked': <true>, 'snapshot': <'one'>}");
  take (f, machine, "two");
  make_clone (f, machine, "linked", "{'linked': <true>}");
  take (f, machine, "three");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_PAUSED);
  g_assert_cmpuint (n, ==, 0);
  g_signal_handlers_disconnect_by_data (machine, &n);
  machine_fixture_assert_tidy (machine);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  machine_fixture_start (lodge_library_find (f->library, "linked", NULL));
  machine_fixture_start (lodge_library_find (f->library, "of-one", NULL));
}

/* A disk that has room for the memory once has room for it to the end: what is written while the
 * guest changes it takes no more than what is left beside that. */
static void
test_room (void)
{
  const guint64 gib = G_GUINT64_CONSTANT (1) << 30;

  test_folder_keep_names ();
  g_assert_cmpuint (lodge_snapshot_live_get_most (4 * gib, gib, G_MAXUINT64), ==, 6 * gib);
  g_assert_cmpuint (lodge_snapshot_live_get_most (4 * gib, gib, 7 * gib), ==, 6 * gib);
  g_assert_cmpuint (lodge_snapshot_live_get_most (4 * gib, gib, 3 * gib), ==, 2 * gib);
  /* It stands still from the beginning. */
  g_assert_cmpuint (lodge_snapshot_live_get_most (4 * gib, gib, gib), ==, 1);
  g_assert_cmpuint (lodge_snapshot_live_get_most (4 * gib, gib, 0), ==, 1);
}

/* Writes to the machine's first disk, or reads it again. */
static void
use_disk (LodgeMachine *machine, const char *command)
{
  const LodgeDisk *disk = now (machine)->disks->pdata[0];
  const LodgeLayer *top = lodge_description_get_layer (now (machine), disk->top);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, top->file, NULL);
  const char *argv[] = {"qemu-io", "-f", top->format, "-c", command, path, NULL};
  g_autofree char *output = NULL;
  g_autofree char *words = NULL;
  int status;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
                               &words, &status, NULL));
  if (!g_spawn_check_wait_status (status, NULL) || strstr (output, "failed") != NULL)
    g_error ("%s: %s%s", path, output, words);
}

/* Memory that does not load, or is not there: the present is what it was. */
static void
test_damaged_memory (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *memory = NULL;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  take (f, machine, "one");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  use_disk (machine, "write -P 7 64k 64k");
  memory = g_build_filename (folder, "snapshots",
                             lodge_description_find_snapshot (now (machine), "one", NULL)->id,
                             "memory", NULL);
  g_assert_no_errno (g_chmod (memory, 0600));
  g_assert_true (g_file_set_contents (memory, "nothing that QEMU knows", -1, NULL));
  for (guint i = 0; i < 4; i++) {
    LodgeJob *job = lodge_library_go_back (f->library, machine, "one", i % 2 == 0, NULL);

    g_assert_nonnull (wait_job (job));
    g_test_message ("%s", lodge_job_get_error (job)->message);
    g_assert_nonnull (strstr (lodge_job_get_error (job)->message, "as it was before"));
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
    g_assert_cmpuint (now (machine)->snapshots->len, ==, 1);
    g_assert_cmpuint (now (machine)->layers->len, ==, 2);
    machine_fixture_assert_tidy (machine);
    use_disk (machine, "read -P 7 64k 64k");
    if (i == 1)
      g_assert_no_errno (g_unlink (memory));
  }
  machine_fixture_start (machine);
  memory_guest_tell (machine, "b");
}

/* --- An engine that is killed over it; at every step: test-live-crash.c --- */

static const char *last_step; /* by its name */

static void
step_cb (const char *step)
{
  if (g_str_equal (step, last_step))
    kill (getpid (), SIGKILL);
}

/* The engine that is killed. */
static int
work (const char *folder, const char *step)
{
  MachineFixture f = {.folder = (char *) folder};
  LodgeMachine *machine;
  LodgeJob *job;

  machine_fixture_open_library (&f);
  machine = lodge_library_find (f.library, "web", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  last_step = step;
  lodge_journal_step_hook = step_cb;
  job = lodge_library_take_snapshot (f.library, machine, "new", "");
  g_assert_no_error (wait_job (job));
  machine_fixture_close_library (&f);
  return 0;
}

/* What the next engine cannot make up for, with a disk that takes nothing more, is not forgotten:
 * the one after it does, or whoever works on the machine next. */
static void
test_recovered_later (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  struct rlimit before, none;

  g_assert_no_errno (getrlimit (RLIMIT_FSIZE, &before));
  none = before;
  none.rlim_cur = 0;
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  for (guint i = 0; i < 2; i++) {
    machine_fixture_close_library (f);
    g_assert_true (machine_fixture_is_worker_killed (f, "named"));
    g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &none));
    machine_fixture_open_library (f);
    g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &before));
    machine = lodge_library_find (f->library, "web", NULL);
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
    g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
    g_assert_nonnull (lodge_description_find_snapshot (now (machine), "new", NULL));
    g_assert_true (lodge_journal_exists (folder));
    if (i == 0)
      machine = machine_fixture_change_engine (f, "web");
    else
      take (f, machine, "after");
    g_assert_null (lodge_description_find_snapshot (now (machine), "new", NULL));
    machine_fixture_assert_tidy (machine);
    g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  }
}

/* machine.ini is larger, and what is said beside QEMU's sockets is not: those are on no disk. */
#define FULL_BYTES 100

static void
set_full (gboolean full)
{
  struct rlimit limit;

  g_assert_no_errno (getrlimit (RLIMIT_FSIZE, &limit));
  limit.rlim_cur = full ? FULL_BYTES : limit.rlim_max;
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &limit));
}

static void
full_cb (const char *step)
{
  if (g_str_equal (step, "named"))
    set_full (TRUE);
}

/* The journal stays that says that the guest ran, which it did then. */
static void
assert_stays_paused (MachineFixture *f, LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);

  g_assert_true (lodge_journal_exists (folder));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  machine = machine_fixture_change_engine (f, "web");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_PAUSED);
  machine_fixture_assert_tidy (machine);
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

/* Whoever has paused a guest wants it so, whatever was under way before. */
static void
test_paused_over_journal (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  LodgeJob *job;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  lodge_journal_step_hook = full_cb;
  job = lodge_library_take_snapshot (f->library, machine, "new", "");
  g_assert_nonnull (wait_job (job));
  lodge_journal_step_hook = NULL;
  set_full (FALSE);
  assert_stays_paused (f, machine);

  /* The same where it was an engine that made the guest go on for another. */
  machine_fixture_close_library (f);
  g_assert_true (machine_fixture_is_worker_killed (f, "named"));
  set_full (TRUE);
  machine_fixture_open_library (f);
  set_full (FALSE);
  machine = lodge_library_find (f->library, "web", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  assert_stays_paused (f, machine);
}

static GPid stopped_qemu;

static void
stop_cb (const char *step)
{
  if (!g_str_equal (step, "frozen"))
    return;
  kill (stopped_qemu, SIGSTOP);
  lodge_qemu_snapshot_patience_ms = 1000;
}

/* One that does not answer in the worst moment: what it does later is what nobody has seen. It is
 * asked when it answers again. */
static void
test_silent (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_MEMORY);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  LodgeJob *job;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  stopped_qemu = machine_fixture_find_qemu (machine);
  lodge_journal_step_hook = stop_cb;
  job = lodge_library_take_snapshot (f->library, machine, "new", "");
  g_assert_nonnull (wait_job (job));
  g_test_message ("%s", lodge_job_get_error (job)->message);
  lodge_journal_step_hook = NULL;
  lodge_qemu_snapshot_patience_ms = LODGE_QEMU_POLL_PATIENCE_MS;
  g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_TIMEOUT);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_PAUSED);
  g_assert_true (lodge_journal_exists (folder));

  kill (stopped_qemu, SIGCONT);
  test_wait_until (lodge_machine_get_note (machine)[0] == '\0');
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  take (f, machine, "after");
  g_assert_null (lodge_description_find_snapshot (now (machine), "new", NULL));
  machine_fixture_assert_tidy (machine);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "b");
}

int
main (int argc, char *argv[])
{
  if (argc == 4 && g_str_equal (argv[1], "--worker"))
    return work (argv[2], argv[3]);
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("snapshot/memory", test_memory);
  MACHINE_FIXTURE_ADD ("snapshot/check", test_check);
  MACHINE_FIXTURE_ADD ("snapshot/check-panicked", test_check_panicked);
  MACHINE_FIXTURE_ADD ("snapshot/changed-settings", test_changed_settings);
  MACHINE_FIXTURE_ADD ("snapshot/changed-before", test_changed_before);
  MACHINE_FIXTURE_ADD ("snapshot/cancel", test_cancel);
  MACHINE_FIXTURE_ADD ("snapshot/told", test_told);
  MACHINE_FIXTURE_ADD ("snapshot/stopping", test_stopping);
  MACHINE_FIXTURE_ADD ("snapshot/paused-and-deleted", test_paused_and_deleted);
  MACHINE_FIXTURE_ADD ("snapshot/paused-again", test_paused_again);
  g_test_add_func ("/machine/life/snapshot/room", test_room);
  MACHINE_FIXTURE_ADD ("snapshot/damaged-memory", test_damaged_memory);
  /* A file that would become too large is an error, and no end of the process. */
  signal (SIGXFSZ, SIG_IGN);
  MACHINE_FIXTURE_ADD ("snapshot/recovered-later", test_recovered_later);
  MACHINE_FIXTURE_ADD ("snapshot/paused-over-journal", test_paused_over_journal);
  MACHINE_FIXTURE_ADD ("snapshot/silent", test_silent);
  return g_test_run ();
}

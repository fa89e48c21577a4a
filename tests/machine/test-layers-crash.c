/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine, a QEMU, or both that are killed at every step of making one layer of several while the
 * guest runs: all that is on its disks is there, now and in its snapshots, a guest that goes on has
 * the short chain in the end, and nothing is left in its folder.
 *
 * A worker process is the engine. At its nth step, for n from 1 until it comes to its end, the
 * victim is killed. What it works on is a copy, made anew for each run, of a machine whose guest
 * was suspended with an "a" in its memory and marks on its second disk. Of steps that follow each
 * other and are called the same, a layer that is written, say, one counts. A few steps each time,
 * and every one with LODGE_TEST_CRASHES set, as often as that says: each takes half a minute on a
 * busy computer.
 *
 * "shared" is the same where the layers have second names, as they have in a clone's folder, and
 * the chain counts as long: what has those names is not changed.
 */
#include "description/lodge-description-snapshots.h"
#include "kill-worker.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "plug-guest.h"
#include "test-folder.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (G_GUINT64_CONSTANT (1) << 20)
/* Nothing is merged yet. */
#define NEVER 100
#define LEAST 3
#define N     5
/* One step in so many. */
#define STRIDE 6

/* One whose layers have second names, as a clone's would be. */
#define SHARED "shared"

/* --- The worker --- */

static void (*step_hook) (const char *step);
static char last_step[32];

/* On the main thread and on others, but never at the same time. */
static void
step_cb (const char *step)
{
  if (strcmp (step, last_step) == 0)
    return;
  g_strlcpy (last_step, step, sizeof last_step);
  step_hook (step);
}

static void
work (MachineFixture *f, const char *operation)
{
  LodgeMachine *machine;

  lodge_machine_least_joined = NEVER;
  machine_fixture_open_library (f);
  machine = lodge_library_find (f->library, "web", NULL);
  machine_fixture_start (machine);
  test_wait_until (machine->work == NULL);
  kill_worker_arm (machine);
  step_hook = lodge_journal_step_hook;
  lodge_journal_step_hook = step_cb;
  lodge_machine_least_joined = LEAST;
  if (g_str_equal (operation, SHARED))
    lodge_machine_long_chain = LEAST;
  lodge_library_consider_merging (f->library, machine);
  test_wait_until (machine->work == NULL && !lodge_machine_can_merge_layers (machine));
  kill_worker_disarm (machine);
  machine_fixture_close_library (f);
}

/* --- The next engine --- */

static void
set_up (KillFixture *f, gconstpointer data)
{
  MachineFixture *m = &f->machines;
  LodgeMachine *machine;

  machine_fixture_set_up (m, NULL);
  lodge_machine_least_joined = NEVER;
  machine = machine_fixture_create (m, "web", BOOT_SECTOR_RELEASE);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  g_assert_no_error (
      plug_guest_wait (lodge_library_add_disk (m->library, machine, 16 * MIB, "virtio", NULL)));
  for (guint i = 0; i < N; i++) {
    g_autofree char *command = g_strdup_printf ("write -P %u 1M %uk", i + 1, 64 * (N - i));
    g_autofree char *name = g_strdup_printf ("n%u", i);

    plug_guest_ask_disk (machine, "disk1", command);
    g_assert_no_error (
        plug_guest_wait (lodge_library_take_snapshot (m->library, machine, name, "")));
  }
  for (guint i = 1; i < N - 1; i++) {
    g_autofree char *name = g_strdup_printf ("n%u", i);

    g_assert_no_error (plug_guest_wait (lodge_library_delete_snapshot (m->library, machine, name)));
  }
  g_assert_no_error (plug_guest_wait (lodge_library_suspend (m->library, machine)));
  kill_fixture_keep (f);
}

static void
tear_down (KillFixture *f, gconstpointer data)
{
  machine_fixture_tear_down (&f->machines, NULL);
  kill_fixture_clear (f);
}

static void
assert_data (LodgeMachine *machine)
{
  for (guint i = 0; i < N; i++) {
    g_autofree char *command =
        g_strdup_printf ("read -P %u %uk 64k", i + 1, 1024 + 64 * (N - 1 - i));

    plug_guest_ask_disk (machine, "disk1", command);
  }
}

/* QEMU has the nodes of what machine.ini names, and of nothing else. */
static void
assert_nodes (LodgeMachine *machine)
{
  const LodgeDescription *now = lodge_machine_get_description (machine);

  for (guint i = 0; i < 16; i++) {
    g_autofree char *id = g_strdup_printf ("disk1-l%u", i);

    g_assert_cmpint (plug_guest_has_node (machine, id), ==,
                     lodge_description_get_layer (now, id) != NULL);
  }
}

/* What is there by now is whole, and goes on. */
static void
look (MachineFixture *m, LodgeMachine *machine, KillVictim who)
{
  const gboolean live = lodge_machine_get_state (machine) == LODGE_STATE_RUNNING;

  while (g_main_context_iteration (NULL, FALSE))
    ;
  test_wait_until (machine->work == NULL && !lodge_machine_can_merge_layers (machine));
  machine_fixture_wait_jobs (m);
  machine_fixture_assert_tidy (machine);
  if (!live) {
    g_assert_cmpint (who, !=, KILL_ENGINE);
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
    machine_fixture_start (machine);
  } else {
    g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  }
  assert_data (machine);
  assert_nodes (machine);
  /* The first, what was joined, n4's and the present's; fewer where QEMU was gone. */
  g_assert_cmpuint (lodge_machine_get_description (machine)->layers->len, <=, 2 * 4);
  g_assert_no_error (
      plug_guest_wait (lodge_library_take_snapshot (m->library, machine, "one", "")));
  assert_data (machine);
  machine_fixture_assert_tidy (machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_no_error (
      plug_guest_wait (lodge_library_go_back (m->library, machine, "n4", FALSE, NULL)));
  assert_data (machine);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* The checksums of all that has a name in @folder. Transfer full. */
static char *
dup_sums (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_autofree char *bytes = NULL;
    g_autofree char *sum = NULL;
    gsize length;

    g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
    sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) bytes, length);
    g_ptr_array_add (lines, g_strdup_printf ("%s %s", name, sum));
  }
  g_ptr_array_sort (lines, compare);
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (char **) lines->pdata);
}

/* What is frozen gets names in @others, too. */
static void
share (KillFixture *f, const char *others)
{
  g_autofree char *machines = g_build_filename (f->data, "machines", NULL);
  g_autofree char *folder = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (g_file_test (others, G_FILE_TEST_EXISTS))
    test_folder_remove (others);
  g_assert_no_errno (g_mkdir (others, 0700));
  dir = g_dir_open (machines, 0, NULL);
  folder = g_build_filename (machines, g_dir_read_name (dir), "layers", NULL);
  g_dir_close (dir);
  dir = g_dir_open (folder, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *old = g_build_filename (folder, name, NULL);
    g_autofree char *second = g_build_filename (others, name, NULL);
    struct stat info;

    g_assert_no_errno (stat (old, &info));
    if ((info.st_mode & 0200) == 0)
      g_assert_no_errno (link (old, second));
  }
}

static void
test_killed (KillFixture *f, gconstpointer data)
{
  MachineFixture *m = &f->machines;
  const gboolean shared = g_str_equal (data, SHARED);
  const char *victim = shared ? kill_victims[KILL_ENGINE] : data;
  const char *operation = shared ? SHARED : "merge";
  g_autofree char *others = g_build_filename (m->folder, "others", NULL);
  const gboolean few = g_getenv ("LODGE_TEST_CRASHES") == NULL;
  const guint n_times = few ? 1 : test_get_times ();
  guint n = 0;
  KillVictim who = 0;

  while (!g_str_equal (kill_victims[who], victim))
    who++;
  for (guint step = few ? (guint) g_test_rand_int_range (1, STRIDE + 1) : 1;
       step < KILL_WORKER_MOST_STEPS; step += few ? STRIDE : 1) {
    gboolean killed = FALSE;

    for (guint i = 0; i < n_times; i++) {
      g_auto (GStrv) steps = NULL;
      LodgeMachine *machine;

      g_autofree char *before = NULL;

      kill_fixture_copy (f);
      if (shared) {
        share (f, others);
        before = dup_sums (others);
      }
      killed = kill_fixture_run (f, operation, who, step, &steps);
      lodge_machine_least_joined = LEAST;
      lodge_machine_long_chain = shared ? LEAST : LODGE_MACHINE_LONG_CHAIN;
      machine_fixture_open_library (m);
      machine = lodge_library_find (m->library, "web", NULL);
      g_test_message ("step %u, after “%s”, %s: %s, %u layers", step,
                      killed ? steps[g_strv_length (steps) - 1] : "the end", kill_victims[who],
                      lodge_state_get_name (lodge_machine_get_state (machine)),
                      lodge_machine_get_description (machine)->layers->len);
      look (m, machine, who);
      if (shared) {
        g_autofree char *after = dup_sums (others);

        g_assert_cmpstr (before, ==, after);
      }
      machine_fixture_request (machine, LODGE_REQUEST_KILL);
      if (!killed)
        break;
    }
    if (!killed)
      break;
    n++;
  }
  g_test_message ("%s: %u steps", (const char *) victim, n);
  g_assert_cmpuint (n, >, few ? 1 : 8);
}

int
main (int argc, char *argv[])
{
  int status;

  if (kill_worker_main (argc, argv, work, &status))
    return status;
  machine_fixture_init (&argc, &argv);
  g_test_add ("/machine/layers/killed/" SHARED, KillFixture, SHARED, set_up, test_killed,
              tear_down);
  for (guint i = 0; i < KILL_N_VICTIMS; i++) {
    g_autofree char *path = g_strconcat ("/machine/layers/killed/", kill_victims[i], NULL);

    g_test_add (path, KillFixture, kill_victims[i], set_up, test_killed, tear_down);
  }
  return g_test_run ();
}

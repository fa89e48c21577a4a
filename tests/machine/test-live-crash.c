/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine, a QEMU, or both that are killed at every step of what is done while a guest runs: what
 * was in its memory and on its disks is there, nothing is left lying about, and the next one works.
 *
 * A worker process is the engine. At its nth step, for n from 1 until it comes to its end, the
 * victim is killed. What it works on is a copy, made anew for each run, of a machine whose guest
 * was suspended:
 *
 *     snapshot    with an "a"
 *     grow        with an "a"
 *     clone       with an "a"
 *     revert      with a "b"; there is a snapshot "one" with an "a"
 *
 * Memory is lost with a QEMU that is killed, unless it is kept by then; disks never lose anything.
 */
#include "description/lodge-description-keys.h"
#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "kill-worker.h"
#include "live-guest.h"
#include "lodge-error.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "plug-guest.h"
#include "storage/lodge-image-grow.h"

#include <fcntl.h>
#include <unistd.h>

#define MIB (G_GUINT64_CONSTANT (1) << 20)
/* Of the second disk. */
#define NEW_SIZE (64 * MIB)

/* --- The worker --- */

/* On the layers that the guest's QEMU has open. */
static LodgeJob *
begin_clone (MachineFixture *f, LodgeMachine *machine, const char *name)
{
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed ("{'linked': <true>}"));
  g_autoptr (GError) error = NULL;
  LodgeJob *job = lodge_library_clone_machine (f->library, machine, name, options, &error);

  g_assert_no_error (error);
  return job;
}

static LodgeJob *
begin (MachineFixture *f, LodgeMachine *machine, const char *operation)
{
  if (g_str_equal (operation, "snapshot"))
    return lodge_library_take_snapshot (f->library, machine, "new", "");
  if (g_str_equal (operation, "grow"))
    return lodge_library_grow_disk (f->library, machine, "disk1", NEW_SIZE);
  if (g_str_equal (operation, "clone"))
    return begin_clone (f, machine, "new");
  g_assert_cmpstr (operation, ==, "revert");
  return lodge_library_go_back (f->library, machine, "one", TRUE, "kept");
}

static void
work (MachineFixture *f, const char *operation)
{
  LodgeMachine *machine;
  const GError *error;

  machine_fixture_open_library (f);
  machine = lodge_library_find (f->library, "web", NULL);
  machine_fixture_start (machine);
  test_wait_until (machine->work == NULL);
  kill_worker_arm (machine);
  error = plug_guest_wait (begin (f, machine, operation));
  if (!kill_worker_has_killed_qemu ())
    g_assert_no_error (error);
  kill_worker_disarm (machine);
  machine_fixture_close_library (f);
}

/* --- The next engine --- */

static void
take (MachineFixture *m, LodgeMachine *machine, const char *name)
{
  g_assert_no_error (plug_guest_wait (lodge_library_take_snapshot (m->library, machine, name, "")));
}

static void
go_back (MachineFixture *m, LodgeMachine *machine, const char *name)
{
  g_assert_no_error (
      plug_guest_wait (lodge_library_go_back (m->library, machine, name, FALSE, NULL)));
}

static void
delete_snapshot (MachineFixture *m, LodgeMachine *machine, const char *name)
{
  g_assert_no_error (plug_guest_wait (lodge_library_delete_snapshot (m->library, machine, name)));
}

static gboolean
has (LodgeMachine *machine, const char *name)
{
  return lodge_description_find_snapshot (lodge_machine_get_description (machine), name, NULL) !=
         NULL;
}

static void
set_up (KillFixture *f, gconstpointer data)
{
  const KillTable *table = data;
  MachineFixture *m = &f->machines;
  LodgeMachine *machine;

  machine_fixture_set_up (m, NULL);
  machine = live_guest_create (m);
  live_guest_mark (machine, 'a');
  if (g_str_equal (table->operation, "revert")) {
    take (m, machine, "one");
    live_guest_mark (machine, 'b');
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

/* Whoever may have lost the guest's memory has not lost its disks. */
static void
assert_lost_power (LodgeMachine *machine, const KillRun *run, char mark)
{
  g_assert_cmpint (run->who, !=, KILL_ENGINE);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
  machine_fixture_start (machine);
  live_guest_assert_disks (machine, mark);
}

/* The guest goes on, unless somebody has killed its QEMU; then it is started anew. */
static void
look_at_guest (MachineFixture *m, LodgeMachine *machine, const KillRun *run)
{
  live_guest_settle (m, machine);
  machine_fixture_assert_tidy (machine);
  if (lodge_state_is_live (lodge_machine_get_state (machine)))
    live_guest_assert (machine, 'a');
  else
    assert_lost_power (machine, run, 'a');
}

/* The snapshot is whole, or not there; neither it nor the present takes from the other. */
static void
look_at_snapshot (KillFixture *f, LodgeMachine *machine, const KillRun *run)
{
  MachineFixture *m = &f->machines;

  look_at_guest (m, machine, run);
  g_assert_true (run->killed || has (machine, "new"));
  live_guest_mark (machine, 'b');
  take (m, machine, "after");
  machine_fixture_assert_tidy (machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  if (has (machine, "new")) {
    g_assert_true (lodge_machine_has_memory (machine, "new"));
    go_back (m, machine, "new");
    live_guest_assert (machine, 'a');
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
    delete_snapshot (m, machine, "new");
  }
  go_back (m, machine, "after");
  live_guest_assert (machine, 'b');
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  delete_snapshot (m, machine, "after");
  /* What was frozen for them is one with what stands on it again. */
  live_guest_settle (m, machine);
  machine_fixture_assert_tidy (machine);
  g_assert_cmpuint (lodge_machine_get_description (machine)->layers->len, ==,
                    lodge_machine_get_description (machine)->disks->len);
  machine_fixture_start (machine);
  live_guest_assert_disks (machine, 'b');
}

/* What the guest sees, which machine.ini must not promise less than. */
static guint64
get_size (LodgeMachine *machine)
{
  const LodgeDescription *now = lodge_machine_get_description (machine);
  const LodgeDisk *disk = lodge_section_find_item (LODGE_SECTION_DISK, now, "disk1");
  const LodgeLayer *top = lodge_description_get_layer (now, disk->top);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  int fd = lodge_own_file_open (folder, top->file, O_RDONLY, NULL);
  guint64 size = 0;

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (lodge_image_read_size (fd, top->format, &size));
  close (fd);
  g_assert_cmpuint (size, <=, top->size_bytes);
  return size;
}

/* It has its old size or the new one, and can be grown if it has the old. */
static void
look_at_grown (KillFixture *f, LodgeMachine *machine, const KillRun *run)
{
  MachineFixture *m = &f->machines;
  const GError *error;
  guint64 size;

  look_at_guest (m, machine, run);
  size = get_size (machine);
  g_assert_true (size == LIVE_GUEST_SIZE || size == NEW_SIZE);
  g_assert_true (size == NEW_SIZE || (run->killed && !kill_run_has_done (run, "grown")));
  error = plug_guest_wait (begin (m, machine, "grow"));
  if (size == NEW_SIZE)
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  else
    g_assert_no_error (error);
  g_assert_cmpuint (get_size (machine), ==, NEW_SIZE);
  plug_guest_ask_disk (machine, "disk1", "write -P 8 48M 64k");
  take (m, machine, "after");
  g_assert_cmpuint (get_size (machine), ==, NEW_SIZE);
  plug_guest_ask_disk (machine, "disk1", "read -P 8 48M 64k");
  live_guest_assert_disks (machine, 'a');
  machine_fixture_assert_tidy (machine);
}

/* Each folder is a machine's. */
static void
assert_folders (MachineFixture *m)
{
  g_autofree char *machines = g_build_filename (m->folder, "data", "machines", NULL);
  g_autoptr (GDir) dir = g_dir_open (machines, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_test_message ("%s", name);
    n++;
  }
  g_assert_cmpuint (n, ==, lodge_library_get_machines (m->library)->len);
}

/* There is a clone with all of it, or none, and then another can be made; both run, and neither
 * sees what is the other's. */
static void
look_at_cloned (KillFixture *f, LodgeMachine *machine, const KillRun *run)
{
  MachineFixture *m = &f->machines;
  LodgeMachine *made;

  look_at_guest (m, machine, run);
  assert_folders (m);
  made = lodge_library_find (m->library, "new", NULL);
  g_assert_true (run->killed || made != NULL);
  if (made == NULL) {
    g_assert_no_error (plug_guest_wait (begin_clone (m, machine, "after")));
    made = lodge_library_find (m->library, "after", NULL);
  }
  live_guest_settle (m, made);
  machine_fixture_assert_tidy (made);
  machine_fixture_start (made);
  live_guest_assert_disks (made, 'a');
  live_guest_mark (made, 'c');
  live_guest_assert_disks (machine, 'a');
  live_guest_mark (machine, 'b');
  live_guest_assert (made, 'c');
  machine_fixture_request (made, LODGE_REQUEST_KILL);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_no_error (plug_guest_wait (lodge_library_delete_machine (m->library, made, NULL)));
  assert_folders (m);
  /* What was frozen for it is one with what stands on it again. */
  live_guest_settle (m, machine);
  machine_fixture_assert_tidy (machine);
  g_assert_cmpuint (lodge_machine_get_description (machine)->layers->len, ==,
                    lodge_machine_get_description (machine)->disks->len);
  machine_fixture_start (machine);
  live_guest_assert_disks (machine, 'b');
}

/* The guest that ran runs, or stands still, or what it was is a snapshot with its memory. */
static void
look_at_reverted (KillFixture *f, LodgeMachine *machine, const KillRun *run)
{
  MachineFixture *m = &f->machines;
  gboolean kept, live;
  char mark = 0;

  live_guest_settle (m, machine);
  machine_fixture_assert_tidy (machine);
  g_assert_true (has (machine, "one"));
  kept = has (machine, "kept");
  if (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED) {
    machine_fixture_request (machine, LODGE_REQUEST_RESUME);
    test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  }
  live = lodge_state_is_live (lodge_machine_get_state (machine));
  if (live) {
    mark = memory_guest_ask (machine, "?");
    /* Of now or of then. */
    g_assert_true (mark == 'b' || (mark == 'a' && kept));
    live_guest_assert (machine, mark);
  }
  if (kill_run_has_done (run, "kept"))
    g_assert_true (kept || mark == 'b');
  if (!run->killed)
    g_assert_true (kept && mark == 'a');
  if (kept) {
    g_assert_true (lodge_machine_has_memory (machine, "kept"));
    if (live)
      machine_fixture_request (machine, LODGE_REQUEST_KILL);
    go_back (m, machine, "kept");
    live_guest_assert (machine, 'b');
  } else if (!live) {
    assert_lost_power (machine, run, 'b');
  }

  /* And once more. */
  go_back (m, machine, "one");
  live_guest_assert (machine, 'a');
  machine_fixture_assert_tidy (machine);
}

int
main (int argc, char *argv[])
{
  static const KillTable tables[] = {
      {"snapshot", look_at_snapshot, 10, 1, FALSE},
      /* It has two of them. */
      {"grow", look_at_grown, 1, 1, TRUE},
      {"clone", look_at_cloned, 8, 1, FALSE},
      {"revert", look_at_reverted, 20, 1, FALSE},
  };
  int status;

  if (kill_worker_main (argc, argv, work, &status))
    return status;
  machine_fixture_init (&argc, &argv);
  kill_fixture_add_tables ("/machine/live/killed", tables, G_N_ELEMENTS (tables), set_up,
                           tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine, a QEMU, or both that are killed at every step of adding a disk to a guest that runs,
 * and of removing, detaching and attaching one: it is there with all that is on it, or it is gone
 * wholly, which one that is detached or attached never is; a guest that goes on has what
 * machine.ini says, and the next snapshot works.
 *
 * A worker process is the engine. At its nth step, for n from 1 until it comes to its end, the
 * victim is killed. What it works on is a copy, made anew for each run, of a machine whose guest
 * was suspended with an "a" in its memory and a mark on its second disk.
 */
#include "description/lodge-description-keys.h"
#include "kill-worker.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "plug-guest.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)

/* --- The worker --- */

static void
work (MachineFixture *f, const char *operation)
{
  LodgeMachine *machine;

  machine_fixture_open_library (f);
  machine = lodge_library_find (f->library, "web", NULL);
  machine_fixture_start (machine);
  test_wait_until (machine->work == NULL);
  kill_worker_arm (machine);
  if (g_str_equal (operation, "add"))
    plug_guest_wait (lodge_library_add_disk (f->library, machine, 64 * MIB, "virtio", NULL));
  else if (g_str_equal (operation, "detach"))
    plug_guest_wait (lodge_library_detach_disk (f->library, machine, "disk1", FALSE));
  else if (g_str_equal (operation, "attach"))
    plug_guest_wait (lodge_library_attach_disk (f->library, machine, "disk1"));
  else
    plug_guest_wait (lodge_library_remove_disk (f->library, machine, "disk1", FALSE));
  kill_worker_disarm (machine);
  machine_fixture_close_library (f);
}

/* --- The next engine --- */

static void
set_up (KillFixture *f, gconstpointer data)
{
  MachineFixture *m = &f->machines;
  const KillTable *table = data;
  LodgeMachine *machine;

  machine_fixture_set_up (m, NULL);
  machine = machine_fixture_create (m, "web", BOOT_SECTOR_RELEASE);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  g_assert_no_error (
      plug_guest_wait (lodge_library_add_disk (m->library, machine, 64 * MIB, "virtio", NULL)));
  plug_guest_ask_disk (machine, "disk1", "write -P 7 1M 64k");
  if (g_str_equal (table->operation, "attach"))
    g_assert_no_error (
        plug_guest_wait (lodge_library_detach_disk (m->library, machine, "disk1", FALSE)));
  g_assert_no_error (plug_guest_wait (lodge_library_suspend (m->library, machine)));
  kill_fixture_keep (f);
}

static void
tear_down (KillFixture *f, gconstpointer data)
{
  machine_fixture_tear_down (&f->machines, NULL);
  kill_fixture_clear (f);
}

static gboolean
has_disk (LodgeMachine *machine, const char *id)
{
  return lodge_section_find_item (LODGE_SECTION_DISK, lodge_machine_get_description (machine),
                                  id) != NULL;
}

static gboolean
is_attached (LodgeMachine *machine, const char *id)
{
  const LodgeDisk *disk =
      lodge_section_find_item (LODGE_SECTION_DISK, lodge_machine_get_description (machine), id);

  return disk->attached;
}

/* What is there by now is whole, and goes on. */
static void
look (KillFixture *f, LodgeMachine *machine, const KillRun *run)
{
  MachineFixture *m = &f->machines;
  const gboolean add = g_str_equal (run->operation, "add");
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  const gboolean live = lodge_machine_get_state (machine) == LODGE_STATE_RUNNING;

  test_wait_until (!lodge_journal_exists (folder));
  machine_fixture_assert_tidy (machine);
  if (!run->killed) {
    g_assert_cmpint (has_disk (machine, "disk2"), ==, add);
    g_assert_cmpint (has_disk (machine, "disk1"), ==, add);
  }
  if (!live) {
    g_assert_cmpint (run->who, !=, KILL_ENGINE);
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
    machine_fixture_start (machine);
  }
  plug_guest_assert_settled (machine);
  if (add || has_disk (machine, "disk1"))
    plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  if (has_disk (machine, "disk2"))
    plug_guest_ask_disk (machine, "disk2", "write -P 8 1M 64k");
  if (!live)
    return;
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  g_assert_no_error (
      plug_guest_wait (lodge_library_take_snapshot (m->library, machine, "one", "")));
  plug_guest_assert_settled (machine);
  machine_fixture_assert_tidy (machine);
}

/* The same of one that is kept whatever happens. */
static void
look_at_kept (KillFixture *f, LodgeMachine *machine, const KillRun *run)
{
  MachineFixture *m = &f->machines;
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  const gboolean live = lodge_machine_get_state (machine) == LODGE_STATE_RUNNING;

  test_wait_until (!lodge_journal_exists (folder));
  machine_fixture_assert_tidy (machine);
  g_assert_true (has_disk (machine, "disk1"));
  if (!run->killed)
    g_assert_cmpint (is_attached (machine, "disk1"), ==, g_str_equal (run->operation, "attach"));
  if (!live) {
    g_assert_cmpint (run->who, !=, KILL_ENGINE);
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
    machine_fixture_start (machine);
  }
  plug_guest_assert_settled (machine);
  if (live) {
    g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
    g_assert_no_error (
        plug_guest_wait (lodge_library_take_snapshot (m->library, machine, "one", "")));
    plug_guest_assert_settled (machine);
  }
  if (!is_attached (machine, "disk1"))
    g_assert_no_error (plug_guest_wait (lodge_library_attach_disk (m->library, machine, "disk1")));
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  plug_guest_assert_settled (machine);
  machine_fixture_assert_tidy (machine);
}

int
main (int argc, char *argv[])
{
  static const KillTable tables[] = {
      {"add", look, 4, 1, FALSE},
      {"remove", look, 4, 1, FALSE},
      {"detach", look_at_kept, 1, 0, TRUE},
      {"attach", look_at_kept, 1, 0, TRUE},
  };
  int status;

  if (kill_worker_main (argc, argv, work, &status))
    return status;
  machine_fixture_init (&argc, &argv);
  kill_fixture_add_tables ("/machine/plug/killed", tables, G_N_ELEMENTS (tables), set_up,
                           tear_down);
  return g_test_run ();
}

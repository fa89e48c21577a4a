/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine, a QEMU, or both that are killed at every step of adding a disk to a guest that runs,
 * and of removing one: it is there with all that is on it, or it is gone wholly, a guest that goes
 * on has what machine.ini says, and the next snapshot works.
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
  LodgeMachine *machine;

  machine_fixture_set_up (m, NULL);
  machine = machine_fixture_create (m, "web", BOOT_SECTOR_RELEASE);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  g_assert_no_error (
      plug_guest_wait (lodge_library_add_disk (m->library, machine, 64 * MIB, "virtio", NULL)));
  plug_guest_ask_disk (machine, "disk1", "write -P 7 1M 64k");
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

/* What is there by now is whole, and goes on. */
static void
look (MachineFixture *m, LodgeMachine *machine, const char *operation, KillVictim who)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  const gboolean live = lodge_machine_get_state (machine) == LODGE_STATE_RUNNING;

  test_wait_until (!lodge_journal_exists (folder));
  machine_fixture_assert_tidy (machine);
  if (!live) {
    g_assert_cmpint (who, !=, KILL_ENGINE);
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
    machine_fixture_start (machine);
  }
  plug_guest_assert_settled (machine);
  if (g_str_equal (operation, "add") || has_disk (machine, "disk1"))
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

static void
test_killed (KillFixture *f, gconstpointer operation)
{
  const guint first = (guint) g_test_rand_int_range (0, KILL_N_VICTIMS);
  MachineFixture *m = &f->machines;
  guint n = 0;

  for (guint step = 1; step < KILL_WORKER_MOST_STEPS; step++) {
    guint n_killed = 0;

    for (guint i = 0; i < test_get_times (); i++) {
      const KillVictim who = (first + step + i) % KILL_N_VICTIMS;
      g_auto (GStrv) steps = NULL;
      LodgeMachine *machine;
      gboolean killed;

      kill_fixture_copy (f);
      killed = kill_fixture_run (f, operation, who, step, &steps);
      machine_fixture_open_library (m);
      machine = lodge_library_find (m->library, "web", NULL);
      n_killed += killed ? 1 : 0;
      g_test_message ("step %u, after “%s”, %s: %s, %u disks", step,
                      killed ? steps[g_strv_length (steps) - 1] : "the end", kill_victims[who],
                      lodge_state_get_name (lodge_machine_get_state (machine)),
                      lodge_machine_get_description (machine)->disks->len);
      look (m, machine, operation, who);
      machine_fixture_request (machine, LODGE_REQUEST_KILL);
      if (killed)
        continue;
      g_assert_cmpint (has_disk (machine, "disk2"), ==, g_str_equal (operation, "add"));
      g_assert_cmpint (has_disk (machine, "disk1"), ==, g_str_equal (operation, "add"));
      break;
    }
    if (n_killed == 0)
      break;
    n++;
  }
  g_test_message ("%s: %u steps", (const char *) operation, n);
  g_assert_cmpuint (n, >, 4);
}

int
main (int argc, char *argv[])
{
  static const char *const operations[] = {"add", "remove"};
  int status;

  if (kill_worker_main (argc, argv, work, &status))
    return status;
  machine_fixture_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++) {
    g_autofree char *path = g_strconcat ("/machine/plug/killed/", operations[i], NULL);

    g_test_add (path, KillFixture, operations[i], set_up, test_killed, tear_down);
  }
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See live-guest.h. */
#include "live-guest.h"

#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "plug-guest.h"

/* The second one is larger than what it boots from. Behind the boot sector there is nothing. */
static const char *const disks[] = {"disk0", "disk1"};
#define PLACE "512k 64k"

LodgeMachine *
live_guest_create (MachineFixture *fixture)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "web", BOOT_SECTOR_MEMORY);

  g_assert_no_error (plug_guest_wait (
      lodge_library_add_disk (fixture->library, machine, LIVE_GUEST_SIZE, "virtio", NULL)));
  machine_fixture_start (machine);
  return machine;
}

void
live_guest_mark (LodgeMachine *machine, char mark)
{
  g_autofree char *command = g_strdup_printf ("write -P %d " PLACE, mark);
  const char text[] = {mark, '\0'};

  memory_guest_tell (machine, text);
  for (guint i = 0; i < G_N_ELEMENTS (disks); i++) {
    plug_guest_ask_disk (machine, disks[i], command);
    plug_guest_ask_disk (machine, disks[i], "flush");
  }
}

void
live_guest_assert_disks (LodgeMachine *machine, char mark)
{
  g_autofree char *command = g_strdup_printf ("read -P %d " PLACE, mark);

  for (guint i = 0; i < G_N_ELEMENTS (disks); i++)
    plug_guest_ask_disk (machine, disks[i], command);
}

void
live_guest_assert (LodgeMachine *machine, char mark)
{
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, mark);
  live_guest_assert_disks (machine, mark);
}

void
live_guest_settle (MachineFixture *fixture, LodgeMachine *machine)
{
  machine_fixture_wait_jobs (fixture);
  test_wait_until (machine->work == NULL && !lodge_machine_can_merge_layers (machine));
  machine_fixture_wait_jobs (fixture);
}

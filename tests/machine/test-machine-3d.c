/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that should have 3D on a computer that cannot: a real QEMU starts in 2D, and why is
 * said. */
#include "machine-fixture.h"

#include "host/lodge-host-graphics.h"
#include "machine/lodge-machine-private.h"
#include "qemu/lodge-machine-command.h"

#include <glib/gstdio.h>
#include <string.h>

static LodgeMachine *
create (MachineFixture *self)
{
  LodgeMachine *machine = machine_fixture_create (self, "web", BOOT_SECTOR_IDLE);

  machine_fixture_set_key (machine, "display.model", "virtio");
  machine_fixture_set_key (machine, "display.3d", "true");
  return machine;
}

/* Takes @folder. */
static void
remove_folder (char *folder)
{
  g_autofree char *node = g_build_filename (folder, "renderD128", NULL);

  lodge_host_graphics_set_folder_for_tests (NULL);
  g_remove (node);
  g_rmdir (folder);
  g_free (folder);
}

/* What a card and a QEMU for it would be asked; this one is for the words of a QEMU without. */
static gboolean
has_3d_qemu (LodgeMachine *machine)
{
  LodgeQemu *qemu = lodge_machine_host_get_qemu (machine->host, NULL);

  return lodge_qemu_has_device (qemu, LODGE_MACHINE_COMMAND_3D_CARD) &&
         lodge_qemu_has_device (qemu, LODGE_MACHINE_COMMAND_3D_CORE);
}

/* It runs, in 2D, and says so; also in its note, where there is nothing more important. */
static void
assert_flat (LodgeMachine *machine, const char *word)
{
  const char *problem = lodge_machine_get_graphics_problem (machine);

  g_assert_cmpstr (lodge_machine_get_state_name (machine), ==, "running");
  g_assert_true (g_str_has_prefix (problem, "Without 3D acceleration: "));
  g_assert_nonnull (strstr (problem, word));
  g_assert_null (machine->render_node);
}

static void
test_none (MachineFixture *self, gconstpointer data)
{
  char *folder = g_dir_make_tmp ("lodge-3d-XXXXXX", NULL);
  LodgeMachine *machine = create (self);
  const char *word;

  lodge_host_graphics_set_folder_for_tests (folder);
  machine_fixture_start (machine);
  word = has_3d_qemu (machine) ? folder : "qemu-system-modules-opengl";
  assert_flat (machine, word);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==,
                   lodge_machine_get_graphics_problem (machine));
  /* The next engine says it, too. */
  machine = machine_fixture_change_engine (self, "web");
  assert_flat (machine, word);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==,
                   lodge_machine_get_graphics_problem (machine));
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpstr (lodge_machine_get_graphics_problem (machine), ==, "");
  machine_fixture_start (machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  /* A card that has none at all. */
  machine_fixture_set_key (machine, "display.model", "vga");
  machine_fixture_start (machine);
  assert_flat (machine, "display.model=virtio");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  /* Whoever does not want it is not told. */
  machine_fixture_set_key (machine, "display.3d", "false");
  machine_fixture_start (machine);
  g_assert_cmpstr (lodge_machine_get_graphics_problem (machine), ==, "");
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  remove_folder (folder);
}

/* A node that can be opened, and that no driver knows: QEMU ends over it, and is started again. */
static void
test_broken (MachineFixture *self, gconstpointer data)
{
  char *folder = g_dir_make_tmp ("lodge-3d-XXXXXX", NULL);
  g_autofree char *node = g_build_filename (folder, "renderD128", NULL);
  LodgeMachine *machine = create (self);

  g_assert_true (g_file_set_contents (node, "", 0, NULL));
  lodge_host_graphics_set_folder_for_tests (folder);
  machine_fixture_start (machine);
  if (!has_3d_qemu (machine)) {
    g_test_skip ("this QEMU has no 3D: install qemu-system-modules-opengl, or qemu-system-gui");
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
    remove_folder (folder);
    return;
  }
  assert_flat (machine, node);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_false (machine_fixture_has_runtime (machine));
  machine_fixture_assert_tidy (machine);

  /* What the first try has made for a run of which nothing is kept is gone before the second. */
  machine_fixture_start_disposable (machine);
  assert_flat (machine, node);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  machine_fixture_assert_tidy (machine);

  /* What is not the driver's fault is no reason to speak of it. */
  machine_fixture_set_key (machine, "machine.cpu-model", "no-such-cpu");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  lodge_machine_start_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (machine, result, &error));
  g_assert_nonnull (strstr (error->message, "no-such-cpu"));
  g_assert_null (strstr (lodge_machine_get_note (machine), "3D"));
  remove_folder (folder);
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("3d-none", test_none);
  MACHINE_FIXTURE_ADD ("3d-broken", test_broken);
  return g_test_run ();
}

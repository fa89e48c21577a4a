/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that should have 3D on a computer that cannot: a real QEMU starts in 2D, and why is
 * said. */
#include "machine-fixture.h"

#include "host/lodge-host-graphics.h"
#include "lodge-config.h"
#include "machine/lodge-machine-private.h"
#include "qemu/lodge-machine-command.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

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
forget_folder (char *folder)
{
  lodge_host_graphics_set_folder_for_tests (NULL);
  g_free (folder);
}

/* That can be opened, and that no driver knows. Transfer full. */
static char *
make_node (const char *folder, const char *name)
{
  char *node = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (node, "", 0, NULL));
  return node;
}

/* What a card and a QEMU for it would be asked; this one is for the words of a QEMU without. */
static gboolean
has_3d_qemu (LodgeMachine *machine)
{
  LodgeQemu *qemu = lodge_machine_host_get_qemu (machine->host, NULL);

  return lodge_qemu_has_device (qemu, LODGE_MACHINE_COMMAND_3D_CARD) &&
         lodge_qemu_has_device (qemu, LODGE_MACHINE_COMMAND_3D_CORE);
}

/* FALSE: this QEMU cannot. */
static gboolean
needs_3d_qemu (LodgeMachine *machine)
{
  if (has_3d_qemu (machine))
    return TRUE;
  g_test_skip ("this QEMU has no 3D: install qemu-system-modules-opengl, or qemu-system-gui");
  return FALSE;
}

/* FALSE: this QEMU cannot, and the test ends; @folder is taken then. */
static gboolean
start_in_3d (LodgeMachine *machine, char *folder)
{
  machine_fixture_start (machine);
  if (needs_3d_qemu (machine))
    return TRUE;
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  forget_folder (folder);
  return FALSE;
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

/* Where no window could show it the guest is not started with it. */
static void
test_not_shown (MachineFixture *self, gconstpointer data)
{
  char *folder = machine_fixture_make_folder (self, "dri");
  g_autofree char *node = make_node (folder, "renderD128");
  LodgeMachine *machine = create (self);

  lodge_host_graphics_set_folder_for_tests (folder);
  lodge_host_graphics_is_shown = FALSE;
  machine_fixture_start (machine);
  assert_flat (machine, "GTK " LODGE_GTK_VERSION);
  /* Not even tried. */
  g_assert_null (strstr (lodge_machine_get_graphics_problem (machine), node));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==,
                   lodge_machine_get_graphics_problem (machine));
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  lodge_host_graphics_is_shown = TRUE;
  forget_folder (folder);
}

static void
test_none (MachineFixture *self, gconstpointer data)
{
  char *folder = machine_fixture_make_folder (self, "dri");
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
  forget_folder (folder);
}

/* QEMU ends over a node that no driver knows, and is started again. */
static void
test_broken (MachineFixture *self, gconstpointer data)
{
  char *folder = machine_fixture_make_folder (self, "dri");
  g_autofree char *node = make_node (folder, "renderD128");
  LodgeMachine *machine = create (self);

  lodge_host_graphics_set_folder_for_tests (folder);
  if (!start_in_3d (machine, folder))
    return;
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
  forget_folder (folder);
}

/* Where there are several, each is tried, or the one that was chosen. */
static void
test_several (MachineFixture *self, gconstpointer data)
{
  char *folder = machine_fixture_make_folder (self, "dri");
  g_autofree char *first = make_node (folder, "renderD128");
  g_autofree char *second = make_node (folder, "renderD129");
  g_autofree char *other = make_node (folder, "card0");
  g_autofree char *link = g_build_filename (folder, "pci-0000:01:00.0-render", NULL);
  LodgeMachine *machine = create (self);

  lodge_host_graphics_set_folder_for_tests (folder);
  if (!start_in_3d (machine, folder))
    return;
  assert_flat (machine, first);
  assert_flat (machine, second);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  /* By a name that stays with it. */
  g_assert_cmpint (symlink ("renderD129", link), ==, 0);
  machine_fixture_set_key (machine, "display.render-node", link);
  machine_fixture_start (machine);
  assert_flat (machine, second);
  g_assert_null (strstr (lodge_machine_get_graphics_problem (machine), first));
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  /* Nothing else is put into QEMU's walls, whoever wrote the description. */
  machine_fixture_set_key (machine, "display.render-node", other);
  machine_fixture_start (machine);
  assert_flat (machine, "display.render-node");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  machine_fixture_assert_tidy (machine);
  forget_folder (folder);
}

/* A QEMU that does this where it should draw; the folder has a node for it. */
static LodgeMachine *
create_with_qemu (MachineFixture *self, char *folder, const char *what)
{
  g_autofree char *script = g_build_filename (folder, "qemu", NULL);
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\ncase \"$*\" in *rendernode=*) %s ;; esac\n"
                                           "exec qemu-system-x86_64 \"$@\"\n",
                                           what);

  g_assert_true (g_file_set_contents_full (script, text, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
  g_setenv ("LODGE_QEMU", script, TRUE);
  machine_fixture_close_library (self);
  machine_fixture_open_library (self);
  lodge_host_graphics_set_folder_for_tests (folder);
  return create (self);
}

/* Takes @folder. */
static void
forget_qemu (LodgeMachine *machine, char *folder)
{
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  machine_fixture_assert_tidy (machine);
  g_unsetenv ("LODGE_QEMU");
  forget_folder (folder);
}

/* A driver that does not come back from its start. */
static void
test_hangs (MachineFixture *self, gconstpointer data)
{
  char *folder = machine_fixture_make_folder (self, "dri");
  g_autofree char *first = make_node (folder, "renderD128");
  g_autofree char *second = make_node (folder, "renderD129");
  const guint usual_ms = lodge_machine_3d_limit_ms;
  LodgeMachine *machine = create_with_qemu (self, folder, "exec sleep 1000");

  lodge_machine_3d_limit_ms = 500;
  machine_fixture_start (machine);
  if (needs_3d_qemu (machine)) {
    assert_flat (machine, first);
    /* Whoever waits does not wait as long for each. */
    g_assert_null (strstr (lodge_machine_get_graphics_problem (machine), second));
  }
  lodge_machine_3d_limit_ms = usual_ms;
  forget_qemu (machine, folder);
}

/* What QEMU says of a computer without the library is no help to anybody. */
static void
test_no_opengl (MachineFixture *self, gconstpointer data)
{
  char *folder = machine_fixture_make_folder (self, "dri");
  g_autofree char *node = make_node (folder, "renderD128");
  LodgeMachine *machine = create_with_qemu (
      self, folder, "echo \"Couldn't open libGL.so.1 or libOpenGL.so.0\" >&2; exit 1");

  machine_fixture_start (machine);
  if (needs_3d_qemu (machine)) {
    assert_flat (machine, node);
    g_assert_nonnull (strstr (lodge_machine_get_graphics_problem (machine), "package libopengl0"));
  }
  forget_qemu (machine, folder);
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);
  /* What this build can show is another matter. */
  lodge_host_graphics_is_shown = TRUE;
  MACHINE_FIXTURE_ADD ("3d-not-shown", test_not_shown);
  MACHINE_FIXTURE_ADD ("3d-none", test_none);
  MACHINE_FIXTURE_ADD ("3d-broken", test_broken);
  MACHINE_FIXTURE_ADD ("3d-several", test_several);
  MACHINE_FIXTURE_ADD ("3d-hangs", test_hangs);
  MACHINE_FIXTURE_ADD ("3d-no-opengl", test_no_opengl);
  return g_test_run ();
}

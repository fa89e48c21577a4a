/* SPDX-License-Identifier: GPL-3.0-or-later */
/* USB sticks made of images: a real QEMU, whose guest has them or has not. */
#include "description/lodge-description-keys.h"
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "plug-guest.h"
#include "qemu/lodge-qemu-plug.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

static const LodgeDescription *
now (LodgeMachine *machine)
{
  return lodge_machine_get_description (machine);
}

/* An image with one byte all over. Transfer full. */
static char *
make_image (MachineFixture *f, const char *name, char what)
{
  g_autofree char *contents = g_malloc (1 << 20);
  char *path = g_build_filename (f->folder, name, NULL);

  memset (contents, what, 1 << 20);
  g_assert_true (g_file_set_contents (path, contents, 1 << 20, NULL));
  return path;
}

static const GError *
plug (MachineFixture *f, LodgeMachine *machine, const char *path)
{
  return plug_guest_wait (lodge_library_plug_stick (f->library, machine, path));
}

static const GError *
unplug (MachineFixture *f, LodgeMachine *machine, const char *id)
{
  return plug_guest_wait (lodge_library_unplug_stick (f->library, machine, id));
}

/* What QEMU has is what machine.ini says. */
static void
assert_settled (LodgeMachine *machine)
{
  for (guint i = 0; i < 4; i++) {
    g_autofree char *id = g_strdup_printf ("usb%u", i);
    g_autofree char *file = g_strconcat (id, "-file", NULL);
    const gboolean there = lodge_description_get_stick (now (machine), id) != NULL;

    g_assert_cmpint (plug_guest_has_device (machine, id), ==, there);
    g_assert_cmpint (plug_guest_has_node (machine, id), ==, there);
    g_assert_cmpint (plug_guest_has_node (machine, file), ==, there);
  }
}

/* Off, at its start, while it runs, with a snapshot of its memory, and for the next engine. */
static void
test_life (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_RELEASE);
  g_autofree char *one = make_image (f, "one, \"a\".img", 'a');
  g_autofree char *two = make_image (f, "two.img", 'b');
  guint n_fds;

  g_assert_no_error (plug (f, machine, one));
  g_assert_cmpuint (now (machine)->sticks->len, ==, 1);
  machine_fixture_start (machine);
  assert_settled (machine);
  n_fds = plug_guest_count_fds (machine);
  memory_guest_tell (machine, "a");
  g_assert_no_error (plug (f, machine, two));
  assert_settled (machine);
  plug_guest_ask_node (machine, "usb1", "read -P 98 0 1M");
  machine_fixture_assert_tidy (machine);
  g_assert_no_error (
      plug_guest_wait (lodge_library_take_snapshot (f->library, machine, "both", "")));

  machine = machine_fixture_change_engine (f, "web");
  assert_settled (machine);
  g_assert_no_error (unplug (f, machine, "usb0"));
  g_assert_no_error (unplug (f, machine, "usb1"));
  assert_settled (machine);
  g_assert_cmpuint (plug_guest_count_fds (machine), ==, n_fds + 1); /* the disk's new top */
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  /* The memory comes back to what it knew. */
  g_assert_no_error (
      plug_guest_wait (lodge_library_go_back (f->library, machine, "both", TRUE, NULL)));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  g_assert_cmpuint (now (machine)->sticks->len, ==, 2);
  assert_settled (machine);
  plug_guest_ask_node (machine, "usb1", "read -P 98 0 1M");
}

/* One that machine.ini names and QEMU has not, because whoever was at it has ended. */
static void
plugged_out_cb (GObject *source, GAsyncResult *result, gpointer done)
{
  g_assert_true (lodge_qemu_plug_finish (LODGE_QMP (source), result, NULL));
  *(gboolean *) done = TRUE;
}

static void
test_next_engine (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_RELEASE);
  g_autofree char *one = make_image (f, "one.img", 'a');
  gboolean done = FALSE;

  machine_fixture_start (machine);
  g_assert_no_error (plug (f, machine, one));
  lodge_qemu_plug_out_async (machine->qmp,
                             lodge_qemu_plug_new_stick (now (machine)->sticks->pdata[0], -1), NULL,
                             plugged_out_cb, &done);
  test_wait_until (done);
  g_assert_false (plug_guest_has_device (machine, "usb0"));
  machine = machine_fixture_change_engine (f, "web");
  test_wait_polled (plug_guest_has_device (machine, "usb0"));
  assert_settled (machine);
}

/* What QEMU was given and does not take it does not keep. */
static void
test_not_taken (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_RELEASE);
  const LodgeStick stick = {
      .id = (char *) "usb0", .port = LODGE_DESCRIPTION_FIRST_STICK_PORT, .file = f->folder};
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint n_fds;

  machine_fixture_start (machine);
  n_fds = plug_guest_count_fds (machine);
  lodge_qemu_plug_in_async (
      machine->qmp,
      lodge_qemu_plug_new_stick (&stick, open (f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_qemu_plug_finish (machine->qmp, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_cmpuint (plug_guest_count_fds (machine), ==, n_fds);
  assert_settled (machine);
}

static void
assert_refused (const GError *error, int code, const char *word)
{
  g_assert_error (error, LODGE_ERROR, code);
  if (strstr (error->message, word) == NULL)
    g_error ("%s", error->message);
}

/* Each with what to do, and nothing of it stays. */
static void
test_refusals (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_RELEASE);
  g_autofree char *image = make_image (f, "one.img", 'a');
  g_autofree char *qcow2 = make_image (f, "two.qcow2", 'a');
  char head[512] = {0};
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  memcpy (head, "QFI\xfb\0\0\0\3", 8);
  g_assert_true (g_file_set_contents (qcow2, head, sizeof head, NULL));
  machine_fixture_start (machine);
  assert_refused (plug (f, machine, "one.img"), LODGE_ERROR_INVALID, "whole path");
  assert_refused (plug (f, machine, "/nowhere/one.img"), LODGE_ERROR_NOT_FOUND, "/nowhere");
  assert_refused (plug (f, machine, "/dev/zero"), LODGE_ERROR_INVALID, "/dev/zero");
  g_assert_nonnull (plug (f, machine, qcow2));
  assert_refused (unplug (f, machine, "usb0"), LODGE_ERROR_NOT_FOUND, "usb0");
  assert_refused (unplug (f, machine, "disk0"), LODGE_ERROR_NOT_FOUND, "disk0");
  for (guint i = 0; i < 4; i++)
    g_assert_no_error (plug (f, machine, image));
  assert_refused (plug (f, machine, image), LODGE_ERROR_INVALID, "unplug");
  assert_settled (machine);

  /* One whose image has gone cannot be there at the next start. */
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (g_unlink (image), ==, 0);
  lodge_machine_start_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (machine, result, &error));
  assert_refused (error, LODGE_ERROR_NOT_FOUND, "unplug");
  for (guint i = 0; i < 4; i++) {
    g_autofree char *id = g_strdup_printf ("usb%u", i);

    g_assert_no_error (unplug (f, machine, id));
  }
  machine_fixture_start (machine);
  assert_settled (machine);
}

/* Memory is of a machine with a stick whose image has gone: what can be done is said, and helps. */
static void
test_gone (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_RELEASE);
  g_autofree char *image = make_image (f, "one.img", 'a');
  const GError *refused;

  g_assert_no_error (plug (f, machine, image));
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  g_assert_no_error (
      plug_guest_wait (lodge_library_take_snapshot (f->library, machine, "one", "")));
  g_assert_no_error (plug_guest_wait (lodge_library_suspend (f->library, machine)));
  g_assert_cmpint (g_unlink (image), ==, 0);

  /* It can be put back, or what was saved can be given up. */
  refused = plug_guest_wait (lodge_library_resume (f->library, machine));
  assert_refused (refused, LODGE_ERROR_NOT_FOUND, image);
  assert_refused (refused, LODGE_ERROR_NOT_FOUND, "Put it back");
  /* Which is not done with a stick of one that is suspended. */
  g_assert_null (strstr (refused->message, "unplug"));
  assert_refused (refused, LODGE_ERROR_NOT_FOUND, "--discard-suspended");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  g_assert_no_error (plug_guest_wait (lodge_library_discard_suspended (f->library, machine)));
  g_assert_no_error (unplug (f, machine, "usb0"));
  machine_fixture_start (machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  refused = plug_guest_wait (lodge_library_go_back (f->library, machine, "one", FALSE, NULL));
  assert_refused (refused, LODGE_ERROR_NOT_FOUND, image);
  assert_refused (refused, LODGE_ERROR_NOT_FOUND, "as it was before");
  assert_refused (refused, LODGE_ERROR_NOT_FOUND, "--without-memory");
  g_assert_cmpuint (now (machine)->sticks->len, ==, 0);
  g_assert_no_error (
      plug_guest_wait (lodge_library_go_back_off (f->library, machine, "one", TRUE, NULL)));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpuint (now (machine)->snapshots->len, ==, 2);
  g_assert_no_error (unplug (f, machine, "usb0"));
  machine_fixture_start (machine);
  /* Also from a guest that runs, and without what it is now. */
  g_assert_no_error (
      plug_guest_wait (lodge_library_go_back_off (f->library, machine, "one", FALSE, NULL)));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpuint (now (machine)->snapshots->len, ==, 2);
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("sticks/life", test_life);
  MACHINE_FIXTURE_ADD ("sticks/next-engine", test_next_engine);
  MACHINE_FIXTURE_ADD ("sticks/not-taken", test_not_taken);
  MACHINE_FIXTURE_ADD ("sticks/refusals", test_refusals);
  MACHINE_FIXTURE_ADD ("sticks/gone", test_gone);
  return g_test_run ();
}

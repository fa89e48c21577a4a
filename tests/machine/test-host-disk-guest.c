/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk of this computer that a guest has as a whole: a loop device, and a real QEMU. Skipped
 * where there can be none, which is for root alone. */
#include "description/lodge-description-keys.h"
#include "host/lodge-host-disk.h"
#include "host/lodge-host-root.h"
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-disks.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "plug-guest.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MIB (G_GUINT64_CONSTANT (1) << 20)

typedef struct {
  MachineFixture machines;
  char *devices[2]; /* "/dev/loop7" */
  char *link;       /* what the machine is given: a name that stays with one of them */
} Fixture;

/* NULL where there is none. */
static char *
add_loop (Fixture *f, guint n)
{
  g_autofree char *file = g_strdup_printf ("%s/loop%u.img", f->machines.folder, n);
  const char *const argv[] = {"losetup", "-f", "--show", file, NULL};
  char *device = NULL;
  int status = 1;
  int fd = open (file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  g_assert_no_errno (fd);
  g_assert_no_errno (ftruncate (fd, 64 * MIB));
  close (fd);
  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL,
                     NULL, NULL, &device, NULL, &status, NULL) ||
      status != 0)
    g_clear_pointer (&device, g_free);
  return device != NULL ? g_strchomp (device) : NULL;
}

static void
set_link (Fixture *f, guint n)
{
  g_unlink (f->link);
  g_assert_no_errno (symlink (f->devices[n], f->link));
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *name = NULL;

  machine_fixture_set_up (&f->machines, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (f->devices) && geteuid () == 0; i++)
    f->devices[i] = add_loop (f, i);
  if (f->devices[1] == NULL)
    return;
  g_assert_no_errno (g_mkdir_with_parents ("/dev/disk/by-id", 0755));
  name = g_strdup_printf ("lodge-test-%d", (int) getpid ());
  f->link = g_build_filename ("/dev/disk/by-id", name, NULL);
  set_link (f, 0);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  machine_fixture_tear_down (&f->machines, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (f->devices); i++) {
    const char *const argv[] = {"losetup", "-d", f->devices[i], NULL};

    if (f->devices[i] != NULL)
      g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                    NULL);
    g_free (f->devices[i]);
  }
  if (f->link != NULL)
    g_unlink (f->link);
  g_free (f->link);
}

static gboolean
is_there (Fixture *f)
{
  if (f->link == NULL)
    g_test_skip ("there can be no loop device here");
  return f->link != NULL;
}

static const GError *
add (Fixture *f, LodgeMachine *machine, gboolean accepted)
{
  return plug_guest_wait (
      lodge_library_add_host_disk (f->machines.library, machine, f->link, "virtio", accepted));
}

static void
assert_told (const GError *error, int code, const char *word)
{
  g_assert_error (error, LODGE_ERROR, code);
  if (strstr (error->message, word) == NULL)
    g_error ("%s", error->message);
}

/* As whoever mounts it does. */
static gboolean
can_claim (Fixture *f)
{
  int fd = open (f->devices[0], O_RDWR | O_EXCL | O_CLOEXEC);

  if (fd >= 0)
    close (fd);
  else
    g_assert_cmpint (errno, ==, EBUSY);
  return fd >= 0;
}

static guint8
read_byte (Fixture *f, off_t at)
{
  int fd = open (f->devices[0], O_RDONLY | O_CLOEXEC);
  guint8 byte = 0;

  g_assert_no_errno (fd);
  g_assert_cmpint (pread (fd, &byte, 1, at), ==, 1);
  close (fd);
  return byte;
}

static void
start_fails (LodgeMachine *machine, int code, const char *word)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_start_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (machine, result, &error));
  assert_told (error, code, word);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
}

static void
take_snapshot_fails (Fixture *f, LodgeMachine *machine)
{
  assert_told (
      plug_guest_wait (lodge_library_take_snapshot (f->machines.library, machine, "one", "")),
      LODGE_ERROR_STATE, "disk of this computer");
}

/* Who is told to have it, where the disks of this computer are listed; "" where nobody is. */
static void
assert_listed (Fixture *f, const char *obstacle)
{
  g_autoptr (GHashTable) held = lodge_library_list_held_disks (f->machines.library);
  g_autoptr (GPtrArray) rows = lodge_host_disk_list (held);
  gboolean found = FALSE;

  for (guint i = 0; i < rows->len; i += 3) {
    if (!g_str_equal (rows->pdata[i], f->link))
      continue;
    g_assert_true (obstacle[0] != '\0' ? strstr (rows->pdata[i + 2], obstacle) != NULL
                                       : *(char *) rows->pdata[i + 2] == '\0');
    found = TRUE;
  }
  g_assert_true (found);
}

static GThread *opened_by;

static void
step_cb (const char *step)
{
  if (g_str_equal (step, "disks-opened"))
    opened_by = g_thread_self ();
}

/* The guest alone has it while it runs, and it is as it left it. */
static void
test_whole (Fixture *f, gconstpointer unused)
{
  g_autoptr (GVariant) linked = g_variant_ref_sink (g_variant_new_parsed ("{'linked': <true>}"));
  LodgeLibrary *library = f->machines.library;
  g_autoptr (GAsyncResult) result = NULL;
  LodgeMachine *machine, *other;

  if (!is_there (f))
    return;
  machine = machine_fixture_create (&f->machines, "web", BOOT_SECTOR_RELEASE);
  other = machine_fixture_create (&f->machines, "other", BOOT_SECTOR_RELEASE);
  assert_told (add (f, machine, FALSE), LODGE_ERROR_DENIED, "has to be confirmed");
  g_assert_cmpuint (lodge_machine_get_description (machine)->disks->len, ==, 1);
  g_assert_no_error (add (f, machine, TRUE));
  g_assert_no_error (add (f, other, TRUE));
  g_assert_true (can_claim (f));
  assert_listed (f, "");

  /* A disk that sleeps keeps nobody else waiting. */
  lodge_journal_step_hook = step_cb;
  machine_fixture_start (machine);
  lodge_journal_step_hook = NULL;
  g_assert_true (opened_by != NULL && opened_by != g_thread_self ());
  g_assert_false (can_claim (f));
  assert_listed (f, "“web”");
  plug_guest_ask_disk (machine, "disk1", "write -P 7 1M 64k");
  plug_guest_ask_disk (machine, "disk1", "flush");
  start_fails (other, LODGE_ERROR_BUSY, "another machine does");
  take_snapshot_fails (f, machine);
  assert_told (plug_guest_wait (lodge_library_suspend (library, machine)), LODGE_ERROR_STATE,
               "disk of this computer");
  assert_told (
      plug_guest_wait (lodge_library_clone_machine (library, machine, "twin", linked, NULL)),
      LODGE_ERROR_STATE, "disk of this computer");
  assert_told (plug_guest_wait (lodge_library_grow_disk (library, machine, "disk1", 128 * MIB)),
               LODGE_ERROR_STATE, "no image of it");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_true (can_claim (f));
  assert_listed (f, "");
  g_assert_cmpuint (read_byte (f, MIB), ==, 7);
  take_snapshot_fails (f, machine);

  /* What is not kept is not written there either. */
  lodge_machine_start_disposable_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_true (lodge_machine_start_finish (machine, result, NULL));
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  plug_guest_ask_disk (machine, "disk1", "write -P 9 1M 64k");
  plug_guest_ask_disk (machine, "disk1", "flush");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  g_assert_cmpuint (read_byte (f, MIB), ==, 7);

  /* Gone from the machine it is as it was. */
  g_assert_no_error (
      plug_guest_wait (lodge_library_remove_disk (library, machine, "disk1", FALSE)));
  g_assert_cmpuint (read_byte (f, MIB), ==, 7);
  g_assert_no_error (plug_guest_wait (lodge_library_take_snapshot (library, machine, "one", "")));
}

/* Another one under the same name, or none, or one that is used. */
static void
test_another (Fixture *f, gconstpointer unused)
{
  LodgeMachine *machine;
  int fd;

  if (!is_there (f))
    return;
  machine = machine_fixture_create (&f->machines, "web", BOOT_SECTOR_RELEASE);
  g_assert_no_error (add (f, machine, TRUE));
  set_link (f, 1);
  start_fails (machine, LODGE_ERROR_STATE, "is another disk");
  g_unlink (f->link);
  start_fails (machine, LODGE_ERROR_NOT_FOUND, "plugged in");
  set_link (f, 0);
  fd = open (f->devices[0], O_RDWR | O_EXCL | O_CLOEXEC);
  g_assert_no_errno (fd);
  start_fails (machine, LODGE_ERROR_BUSY, "uses");
  close (fd);
  machine_fixture_start (machine);
}

/* A computer on which the first device is a card reader. Transfer full: its root. */
static char *
make_reader (Fixture *f)
{
  char *root = g_build_filename (f->machines.folder, "root", NULL);
  g_autofree char *name = g_path_get_basename (f->devices[0]);
  g_autofree char *sysfs = g_build_filename (root, "sys/class/block", name, NULL);
  static const char *const facts[][2] = {{"serial", "R1"}, {"removable", "1"}, {"diskseq", "7"}};

  g_assert_no_errno (g_mkdir_with_parents (sysfs, 0700));
  for (guint i = 0; i < G_N_ELEMENTS (facts); i++) {
    g_autofree char *path = g_build_filename (sysfs, facts[i][0], NULL);

    g_assert_true (g_file_set_contents (path, facts[i][1], -1, NULL));
  }
  return root;
}

/* A machine that has what is in it. */
static LodgeMachine *
create_with_card (Fixture *f, const char *root)
{
  LodgeMachine *machine = machine_fixture_create (&f->machines, "web", BOOT_SECTOR_RELEASE);

  /* What else there is of this computer is known by now. */
  machine_fixture_start (machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  lodge_host_root_set_for_tests (root);
  g_assert_no_error (add (f, machine, TRUE));
  return machine;
}

static void
change_card (Fixture *f, const char *root)
{
  g_autofree char *name = g_path_get_basename (f->devices[0]);
  g_autofree char *path = g_build_filename (root, "sys/class/block", name, "diskseq", NULL);

  g_assert_true (g_file_set_contents (path, "8", -1, NULL));
}

static const char *
get_identity (LodgeMachine *machine)
{
  return lodge_description_find_host_disk (lodge_machine_get_description (machine))->host_disk;
}

/* What is in a card reader is told from another card, also when the guest has formatted it. */
static void
test_card (Fixture *f, gconstpointer unused)
{
  g_autofree char *root = NULL;
  LodgeMachine *machine;
  int fd;

  if (!is_there (f))
    return;
  root = make_reader (f);
  machine = create_with_card (f, root);
  g_assert_cmpstr (get_identity (machine), ==, "R1#blank");
  machine_fixture_start (machine);
  plug_guest_ask_disk (machine, "disk1", "write -P 0x29 0 512");
  plug_guest_ask_disk (machine, "disk1", "flush");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  /* At once, before anybody can start it again. */
  g_assert_cmpstr (get_identity (machine), ==, "R1#fat=29292929,fat32=29292929");
  machine_fixture_start (machine);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  fd = open (f->devices[0], O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (pwrite (fd, "\1", 1, 39), ==, 1);
  g_assert_no_errno (fsync (fd));
  close (fd);
  start_fails (machine, LODGE_ERROR_STATE, "another medium");
  g_assert_no_error (
      plug_guest_wait (lodge_library_remove_disk (f->machines.library, machine, "disk1", FALSE)));
  g_assert_no_error (add (f, machine, TRUE));

  /* Another card while it runs: the machine was not given that. */
  machine_fixture_start (machine);
  plug_guest_ask_disk (machine, "disk1", "write -P 0x29 0 512");
  plug_guest_ask_disk (machine, "disk1", "flush");
  change_card (f, root);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  start_fails (machine, LODGE_ERROR_STATE, "another medium");
  lodge_host_root_set_for_tests (NULL);
}

/* The guest formats its card, with which the machine was started by an engine that is gone since.
 * @live: another one finds the guest still there; else its end, too. @changed: the card */
static void
test_engine_gone (Fixture *f, gboolean live, gboolean changed)
{
  g_autofree char *root = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *record = NULL;
  LodgeMachine *machine;
  GPid pid;

  if (!is_there (f))
    return;
  root = make_reader (f);
  machine = create_with_card (f, root);
  folder = lodge_machine_dup_folder (machine);
  record = g_build_filename (folder, "media", NULL);
  g_assert_false (g_file_test (record, G_FILE_TEST_EXISTS));
  machine_fixture_start (machine);
  g_assert_true (g_file_test (record, G_FILE_TEST_EXISTS));
  plug_guest_ask_disk (machine, "disk1", "write -P 0x29 0 512");
  plug_guest_ask_disk (machine, "disk1", "flush");
  pid = machine_fixture_find_qemu (machine);
  if (live)
    machine = machine_fixture_change_engine (&f->machines, "web");
  else
    machine_fixture_close_library (&f->machines);
  if (changed)
    change_card (f, root);
  g_assert_no_errno (kill (pid, SIGKILL));
  if (!live) {
    machine_fixture_open_library (&f->machines);
    machine = lodge_library_find (f->machines.library, "web", NULL);
  }
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  g_assert_cmpstr (get_identity (machine), ==,
                   changed ? "R1#blank" : "R1#fat=29292929,fat32=29292929");
  g_assert_false (g_file_test (record, G_FILE_TEST_EXISTS));
  if (changed)
    start_fails (machine, LODGE_ERROR_STATE, "another medium");
  else
    machine_fixture_start (machine);
  lodge_host_root_set_for_tests (NULL);
}

static void
test_card_engine (Fixture *f, gconstpointer unused)
{
  test_engine_gone (f, TRUE, FALSE);
}

static void
test_card_crash (Fixture *f, gconstpointer unused)
{
  test_engine_gone (f, FALSE, FALSE);
}

static void
test_card_changed (Fixture *f, gconstpointer unused)
{
  test_engine_gone (f, FALSE, TRUE);
}

/* While the guest runs, too. */
static void
test_plugged (Fixture *f, gconstpointer unused)
{
  LodgeMachine *machine;

  if (!is_there (f))
    return;
  machine = machine_fixture_create (&f->machines, "web", BOOT_SECTOR_RELEASE);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  g_assert_no_error (add (f, machine, TRUE));
  plug_guest_assert_settled (machine);
  g_assert_false (can_claim (f));
  plug_guest_ask_disk (machine, "disk1", "write -P 7 1M 64k");
  machine = machine_fixture_change_engine (&f->machines, "web");
  plug_guest_assert_settled (machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  g_assert_no_error (
      plug_guest_wait (lodge_library_remove_disk (f->machines.library, machine, "disk1", FALSE)));
  plug_guest_assert_settled (machine);
  g_assert_true (can_claim (f));
  g_assert_cmpuint (read_byte (f, MIB), ==, 7);
}

/* The guest lets go of it unasked, and gets it again: from QEMU, which alone has it. */
static void
test_again (Fixture *f, gconstpointer unused)
{
  LodgeMachine *machine;

  if (!is_there (f))
    return;
  machine = machine_fixture_create (&f->machines, "web", BOOT_SECTOR_RELEASE);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  g_assert_no_error (add (f, machine, TRUE));
  lodge_qmp_execute_async (machine->qmp, "device_del", lodge_qmp_arguments ("id", "disk1", NULL), 0,
                           NULL, NULL, NULL);
  test_wait_until (strstr (lodge_machine_get_note (machine), "has let go of a disk") != NULL &&
                   machine->work == NULL);
  plug_guest_assert_settled (machine);
  plug_guest_ask_disk (machine, "disk1", "write -P 7 1M 64k");
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  g_test_add ("/machine/host-disk/whole", Fixture, NULL, set_up, test_whole, tear_down);
  g_test_add ("/machine/host-disk/another", Fixture, NULL, set_up, test_another, tear_down);
  g_test_add ("/machine/host-disk/card", Fixture, NULL, set_up, test_card, tear_down);
  g_test_add ("/machine/host-disk/card-engine", Fixture, NULL, set_up, test_card_engine, tear_down);
  g_test_add ("/machine/host-disk/card-crash", Fixture, NULL, set_up, test_card_crash, tear_down);
  g_test_add ("/machine/host-disk/card-changed", Fixture, NULL, set_up, test_card_changed,
              tear_down);
  g_test_add ("/machine/host-disk/plugged", Fixture, NULL, set_up, test_plugged, tear_down);
  g_test_add ("/machine/host-disk/again", Fixture, NULL, set_up, test_again, tear_down);
  return g_test_run ();
}

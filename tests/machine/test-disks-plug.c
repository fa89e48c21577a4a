/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks that are added and removed while the guest runs: a real QEMU, and guests that let go of a
 * disk when they are asked, or do not. */
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-disks.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "plug-guest.h"
#include "qemu/lodge-qemu-plug.h"

#include <glib/gstdio.h>
#include <string.h>

#define MIB (G_GUINT64_CONSTANT (1) << 20)

static const LodgeDescription *
now (LodgeMachine *machine)
{
  return lodge_machine_get_description (machine);
}

static const GError *
add (MachineFixture *f, LodgeMachine *machine, const char *bus)
{
  return plug_guest_wait (lodge_library_add_disk (f->library, machine, 64 * MIB, bus, NULL));
}

static const GError *
take_out (MachineFixture *f, LodgeMachine *machine, const char *disk)
{
  return plug_guest_wait (lodge_library_remove_disk (f->library, machine, disk, FALSE));
}

static void
take_snapshot (MachineFixture *f, LodgeMachine *machine, const char *name)
{
  g_assert_no_error (plug_guest_wait (lodge_library_take_snapshot (f->library, machine, name, "")));
}

static LodgeMachine *
start (MachineFixture *f, BootSector what)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", what);

  machine_fixture_start (machine);
  return machine;
}

/* One that is there is like any other, and gone is gone. */
static void
test_life (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);
  guint n_fds = plug_guest_count_fds (machine);

  memory_guest_tell (machine, "a");
  g_assert_no_error (add (f, machine, "virtio"));
  plug_guest_assert_settled (machine);
  machine_fixture_assert_tidy (machine);
  plug_guest_ask_disk (machine, "disk1", "write -P 7 1M 64k");

  take_snapshot (f, machine, "one");
  plug_guest_assert_settled (machine);
  plug_guest_ask_disk (machine, "disk1", "write -P 8 1M 64k");
  g_assert_no_error (
      plug_guest_wait (lodge_library_grow_disk (f->library, machine, "disk1", 96 * MIB)));
  /* Another, and the first of them goes; its port and its names are free again. */
  g_assert_no_error (add (f, machine, "virtio"));
  plug_guest_assert_settled (machine);
  g_assert_no_error (take_out (f, machine, "disk1"));
  plug_guest_assert_settled (machine);
  machine_fixture_assert_tidy (machine);
  g_assert_no_error (take_out (f, machine, "disk2"));
  plug_guest_assert_settled (machine);
  /* Of the disks that it was started with one has a new top. */
  test_wait_polled (plug_guest_count_fds (machine) == n_fds + 1);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  g_assert_no_error (add (f, machine, "virtio"));
  plug_guest_assert_settled (machine);
  take_snapshot (f, machine, "two");

  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  memory_guest_tell ((machine_fixture_start (machine), machine), "b");
  g_assert_cmpuint (now (machine)->disks->len, ==, 2);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_no_error (
      plug_guest_wait (lodge_library_go_back (f->library, machine, "one", TRUE, NULL)));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  plug_guest_assert_settled (machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  /* Whether it came with the command or later, it goes in the same way. */
  g_assert_no_error (take_out (f, machine, "disk1"));
  plug_guest_assert_settled (machine);
  machine_fixture_assert_tidy (machine);
}

/* Its memory fits to the disks that it had, for the next engine too. */
static void
test_next_engine (MachineFixture *f, gconstpointer unused)
{
  g_autoptr (GVariant) linked = g_variant_ref_sink (g_variant_new_parsed ("{'linked': <true>}"));
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);

  memory_guest_tell (machine, "a");
  g_assert_no_error (add (f, machine, "virtio"));
  plug_guest_ask_disk (machine, "disk1", "write -P 7 1M 64k");
  machine = machine_fixture_change_engine (f, "web");
  plug_guest_assert_settled (machine);
  g_assert_no_error (plug_guest_wait (lodge_library_suspend (f->library, machine)));
  g_assert_error (take_out (f, machine, "disk1"), LODGE_ERROR, LODGE_ERROR_STATE);
  machine_fixture_start (machine);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  plug_guest_assert_settled (machine);
  machine = machine_fixture_change_engine (f, "web");
  g_assert_no_error (take_out (f, machine, "disk1"));
  plug_guest_assert_settled (machine);
  machine_fixture_assert_tidy (machine);

  /* A copy of it, while it runs. */
  g_assert_no_error (add (f, machine, "virtio"));
  plug_guest_ask_disk (machine, "disk1", "write -P 9 1M 64k");
  g_assert_no_error (
      plug_guest_wait (lodge_library_clone_machine (f->library, machine, "twin", linked, NULL)));
  g_assert_cmpuint (now (lodge_library_find (f->library, "twin", NULL))->disks->len, ==, 2);
  machine_fixture_start (lodge_library_find (f->library, "twin", NULL));
  plug_guest_ask_disk (lodge_library_find (f->library, "twin", NULL), "disk1", "read -P 9 1M 64k");
  plug_guest_assert_settled (machine);
}

static void
assert_refused (const GError *error, const char *word)
{
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  if (strstr (error->message, word) == NULL)
    g_error ("%s", error->message);
}

/* Each with what to do. */
static void
test_refusals (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_RELEASE);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_no_error (add (f, machine, "sata"));
  machine_fixture_start (machine);
  assert_refused (add (f, machine, "sata"), "--bus virtio");
  assert_refused (add (f, machine, NULL), "--bus virtio");
  assert_refused (take_out (f, machine, "disk1"), "shut it down first");
  assert_refused (plug_guest_wait (lodge_library_remove_disk (f->library, machine, "disk0", TRUE)),
                  "shut it down first");
  assert_refused (plug_guest_wait (lodge_library_remove_disk (f->library, machine, "disk0", FALSE)),
                  "shut it down first");

  /* One that stands still sees a new disk when it goes on, and lets go of none. */
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  g_assert_no_error (add (f, machine, "virtio"));
  g_assert_true (plug_guest_has_device (machine, "disk2"));
  assert_refused (take_out (f, machine, "disk2"), "resume it first");
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  memory_guest_tell (machine, "a");
  g_assert_no_error (take_out (f, machine, "disk2"));
  plug_guest_assert_settled (machine);

  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  lodge_machine_start_disposable_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_true (lodge_machine_start_finish (machine, result, &error));
  assert_refused (add (f, machine, "virtio"), "Nothing of this run");
  assert_refused (take_out (f, machine, "disk1"), "Nothing of this run");
}

/* A guest that does not think of it; and what it does later takes nothing of the machine. */
static void
test_late (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = start (f, BOOT_SECTOR_MEMORY);
  LodgeJob *job;

  memory_guest_tell (machine, "a");
  g_assert_no_error (add (f, machine, "virtio"));
  plug_guest_ask_disk (machine, "disk1", "write -P 7 1M 64k");
  job = lodge_library_remove_disk (f->library, machine, "disk1", FALSE);
  test_wait_until (machine->unplugging != NULL);
  lodge_job_cancel (job);
  g_assert_error (plug_guest_wait (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
  lodge_qemu_unplug_ms = 500;
  for (guint i = 0; i < 2; i++)
    g_assert_error (take_out (f, machine, "disk1"), LODGE_ERROR, LODGE_ERROR_BUSY);
  lodge_qemu_unplug_ms = LODGE_QEMU_UNPLUG_MS;
  plug_guest_assert_settled (machine);
  machine_fixture_assert_tidy (machine);

  /* With a reset it does let go of it. */
  machine_fixture_request (machine, LODGE_REQUEST_RESET);
  test_wait_until (strstr (lodge_machine_get_note (machine), "has let go of a disk") != NULL &&
                   machine->work == NULL);
  plug_guest_assert_settled (machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  take_snapshot (f, machine, "one");

  /* It ends over it. */
  job = lodge_library_remove_disk (f->library, machine, "disk1", FALSE);
  test_wait_until (machine->unplugging != NULL);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_nonnull (plug_guest_wait (job));
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  machine_fixture_assert_tidy (machine);
  g_assert_cmpuint (now (machine)->disks->len, ==, 2);
}

/* A port that QEMU has something else in: it is taken back. */
static void
test_taken_back (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) error = NULL;
  const LodgeDisk *disk = now (machine)->disks->pdata[0];
  g_autofree char *bus = NULL;
  guint port = LODGE_DESCRIPTION_FIRST_FREE_PORT;
  guint n_fds = plug_guest_count_fds (machine);

  while (port == disk->port || (now (machine)->nics->len > 0 &&
                                port == ((LodgeNic *) now (machine)->nics->pdata[0])->port))
    port++;
  bus = g_strdup_printf ("rp%u", port);
  lodge_qmp_execute_async (
      machine->qmp, "device_add",
      lodge_qmp_arguments ("driver", "virtio-rng-pci", "id", "guest", "bus", bus, NULL), 0, NULL,
      test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  answer = lodge_qmp_execute_finish (machine->qmp, result, &error);
  g_assert_no_error (error);
  g_assert_error (add (f, machine, "virtio"), LODGE_ERROR, LODGE_ERROR_FAILED);
  plug_guest_assert_settled (machine);
  machine_fixture_assert_tidy (machine);
  g_assert_cmpuint (plug_guest_count_fds (machine), ==, n_fds);
}

static LodgeMachine *leaving;
static char *away; /* where its snapshot's folder goes */

static void
let_go_cb (const char *step)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;
  const LodgeSnapshot *snapshot;
  LodgeMachine *machine;

  if (leaving == NULL || !g_str_equal (step, "spooled"))
    return;
  machine = g_steal_pointer (&leaving);
  plug_guest_ask_disk (machine, "disk1", "write -P 8 1M 64k");
  lodge_qmp_execute_async (machine->qmp, "device_del", lodge_qmp_arguments ("id", "disk1", NULL), 0,
                           NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  answer = lodge_qmp_execute_finish (machine->qmp, result, NULL);
  g_assert_nonnull (answer);
  test_wait_polled (!plug_guest_has_device (machine, "disk1"));
  folder = lodge_machine_dup_folder (machine);
  snapshot = now (machine)->snapshots->pdata[0];
  path = g_build_filename (folder, "snapshots", snapshot->id, NULL);
  g_assert_no_errno (g_rename (path, away));
}

/* A snapshot that fails after its guest has written to the new tops, one of whose disks the guest
 * has let go of: QEMU has that disk on neither layer, and what was written stays. */
static void
test_let_go (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);

  memory_guest_tell (machine, "a");
  g_assert_no_error (add (f, machine, "virtio"));
  plug_guest_ask_disk (machine, "disk1", "write -P 7 1M 64k");
  leaving = machine;
  away = g_build_filename (f->folder, "away", NULL);
  lodge_journal_step_hook = let_go_cb;
  g_assert_nonnull (plug_guest_wait (lodge_library_take_snapshot (f->library, machine, "one", "")));
  lodge_journal_step_hook = NULL;
  g_assert_null (leaving);
  g_clear_pointer (&away, g_free);
  test_wait_until (machine->work == NULL);
  test_wait_polled (plug_guest_has_device (machine, "disk1"));
  test_wait_until (machine->work == NULL);
  plug_guest_ask_disk (machine, "disk1", "read -P 8 1M 64k");
  g_assert_cmpuint (now (machine)->snapshots->len, ==, 0);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  plug_guest_assert_settled (machine);
  machine_fixture_assert_tidy (machine);
}

/* Its layers are encrypted as the others are. */
static void
test_encrypted (MachineFixture *f, gconstpointer unused)
{
  g_autofree char *image = g_build_filename (f->folder, "web.img", NULL);
  g_autoptr (GVariant) spec = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *layer = NULL;
  g_autofree char *head = NULL;
  LodgeMachine *machine;
  GVariantDict dict;
  gsize length;

  boot_sector_write (BOOT_SECTOR_RELEASE, image);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", "web");
  g_variant_dict_insert (&dict, "disk", "s", image);
  g_variant_dict_insert (&dict, "memory", "u", 64);
  g_variant_dict_insert (&dict, "firmware", "s", "bios");
  g_variant_dict_insert_value (&dict, "passphrase",
                               g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, "secret", 6, 1));
  g_variant_dict_insert (&dict, "remember", "b", FALSE);
  spec = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_assert_no_error (plug_guest_wait (lodge_library_create_machine (f->library, spec, &error)));
  machine = lodge_library_find (f->library, "web", NULL);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  g_assert_no_error (add (f, machine, "virtio"));
  plug_guest_assert_settled (machine);
  plug_guest_ask_disk (machine, "disk1", "write -P 65 0 1M");
  take_snapshot (f, machine, "one");
  plug_guest_ask_disk (machine, "disk1", "read -P 65 0 1M");
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  folder = lodge_machine_dup_folder (machine);
  layer = g_build_filename (folder, "layers/disk1-l0.qcow2", NULL);
  g_assert_true (g_file_get_contents (layer, &head, &length, NULL));
  g_assert_cmpuint (length, >, MIB);
  g_assert_null (g_strstr_len (head, (gssize) length, "AAAAAAAAAAAAAAAA"));
  g_assert_no_error (
      plug_guest_wait (lodge_library_go_back (f->library, machine, "one", TRUE, NULL)));
  plug_guest_ask_disk (machine, "disk1", "read -P 65 0 1M");
  g_assert_no_error (take_out (f, machine, "disk1"));
  plug_guest_assert_settled (machine);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("plug/life", test_life);
  MACHINE_FIXTURE_ADD ("plug/next-engine", test_next_engine);
  MACHINE_FIXTURE_ADD ("plug/refusals", test_refusals);
  MACHINE_FIXTURE_ADD ("plug/late", test_late);
  MACHINE_FIXTURE_ADD ("plug/taken-back", test_taken_back);
  MACHINE_FIXTURE_ADD ("plug/let-go", test_let_go);
  MACHINE_FIXTURE_ADD ("plug/encrypted", test_encrypted);
  return g_test_run ();
}

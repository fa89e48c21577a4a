/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk that is detached from a guest that runs, and attached to it again: a real QEMU, which
 * knows nothing of it in between, whatever is done with the machine meanwhile. */
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-disks.h"
#include "machine/lodge-machine-encrypt.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "plug-guest.h"
#include "qemu/lodge-qemu-plug.h"

#include <glib/gstdio.h>
#include <string.h>
#include <utime.h>

#define MIB (G_GUINT64_CONSTANT (1) << 20)

static const LodgeDescription *
now (LodgeMachine *machine)
{
  return lodge_machine_get_description (machine);
}

static gboolean
is_attached (LodgeMachine *machine, guint i)
{
  return ((const LodgeDisk *) now (machine)->disks->pdata[i])->attached;
}

static void
succeed (LodgeJob *job)
{
  g_assert_no_error (plug_guest_wait (job));
}

static const GError *
detach (MachineFixture *f, LodgeMachine *machine, const char *disk)
{
  return plug_guest_wait (lodge_library_detach_disk (f->library, machine, disk, FALSE));
}

static const GError *
attach (MachineFixture *f, LodgeMachine *machine, const char *disk)
{
  return plug_guest_wait (lodge_library_attach_disk (f->library, machine, disk));
}

static void
add (MachineFixture *f, LodgeMachine *machine, const char *bus)
{
  succeed (lodge_library_add_disk (f->library, machine, 64 * MIB, bus, NULL));
}

static void
take (MachineFixture *f, LodgeMachine *machine, const char *name)
{
  succeed (lodge_library_take_snapshot (f->library, machine, name, ""));
}

static void
assert_refused (const GError *error, const char *words)
{
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  if (strstr (error->message, words) == NULL)
    g_error ("%s", error->message);
}

static void
end (LodgeMachine *machine)
{
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF && machine->work == NULL);
}

/* What begins by itself is over, and all is as it is to be. */
static void
assert_settled (MachineFixture *f, LodgeMachine *machine)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  test_wait_until (machine->work == NULL && !lodge_machine_can_merge_layers (machine));
  machine_fixture_wait_jobs (f);
  plug_guest_assert_settled (machine);
  machine_fixture_assert_tidy (machine);
}

/* With an "a" in its memory, and a second disk that has a 7 on it. */
static LodgeMachine *
start (MachineFixture *f, BootSector what)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", what);

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  add (f, machine, "virtio");
  plug_guest_ask_disk (machine, "disk1", "write -P 7 1M 64k");
  return machine;
}

/* Also with memory that was written while it was there, and while it was not. */
static void
test_snapshots (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);
  guint n_fds = plug_guest_count_fds (machine);

  take (f, machine, "in");
  plug_guest_ask_disk (machine, "disk1", "write -P 8 1M 64k");
  g_assert_no_error (detach (f, machine, "disk1"));
  assert_settled (f, machine);
  /* Of its files QEMU has none open. */
  test_wait_polled (plug_guest_count_fds (machine) < n_fds + 1);
  take (f, machine, "out");
  assert_settled (f, machine);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  g_assert_no_error (attach (f, machine, "disk1"));
  assert_settled (f, machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 8 1M 64k");
  plug_guest_ask_disk (machine, "disk1", "write -P 9 1M 64k");

  /* From one that runs, too, whose present is kept. */
  succeed (lodge_library_go_back (f->library, machine, "out", TRUE, "now"));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  g_assert_false (is_attached (machine, 1));
  assert_settled (f, machine);
  g_assert_no_error (attach (f, machine, "disk1"));
  plug_guest_ask_disk (machine, "disk1", "read -P 8 1M 64k");
  assert_settled (f, machine);
  succeed (lodge_library_go_back (f->library, machine, "in", FALSE, NULL));
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  assert_settled (f, machine);
  succeed (lodge_library_go_back (f->library, machine, "now", FALSE, NULL));
  plug_guest_ask_disk (machine, "disk1", "read -P 9 1M 64k");
  assert_settled (f, machine);
}

/* Machine.ini says of the second disk that the guest has it; nobody was asked. */
static LodgeMachine *
say_attached (MachineFixture *f, LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);
  g_autofree char *text = NULL;
  gsize length;
  char *key;

  machine_fixture_close_library (f);
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  key = strstr (text, "attached=false\n");
  g_assert_nonnull (key);
  memmove (key, key + strlen ("attached=false\n"), strlen (key + strlen ("attached=false\n")) + 1);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  machine_fixture_open_library (f);
  return lodge_library_find (f->library, "web", NULL);
}

/* For the next engine, and for the next start: with it, without it, and once without any trace. */
static void
test_next (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);
  g_autofree char *folder = NULL;
  g_autofree char *file = NULL;

  g_assert_no_error (detach (f, machine, "disk1"));
  machine = machine_fixture_change_engine (f, "web");
  assert_settled (f, machine);
  g_assert_false (is_attached (machine, 1));

  /* Suspended without it, whatever becomes of its file. */
  succeed (lodge_library_suspend (f->library, machine));
  folder = lodge_machine_dup_folder (machine);
  file = g_build_filename (folder, "layers/disk1-l0.qcow2", NULL);
  g_assert_no_errno (g_utime (file, &(struct utimbuf){.modtime = 1}));
  assert_refused (attach (f, machine, "disk1"), "suspended");
  machine_fixture_start (machine);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  assert_settled (f, machine);
  machine = machine_fixture_change_engine (f, "web");
  g_assert_no_error (attach (f, machine, "disk1"));
  assert_settled (f, machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  succeed (lodge_library_suspend (f->library, machine));
  machine_fixture_start (machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  g_assert_no_error (detach (f, machine, "disk1"));

  /* An attaching that came no further than machine.ini: the guest goes on as it was, and gets it
   * with the next engine. */
  succeed (lodge_library_suspend (f->library, machine));
  machine = say_attached (f, machine);
  machine_fixture_start (machine);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  machine = machine_fixture_change_engine (f, "web");
  assert_settled (f, machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  g_assert_no_error (detach (f, machine, "disk1"));

  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  machine_fixture_start_disposable (machine);
  g_assert_false (plug_guest_has_device (machine, "disk1"));
  assert_refused (attach (f, machine, "disk1"), "Nothing of this run");
  end (machine);
  machine_fixture_assert_tidy (machine);
  machine_fixture_start (machine);
  assert_settled (f, machine);
  g_assert_no_error (attach (f, machine, "disk1"));
  assert_settled (f, machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
}

/* What is done with the disks of a guest that runs is done with its files. */
static void
test_work (MachineFixture *f, gconstpointer unused)
{
  static const char *const options[] = {"{'linked': <true>}", "{'linked': <false>}"};
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);
  LodgeMachine *twin;

  g_assert_no_error (detach (f, machine, "disk1"));
  for (guint i = 0; i < G_N_ELEMENTS (options); i++) {
    g_autoptr (GVariant) how = g_variant_ref_sink (g_variant_new_parsed (options[i]));
    g_autofree char *name = g_strdup_printf ("twin%u", i);
    g_autoptr (GError) error = NULL;

    succeed (lodge_library_clone_machine (f->library, machine, name, how, &error));
    assert_settled (f, machine);
    twin = lodge_library_find (f->library, name, NULL);
    g_assert_false (is_attached (twin, 1));
    machine_fixture_start (twin);
    memory_guest_tell (twin, "b");
    g_assert_no_error (attach (f, twin, "disk1"));
    plug_guest_ask_disk (twin, "disk1", "read -P 7 1M 64k");
    plug_guest_ask_disk (twin, "disk1", "write -P 6 1M 64k");
    machine_fixture_request (twin, LODGE_REQUEST_KILL);
    test_wait_until (lodge_machine_get_state (twin) == LODGE_STATE_OFF);
  }

  succeed (lodge_library_grow_disk (f->library, machine, "disk1", 96 * MIB));
  assert_settled (f, machine);
  g_assert_no_error (attach (f, machine, "disk1"));
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  plug_guest_ask_disk (machine, "disk1", "read -P 0 95M 1M");
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  assert_settled (f, machine);

  /* And it goes, with its file. */
  g_assert_no_error (detach (f, machine, "disk1"));
  succeed (lodge_library_remove_disk (f->library, machine, "disk1", FALSE));
  g_assert_cmpuint (now (machine)->disks->len, ==, 1);
  assert_settled (f, machine);
  add (f, machine, "virtio");
  plug_guest_ask_disk (machine, "disk1", "read -P 0 1M 64k");
  assert_settled (f, machine);
}

/* Layers that become one are read as before, wherever they are. */
static void
test_join (MachineFixture *f, gconstpointer unused)
{
  static const char *const names[] = {"n0", "n1", "n2", "n3", "n4"};
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);

  lodge_machine_least_joined = 2;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *write = g_strdup_printf ("write -P %u %uM 64k", i + 20, i + 2);

    plug_guest_ask_disk (machine, "disk1", write);
    take (f, machine, names[i]);
  }
  g_assert_no_error (detach (f, machine, "disk1"));
  for (guint i = 1; i < G_N_ELEMENTS (names); i++)
    succeed (lodge_library_delete_snapshot (f->library, machine, names[i]));
  assert_settled (f, machine);
  lodge_machine_least_joined = LODGE_MACHINE_LEAST_JOINED;
  /* n0's, what became of the others, and the top, of each disk. */
  g_assert_cmpuint (now (machine)->layers->len, ==, 6);
  g_assert_no_error (attach (f, machine, "disk1"));
  assert_settled (f, machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *read = g_strdup_printf ("read -P %u %uM 64k", i + 20, i + 2);

    plug_guest_ask_disk (machine, "disk1", read);
  }
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
}

/* It becomes encrypted with the others, and stops being so. */
static void
test_encrypt (MachineFixture *f, gconstpointer unused)
{
  g_autoptr (LodgeSecret) passphrase = lodge_secret_new_copy ("secret", 6);
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);

  take (f, machine, "one");
  plug_guest_ask_disk (machine, "disk1", "write -P 8 2M 64k");
  g_assert_no_error (detach (f, machine, "disk1"));
  end (machine);
  succeed (lodge_library_encrypt (f->library, machine, passphrase, FALSE));
  g_assert_false (is_attached (machine, 1));
  machine_fixture_start (machine);
  memory_guest_tell (machine, "b");
  assert_settled (f, machine);
  take (f, machine, "two");
  g_assert_no_error (attach (f, machine, "disk1"));
  assert_settled (f, machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  plug_guest_ask_disk (machine, "disk1", "read -P 8 2M 64k");
  g_assert_no_error (detach (f, machine, "disk1"));
  end (machine);
  succeed (lodge_library_decrypt (f->library, machine));
  machine_fixture_start (machine);
  memory_guest_tell (machine, "c");
  g_assert_no_error (attach (f, machine, "disk1"));
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  plug_guest_ask_disk (machine, "disk1", "read -P 8 2M 64k");
  assert_settled (f, machine);
}

static LodgeMachine *failing;
static char *away; /* where its snapshot's folder goes */

static void
fail_cb (const char *step)
{
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;

  if (failing == NULL || !g_str_equal (step, "spooled"))
    return;
  folder = lodge_machine_dup_folder (failing);
  path = g_build_filename (folder, "snapshots",
                           ((LodgeSnapshot *) now (failing)->snapshots->pdata[0])->id, NULL);
  g_assert_no_errno (g_rename (path, away));
  failing = NULL;
}

/* A snapshot that comes to nothing leaves nothing of it, on the disk that QEMU has not, either. */
static void
test_failed (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);
  g_autofree char *top = NULL;

  g_assert_no_error (detach (f, machine, "disk1"));
  top = g_strdup (((LodgeDisk *) now (machine)->disks->pdata[1])->top);
  failing = machine;
  away = g_build_filename (f->folder, "away", NULL);
  lodge_journal_step_hook = fail_cb;
  g_assert_nonnull (plug_guest_wait (lodge_library_take_snapshot (f->library, machine, "one", "")));
  lodge_journal_step_hook = NULL;
  g_assert_null (failing);
  g_clear_pointer (&away, g_free);
  g_assert_cmpuint (now (machine)->snapshots->len, ==, 0);
  g_assert_cmpstr (((LodgeDisk *) now (machine)->disks->pdata[1])->top, ==, top);
  assert_settled (f, machine);
  g_assert_no_error (attach (f, machine, "disk1"));
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
  assert_settled (f, machine);
}

/* A guest that does not let go keeps it, and loses it by nothing that it does later. */
static void
test_late (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = start (f, BOOT_SECTOR_MEMORY);
  LodgeJob *job = lodge_library_detach_disk (f->library, machine, "disk1", FALSE);

  test_wait_until (machine->unplugging != NULL);
  lodge_job_cancel (job);
  g_assert_error (plug_guest_wait (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
  lodge_qemu_unplug_ms = 500;
  g_assert_error (detach (f, machine, "disk1"), LODGE_ERROR, LODGE_ERROR_BUSY);
  lodge_qemu_unplug_ms = LODGE_QEMU_UNPLUG_MS;
  g_assert_true (is_attached (machine, 1));
  assert_settled (f, machine);
  machine_fixture_request (machine, LODGE_REQUEST_RESET);
  test_wait_until (strstr (lodge_machine_get_note (machine), "has let go of a disk") != NULL &&
                   machine->work == NULL);
  assert_settled (f, machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");

  /* It ends over it. */
  job = lodge_library_detach_disk (f->library, machine, "disk1", FALSE);
  test_wait_until (machine->unplugging != NULL);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_nonnull (plug_guest_wait (job));
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  machine_fixture_assert_tidy (machine);
  g_assert_true (is_attached (machine, 1));
}

/* Each with what to do. */
static void
test_refusals (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_RELEASE);

  add (f, machine, "sata");
  add (f, machine, "virtio");
  machine_fixture_start (machine);
  assert_refused (detach (f, machine, "disk1"), "SATA disk “disk1” cannot be removed or detached");
  assert_refused (plug_guest_wait (lodge_library_detach_disk (f->library, machine, "disk0", TRUE)),
                  "has started from the disk “disk0”");
  assert_refused (attach (f, machine, "disk2"), "attached already");
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  assert_refused (detach (f, machine, "disk2"), "resume it first");
  end (machine);

  g_assert_no_error (detach (f, machine, "disk1"));
  g_assert_no_error (detach (f, machine, "disk2"));
  machine_fixture_start (machine);
  assert_settled (f, machine);
  assert_refused (attach (f, machine, "disk1"), "shut it down first");
  /* One that stands still sees it when it goes on. */
  memory_guest_tell (machine, "a");
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  g_assert_no_error (attach (f, machine, "disk2"));
  /* Nobody has to let go of one that is away. */
  succeed (lodge_library_remove_disk (f->library, machine, "disk1", FALSE));
  machine_fixture_request (machine, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  assert_settled (f, machine);
  end (machine);

  /* From where a guest has started is not changed under it. */
  add (f, machine, "virtio");
  g_assert_no_error (
      plug_guest_wait (lodge_library_detach_disk (f->library, machine, "disk0", TRUE)));
  g_assert_no_error (
      plug_guest_wait (lodge_library_detach_disk (f->library, machine, "disk2", TRUE)));
  machine_fixture_start (machine);
  assert_refused (attach (f, machine, "disk2"), "has started from the disk “disk1”");
  end (machine);
}

/* It gets a fresh QEMU. */
static void
reset (LodgeMachine *machine)
{
  const GPid before = machine->pid;

  machine_fixture_request (machine, LODGE_REQUEST_RESET);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING &&
                   machine->pid != before);
}

/* A kernel that is given up once its guest can start from its disk: not from one that it has not.
 */
static void
test_kernel_once (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);

  add (f, machine, "sata");
  succeed (lodge_library_detach_disk (f->library, machine, "disk0", TRUE));
  machine_fixture_give_kernel_once (f, machine, FALSE);
  machine_fixture_start (machine);
  reset (machine);
  g_assert_true (now (machine)->kernel_once);
  end (machine);
  succeed (lodge_library_attach_disk (f->library, machine, "disk0"));
  machine_fixture_start (machine);
  reset (machine);
  g_assert_false (now (machine)->kernel_once);
}

/* What cannot be given to QEMU stays detached. */
static void
test_taken_back (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *file = g_build_filename (folder, "layers/disk1-l0.qcow2", NULL);
  g_autofree char *elsewhere = g_build_filename (f->folder, "away", NULL);

  g_assert_no_error (detach (f, machine, "disk1"));
  g_assert_no_errno (g_rename (file, elsewhere));
  g_assert_error (attach (f, machine, "disk1"), LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_false (is_attached (machine, 1));
  g_assert_no_errno (g_rename (elsewhere, file));
  assert_settled (f, machine);

  end (machine);
  g_assert_no_error (attach (f, machine, "disk1"));
  machine_fixture_start (machine);
  plug_guest_ask_disk (machine, "disk1", "read -P 7 1M 64k");
}

/* Another bus and port, while it is away: what QEMU has there is not in its way. */
static void
test_moved (MachineFixture *f, gconstpointer unused)
{
  LodgeMachine *machine = start (f, BOOT_SECTOR_RELEASE);
  const LodgeDisk *disk;
  guint port;

  add (f, machine, "virtio");
  plug_guest_ask_disk (machine, "disk2", "write -P 8 1M 64k");
  end (machine);
  g_assert_no_error (detach (f, machine, "disk2"));
  machine_fixture_set_key (machine, "disk.disk2.bus", "sata");
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  port = ((LodgeDisk *) now (machine)->disks->pdata[1])->port;
  machine_fixture_set_key (machine, "disk.disk1.bus", "sata");
  machine_fixture_set_key (machine, "disk.disk2.bus", "virtio");
  disk = now (machine)->disks->pdata[2];
  g_assert_cmpuint (disk->port, ==, port);
  g_assert_no_error (attach (f, machine, "disk2"));
  disk = now (machine)->disks->pdata[2];
  g_assert_cmpuint (disk->port, !=, port);
  plug_guest_ask_disk (machine, "disk2", "read -P 8 1M 64k");
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("detached/snapshots", test_snapshots);
  MACHINE_FIXTURE_ADD ("detached/next", test_next);
  MACHINE_FIXTURE_ADD ("detached/work", test_work);
  MACHINE_FIXTURE_ADD ("detached/join", test_join);
  MACHINE_FIXTURE_ADD ("detached/encrypt", test_encrypt);
  MACHINE_FIXTURE_ADD ("detached/failed", test_failed);
  MACHINE_FIXTURE_ADD ("detached/late", test_late);
  MACHINE_FIXTURE_ADD ("detached/refusals", test_refusals);
  MACHINE_FIXTURE_ADD ("detached/kernel-once", test_kernel_once);
  MACHINE_FIXTURE_ADD ("detached/taken-back", test_taken_back);
  MACHINE_FIXTURE_ADD ("detached/moved", test_moved);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disk becomes full at some step of what a machine is made by, of what changes its disks, and
 * of what keeps a guest's memory; or there is too little room from the beginning. All is as it was,
 * and it works once there is room.
 *
 * A few steps and sizes each time, and every one with LODGE_TEST_CRASHES set. */
#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "full-fixture.h"
#include "live-guest.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "plug-guest.h"
#include "snapshot-fixture.h"
#include "storage/lodge-image-grow.h"
#include "test-folder.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define MIB (G_GUINT64_CONSTANT (1) << 20)
/* So large that a qcow2 file needs another table. */
#define NEW_SIZE (MIB << 20)
/* Of two disks with one snapshot. */
#define MOST_LAYERS 4

static void
succeed (LodgeJob *job)
{
  g_assert_no_error (plug_guest_wait (job));
}

static const LodgeDescription *
now (LodgeMachine *machine)
{
  return lodge_machine_get_description (machine);
}

static gboolean
has (LodgeMachine *machine, const char *snapshot)
{
  return lodge_description_find_snapshot (now (machine), snapshot, NULL) != NULL;
}

static void
force_off (LodgeMachine *machine)
{
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
}

/* What could not be taken back or merged with a full disk, the next engine does. */
static LodgeMachine *
recover (MachineFixture *m, LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);

  machine_fixture_wait_jobs (m);
  if (lodge_journal_exists (folder) || lodge_machine_can_merge_layers (machine))
    machine = machine_fixture_change_engine (m, "web");
  live_guest_settle (m, machine);
  machine_fixture_assert_tidy (machine);
  return machine;
}

/* --- A guest that runs --- */

static LodgeJob *
suspend (MachineFixture *m, LodgeMachine *machine)
{
  return lodge_library_suspend (m->library, machine);
}

static LodgeMachine *
look_not_suspended (MachineFixture *m, LodgeMachine *machine)
{
  machine = recover (m, machine);
  g_assert_null (now (machine)->suspended);
  live_guest_assert (machine, 'a');
  return machine;
}

static void
test_suspend (MachineFixture *m, gconstpointer data)
{
  LodgeMachine *machine = live_guest_create (m);

  live_guest_mark (machine, 'a');
  for (guint i = 0; i < 2; i++) {
    if (i == 0)
      full_fixture_try_steps (m, &machine, suspend, look_not_suspended);
    else
      full_fixture_try_sizes (m, &machine, suspend, look_not_suspended);
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
    machine_fixture_assert_tidy (machine);
    machine_fixture_start (machine);
    machine = recover (m, machine);
    live_guest_assert (machine, 'a');
  }
}

static LodgeJob *
revert (MachineFixture *m, LodgeMachine *machine)
{
  return lodge_library_go_back (m->library, machine, "one", TRUE, "kept");
}

static void
forget_kept (MachineFixture *m, LodgeMachine *machine)
{
  succeed (lodge_library_go_back (m->library, machine, "kept", FALSE, NULL));
  live_guest_assert (machine, 'b');
  succeed (lodge_library_delete_snapshot (m->library, machine, "kept"));
  live_guest_settle (m, machine);
}

/* It goes on; beside it there may be the snapshot that it was brought back from. */
static LodgeMachine *
look_not_reverted (MachineFixture *m, LodgeMachine *machine)
{
  machine = recover (m, machine);
  g_assert_true (has (machine, "one"));
  live_guest_assert (machine, 'b');
  if (has (machine, "kept"))
    succeed (lodge_library_delete_snapshot (m->library, machine, "kept"));
  if (now (machine)->layers->len > MOST_LAYERS) {
    /* With as few layers as before: each is a step, and where each try leaves one the last step is
     * never come to. While the disk was full none was joined. */
    force_off (machine);
    live_guest_settle (m, machine);
    machine_fixture_start (machine);
    live_guest_assert_disks (machine, 'b');
    live_guest_mark (machine, 'b');
  }
  return machine;
}

static void
test_revert (MachineFixture *m, gconstpointer data)
{
  LodgeMachine *machine = live_guest_create (m);

  live_guest_mark (machine, 'a');
  succeed (lodge_library_take_snapshot (m->library, machine, "one", ""));
  live_guest_mark (machine, 'b');
  for (guint i = 0; i < 2; i++) {
    if (i == 0)
      full_fixture_try_steps (m, &machine, revert, look_not_reverted);
    else
      full_fixture_try_sizes (m, &machine, revert, look_not_reverted);
    live_guest_settle (m, machine);
    machine_fixture_assert_tidy (machine);
    live_guest_assert (machine, 'a');
    g_assert_true (lodge_machine_has_memory (machine, "kept"));
    forget_kept (m, machine);
  }
}

static LodgeJob *
grow (MachineFixture *m, LodgeMachine *machine)
{
  return lodge_library_grow_disk (m->library, machine, "disk1", NEW_SIZE);
}

static guint64
get_size (LodgeMachine *machine)
{
  const LodgeLayer *top = lodge_description_get_layer (now (machine), "disk1-l0");
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  int fd = lodge_own_file_open (folder, top->file, O_RDONLY, NULL);
  guint64 size = 0;

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (lodge_image_read_size (fd, top->format, &size));
  close (fd);
  g_assert_cmpuint (size, <=, top->size_bytes);
  return size;
}

static LodgeMachine *
look_not_grown (MachineFixture *m, LodgeMachine *machine)
{
  machine = recover (m, machine);
  g_assert_cmpuint (get_size (machine), <, NEW_SIZE);
  live_guest_assert (machine, 'a');
  return machine;
}

static void
test_grow (MachineFixture *m, gconstpointer data)
{
  for (guint i = 0; i < 2; i++) {
    LodgeMachine *machine = live_guest_create (m);
    LodgeJob *job;

    live_guest_mark (machine, 'a');
    if (i == 0)
      full_fixture_try_steps (m, &machine, grow, look_not_grown);
    else
      full_fixture_try_sizes (m, &machine, grow, look_not_grown);
    g_assert_cmpuint (get_size (machine), ==, NEW_SIZE);
    live_guest_assert (machine, 'a');
    plug_guest_ask_disk (machine, "disk1", "write -P 8 512G 64k");
    force_off (machine);
    job = lodge_library_delete_machine (m->library, machine, NULL);
    succeed (job);
  }
}

/* --- One that is off --- */

/* Outside of what becomes full. */
static char *
dup_outside (MachineFixture *m, const char *name)
{
  return g_build_filename (m->folder, name, NULL);
}

static char *
dup_layer (LodgeMachine *machine, const char *id)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);

  return g_build_filename (folder, lodge_description_get_layer (now (machine), id)->file, NULL);
}

/* "first.raw" is what its first disk holds. */
static LodgeMachine *
create_off (MachineFixture *m)
{
  LodgeMachine *machine = machine_fixture_create (m, "web", BOOT_SECTOR_DISK);
  g_autofree char *first = dup_outside (m, "first.raw");
  g_autofree char *layer = dup_layer (machine, "disk0-l0");

  snapshot_fixture_run ("qemu-io", "-c", "write -P 5 256k 512k", layer, NULL);
  snapshot_fixture_run ("qemu-img", "convert", "-O", "raw", layer, first, NULL);
  return machine;
}

static LodgeMachine *
look_at_first (MachineFixture *m, LodgeMachine *machine)
{
  g_autofree char *first = dup_outside (m, "first.raw");
  g_autofree char *layer = NULL;

  machine = recover (m, machine);
  g_assert_cmpuint (now (machine)->disks->len, ==, 1);
  layer =
      dup_layer (machine, ((const LodgeDisk *) g_ptr_array_index (now (machine)->disks, 0))->top);
  snapshot_fixture_run ("qemu-img", "compare", "-q", "-F", "raw", layer, first, NULL);
  return machine;
}

/* It boots, and writes. */
static void
use (LodgeMachine *machine)
{
  machine_fixture_start (machine);
  memory_guest_tell (machine, "c");
  force_off (machine);
}

static LodgeJob *
add_copy (MachineFixture *m, LodgeMachine *machine)
{
  g_autofree char *image = dup_outside (m, "image.vmdk");

  return lodge_library_add_disk (m->library, machine, 0, "virtio", image);
}

static void
test_add_copy (MachineFixture *m, gconstpointer data)
{
  LodgeMachine *machine = create_off (m);
  g_autofree char *image = dup_outside (m, "image.vmdk");

  snapshot_fixture_run ("qemu-img", "create", "-q", "-f", "vmdk", image, "16M", NULL);
  snapshot_fixture_run ("qemu-io", "-f", "vmdk", "-c", "write -P 7 1M 2M", image, NULL);
  for (guint i = 0; i < 2; i++) {
    g_autofree char *layer = NULL;

    if (i == 0)
      full_fixture_try_steps (m, &machine, add_copy, look_at_first);
    else
      full_fixture_try_sizes (m, &machine, add_copy, look_at_first);
    g_assert_cmpuint (now (machine)->disks->len, ==, 2);
    machine_fixture_assert_tidy (machine);
    layer = dup_layer (machine, "disk1-l0");
    snapshot_fixture_run ("qemu-img", "compare", "-q", layer, image, NULL);
    succeed (lodge_library_remove_disk (m->library, machine, "disk1", FALSE));
  }
  use (machine);
}

static char *
dup_out (MachineFixture *m)
{
  return g_build_filename (m->folder, "data", "out.img", NULL);
}

static const char *to_format;

static LodgeJob *
convert (MachineFixture *m, LodgeMachine *machine)
{
  g_autofree char *out = dup_out (m);

  return lodge_library_convert_disk (m->library, machine, "disk0", to_format, out, NULL, TRUE);
}

/* What was there of that name stays, and nothing that was on its way to it. */
static LodgeMachine *
look_not_converted (MachineFixture *m, LodgeMachine *machine)
{
  g_autofree char *out = dup_out (m);
  g_autofree char *text = NULL;

  snapshot_fixture_assert_nothing_hidden (out);
  g_assert_true (g_file_get_contents (out, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "old");
  return look_at_first (m, machine);
}

static void
test_convert (MachineFixture *m, gconstpointer data)
{
  LodgeMachine *machine = create_off (m);
  g_autofree char *out = dup_out (m);
  g_autofree char *first = dup_outside (m, "first.raw");
  /* What each says of a write that fails is another thing. */
  static const char *const formats[] = {"qcow2", "raw", "vdi", "vmdk", "vhdx"};

  for (guint i = 0; i < 2 * G_N_ELEMENTS (formats); i++) {
    to_format = formats[i / 2];
    g_test_message ("%s", to_format);
    g_assert_true (g_file_set_contents (out, "old", -1, NULL));
    if (i % 2 == 0)
      full_fixture_try_steps (m, &machine, convert, look_not_converted);
    else
      full_fixture_try_sizes (m, &machine, convert, look_not_converted);
    snapshot_fixture_run ("qemu-img", "compare", "-q", "-F", to_format, first, out, NULL);
    snapshot_fixture_assert_nothing_hidden (out);
    look_at_first (m, machine);
  }
  use (machine);
}

static LodgeJob *
compact (MachineFixture *m, LodgeMachine *machine)
{
  return lodge_library_compact_disk (m->library, machine, "disk0");
}

/* Zeros that are of no use. */
static void
waste (LodgeMachine *machine)
{
  g_autofree char *layer =
      dup_layer (machine, ((const LodgeDisk *) g_ptr_array_index (now (machine)->disks, 0))->top);

  snapshot_fixture_run ("qemu-io", "-f", "qcow2", "-c", "write -P 0 768k 256k", layer, NULL);
}

static void
test_compact (MachineFixture *m, gconstpointer data)
{
  LodgeMachine *machine = create_off (m);

  for (guint i = 0; i < 2; i++) {
    waste (machine);
    if (i == 0)
      full_fixture_try_steps (m, &machine, compact, look_at_first);
    else
      full_fixture_try_sizes (m, &machine, compact, look_at_first);
    look_at_first (m, machine);
  }
  use (machine);
}

/* --- A machine that is to come --- */

static LodgeJob *
create (MachineFixture *m, gboolean copy)
{
  g_autofree char *image = dup_outside (m, "web.img");
  g_autoptr (GVariant) spec = NULL;
  g_autoptr (GError) error = NULL;
  GVariantDict dict;
  LodgeJob *job;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", "new");
  if (copy)
    g_variant_dict_insert (&dict, "disk", "s", image);
  else
    g_variant_dict_insert (&dict, "disk-size", "t", 64 * MIB);
  g_variant_dict_insert (&dict, "memory", "u", 64);
  g_variant_dict_insert (&dict, "firmware", "s", "bios");
  spec = g_variant_ref_sink (g_variant_dict_end (&dict));
  job = lodge_library_create_machine (m->library, spec, &error);
  g_assert_no_error (error);
  return job;
}

static LodgeJob *
create_empty (MachineFixture *m, LodgeMachine *machine)
{
  return create (m, FALSE);
}

static LodgeJob *
create_copy (MachineFixture *m, LodgeMachine *machine)
{
  return create (m, TRUE);
}

static LodgeMachine *
look_not_created (MachineFixture *m, LodgeMachine *machine)
{
  g_autofree char *machines = g_build_filename (m->folder, "data", "machines", NULL);
  g_autoptr (GDir) dir = g_dir_open (machines, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_test_message ("%s", name);
    n++;
  }
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (lodge_library_get_machines (m->library)->len, ==, 1);
  return look_at_first (m, machine);
}

static void
test_create (MachineFixture *m, gconstpointer data)
{
  const FullBegin begin[] = {create_empty, create_copy};
  LodgeMachine *machine = create_off (m);

  for (guint i = 0; i < 4; i++) {
    LodgeMachine *made;

    if (i / 2 == 0)
      full_fixture_try_steps (m, &machine, begin[i % 2], look_not_created);
    else
      full_fixture_try_sizes (m, &machine, begin[i % 2], look_not_created);
    made = lodge_library_find (m->library, "new", NULL);
    machine_fixture_assert_tidy (made);
    machine_fixture_start (made);
    if (begin[i % 2] == create_copy)
      memory_guest_tell (made, "c");
    force_off (made);
    succeed (lodge_library_delete_machine (m->library, made, NULL));
  }
}

static void
test_none (void)
{
  test_folder_keep_names ();
  g_test_skip ("nothing can be mounted here");
}

int
main (int argc, char *argv[])
{
  const gboolean can_mount = full_fixture_init (TRUE);

  machine_fixture_init (&argc, &argv);
#define ADD(name, function)                                                                        \
  if (can_mount)                                                                                   \
    g_test_add ("/machine/full/" name, MachineFixture, NULL, full_fixture_set_up, function,        \
                full_fixture_tear_down);                                                           \
  else                                                                                             \
    g_test_add_func ("/machine/full/" name, test_none)
  ADD ("suspend", test_suspend);
  ADD ("revert", test_revert);
  ADD ("grow", test_grow);
  ADD ("add-copy", test_add_copy);
  ADD ("convert", test_convert);
  ADD ("compact", test_compact);
  ADD ("create", test_create);
  return g_test_run ();
}

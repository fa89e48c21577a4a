/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks that give back what they have no use for: the real qemu-img, no guest. One is qcow2, the
 * other raw. */
#include "snapshot-fixture.h"

#include "description/lodge-own-file.h"
#include "lodge-error.h"

#include <unistd.h>

#define MIB        (G_GUINT64_CONSTANT (1) << 20)
#define MARKS(...) (&(const SnapshotMarks){{__VA_ARGS__}})

static const LodgeDescription *
now (SnapshotFixture *f)
{
  return lodge_machine_get_description (f->machine);
}

static const LodgeLayer *
get_top (SnapshotFixture *f, guint disk)
{
  return lodge_description_get_layer (now (f), ((LodgeDisk *) now (f)->disks->pdata[disk])->top);
}

static void
grow (SnapshotFixture *f, const char *disk, guint64 size)
{
  g_assert_no_error (
      snapshot_fixture_wait (lodge_library_grow_disk (f->library, f->machine, disk, size)));
}

static void
assert_size (SnapshotFixture *f, guint disk, guint64 size)
{
  g_autofree char *image = snapshot_fixture_dup_image (f, get_top (f, disk)->id);
  g_autofree char *last = g_strdup_printf ("read %" G_GUINT64_FORMAT " 512", size - 512);

  g_assert_cmpuint (get_top (f, disk)->size_bytes, ==, size);
  snapshot_fixture_run ("qemu-io", "-r", "-c", last, image, NULL);
}

/* What the present holds, as one raw file. Transfer full. */
static char *
copy_out (SnapshotFixture *f, guint disk, const char *name)
{
  char *path = g_build_filename (f->folder, name, NULL);
  g_autofree char *image = snapshot_fixture_dup_image (f, get_top (f, disk)->id);

  snapshot_fixture_run ("qemu-img", "convert", "-O", "raw", image, path, NULL);
  return path;
}

static void
assert_holds (SnapshotFixture *f, guint disk, const char *path)
{
  g_autofree char *image = snapshot_fixture_dup_image (f, get_top (f, disk)->id);

  snapshot_fixture_run ("qemu-img", "compare", "-q", image, path, NULL);
}

static void
change_disk (SnapshotFixture *f, guint disk, const char *command)
{
  g_autofree char *image = snapshot_fixture_dup_image (f, get_top (f, disk)->id);

  snapshot_fixture_run ("qemu-io", "-c", command, image, NULL);
}

static guint64
compact (SnapshotFixture *f, const char *disk)
{
  LodgeJob *job = lodge_library_compact_disk (f->library, f->machine, disk);
  guint64 before, after, freed;

  before = lodge_own_file_measure (f->machine_folder, get_top (f, disk[1] == 'i' ? 0 : 1)->file);
  g_assert_no_error (snapshot_fixture_wait (job));
  after = lodge_own_file_measure (f->machine_folder, get_top (f, disk[1] == 'i' ? 0 : 1)->file);
  freed = g_ascii_strtoull (lodge_job_get_result (job), NULL, 10);
  g_assert_cmpuint (freed, ==, before - after);
  snapshot_fixture_assert_tidy (f);
  return freed;
}

static void
test_compact (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  snapshot_fixture_write (f, 0, 1);
  change_disk (f, 0, "write -P 5 1M 2M");
  change_disk (f, 0, "write -P 0 1M 1M");
  change_disk (f, 0, "discard 2M 512k");
  change_disk (f, 1, "write -P 5 1M 2M");
  change_disk (f, 1, "write -P 0 1M 1M");
  first = copy_out (f, 0, "first.raw");
  second = copy_out (f, 1, "second.raw");
  g_assert_cmpuint (compact (f, "disk0"), >=, MIB - 65536);
  g_assert_cmpuint (compact (f, "data"), >=, MIB);
  g_assert_cmpstr (get_top (f, 1)->format, ==, "raw");
  assert_holds (f, 0, first);
  assert_holds (f, 1, second);
  assert_size (f, 0, 4 * MIB);
  assert_size (f, 1, 4 * MIB);
  /* There is no more to be had. */
  g_assert_cmpuint (compact (f, "disk0"), ==, 0);
  g_assert_cmpuint (compact (f, "data"), ==, 0);
  assert_holds (f, 0, first);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
}

/* Zeros that hide what is below, and what is not there, which lets it be seen. */
static void
test_compact_overlay (SnapshotFixture *f, gconstpointer unused)
{
  static const char *const commands[] = {"write -P 9 1M 1M", "write -P 0 1M 256k",
                                         "discard 1280k 128k", "write -z 1408k 64k",
                                         "write -P 3 1472k 4k"};

  snapshot_fixture_write (f, 0, 1);
  change_disk (f, 0, "write -P 5 1M 3M");
  change_disk (f, 1, "write -P 5 1M 3M");
  g_free (snapshot_fixture_take (f, "one"));
  grow (f, "disk0", 16 * MIB);
  grow (f, "data", 16 * MIB);
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    change_disk (f, 0, commands[i]);
    change_disk (f, 1, commands[i]);
  }
  change_disk (f, 0, "write -P 8 12M 64k");
  for (guint i = 0; i < 2; i++) {
    g_autofree char *held = copy_out (f, i, "held.raw");
    g_autofree char *below =
        g_strdup (lodge_description_get_layer (now (f), get_top (f, i)->below)->file);
    guint64 has = lodge_own_file_measure (f->machine_folder, below);

    g_assert_cmpuint (compact (f, i == 0 ? "disk0" : "data"), >=, 256 * 1024);
    assert_holds (f, i, held);
    g_assert_cmpuint (lodge_own_file_measure (f->machine_folder, below), ==, has);
    assert_size (f, i, 16 * MIB);
  }
  g_free (snapshot_fixture_go_back (f, "one", FALSE));
  change_disk (f, 0, "read -P 5 1M 3M");
  change_disk (f, 0, "read -P 1 0 256k");
}

/* A clone's file stays the file that it is. */
static void
test_compact_shared (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *other = g_build_filename (f->folder, "other", NULL);
  g_autofree char *file = g_strdup (get_top (f, 0)->file);
  g_autofree char *path = g_build_filename (f->machine_folder, file, NULL);

  change_disk (f, 0, "write -P 5 1M 2M");
  change_disk (f, 0, "write -P 0 1M 1M");
  g_assert_no_errno (link (path, other));
  g_assert_cmpuint (compact (f, "disk0"), ==, 0);
  g_assert_cmpstr (get_top (f, 0)->file, ==, file);
}

/* What waits to become one with another, and cannot, because two stand on it. */
static void
test_compact_merging (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *held = NULL;
  g_autofree char *kept = NULL;
  const LodgeLayer *layer;
  guint64 before, after;
  LodgeJob *job;

  change_disk (f, 0, "write -P 5 1M 2M");
  change_disk (f, 0, "write -P 0 1M 1M");
  g_free (snapshot_fixture_take (f, "one"));
  change_disk (f, 0, "write -P 6 3M 64k");
  kept = snapshot_fixture_go_back (f, "one", TRUE);
  snapshot_fixture_delete (f, "one");
  snapshot_fixture_wait_all (f);
  layer = lodge_description_get_layer (now (f), get_top (f, 0)->below);
  g_assert_true (layer->merge);
  before = lodge_own_file_measure (f->machine_folder, layer->file);
  held = copy_out (f, 0, "held.raw");
  job = lodge_library_compact_disk (f->library, f->machine, "disk0");
  g_assert_no_error (snapshot_fixture_wait (job));
  layer = lodge_description_get_layer (now (f), get_top (f, 0)->below);
  after = lodge_own_file_measure (f->machine_folder, layer->file);
  g_assert_cmpuint (after + MIB - 65536, <=, before);
  assert_holds (f, 0, held);
  g_free (snapshot_fixture_go_back (f, kept, FALSE));
  change_disk (f, 0, "read -P 6 3M 64k");
  change_disk (f, 0, "read -P 5 2M 1M");
  snapshot_fixture_wait_all (f);
  snapshot_fixture_assert_tidy (f);
}

static void
test_compact_refused (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (f->machine_folder, get_top (f, 0)->file, NULL);
  LodgeJob *job = lodge_library_compact_disk (f->library, f->machine, "disk7");

  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  job = lodge_library_compact_disk (f->library, f->machine, "disk0");
  lodge_job_cancel (job);
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
  snapshot_fixture_assert_tidy (f);
  /* No qcow2 file: nothing is made of what cannot be read. */
  g_assert_true (g_file_set_contents (path, "rubbish", -1, NULL));
  job = lodge_library_compact_disk (f->library, f->machine, "disk0");
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_INVALID);
  snapshot_fixture_assert_tidy (f);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/machine/disks/compact/" name, SnapshotFixture, NULL, snapshot_fixture_set_up,      \
              function, snapshot_fixture_tear_down)
  ADD ("alone", test_compact);
  ADD ("overlay", test_compact_overlay);
  ADD ("shared", test_compact_shared);
  ADD ("merging", test_compact_merging);
  ADD ("refused", test_compact_refused);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks of a machine that is off: the real qemu-img, no guest. One is qcow2, the other raw. */
#include "snapshot-fixture.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "machine/lodge-machine-disks.h"
#include "storage/lodge-image-grow.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MIB        (G_GUINT64_CONSTANT (1) << 20)
#define MARKS(...) (&(const SnapshotMarks){{__VA_ARGS__}})

static const LodgeDescription *
now (SnapshotFixture *f)
{
  return lodge_machine_get_description (f->machine);
}

static const GError *
grow (SnapshotFixture *f, const char *disk, guint64 size)
{
  return snapshot_fixture_wait (lodge_library_grow_disk (f->library, f->machine, disk, size));
}

static GVariant *
list (SnapshotFixture *f)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_machine_list_disks_async (f->machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_machine_list_disks_finish (f->machine, result);
}

static const LodgeLayer *
get_top (SnapshotFixture *f, guint disk)
{
  return lodge_description_get_layer (now (f), ((LodgeDisk *) now (f)->disks->pdata[disk])->top);
}

/* What its file, the list and machine.ini say. */
static void
assert_size (SnapshotFixture *f, guint disk, guint64 size)
{
  const LodgeLayer *top = get_top (f, disk);
  g_autoptr (GVariant) all = list (f);
  g_autoptr (GVariant) row = g_variant_get_child_value (all, disk);
  g_autoptr (GError) error = NULL;
  guint64 listed = 0, read = 0;
  int fd = lodge_own_file_open (f->machine_folder, top->file, O_RDONLY, &error);

  g_assert_no_error (error);
  g_assert_true (lodge_image_read_size (fd, top->format, &read));
  close (fd);
  g_assert_cmpuint (read, ==, size);
  g_assert_true (g_variant_lookup (row, "size", "t", &listed));
  g_assert_cmpuint (listed, ==, size);
  g_assert_cmpuint (top->size_bytes, ==, size);
}

static void
test_list (SnapshotFixture *f, gconstpointer unused)
{
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GVariant) second = NULL;
  guint64 used_before, used_after;
  guint32 n_layers;
  const char *text;

  all = list (f);
  g_assert_cmpuint (g_variant_n_children (all), ==, 2);
  first = g_variant_get_child_value (all, 0);
  second = g_variant_get_child_value (all, 1);
  g_assert_true (g_variant_lookup (first, "id", "&s", &text));
  g_assert_cmpstr (text, ==, "disk0");
  g_assert_true (g_variant_lookup (second, "id", "&s", &text));
  g_assert_cmpstr (text, ==, "data");
  g_assert_true (g_variant_lookup (second, "bus", "&s", &text));
  g_assert_cmpstr (text, ==, "sata");
  g_assert_true (g_variant_lookup (second, "format", "&s", &text));
  g_assert_cmpstr (text, ==, "raw");
  g_assert_true (g_variant_lookup (first, "layers", "u", &n_layers));
  g_assert_cmpuint (n_layers, ==, 1);
  g_assert_true (g_variant_lookup (first, "used", "t", &used_before));
  g_clear_pointer (&first, g_variant_unref);
  g_clear_pointer (&all, g_variant_unref);

  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 0, 1);
  all = list (f);
  first = g_variant_get_child_value (all, 0);
  g_assert_true (g_variant_lookup (first, "layers", "u", &n_layers));
  g_assert_cmpuint (n_layers, ==, 2);
  g_assert_true (g_variant_lookup (first, "used", "t", &used_after));
  g_assert_cmpuint (used_after, >=, used_before + 256 * 1024);
}

static void
test_grow (SnapshotFixture *f, gconstpointer unused)
{
  snapshot_fixture_write (f, 0, 1);
  g_assert_no_error (grow (f, "disk0", 64 * MIB));
  assert_size (f, 0, 64 * MIB);
  assert_size (f, 1, 4 * MIB);
  /* Up to whole sectors. */
  g_assert_no_error (grow (f, "data", 8 * MIB + 1));
  assert_size (f, 1, 8 * MIB + 512);
  /* More than qcow2's first table had room for, and than this computer has. */
  g_assert_no_error (grow (f, "disk0", 8 * 1024 * 1024 * MIB));
  assert_size (f, 0, 8 * 1024 * 1024 * MIB);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
  snapshot_fixture_assert_tidy (f);
}

static void
test_refused (SnapshotFixture *f, gconstpointer unused)
{
  const GError *error = grow (f, "disk0", 4 * MIB);

  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "has 4M already"));
  error = grow (f, "disk0", MIB);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  error = grow (f, "disk0", G_MAXUINT64);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  error = grow (f, "nvram", 8 * MIB);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "nvram"));
  assert_size (f, 0, 4 * MIB);
  snapshot_fixture_assert_tidy (f);
}

/* Somebody else's disk must not change. */
static void
test_shared (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (f->machine_folder, "layers/disk0-l0.qcow2", NULL);
  g_autofree char *other = g_build_filename (f->folder, "other", NULL);
  const GError *error;

  g_assert_no_errno (link (path, other));
  error = grow (f, "disk0", 8 * MIB);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_nonnull (strstr (error->message, "shared"));
  assert_size (f, 0, 4 * MIB);
}

/* Snapshots keep what they have, whatever is made of the layers then. */
static void
test_snapshots (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *kept = NULL;

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "small"));
  g_assert_no_error (grow (f, "disk0", 64 * MIB));
  g_assert_no_error (grow (f, "data", 32 * MIB));
  snapshot_fixture_write (f, 1, 2);
  g_free (snapshot_fixture_take (f, "large"));
  assert_size (f, 0, 64 * MIB);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));

  kept = snapshot_fixture_go_back (f, "small", TRUE);
  assert_size (f, 0, 4 * MIB);
  assert_size (f, 1, 4 * MIB);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
  g_free (snapshot_fixture_go_back (f, "large", FALSE));
  assert_size (f, 0, 64 * MIB);
  assert_size (f, 1, 32 * MIB);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));

  /* What was written lies in a file that has grown with it, also a raw one. */
  snapshot_fixture_delete (f, kept);
  snapshot_fixture_delete (f, "large");
  snapshot_fixture_delete (f, "small");
  snapshot_fixture_wait_all (f);
  g_assert_cmpuint (now (f)->layers->len, ==, 2);
  assert_size (f, 0, 64 * MIB);
  assert_size (f, 1, 32 * MIB);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));
  snapshot_fixture_assert_tidy (f);
}

/* A raw file that is made longer than all that there is in the two. */
static void
test_merge_raw (SnapshotFixture *f, gconstpointer unused)
{
  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "one"));
  g_assert_no_error (grow (f, "data", 1024 * MIB));
  snapshot_fixture_delete (f, "one");
  snapshot_fixture_wait_all (f);
  g_assert_cmpstr (get_top (f, 1)->format, ==, "raw");
  assert_size (f, 1, 1024 * MIB);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
}

/* Nothing was written since the last clone, but the disk is larger. */
static void
test_clone (SnapshotFixture *f, gconstpointer unused)
{
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed ("{'linked': <true>}"));
  g_autoptr (GError) error = NULL;

  g_assert_no_error (snapshot_fixture_wait (
      lodge_library_clone_machine (f->library, f->machine, "first", options, &error)));
  g_assert_no_error (grow (f, "disk0", 64 * MIB));
  g_assert_no_error (snapshot_fixture_wait (
      lodge_library_clone_machine (f->library, f->machine, "second", options, &error)));
  assert_size (f, 0, 64 * MIB);
  snapshot_fixture_look_at (f, "first");
  assert_size (f, 0, 4 * MIB);
  snapshot_fixture_look_at (f, "second");
  assert_size (f, 0, 64 * MIB);
}

static void
test_add (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *kept = g_build_filename (f->machine_folder, "layers/disk1-l0.qcow2", NULL);
  LodgeJob *job;
  const LodgeDisk *disk;

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "before"));
  job = lodge_library_add_disk (f->library, f->machine, 8 * MIB + 1, NULL, NULL);
  g_assert_no_error (snapshot_fixture_wait (job));
  g_assert_cmpstr (lodge_job_get_result (job), ==, "disk1");
  g_assert_cmpuint (now (f)->disks->len, ==, 3);
  disk = now (f)->disks->pdata[2];
  g_assert_cmpstr (disk->id, ==, "disk1");
  g_assert_cmpint (disk->bus, ==, ((const LodgeDisk *) now (f)->disks->pdata[0])->bus);
  assert_size (f, 2, 8 * MIB + 512);
  g_assert_cmpstr (get_top (f, 2)->file, ==, "layers/disk1-l0.qcow2");
  snapshot_fixture_run ("qemu-img", "check", "-q", kept, NULL);
  snapshot_fixture_assert_tidy (f);

  job = lodge_library_add_disk (f->library, f->machine, MIB, "sata", NULL);
  g_assert_no_error (snapshot_fixture_wait (job));
  disk = now (f)->disks->pdata[3];
  g_assert_cmpint (disk->bus, ==, LODGE_DISK_BUS_SATA);

  /* A snapshot has the disks of then, and the present its own. */
  g_free (snapshot_fixture_go_back (f, "before", TRUE));
  g_assert_cmpuint (now (f)->disks->len, ==, 2);
  g_free (snapshot_fixture_go_back (f, "Before going back to before", FALSE));
  g_assert_cmpuint (now (f)->disks->len, ==, 4);
  assert_size (f, 2, 8 * MIB + 512);
  snapshot_fixture_assert_tidy (f);
}

/* A file that is there is somebody's. */
static void
test_add_beside (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (f->machine_folder, "layers/disk1-l0.qcow2", NULL);
  g_autofree char *text = NULL;
  LodgeJob *job;

  g_assert_true (g_file_set_contents (path, "kept", -1, NULL));
  job = lodge_library_add_disk (f->library, f->machine, MIB, NULL, NULL);
  g_assert_no_error (snapshot_fixture_wait (job));
  g_assert_cmpstr (get_top (f, 2)->file, ==, "layers/disk1-l1.qcow2");
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "kept");
}

static void
test_add_refused (SnapshotFixture *f, gconstpointer unused)
{
  static const struct {
    guint64 size;
    const char *bus;
  } cases[] = {{0, NULL}, {G_MAXUINT64, NULL}, {MIB, "floppy"}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_error (snapshot_fixture_wait (lodge_library_add_disk (
                        f->library, f->machine, cases[i].size, cases[i].bus, NULL)),
                    LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_cmpuint (now (f)->disks->len, ==, 2);
  snapshot_fixture_assert_tidy (f);
}

/* An image of any format, made with a mark in it. Transfer full. */
static char *
make_image (SnapshotFixture *f, const char *format)
{
  char *path = g_strdup_printf ("%s/image.%s", f->folder, format);

  snapshot_fixture_run ("qemu-img", "create", "-q", "-f", format, path, "8M", NULL);
  snapshot_fixture_run ("qemu-io", "-f", format, "-c", "write -P 7 1M 64k", path, NULL);
  return path;
}

static LodgeJob *
add_copy (SnapshotFixture *f, const char *image, guint64 size)
{
  return lodge_library_add_disk (f->library, f->machine, size, "virtio", image);
}

static void
test_add_copy (SnapshotFixture *f, gconstpointer unused)
{
  static const char *const formats[] = {"qcow2", "raw", "vmdk", "vdi", "vhdx"};

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autofree char *image = make_image (f, formats[i]);
    g_autofree char *copy = NULL;
    LodgeJob *job = add_copy (f, image, 0);

    g_assert_no_error (snapshot_fixture_wait (job));
    assert_size (f, 2 + i, 8 * MIB);
    g_assert_cmpstr (lodge_job_get_result (job), ==,
                     ((LodgeDisk *) now (f)->disks->pdata[2 + i])->id);
    g_assert_cmpstr (get_top (f, 2 + i)->format, ==, "qcow2");
    copy = g_build_filename (f->machine_folder, get_top (f, 2 + i)->file, NULL);
    snapshot_fixture_run ("qemu-img", "compare", "-q", "-F", formats[i], copy, image, NULL);
  }
  snapshot_fixture_assert_tidy (f);
}

static void
test_add_copy_larger (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *image = make_image (f, "vdi");
  const GError *error = snapshot_fixture_wait (add_copy (f, image, 4 * MIB));

  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "has 8M"));
  g_assert_no_error (snapshot_fixture_wait (add_copy (f, image, 64 * MIB)));
  assert_size (f, 2, 64 * MIB);
  snapshot_fixture_assert_tidy (f);
}

/* What refers to another file must not bring that in. */
static void
test_add_copy_hostile (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *secret = make_image (f, "raw");
  g_autofree char *image = g_build_filename (f->folder, "hostile.qcow2", NULL);
  g_autofree char *none = g_build_filename (f->folder, "none.qcow2", NULL);

  snapshot_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", "-b", secret, "-F", "raw", image,
                        NULL);
  g_assert_error (snapshot_fixture_wait (add_copy (f, image, 0)), LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_error (snapshot_fixture_wait (add_copy (f, none, 0)), LODGE_ERROR,
                  LODGE_ERROR_NOT_FOUND);
  g_assert_error (snapshot_fixture_wait (add_copy (f, "image.raw", 0)), LODGE_ERROR,
                  LODGE_ERROR_INVALID);
  g_assert_error (snapshot_fixture_wait (add_copy (f, f->folder, 0)), LODGE_ERROR,
                  LODGE_ERROR_INVALID);
  g_assert_cmpuint (now (f)->disks->len, ==, 2);
  snapshot_fixture_assert_tidy (f);
}

static void
test_add_copy_cancelled (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *image = make_image (f, "vmdk");
  LodgeJob *job = add_copy (f, image, 0);

  lodge_job_cancel (job);
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_assert_cmpuint (now (f)->disks->len, ==, 2);
  snapshot_fixture_assert_tidy (f);
}

static const GError *
remove_disk (SnapshotFixture *f, const char *disk, gboolean first)
{
  return snapshot_fixture_wait (lodge_library_remove_disk (f->library, f->machine, disk, first));
}

static void
test_remove (SnapshotFixture *f, gconstpointer unused)
{
  const GError *error;

  snapshot_fixture_write (f, 0, 1);
  error = remove_disk (f, "disk0", FALSE);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_nonnull (strstr (error->message, "starts from the disk “disk0”"));
  error = remove_disk (f, "disk7", TRUE);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_cmpuint (now (f)->disks->len, ==, 2);

  g_assert_no_error (remove_disk (f, "data", FALSE));
  g_assert_cmpuint (now (f)->disks->len, ==, 1);
  g_assert_cmpuint (now (f)->layers->len, ==, 1);
  snapshot_fixture_assert_tidy (f);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
  g_assert_no_error (remove_disk (f, "disk0", TRUE));
  g_assert_cmpuint (now (f)->disks->len, ==, 0);
  snapshot_fixture_assert_tidy (f);
  /* One is made again where none is. */
  g_assert_no_error (
      snapshot_fixture_wait (lodge_library_add_disk (f->library, f->machine, MIB, NULL, NULL)));
  assert_size (f, 0, MIB);
}

/* A snapshot has what it had, and the layer goes with the last that needs it. */
static void
test_remove_snapshots (SnapshotFixture *f, gconstpointer unused)
{
  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 1, 2);
  g_assert_no_error (remove_disk (f, "data", FALSE));
  g_assert_cmpuint (now (f)->layers->len, ==, 3);
  snapshot_fixture_assert_tidy (f);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));

  g_free (snapshot_fixture_go_back (f, "one", FALSE));
  g_assert_cmpuint (now (f)->disks->len, ==, 2);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
  g_assert_no_error (remove_disk (f, "data", FALSE));
  snapshot_fixture_delete (f, "one");
  snapshot_fixture_wait_all (f);
  g_assert_cmpuint (now (f)->layers->len, ==, 1);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
  snapshot_fixture_assert_tidy (f);
}

/* A clone goes on with its own. */
static void
test_remove_shared (SnapshotFixture *f, gconstpointer unused)
{
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed ("{'linked': <true>}"));
  g_autoptr (GError) error = NULL;

  snapshot_fixture_write (f, 0, 1);
  g_assert_no_error (snapshot_fixture_wait (
      lodge_library_clone_machine (f->library, f->machine, "twin", options, &error)));
  g_assert_no_error (remove_disk (f, "data", FALSE));
  g_assert_no_error (remove_disk (f, "disk0", TRUE));
  g_assert_cmpuint (now (f)->layers->len, ==, 0);
  snapshot_fixture_assert_tidy (f);
  /* What is the clone's alone now may become one layer. */
  snapshot_fixture_wait_all (f);
  snapshot_fixture_look_at (f, "twin");
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/machine/disks/" name, SnapshotFixture, NULL, snapshot_fixture_set_up, function,    \
              snapshot_fixture_tear_down)
  ADD ("list", test_list);
  ADD ("grow", test_grow);
  ADD ("refused", test_refused);
  ADD ("shared", test_shared);
  ADD ("snapshots", test_snapshots);
  ADD ("merge-raw", test_merge_raw);
  ADD ("clone", test_clone);
  ADD ("add", test_add);
  ADD ("add-beside", test_add_beside);
  ADD ("add-refused", test_add_refused);
  ADD ("add-copy", test_add_copy);
  ADD ("add-copy-larger", test_add_copy_larger);
  ADD ("add-copy-hostile", test_add_copy_hostile);
  ADD ("add-copy-cancelled", test_add_copy_cancelled);
  ADD ("remove", test_remove);
  ADD ("remove-snapshots", test_remove_snapshots);
  ADD ("remove-shared", test_remove_shared);
  return g_test_run ();
}

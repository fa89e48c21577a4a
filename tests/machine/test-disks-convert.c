/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a disk holds, as an image for other programs: the real qemu-img, no guest. */
#include "snapshot-fixture.h"

#include "lodge-error.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
dup_path (SnapshotFixture *f, const char *name)
{
  return g_build_filename (f->folder, name, NULL);
}

static const GError *
convert (SnapshotFixture *f,
         const char *disk,
         const char *format,
         const char *path,
         const char *snapshot,
         gboolean replace)
{
  return snapshot_fixture_wait (
      lodge_library_convert_disk (f->library, f->machine, disk, format, path, snapshot, replace));
}

static char *
dup_present (SnapshotFixture *f, guint disk)
{
  const LodgeDescription *now = lodge_machine_get_description (f->machine);

  return snapshot_fixture_dup_image (f, ((const LodgeDisk *) now->disks->pdata[disk])->top);
}

/* Of a file that another was being written to beside it. */
static void
assert_nothing_beside (SnapshotFixture *f, const char *path)
{
  g_autofree char *records = g_build_filename (f->data, "unfinished", NULL);

  snapshot_fixture_assert_nothing_hidden (path);
  g_assert_false (g_file_test (records, G_FILE_TEST_EXISTS));
  snapshot_fixture_assert_tidy (f);
}

static void
test_formats (SnapshotFixture *f, gconstpointer unused)
{
  static const char *const formats[] = {"qcow2", "raw", "vmdk", "vhdx", "vdi"};

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 1, 2);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autofree char *path = g_strdup_printf ("%s/out.%s", f->folder, formats[i]);
    g_autofree char *image = dup_present (f, i % 2);

    g_assert_no_error (convert (f, i % 2 == 0 ? "disk0" : "data", formats[i], path, NULL, FALSE));
    snapshot_fixture_run ("qemu-img", "compare", "-q", "-F", formats[i], image, path, NULL);
    assert_nothing_beside (f, path);
  }
}

/* And back: what is written is what can be read in. */
static void
test_back (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *path = dup_path (f, "out.vhdx");
  g_autofree char *first = dup_present (f, 0);
  g_autofree char *third = NULL;

  snapshot_fixture_write (f, 0, 1);
  g_assert_no_error (convert (f, "disk0", "vhdx", path, NULL, FALSE));
  g_assert_no_error (
      snapshot_fixture_wait (lodge_library_add_disk (f->library, f->machine, 0, "virtio", path)));
  third = dup_present (f, 2);
  snapshot_fixture_run ("qemu-img", "compare", "-q", first, third, NULL);
}

/* A snapshot's, also of a disk that is no more. */
static void
test_snapshot (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *path = dup_path (f, "out.qcow2");
  const GError *error;

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 0, 2);
  g_assert_no_error (
      snapshot_fixture_wait (lodge_library_remove_disk (f->library, f->machine, "data", FALSE)));
  g_assert_no_error (convert (f, "data", "qcow2", path, "one", FALSE));
  snapshot_fixture_run ("qemu-io", "-r", "-c", "read -P 1 0 256k", path, NULL);
  error = convert (f, "data", "raw", path, NULL, TRUE);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  error = convert (f, "disk7", "raw", path, "one", TRUE);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "disk7"));
  error = convert (f, "disk0", "raw", path, "two", TRUE);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  assert_nothing_beside (f, path);
}

static void
test_there (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *path = dup_path (f, "out.raw");
  g_autofree char *link_path = dup_path (f, "link.raw");
  g_autofree char *text = NULL;
  struct stat info;

  snapshot_fixture_write (f, 0, 1);
  g_assert_true (g_file_set_contents (path, "kept", -1, NULL));
  g_assert_error (convert (f, "disk0", "raw", path, NULL, FALSE), LODGE_ERROR, LODGE_ERROR_EXISTS);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "kept");
  g_assert_no_error (convert (f, "disk0", "raw", path, NULL, TRUE));
  snapshot_fixture_run ("qemu-io", "-f", "raw", "-r", "-c", "read -P 1 0 256k", path, NULL);
  /* Never what it leads to, and no folder. */
  g_assert_no_errno (symlink (path, link_path));
  g_assert_error (convert (f, "disk0", "raw", link_path, NULL, TRUE), LODGE_ERROR,
                  LODGE_ERROR_EXISTS);
  g_assert_no_errno (lstat (link_path, &info));
  g_assert_true (S_ISLNK (info.st_mode));
  g_assert_error (convert (f, "disk0", "raw", f->folder, NULL, TRUE), LODGE_ERROR,
                  LODGE_ERROR_EXISTS);
  assert_nothing_beside (f, path);
}

static void
test_refused (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *path = dup_path (f, "none/out.raw");
  g_autofree char *own = g_build_filename (f->machine_folder, "layers/disk0-l0.qcow2", NULL);
  g_autofree char *beside = g_build_filename (f->machine_folder, "../out.raw", NULL);
  const GError *error;

  g_assert_error (convert (f, "disk0", "floppy", path, NULL, FALSE), LODGE_ERROR,
                  LODGE_ERROR_INVALID);
  g_assert_error (convert (f, "disk0", "raw", "out.raw", NULL, FALSE), LODGE_ERROR,
                  LODGE_ERROR_INVALID);
  g_assert_error (convert (f, "disk0", "raw", path, NULL, FALSE), LODGE_ERROR,
                  LODGE_ERROR_NOT_FOUND);
  error = convert (f, "disk0", "raw", own, NULL, TRUE);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "keeps its machines"));
  g_assert_error (convert (f, "disk0", "raw", beside, NULL, FALSE), LODGE_ERROR,
                  LODGE_ERROR_INVALID);
  assert_nothing_beside (f, path);
  snapshot_fixture_assert_marks (f, NULL, &(const SnapshotMarks){{0}});
}

/* A disk that is used where it is. */
static void
test_in_place (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *path = dup_path (f, "place.raw");
  g_autoptr (GVariant) spec = NULL;
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  snapshot_fixture_run ("qemu-img", "create", "-q", "-f", "raw", path, "4M", NULL);
  spec = g_variant_ref_sink (
      g_variant_new_parsed ("{'name': <'other'>, 'disk': <%s>, 'in-place': <true>}", path));
  job = lodge_library_create_machine (f->library, spec, &error);
  g_assert_no_error (error);
  g_assert_no_error (snapshot_fixture_wait (job));
  g_assert_error (convert (f, "disk0", "raw", path, NULL, TRUE), LODGE_ERROR, LODGE_ERROR_INVALID);
  snapshot_fixture_run ("qemu-img", "info", "-f", "raw", path, NULL);
}

/* Two at once to one place: neither writes to what the other has in the making. */
static void
test_two (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *disk = dup_path (f, "other.raw");
  g_autofree char *path = dup_path (f, "out.raw");
  g_autoptr (GVariant) spec = NULL;
  g_autoptr (GError) error = NULL;
  LodgeMachine *other;
  LodgeJob *job;

  snapshot_fixture_run ("qemu-img", "create", "-q", "-f", "raw", disk, "4M", NULL);
  spec = g_variant_ref_sink (
      g_variant_new_parsed ("{'name': <'other'>, 'disk': <%s>, 'in-place': <true>}", disk));
  job = lodge_library_create_machine (f->library, spec, &error);
  g_assert_no_error (error);
  g_assert_no_error (snapshot_fixture_wait (job));
  other = lodge_library_find (f->library, "other", NULL);
  snapshot_fixture_write (f, 0, 1);
  for (guint i = 0; i < 5; i++) {
    LodgeJob *first =
        lodge_library_convert_disk (f->library, f->machine, "disk0", "raw", path, NULL, TRUE);
    LodgeJob *second =
        lodge_library_convert_disk (f->library, other, "disk0", "raw", path, NULL, TRUE);

    g_assert_no_error (snapshot_fixture_wait (first));
    g_assert_no_error (snapshot_fixture_wait (second));
  }
  /* Without leave to replace it, the one that is whole first has the name. */
  g_assert_no_errno (unlink (path));
  for (guint i = 0; i < 2; i++) {
    LodgeJob *jobs[] = {
        lodge_library_convert_disk (f->library, f->machine, "disk0", "raw", path, NULL, FALSE),
        lodge_library_convert_disk (f->library, other, "disk0", "raw", path, NULL, FALSE),
    };
    guint n_done = 0;

    for (guint j = 0; j < G_N_ELEMENTS (jobs); j++) {
      const GError *failed = snapshot_fixture_wait (jobs[j]);

      if (failed == NULL)
        n_done++;
      else
        g_assert_error (failed, LODGE_ERROR, LODGE_ERROR_EXISTS);
    }
    g_assert_cmpuint (n_done, ==, i == 0 ? 1 : 0);
  }
  assert_nothing_beside (f, path);
}

static void
test_cancelled (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *path = dup_path (f, "out.raw");
  LodgeJob *job =
      lodge_library_convert_disk (f->library, f->machine, "disk0", "raw", path, NULL, FALSE);

  lodge_job_cancel (job);
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  assert_nothing_beside (f, path);
}

/* What the next engine removes is what was recorded, if it is that. */
static void
test_records (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *folder = g_build_filename (f->data, "unfinished", NULL);
  g_autofree char *half = dup_path (f, ".out.raw.new");
  g_autofree char *other = dup_path (f, "other");
  g_autofree char *first = g_build_filename (folder, "a", NULL);
  g_autofree char *second = g_build_filename (folder, "b", NULL);

  snapshot_fixture_close (f);
  g_assert_no_errno (mkdir (folder, 0700));
  g_assert_true (g_file_set_contents (half, "half", -1, NULL));
  g_assert_true (g_file_set_contents (other, "other", -1, NULL));
  g_assert_true (g_file_set_contents (first, half, -1, NULL));
  g_assert_true (g_file_set_contents (second, other, -1, NULL));
  snapshot_fixture_open (f);
  g_assert_false (g_file_test (half, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (other, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/machine/disks/convert/" name, SnapshotFixture, NULL, snapshot_fixture_set_up,      \
              function, snapshot_fixture_tear_down)
  ADD ("formats", test_formats);
  ADD ("back", test_back);
  ADD ("snapshot", test_snapshot);
  ADD ("there", test_there);
  ADD ("refused", test_refused);
  ADD ("in-place", test_in_place);
  ADD ("two", test_two);
  ADD ("cancelled", test_cancelled);
  ADD ("records", test_records);
  return g_test_run ();
}

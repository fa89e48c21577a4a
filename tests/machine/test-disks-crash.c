/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine that is killed at every step of changing a machine's disks: what was on them is there,
 * each has its old size or the new one, and the next engine goes on. As test-snapshot-crash.c. */
#include "crash-worker.h"
#include "snapshot-fixture.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "storage/lodge-image-grow.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define MIB      (G_GUINT64_CONSTANT (1) << 20)
#define OLD_SIZE (4 * MIB)
#define NEW_SIZE (64 * MIB)

static const SnapshotMarks one = {{1}};
static const SnapshotMarks present = {{1, 2}};

/* --- The worker --- */

/* Beside what an engine has, since nobody changes it. */
static char *
dup_image (SnapshotFixture *f, const char *name)
{
  g_autofree char *folder = g_path_get_dirname (f->data);

  return g_build_filename (folder, name, NULL);
}

static LodgeJob *
begin (SnapshotFixture *f, const char *operation)
{
  g_autofree char *image = dup_image (f, "image.vmdk");
  g_autofree char *out = dup_image (f, "out.vdi");

  if (g_str_equal (operation, "copy"))
    return lodge_library_add_disk (f->library, f->machine, NEW_SIZE, NULL, image);
  if (g_str_equal (operation, "compact"))
    return lodge_library_compact_disk (f->library, f->machine, "disk0");
  if (g_str_equal (operation, "convert"))
    return lodge_library_convert_disk (f->library, f->machine, "disk0", "vdi", out, NULL, TRUE);
  if (g_str_equal (operation, "remove"))
    return lodge_library_remove_disk (f->library, f->machine, "data", FALSE);
  if (g_str_equal (operation, "grow"))
    return lodge_library_grow_disk (f->library, f->machine, "disk0", NEW_SIZE);
  if (g_str_equal (operation, "add"))
    return lodge_library_add_disk (f->library, f->machine, NEW_SIZE, NULL, NULL);
  g_assert_cmpstr (operation, ==, "grow-raw");
  return lodge_library_grow_disk (f->library, f->machine, "data", NEW_SIZE);
}

static void
work (const char *data, const char *operation, int step)
{
  crash_worker_work (data, operation, step, begin);
}

/* --- The next engine --- */

typedef struct {
  SnapshotFixture fixture;
  char *original; /* what each run gets a copy of */
} Fixture;

/* Zeros over what the layer below has, and some that are of no use. */
static void
waste (SnapshotFixture *s)
{
  const LodgeDescription *now = lodge_machine_get_description (s->machine);
  g_autofree char *image =
      snapshot_fixture_dup_image (s, ((const LodgeDisk *) now->disks->pdata[0])->top);

  snapshot_fixture_run ("qemu-io", "-c", "write -P 5 1M 2M", "-c", "write -P 0 1M 2M", image, NULL);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  const CrashTable *table = data;
  const char *operation = table->operation;
  SnapshotFixture *s = &f->fixture;

  if (table->encrypted)
    snapshot_fixture_set_up_encrypted (s, NULL);
  else
    snapshot_fixture_set_up (s, NULL);
  snapshot_fixture_write (s, 0, 1);
  /* Else the raw file is the one that is written to. */
  if (!g_str_equal (operation, "grow-raw"))
    g_free (snapshot_fixture_take (s, "one"));
  snapshot_fixture_write (s, 1, 2);
  if (g_str_equal (operation, "compact"))
    waste (s);
  snapshot_fixture_close (s);
  if (g_str_equal (operation, "copy")) {
    g_autofree char *image = dup_image (s, "image.vmdk");

    snapshot_fixture_run ("qemu-img", "create", "-q", "-f", "vmdk", image, "4M", NULL);
    snapshot_fixture_run ("qemu-io", "-f", "vmdk", "-c", "write -P 7 1M 64k", image, NULL);
  }
  f->original = g_steal_pointer (&s->data);
  s->data = g_build_filename (s->folder, "copy", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  snapshot_fixture_tear_down (&f->fixture, NULL);
  g_free (f->original);
}

/* What the guest sees, which machine.ini must not promise less than. */
static guint64
get_size (SnapshotFixture *s, guint index)
{
  const LodgeDescription *now = lodge_machine_get_description (s->machine);
  const LodgeDisk *disk = now->disks->pdata[index];
  const LodgeLayer *top = lodge_description_get_layer (now, disk->top);
  int fd = lodge_own_file_open (s->machine_folder, top->file, O_RDONLY, NULL);
  guint64 size = 0;

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (lodge_image_read_size (fd, top->format, &size));
  close (fd);
  g_assert_cmpuint (size, <=, top->size_bytes);
  return size;
}

static void
assert_contents (SnapshotFixture *s, const char *operation)
{
  snapshot_fixture_assert_tidy (s);
  if (!g_str_equal (operation, "grow-raw"))
    snapshot_fixture_assert_marks (s, "one", &one);
  snapshot_fixture_assert_marks (s, NULL, &present);
  g_assert_cmpint (snapshot_fixture_is_in_clear (s), ==, s->secret == NULL);
}

static void
look_at_added (SnapshotFixture *s, const char *operation)
{
  guint n = lodge_machine_get_description (s->machine)->disks->len;
  g_autofree char *kept = NULL;

  g_assert_cmpuint (n, >=, 2);
  g_assert_cmpuint (n, <=, 3);
  g_assert_no_error (snapshot_fixture_wait (begin (s, operation)));
  g_assert_cmpuint (get_size (s, n), ==, NEW_SIZE);
  snapshot_fixture_assert_tidy (s);
  /* What there was before is looked at from where there are only those disks. */
  kept = snapshot_fixture_go_back (s, "one", TRUE);
  snapshot_fixture_assert_marks (s, NULL, &one);
  snapshot_fixture_assert_marks (s, kept, &present);
  snapshot_fixture_assert_tidy (s);
  snapshot_fixture_close (s);
}

static void
look_at_removed (SnapshotFixture *s)
{
  guint n = lodge_machine_get_description (s->machine)->disks->len;

  snapshot_fixture_assert_tidy (s);
  snapshot_fixture_assert_marks (s, NULL, &present);
  if (n == 2)
    g_assert_no_error (snapshot_fixture_wait (begin (s, "remove")));
  g_assert_cmpuint (lodge_machine_get_description (s->machine)->disks->len, ==, 1);
  snapshot_fixture_assert_tidy (s);
  snapshot_fixture_assert_marks (s, NULL, &present);
  /* The snapshot has it as it was. */
  g_free (snapshot_fixture_go_back (s, "one", FALSE));
  g_assert_cmpuint (lodge_machine_get_description (s->machine)->disks->len, ==, 2);
  snapshot_fixture_assert_marks (s, NULL, &one);
  snapshot_fixture_assert_tidy (s);
  snapshot_fixture_close (s);
}

static void
look_at_converted (SnapshotFixture *s)
{
  const LodgeDescription *now = lodge_machine_get_description (s->machine);
  g_autofree char *out = dup_image (s, "out.vdi");
  g_autofree char *image =
      snapshot_fixture_dup_image (s, ((const LodgeDisk *) now->disks->pdata[0])->top);

  snapshot_fixture_assert_tidy (s);
  snapshot_fixture_assert_marks (s, NULL, &present);
  snapshot_fixture_assert_nothing_hidden (out);
  /* It is whole, or not there. */
  if (g_file_test (out, G_FILE_TEST_EXISTS))
    snapshot_fixture_run ("qemu-img", "compare", "-q", "-F", "vdi", image, out, NULL);
  g_assert_no_errno (g_file_test (out, G_FILE_TEST_EXISTS) ? unlink (out) : 0);
  g_assert_no_error (snapshot_fixture_wait (begin (s, "convert")));
  snapshot_fixture_run ("qemu-img", "compare", "-q", "-F", "vdi", image, out, NULL);
  g_assert_no_errno (unlink (out));
  snapshot_fixture_close (s);
}

static void
look_at_compacted (SnapshotFixture *s)
{
  snapshot_fixture_assert_tidy (s);
  snapshot_fixture_assert_marks (s, NULL, &present);
  snapshot_fixture_assert_marks (s, "one", &one);
  g_assert_no_error (snapshot_fixture_wait (begin (s, "compact")));
  snapshot_fixture_assert_tidy (s);
  snapshot_fixture_assert_marks (s, NULL, &present);
  g_assert_cmpuint (get_size (s, 0), ==, OLD_SIZE);
  snapshot_fixture_close (s);
}

/* Whatever has happened, it has happened wholly or not at all, and can be done again. */
static void
look (Fixture *f, const char *operation)
{
  SnapshotFixture *s = &f->fixture;
  guint index = g_str_equal (operation, "grow-raw") ? 1 : 0;
  const GError *error;
  guint64 size;

  snapshot_fixture_open (s);
  if (g_str_equal (operation, "add") || g_str_equal (operation, "copy")) {
    snapshot_fixture_assert_tidy (s);
    look_at_added (s, operation);
    return;
  }
  if (g_str_equal (operation, "convert")) {
    look_at_converted (s);
    return;
  }
  if (g_str_equal (operation, "compact")) {
    look_at_compacted (s);
    return;
  }
  if (g_str_equal (operation, "remove")) {
    look_at_removed (s);
    return;
  }
  assert_contents (s, operation);
  size = get_size (s, index);
  g_assert_true (size == OLD_SIZE || size == NEW_SIZE);
  g_assert_cmpuint (get_size (s, 1 - index), ==, OLD_SIZE);

  error = snapshot_fixture_wait (begin (s, operation));
  if (size == NEW_SIZE)
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  else
    g_assert_no_error (error);
  g_assert_cmpuint (get_size (s, index), ==, NEW_SIZE);
  g_free (snapshot_fixture_take (s, "after"));
  g_assert_cmpuint (get_size (s, index), ==, NEW_SIZE);
  assert_contents (s, operation);
  snapshot_fixture_close (s);
}

static void
look_cb (gpointer data, const char *operation)
{
  look (data, operation);
}

static void
test_killed (Fixture *f, gconstpointer table)
{
  crash_worker_kill_at_each (f->original, f->fixture.data, table, 2, look_cb, f);
}

int
main (int argc, char *argv[])
{
  static const char *const operations[] = {"grow",    "grow-raw", "add",    "copy",
                                           "compact", "convert",  "remove", NULL};
  /* What is known of the others knows nothing of a key. */
  static const char *const with_key[] = {"grow", "add", "copy", "remove", NULL};

  if (crash_worker_main (argc, argv, work))
    return 0;
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (gboolean encrypted = FALSE; encrypted <= TRUE; encrypted++)
    crash_worker_add_tables ("disks", encrypted, encrypted ? with_key : operations,
                             sizeof (Fixture), (GTestFixtureFunc) set_up,
                             (GTestFixtureFunc) test_killed, (GTestFixtureFunc) tear_down);
  return g_test_run ();
}

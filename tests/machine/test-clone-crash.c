/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine that is killed at every step of making a machine or a clone, and of deleting one of two
 * that share layers: nothing is lost, nothing is left lying about, and the next engine goes on. As
 * test-snapshot-crash.c, on a copy of a machine with a snapshot and a clone:
 *
 *     web    what it was (1) <-- one (1) <-- the present (1 2)
 *     twin   what it was (1) <-- the present (1 0 3)
 */
#include "crash-worker.h"
#include "snapshot-fixture.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine/lodge-machine-key.h"
#include "test-wait.h"

#include <stdlib.h>
#include <string.h>

static const SnapshotMarks one = {{1}};
static const SnapshotMarks present = {{1, 2}};
static const SnapshotMarks twin = {{1, 0, 3}};

/* --- The worker --- */

static LodgeJob *
begin_clone (SnapshotFixture *f, const char *name, const char *options)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (options));
  g_autoptr (GError) error = NULL;
  LodgeJob *job = lodge_library_clone_machine (f->library, f->machine, name, parsed, &error);

  g_assert_no_error (error);
  return job;
}

/* From an image beside what an engine has, with the marks of "one". */
static LodgeJob *
begin_create (SnapshotFixture *f)
{
  g_autofree char *folder = g_path_get_dirname (f->data);
  g_autofree char *image = g_build_filename (folder, "image.raw", NULL);
  g_autoptr (GVariant) spec = NULL;
  g_autoptr (GError) error = NULL;
  GVariantDict dict;
  LodgeJob *job;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", "new");
  g_variant_dict_insert (&dict, "disk", "s", image);
  g_variant_dict_insert (&dict, "firmware", "s", "bios");
  if (lodge_machine_get_encryption (f->machine)[0] != '\0')
    g_variant_dict_insert_value (&dict, "passphrase", snapshot_fixture_new_passphrase ());
  spec = g_variant_ref_sink (g_variant_dict_end (&dict));
  job = lodge_library_create_machine (f->library, spec, &error);
  g_assert_no_error (error);
  return job;
}

static LodgeJob *
delete_machine (SnapshotFixture *f, const char *name)
{
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  snapshot_fixture_look_at (f, name);
  job = lodge_library_delete_machine (f->library, f->machine, &error);
  g_assert_no_error (error);
  return job;
}

static LodgeJob *
begin (SnapshotFixture *f, const char *operation)
{
  if (g_str_equal (operation, "create"))
    return begin_create (f);
  if (g_str_equal (operation, "linked"))
    return begin_clone (f, "new", "{'linked': <true>}");
  if (g_str_equal (operation, "full"))
    return begin_clone (f, "new", "@a{sv} {}");
  if (g_str_equal (operation, "linked-snapshot"))
    return begin_clone (f, "new", "{'linked': <true>, 'snapshot': <'one'>}");
  if (g_str_equal (operation, "full-snapshot"))
    return begin_clone (f, "new", "{'snapshot': <'one'>}");
  g_assert_cmpstr (operation, ==, "delete-twin");
  return delete_machine (f, "twin");
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

/* For what is made from it. */
static void
make_image (SnapshotFixture *s)
{
  g_autofree char *image = g_build_filename (s->folder, "image.raw", NULL);

  snapshot_fixture_run ("qemu-img", "create", "-q", "-f", "raw", image, "4M", NULL);
  snapshot_fixture_run ("qemu-io", "-f", "raw", "-c", "write -P 1 0 256k", image, NULL);
}

static void
set_up (Fixture *f, gconstpointer table)
{
  SnapshotFixture *s = &f->fixture;

  if (((const CrashTable *) table)->encrypted)
    snapshot_fixture_set_up_encrypted (s, NULL);
  else
    snapshot_fixture_set_up (s, NULL);
  make_image (s);
  snapshot_fixture_write (s, 0, 1);
  g_assert_no_error (snapshot_fixture_wait (begin_clone (s, "twin", "{'linked': <true>}")));
  g_free (snapshot_fixture_take (s, "one"));
  snapshot_fixture_write (s, 1, 2);
  snapshot_fixture_look_at (s, "twin");
  snapshot_fixture_write (s, 2, 3);
  snapshot_fixture_close (s);
  f->original = g_steal_pointer (&s->data);
  s->data = g_build_filename (s->folder, "copy", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  snapshot_fixture_tear_down (&f->fixture, NULL);
  g_free (f->original);
}

static gboolean
has (SnapshotFixture *s, const char *name)
{
  return lodge_library_find (s->library, name, NULL) != NULL;
}

static void
assert_folders (SnapshotFixture *s)
{
  g_autofree char *machines = g_build_filename (s->data, "machines", NULL);
  g_autoptr (GDir) dir = g_dir_open (machines, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_test_message ("%s", name);
    n++;
  }
  g_assert_cmpuint (n, ==, lodge_library_get_machines (s->library)->len);
}

static gboolean
is_clone (const char *operation)
{
  return g_str_has_prefix (operation, "linked") || g_str_has_prefix (operation, "full");
}

static gboolean
is_of_snapshot (const char *operation)
{
  return strstr (operation, "snapshot") != NULL || g_str_equal (operation, "create");
}

/* Whatever has happened, it has happened wholly or not at all. */
static void
look (Fixture *f, const char *operation)
{
  SnapshotFixture *s = &f->fixture;

  snapshot_fixture_open (s);
  assert_folders (s);
  snapshot_fixture_assert_tidy (s);
  snapshot_fixture_assert_marks (s, "one", &one);
  snapshot_fixture_assert_marks (s, NULL, &present);
  if (!g_str_equal (operation, "delete-twin"))
    g_assert_true (has (s, "twin"));
  if (has (s, "twin")) {
    snapshot_fixture_look_at (s, "twin");
    snapshot_fixture_assert_tidy (s);
    snapshot_fixture_assert_marks (s, NULL, &twin);
  }
  if (has (s, "new")) {
    snapshot_fixture_look_at (s, "new");
    snapshot_fixture_assert_tidy (s);
    snapshot_fixture_assert_marks (s, NULL, is_of_snapshot (operation) ? &one : &present);
  }
  g_assert_cmpint (snapshot_fixture_is_in_clear (s), ==, s->secret == NULL);
}

/* Work goes on as if nothing had been. */
static void
go_on (Fixture *f)
{
  SnapshotFixture *s = &f->fixture;

  snapshot_fixture_look_at (s, "web");
  g_assert_no_error (snapshot_fixture_wait (begin_clone (s, "after", "{'linked': <true>}")));
  snapshot_fixture_wait_all (s);
  snapshot_fixture_assert_tidy (s);
  snapshot_fixture_assert_marks (s, NULL, &present);
  snapshot_fixture_look_at (s, "after");
  snapshot_fixture_assert_tidy (s);
  snapshot_fixture_assert_marks (s, NULL, &present);
  snapshot_fixture_close (s);
}

static void
look_and_go_on (gpointer data, const char *operation)
{
  look (data, operation);
  go_on (data);
}

static void
test_killed (Fixture *f, gconstpointer data)
{
  const CrashTable *table = data;
  const gboolean clones = is_clone (table->operation);

  crash_worker_kill_at_each (f->original, f->fixture.data, table, clones ? 5 : 2, look_and_go_on,
                             f);
}

int
main (int argc, char *argv[])
{
  static const char *const operations[] = {
      "create", "linked", "full", "linked-snapshot", "full-snapshot", "delete-twin", NULL};

  if (crash_worker_main (argc, argv, work))
    return 0;
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (gboolean encrypted = FALSE; encrypted <= TRUE; encrypted++)
    crash_worker_add_tables ("clone", encrypted, operations, sizeof (Fixture),
                             (GTestFixtureFunc) set_up, (GTestFixtureFunc) test_killed,
                             (GTestFixtureFunc) tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine that is killed at every step of encrypting a machine, and of the opposite: it is whole,
 * as it was or as it is to be, nothing else is left, and the next engine goes on with it. */
#include "crash-worker.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine/lodge-machine-key.h"
#include "storage/lodge-key-file.h"
#include "test-folder.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define PASSPHRASE "correct horse"
#define MOST_STEPS 100

static LodgeSecret *
new_passphrase (void)
{
  return lodge_secret_new_copy (PASSPHRASE, strlen (PASSPHRASE));
}

static gboolean
is_encrypted (SnapshotFixture *s)
{
  return lodge_machine_get_encryption (s->machine)[0] != '\0';
}

static void
open_up (SnapshotFixture *s)
{
  g_autoptr (LodgeSecret) passphrase = new_passphrase ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_is_locked (s->machine))
    return;
  lodge_machine_unlock_async (s->machine, passphrase, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_key_finish (s->machine, result, &error);
  g_assert_no_error (error);
}

static LodgeJob *
begin (SnapshotFixture *s, const char *operation)
{
  g_autoptr (LodgeSecret) passphrase = new_passphrase ();

  if (g_str_equal (operation, "encrypt"))
    return lodge_library_encrypt (s->library, s->machine, passphrase, FALSE);
  open_up (s);
  return lodge_library_decrypt (s->library, s->machine);
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

static void
run_on_top (SnapshotFixture *s, const char *layer, const char *command)
{
  g_autofree char *image = snapshot_fixture_dup_image (s, layer);

  snapshot_fixture_run ("qemu-io", "-c", command, image, NULL);
}

static const char *
get_top (SnapshotFixture *s)
{
  return ((const LodgeDisk *) lodge_machine_get_description (s->machine)->disks->pdata[0])->top;
}

/* One disk, with data below a snapshot and above it; what is above hides some of it with zeros. */
static void
set_up (Fixture *f, gconstpointer data)
{
  const CrashTable *table = data;
  SnapshotFixture *s = &f->fixture;
  g_autoptr (GVariant) spec = g_variant_ref_sink (g_variant_new_parsed (
      "{'name': <'web'>, 'disk-size': <uint64 4194304>, 'firmware': <'bios'>}"));
  g_autofree char *runtime = NULL;
  g_autoptr (GError) error = NULL;

  test_folder_keep_names ();
  s->folder = g_dir_make_tmp ("lodge-crypt-XXXXXX", NULL);
  s->data = g_build_filename (s->folder, "data", NULL);
  runtime = g_build_filename (s->folder, "run", NULL);
  g_setenv ("LODGE_RUNTIME_DIR", runtime, TRUE);
  s->library = lodge_library_new (s->data, &error);
  g_assert_no_error (error);
  g_assert_no_error (
      snapshot_fixture_wait (lodge_library_create_machine (s->library, spec, &error)));
  snapshot_fixture_look_at (s, "web");
  run_on_top (s, get_top (s), "write -P 1 0 1M");
  g_free (snapshot_fixture_take (s, "one"));
  run_on_top (s, get_top (s), "write -P 2 1M 1M");
  run_on_top (s, get_top (s), "write -z 0 64k");
  if (g_str_equal (table->operation, "decrypt"))
    g_assert_no_error (snapshot_fixture_wait (begin (s, "encrypt")));
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

static guint
count_names (const char *folder, const char *below)
{
  g_autofree char *path = g_build_filename (folder, below, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  guint n = 0;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_test_message ("%s: %s", below, name);
    n++;
  }
  return n;
}

static guint
get_mode (SnapshotFixture *s, const char *layer)
{
  const LodgeDescription *now = lodge_machine_get_description (s->machine);
  g_autofree char *path =
      g_build_filename (s->machine_folder, lodge_description_get_layer (now, layer)->file, NULL);
  GStatBuf info;

  g_assert_no_errno (g_stat (path, &info));
  return info.st_mode & 0777;
}

/* What machine.ini names is there, and nothing else. */
static void
assert_tidy (SnapshotFixture *s)
{
  const LodgeDescription *now = lodge_machine_get_description (s->machine);
  const LodgeSnapshot *one = now->snapshots->pdata[0];
  g_autofree char *snapshot = lodge_snapshot_dup_folder (one->id);
  g_autofree char *key = g_build_filename (s->machine_folder, LODGE_KEY_FILE, NULL);
  const guint n_key = is_encrypted (s) ? 1 : 0;

  g_assert_cmpuint (count_names (s->machine_folder, "layers"), ==, 2);
  g_assert_cmpuint (count_names (s->machine_folder, "snapshots"), ==, 1);
  g_assert_cmpuint (count_names (s->machine_folder, snapshot), ==, 1);
  g_assert_cmpint (g_file_test (key, G_FILE_TEST_EXISTS), ==, n_key);
  /* machine.ini, layers, snapshots and the lock. */
  g_assert_cmpuint (count_names (s->machine_folder, "."), ==, 4 + n_key);
  g_assert_cmpuint (get_mode (s, get_top (s)), ==, 0600);
  g_assert_cmpuint (get_mode (s, one->layers[0]), ==, 0400);
}

/* In clear, as it is then. */
static void
assert_contents (SnapshotFixture *s)
{
  const LodgeDescription *now = lodge_machine_get_description (s->machine);
  const LodgeSnapshot *one = now->snapshots->pdata[0];
  g_autofree char *below = snapshot_fixture_dup_image (s, one->layers[0]);
  g_autofree char *image = snapshot_fixture_dup_image (s, get_top (s));

  g_assert_cmpstr (now->snapshot, ==, one->id);
  snapshot_fixture_run ("qemu-io", "-r", "-c", "read -P 1 0 1M", "-c", "read -P 0 1M 3M", below,
                        NULL);
  snapshot_fixture_run ("qemu-io", "-r", "-c", "read -P 0 0 64k", "-c", "read -P 1 64k 960k", "-c",
                        "read -P 2 1M 1M", "-c", "read -P 0 2M 2M", image, NULL);
}

static void
look (Fixture *f)
{
  SnapshotFixture *s = &f->fixture;

  snapshot_fixture_open (s);
  assert_tidy (s);
  if (is_encrypted (s)) {
    g_assert_no_error (snapshot_fixture_wait (begin (s, "decrypt")));
    assert_tidy (s);
  }
  g_assert_false (is_encrypted (s));
  assert_contents (s);
  snapshot_fixture_close (s);
}

static void
look_cb (gpointer data, const char *operation)
{
  look (data);
}

static void
test_killed (Fixture *f, gconstpointer data)
{
  const CrashTable *table = data;
  SnapshotFixture *s = &f->fixture;

  crash_worker_kill_at_each (f->original, s->data, table, 15, look_cb, f);
  /* It came to its end. */
  crash_worker_copy (f->original, s->data);
  g_assert_false (crash_worker_run (s->data, table->operation, MOST_STEPS));
  snapshot_fixture_open (s);
  g_assert_cmpint (is_encrypted (s), ==, g_str_equal (table->operation, "encrypt"));
  snapshot_fixture_close (s);
}

int
main (int argc, char *argv[])
{
  static const char *const operations[] = {"encrypt", "decrypt", NULL};

  if (crash_worker_main (argc, argv, work))
    return 0;
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  /* It is the steps of becoming one that are looked at: every one. */
  crash_worker_add_tables ("encrypt", FALSE, operations, sizeof (Fixture),
                           (GTestFixtureFunc) set_up, (GTestFixtureFunc) test_killed,
                           (GTestFixtureFunc) tear_down);
  return g_test_run ();
}

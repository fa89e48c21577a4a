/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In which order files are given to the disk (durable-watch.h): a power cut at any moment of taking
 * a snapshot, going back, deleting one, cloning, growing, suspending and resuming loses nothing. */
#include "durable-watch.h"
#include "machine-fixture.h"
#include "snapshot-fixture.h"

#include "description/lodge-durable-file.h"
#include "description/lodge-description-snapshots.h"
#include "test-folder.h"

#include <glib/gstdio.h>
#include <string.h>

#define MIB (G_GUINT64_CONSTANT (1) << 20)

static void
assert_nothing_lost (guint n_looks_before)
{
  g_autoptr (GPtrArray) losses = durable_watch_end ();
  const guint n = durable_watch_get_n_looks () - n_looks_before;

  for (guint i = 0; i < losses->len; i++)
    g_test_message ("%s", (const char *) losses->pdata[i]);
  g_test_message ("%u looks", n);
  g_assert_cmpuint (losses->len, ==, 0);
  g_assert_cmpuint (n, >, 4);
}

/* ---- a machine that is off */

static void
snapshot (SnapshotFixture *f)
{
  g_free (snapshot_fixture_take (f, "two"));
}

static void
go_back (SnapshotFixture *f)
{
  g_free (snapshot_fixture_go_back (f, "one", TRUE));
  g_free (snapshot_fixture_go_back (f, "first", FALSE));
}

/* And what is left is merged. */
static void delete (SnapshotFixture *f)
{
  snapshot_fixture_delete (f, "one");
  snapshot_fixture_wait_all (f);
  snapshot_fixture_delete (f, "first");
  snapshot_fixture_wait_all (f);
  g_assert_cmpuint (lodge_machine_get_description (f->machine)->layers->len, ==, 2);
}

static void
make_clone (SnapshotFixture *f, gboolean linked)
{
  g_autoptr (GVariant) spec =
      g_variant_ref_sink (g_variant_new_parsed ("{'linked': <%b>}", linked));
  g_autoptr (GError) error = NULL;
  LodgeJob *job = lodge_library_clone_machine (f->library, f->machine, "test", spec, &error);

  g_assert_no_error (error);
  g_assert_no_error (snapshot_fixture_wait (job));
  snapshot_fixture_wait_all (f);
}

static void
clone_linked (SnapshotFixture *f)
{
  make_clone (f, TRUE);
}

static void
clone_fully (SnapshotFixture *f)
{
  make_clone (f, FALSE);
}

static void
grow (SnapshotFixture *f)
{
  g_assert_no_error (
      snapshot_fixture_wait (lodge_library_grow_disk (f->library, f->machine, "disk0", 64 * MIB)));
}

static void
add (SnapshotFixture *f)
{
  g_assert_no_error (snapshot_fixture_wait (
      lodge_library_add_disk (f->library, f->machine, 64 * MIB, NULL, NULL)));
}

static const struct {
  const char *name;
  void (*work) (SnapshotFixture *f);
} works[] = {
    {"snapshot", snapshot},
    {"go-back", go_back},
    {"delete", delete},
    {"clone-linked", clone_linked},
    {"clone-full", clone_fully},
    {"grow", grow},
    {"add", add},
};

static void
test_off (SnapshotFixture *f, gconstpointer data)
{
  const guint n = durable_watch_get_n_looks ();
  g_autofree char *folder = NULL;

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "first"));
  snapshot_fixture_write (f, 1, 2);
  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 2, 3);
  folder = g_path_get_dirname (f->machine_folder);
  durable_watch_begin (folder, FALSE);
  works[GPOINTER_TO_UINT (data)].work (f);
  assert_nothing_lost (n);
}

/* ---- a guest that runs */

static void
wait_well (LodgeJob *job)
{
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (job));
}

static void
test_live (MachineFixture *f, gconstpointer data)
{
  const guint n = durable_watch_get_n_looks ();
  LodgeMachine *machine = machine_fixture_create (f, "runs", BOOT_SECTOR_IDLE);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *machines = g_path_get_dirname (folder);

  machine_fixture_start (machine);
  durable_watch_begin (machines, TRUE);
  wait_well (lodge_library_take_snapshot (f->library, machine, "one", ""));
  wait_well (lodge_library_suspend (f->library, machine));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  machine_fixture_start (machine);
  g_assert_null (lodge_machine_get_description (machine)->suspended);
  assert_nothing_lost (n);
}

/* ---- the watch itself */

/* What must not be: each is found. */
static void
test_watch (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-watch-XXXXXX", NULL);
  g_autofree char *machine = g_build_filename (folder, "m", NULL);
  g_autofree char *layers = g_build_filename (machine, "layers", NULL);
  g_autofree char *layer = g_build_filename (layers, "new.qcow2", NULL);
  g_autofree char *ini = g_build_filename (machine, "machine.ini", NULL);
  g_autoptr (LodgeDescription) value = lodge_description_new ("watched");
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (GPtrArray) losses = NULL;
  g_autoptr (GError) error = NULL;

  test_folder_keep_names ();
  g_assert_no_errno (g_mkdir_with_parents (layers, 0700));
  durable_watch_begin (folder, FALSE);
  lodge_description_add_disk (value, LODGE_DISK_BUS_VIRTIO, "layers/new.qcow2", "qcow2", MIB,
                              &error);
  g_assert_no_error (error);
  g_assert_true (lodge_durable_file_replace (layer, "new", 3, &error));
  file = lodge_description_file_new (ini, lodge_description_copy (value));
  g_assert_true (lodge_description_file_save (file, value, &error));
  g_assert_no_error (error);
  g_assert_no_errno (g_unlink (layer));
  losses = durable_watch_end ();
  for (guint i = 0; i < losses->len; i++)
    g_test_message ("%s", (const char *) losses->pdata[i]);
  /* Its name and its data when machine.ini names it, its removal, and that it is gone. */
  g_assert_cmpuint (losses->len, >=, 4);
  test_folder_remove (folder);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  g_test_add_func ("/machine/file-order/watch", test_watch);
  for (guint i = 0; i < G_N_ELEMENTS (works); i++) {
    g_autofree char *path = g_strconcat ("/machine/file-order/", works[i].name, NULL);

    g_test_add (path, SnapshotFixture, GUINT_TO_POINTER (i), snapshot_fixture_set_up, test_off,
                snapshot_fixture_tear_down);
  }
  g_test_add ("/machine/file-order/live", MachineFixture, NULL, machine_fixture_set_up, test_live,
              machine_fixture_tear_down);
  return g_test_run ();
}

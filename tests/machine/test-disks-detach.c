/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk that is detached and kept, of a machine that is off: the real qemu-img, no guest. What is
 * done with a machine's disks is done with that one, too, and it loses nothing. */
#include "snapshot-fixture.h"

#include "lodge-error.h"
#include "machine/lodge-machine-disks.h"

#include <string.h>

#define MIB        (G_GUINT64_CONSTANT (1) << 20)
#define MARKS(...) (&(const SnapshotMarks){{__VA_ARGS__}})

static const LodgeDescription *
now (SnapshotFixture *f)
{
  return lodge_machine_get_description (f->machine);
}

static const LodgeDisk *
get_disk (SnapshotFixture *f, guint i)
{
  return now (f)->disks->pdata[i];
}

static const GError *
detach (SnapshotFixture *f, const char *disk, gboolean first)
{
  return snapshot_fixture_wait (lodge_library_detach_disk (f->library, f->machine, disk, first));
}

static const GError *
attach (SnapshotFixture *f, const char *disk)
{
  return snapshot_fixture_wait (lodge_library_attach_disk (f->library, f->machine, disk));
}

static void
assert_refused (const GError *error, const char *words)
{
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  if (strstr (error->message, words) == NULL)
    g_error ("%s", error->message);
}

/* As the list says it, too. */
static void
assert_attached (SnapshotFixture *f, gboolean first, gboolean second)
{
  const gboolean expected[] = {first, second};
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) all = NULL;

  lodge_machine_list_disks_async (f->machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  all = lodge_machine_list_disks_finish (f->machine, result);
  g_assert_cmpuint (g_variant_n_children (all), ==, 2);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (all, i);
    gboolean attached = !expected[i];

    g_assert_true (g_variant_lookup (row, "attached", "b", &attached));
    g_assert_cmpint (attached, ==, expected[i]);
    g_assert_cmpint (get_disk (f, i)->attached, ==, expected[i]);
  }
}

/* There and back, in its place, for another engine too. */
static void
test_life (SnapshotFixture *f, gconstpointer unused)
{
  snapshot_fixture_write (f, 0, 1);
  assert_attached (f, TRUE, TRUE);
  assert_refused (attach (f, "data"), "is attached already");
  g_assert_no_error (detach (f, "data", FALSE));
  assert_attached (f, TRUE, FALSE);
  snapshot_fixture_assert_tidy (f);
  assert_refused (detach (f, "data", FALSE), "is detached already");
  g_assert_error (detach (f, "disk7", FALSE), LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_error (attach (f, "disk7"), LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  snapshot_fixture_close (f);
  snapshot_fixture_open (f);
  assert_attached (f, TRUE, FALSE);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));

  /* The one that it starts from is asked about, and that is then the other one. */
  assert_refused (detach (f, "disk0", FALSE), "has to be confirmed");
  g_assert_no_error (attach (f, "data"));
  g_assert_no_error (detach (f, "disk0", TRUE));
  assert_attached (f, FALSE, TRUE);
  assert_refused (detach (f, "data", FALSE), "starts from the disk “data”");
  assert_refused (
      snapshot_fixture_wait (lodge_library_remove_disk (f->library, f->machine, "data", FALSE)),
      "starts from the disk “data”");
  g_assert_no_error (detach (f, "data", TRUE));
  assert_attached (f, FALSE, FALSE);
  g_assert_no_error (attach (f, "disk0"));
  g_assert_no_error (attach (f, "data"));
  assert_attached (f, TRUE, TRUE);
  g_assert_cmpstr (get_disk (f, 0)->id, ==, "disk0");
  g_assert_cmpuint (get_disk (f, 1)->port, ==, 3);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
  snapshot_fixture_assert_tidy (f);
}

/* Going back makes it what it was, whichever it was; and what snapshots have left is merged. */
static void
test_snapshots (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *kept = NULL;

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "attached"));
  snapshot_fixture_write (f, 1, 2);
  g_assert_no_error (detach (f, "data", FALSE));
  g_free (snapshot_fixture_take (f, "detached"));
  g_assert_no_error (attach (f, "data"));
  snapshot_fixture_write (f, 2, 3);

  kept = snapshot_fixture_go_back (f, "attached", TRUE);
  assert_attached (f, TRUE, TRUE);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
  g_free (snapshot_fixture_go_back (f, "detached", FALSE));
  assert_attached (f, TRUE, FALSE);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));
  g_free (snapshot_fixture_go_back (f, kept, FALSE));
  assert_attached (f, TRUE, TRUE);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2, 3));
  g_free (snapshot_fixture_go_back (f, "detached", FALSE));
  snapshot_fixture_assert_tidy (f);

  snapshot_fixture_delete (f, kept);
  snapshot_fixture_delete (f, "attached");
  snapshot_fixture_delete (f, "detached");
  snapshot_fixture_wait_all (f);
  g_assert_cmpuint (now (f)->layers->len, ==, 2);
  assert_attached (f, TRUE, FALSE);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));
  snapshot_fixture_assert_tidy (f);
}

/* Clones have it as it is, and go on with their own. */
static void
test_clones (SnapshotFixture *f, gconstpointer unused)
{
  static const char *const options[] = {"{'linked': <true>}", "{'linked': <false>}"};

  snapshot_fixture_write (f, 0, 1);
  g_assert_no_error (detach (f, "data", FALSE));
  for (guint i = 0; i < G_N_ELEMENTS (options); i++) {
    g_autoptr (GVariant) how = g_variant_ref_sink (g_variant_new_parsed (options[i]));
    g_autofree char *name = g_strdup_printf ("twin%u", i);
    g_autoptr (GError) error = NULL;

    snapshot_fixture_look_at (f, "web");
    g_assert_no_error (snapshot_fixture_wait (
        lodge_library_clone_machine (f->library, f->machine, name, how, &error)));
    assert_attached (f, TRUE, FALSE);
    snapshot_fixture_assert_marks (f, NULL, MARKS (1));
    snapshot_fixture_look_at (f, name);
    assert_attached (f, TRUE, FALSE);
    snapshot_fixture_assert_marks (f, NULL, MARKS (1));
    g_assert_no_error (attach (f, "data"));
    snapshot_fixture_write (f, 1, 2);
    snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));
    snapshot_fixture_assert_tidy (f);
  }
  snapshot_fixture_look_at (f, "web");
  g_assert_no_error (attach (f, "data"));
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
}

/* All that is done with a disk's files, and its end. */
static void
test_work (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (f->folder, "out.qcow2", NULL);

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 1, 2);
  g_assert_no_error (detach (f, "data", FALSE));
  g_assert_no_error (
      snapshot_fixture_wait (lodge_library_grow_disk (f->library, f->machine, "data", 8 * MIB)));
  g_assert_no_error (
      snapshot_fixture_wait (lodge_library_compact_disk (f->library, f->machine, "data")));
  g_assert_no_error (snapshot_fixture_wait (
      lodge_library_convert_disk (f->library, f->machine, "data", "qcow2", path, NULL, FALSE)));
  snapshot_fixture_run ("qemu-io", "-r", "-c", "read -P 2 256k 256k", path, NULL);
  assert_attached (f, TRUE, FALSE);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));
  snapshot_fixture_assert_tidy (f);

  g_assert_no_error (
      snapshot_fixture_wait (lodge_library_remove_disk (f->library, f->machine, "data", FALSE)));
  g_assert_cmpuint (now (f)->disks->len, ==, 1);
  snapshot_fixture_assert_tidy (f);
  /* The snapshot has it, as the guest's. */
  g_free (snapshot_fixture_go_back (f, "one", FALSE));
  assert_attached (f, TRUE, TRUE);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/machine/disks/detached/" name, SnapshotFixture, NULL, snapshot_fixture_set_up,     \
              function, snapshot_fixture_tear_down)
  ADD ("life", test_life);
  ADD ("snapshots", test_snapshots);
  ADD ("clones", test_clones);
  ADD ("work", test_work);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers that a machine shares with its clones, whose chain has become long: each becomes short by
 * itself, and nobody else's file is another one for that. */
#include "snapshot-fixture.h"

#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-private.h"

/* As many clones, one after the other, and something written before each. */
#define N     6
#define LAST  "n5"
#define SHORT "n2"
#define NEVER 100

static const SnapshotMarks all = {{1, 2, 3, 4, 5, 6}};
static const SnapshotMarks few = {{1, 2, 3}};
static const SnapshotMarks changed = {{9, 2, 3, 4, 5, 6}};
static const SnapshotMarks first = {{1}};

static const LodgeDescription *
now (SnapshotFixture *f)
{
  return lodge_machine_get_description (f->machine);
}

static void
make_clone (SnapshotFixture *f, const char *name)
{
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed ("{'linked': <true>}"));

  g_assert_no_error (snapshot_fixture_wait (
      lodge_library_clone_machine (f->library, f->machine, name, options, NULL)));
  snapshot_fixture_wait_all (f);
}

static void
delete_machine (SnapshotFixture *f, const char *name)
{
  snapshot_fixture_look_at (f, name);
  g_assert_no_error (
      snapshot_fixture_wait (lodge_library_delete_machine (f->library, f->machine, NULL)));
  f->machine = NULL;
  snapshot_fixture_wait_all (f);
}

static void
make_template (SnapshotFixture *f)
{
  g_autoptr (GVariant) changes =
      g_variant_ref_sink (g_variant_new_parsed ("{'machine.template': 'yes'}"));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_library_set_async (f->library, f->machine, changes, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_library_set_finish (f->library, result, &error);
  g_assert_no_error (error);
}

/* It stands on as many shared layers as it has clones, and each clone on those that were there by
 * then: the last on all. */
static void
make (SnapshotFixture *f)
{
  lodge_machine_least_joined = 3;
  lodge_machine_long_chain = NEVER;
  for (guint i = 0; i < N; i++) {
    g_autofree char *name = g_strdup_printf ("n%u", i);

    snapshot_fixture_write (f, i, (guint8) (i + 1));
    make_clone (f, name);
  }
  g_assert_cmpuint (now (f)->layers->len, ==, 2 * (N + 1));
}

/* What each file of its layers holds, by their names. */
static GHashTable *
read_files (SnapshotFixture *f)
{
  GHashTable *files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < now (f)->layers->len; i++) {
    const LodgeLayer *layer = now (f)->layers->pdata[i];
    g_autofree char *path = g_build_filename (f->machine_folder, layer->file, NULL);
    g_autofree char *bytes = NULL;
    gsize length;

    g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
    g_hash_table_insert (
        files, g_strdup (layer->file),
        g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) bytes, length));
  }
  return files;
}

static void
assert_same_files (SnapshotFixture *f, GHashTable *before)
{
  g_autoptr (GHashTable) after = read_files (f);
  GHashTableIter iter;
  gpointer file, sum;

  g_assert_cmpuint (g_hash_table_size (after), ==, g_hash_table_size (before));
  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &file, &sum))
    g_assert_cmpstr (g_hash_table_lookup (after, file), ==, sum);
}

static void
look (SnapshotFixture *f, const char *name, const SnapshotMarks *marks)
{
  snapshot_fixture_look_at (f, name);
  snapshot_fixture_assert_tidy (f);
  snapshot_fixture_assert_marks (f, NULL, marks);
}

/* Until nothing begins by itself any more, of any of them. */
static void
settle (SnapshotFixture *f)
{
  GPtrArray *machines = lodge_library_get_machines (f->library);

  for (guint i = 0; i < machines->len; i++) {
    LodgeMachine *machine = machines->pdata[i];

    lodge_library_consider_merging (f->library, machine);
    test_wait_until (machine->work == NULL && !lodge_machine_can_merge_layers (machine));
  }
  snapshot_fixture_wait_all (f);
}

/* Of each disk the lowest layer, and the new one, which the top went down into. */
static void
look_short (SnapshotFixture *f, const char *name, const SnapshotMarks *marks)
{
  look (f, name, marks);
  g_assert_cmpuint (now (f)->layers->len, ==, 2 * 2);
}

static void
test_joined (SnapshotFixture *f, gconstpointer template)
{
  g_autoptr (GHashTable) before = NULL;

  make (f);
  if (template != NULL)
    make_template (f);
  /* Few enough: all stays shared. */
  lodge_machine_long_chain = N + 1;
  settle (f);
  look (f, "web", &all);
  g_assert_cmpuint (now (f)->layers->len, ==, 2 * (N + 1));

  snapshot_fixture_look_at (f, SHORT);
  before = read_files (f);
  lodge_machine_long_chain = N;
  settle (f);
  look_short (f, "web", &all);
  look (f, LAST, &all);
  /* Its top went down into what only it has now; it is long all the same. */
  g_assert_cmpuint (now (f)->layers->len, ==, 2 * N);
  lodge_machine_long_chain = N - 1;
  settle (f);
  look (f, LAST, &all);
  g_assert_cmpuint (now (f)->layers->len, <, 2 * N);
  look (f, SHORT, &few);
  assert_same_files (f, before);

  /* What is written to each is its own. */
  snapshot_fixture_look_at (f, LAST);
  snapshot_fixture_write (f, 0, 9);
  look (f, "web", &all);
  /* The next one made from it stands on few. */
  make_clone (f, "new");
  settle (f);
  look (f, "new", &all);
  g_assert_cmpuint (now (f)->layers->len, ==, 2 * 3);

  /* Whichever goes, the others have all of theirs. */
  delete_machine (f, "web");
  settle (f);
  look (f, SHORT, &few);
  look (f, "new", &all);
  delete_machine (f, SHORT);
  settle (f);
  look (f, LAST, &changed);
  look (f, "n0", &first);
}

static gint n_journals;

static void
step_cb (const char *step)
{
  if (g_str_equal (step, "journal"))
    g_atomic_int_inc (&n_journals);
}

/* Whoever stops it has all as it was, and nothing begins again by itself; the next engine comes to
 * its end. */
static void
test_cancelled (SnapshotFixture *f, gconstpointer data)
{
  make (f);
  lodge_machine_long_chain = N;
  n_journals = 0;
  lodge_journal_step_hook = step_cb;
  lodge_library_consider_merging (f->library, f->machine);
  test_wait_until (g_atomic_int_get (&n_journals) > 0 && f->machine->work != NULL);
  lodge_journal_step_hook = NULL;
  lodge_job_cancel (f->machine->work);
  test_wait_until (f->machine->work == NULL);
  settle (f);
  look (f, "web", &all);
  /* The last clone's came to its end, and what that has let go of is merged. */
  g_assert_cmpuint (now (f)->layers->len, ==, 2 * N);
  snapshot_fixture_close (f);
  lodge_machine_long_chain = N - 1;
  snapshot_fixture_open (f);
  settle (f);
  look_short (f, "web", &all);
  look (f, LAST, &all);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(name, data, test)                                                                      \
  g_test_add ("/machine/layers-shared/" name, SnapshotFixture, data, snapshot_fixture_set_up,      \
              test, snapshot_fixture_tear_down)
  ADD ("machine", NULL, test_joined);
  ADD ("template", "", test_joined);
  ADD ("cancelled", NULL, test_cancelled);
  g_test_add ("/machine/layers-shared/encrypted", SnapshotFixture, NULL,
              snapshot_fixture_set_up_encrypted, test_joined, snapshot_fixture_tear_down);
  return g_test_run ();
}

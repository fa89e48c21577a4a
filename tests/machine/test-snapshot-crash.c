/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine that is killed at every step of what it does with snapshots:
 * nothing is lost, nothing is left lying about, and the next engine goes on.
 *
 * A worker process is the engine. It is killed at its nth step, for n from 1 until it comes to its
 * end; what it worked on is a copy, made anew for each run, of a machine with a tree:
 *
 *     one (1) <-- two (1 2) <-- three (1 2 3)
 *                  ^
 *                  '-- the present (1 2 0 4)
 */
#include "crash-worker.h"
#include "snapshot-fixture.h"

#include "description/lodge-description-snapshots.h"
#include "test-wait.h"

static const SnapshotMarks one = {{1}};
static const SnapshotMarks two = {{1, 2}};
static const SnapshotMarks three = {{1, 2, 3}};
static const SnapshotMarks present = {{1, 2, 0, 4}};

/* --- The worker --- */

static LodgeJob *
begin (SnapshotFixture *f, const char *operation)
{
  if (g_str_equal (operation, "take"))
    return lodge_library_take_snapshot (f->library, f->machine, "new", "");
  if (g_str_equal (operation, "go-back"))
    return lodge_library_go_back (f->library, f->machine, "one", TRUE, "kept");
  if (g_str_equal (operation, "give-up"))
    return lodge_library_go_back (f->library, f->machine, "one", FALSE, NULL);
  if (g_str_equal (operation, "delete-fork"))
    return lodge_library_delete_snapshot (f->library, f->machine, "two");
  if (g_str_equal (operation, "delete-leaf"))
    return lodge_library_delete_snapshot (f->library, f->machine, "three");
  g_assert_cmpstr (operation, ==, "delete-first");
  return lodge_library_delete_snapshot (f->library, f->machine, "one");
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
set_up (Fixture *f, gconstpointer table)
{
  SnapshotFixture *s = &f->fixture;

  if (((const CrashTable *) table)->encrypted)
    snapshot_fixture_set_up_encrypted (s, NULL);
  else
    snapshot_fixture_set_up (s, NULL);
  snapshot_fixture_write (s, 0, 1);
  g_free (snapshot_fixture_take (s, "one"));
  snapshot_fixture_write (s, 1, 2);
  g_free (snapshot_fixture_take (s, "two"));
  snapshot_fixture_write (s, 2, 3);
  g_free (snapshot_fixture_take (s, "three"));
  g_free (snapshot_fixture_go_back (s, "two", FALSE));
  snapshot_fixture_write (s, 3, 4);
  /* What is looked for is found where it is. */
  g_assert_cmpint (snapshot_fixture_is_in_clear (s), ==, s->secret == NULL);
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
  return lodge_description_find_snapshot (lodge_machine_get_description (s->machine), name, NULL) !=
         NULL;
}

/* Whatever has happened, it has happened wholly or not at all. */
static void
look (Fixture *f)
{
  SnapshotFixture *s = &f->fixture;
  const LodgeDescription *now;
  gboolean went_back = FALSE;

  snapshot_fixture_open (s);
  snapshot_fixture_assert_tidy (s);
  now = lodge_machine_get_description (s->machine);
  if (has (s, "one")) {
    const LodgeSnapshot *first = lodge_description_find_snapshot (now, "one", NULL);

    snapshot_fixture_assert_marks (s, "one", &one);
    went_back = g_str_equal (now->snapshot, first->id);
  }
  if (has (s, "two"))
    snapshot_fixture_assert_marks (s, "two", &two);
  if (has (s, "three"))
    snapshot_fixture_assert_marks (s, "three", &three);
  if (has (s, "new"))
    snapshot_fixture_assert_marks (s, "new", &present);
  if (has (s, "kept")) {
    snapshot_fixture_assert_marks (s, "kept", &present);
    g_assert_true (went_back);
  }
  /* What stands on the first because the second is no more has not gone back. */
  if (went_back && has (s, "two"))
    snapshot_fixture_assert_marks (s, NULL, &one);
  else
    snapshot_fixture_assert_marks (s, NULL, &present);
}

/* Work goes on as if nothing had been. */
static void
go_on (Fixture *f)
{
  SnapshotFixture *s = &f->fixture;

  g_free (snapshot_fixture_take (s, "after"));
  snapshot_fixture_assert_tidy (s);
  g_assert_cmpint (snapshot_fixture_is_in_clear (s), ==, s->secret == NULL);
  snapshot_fixture_close (s);
}

static void
look_and_go_on (gpointer data, const char *operation)
{
  look (data);
  go_on (data);
}

static void
test_killed (Fixture *f, gconstpointer table)
{
  crash_worker_kill_at_each (f->original, f->fixture.data, table, 5, look_and_go_on, f);
}

int
main (int argc, char *argv[])
{
  static const char *const operations[] = {"take",        "go-back",      "give-up", "delete-fork",
                                           "delete-leaf", "delete-first", NULL};

  if (crash_worker_main (argc, argv, work))
    return 0;
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (gboolean encrypted = FALSE; encrypted <= TRUE; encrypted++)
    crash_worker_add_tables ("snapshot", encrypted, operations, sizeof (Fixture),
                             (GTestFixtureFunc) set_up, (GTestFixtureFunc) test_killed,
                             (GTestFixtureFunc) tear_down);
  return g_test_run ();
}

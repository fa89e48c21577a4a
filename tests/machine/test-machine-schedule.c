/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots that are taken by themselves of a machine that is off, and deleted again; the clock is
 * the test's. */
#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine/lodge-clock.h"
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-private.h"
#include "snapshot-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

#define HOUR_S 3600
#define DAY_S  (24 * HOUR_S)

static LodgeClock now;

static void
clock_cb (LodgeClock *out_clock)
{
  *out_clock = now;
}

static void
pass (gint64 seconds)
{
  now.wall_s += seconds;
  now.elapsed_s += seconds;
}

static void
tick (SnapshotFixture *f)
{
  LodgeLibrarySchedule *schedule = lodge_library_get_schedule (f->library);

  lodge_library_schedule_tick (schedule);
  test_wait_until (!lodge_library_schedule_is_busy (schedule));
  snapshot_fixture_wait_all (f);
}

static void
set (SnapshotFixture *f, const char *changes)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (changes));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_set_async (f->machine, parsed, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_save_finish (f->machine, result, &error);
  g_assert_no_error (error);
}

static const LodgeDescription *
get (SnapshotFixture *f)
{
  return lodge_machine_get_description (f->machine);
}

static guint
count (SnapshotFixture *f)
{
  return get (f)->snapshots->len;
}

static const LodgeSnapshot *
get_last (SnapshotFixture *f)
{
  return get (f)->snapshots->pdata[count (f) - 1];
}

/* A Sunday. */
static void
set_up (SnapshotFixture *f, gconstpointer data)
{
  now = (LodgeClock){.wall_s = 1772359200 /* 2026-03-01T10:00:00Z */, .elapsed_s = 5000};
  lodge_clock_hook = clock_cb;
  snapshot_fixture_set_up (f, data);
  snapshot_fixture_write (f, 0, 1);
  snapshot_fixture_close (f);
  snapshot_fixture_open (f);
}

static void
next_engine (SnapshotFixture *f)
{
  snapshot_fixture_close (f);
  /* Another run of the computer, too. */
  now.elapsed_s = 100;
  snapshot_fixture_open (f);
  test_wait_until (!lodge_library_schedule_is_busy (lodge_library_get_schedule (f->library)));
  snapshot_fixture_wait_all (f);
}

static void
test_taken (SnapshotFixture *f, gconstpointer unused)
{
  static const SnapshotMarks first = {{1}};
  static const SnapshotMarks second = {{1, 2}};

  tick (f);
  g_assert_cmpuint (count (f), ==, 0);
  set (f, "{'snapshots.schedule': 'daily'}");
  tick (f);
  g_assert_cmpuint (count (f), ==, 1);
  g_assert_cmpstr (get_last (f)->name, ==, "Automatic 2026-03-01 10:00");
  g_assert_true (get_last (f)->automatic);
  g_assert_true (get_last (f)->scheduled);
  g_assert_cmpint (get_last (f)->created_s, ==, now.wall_s);
  g_assert_cmpint (get (f)->scheduled_s, ==, now.wall_s);
  snapshot_fixture_assert_marks (f, get_last (f)->name, &first);

  /* Not before the next day, and only where something was written. */
  snapshot_fixture_write (f, 1, 2);
  lodge_machine_set_state (f->machine, LODGE_STATE_STARTING);
  lodge_machine_set_state (f->machine, LODGE_STATE_RUNNING);
  lodge_machine_set_state (f->machine, LODGE_STATE_OFF);
  pass (13 * HOUR_S);
  tick (f);
  g_assert_cmpuint (count (f), ==, 1);
  pass (HOUR_S);
  tick (f);
  g_assert_cmpuint (count (f), ==, 2);
  g_assert_cmpstr (get_last (f)->name, ==, "Automatic 2026-03-02 00:00");
  snapshot_fixture_assert_marks (f, get_last (f)->name, &second);
  for (guint i = 0; i < 20; i++) {
    pass (6 * HOUR_S);
    tick (f);
  }
  g_assert_cmpuint (count (f), ==, 2);

  /* It has run, and has written nothing. */
  lodge_machine_set_state (f->machine, LODGE_STATE_STARTING);
  lodge_machine_set_state (f->machine, LODGE_STATE_RUNNING);
  lodge_machine_set_state (f->machine, LODGE_STATE_OFF);
  pass (DAY_S);
  tick (f);
  g_assert_cmpuint (count (f), ==, 2);
  snapshot_fixture_assert_tidy (f);
  snapshot_fixture_assert_marks (f, NULL, &second);
}

/* Its times fell into one without an engine: it is made up for once, when there is one. */
static void
test_missed (SnapshotFixture *f, gconstpointer unused)
{
  set (f, "{'snapshots.schedule': 'hourly', 'snapshots.hours': '2'}");
  tick (f);
  g_assert_cmpuint (count (f), ==, 1);
  snapshot_fixture_write (f, 1, 2);
  pass (5 * DAY_S);
  next_engine (f);
  g_assert_cmpuint (count (f), ==, 2);
  g_assert_cmpint (get (f)->scheduled_s, ==, now.wall_s);
  next_engine (f);
  next_engine (f);
  g_assert_cmpuint (count (f), ==, 2);
  snapshot_fixture_write (f, 2, 3);
  next_engine (f);
  pass (HOUR_S);
  next_engine (f);
  g_assert_cmpuint (count (f), ==, 2);
  pass (HOUR_S);
  next_engine (f);
  g_assert_cmpuint (count (f), ==, 3);
}

/* One that is ahead when the computer starts, and nobody has set it since. */
static void
test_clock_ahead (SnapshotFixture *f, gconstpointer unused)
{
  set (f, "{'snapshots.schedule': 'daily', 'snapshots.keep-days': '30'}");
  now.synchronized = TRUE;
  for (guint8 i = 0; i < 3; i++) {
    pass (DAY_S);
    snapshot_fixture_write (f, 1, i + 10);
    set (f, "{'display.scaling': 'scale'}");
    tick (f);
  }
  g_assert_cmpuint (count (f), ==, 3);
  now.synchronized = FALSE;
  now.wall_s += 4000 * (gint64) DAY_S;
  next_engine (f);
  for (guint i = 0; i < 20; i++) {
    pass (HOUR_S);
    tick (f);
  }
  g_assert_cmpuint (count (f), >=, 3);
  /* It is set right, and the next run begins with what is known. */
  now.wall_s -= 4000 * (gint64) DAY_S;
  tick (f);
  next_engine (f);
  pass (HOUR_S);
  tick (f);
  g_assert_cmpuint (count (f), >=, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_true (((LodgeSnapshot *) get (f)->snapshots->pdata[i])->scheduled);
  /* Six weeks, on each day of which the computer is started: what is that old goes, but the last.
   */
  set (f, "{'snapshots.schedule': 'weekly'}");
  for (guint i = 0; i < 42; i++) {
    now.wall_s += DAY_S;
    next_engine (f);
  }
  g_assert_cmpuint (count (f), ==, 1);
}

/* Whoever sets the clock to and fro gets no more of them for that, and loses none for its age. */
static void
test_clock_set (SnapshotFixture *f, gconstpointer unused)
{
  set (f, "{'snapshots.schedule': 'hourly', 'snapshots.keep-days': '7'}");
  tick (f);
  for (guint8 i = 0; i < 3; i++) {
    pass (HOUR_S);
    snapshot_fixture_write (f, 1, i + 10);
    set (f, "{'display.scaling': 'scale'}");
    tick (f);
  }
  g_assert_cmpuint (count (f), ==, 4);
  snapshot_fixture_write (f, 2, 3);
  set (f, "{'display.scaling': 'scale'}");
  for (guint i = 0; i < 5; i++) {
    now.wall_s += 4000 * (gint64) DAY_S;
    pass (60);
    tick (f);
    now.wall_s -= 4000 * (gint64) DAY_S;
    pass (60);
    tick (f);
  }
  /* Ten minutes have passed. */
  g_assert_cmpuint (count (f), ==, 4);
  now.wall_s += 4000 * (gint64) DAY_S;
  tick (f);
  pass (30 * 60);
  tick (f);
  g_assert_cmpuint (count (f), ==, 5);
  pass (20 * HOUR_S);
  tick (f);
  g_assert_cmpuint (count (f), ==, 5);
  /* It stays so: this is the true time, and what is that old goes, one after the other. */
  pass (5 * HOUR_S);
  tick (f);
  g_assert_cmpuint (count (f), ==, 4);
  tick (f);
  g_assert_cmpuint (count (f), ==, 4);
  for (guint i = 0; i < 10; i++) {
    pass (15 * 60);
    tick (f);
  }
  g_assert_cmpuint (count (f), ==, 1);
  snapshot_fixture_assert_tidy (f);
}

/* Of those that are too many only what nobody has made his own goes, and nothing that stands on it.
 */
static void
test_expired (SnapshotFixture *f, gconstpointer unused)
{
  static const SnapshotMarks kept = {{1, 2}};
  static const SnapshotMarks own = {{1, 2, 3}};
  static const SnapshotMarks present = {{1, 2, 3, 4, 5, 6}};
  g_autofree char *renamed = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  set (f, "{'snapshots.schedule': 'daily', 'snapshots.keep-last': '2'}");
  for (guint8 place = 1; place < 6; place++) {
    tick (f);
    if (place == 2) {
      renamed = g_strdup (get_last (f)->id);
      lodge_machine_describe_snapshot_async (f->machine, renamed, NULL, "mine", test_wait_result_cb,
                                             &result);
      test_wait_until (result != NULL);
      g_assert_true (lodge_machine_save_finish (f->machine, result, NULL));
      g_clear_object (&result);
    }
    snapshot_fixture_write (f, place, place + 1);
    if (place == 2)
      g_free (snapshot_fixture_take (f, "own"));
    pass (DAY_S);
    /* As if it had run. */
    set (f, "{'display.scaling': 'scale'}");
  }
  tick (f);
  /* One described, one by hand, two that expire. */
  g_assert_cmpuint (count (f), ==, 4);
  g_assert_nonnull (lodge_description_get_snapshot (get (f), renamed));
  snapshot_fixture_assert_marks (f, renamed, &kept);
  snapshot_fixture_assert_marks (f, "own", &own);
  snapshot_fixture_assert_marks (f, NULL, &present);
  snapshot_fixture_assert_tidy (f);

  /* Fewer are to be kept, and then none are taken any more: what is there stays. */
  set (f, "{'snapshots.keep-last': '1'}");
  tick (f);
  g_assert_cmpuint (count (f), ==, 3);
  set (f, "{'snapshots.schedule': 'off'}");
  pass (100 * DAY_S);
  tick (f);
  g_assert_cmpuint (count (f), ==, 3);
}

/* The schedule would delete before a change that was made before is in machine.ini. Nothing is
 * deleted, and that is no failure.
 */
static void
tick_before_saved (SnapshotFixture *f, GAsyncResult **result)
{
  GPtrArray *jobs = lodge_library_get_jobs (f->library);
  const LodgeJob *before = jobs->pdata[jobs->len - 1];
  const guint n = count (f);
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  g_assert_null (*result);
  tick (f);
  test_wait_until (*result != NULL);
  lodge_machine_save_finish (f->machine, *result, &error);
  g_assert_no_error (error);
  g_clear_object (result);
  g_assert_cmpuint (count (f), ==, n);
  job = jobs->pdata[jobs->len - 1];
  g_assert_true (job != before);
  g_assert_cmpstr (lodge_job_get_kind (job), ==, "snapshot-delete");
  g_assert_cmpint (lodge_job_get_state (job), ==, LODGE_JOB_DONE);
}

/* One that is made somebody's own, or the schedule ends, in the moment in which it is to go. */
static void
test_kept_meanwhile (SnapshotFixture *f, gconstpointer unused)
{
  g_autoptr (GVariant) off =
      g_variant_ref_sink (g_variant_new_parsed ("{'snapshots.schedule': 'off'}"));
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *first = NULL;

  set (f, "{'snapshots.schedule': 'daily', 'snapshots.keep-last': '3'}");
  for (guint8 place = 1; place < 4; place++) {
    tick (f);
    snapshot_fixture_write (f, place, place + 1);
    pass (DAY_S);
    set (f, "{'display.scaling': 'scale'}");
  }
  g_assert_cmpuint (count (f), ==, 3);
  first = g_strdup (((LodgeSnapshot *) get (f)->snapshots->pdata[0])->id);
  pass (-DAY_S); /* none is due */
  set (f, "{'snapshots.keep-last': '2'}");
  lodge_machine_describe_snapshot_async (f->machine, first, NULL, "mine", test_wait_result_cb,
                                         &result);
  tick_before_saved (f, &result);
  g_assert_nonnull (lodge_description_get_snapshot (get (f), first));

  set (f, "{'snapshots.keep-last': '1'}");
  lodge_machine_set_async (f->machine, off, test_wait_result_cb, &result);
  tick_before_saved (f, &result);
}

/* What is in the way is said, once, and tried again. */
static void
test_blocked (SnapshotFixture *f, gconstpointer unused)
{
  g_autofree char *obstacle = g_build_filename (f->machine_folder, "snapshots", NULL);
  const guint jobs = lodge_library_get_jobs (f->library)->len;

  g_assert_true (g_file_set_contents (obstacle, "", 0, NULL));
  set (f, "{'snapshots.schedule': 'daily'}");
  tick (f);
  g_assert_cmpuint (count (f), ==, 0);
  g_assert_nonnull (
      strstr (lodge_machine_get_note (f->machine), "No automatic snapshot was taken"));
  g_assert_cmpuint (lodge_library_get_jobs (f->library)->len, ==, jobs + 1);
  pass (5 * 60);
  tick (f);
  g_assert_cmpuint (lodge_library_get_jobs (f->library)->len, ==, jobs + 1);
  g_assert_no_errno (g_remove (obstacle));
  pass (10 * 60);
  tick (f);
  g_assert_cmpuint (count (f), ==, 1);
  g_assert_cmpstr (lodge_machine_get_note (f->machine), ==, "");
}

/* One that is cancelled is not wanted: the next comes at its time. */
static void
test_cancelled (SnapshotFixture *f, gconstpointer unused)
{
  LodgeLibrarySchedule *schedule = lodge_library_get_schedule (f->library);
  GPtrArray *jobs = lodge_library_get_jobs (f->library);
  const guint before = jobs->len;

  set (f, "{'snapshots.schedule': 'daily'}");
  lodge_library_schedule_tick (schedule);
  test_wait_until (jobs->len > before);
  lodge_job_cancel (jobs->pdata[before]);
  test_wait_until (!lodge_library_schedule_is_busy (schedule));
  g_assert_cmpuint (count (f), ==, 0);
  g_assert_cmpstr (lodge_machine_get_note (f->machine), ==, "");
  pass (HOUR_S);
  tick (f);
  g_assert_cmpuint (count (f), ==, 0);
  pass (DAY_S);
  tick (f);
  g_assert_cmpuint (count (f), ==, 1);
}

static void
stopped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_stop_work_finish (LODGE_MACHINE (source), result);
  *(gboolean *) user_data = TRUE;
}

/* Who wants to start the machine is not refused, and takes nothing from the snapshot. */
static void
test_waited_for (SnapshotFixture *f, gconstpointer unused)
{
  LodgeLibrarySchedule *schedule = lodge_library_get_schedule (f->library);
  g_autoptr (GError) error = NULL;
  gboolean stopped = FALSE;

  set (f, "{'snapshots.schedule': 'daily'}");
  lodge_library_schedule_tick (schedule);
  test_wait_until (f->machine->work != NULL);
  g_assert_true (lodge_machine_check_action (f->machine, LODGE_ACTION_START, &error));
  lodge_machine_stop_work_async (f->machine, stopped_cb, &stopped);
  test_wait_until (stopped);
  g_assert_null (f->machine->work);
  g_assert_cmpuint (count (f), ==, 1);
  test_wait_until (!lodge_library_schedule_is_busy (schedule));
}

int
main (int argc, char *argv[])
{
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/machine/schedule/" name, SnapshotFixture, NULL, set_up, function,                  \
              snapshot_fixture_tear_down)
  ADD ("taken", test_taken);
  ADD ("missed", test_missed);
  ADD ("clock-set", test_clock_set);
  ADD ("clock-ahead", test_clock_ahead);
  ADD ("expired", test_expired);
  ADD ("kept-meanwhile", test_kept_meanwhile);
  ADD ("blocked", test_blocked);
  ADD ("cancelled", test_cancelled);
  ADD ("waited-for", test_waited_for);
  return g_test_run ();
}

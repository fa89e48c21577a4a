/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs: they end once, tell what changed, and are not chatty. */
#include "lodge-error.h"
#include "machine/lodge-job.h"

static void
count_cb (LodgeJob *job, guint *count)
{
  (*count)++;
}

static void
test_done (void)
{
  LodgeJob *job = lodge_job_new ("create", "some-uuid");
  guint count = 0;

  g_object_add_weak_pointer (G_OBJECT (job), (gpointer *) &job);
  g_signal_connect (job, "changed", G_CALLBACK (count_cb), &count);
  g_assert_cmpstr (lodge_job_get_kind (job), ==, "create");
  g_assert_cmpstr (lodge_job_get_machine (job), ==, "some-uuid");
  g_assert_cmpstr (lodge_job_get_name (job), ==, "");
  g_assert_cmpstr (lodge_job_get_source (job), ==, "");
  lodge_job_set_name (job, "web");
  lodge_job_set_source (job, "another-uuid");
  g_assert_cmpstr (lodge_job_get_name (job), ==, "web");
  g_assert_cmpstr (lodge_job_get_source (job), ==, "another-uuid");
  g_assert_cmpstr (lodge_job_get_state_name (job), ==, "running");
  g_assert_cmpfloat (lodge_job_get_progress (job), ==, -1);

  lodge_job_set_step (job, "Making the disk");
  lodge_job_set_step (job, "Making the disk");
  g_assert_cmpuint (count, ==, 1);
  lodge_job_done (job, "result");
  g_assert_cmpuint (count, ==, 2);
  g_assert_cmpstr (lodge_job_get_state_name (job), ==, "done");
  g_assert_cmpstr (lodge_job_get_result (job), ==, "result");
  g_assert_cmpfloat (lodge_job_get_progress (job), ==, 1);

  /* What comes after the end is not told. */
  lodge_job_set_progress (job, 0.5);
  lodge_job_set_step (job, "late");
  lodge_job_cancel (job);
  g_assert_false (g_cancellable_is_cancelled (lodge_job_get_cancellable (job)));
  g_assert_cmpuint (count, ==, 2);

  g_object_unref (job);
  g_assert_null (job);
}

static void
test_failed_and_cancelled (void)
{
  g_autoptr (LodgeJob) failed = lodge_job_new ("create", "a");
  g_autoptr (LodgeJob) cancelled = lodge_job_new ("create", "b");

  lodge_job_take_error (failed, g_error_new (LODGE_ERROR, LODGE_ERROR_STORAGE, "full"));
  g_assert_cmpstr (lodge_job_get_state_name (failed), ==, "failed");
  g_assert_error (lodge_job_get_error (failed), LODGE_ERROR, LODGE_ERROR_STORAGE);

  lodge_job_cancel (cancelled);
  g_assert_true (g_cancellable_is_cancelled (lodge_job_get_cancellable (cancelled)));
  g_assert_cmpstr (lodge_job_get_state_name (cancelled), ==, "running");
  lodge_job_take_error (cancelled, g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "stop"));
  g_assert_cmpstr (lodge_job_get_state_name (cancelled), ==, "cancelled");
}

/* A thousand steps of progress within a moment are a change or two, and the last value counts. */
static void
test_progress_is_quiet (void)
{
  g_autoptr (LodgeJob) job = lodge_job_new ("create", "a");
  guint count = 0;
  gint64 begin = g_get_monotonic_time ();
  gint64 tenths;

  g_signal_connect (job, "changed", G_CALLBACK (count_cb), &count);
  for (guint i = 0; i <= 1000; i++)
    lodge_job_set_progress (job, i / 1000.0);
  tenths = (g_get_monotonic_time () - begin) / (G_USEC_PER_SEC / 10);
  g_assert_cmpuint (count, >=, 1);
  g_assert_cmpuint (count, <=, (guint) tenths + 2);
  g_assert_cmpfloat (lodge_job_get_progress (job), ==, 1);
  lodge_job_set_progress (job, 7);
  g_assert_cmpfloat (lodge_job_get_progress (job), ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/job/done", test_done);
  g_test_add_func ("/machine/job/failed-and-cancelled", test_failed_and_cancelled);
  g_test_add_func ("/machine/job/progress-is-quiet", test_progress_is_quiet);
  return g_test_run ();
}

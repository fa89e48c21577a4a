/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a task holds while a thread works for it is let go of where it was made. */
#include "lodge-task-thread.h"

#include "test-wait.h"

/* Whether the thread or the callback is quicker is not for a test to say: many tries. */
#define TRIES 2000

typedef struct {
  GThread *thread;
  guint wrong; /* let go of elsewhere */
  guint finalized, freed, called, ran;
} Counts;

static Counts counts;

static void
finalized_cb (gpointer data, GObject *object)
{
  g_atomic_int_inc (&counts.finalized);
  if (g_thread_self () != counts.thread)
    g_atomic_int_inc (&counts.wrong);
}

static void
free_data (gpointer data)
{
  g_atomic_int_inc (&counts.freed);
  if (g_thread_self () != counts.thread)
    g_atomic_int_inc (&counts.wrong);
}

static void
work (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_assert_true (g_thread_self () != counts.thread);
  g_assert_true (G_IS_OBJECT (source));
  g_assert_true (data == &counts);
  g_assert_true (G_IS_CANCELLABLE (cancellable));
  g_atomic_int_inc (&counts.ran);
  g_task_return_int (task, 7);
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (g_thread_self () == counts.thread);
  g_assert_true (g_task_is_valid (result, source));
  g_assert_cmpint (g_task_propagate_int (G_TASK (result), NULL), ==, 7);
  counts.called++;
}

static void
test_let_go (void)
{
  counts = (Counts){.thread = g_thread_self ()};
  for (guint i = 0; i < TRIES; i++) {
    GObject *source = g_object_new (G_TYPE_OBJECT, NULL);
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    GTask *task = g_task_new (source, cancellable, called_cb, NULL);

    g_object_weak_ref (source, finalized_cb, NULL);
    g_task_set_task_data (task, &counts, free_data);
    lodge_task_run_in_thread (task, work);
    g_object_unref (task);
    g_object_unref (source);
  }
  test_wait_until (g_atomic_int_get (&counts.finalized) == TRIES);
  g_assert_cmpuint (counts.ran, ==, TRIES);
  g_assert_cmpuint (counts.called, ==, TRIES);
  g_assert_cmpuint (counts.freed, ==, TRIES);
  g_assert_cmpuint (counts.wrong, ==, 0);
}

/* What a step is to do, and what came of it. */
typedef struct {
  gboolean answer;
  gboolean fails;
  gboolean done;
  GError *error;
  gboolean called;
} Case;

static gboolean
step (gpointer data, GError **error)
{
  const Case *its = data;

  g_assert_true (g_thread_self () != counts.thread);
  if (its->fails)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "full");
  return its->answer;
}

static void
stepped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Case *its = user_data;

  g_assert_true (g_thread_self () == counts.thread);
  its->done = g_task_propagate_boolean (G_TASK (result), &its->error);
  its->called = TRUE;
}

/* A task whose only step is one: what it says is what the task says. */
static void
test_step (void)
{
  Case cases[] = {{.answer = TRUE}, {.answer = FALSE}, {.fails = TRUE}};

  counts = (Counts){.thread = g_thread_self ()};
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GTask *task = g_task_new (NULL, NULL, stepped_cb, &cases[i]);

    g_object_weak_ref (G_OBJECT (task), finalized_cb, NULL);
    g_task_set_task_data (task, &cases[i], free_data);
    lodge_task_step_in_thread (task, step, lodge_task_forward_cb);
  }
  test_wait_until (g_atomic_int_get (&counts.finalized) == G_N_ELEMENTS (cases));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_true (cases[i].called);
  g_assert_true (cases[0].done);
  g_assert_no_error (cases[0].error);
  g_assert_false (cases[1].done);
  g_assert_no_error (cases[1].error);
  g_assert_error (cases[2].error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_clear_error (&cases[2].error);
  g_assert_cmpuint (counts.freed, ==, G_N_ELEMENTS (cases));
  g_assert_cmpuint (counts.wrong, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/task-thread/let-go", test_let_go);
  g_test_add_func ("/task-thread/step", test_step);
  return g_test_run ();
}

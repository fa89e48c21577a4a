/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See crash-worker.h. */
#include "crash-worker.h"

#include "machine/lodge-journal-private.h"
#include "test-worker.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* More steps than anything has. */
#define MOST_STEPS 200
/* One step in so many of an encrypted machine. */
#define STRIDE 6

/* Those that were added: as long as the tests that have them. */
static CrashTable tables[32];
static guint n_tables;

static gint steps_left;

static void
step_cb (const char *step)
{
  if (g_atomic_int_dec_and_test (&steps_left))
    kill (getpid (), SIGKILL);
}

void
crash_worker_arm (int step)
{
  g_atomic_int_set (&steps_left, step);
  lodge_journal_step_hook = step_cb;
}

gboolean
crash_worker_main (int argc, char *argv[], CrashWork work)
{
  if (argc != 5 || !g_str_equal (argv[1], "--worker"))
    return FALSE;
  work (argv[2], argv[3], atoi (argv[4]));
  return TRUE;
}

gboolean
crash_worker_run (const char *data, const char *operation, guint step)
{
  g_autofree char *number = g_strdup_printf ("%u", step);

  return test_worker_is_killed ((const char *[]){data, operation, number, NULL});
}

void
crash_worker_copy (const char *original, const char *data)
{
  snapshot_fixture_run ("rm", "-rf", data, NULL);
  snapshot_fixture_run ("cp", "-a", "--sparse=always", original, data, NULL);
}

void
crash_worker_work (const char *data, const char *operation, int step, CrashBegin begin)
{
  SnapshotFixture f = {.data = (char *) data};

  if (g_str_equal (operation, "recover"))
    crash_worker_arm (step);
  snapshot_fixture_open (&f);
  crash_worker_arm (step);
  if (!g_str_equal (operation, "recover"))
    g_assert_no_error (snapshot_fixture_wait (begin (&f, operation)));
  snapshot_fixture_wait_all (&f);
  snapshot_fixture_close (&f);
  g_free (f.machine_folder);
}

void
crash_worker_add_tables (const char *area,
                         gboolean encrypted,
                         const char *const *operations,
                         gsize fixture_size,
                         GTestFixtureFunc set_up,
                         GTestFixtureFunc test,
                         GTestFixtureFunc tear_down)
{
  for (guint i = 0; operations[i] != NULL; i++) {
    g_autofree char *path = g_strdup_printf ("/machine/%s/killed%s/%s", area,
                                             encrypted ? "-encrypted" : "", operations[i]);
    CrashTable *table = &tables[n_tables++];

    g_assert_cmpuint (n_tables, <=, G_N_ELEMENTS (tables));
    table->operation = operations[i];
    table->encrypted = encrypted;
    g_test_add_vtable (path, fixture_size, table, set_up, test, tear_down);
  }
}

void
crash_worker_kill_at_each (const char *original,
                           const char *data,
                           const CrashTable *table,
                           guint fewest,
                           CrashLook look,
                           gpointer user_data)
{
  const char *operation = table->operation;
  const gboolean few = table->encrypted && g_getenv ("LODGE_TEST_CRASHES") == NULL;
  const guint stride = few ? STRIDE : 1;
  const guint n_times = test_get_times ();
  guint step = few ? (guint) g_test_rand_int_range (1, (gint32) MIN (stride, fewest) + 1) : 1;
  guint n_all = 0;

  for (; step < MOST_STEPS; step += stride) {
    guint n_killed = 0;

    for (guint i = 0; i < n_times; i++) {
      crash_worker_copy (original, data);
      if (!crash_worker_run (data, operation, step))
        break;
      n_killed++;
      /* Every second time the next engine is killed in its turn. */
      if ((step / stride + i) % 2 == 0)
        crash_worker_run (data, "recover", 1 + step % 4);
      look (user_data, operation);
    }
    /* How often a merge tells of its progress is not the same each time. */
    if (n_killed == 0)
      break;
    n_all += n_killed;
  }
  g_test_message ("%s: less than %u steps, killed %u times", operation, step, n_all);
  g_assert_cmpuint (n_all, >, 0);
  g_assert_cmpuint (step, >, fewest);
  g_assert_cmpuint (step, <, MOST_STEPS);
  crash_worker_copy (original, data);
  g_assert_false (crash_worker_run (data, operation, MOST_STEPS));
  look (user_data, operation);
}

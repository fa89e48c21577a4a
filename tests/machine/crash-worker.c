/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See crash-worker.h. */
#include "crash-worker.h"

#include "machine/lodge-journal-private.h"
#include "qemu/lodge-qemu-private.h"
#include "test-folder.h"
#include "test-worker.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* More steps than anything has. */
#define MOST_STEPS 200
/* One step in so many of an encrypted machine. */
#define STRIDE 6
/* One step in so many ends with a start. */
#define START_STRIDE 5

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

/* Its firmware's variables and its TPM's state are marks, which no firmware and no TPM would take;
 * its disks are what matters. */
static void
start (LodgeMachine *machine)
{
  g_autoptr (GVariant) changes = g_variant_ref_sink (g_variant_new_parsed (
      "{'firmware.kind': 'bios', 'tpm.enabled': 'no', 'machine.memory': '64M', "
      "'machine.cpus': '1'}"));
  g_autoptr (GAsyncResult) set = NULL;
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GAsyncResult) ended = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_set_async (machine, changes, test_wait_result_cb, &set);
  test_wait_until (set != NULL);
  lodge_machine_save_finish (machine, set, &error);
  g_assert_no_error (error);
  lodge_machine_start_async (machine, test_wait_result_cb, &started);
  test_wait_until (started != NULL);
  lodge_machine_start_finish (machine, started, &error);
  g_assert_no_error (error);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  lodge_machine_request_async (machine, LODGE_REQUEST_KILL, test_wait_result_cb, &ended);
  test_wait_until (ended != NULL);
  lodge_machine_request_finish (machine, ended, &error);
  g_assert_no_error (error);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
}

/* A real QEMU takes what is left, of each machine. */
static void
start_all (const char *data)
{
  g_autofree char *runtime = g_strdup (g_getenv ("LODGE_RUNTIME_DIR"));
  /* Where the paths of sockets are short. */
  g_autofree char *folder = g_build_filename (
      g_getenv ("TMPDIR") != NULL ? g_getenv ("TMPDIR") : "/tmp", "start-XXXXXX", NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  SnapshotFixture f = {.data = (char *) data};
  GPtrArray *machines;

  g_assert_nonnull (g_mkdtemp (folder));
  g_setenv ("LODGE_RUNTIME_DIR", folder, TRUE);
  lodge_qemu_probe_limit_ms = TEST_WAIT_S * 1000;
  snapshot_fixture_open (&f);
  machines = lodge_library_get_machines (f.library);
  for (guint i = 0; i < machines->len; i++)
    g_ptr_array_add (names, g_strdup (lodge_machine_get_name (machines->pdata[i])));
  for (guint i = 0; i < names->len; i++) {
    snapshot_fixture_look_at (&f, names->pdata[i]);
    start (f.machine);
  }
  snapshot_fixture_wait_all (&f);
  snapshot_fixture_close (&f);
  g_free (f.machine_folder);
  g_setenv ("LODGE_RUNTIME_DIR", runtime, TRUE);
  test_folder_remove (folder);
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
  const guint start_stride = g_getenv ("LODGE_TEST_CRASHES") == NULL ? START_STRIDE : 1;
  const guint first = (guint) g_test_rand_int_range (0, START_STRIDE);
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
    if ((step / stride + first) % start_stride == 0)
      start_all (data);
    n_all += n_killed;
  }
  g_test_message ("%s: less than %u steps, killed %u times", operation, step, n_all);
  g_assert_cmpuint (n_all, >, 0);
  g_assert_cmpuint (step, >, fewest);
  g_assert_cmpuint (step, <, MOST_STEPS);
  crash_worker_copy (original, data);
  g_assert_false (crash_worker_run (data, operation, MOST_STEPS));
  look (user_data, operation);
  start_all (data);
}

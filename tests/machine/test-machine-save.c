/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of machines on a disk that takes its time: the main loop goes on, and each change is made
 * to what the one before has left. */
#include "lodge-error.h"
#include "machine/lodge-library.h"
#include "test-folder.h"
#include "test-wait.h"

#include <sys/syscall.h>
#include <unistd.h>

/* The disk: nothing is written while it is held. */
static GMutex gate;
static GCond opened;
static gboolean held;
static gint waiting; /* how many are there */

/* In place of the C library's. */
int
fsync (int fd)
{
  g_mutex_lock (&gate);
  g_atomic_int_inc (&waiting);
  while (held)
    g_cond_wait (&opened, &gate);
  g_atomic_int_add (&waiting, -1);
  g_mutex_unlock (&gate);
  return (int) syscall (SYS_fsync, fd);
}

static void
hold (gboolean hold_it)
{
  g_mutex_lock (&gate);
  held = hold_it;
  g_cond_broadcast (&opened);
  g_mutex_unlock (&gate);
}

typedef struct {
  char *folder;
  LodgeLibrary *library;
  LodgeMachine *machine;
} Fixture;

static LodgeJob *
create (Fixture *fixture, const char *name, GError **error)
{
  g_autofree char *text = g_strdup_printf ("{'name': <'%s'>, 'disk-size': <uint64 0>}", name);
  g_autoptr (GVariant) spec = g_variant_ref_sink (g_variant_new_parsed (text));

  return lodge_library_create_machine (fixture->library, spec, error);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  test_folder_keep_names ();
  fixture->folder = g_dir_make_tmp ("lodge-save-XXXXXX", NULL);
  fixture->library = lodge_library_new (fixture->folder, &error);
  g_assert_no_error (error);
  job = create (fixture, "web", &error);
  g_assert_no_error (error);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  fixture->machine = lodge_library_find (fixture->library, "web", &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autofree char *quoted = g_shell_quote (fixture->folder);
  g_autofree char *command = g_strconcat ("rm -rf ", quoted, NULL);

  test_wait_unref (fixture->library);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (fixture->folder);
}

static void
set (Fixture *fixture, const char *changes, GAsyncResult **out_result)
{
  lodge_library_set_async (fixture->library, fixture->machine, g_variant_new_parsed (changes),
                           test_wait_result_cb, out_result);
}

static gboolean
end_set (Fixture *fixture, GAsyncResult **result, GError **error)
{
  gboolean done;

  test_wait_until (*result != NULL);
  done = lodge_library_set_finish (fixture->library, *result, error);
  g_clear_object (result);
  return done;
}

/* Somebody waits for the disk, and it is not the main loop. */
static void
wait_for_writer (void)
{
  test_wait_polled (g_atomic_int_get (&waiting) > 0);
}

static void
test_one_after_the_other (Fixture *fixture, gconstpointer data)
{
  const LodgeDescription *description;
  GAsyncResult *results[4] = {NULL};
  g_autoptr (GError) error = NULL;

  hold (TRUE);
  set (fixture, "{'machine.memory': '1G'}", &results[0]);
  set (fixture, "{'machine.memory': '2G', 'machine.cpus': 'many'}", &results[1]);
  set (fixture, "{'machine.cpus': '3'}", &results[2]);
  set (fixture, "{'machine.memory': '3G'}", &results[3]);
  /* The main loop is here, and nobody was told yet. */
  wait_for_writer ();
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    g_assert_null (results[i]);
  g_assert_true (lodge_library_find (fixture->library, "web", NULL) == fixture->machine);
  hold (FALSE);

  g_assert_true (end_set (fixture, &results[0], &error));
  g_assert_false (end_set (fixture, &results[1], &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_true (end_set (fixture, &results[2], &error));
  g_assert_true (end_set (fixture, &results[3], &error));
  g_assert_no_error (error);
  description = lodge_machine_get_description (fixture->machine);
  g_assert_cmpuint (description->memory_mib, ==, 3 * 1024);
  g_assert_cmpuint (description->cpus, ==, 3);
}

/* What was asked for before work began is made before it, and not refused for it. */
static void
test_before_work (Fixture *fixture, gconstpointer data)
{
  GAsyncResult *results[2] = {NULL};
  g_autoptr (GError) error = NULL;
  const LodgeDescription *description;
  LodgeJob *job;

  hold (TRUE);
  set (fixture, "{'machine.cpus': '2'}", &results[0]);
  set (fixture, "{'machine.cpus': '3'}", &results[1]);
  job = lodge_library_take_snapshot (fixture->library, fixture->machine, "one", "");
  while (lodge_job_get_step (job)[0] == '\0')
    g_main_context_iteration (NULL, TRUE);
  wait_for_writer ();
  hold (FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    g_assert_true (end_set (fixture, &results[i], &error));
    g_assert_no_error (error);
  }
  g_assert_cmpint (lodge_job_get_state (job), ==, LODGE_JOB_RUNNING);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (job));
  description = lodge_machine_get_description (fixture->machine);
  g_assert_cmpuint (description->cpus, ==, 3);
  g_assert_cmpuint (description->snapshots->len, ==, 1);
}

/* What has been made of the machine meanwhile is looked at again. */
static void
test_template_before_work (Fixture *fixture, gconstpointer data)
{
  GAsyncResult *results[2] = {NULL};
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  hold (TRUE);
  set (fixture, "{'machine.cpus': '2'}", &results[0]);
  set (fixture, "{'machine.template': 'true'}", &results[1]);
  job = lodge_library_take_snapshot (fixture->library, fixture->machine, "one", "");
  while (lodge_job_get_step (job)[0] == '\0')
    g_main_context_iteration (NULL, TRUE);
  hold (FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    g_assert_true (end_set (fixture, &results[i], &error));
    g_assert_no_error (error);
  }
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_cmpuint (lodge_machine_get_description (fixture->machine)->snapshots->len, ==, 0);
}

/* A name that is being given is taken already; one that was not to be had is free again. */
static void
test_name_is_taken (Fixture *fixture, gconstpointer data)
{
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  hold (TRUE);
  set (fixture, "{'machine.name': 'shop'}", &result);
  g_assert_null (create (fixture, "shop", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  g_clear_error (&error);
  hold (FALSE);
  g_assert_true (end_set (fixture, &result, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (lodge_machine_get_name (fixture->machine), ==, "shop");

  set (fixture, "{'machine.name': 'web', 'machine.cpus': 'many'}", &result);
  g_assert_false (end_set (fixture, &result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  /* Making one does not hold the main loop either. */
  hold (TRUE);
  job = create (fixture, "web", &error);
  g_assert_no_error (error);
  wait_for_writer ();
  g_assert_cmpint (lodge_job_get_state (job), ==, LODGE_JOB_RUNNING);
  hold (FALSE);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_cmpint (lodge_job_get_state (job), ==, LODGE_JOB_DONE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/machine/save/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("one-after-the-other", test_one_after_the_other);
  ADD ("before-work", test_before_work);
  ADD ("template-before-work", test_template_before_work);
  ADD ("name-is-taken", test_name_is_taken);
  return g_test_run ();
}

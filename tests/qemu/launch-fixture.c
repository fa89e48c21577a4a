/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of lodge_launch() have in common. */
#include "launch-fixture.h"

#include "launch-probe.h"
#include "test-folder.h"
#include "test-walls.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#define WAIT_SECONDS 30

static char *self_path;

void
launch_fixture_set_up (LaunchFixture *self, gconstpointer data)
{
  g_autofree char *built = g_canonicalize_filename (g_test_get_dir (G_TEST_BUILT), NULL);

  self->folder = g_build_filename (built, "launch-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (self->folder));
  self->log = g_build_filename (self->folder, "program.log", NULL);
  self->answers = g_build_filename (self->folder, "answers", NULL);
  g_assert_true (g_file_set_contents (self->answers, "", 0, NULL));
  self->contained_possible = test_walls_are_possible ();
}

void
launch_fixture_tear_down (LaunchFixture *self, gconstpointer data)
{
  test_folder_remove (self->folder);
  g_assert_false (g_file_test (self->folder, G_FILE_TEST_EXISTS));
  g_free (self->folder);
  g_free (self->log);
  g_free (self->answers);
}

gboolean
launch_fixture_skip_uncontained (const LaunchFixture *self)
{
  if (!self->contained_possible)
    g_test_skip ("bubblewrap can not make namespaces here");
  return !self->contained_possible;
}

typedef struct {
  gboolean gone;
  int status;
  GPid pid;
} Gone;

static void
gone_cb (GPid pid, int status, gpointer user_data)
{
  Gone *gone = user_data;

  g_assert_false (gone->gone);
  gone->gone = TRUE;
  gone->pid = pid;
  gone->status = status;
}

static gboolean
limit_cb (gpointer data)
{
  g_error ("The program is not gone after %d s", WAIT_SECONDS);
  return G_SOURCE_REMOVE;
}

int
launch_fixture_wait_gone (GPid pid)
{
  return launch_fixture_end (pid, NULL);
}

int
launch_fixture_end (GPid pid, void (*end) (GPid pid))
{
  Gone gone = {0};
  guint limit = g_timeout_add_seconds (WAIT_SECONDS, limit_cb, NULL);

  g_assert_cmpuint (lodge_launch_watch (pid, gone_cb, &gone), >, 0);
  if (end != NULL)
    end (pid);
  while (!gone.gone)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (limit);
  g_assert_cmpint (gone.pid, ==, pid);
  return gone.status;
}

LodgeCommand *
launch_fixture_new_probe (const LaunchFixture *self, const char *attempt, const char *argument)
{
  LodgeCommand *command = lodge_command_new (self_path);

  lodge_command_add (command, "the test's prober", "--probe", self->answers);
  lodge_command_add (command, "what to try", attempt, argument);
  lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, self->answers);
  return command;
}

/* What the prober says when it tries @attempt inside (or outside) the walls. */
char *
launch_fixture_probe (const LaunchFixture *self, LodgeCommand *command, LodgeLaunchFlags flags)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = NULL;
  int status;
  GPid pid = lodge_launch (command, flags, LAUNCH_FIXTURE_UNIT, self->log, &error);

  g_assert_no_error (error);
  status = launch_fixture_wait_gone (pid);
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0) {
    g_autofree char *words = lodge_launch_read_last_words (self->log);

    g_error ("The prober ended with status %#x: %s", (guint) status, words);
  }
  g_assert_true (g_file_get_contents (self->answers, &answer, NULL, NULL));
  g_assert_true (g_file_set_contents (self->answers, "", 0, NULL));
  return g_steal_pointer (&answer);
}

int
launch_fixture_main (int argc, char *argv[], void (*add_tests) (void))
{
  g_autofree char *runtime = NULL;
  int result;

  if (argc > 3 && strcmp (argv[1], "--probe") == 0)
    return launch_probe_run (argv[2], argv[3], argc > 4 ? argv[4] : NULL);

  g_test_init (&argc, &argv, NULL);
  /* No scopes in the session of whoever runs the tests. */
  runtime = g_dir_make_tmp ("lodge-launch-XXXXXX", NULL);
  g_setenv ("XDG_RUNTIME_DIR", runtime, TRUE);
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS");
  self_path = g_file_read_link ("/proc/self/exe", NULL);

  add_tests ();
  result = g_test_run ();
  test_folder_remove (runtime);
  g_free (self_path);
  return result;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge_launch: starting, limits, descriptors, logs, being noticed and killed. Whether the walls
 * hold is the business of test-drill. */
#include "qemu/lodge-launch.h"

#include "launch-fixture.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static LodgeCommand *
new_shell (const char *script)
{
  LodgeCommand *command = lodge_command_new ("sh");

  lodge_command_add (command, "the test's script", "-c", script);
  return command;
}

/* --- starting and ending --- */

static void
test_output_and_status (LaunchFixture *self, gconstpointer data)
{
  LodgeLaunchFlags flags = GPOINTER_TO_INT (data);
  g_autoptr (LodgeCommand) command = new_shell ("echo first; echo 'last words' >&2; exit 7");
  g_autoptr (GError) error = NULL;
  g_autofree char *words = NULL;
  g_autofree char *log = NULL;
  struct stat info;
  GPid pid;
  int status;

  if (flags != 0 && launch_fixture_skip_uncontained (self))
    return;

  pid = lodge_launch (command, flags, LAUNCH_FIXTURE_UNIT, self->log, &error);
  g_assert_no_error (error);
  g_assert_cmpint (pid, >, 0);
  status = launch_fixture_wait_gone (pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 7);
  /* It was reaped. */
  g_assert_cmpint (waitpid (pid, NULL, WNOHANG), ==, -1);
  g_assert_cmpint (errno, ==, ECHILD);

  g_assert_true (g_file_get_contents (self->log, &log, NULL, NULL));
  g_assert_true (g_str_has_prefix (log, "=== "));
  g_assert_nonnull (strstr (log, "first\n"));
  words = lodge_launch_read_last_words (self->log);
  g_assert_cmpstr (words, ==, "last words");
  g_assert_cmpint (g_stat (self->log, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
}

static void
test_program_missing (LaunchFixture *self, gconstpointer data)
{
  g_autoptr (LodgeCommand) command = lodge_command_new ("lodge-no-such-program");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (
      lodge_launch (command, GPOINTER_TO_INT (data), LAUNCH_FIXTURE_UNIT, self->log, &error), ==,
      -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "program"));
}

/* A file that may be run but is no program: only exec itself can tell. */
static void
test_exec_fails (LaunchFixture *self, gconstpointer data)
{
  g_autofree char *path = g_build_filename (self->folder, "broken", NULL);
  g_autoptr (LodgeCommand) command = lodge_command_new (path);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "\177ELF nothing", -1, NULL));
  g_assert_cmpint (g_chmod (path, 0700), ==, 0);
  g_assert_cmpint (lodge_launch (command, 0, LAUNCH_FIXTURE_UNIT, self->log, &error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, path));
  /* Nothing is left to bury. */
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
}

static void
test_bind_missing (LaunchFixture *self, gconstpointer data)
{
  g_autoptr (LodgeCommand) command = new_shell ("exit 0");
  g_autoptr (GError) error = NULL;

  if (launch_fixture_skip_uncontained (self))
    return;

  lodge_command_bind (command, LODGE_COMMAND_BIND_READ_ONLY, "/nowhere/base.qcow2");
  g_assert_cmpint (
      lodge_launch (command, LODGE_LAUNCH_CONTAINED, LAUNCH_FIXTURE_UNIT, self->log, &error), ==,
      -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nowhere/base.qcow2"));
}

/* A bubblewrap that refuses: the launch fails with its words, and nothing is left running. */
static void
test_namespaces_refused (LaunchFixture *self, gconstpointer data)
{
  if (g_test_subprocess ()) {
    g_autofree char *tools = g_build_filename (self->folder, "bin", NULL);
    g_autofree char *fake = g_build_filename (tools, "bwrap", NULL);
    g_autofree char *path = g_strconcat (tools, ":/usr/bin:/bin", NULL);
    g_autoptr (LodgeCommand) command = new_shell ("exit 0");
    g_autoptr (GError) error = NULL;

    g_assert_cmpint (g_mkdir (tools, 0700), ==, 0);
    g_assert_true (g_file_set_contents (
        fake, "#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n", -1,
        NULL));
    g_assert_cmpint (g_chmod (fake, 0700), ==, 0);
    g_setenv ("PATH", path, TRUE);

    g_assert_cmpint (
        lodge_launch (command, LODGE_LAUNCH_CONTAINED, LAUNCH_FIXTURE_UNIT, self->log, &error), ==,
        -1);
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
    g_assert_nonnull (strstr (error->message, "No permissions to create a new namespace"));
    g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
    return;
  }

  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

static void
test_log_refused (LaunchFixture *self, gconstpointer data)
{
  g_autoptr (LodgeCommand) command = new_shell ("exit 0");
  g_autofree char *victim = g_build_filename (self->folder, "victim", NULL);
  g_autofree char *untouched = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (victim, "x", 1, NULL));
  g_assert_cmpint (symlink (victim, self->log), ==, 0);
  g_assert_cmpint (lodge_launch (command, 0, LAUNCH_FIXTURE_UNIT, self->log, &error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, self->log));
  g_assert_true (g_file_get_contents (victim, &untouched, NULL, NULL));
  g_assert_cmpstr (untouched, ==, "x");
}

static void
test_log_is_cut (LaunchFixture *self, gconstpointer data)
{
  g_autoptr (LodgeCommand) command = new_shell ("exit 0");
  g_autofree char *much = g_strnfill (1024 * 1024 + 1, 'x');
  g_autofree char *words = NULL;
  g_autoptr (GError) error = NULL;
  struct stat info;
  GPid pid;

  g_assert_true (g_file_set_contents (self->log, much, -1, NULL));
  pid = lodge_launch (command, 0, LAUNCH_FIXTURE_UNIT, self->log, &error);
  g_assert_no_error (error);
  launch_fixture_wait_gone (pid);
  g_assert_cmpint (g_stat (self->log, &info), ==, 0);
  g_assert_cmpint (info.st_size, <, 1000);
  words = lodge_launch_read_last_words (self->log);
  g_assert_null (words);
}

/* --- what the child is given --- */

static void
test_limits (LaunchFixture *self, gconstpointer data)
{
  LodgeLaunchFlags flags = GPOINTER_TO_INT (data);
  g_autoptr (LodgeCommand) command = launch_fixture_new_probe (self, "limits", NULL);
  g_autofree char *answer = NULL;

  if (flags != 0 && launch_fixture_skip_uncontained (self))
    return;

  g_setenv ("LODGE_TEST_SECRET", "token", TRUE);
  signal (SIGTERM, SIG_IGN);
  answer = launch_fixture_probe (self, command, flags);
  signal (SIGTERM, SIG_DFL);
  g_assert_cmpstr (answer, ==,
                   "core 0\numask 077\nsecret no\nleader-secret no\nterminal no\nsigterm default\n"
                   "cwd /\n");
}

/* The numbers it was promised and no others, though the engine has one open that is inherited. */
static void
test_descriptors (LaunchFixture *self, gconstpointer data)
{
  LodgeLaunchFlags flags = GPOINTER_TO_INT (data);
  g_autoptr (LodgeCommand) command = launch_fixture_new_probe (self, "descriptors", NULL);
  g_autofree char *answer = NULL;
  int leaked = open ("/dev/null", O_RDONLY); /* NOLINT: on purpose without O_CLOEXEC */
  int first[2], second[2];

  if (flags != 0 && launch_fixture_skip_uncontained (self)) {
    close (leaked);
    return;
  }

  g_assert_cmpint (pipe2 (first, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (second, O_CLOEXEC), ==, 0);
  /* The higher number first, so that the moves would run over each other if done naively. */
  g_assert_cmpint (lodge_command_take_fd (command, second[1]), ==, 3);
  g_assert_cmpint (lodge_command_take_fd (command, first[1]), ==, 4);
  answer = launch_fixture_probe (self, command, flags);
  g_assert_cmpstr (answer, ==, "0 1 2 3 4\n");

  /* Each got its own: the prober writes the number into each. */
  for (guint i = 0; i < 2; i++) {
    char text[8] = "";

    g_assert_cmpint (read (i == 0 ? second[0] : first[0], text, sizeof text - 1), ==, 1);
    g_assert_cmpstr (text, ==, i == 0 ? "3" : "4");
  }
  close (first[0]);
  close (second[0]);
  close (leaked);
}

/* --- being noticed and killed --- */

static void
kill_now (GPid pid)
{
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
}

static void
test_watch_foreign (LaunchFixture *self, gconstpointer data)
{
  g_autofree char *text = NULL;
  char *argv[] = {(char *) "sh", (char *) "-c", (char *) "sleep 100 >/dev/null 2>&1 & echo $!",
                  NULL};
  GPid pid;

  /* The sleeper's parent is gone at once: it is a process that is not our child. */
  g_assert_true (
      g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &text, NULL, NULL, NULL));
  pid = (GPid) g_ascii_strtoll (text, NULL, 10);
  g_assert_cmpint (pid, >, 1);
  g_assert_cmpint (launch_fixture_end (pid, kill_now), ==, -1);
}

static void
told_cb (GPid pid, int status, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

static void
test_watch_nobody (LaunchFixture *self, gconstpointer data)
{
  gboolean told = FALSE;
  GPid pid = fork ();

  if (pid == 0)
    _exit (0);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  g_assert_cmpuint (lodge_launch_watch (pid, told_cb, &told), ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_false (told);
}

static void
test_kill (LaunchFixture *self, gconstpointer data)
{
  LodgeLaunchFlags flags = GPOINTER_TO_INT (data);
  g_autoptr (LodgeCommand) command = new_shell ("sleep 1000; echo not reached");
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (self->folder, "lock", NULL);
  int lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int again = open (path, O_RDWR | O_CLOEXEC);
  GPid pid;

  if (flags != 0 && launch_fixture_skip_uncontained (self)) {
    close (lock);
    close (again);
    return;
  }

  /* The lock of a running machine: it goes with the descriptor, and is free when all is dead. */
  g_assert_cmpint (flock (lock, LOCK_EX | LOCK_NB), ==, 0);
  lodge_command_take_fd (command, lock);
  pid = lodge_launch (command, flags, LAUNCH_FIXTURE_UNIT, self->log, &error);
  g_assert_no_error (error);
  g_clear_pointer (&command, lodge_command_free);
  g_assert_cmpint (flock (again, LOCK_EX | LOCK_NB), ==, -1);
  g_assert_cmpint (errno, ==, EWOULDBLOCK);

  lodge_launch_kill (pid);
  launch_fixture_wait_gone (pid);
  /* At once where a namespace ends with its first process. Without one, what the program itself
   * started got the same signal, but may be a moment later. */
  for (int i = 0; flags == 0 && i < 3000 && flock (again, LOCK_EX | LOCK_NB) != 0; i++)
    g_usleep (10000);
  g_assert_cmpint (flock (again, LOCK_EX | LOCK_NB), ==, 0);
  close (again);
}

/* The one who started it is killed, its terminal hangs up; the program lives on. */
static void
test_survives (LaunchFixture *self, gconstpointer data)
{
  LodgeLaunchFlags flags = GPOINTER_TO_INT (data);
  int answer[2], status;
  pid_t engine;
  GPid pid = 0;

  if (flags != 0 && launch_fixture_skip_uncontained (self))
    return;

  g_assert_cmpint (pipe2 (answer, O_CLOEXEC), ==, 0);
  engine = fork ();
  if (engine == 0) {
    g_autoptr (LodgeCommand) command = new_shell ("sleep 1000");

    setsid ();
    /* Somebody may have started all this with nohup. */
    signal (SIGHUP, SIG_DFL);
    pid = lodge_launch (command, flags, LAUNCH_FIXTURE_UNIT, self->log, NULL);
    if (write (answer[1], &pid, sizeof pid) != sizeof pid)
      _exit (1);
    /* What the end of a terminal sends to everybody in its session. */
    kill (0, SIGHUP);
    _exit (0);
  }
  close (answer[1]);
  g_assert_cmpint (read (answer[0], &pid, sizeof pid), ==, sizeof pid);
  g_assert_cmpint (waitpid (engine, &status, 0), ==, engine);
  g_assert_true (WIFSIGNALED (status));
  close (answer[0]);

  g_assert_cmpint (pid, >, 0);
  g_assert_cmpint (kill (pid, 0), ==, 0);
  g_assert_cmpint (launch_fixture_end (pid, lodge_launch_kill), ==, -1);
}

/* --- the last words --- */

static void
test_last_words (LaunchFixture *self, gconstpointer data)
{
  g_autofree char *lengthy = g_strnfill (5000, 'y');
  const struct {
    const char *log;
    gssize length;
    const char *words;
  } rows[] = {
      {"", 0, NULL},
      {"\n\n  \n", -1, NULL},
      {"one\ntwo\n\n", -1, "two"},
      {"one\ntwo", -1, "two"},
      {"=== 2026 qemu\n", -1, NULL},
      {"old\n=== 2026 qemu\n\n", -1, NULL},
      {"old\n=== 2026 qemu\nnew\n", -1, "new"},
      {"a\033[31mred\tword\a\r\n", -1, "a [31mred word"},
      {"bad \377\376 bytes\n", -1, "bad \357\277\275\357\277\275 bytes"},
      {"with\0nul\n", 9, "with nul"},
      {"\342\200\256reversed\n", -1, "reversed"},
  };
  g_autofree char *missing = lodge_launch_read_last_words (self->log);
  g_autofree char *words = NULL;

  g_assert_null (missing);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *got = NULL;

    g_assert_true (g_file_set_contents (self->log, rows[i].log, rows[i].length, NULL));
    got = lodge_launch_read_last_words (self->log);
    g_assert_cmpstr (got, ==, rows[i].words);
  }

  g_assert_true (g_file_set_contents (self->log, lengthy, -1, NULL));
  words = lodge_launch_read_last_words (self->log);
  g_assert_cmpuint (strlen (words), ==, 400);
}

static void
add (const char *path, LodgeLaunchFlags flags, void (*test) (LaunchFixture *, gconstpointer))
{
  g_test_add (path, LaunchFixture, GINT_TO_POINTER (flags), launch_fixture_set_up, test,
              launch_fixture_tear_down);
}

static void
add_both (const char *name, void (*test) (LaunchFixture *, gconstpointer))
{
  g_autofree char *bare = g_strdup_printf ("/launch/%s/bare", name);
  g_autofree char *contained = g_strdup_printf ("/launch/%s/contained", name);

  add (bare, 0, test);
  add (contained, LODGE_LAUNCH_CONTAINED, test);
}

static void
add_tests (void)
{
  add_both ("output-and-status", test_output_and_status);
  add_both ("program-missing", test_program_missing);
  add ("/launch/exec-fails", 0, test_exec_fails);
  add ("/launch/bind-missing", 0, test_bind_missing);
  add ("/launch/namespaces-refused", 0, test_namespaces_refused);
  add ("/launch/log-refused", 0, test_log_refused);
  add ("/launch/log-is-cut", 0, test_log_is_cut);
  add_both ("limits", test_limits);
  add_both ("descriptors", test_descriptors);
  add ("/launch/watch/foreign", 0, test_watch_foreign);
  add ("/launch/watch/nobody", 0, test_watch_nobody);
  add_both ("kill", test_kill);
  add_both ("survives", test_survives);
  add ("/launch/last-words", 0, test_last_words);
}

int
main (int argc, char *argv[])
{
  return launch_fixture_main (argc, argv, add_tests);
}

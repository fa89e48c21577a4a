/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge_launch: starting, limits, descriptors, logs, being noticed and killed, and whether the
 * walls hold. The program that is started is this one again, as its own prober. */
#include "qemu/lodge-launch.h"

#include "launch-probe.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <unistd.h>

#define UNIT         "lodge-test.scope"
#define WAIT_SECONDS 30

static char *self_path;

typedef struct {
  char *folder; /* not in /tmp, which containment replaces */
  char *log;
  char *answers; /* what the prober writes */
  gboolean contained_possible;
} Fixture;

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);

    if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
      remove_folder (child);
    else
      g_unlink (child);
  }
  g_rmdir (path);
}

static gboolean
can_contain (void)
{
  int status = -1;

  return g_spawn_command_line_sync ("bwrap --unshare-all --ro-bind / / true", NULL, NULL, &status,
                                    NULL) &&
         g_spawn_check_wait_status (status, NULL);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autofree char *built = g_canonicalize_filename (g_test_get_dir (G_TEST_BUILT), NULL);

  self->folder = g_build_filename (built, "launch-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (self->folder));
  self->log = g_build_filename (self->folder, "program.log", NULL);
  self->answers = g_build_filename (self->folder, "answers", NULL);
  g_assert_true (g_file_set_contents (self->answers, "", 0, NULL));
  self->contained_possible = can_contain ();
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  remove_folder (self->folder);
  g_assert_false (g_file_test (self->folder, G_FILE_TEST_EXISTS));
  g_free (self->folder);
  g_free (self->log);
  g_free (self->answers);
}

static gboolean
skip_uncontained (const Fixture *self)
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

static int
wait_gone (GPid pid)
{
  Gone gone = {0};
  guint limit = g_timeout_add_seconds (WAIT_SECONDS, limit_cb, NULL);

  g_assert_cmpuint (lodge_launch_watch (pid, gone_cb, &gone), >, 0);
  while (!gone.gone)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (limit);
  g_assert_cmpint (gone.pid, ==, pid);
  return gone.status;
}

static LodgeCommand *
new_shell (const char *script)
{
  LodgeCommand *command = lodge_command_new ("sh");

  lodge_command_add (command, "the test's script", "-c", script);
  return command;
}

static LodgeCommand *
new_probe (const Fixture *self, const char *attempt, const char *argument)
{
  LodgeCommand *command = lodge_command_new (self_path);

  lodge_command_add (command, "the test's prober", "--probe", self->answers);
  lodge_command_add (command, "what to try", attempt, argument);
  lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, self->answers);
  return command;
}

/* What the prober says when it tries @attempt inside (or outside) the walls. */
static char *
probe (const Fixture *self, LodgeCommand *command, LodgeLaunchFlags flags)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = NULL;
  int status;
  GPid pid = lodge_launch (command, flags, UNIT, self->log, &error);

  g_assert_no_error (error);
  status = wait_gone (pid);
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0) {
    g_autofree char *words = lodge_launch_read_last_words (self->log);

    g_error ("The prober ended with status %#x: %s", (guint) status, words);
  }
  g_assert_true (g_file_get_contents (self->answers, &answer, NULL, NULL));
  g_assert_true (g_file_set_contents (self->answers, "", 0, NULL));
  return g_steal_pointer (&answer);
}

/* --- starting and ending --- */

static void
test_output_and_status (Fixture *self, gconstpointer data)
{
  LodgeLaunchFlags flags = GPOINTER_TO_INT (data);
  g_autoptr (LodgeCommand) command = new_shell ("echo first; echo 'last words' >&2; exit 7");
  g_autoptr (GError) error = NULL;
  g_autofree char *words = NULL;
  g_autofree char *log = NULL;
  struct stat info;
  GPid pid;
  int status;

  if (flags != 0 && skip_uncontained (self))
    return;

  pid = lodge_launch (command, flags, UNIT, self->log, &error);
  g_assert_no_error (error);
  g_assert_cmpint (pid, >, 0);
  status = wait_gone (pid);
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
test_program_missing (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeCommand) command = lodge_command_new ("lodge-no-such-program");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (lodge_launch (command, GPOINTER_TO_INT (data), UNIT, self->log, &error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "program"));
}

/* A file that may be run but is no program: only exec itself can tell. */
static void
test_exec_fails (Fixture *self, gconstpointer data)
{
  g_autofree char *path = g_build_filename (self->folder, "broken", NULL);
  g_autoptr (LodgeCommand) command = lodge_command_new (path);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "\177ELF nothing", -1, NULL));
  g_assert_cmpint (g_chmod (path, 0700), ==, 0);
  g_assert_cmpint (lodge_launch (command, 0, UNIT, self->log, &error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, path));
  /* Nothing is left to bury. */
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
}

static void
test_bind_missing (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeCommand) command = new_shell ("exit 0");
  g_autoptr (GError) error = NULL;

  if (skip_uncontained (self))
    return;

  lodge_command_bind (command, LODGE_COMMAND_BIND_READ_ONLY, "/nowhere/base.qcow2");
  g_assert_cmpint (lodge_launch (command, LODGE_LAUNCH_CONTAINED, UNIT, self->log, &error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nowhere/base.qcow2"));
}

/* A bubblewrap that refuses: the launch fails with its words, and nothing is left running. */
static void
test_namespaces_refused (Fixture *self, gconstpointer data)
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

    g_assert_cmpint (lodge_launch (command, LODGE_LAUNCH_CONTAINED, UNIT, self->log, &error), ==,
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
test_log_refused (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeCommand) command = new_shell ("exit 0");
  g_autofree char *victim = g_build_filename (self->folder, "victim", NULL);
  g_autofree char *untouched = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (victim, "x", 1, NULL));
  g_assert_cmpint (symlink (victim, self->log), ==, 0);
  g_assert_cmpint (lodge_launch (command, 0, UNIT, self->log, &error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, self->log));
  g_assert_true (g_file_get_contents (victim, &untouched, NULL, NULL));
  g_assert_cmpstr (untouched, ==, "x");
}

static void
test_log_is_cut (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeCommand) command = new_shell ("exit 0");
  g_autofree char *much = g_strnfill (1024 * 1024 + 1, 'x');
  g_autofree char *words = NULL;
  g_autoptr (GError) error = NULL;
  struct stat info;
  GPid pid;

  g_assert_true (g_file_set_contents (self->log, much, -1, NULL));
  pid = lodge_launch (command, 0, UNIT, self->log, &error);
  g_assert_no_error (error);
  wait_gone (pid);
  g_assert_cmpint (g_stat (self->log, &info), ==, 0);
  g_assert_cmpint (info.st_size, <, 1000);
  words = lodge_launch_read_last_words (self->log);
  g_assert_null (words);
}

/* --- what the child is given --- */

static void
test_limits (Fixture *self, gconstpointer data)
{
  LodgeLaunchFlags flags = GPOINTER_TO_INT (data);
  g_autoptr (LodgeCommand) command = new_probe (self, "limits", NULL);
  g_autofree char *answer = NULL;

  if (flags != 0 && skip_uncontained (self))
    return;

  g_setenv ("LODGE_TEST_SECRET", "token", TRUE);
  signal (SIGTERM, SIG_IGN);
  answer = probe (self, command, flags);
  signal (SIGTERM, SIG_DFL);
  g_assert_cmpstr (answer, ==,
                   "core 0\numask 077\nsecret no\nleader-secret no\nterminal no\nsigterm default\n"
                   "cwd /\n");
}

/* The numbers it was promised and no others, though the engine has one open that is inherited. */
static void
test_descriptors (Fixture *self, gconstpointer data)
{
  LodgeLaunchFlags flags = GPOINTER_TO_INT (data);
  g_autoptr (LodgeCommand) command = new_probe (self, "descriptors", NULL);
  g_autofree char *answer = NULL;
  int leaked = open ("/dev/null", O_RDONLY); /* NOLINT: on purpose without O_CLOEXEC */
  int first[2], second[2];

  if (flags != 0 && skip_uncontained (self)) {
    close (leaked);
    return;
  }

  g_assert_cmpint (pipe2 (first, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (second, O_CLOEXEC), ==, 0);
  /* The higher number first, so that the moves would run over each other if done naively. */
  g_assert_cmpint (lodge_command_take_fd (command, second[1]), ==, 3);
  g_assert_cmpint (lodge_command_take_fd (command, first[1]), ==, 4);
  answer = probe (self, command, flags);
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
test_watch_foreign (Fixture *self, gconstpointer data)
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
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  g_assert_cmpint (wait_gone (pid), ==, -1);
}

static void
test_watch_nobody (Fixture *self, gconstpointer data)
{
  Gone gone = {0};
  GPid pid = fork ();

  if (pid == 0)
    _exit (0);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  g_assert_cmpuint (lodge_launch_watch (pid, gone_cb, &gone), ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_false (gone.gone);
}

static void
test_kill (Fixture *self, gconstpointer data)
{
  LodgeLaunchFlags flags = GPOINTER_TO_INT (data);
  g_autoptr (LodgeCommand) command = new_shell ("sleep 1000; echo not reached");
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (self->folder, "lock", NULL);
  int lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int again = open (path, O_RDWR | O_CLOEXEC);
  GPid pid;

  if (flags != 0 && skip_uncontained (self)) {
    close (lock);
    close (again);
    return;
  }

  /* The lock of a running machine: it goes with the descriptor, and is free when all is dead. */
  g_assert_cmpint (flock (lock, LOCK_EX | LOCK_NB), ==, 0);
  lodge_command_take_fd (command, lock);
  pid = lodge_launch (command, flags, UNIT, self->log, &error);
  g_assert_no_error (error);
  g_clear_pointer (&command, lodge_command_free);
  g_assert_cmpint (flock (again, LOCK_EX | LOCK_NB), ==, -1);
  g_assert_cmpint (errno, ==, EWOULDBLOCK);

  lodge_launch_kill (pid);
  wait_gone (pid);
  /* At once: what is seen as gone holds nothing any more. */
  g_assert_cmpint (flock (again, LOCK_EX | LOCK_NB), ==, 0);
  close (again);
}

/* The one who started it is killed, its terminal hangs up; the program lives on. */
static void
test_survives (Fixture *self, gconstpointer data)
{
  LodgeLaunchFlags flags = GPOINTER_TO_INT (data);
  int answer[2], status;
  pid_t engine;
  GPid pid = 0;

  if (flags != 0 && skip_uncontained (self))
    return;

  g_assert_cmpint (pipe2 (answer, O_CLOEXEC), ==, 0);
  engine = fork ();
  if (engine == 0) {
    g_autoptr (LodgeCommand) command = new_shell ("sleep 1000");

    setsid ();
    pid = lodge_launch (command, flags, UNIT, self->log, NULL);
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
  lodge_launch_kill (pid);
  g_assert_cmpint (wait_gone (pid), ==, -1);
}

/* --- the last words --- */

static void
test_last_words (Fixture *self, gconstpointer data)
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

/* --- the drill: a program that was taken over --- */

typedef struct {
  char *argument[PROBE_N_ATTEMPTS];
  int unix_fd, abstract_fd, tcp_fd;
  char *machine, *disk, *base, *runtime;
} Drill;

static int
listen_unix (const char *name, gboolean abstract)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  gsize offset = abstract ? 1 : 0;
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpuint (strlen (name) + offset, <, sizeof address.sun_path);
  memcpy (address.sun_path + offset, name, strlen (name));
  g_assert_cmpint (
      bind (fd, (struct sockaddr *) &address,
            (socklen_t) (offsetof (struct sockaddr_un, sun_path) + offset + strlen (name))),
      ==, 0);
  g_assert_cmpint (listen (fd, 4), ==, 0);
  return fd;
}

static int
listen_tcp (guint16 *out_port)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (fd, 4), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &length), ==, 0);
  *out_port = ntohs (address.sin_port);
  return fd;
}

static char *
make_file (const char *folder, const char *name)
{
  char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, "content", -1, NULL));
  return path;
}

static void
drill_set_up (Drill *self, const Fixture *fixture)
{
  g_autofree char *home = g_build_filename (fixture->folder, "home", NULL);
  g_autofree char *other = g_build_filename (home, "other-machine", NULL);
  guint16 port = 0;

  /* A socket's path is short; the build folder's need not be. */
  self->runtime = g_dir_make_tmp ("lodge-drill-XXXXXX", NULL);
  self->machine = g_build_filename (home, "machine", NULL);
  g_assert_cmpint (g_mkdir_with_parents (self->machine, 0700), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (other, 0700), ==, 0);
  self->disk = make_file (self->machine, "disk.qcow2");
  self->base = make_file (home, "base.qcow2");

  self->argument[PROBE_READ_HOME] = make_file (home, "id_rsa");
  self->argument[PROBE_READ_PASSWD] = g_strdup ("/etc/passwd");
  self->argument[PROBE_READ_OTHER_DISK] = make_file (other, "disk.qcow2");
  self->argument[PROBE_WRITE_BASE] = g_strdup (self->base);
  self->argument[PROBE_WRITE_MACHINE_INI] = make_file (self->machine, "machine.ini");
  self->argument[PROBE_CREATE_IN_MACHINE] = g_build_filename (self->machine, "new", NULL);
  self->argument[PROBE_PLANT_LINK] = g_build_filename (self->machine, "thumbnail.png", NULL);
  self->argument[PROBE_CREATE_IN_ROOT] = g_build_filename (fixture->folder, "litter", NULL);
  self->argument[PROBE_CONNECT_UNIX] =
      g_strdup_printf ("%s.sock", self->runtime); /* beside the folder, not in it */
  self->unix_fd = listen_unix (self->argument[PROBE_CONNECT_UNIX], FALSE);
  self->argument[PROBE_CONNECT_ABSTRACT] = g_strdup_printf ("lodge-drill-%d", (int) getpid ());
  self->abstract_fd = listen_unix (self->argument[PROBE_CONNECT_ABSTRACT], TRUE);
  self->tcp_fd = listen_tcp (&port);
  self->argument[PROBE_CONNECT_TCP] = g_strdup_printf ("%u", port);
  self->argument[PROBE_READ_ENVIRON] = g_strdup_printf ("/proc/%d/environ", (int) getpid ());
  self->argument[PROBE_SIGNAL] = g_strdup_printf ("%d", (int) getpid ());
}

static void
drill_tear_down (Drill *self)
{
  g_unlink (self->argument[PROBE_CONNECT_UNIX]);
  remove_folder (self->runtime);
  for (guint i = 0; i < PROBE_N_ATTEMPTS; i++)
    g_free (self->argument[i]);
  close (self->unix_fd);
  close (self->abstract_fd);
  close (self->tcp_fd);
  g_free (self->machine);
  g_free (self->disk);
  g_free (self->base);
  g_free (self->runtime);
}

/* Every attempt outside the walls is reached (else it would prove nothing), none inside. */
static void
test_drill (Fixture *self, gconstpointer data)
{
  Drill drill = {0};

  if (skip_uncontained (self))
    return;

  drill_set_up (&drill, self);
  for (guint i = 0; i < PROBE_N_ATTEMPTS; i++) {
    const char *name = launch_probe_names[i];

    /* Inside first: outside, some of them leave something behind. */
    for (guint contained = 2; contained-- > 0;) {
      g_autoptr (LodgeCommand) command = new_probe (self, name, drill.argument[i]);
      g_autofree char *answer = NULL;

      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, drill.disk);
      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_ONLY, drill.base);
      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, drill.runtime);
      answer = probe (self, command, contained ? LODGE_LAUNCH_CONTAINED : 0);
      g_test_message ("%s %s: %s", name, contained ? "inside" : "outside", answer);
      if (g_str_has_prefix (answer, "reached") != !contained)
        g_error ("%s %s: %s", name, contained ? "inside" : "outside", answer);
    }
  }
  drill_tear_down (&drill);
}

static void
test_what_was_bound (Fixture *self, gconstpointer data)
{
  Drill drill = {0};
  g_autofree char *socket_path = NULL;

  if (skip_uncontained (self))
    return;

  drill_set_up (&drill, self);
  socket_path = g_build_filename (drill.runtime, "qmp.sock", NULL);
  {
    const char *const attempts[][2] = {
        {launch_probe_names[PROBE_READ_HOME], drill.base},
        {launch_probe_names[PROBE_WRITE_BASE], drill.disk},
        {launch_probe_names[PROBE_READ_HOME], "/dev/urandom"},
        {launch_probe_names[PROBE_READ_HOME], "/usr/bin/sh"},
        {"listen", socket_path},
    };

    for (guint i = 0; i < G_N_ELEMENTS (attempts); i++) {
      g_autoptr (LodgeCommand) command = new_probe (self, attempts[i][0], attempts[i][1]);
      g_autofree char *answer = NULL;

      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, drill.disk);
      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_ONLY, drill.base);
      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, drill.runtime);
      answer = probe (self, command, LODGE_LAUNCH_CONTAINED);
      if (!g_str_has_prefix (answer, "reached"))
        g_error ("%s %s: %s", attempts[i][0], attempts[i][1], answer);
    }
  }
  g_assert_true (g_file_test (socket_path, G_FILE_TEST_EXISTS));
  drill_tear_down (&drill);
}

/* With the host's network the loopback is reached, and still no file is. */
static void
test_network_flag (Fixture *self, gconstpointer data)
{
  Drill drill = {0};
  const LodgeLaunchFlags flags = LODGE_LAUNCH_CONTAINED | LODGE_LAUNCH_NETWORK;

  if (skip_uncontained (self))
    return;

  drill_set_up (&drill, self);
  {
    g_autoptr (LodgeCommand) tcp =
        new_probe (self, launch_probe_names[PROBE_CONNECT_TCP], drill.argument[PROBE_CONNECT_TCP]);
    g_autoptr (LodgeCommand) file =
        new_probe (self, launch_probe_names[PROBE_READ_HOME], drill.argument[PROBE_READ_HOME]);
    g_autofree char *reached = probe (self, tcp, flags);
    g_autofree char *refused = probe (self, file, flags);

    g_assert_cmpstr (reached, ==, "reached\n");
    g_assert_true (g_str_has_prefix (refused, "refused"));
  }
  drill_tear_down (&drill);
}

static void
add (const char *path, LodgeLaunchFlags flags, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, GINT_TO_POINTER (flags), set_up, test, tear_down);
}

static void
add_both (const char *name, void (*test) (Fixture *, gconstpointer))
{
  g_autofree char *bare = g_strdup_printf ("/launch/%s/bare", name);
  g_autofree char *contained = g_strdup_printf ("/launch/%s/contained", name);

  add (bare, 0, test);
  add (contained, LODGE_LAUNCH_CONTAINED, test);
}

int
main (int argc, char *argv[])
{
  g_autofree char *runtime = NULL;
  int result;

  if (argc > 2 && strcmp (argv[1], "--probe") == 0)
    return launch_probe_run (argv[2], argv[3], argc > 4 ? argv[4] : NULL);

  g_test_init (&argc, &argv, NULL);
  /* No scopes in the session of whoever runs the tests. */
  runtime = g_dir_make_tmp ("lodge-launch-XXXXXX", NULL);
  g_setenv ("XDG_RUNTIME_DIR", runtime, TRUE);
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS");
  self_path = g_file_read_link ("/proc/self/exe", NULL);

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
  add ("/launch/drill", 0, test_drill);
  add ("/launch/what-was-bound", 0, test_what_was_bound);
  add ("/launch/network-flag", 0, test_network_flag);
  result = g_test_run ();
  remove_folder (runtime);
  g_free (self_path);
  return result;
}

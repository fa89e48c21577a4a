/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting a command inside its containment, so that it outlives the engine.
 *
 * Theory of operation. Everything that allocates happens before fork(); the child makes only
 * async-signal-safe calls (signal-safety(7)), since other threads of the engine may hold locks.
 *
 *   engine                                child
 *   prepare: arguments, log, descriptors
 *   fork ------------------------------>  setsid, signals, umask, limits, descriptors
 *   put it into its systemd scope         wait at the gate
 *   open the gate ---------------------->  exec, or report errno
 *   read the report (end: exec worked)
 *   read bubblewrap's --info-fd           namespaces made: writes its child's pid
 *
 * An engine that dies before it opened the gate closes it, and the child ends: nothing is left
 * half-started.
 */
#include "qemu/lodge-launch.h"

#include "lodge-error.h"
#include "qemu/lodge-containment.h"
#include "qemu/lodge-launch-log.h"
#include "qemu/lodge-scope.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Disks, their layers, NICs, sockets and USB devices of one machine stay far below it. */
#define OPEN_FILES 65536
/* bubblewrap needs a millisecond; a machine under load gets some more. */
#define NAMESPACES_LIMIT_MS 10000
/* What a shell says of a program that it could not run; nobody sees it but in a debugger. */
#define EXIT_NOT_STARTED 126

typedef struct {
  int from; /* our own number, above every number in use by the child */
  int to;
} Move;

/* All that the child needs, ready before fork(). */
typedef struct {
  GPtrArray *argv; /* NULL last */
  char **environment;
  GArray *moves; /* of Move; owns the descriptors @from */
  int first_free;
  int info[2]; /* bubblewrap's answer; -1 without it */
  int gate[2];
  int report[2];
  struct rlimit open_files;
  gboolean contained;
} Launch;

static void
close_end (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
launch_clear (Launch *self)
{
  g_clear_pointer (&self->argv, g_ptr_array_unref);
  g_clear_pointer (&self->environment, g_strfreev);
  for (guint i = 0; self->moves != NULL && i < self->moves->len; i++)
    close (g_array_index (self->moves, Move, i).from);
  g_clear_pointer (&self->moves, g_array_unref);
  for (guint i = 0; i < 2; i++) {
    close_end (&self->info[i]);
    close_end (&self->gate[i]);
    close_end (&self->report[i]);
  }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Launch, launch_clear)

static void
set_errno_error (GError **error, const char *what, int code)
{
  g_set_error (error, LODGE_ERROR,
               code == EACCES || code == EPERM ? LODGE_ERROR_DENIED : LODGE_ERROR_FAILED,
               _ ("Could not start %s: %s"), what, g_strerror (code));
}

/* Plans that the child sees @fd as @number. The copy lies above all numbers that the child uses, so
 * that no move runs over the source of another. */
static gboolean
add_move (Launch *self, int fd, int number, const char *what, GError **error)
{
  Move move = {fcntl (fd, F_DUPFD_CLOEXEC, self->first_free), number};

  if (move.from < 0) {
    set_errno_error (error, what, errno);
    return FALSE;
  }
  g_array_append_val (self->moves, move);
  return TRUE;
}

static gboolean
prepare_descriptors (
    Launch *self, LodgeCommand *command, const char *program, const char *log_path, GError **error)
{
  guint n_fds = lodge_command_get_n_fds (command);
  int null_fd, log_fd;
  gboolean ok;

  /* 0 to 2, the command's, and bubblewrap's answer. */
  self->first_free = 3 + (int) n_fds + 1;
  self->moves = g_array_new (FALSE, FALSE, sizeof (Move));

  null_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null_fd < 0) {
    set_errno_error (error, program, errno);
    return FALSE;
  }
  ok = add_move (self, null_fd, 0, program, error);
  close (null_fd);
  if (!ok)
    return FALSE;

  log_fd = lodge_launch_log_open (log_path, program, error);
  if (log_fd < 0)
    return FALSE;
  ok = add_move (self, log_fd, 1, program, error) && add_move (self, log_fd, 2, program, error);
  close (log_fd);

  for (guint i = 0; ok && i < n_fds; i++) {
    int number = -1;
    int fd = lodge_command_get_fd (command, i, &number);

    ok = add_move (self, fd, number, program, error);
  }
  if (ok && self->contained)
    ok = add_move (self, self->info[1], self->first_free - 1, program, error);
  return ok;
}

/* A pipe whose ends are above the child's numbers, too. */
static gboolean
make_pipe (int ends[2], int above, const char *what, GError **error)
{
  int low[2];

  if (pipe2 (low, O_CLOEXEC) != 0) {
    set_errno_error (error, what, errno);
    return FALSE;
  }
  for (guint i = 0; i < 2; i++)
    ends[i] = fcntl (low[i], F_DUPFD_CLOEXEC, above);
  if (ends[0] < 0 || ends[1] < 0)
    set_errno_error (error, what, errno);
  close (low[0]);
  close (low[1]);
  return ends[0] >= 0 && ends[1] >= 0;
}

static gboolean
prepare_bare (Launch *self, LodgeCommand *command, GError **error)
{
  const char *const *argv = lodge_command_get_argv (command);
  char *program = lodge_containment_find_program (argv[0], error);

  if (program == NULL)
    return FALSE;
  self->argv = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->argv, program);
  for (guint i = 1; argv[i] != NULL; i++)
    g_ptr_array_add (self->argv, g_strdup (argv[i]));
  g_ptr_array_add (self->argv, NULL);
  return TRUE;
}

static gboolean
prepare_contained (Launch *self, LodgeCommand *command, LodgeLaunchFlags flags, GError **error)
{
  g_autoptr (GArray) binds = g_array_new (FALSE, FALSE, sizeof (LodgeContainmentBind));
  LodgeContainmentFlags walls = LODGE_CONTAINMENT_DEFAULT;

  for (guint i = 0; i < lodge_command_get_n_binds (command); i++) {
    LodgeContainmentBind bind;

    bind.path = lodge_command_get_bind (command, i, &bind.how);
    g_array_append_val (binds, bind);
  }
  if (flags & LODGE_LAUNCH_NETWORK)
    walls |= LODGE_CONTAINMENT_NETWORK;
  if (flags & LODGE_LAUNCH_NOT_ROOT)
    walls |= LODGE_CONTAINMENT_NOT_ROOT;
  self->argv = lodge_containment_new_argv (walls, (const LodgeContainmentBind *) binds->data,
                                           binds->len, lodge_command_get_argv (command), error);
  if (self->argv == NULL)
    return FALSE;
  g_ptr_array_insert (self->argv, 1, g_strdup ("--info-fd"));
  g_ptr_array_insert (self->argv, 2, g_strdup_printf ("%u", 3 + lodge_command_get_n_fds (command)));
  return TRUE;
}

static char **
dup_environment (LodgeCommand *command)
{
  const char *const *variables = lodge_command_get_variables (command);
  char **environment = lodge_containment_dup_environment ();

  for (guint i = 0; variables[i] != NULL; i++) {
    g_auto (GStrv) parts = g_strsplit (variables[i], "=", 2);
    environment = g_environ_setenv (environment, parts[0], parts[1], TRUE);
  }
  return environment;
}

static gboolean
prepare (Launch *self,
         LodgeCommand *command,
         LodgeLaunchFlags flags,
         const char *log_path,
         GError **error)
{
  const char *program = lodge_command_get_argv (command)[0];
  int above = 3 + (int) lodge_command_get_n_fds (command) + 1;

  self->contained = (flags & LODGE_LAUNCH_CONTAINED) != 0;
  self->environment = dup_environment (command);
  if (!(self->contained ? prepare_contained (self, command, flags, error)
                        : prepare_bare (self, command, error)) ||
      !make_pipe (self->gate, above, program, error) ||
      !make_pipe (self->report, above, program, error) ||
      (self->contained && !make_pipe (self->info, above, program, error)) ||
      !prepare_descriptors (self, command, program, log_path, error))
    return FALSE;

  if (getrlimit (RLIMIT_NOFILE, &self->open_files) != 0) {
    set_errno_error (error, program, errno);
    return FALSE;
  }
  self->open_files.rlim_cur = MIN (self->open_files.rlim_max, OPEN_FILES);
  return TRUE;
}

/* Every limit that a user's shell may have set and a disk could run into is lifted as far as it
 * may be; a core of QEMU would be the guest's whole memory in a file. */
static void
child_limits (const Launch *self)
{
  const struct rlimit none = {0, 0};
  struct rlimit file_size;

  setrlimit (RLIMIT_CORE, &none);
  setrlimit (RLIMIT_NOFILE, &self->open_files);
  if (getrlimit (RLIMIT_FSIZE, &file_size) == 0) {
    file_size.rlim_cur = file_size.rlim_max;
    setrlimit (RLIMIT_FSIZE, &file_size);
  }
}

static void
child_signals (void)
{
  const struct sigaction usual = {.sa_handler = SIG_DFL};
  sigset_t none;

  for (int number = 1; number < NSIG; number++)
    sigaction (number, &usual, NULL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
}

static void
child_descriptors (const Launch *self)
{
  for (guint i = 0; i < self->moves->len; i++) {
    const Move *move = &g_array_index (self->moves, Move, i);

    dup2 (move->from, move->to);
  }

  /* Marked and not closed: the report pipe is needed until exec. Kernels before 5.11 get a loop. */
  if (close_range ((unsigned) self->first_free, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    for (int fd = self->first_free; fd < OPEN_FILES; fd++)
      fcntl (fd, F_SETFD, FD_CLOEXEC);
  }
}

/* Runs in the child, between fork and exec. */
static _Noreturn void
child (const Launch *self)
{
  char **argv = (char **) self->argv->pdata;
  char go = 0;
  int code;

  setsid ();
  child_signals ();
  umask (077);
  child_limits (self);
  close (self->gate[1]);
  child_descriptors (self);
  if (chdir ("/") == 0 && read (self->gate[0], &go, 1) == 1)
    execve (argv[0], argv, self->environment);

  code = errno;
  if (write (self->report[1], &code, sizeof code) != sizeof code)
    _exit (EXIT_NOT_STARTED + 1);
  _exit (EXIT_NOT_STARTED);
}

static void
bury (GPid pid)
{
  while (waitpid (pid, NULL, 0) < 0 && errno == EINTR)
    ;
}

/* 0 when exec worked, else its errno. */
static int
read_report (int fd)
{
  int code = 0;
  ssize_t got;

  do {
    got = read (fd, &code, sizeof code);
  } while (got < 0 && errno == EINTR);
  return got == sizeof code ? code : 0;
}

/* Whether bubblewrap could make its namespaces: then it writes about its child. Read to the end, in
 * several pieces: a pipe closed earlier would kill it. */
static gboolean
namespaces_made (int fd)
{
  gint64 limit = g_get_monotonic_time () + NAMESPACES_LIMIT_MS * G_TIME_SPAN_MILLISECOND;
  gboolean made = FALSE;
  char text[256];

  for (;;) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    gint64 left_ms = (limit - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND;
    int ready = left_ms > 0 ? poll (&wait, 1, (int) left_ms) : 0;

    if (ready < 0 && errno == EINTR)
      continue;
    if (ready <= 0)
      return FALSE;
    if (read (fd, text, sizeof text) <= 0)
      return made;
    made = TRUE;
  }
}

GPid
lodge_launch (LodgeCommand *command,
              LodgeLaunchFlags flags,
              const char *unit,
              const char *log_path,
              GError **error)
{
  g_auto (Launch) self = {.info = {-1, -1}, .gate = {-1, -1}, .report = {-1, -1}};
  const char *program;
  GPid pid;
  int code;

  g_return_val_if_fail (command != NULL && unit != NULL && log_path != NULL, -1);

  program = lodge_command_get_argv (command)[0];
  if (!prepare (&self, command, flags, log_path, error))
    return -1;

  pid = fork ();
  if (pid == 0)
    child (&self);
  if (pid < 0) {
    set_errno_error (error, program, errno);
    return -1;
  }

  close_end (&self.report[1]);
  close_end (&self.info[1]);
  /* The planned copy of it would keep the pipe from ending. */
  for (guint i = 0; i < self.moves->len; i++)
    close (g_array_index (self.moves, Move, i).from);
  g_array_set_size (self.moves, 0);

  lodge_scope_place (pid, unit);
  /* Our own end for reading is open still, so a child that has died already is no SIGPIPE; it shows
   * to its watcher. */
  if (write (self.gate[1], "", 1) != 1)
    g_debug ("Process %d did not wait for its start", (int) pid);

  code = read_report (self.report[0]);
  if (code != 0) {
    bury (pid);
    set_errno_error (error, program, code);
    return -1;
  }
  if (self.contained && !namespaces_made (self.info[0])) {
    g_autofree char *words = NULL;

    lodge_launch_kill (pid);
    bury (pid);
    words = lodge_launch_read_last_words (log_path);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("Could not contain %s: %s"), program,
                 words != NULL ? words : _ ("bubblewrap gave no answer"));
    return -1;
  }
  return pid;
}

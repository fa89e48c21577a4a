/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of qemu-img or qemu-io.
 *
 * Theory of operation. Each run is a child of the engine and dies with it:
 *
 *   bubblewrap       Mustn't see a file but those bound, nor any network: an image that names
 *                    another file, or takes qemu-img over, finds nothing.
 *   limits           Mustn't eat the computer: memory, processor time, size of files.
 *   wall limit       Mustn't hang: a file on a dead network disk.
 *   capped output    Mustn't fill the engine's memory with complaints.
 *
 * With the engine. The kernel kills what an engine started that is killed itself (PR_SET_PDEATHSIG,
 * which lasts over exec); bubblewrap hands that on to what is inside (--die-with-parent).
 *
 * Ending it. bubblewrap's own process waits for a child that makes the namespaces and becomes their
 * process 1. Killing the first alone is not enough: until the child has asked to die with it, it
 * would wait for it for ever. So bubblewrap is asked for the child (--info-fd, which it writes
 * before the child may go on), and a process that is to end is ended by a pidfd of that child.
 *
 * Whether namespaces are to be had is tried once with a program that does nothing, so that a
 * failure of bubblewrap is never mistaken for one of the image.
 */
#include "storage/lodge-qemu-img.h"

#include "lodge-error.h"
#include "qemu/lodge-containment.h"
#include "storage/lodge-folder-key.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <glib/gi18n-lib.h>
#include <linux/ioprio.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_SECONDS 60
/* Of a processor's time: what looks at the head of an image takes some milliseconds of it, however
 * busy this computer is. */
#define DEFAULT_CPU_SECONDS 5
#define MOST_OUTPUT         (1024 * 1024)
#define MOST_WORDS          4096
#define MOST_INFO           512
/* After it was killed; only a process that waits for a dead disk needs longer. */
#define GRACE_SECONDS 10
/* Of ten steps, as nice(1) has it. */
#define BACKGROUND_NICE 10
/* Where bubblewrap finds the pipe for what it says of its child. */
#define INFO_FD 3
/* Where the program finds what opens an encrypted image. */
#define KEY_FD     4
#define KEY_OBJECT "secret,id=" LODGE_QEMU_IMG_KEY ",file=/proc/self/fd/4"
/* A plain convert needs some 150 MiB of address space; a qcow2 that stands on itself took 900. */
#define MOST_MEMORY (G_GUINT64_CONSTANT (2) << 30)

typedef enum {
  CONTAINED_UNKNOWN,
  CONTAINED_YES,
  CONTAINED_NO,
} Contained;

/* Found out by the first run of this process. */
static Contained contained = CONTAINED_UNKNOWN;

struct _LodgeQemuImg {
  GPtrArray *argv;
  GArray *binds; /* of LodgeContainmentBind; owns the paths */
  guint seconds;
  guint cpu_seconds;
  guint64 file_bytes;
  gboolean background;
  LodgeImageProgress progress;
  gpointer progress_data;
  LodgeSecret *key; /* of the images that it sees, or NULL */
  GError *locked;   /* one of them cannot be opened */

  /* While it runs. */
  GSubprocess *process;
  int inner; /* pidfd of process 1 inside; -1 while it is not known or without bubblewrap */
  GSource *timeout;
  GSource *cancel;
  GSource *grace;
  GString *output;
  GString *words;
  GString *info; /* what bubblewrap says of its child */
  GPid engine;   /* this process */
  guint pending; /* of: its end, and the ends of the pipes */
  gboolean timed_out;
  gboolean ending; /* it was told to */
  gboolean finished;
};

typedef enum {
  PIPE_OUTPUT,
  PIPE_WORDS,
  PIPE_INFO,
} PipeKind;

/* One of the pipes. */
typedef struct {
  GTask *task;
  PipeKind kind;
  GString *kept;
  gsize most;
  char buffer[4096];
} Pipe;

static void
clear_bind (gpointer data)
{
  LodgeContainmentBind *bind = data;

  g_free ((char *) bind->path);
}

LodgeQemuImg *
lodge_qemu_img_new (const char *program)
{
  LodgeQemuImg *self = g_new0 (LodgeQemuImg, 1);

  self->argv = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->argv, g_strdup (program));
  self->binds = g_array_new (FALSE, TRUE, sizeof (LodgeContainmentBind));
  g_array_set_clear_func (self->binds, clear_bind);
  self->seconds = DEFAULT_SECONDS;
  self->cpu_seconds = DEFAULT_CPU_SECONDS;
  self->output = g_string_new (NULL);
  self->words = g_string_new (NULL);
  self->info = g_string_new (NULL);
  self->inner = -1;
  self->engine = getpid ();
  return self;
}

static void
drop_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
lodge_qemu_img_free (LodgeQemuImg *self)
{
  if (self == NULL)
    return;
  drop_source (&self->timeout);
  drop_source (&self->cancel);
  drop_source (&self->grace);
  if (self->inner >= 0)
    close (self->inner);
  g_clear_object (&self->process);
  g_clear_pointer (&self->key, lodge_secret_unref);
  g_clear_error (&self->locked);
  g_ptr_array_unref (self->argv);
  g_array_unref (self->binds);
  g_string_free (self->output, TRUE);
  g_string_free (self->words, TRUE);
  g_string_free (self->info, TRUE);
  g_free (self);
}

void
lodge_qemu_img_add (LodgeQemuImg *self, const char *first, ...)
{
  va_list arguments;

  va_start (arguments, first);
  for (const char *argument = first; argument != NULL; argument = va_arg (arguments, const char *))
    g_ptr_array_add (self->argv, g_strdup (argument));
  va_end (arguments);
}

void
lodge_qemu_img_bind (LodgeQemuImg *self, LodgeCommandBind how, const char *path)
{
  LodgeContainmentBind bind = {how, g_strdup (path)};
  g_autoptr (LodgeSecret) key = NULL;

  g_array_append_val (self->binds, bind);
  if (self->locked != NULL || !lodge_folder_key_find (path, &key, &self->locked) || key == NULL)
    return;
  if (self->key != NULL && !lodge_secret_equal (self->key, key))
    g_set_error (&self->locked, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("%s is encrypted with another key than what it is used with"), path);
  g_clear_pointer (&self->key, lodge_secret_unref);
  self->key = g_steal_pointer (&key);
}

void
lodge_qemu_img_limit (LodgeQemuImg *self, guint seconds, guint64 file_bytes)
{
  self->seconds = seconds;
  self->cpu_seconds = seconds;
  self->file_bytes = file_bytes;
}

void
lodge_qemu_img_limit_cpu (LodgeQemuImg *self, guint seconds)
{
  self->cpu_seconds = seconds;
}

void
lodge_qemu_img_set_background (LodgeQemuImg *self)
{
  self->background = TRUE;
}

void
lodge_qemu_img_set_progress (LodgeQemuImg *self,
                             LodgeImageProgress progress,
                             gpointer progress_data)
{
  self->progress = progress;
  self->progress_data = progress_data;
}

static void
limit (int what, guint64 most)
{
  struct rlimit limits;

  if (getrlimit (what, &limits) != 0)
    return;
  limits.rlim_cur = MIN (limits.rlim_cur, most);
  limits.rlim_max = MIN (limits.rlim_max, most);
  setrlimit (what, &limits);
}

/* In the child between fork and exec. The parent is the thread that has forked, which is the main
 * loop's and lives as long as the engine. */
static void
die_with_engine (gpointer engine)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  /* It died before it could be asked for. */
  if (getppid () != GPOINTER_TO_INT (engine))
    _exit (1);
}

/* In the child between fork and exec: only what signal-safety(7) allows. */
static void
set_limits (gpointer data)
{
  const LodgeQemuImg *self = data;

  die_with_engine (GINT_TO_POINTER (self->engine));
  limit (RLIMIT_AS, MOST_MEMORY);
  limit (RLIMIT_CPU, self->cpu_seconds);
  limit (RLIMIT_FSIZE, self->file_bytes);
  limit (RLIMIT_CORE, 0);
  limit (RLIMIT_NOFILE, 256);
  umask (077);
  if (self->background) {
    /* What does not work here is done all the same. */
    (void) setpriority (PRIO_PROCESS, 0, getpriority (PRIO_PROCESS, 0) + BACKGROUND_NICE);
    (void) syscall (SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
                    IOPRIO_PRIO_VALUE (IOPRIO_CLASS_BE, IOPRIO_BE_NR - 1));
  }
}

/* Takes @info_fd and @key_fd, either of which may be -1. */
static GSubprocess *
spawn (const char *const *argv,
       int info_fd,
       int key_fd,
       GSpawnChildSetupFunc setup,
       gpointer data,
       GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_auto (GStrv) environment = lodge_containment_dup_environment ();

  /* So that what it says can be recognized. */
  environment = g_environ_setenv (environment, "LC_ALL", "C.UTF-8", TRUE);
  launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_subprocess_launcher_set_environ (launcher, environment);
  if (info_fd >= 0)
    g_subprocess_launcher_take_fd (launcher, info_fd, INFO_FD);
  if (key_fd >= 0)
    g_subprocess_launcher_take_fd (launcher, key_fd, KEY_FD);
  if (setup != NULL)
    g_subprocess_launcher_set_child_setup (launcher, setup, data, NULL);
  return g_subprocess_launcher_spawnv (launcher, argv, error);
}

static void
finish (GTask *task)
{
  LodgeQemuImg *self = g_task_get_task_data (task);
  LodgeQemuImgResult *result;
  int status;

  if (self->finished)
    return;
  self->finished = TRUE;
  drop_source (&self->timeout);
  drop_source (&self->cancel);
  drop_source (&self->grace);
  if (g_cancellable_is_cancelled (g_task_get_cancellable (task))) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled"));
    return;
  }
  if (self->timed_out) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                             _ ("%s did not finish within %u seconds"),
                             (const char *) g_ptr_array_index (self->argv, 0), self->seconds);
    return;
  }

  if (g_subprocess_get_if_exited (self->process))
    status = g_subprocess_get_exit_status (self->process);
  else
    status = 128 + g_subprocess_get_term_sig (self->process);
  result = lodge_qemu_img_result_new (status, self->output->str, self->words->str);
  g_task_return_pointer (task, result, (GDestroyNotify) lodge_qemu_img_result_free);
}

static void
one_done (GTask *task)
{
  LodgeQemuImg *self = g_task_get_task_data (task);

  if (--self->pending == 0)
    finish (task);
  g_object_unref (task);
}

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  /* Fails only by a cancellable, and there is none. */
  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  one_done (user_data);
}

/* "    (12.34/100%)\r"; the last one in what has just come. */
static void
report_progress (LodgeQemuImg *self, const char *text, gsize length)
{
  g_autofree char *copy = g_strndup (text, length);
  const char *open = strrchr (copy, '(');
  double percent;
  char *end;

  if (self->progress == NULL || open == NULL)
    return;
  percent = g_ascii_strtod (open + 1, &end);
  if (end != open + 1 && g_str_has_prefix (end, "/100%)") && percent >= 0 && percent <= 100)
    self->progress (percent / 100, self->progress_data);
}

/* Ends process 1 inside, and with it all that is inside, once it is known; else bubblewrap will
 * tell. The last resort is the one process that is certain. */
static void
kill_now (LodgeQemuImg *self)
{
  if (self->inner >= 0)
    pidfd_send_signal (self->inner, SIGKILL, NULL, 0);
  if (self->inner >= 0 || contained != CONTAINED_YES)
    g_subprocess_force_exit (self->process);
}

/* "child-pid": 123, of which all must have come. */
static void
read_info (LodgeQemuImg *self)
{
  const char *key = strstr (self->info->str, "\"child-pid\": ");
  guint64 pid;
  char *end;

  if (self->inner >= 0 || key == NULL)
    return;
  pid = g_ascii_strtoull (key + strlen ("\"child-pid\": "), &end, 10);
  if (*end == '\0' || pid == 0 || pid > G_MAXINT)
    return;
  /* It fails only when the child has ended already. */
  self->inner = pidfd_open ((pid_t) pid, 0);
  if (self->ending)
    kill_now (self);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GInputStream *stream = G_INPUT_STREAM (source);
  Pipe *pipe = user_data;
  LodgeQemuImg *self = g_task_get_task_data (pipe->task);
  gssize n = g_input_stream_read_finish (stream, result, NULL);

  /* An unreadable pipe is an ended one. */
  if (n <= 0) {
    one_done (pipe->task);
    g_free (pipe);
    return;
  }
  if (pipe->kind == PIPE_OUTPUT && !self->finished)
    report_progress (self, pipe->buffer, n);
  /* What is beyond the cap is read all the same, so that the program does not wait for us. */
  if (pipe->kept->len < pipe->most)
    g_string_append_len (pipe->kept, pipe->buffer, MIN ((gsize) n, pipe->most - pipe->kept->len));
  if (pipe->kind == PIPE_INFO)
    read_info (self);
  g_input_stream_read_async (stream, pipe->buffer, sizeof pipe->buffer, G_PRIORITY_DEFAULT, NULL,
                             read_cb, pipe);
}

static void
read_pipe (GTask *task, GInputStream *stream, PipeKind kind, GString *kept, gsize most)
{
  LodgeQemuImg *self = g_task_get_task_data (task);
  Pipe *pipe = g_new0 (Pipe, 1);

  pipe->task = g_object_ref (task);
  pipe->kind = kind;
  pipe->kept = kept;
  pipe->most = most;
  self->pending++;
  g_input_stream_read_async (stream, pipe->buffer, sizeof pipe->buffer, G_PRIORITY_DEFAULT, NULL,
                             read_cb, pipe);
}

static gboolean
grace_cb (gpointer user_data)
{
  LodgeQemuImg *self = g_task_get_task_data (user_data);

  g_subprocess_force_exit (self->process);
  finish (user_data);
  return G_SOURCE_REMOVE;
}

static void
end_process (GTask *task)
{
  LodgeQemuImg *self = g_task_get_task_data (task);

  if (self->ending)
    return;
  self->ending = TRUE;
  kill_now (self);
  self->grace = g_timeout_source_new_seconds (GRACE_SECONDS);
  g_source_set_callback (self->grace, grace_cb, task, NULL);
  g_source_attach (self->grace, g_task_get_context (task));
}

static gboolean
timeout_cb (gpointer user_data)
{
  LodgeQemuImg *self = g_task_get_task_data (user_data);

  self->timed_out = TRUE;
  end_process (user_data);
  return G_SOURCE_REMOVE;
}

static gboolean
cancel_cb (GCancellable *cancellable, gpointer user_data)
{
  end_process (user_data);
  return G_SOURCE_REMOVE;
}

static GPtrArray *
build_argv (LodgeQemuImg *self, GError **error)
{
  const char *program = g_ptr_array_index (self->argv, 0);
  g_autofree char *path = lodge_containment_find_program (program, NULL);
  GPtrArray *argv;

  if (path == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("The program %s is not installed: install the package qemu-utils"), program);
    return NULL;
  }
  if (self->argv->pdata[self->argv->len - 1] != NULL) {
    if (self->key != NULL) {
      /* Behind qemu-img's verb. */
      gint at = g_str_equal (program, "qemu-img") ? 2 : 1;

      g_ptr_array_insert (self->argv, at, g_strdup ("--object"));
      g_ptr_array_insert (self->argv, at + 1, g_strdup (KEY_OBJECT));
    }
    g_ptr_array_add (self->argv, NULL);
  }
  if (contained == CONTAINED_YES) {
    argv = lodge_containment_new_argv (LODGE_CONTAINMENT_DIE_WITH_PARENT,
                                       (const LodgeContainmentBind *) (gpointer) self->binds->data,
                                       self->binds->len, (const char *const *) self->argv->pdata,
                                       error);
    if (argv != NULL) {
      g_ptr_array_insert (argv, 1, g_strdup ("--info-fd"));
      g_ptr_array_insert (argv, 2, g_strdup_printf ("%d", INFO_FD));
    }
    return argv;
  }

  argv = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (argv, g_steal_pointer (&path));
  for (guint i = 1; i < self->argv->len; i++)
    g_ptr_array_add (argv, g_strdup (g_ptr_array_index (self->argv, i)));
  return argv;
}

static void
start_waiting (GTask *task, int info_fd)
{
  LodgeQemuImg *self = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);

  self->timeout = g_timeout_source_new_seconds (self->seconds);
  g_source_set_callback (self->timeout, timeout_cb, task, NULL);
  g_source_attach (self->timeout, g_task_get_context (task));
  if (cancellable != NULL) {
    self->cancel = g_cancellable_source_new (cancellable);
    g_source_set_callback (self->cancel, G_SOURCE_FUNC (cancel_cb), task, NULL);
    g_source_attach (self->cancel, g_task_get_context (task));
  }

  read_pipe (task, g_subprocess_get_stdout_pipe (self->process), PIPE_OUTPUT, self->output,
             MOST_OUTPUT);
  read_pipe (task, g_subprocess_get_stderr_pipe (self->process), PIPE_WORDS, self->words,
             MOST_WORDS);
  if (info_fd >= 0) {
    g_autoptr (GInputStream) stream = g_unix_input_stream_new (info_fd, TRUE);

    read_pipe (task, stream, PIPE_INFO, self->info, MOST_INFO);
  }
  self->pending++;
  g_subprocess_wait_async (self->process, NULL, waited_cb, g_object_ref (task));
}

/* Takes a reference of @task. */
static void
start (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeQemuImg *self = g_task_get_task_data (task);
  const char *program = g_ptr_array_index (self->argv, 0);
  g_autoptr (GPtrArray) argv = NULL;
  g_autoptr (GError) why = NULL;
  int info[2] = {-1, -1};
  int key_fd = -1;
  GError *error = NULL;

  if (g_cancellable_is_cancelled (g_task_get_cancellable (task))) {
    finish (task);
    return;
  }
  error = g_steal_pointer (&self->locked);
  argv = error == NULL ? build_argv (self, &error) : NULL;
  if (argv != NULL && self->key != NULL) {
    g_autoptr (LodgeSecret) passphrase = lodge_secret_new_for_disks (self->key);

    key_fd = lodge_secret_open (passphrase, &error);
  }
  if (argv == NULL || error != NULL) {
    g_task_return_error (task, error);
    return;
  }
  if (contained == CONTAINED_YES && pipe2 (info, O_CLOEXEC) != 0) {
    if (key_fd >= 0)
      close (key_fd);
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not start %s: %s"),
                             program, g_strerror (errno));
    return;
  }
  /* The child's ends are the launcher's from here on. */
  self->process =
      spawn ((const char *const *) argv->pdata, info[1], key_fd, set_limits, self, &why);
  if (self->process == NULL) {
    if (info[0] >= 0)
      close (info[0]);
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not start %s: %s"),
                             program, why->message);
    return;
  }
  start_waiting (task, info[0]);
}

static void
no_containment (const char *why)
{
  contained = CONTAINED_NO;
  g_message ("Disk images are read without namespaces around qemu-img, only with limits: %s", why);
}

/* A trial of the walls. */
typedef struct {
  GTask *task;
  GCancellable *stop;
  GSource *timeout;
} Trial;

static gboolean
trial_late_cb (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

static void
tried_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GSubprocess *process = G_SUBPROCESS (source);
  Trial *trial = user_data;
  GTask *task = trial->task;
  g_autofree char *words = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_subprocess_communicate_utf8_finish (process, result, NULL, &words, &error)) {
    g_subprocess_force_exit (process);
    no_containment (error->message);
  } else if (g_subprocess_get_successful (process)) {
    contained = CONTAINED_YES;
  } else {
    no_containment (g_strchomp (words));
  }
  drop_source (&trial->timeout);
  g_object_unref (trial->stop);
  g_free (trial);
  start (task);
}

/* A program that does nothing, in the same walls. Takes a reference of @task. */
static void
try_containment (GTask *task)
{
  static const char *const nothing[] = {"true", NULL};
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GPtrArray) argv = NULL;
  g_autoptr (GError) error = NULL;
  Trial *trial;

  argv = lodge_containment_new_argv (LODGE_CONTAINMENT_DIE_WITH_PARENT, NULL, 0, nothing, &error);
  if (argv != NULL)
    process = spawn ((const char *const *) argv->pdata, -1, -1, die_with_engine,
                     GINT_TO_POINTER (getpid ()), &error);
  if (process == NULL) {
    no_containment (error->message);
    start (task);
    return;
  }

  trial = g_new0 (Trial, 1);
  trial->task = task;
  trial->stop = g_cancellable_new ();
  trial->timeout = g_timeout_source_new_seconds (GRACE_SECONDS);
  g_source_set_callback (trial->timeout, trial_late_cb, trial->stop, NULL);
  g_source_attach (trial->timeout, g_task_get_context (task));
  g_subprocess_communicate_utf8_async (process, NULL, trial->stop, tried_cb, trial);
}

void
lodge_qemu_img_run_async (LodgeQemuImg *self,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, lodge_qemu_img_run_async);
  g_task_set_task_data (task, self, (GDestroyNotify) lodge_qemu_img_free);
  /* Its own words say that it was cancelled, once the process is gone. */
  g_task_set_check_cancellable (task, FALSE);
  if (contained == CONTAINED_UNKNOWN)
    try_containment (task);
  else
    start (task);
}

LodgeQemuImgResult *
lodge_qemu_img_run_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_qemu_img_run_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

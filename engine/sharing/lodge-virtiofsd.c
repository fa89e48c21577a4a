/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program virtiofsd: where it is, and whether it can be used as it is started here.
 *
 * Its version says little: the one in C that came with QEMU before 8.0 needs root, the one in Rust
 * does not, and a container may forbid either. So it is tried, as it would be started, on an empty
 * folder, and asked for its features (QEMU, docs/interop/vhost-user.rst, VHOST_USER_GET_FEATURES);
 * once as a newer one is started, and where that is not answered as an older one is.
 */
#include "sharing/lodge-virtiofsd.h"

#include "lodge-error.h"
#include "lodge-paths.h"
#include "qemu/lodge-launch.h"
#include "qemu/lodge-unix-socket.h"
#include "sharing/lodge-shared-folder-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* It answers within milliseconds; a computer that swaps gets some more. */
#define ANSWER_LIMIT_MS 10000
#define GET_FEATURES    1
#define VERSION         1
#define IS_REPLY        (1 << 2)

enum {
  HEADER_REQUEST,
  HEADER_FLAGS,
  HEADER_SIZE, /* of what follows */
  N_HEADER,
};

typedef struct {
  char *path;
  char *program; /* LodgeVirtiofsd's */
  char *folder;  /* empty; or NULL until it is made */
  char *log;
  gboolean squash;
  int wire;
  GPid pid;
  guint wire_source;
  guint limit;
  gboolean answered;
} Probe;

void
lodge_virtiofsd_free (LodgeVirtiofsd *self)
{
  g_free (self->path);
  g_free (self->problem);
  g_free (self->program);
  g_free (self);
}

/* Where distributions put it; none of these is in a user's PATH. */
static char *
dup_path (void)
{
  static const char *const places[] = {
      "/usr/libexec/virtiofsd",  /* Debian 13, Fedora */
      "/usr/lib/virtiofsd",      /* Arch */
      "/usr/lib/qemu/virtiofsd", /* Debian 12 */
  };
  const char *wanted = g_getenv ("LODGE_VIRTIOFSD");

  if (wanted != NULL)
    return g_file_test (wanted, G_FILE_TEST_IS_EXECUTABLE) ? g_strdup (wanted) : NULL;
  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    if (g_file_test (places[i], G_FILE_TEST_IS_EXECUTABLE))
      return g_strdup (places[i]);
  }
  return g_find_program_in_path ("virtiofsd");
}

/* @path: (nullable) */
static char *
dup_program (const char *path)
{
  struct stat info;

  if (path == NULL || stat (path, &info) != 0)
    return g_strdup ("");
  return g_strdup_printf ("%s:%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":%" G_GINT64_FORMAT
                          ".%09ld",
                          path, (guint64) info.st_ino, (guint64) info.st_size,
                          (gint64) info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

gboolean
lodge_virtiofsd_is_current (const LodgeVirtiofsd *self)
{
  g_autofree char *path = dup_path ();
  g_autofree char *program = dup_program (path);

  return self->program != NULL && strcmp (self->program, program) == 0;
}

int
lodge_virtiofsd_make_wire (int *out_listener, GError **error)
{
  g_autofree char *folder = lodge_paths_ensure_runtime (error);
  g_autofree char *path = NULL;
  g_autoptr (GSocket) connection = NULL;
  int listener, saved = 0, wire = -1;

  if (folder == NULL)
    return -1;
  /* No machine's QEMU sees this folder. */
  path = g_build_filename (folder, "wire.sock", NULL);
  listener = lodge_unix_socket_listen (path, error);
  if (listener < 0)
    return -1;
  connection = lodge_unix_socket_connect (path, &saved);
  (void) g_unlink (path);
  if (connection != NULL) {
    wire = fcntl (g_socket_get_fd (connection), F_DUPFD_CLOEXEC, 3);
    saved = errno;
  }
  if (wire < 0) {
    close (listener);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("Could not connect to the socket %s: %s"), path, g_strerror (saved));
    return -1;
  }
  *out_listener = listener;
  return wire;
}

/* --- The trial --- */

static void try_next (GTask *task);

static void
probe_end_trial (Probe *self)
{
  g_clear_handle_id (&self->limit, g_source_remove);
  g_clear_handle_id (&self->wire_source, g_source_remove);
  if (self->wire >= 0)
    close (g_steal_fd (&self->wire));
}

static void
probe_free (gpointer data)
{
  Probe *self = data;

  probe_end_trial (self);
  if (self->log != NULL)
    (void) g_unlink (self->log);
  if (self->folder != NULL)
    (void) g_rmdir (self->folder);
  g_free (self->path);
  g_free (self->program);
  g_free (self->folder);
  g_free (self->log);
  g_free (self);
}

/* @problem is of this moment: the next one who asks has it tried again. */
static void answer (GTask *task, char *problem);

static void
answer_for_now (GTask *task, char *problem)
{
  Probe *probe = g_task_get_task_data (task);

  g_clear_pointer (&probe->program, g_free);
  answer (task, problem);
}

/* Takes @problem and @task. */
static void
answer (GTask *task, char *problem)
{
  Probe *probe = g_task_get_task_data (task);
  LodgeVirtiofsd *self = g_new0 (LodgeVirtiofsd, 1);

  if (problem == NULL)
    self->path = g_strdup (probe->path);
  self->squash = probe->squash;
  self->problem = problem != NULL ? problem : g_strdup ("");
  self->program = g_steal_pointer (&probe->program);
  g_task_return_pointer (task, self, (GDestroyNotify) lodge_virtiofsd_free);
  g_object_unref (task);
}

/* It is gone, by itself or because it has answered. Also when nobody waits any more. */
static void
gone_cb (GPid pid, int status, gpointer user_data)
{
  GTask *task = user_data;
  Probe *self = g_task_get_task_data (task);

  probe_end_trial (self);
  self->pid = 0;
  if (self->answered) {
    answer (task, NULL);
  } else if (self->squash) {
    self->squash = FALSE;
    try_next (task);
  } else {
    g_autofree char *words = lodge_launch_read_last_words (self->log);

    /* Of FUSE's, which the one in C is built on. */
    if (words != NULL && strstr (words, "unknown option") != NULL)
      answer (task,
              g_strdup_printf (_ ("The virtiofsd that is installed, %s, is an old one that needs "
                                  "root: a newer one is needed, as Debian 13 has it in its package "
                                  "virtiofsd"),
                               self->path));
    else if (words != NULL)
      answer (task,
              g_strdup_printf (_ ("The program %s does not work here: %s"), self->path, words));
    else
      answer_for_now (task, g_strdup_printf (_ ("The program %s does not work here: %s"),
                                             self->path, _ ("it gave no answer")));
  }
}

static void
stop_trial (Probe *self)
{
  probe_end_trial (self);
  if (self->pid > 0)
    lodge_launch_kill (self->pid);
}

static gboolean
limit_cb (gpointer user_data)
{
  Probe *self = g_task_get_task_data (user_data);

  self->limit = 0;
  stop_trial (self);
  return G_SOURCE_REMOVE;
}

static gboolean
wire_cb (gint fd, GIOCondition condition, gpointer user_data)
{
  Probe *self = g_task_get_task_data (user_data);
  guint32 reply[N_HEADER + 2] = {0};
  /* It is written at once. */
  const ssize_t got = recv (fd, reply, sizeof reply, MSG_DONTWAIT);

  self->answered = got == sizeof reply && reply[HEADER_REQUEST] == GET_FEATURES &&
                   (reply[HEADER_FLAGS] & IS_REPLY) != 0 && reply[HEADER_SIZE] == sizeof (guint64);
  self->wire_source = 0;
  stop_trial (self);
  return G_SOURCE_REMOVE;
}

/* Errors: those of lodge_launch(). */
static gboolean
begin_trial (GTask *task, GError **error)
{
  Probe *self = g_task_get_task_data (task);
  const guint32 question[N_HEADER] = {GET_FEATURES, VERSION, 0};
  const LodgeVirtiofsd candidate = {.path = self->path, .squash = self->squash};
  g_autoptr (LodgeCommand) command = NULL;
  struct stat info;
  int listener, lock;

  if (stat (self->folder, &info) != 0 || (lock = memfd_create ("lodge-lock", MFD_CLOEXEC)) < 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not make the folder %s: %s"),
                 self->folder, g_strerror (saved));
    return FALSE;
  }
  self->wire = lodge_virtiofsd_make_wire (&listener, error);
  if (self->wire < 0) {
    close (lock);
    return FALSE;
  }
  command =
      lodge_shared_folder_new_command (listener, lock, self->folder, &info, FALSE, &candidate);
  self->pid = lodge_launch (command, LODGE_LAUNCH_CONTAINED | LODGE_LAUNCH_NOT_ROOT,
                            "lodge-virtiofs.scope", self->log, error);
  if (self->pid < 0) {
    self->pid = 0;
    return FALSE;
  }
  lodge_command_close_fds (command);
  if (send (self->wire, question, sizeof question, MSG_NOSIGNAL) == sizeof question)
    self->wire_source = g_unix_fd_add (self->wire, G_IO_IN | G_IO_HUP | G_IO_ERR, wire_cb, task);
  self->limit = g_timeout_add (ANSWER_LIMIT_MS, limit_cb, task);
  if (lodge_launch_watch (self->pid, gone_cb, task) == 0)
    gone_cb (self->pid, 0, task);
  return TRUE;
}

/* Takes @task. */
static void
try_next (GTask *task)
{
  g_autoptr (GError) error = NULL;

  if (!begin_trial (task, &error))
    answer_for_now (task, g_strdup (error->message));
}

void
lodge_virtiofsd_probe_async (GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  g_autofree char *runtime = NULL;
  Probe *self = g_new0 (Probe, 1);
  g_autoptr (GError) error = NULL;

  g_task_set_source_tag (task, lodge_virtiofsd_probe_async);
  g_task_set_task_data (task, self, probe_free);
  self->wire = -1;
  self->squash = TRUE;
  self->path = dup_path ();
  self->program = dup_program (self->path);
  if (self->path == NULL) {
    answer (task, g_strdup (_ ("The program virtiofsd is not installed: install the package "
                               "virtiofsd")));
    return;
  }
  runtime = lodge_paths_ensure_runtime (&error);
  if (runtime == NULL) {
    answer_for_now (task, g_strdup (error->message));
    return;
  }
  self->folder = g_build_filename (runtime, "virtiofs-XXXXXX", NULL);
  self->log = g_build_filename (runtime, "virtiofs.log", NULL);
  if (g_mkdtemp (self->folder) == NULL) {
    int saved = errno;

    answer_for_now (task, g_strdup_printf (_ ("Could not make the folder %s: %s"), self->folder,
                                           g_strerror (saved)));
    return;
  }
  try_next (task);
}

LodgeVirtiofsd *
lodge_virtiofsd_probe_finish (GAsyncResult *result)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_virtiofsd_probe_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

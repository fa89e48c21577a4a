/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking an installed QEMU what it can do.
 *
 *   in a thread   find the binary, read what is kept of it; the end when there is something
 *   a QEMU        is started without a machine, on a socket in a folder of its own (0700)
 *   questions     one after the other, see the table
 *   in a thread   keep the answers
 *
 * A QEMU that has crashed meanwhile is started and asked once more: what it fell over may be over,
 * as a module that was just being replaced, and no machine starts without an answer.
 *
 * Owns: that QEMU, in a process group of its own, and the folder; both are gone when it ends,
 * however it ends. Several probes may run at once, also in several processes.
 */
#include "qemu/lodge-qemu-private.h"

#include "lodge-error.h"
#include "qemu/lodge-command.h"
#include "qemu/lodge-qmp.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A QEMU greets in 26 ms and lists its devices, loading every module, in 80 ms. The limit is for a
 * cold disk and for a computer that is itself emulated (15 s were too few there); together with a
 * start, with 3D and without, it is below what clients wait (LODGE_CLIENT_CALL_LIMIT_S). */
guint lodge_qemu_probe_limit_ms = 30000;

/* "quit" is a courtesy: the process is killed afterwards in any case. */
#define QUIT_LIMIT_MS 1000
/* What a pipe holds, pipe(7): nobody reads before the end, who prints more is stuck there. */
#define MAX_WORDS_BYTES (64 * 1024)

static const struct {
  const char *command;
  const char *implements;
  gboolean (*read) (LodgeQemu *self, JsonNode *answer, GError **error);
} questions[] = {
    {"query-version", NULL, lodge_qemu_read_version},
    {"query-machines", NULL, lodge_qemu_read_machines},
    {"qom-list-types", "device", lodge_qemu_read_devices},
    {"qom-list-types", "chardev", lodge_qemu_read_chardevs},
};

typedef struct {
  char *architecture;
  char *binary;
  char *identity;
  LodgeQemu *qemu;

  char *folder;
  char *socket_path;
  GSubprocess *process;
  pid_t pid; /* and its group; 0 when it is known to be gone */
  LodgeQmp *qmp;
  guint next_question;
  GError *error;  /* why it fails, while the process is waited for */
  gboolean again; /* this is the second time */
} Probe;

static void
kill_process (Probe *probe)
{
  /* The identifier is NULL once the process was reaped and its number may be another's. */
  if (probe->process != NULL && g_subprocess_get_identifier (probe->process) != NULL)
    kill (-probe->pid, SIGKILL);
}

/* Its QEMU and all that is of it. */
static void
end_qemu (Probe *probe)
{
  if (probe->qmp != NULL)
    lodge_qmp_close (probe->qmp);
  g_clear_object (&probe->qmp);
  kill_process (probe);
  g_clear_object (&probe->process);
  probe->pid = 0;
  if (probe->socket_path != NULL)
    g_unlink (probe->socket_path); /* QEMU may have removed it */
  if (probe->folder != NULL)
    g_rmdir (probe->folder);
  g_clear_pointer (&probe->folder, g_free);
  g_clear_pointer (&probe->socket_path, g_free);
  g_clear_object (&probe->qemu);
  g_clear_error (&probe->error);
  probe->next_question = 0;
}

static void
probe_free (Probe *probe)
{
  end_qemu (probe);
  g_free (probe->architecture);
  g_free (probe->binary);
  g_free (probe->identity);
  g_free (probe);
}

/* Debian's and Ubuntu's names; Fedora's begin alike. */
static char *
dup_package (const char *architecture)
{
  if (g_str_equal (architecture, "x86_64") || g_str_equal (architecture, "i386"))
    return g_strdup ("qemu-system-x86");
  if (g_str_equal (architecture, "aarch64") || g_str_equal (architecture, "arm"))
    return g_strdup ("qemu-system-arm");
  return g_strdup ("qemu-system");
}

static char *
find_binary (const char *architecture, GError **error)
{
  const char *wanted = g_getenv ("LODGE_QEMU");
  g_autofree char *name = g_strdup_printf ("qemu-system-%s", architecture);
  g_autofree char *package = dup_package (architecture);
  g_autofree char *found = NULL;

  if (wanted != NULL && wanted[0] != '\0') {
    found = g_find_program_in_path (wanted);
    if (found == NULL)
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                   _ ("LODGE_QEMU is “%s”, which is no program; unset it, or install the package "
                      "%s"),
                   wanted, package);
  } else {
    found = g_find_program_in_path (name);
    if (found == NULL)
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                   _ ("QEMU is not installed (there is no %s); install the package %s"), name,
                   package);
  }
  return found != NULL ? g_canonicalize_filename (found, NULL) : NULL;
}

/* Failing: the process is ended first, since how it ended may be the reason. */

/* The last line with something in it that QEMU printed. */
static char *
read_last_words (GSubprocess *process)
{
  GInputStream *stream = g_subprocess_get_stderr_pipe (process);
  g_autofree char *buffer = g_malloc (MAX_WORDS_BYTES);
  g_autofree char *text = NULL;
  gsize length = 0;
  gssize n;
  g_auto (GStrv) lines = NULL;
  char *last = NULL;

  while ((n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (stream),
                                                        buffer + length, MAX_WORDS_BYTES - length,
                                                        NULL, NULL)) > 0)
    length += n;
  text = g_utf8_make_valid (buffer, length);
  g_strdelimit (text, "\r\t\v\f\033", ' ');
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    if (g_strstrip (lines[i])[0] != '\0')
      last = lines[i];
  }
  return last != NULL ? g_utf8_substring (last, 0, MIN (g_utf8_strlen (last, -1), 300)) : NULL;
}

static char *
describe_end (Probe *probe)
{
  g_autofree char *words = NULL;

  /* By us: what was wrong with its answers is the reason. */
  if (g_subprocess_get_if_signaled (probe->process) &&
      g_subprocess_get_term_sig (probe->process) == SIGKILL)
    return g_strdup (probe->error->message);

  words = read_last_words (probe->process);
  if (words != NULL)
    return g_steal_pointer (&words);
  if (g_subprocess_get_if_signaled (probe->process))
    return g_strdup_printf (_ ("it was ended by signal %d"),
                            g_subprocess_get_term_sig (probe->process));
  return g_strdup_printf (_ ("it ended with exit code %d"),
                          g_subprocess_get_exit_status (probe->process));
}

/* By a signal that the kernel sends to a program which has gone wrong (signal(7)), or abort(). */
static gboolean
is_crash (Probe *probe)
{
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};

  for (guint i = 0; g_subprocess_get_if_signaled (probe->process) && i < G_N_ELEMENTS (signals);
       i++) {
    if (g_subprocess_get_term_sig (probe->process) == signals[i])
      return TRUE;
  }
  return FALSE;
}

static void begin_asking (GTask *task);

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Probe *probe = g_task_get_task_data (task);
  g_autofree char *package = dup_package (probe->architecture);
  g_autofree char *reason = NULL;

  /* Without cancellable it cannot fail. */
  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  if (!probe->again && is_crash (probe)) {
    g_message ("“%s” was ended by signal %d when it was asked what it can do; it is asked again",
               probe->binary, g_subprocess_get_term_sig (probe->process));
    end_qemu (probe);
    probe->again = TRUE;
    begin_asking (g_steal_pointer (&task));
    return;
  }
  reason = describe_end (probe);
  g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED,
                           _ ("“%s” does not work as QEMU: %s; install the package %s"),
                           probe->binary, reason, package);
}

/* Takes @error and @task. */
static void
fail (GTask *task, GError *error)
{
  Probe *probe = g_task_get_task_data (task);
  g_autofree char *package = dup_package (probe->architecture);

  kill_process (probe);
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED)) {
    g_task_return_error (task, error);
    g_object_unref (task);
  } else if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT)) {
    g_task_return_new_error (
        task, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
        _ ("“%s” gave no answer in %u s. Try again when this computer is less busy; if that does "
           "not help, install the package %s again"),
        probe->binary, (lodge_qemu_probe_limit_ms + 999) / 1000, package);
    g_error_free (error);
    g_object_unref (task);
  } else {
    g_clear_error (&probe->error);
    probe->error = error;
    g_subprocess_wait_async (probe->process, NULL, ended_cb, task);
  }
}

/* Keeping the answers */

static void
keep_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Probe *probe = task_data;

  lodge_qemu_cache_write (probe->qemu, probe->identity);
  g_task_return_boolean (task, TRUE);
}

static void
kept_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Probe *probe = g_task_get_task_data (task);

  g_task_return_pointer (task, g_steal_pointer (&probe->qemu), g_object_unref);
}

static void
quit_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Probe *probe = g_task_get_task_data (task);
  g_autoptr (GTask) keep = NULL;
  JsonNode *answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, NULL);

  /* Whatever it answered, and if it did: it is killed when the probe ends. */
  g_clear_pointer (&answer, json_node_unref);
  keep = g_task_new (NULL, NULL, kept_cb, task);
  g_task_set_source_tag (keep, quit_cb);
  g_task_set_task_data (keep, probe, NULL); /* lent: the task it ends with holds it */
  g_task_run_in_thread (keep, keep_thread);
}

/* Asking */

static void ask_next (GTask *task);

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Probe *probe = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer == NULL || !questions[probe->next_question].read (probe->qemu, answer, &error)) {
    fail (task, error);
    return;
  }
  probe->next_question++;
  ask_next (task);
}

static void
ask_next (GTask *task)
{
  Probe *probe = g_task_get_task_data (task);
  JsonObject *arguments = NULL;

  if (probe->next_question == G_N_ELEMENTS (questions)) {
    lodge_qmp_execute_async (probe->qmp, "quit", NULL, QUIT_LIMIT_MS, NULL, quit_cb, task);
    return;
  }
  if (questions[probe->next_question].implements != NULL)
    arguments =
        lodge_qmp_arguments ("implements", questions[probe->next_question].implements, NULL);
  lodge_qmp_execute_async (probe->qmp, questions[probe->next_question].command, arguments,
                           lodge_qemu_probe_limit_ms, g_task_get_cancellable (task), answered_cb,
                           task);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Probe *probe = g_task_get_task_data (task);
  GError *error = NULL;

  probe->qmp = lodge_qmp_connect_finish (result, &error);
  if (probe->qmp == NULL) {
    fail (task, error);
    return;
  }
  probe->qemu = lodge_qemu_new (probe->binary);
  ask_next (task);
}

/* Starting */

static void
child_setup_cb (gpointer unused)
{
  /* A wrapper's children go with it, and all of them when the engine is killed. */
  setpgid (0, 0);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static gboolean
make_folder (Probe *probe, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  probe->folder = g_dir_make_tmp ("lodge-qemu-XXXXXX", &local_error);
  if (probe->folder == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("QEMU cannot be asked what it can do: %s"), local_error->message);
    return FALSE;
  }
  probe->socket_path = g_build_filename (probe->folder, "qmp.sock", NULL);
  return TRUE;
}

static gboolean
start_qemu (Probe *probe, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autofree char *escaped = lodge_command_escape (probe->socket_path);
  g_autofree char *socket_option = g_strdup_printf ("unix:%s,server=on,wait=off", escaped);
  g_autofree char *package = dup_package (probe->architecture);
  g_autoptr (GError) local_error = NULL;
  const char *identifier;
  const char *argv[] = {
      probe->binary, "-S",   "-machine", "none",        "-nodefaults", "-no-user-config",
      "-display",    "none", "-qmp",     socket_option, NULL,
  };

  g_subprocess_launcher_set_child_setup (launcher, child_setup_cb, NULL, NULL);
  probe->process = g_subprocess_launcher_spawnv (launcher, argv, &local_error);
  if (probe->process == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("“%s” could not be run: %s; install the package %s"), probe->binary,
                 local_error->message, package);
    return FALSE;
  }
  identifier = g_subprocess_get_identifier (probe->process);
  probe->pid = identifier != NULL ? (pid_t) g_ascii_strtoll (identifier, NULL, 10) : 0;
  return TRUE;
}

static void
begin_asking (GTask *task)
{
  Probe *probe = g_task_get_task_data (task);
  GError *error = NULL;

  if (!make_folder (probe, &error) || !start_qemu (probe, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  if (probe->pid == 0) {
    /* It ended so early that it was reaped already; how is told when it is waited for. */
    fail (task, g_error_new_literal (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("it ended at once")));
    return;
  }
  lodge_qmp_connect_async (probe->socket_path, lodge_qemu_probe_limit_ms, probe->pid,
                           g_task_get_cancellable (task), connected_cb, task);
}

/* Looking for what is known */

static void
look_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Probe *probe = task_data;
  GError *error = NULL;

  probe->binary = find_binary (probe->architecture, &error);
  if (probe->binary == NULL) {
    g_task_return_error (task, error);
    return;
  }
  probe->identity = lodge_qemu_cache_identify (probe->binary);
  if (probe->identity != NULL)
    probe->qemu = lodge_qemu_cache_read (probe->binary, probe->identity);
  else
    probe->identity = g_strdup (probe->binary); /* gone meanwhile: running it will say so */
  g_task_return_boolean (task, TRUE);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Probe *probe = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
  } else if (probe->qemu != NULL) {
    g_task_return_pointer (task, g_steal_pointer (&probe->qemu), g_object_unref);
    g_object_unref (task);
  } else {
    begin_asking (task);
  }
}

void
lodge_qemu_probe_async (const char *architecture,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GTask) look = NULL;
  Probe *probe = g_new0 (Probe, 1);

  g_return_if_fail (architecture != NULL);

  probe->architecture = g_strdup (architecture);
  g_task_set_source_tag (task, lodge_qemu_probe_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, probe, (GDestroyNotify) probe_free);

  if (architecture[0] == '\0' ||
      strspn (architecture, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen (architecture)) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_INVALID,
                             _ ("There is no architecture “%s”"), architecture);
    g_object_unref (task);
    return;
  }
  look = g_task_new (NULL, NULL, looked_cb, task);
  g_task_set_source_tag (look, looked_cb);
  g_task_set_task_data (look, probe, NULL); /* lent: the task it ends with holds it */
  g_task_run_in_thread (look, look_thread);
}

LodgeQemu *
lodge_qemu_probe_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_qemu_probe_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

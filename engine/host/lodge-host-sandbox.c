/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether guests can be put in a sandbox here: bubblewrap runs "true" once.
 *
 * The settings that can forbid it are read only after it failed, to name the cause: there are too
 * many ways to forbid it, and too many exceptions, to predict the outcome from them.
 */
#include "host/lodge-host-sandbox.h"

#include "host/lodge-host-root.h"

#include <string.h>

/* It takes 10 ms; a computer so busy that it takes longer than this is said to refuse. */
#define TRIAL_LIMIT_MS    2000
#define WORDS_LIMIT_BYTES 2048
/* Of a line of bubblewrap that is shown to the user. */
#define WORDS_SHOWN_CHARS 200

typedef struct {
  GSubprocess *process;
  GCancellable *limit;
  GSource *timeout;
  char buffer[WORDS_LIMIT_BYTES + 1];
} Trial;

static void
trial_free (Trial *self)
{
  if (self->process != NULL)
    g_subprocess_force_exit (self->process);
  if (self->timeout != NULL) {
    g_source_destroy (self->timeout);
    g_source_unref (self->timeout);
  }
  g_clear_object (&self->process);
  g_clear_object (&self->limit);
  g_free (self);
}

static guint trial_limit_ms = TRIAL_LIMIT_MS;

void
lodge_host_sandbox_set_limit_for_tests (guint limit_ms)
{
  trial_limit_ms = limit_ms;
}

void
lodge_host_sandbox_free (LodgeHostSandbox *self)
{
  g_free (self->words);
  g_free (self);
}

/* QEMU's own filter needs the kernel's (CONFIG_SECCOMP_FILTER), which has this file since 4.14. */
static LodgeSandbox
get_fallback (void)
{
  return lodge_host_root_exists ("/proc/sys/kernel/seccomp/actions_avail") ? LODGE_SANDBOX_SECCOMP
                                                                           : LODGE_SANDBOX_NONE;
}

static LodgeSandboxCause
find_cause (void)
{
  static const char *const container_files[] = {
      "/run/.containerenv", "/.dockerenv", "/run/systemd/container", "/run/host/container-manager"};

  if (lodge_host_root_read_number ("/proc/sys/user/max_user_namespaces", -1) == 0)
    return LODGE_SANDBOX_CAUSE_NO_SPACES;
  if (lodge_host_root_read_number ("/proc/sys/kernel/unprivileged_userns_clone", -1) == 0)
    return LODGE_SANDBOX_CAUSE_NO_CLONE;
  if (lodge_host_root_read_number ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) > 0)
    return LODGE_SANDBOX_CAUSE_APPARMOR;
  for (guint i = 0; i < G_N_ELEMENTS (container_files); i++)
    if (lodge_host_root_exists (container_files[i]))
      return LODGE_SANDBOX_CAUSE_CONTAINER;
  return LODGE_SANDBOX_CAUSE_OTHER;
}

/* The last line that says something, without control characters. Transfer full. */
static char *
dup_last_line (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_auto (GStrv) lines = g_strsplit (valid, "\n", -1);

  for (guint i = g_strv_length (lines); i > 0; i--) {
    g_autofree char *line = g_strstrip (g_strdup (lines[i - 1]));
    g_autofree char *cut = NULL;

    if (line[0] == '\0')
      continue;
    cut = g_utf8_substring (line, 0, MIN (g_utf8_strlen (line, -1), WORDS_SHOWN_CHARS));
    return g_strdelimit (g_steal_pointer (&cut), "\t\r\033", ' ');
  }
  return g_strdup ("");
}

static void
return_refused (GTask *task, LodgeSandboxCause cause, const char *output)
{
  LodgeHostSandbox *result = g_new0 (LodgeHostSandbox, 1);

  result->kind = get_fallback ();
  result->cause = cause;
  result->words = dup_last_line (output);
  g_task_return_pointer (task, result, (GDestroyNotify) lodge_host_sandbox_free);
}

static void
wait_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Trial *self = g_task_get_task_data (task);
  gboolean ended = g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  LodgeHostSandbox *works;

  if (!ended) {
    return_refused (task, LODGE_SANDBOX_CAUSE_SILENT, "");
    return;
  }
  if (!g_subprocess_get_successful (self->process)) {
    return_refused (task, find_cause (), self->buffer);
    return;
  }

  works = g_new0 (LodgeHostSandbox, 1);
  works->kind = LODGE_SANDBOX_BUBBLEWRAP;
  works->words = g_strdup ("");
  g_task_return_pointer (task, works, (GDestroyNotify) lodge_host_sandbox_free);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Trial *self = g_task_get_task_data (task);
  gsize length = 0;

  g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &length, NULL);
  self->buffer[length] = '\0';
  /* g_subprocess_wait_async() does not see that its cancellable is cancelled already. */
  if (g_cancellable_is_cancelled (self->limit)) {
    return_refused (task, LODGE_SANDBOX_CAUSE_SILENT, "");
    g_object_unref (task);
    return;
  }
  g_subprocess_wait_async (self->process, self->limit, wait_cb, task);
}

static gboolean
limit_cb (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

void
lodge_host_sandbox_try_async (GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autofree char *bwrap = lodge_host_root_find_program ("bwrap");
  g_autofree char *true_program = g_find_program_in_path ("true");
  Trial *self = g_new0 (Trial, 1);

  g_task_set_source_tag (task, lodge_host_sandbox_try_async);
  g_task_set_task_data (task, self, (GDestroyNotify) trial_free);
  self->limit = g_cancellable_new ();

  if (bwrap == NULL) {
    return_refused (task, LODGE_SANDBOX_CAUSE_MISSING, "");
    return;
  }

  /* Each namespace and each mount of a machine's sandbox: /proc is what containers often refuse. */
  self->process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE, NULL,
                        bwrap, "--unshare-all", "--new-session", "--die-with-parent", "--cap-drop",
                        "ALL", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs",
                        "/tmp", true_program != NULL ? true_program : "true", NULL);
  if (self->process == NULL) {
    return_refused (task, LODGE_SANDBOX_CAUSE_MISSING, "");
    return;
  }

  self->timeout = g_timeout_source_new (trial_limit_ms);
  g_source_set_callback (self->timeout, limit_cb, g_object_ref (self->limit), g_object_unref);
  g_source_attach (self->timeout, g_main_context_get_thread_default ());
  g_input_stream_read_all_async (g_subprocess_get_stderr_pipe (self->process), self->buffer,
                                 WORDS_LIMIT_BYTES, G_PRIORITY_DEFAULT, self->limit, read_cb,
                                 g_steal_pointer (&task));
}

LodgeHostSandbox *
lodge_host_sandbox_try_finish (GAsyncResult *result)
{
  LodgeHostSandbox *sandbox;

  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_host_sandbox_try_async), NULL);

  /* The only error is that the caller cancelled. */
  sandbox = g_task_propagate_pointer (G_TASK (result), NULL);
  if (sandbox == NULL) {
    sandbox = g_new0 (LodgeHostSandbox, 1);
    sandbox->cause = LODGE_SANDBOX_CAUSE_SILENT;
    sandbox->words = g_strdup ("");
  }
  return sandbox;
}

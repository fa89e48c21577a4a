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
 * Whether namespaces are to be had is tried once with a program that does nothing, so that a
 * failure of bubblewrap is never mistaken for one of the image.
 */
#include "storage/lodge-qemu-img.h"

#include "lodge-error.h"
#include "qemu/lodge-containment.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define DEFAULT_SECONDS 60
#define MOST_OUTPUT     (1024 * 1024)
#define MOST_WORDS      4096
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
  guint64 file_bytes;
  LodgeImageProgress progress;
  gpointer progress_data;

  /* While it runs. */
  GSubprocess *process;
  GSource *timeout;
  GSource *cancel;
  GString *output;
  GString *words;
  guint pending; /* of: its end, standard output, standard error */
  gboolean timed_out;
};

/* One of the two pipes. */
typedef struct {
  GTask *task;
  GString *kept;
  gsize most;
  gboolean is_output;
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
  self->output = g_string_new (NULL);
  self->words = g_string_new (NULL);
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
  g_clear_object (&self->process);
  g_ptr_array_unref (self->argv);
  g_array_unref (self->binds);
  g_string_free (self->output, TRUE);
  g_string_free (self->words, TRUE);
  g_free (self);
}

void
lodge_qemu_img_result_free (LodgeQemuImgResult *self)
{
  if (self == NULL)
    return;
  g_free (self->output);
  g_free (self->words);
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

  g_array_append_val (self->binds, bind);
}

void
lodge_qemu_img_limit (LodgeQemuImg *self, guint seconds, guint64 file_bytes)
{
  self->seconds = seconds;
  self->file_bytes = file_bytes;
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

/* In the child between fork and exec: only what signal-safety(7) allows. */
static void
set_limits (gpointer data)
{
  const LodgeQemuImg *self = data;

  limit (RLIMIT_AS, MOST_MEMORY);
  limit (RLIMIT_CPU, self->seconds);
  limit (RLIMIT_FSIZE, self->file_bytes);
  limit (RLIMIT_CORE, 0);
  limit (RLIMIT_NOFILE, 256);
  umask (077);
}

static GSubprocess *
spawn (const char *const *argv, GSpawnChildSetupFunc setup, gpointer data, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_auto (GStrv) environment = lodge_containment_dup_environment ();

  /* So that what it says can be recognized. */
  environment = g_environ_setenv (environment, "LC_ALL", "C.UTF-8", TRUE);
  launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_subprocess_launcher_set_environ (launcher, environment);
  if (setup != NULL)
    g_subprocess_launcher_set_child_setup (launcher, setup, data, NULL);
  return g_subprocess_launcher_spawnv (launcher, argv, error);
}

/* A line without what the reader knows already: the program, and the image as we named it. */
static const char *
skip_known (const char *line)
{
  static const char *const programs[] = {"qemu-img: ", "qemu-io: "};
  static const char *const ends[] = {"}': ", "}: "};

  for (guint i = 0; i < G_N_ELEMENTS (programs); i++) {
    if (g_str_has_prefix (line, programs[i]))
      line += strlen (programs[i]);
  }
  if (strstr (line, "json:{") == NULL)
    return line;
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    const char *end = g_strrstr (line, ends[i]);

    if (end != NULL)
      return end + strlen (ends[i]);
  }
  return line;
}

/* The first line that says what went wrong. */
static char *
dup_words (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_auto (GStrv) lines = g_strsplit_set (valid, "\r\n", -1);
  const char *words = "";

  for (guint i = 0; lines[i] != NULL && words[0] == '\0'; i++) {
    const char *line = g_strstrip (lines[i]);

    /* It tries to remove what it began, which is bound and cannot be. */
    if (strstr (line, "Error when deleting file") == NULL)
      words = skip_known (line);
  }
  return g_utf8_substring (words, 0, MIN (g_utf8_strlen (words, -1), 300));
}

static void
finish (GTask *task)
{
  LodgeQemuImg *self = g_task_get_task_data (task);
  LodgeQemuImgResult *result;

  drop_source (&self->timeout);
  drop_source (&self->cancel);
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

  result = g_new0 (LodgeQemuImgResult, 1);
  if (g_subprocess_get_if_exited (self->process))
    result->status = g_subprocess_get_exit_status (self->process);
  else
    result->status = 128 + g_subprocess_get_term_sig (self->process);
  result->output = g_strndup (self->output->str, self->output->len);
  result->words = dup_words (self->words->str);
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
  if (pipe->is_output)
    report_progress (self, pipe->buffer, n);
  /* What is beyond the cap is read all the same, so that the program does not wait for us. */
  if (pipe->kept->len < pipe->most)
    g_string_append_len (pipe->kept, pipe->buffer, MIN ((gsize) n, pipe->most - pipe->kept->len));
  g_input_stream_read_async (stream, pipe->buffer, sizeof pipe->buffer, G_PRIORITY_DEFAULT, NULL,
                             read_cb, pipe);
}

static void
read_pipe (GTask *task, GInputStream *stream, GString *kept, gsize most, gboolean is_output)
{
  Pipe *pipe = g_new0 (Pipe, 1);

  pipe->task = g_object_ref (task);
  pipe->kept = kept;
  pipe->most = most;
  pipe->is_output = is_output;
  g_input_stream_read_async (stream, pipe->buffer, sizeof pipe->buffer, G_PRIORITY_DEFAULT, NULL,
                             read_cb, pipe);
}

static gboolean
timeout_cb (gpointer user_data)
{
  LodgeQemuImg *self = g_task_get_task_data (user_data);

  self->timed_out = TRUE;
  g_subprocess_force_exit (self->process);
  return G_SOURCE_REMOVE;
}

static gboolean
cancel_cb (GCancellable *cancellable, gpointer user_data)
{
  LodgeQemuImg *self = g_task_get_task_data (user_data);

  g_subprocess_force_exit (self->process);
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
  if (self->argv->pdata[self->argv->len - 1] != NULL)
    g_ptr_array_add (self->argv, NULL);
  if (contained == CONTAINED_YES)
    return lodge_containment_new_argv (LODGE_CONTAINMENT_DIE_WITH_PARENT,
                                       (const LodgeContainmentBind *) (gpointer) self->binds->data,
                                       self->binds->len, (const char *const *) self->argv->pdata,
                                       error);

  argv = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (argv, g_steal_pointer (&path));
  for (guint i = 1; i < self->argv->len; i++)
    g_ptr_array_add (argv, g_strdup (g_ptr_array_index (self->argv, i)));
  return argv;
}

/* Takes a reference of @task. */
static void
start (GTask *task)
{
  LodgeQemuImg *self = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autoptr (GPtrArray) argv = NULL;
  g_autoptr (GError) why = NULL;
  GError *error = NULL;

  argv = build_argv (self, &error);
  if (argv == NULL) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  self->process = spawn ((const char *const *) argv->pdata, set_limits, self, &why);
  if (self->process == NULL) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not start %s: %s"),
                             (const char *) g_ptr_array_index (self->argv, 0), why->message);
    g_object_unref (task);
    return;
  }

  self->timeout = g_timeout_source_new_seconds (self->seconds);
  g_source_set_callback (self->timeout, timeout_cb, task, NULL);
  g_source_attach (self->timeout, g_task_get_context (task));
  if (cancellable != NULL) {
    self->cancel = g_cancellable_source_new (cancellable);
    g_source_set_callback (self->cancel, G_SOURCE_FUNC (cancel_cb), task, NULL);
    g_source_attach (self->cancel, g_task_get_context (task));
  }

  self->pending = 3;
  read_pipe (task, g_subprocess_get_stdout_pipe (self->process), self->output, MOST_OUTPUT, TRUE);
  read_pipe (task, g_subprocess_get_stderr_pipe (self->process), self->words, MOST_WORDS, FALSE);
  g_subprocess_wait_async (self->process, NULL, waited_cb, task);
}

static void
no_containment (const char *why)
{
  contained = CONTAINED_NO;
  g_message ("Disk images are read without namespaces around qemu-img, only with limits: %s", why);
}

static void
tried_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree char *words = NULL;

  g_subprocess_communicate_utf8_finish (G_SUBPROCESS (source), result, NULL, &words, NULL);
  if (g_subprocess_get_successful (G_SUBPROCESS (source)))
    contained = CONTAINED_YES;
  else
    no_containment (words != NULL ? g_strchomp (words) : "bubblewrap failed");
  start (user_data);
}

/* A program that does nothing, in the same walls. Takes a reference of @task. */
static void
try_containment (GTask *task)
{
  static const char *const nothing[] = {"true", NULL};
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GPtrArray) argv = NULL;
  g_autoptr (GError) error = NULL;

  argv = lodge_containment_new_argv (LODGE_CONTAINMENT_DIE_WITH_PARENT, NULL, 0, nothing, &error);
  if (argv != NULL)
    process = spawn ((const char *const *) argv->pdata, NULL, NULL, &error);
  if (process == NULL) {
    no_containment (error->message);
    start (task);
    return;
  }
  g_subprocess_communicate_utf8_async (process, NULL, NULL, tried_cb, task);
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

void
lodge_qemu_img_set_error (GError **error,
                          int code,
                          const char *path,
                          const char *target,
                          const LodgeQemuImgResult *result)
{
  /* The third is QEMU's rendering of EFBIG while a qcow2 file is made; our sizes are far below what
   * the format can have. */
  if (result->status == 128 + SIGXFSZ || strstr (result->words, "No space left") != NULL ||
      strstr (result->words, "too large for file format") != NULL ||
      strstr (result->words, "File too large") != NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE,
                 _ ("There is not enough room for %s: the disk is full"),
                 target != NULL ? target : path);
  else if (result->status == 128 + SIGXCPU || result->status == 128 + SIGKILL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                 _ ("%s takes more time or memory than an image should"), path);
  else if (strstr (result->words, "\"write\" lock") != NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE, _ ("%s is in use by another program"),
                 path);
  else if (strstr (result->words, "No such file") != NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("There is no file %s"), path);
  else if (strstr (result->words, "Permission denied") != NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED, _ ("Could not open %s: permission denied"),
                 path);
  else
    g_set_error (error, LODGE_ERROR, code, _ ("qemu-img cannot work with %s: %s"), path,
                 result->words[0] != '\0' ? result->words : _ ("it does not say why"));
}

char *
lodge_qemu_img_dup_source (const char *format, const char *path, const char *below)
{
  g_autoptr (JsonNode) lower = below != NULL ? json_from_string (below + strlen ("json:"), NULL)
                                             : json_node_new (JSON_NODE_NULL);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "driver");
  json_builder_add_string_value (builder, format);
  json_builder_set_member_name (builder, "file");
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "driver");
  json_builder_add_string_value (builder, "file");
  json_builder_set_member_name (builder, "filename");
  json_builder_add_string_value (builder, path);
  json_builder_end_object (builder);
  /* The formats that can stand on another file (BlockdevOptionsGenericCOWFormat in QEMU's
   * qapi/block-core.json): null says that none is opened, whatever the image says. */
  if (below != NULL || strcmp (format, "qcow2") == 0 || strcmp (format, "qed") == 0 ||
      strcmp (format, "vmdk") == 0) {
    json_builder_set_member_name (builder, "backing");
    json_builder_add_value (builder, g_steal_pointer (&lower));
  }
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  return g_strconcat ("json:", text, NULL);
}

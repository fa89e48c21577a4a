/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which accelerator this computer really has: measured in a child, and kept.
 *
 *   read the kernel's files (thread) -> kept result still good? -> done
 *                                    -> lodge-kvm-probe, 800 ms at most -> judge -> keep -> done
 *
 * Owns: the child, and the file accelerator.ini in the cache folder.
 * Never: opens /dev/kvm in the engine itself, whose KVM_RUN might not return.
 */
#include "host/lodge-accelerator.h"

#include "host/lodge-host-root.h"
#include "host/lodge-kvm-evidence.h"
#include "lodge-config.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* Hardware answers in 10 ms, an emulator in 250 (the probe stops by itself); the check has a
 * second. */
#define PROBE_LIMIT_MS 800
/* The probe prints some 25 lines. */
#define OUTPUT_LIMIT_BYTES 4096
#define CACHE_GROUP        "accelerator"
/* Raised whenever the measuring or the judging changes. */
#define CACHE_VERSION 2

static guint probe_limit_ms = PROBE_LIMIT_MS;

void
lodge_accelerator_set_limit_for_tests (guint limit_ms)
{
  probe_limit_ms = limit_ms;
}

typedef struct {
  gboolean fresh;
  LodgeKvmHost *host;
  LodgeAccelerator result;
  gboolean from_cache;
  gboolean
      complete; /* the probe came to its end: on a busy computer the limit cuts off hardware too */

  GSubprocess *process;
  GInputStream *output; /* lent by process */
  GCancellable *limit;
  GSource *timeout;
  char buffer[OUTPUT_LIMIT_BYTES];
} Measurement;

static void
measurement_free (Measurement *self)
{
  if (self->process != NULL)
    g_subprocess_force_exit (self->process);
  if (self->timeout != NULL) {
    g_source_destroy (self->timeout);
    g_source_unref (self->timeout);
  }
  g_clear_object (&self->process);
  g_clear_object (&self->limit);
  g_clear_pointer (&self->host, lodge_kvm_host_free);
  g_free (self);
}

static char *
dup_cache_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "lodge", "accelerator.ini", NULL);
}

/* All that a restart, another kernel or another computer with the same home folder can change. */
static char *
dup_cache_key (const LodgeKvmHost *host)
{
  static const char *const parameters[] = {"/sys/module/kvm_intel/parameters/ept",
                                           "/sys/module/kvm_amd/parameters/npt"};
  g_autofree char *text = g_strdup_printf (
      "%d\n%s\n%s\n%s\n%s\n%d%d%d", CACHE_VERSION, host->kernel, host->cpu_model,
      host->module_vendor, host->virtual_vendor, host->virtual, host->cpu_flag, host->module_kvm);
  g_autoptr (GString) key = g_string_new (text);

  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++) {
    g_autofree char *value = lodge_host_root_read (parameters[i]);

    g_string_append_printf (key, "\n%s", value != NULL ? value : "");
  }
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, key->str, key->len);
}

/* What needs no restart to change is asked again before a kept result is believed. */
static gboolean
is_still_open (const LodgeKvmHost *host)
{
  g_autofree char *device = lodge_host_root_dup_path ("/dev/kvm");

  return access (device, R_OK | W_OK) == 0 && host->other_hypervisor[0] == '\0';
}

static gboolean
load_kept (Measurement *self)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = dup_cache_path ();
  g_autofree char *wanted = dup_cache_key (self->host);
  g_autofree char *key = NULL;
  g_autofree char *verdict = NULL;
  guint64 speed;

  /* A missing or broken file is measured again. */
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return FALSE;
  key = g_key_file_get_string (file, CACHE_GROUP, "key", NULL);
  verdict = g_key_file_get_string (file, CACHE_GROUP, "verdict", NULL);
  speed = g_key_file_get_uint64 (file, CACHE_GROUP, "instructions-per-second", NULL);
  if (g_strcmp0 (key, wanted) != 0 || !is_still_open (self->host))
    return FALSE;

  if (g_strcmp0 (verdict, "ok") == 0 && speed >= LODGE_KVM_HARDWARE_INSTRUCTIONS_PER_SECOND)
    self->result = (LodgeAccelerator){.kind = LODGE_ACCELERATOR_KVM, .verdict = LODGE_KVM_OK};
  else if (g_strcmp0 (verdict, "emulated") == 0)
    self->result = (LodgeAccelerator){.kind = LODGE_ACCELERATOR_TCG, .verdict = LODGE_KVM_EMULATED};
  else
    return FALSE;
  self->result.instructions_per_second = speed;
  return TRUE;
}

static void
keep (const Measurement *self)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = dup_cache_path ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *key = dup_cache_key (self->host);
  g_autoptr (GError) error = NULL;

  if (!self->complete ||
      (self->result.verdict != LODGE_KVM_OK && self->result.verdict != LODGE_KVM_EMULATED)) {
    g_unlink (path);
    return;
  }

  g_key_file_set_string (file, CACHE_GROUP, "key", key);
  g_key_file_set_string (file, CACHE_GROUP, "verdict",
                         lodge_kvm_verdict_get_name (self->result.verdict));
  g_key_file_set_uint64 (file, CACHE_GROUP, "instructions-per-second",
                         self->result.instructions_per_second);
  g_mkdir_with_parents (folder, 0700);
  /* Not kept is measured again next time: no reason to fail. */
  if (!g_key_file_save_to_file (file, path, &error))
    g_debug ("The measurement is not kept: %s", error->message);
}

static void
keep_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  keep (data);
  g_task_return_boolean (task, TRUE);
}

static void
return_result (GTask *task)
{
  Measurement *self = g_task_get_task_data (task);

  g_task_return_pointer (task, g_memdup2 (&self->result, sizeof self->result), g_free);
}

static void
kept_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  return_result (task);
}

static void
finish_probe (GTask *task, gsize length)
{
  Measurement *self = g_task_get_task_data (task);
  LodgeKvmProbe probe = lodge_kvm_probe_parse (self->buffer, length);
  g_autoptr (GTask) keeping = NULL;

  g_subprocess_force_exit (self->process);
  self->result = lodge_kvm_judge (self->host, &probe);
  self->complete = probe.end == 1;

  keeping = g_task_new (NULL, NULL, kept_cb, g_object_ref (task));
  g_task_set_source_tag (keeping, finish_probe);
  g_task_set_task_data (keeping, self, NULL);
  g_task_run_in_thread (keeping, keep_in_thread);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  gsize length = 0;

  /* Whether it ended, was too slow or printed too much, what counts is what it said till then. */
  g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &length, NULL);
  if (g_task_return_error_if_cancelled (task))
    return;
  finish_probe (task, length);
}

static gboolean
limit_cb (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

static void
start_probe (GTask *task)
{
  Measurement *self = g_task_get_task_data (task);
  const char *folder = g_getenv ("LODGE_LIBEXECDIR");
  g_autofree char *program =
      g_build_filename (folder != NULL ? folder : LODGE_LIBEXECDIR, "lodge-kvm-probe", NULL);
  g_autofree char *device = lodge_host_root_dup_path ("/dev/kvm");
  g_autoptr (GError) error = NULL;

  self->process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error,
                        program, device, NULL);
  if (self->process == NULL) {
    g_debug ("No measurement: %s", error->message);
    self->result = (LodgeAccelerator){.kind = LODGE_ACCELERATOR_TCG, .verdict = LODGE_KVM_FAILED};
    return_result (task);
    return;
  }

  self->output = g_subprocess_get_stdout_pipe (self->process);
  self->timeout = g_timeout_source_new (probe_limit_ms);
  g_source_set_callback (self->timeout, limit_cb, g_object_ref (self->limit), g_object_unref);
  g_source_attach (self->timeout, g_main_context_get_thread_default ());
  g_input_stream_read_all_async (self->output, self->buffer, sizeof self->buffer,
                                 G_PRIORITY_DEFAULT, self->limit, read_cb, g_object_ref (task));
}

static void
look_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Measurement *self = data;

  self->host = lodge_kvm_host_read ();
  self->from_cache = !self->fresh && load_kept (self);
  g_task_return_boolean (task, TRUE);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Measurement *self = g_task_get_task_data (task);

  if (g_task_return_error_if_cancelled (task))
    return;
  if (self->from_cache)
    return_result (task);
  else
    start_probe (task);
}

void
lodge_accelerator_measure_async (gboolean fresh,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GTask) looking = g_task_new (NULL, NULL, looked_cb, g_object_ref (task));
  Measurement *self = g_new0 (Measurement, 1);

  self->fresh = fresh;
  self->limit = g_cancellable_new ();
  g_task_set_source_tag (task, lodge_accelerator_measure_async);
  g_task_set_task_data (task, self, (GDestroyNotify) measurement_free);

  g_task_set_source_tag (looking, lodge_accelerator_measure_async);
  g_task_set_task_data (looking, self, NULL);
  g_task_run_in_thread (looking, look_in_thread);
}

LodgeAccelerator
lodge_accelerator_measure_finish (GAsyncResult *result)
{
  const LodgeAccelerator nothing = {.kind = LODGE_ACCELERATOR_TCG, .verdict = LODGE_KVM_FAILED};
  g_autofree LodgeAccelerator *measured = NULL;

  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_accelerator_measure_async),
                        nothing);

  /* The only error is that the caller cancelled. */
  measured = g_task_propagate_pointer (G_TASK (result), NULL);
  return measured != NULL ? *measured : nothing;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting a machine: from its description to a guest that runs.
 *
 * Theory of operation: the numbers are those of "How a machine starts" in the README.
 *   1. The state table is asked, the state becomes starting.
 *   2. The lock is taken. It travels into QEMU as a descriptor, so that it is free the moment
 *      QEMU is gone, whoever else died before.
 *   3. The host says which accelerator; what the description leaves open (machine type, CPU model,
 *      firmware, NVRAM) is resolved once and recorded.
 *   4. The sockets of its companions are made: they must be there before QEMU looks for them. A
 *      TPM starts now, since QEMU talks to it at once; a user network while QEMU starts.
 *   5. The command is built and launched, paused and contained.
 *   6. QMP greets. From here on QEMU's own pid is known and watched.
 *   7. cont; running.
 * Whatever fails: everything started so far is ended, the state is off (crashed machines become
 * off), and the sentence becomes the note. A start must not leave anything half-made.
 */
#include "machine/lodge-machine-start-private.h"

#include "host/lodge-host-firmware.h"
#include "lodge-error.h"
#include "machine/lodge-machine-key.h"
#include "qemu/lodge-machine-command.h"
#include "storage/lodge-image.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

static void
start_free (LodgeStart *start)
{
  g_clear_pointer (&start->description, lodge_description_free);
  if (start->lock_fd >= 0)
    close (start->lock_fd);
  g_clear_pointer (&start->host_disks, lodge_machine_close_host_disks);
  g_clear_pointer (&start->media, g_hash_table_unref);
  lodge_sealed_free (start->sealed);
  if (start->memory_fd >= 0)
    close (start->memory_fd);
  g_clear_pointer (&start->wanted, lodge_description_free);
  g_clear_pointer (&start->render_nodes, g_ptr_array_unref);
  g_free (start->flat);
  g_free (start->suspended);
  g_free (start);
}

gboolean
lodge_machine_resolve_firmware (LodgeDescription *description, GError **error)
{
  g_autoptr (LodgeHostFirmware) firmware = NULL;

  if (description->firmware == LODGE_FIRMWARE_BIOS)
    return TRUE;

  /* A file for each kind: one firmware's variables are nothing for the other, and whoever switches
   * back finds the old ones. */
  if (description->nvram[0] == '\0') {
    g_free (description->nvram);
    description->nvram = g_strdup (
        description->firmware == LODGE_FIRMWARE_UEFI_SECURE ? "nvram-secure.qcow2" : "nvram.qcow2");
  }
  /* Recorded, and still there: a package update must not change a machine's firmware kind. */
  if (g_file_test (description->firmware_code, G_FILE_TEST_IS_REGULAR))
    return TRUE;

  firmware = lodge_host_firmware_find ("x86_64", description->machine_type,
                                       description->firmware == LODGE_FIRMWARE_UEFI_SECURE, error);
  if (firmware == NULL)
    return FALSE;
  g_free (description->firmware_code);
  description->firmware_code = g_strdup (firmware->code);
  g_free (description->firmware_format);
  description->firmware_format = g_strdup (firmware->code_format);
  return TRUE;
}

/* What was open, and nothing else: the user may have changed something since. */
static gboolean
edit_resolved (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const LodgeDescription *resolved = data;
  const struct {
    char **to;
    const char *from;
  } fields[] = {
      {&value->machine_type, resolved->machine_type},
      {&value->cpu_model, resolved->cpu_model},
      {&value->firmware_code, resolved->firmware_code},
      {&value->firmware_format, resolved->firmware_format},
      {&value->nvram, resolved->nvram},
  };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    g_free (*fields[i].to);
    *fields[i].to = g_strdup (fields[i].from);
  }
  return TRUE;
}

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  GError *error = NULL;

  if (!lodge_machine_save_finish (self, result, &error) ||
      g_cancellable_set_error_if_cancelled (self->start_cancellable, &error))
    lodge_machine_start_failed (task, error);
  else
    lodge_machine_launch (task);
}

static void
record_and_launch (GTask *task)
{
  LodgeStart *start = g_task_get_task_data (task);

  if (start->resolved)
    lodge_machine_save_async (g_task_get_source_object (task), edit_resolved, start->description,
                              NULL, resolved_cb, task);
  else
    lodge_machine_launch (task);
}

static void
nvram_made_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (!lodge_image_import_finish (result, &error))
    lodge_machine_start_failed (task, error);
  else
    record_and_launch (task);
}

/* Firmware as recorded, or found now; its NVRAM made from the template the first time. */
static void
prepare_firmware (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  LodgeDescription *description = start->description;
  g_autoptr (LodgeHostFirmware) firmware = NULL;
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *nvram = NULL;
  g_autofree char *recorded = g_strdup (description->firmware_code);
  GError *error = NULL;

  if (!lodge_machine_resolve_firmware (description, &error)) {
    lodge_machine_start_failed (task, error);
    return;
  }
  if (!g_str_equal (recorded, description->firmware_code))
    start->resolved = TRUE;

  nvram = g_build_filename (folder, description->nvram, NULL);
  if (description->firmware == LODGE_FIRMWARE_BIOS || g_file_test (nvram, G_FILE_TEST_EXISTS)) {
    record_and_launch (task);
    return;
  }

  firmware = lodge_host_firmware_find ("x86_64", description->machine_type,
                                       description->firmware == LODGE_FIRMWARE_UEFI_SECURE, &error);
  if (firmware == NULL) {
    lodge_machine_start_failed (task, error);
    return;
  }
  /* A qcow2 file, so that the firmware's variables can be part of a live snapshot. */
  lodge_image_import_async (firmware->vars, firmware->vars_format, nvram, NULL, NULL,
                            self->start_cancellable, nvram_made_cb, task);
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  LodgeAccelerator accelerator;
  LodgeQemu *qemu;
  GError *error = NULL;

  lodge_machine_host_prepare_finish (self->host, result);
  if (g_cancellable_set_error_if_cancelled (self->start_cancellable, &error)) {
    lodge_machine_start_failed (task, error);
    return;
  }
  qemu = lodge_machine_host_get_qemu (self->host, &error);
  if (qemu == NULL) {
    lodge_machine_start_failed (task, error);
    return;
  }

  accelerator = lodge_host_report_get_accelerator (lodge_machine_host_get_report (self->host));
  start->resolved =
      start->description->machine_type[0] == '\0' || start->description->cpu_model[0] == '\0';
  if (!lodge_machine_command_resolve (start->description, qemu, accelerator.kind, &error)) {
    lodge_machine_start_failed (task, error);
    return;
  }
  prepare_firmware (task);
}

/* Memory is taken as the guest touches it: too much of it would start well, and end with the kernel
 * killing something. */
static gboolean
check_memory (LodgeMachine *self, const LodgeDescription *description, GError **error)
{
  guint64 total = (guint64) sysconf (_SC_PHYS_PAGES) * (guint64) sysconf (_SC_PAGESIZE);
  guint64 wanted = (guint64) description->memory_mib * 1024 * 1024;
  g_autofree char *has = NULL;
  g_autofree char *wants = NULL;

  if (wanted <= total)
    return TRUE;
  has = g_format_size_full (total, G_FORMAT_SIZE_IEC_UNITS);
  wants = g_format_size_full (wanted, G_FORMAT_SIZE_IEC_UNITS);
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
               _ ("“%s” wants %s of memory and this computer has %s: give it less "
                  "(machine.memory)"),
               lodge_machine_get_name (self), wants, has);
  return FALSE;
}

/* Who resumes a guest has made sure that nobody else is at work. */
static gboolean
check_action (LodgeMachine *self, const LodgeStart *start, GError **error)
{
  if (start->suspended != NULL)
    return lodge_state_check_action (self->state, LODGE_ACTION_START, lodge_machine_get_name (self),
                                     error);
  return lodge_machine_check_action (self, LODGE_ACTION_START, error);
}

void
lodge_machine_start_again (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  GError *error = NULL;

  start->lock_fd = lodge_store_lock (self->store, self->uuid, &error);
  if (start->lock_fd < 0) {
    lodge_machine_start_failed (task, error);
    return;
  }
  /* A crash was told until now; the lock says that nobody else's run is meant. */
  lodge_machine_clear_run (self);
  lodge_machine_host_prepare_async (self->host, FALSE, prepared_cb, task);
}

static void
start_now (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  g_autofree char *held = NULL;
  GError *error = NULL;

  /* Several may have waited for the end of the same remains, to start it or to remove it. */
  if (!check_action (self, start, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  held = lodge_machine_dup_held_note (self);
  lodge_machine_set_note (self, held);
  self->disposable = start->disposable;
  lodge_machine_set_state (self, LODGE_STATE_STARTING);
  self->restart = self->restart_waits = FALSE;
  self->start_failed = FALSE;
  g_clear_object (&self->start_cancellable);
  self->start_cancellable = g_cancellable_new ();
  lodge_machine_start_again (task);
}

static void begin_again (GTask *task);

/* What was left of a guest that panicked is gone now. */
static void
remains_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeStart *start = g_task_get_task_data (user_data);

  if (start->suspended == NULL)
    g_clear_pointer (&start->description, lodge_description_free);
  begin_again (user_data);
}

static void
keyed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (lodge_machine_need_key_finish (LODGE_MACHINE (source), result, &error)) {
    begin_again (task);
    return;
  }
  g_task_return_error (task, error);
  g_object_unref (task);
}

/* Nothing works on its folder. */
static void
begin (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  GError *error = NULL;

  if (start->suspended == NULL)
    lodge_machine_refresh (self);
  if (!start->asked && lodge_machine_is_locked (self)) {
    start->asked = TRUE;
    lodge_machine_need_key_async (self, keyed_cb, task);
    return;
  }
  if (!check_action (self, start, &error) || !lodge_machine_check_usable (self, &error) ||
      !lodge_description_check (start->description != NULL ? start->description
                                                           : lodge_machine_get_description (self),
                                &error) ||
      !lodge_machine_check_unlocked (self, &error) ||
      !check_memory (self,
                     start->description != NULL ? start->description
                                                : lodge_machine_get_description (self),
                     &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }

  /* What was stored with a suspended guest may name others than machine.ini does. */
  if (start->description != NULL &&
      !lodge_machine_check_outside (self, start->description, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  if (start->description == NULL)
    start->description = lodge_description_copy (lodge_machine_get_description (self));
  if (self->pid != 0) {
    g_ptr_array_add (self->waiting_for_end, g_task_new (self, NULL, remains_ended_cb, task));
    lodge_machine_end_qemu (self);
  } else {
    start_now (task);
  }
}

static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  GError *error = NULL;

  if (lodge_machine_forget_finish (self, result, &error)) {
    begin_again (task);
    return;
  }
  lodge_machine_set_note (self, error->message);
  g_task_return_error (task, error);
  g_object_unref (task);
}

/* What its guest has gone on from before must not be named any more: "run" is about to be written
 * anew, which has kept it from being loaded. */
static void
forget (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);

  if (lodge_machine_has_gone_on (self))
    lodge_machine_forget_async (self, forgotten_cb, task);
  else
    begin (task);
}

static void
work_stopped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_stop_work_finish (LODGE_MACHINE (source), result);
  forget (user_data);
}

/* Takes @task. */
static void
stop_work_and_begin (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);

  if (self->work != NULL && self->work_gives_way)
    lodge_machine_stop_work_async (self, work_stopped_cb, task);
  else
    forget (task);
}

/* After a wait, in which something may have begun by itself. Takes @task. */
static void
begin_again (GTask *task)
{
  const LodgeStart *start = g_task_get_task_data (task);

  if (start->suspended != NULL)
    begin (task);
  else
    stop_work_and_begin (task);
}

static GTask *
new_task (LodgeMachine *self, int memory_fd, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  LodgeStart *start = g_new0 (LodgeStart, 1);

  start->lock_fd = -1;
  start->memory_fd = memory_fd;
  g_task_set_source_tag (task, lodge_machine_start_async);
  g_task_set_task_data (task, start, (GDestroyNotify) start_free);
  return task;
}

void
lodge_machine_start_from_async (LodgeMachine *self,
                                int memory_fd,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  stop_work_and_begin (new_task (self, memory_fd, callback, user_data));
}

void
lodge_machine_start_disposable_async (LodgeMachine *self,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  GTask *task = new_task (self, -1, callback, user_data);
  LodgeStart *start = g_task_get_task_data (task);

  lodge_machine_refresh (self);
  if (self->state == LODGE_STATE_SUSPENDED) {
    g_task_return_new_error (
        task, LODGE_ERROR, LODGE_ERROR_STATE,
        _ ("“%s” is suspended, and its guest could go on only once: resume it, "
           "or discard its saved state, before a run of which nothing is kept"),
        lodge_machine_get_name (self));
    g_object_unref (task);
    return;
  }
  start->disposable = TRUE;
  stop_work_and_begin (task);
}

void
lodge_machine_start_suspended_async (LodgeMachine *self,
                                     int memory_fd,
                                     LodgeDescription *description,
                                     gboolean paused,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  GTask *task = new_task (self, memory_fd, callback, user_data);
  LodgeStart *start = g_task_get_task_data (task);

  start->description = description;
  start->paused = paused;
  start->suspended = g_strdup (lodge_machine_get_description (self)->suspended);
  begin (task);
}

static void
resumed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (lodge_machine_suspend_finish (LODGE_MACHINE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
lodge_machine_start_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (LodgeJob) job = NULL;

  lodge_machine_refresh (self);
  if (self->state != LODGE_STATE_SUSPENDED) {
    lodge_machine_start_from_async (self, -1, callback, user_data);
    return;
  }
  job = lodge_job_new ("resume", self->uuid);
  lodge_machine_resume_async (self, job, resumed_cb, g_task_new (self, NULL, callback, user_data));
}

gboolean
lodge_machine_start_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

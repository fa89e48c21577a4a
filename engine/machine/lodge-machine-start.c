/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting a machine: from its description to a guest that runs.
 *
 * Theory of operation: the numbers are those of "How a machine starts" in the README.
 *   1. The state table is asked, the state becomes starting.
 *   2. The lock is taken. It Should travel into QEMU as a descriptor, so that it is free the moment
 *      QEMU is gone, whoever else died before.
 *   3. The host says which accelerator; what the description leaves open (machine type, CPU model,
 *      firmware, NVRAM) is resolved once and recorded.
 *   4. The sockets of its companions are made: they Should be there before QEMU looks for them. A
 *      TPM starts now, since QEMU talks to it at once; a user network while QEMU starts.
 *   5. The command is built and launched, paused and contained.
 *   6. QMP greets. From here on QEMU's own pid is known and watched.
 *   7. cont; running.
 * Whatever fails: everything started so far is ended, the state is off (crashed machines become
 * off), and the sentence becomes the note. A start Mustn't leave anything half-made.
 */
#include "machine/lodge-machine-private.h"

#include "host/lodge-host-firmware.h"
#include "lodge-error.h"
#include "lodge-paths.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-tpm.h"
#include "qemu/lodge-launch.h"
#include "qemu/lodge-machine-command.h"
#include "qemu/lodge-qemu-snapshot.h"
#include "storage/lodge-image.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* QEMU answers some 30 ms after exec; the rest is for a computer that swaps, or whose disk sleeps.
 * One that ends is noticed at once, and whoever does not want to wait can force it off; so this is
 * only for a QEMU that hangs, and below what clients wait (LODGE_CLIENT_CALL_LIMIT_S). */
#define QMP_TIMEOUT_MS 50000

typedef struct {
  LodgeDescription *description;
  int lock_fd;
  int memory_fd;     /* that the guest goes on from, or -1 */
  char *suspended;   /* what that is, where the guest was suspended to disk; or NULL */
  gboolean resolved; /* something in the description is new */
  gboolean recorded; /* that the guest runs */
} Start;

static void
start_free (Start *start)
{
  g_clear_pointer (&start->description, lodge_description_free);
  if (start->lock_fd >= 0)
    close (start->lock_fd);
  if (start->memory_fd >= 0)
    close (start->memory_fd);
  g_free (start->suspended);
  g_free (start);
}

typedef struct {
  GTask *task;
  GError *error;
} Failure;

/* Nothing of it runs any more. */
static void
end_failed (Failure *failure)
{
  g_autoptr (GTask) task = failure->task;
  LodgeMachine *self = g_task_get_source_object (task);
  Start *start = g_task_get_task_data (task);
  GError *error = failure->error;

  g_free (failure);
  /* Whoever is told may start it again at once. */
  if (start->lock_fd >= 0)
    close (g_steal_fd (&start->lock_fd));
  /* Also what the end of its QEMU has left there. */
  if (start->recorded || start->suspended != NULL) {
    g_autofree char *folder = lodge_machine_dup_folder (self);

    lodge_run_record_clear (folder);
  }
  lodge_machine_detach (self);
  if (g_cancellable_is_cancelled (self->start_cancellable)) {
    /* Whatever a step made of it. Nothing to note: it was asked for. */
    g_clear_error (&error);
    error = g_error_new (LODGE_ERROR, LODGE_ERROR_CANCELLED,
                         _ ("“%s” was switched off before it had started"),
                         lodge_machine_get_name (self));
    lodge_machine_set_note (self, NULL);
  } else {
    lodge_machine_set_note (self, error->message);
    self->start_failed = TRUE;
  }
  lodge_machine_set_state (self, lodge_machine_get_rest_state (self));
  lodge_machine_end_waiting (self);
  g_task_return_error (task, error);
}

static void
killed_cb (GPid pid, int status, gpointer user_data)
{
  end_failed (user_data);
}

/* Ends everything that was begun. The only way out of a start that failed. Takes both. */
static void
fail (GTask *task, GError *error)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Failure *failure = g_new0 (Failure, 1);

  failure->task = task;
  failure->error = error;
  if (self->pid != 0) {
    /* Off only when it is gone: until then it has the lock, and the disks. */
    g_clear_handle_id (&self->watch, g_source_remove);
    lodge_launch_kill (self->pid);
    if (lodge_launch_watch (self->pid, killed_cb, failure) != 0)
      return;
  }
  end_failed (failure);
}

static char *
make_runtime_folder (LodgeMachine *self, GError **error)
{
  g_autofree char *top = lodge_paths_ensure_runtime (error);
  g_autofree char *path = NULL;

  if (top == NULL)
    return NULL;
  path = lodge_paths_dup_machine_runtime (self->uuid);
  if (strlen (path) + strlen (LODGE_MACHINE_COMMAND_LONGEST_SOCKET) >
      LODGE_PATHS_MOST_SOCKET_BYTES) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("The path of the folder for sockets, %s, is too long: set XDG_RUNTIME_DIR to a "
                    "shorter one"),
                 top);
    return NULL;
  }
  if (g_mkdir_with_parents (path, 0700) != 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, saved == ENOSPC ? LODGE_ERROR_STORAGE : LODGE_ERROR_DENIED,
                 _ ("Could not make the folder %s: %s"), path, g_strerror (saved));
    return NULL;
  }
  return g_steal_pointer (&path);
}

/* What QEMU must find when it starts. */
static gboolean
start_companions (LodgeMachine *self,
                  Start *start,
                  gboolean contained,
                  GArray *wires,
                  char **out_tpm_socket,
                  GError **error)
{
  for (guint i = 0; i < start->description->nics->len; i++) {
    const LodgeNic *nic = start->description->nics->pdata[i];
    LodgeMachineCommandWire wire = {.nic_id = nic->id, .fd = -1};
    LodgeUserNetwork *network =
        lodge_user_network_prepare (nic->id, self->runtime, &wire.fd, error);

    if (network == NULL)
      return FALSE;
    lodge_machine_add_network (self, nic->id, network);
    g_array_append_val (wires, wire);
  }

  if (start->description->tpm) {
    g_autofree char *folder = lodge_machine_dup_folder (self);
    g_autofree char *unit = g_strdup_printf ("lodge-tpm-%s.scope", self->uuid);

    *out_tpm_socket = lodge_tpm_start (folder, start->description->tpm_state, self->runtime, unit,
                                       contained, error);
    if (*out_tpm_socket == NULL)
      return FALSE;
    self->has_tpm = TRUE;
  }
  return TRUE;
}

/* While QEMU starts. */
static gboolean
run_networks (LodgeMachine *self, Start *start, gboolean contained, GError **error)
{
  for (guint i = 0; i < start->description->nics->len; i++) {
    const LodgeNic *nic = start->description->nics->pdata[i];
    LodgeUserNetwork *network = g_hash_table_lookup (self->networks, nic->id);
    g_autofree char *unit = g_strdup_printf ("lodge-net-%s-%s.scope", self->uuid, nic->id);
    g_autofree char *note = NULL;

    if (!lodge_user_network_run (network, unit, contained, (const char *const *) nic->forwards,
                                 &note, error))
      return FALSE;
    if (note != NULL)
      lodge_machine_set_note (self, note);
  }
  return TRUE;
}

void
lodge_machine_close_wires (GArray *wires)
{
  for (guint i = 0; i < wires->len; i++) {
    int fd = g_array_index (wires, LodgeMachineCommandWire, i).fd;

    if (fd >= 0)
      close (fd);
  }
  g_array_set_size (wires, 0);
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

static void
continued_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (JsonNode) answer = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (answer == NULL) {
    fail (task, error);
    return;
  }
  /* A guest that ends with its first instructions tells so before "cont" has its answer. */
  if (self->state == LODGE_STATE_STARTING)
    lodge_machine_set_state (self, LODGE_STATE_RUNNING);
  lodge_machine_screen_begin (self);
  lodge_machine_share_update (self);
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
cont (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Start *start = g_task_get_task_data (task);

  start->recorded = TRUE;
  lodge_qmp_execute_async (self->qmp, "cont", NULL, QMP_TIMEOUT_MS, self->start_cancellable,
                           continued_cb, task);
}

static void
recorded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Start *start = g_task_get_task_data (task);
  GError *error = NULL;

  start->recorded = TRUE;
  if (!g_task_propagate_boolean (G_TASK (result), &error) ||
      g_cancellable_set_error_if_cancelled (self->start_cancellable, &error)) {
    fail (task, error);
    return;
  }
  if (self->qmp == NULL) {
    fail (task, g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("QEMU ended while it started")));
    return;
  }
  lodge_journal_step ("recorded");
  cont (task);
}

typedef struct {
  char *folder;
  char *suspended;
  LodgeDescription *started;
} Record;

static void
record_free (gpointer data)
{
  Record *record = data;

  g_free (record->folder);
  g_free (record->suspended);
  lodge_description_free (record->started);
  g_free (record);
}

static void
record_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Record *record = data;
  GError *error = NULL;

  if (lodge_run_record_begin_resumed (record->folder, record->started, record->suspended, &error))
    g_task_return_boolean (worker, TRUE);
  else
    g_task_return_error (worker, error);
}

/* Its cables are as they shall be: no packet has come or gone. */
static void
linked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  Start *start = g_task_get_task_data (task);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  GError *error = NULL;

  if (!lodge_machine_links_finish (self, result, &error)) {
    fail (task, error);
    return;
  }
  if (self->qmp == NULL) {
    fail (task, g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("QEMU ended while it started")));
    return;
  }
  if (start->suspended != NULL) {
    g_autoptr (GTask) worker = g_task_new (NULL, NULL, recorded_cb, task);
    Record *record = g_new0 (Record, 1);

    /* On the disk before the guest runs: from then on its disks may be newer than that memory,
     * which then must not be loaded again, whatever ends. */
    record->folder = g_steal_pointer (&folder);
    record->suspended = g_strdup (start->suspended);
    record->started = lodge_description_copy (start->description);
    g_task_set_task_data (worker, record, record_free);
    g_task_run_in_thread (worker, record_thread);
    return;
  }
  /* Not before: a guest that has run no instruction has lost nothing. */
  lodge_run_record_begin (folder, start->description);
  cont (task);
}

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Start *start = g_task_get_task_data (task);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *log = g_build_filename (folder, "qemu.log", NULL);
  g_autofree char *words = NULL;
  g_autoptr (GError) error = NULL;
  GError *told = NULL;

  if (lodge_qemu_snapshot_load_finish (result, &error) && self->qmp != NULL) {
    lodge_journal_step ("loaded");
    /* Now: the memory has brought the cables as they were. */
    lodge_machine_links_async (self, self->start_cancellable, linked_cb, task);
    return;
  }
  /* A QEMU that cannot take it ends, which is no crash of a guest that ran. */
  start->recorded = TRUE;
  words = lodge_launch_read_last_words (log);
  told = g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED,
                      _ ("QEMU did not take the memory of “%s”: %s (the whole log is %s)"),
                      lodge_machine_get_name (self),
                      words != NULL   ? words
                      : error != NULL ? error->message
                                      : "",
                      log);
  fail (task, told);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Start *start = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeQmp) qmp = lodge_qmp_connect_finish (result, &error);
  g_autofree char *folder = lodge_machine_dup_folder (self);

  if (qmp == NULL) {
    g_autofree char *log = g_build_filename (folder, "qemu.log", NULL);
    g_autofree char *words = lodge_launch_read_last_words (log);
    GError *told = NULL;

    /* Why QEMU went is in its own words; without any, what the connection saw has to do. */
    if (words != NULL && !g_cancellable_is_cancelled (self->start_cancellable))
      told = g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED,
                          _ ("QEMU did not start “%s”: %s (the whole log is %s)"),
                          lodge_machine_get_name (self), words, log);
    else
      told = g_steal_pointer (&error);
    fail (task, told);
    return;
  }

  lodge_machine_attach (self, qmp);
  if (start->memory_fd >= 0)
    lodge_qemu_snapshot_load_async (qmp, start->memory_fd, self->start_cancellable, loaded_cb,
                                    task);
  else
    lodge_machine_links_async (self, self->start_cancellable, linked_cb, task);
}

/* Whoever starts a process reaps it; that QEMU itself is gone is told by the watch on QEMU. */
static void
reaped_cb (GPid pid, int status, gpointer user_data)
{
}

/* Steps 4 to 6. */
static void
launch (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Start *start = g_task_get_task_data (task);
  LodgeHostReport *report = lodge_machine_host_get_report (self->host);
  gboolean contained = lodge_host_report_get_sandbox (report) == LODGE_SANDBOX_BUBBLEWRAP;
  g_autoptr (GArray) wires = g_array_new (FALSE, FALSE, sizeof (LodgeMachineCommandWire));
  g_autoptr (LodgeCommand) command = NULL;
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *log = g_build_filename (folder, "qemu.log", NULL);
  g_autofree char *unit = g_strdup_printf ("lodge-machine-%s.scope", self->uuid);
  g_autofree char *tpm_socket = NULL;
  g_autofree char *qmp_socket = NULL;
  GError *error = NULL;

  lodge_machine_detach (self); /* what an earlier life may have left in the runtime folder */
  self->runtime = make_runtime_folder (self, &error);
  if (self->runtime == NULL ||
      !start_companions (self, start, contained, wires, &tpm_socket, &error)) {
    lodge_machine_close_wires (wires);
    fail (task, error);
    return;
  }

  command = lodge_machine_build_command (self, start->description, tpm_socket,
                                         (const LodgeMachineCommandWire *) wires->data, wires->len,
                                         &error);
  if (command == NULL) {
    lodge_machine_close_wires (wires);
    fail (task, error);
    return;
  }
  lodge_command_take_fd (command, g_steal_fd (&start->lock_fd));
  if (start->memory_fd >= 0)
    lodge_command_add (command,
                       _ ("The guest goes on from saved memory, which the engine hands over."),
                       "-incoming", "defer");

  self->pid = lodge_launch (command, contained ? LODGE_LAUNCH_CONTAINED : 0, unit, log, &error);
  if (self->pid < 0) {
    self->pid = 0;
    fail (task, error);
    return;
  }
  lodge_launch_watch (self->pid, reaped_cb, NULL);
  /* QEMU has its own copies; ours must go, or the lock and the wires would outlive it. */
  lodge_command_close_fds (command);
  g_clear_pointer (&self->command, lodge_command_free);
  self->command = g_steal_pointer (&command);
  self->command_runs = TRUE;

  self->started = lodge_description_copy (start->description);

  if (!run_networks (self, start, contained, &error)) {
    fail (task, error);
    return;
  }

  qmp_socket = g_build_filename (self->runtime, "qmp.sock", NULL);
  lodge_qmp_connect_async (qmp_socket, QMP_TIMEOUT_MS, self->pid, self->start_cancellable,
                           connected_cb, task);
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
    fail (task, error);
  else
    launch (task);
}

static void
record_and_launch (GTask *task)
{
  Start *start = g_task_get_task_data (task);

  if (start->resolved)
    lodge_machine_save_async (g_task_get_source_object (task), edit_resolved, start->description,
                              NULL, resolved_cb, task);
  else
    launch (task);
}

static void
nvram_made_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (!lodge_image_import_finish (result, &error))
    fail (task, error);
  else
    record_and_launch (task);
}

/* Firmware as recorded, or found now; its NVRAM made from the template the first time. */
static void
prepare_firmware (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Start *start = g_task_get_task_data (task);
  LodgeDescription *description = start->description;
  g_autoptr (LodgeHostFirmware) firmware = NULL;
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *nvram = NULL;
  g_autofree char *recorded = g_strdup (description->firmware_code);
  GError *error = NULL;

  if (!lodge_machine_resolve_firmware (description, &error)) {
    fail (task, error);
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
    fail (task, error);
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
  Start *start = g_task_get_task_data (task);
  LodgeAccelerator accelerator;
  LodgeQemu *qemu;
  GError *error = NULL;

  lodge_machine_host_prepare_finish (self->host, result);
  if (g_cancellable_set_error_if_cancelled (self->start_cancellable, &error)) {
    fail (task, error);
    return;
  }
  qemu = lodge_machine_host_get_qemu (self->host, &error);
  if (qemu == NULL) {
    fail (task, error);
    return;
  }

  accelerator = lodge_host_report_get_accelerator (lodge_machine_host_get_report (self->host));
  start->resolved =
      start->description->machine_type[0] == '\0' || start->description->cpu_model[0] == '\0';
  if (!lodge_machine_command_resolve (start->description, qemu, accelerator.kind, &error)) {
    fail (task, error);
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
check_action (LodgeMachine *self, const Start *start, GError **error)
{
  if (start->suspended != NULL)
    return lodge_state_check_action (self->state, LODGE_ACTION_START, lodge_machine_get_name (self),
                                     error);
  return lodge_machine_check_action (self, LODGE_ACTION_START, error);
}

static void
start_now (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Start *start = g_task_get_task_data (task);
  g_autofree char *held = NULL;
  g_autofree char *folder = NULL;
  GError *error = NULL;

  /* Several may have waited for the end of the same remains, to start it or to remove it. */
  if (!check_action (self, start, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  held = lodge_machine_dup_held_note (self);
  lodge_machine_set_note (self, held);
  lodge_machine_set_state (self, LODGE_STATE_STARTING);
  self->restart = FALSE;
  self->start_failed = FALSE;
  g_clear_object (&self->start_cancellable);
  self->start_cancellable = g_cancellable_new ();

  start->lock_fd = lodge_store_lock (self->store, self->uuid, &error);
  if (start->lock_fd < 0) {
    fail (task, error);
    return;
  }
  /* A crash was told until now; the lock says that nobody else's run is meant. */
  folder = lodge_machine_dup_folder (self);
  lodge_run_record_clear (folder);
  lodge_machine_host_prepare_async (self->host, FALSE, prepared_cb, task);
}

/* What was left of a guest that panicked is gone now. */
static void
remains_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  start_now (user_data);
}

/* Nothing works on its folder. */
static void
begin (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Start *start = g_task_get_task_data (task);
  GError *error = NULL;

  if (start->suspended == NULL)
    lodge_machine_refresh (self);
  if (!check_action (self, start, &error) || !lodge_machine_check_usable (self, &error) ||
      !lodge_description_check (start->description != NULL ? start->description
                                                           : lodge_machine_get_description (self),
                                &error) ||
      !check_memory (self,
                     start->description != NULL ? start->description
                                                : lodge_machine_get_description (self),
                     &error)) {
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
work_stopped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_stop_work_finish (LODGE_MACHINE (source), result);
  begin (user_data);
}

static GTask *
new_task (LodgeMachine *self, int memory_fd, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Start *start = g_new0 (Start, 1);

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
  GTask *task = new_task (self, memory_fd, callback, user_data);

  if (self->work != NULL && self->work_gives_way)
    lodge_machine_stop_work_async (self, work_stopped_cb, task);
  else
    begin (task);
}

void
lodge_machine_start_suspended_async (LodgeMachine *self,
                                     int memory_fd,
                                     LodgeDescription *description,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  GTask *task = new_task (self, memory_fd, callback, user_data);
  Start *start = g_task_get_task_data (task);

  start->description = description;
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

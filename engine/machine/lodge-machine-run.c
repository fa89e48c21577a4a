/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that has a QEMU: what is asked of it, what its guest does, and how it ends.
 *
 * QEMU runs with -no-shutdown -action panic=pause: a guest that powers off or panics leaves a QEMU
 * that stands still and can be asked what happened, also by an engine that was not there then.
 * A reset ends in the same way while the kernel is one-shot (-action reboot=shutdown), so that the
 * guest can come up again from its disk.
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-remove-tree.h"
#include "lodge-error.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-tpm.h"
#include "qemu/lodge-json.h"
#include "qemu/lodge-launch.h"
#include "storage/lodge-image.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <unistd.h>

/* How long a guest may think about its power button before it counts as ignored. */
#define REACTION_TIMEOUT_S 120
/* QEMU quits in 3-4 ms; one that is stuck in a write to a dead disk does not. */
#define QUIT_TIMEOUT_MS 3000

/* Between the ends of a network and of its QEMU, when that is what ended it. */
#define NETWORK_GRACE_MS 2000

void
lodge_machine_end_waiting (LodgeMachine *self)
{
  g_autoptr (GPtrArray) waiting = g_steal_pointer (&self->waiting_for_end);

  self->waiting_for_end = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiting->len; i++)
    g_task_return_boolean (waiting->pdata[i], TRUE);
}

/* A QEMU that was taken over may have put anything there: links are not followed. */
static void
remove_runtime_folder (LodgeMachine *self)
{
  g_autofree char *path = g_steal_pointer (&self->runtime);
  g_autofree char *parent = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  if (path == NULL)
    return;
  parent = g_path_get_dirname (path);
  fd = open (parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return; /* it went with the runtime folder */
  if (!lodge_remove_tree (fd, self->uuid, path, &error))
    g_debug ("%s", error->message);
  close (fd);
}

void
lodge_machine_detach (LodgeMachine *self)
{
  GHashTableIter iter;
  gpointer network;

  g_clear_handle_id (&self->watch, g_source_remove);
  g_clear_handle_id (&self->kill_timeout, g_source_remove);
  g_clear_handle_id (&self->network_timeout, g_source_remove);
  g_clear_handle_id (&self->reaction_timeout, g_source_remove);
  lodge_machine_end_silence (self);
  lodge_machine_forget_released (self);
  lodge_machine_screen_end (self);
  lodge_machine_share_end (self);
  lodge_machine_links_forget (self);
  lodge_machine_clock_forget (self);
  lodge_machine_close_terminals (self);
  if (self->qmp != NULL) {
    g_signal_handlers_disconnect_by_data (self->qmp, self);
    lodge_qmp_close (self->qmp);
    g_clear_object (&self->qmp);
  }
  self->pid = 0;
  self->ending = FALSE;
  self->disk_failed = FALSE;
  self->frozen = FALSE;
  self->chain_unsettled = FALSE;
  g_clear_pointer (&self->started, lodge_description_free);
  lodge_machine_forget_graphics (self);
  self->asleep = FALSE;
  self->standstill_ms = 0;
  self->expected_at_us = 0;
  self->command_runs = FALSE;

  g_hash_table_iter_init (&iter, self->networks);
  while (g_hash_table_iter_next (&iter, NULL, &network)) {
    g_signal_handlers_disconnect_by_data (network, self);
    lodge_user_network_stop (network);
  }
  g_hash_table_remove_all (self->networks);
  if (self->has_tpm)
    lodge_tpm_stop (self->runtime);
  self->has_tpm = FALSE;
  lodge_machine_throwaway_remove_tpm (self);

  g_free (self->spice_socket);
  self->spice_socket = g_strdup ("");
  remove_runtime_folder (self);
}

static gboolean
network_lost_cb (gpointer user_data)
{
  LodgeMachine *self = user_data;

  self->network_timeout = 0;
  lodge_machine_set_note (self,
                          _ ("The guest's network has ended; the guest is without it until it "
                             "is started again"));
  return G_SOURCE_REMOVE;
}

/* At a guest's end its network goes as well, and may be seen to go first: that is nothing to tell.
 * QEMU's stream cannot connect again (QEMU 7.2), so otherwise the wire stays cut. */
static void
network_closed_cb (LodgeUserNetwork *network, LodgeMachine *self)
{
  if (self->network_timeout == 0)
    self->network_timeout = g_timeout_add (NETWORK_GRACE_MS, network_lost_cb, self);
}

void
lodge_machine_add_network (LodgeMachine *self, const char *nic_id, LodgeUserNetwork *network)
{
  g_hash_table_insert (self->networks, g_strdup (nic_id), network);
  g_signal_connect_object (network, "closed", G_CALLBACK (network_closed_cb), self, 0);
}

static void
restarted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* The note carries the sentence; nobody waits for this start. */
  if (!lodge_machine_start_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("restart: %s", error->message);
}

static void
finish_end (LodgeMachine *self)
{
  gboolean restart = self->restart;
  gboolean forgotten = self->disposable;

  self->restart = FALSE;
  lodge_machine_set_state (self, lodge_machine_get_rest_state (self));
  if (forgotten) {
    lodge_machine_clear_run (self);
    lodge_machine_note_rest (self);
  }
  if (forgotten && restart)
    lodge_machine_set_note (self, _ ("The guest has reset, which was the end of a run of which "
                                     "nothing was to be kept"));
  lodge_machine_end_waiting (self);
  if (restart && !forgotten)
    lodge_machine_start_async (self, restarted_cb, NULL);
}

static gboolean
edit_kernel_away (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  char **texts[] = {&value->kernel, &value->initrd, &value->append};

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_free (*texts[i]);
    *texts[i] = g_strdup ("");
  }
  value->kernel_once = FALSE;
  return TRUE;
}

static void
kernel_away_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_save_finish (self, result, &error))
    lodge_machine_set_note (self, error->message);
  finish_end (self);
}

static void
bootable_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachine) self = user_data;
  g_autoptr (GError) error = NULL;

  if (lodge_image_is_bootable_finish (result, &error)) {
    lodge_machine_save_async (self, edit_kernel_away, NULL, NULL, kernel_away_cb, NULL);
    return;
  }
  if (error != NULL)
    lodge_machine_set_note (self, error->message);
  finish_end (self);
}

/* A one-shot kernel has done its work once the guest ends by itself and its disk can boot. */
static gboolean
drop_kernel (LodgeMachine *self)
{
  const LodgeDescription *description = lodge_machine_get_description (self);
  g_autoptr (GPtrArray) layers = NULL;
  g_autofree char *folder = NULL;
  const LodgeDisk *disk;

  if (description == NULL || !description->kernel_once || description->disks->len == 0)
    return FALSE;

  folder = lodge_machine_dup_folder (self);
  layers = g_ptr_array_new_with_free_func (g_free);
  disk = description->disks->pdata[0];
  for (const LodgeLayer *layer = lodge_description_get_layer (description, disk->top);
       layer != NULL; layer = lodge_description_get_layer (description, layer->below)) {
    g_autofree char *path = g_path_is_absolute (layer->file)
                                ? g_strdup (layer->file)
                                : g_build_filename (folder, layer->file, NULL);

    g_ptr_array_add (layers, g_strdup_printf ("%s:%s", layer->format, path));
    if (layer->below == NULL)
      break;
  }
  g_ptr_array_add (layers, NULL);
  lodge_image_is_bootable_async ((const char *const *) layers->pdata, NULL, bootable_cb,
                                 g_object_ref (self));
  return TRUE;
}

static char *
dup_crash_note (LodgeMachine *self, LodgeRunEnd how)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *log = g_build_filename (folder, "qemu.log", NULL);
  g_autofree char *words = NULL;

  if (lodge_run_record_is_disposable (folder))
    return g_strdup (how == LODGE_RUN_COMPUTER_ENDED
                         ? _ ("The computer was switched off or lost power during a run of which "
                              "nothing was to be kept; the machine is as it was before that")
                         : _ ("QEMU ended unexpectedly during a run of which nothing was to be "
                              "kept; the machine is as it was before that"));
  if (how == LODGE_RUN_COMPUTER_ENDED)
    return g_strdup (_ ("It was running when the computer was switched off or lost power; the "
                        "guest lost power too"));
  words = lodge_launch_read_last_words (log);
  if (words == NULL)
    return g_strdup (_ ("QEMU ended unexpectedly; the guest lost power"));
  return g_strdup_printf (_ ("QEMU ended unexpectedly: %s (the whole log is %s)"), words, log);
}

void
lodge_machine_crashed (LodgeMachine *self, LodgeRunEnd how)
{
  g_autofree char *note = dup_crash_note (self, how);
  g_autofree char *folder = lodge_machine_dup_folder (self);

  /* A machine.ini that cannot be read is what has to be mended first. */
  if (self->file != NULL)
    lodge_machine_set_note (self, note);
  if (self->pid == 0 && lodge_run_record_is_disposable (folder)) {
    /* Whatever its guest has lost is nothing of the machine's. */
    lodge_machine_clear_run (self);
    lodge_machine_set_state (self, lodge_machine_get_rest_state (self));
    return;
  }
  lodge_machine_set_state (self, LODGE_STATE_CRASHED);
}

/* What could not be written while its guest ran, once more. */
static void
forgotten_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_forget_finish (self, result, &error))
    lodge_machine_set_note (self, error->message);
  finish_end (self);
}

/* How a QEMU has gone. */
typedef struct {
  gboolean expected; /* it was told to */
  gboolean panicked;
  gboolean starting;
  gboolean saved; /* machine.ini names its guest's memory */
} Gone;

static void
settle_end (LodgeMachine *self, const Gone *gone)
{
  self->settling = FALSE;
  self->left_open = FALSE;
  if (!gone->expected) {
    g_autofree char *folder = lodge_machine_dup_folder (self);

    /* A guest that has run no instruction has lost nothing, and the next engine need not tell. */
    if (!gone->starting || lodge_run_record_read (folder) != LODGE_RUN_NONE)
      lodge_run_record_qemu_ended (folder);
    lodge_machine_crashed (self, LODGE_RUN_QEMU_ENDED);
    lodge_machine_end_waiting (self);
  } else if (lodge_machine_has_gone_on (self)) {
    lodge_machine_forget_async (self, forgotten_cb, NULL);
  } else if (gone->panicked || gone->saved || self->disposable || !drop_kernel (self)) {
    finish_end (self);
  }
}

static void
media_known_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Gone *gone = user_data;

  settle_end (LODGE_MACHINE (source), gone);
}

/* Before anybody is told that it may be started again, or that it need not be waited for. */
static void
look_at_media (LodgeMachine *self, const Gone *gone)
{
  if (gone->starting || g_hash_table_size (self->media) == 0) {
    settle_end (self, gone);
  } else {
    self->settling = TRUE;
    lodge_machine_look_at_media_async (self, media_known_cb, g_memdup2 (gone, sizeof *gone));
  }
}

static void
left_undone_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autofree Gone *gone = user_data;
  g_autoptr (GError) error = NULL;

  /* With the next work, or the next engine. */
  if (!lodge_machine_tidy_earlier_finish (self, result, &error))
    g_debug ("%s: %s", self->uuid, error->message);
  self->recovering = FALSE;
  look_at_media (self, gone);
}

static void work_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data);

/* What was left open because QEMU did not answer (lodge_machine_leave_open()) waits for nobody any
 * more. Other work hears of the end by itself, and leaves nothing. */
static gboolean
undo_what_is_left (LodgeMachine *self, const Gone *gone)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  if (gone->starting || self->recovering)
    return FALSE;
  /* It has failed by now, and is about to end. */
  if (self->work != NULL && self->left_open) {
    self->settling = TRUE;
    g_ptr_array_add (self->waiting_for_work,
                     g_task_new (self, NULL, work_ended_cb, g_memdup2 (gone, sizeof *gone)));
    return TRUE;
  }
  if (self->work != NULL || !lodge_journal_exists (folder))
    return FALSE;
  self->settling = TRUE;
  self->recovering = TRUE;
  lodge_machine_tidy_earlier_async (self, left_undone_cb, g_memdup2 (gone, sizeof *gone));
  return TRUE;
}

static void
work_ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autofree Gone *gone = user_data;

  self->left_open = FALSE;
  if (!undo_what_is_left (self, gone))
    look_at_media (self, gone);
}

static void
gone_cb (GPid pid, int status, gpointer user_data)
{
  g_autoptr (LodgeMachine) self = g_object_ref (user_data);
  const Gone gone = {
      .expected = self->ending,
      .panicked = self->state == LODGE_STATE_CRASHED,
      .starting = self->state == LODGE_STATE_STARTING,
      .saved = self->file != NULL && lodge_machine_get_description (self)->suspended != NULL,
  };

  self->watch = 0;
  lodge_machine_detach (self);
  /* Whoever suspends it waits for this, and says what comes of it. */
  if (gone.expected && self->state == LODGE_STATE_SUSPENDING) {
    lodge_machine_end_waiting (self);
    return;
  }
  /* A start that has failed over it was told by that, and has ended the rest. */
  if (gone.starting && !lodge_state_is_live (self->state))
    return;
  if (!undo_what_is_left (self, &gone))
    look_at_media (self, &gone);
}

static gboolean
kill_cb (gpointer user_data)
{
  LodgeMachine *self = user_data;

  self->kill_timeout = 0;
  /* Where its sockets had gone it may be known by its bubblewrap, which alone would leave QEMU. */
  if (self->pid != 0)
    lodge_launch_kill (self->pid);
  return G_SOURCE_REMOVE;
}

void
lodge_machine_end_qemu (LodgeMachine *self)
{
  if (self->pid == 0)
    return;
  /* Now, and not when it is gone: this engine may be gone first. */
  lodge_machine_clear_run (self);
  self->ending = TRUE;
  /* From a panic the state stays as it is until QEMU is gone, and so it does when all that the
   * guest was is on the disk. */
  if (self->state != LODGE_STATE_CRASHED &&
      (self->state != LODGE_STATE_SUSPENDING ||
       lodge_machine_get_rest_state (self) != LODGE_STATE_SUSPENDED))
    lodge_machine_set_state (self, LODGE_STATE_STOPPING);
  if (self->kill_timeout != 0)
    return;
  if (self->qmp != NULL && !lodge_qmp_is_closed (self->qmp)) {
    /* The answer is QEMU's end, which is watched. */
    lodge_qmp_execute_async (self->qmp, "quit", NULL, 0, NULL, NULL, NULL);
    self->kill_timeout = g_timeout_add (QUIT_TIMEOUT_MS, kill_cb, self);
  } else {
    kill_cb (self);
  }
}

static const char *
get_string (JsonObject *object, const char *member)
{
  const char *text = lodge_json_get_string (object, member);

  return text != NULL ? text : "";
}

static void
on_shutdown (LodgeMachine *self, JsonObject *data)
{
  const char *reason = get_string (data, "reason");

  /* qapi/run-state.json, ShutdownCause. The host's other causes end QEMU by themselves. */
  if (g_str_equal (reason, "guest-reset") || g_str_equal (reason, "host-qmp-system-reset")) {
    self->restart = TRUE;
    lodge_machine_emit_guest_event (self, "reset");
  } else if (g_str_equal (reason, "guest-shutdown")) {
    lodge_machine_emit_guest_event (self, "shutdown");
  } else if (g_str_equal (reason, "guest-panic")) {
    return;
  } else {
    /* The end of a QEMU whose guest is on the disk is no end of the guest. */
    if (self->state != LODGE_STATE_STOPPING &&
        (self->state != LODGE_STATE_SUSPENDING || !self->ending))
      lodge_machine_set_state (self, LODGE_STATE_STOPPING);
    return;
  }
  lodge_machine_end_qemu (self);
}

static void
on_panic (LodgeMachine *self)
{
  lodge_machine_set_note (self, _ ("The guest's kernel has stopped with a panic; start the machine "
                                   "again, or force it off"));
  if (self->state != LODGE_STATE_CRASHED)
    lodge_machine_set_state (self, LODGE_STATE_CRASHED);
  lodge_machine_emit_guest_event (self, "panic");
}

static void
on_io_error (LodgeMachine *self, JsonObject *data)
{
  g_autofree char *note = NULL;

  if (!g_str_equal (get_string (data, "action"), "stop"))
    return;
  self->disk_failed = TRUE;
  if (json_object_has_member (data, "nospace") && lodge_json_get_boolean (data, "nospace", FALSE))
    note = g_strdup (_ ("Paused: the disk of this computer that holds the machine is full. Make "
                        "room, then resume"));
  else
    note = g_strdup_printf (_ ("Paused: reading or writing the machine's disk failed (%s). Mend "
                               "that, then resume"),
                            get_string (data, "reason"));
  lodge_machine_set_note (self, note);
}

static void
set_asleep (LodgeMachine *self, gboolean asleep)
{
  if (self->asleep == asleep)
    return;
  self->asleep = asleep;
  lodge_machine_emit_changed (self);
}

static void
event_cb (LodgeQmp *qmp, const char *name, JsonObject *data, gpointer user_data)
{
  LodgeMachine *self = user_data;

  if (g_str_equal (name, "SHUTDOWN")) {
    on_shutdown (self, data);
  } else if (g_str_equal (name, "RESET")) {
    lodge_machine_emit_guest_event (self, "reset");
    set_asleep (self, FALSE);
    lodge_machine_clock_forget (self);
    if (self->state == LODGE_STATE_STOPPING && !self->ending)
      lodge_machine_set_state (self, LODGE_STATE_RUNNING);
  } else if (g_str_equal (name, "GUEST_PANICKED")) {
    on_panic (self);
  } else if (g_str_equal (name, "BLOCK_IO_ERROR")) {
    on_io_error (self, data);
  } else if (g_str_equal (name, "STOP")) {
    if (self->state == LODGE_STATE_RUNNING && !self->frozen)
      lodge_machine_set_state (self, LODGE_STATE_PAUSED);
  } else if (g_str_equal (name, "RESUME")) {
    const gboolean goes_on = self->state == LODGE_STATE_PAUSED && !self->frozen;

    if (self->disk_failed || goes_on)
      lodge_machine_note_run (self);
    self->disk_failed = FALSE;
    if (goes_on)
      lodge_machine_set_state (self, LODGE_STATE_RUNNING);
  } else if (g_str_equal (name, "SUSPEND")) {
    set_asleep (self, TRUE);
    lodge_machine_emit_guest_event (self, "suspend");
  } else if (g_str_equal (name, "WAKEUP")) {
    set_asleep (self, FALSE);
    lodge_machine_emit_guest_event (self, "wakeup");
  } else if (g_str_equal (name, "VSERPORT_CHANGE")) {
    lodge_machine_share_port_changed (self, get_string (data, "id"),
                                      lodge_json_get_boolean (data, "open", FALSE));
    lodge_machine_clock_port_changed (self, get_string (data, "id"),
                                      lodge_json_get_boolean (data, "open", FALSE));
  } else if (g_str_equal (name, "DEVICE_DELETED")) {
    lodge_machine_disk_released (self, get_string (data, "device"));
    lodge_machine_virtiofs_device_deleted (self, get_string (data, "device"));
  } else if (g_str_equal (name, "POWERDOWN")) {
    lodge_machine_emit_guest_event (self, "powerdown");
  }
}

gboolean
lodge_machine_watch (LodgeMachine *self, GPid pid)
{
  self->watch = lodge_launch_watch (pid, gone_cb, self);
  self->pid = self->watch != 0 ? pid : 0;
  return self->watch != 0;
}

void
lodge_machine_attach (LodgeMachine *self, LodgeQmp *qmp)
{
  if (self->qmp != NULL)
    g_signal_handlers_disconnect_by_data (self->qmp, self);
  g_set_object (&self->qmp, qmp);
  g_free (self->spice_socket);
  self->spice_socket = g_build_filename (self->runtime, "spice.sock", NULL);
  /* What they have kept stays where the connection alone was lost. */
  if (self->terminals == NULL || self->pid != lodge_qmp_get_pid (qmp))
    lodge_machine_open_terminals (self, lodge_qmp_get_pid (qmp));
  g_signal_connect (qmp, "event", G_CALLBACK (event_cb), self);
  g_signal_connect_swapped (qmp, "closed", G_CALLBACK (lodge_machine_lost_qmp), self);
  g_clear_handle_id (&self->watch, g_source_remove);
  /* Gone between the greeting and now: whoever asks it something next is told. */
  if (!lodge_machine_watch (self, lodge_qmp_get_pid (qmp)))
    lodge_qmp_close (qmp);
}

/* The requests. */

static gboolean
ignored_cb (gpointer user_data)
{
  LodgeMachine *self = user_data;

  self->reaction_timeout = 0;
  lodge_machine_set_note (self, _ ("The guest did not react to its power button; shut it down from "
                                   "inside, or force it off"));
  lodge_machine_set_state (self, LODGE_STATE_RUNNING);
  return G_SOURCE_REMOVE;
}

static void
request_done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeRequest request = GPOINTER_TO_INT (g_task_get_task_data (task));
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (answer == NULL) {
    g_task_return_error (task, error);
    return;
  }
  if (request == LODGE_REQUEST_SHUTDOWN && self->state == LODGE_STATE_RUNNING) {
    lodge_machine_set_state (self, LODGE_STATE_STOPPING);
    self->reaction_timeout = g_timeout_add_seconds (REACTION_TIMEOUT_S, ignored_cb, self);
  }
  g_task_return_boolean (task, TRUE);
}

gboolean
lodge_machine_hears_button (LodgeMachine *self)
{
  if (self->state == LODGE_STATE_STARTING)
    return TRUE;
  return lodge_state_is_live (self->state) && self->qmp != NULL && self->silence == NULL &&
         !self->disk_failed;
}

static const struct {
  LodgeAction action;
  const char *command;
} requests[] = {
    [LODGE_REQUEST_PAUSE] = {LODGE_ACTION_PAUSE, "stop"},
    [LODGE_REQUEST_RESUME] = {LODGE_ACTION_RESUME, "cont"},
    [LODGE_REQUEST_SHUTDOWN] = {LODGE_ACTION_SHUTDOWN, "system_powerdown"},
    [LODGE_REQUEST_RESET] = {LODGE_ACTION_RESET, "system_reset"},
    [LODGE_REQUEST_WAKE] = {LODGE_ACTION_WAKE, "system_wakeup"},
    [LODGE_REQUEST_KILL] = {LODGE_ACTION_KILL, NULL},
};

static void
request_kill (LodgeMachine *self, GTask *task)
{
  self->restart = FALSE;
  if (self->state == LODGE_STATE_STARTING) {
    /* A start that is cancelled cleans up by itself. */
    g_ptr_array_add (self->waiting_for_end, g_object_ref (task));
    g_cancellable_cancel (self->start_cancellable);
    return;
  }
  if (self->pid == 0 && (self->state == LODGE_STATE_STOPPING || self->settling)) {
    /* QEMU has gone, and whether its kernel goes too is being found out; or what it has left. */
    g_ptr_array_add (self->waiting_for_end, g_object_ref (task));
    return;
  }
  if (self->pid == 0) {
    /* A crash leaves only the word. */
    if (self->state == LODGE_STATE_CRASHED) {
      lodge_machine_clear_run (self);
      lodge_machine_set_state (self, LODGE_STATE_OFF);
      lodge_machine_note_rest (self);
    }
    g_task_return_boolean (task, TRUE);
    return;
  }
  g_ptr_array_add (self->waiting_for_end, g_object_ref (task));
  lodge_machine_end_qemu (self);
}

void
lodge_machine_request_async (LodgeMachine *self,
                             LodgeRequest request,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;

  g_return_if_fail ((gsize) request < G_N_ELEMENTS (requests));

  g_task_set_source_tag (task, lodge_machine_request_async);
  g_task_set_task_data (task, GINT_TO_POINTER (request), NULL);

  if (!lodge_machine_check_action (self, requests[request].action, &error)) {
    g_task_return_error (task, error);
  } else if (request == LODGE_REQUEST_KILL) {
    request_kill (self, task);
  } else if (request == LODGE_REQUEST_WAKE && !self->asleep) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_STATE, _ ("“%s” is not asleep"),
                             lodge_machine_get_name (self));
  } else if (self->qmp == NULL) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED,
                             _ ("“%s” runs, but its control socket is gone: it can only be shut "
                                "down from inside, or forced off"),
                             lodge_machine_get_name (self));
  } else {
    lodge_qmp_execute_async (self->qmp, requests[request].command, NULL, 0, NULL, request_done_cb,
                             g_steal_pointer (&task));
  }
}

gboolean
lodge_machine_request_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that has a QEMU: what is asked of it, and what its guest does. How it ends is in
 * lodge-machine-end.c.
 *
 * QEMU runs with -no-shutdown -action panic=pause: a guest that powers off or panics leaves a QEMU
 * that stands still and can be asked what happened, also by an engine that was not there then.
 * A reset ends in the same way while the kernel is one-shot (-action reboot=shutdown), so that the
 * guest can come up again from its disk.
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-remove-tree.h"
#include "lodge-error.h"
#include "machine/lodge-tpm.h"
#include "qemu/lodge-json.h"
#include "qemu/lodge-launch.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

/* How long a guest may think about its power button before it counts as ignored. */
#define REACTION_TIMEOUT_S 120
/* QEMU quits in 3-4 ms; one that is stuck in a write to a dead disk does not. */
#define QUIT_TIMEOUT_MS 3000

/* Between the ends of a network and of its QEMU, when that is what ended it. */
#define NETWORK_GRACE_MS 2000

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
    /* Not of one that was told to go meanwhile. */
    self->restart = !self->ending;
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
    lodge_machine_emit_guest_event (self, "stands-still");
    if (self->state == LODGE_STATE_RUNNING && !self->frozen)
      lodge_machine_set_state (self, LODGE_STATE_PAUSED);
  } else if (g_str_equal (name, "RESUME")) {
    const gboolean goes_on = self->state == LODGE_STATE_PAUSED && !self->frozen;

    lodge_machine_emit_guest_event (self, "goes-on");
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
  /* One that ends where its guest resets may end before it has answered; that it did is known. */
  if (answer == NULL && request == LODGE_REQUEST_RESET && self->restart)
    g_clear_error (&error);
  if (error != NULL) {
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

gboolean
lodge_machine_is_going (LodgeMachine *self)
{
  return (self->state == LODGE_STATE_STOPPING || self->state == LODGE_STATE_SUSPENDING) &&
         self->silence == NULL && !self->disk_failed;
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

  if (request == LODGE_REQUEST_KILL && lodge_machine_forget_restart (self)) {
    g_task_return_boolean (task, TRUE);
  } else if (!lodge_machine_check_action (self, requests[request].action, &error)) {
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The launch of a machine's QEMU, from its companions to a guest that runs: steps 4 to 7 of
 * lodge-machine-start.c; and the end of what was begun when a step fails. */
#include "machine/lodge-machine-start-private.h"

#include "lodge-error.h"
#include "lodge-paths.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-tpm.h"
#include "qemu/lodge-launch.h"
#include "qemu/lodge-machine-command.h"
#include "qemu/lodge-qemu-snapshot.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  GTask *task;
  GError *error;
  gboolean crashed; /* the guest had gone on */
} Failure;

/* Takes @failure. */
static void
tell_failed (Failure *failure)
{
  g_autoptr (GTask) task = failure->task;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  GError *error = failure->error;
  const gboolean crashed = failure->crashed;

  g_free (failure);
  if (start->again && !crashed && !g_cancellable_is_cancelled (self->start_cancellable)) {
    start->again = FALSE;
    g_error_free (error);
    lodge_machine_start_again (g_steal_pointer (&task));
    return;
  }
  if (g_cancellable_is_cancelled (self->start_cancellable)) {
    /* Whatever a step made of it. Nothing to note: it was asked for. */
    g_clear_error (&error);
    error = g_error_new (LODGE_ERROR, LODGE_ERROR_CANCELLED,
                         _ ("“%s” was switched off before it had started"),
                         lodge_machine_get_name (self));
    lodge_machine_clear_run (self);
    lodge_machine_set_note (self, NULL);
  } else if (!crashed) {
    lodge_machine_set_note (self, error->message);
    self->start_failed = TRUE;
  }
  if (!crashed || g_cancellable_is_cancelled (self->start_cancellable))
    lodge_machine_set_state (self, lodge_machine_get_rest_state (self));
  lodge_machine_end_waiting (self);
  g_task_return_error (task, error);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Failure *failure = user_data;

  failure->crashed = LODGE_MACHINE (source)->state == LODGE_STATE_CRASHED;
  tell_failed (failure);
}

/* What could not be removed is tried again with the next work, and by the next engine. */
static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_tidy_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  tell_failed (user_data);
}

/* Nothing of it runs any more. */
static void
end_failed (Failure *failure)
{
  LodgeMachine *self = g_task_get_source_object (failure->task);
  LodgeStart *start = g_task_get_task_data (failure->task);
  g_autofree char *folder = lodge_machine_dup_folder (self);

  /* Whoever is told may start it again at once. */
  if (start->lock_fd >= 0)
    close (g_steal_fd (&start->lock_fd));
  lodge_machine_detach (self);
  if (start->continued && lodge_machine_has_gone_on (self) &&
      (self->state == LODGE_STATE_STARTING || self->state == LODGE_STATE_CRASHED)) {
    /* Its guest may have gone on, for however short: its disks tell. */
    lodge_run_record_qemu_ended (folder);
    lodge_machine_recover_suspended_async (self, looked_cb, failure);
    return;
  }
  /* Also what the end of its QEMU has left there. */
  if (start->recorded || start->suspended != NULL)
    lodge_machine_clear_run (self);
  if (start->disposable)
    lodge_machine_tidy_async (self, tidied_cb, failure);
  else
    tell_failed (failure);
}

static void
killed_cb (GPid pid, int status, gpointer user_data)
{
  end_failed (user_data);
}

void
lodge_machine_start_failed (GTask *task, GError *error)
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
                  LodgeStart *start,
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
    g_autofree char *folder = start->disposable ? lodge_machine_throwaway_dup_tpm_folder (self)
                                                : lodge_machine_dup_folder (self);
    g_autofree char *unit = g_strdup_printf ("lodge-tpm-%s.scope", self->uuid);
    g_autoptr (GError) locked = NULL;
    int key_fd = lodge_machine_open_key (self, TRUE, &locked);

    if (locked != NULL) {
      g_propagate_error (error, g_steal_pointer (&locked));
      return FALSE;
    }
    *out_tpm_socket = lodge_tpm_start (folder, start->description->tpm_state, self->runtime, unit,
                                       contained, key_fd, error);
    if (*out_tpm_socket == NULL)
      return FALSE;
    self->has_tpm = TRUE;
  }
  return TRUE;
}

/* While QEMU starts. */
static gboolean
run_networks (LodgeMachine *self, LodgeStart *start, gboolean contained, GError **error)
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

static void
continued_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (JsonNode) answer = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  /* Forced off while QEMU answered: whoever asked for that waits for its end. */
  if (answer != NULL)
    g_cancellable_set_error_if_cancelled (self->start_cancellable, &error);
  if (error != NULL) {
    lodge_machine_start_failed (task, error);
    return;
  }
  /* A guest that ends with its first instructions tells so before "cont" has its answer. */
  if (self->state == LODGE_STATE_STARTING)
    lodge_machine_set_state (self, start->paused ? LODGE_STATE_PAUSED : LODGE_STATE_RUNNING);
  if (self->note[0] == '\0')
    lodge_machine_note_run (self);
  lodge_machine_screen_begin (self);
  lodge_machine_share_update (self);
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
cont (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);

  if (start->suspended != NULL) {
    start->continued = TRUE;
    lodge_machine_set_gone_on (self, start->suspended);
  }
  /* One that had been paused waits for the user's own "cont"; that its QEMU answers is enough. */
  lodge_qmp_execute_async (self->qmp, start->paused ? "query-status" : "cont", NULL,
                           LODGE_MACHINE_QMP_LIMIT_MS, self->start_cancellable, continued_cb, task);
}

/* For an engine that was not there. */
static void
record_flat (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  if (self->graphics_problem != NULL)
    lodge_run_record_set_flat (folder, self->graphics_problem);
}

static void
recorded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) ||
      g_cancellable_set_error_if_cancelled (self->start_cancellable, &error)) {
    lodge_machine_start_failed (task, error);
    return;
  }
  if (self->qmp == NULL) {
    lodge_machine_start_failed (
        task, g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("QEMU ended while it started")));
    return;
  }
  record_flat (self);
  lodge_journal_step ("recorded");
  cont (task);
}

typedef struct {
  char *folder;
  char *suspended; /* or NULL, for a run of which nothing is kept */
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

  if (record->suspended == NULL
          ? lodge_run_record_begin_disposable (record->folder, record->started, &error)
          : lodge_run_record_begin_resumed (record->folder, record->started, record->suspended,
                                            &error))
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
  LodgeStart *start = g_task_get_task_data (task);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  GError *error = NULL;

  if (!lodge_machine_links_finish (self, result, &error)) {
    lodge_machine_start_failed (task, error);
    return;
  }
  if (self->qmp == NULL) {
    lodge_machine_start_failed (
        task, g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("QEMU ended while it started")));
    return;
  }
  if (start->suspended != NULL || start->disposable) {
    g_autoptr (GTask) worker = g_task_new (NULL, NULL, recorded_cb, task);
    Record *record = g_new0 (Record, 1);

    /* On the disk before the guest runs: from then on its disks may be newer than that memory,
     * which then must not be loaded again, whatever ends. And what it writes to when nothing is
     * kept has no name any more: no engine may freeze that, or clone it. */
    record->folder = g_steal_pointer (&folder);
    record->suspended = g_strdup (start->suspended);
    record->started = lodge_description_copy (start->description);
    g_task_set_task_data (worker, record, record_free);
    g_task_run_in_thread (worker, record_thread);
    return;
  }
  /* Not before: a guest that has run no instruction has lost nothing. */
  lodge_run_record_begin (folder, start->description);
  record_flat (self);
  cont (task);
}

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *log = g_build_filename (folder, "qemu.log", NULL);
  g_autofree char *words = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) sealed = NULL;
  GError *told = NULL;

  if (lodge_qemu_snapshot_load_finish (result, &error) && self->qmp != NULL) {
    lodge_journal_step ("loaded");
    /* Now: the memory has brought the cables as they were. */
    lodge_machine_links_async (self, self->start_cancellable, linked_cb, task);
    return;
  }
  words = lodge_launch_read_last_words (log);
  /* What was wrong with the file is the reason, and what QEMU says of its end only follows. */
  if (start->sealed != NULL)
    sealed = lodge_sealed_dup_error (start->sealed);
  if (sealed != NULL && g_error_matches (sealed, LODGE_ERROR, LODGE_ERROR_INVALID))
    told =
        g_error_new (LODGE_ERROR, LODGE_ERROR_INVALID, _ ("The memory of “%s” was not loaded: %s"),
                     lodge_machine_get_name (self), sealed->message);
  else
    told = g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED,
                        _ ("QEMU did not take the memory of “%s”: %s (the whole log is %s)"),
                        lodge_machine_get_name (self),
                        words != NULL   ? words
                        : error != NULL ? error->message
                                        : "",
                        log);
  lodge_machine_start_failed (task, told);
}

/* QEMU has opened what it writes to, and nobody else shall: it is gone with QEMU. */
static void
nameless_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;

  /* With the next work, or the next engine. */
  if (!lodge_machine_tidy_finish (self, result, &error))
    g_debug ("%s", error->message);
  if (self->qmp == NULL) {
    lodge_machine_start_failed (
        task, g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("QEMU ended while it started")));
    return;
  }
  lodge_journal_step ("nameless");
  lodge_machine_links_async (self, self->start_cancellable, linked_cb, task);
}

static void
load_memory (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  GError *error = NULL;
  int fd = lodge_machine_unseal_memory (self, start->description, start->memory_fd, &start->sealed,
                                        &error);

  if (fd < 0) {
    lodge_machine_start_failed (task, error);
    return;
  }
  lodge_qemu_snapshot_load_async (self->qmp, fd, start->memory_fd, self->start_cancellable,
                                  loaded_cb, task);
  close (fd);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeQmp) qmp = lodge_qmp_connect_finish (result, &error);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  struct stat memory;

  if (qmp == NULL) {
    g_autofree char *log = g_build_filename (folder, "qemu.log", NULL);
    g_autofree char *words = lodge_launch_read_last_words (log);
    GError *told = NULL;

    /* A driver may have many reasons, and no words for them: what is not its fault comes again. */
    lodge_machine_graphics_failed (self, start, error, words);
    /* Why QEMU went is in its own words; without any, what the connection saw has to do. */
    if (words != NULL && !g_cancellable_is_cancelled (self->start_cancellable))
      told = g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED,
                          _ ("QEMU did not start “%s”: %s (the whole log is %s)"),
                          lodge_machine_get_name (self), words, log);
    else
      told = g_steal_pointer (&error);
    lodge_machine_start_failed (task, told);
    return;
  }

  lodge_machine_attach (self, qmp);
  /* The guest has stood still since its memory was written. */
  if (start->memory_fd >= 0 && fstat (start->memory_fd, &memory) == 0)
    lodge_machine_clock_stood_still (self, (gint64) memory.st_mtim.tv_sec * G_USEC_PER_SEC);
  /* From here on its end is, which is no crash of a guest that ran. */
  start->recorded = TRUE;
  if (start->disposable)
    lodge_machine_tidy_async (self, nameless_cb, task);
  else if (start->memory_fd >= 0 || start->suspended != NULL)
    load_memory (task);
  else
    lodge_machine_links_async (self, self->start_cancellable, linked_cb, task);
}

/* Whoever starts a process reaps it; that QEMU itself is gone is told by the watch on QEMU. */
static void
reaped_cb (GPid pid, int status, gpointer user_data)
{
}

/* Where QEMU tells that it has come as far as the engine may connect to it (lodge-qmp-connect.c).
 * Without, it is found out as by an engine that comes later. */
static GSocket *
add_hello (LodgeCommand *command)
{
  g_autoptr (GSocket) ours = NULL;
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return NULL;
  ours = g_socket_new_from_fd (ends[0], NULL);
  if (ours == NULL) {
    close (ends[0]);
    close (ends[1]);
    return NULL;
  }
  g_socket_set_blocking (ours, FALSE);

  lodge_command_addf (command, _ ("A wire to the engine, until both are connected."), "-chardev",
                      "socket,id=hello,fd=%d", lodge_command_take_fd (command, ends[1]));
  lodge_command_add (command, _ ("On that wire QEMU tells that it has started."), "-mon",
                     "chardev=hello,mode=control");
  return g_steal_pointer (&ours);
}

/* The runtime folder is there, and what QEMU writes to. Takes @task. */
static void
launch (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  LodgeHostReport *report = lodge_machine_host_get_report (self->host);
  gboolean contained = lodge_host_report_get_sandbox (report) == LODGE_SANDBOX_BUBBLEWRAP;
  g_autoptr (GArray) wires = g_array_new (FALSE, FALSE, sizeof (LodgeMachineCommandWire));
  g_autoptr (LodgeCommand) command = NULL;
  g_autoptr (GSocket) hello = NULL;
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *log = g_build_filename (folder, "qemu.log", NULL);
  g_autofree char *unit = g_strdup_printf ("lodge-machine-%s.scope", self->uuid);
  g_autofree char *tpm_socket = NULL;
  g_autofree char *qmp_socket = NULL;
  GError *error = NULL;
  int key_fd;

  if (!start_companions (self, start, contained, wires, &tpm_socket, &error)) {
    lodge_machine_close_wires (wires);
    lodge_machine_start_failed (task, error);
    return;
  }

  lodge_machine_choose_graphics (self, start);
  key_fd = lodge_machine_open_key (self, FALSE, &error);
  if (error == NULL)
    command = lodge_machine_build_command (
        self, start->description, tpm_socket, (const LodgeMachineCommandWire *) wires->data,
        wires->len, start->host_disks, key_fd, self->render_node, &error);
  if (command == NULL) {
    if (key_fd >= 0)
      close (key_fd);
    lodge_machine_close_wires (wires);
    lodge_machine_start_failed (task, error);
    return;
  }
  g_clear_pointer (&start->host_disks, g_array_unref);
  lodge_command_take_fd (command, g_steal_fd (&start->lock_fd));
  if (start->memory_fd >= 0 || start->suspended != NULL)
    lodge_command_add (command,
                       _ ("The guest goes on from saved memory, which the engine hands over."),
                       "-incoming", "defer");
  hello = add_hello (command);

  self->pid = lodge_launch (command, contained ? LODGE_LAUNCH_CONTAINED : 0, unit, log, &error);
  if (self->pid < 0) {
    self->pid = 0;
    lodge_machine_start_failed (task, error);
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
    lodge_machine_start_failed (task, error);
    return;
  }

  qmp_socket = g_build_filename (self->runtime, "qmp.sock", NULL);
  lodge_qmp_connect_started_async (hello, qmp_socket, lodge_machine_get_start_limit_ms (self),
                                   self->pid, self->start_cancellable, connected_cb, task);
}

static void
disks_opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) ||
      g_cancellable_set_error_if_cancelled (self->start_cancellable, &error)) {
    lodge_machine_start_failed (task, error);
    return;
  }
  lodge_machine_take_media (self, g_steal_pointer (&start->media));
  launch (task);
}

static gboolean
open_disks_step (gpointer data, GError **error)
{
  LodgeStart *start = data;

  start->host_disks = lodge_machine_open_host_disks (start->description, FALSE, error);
  if (start->host_disks != NULL)
    start->media = lodge_machine_list_media (start->description);
  lodge_journal_step ("disks-opened");
  return start->host_disks != NULL;
}

/* A disk that sleeps must not keep all machines waiting. */
static void
open_disks (GTask *task)
{
  const LodgeStart *start = g_task_get_task_data (task);

  if (lodge_description_find_host_disk (start->description) != NULL)
    lodge_task_step_in_thread (task, open_disks_step, disks_opened_cb);
  else
    launch (task);
}

static void
throwaway_made_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  GError *error = NULL;

  if (!lodge_machine_throwaway_make_finish (self, result, &error) ||
      g_cancellable_set_error_if_cancelled (self->start_cancellable, &error))
    lodge_machine_start_failed (task, error);
  else
    open_disks (task);
}

void
lodge_machine_launch (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  LodgeStart *start = g_task_get_task_data (task);
  GError *error = NULL;

  lodge_machine_detach (self); /* what an earlier life may have left in the runtime folder */
  if (start->wanted == NULL) {
    start->wanted = lodge_description_copy (start->description);
  } else {
    lodge_description_free (start->description);
    start->description = lodge_description_copy (start->wanted);
  }
  self->runtime = make_runtime_folder (self, &error);
  if (self->runtime == NULL)
    lodge_machine_start_failed (task, error);
  else if (start->disposable)
    lodge_machine_throwaway_make_async (self, start->description, throwaway_made_cb, task);
  else
    open_disks (task);
}

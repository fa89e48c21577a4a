/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding again what an earlier engine started, with its true state.
 *
 * A change of its folder that was not finished is, or is undone (lodge-journal.h). Then: the lock
 * says whether there is a QEMU at all: it is free the moment that is gone.
 *   - free: there is none, and litter in the runtime folder is removed; whether the last run ended
 * in good order is what was recorded of it (lodge-run-record.h);
 *   - taken, with a runtime folder: QMP says what the guest does, or did while nobody looked; a
 * QEMU that is just being started makes its socket in a moment;
 *   - taken, without an answer, or without sockets (the runtime folder was emptied at a logout):
 * its process is found through the lock and can still be ended. Where there is a socket it is asked
 * again (lodge-machine-silent.c), and what it says then is taken over here in the same way.
 */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"
#include "lodge-paths.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-lock-holder.h"
#include "qemu/lodge-json.h"
#include "qemu/lodge-launch.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* Between two looks at who has the lock. */
#define LOOK_AGAIN_MS 50

/* A live QEMU greets at once; one whose monitor another client holds never does. */
guint lodge_machine_recover_greeting_ms = LODGE_MACHINE_RECOVER_GREETING_MS;
guint lodge_machine_recover_patience_ms = LODGE_MACHINE_RECOVER_PATIENCE_MS;

/* A QEMU's own word for its state (qapi/run-state.json, RunState), what it means to us, and whether
 * that QEMU has nothing left to do. */
static const struct {
  const char *status;
  LodgeState state;
  gboolean end;
  const char *note;
} statuses[] = {
    {"running", LODGE_STATE_RUNNING, FALSE, NULL},
    {"suspended", LODGE_STATE_RUNNING, FALSE, NULL},
    {"paused", LODGE_STATE_PAUSED, FALSE, NULL},
    {"debug", LODGE_STATE_PAUSED, FALSE, NULL},
    {"io-error", LODGE_STATE_PAUSED, FALSE,
     N_ ("Paused: reading or writing the machine's disk failed. Mend that, then resume")},
    {"guest-panicked", LODGE_STATE_CRASHED, FALSE,
     N_ ("The guest's kernel has stopped with a panic; start the machine again, or force it off")},
    {"internal-error", LODGE_STATE_CRASHED, FALSE,
     N_ ("QEMU has met an internal error; start the machine again, or force it off")},
    /* The guest powered off, or reset with a one-shot kernel, while no engine ran. */
    {"shutdown", LODGE_STATE_STOPPING, TRUE, NULL},
    /* The engine went before the guest's first instruction: nothing is lost. */
    {"prelaunch", LODGE_STATE_STOPPING, TRUE, NULL},
};

static const char *const no_sockets_note =
    N_ ("Runs, but its sockets were removed (the session that started it has ended): shut it down "
        "from inside, then force it off");

static char *
dup_lock_path (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  return g_build_filename (folder, "lock", NULL);
}

/* Whether somebody has the lock, that is, whether a QEMU of this machine lives. */
static gboolean
is_locked (LodgeMachine *self)
{
  g_autofree char *path = dup_lock_path (self);
  g_autoptr (GError) error = NULL;
  int fd;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return FALSE;
  fd = lodge_store_lock (self->store, self->uuid, &error);
  if (fd >= 0)
    close (fd);
  return fd < 0 && g_error_matches (error, LODGE_ERROR, LODGE_ERROR_STATE);
}

static gboolean
has_socket (LodgeMachine *self, const char *name)
{
  g_autofree char *path =
      self->runtime != NULL ? g_build_filename (self->runtime, name, NULL) : NULL;

  return path != NULL && g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
finish (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);

  self->recovering = FALSE;
  /* Until now it was not known to be off, or what was to be done had to wait. */
  lodge_machine_emit_changed (self);
  g_task_return_boolean (task, TRUE);
}

static void
suspended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  finish (task);
}

/* Takes @task_given. */
static void
settle_ended (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  LodgeRunEnd how = lodge_run_record_read (folder);

  /* An engine that was killed before its QEMU had come left a TPM that waits for it. */
  self->has_tpm = has_socket (self, "tpm.sock");
  lodge_machine_detach (self);
  if (lodge_machine_get_rest_state (self) == LODGE_STATE_SUSPENDED) {
    lodge_machine_recover_suspended_async (self, suspended_cb, g_steal_pointer (&task));
    return;
  }
  if (lodge_machine_get_description (self) == NULL) {
    g_autofree char *resumed = lodge_run_record_dup_resumed (folder);

    /* Until it is known what it names. */
    lodge_machine_set_gone_on (self, resumed);
  }
  if (how == LODGE_RUN_QEMU_ENDED)
    lodge_run_record_qemu_ended (folder);
  if (how != LODGE_RUN_NONE)
    lodge_machine_crashed (self, how);
  else
    lodge_machine_set_state (self, lodge_machine_get_rest_state (self));
  finish (task);
}

static void
media_known_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  settle_ended (user_data);
}

/* No QEMU any more. Takes @task. */
static void
recover_ended (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);

  if (g_hash_table_size (self->media) > 0)
    lodge_machine_look_at_media_async (self, media_known_cb, task);
  else
    settle_ended (task);
}

/* A QEMU that an older engine started is nowhere recorded. */
static void
recover_live (LodgeMachine *self, LodgeState state)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  if (lodge_run_record_read (folder) == LODGE_RUN_NONE)
    lodge_run_record_begin (folder, NULL);
  self->disposable = lodge_run_record_is_disposable (folder);
  if (self->graphics_problem == NULL)
    self->graphics_problem = lodge_run_record_dup_flat (folder);
  /* One whose power button was pressed before it fell silent still thinks about that. */
  if (self->state != LODGE_STATE_STOPPING && self->state != LODGE_STATE_CRASHED)
    lodge_machine_set_state (self, state);
  if (lodge_machine_get_own_note (self)[0] == '\0')
    lodge_machine_note_run (self);
  /* Also where QEMU cannot be asked: what is shared can be ended. */
  lodge_machine_share_recover (self);
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_recover_finish (LODGE_MACHINE (source), result);
}

/* Whoever waits is called back now, and the machine goes on looking by itself. */
static void
let_go (GTask **task)
{
  g_autoptr (GTask) before = g_steal_pointer (task);
  const gint64 *until = g_task_get_task_data (before);

  *task = g_task_new (g_task_get_source_object (before), NULL, done_cb, NULL);
  g_task_set_source_tag (*task, lodge_machine_recover_async);
  g_task_set_task_data (*task, g_memdup2 (until, sizeof *until), g_free);
  g_task_return_boolean (before, TRUE);
}

static void found_cb (GObject *source, GAsyncResult *result, gpointer user_data);

/* Takes @task. */
static void
find_holder (GTask *task)
{
  g_autofree char *lock = dup_lock_path (g_task_get_source_object (task));

  lodge_lock_holder_find_async (lock, found_cb, task);
}

static gboolean
look_again_cb (gpointer task)
{
  find_holder (task);
  return G_SOURCE_REMOVE;
}

/* Its process was looked for through the lock. One that is ending has it until its last descriptor
 * is closed, which is after its memory is given back, and with that its program's name has gone: it
 * looks like nobody's then. Who has the lock for good has it later, too. */
static void
found_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  const gint64 *until = g_task_get_task_data (task);
  gboolean ending = FALSE;
  GPid holder = lodge_lock_holder_find_finish (result, &ending);
  g_autofree char *lock = dup_lock_path (self);

  if (holder != 0 && lodge_machine_watch (self, holder) && lodge_lock_holder_check (lock, holder)) {
    recover_live (self, LODGE_STATE_RUNNING);
    if (has_socket (self, "qmp.sock"))
      lodge_machine_begin_silence (self);
    else
      lodge_machine_set_note (self, _ (no_sockets_note));
    finish (task);
    return;
  }
  /* It ended meanwhile, and its number may be another's by now. */
  g_clear_handle_id (&self->watch, g_source_remove);
  self->pid = 0;
  if (!is_locked (self)) {
    recover_ended (g_steal_pointer (&task));
  } else if (g_get_monotonic_time () < *until) {
    /* Nobody else waits for somebody who may have it for good. */
    if (!ending)
      let_go (&task);
    g_timeout_add (LOOK_AGAIN_MS, look_again_cb, g_steal_pointer (&task));
  } else {
    lodge_machine_set_note (
        self, _ ("Somebody else uses this machine now: another user, or a program that holds the "
                 "file “lock” in its folder"));
    finish (task);
  }
}

/* Locked, and no QMP. Takes @task. */
static void
recover_without_qmp (GTask *task)
{
  gint64 *until = g_new (gint64, 1);

  *until = g_get_monotonic_time () + lodge_machine_recover_patience_ms * G_TIME_SPAN_MILLISECOND;
  g_task_set_task_data (task, until, g_free);
  find_holder (task);
}

/* Of another machine it is where a folder was copied. */
static void
find_started (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autoptr (LodgeDescription) started = lodge_run_record_load_started (folder);

  if (started != NULL && g_str_equal (started->uuid, self->uuid))
    self->started = g_steal_pointer (&started);
}

static void
find_networks (LodgeMachine *self)
{
  const LodgeDescription *description = lodge_machine_get_description (self);

  for (guint i = 0; description != NULL && i < description->nics->len; i++) {
    const LodgeNic *nic = description->nics->pdata[i];
    g_autoptr (GError) error = NULL;
    LodgeUserNetwork *network;

    /* One that was added since is the next QEMU's. */
    if (self->started != NULL && lodge_description_get_nic (self->started, nic->id) == NULL)
      continue;
    network = lodge_user_network_find (nic->id, self->runtime, &error);
    if (network != NULL)
      lodge_machine_add_network (self, nic->id, network);
    else
      lodge_machine_set_note (self, error->message);
  }
}

static void
show_live (LodgeMachine *self, LodgeState state)
{
  recover_live (self, state);
  lodge_machine_screen_begin (self);
  lodge_machine_links_recover (self);
}

/* Takes @task_given, whose data is what QEMU says of itself. */
static void
believe (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  const char *status = g_task_get_task_data (task);
  g_autofree char *folder = lodge_machine_dup_folder (self);

  /* It is mended, and the guest was resumed while nobody heard of that. */
  if (self->disk_failed && !g_str_equal (status, "io-error"))
    lodge_machine_note_run (self);
  lodge_machine_end_silence (self);
  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++) {
    if (!g_str_equal (statuses[i].status, status))
      continue;
    self->disk_failed = g_str_equal (status, "io-error");
    self->asleep = g_str_equal (status, "suspended");
    if (statuses[i].note != NULL)
      lodge_machine_set_note (self, _ (statuses[i].note));
    if (statuses[i].end) {
      /* What it had not got yet, or has no more, is nothing to tell. */
      lodge_machine_set_note (self, NULL);
      self->disposable = lodge_run_record_is_disposable (folder);
      lodge_machine_set_state (self, statuses[i].state);
      lodge_machine_end_qemu (self);
    } else {
      show_live (self, statuses[i].state);
    }
    finish (task);
    return;
  }
  /* Whatever else it says, it stands still at least: as after a snapshot of a guest that did. */
  show_live (self, LODGE_STATE_PAUSED);
  finish (task);
}

/* Lent, of @answer; %NULL without one. */
static const char *
get_status (JsonNode *answer)
{
  return answer != NULL && JSON_NODE_HOLDS_OBJECT (answer)
             ? lodge_json_get_string (json_node_get_object (answer), "status")
             : NULL;
}

/* Asked over a connection that there was. Takes @task_given. */
static void
fell_silent (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);

  if (self->pid == 0) {
    recover_ended (g_steal_pointer (&task));
    return;
  }
  /* Its sockets stay: a console may be there, and QEMU may come to itself. What its guest does was
   * known before, or is not known. */
  if (self->state == LODGE_STATE_OFF)
    recover_live (self, LODGE_STATE_RUNNING);
  lodge_machine_begin_silence (self);
  finish (task);
}

/* It may have paused, or ended, since it was asked first. */
static void
asked_again_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, NULL);
  const char *status = get_status (answer);

  if (self->qmp == NULL || self->ending) {
    finish (task);
    return;
  }
  if (status == NULL) {
    fell_silent (g_steal_pointer (&task));
    return;
  }
  g_task_set_task_data (task, g_strdup (status), g_free);
  believe (g_steal_pointer (&task));
}

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);

  (void) lodge_machine_settle_disks_finish (self, result);
  /* It ended meanwhile, which was noticed, or is being ended. */
  if (self->qmp == NULL || self->ending)
    finish (task);
  else
    lodge_qmp_execute_async (self->qmp, "query-status", NULL, 0, NULL, asked_again_cb,
                             g_steal_pointer (&task));
}

/* As above. Whoever is told that it runs may do something with it at once: its disks come first,
 * and what else was plugged in. */
static void
take_status (GTask *task)
{
  const char *status = g_task_get_task_data (task);

  lodge_machine_virtiofs_recover (g_task_get_source_object (task));
  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++) {
    if (g_str_equal (statuses[i].status, status) && !statuses[i].end) {
      lodge_machine_settle_disks_async (g_task_get_source_object (task), settled_cb, task);
      return;
    }
  }
  believe (task);
}

static void
resumed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);

  /* It ended meanwhile, which was noticed. */
  if (!lodge_machine_recover_resumed_finish (self, result) || self->qmp == NULL || self->ending)
    finish (task);
  else
    take_status (g_steal_pointer (&task));
}

static void
status_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) error = NULL;
  const char *status = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  status = get_status (answer);
  /* It ended meanwhile, which was noticed, or is being ended. */
  if (self->qmp == NULL || self->ending) {
    finish (task);
    return;
  }
  if (status == NULL) {
    g_debug ("%s: %s", self->uuid, error != NULL ? error->message : "no status");
    fell_silent (g_steal_pointer (&task));
    return;
  }
  g_task_set_task_data (task, g_strdup (status), g_free);
  if (lodge_machine_get_rest_state (self) == LODGE_STATE_SUSPENDED)
    lodge_machine_recover_resumed_async (self, status, resumed_cb, g_steal_pointer (&task));
  else
    take_status (g_steal_pointer (&task));
}

static void
end_tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_tidy_earlier_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  finish (task);
}

static void
live_tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;

  /* With the next work, or the next engine. */
  if (!lodge_machine_tidy_earlier_finish (self, result, &error))
    g_debug ("%s: %s", self->uuid, error->message);
  /* It ended meanwhile, which was noticed: then there is nobody to ask. */
  if (self->qmp == NULL && error != NULL)
    lodge_machine_tidy_earlier_async (self, end_tidied_cb, g_steal_pointer (&task));
  else if (self->qmp == NULL)
    finish (task);
  else
    lodge_qmp_execute_async (self->qmp, "query-status", NULL, 0, NULL, status_cb,
                             g_steal_pointer (&task));
}

/* Takes @task. */
static void
take_over (GTask *task, LodgeQmp *qmp)
{
  LodgeMachine *self = g_task_get_source_object (task);

  /* The engine before may have removed the journal, and not told QEMU. */
  lodge_machine_join_recover (self);
  if (qmp != NULL) {
    lodge_machine_attach (self, qmp);
    if (self->started == NULL)
      find_started (self);
    if (g_hash_table_size (self->networks) == 0)
      find_networks (self);
    lodge_machine_emit_changed (self);
  }
  lodge_machine_tidy_earlier_async (self, live_tidied_cb, task);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeQmp) qmp = lodge_qmp_connect_finish (result, &error);

  if (qmp == NULL) {
    g_debug ("%s: %s", self->uuid, error->message);
    recover_without_qmp (g_steal_pointer (&task));
    return;
  }
  take_over (g_steal_pointer (&task), qmp);
}

/* Takes @task_given. */
static void
look (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  g_autofree char *runtime = lodge_paths_dup_machine_runtime (self->uuid);
  g_autofree char *socket = g_build_filename (runtime, "qmp.sock", NULL);

  if (g_file_test (runtime, G_FILE_TEST_IS_DIR))
    self->runtime = g_strdup (runtime);
  if (!is_locked (self)) {
    recover_ended (g_steal_pointer (&task));
  } else if (self->runtime != NULL) {
    /* A QEMU that was just being started has no socket yet. */
    lodge_qmp_connect_async (socket, lodge_machine_recover_greeting_ms, 0, NULL, connected_cb,
                             g_steal_pointer (&task));
  } else {
    recover_without_qmp (g_steal_pointer (&task));
  }
}

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;
  int lock = GPOINTER_TO_INT (g_task_get_task_data (user_data));

  /* With the next work, or the next engine. */
  if (!lodge_machine_tidy_earlier_finish (self, result, &error))
    g_debug ("%s: %s", self->uuid, error->message);
  close (lock);
  look (user_data);
}

void
lodge_machine_recover_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  int lock = -1;

  g_task_set_source_tag (task, lodge_machine_recover_async);
  g_return_if_fail (self->state == LODGE_STATE_OFF && self->pid == 0);

  self->recovering = TRUE;
  lodge_machine_recover_media (self);
  /* What an earlier engine was changing; unless somebody is at it now. */
  if (lodge_journal_exists (folder))
    lock = lodge_store_lock (self->store, self->uuid, NULL);
  if (lock < 0) {
    look (task);
    return;
  }
  g_task_set_task_data (task, GINT_TO_POINTER (lock), NULL);
  lodge_machine_tidy_earlier_async (self, tidied_cb, task);
}

void
lodge_machine_recover_silent_async (LodgeMachine *self,
                                    LodgeQmp *qmp,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_machine_recover_async);
  self->recovering = TRUE;
  take_over (task, qmp);
}

void
lodge_machine_recover_finish (LodgeMachine *self, GAsyncResult *result)
{
  g_return_if_fail (g_task_is_valid (result, self));
  g_task_propagate_boolean (G_TASK (result), NULL);
}

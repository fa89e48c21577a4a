/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding again what an earlier engine started, with its true state.
 *
 * The lock says whether there is a QEMU at all: it is free the moment that is gone.
 *   - free: there is none, and litter in the runtime folder is removed; whether the last run ended
 * in good order is what was recorded of it (lodge-run-record.h);
 *   - taken, with sockets in the runtime folder: QMP says what the guest does, or did while nobody
 *     looked;
 *   - taken, without an answer, or without sockets (the runtime folder was emptied at a logout):
 * its process is found through the lock and can still be ended.
 */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"
#include "lodge-paths.h"
#include "qemu/lodge-launch.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A live QEMU greets at once; one whose monitor another client holds never does. */
#define RECOVER_TIMEOUT_MS 5000

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

static const char *const silent_note =
    N_ ("Runs, but QEMU does not answer: shut it down from inside, or force it off");

/* The process that holds the lock of this machine, or 0. Own processes only: that is all we may
 * look into, and all we may end. */
static GPid
find_lock_holder (const char *lock_path)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  struct stat lock;
  const char *name;

  if (proc == NULL || stat (lock_path, &lock) != 0)
    return 0;
  while ((name = g_dir_read_name (proc)) != NULL) {
    g_autofree char *fds_path = NULL;
    g_autoptr (GDir) fds = NULL;
    const char *fd;

    if (!g_ascii_isdigit (name[0]) || atoi (name) == getpid ())
      continue;
    fds_path = g_build_filename ("/proc", name, "fd", NULL);
    fds = g_dir_open (fds_path, 0, NULL);
    while (fds != NULL && (fd = g_dir_read_name (fds)) != NULL) {
      g_autofree char *path = g_build_filename (fds_path, fd, NULL);
      struct stat info;

      if (stat (path, &info) == 0 && info.st_dev == lock.st_dev && info.st_ino == lock.st_ino)
        return atoi (name);
    }
  }
  return 0;
}

/* Whether somebody has the lock, that is, whether a QEMU of this machine lives. */
static gboolean
is_locked (LodgeMachine *self, const char *path)
{
  g_autoptr (GError) error = NULL;
  int fd;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return FALSE;
  fd = lodge_store_lock (self->store, self->uuid, &error);
  if (fd >= 0)
    close (fd);
  return fd < 0 && g_error_matches (error, LODGE_ERROR, LODGE_ERROR_STATE);
}

/* No QEMU any more. */
static void
recover_ended (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);
  LodgeRunEnd how = lodge_run_record_read (folder);

  lodge_machine_detach (self);
  if (how == LODGE_RUN_NONE)
    return;
  if (how == LODGE_RUN_QEMU_ENDED)
    lodge_run_record_qemu_ended (folder);
  lodge_machine_crashed (self, how);
}

/* A QEMU that an older engine started is nowhere recorded. */
static void
recover_live (LodgeMachine *self, LodgeState state)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  if (lodge_run_record_read (folder) == LODGE_RUN_NONE)
    lodge_run_record_begin (folder);
  lodge_machine_set_state (self, state);
}

/* Locked, and no QMP. @note: what to say of one that is found. */
static void
recover_without_qmp (LodgeMachine *self, const char *note)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *path = g_build_filename (folder, "lock", NULL);
  GPid holder = find_lock_holder (path);

  if (holder == 0) {
    lodge_machine_set_note (
        self, _ ("Somebody else uses this machine now: another user, or a program that holds the "
                 "file “lock” in its folder"));
    return;
  }
  if (!lodge_machine_watch (self, holder)) {
    recover_ended (self);
    return;
  }
  lodge_machine_set_note (self, note);
  recover_live (self, LODGE_STATE_RUNNING);
}

static void
find_networks (LodgeMachine *self)
{
  const LodgeDescription *description = lodge_machine_get_description (self);

  for (guint i = 0; description != NULL && i < description->nics->len; i++) {
    const LodgeNic *nic = description->nics->pdata[i];
    g_autoptr (GError) error = NULL;
    LodgeUserNetwork *network = lodge_user_network_find (nic->id, self->runtime, &error);

    if (network != NULL)
      lodge_machine_add_network (self, nic->id, network);
    else
      lodge_machine_set_note (self, error->message);
  }
}

static void
finish (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);

  self->recovering = FALSE;
  g_task_return_boolean (task, TRUE);
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
  if (answer != NULL && JSON_NODE_HOLDS_OBJECT (answer))
    status =
        json_object_get_string_member_with_default (json_node_get_object (answer), "status", NULL);
  /* It ended meanwhile, which was noticed. */
  if (self->qmp == NULL) {
    finish (task);
    return;
  }
  if (status == NULL) {
    g_debug ("%s: %s", self->uuid, error != NULL ? error->message : "no status");
    if (self->pid != 0) {
      /* Its sockets stay: a console may be there, and QEMU may come to itself. */
      lodge_machine_set_note (self, _ (silent_note));
      recover_live (self, LODGE_STATE_RUNNING);
    } else {
      recover_ended (self);
    }
    finish (task);
    return;
  }

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++) {
    if (!g_str_equal (statuses[i].status, status))
      continue;
    if (statuses[i].note != NULL)
      lodge_machine_set_note (self, _ (statuses[i].note));
    if (statuses[i].end) {
      lodge_machine_set_state (self, statuses[i].state);
      lodge_machine_end_qemu (self);
    } else {
      recover_live (self, statuses[i].state);
      lodge_machine_screen_begin (self);
    }
    finish (task);
    return;
  }
  /* A state that this build does not know stands still at least. */
  recover_live (self, LODGE_STATE_PAUSED);
  finish (task);
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
    recover_without_qmp (self, _ (silent_note));
    finish (task);
    return;
  }
  lodge_machine_attach (self, qmp);
  find_networks (self);
  lodge_qmp_execute_async (qmp, "query-status", NULL, 0, NULL, status_cb, g_steal_pointer (&task));
}

void
lodge_machine_recover_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autofree char *runtime = lodge_paths_dup_machine_runtime (self->uuid);
  g_autofree char *socket = g_build_filename (runtime, "qmp.sock", NULL);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *lock = g_build_filename (folder, "lock", NULL);

  g_task_set_source_tag (task, lodge_machine_recover_async);
  g_return_if_fail (self->state == LODGE_STATE_OFF && self->pid == 0);

  self->recovering = TRUE;
  if (g_file_test (runtime, G_FILE_TEST_IS_DIR))
    self->runtime = g_strdup (runtime);
  if (!is_locked (self, lock)) {
    recover_ended (self);
    finish (task);
  } else if (g_file_test (socket, G_FILE_TEST_EXISTS)) {
    lodge_qmp_connect_async (socket, RECOVER_TIMEOUT_MS, 0, NULL, connected_cb,
                             g_steal_pointer (&task));
  } else {
    recover_without_qmp (self, _ ("Runs, but its sockets were removed (the session that started it "
                                  "has ended): shut it down from inside, then force it off"));
    finish (task);
  }
}

void
lodge_machine_recover_finish (LodgeMachine *self, GAsyncResult *result)
{
  g_return_if_fail (g_task_is_valid (result, self));
  g_task_propagate_boolean (G_TASK (result), NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine on the wire: its socket, its clients, and which objects they see.
 *
 * Theory of operation: one skeleton per object, exported on each connection that should see it.
 * The socket is our own (GDBusServer would make it 0755, refuse a stale one, and complain when it
 * was removed under it).
 * (GDBusObjectManagerServer serves one connection only, and a list of a thousand full objects takes
 * a tenth of a second to send; the compact list is what clients start from.) Every client sees the
 * engine, the host and the jobs; a machine only after it asked for it.
 *
 * Owns: the socket and the connections. Never: reads machine.ini, speaks QMP, or trusts a peer that
 * is not this user.
 */
#include "service/lodge-service.h"

#include "lodge-client.h"
#include "lodge-error.h"
#include "lodge-paths.h"
#include "service/lodge-service-engine.h"
#include "service/lodge-service-host.h"
#include "service/lodge-service-job.h"
#include "service/lodge-service-machine.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* How often the engine looks whether its socket is still there (a logout may empty the runtime
 * folder), and whether it has anything to do. */
#define WATCH_INTERVAL_S 5

/* For the last words to the clients. */
#define FLUSH_LIMIT_MS 1000

#define LOCK_NAME "engine.lock"

/* The lock is the process's: it stays when a service ends. */
static int held_lock = -1;

struct _LodgeService {
  GObject parent_instance;

  LodgeLibrary *library;
  GSocketService *listener;
  char *guid;
  ino_t socket_inode;
  guint watch;
  guint idle_exit_s;
  guint flushing; /* connections with something under way, when it ends */
  guint quit_timeout;
  gint64 idle_since_us; /* 0 while there is something to do */

  LodgeServiceEngine *engine;
  LodgeHost1 *host;
  GHashTable *machines; /* UUID to LodgeServiceMachine */
  GHashTable *jobs;     /* LodgeJob to LodgeJob1 */
  GPtrArray *connections;
};

G_DEFINE_FINAL_TYPE (LodgeService, lodge_service, G_TYPE_OBJECT)

enum { QUIT, N_SIGNALS };
static guint signals[N_SIGNALS];

static void connection_closed_cb (GDBusConnection *connection,
                                  gboolean remote_peer_vanished,
                                  GError *error,
                                  LodgeService *self);

/* Leaves the path alone: by now it may be another engine's. */
static void
stop_listening (LodgeService *self)
{
  if (self->listener == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->listener, self);
  g_socket_service_stop (self->listener);
  g_socket_listener_close (G_SOCKET_LISTENER (self->listener));
  g_clear_object (&self->listener);
}

static void
lodge_service_finalize (GObject *object)
{
  LodgeService *self = LODGE_SERVICE (object);

  g_clear_handle_id (&self->watch, g_source_remove);
  g_clear_handle_id (&self->quit_timeout, g_source_remove);
  stop_listening (self);
  for (guint i = 0; i < self->connections->len; i++) {
    g_signal_handlers_disconnect_by_data (self->connections->pdata[i], self);
    g_dbus_connection_close (self->connections->pdata[i], NULL, NULL, NULL);
  }
  g_ptr_array_unref (self->connections);
  g_hash_table_unref (self->machines);
  g_hash_table_unref (self->jobs);
  g_clear_object (&self->engine);
  g_clear_object (&self->host);
  g_clear_object (&self->library);
  g_free (self->guid);

  G_OBJECT_CLASS (lodge_service_parent_class)->finalize (object);
}

static void
lodge_service_class_init (LodgeServiceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_service_finalize;

  signals[QUIT] = g_signal_new ("quit", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                NULL, G_TYPE_NONE, 0);
}

static void
lodge_service_init (LodgeService *self)
{
  self->connections = g_ptr_array_new_with_free_func (g_object_unref);
  self->guid = g_dbus_generate_guid ();
  self->machines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->jobs = g_hash_table_new_full (NULL, NULL, g_object_unref, g_object_unref);
}

static void export(gpointer skeleton, GDBusConnection *connection, const char *path)
{
  g_autoptr (GError) error = NULL;

  /* Fails only for a connection that is closing. */
  if (!g_dbus_interface_skeleton_export (skeleton, connection, path, &error))
    g_debug ("%s: %s", path, error->message);
}

static void
open_machine_cb (LodgeServiceEngine *engine,
                 LodgeMachine *machine,
                 GDBusConnection *connection,
                 LodgeService *self)
{
  const char *uuid = lodge_machine_get_uuid (machine);
  g_autofree char *path = lodge_service_machine_dup_path (uuid);
  LodgeServiceMachine *object = g_hash_table_lookup (self->machines, uuid);

  if (object == NULL) {
    object = lodge_service_machine_new (self->library, machine);
    g_hash_table_insert (self->machines, g_strdup (uuid), object);
  }
  if (!g_dbus_interface_skeleton_has_connection (G_DBUS_INTERFACE_SKELETON (object), connection))
    export(object, connection, path);
}

static void
machine_removed_cb (LodgeLibrary *library, const char *uuid, LodgeService *self)
{
  LodgeServiceMachine *object = g_hash_table_lookup (self->machines, uuid);

  if (object == NULL)
    return;
  if (g_dbus_interface_skeleton_get_connection (G_DBUS_INTERFACE_SKELETON (object)) != NULL)
    g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (object));
  g_hash_table_remove (self->machines, uuid);
}

/* Jobs that the library has forgotten. */
static void
drop_old_jobs (LodgeService *self)
{
  GPtrArray *current = lodge_library_get_jobs (self->library);
  GHashTableIter iter;
  gpointer job;
  gpointer object;

  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, &job, &object)) {
    if (g_ptr_array_find (current, job, NULL))
      continue;
    if (g_dbus_interface_skeleton_get_connection (object) != NULL)
      g_dbus_interface_skeleton_unexport (object);
    g_hash_table_iter_remove (&iter);
  }
}

/* What has become of the machine is told before what has become of the job. */
static void
job_changed_cb (LodgeJob *job, LodgeServiceEngine *engine)
{
  if (lodge_job_get_state (job) != LODGE_JOB_RUNNING)
    lodge_service_engine_flush (engine);
}

static void
job_added_cb (LodgeLibrary *library, LodgeJob *job, LodgeService *self)
{
  const char *path = lodge_service_job_get_path (job);
  LodgeJob1 *object;

  /* First, and the object after it: they hear in that order. */
  g_signal_connect_object (job, "changed", G_CALLBACK (job_changed_cb), self->engine, 0);
  object = lodge_service_job_new (job);
  drop_old_jobs (self);
  g_hash_table_insert (self->jobs, g_object_ref (job), object);
  for (guint i = 0; i < self->connections->len; i++)
    export(object, self->connections->pdata[i], path);
  lodge_engine1_emit_job_added (LODGE_ENGINE1 (self->engine), path);
}

static void
add_connection (LodgeService *self, GDBusConnection *connection)
{
  GHashTableIter iter;
  gpointer job;
  gpointer object;

  g_ptr_array_add (self->connections, g_object_ref (connection));
  g_signal_connect (connection, "closed", G_CALLBACK (connection_closed_cb), self);
  export(self->engine, connection, LODGE_CLIENT_ENGINE_PATH);
  export(self->host, connection, LODGE_CLIENT_HOST_PATH);
  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, &job, &object))
    export(object, connection, lodge_service_job_get_path (job));
  g_dbus_connection_start_message_processing (connection);
}

static void
unexport (gpointer skeleton, GDBusConnection *connection)
{
  if (g_dbus_interface_skeleton_has_connection (skeleton, connection))
    g_dbus_interface_skeleton_unexport_from_connection (skeleton, connection);
}

static void
connection_closed_cb (GDBusConnection *connection,
                      gboolean remote_peer_vanished,
                      GError *error,
                      LodgeService *self)
{
  GHashTableIter iter;
  gpointer object;

  unexport (self->engine, connection);
  unexport (self->host, connection);
  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, NULL, &object))
    unexport (object, connection);
  g_hash_table_iter_init (&iter, self->machines);
  while (g_hash_table_iter_next (&iter, NULL, &object)) {
    lodge_service_machine_forget (object, connection);
    unexport (object, connection);
    if (g_dbus_interface_skeleton_get_connection (object) == NULL)
      g_hash_table_iter_remove (&iter);
  }
  g_signal_handlers_disconnect_by_data (connection, self);
  g_ptr_array_remove (self->connections, connection);
}

/* The folder is ours alone already; this is for the day somebody opens it up. */
static gboolean
authorize_cb (GDBusAuthObserver *observer,
              GIOStream *stream,
              GCredentials *credentials,
              gpointer user_data)
{
  uid_t uid;

  if (credentials == NULL)
    return FALSE;
  uid = g_credentials_get_unix_user (credentials, NULL);
  return uid == geteuid ();
}

static gboolean
allow_mechanism_cb (GDBusAuthObserver *observer, const char *mechanism, gpointer user_data)
{
  return g_str_equal (mechanism, "EXTERNAL");
}

static void
authenticated_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeService) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = g_dbus_connection_new_finish (result, &error);

  if (connection == NULL)
    g_debug ("a client was refused: %s", error->message);
  else if (self->listener != NULL)
    add_connection (self, connection);
}

static gboolean
incoming_cb (GSocketService *listener,
             GSocketConnection *stream,
             GObject *source,
             LodgeService *self)
{
  g_autoptr (GDBusAuthObserver) observer = g_dbus_auth_observer_new ();

  g_signal_connect (observer, "allow-mechanism", G_CALLBACK (allow_mechanism_cb), NULL);
  g_signal_connect (observer, "authorize-authenticated-peer", G_CALLBACK (authorize_cb), NULL);
  g_dbus_connection_new (G_IO_STREAM (stream), self->guid,
                         G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER |
                             G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                         observer, NULL, authenticated_cb, g_object_ref (self));
  return TRUE;
}

static gboolean
bind_socket (LodgeService *self, GError **error)
{
  g_autofree char *folder = lodge_paths_ensure_runtime (error);
  g_autofree char *path = lodge_paths_dup_engine_socket ();
  g_autoptr (GSocketService) listener = NULL;
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) reason = NULL;
  gboolean bound;
  struct stat info;
  mode_t mask;

  if (folder == NULL)
    return FALSE;
  /* What an engine that was killed has left; our lock says that it is nobody's. */
  unlink (path);

  listener = g_socket_service_new ();
  address = g_unix_socket_address_new (path);
  mask = umask (077);
  bound =
      g_socket_listener_add_address (G_SOCKET_LISTENER (listener), address, G_SOCKET_TYPE_STREAM,
                                     G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, &reason);
  umask (mask);
  if (!bound || lstat (path, &info) != 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not listen on %s: %s"), path,
                 reason != NULL ? reason->message : g_strerror (errno));
    return FALSE;
  }
  self->socket_inode = info.st_ino;
  self->listener = g_steal_pointer (&listener);
  g_signal_connect (self->listener, "incoming", G_CALLBACK (incoming_cb), self);
  g_socket_service_start (self->listener);
  return TRUE;
}

/* Whether this process is still the engine of this user: with the runtime folder the lock's file
 * may have gone too, and another engine may have come before we noticed. */
static gboolean
is_still_the_engine (void)
{
  g_autofree char *runtime = lodge_paths_dup_runtime ();
  g_autofree char *path = g_build_filename (runtime, LOCK_NAME, NULL);
  g_autoptr (GError) error = NULL;
  struct stat held;
  struct stat there;
  int fd;

  if (held_lock >= 0 && fstat (held_lock, &held) == 0 && lstat (path, &there) == 0 &&
      held.st_dev == there.st_dev && held.st_ino == there.st_ino)
    return TRUE;
  fd = lodge_service_lock (&error);
  if (fd < 0)
    return !g_error_matches (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  return TRUE;
}

static gboolean
has_something_to_do (LodgeService *self)
{
  GPtrArray *machines = lodge_library_get_machines (self->library);
  GPtrArray *jobs = lodge_library_get_jobs (self->library);

  if (self->connections->len > 0)
    return TRUE;
  for (guint i = 0; i < machines->len; i++) {
    if (lodge_state_is_live (lodge_machine_get_state (machines->pdata[i])))
      return TRUE;
  }
  for (guint i = 0; i < jobs->len; i++) {
    if (lodge_job_get_state (jobs->pdata[i]) == LODGE_JOB_RUNNING)
      return TRUE;
  }
  return FALSE;
}

static gboolean
watch_cb (gpointer user_data)
{
  LodgeService *self = user_data;
  g_autofree char *path = lodge_paths_dup_engine_socket ();
  gint64 now = g_get_monotonic_time ();
  struct stat info;

  drop_old_jobs (self);
  if (lstat (path, &info) != 0 || info.st_ino != self->socket_inode) {
    g_autoptr (GError) error = NULL;

    stop_listening (self);
    if (!is_still_the_engine ()) {
      /* The other one has found our machines by their locks, and serves. */
      self->watch = 0;
      g_signal_emit (self, signals[QUIT], 0);
      return G_SOURCE_REMOVE;
    }
    if (!bind_socket (self, &error))
      g_debug ("%s", error->message); /* the runtime folder is gone; tried again */
  }

  if (self->idle_exit_s == 0 || has_something_to_do (self)) {
    self->idle_since_us = 0;
  } else if (self->idle_since_us == 0) {
    self->idle_since_us = now;
  } else if (now - self->idle_since_us > (gint64) self->idle_exit_s * G_USEC_PER_SEC) {
    g_signal_emit (self, signals[QUIT], 0);
  }
  return G_SOURCE_CONTINUE;
}

static void
quit_now (LodgeService *self)
{
  if (self->quit_timeout == 0)
    return;
  g_clear_handle_id (&self->quit_timeout, g_source_remove);
  g_signal_emit (self, signals[QUIT], 0);
}

static gboolean
quit_limit_cb (gpointer user_data)
{
  quit_now (user_data);
  return G_SOURCE_CONTINUE; /* removed by then */
}

static void
flushed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeService) self = user_data;

  /* One that cannot be flushed is gone. */
  g_dbus_connection_flush_finish (G_DBUS_CONNECTION (source), result, NULL);
  if (--self->flushing == 0)
    quit_now (self);
}

static void
quit_cb (LodgeServiceEngine *engine, LodgeService *self)
{
  if (self->quit_timeout != 0)
    return;
  /* After the answer to Quit is on its way; but a client that reads nothing is not waited for. */
  self->quit_timeout = g_timeout_add (FLUSH_LIMIT_MS, quit_limit_cb, self);
  self->flushing = self->connections->len;
  for (guint i = 0; i < self->connections->len; i++)
    g_dbus_connection_flush (self->connections->pdata[i], NULL, flushed_cb, g_object_ref (self));
}

LodgeService *
lodge_service_new (LodgeLibrary *library, guint idle_exit_s, GError **error)
{
  g_autoptr (LodgeService) self = g_object_new (LODGE_TYPE_SERVICE, NULL);

  /* Registers the names of errors on the wire. */
  (void) LODGE_ERROR;
  self->library = g_object_ref (library);
  self->idle_exit_s = idle_exit_s;
  self->engine = lodge_service_engine_new (library);
  self->host = lodge_service_host_new (lodge_library_get_host (library));
  g_signal_connect_object (self->engine, "open-machine", G_CALLBACK (open_machine_cb), self, 0);
  g_signal_connect_object (self->engine, "quit", G_CALLBACK (quit_cb), self, 0);
  g_signal_connect_object (library, "machine-removed", G_CALLBACK (machine_removed_cb), self, 0);
  g_signal_connect_object (library, "job-added", G_CALLBACK (job_added_cb), self, 0);
  if (!bind_socket (self, error))
    return NULL;
  self->watch = g_timeout_add_seconds (WATCH_INTERVAL_S, watch_cb, self);
  return g_steal_pointer (&self);
}

int
lodge_service_lock (GError **error)
{
  g_autofree char *folder = lodge_paths_ensure_runtime (error);
  g_autofree char *path = NULL;
  int fd;

  if (folder == NULL)
    return -1;
  path = g_build_filename (folder, LOCK_NAME, NULL);
  fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED, _ ("Could not open %s: %s"), path,
                 g_strerror (errno));
    return -1;
  }
  if (flock (fd, LOCK_EX | LOCK_NB) != 0) {
    close (fd);
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_EXISTS,
                         _ ("The engine of this user is running already"));
    return -1;
  }
  held_lock = fd;
  return fd;
}

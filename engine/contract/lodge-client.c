/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client's connection to the engine of this user.
 *
 * Connecting is one sequence of short blocking steps (reach the socket, speak D-Bus, ask for the
 * version; no engine: start one and try again), so it is written as such and runs either in the
 * caller's thread or in a worker. The object and its proxies are made in the caller's thread
 * afterwards, because that is where their signals are to arrive.
 *
 * Owns: the D-Bus connection, which is closed when the client is let go.
 * Never: polls a connected engine; its end is told by the socket.
 */
#include "lodge-client.h"

#include "lodge-error.h"
#include "lodge-paths.h"
#include "lodge-starter.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gi18n-lib.h>

/* How long an engine may take to answer a first question, a started one included. */
#define TIMEOUT_S 5
/* A start on a computer that is busy is slow; GDBus would give up after 25 seconds. */
#define CALL_LIMIT_MS (LODGE_CLIENT_CALL_LIMIT_S * 1000)
/* Between two attempts: short at first, since an engine is up in a few milliseconds. */
#define FIRST_PAUSE_US   (2 * 1000)
#define LONGEST_PAUSE_US (20 * 1000)

struct _LodgeClient {
  GObject parent_instance;

  GDBusConnection *connection;
  LodgeEngine1 *engine;
  LodgeHost1 *host;
};

G_DEFINE_FINAL_TYPE (LodgeClient, lodge_client, G_TYPE_OBJECT)

enum { SIGNAL_CLOSED, N_SIGNALS };
static guint signals[N_SIGNALS];

/* What reaching an engine gives, on its way to the caller's thread. */
typedef struct {
  GDBusConnection *connection;
  GVariant *properties; /* of Engine1, a{sv} */
} Link;

/* Takes both. */
static Link *
link_new (GDBusConnection *connection, GVariant *properties)
{
  Link *self = g_new0 (Link, 1);

  self->connection = connection;
  self->properties = properties;
  return self;
}

static void
link_free (Link *self)
{
  g_clear_object (&self->connection);
  g_clear_pointer (&self->properties, g_variant_unref);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Link, link_free)

/* --- A time limit for calls that only know a GCancellable --- */

/* A thread, because the caller may have no main loop, and a time limit on the socket itself would
 * go on to hold for the finished connection, which may be silent for hours. */
typedef struct {
  GMutex mutex;
  GCond cond;
  gboolean over; /* by mutex */
  gint64 end_us;
  GCancellable *cancellable; /* cancelled at the end, or by the caller's */
  GCancellable *callers;
  gulong callers_id;
  GThread *thread;
} Limit;

static gpointer
limit_thread (gpointer user_data)
{
  Limit *self = user_data;
  gboolean late = FALSE;

  g_mutex_lock (&self->mutex);
  while (!self->over && !late)
    late = !g_cond_wait_until (&self->cond, &self->mutex, self->end_us);
  late = late && !self->over;
  g_mutex_unlock (&self->mutex);
  if (late)
    g_cancellable_cancel (self->cancellable);
  return NULL;
}

static void
callers_cancelled_cb (GCancellable *callers, GCancellable *cancellable)
{
  g_cancellable_cancel (cancellable);
}

static Limit *
limit_new (guint timeout_s, GCancellable *callers)
{
  Limit *self = g_new0 (Limit, 1);

  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->end_us = g_get_monotonic_time () + timeout_s * G_USEC_PER_SEC;
  self->cancellable = g_cancellable_new ();
  if (callers != NULL) {
    self->callers = g_object_ref (callers);
    self->callers_id = g_cancellable_connect (callers, G_CALLBACK (callers_cancelled_cb),
                                              g_object_ref (self->cancellable), g_object_unref);
  }
  self->thread = g_thread_new ("lodge-limit", limit_thread, self);
  return self;
}

static void
limit_free (Limit *self)
{
  g_mutex_lock (&self->mutex);
  self->over = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
  g_thread_join (self->thread);
  if (self->callers != NULL)
    g_cancellable_disconnect (self->callers, self->callers_id);
  g_clear_object (&self->callers);
  g_object_unref (self->cancellable);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Limit, limit_free)

static int
limit_get_remaining_ms (Limit *self)
{
  gint64 us = self->end_us - g_get_monotonic_time ();

  return (int) CLAMP (us / 1000, 1, G_MAXINT);
}

/* --- Reaching an engine --- */

/* A raised limit is for computers that are very busy. */
static guint
get_timeout_s (void)
{
  const char *text = g_getenv ("LODGE_ENGINE_TIMEOUT");
  guint64 seconds;

  if (text != NULL && g_ascii_string_to_unsigned (text, 10, 1, 600, &seconds, NULL))
    return (guint) seconds;
  return TIMEOUT_S;
}

static GDBusConnection *
open_connection (const char *path, gboolean foreign, GCancellable *cancellable, GError **error)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocketConnection) stream = NULL;
  GDBusConnectionFlags flags = G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT;

  socket =
      g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (socket == NULL || !g_socket_connect (socket, address, cancellable, error))
    return NULL;
  stream = g_socket_connection_factory_create_connection (socket);

  /* Behind an ssh tunnel our uid here need not be that of the engine's user. GLib 2.74's own
   * constructors refuse the flag by an assertion; its properties take it. */
  if (foreign)
    flags |= G_DBUS_CONNECTION_FLAGS_CROSS_NAMESPACE;
  return g_initable_new (G_TYPE_DBUS_CONNECTION, cancellable, error, "stream", stream, "flags",
                         flags, NULL);
}

/* Whether @error means that no engine serves the socket, rather than that one refused us. */
static gboolean
is_absent (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED) ||
         /* Closed in the middle of the greeting: that engine was just ending. */
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE) ||
         /* More clients at once than the socket's queue holds. */
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

static void
set_late_error (GError **error, const char *path, LodgeStarter *starter, guint timeout_s)
{
  g_autofree char *hint = starter != NULL ? lodge_starter_dup_hint (starter) : NULL;

  if (hint != NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                 _ ("The engine was started and did not answer on %s within %u seconds; %s"), path,
                 timeout_s, hint);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                 _ ("The engine did not answer on %s within %u seconds"), path, timeout_s);
}

/* Turns what GIO said into what the user can do. */
static void
set_connect_error (GError **error, const GError *cause, const char *path)
{
  LodgeError code = LODGE_ERROR_FAILED;

  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    code = LODGE_ERROR_DENIED;
  g_set_error (error, LODGE_ERROR, code, _ ("Could not connect to the engine on %s: %s"), path,
               cause->message);
}

/* One attempt after the other until an engine speaks, one is refused, or time is up. */
static GDBusConnection *
find_engine (const char *path,
             LodgeClientFlags flags,
             LodgeStarter *starter,
             gboolean foreign,
             Limit *limit,
             GError **error)
{
  gulong pause_us = FIRST_PAUSE_US;

  for (;;) {
    g_autoptr (GError) cause = NULL;
    GDBusConnection *connection = open_connection (path, foreign, limit->cancellable, &cause);

    if (connection != NULL)
      return connection;
    if (!is_absent (cause)) {
      if (g_cancellable_is_cancelled (limit->cancellable))
        g_propagate_error (error, g_steal_pointer (&cause));
      else
        set_connect_error (error, cause, path);
      return NULL;
    }
    if (starter == NULL) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("No engine is running on %s"),
                   path);
      return NULL;
    }
    if (!lodge_starter_step (starter, error))
      return NULL;
    g_usleep (pause_us);
    pause_us = MIN (pause_us * 3 / 2, LONGEST_PAUSE_US);
    if (g_cancellable_set_error_if_cancelled (limit->cancellable, error))
      return NULL;
  }
}

/* Engine1's properties, after a look at the version. */
static GVariant *
greet (GDBusConnection *connection,
       const char *path,
       LodgeClientFlags flags,
       Limit *limit,
       GError **error)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) properties = NULL;
  g_autoptr (GError) cause = NULL;
  guint32 version = 0;

  reply = g_dbus_connection_call_sync (
      connection, NULL, LODGE_CLIENT_ENGINE_PATH, "org.freedesktop.DBus.Properties", "GetAll",
      g_variant_new ("(s)", "org.lodgevm.Engine1"), G_VARIANT_TYPE ("(a{sv})"),
      G_DBUS_CALL_FLAGS_NONE, limit_get_remaining_ms (limit), limit->cancellable, &cause);
  if (reply == NULL && (g_cancellable_is_cancelled (limit->cancellable) ||
                        g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))) {
    g_cancellable_cancel (limit->cancellable);
    g_propagate_error (error, g_steal_pointer (&cause));
    return NULL;
  }
  if (reply == NULL && !g_dbus_error_is_remote_error (cause)) {
    set_connect_error (error, cause, path);
    return NULL;
  }
  if (reply == NULL) {
    g_dbus_error_strip_remote_error (cause);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("What answers on %s is not an engine of Lodge: %s"), path, cause->message);
    return NULL;
  }

  g_variant_get (reply, "(@a{sv})", &properties);
  (void) g_variant_lookup (properties, "ApiVersion", "u", &version);
  if (version != LODGE_CLIENT_API_VERSION && (flags & LODGE_CLIENT_FLAGS_ANY_VERSION) == 0) {
    if (version > LODGE_CLIENT_API_VERSION)
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("This program is older than the engine that runs: it speaks version %d of "
                      "Lodge's interface, and the engine version %u. Close all of its windows and "
                      "start it again"),
                   LODGE_CLIENT_API_VERSION, version);
    else
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("The running engine speaks version %u of Lodge's interface and this program "
                      "version %d: end it with “lodgectl engine stop” (machines go on running) and "
                      "try again"),
                   version, LODGE_CLIENT_API_VERSION);
    return NULL;
  }
  return g_steal_pointer (&properties);
}

/* Everything that may block. */
static Link *
reach (LodgeClientFlags flags, GCancellable *cancellable, GError **error)
{
  const char *foreign = g_getenv ("LODGE_ENGINE_SOCKET");
  g_autofree char *path = NULL;
  g_autofree char *runtime = NULL;
  g_autoptr (LodgeStarter) starter = NULL;
  g_autoptr (Limit) limit = NULL;
  g_autoptr (GDBusConnection) connection = NULL;
  GVariant *properties = NULL;
  g_autoptr (GError) cause = NULL;
  guint timeout_s = get_timeout_s ();

  (void) lodge_error_quark (); /* from here on GDBus knows our errors */
  if (foreign != NULL && *foreign == '\0')
    foreign = NULL;
  path = foreign != NULL ? g_strdup (foreign) : lodge_paths_dup_engine_socket ();
  if (strlen (path) > LODGE_PATHS_MOST_SOCKET_BYTES) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("The path %s is too long for a socket, which may have %d bytes"), path,
                 (int) LODGE_PATHS_MOST_SOCKET_BYTES);
    return NULL;
  }
  if (foreign == NULL && (flags & LODGE_CLIENT_FLAGS_NO_START) == 0) {
    runtime = lodge_paths_ensure_runtime (error);
    if (runtime == NULL)
      return NULL;
    starter = lodge_starter_new (runtime);
  }

  limit = limit_new (timeout_s, cancellable);
  connection = find_engine (path, flags, starter, foreign != NULL, limit, &cause);
  if (connection != NULL)
    properties = greet (connection, path, flags, limit, &cause);
  if (properties != NULL)
    return link_new (g_steal_pointer (&connection), properties);

  if (g_cancellable_is_cancelled (cancellable))
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_CANCELLED,
                         _ ("Connecting to the engine was stopped"));
  else if (g_cancellable_is_cancelled (limit->cancellable))
    set_late_error (error, path, starter, timeout_s);
  else
    g_propagate_error (error, g_steal_pointer (&cause));
  return NULL;
}

/* --- The object --- */

static void
closed_cb (GDBusConnection *connection, gboolean vanished, GError *error, LodgeClient *self)
{
  g_signal_emit (self, signals[SIGNAL_CLOSED], 0);
}

static LodgeClient *
client_new (Link *link, GError **error)
{
  g_autoptr (LodgeClient) self = g_object_new (LODGE_TYPE_CLIENT, NULL);
  /* Engine1's properties never change and are here already; Host1 has none. */
  GDBusProxyFlags flags =
      G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES | G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START;
  GVariantIter iter;
  const char *name;
  GVariant *value;

  self->connection = g_object_ref (link->connection);
  g_signal_connect_object (self->connection, "closed", G_CALLBACK (closed_cb), self, 0);
  self->engine = lodge_engine1_proxy_new_sync (self->connection, flags, NULL,
                                               LODGE_CLIENT_ENGINE_PATH, NULL, error);
  if (self->engine == NULL)
    return NULL;
  g_variant_iter_init (&iter, link->properties);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &value)) {
    g_dbus_proxy_set_cached_property (G_DBUS_PROXY (self->engine), name, value);
    g_variant_unref (value);
  }
  self->host = lodge_host1_proxy_new_sync (self->connection, flags, NULL, LODGE_CLIENT_HOST_PATH,
                                           NULL, error);
  if (self->host == NULL)
    return NULL;
  g_dbus_proxy_set_default_timeout (G_DBUS_PROXY (self->engine), CALL_LIMIT_MS);
  g_dbus_proxy_set_default_timeout (G_DBUS_PROXY (self->host), CALL_LIMIT_MS);

  /* It may have gone before there was somebody to hear the signal. */
  if (g_dbus_connection_is_closed (self->connection)) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                         _ ("The engine closed the connection"));
    return NULL;
  }
  return g_steal_pointer (&self);
}

LodgeClient *
lodge_client_connect_sync (LodgeClientFlags flags, GCancellable *cancellable, GError **error)
{
  g_autoptr (Link) link = reach (flags, cancellable, error);

  return link != NULL ? client_new (link, error) : NULL;
}

static void
connect_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  GError *error = NULL;
  Link *link = reach (GPOINTER_TO_UINT (task_data), cancellable, &error);

  if (link != NULL)
    g_task_return_pointer (task, link, (GDestroyNotify) link_free);
  else
    g_task_return_error (task, error);
}

void
lodge_client_connect_async (LodgeClientFlags flags,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, lodge_client_connect_async);
  /* So that a cancelled connect comes back with our error and not GIO's. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, GUINT_TO_POINTER (flags), NULL);
  g_task_run_in_thread (task, connect_thread);
}

LodgeClient *
lodge_client_connect_finish (GAsyncResult *result, GError **error)
{
  g_autoptr (Link) link = g_task_propagate_pointer (G_TASK (result), error);

  return link != NULL ? client_new (link, error) : NULL;
}

GDBusConnection *
lodge_client_get_connection (LodgeClient *self)
{
  return self->connection;
}

LodgeEngine1 *
lodge_client_get_engine (LodgeClient *self)
{
  return self->engine;
}

LodgeHost1 *
lodge_client_get_host (LodgeClient *self)
{
  return self->host;
}

/* --- Opening a machine --- */

/* GDBusProxy makes a proxy even when its properties could not be had; a machine without them is of
 * no use. Takes @machine; NULL with an error. */
static LodgeMachine1 *
check_machine (LodgeMachine1 *machine, GError **error)
{
  if (machine != NULL && lodge_machine1_get_uuid (machine) == NULL) {
    g_object_unref (machine);
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                         _ ("The engine ended before it answered"));
    return NULL;
  }
  if (machine != NULL)
    g_dbus_proxy_set_default_timeout (G_DBUS_PROXY (machine), CALL_LIMIT_MS);
  return machine;
}

static void
machine_proxy_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  LodgeMachine1 *machine = check_machine (lodge_machine1_proxy_new_finish (result, &error), &error);

  if (machine != NULL) {
    g_task_return_pointer (task, machine, g_object_unref);
  } else {
    g_dbus_error_strip_remote_error (error);
    g_task_return_error (task, error);
  }
}

static void
open_machine_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeClient *self = g_task_get_source_object (task);
  g_autofree char *path = NULL;
  GError *error = NULL;

  if (!lodge_engine1_call_open_machine_finish (LODGE_ENGINE1 (source), &path, result, &error)) {
    g_dbus_error_strip_remote_error (error);
    g_task_return_error (task, error);
    return;
  }
  lodge_machine1_proxy_new (self->connection, G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, NULL, path,
                            g_task_get_cancellable (task), machine_proxy_cb, g_object_ref (task));
}

void
lodge_client_open_machine_async (LodgeClient *self,
                                 const char *machine,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, lodge_client_open_machine_async);
  lodge_engine1_call_open_machine (self->engine, machine, cancellable, open_machine_cb, task);
}

LodgeMachine1 *
lodge_client_open_machine_finish (LodgeClient *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

LodgeMachine1 *
lodge_client_open_machine_sync (LodgeClient *self,
                                const char *machine,
                                GCancellable *cancellable,
                                GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) cause = NULL;
  LodgeMachine1 *proxy = NULL;

  if (lodge_engine1_call_open_machine_sync (self->engine, machine, &path, cancellable, &cause))
    proxy = check_machine (lodge_machine1_proxy_new_sync (self->connection,
                                                          G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START,
                                                          NULL, path, cancellable, &cause),
                           &cause);
  if (proxy == NULL) {
    g_dbus_error_strip_remote_error (cause);
    g_propagate_error (error, g_steal_pointer (&cause));
  }
  return proxy;
}

/* --- GObject --- */

static void
lodge_client_dispose (GObject *object)
{
  LodgeClient *self = LODGE_CLIENT (object);

  g_clear_object (&self->engine);
  g_clear_object (&self->host);
  if (self->connection != NULL) {
    g_signal_handlers_disconnect_by_data (self->connection, self);
    if (!g_dbus_connection_is_closed (self->connection))
      g_dbus_connection_close (self->connection, NULL, NULL, NULL);
    g_clear_object (&self->connection);
  }
  G_OBJECT_CLASS (lodge_client_parent_class)->dispose (object);
}

static void
lodge_client_class_init (LodgeClientClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_client_dispose;

  signals[SIGNAL_CLOSED] = g_signal_new ("closed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                         NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
lodge_client_init (LodgeClient *self)
{
}

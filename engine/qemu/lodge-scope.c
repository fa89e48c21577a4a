/* SPDX-License-Identifier: GPL-3.0-or-later */
/* systemd scopes of the user's manager.
 *
 * Theory of operation. StartTransientUnit (org.freedesktop.systemd1(5)) makes a scope around a
 * process that exists already. The manager is reached on its private socket, which needs no bus,
 * else over the session bus. All of it happens in a thread with a limit, since connecting to a
 * manager that hangs would hold up the engine for as long.
 *
 * Never: fails a start. A machine without a scope runs as well.
 */
#include "qemu/lodge-scope.h"

#include <gio/gio.h>

#define MANAGER_NAME      "org.freedesktop.systemd1"
#define MANAGER_PATH      "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

guint lodge_scope_limit_ms = 2000;

/* How long systemd may take from its answer to having moved the process. */
#define MOVE_LIMIT_MS 1000
/* What a scope's processes get at logout between the polite signal and the other. By then the
 * engine has shut the guest down. */
#define STOP_LIMIT_SECONDS 10

/* Shared by the caller and the thread; the last one frees it. */
typedef struct {
  gatomicrefcount references;
  GPid pid;
  char *unit;
  GMutex lock;
  GCond finished;
  gboolean done;
  gboolean placed;
} Placement;

static void
placement_unref (Placement *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;

  g_free (self->unit);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->finished);
  g_free (self);
}

/* @out_name: the bus name to call, NULL where the manager itself is at the other end. */
static GDBusConnection *
connect_to_manager (const char **out_name)
{
  g_autofree char *private =
      g_build_filename (g_get_user_runtime_dir (), "systemd", "private", NULL);
  g_autofree char *escaped = g_dbus_address_escape_value (private);
  g_autofree char *address = g_strconcat ("unix:path=", escaped, NULL);
  const char *bus = g_getenv ("DBUS_SESSION_BUS_ADDRESS");
  GDBusConnection *connection = NULL;

  *out_name = NULL;
  if (g_file_test (private, G_FILE_TEST_EXISTS))
    connection = g_dbus_connection_new_for_address_sync (
        address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, NULL);
  /* Only a bus that is there: without the variable GDBus would try to start one. */
  if (connection == NULL && bus != NULL) {
    *out_name = MANAGER_NAME;
    connection =
        g_dbus_connection_new_for_address_sync (bus,
                                                G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                    G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                                NULL, NULL, NULL);
  }
  return connection;
}

static GVariant *
scope_properties (const Placement *self)
{
  const char *const before[] = {"lodge-engine.service", NULL};
  guint32 pid = (guint32) self->pid;
  GVariantBuilder properties;

  g_variant_builder_init (&properties, G_VARIANT_TYPE ("a(sv)"));
  g_variant_builder_add (&properties, "(sv)", "Description", g_variant_new_string (self->unit));
  g_variant_builder_add (
      &properties, "(sv)", "PIDs",
      g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, &pid, 1, sizeof (guint32)));
  g_variant_builder_add (&properties, "(sv)", "Slice", g_variant_new_string ("app-lodge.slice"));
  /* Only a delegated unit can be joined later. */
  g_variant_builder_add (&properties, "(sv)", "Delegate", g_variant_new_boolean (TRUE));
  /* Gone when its last process is, whatever became of it: the name is needed again. */
  g_variant_builder_add (&properties, "(sv)", "CollectMode",
                         g_variant_new_string ("inactive-or-failed"));
  /* Units stop in the opposite order: at logout the engine goes first and waits for its guests. */
  g_variant_builder_add (&properties, "(sv)", "Before", g_variant_new_strv (before, -1));
  g_variant_builder_add (&properties, "(sv)", "TimeoutStopUSec",
                         g_variant_new_uint64 (STOP_LIMIT_SECONDS * G_USEC_PER_SEC));
  return g_variant_builder_end (&properties);
}

static gboolean
call (GDBusConnection *connection,
      const char *name,
      const char *method,
      GVariant *arguments,
      GError **error)
{
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (
      connection, name, MANAGER_PATH, MANAGER_INTERFACE, method, arguments, NULL,
      G_DBUS_CALL_FLAGS_NO_AUTO_START, (int) lodge_scope_limit_ms, NULL, error);

  return answer != NULL;
}

/* The answer to StartTransientUnit comes before the process is moved; its control group tells. */
static gboolean
wait_until_moved (const Placement *self)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/cgroup", (int) self->pid);
  g_autofree char *wanted = g_strconcat ("/", self->unit, NULL);
  gint64 limit = g_get_monotonic_time () + MOVE_LIMIT_MS * 1000;

  for (;;) {
    g_autofree char *groups = NULL;
    /* Before the look: this thread may stand still between the two. */
    const gboolean late = g_get_monotonic_time () >= limit;

    if (!g_file_get_contents (path, &groups, NULL, NULL))
      return FALSE;
    if (strstr (groups, wanted) != NULL)
      return TRUE;
    if (late)
      return FALSE;
    g_usleep (1000);
  }
}

static gboolean
place (const Placement *self)
{
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *code = NULL;
  const char *name = NULL;
  guint32 pid = (guint32) self->pid;

  connection = connect_to_manager (&name);
  if (connection == NULL)
    return FALSE;

  if (call (
          connection, name, "StartTransientUnit",
          g_variant_new ("(ss@a(sv)a(sa(sv)))", self->unit, "fail", scope_properties (self), NULL),
          &error))
    return wait_until_moved (self);

  /* A machine's second process finds the scope that the first has made. */
  code = g_dbus_error_get_remote_error (error);
  if (g_strcmp0 (code, MANAGER_NAME ".UnitExists") == 0) {
    g_clear_error (&error);
    if (call (connection, name, "AttachProcessesToUnit",
              g_variant_new (
                  "(ss@au)", self->unit, "",
                  g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, &pid, 1, sizeof (guint32))),
              &error))
      return wait_until_moved (self);
  }
  g_debug ("No scope for process %d: %s", (int) self->pid, error->message);
  return FALSE;
}

static gpointer
place_thread (gpointer data)
{
  Placement *self = data;
  gboolean placed = place (self);

  g_mutex_lock (&self->lock);
  self->placed = placed;
  self->done = TRUE;
  g_cond_signal (&self->finished);
  g_mutex_unlock (&self->lock);
  placement_unref (self);
  return NULL;
}

gboolean
lodge_scope_place (GPid pid, const char *unit)
{
  Placement *self;
  gboolean placed;
  gint64 limit = g_get_monotonic_time () + lodge_scope_limit_ms * G_TIME_SPAN_MILLISECOND;

  g_return_val_if_fail (pid > 0 && unit != NULL, FALSE);

  self = g_new0 (Placement, 1);
  g_atomic_ref_count_init (&self->references);
  g_atomic_ref_count_inc (&self->references);
  self->pid = pid;
  self->unit = g_strdup (unit);
  g_mutex_init (&self->lock);
  g_cond_init (&self->finished);

  g_thread_unref (g_thread_new ("lodge-scope", place_thread, self));
  g_mutex_lock (&self->lock);
  while (!self->done && g_cond_wait_until (&self->finished, &self->lock, limit))
    ;
  placed = self->placed;
  g_mutex_unlock (&self->lock);
  placement_unref (self);
  return placed;
}

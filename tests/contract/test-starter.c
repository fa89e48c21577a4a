/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting the engine through the user's systemd, with a manager that is played here. */
#include "fake-engine.h"
#include "lodge-client.h"
#include "lodge-config.h"
#include "test-folder.h"

#include <glib/gstdio.h>
#include <string.h>

/* What StartUnit leads to. */
typedef enum {
  UNIT_STARTS,
  UNIT_FAILS,
  UNIT_UNKNOWN,
  UNIT_HANGS,
} Behaviour;

/* A manager on its private socket, in a thread of its own. */
typedef struct {
  Behaviour behaviour;
  GMainContext *context;
  GThread *thread;
  gboolean ending; /* atomic */
  GDBusServer *server;
  GPtrArray *connections;
  FakeEngine *engine; /* once it was started */
  guint n_starts;
} Manager;

static char *runtime; /* XDG_RUNTIME_DIR */

static const char introspection[] =
    "<node>"
    "<interface name='org.freedesktop.systemd1.Manager'>"
    "<method name='StartUnit'><arg type='s' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='o' direction='out'/></method>"
    "<method name='GetUnit'><arg type='s' direction='in'/><arg type='o' direction='out'/></method>"
    "</interface>"
    "<interface name='org.freedesktop.systemd1.Unit'>"
    "<property name='ActiveState' type='s' access='read'/>"
    "</interface>"
    "</node>";

static void
start_unit (Manager *self, GVariant *arguments, GDBusMethodInvocation *invocation)
{
  g_autofree char *socket = g_build_filename (runtime, "lodge", "engine.sock", NULL);
  const char *unit, *mode;

  g_variant_get (arguments, "(&s&s)", &unit, &mode);
  g_assert_cmpstr (unit, ==, "lodge-engine.service");
  self->n_starts++;
  if (self->behaviour == UNIT_UNKNOWN) {
    g_dbus_method_invocation_return_dbus_error (invocation, "org.freedesktop.systemd1.NoSuchUnit",
                                                "Unit lodge-engine.service not found.");
    return;
  }
  if (self->behaviour == UNIT_STARTS)
    self->engine = fake_engine_new (socket);
  g_dbus_method_invocation_return_value (invocation,
                                         g_variant_new ("(o)", "/org/freedesktop/systemd1/job/1"));
}

static void
method_call_cb (GDBusConnection *connection,
                const char *sender,
                const char *path,
                const char *interface,
                const char *method,
                GVariant *arguments,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  if (g_str_equal (method, "StartUnit"))
    start_unit (user_data, arguments, invocation);
  else
    g_dbus_method_invocation_return_value (
        invocation, g_variant_new ("(o)", "/org/freedesktop/systemd1/unit/lodge"));
}

static GVariant *
get_property_cb (GDBusConnection *connection,
                 const char *sender,
                 const char *path,
                 const char *interface,
                 const char *name,
                 GError **error,
                 gpointer user_data)
{
  Manager *self = user_data;

  return g_variant_new_string (self->behaviour == UNIT_FAILS ? "failed" : "activating");
}

static gboolean
new_connection_cb (GDBusServer *server, GDBusConnection *connection, Manager *self)
{
  static const GDBusInterfaceVTable vtable = {method_call_cb, get_property_cb};
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (introspection, NULL);

  g_ptr_array_add (self->connections, g_object_ref (connection));
  g_dbus_connection_register_object (connection, "/org/freedesktop/systemd1", node->interfaces[0],
                                     &vtable, self, NULL, NULL);
  g_dbus_connection_register_object (connection, "/org/freedesktop/systemd1/unit/lodge",
                                     node->interfaces[1], &vtable, self, NULL, NULL);
  return TRUE;
}

static gpointer
manage_thread (gpointer user_data)
{
  Manager *self = user_data;

  g_main_context_push_thread_default (self->context);
  while (!g_atomic_int_get (&self->ending))
    g_main_context_iteration (self->context, TRUE);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static Manager *
manager_new (Behaviour behaviour)
{
  Manager *self = g_new0 (Manager, 1);
  g_autofree char *socket = g_build_filename (runtime, "systemd", "private", NULL);
  g_autofree char *address = g_strconcat ("unix:path=", socket, NULL);
  g_autofree char *guid = g_dbus_generate_guid ();
  g_autoptr (GError) error = NULL;

  self->behaviour = behaviour;
  self->connections = g_ptr_array_new_with_free_func (g_object_unref);
  self->context = g_main_context_new ();
  g_unlink (socket);
  g_main_context_push_thread_default (self->context);
  self->server =
      g_dbus_server_new_sync (address, G_DBUS_SERVER_FLAGS_NONE, guid, NULL, NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (self->server, "new-connection", G_CALLBACK (new_connection_cb), self);
  g_dbus_server_start (self->server);
  g_main_context_pop_thread_default (self->context);
  self->thread = g_thread_new ("manager", manage_thread, self);
  return self;
}

static void
manager_free (Manager *self)
{
  g_autofree char *socket = g_build_filename (runtime, "systemd", "private", NULL);

  g_atomic_int_set (&self->ending, TRUE);
  g_main_context_wakeup (self->context);
  g_thread_join (self->thread);
  g_dbus_server_stop (self->server);
  for (guint i = 0; i < self->connections->len; i++)
    g_dbus_connection_close_sync (self->connections->pdata[i], NULL, NULL);
  g_ptr_array_unref (self->connections);
  g_object_unref (self->server);
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_main_context_unref (self->context);
  g_clear_pointer (&self->engine, fake_engine_free);
  g_unlink (socket);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Manager, manager_free)

static void
test_unit (void)
{
  g_autoptr (Manager) manager = manager_new (UNIT_STARTS);
  g_autoptr (LodgeClient) client = NULL;
  g_autoptr (LodgeClient) second = NULL;
  g_autoptr (GError) error = NULL;

  client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error);
  g_assert_no_error (error);
  second = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (manager->n_starts, ==, 1);
}

static void
test_unit_fails (void)
{
  g_autoptr (Manager) manager = manager_new (UNIT_FAILS);
  g_autoptr (GError) error = NULL;

  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "journalctl --user -u lodge-engine.service"));
  g_assert_cmpuint (manager->n_starts, ==, 1);
}

static void
test_unit_hangs (void)
{
  g_autoptr (Manager) manager = manager_new (UNIT_HANGS);
  g_autoptr (GError) error = NULL;
  guint n_asked = 0;

  /* The manager is asked within that time, too. */
  for (guint limit_s = 1; limit_s <= 16 && manager->n_starts == 0; limit_s *= 4) {
    g_autofree char *text = g_strdup_printf ("%u", limit_s);

    n_asked++;
    g_clear_error (&error);
    g_setenv ("LODGE_ENGINE_TIMEOUT", text, TRUE);
    g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  }
  g_setenv ("LODGE_ENGINE_TIMEOUT", "60", TRUE);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT);
  g_assert_cmpuint (manager->n_starts, >=, 1);
  g_assert_cmpuint (manager->n_starts, <=, n_asked);
  g_assert_nonnull (strstr (error->message, "journalctl --user -u lodge-engine.service"));
}

/* Not installed as a unit, or no manager: the program itself is started; here it is missing. */
static void
test_no_unit (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) no_manager_error = NULL;
  Manager *manager;

  if (g_file_test (LODGE_BINDIR "/lodge-engine", G_FILE_TEST_EXISTS)) {
    g_test_skip ("an engine is installed, and would be started");
    return;
  }
  manager = manager_new (UNIT_UNKNOWN);
  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, LODGE_BINDIR "/lodge-engine"));
  g_assert_cmpuint (manager->n_starts, ==, 1);
  manager_free (manager);

  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &no_manager_error));
  g_assert_error (no_manager_error, LODGE_ERROR, LODGE_ERROR_HOST);
}

/* A program chosen by hand is not what the unit runs. */
static void
test_own_program (void)
{
  g_autoptr (Manager) manager = manager_new (UNIT_STARTS);
  g_autoptr (GError) error = NULL;

  g_setenv ("LODGE_ENGINE", "/nowhere/lodge-engine", TRUE);
  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_unsetenv ("LODGE_ENGINE");
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_cmpuint (manager->n_starts, ==, 0);
}

int
main (int argc, char **argv)
{
  g_autofree char *systemd = NULL;
  int status;

  /* GLib reads it once, so before anything else. */
  runtime = g_dir_make_tmp ("lodge-XXXXXX", NULL);
  g_assert_nonnull (runtime);
  g_setenv ("XDG_RUNTIME_DIR", runtime, TRUE);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "disabled:", TRUE);
  g_setenv ("LODGE_ENGINE_TIMEOUT", "60", TRUE);
  g_unsetenv ("LODGE_RUNTIME_DIR");
  g_unsetenv ("LODGE_ENGINE");
  g_unsetenv ("LODGE_ENGINE_SOCKET");
  systemd = g_build_filename (runtime, "systemd", NULL);
  g_assert_cmpint (g_mkdir (systemd, 0700), ==, 0);

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/starter/unit", test_unit);
  g_test_add_func ("/starter/unit-fails", test_unit_fails);
  g_test_add_func ("/starter/unit-hangs", test_unit_hangs);
  g_test_add_func ("/starter/no-unit", test_no_unit);
  g_test_add_func ("/starter/own-program", test_own_program);
  status = g_test_run ();
  test_folder_remove (runtime);
  g_free (runtime);
  return status;
}

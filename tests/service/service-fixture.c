/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See service-fixture.h. */
#include "service-fixture.h"

#include "lodge-paths.h"
#include "test-folder.h"
#include "test-wait.h"

#include <unistd.h>

LodgeClient *
service_fixture_connect (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeClient *client;

  lodge_client_connect_async (LODGE_CLIENT_FLAGS_NO_START, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  client = lodge_client_connect_finish (result, &error);
  g_assert_no_error (error);
  return client;
}

void
service_fixture_set_up (ServiceFixture *self, gconstpointer data)
{
  g_autofree char *runtime = NULL;
  g_autofree char *store = NULL;
  g_autoptr (GError) error = NULL;

  test_folder_keep_names ();
  self->folder = g_dir_make_tmp ("lodge-service-XXXXXX", NULL);
  runtime = g_build_filename (self->folder, "run", NULL);
  store = g_build_filename (self->folder, "data", NULL);
  g_setenv ("LODGE_RUNTIME_DIR", runtime, TRUE);

  self->lock = lodge_service_lock (&error);
  g_assert_no_error (error);
  self->library = lodge_library_new (store, &error);
  g_assert_no_error (error);
  self->service = lodge_service_new (self->library, 0, &error);
  g_assert_no_error (error);
  self->client = service_fixture_connect ();
}

void
service_fixture_tear_down (ServiceFixture *self, gconstpointer data)
{
  g_autofree char *quoted = g_shell_quote (self->folder);
  g_autofree char *command = g_strconcat ("rm -rf ", quoted, NULL);

  g_clear_object (&self->client);
  /* A client that is being refused is let go by the main loop. */
  test_wait_unref (self->service);
  /* A thread that has just deleted something holds it a moment longer than its answer. */
  test_wait_unref (self->library);
  close (self->lock);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (self->folder);
}

GVariant *
service_fixture_call (ServiceFixture *self,
                      const char *path,
                      const char *interface,
                      const char *method,
                      GVariant *arguments,
                      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  GDBusConnection *connection = lodge_client_get_connection (self->client);

  g_dbus_connection_call (connection, NULL, path, interface, method, arguments, NULL,
                          G_DBUS_CALL_FLAGS_NONE, TEST_WAIT_S * 1000, NULL, test_wait_result_cb,
                          &result);
  test_wait_until (result != NULL);
  return g_dbus_connection_call_finish (connection, result, error);
}

GVariant *
service_fixture_call_engine (ServiceFixture *self,
                             const char *method,
                             GVariant *arguments,
                             GError **error)
{
  return service_fixture_call (self, LODGE_CLIENT_ENGINE_PATH, "org.lodgevm.Engine1", method,
                               arguments, error);
}

char *
service_fixture_dup_property (ServiceFixture *self,
                              const char *path,
                              const char *interface,
                              const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer =
      service_fixture_call (self, path, "org.freedesktop.DBus.Properties", "Get",
                            g_variant_new ("(ss)", interface, name), &error);
  g_autoptr (GVariant) value = NULL;

  g_assert_no_error (error);
  g_variant_get (answer, "(v)", &value);
  return g_variant_dup_string (value, NULL);
}

char *
service_fixture_wait_job (ServiceFixture *self, const char *job)
{
  for (;;) {
    g_autofree char *state = service_fixture_dup_property (self, job, "org.lodgevm.Job1", "State");

    if (!g_str_equal (state, "running"))
      return g_steal_pointer (&state);
  }
}

char *
service_fixture_create (ServiceFixture *self, const char *name)
{
  g_autofree char *spec = g_strdup_printf ("({'name': <'%s'>, 'disk-size': <uint64 0>},)", name);
  g_autofree char *state = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer =
      service_fixture_call_engine (self, "CreateMachine", g_variant_new_parsed (spec), &error);
  const char *job;

  g_assert_no_error (error);
  g_variant_get (answer, "(&o)", &job);
  state = service_fixture_wait_job (self, job);
  g_assert_cmpstr (state, ==, "done");
  return service_fixture_dup_property (self, job, "org.lodgevm.Job1", "Result");
}

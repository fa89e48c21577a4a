/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the user's session is coming to its end. */
#include "service/lodge-session.h"

/* It happens that systemd lets a first question lie until something more comes over the socket
 * (seen with 252 in the hardware lab, the first time after 15 s). So it is asked again after a
 * while. */
#define AGAIN_MS 1000

static void ask (GDBusConnection *connection, GTask *task);

static void
state_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) value = NULL;
  const gint64 *end_us = g_task_get_task_data (task);

  if (answer == NULL) {
    g_debug ("%s", error->message);
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) &&
        g_get_monotonic_time () < *end_us)
      ask (G_DBUS_CONNECTION (source), g_steal_pointer (&task));
    else
      g_task_return_boolean (task, FALSE);
    return;
  }
  g_variant_get (answer, "(v)", &value);
  g_task_return_boolean (task, g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) &&
                                   g_str_equal (g_variant_get_string (value, NULL), "stopping"));
}

/* Takes @task. */
static void
ask (GDBusConnection *connection, GTask *task)
{
  /* org.freedesktop.systemd1(5), SystemState. */
  g_dbus_connection_call (
      connection, NULL, "/org/freedesktop/systemd1", "org.freedesktop.DBus.Properties", "Get",
      g_variant_new ("(ss)", "org.freedesktop.systemd1.Manager", "SystemState"),
      G_VARIANT_TYPE ("(v)"), G_DBUS_CALL_FLAGS_NONE, AGAIN_MS, NULL, state_cb, task);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection =
      g_dbus_connection_new_for_address_finish (result, &error);

  if (connection == NULL) {
    g_debug ("%s", error->message);
    g_task_return_boolean (task, FALSE);
    return;
  }
  ask (connection, g_steal_pointer (&task));
}

void
lodge_session_is_ending_async (GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");
  g_autofree char *path = NULL;
  g_autofree char *escaped = NULL;
  g_autofree char *address = NULL;
  const gint64 end_us = g_get_monotonic_time () + LODGE_SESSION_LIMIT_MS * G_GINT64_CONSTANT (1000);

  g_task_set_source_tag (task, lodge_session_is_ending_async);
  g_task_set_task_data (task, g_memdup2 (&end_us, sizeof end_us), g_free);
  if (runtime == NULL) {
    g_task_return_boolean (task, FALSE);
    return;
  }
  path = g_build_filename (runtime, "systemd", "private", NULL);
  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_task_return_boolean (task, FALSE);
    return;
  }
  escaped = g_dbus_address_escape_value (path);
  address = g_strconcat ("unix:path=", escaped, NULL);
  g_dbus_connection_new_for_address (address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL,
                                     NULL, connected_cb, g_steal_pointer (&task));
}

gboolean
lodge_session_is_ending_finish (GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), FALSE);
  return g_task_propagate_boolean (G_TASK (result), NULL);
}

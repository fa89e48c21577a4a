/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See display-bus.h. */
#include "display-bus.h"

#include "qmp-fixture.h"

typedef struct {
  const char *xml;
  const GDBusInterfaceVTable *vtable;
  gpointer data;
  GDBusConnection **out_bus;
} Serve;

static void
bus_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Serve *serve = data;
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (serve->xml, NULL);
  GDBusConnection *bus = g_dbus_connection_new_finish (result, NULL);

  g_assert_nonnull (bus);
  g_assert_cmpuint (g_dbus_connection_register_object (bus, "/org/qemu/Display1/Console_1",
                                                       node->interfaces[0], serve->vtable,
                                                       serve->data, NULL, NULL),
                    !=, 0);
  *serve->out_bus = bus;
  g_dbus_connection_start_message_processing (bus);
}

void
display_bus_serve (FakeQmp *fake,
                   const char *xml,
                   const GDBusInterfaceVTable *vtable,
                   gpointer data,
                   GDBusConnection **out_bus)
{
  g_autofree char *guid = g_dbus_generate_guid ();
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fake_qmp_steal_fd (fake), NULL);
  g_autoptr (GSocketConnection) stream = NULL;
  Serve *serve = g_new0 (Serve, 1);

  g_assert_nonnull (socket);
  serve->xml = xml;
  serve->vtable = vtable;
  serve->data = data;
  serve->out_bus = out_bus;
  stream = g_socket_connection_factory_create_connection (socket);
  g_dbus_connection_new (G_IO_STREAM (stream), guid,
                         G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER |
                             G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                         NULL, NULL, bus_cb, serve);
}

void
display_bus_wait_closed (GDBusConnection *bus)
{
  if (bus == NULL)
    return;
  while (!g_dbus_connection_is_closed (bus))
    g_main_context_iteration (NULL, TRUE);
  qmp_fixture_drain ();
  g_object_unref (bus);
}

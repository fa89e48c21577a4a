/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's end of the D-Bus connection that a fake QEMU was given with add_client, as a real one
 * makes it (ui/dbus.c, dbus_display_add_client). */
#pragma once

#include "fake-qmp.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Its first console is served by @vtable with @data, which live as long as it. @out_bus: the
 * connection, once it has been made; the caller's. */
void display_bus_serve (FakeQmp *fake,
                        const char *xml,
                        const GDBusInterfaceVTable *vtable,
                        gpointer data,
                        GDBusConnection **out_bus);
/* The engine has not stayed: waits until it has closed its end. Frees @bus, which may be NULL. */
void display_bus_wait_closed (GDBusConnection *bus);

G_END_DECLS

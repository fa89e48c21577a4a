/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A listener for a monitor's frames, registered with a fake QEMU that waits as a real one does: in
 * its main thread, for who it is and for what it can do (QEMU 10.0, ui/dbus-console.c and
 * ui/dbus-listener.c). */
#include "display-bus.h"
#include "qmp-fixture.h"

#include "lodge-error.h"
#include "qemu/lodge-qemu-display-private.h"
#include "qemu/lodge-qemu-frames.h"

#include "test-folder.h"

#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define LISTENER "org.qemu.Display1.Listener"
#define MAP      "org.qemu.Display1.Listener.Unix.Map"

/* What kind of QEMU it is. */
typedef enum {
  MAPS,    /* 10 and later */
  BYTES,   /* has Interfaces, and sends pictures */
  OLD,     /* has no Interfaces: 7.2 */
  LEAVES,  /* lets the listener in, and closes */
  SILENT,  /* takes the socket and says nothing */
  WITHOUT, /* was started without the interface */
} Kind;

typedef struct {
  QmpFixture qmp;
  Kind kind;
  char *keyring;
  GDBusConnection *bus; /* QEMU's end */
  GDBusConnection *listener;
  gboolean maps; /* what the listener says */
  gboolean served;
} Fixture;

#define HEAD "<node><interface name='org.qemu.Display1.Console'>"
#define TAIL                                                                                       \
  "<method name='RegisterListener'><arg type='h' direction='in'/></method></interface></node>"
static const char old_xml[] = HEAD TAIL;
static const char new_xml[] = HEAD "<property name='Interfaces' type='as' access='read'/>" TAIL;

static GDBusProxy *
new_proxy (Fixture *self, const char *interface)
{
  g_autoptr (GError) error = NULL;
  GDBusProxy *proxy =
      g_dbus_proxy_new_sync (self->listener, G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, NULL, NULL,
                             "/org/qemu/Display1/Listener", interface, NULL, &error);

  g_assert_no_error (error);
  return proxy;
}

static void
use_listener (Fixture *self)
{
  g_autoptr (GDBusProxy) proxy = new_proxy (self, LISTENER);
  g_autoptr (GVariant) interfaces = g_dbus_proxy_get_cached_property (proxy, "Interfaces");
  g_autoptr (GDBusProxy) map = NULL;

  g_assert_nonnull (interfaces);
  g_autofree const char **names = g_variant_get_strv (interfaces, NULL);
  self->maps = g_strv_contains (names, MAP);
  if (self->kind == MAPS) {
    map = new_proxy (self, MAP);
    g_dbus_connection_call (self->listener, NULL, "/org/qemu/Display1/Listener", MAP, "UpdateMap",
                            g_variant_new ("(iiii)", 1, 2, 3, 4), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
                            NULL, NULL, NULL);
  } else {
    g_dbus_connection_call (
        self->listener, NULL, "/org/qemu/Display1/Listener", LISTENER, "Scanout",
        g_variant_new ("(uuuu@ay)", 1, 1, 4, 0, g_variant_new_bytestring ("abc")), NULL,
        G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
  }
}

static void
call_cb (GDBusConnection *bus,
         const char *sender,
         const char *path,
         const char *interface,
         const char *method,
         GVariant *parameters,
         GDBusMethodInvocation *invocation,
         gpointer data)
{
  Fixture *self = data;
  GUnixFDList *list =
      g_dbus_message_get_unix_fd_list (g_dbus_method_invocation_get_message (invocation));
  g_autofree char *guid = g_dbus_generate_guid ();
  g_autoptr (GSocketConnection) stream = NULL;
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (list);
  socket = g_socket_new_from_fd (g_unix_fd_list_get (list, 0, NULL), NULL);
  g_assert_nonnull (socket);
  stream = g_socket_connection_factory_create_connection (socket);
  g_dbus_method_invocation_return_value (invocation, NULL);
  if (self->kind == LEAVES)
    return;
  self->listener = g_dbus_connection_new_sync (G_IO_STREAM (stream), guid,
                                               G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER, NULL,
                                               NULL, &error);
  g_assert_no_error (error);
  use_listener (self);
}

static GVariant *
get_cb (GDBusConnection *bus,
        const char *sender,
        const char *path,
        const char *interface,
        const char *property,
        GError **error,
        gpointer data)
{
  return g_variant_new_strv (NULL, 0);
}

static void
serve (Fixture *self)
{
  static const GDBusInterfaceVTable vtable = {.method_call = call_cb, .get_property = get_cb};

  display_bus_serve (self->qmp.fake, self->kind == OLD ? old_xml : new_xml, &vtable, self,
                     &self->bus);
}

static int
open_frames (Fixture *self, guint monitor, GError **error)
{
  QmpWait wait = {0};
  g_autoptr (GAsyncResult) result = NULL;

  lodge_qemu_frames_open_async (self->qmp.qmp, self->keyring, monitor, qmp_fixture_done_cb, &wait);
  while (!wait.done && fake_qmp_count (self->qmp.fake, "add_client") == 0)
    g_main_context_iteration (NULL, TRUE);
  if (!wait.done && self->kind != SILENT && self->kind != WITHOUT)
    serve (self);
  qmp_fixture_iterate_until (&wait.done);
  result = wait.result;
  return lodge_qemu_frames_open_finish (self->qmp.qmp, result, error);
}

static void
set_up (Fixture *self, gconstpointer kind)
{
  self->kind = GPOINTER_TO_INT (kind);
  qmp_fixture_set_up_connected (&self->qmp, NULL);
  self->keyring = g_strdup (g_getenv (LODGE_QEMU_DISPLAY_KEYRING_VARIABLE));
  fake_qmp_answer (self->qmp.fake, "getfd", "{}");
  if (self->kind == WITHOUT)
    fake_qmp_refuse (self->qmp.fake, "add_client", "GenericError", "protocol is invalid");
  else
    fake_qmp_answer (self->qmp.fake, "add_client", "{}");
  fake_qmp_answer (self->qmp.fake, "closefd", "{}");
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  /* The engine has not stayed, anywhere. */
  display_bus_wait_closed (self->bus);
  display_bus_wait_closed (self->listener);
  g_free (self->keyring);
  qmp_fixture_tear_down (&self->qmp, NULL);
}

/* What comes out is ready to be used: the next thing on it is a call to the listener. */
static void
test_maps (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusMessage) message = NULL;
  guchar bytes[1024];
  const int fd = open_frames (self, 1, &error);
  gssize length = 0;

  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  g_assert_true (self->maps);
  g_assert_true (g_unix_set_fd_nonblocking (fd, FALSE, NULL));
  while (length < 16 || length < g_dbus_message_bytes_needed (bytes, length, NULL)) {
    const gssize n = read (fd, bytes + length, sizeof bytes - length);

    g_assert_cmpint (n, >, 0);
    length += n;
  }
  message = g_dbus_message_new_from_blob (bytes, length, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_dbus_message_get_member (message), ==, "UpdateMap");
  close (fd);
}

static void
expect (Fixture *self, guint monitor, int code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (open_frames (self, monitor, &error), ==, -1);
  qmp_fixture_assert_error (error, code, part);
}

static void
test_none (Fixture *self, gconstpointer unused)
{
  expect (self, 1, LODGE_ERROR_HOST, "no frames to map");
}

static void
test_no_monitor (Fixture *self, gconstpointer unused)
{
  expect (self, 7, LODGE_ERROR_NOT_FOUND, "no monitor 7");
}

static void
test_leaves (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (open_frames (self, 1, &error), ==, -1);
  g_assert_nonnull (error);
  g_assert_false (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_HOST));
}

static void
test_silent (Fixture *self, gconstpointer unused)
{
  lodge_qemu_display_limit_ms = LODGE_QEMU_DISPLAY_LIMIT_MS;
  expect (self, 1, LODGE_ERROR_TIMEOUT, "within 5 seconds");
  lodge_qemu_display_limit_ms = QMP_FIXTURE_LONG_MS;
}

static void
test_without (Fixture *self, gconstpointer unused)
{
  expect (self, 1, LODGE_ERROR_FAILED, "protocol is invalid");
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-frames-XXXXXX", NULL);
  g_autofree char *keyring = g_build_filename (folder, "keyring", NULL);

  g_setenv (LODGE_QEMU_DISPLAY_KEYRING_VARIABLE, keyring, TRUE);
  g_test_init (&argc, &argv, NULL);
  lodge_qemu_display_limit_ms = QMP_FIXTURE_LONG_MS;
#define ADD(path, kind, test)                                                                      \
  g_test_add ("/qemu-frames/" path, Fixture, GINT_TO_POINTER (kind), set_up, test, tear_down)
  ADD ("maps", MAPS, test_maps);
  ADD ("bytes", BYTES, test_none);
  ADD ("old", OLD, test_none);
  ADD ("no-monitor", MAPS, test_no_monitor);
  ADD ("leaves", LEAVES, test_leaves);
  ADD ("silent", SILENT, test_silent);
  ADD ("without", WITHOUT, test_without);
#undef ADD
  int status = g_test_run ();
  test_folder_remove (folder);
  return status;
}

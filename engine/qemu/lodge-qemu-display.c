/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's own display interface (docs/interop/dbus-display.rst, ui/dbus-display1.xml): the size of a
 * screen. SetUIInfo is called on the console's object.
 *
 * The connection is closed at the end: nothing of what else QEMU may say there is wanted, and QEMU
 * may have been taken over by its guest.
 */
#include "qemu/lodge-qemu-display-private.h"

#include "lodge-error.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>

typedef struct {
  guint monitor;
  guint width;
  guint height;
  GDBusConnection *bus;
  GCancellable *cancellable; /* by the limit */
  guint limit;
} Size;

static void
size_free (gpointer data)
{
  Size *size = data;

  g_clear_handle_id (&size->limit, g_source_remove);
  if (size->bus != NULL)
    g_dbus_connection_close (size->bus, NULL, NULL, NULL);
  g_clear_object (&size->bus);
  g_clear_object (&size->cancellable);
  g_free (size);
}

static gboolean
limit_cb (gpointer user_data)
{
  Size *size = user_data;

  size->limit = 0;
  g_cancellable_cancel (size->cancellable);
  return G_SOURCE_REMOVE;
}

/* Takes @error, which is GDBus's: a sentence of ours, with what QEMU says. */
static void
fail (GTask *task, GError *error)
{
  g_autoptr (GError) owned = error;
  Size *size = g_task_get_task_data (task);

  if (g_cancellable_is_cancelled (size->cancellable)) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                             _ ("QEMU did not take the screen’s size within %d seconds"),
                             lodge_qemu_display_limit_ms / 1000);
    return;
  }
  g_dbus_error_strip_remote_error (owned);
  g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_HOST,
                           _ ("The graphics card cannot be told a size of %u×%u: %s"), size->width,
                           size->height, owned->message);
}

/* ---- the call */

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GVariant) answer = NULL;
  GError *error = NULL;

  answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (answer != NULL)
    g_task_return_boolean (task, TRUE);
  else
    fail (task, error);
}

static void
bus_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Size *size = g_task_get_task_data (task);
  g_autofree char *path = g_strdup_printf ("/org/qemu/Display1/Console_%u", size->monitor);
  GError *error = NULL;

  size->bus = g_dbus_connection_new_finish (result, &error);
  if (size->bus == NULL) {
    fail (task, error);
    return;
  }
  /* A peer that goes is no reason to end. */
  g_dbus_connection_set_exit_on_close (size->bus, FALSE);
  /* In millimetres 0 by 0 leaves it to the card; the place is the guest's affair. */
  g_dbus_connection_call (size->bus, NULL, path, "org.qemu.Display1.Console", "SetUIInfo",
                          g_variant_new ("(qqiiuu)", 0, 0, 0, 0, size->width, size->height), NULL,
                          G_DBUS_CALL_FLAGS_NONE, (int) lodge_qemu_display_limit_ms,
                          size->cancellable, called_cb, g_steal_pointer (&task));
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Size *size = g_task_get_task_data (task);
  g_autoptr (GSocketConnection) stream = NULL;
  g_autoptr (GSocket) socket = NULL;
  GError *error = NULL;

  socket = lodge_qemu_display_connect_finish (LODGE_QMP (source), result, &error);
  if (socket == NULL && error->domain == LODGE_ERROR) {
    g_prefix_error (&error, "%s: ", _ ("This QEMU cannot be told the screen’s size"));
    g_task_return_error (task, error);
    return;
  }
  if (socket == NULL) {
    fail (task, error);
    return;
  }
  stream = g_socket_connection_factory_create_connection (socket);
  g_dbus_connection_new (G_IO_STREAM (stream), NULL, G_DBUS_CONNECTION_FLAGS_NONE, NULL,
                         size->cancellable, bus_cb, g_steal_pointer (&task));
}

void
lodge_qemu_display_set_size_async (LodgeQmp *qmp,
                                   const char *keyring,
                                   guint monitor,
                                   guint width,
                                   guint height,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (qmp, NULL, callback, user_data);
  Size *size = g_new0 (Size, 1);

  g_task_set_source_tag (task, lodge_qemu_display_set_size_async);
  g_task_set_task_data (task, size, size_free);
  size->monitor = monitor;
  size->width = width;
  size->height = height;
  size->cancellable = g_cancellable_new ();
  const gboolean off = monitor > 0 && width == 0 && height == 0;
  if (monitor >= LODGE_QEMU_DISPLAY_MONITORS || (!off && (width < 1 || height < 1)) ||
      width > LODGE_QEMU_DISPLAY_SIDE_MAX || height > LODGE_QEMU_DISPLAY_SIDE_MAX) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_INVALID,
                             _ ("Monitor %u cannot have %u×%u pixels: there are at most %d "
                                "monitors, and at most %d pixels a side"),
                             monitor, width, height, LODGE_QEMU_DISPLAY_MONITORS,
                             LODGE_QEMU_DISPLAY_SIDE_MAX);
    return;
  }
  size->limit = g_timeout_add (lodge_qemu_display_limit_ms, limit_cb, size);
  lodge_qemu_display_connect_async (qmp, keyring, FALSE, size->cancellable, connected_cb,
                                    g_steal_pointer (&task));
}

gboolean
lodge_qemu_display_set_size_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, qmp), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

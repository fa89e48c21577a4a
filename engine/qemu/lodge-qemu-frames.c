/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A monitor's frames from QEMU's own memory.
 *
 *   a connection of ours   as for a screen's size
 *   Interfaces             asked of the console: older QEMUs do not have it, nor frames to map
 *   RegisterListener       with one end of another pair; QEMU's main thread now waits for us there,
 *   who are you            and asks for the listener's properties: which interfaces it has, and,
 *   GetAll, GetAll         if QEMU has it too, those of Listener.Unix.Map. Then it sends frames
 *                          (QEMU 10.0, ui/dbus-console.c and ui/dbus-listener.c)
 *
 * All of it happens in a thread that waits, with GDBus's messages but not its connection: that
 * cannot be given away once it has begun, nor send descriptors where it did not prove itself who
 * it is.
 */
#include "qemu/lodge-qemu-frames.h"

#include "lodge-error.h"
#include "qemu/lodge-qemu-display-private.h"

#include <gio/gunixfdmessage.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#define CONSOLE      "org.qemu.Display1.Console"
#define LISTENER     "org.qemu.Display1.Listener"
#define MAP          LISTENER ".Unix.Map"
#define PROPERTIES   "org.freedesktop.DBus.Properties"
#define HEADER_BYTES 16
/* What is said here has some hundred bytes. */
#define MESSAGE_BYTES_MAX (64 * 1024)
/* Signals and the like that may come before what is waited for. */
#define STRANGERS_MAX 64

typedef struct {
  guint monitor;
  char *keyring;
  GSocket *bus;
  GCancellable *cancellable; /* by the limit */
  guint limit;
  guint32 serial;
} Frames;

static void
frames_free (gpointer data)
{
  Frames *self = data;

  g_clear_handle_id (&self->limit, g_source_remove);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->bus);
  g_free (self->keyring);
  g_free (self);
}

/* ---- messages, in a thread */

static gboolean
send_message (Frames *self, GSocket *socket, GDBusMessage *message, int fd, GError **error)
{
  g_autoptr (GSocketControlMessage) control = NULL;
  g_autofree guchar *blob = NULL;
  gsize length = 0;

  g_dbus_message_set_serial (message, ++self->serial);
  if (fd >= 0) {
    g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();

    if (g_unix_fd_list_append (list, fd, error) < 0)
      return FALSE;
    g_dbus_message_set_unix_fd_list (message, list);
    control = g_unix_fd_message_new_with_fd_list (list);
  }
  blob = g_dbus_message_to_blob (message, &length, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, error);
  if (blob == NULL)
    return FALSE;
  for (gsize sent = 0; sent < length;) {
    GOutputVector vector = {blob + sent, length - sent};
    /* The descriptor goes with the first byte. */
    const gssize n =
        g_socket_send_message (socket, NULL, &vector, 1, sent == 0 && fd >= 0 ? &control : NULL,
                               sent == 0 && fd >= 0 ? 1 : 0, 0, self->cancellable, error);

    if (n < 0)
      return FALSE;
    sent += (gsize) n;
  }
  return TRUE;
}

static gboolean
receive (Frames *self, GSocket *socket, guchar *bytes, gsize length, GError **error)
{
  for (gsize got = 0; got < length;) {
    const gssize n =
        g_socket_receive (socket, (char *) bytes + got, length - got, self->cancellable, error);

    if (n == 0)
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("QEMU has closed its display"));
    if (n <= 0)
      return FALSE;
    got += (gsize) n;
  }
  return TRUE;
}

static GDBusMessage *
receive_message (Frames *self, GSocket *socket, GError **error)
{
  guchar header[HEADER_BYTES];
  g_autofree guchar *blob = NULL;
  gssize length;

  if (!receive (self, socket, header, sizeof header, error))
    return NULL;
  length = g_dbus_message_bytes_needed (header, sizeof header, error);
  if (length < 0)
    return NULL;
  if (length < HEADER_BYTES || length > MESSAGE_BYTES_MAX) {
    /* A whole picture, for example. */
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("QEMU’s display sends no frames to map"));
    return NULL;
  }
  blob = g_malloc (length);
  memcpy (blob, header, sizeof header);
  if (!receive (self, socket, blob + HEADER_BYTES, length - HEADER_BYTES, error))
    return NULL;
  return g_dbus_message_new_from_blob (blob, length, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING,
                                       error);
}

/* Calls a method of the console, and waits for what it says. */
static GDBusMessage *
call (Frames *self,
      const char *interface,
      const char *method,
      GVariant *arguments,
      int fd,
      GError **error)
{
  g_autofree char *path = g_strdup_printf ("/org/qemu/Display1/Console_%u", self->monitor);
  g_autoptr (GDBusMessage) request = g_dbus_message_new_method_call (NULL, path, interface, method);

  g_dbus_message_set_body (request, arguments);
  if (!send_message (self, self->bus, request, fd, error))
    return NULL;
  for (guint i = 0; i < STRANGERS_MAX; i++) {
    g_autoptr (GDBusMessage) answer = receive_message (self, self->bus, error);

    if (answer == NULL)
      return NULL;
    if (g_dbus_message_get_reply_serial (answer) == g_dbus_message_get_serial (request))
      return g_steal_pointer (&answer);
  }
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("QEMU’s display does not answer %s"),
               method);
  return NULL;
}

/* ---- what is said, in a thread */

/* Older QEMUs have no such property, and nothing to map. */
static gboolean
check_console (Frames *self, GError **error)
{
  g_autoptr (GDBusMessage) answer =
      call (self, PROPERTIES, "Get", g_variant_new ("(ss)", CONSOLE, "Interfaces"), -1, error);
  const char *name;

  if (answer == NULL)
    return FALSE;
  if (g_dbus_message_get_message_type (answer) != G_DBUS_MESSAGE_TYPE_ERROR)
    return TRUE;
  name = g_dbus_message_get_error_name (answer);
  if (g_strcmp0 (name, "org.freedesktop.DBus.Error.UnknownMethod") == 0 ||
      g_strcmp0 (name, "org.freedesktop.DBus.Error.UnknownObject") == 0)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("QEMU’s display has no monitor %u"),
                 self->monitor);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("QEMU’s display sends no frames to map"));
  return FALSE;
}

static gboolean
register_listener (Frames *self, int fd, GError **error)
{
  g_autoptr (GDBusMessage) answer =
      call (self, CONSOLE, "RegisterListener", g_variant_new ("(h)", 0), fd, error);

  if (answer == NULL)
    return FALSE;
  if (g_dbus_message_get_message_type (answer) == G_DBUS_MESSAGE_TYPE_METHOD_RETURN)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("QEMU’s display has no monitor %u"),
               self->monitor);
  return FALSE;
}

static GVariant *
new_properties (gboolean of_listener)
{
  const char *const interfaces[] = {MAP, NULL};
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{sv}"));
  if (of_listener)
    g_variant_builder_add (&builder, "{sv}", "Interfaces", g_variant_new_strv (interfaces, -1));
  return g_variant_new ("(a{sv})", &builder);
}

/* QEMU asks for the properties of @interface, or it does something else and does not know it. */
static gboolean
answer_properties (Frames *self, GSocket *listener, const char *interface, GError **error)
{
  g_autoptr (GDBusMessage) question = receive_message (self, listener, error);
  g_autoptr (GDBusMessage) answer = NULL;
  GVariant *body;
  const char *asked = NULL;

  if (question == NULL)
    return FALSE;
  body = g_dbus_message_get_body (question);
  if (g_strcmp0 (g_dbus_message_get_interface (question), PROPERTIES) == 0 &&
      g_strcmp0 (g_dbus_message_get_member (question), "GetAll") == 0 && body != NULL &&
      g_variant_is_of_type (body, G_VARIANT_TYPE ("(s)")))
    g_variant_get (body, "(&s)", &asked);
  if (g_strcmp0 (asked, interface) != 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("QEMU’s display sends no frames to map"));
    return FALSE;
  }
  answer = g_dbus_message_new_method_reply (question);
  g_dbus_message_set_body (answer, new_properties (g_str_equal (interface, LISTENER)));
  return send_message (self, listener, answer, -1, error);
}

static void
open_thread (GTask *task, gpointer source, gpointer data, GCancellable *unused)
{
  Frames *self = data;
  g_autoptr (GSocket) listener = NULL;
  GError *error = NULL;
  gboolean opened;
  int other = -1;

  g_socket_set_timeout (self->bus, lodge_qemu_display_limit_ms / 1000);
  if (!check_console (self, &error)) {
    g_task_return_error (task, error);
    return;
  }
  listener = lodge_qemu_display_make_pair (&other, &error);
  if (listener == NULL) {
    g_task_return_error (task, error);
    return;
  }
  g_socket_set_timeout (listener, lodge_qemu_display_limit_ms / 1000);
  opened = register_listener (self, other, &error);
  close (other);
  opened = opened &&
           lodge_qemu_display_enter (listener, self->keyring, TRUE, self->cancellable, &error) &&
           answer_properties (self, listener, LISTENER, &error) &&
           answer_properties (self, listener, MAP, &error);
  if (!opened) {
    g_task_return_error (task, error);
    return;
  }
  g_task_return_int (task, dup (g_socket_get_fd (listener)));
}

/* ---- the operation */

static gboolean
limit_cb (gpointer user_data)
{
  Frames *self = user_data;

  self->limit = 0;
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

/* Takes @error: its words where they are ours, else a sentence with them. */
static void
fail (GTask *task, GError *error)
{
  g_autoptr (GError) owned = error;
  Frames *self = g_task_get_task_data (task);

  if (g_cancellable_is_cancelled (self->cancellable) ||
      g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                             _ ("QEMU did not offer its frames within %d seconds"),
                             lodge_qemu_display_limit_ms / 1000);
  else if (owned->domain == LODGE_ERROR)
    g_task_return_error (task, g_steal_pointer (&owned));
  else
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED,
                             _ ("QEMU does not offer its frames: %s"), owned->message);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  const gssize fd = g_task_propagate_int (G_TASK (result), &error);

  if (error == NULL)
    g_task_return_int (task, fd);
  else
    fail (task, error);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Frames *self = g_task_get_task_data (task);
  g_autoptr (GTask) open = NULL;
  GError *error = NULL;

  self->bus = lodge_qemu_display_connect_finish (LODGE_QMP (source), result, &error);
  if (self->bus == NULL) {
    fail (task, error);
    return;
  }
  /* The data are there as long as the task, which is the callback's. */
  open = g_task_new (NULL, NULL, opened_cb, g_steal_pointer (&task));
  g_task_set_task_data (open, self, NULL);
  g_task_run_in_thread (open, open_thread);
}

void
lodge_qemu_frames_open_async (LodgeQmp *qmp,
                              const char *keyring,
                              guint monitor,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (qmp, NULL, callback, user_data);
  Frames *self = g_new0 (Frames, 1);

  g_task_set_source_tag (task, lodge_qemu_frames_open_async);
  g_task_set_task_data (task, self, frames_free);
  self->monitor = monitor;
  self->keyring = g_strdup (keyring);
  self->cancellable = g_cancellable_new ();
  self->limit = g_timeout_add (lodge_qemu_display_limit_ms, limit_cb, self);
  lodge_qemu_display_connect_async (qmp, keyring, TRUE, self->cancellable, connected_cb,
                                    g_steal_pointer (&task));
}

int
lodge_qemu_frames_open_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, qmp), -1);
  return (int) g_task_propagate_int (G_TASK (result), error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's own display interface (docs/interop/dbus-display.rst, ui/dbus-display1.xml).
 *
 *   a pair of sockets    one end to QEMU with getfd
 *   add_client           QEMU serves D-Bus on it, and drops whoever was there before
 *   who are you          in a thread: both know a cookie in a file of the machine's folder
 *   SetUIInfo            on the console's object
 *
 * GDBus would prove who we are by our pid and uid, but a contained QEMU sees no process of the
 * host's: the kernel gives it a pid of 0, which GDBus takes for no answer. What is left of what it
 * offers is DBUS_COOKIE_SHA1 (D-Bus specification, "Authentication Mechanisms"), with the folder of
 * cookies that LODGE_QEMU_DISPLAY_KEYRING_VARIABLE names.
 *
 * The connection is closed at the end: nothing of what else QEMU may say there is wanted, and QEMU
 * may have been taken over by its guest.
 */
#include "qemu/lodge-qemu-display.h"

#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FD_NAME  "lodge-display"
#define LIMIT_MS 5000
/* GDBus's own; the context is always this one (GLib, gio/gdbusauthmechanismsha1.c). */
#define COOKIES          "org_gtk_gdbus_general"
#define MAX_COOKIE_BYTES (64 * 1024)
#define MAX_LINE_BYTES   4096

typedef struct {
  guint monitor;
  guint width;
  guint height;
  char *keyring;
  GSocket *socket; /* our end */
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
  g_clear_object (&size->socket);
  g_clear_object (&size->cancellable);
  g_free (size->keyring);
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
                             LIMIT_MS / 1000);
    return;
  }
  g_dbus_error_strip_remote_error (owned);
  g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_HOST,
                           _ ("The graphics card cannot be told a size of %u×%u: %s"), size->width,
                           size->height, owned->message);
}

/* ---- who we are, in a thread */

static gboolean
say (Size *size, const char *bytes, gsize length, GError **error)
{
  for (gsize sent = 0; sent < length;) {
    const gssize n =
        g_socket_send (size->socket, bytes + sent, length - sent, size->cancellable, error);

    if (n < 0)
      return FALSE;
    sent += (gsize) n;
  }
  return TRUE;
}

/* @word and what comes after it, in hexadecimal, as a line. */
static gboolean
say_hex (Size *size, const char *word, const char *text, GError **error)
{
  g_autoptr (GString) line = g_string_new (word);

  for (const guchar *c = (const guchar *) text; *c != '\0'; c++)
    g_string_append_printf (line, "%02x", *c);
  g_string_append (line, "\r\n");
  return say (size, line->str, line->len, error);
}

/* Returns: (transfer full): what comes after @word in the next line */
static char *
hear (Size *size, const char *word, GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);

  while (!g_str_has_suffix (line->str, "\r\n") && line->len < MAX_LINE_BYTES) {
    char c;
    const gssize n = g_socket_receive (size->socket, &c, 1, size->cancellable, error);

    if (n < 0)
      return NULL;
    if (n == 0)
      break;
    g_string_append_c (line, c);
  }
  if (g_str_has_suffix (line->str, "\r\n") && g_str_has_prefix (line->str, word)) {
    g_string_truncate (line, line->len - 2);
    return g_strdup (line->str + strlen (word));
  }
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("QEMU’s display does not let us in"));
  return NULL;
}

static char *
dup_from_hex (const char *hex)
{
  const gsize length = strlen (hex) / 2;
  g_autofree char *text = g_malloc0 (length + 1);

  for (gsize i = 0; i < length; i++) {
    const int high = g_ascii_xdigit_value (hex[2 * i]);
    const int low = g_ascii_xdigit_value (hex[2 * i + 1]);

    if (high < 0 || low < 0)
      return g_strdup ("");
    text[i] = (char) (high * 16 + low);
  }
  return g_steal_pointer (&text);
}

/* A file in a folder that QEMU can write to: it may be anything. */
static char *
read_cookies (const Size *size)
{
  g_autofree char *path = g_build_filename (size->keyring, COOKIES, NULL);
  g_autofree char *text = g_malloc0 (MAX_COOKIE_BYTES + 1);
  struct stat info;
  const int fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

  if (fd < 0)
    return g_strdup ("");
  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode) || read (fd, text, MAX_COOKIE_BYTES) < 0)
    *text = '\0';
  close (fd);
  return g_steal_pointer (&text);
}

/* A line is the cookie's number, its time, and itself. */
static char *
find_cookie (const Size *size, const char *id)
{
  g_autofree char *text = read_cookies (size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) fields = g_strsplit (lines[i], " ", 3);

    if (g_strv_length (fields) == 3 && g_str_equal (fields[0], id))
      return g_strdup (fields[2]);
  }
  return NULL;
}

/* The proof that goes with what QEMU asks: context, number of the cookie, challenge. */
static char *
dup_proof (const Size *size, const char *question, GError **error)
{
  g_auto (GStrv) fields = g_strsplit (question, " ", 3);
  g_autofree char *cookie = g_strv_length (fields) == 3 && g_str_equal (fields[0], COOKIES)
                                ? find_cookie (size, fields[1])
                                : NULL;
  g_autofree char *challenge = g_uuid_string_random ();

  if (cookie == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("QEMU’s display asks for a cookie that is not in %s"), size->keyring);
    return NULL;
  }
  g_autofree char *whole = g_strdup_printf ("%s:%s:%s", fields[2], challenge, cookie);
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA1, whole, -1);
  return g_strdup_printf ("%s %s", challenge, sum);
}

static void
enter_thread (GTask *task, gpointer source, gpointer data, GCancellable *unused)
{
  Size *size = data;
  g_autofree char *uid = g_strdup_printf ("%lu", (gulong) getuid ());
  g_autofree char *hex = NULL;
  g_autofree char *answer = NULL;
  GError *error = NULL;

  g_socket_set_timeout (size->socket, LIMIT_MS / 1000);
  if (say (size, "", 1, &error) && say_hex (size, "AUTH DBUS_COOKIE_SHA1 ", uid, &error))
    hex = hear (size, "DATA ", &error);
  if (hex != NULL) {
    g_autofree char *question = dup_from_hex (hex);
    g_autofree char *proof = dup_proof (size, question, &error);

    if (proof != NULL && say_hex (size, "DATA ", proof, &error))
      answer = hear (size, "OK ", &error);
  }
  if (answer != NULL && say (size, "BEGIN\r\n", strlen ("BEGIN\r\n"), &error)) {
    g_socket_set_timeout (size->socket, 0);
    g_task_return_boolean (task, TRUE);
  } else {
    g_task_return_error (task, error);
  }
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
                          G_DBUS_CALL_FLAGS_NONE, LIMIT_MS, size->cancellable, called_cb,
                          g_steal_pointer (&task));
}

static void
entered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Size *size = g_task_get_task_data (task);
  g_autoptr (GSocketConnection) stream = NULL;
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    fail (task, error);
    return;
  }
  stream = g_socket_connection_factory_create_connection (size->socket);
  g_dbus_connection_new (G_IO_STREAM (stream), NULL, G_DBUS_CONNECTION_FLAGS_NONE, NULL,
                         size->cancellable, bus_cb, g_steal_pointer (&task));
}

static void
added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Size *size = g_task_get_task_data (task);
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GTask) enter = NULL;
  GError *error = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (answer == NULL) {
    /* One that was started without the interface, by an earlier engine perhaps. Its descriptor is
     * let go of; whether that works or not changes nothing. */
    lodge_qmp_execute_async (LODGE_QMP (source), "closefd",
                             lodge_qmp_arguments ("fdname", FD_NAME, NULL), 0, NULL, NULL, NULL);
    g_prefix_error (&error, "%s: ", _ ("This QEMU cannot be told the screen’s size"));
    g_task_return_error (task, error);
    return;
  }
  /* The size is there as long as the task, which is the callback's. */
  enter = g_task_new (NULL, NULL, entered_cb, g_steal_pointer (&task));
  g_task_set_task_data (enter, size, NULL);
  g_task_run_in_thread (enter, enter_thread);
}

static void
named_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (answer == NULL) {
    g_task_return_error (task, error);
    return;
  }
  lodge_qmp_execute_async (
      LODGE_QMP (source), "add_client",
      lodge_qmp_arguments ("protocol", "@dbus-display", "fdname", FD_NAME, NULL), 0, NULL, added_cb,
      g_steal_pointer (&task));
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
  GError *error = NULL;
  int pair[2];

  g_task_set_source_tag (task, lodge_qemu_display_set_size_async);
  g_task_set_task_data (task, size, size_free);
  size->keyring = g_strdup (keyring);
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
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED,
                             _ ("No connection to QEMU’s display could be made: %s"),
                             g_strerror (errno));
    return;
  }
  size->socket = g_socket_new_from_fd (pair[0], &error);
  if (size->socket == NULL) {
    close (pair[0]);
    g_task_return_error (task, error);
  } else {
    size->limit = g_timeout_add (LIMIT_MS, limit_cb, size);
    lodge_qmp_execute_with_fd_async (qmp, "getfd", lodge_qmp_arguments ("fdname", FD_NAME, NULL),
                                     pair[1], NULL, named_cb, g_steal_pointer (&task));
  }
  close (pair[1]);
}

gboolean
lodge_qemu_display_set_size_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, qmp), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

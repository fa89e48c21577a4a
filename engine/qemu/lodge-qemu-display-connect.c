/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way in to QEMU's display interface.
 *
 *   a pair of sockets    one end to QEMU with getfd
 *   add_client           QEMU serves D-Bus on it, and drops whoever was there before
 *   who are you          in a thread: both know a cookie in a file of the machine's folder
 *
 * GDBus would prove who we are by our pid and uid, but a contained QEMU sees no process of the
 * host's: the kernel gives it a pid of 0, which GDBus takes for no answer. What is left of what it
 * offers is DBUS_COOKIE_SHA1 (D-Bus specification, "Authentication Mechanisms"), with the folder of
 * cookies that LODGE_QEMU_DISPLAY_KEYRING_VARIABLE names.
 */
#include "qemu/lodge-qemu-display-private.h"

#include "lodge-error.h"
#include "lodge-task-thread.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FD_NAME "lodge-display"
/* GDBus's own; the context is always this one (GLib, gio/gdbusauthmechanismsha1.c). */
#define COOKIES          "org_gtk_gdbus_general"
#define MAX_COOKIE_BYTES (64 * 1024)
#define MAX_LINE_BYTES   4096
/* And how many they are. */
#define WORDS(text) text, strlen (text)

guint lodge_qemu_display_limit_ms = LODGE_QEMU_DISPLAY_LIMIT_MS;

typedef struct {
  GSocket *socket; /* our end */
  const char *keyring;
  GCancellable *cancellable;
} Door;

/* ---- who we are, in a thread */

static gboolean
say (Door *self, const char *bytes, gsize length, GError **error)
{
  for (gsize sent = 0; sent < length;) {
    const gssize n =
        g_socket_send (self->socket, bytes + sent, length - sent, self->cancellable, error);

    if (n < 0)
      return FALSE;
    sent += (gsize) n;
  }
  return TRUE;
}

/* @word and what comes after it, in hexadecimal, as a line. */
static gboolean
say_hex (Door *self, const char *word, const char *text, GError **error)
{
  g_autoptr (GString) line = g_string_new (word);

  for (const guchar *c = (const guchar *) text; *c != '\0'; c++)
    g_string_append_printf (line, "%02x", *c);
  g_string_append (line, "\r\n");
  return say (self, line->str, line->len, error);
}

/* Returns: (transfer full): what comes after @word in the next line */
static char *
hear (Door *self, const char *word, GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);

  while (!g_str_has_suffix (line->str, "\r\n") && line->len < MAX_LINE_BYTES) {
    char c;
    const gssize n = g_socket_receive (self->socket, &c, 1, self->cancellable, error);

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
read_cookies (const Door *self)
{
  g_autofree char *path = g_build_filename (self->keyring, COOKIES, NULL);
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
find_cookie (const Door *self, const char *id)
{
  g_autofree char *text = read_cookies (self);
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
dup_proof (const Door *self, const char *question, GError **error)
{
  g_auto (GStrv) fields = g_strsplit (question, " ", 3);
  g_autofree char *cookie = g_strv_length (fields) == 3 && g_str_equal (fields[0], COOKIES)
                                ? find_cookie (self, fields[1])
                                : NULL;
  g_autofree char *challenge = g_uuid_string_random ();

  if (cookie == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("QEMU’s display asks for a cookie that is not in %s"), self->keyring);
    return NULL;
  }
  g_autofree char *whole = g_strdup_printf ("%s:%s:%s", fields[2], challenge, cookie);
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA1, whole, -1);
  return g_strdup_printf ("%s %s", challenge, sum);
}

gboolean
lodge_qemu_display_enter (GSocket *socket,
                          const char *keyring,
                          gboolean descriptors,
                          GCancellable *cancellable,
                          GError **error)
{
  Door door = {socket, keyring, cancellable};
  Door *self = &door;
  g_autofree char *uid = g_strdup_printf ("%lu", (gulong) getuid ());
  g_autofree char *hex = NULL;
  g_autofree char *question = NULL;
  g_autofree char *proof = NULL;
  g_autofree char *guid = NULL;
  g_autofree char *agreed = NULL;

  if (!say (self, "", 1, error) || !say_hex (self, "AUTH DBUS_COOKIE_SHA1 ", uid, error))
    return FALSE;
  hex = hear (self, "DATA ", error);
  if (hex == NULL)
    return FALSE;
  question = dup_from_hex (hex);
  proof = dup_proof (self, question, error);
  if (proof == NULL || !say_hex (self, "DATA ", proof, error))
    return FALSE;
  guid = hear (self, "OK ", error);
  if (guid == NULL)
    return FALSE;
  if (descriptors) {
    if (!say (self, WORDS ("NEGOTIATE_UNIX_FD\r\n"), error))
      return FALSE;
    agreed = hear (self, "AGREE_UNIX_FD", error);
    if (agreed == NULL)
      return FALSE;
  }
  return say (self, WORDS ("BEGIN\r\n"), error);
}

/* ---- the connection */

typedef struct {
  char *keyring;
  GSocket *socket;
  gboolean descriptors;
} Connect;

static void
connect_free (gpointer data)
{
  Connect *self = data;

  g_free (self->keyring);
  g_clear_object (&self->socket);
  g_free (self);
}

static void
enter_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Connect *self = data;
  GError *error = NULL;

  g_socket_set_timeout (self->socket, lodge_qemu_display_limit_ms / 1000);
  if (!lodge_qemu_display_enter (self->socket, self->keyring, self->descriptors, cancellable,
                                 &error)) {
    g_task_return_error (task, error);
    return;
  }
  g_socket_set_timeout (self->socket, 0);
  g_task_return_pointer (task, g_object_ref (self->socket), g_object_unref);
}

static void
added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (answer == NULL) {
    /* One that was started without the interface, by an earlier engine perhaps. Its descriptor is
     * let go of; whether that works or not changes nothing. */
    lodge_qmp_execute_async (LODGE_QMP (source), "closefd",
                             lodge_qmp_arguments ("fdname", FD_NAME, NULL), 0, NULL, NULL, NULL);
    g_task_return_error (task, error);
    return;
  }
  lodge_task_run_in_thread (task, enter_thread);
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

GSocket *
lodge_qemu_display_make_pair (int *out_other, GError **error)
{
  int pair[2];
  GSocket *socket;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("No connection to QEMU’s display could be made: %s"), g_strerror (errno));
    return NULL;
  }
  socket = g_socket_new_from_fd (pair[0], error);
  if (socket == NULL) {
    close (pair[0]);
    close (pair[1]);
    return NULL;
  }
  *out_other = pair[1];
  return socket;
}

void
lodge_qemu_display_connect_async (LodgeQmp *qmp,
                                  const char *keyring,
                                  gboolean descriptors,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (qmp, cancellable, callback, user_data);
  Connect *self = g_new0 (Connect, 1);
  GError *error = NULL;
  int other = -1;

  g_task_set_source_tag (task, lodge_qemu_display_connect_async);
  g_task_set_task_data (task, self, connect_free);
  self->keyring = g_strdup (keyring);
  self->descriptors = descriptors;
  self->socket = lodge_qemu_display_make_pair (&other, &error);
  if (self->socket == NULL) {
    g_task_return_error (task, error);
    return;
  }
  lodge_qmp_execute_with_fd_async (qmp, "getfd", lodge_qmp_arguments ("fdname", FD_NAME, NULL),
                                   other, NULL, named_cb, g_steal_pointer (&task));
  close (other);
}

GSocket *
lodge_qemu_display_connect_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, qmp), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

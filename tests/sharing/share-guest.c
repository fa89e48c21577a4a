/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's end of the wire. */
#include "share-guest.h"

#include "test-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 60000

static void
make_file (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

void
share_guest_set_up (ShareGuest *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *made = g_dir_make_tmp ("lodge-share-XXXXXX", &error);
  char *real;

  g_assert_no_error (error);
  real = realpath (made, NULL);
  self->top = g_strdup (real);
  free (real);
  self->folder = g_build_filename (self->top, "share", NULL);
  self->outside = g_build_filename (self->top, "outside", NULL);
  self->wire = -1;
  self->last_id = 1000;
  make_file (self->folder, "a.txt", "alpha");
  make_file (self->folder, "sub/b.txt", "beta");
  make_file (self->outside, "secret.txt", "secret");
}

/* Root's, by which the kernel leaves it every bit of a file that it writes. Nobody else has it. */
static void
drop_capability_cb (gpointer data)
{
  (void) prctl (PR_CAPBSET_DROP, CAP_FSETID, 0, 0, 0);
}

GSubprocess *
share_guest_spawn (
    ShareGuest *self, int wire, gboolean writable, const char *debug, const char *virtiofsd)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *program = g_build_filename (g_getenv ("LODGE_LIBEXECDIR"), "lodge-share", NULL);
  g_autofree char *lock = g_build_filename (self->top, "lock", NULL);
  g_autofree char *identity = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *by = g_strconcat ("--virtiofsd=", virtiofsd, NULL);
  const char *argv[] = {program, "--wire=3", "--lock=4", "--folder", self->folder,
                        NULL,    NULL,       NULL,       NULL};
  guint n = 5;
  GSubprocess *process;
  GStatBuf info;

  g_assert_cmpint (g_stat (self->folder, &info), ==, 0);
  identity = g_strdup_printf ("--identity=%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                              (guint64) info.st_dev, (guint64) info.st_ino);
  g_subprocess_launcher_take_fd (launcher, wire, 3);
  g_subprocess_launcher_take_fd (launcher, open (lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600), 4);
  g_subprocess_launcher_setenv (launcher, "G_DEBUG", debug, TRUE);
  g_subprocess_launcher_set_child_setup (launcher, drop_capability_cb, NULL, NULL);
  argv[n++] = identity;
  if (writable)
    argv[n++] = "--writable";
  if (virtiofsd != NULL)
    argv[n++] = by;
  process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
  /* The copies here would keep the wire open. */
  g_subprocess_launcher_close (launcher);
  return process;
}

void
share_guest_tear_down (ShareGuest *self)
{
  if (self->wire >= 0)
    close (self->wire);
  test_folder_remove (self->top);
  g_free (self->top);
  g_free (self->folder);
  g_free (self->outside);
}

char *
share_guest_read_file (ShareGuest *self, const char *name)
{
  g_autofree char *path = g_build_filename (self->top, name, NULL);
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
collect (const char *folder, const char *shared, GPtrArray *paths)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    char *path = g_build_filename (folder, name, NULL);

    g_ptr_array_add (paths, path);
    if (!g_str_equal (path, shared) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
      collect (path, shared, paths);
  }
}

char *
share_guest_list_outside (ShareGuest *self)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  collect (self->top, self->folder, paths);
  g_ptr_array_sort (paths, compare);
  g_ptr_array_add (paths, NULL);
  return g_strjoinv ("\n", (char **) paths->pdata);
}

void
share_guest_send_raw (ShareGuest *self, gconstpointer data, gsize size_bytes)
{
  const guint8 *at = data;

  while (size_bytes > 0) {
    struct pollfd wait = {.fd = self->wire, .events = POLLOUT};
    gssize n;

    g_assert_cmpint (poll (&wait, 1, WAIT_MS), ==, 1);
    n = send (self->wire, at, size_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      continue;
    g_assert_cmpint (n, >, 0);
    at += n;
    size_bytes -= (gsize) n;
  }
}

void
share_guest_send (ShareGuest *self, gint64 id, gconstpointer data, gsize size_bytes)
{
  const gint64 le_id = GINT64_TO_LE (id);
  const guint16 le_size = GUINT16_TO_LE ((guint16) size_bytes);

  g_assert_cmpuint (size_bytes, <=, G_MAXUINT16);
  share_guest_send_raw (self, &le_id, sizeof le_id);
  share_guest_send_raw (self, &le_size, sizeof le_size);
  share_guest_send_raw (self, data, size_bytes);
}

static gboolean
receive_all (ShareGuest *self, guint8 *to, gsize size_bytes)
{
  gsize got = 0;

  while (got < size_bytes) {
    struct pollfd wait = {.fd = self->wire, .events = POLLIN};
    gssize n;

    g_assert_cmpint (poll (&wait, 1, WAIT_MS), ==, 1);
    n = recv (self->wire, to + got, size_bytes - got, 0);
    if (n <= 0)
      return FALSE;
    got += (gsize) n;
  }
  return TRUE;
}

gboolean
share_guest_receive (ShareGuest *self, gint64 *out_id, GByteArray *out_data)
{
  guint16 size;

  if (!receive_all (self, (guint8 *) out_id, sizeof *out_id) ||
      !receive_all (self, (guint8 *) &size, sizeof size))
    return FALSE;
  *out_id = GINT64_FROM_LE (*out_id);
  g_byte_array_set_size (out_data, GUINT16_FROM_LE (size));
  return receive_all (self, out_data->data, out_data->len);
}

guint
share_guest_ask (ShareGuest *self,
                 const char *method,
                 const char *path,
                 const char *headers,
                 const char *body,
                 char **out_body)
{
  const gint64 id = ++self->last_id;
  g_autofree char *length =
      body != NULL ? g_strdup_printf ("Content-Length: %" G_GSIZE_FORMAT "\r\n", strlen (body))
                   : g_strdup ("");
  g_autofree char *question = g_strdup_printf (
      "%s %s HTTP/1.1\r\nHost: localhost:9843\r\nConnection: close\r\n%s%s\r\n%s", method, path,
      length, headers != NULL ? headers : "", body != NULL ? body : "");
  g_autoptr (GString) answer = g_string_new (NULL);
  g_autoptr (GByteArray) data = g_byte_array_new ();
  const char *end;
  gint64 from;

  for (gsize at = 0; at < strlen (question); at += 60000)
    share_guest_send (self, id, question + at, MIN (strlen (question) - at, 60000));
  do {
    g_assert_true (share_guest_receive (self, &from, data));
    if (from == id)
      g_string_append_len (answer, (const char *) data->data, data->len);
  } while (from != id || data->len > 0);

  g_test_message ("%s %s: %.60s", method, path, answer->str);
  g_assert_true (g_str_has_prefix (answer->str, "HTTP/1."));
  end = strstr (answer->str, "\r\n\r\n");
  g_assert_nonnull (end);
  if (out_body != NULL)
    *out_body = g_strdup (end + 4);
  return (guint) g_ascii_strtoull (answer->str + strlen ("HTTP/1.1 "), NULL, 10);
}

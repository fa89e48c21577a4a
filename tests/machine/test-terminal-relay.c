/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The relay between QEMU's text consoles and their clients, with a QEMU that is a socket here. */
#include "lodge-error.h"
#include "machine/lodge-terminal-relay.h"
#include "qemu/lodge-unix-socket.h"
#include "test-folder.h"
#include "test-wait.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define HISTORY LODGE_TERMINAL_RELAY_HISTORY_BYTES

typedef struct {
  char *folder;
  char *from; /* QEMU's */
  char *path; /* clients' */
  GSocket *listener;
  GSocket *qemu;
  LodgeTerminalRelay *relay;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  int fd;

  self->folder = g_dir_make_tmp ("lodge-relay-XXXXXX", NULL);
  self->from = g_build_filename (self->folder, "qemu.sock", NULL);
  self->path = g_build_filename (self->folder, "served.sock", NULL);
  fd = lodge_unix_socket_listen (self->from, &error);
  g_assert_no_error (error);
  self->listener = g_socket_new_from_fd (fd, &error);
  g_assert_no_error (error);
  self->relay = lodge_terminal_relay_new (self->from, getpid (), self->path, &error);
  g_assert_no_error (error);
  self->qemu = g_socket_accept (self->listener, NULL, &error);
  g_assert_no_error (error);
  g_socket_set_blocking (self->qemu, FALSE);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_clear_pointer (&self->relay, lodge_terminal_relay_free);
  g_assert_false (g_file_test (self->path, G_FILE_TEST_EXISTS));
  g_clear_object (&self->qemu);
  g_object_unref (self->listener);
  test_folder_remove (self->folder);
  g_free (self->folder);
  g_free (self->from);
  g_free (self->path);
}

static GSocket *
look (Fixture *self)
{
  int saved_errno = 0;
  GSocket *client = lodge_unix_socket_connect (self->path, &saved_errno);

  g_assert_cmpint (saved_errno, ==, 0);
  return client;
}

/* Whatever is there, behind what @got has. FALSE: it has ended. */
static gboolean
take (GSocket *socket, GByteArray *got)
{
  guint8 chunk[4096];
  gssize length;

  while ((length = g_socket_receive (socket, (char *) chunk, sizeof chunk, NULL, NULL)) > 0)
    g_byte_array_append (got, chunk, length);
  return length != 0;
}

#define wait_for(socket, got, count) test_wait_polled ((take (socket, got), (got)->len >= (count)))

/* All of it, while the relay reads. */
static void
say (Fixture *self, const guint8 *data, gsize length)
{
  gsize done = 0;

  while (done < length) {
    gssize sent = g_socket_send (self->qemu, (const char *) data + done, length - done, NULL, NULL);

    if (sent > 0)
      done += sent;
    else
      g_main_context_iteration (NULL, FALSE);
  }
}

#define say_text(self, text)   say (self, (const guint8 *) (text), strlen (text))
#define assert_text(got, text) g_assert_cmpmem ((got)->data, (got)->len, text, strlen (text))

/* What was written before anybody looked is told, to each; and what each types arrives. */
static void
test_two_clients (Fixture *self, gconstpointer data)
{
  g_autoptr (GByteArray) a = g_byte_array_new ();
  g_autoptr (GByteArray) b = g_byte_array_new ();
  g_autoptr (GByteArray) typed = g_byte_array_new ();
  g_autoptr (GSocket) first = NULL;
  g_autoptr (GSocket) second = NULL;
  struct stat info;

  g_assert_cmpint (g_stat (self->path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);

  say_text (self, "before\r\n");
  test_wait_ms (50);
  first = look (self);
  wait_for (first, a, 8);
  assert_text (a, "before\r\n");

  second = look (self);
  wait_for (second, b, 8);
  say_text (self, "after");
  wait_for (first, a, 13);
  wait_for (second, b, 13);
  assert_text (a, "before\r\nafter");
  assert_text (b, "before\r\nafter");

  g_assert_cmpint (g_socket_send (first, "ls\n", 3, NULL, NULL), ==, 3);
  wait_for (self->qemu, typed, 3);
  g_assert_cmpint (g_socket_send (second, "\0\xff", 2, NULL, NULL), ==, 2);
  wait_for (self->qemu, typed, 5);
  g_assert_cmpmem (typed->data, typed->len, "ls\n\0\xff", 5);

  /* One that leaves takes nothing from the other. */
  g_socket_close (first, NULL);
  say_text (self, "!");
  wait_for (second, b, 14);
}

/* Every byte there is, in every order that a wrong treatment of text would trip over. */
static void
test_all_bytes (Fixture *self, gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc (65536 * 2);
  g_autoptr (GByteArray) got = g_byte_array_new ();
  g_autoptr (GSocket) client = look (self);

  for (guint i = 0; i < 65536; i++) {
    bytes[2 * i] = i >> 8;
    bytes[2 * i + 1] = i & 0xff;
  }
  for (gsize done = 0; done < 65536 * 2; done += 8192) {
    say (self, bytes + done, 8192);
    wait_for (client, got, done + 8192);
  }
  g_assert_cmpmem (got->data, got->len, bytes, 65536 * 2);
}

/* Numbered lines, so that what is missing can be told. */
static void
flood (Fixture *self, guint first, guint n)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = first; i < first + n; i++)
    g_string_append_printf (text, "line %09u\n", i);
  say_text (self, text->str);
}

#define LINE 15 /* bytes */

/* Only the last is remembered, from the beginning of a line. */
static void
test_history_is_bounded (Fixture *self, gconstpointer data)
{
  const guint n = 4 * HISTORY / LINE;
  g_autoptr (GByteArray) got = g_byte_array_new ();
  g_autoptr (GByteArray) first_got = g_byte_array_new ();
  g_autoptr (GSocket) first = look (self);
  g_autoptr (GSocket) client = NULL;
  char end[32];

  g_snprintf (end, sizeof end, "line %09u\n", n - 1);
  flood (self, 0, n);
  /* Who has seen the last line knows that all of them are there. */
  test_wait_polled ((take (first, first_got), first_got->len >= LINE) &&
                    memcmp (first_got->data + first_got->len - LINE, end, LINE) == 0);
  client = look (self);
  test_wait_polled ((take (client, got), got->len >= LINE) &&
                    memcmp (got->data + got->len - LINE, end, LINE) == 0);
  g_assert_cmpuint (got->len, <=, HISTORY);
  g_assert_cmpuint (got->len, >, HISTORY - 4096 - LINE);
  g_assert_cmpuint (got->len % LINE, ==, 0);
  g_assert_cmpmem (got->data, 5, "line ", 5);
}

/* A client that does not read holds up neither the guest nor the others, and learns that it missed
 * something. */
static void
test_slow_client (Fixture *self, gconstpointer data)
{
  const guint n = 6 * HISTORY / LINE;
  g_autoptr (GByteArray) slow_got = g_byte_array_new ();
  g_autoptr (GByteArray) got = g_byte_array_new ();
  g_autoptr (GSocket) slow = look (self);
  g_autoptr (GSocket) client = look (self);
  g_autofree char *text = NULL;
  char end[32];

  for (guint i = 0; i < n; i += 1000) {
    flood (self, i, 1000);
    wait_for (client, got, (gsize) (i + 1000) * LINE);
  }
  g_assert_null (memmem (got->data, got->len, "left out", 8));

  g_snprintf (end, sizeof end, "%09u\n", (n + 999) / 1000 * 1000 - 1);
  test_wait_polled ((take (slow, slow_got), slow_got->len >= LINE) &&
                    memcmp (slow_got->data + slow_got->len - 10, end, 10) == 0);
  text = g_strndup ((const char *) slow_got->data, slow_got->len);
  g_assert_nonnull (strstr (text, "left out here]\r\nline "));
  g_assert_cmpuint (slow_got->len, <, got->len);
}

/* A client that does not read at all misses something with every line, and is owed one notice. */
static void
test_stopped_client (Fixture *self, gconstpointer data)
{
  const guint n = 3 * HISTORY / LINE;
  g_autoptr (GByteArray) stopped_got = g_byte_array_new ();
  g_autoptr (GByteArray) got = g_byte_array_new ();
  g_autoptr (GSocket) stopped = look (self);
  g_autoptr (GSocket) client = look (self);
  g_autofree char *text = NULL;
  guint notices = 0;
  char end[32];

  for (guint i = 0; i < n; i += 100) {
    flood (self, i, 100);
    wait_for (client, got, (gsize) (i + 100) * LINE);
  }

  g_snprintf (end, sizeof end, "%09u\n", (n + 99) / 100 * 100 - 1);
  test_wait_polled ((take (stopped, stopped_got), stopped_got->len >= LINE) &&
                    memcmp (stopped_got->data + stopped_got->len - 10, end, 10) == 0);
  text = g_strndup ((const char *) stopped_got->data, stopped_got->len);
  for (const char *at = text; (at = strstr (at, "left out here]")) != NULL; at++)
    notices++;
  /* Another, when the first was begun as it was still missing something. */
  g_assert_cmpuint (notices, >=, 1);
  g_assert_cmpuint (notices, <=, 2);
}

/* The guest does not read: what is typed waits, up to a limit, and then with who types it. */
static void
test_deaf_guest (Fixture *self, gconstpointer data)
{
  g_autoptr (GSocket) client = look (self);
  g_autoptr (GByteArray) typed = g_byte_array_new ();
  g_autofree char *words = g_malloc (1024);
  gsize total = 0;
  guint refused = 0;

  memset (words, 'x', 1024);
  while (refused < 20) {
    gssize sent = g_socket_send (client, words, 1024, NULL, NULL);

    if (sent > 0) {
      total += sent;
      refused = 0;
    } else {
      refused++;
      test_wait_ms (5);
    }
    g_assert_cmpuint (total, <, 16 * 1024 * 1024);
  }
  wait_for (self->qemu, typed, total);
  g_assert_cmpuint (typed->len, ==, total);
}

/* Who comes too late is told so. */
static void
test_too_many (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GByteArray) got = g_byte_array_new ();
  g_autoptr (GSocket) last = NULL;

  for (guint i = 0; i < LODGE_TERMINAL_RELAY_CLIENTS; i++)
    g_ptr_array_add (clients, look (self));
  last = look (self);
  test_wait_polled (!take (last, got));
  g_assert_nonnull (memmem (got->data, got->len, "Too many", 8));

  /* There is room again. */
  g_socket_close (clients->pdata[3], NULL);
  while (g_main_context_iteration (NULL, FALSE)) {
  }
  g_byte_array_set_size (got, 0);
  g_clear_object (&last);
  last = look (self);
  say_text (self, "x");
  wait_for (last, got, 1);
  assert_text (got, "x");
}

/* The relay's process has no descriptor left: it does not look for one again and again, and finds
 * who waits once there is. */
static void
test_no_descriptor (Fixture *self, gconstpointer data)
{
  g_autoptr (GSocket) client = NULL;
  g_autoptr (GByteArray) got = g_byte_array_new ();
  struct rlimit before, none;
  guint n = 0;
  int next;

  /* It says so once. */
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*served.sock*");
  while (g_main_context_iteration (NULL, FALSE))
    ;
  client = look (self);
  next = dup (STDIN_FILENO);
  g_assert_cmpint (next, >=, 0);
  close (next);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  none = (struct rlimit){next, before.rlim_max};
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  while (n < 1000 && g_main_context_iteration (NULL, FALSE))
    n++;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  g_assert_cmpuint (n, <, 1000);
  g_test_assert_expected_messages ();

  say_text (self, "x");
  wait_for (client, got, 1);
  assert_text (got, "x");
}

/* Small pieces one behind the other are not each a reason to look at once. */
static void
test_small_pieces (Fixture *self, gconstpointer data)
{
  g_autoptr (GSocket) client = look (self);
  g_autoptr (GByteArray) got = g_byte_array_new ();
  guint n = 0;
  gboolean paused = FALSE;

  for (; !paused && n < 1000; n++) {
    say_text (self, "x");
    while (g_main_context_iteration (NULL, FALSE))
      ;
    take (client, got);
    paused = got->len <= n;
  }
  g_assert_true (paused);
  wait_for (client, got, n);
  g_assert_cmpuint (got->len, ==, n);
}

/* QEMU ends: its last words arrive, then the end; also at whoever comes afterwards. */
static void
test_qemu_ends (Fixture *self, gconstpointer data)
{
  g_autoptr (GSocket) client = look (self);
  g_autoptr (GSocket) last = NULL;
  g_autoptr (GByteArray) got = g_byte_array_new ();
  g_autoptr (GByteArray) last_got = g_byte_array_new ();

  test_wait_ms (20);
  say_text (self, "bye");
  g_socket_close (self->qemu, NULL);
  test_wait_polled (!take (client, got));
  assert_text (got, "bye");
  last = look (self);
  test_wait_polled (!take (last, last_got));
  assert_text (last_got, "bye");
}

/* The relay ends before it has read what QEMU had said. */
static void
test_last_words (Fixture *self, gconstpointer data)
{
  g_autoptr (GSocket) client = look (self);
  g_autoptr (GByteArray) got = g_byte_array_new ();

  say_text (self, "a");
  wait_for (client, got, 1);
  say_text (self, "bye");
  g_clear_pointer (&self->relay, lodge_terminal_relay_free);
  test_wait_polled (!take (client, got));
  assert_text (got, "abye");
}

/* What listens is not QEMU, as with a link to somebody else's socket. */
static void
test_wrong_peer (Fixture *self, gconstpointer data)
{
  g_autofree char *link = g_build_filename (self->folder, "link.sock", NULL);
  g_autofree char *path = g_build_filename (self->folder, "other.sock", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (symlink (self->from, link), ==, 0);
  g_assert_null (lodge_terminal_relay_new (link, getppid (), path, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, link));
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));

  g_clear_error (&error);
  g_assert_null (lodge_terminal_relay_new ("/nonexistent", 0, path, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, test) g_test_add ("/terminal-relay/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("two-clients", test_two_clients);
  ADD ("all-bytes", test_all_bytes);
  ADD ("history-is-bounded", test_history_is_bounded);
  ADD ("slow-client", test_slow_client);
  ADD ("stopped-client", test_stopped_client);
  ADD ("deaf-guest", test_deaf_guest);
  ADD ("too-many", test_too_many);
  ADD ("no-descriptor", test_no_descriptor);
  ADD ("small-pieces", test_small_pieces);
  ADD ("qemu-ends", test_qemu_ends);
  ADD ("last-words", test_last_words);
  ADD ("wrong-peer", test_wrong_peer);
#undef ADD
  return g_test_run ();
}

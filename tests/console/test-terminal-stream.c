/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client's side of a console of text: what comes and goes, ends and begins again, and is
 * logged. */
#include "console/lodge-terminal-stream.h"
#include "lodge-error.h"
#include "terminal-server.h"
#include "test-folder.h"
#include "test-wait.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  char *folder;
  char *path;
  char *log_path;
  GFile *log;
  TerminalServer *server;
  LodgeTerminalStream *stream;
  GByteArray *got;
  char *log_error;
} Fixture;

static void
received_cb (LodgeTerminalStream *stream, GBytes *bytes, Fixture *self)
{
  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);

  g_byte_array_append (self->got, data, length);
}

static void
log_ended_cb (LodgeTerminalStream *stream, const GError *error, Fixture *self)
{
  g_free (self->log_error);
  self->log_error = g_strdup (error->message);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->folder = g_dir_make_tmp ("lodge-stream-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "serial.sock", NULL);
  self->log_path = g_build_filename (self->folder, "serial.log", NULL);
  self->log = g_file_new_for_path (self->log_path);
  self->server = terminal_server_new (self->path);
  self->got = g_byte_array_new ();
  self->stream = lodge_terminal_stream_new ();
  g_signal_connect (self->stream, "received", G_CALLBACK (received_cb), self);
  g_signal_connect (self->stream, "log-ended", G_CALLBACK (log_ended_cb), self);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  lodge_terminal_stream_close (self->stream);
  test_wait_unref (self->stream);
  g_clear_pointer (&self->server, terminal_server_free);
  g_byte_array_unref (self->got);
  g_object_unref (self->log);
  g_free (self->log_error);
  test_folder_remove (self->folder);
  g_free (self->folder);
  g_free (self->path);
  g_free (self->log_path);
}

static gboolean
has_got (Fixture *self, const char *text)
{
  return self->got->len == strlen (text) && memcmp (self->got->data, text, self->got->len) == 0;
}

static void
connect_stream (Fixture *self)
{
  lodge_terminal_stream_set_socket (self->stream, self->path);
  test_wait_until (lodge_terminal_stream_get_connected (self->stream));
  test_wait_until (terminal_server_get_n_clients (self->server) == 1);
}

static void
test_both_ways (Fixture *self, gconstpointer data)
{
  g_assert_false (lodge_terminal_stream_get_connected (self->stream));
  g_assert_false (lodge_terminal_stream_write (self->stream, "x", 1));
  connect_stream (self);
  terminal_server_say (self->server, "login: ", -1);
  test_wait_until (has_got (self, "login: "));
  g_assert_true (lodge_terminal_stream_write (self->stream, "root\r", 5));
  g_assert_true (lodge_terminal_stream_write (self->stream, "ls", 2));
  test_wait_until (g_str_equal (terminal_server_get_heard (self->server), "root\rls"));
}

/* The connection breaks and comes again; without a path it ends at the other side, after all was
 * said. */
static void
test_again (Fixture *self, gconstpointer data)
{
  connect_stream (self);
  terminal_server_drop_clients (self->server);
  test_wait_until (!lodge_terminal_stream_get_connected (self->stream));
  test_wait_until (lodge_terminal_stream_get_connected (self->stream));
  test_wait_until (terminal_server_get_n_clients (self->server) == 1);
  terminal_server_say (self->server, "again", -1);
  test_wait_until (has_got (self, "again"));

  lodge_terminal_stream_set_socket (self->stream, NULL);
  g_assert_true (lodge_terminal_stream_get_connected (self->stream));
  terminal_server_say (self->server, ", bye", -1);
  test_wait_until (has_got (self, "again, bye"));
  terminal_server_drop_clients (self->server);
  test_wait_until (!lodge_terminal_stream_get_connected (self->stream));
  test_wait_ms (600);
  g_assert_cmpuint (terminal_server_get_n_clients (self->server), ==, 0);

  /* The machine is started again, and its socket comes a moment later. */
  g_clear_pointer (&self->server, terminal_server_free);
  lodge_terminal_stream_set_socket (self->stream, self->path);
  test_wait_ms (50);
  self->server = terminal_server_new (self->path);
  test_wait_until (lodge_terminal_stream_get_connected (self->stream));
}

/* A guest that does not read: what is typed is refused at some time, and never grows. */
static void
test_deaf (Fixture *self, gconstpointer data)
{
  char words[1024];
  gsize taken = 0;

  memset (words, 'x', sizeof words);
  terminal_server_set_deaf (self->server);
  connect_stream (self);
  while (lodge_terminal_stream_write (self->stream, words, sizeof words)) {
    taken += sizeof words;
    g_main_context_iteration (NULL, FALSE);
    g_assert_cmpuint (taken, <, 8 * 1024 * 1024);
  }
  g_assert_cmpuint (taken, >, 64 * 1024);
}

/* Between the pieces of a flood there is time for other things. */
static void
test_flood (Fixture *self, gconstpointer data)
{
  g_autofree char *block = g_malloc (1024 * 1024);
  guint64 before;

  memset (block, 'y', 1024 * 1024);
  connect_stream (self);
  terminal_server_flood (self->server, block, 1024 * 1024);
  test_wait_until (self->got->len > 4 * 1024 * 1024);
  before = terminal_server_get_flooded (self->server);
  test_wait_ms (100);
  g_assert_true (lodge_terminal_stream_write (self->stream, "^C", 2));
  test_wait_until (g_str_equal (terminal_server_get_heard (self->server), "^C"));
  test_wait_polled (terminal_server_get_flooded (self->server) > before);
}

static void
start_log (Fixture *self)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_terminal_stream_start_log_async (self->stream, self->log, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_terminal_stream_start_log_finish (self->stream, result, &error);
  g_assert_no_error (error);
}

static gboolean
is_logged (Fixture *self, const char *text)
{
  g_autofree char *content = NULL;

  return g_file_get_contents (self->log_path, &content, NULL, NULL) && g_str_equal (content, text);
}

static guint
count_files (const char *folder, const char *prefix)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    n += g_str_has_prefix (name, prefix) ? 1 : 0;
  return n;
}

static void
test_log (Fixture *self, gconstpointer data)
{
  struct stat info;

  g_assert_true (g_file_set_contents (self->log_path, "old", -1, NULL));
  connect_stream (self);
  terminal_server_say (self->server, "before\r\n", -1);
  test_wait_until (has_got (self, "before\r\n"));

  start_log (self);
  g_assert_true (lodge_terminal_stream_get_log (self->stream) == self->log);
  terminal_server_say (self->server, "\033[31mred\033[0m\r\n", -1);
  /* It can be read while it is written, and is the user's alone. */
  test_wait_polled (is_logged (self, "red\n"));
  g_assert_cmpint (g_stat (self->log_path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 077, ==, 0);
  g_assert_cmpuint (count_files (self->folder, "."), ==, 0);

  /* It goes on over the machine's end. */
  terminal_server_drop_clients (self->server);
  test_wait_until (!lodge_terminal_stream_get_connected (self->stream));
  test_wait_until (lodge_terminal_stream_get_connected (self->stream));
  test_wait_until (terminal_server_get_n_clients (self->server) == 1);
  terminal_server_say (self->server, "more", -1);
  test_wait_polled (is_logged (self, "red\nmore"));

  lodge_terminal_stream_stop_log (self->stream);
  g_assert_null (lodge_terminal_stream_get_log (self->stream));
  terminal_server_say (self->server, "unlogged", -1);
  test_wait_until (self->got->len > 20 && memmem (self->got->data, self->got->len, "unlogged", 8));
  test_wait_ms (50);
  g_assert_true (is_logged (self, "red\nmore"));
  g_assert_null (self->log_error);
}

static void
test_log_limit (Fixture *self, gconstpointer data)
{
  g_autofree char *block = g_malloc (64 * 1024);
  g_autofree char *content = NULL;
  gsize length;

  memset (block, 'z', 64 * 1024);
  connect_stream (self);
  lodge_terminal_stream_set_log_limit (self->stream, 1024 * 1024);
  start_log (self);
  terminal_server_flood (self->server, block, 64 * 1024);
  test_wait_until (self->log_error != NULL);
  g_assert_nonnull (strstr (self->log_error, "1.0"));
  g_assert_null (lodge_terminal_stream_get_log (self->stream));
  test_wait_until (self->got->len > 3 * 1024 * 1024);
  g_assert_true (g_file_get_contents (self->log_path, &content, &length, NULL));
  g_assert_cmpuint (length, >=, 1024 * 1024);
  g_assert_cmpuint (length, <=, 1024 * 1024 + 64 * 1024);
}

static void
test_log_fails (Fixture *self, gconstpointer data)
{
  g_autoptr (GFile) nowhere = g_file_new_for_path ("/nonexistent/serial.log");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  connect_stream (self);
  lodge_terminal_stream_start_log_async (self->stream, nowhere, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_terminal_stream_start_log_finish (self->stream, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_null (lodge_terminal_stream_get_log (self->stream));
}

/* The last log is there until the next one is. */
static void
test_log_kept (Fixture *self, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) again = NULL;
  g_autoptr (GError) error = NULL;
  struct rlimit before, none;
  const int next = dup (STDIN_FILENO);

  g_assert_true (g_file_set_contents (self->log_path, "old", -1, NULL));
  /* No file can be opened. */
  g_assert_cmpint (next, >=, 0);
  close (next);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  none = (struct rlimit){next, before.rlim_max};
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  lodge_terminal_stream_start_log_async (self->stream, self->log, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  g_assert_false (lodge_terminal_stream_start_log_finish (self->stream, result, &error));
  g_assert_nonnull (error);
  g_assert_true (is_logged (self, "old"));

  /* What is no file is not replaced, and nothing is left beside it. */
  g_assert_cmpint (g_unlink (self->log_path), ==, 0);
  g_assert_cmpint (g_mkdir (self->log_path, 0700), ==, 0);
  g_clear_error (&error);
  lodge_terminal_stream_start_log_async (self->stream, self->log, test_wait_result_cb, &again);
  test_wait_until (again != NULL);
  g_assert_false (lodge_terminal_stream_start_log_finish (self->stream, again, &error));
  g_assert_nonnull (error);
  g_assert_true (g_file_test (self->log_path, G_FILE_TEST_IS_DIR));
  test_wait_polled (count_files (self->folder, ".serial.log.") == 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, test)                                                                            \
  g_test_add ("/terminal-stream/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("both-ways", test_both_ways);
  ADD ("again", test_again);
  ADD ("deaf", test_deaf);
  ADD ("flood", test_flood);
  ADD ("log", test_log);
  ADD ("log-limit", test_log_limit);
  ADD ("log-fails", test_log_fails);
  ADD ("log-kept", test_log_kept);
#undef ADD
  return g_test_run ();
}

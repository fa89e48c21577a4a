/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are read through a guest's agent: of ones that do as they should, of ones that cannot,
 * and of ones that say what they like. Whatever it is: what was opened in the guest is closed, and
 * nothing half-made stays here. */
#include "guest/lodge-guest-fetch.h"

#include "file-agent.h"
#include "lodge-error.h"
#include "qemu/lodge-unix-socket.h"
#include "test-folder.h"
#include "test-wait.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE   FILE_AGENT_PIECE
#define REFUSED "failed to open file '/srv/a.bin' (mode: 'r'): "

#define FINE                                                                                       \
  .silent = FILE_AGENT_NEVER, .leaves = FILE_AGENT_NEVER, .instead_of = FILE_AGENT_NEVER,          \
  .flood = FILE_AGENT_NEVER
#define SAYS(when, what)                                                                           \
  .silent = FILE_AGENT_NEVER, .leaves = FILE_AGENT_NEVER, .flood = FILE_AGENT_NEVER,               \
  .instead_of = (when), .instead = what "\n", .size = 3 * PIECE
#define ERROR(what) FILE_AGENT_ERROR (what)

static const FileAgentKind agents[] = {
    {.name = "plain", .size = 700000, FINE, .code = -1},
    {.name = "empty", FINE, .code = -1},
    {.name = "one-byte", .size = 1, FINE, .code = -1},
    {.name = "whole-pieces", .size = 2 * PIECE, FINE, .code = -1},
    {.name = "windows", .size = 700000, .like_windows = TRUE, FINE, .code = -1},
    {.name = "windows-empty", .like_windows = TRUE, FINE, .code = -1},
    {.name = "no-place", .size = 700000, .no_place = TRUE, FINE, .code = -1},
    {.name = "one-place", .size = 700000, .one_place = TRUE, FINE, .code = -1},
    {.name = "stale", .size = 700000, .stale = 400000, FINE, .code = -1},
    /* What it cannot, or may not. */
    {.name = "missing",
     SAYS (FILE_AGENT_OPEN, ERROR (REFUSED "No such file or directory")),
     .code = LODGE_ERROR_NOT_FOUND,
     .words = "no file “/srv/a.bin” in the guest"},
    {.name = "denied",
     SAYS (FILE_AGENT_OPEN, ERROR (REFUSED "Permission denied")),
     .code = LODGE_ERROR_DENIED,
     .words = "another place"},
    {.name = "folder",
     SAYS (FILE_AGENT_READ, ERROR ("failed to read file: Is a directory")),
     .code = LODGE_ERROR_INVALID,
     .words = "“/srv/a.bin” is a folder"},
    {.name = "disabled",
     SAYS (FILE_AGENT_OPEN,
           "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"Command guest-file-open has "
           "been disabled: the command is not allowed\"}}"),
     .code = LODGE_ERROR_DENIED,
     .words = "guest-file-read"},
    {.name = "other-words",
     SAYS (FILE_AGENT_OPEN, ERROR ("<b>&amp; \\u001b[31m\\u202eZugriff verweigert\\nx")),
     .code = LODGE_ERROR_FAILED,
     .words = "says: “<b>&amp; "},
    {.name = "no-words", SAYS (FILE_AGENT_OPEN, "{\"error\":{}}"), .code = LODGE_ERROR_FAILED},
    {.name = "later-error",
     .after = 2,
     SAYS (FILE_AGENT_READ, ERROR ("failed to read file: Input/output error")),
     .code = LODGE_ERROR_FAILED,
     .words = "Input/output error"},
    /* What it should not say. */
    {.name = "no-json", SAYS (FILE_AGENT_OPEN, "yes"), .code = LODGE_ERROR_FAILED},
    {.name = "no-handle",
     SAYS (FILE_AGENT_OPEN, "{\"return\":\"4711\"}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "least-handle",
     SAYS (FILE_AGENT_OPEN, "{\"return\":-9223372036854775808}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "array", SAYS (FILE_AGENT_READ, "[1]"), .code = LODGE_ERROR_FAILED},
    {.name = "number", SAYS (FILE_AGENT_READ, "{\"return\":5}"), .code = LODGE_ERROR_FAILED},
    {.name = "nothing-for-ever",
     SAYS (FILE_AGENT_READ, "{\"return\":{\"count\":0,\"buf-b64\":\"\",\"eof\":false}}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "no-count",
     SAYS (FILE_AGENT_READ, "{\"return\":{\"buf-b64\":\"YWJj\",\"eof\":true}}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "negative-count",
     SAYS (FILE_AGENT_READ, "{\"return\":{\"count\":-3,\"buf-b64\":\"YWJj\",\"eof\":true}}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "larger-count",
     SAYS (FILE_AGENT_READ, "{\"return\":{\"count\":262145,\"buf-b64\":\"YWJj\",\"eof\":true}}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "count-without-text",
     SAYS (FILE_AGENT_READ, "{\"return\":{\"count\":3,\"eof\":true}}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "text-without-count",
     SAYS (FILE_AGENT_READ, "{\"return\":{\"count\":0,\"buf-b64\":\"YWJj\",\"eof\":true}}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "longer-text",
     SAYS (FILE_AGENT_READ, "{\"return\":{\"count\":3,\"buf-b64\":\"YWJjZGVm\",\"eof\":true}}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "shorter-text",
     SAYS (FILE_AGENT_READ, "{\"return\":{\"count\":2,\"buf-b64\":\"YQ==\",\"eof\":true}}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "no-base64",
     SAYS (FILE_AGENT_READ, "{\"return\":{\"count\":3,\"buf-b64\":\"Y!!j\",\"eof\":true}}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "no-size", SAYS (FILE_AGENT_MEASURE, "{\"return\":{\"position\":\"x\"}}"), .code = -1},
    {.name = "negative-size",
     SAYS (FILE_AGENT_MEASURE, "{\"return\":{\"position\":-1}}"),
     .code = -1},
    {.name = "largest-size",
     SAYS (FILE_AGENT_MEASURE, "{\"return\":{\"position\":9223372036854775807}}"),
     .code = LODGE_ERROR_STORAGE,
     .words = "a.bin"},
    {.name = "another-place",
     SAYS (FILE_AGENT_REWIND, "{\"return\":{\"position\":5,\"eof\":false}}"),
     .code = LODGE_ERROR_FAILED},
    {.name = "no-way-back",
     SAYS (FILE_AGENT_REWIND, ERROR ("failed to seek file: Illegal seek")),
     .code = LODGE_ERROR_FAILED},
    {.name = "close-error", SAYS (FILE_AGENT_CLOSE, ERROR ("failed to close handle")), .code = -1},
#define SILENT(when)                                                                               \
  .size = 3 * PIECE, .silent = (when), .leaves = FILE_AGENT_NEVER, .instead_of = FILE_AGENT_NEVER, \
  .flood = FILE_AGENT_NEVER
    {.name = "silent", SILENT (FILE_AGENT_SYNC), .code = LODGE_ERROR_TIMEOUT},
    {.name = "silent-open", SILENT (FILE_AGENT_OPEN), .code = LODGE_ERROR_TIMEOUT},
    {.name = "silent-read", SILENT (FILE_AGENT_READ), .code = LODGE_ERROR_TIMEOUT},
    {.name = "silent-later", .after = 2, SILENT (FILE_AGENT_READ), .code = LODGE_ERROR_TIMEOUT},
    {.name = "silent-close", SILENT (FILE_AGENT_CLOSE), .code = -1},
#define LEAVES(when)                                                                               \
  .size = 3 * PIECE, .leaves = (when), .silent = FILE_AGENT_NEVER, .instead_of = FILE_AGENT_NEVER, \
  .flood = FILE_AGENT_NEVER
    {.name = "leaves", LEAVES (FILE_AGENT_OPEN), .code = LODGE_ERROR_FAILED, .words = "has gone"},
    {.name = "leaves-later", .after = 1, LEAVES (FILE_AGENT_READ), .code = LODGE_ERROR_FAILED},
    {.name = "leaves-close", LEAVES (FILE_AGENT_CLOSE), .code = -1},
#define FLOOD(when)                                                                                \
  .size = 3 * PIECE, .flood = (when), .silent = FILE_AGENT_NEVER, .leaves = FILE_AGENT_NEVER,      \
  .instead_of = FILE_AGENT_NEVER
    {.name = "flood-sync",
     FLOOD (FILE_AGENT_SYNC),
     .code = LODGE_ERROR_FAILED,
     .words = "more than"},
    {.name = "flood-open",
     FLOOD (FILE_AGENT_OPEN),
     .code = LODGE_ERROR_FAILED,
     .words = "more than"},
    {.name = "flood-read", .after = 1, FLOOD (FILE_AGENT_READ), .code = LODGE_ERROR_FAILED},
    /* It is not asked. */
    {.name = "no-path", .path = "a.bin", FINE, .code = LODGE_ERROR_INVALID},
};

typedef struct {
  const FileAgentKind *agent;
  char *folder; /* the agent's socket, and what is below */
  char *socket;
  char *to;
  int to_fd;
  char *data;
  int listener;
  FileAgent server;
  guint n_progress;
  GCancellable *cancellable;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->agent = data;
  f->folder = g_dir_make_tmp ("lodge-fetch-XXXXXX", NULL);
  f->socket = g_build_filename (f->folder, "agent.sock", NULL);
  f->to = g_dir_make_tmp ("lodge-to-XXXXXX", NULL);
  f->to_fd = open (f->to, O_PATH | O_DIRECTORY | O_CLOEXEC);
  f->data = g_dir_make_tmp ("lodge-data-XXXXXX", NULL);
  f->listener = lodge_unix_socket_listen (f->socket, &error);
  g_assert_no_error (error);
  f->cancellable = g_cancellable_new ();
  /* Only what does not answer is waited for. */
  lodge_guest_fetch_patience_ms = f->agent->silent != FILE_AGENT_NEVER ? 300 : TEST_WAIT_S * 1000;
  lodge_guest_fetch_cancel_ms = 300;
  lodge_guest_fetch_crawl_ms = TEST_WAIT_S * 1000;
  lodge_guest_fetch_slack_bytes = 0;
}

static guint
count (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (count (f->data), ==, 0);
  close (f->listener);
  close (f->to_fd);
  test_folder_remove (f->folder);
  test_folder_remove (f->to);
  test_folder_remove (f->data);
  g_free (f->folder);
  g_free (f->socket);
  g_free (f->to);
  g_free (f->data);
  file_agent_clear (&f->server);
  g_object_unref (f->cancellable);
}

static void
progress_cb (guint64 n_bytes, guint64 size_bytes, gpointer user_data)
{
  Fixture *f = user_data;

  f->n_progress++;
  g_assert_true (size_bytes == 0 || size_bytes == f->agent->size);
  const guint64 piece = f->agent->piece > 0 ? f->agent->piece : PIECE;
  g_assert_cmpuint (n_bytes, ==,
                    f->agent->endless ? f->n_progress * piece
                                      : MIN (f->n_progress * piece, f->agent->size));
  if (f->agent->endless && f->n_progress == 3 && f->agent->code == LODGE_ERROR_CANCELLED)
    g_cancellable_cancel (f->cancellable);
}

static void
begin (Fixture *f, GAsyncResult **result)
{
  const LodgeGuestFetchPlan plan = {
      .socket_path = f->socket,
      .qemu = getpid (),
      .path = f->agent->path != NULL ? f->agent->path : "/srv/a.bin",
      .folder_fd = f->to_fd,
      .folder = f->to,
      .data_folder = f->data,
  };

  file_agent_start (&f->server, f->agent, f->listener, f->cancellable);
  lodge_guest_fetch_async (&plan, progress_cb, f, f->cancellable, test_wait_result_cb, result);
}

/* Takes @result. */
static void
end (Fixture *f, GAsyncResult *result_given)
{
  const FileAgentKind *agent = f->agent;
  g_autoptr (GAsyncResult) result = result_given;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = lodge_guest_fetch_finish (result, &error);
  g_autofree char *got = NULL;
  gsize length;

  if (agent->code >= 0) {
    g_assert_error (error, LODGE_ERROR, agent->code);
    g_test_message ("%s", error->message);
    g_assert_cmpuint (strlen (error->message), <, 600);
    for (const char *c = error->message; *c != '\0'; c = g_utf8_next_char (c))
      g_assert_true (g_unichar_isprint (g_utf8_get_char (c)));
    if (agent->words != NULL)
      g_assert_nonnull (strstr (error->message, agent->words));
    g_assert_null (path);
    g_assert_cmpuint (count (f->to), ==, 0);
    return;
  }
  g_assert_no_error (error);
  g_assert_true (g_str_has_suffix (path, "/a.bin"));
  g_assert_true (g_file_get_contents (path, &got, &length, NULL));
  g_assert_cmpmem (got, length, f->server.content, agent->size);
  g_assert_cmpuint (count (f->to), ==, 1);
}

static void
test_agent (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;

  begin (f, &result);
  test_wait_until (result != NULL);
  end (f, result);
  if (f->agent->path != NULL)
    shutdown (f->listener, SHUT_RDWR);
  file_agent_join (&f->server);
  g_assert_true (f->server.asked == (f->agent->path == NULL));
  /* Also where it did not answer any more. */
  if (f->agent->leaves == FILE_AGENT_NEVER && f->agent->flood == FILE_AGENT_NEVER)
    g_assert_cmpuint (f->server.n_closed, ==, f->server.n_open);
}

/* It is not waited for, is told to close what it has opened, and hears it once it hears again. */
static void
test_cancelled (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;

  lodge_guest_fetch_patience_ms = TEST_WAIT_S * 1000;
  begin (f, &result);
  if (!f->agent->endless)
    g_cancellable_cancel (f->cancellable);
  test_wait_until (result != NULL);
  end (f, result);
  file_agent_join (&f->server);
  g_assert_cmpuint (f->server.n_closed, ==, f->server.n_open);
}

/* What was being opened is open by then. */
static void
test_cancelled_opening (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;

  lodge_guest_fetch_cancel_ms = TEST_WAIT_S * 1000;
  begin (f, &result);
  test_wait_polled (g_atomic_int_get (&f->server.n_open) == 1);
  g_cancellable_cancel (f->cancellable);
  test_wait_until (result != NULL);
  end (f, result);
  file_agent_join (&f->server);
  g_assert_cmpuint (f->server.n_closed, ==, 1);
}

/* The agent stands still in the middle: it was asked for a piece when this was cancelled. */
static void
test_cancelled_still (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;

  lodge_guest_fetch_patience_ms = TEST_WAIT_S * 1000;
  begin (f, &result);
  test_wait_until (f->n_progress == 2);
  test_wait_ms (50);
  g_cancellable_cancel (f->cancellable);
  test_wait_until (result != NULL);
  end (f, result);
  file_agent_join (&f->server);
  g_assert_cmpuint (f->server.n_open, ==, 1);
  g_assert_cmpuint (f->server.n_closed, ==, 1);
}

/* It never ends, and the disk does: no file of this process may be larger (setrlimit(2)). */
static void
test_endless (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;
  struct rlimit before, limit;

  g_assert_no_errno (getrlimit (RLIMIT_FSIZE, &before));
  limit = (struct rlimit){10 * PIECE + 1000, before.rlim_max};
  signal (SIGXFSZ, SIG_IGN);
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &limit));
  begin (f, &result);
  test_wait_until (result != NULL);
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &before));
  end (f, result);
  file_agent_join (&f->server);
  g_assert_cmpuint (f->n_progress, ==, 10);
  g_assert_cmpuint (f->server.n_closed, ==, 1);
}

/* Twice what it has said, and what else it may grow by, and not a piece more. */
static void
test_too_much (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;

  lodge_guest_fetch_slack_bytes = PIECE;
  begin (f, &result);
  test_wait_until (result != NULL);
  end (f, result);
  file_agent_join (&f->server);
  g_assert_cmpuint (f->n_progress, ==, 7);
  g_assert_cmpuint (f->server.n_closed, ==, 1);
}

/* Each answer comes in time, and the file never does. A few have to be seen for that. */
static void
test_crawls (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;

  lodge_guest_fetch_crawl_ms = 0;
  begin (f, &result);
  test_wait_until (result != NULL);
  end (f, result);
  file_agent_join (&f->server);
  if (f->agent->code >= 0)
    g_assert_cmpuint (f->n_progress, ==, 3);
  g_assert_cmpuint (f->server.n_closed, ==, 1);
}

/* Somebody else has put a socket there. */
static void
test_stranger (Fixture *f, gconstpointer data)
{
  const LodgeGuestFetchPlan plan = {f->socket, getppid (), "/srv/a.bin", f->to_fd, f->to, f->data};
  GAsyncResult *result = NULL;

  lodge_guest_fetch_async (&plan, NULL, NULL, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  end (f, result);
}

/* The folder has gone: that is found out once the guest has opened its file. */
static void
test_no_folder (Fixture *f, gconstpointer data)
{
  g_autofree char *nowhere = g_build_filename (f->to, "nowhere", NULL);
  const int fd = g_mkdir (nowhere, 0700) == 0 ? open (nowhere, O_PATH | O_DIRECTORY) : -1;
  const LodgeGuestFetchPlan plan = {f->socket, getpid (), "/srv/a.bin", fd, nowhere, f->data};
  GAsyncResult *result = NULL;

  g_assert_no_errno (g_rmdir (nowhere));

  file_agent_start (&f->server, f->agent, f->listener, f->cancellable);
  lodge_guest_fetch_async (&plan, NULL, NULL, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  end (f, result);
  file_agent_join (&f->server);
  g_assert_cmpuint (f->server.n_closed, ==, 1);
  close (fd);
}

int
main (int argc, char *argv[])
{
  static const FileAgentKind endless = {
      .endless = TRUE, .no_place = TRUE, FINE, .code = LODGE_ERROR_STORAGE};
  static const FileAgentKind stopped = {
      .endless = TRUE, .no_place = TRUE, FINE, .code = LODGE_ERROR_CANCELLED};
  static const FileAgentKind opening = {
      .size = 700000, .hesitates = TRUE, FINE, .code = LODGE_ERROR_CANCELLED};
  static const FileAgentKind early = {.size = 700000, FINE, .code = LODGE_ERROR_CANCELLED};
  static const FileAgentKind still = {.after = 3,
                                      .size = 9 * PIECE,
                                      .silent = FILE_AGENT_READ,
                                      .leaves = FILE_AGENT_NEVER,
                                      .instead_of = FILE_AGENT_NEVER,
                                      .flood = FILE_AGENT_NEVER,
                                      .code = LODGE_ERROR_CANCELLED};
  static const FileAgentKind failed = {FINE, .code = LODGE_ERROR_FAILED};
  static const FileAgentKind no_folder = {.size = 10, FINE, .code = LODGE_ERROR_NOT_FOUND};

  static const FileAgentKind too_much = {
      .endless = TRUE, .size = 3 * PIECE, FINE, .code = LODGE_ERROR_FAILED, .words = "far more"};
  static const FileAgentKind crawling = {.endless = TRUE,
                                         .no_place = TRUE,
                                         .piece = 1,
                                         FINE,
                                         .code = LODGE_ERROR_TIMEOUT,
                                         .words = "too slow"};
  static const FileAgentKind steady = {
      .size = 9 * (PIECE / 4) + 1, .piece = PIECE / 4, FINE, .code = -1};
  static const FileAgentKind small = {
      .size = 3, .piece = 1, .like_windows = TRUE, FINE, .code = -1};

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (agents); i++) {
    g_autofree char *path = g_strconcat ("/guest/fetch/", agents[i].name, NULL);

    g_test_add (path, Fixture, &agents[i], set_up, test_agent, tear_down);
  }
#define ADD(name, agent, function)                                                                 \
  g_test_add ("/guest/fetch/" name, Fixture, &(agent), set_up, function, tear_down)
  ADD ("cancelled", early, test_cancelled);
  ADD ("cancelled-opening", opening, test_cancelled_opening);
  ADD ("cancelled-later", stopped, test_cancelled);
  ADD ("cancelled-still", still, test_cancelled_still);
  ADD ("endless", endless, test_endless);
  ADD ("too-much", too_much, test_too_much);
  ADD ("crawls", crawling, test_crawls);
  ADD ("steady", steady, test_crawls);
  ADD ("small", small, test_crawls);
  ADD ("stranger", failed, test_stranger);
  ADD ("no-folder", no_folder, test_no_folder);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting to a QEMU: one that starts late, is not one, ends, or has another client. */
#include "qmp-fixture.h"

#include "lodge-error.h"
#include "qemu/lodge-unix-socket.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sent together with the answer to qmp_capabilities, before anyone can listen. */
static void
test_first_event_is_heard (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_answer_raw (fixture->fake, "qmp_capabilities",
                       "{\"return\": {}, \"id\": @ID@}\r\n"
                       "{\"event\": \"FIRST\"}\r\n{\"event\": \"SECOND\"}\r\n");
  fixture->qmp =
      qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0, &error);
  g_assert_no_error (error);
  g_signal_connect (fixture->qmp, "event", G_CALLBACK (qmp_fixture_event_cb), fixture);
  while (fixture->n_events < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (fixture->events->str, ==, "FIRST SECOND ");
}

static void
assert_no_connection (QmpFixture *fixture, guint timeout_ms, int code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (qmp_fixture_connect (fake_qmp_get_path (fixture->fake), timeout_ms, 0, &error));
  qmp_fixture_assert_error (error, code, part);
  qmp_fixture_assert_error (error, code, fake_qmp_get_path (fixture->fake));
}

static void
test_greeting_in_pieces (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;

  fake_qmp_set_piece_bytes (fixture->fake, 1);
  fake_qmp_answer (fixture->fake, "x", "\"ü in two pieces\"");
  fixture->qmp = qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS,
                                      getpid (), &error);
  g_assert_no_error (error);
  node = qmp_fixture_execute (fixture->qmp, "x", QMP_FIXTURE_LONG_MS, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_node_get_string (node), ==, "ü in two pieces");
}

/* As QEMU tells also whom it has not greeted yet. */
static void
test_event_before_greeting (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_set_greeting (fixture->fake, "{\"event\": \"EARLY\"}\r\n{\"QMP\": {}}\r\n");
  fixture->qmp =
      qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0, &error);
  g_assert_no_error (error);
  qmp_fixture_drain ();
  g_assert_cmpuint (fixture->n_events, ==, 0);
}

/* As QEMU does to whoever comes while its monitor is being set up: before the capabilities have
 * reached it, or right behind them. */
static void
test_greeted_twice (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;

  fake_qmp_set_greeting (fixture->fake, "{\"QMP\": {}}\r\n{\"QMP\": {}}\r\n");
  fake_qmp_answer (fixture->fake, "qmp_capabilities", "{}");
  fake_qmp_refuse (fixture->fake, "qmp_capabilities", "CommandNotFound", "already complete");
  fake_qmp_answer (fixture->fake, "x", "1");
  fixture->qmp =
      qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0, &error);
  g_assert_no_error (error);
  node = qmp_fixture_execute (fixture->qmp, "x", QMP_FIXTURE_LONG_MS, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fake_qmp_get_commands (fixture->fake), ==,
                   "qmp_capabilities qmp_capabilities x");
}

static void
test_greeted_late (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;

  fake_qmp_answer_raw (fixture->fake, "qmp_capabilities",
                       "{\"return\": {}, \"id\": @ID@}\r\n{\"QMP\": {}}\r\n");
  fake_qmp_answer (fixture->fake, "qmp_capabilities", "{}");
  fake_qmp_answer (fixture->fake, "x", "1");
  fixture->qmp =
      qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0, &error);
  g_assert_no_error (error);
  while (fake_qmp_count (fixture->fake, "qmp_capabilities") < 2)
    g_main_context_iteration (NULL, TRUE);
  node = qmp_fixture_execute (fixture->qmp, "x", QMP_FIXTURE_LONG_MS, &error);
  g_assert_no_error (error);
}

/* To who was killed while QEMU did what he had asked for; there is one such answer at most. */
static void
test_left_over (QmpFixture *fixture, gconstpointer unused)
{
  static const struct {
    const char *greeting;
    const char *capabilities;
  } cases[] = {
      {"{\"return\": {}, \"id\": 7}\r\n{\"QMP\": {}}\r\n", "{\"return\": {}, \"id\": @ID@}\r\n"},
      {"{\"QMP\": {}}\r\n", "{\"return\": [1], \"id\": 1}\r\n{\"return\": {}, \"id\": @ID@}\r\n"},
      {"{\"QMP\": {}}\r\n",
       "{\"error\": {\"class\": \"GenericError\", \"desc\": \"x\"}, \"id\": 2}\r\n"
       "{\"return\": {}, \"id\": @ID@}\r\n"},
  };
  g_autoptr (GError) refused = NULL;

  fake_qmp_answer (fixture->fake, "x", "1");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) node = NULL;

    fake_qmp_set_greeting (fixture->fake, cases[i].greeting);
    fake_qmp_answer_raw (fixture->fake, "qmp_capabilities", cases[i].capabilities);
    fixture->qmp =
        qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0, &error);
    g_assert_no_error (error);
    node = qmp_fixture_execute (fixture->qmp, "x", QMP_FIXTURE_LONG_MS, &error);
    g_assert_no_error (error);
    g_assert_cmpint (json_node_get_int (node), ==, 1);
    lodge_qmp_close (fixture->qmp);
    g_clear_object (&fixture->qmp);
    while (fake_qmp_has_client (fixture->fake))
      g_main_context_iteration (NULL, TRUE);
  }
  fake_qmp_answer_raw (fixture->fake, "qmp_capabilities",
                       "{\"return\": {}, \"id\": 1}\r\n{\"return\": {}, \"id\": 2}\r\n"
                       "{\"return\": {}, \"id\": @ID@}\r\n");
  fake_qmp_set_greeting (fixture->fake, "{\"QMP\": {}}\r\n");
  g_assert_null (
      qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0, &refused));
  qmp_fixture_assert_error (refused, LODGE_ERROR_FAILED, "nobody asked");
}

static void
test_bad_greeting (QmpFixture *fixture, gconstpointer unused)
{
  struct {
    const char *greeting;
    const char *part;
  } cases[] = {
      {"220 mail.example.org ESMTP\r\n", "no JSON object"},
      {"{\"QMP\": []}\n", "greeting that is no object"},
      {"{\"return\": {}}\n", "no QMP greeting"},
      {"{\"return\": {}, \"id\": 1}\n{\"return\": {}, \"id\": 2}\n", "no QMP greeting"},
      {"{\"event\": \"A\"}\n{\"return\": {}}\n", "no QMP greeting"},
      {"\xff\xff\xff\n", "not UTF-8"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    fake_qmp_set_greeting (fixture->fake, cases[i].greeting);
    assert_no_connection (fixture, QMP_FIXTURE_LONG_MS, LODGE_ERROR_FAILED, cases[i].part);
  }
}

static void
test_no_greeting (QmpFixture *fixture, gconstpointer unused)
{
  fake_qmp_set_greeting (fixture->fake, NULL);
  assert_no_connection (fixture, QMP_FIXTURE_SHORT_MS, LODGE_ERROR_TIMEOUT, "another program");
  fake_qmp_set_greeting (fixture->fake, "{\"QMP\": {\"vers");
  assert_no_connection (fixture, QMP_FIXTURE_SHORT_MS, LODGE_ERROR_TIMEOUT, "within 0.06 s");
}

/* A QEMU that stands in accept() goes on with the next connection: its main loop, or the thread of
 * its monitor. */
static void
test_stuck (QmpFixture *fixture, gconstpointer unused)
{
  for (gboolean greets_first = FALSE; greets_first <= TRUE; greets_first++) {
    g_autoptr (GError) error = NULL;

    fake_qmp_set_waits_for_second (fixture->fake, greets_first);
    fixture->qmp =
        qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0, &error);
    g_assert_no_error (error);
    if (!greets_first) {
      lodge_qmp_close (fixture->qmp);
      g_clear_object (&fixture->qmp);
      while (fake_qmp_has_client (fixture->fake))
        g_main_context_iteration (NULL, TRUE);
    }
  }
}

/* What has a name is not connected to before QEMU has answered on the pair of sockets; and whatever
 * becomes of that, it is then. */
static void
test_started (QmpFixture *fixture, gconstpointer ends)
{
  g_autoptr (FakeQmp) other = fake_qmp_new ();
  int saved_errno = 0;
  g_autoptr (GSocket) hello = lodge_unix_socket_connect (fake_qmp_get_path (other), &saved_errno);
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (hello);
  fake_qmp_set_greeting (other, NULL);
  if (ends == NULL)
    fake_qmp_ignore (other, "qmp_capabilities");
  lodge_qmp_connect_started_async (hello, fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0,
                                   NULL, qmp_fixture_done_cb, &wait);
  while (!fake_qmp_has_client (other))
    g_main_context_iteration (NULL, TRUE);
  qmp_fixture_drain ();
  g_assert_false (fake_qmp_has_client (fixture->fake));
  if (ends != NULL) {
    fake_qmp_hang_up (other);
  } else {
    fake_qmp_send (other, "{\"QMP\": {}}\r\n", -1);
    while (fake_qmp_count (other, "qmp_capabilities") == 0)
      g_main_context_iteration (NULL, TRUE);
    qmp_fixture_drain ();
    g_assert_false (fake_qmp_has_client (fixture->fake));
    fake_qmp_answer_late (other, "qmp_capabilities", "{}");
  }
  qmp_fixture_iterate_until (&wait.done);
  fixture->qmp = lodge_qmp_connect_finish (wait.result, &error);
  g_object_unref (wait.result);
  g_assert_no_error (error);
  g_assert_cmpstr (fake_qmp_get_commands (fixture->fake), ==, "qmp_capabilities");
  while (fake_qmp_has_client (other))
    g_main_context_iteration (NULL, TRUE);
}

static void
test_early_end (QmpFixture *fixture, gconstpointer unused)
{
  fake_qmp_set_hang_up_after_greeting (fixture->fake, TRUE);
  fake_qmp_set_greeting (fixture->fake, NULL);
  assert_no_connection (fixture, QMP_FIXTURE_LONG_MS, LODGE_ERROR_FAILED,
                        "QEMU closed the connection");
  fake_qmp_set_greeting (fixture->fake, "{\"QMP\": ");
  assert_no_connection (fixture, QMP_FIXTURE_LONG_MS, LODGE_ERROR_FAILED,
                        "QEMU closed the connection");
}

static void
test_early_end_in_negotiation (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_hang_up_on (fixture->fake, "qmp_capabilities");
  g_assert_null (
      qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "QEMU closed the connection");
}

static void
test_negotiation_fails (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "qmp_capabilities", "GenericError", "not today");
  fake_qmp_ignore (fixture->fake, "qmp_capabilities");
  g_assert_null (
      qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "not today");
  g_clear_error (&error);
  g_assert_null (
      qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_SHORT_MS, 0, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_TIMEOUT, "within 0.06 s");
}

/* QEMU serves one client; the second is greeted when the first has gone. */
static void
test_second_client (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeQmp) second = NULL;

  assert_no_connection (fixture, QMP_FIXTURE_SHORT_MS, LODGE_ERROR_TIMEOUT, "another program");
  lodge_qmp_close (fixture->qmp);
  second = qmp_fixture_connect (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0, &error);
  g_assert_no_error (error);
  lodge_qmp_close (second);
  qmp_fixture_drain ();
}

static void
test_no_socket (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("lodge-qmp-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "missing", NULL);
  g_autofree char *file = g_build_filename (folder, "file", NULL);
  g_autofree char *below = g_build_filename (file, "qmp.sock", NULL);
  g_autofree char *filling = g_strnfill (150, 'x');
  g_autofree char *too_long = g_build_filename (folder, filling, NULL);

  g_assert_null (qmp_fixture_connect (path, QMP_FIXTURE_SHORT_MS, 0, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_TIMEOUT, path);
  g_clear_error (&error);

  /* A file nobody listens on is like a socket left by one that was killed. */
  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_assert_null (qmp_fixture_connect (file, QMP_FIXTURE_SHORT_MS, 0, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_TIMEOUT, file);
  g_clear_error (&error);

  g_assert_null (qmp_fixture_connect (below, QMP_FIXTURE_LONG_MS, 0, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, below);
  g_clear_error (&error);

  g_assert_null (qmp_fixture_connect (too_long, QMP_FIXTURE_LONG_MS, 0, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "File name too long");

  g_unlink (file);
  g_rmdir (folder);
}

static gboolean
begin_fake_cb (gpointer user_data)
{
  QmpFixture *fixture = user_data;
  g_autofree char *path = g_strdup (fixture->events->str);

  fixture->fake = fake_qmp_new_at (path);
  return G_SOURCE_REMOVE;
}

static void
test_socket_comes_later (void)
{
  QmpFixture fixture = {NULL};
  g_autofree char *folder = g_dir_make_tmp ("lodge-qmp-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "qmp.sock", NULL);
  g_autoptr (GError) error = NULL;

  fixture.events = g_string_new (path);
  g_timeout_add (30, begin_fake_cb, &fixture);
  fixture.qmp = qmp_fixture_connect (path, QMP_FIXTURE_LONG_MS, getpid (), &error);
  g_assert_no_error (error);
  g_assert_false (lodge_qmp_is_closed (fixture.qmp));
  qmp_fixture_tear_down (&fixture, NULL);
  g_rmdir (folder);
}

/* A process that ends, and stays unreaped until the test has seen it noticed. */
static void
test_process_ends (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-qmp-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "qmp.sock", NULL);
  g_autoptr (GError) error = NULL;
  pid_t child = fork ();

  if (child == 0) {
    g_usleep (20000);
    _exit (3);
  }
  g_assert_null (qmp_fixture_connect (path, QMP_FIXTURE_LONG_MS, child, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "ended before it answered");
  g_clear_error (&error);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);

  g_assert_null (qmp_fixture_connect (path, QMP_FIXTURE_LONG_MS, child, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "ended before it answered");
  g_rmdir (folder);
}

static void
test_connect_cancelled (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  fake_qmp_set_greeting (fixture->fake, NULL);
  for (guint when = 0; when < 3; when++) {
    g_autoptr (GError) error = NULL;
    QmpWait wait = {FALSE};

    g_cancellable_reset (cancellable);
    if (when == 0)
      g_cancellable_cancel (cancellable);
    lodge_qmp_connect_async (when == 2 ? "/nonexistent/qmp.sock"
                                       : fake_qmp_get_path (fixture->fake),
                             QMP_FIXTURE_LONG_MS, 0, cancellable, qmp_fixture_done_cb, &wait);
    if (when > 0)
      g_cancellable_cancel (cancellable);
    qmp_fixture_iterate_until (&wait.done);
    g_assert_null (lodge_qmp_connect_finish (wait.result, &error));
    g_object_unref (wait.result);
    qmp_fixture_assert_error (error, LODGE_ERROR_CANCELLED, "cancelled");
    qmp_fixture_drain ();
  }
}

/* Nobody asks for the result: nothing is left of it. */
static void
test_connect_not_finished (QmpFixture *fixture, gconstpointer unused)
{
  lodge_qmp_connect_async (fake_qmp_get_path (fixture->fake), QMP_FIXTURE_LONG_MS, 0, NULL, NULL,
                           NULL);
  while (fake_qmp_count (fixture->fake, "qmp_capabilities") == 0)
    g_main_context_iteration (NULL, TRUE);
  while (fake_qmp_has_client (fixture->fake))
    g_main_context_iteration (NULL, TRUE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define CONNECTED(path, function)                                                                  \
  g_test_add ("/qmp/" path, QmpFixture, NULL, qmp_fixture_set_up_connected, function,              \
              qmp_fixture_tear_down)
#define CONNECTING(path, function)                                                                 \
  g_test_add ("/qmp/connect/" path, QmpFixture, NULL, qmp_fixture_set_up, function,                \
              qmp_fixture_tear_down)

  CONNECTING ("first-event-is-heard", test_first_event_is_heard);
  CONNECTING ("greeting-in-pieces", test_greeting_in_pieces);
  CONNECTING ("greeted-twice", test_greeted_twice);
  CONNECTING ("greeted-late", test_greeted_late);
  CONNECTING ("left-over", test_left_over);
  CONNECTING ("bad-greeting", test_bad_greeting);
  CONNECTING ("no-greeting", test_no_greeting);
  CONNECTING ("stuck", test_stuck);
  CONNECTING ("event-before-greeting", test_event_before_greeting);
  CONNECTING ("started", test_started);
  g_test_add ("/qmp/connect/started-and-ended", QmpFixture, "", qmp_fixture_set_up, test_started,
              qmp_fixture_tear_down);
  CONNECTING ("early-end", test_early_end);
  CONNECTING ("early-end-in-negotiation", test_early_end_in_negotiation);
  CONNECTING ("negotiation-fails", test_negotiation_fails);
  CONNECTED ("connect/second-client", test_second_client);
  g_test_add_func ("/qmp/connect/no-socket", test_no_socket);
  g_test_add_func ("/qmp/connect/socket-comes-later", test_socket_comes_later);
  g_test_add_func ("/qmp/connect/process-ends", test_process_ends);
  CONNECTING ("cancelled", test_connect_cancelled);
  CONNECTING ("not-finished", test_connect_not_finished);
  return g_test_run ();
}

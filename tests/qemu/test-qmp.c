/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The QMP client against every shape an answer or an event of QEMU can take, and its own limits. */
#include "qmp-fixture.h"

#include "lodge-error.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Answers */

static void
test_answer (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) first = NULL;
  g_autoptr (JsonNode) second = NULL;

  fake_qmp_answer (fixture->fake, "query-status", "{\"status\": \"prelaunch\"}");
  fake_qmp_answer (fixture->fake, "query-status", "{\"status\": \"running\"}");
  first = qmp_fixture_execute (fixture->qmp, "query-status", 0, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (first), "status"), ==,
                   "prelaunch");
  second = qmp_fixture_execute (fixture->qmp, "query-status", 0, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (second), "status"), ==,
                   "running");
  g_assert_cmpstr (fake_qmp_get_commands (fixture->fake), ==,
                   "qmp_capabilities query-status query-status");
  g_assert_cmpint (lodge_qmp_get_pid (fixture->qmp), ==, getpid ());
}

/* "return" may hold anything; what it means is the caller's to check. */
static void
test_answer_of_any_type (QmpFixture *fixture, gconstpointer unused)
{
  static const char *const values[] = {"[]",       "[1, [2]]", "17",
                                       "\"text\"", "null",     "true",
                                       "{}",       "-1.5e3",   "\"\\ud83d\\ude00 \\\\ \\\" [{\""};

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    fake_qmp_answer (fixture->fake, "x", values[i]);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) expected = json_from_string (values[i], NULL);
    g_autoptr (JsonNode) node =
        qmp_fixture_execute (fixture->qmp, "x", QMP_FIXTURE_LONG_MS, &error);

    g_assert_no_error (error);
    g_assert_nonnull (node);
    g_assert_true (expected == NULL ? JSON_NODE_HOLDS_NULL (node)
                                    : json_node_equal (node, expected));
  }
}

static void
test_arguments (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  QmpWait wait = {FALSE};
  JsonObject *sent;

  fake_qmp_answer (fixture->fake, "device_del", "{}");
  lodge_qmp_execute_async (fixture->qmp, "device_del",
                           lodge_qmp_arguments ("id", "a \"quoted\"\nname", "more", "ü", NULL),
                           QMP_FIXTURE_LONG_MS, NULL, qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  node = lodge_qmp_execute_finish (fixture->qmp, wait.result, &error);
  g_object_unref (wait.result);
  g_assert_no_error (error);
  sent = fake_qmp_get_arguments (fixture->fake, "device_del");
  g_assert_cmpuint (json_object_get_size (sent), ==, 2);
  g_assert_cmpstr (json_object_get_string_member (sent, "id"), ==, "a \"quoted\"\nname");
  g_assert_cmpstr (json_object_get_string_member (sent, "more"), ==, "ü");
}

static void
test_refusal (QmpFixture *fixture, gconstpointer unused)
{
  struct {
    const char *lines;
    const char *message;
  } cases[] = {
      {"{\"id\": @ID@, \"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"No 'x'\"}}\n",
       "QEMU refused “stop”: No 'x'"},
      {"{\"id\": @ID@, \"error\": {\"class\": \"GenericError\"}}\n",
       "QEMU refused “stop”: GenericError"},
      {"{\"id\": @ID@, \"error\": {}}\n", "QEMU refused “stop”: it gave no reason"},
      {"{\"id\": @ID@, \"error\": {\"class\": 7, \"desc\": [\"no\"]}}\n",
       "QEMU refused “stop”: it gave no reason"},
      {"{\"id\": @ID@, \"error\": {\"desc\": \"one\\ntwo\\u0007<b>\\u202e\"}}\n",
       "QEMU refused “stop”: one two <b>"},
      {"{\"id\": @ID@, \"error\": {\"desc\": \" \\n \"}}\n",
       "QEMU refused “stop”: it gave no reason"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    fake_qmp_answer_raw (fixture->fake, "stop", cases[i].lines);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (qmp_fixture_execute (fixture->qmp, "stop", QMP_FIXTURE_LONG_MS, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
    g_assert_cmpstr (error->message, ==, cases[i].message);
  }
  g_assert_false (lodge_qmp_is_closed (fixture->qmp));
}

static void
test_refusal_is_cut (QmpFixture *fixture, gconstpointer unused)
{
  g_autofree char *desc = g_strnfill (100000, 'x');
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "stop", "GenericError", desc);
  g_assert_null (qmp_fixture_execute (fixture->qmp, "stop", QMP_FIXTURE_LONG_MS, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_cmpuint (strlen (error->message), <, 500);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
test_many_at_once (QmpFixture *fixture, gconstpointer unused)
{
  QmpWait waits[200] = {{FALSE}};

  fake_qmp_answer (fixture->fake, "even", "0");
  fake_qmp_answer (fixture->fake, "odd", "1");
  for (guint i = 0; i < G_N_ELEMENTS (waits); i++)
    lodge_qmp_execute_async (fixture->qmp, i % 2 ? "odd" : "even", NULL, QMP_FIXTURE_LONG_MS, NULL,
                             qmp_fixture_done_cb, &waits[i]);
  for (guint i = 0; i < G_N_ELEMENTS (waits); i++) {
    g_autoptr (JsonNode) node = NULL;
    g_autoptr (GError) error = NULL;

    qmp_fixture_iterate_until (&waits[i].done);
    node = lodge_qmp_execute_finish (fixture->qmp, waits[i].result, &error);
    g_assert_no_error (error);
    g_assert_cmpint (json_node_get_int (node), ==, i % 2);
    g_object_unref (waits[i].result);
  }
}

/* More than a socket's buffer holds goes out in parts. */
static void
test_long_request (QmpFixture *fixture, gconstpointer unused)
{
  g_autofree char *text = g_strnfill (2 * 1024 * 1024, 'a');
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  QmpWait wait = {FALSE};

  fake_qmp_answer (fixture->fake, "x", "{}");
  lodge_qmp_execute_async (fixture->qmp, "x", lodge_qmp_arguments ("text", text, NULL),
                           QMP_FIXTURE_LONG_MS, NULL, qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  node = lodge_qmp_execute_finish (fixture->qmp, wait.result, &error);
  g_object_unref (wait.result);
  g_assert_no_error (error);
  g_assert_cmpstr (
      json_object_get_string_member (fake_qmp_get_arguments (fixture->fake, "x"), "text"), ==,
      text);
}

static void
test_fd (QmpFixture *fixture, gconstpointer unused)
{
  int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  QmpWait wait = {FALSE};
  struct stat ours, theirs;
  int received;

  fake_qmp_answer (fixture->fake, "getfd", "{}");
  g_assert_cmpint (fstat (fd, &ours), ==, 0);
  lodge_qmp_execute_with_fd_async (fixture->qmp, "getfd",
                                   lodge_qmp_arguments ("fdname", "wire", NULL), fd, NULL,
                                   qmp_fixture_done_cb, &wait);
  close (fd); /* it was duplicated */
  qmp_fixture_iterate_until (&wait.done);
  node = lodge_qmp_execute_finish (fixture->qmp, wait.result, &error);
  g_object_unref (wait.result);
  g_assert_no_error (error);

  received = fake_qmp_steal_fd (fixture->fake);
  g_assert_cmpint (received, >=, 0);
  g_assert_cmpint (fstat (received, &theirs), ==, 0);
  g_assert_true (ours.st_rdev == theirs.st_rdev && ours.st_ino == theirs.st_ino);
  close (received);
}

/* A file's name need not be UTF-8: it is refused here, and the connection lives on. */
static void
test_argument_is_not_utf8 (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  QmpWait wait = {FALSE};

  lodge_qmp_execute_async (fixture->qmp, "x", lodge_qmp_arguments ("filename", "a\xff", NULL),
                           QMP_FIXTURE_LONG_MS, NULL, qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, wait.result, &error));
  g_object_unref (wait.result);
  qmp_fixture_assert_error (error, LODGE_ERROR_INVALID, "“x”");
  g_assert_cmpuint (fake_qmp_count (fixture->fake, "x"), ==, 0);
  g_clear_error (&error);
  g_assert_null (qmp_fixture_execute (fixture->qmp, "y", QMP_FIXTURE_LONG_MS, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "has not been found");
}

static void
test_bad_fd (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  QmpWait wait = {FALSE};

  lodge_qmp_execute_with_fd_async (fixture->qmp, "getfd",
                                   lodge_qmp_arguments ("fdname", "wire", NULL), 1000000, NULL,
                                   qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, wait.result, &error));
  g_object_unref (wait.result);
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "“getfd”");
  g_assert_cmpuint (fake_qmp_count (fixture->fake, "getfd"), ==, 0);
}

/* Events */

static void
test_events_around (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;

  fake_qmp_answer_raw (fixture->fake, "stop",
                       "{\"event\": \"A\", \"timestamp\": {}}\r\n\r\n"
                       "{\"event\": \"B\", \"data\": {\"x\": 1}}\r\n"
                       "{\"return\": {}, \"id\": @ID@}\r\n"
                       "{\"event\": \"C\", \"data\": {}}\n");
  node = qmp_fixture_execute (fixture->qmp, "stop", QMP_FIXTURE_LONG_MS, &error);
  g_assert_no_error (error);
  while (fixture->n_events < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (fixture->events->str, ==, "A B C ");
}

static void
test_thousands_of_events (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 5000; i++)
    fake_qmp_emit (fixture->fake, "RTC_CHANGE", "{\"offset\": 1, \"qom-path\": \"/machine\"}");
  fake_qmp_answer (fixture->fake, "stop", "{}");
  node = qmp_fixture_execute (fixture->qmp, "stop", QMP_FIXTURE_LONG_MS, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->n_events, ==, 5000);
}

static void
drop_in_event_cb (LodgeQmp *qmp, const char *name, JsonObject *data, QmpFixture *fixture)
{
  if (fixture->qmp == NULL)
    return;
  lodge_qmp_close (fixture->qmp);
  g_signal_handlers_disconnect_by_data (fixture->qmp, fixture);
  g_clear_object (&fixture->qmp);
}

static void
test_dropped_in_event (QmpFixture *fixture, gconstpointer unused)
{
  LodgeQmp *weak = fixture->qmp;

  g_object_add_weak_pointer (G_OBJECT (weak), (gpointer *) &weak);
  g_signal_connect (fixture->qmp, "event", G_CALLBACK (drop_in_event_cb), fixture);
  fake_qmp_send (fixture->fake, "{\"event\": \"A\"}\n{\"event\": \"B\"}\n", -1);
  while (weak != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->n_events, ==, 1);
}

/* Limits and cancelling */

static void
test_timeout (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;

  fake_qmp_ignore (fixture->fake, "slow");
  fake_qmp_answer (fixture->fake, "stop", "1");
  g_assert_null (qmp_fixture_execute (fixture->qmp, "slow", QMP_FIXTURE_SHORT_MS, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT);
  g_assert_cmpstr (error->message, ==, "QEMU did not answer “slow” within 0.06 s");
  g_clear_error (&error);

  /* The late answer is dropped, a second one is junk. */
  fake_qmp_answer_late (fixture->fake, "slow", "2");
  node = qmp_fixture_execute (fixture->qmp, "stop", QMP_FIXTURE_LONG_MS, &error);
  g_assert_no_error (error);
  g_assert_cmpint (json_node_get_int (node), ==, 1);
  fake_qmp_answer_late (fixture->fake, "slow", "3");
  qmp_fixture_wait_closed (fixture);
}

static void
test_cancel (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;
  QmpWait wait = {FALSE};

  fake_qmp_ignore (fixture->fake, "slow");
  fake_qmp_answer (fixture->fake, "stop", "1");
  lodge_qmp_execute_async (fixture->qmp, "slow", NULL, QMP_FIXTURE_LONG_MS, cancellable,
                           qmp_fixture_done_cb, &wait);
  while (fake_qmp_count (fixture->fake, "slow") == 0)
    g_main_context_iteration (NULL, TRUE);
  g_cancellable_cancel (cancellable);
  qmp_fixture_iterate_until (&wait.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, wait.result, &error));
  g_object_unref (wait.result);
  qmp_fixture_assert_error (error, LODGE_ERROR_CANCELLED, "“slow”");
  g_clear_error (&error);

  fake_qmp_answer_late (fixture->fake, "slow", "2");
  node = qmp_fixture_execute (fixture->qmp, "stop", QMP_FIXTURE_LONG_MS, &error);
  g_assert_no_error (error);
  g_assert_cmpint (json_node_get_int (node), ==, 1);
}

static void
test_cancelled_before (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  QmpWait wait = {FALSE};

  g_cancellable_cancel (cancellable);
  lodge_qmp_execute_async (fixture->qmp, "stop", NULL, QMP_FIXTURE_LONG_MS, cancellable,
                           qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, wait.result, &error));
  g_object_unref (wait.result);
  qmp_fixture_assert_error (error, LODGE_ERROR_CANCELLED, "“stop”");
  qmp_fixture_drain ();
  g_assert_cmpuint (fake_qmp_count (fixture->fake, "stop"), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define CONNECTED(path, function)                                                                  \
  g_test_add ("/qmp/" path, QmpFixture, NULL, qmp_fixture_set_up_connected, function,              \
              qmp_fixture_tear_down)

  CONNECTED ("answer", test_answer);
  CONNECTED ("answer/any-type", test_answer_of_any_type);
  CONNECTED ("answer/arguments", test_arguments);
  CONNECTED ("answer/refusal", test_refusal);
  CONNECTED ("answer/refusal-is-cut", test_refusal_is_cut);
  CONNECTED ("answer/many-at-once", test_many_at_once);
  CONNECTED ("answer/long-request", test_long_request);
  CONNECTED ("answer/argument-is-not-utf8", test_argument_is_not_utf8);
  CONNECTED ("fd", test_fd);
  CONNECTED ("fd/bad", test_bad_fd);
  CONNECTED ("events/around-an-answer", test_events_around);
  CONNECTED ("events/thousands", test_thousands_of_events);
  CONNECTED ("events/dropped-in-one", test_dropped_in_event);
  CONNECTED ("limit/timeout", test_timeout);
  CONNECTED ("limit/cancel", test_cancel);
  CONNECTED ("limit/cancelled-before", test_cancelled_before);
  return g_test_run ();
}

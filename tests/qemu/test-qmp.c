/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The QMP client against every shape a QEMU's answer can take, also those no honest one has. */
#include "qemu/lodge-qmp.h"

#include "fake-qmp.h"
#include "lodge-error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Long enough never to be met, unless the test is about a limit that runs out. */
#define LONG_MS  30000
#define SHORT_MS 60

typedef struct {
  FakeQmp *fake;
  LodgeQmp *qmp;
  guint n_events;
  GString *events;
  guint n_closed;
} Fixture;

typedef struct {
  gboolean done;
  GAsyncResult *result;
} Wait;

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wait *wait = user_data;

  wait->result = g_object_ref (result);
  wait->done = TRUE;
}

static void
iterate_until (const gboolean *done)
{
  while (!*done)
    g_main_context_iteration (NULL, TRUE);
}

static void
drain (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static LodgeQmp *
try_connect (const char *path, guint timeout_ms, GPid alive, GError **error)
{
  Wait wait = {FALSE};
  LodgeQmp *qmp;

  lodge_qmp_connect_async (path, timeout_ms, alive, NULL, done_cb, &wait);
  iterate_until (&wait.done);
  qmp = lodge_qmp_connect_finish (wait.result, error);
  g_object_unref (wait.result);
  return qmp;
}

static JsonNode *
try_execute (LodgeQmp *qmp, const char *command, guint timeout_ms, GError **error)
{
  Wait wait = {FALSE};
  JsonNode *node;

  lodge_qmp_execute_async (qmp, command, NULL, timeout_ms, NULL, done_cb, &wait);
  iterate_until (&wait.done);
  node = lodge_qmp_execute_finish (qmp, wait.result, error);
  g_object_unref (wait.result);
  return node;
}

static void
assert_error (GError *error, int code, const char *part)
{
  g_assert_error (error, LODGE_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("“%s” does not say “%s”", error->message, part);
  g_assert_null (strchr (error->message, '\n'));
}

static void
event_cb (LodgeQmp *qmp, const char *name, JsonObject *data, Fixture *fixture)
{
  g_assert_nonnull (data);
  fixture->n_events++;
  g_string_append_printf (fixture->events, "%s ", name);
}

static void
closed_cb (LodgeQmp *qmp, Fixture *fixture)
{
  g_assert_true (lodge_qmp_is_closed (qmp));
  fixture->n_closed++;
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->fake = fake_qmp_new ();
  fixture->events = g_string_new (NULL);
}

static void
set_up_connected (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  set_up (fixture, unused);
  fixture->qmp = try_connect (fake_qmp_get_path (fixture->fake), LONG_MS, 0, &error);
  g_assert_no_error (error);
  g_assert_nonnull (fixture->qmp);
  g_signal_connect (fixture->qmp, "event", G_CALLBACK (event_cb), fixture);
  g_signal_connect (fixture->qmp, "closed", G_CALLBACK (closed_cb), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  drain ();
  if (fixture->qmp != NULL) {
    LodgeQmp *weak = fixture->qmp;

    g_object_add_weak_pointer (G_OBJECT (weak), (gpointer *) &weak);
    g_signal_handlers_disconnect_by_data (weak, fixture);
    g_object_unref (fixture->qmp);
    drain ();
    g_assert_null (weak);
  }
  fake_qmp_free (fixture->fake);
  g_string_free (fixture->events, TRUE);
  drain ();
}

static void
wait_closed (Fixture *fixture)
{
  while (fixture->n_closed == 0)
    g_main_context_iteration (NULL, TRUE);
  drain ();
  g_assert_cmpuint (fixture->n_closed, ==, 1);
}

/* Executes a command that ends the connection; returns nothing but asserts all about it. */
static void
assert_ends (Fixture *fixture, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) later = NULL;
  g_autoptr (JsonNode) node = try_execute (fixture->qmp, "query-status", LONG_MS, &error);

  g_assert_null (node);
  assert_error (error, LODGE_ERROR_FAILED, part);
  assert_error (error, LODGE_ERROR_FAILED, "“query-status”");
  wait_closed (fixture);
  g_assert_true (lodge_qmp_is_closed (fixture->qmp));

  g_assert_null (try_execute (fixture->qmp, "query-status", LONG_MS, &later));
  assert_error (later, LODGE_ERROR_FAILED, "is closed");
}

/* Answers */

static void
test_answer (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) first = NULL;
  g_autoptr (JsonNode) second = NULL;

  fake_qmp_answer (fixture->fake, "query-status", "{\"status\": \"prelaunch\"}");
  fake_qmp_answer (fixture->fake, "query-status", "{\"status\": \"running\"}");
  first = try_execute (fixture->qmp, "query-status", 0, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (first), "status"), ==,
                   "prelaunch");
  second = try_execute (fixture->qmp, "query-status", 0, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (second), "status"), ==,
                   "running");
  g_assert_cmpstr (fake_qmp_get_commands (fixture->fake), ==,
                   "qmp_capabilities query-status query-status");
  g_assert_cmpint (lodge_qmp_get_pid (fixture->qmp), ==, getpid ());
}

/* "return" may hold anything; what it means is the caller's to check. */
static void
test_answer_of_any_type (Fixture *fixture, gconstpointer unused)
{
  static const char *const values[] = {"[]",       "[1, [2]]", "17",
                                       "\"text\"", "null",     "true",
                                       "{}",       "-1.5e3",   "\"\\ud83d\\ude00 \\\\ \\\" [{\""};

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    fake_qmp_answer (fixture->fake, "x", values[i]);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) expected = json_from_string (values[i], NULL);
    g_autoptr (JsonNode) node = try_execute (fixture->qmp, "x", LONG_MS, &error);

    g_assert_no_error (error);
    g_assert_nonnull (node);
    g_assert_true (expected == NULL ? JSON_NODE_HOLDS_NULL (node)
                                    : json_node_equal (node, expected));
  }
}

static void
test_arguments (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  Wait wait = {FALSE};
  JsonObject *sent;

  fake_qmp_answer (fixture->fake, "device_del", "{}");
  lodge_qmp_execute_async (fixture->qmp, "device_del",
                           lodge_qmp_arguments ("id", "a \"quoted\"\nname", "more", "ü", NULL),
                           LONG_MS, NULL, done_cb, &wait);
  iterate_until (&wait.done);
  node = lodge_qmp_execute_finish (fixture->qmp, wait.result, &error);
  g_object_unref (wait.result);
  g_assert_no_error (error);
  sent = fake_qmp_get_arguments (fixture->fake, "device_del");
  g_assert_cmpuint (json_object_get_size (sent), ==, 2);
  g_assert_cmpstr (json_object_get_string_member (sent, "id"), ==, "a \"quoted\"\nname");
  g_assert_cmpstr (json_object_get_string_member (sent, "more"), ==, "ü");
}

static void
test_refusal (Fixture *fixture, gconstpointer unused)
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

    g_assert_null (try_execute (fixture->qmp, "stop", LONG_MS, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
    g_assert_cmpstr (error->message, ==, cases[i].message);
  }
  g_assert_false (lodge_qmp_is_closed (fixture->qmp));
}

static void
test_refusal_is_cut (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *desc = g_strnfill (100000, 'x');
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "stop", "GenericError", desc);
  g_assert_null (try_execute (fixture->qmp, "stop", LONG_MS, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_cmpuint (strlen (error->message), <, 500);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
test_many_at_once (Fixture *fixture, gconstpointer unused)
{
  Wait waits[200] = {{FALSE}};

  fake_qmp_answer (fixture->fake, "even", "0");
  fake_qmp_answer (fixture->fake, "odd", "1");
  for (guint i = 0; i < G_N_ELEMENTS (waits); i++)
    lodge_qmp_execute_async (fixture->qmp, i % 2 ? "odd" : "even", NULL, LONG_MS, NULL, done_cb,
                             &waits[i]);
  for (guint i = 0; i < G_N_ELEMENTS (waits); i++) {
    g_autoptr (JsonNode) node = NULL;
    g_autoptr (GError) error = NULL;

    iterate_until (&waits[i].done);
    node = lodge_qmp_execute_finish (fixture->qmp, waits[i].result, &error);
    g_assert_no_error (error);
    g_assert_cmpint (json_node_get_int (node), ==, i % 2);
    g_object_unref (waits[i].result);
  }
}

/* More than a socket's buffer holds goes out in parts. */
static void
test_long_request (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *text = g_strnfill (2 * 1024 * 1024, 'a');
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  Wait wait = {FALSE};

  fake_qmp_answer (fixture->fake, "x", "{}");
  lodge_qmp_execute_async (fixture->qmp, "x", lodge_qmp_arguments ("text", text, NULL), LONG_MS,
                           NULL, done_cb, &wait);
  iterate_until (&wait.done);
  node = lodge_qmp_execute_finish (fixture->qmp, wait.result, &error);
  g_object_unref (wait.result);
  g_assert_no_error (error);
  g_assert_cmpstr (
      json_object_get_string_member (fake_qmp_get_arguments (fixture->fake, "x"), "text"), ==,
      text);
}

static void
test_fd (Fixture *fixture, gconstpointer unused)
{
  int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  Wait wait = {FALSE};
  struct stat ours, theirs;
  int received;

  fake_qmp_answer (fixture->fake, "getfd", "{}");
  g_assert_cmpint (fstat (fd, &ours), ==, 0);
  lodge_qmp_execute_with_fd_async (fixture->qmp, "getfd",
                                   lodge_qmp_arguments ("fdname", "wire", NULL), fd, NULL, done_cb,
                                   &wait);
  close (fd); /* it was duplicated */
  iterate_until (&wait.done);
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
test_argument_is_not_utf8 (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  Wait wait = {FALSE};

  lodge_qmp_execute_async (fixture->qmp, "x", lodge_qmp_arguments ("filename", "a\xff", NULL),
                           LONG_MS, NULL, done_cb, &wait);
  iterate_until (&wait.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, wait.result, &error));
  g_object_unref (wait.result);
  assert_error (error, LODGE_ERROR_INVALID, "“x”");
  g_assert_cmpuint (fake_qmp_count (fixture->fake, "x"), ==, 0);
  g_clear_error (&error);
  g_assert_null (try_execute (fixture->qmp, "y", LONG_MS, &error));
  assert_error (error, LODGE_ERROR_FAILED, "has not been found");
}

static void
test_bad_fd (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  Wait wait = {FALSE};

  lodge_qmp_execute_with_fd_async (fixture->qmp, "getfd",
                                   lodge_qmp_arguments ("fdname", "wire", NULL), 1000000, NULL,
                                   done_cb, &wait);
  iterate_until (&wait.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, wait.result, &error));
  g_object_unref (wait.result);
  assert_error (error, LODGE_ERROR_FAILED, "“getfd”");
  g_assert_cmpuint (fake_qmp_count (fixture->fake, "getfd"), ==, 0);
}

/* Events */

static void
test_events_around (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;

  fake_qmp_answer_raw (fixture->fake, "stop",
                       "{\"event\": \"A\", \"timestamp\": {}}\r\n\r\n"
                       "{\"event\": \"B\", \"data\": {\"x\": 1}}\r\n"
                       "{\"return\": {}, \"id\": @ID@}\r\n"
                       "{\"event\": \"C\", \"data\": {}}\n");
  node = try_execute (fixture->qmp, "stop", LONG_MS, &error);
  g_assert_no_error (error);
  while (fixture->n_events < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (fixture->events->str, ==, "A B C ");
}

/* Sent together with the answer to qmp_capabilities, before anyone can listen. */
static void
test_first_event_is_heard (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_answer_raw (fixture->fake, "qmp_capabilities",
                       "{\"return\": {}, \"id\": @ID@}\r\n"
                       "{\"event\": \"FIRST\"}\r\n{\"event\": \"SECOND\"}\r\n");
  fixture->qmp = try_connect (fake_qmp_get_path (fixture->fake), LONG_MS, 0, &error);
  g_assert_no_error (error);
  g_signal_connect (fixture->qmp, "event", G_CALLBACK (event_cb), fixture);
  while (fixture->n_events < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (fixture->events->str, ==, "FIRST SECOND ");
}

static void
test_thousands_of_events (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 5000; i++)
    fake_qmp_emit (fixture->fake, "RTC_CHANGE", "{\"offset\": 1, \"qom-path\": \"/machine\"}");
  fake_qmp_answer (fixture->fake, "stop", "{}");
  node = try_execute (fixture->qmp, "stop", LONG_MS, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->n_events, ==, 5000);
}

static void
drop_in_event_cb (LodgeQmp *qmp, const char *name, JsonObject *data, Fixture *fixture)
{
  if (fixture->qmp == NULL)
    return;
  lodge_qmp_close (fixture->qmp);
  g_signal_handlers_disconnect_by_data (fixture->qmp, fixture);
  g_clear_object (&fixture->qmp);
}

static void
test_dropped_in_event (Fixture *fixture, gconstpointer unused)
{
  LodgeQmp *weak = fixture->qmp;

  g_object_add_weak_pointer (G_OBJECT (weak), (gpointer *) &weak);
  g_signal_connect (fixture->qmp, "event", G_CALLBACK (drop_in_event_cb), fixture);
  fake_qmp_send (fixture->fake, "{\"event\": \"A\"}\n{\"event\": \"B\"}\n", -1);
  while (weak != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->n_events, ==, 1);
}

/* What ends a connection */

static const struct {
  const char *name;
  const char *lines;
  const char *part;
} junk[] = {
    {"unknown-id", "{\"return\": {}, \"id\": 999}\n", "nobody asked"},
    {"no-id", "{\"return\": {}}\n", "nobody asked"},
    {"text-id", "{\"return\": {}, \"id\": \"@ID@\"}\n", "nobody asked"},
    {"object-id", "{\"return\": {}, \"id\": {\"a\": @ID@}}\n", "nobody asked"},
    {"error-without-id", "{\"error\": {\"class\": \"GenericError\", \"desc\": \"x\"}}\n",
     "nobody asked"},
    {"error-is-text", "{\"error\": \"x\", \"id\": @ID@}\n", "error that is no object"},
    {"return-and-error", "{\"return\": {}, \"error\": {}, \"id\": @ID@}\n", "neither an answer"},
    {"nothing-known", "{\"id\": @ID@}\n", "neither an answer"},
    {"event-is-number", "{\"event\": 5}\n", "event without a name"},
    {"event-is-empty", "{\"event\": \"\"}\n", "event without a name"},
    {"event-data-is-list", "{\"event\": \"A\", \"data\": []}\n", "data is no object"},
    {"second-greeting", "{\"QMP\": {}}\n", "second greeting"},
    {"list", "[]\n", "no JSON object"},
    {"number", "5\n", "no JSON object"},
    {"words", "qemu-system-x86_64: hello\n", "not JSON"},
    {"unfinished", "{\"return\": {}, \"id\": @ID@\n", "not JSON"},
    {"too-many-braces", "{\"return\": {}, \"id\": @ID@}}\n", "not JSON"},
    {"two-objects", "{} {\"return\": {}, \"id\": @ID@}\n", "not JSON"},
    {"number-before", "5 {\"return\": {}, \"id\": @ID@}\n", "not JSON"},
    {"unfinished-text", "{\"return\": \"x, \"id\": @ID@}\n", "JSON"},
    {"comment", "{/*\"*/ \"return\": {}, \"id\": @ID@}\n", "not JSON"},
    {"single-quotes", "{'return': {}, 'id': @ID@}\n", "not JSON"},
    {"invalid-utf8", "{\"return\": \"\xff\xfe\", \"id\": @ID@}\n", "not UTF-8"},
    {"half-surrogate", "{\"return\": \"\\ud800\", \"id\": @ID@}\n", "not JSON"},
    {"second-half-missing", "{\"return\": \"\\ud800\\u0041\", \"id\": @ID@}\n", "not JSON"},
    {"second-half-alone", "{\"return\": \"\\udc00\", \"id\": @ID@}\n", "not JSON"},
    {"escaped-nul", "{\"return\": \"a\\u0000b\", \"id\": @ID@}\n", "not JSON"},
    {"short-escape", "{\"return\": \"\\u12\", \"id\": @ID@}\n", "not JSON"},
};

static void
test_junk (Fixture *fixture, gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);

  fake_qmp_answer_raw (fixture->fake, "query-status", junk[index].lines);
  assert_ends (fixture, junk[index].part);
}

static void
test_nul_bytes (Fixture *fixture, gconstpointer unused)
{
  fake_qmp_ignore (fixture->fake, "query-status");
  fake_qmp_send (fixture->fake, "{\"event\": \"A\0\"}\n", 16);
  wait_closed (fixture);
  g_assert_cmpuint (fixture->n_events, ==, 0);
}

static char *
make_nested (guint depth)
{
  g_autofree char *open = g_strnfill (depth, '[');
  g_autofree char *shut = g_strnfill (depth, ']');

  return g_strconcat (open, shut, NULL);
}

static void
test_deep (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *allowed = make_nested (63); /* and the object around it */
  g_autofree char *deep = make_nested (64);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (fixture->fake, "query-status", allowed);
  fake_qmp_answer (fixture->fake, "query-status", deep);
  node = try_execute (fixture->qmp, "query-status", LONG_MS, &error);
  g_assert_no_error (error);
  assert_ends (fixture, "nested too deeply");
}

/* Deep enough to end a process that recurses; behind a comment with a quote in it, which json-glib
 * would skip. */
static void
test_very_deep (Fixture *fixture, gconstpointer data)
{
  g_autofree char *deep = make_nested (1000000);
  g_autofree char *text = g_strconcat (data, deep, NULL);

  fake_qmp_answer (fixture->fake, "query-status", text);
  assert_ends (fixture, *(const char *) data == '\0' ? "nested too deeply" : "not JSON");
}

static void
test_many_values (Fixture *fixture, gconstpointer unused)
{
  GString *list = g_string_new ("[0");
  g_autofree char *text = NULL;

  for (guint i = 0; i < 300000; i++)
    g_string_append (list, ",0");
  text = g_string_free (g_string_append_c (list, ']'), FALSE);
  fake_qmp_answer (fixture->fake, "query-status", text);
  assert_ends (fixture, "too many values");
}

static char *
make_text_value (gsize length)
{
  g_autofree char *filling = g_strnfill (length, 'x');

  return g_strconcat ("\"", filling, "\"", NULL);
}

static void
test_long_line (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *allowed = make_text_value (4 * 1024 * 1024 - 100);
  g_autofree char *five_mib = make_text_value (5 * 1024 * 1024);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (fixture->fake, "query-status", allowed);
  fake_qmp_answer (fixture->fake, "query-status", five_mib);
  node = try_execute (fixture->qmp, "query-status", LONG_MS, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (strlen (json_node_get_string (node)), ==, 4 * 1024 * 1024 - 100);
  assert_ends (fixture, "too long");
}

/* No line's end ever comes: it stops at the limit, not at the end of memory. */
static void
test_endless_line (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *text = g_strnfill (5 * 1024 * 1024, ' ');

  fake_qmp_answer_raw (fixture->fake, "query-status", text);
  assert_ends (fixture, "too long");
}

static void
test_hang_up (Fixture *fixture, gconstpointer unused)
{
  fake_qmp_hang_up_on (fixture->fake, "query-status");
  assert_ends (fixture, "QEMU closed the connection");
}

static void
test_hang_up_in_answer (Fixture *fixture, gconstpointer unused)
{
  fake_qmp_answer_raw (fixture->fake, "query-status", "{\"return\": {}, \"id\"");
  fake_qmp_set_hang_up_after_greeting (fixture->fake, FALSE);
  fake_qmp_set_piece_bytes (fixture->fake, 5);
  fake_qmp_emit (fixture->fake, "A", NULL);
  fake_qmp_hang_up_on (fixture->fake, "second");

  Wait first = {FALSE}, second = {FALSE};
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) second_error = NULL;

  lodge_qmp_execute_async (fixture->qmp, "query-status", NULL, LONG_MS, NULL, done_cb, &first);
  lodge_qmp_execute_async (fixture->qmp, "second", NULL, LONG_MS, NULL, done_cb, &second);
  wait_closed (fixture);
  /* Everything under way had ended when "closed" was heard. */
  g_assert_true (first.done);
  g_assert_true (second.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, first.result, &error));
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, second.result, &second_error));
  assert_error (error, LODGE_ERROR_FAILED, "“query-status” was not answered");
  assert_error (second_error, LODGE_ERROR_FAILED, "“second” was not answered");
  g_object_unref (first.result);
  g_object_unref (second.result);
}

static void
test_hang_up_when_idle (Fixture *fixture, gconstpointer unused)
{
  fake_qmp_hang_up (fixture->fake);
  wait_closed (fixture);
}

/* What was said before hanging up is heard, although nobody takes our command any more. */
static void
test_last_words (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_send (fixture->fake, "{\"event\": \"SHUTDOWN\"}\n", -1);
  g_main_context_iteration (NULL, FALSE);
  fake_qmp_hang_up (fixture->fake);
  g_assert_null (try_execute (fixture->qmp, "x", LONG_MS, &error));
  assert_error (error, LODGE_ERROR_FAILED, "“x”");
  wait_closed (fixture);
  g_assert_cmpstr (fixture->events->str, ==, "SHUTDOWN ");
}

static void
test_close (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  Wait wait = {FALSE};

  fake_qmp_ignore (fixture->fake, "x");
  lodge_qmp_execute_async (fixture->qmp, "x", NULL, LONG_MS, NULL, done_cb, &wait);
  lodge_qmp_close (fixture->qmp);
  lodge_qmp_close (fixture->qmp);
  g_assert_cmpuint (fixture->n_closed, ==, 0);
  wait_closed (fixture);
  g_assert_true (wait.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, wait.result, &error));
  assert_error (error, LODGE_ERROR_FAILED, "“x” was not answered");
  g_object_unref (wait.result);
}

/* Limits and cancelling */

static void
test_timeout (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;

  fake_qmp_ignore (fixture->fake, "slow");
  fake_qmp_answer (fixture->fake, "stop", "1");
  g_assert_null (try_execute (fixture->qmp, "slow", SHORT_MS, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT);
  g_assert_cmpstr (error->message, ==, "QEMU did not answer “slow” within 0.06 s");
  g_clear_error (&error);

  /* The late answer is dropped, a second one is junk. */
  fake_qmp_answer_late (fixture->fake, "slow", "2");
  node = try_execute (fixture->qmp, "stop", LONG_MS, &error);
  g_assert_no_error (error);
  g_assert_cmpint (json_node_get_int (node), ==, 1);
  fake_qmp_answer_late (fixture->fake, "slow", "3");
  wait_closed (fixture);
}

static void
test_cancel (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;
  Wait wait = {FALSE};

  fake_qmp_ignore (fixture->fake, "slow");
  fake_qmp_answer (fixture->fake, "stop", "1");
  lodge_qmp_execute_async (fixture->qmp, "slow", NULL, LONG_MS, cancellable, done_cb, &wait);
  while (fake_qmp_count (fixture->fake, "slow") == 0)
    g_main_context_iteration (NULL, TRUE);
  g_cancellable_cancel (cancellable);
  iterate_until (&wait.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, wait.result, &error));
  g_object_unref (wait.result);
  assert_error (error, LODGE_ERROR_CANCELLED, "“slow”");
  g_clear_error (&error);

  fake_qmp_answer_late (fixture->fake, "slow", "2");
  node = try_execute (fixture->qmp, "stop", LONG_MS, &error);
  g_assert_no_error (error);
  g_assert_cmpint (json_node_get_int (node), ==, 1);
}

static void
test_cancelled_before (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Wait wait = {FALSE};

  g_cancellable_cancel (cancellable);
  lodge_qmp_execute_async (fixture->qmp, "stop", NULL, LONG_MS, cancellable, done_cb, &wait);
  iterate_until (&wait.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, wait.result, &error));
  g_object_unref (wait.result);
  assert_error (error, LODGE_ERROR_CANCELLED, "“stop”");
  drain ();
  g_assert_cmpuint (fake_qmp_count (fixture->fake, "stop"), ==, 0);
}

/* Connecting */

static void
assert_no_connection (Fixture *fixture, guint timeout_ms, int code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (try_connect (fake_qmp_get_path (fixture->fake), timeout_ms, 0, &error));
  assert_error (error, code, part);
  assert_error (error, code, fake_qmp_get_path (fixture->fake));
}

static void
test_greeting_in_pieces (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;

  fake_qmp_set_piece_bytes (fixture->fake, 1);
  fake_qmp_answer (fixture->fake, "x", "\"ü in two pieces\"");
  fixture->qmp = try_connect (fake_qmp_get_path (fixture->fake), LONG_MS, getpid (), &error);
  g_assert_no_error (error);
  node = try_execute (fixture->qmp, "x", LONG_MS, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_node_get_string (node), ==, "ü in two pieces");
}

static void
test_bad_greeting (Fixture *fixture, gconstpointer unused)
{
  struct {
    const char *greeting;
    const char *part;
  } cases[] = {
      {"220 mail.example.org ESMTP\r\n", "no JSON object"},
      {"{\"QMP\": []}\n", "greeting that is no object"},
      {"{\"event\": \"A\"}\n", "no QMP greeting"},
      {"{\"return\": {}, \"id\": 1}\n", "no QMP greeting"},
      {"\xff\xff\xff\n", "not UTF-8"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    fake_qmp_set_greeting (fixture->fake, cases[i].greeting);
    assert_no_connection (fixture, LONG_MS, LODGE_ERROR_FAILED, cases[i].part);
  }
}

static void
test_no_greeting (Fixture *fixture, gconstpointer unused)
{
  fake_qmp_set_greeting (fixture->fake, NULL);
  assert_no_connection (fixture, SHORT_MS, LODGE_ERROR_TIMEOUT, "another program");
  fake_qmp_set_greeting (fixture->fake, "{\"QMP\": {\"vers");
  assert_no_connection (fixture, SHORT_MS, LODGE_ERROR_TIMEOUT, "within 0.06 s");
}

static void
test_early_end (Fixture *fixture, gconstpointer unused)
{
  fake_qmp_set_hang_up_after_greeting (fixture->fake, TRUE);
  fake_qmp_set_greeting (fixture->fake, NULL);
  assert_no_connection (fixture, LONG_MS, LODGE_ERROR_FAILED, "QEMU closed the connection");
  fake_qmp_set_greeting (fixture->fake, "{\"QMP\": ");
  assert_no_connection (fixture, LONG_MS, LODGE_ERROR_FAILED, "QEMU closed the connection");
}

static void
test_early_end_in_negotiation (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_hang_up_on (fixture->fake, "qmp_capabilities");
  g_assert_null (try_connect (fake_qmp_get_path (fixture->fake), LONG_MS, 0, &error));
  assert_error (error, LODGE_ERROR_FAILED, "QEMU closed the connection");
}

static void
test_negotiation_fails (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "qmp_capabilities", "GenericError", "not today");
  fake_qmp_ignore (fixture->fake, "qmp_capabilities");
  g_assert_null (try_connect (fake_qmp_get_path (fixture->fake), LONG_MS, 0, &error));
  assert_error (error, LODGE_ERROR_FAILED, "not today");
  g_clear_error (&error);
  g_assert_null (try_connect (fake_qmp_get_path (fixture->fake), SHORT_MS, 0, &error));
  assert_error (error, LODGE_ERROR_TIMEOUT, "within 0.06 s");
}

/* QEMU serves one client; the second is greeted when the first has gone. */
static void
test_second_client (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeQmp) second = NULL;

  assert_no_connection (fixture, SHORT_MS, LODGE_ERROR_TIMEOUT, "another program");
  lodge_qmp_close (fixture->qmp);
  second = try_connect (fake_qmp_get_path (fixture->fake), LONG_MS, 0, &error);
  g_assert_no_error (error);
  lodge_qmp_close (second);
  drain ();
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

  g_assert_null (try_connect (path, SHORT_MS, 0, &error));
  assert_error (error, LODGE_ERROR_TIMEOUT, path);
  g_clear_error (&error);

  /* A file nobody listens on is like a socket left by one that was killed. */
  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_assert_null (try_connect (file, SHORT_MS, 0, &error));
  assert_error (error, LODGE_ERROR_TIMEOUT, file);
  g_clear_error (&error);

  g_assert_null (try_connect (below, LONG_MS, 0, &error));
  assert_error (error, LODGE_ERROR_FAILED, below);
  g_clear_error (&error);

  g_assert_null (try_connect (too_long, LONG_MS, 0, &error));
  assert_error (error, LODGE_ERROR_FAILED, "File name too long");

  g_unlink (file);
  g_rmdir (folder);
}

static gboolean
begin_fake_cb (gpointer user_data)
{
  Fixture *fixture = user_data;
  g_autofree char *path = g_strdup (fixture->events->str);

  fixture->fake = fake_qmp_new_at (path);
  return G_SOURCE_REMOVE;
}

static void
test_socket_comes_later (void)
{
  Fixture fixture = {NULL};
  g_autofree char *folder = g_dir_make_tmp ("lodge-qmp-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "qmp.sock", NULL);
  g_autoptr (GError) error = NULL;

  fixture.events = g_string_new (path);
  g_timeout_add (30, begin_fake_cb, &fixture);
  fixture.qmp = try_connect (path, LONG_MS, getpid (), &error);
  g_assert_no_error (error);
  g_assert_false (lodge_qmp_is_closed (fixture.qmp));
  tear_down (&fixture, NULL);
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
  g_assert_null (try_connect (path, LONG_MS, child, &error));
  assert_error (error, LODGE_ERROR_FAILED, "ended before it answered");
  g_clear_error (&error);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);

  g_assert_null (try_connect (path, LONG_MS, child, &error));
  assert_error (error, LODGE_ERROR_FAILED, "ended before it answered");
  g_rmdir (folder);
}

static void
test_connect_cancelled (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  fake_qmp_set_greeting (fixture->fake, NULL);
  for (guint when = 0; when < 3; when++) {
    g_autoptr (GError) error = NULL;
    Wait wait = {FALSE};

    g_cancellable_reset (cancellable);
    if (when == 0)
      g_cancellable_cancel (cancellable);
    lodge_qmp_connect_async (when == 2 ? "/nonexistent/qmp.sock"
                                       : fake_qmp_get_path (fixture->fake),
                             LONG_MS, 0, cancellable, done_cb, &wait);
    if (when > 0)
      g_cancellable_cancel (cancellable);
    iterate_until (&wait.done);
    g_assert_null (lodge_qmp_connect_finish (wait.result, &error));
    g_object_unref (wait.result);
    assert_error (error, LODGE_ERROR_CANCELLED, "cancelled");
    drain ();
  }
}

/* Nobody asks for the result: nothing is left of it. */
static void
test_connect_not_finished (Fixture *fixture, gconstpointer unused)
{
  lodge_qmp_connect_async (fake_qmp_get_path (fixture->fake), LONG_MS, 0, NULL, NULL, NULL);
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
  g_test_add ("/qmp/" path, Fixture, NULL, set_up_connected, function, tear_down)
#define CONNECTING(path, function)                                                                 \
  g_test_add ("/qmp/connect/" path, Fixture, NULL, set_up, function, tear_down)

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
  for (guint i = 0; i < G_N_ELEMENTS (junk); i++) {
    g_autofree char *path = g_strconcat ("/qmp/junk/", junk[i].name, NULL);

    g_test_add (path, Fixture, GUINT_TO_POINTER (i), set_up_connected, test_junk, tear_down);
  }
  CONNECTED ("junk/nul-bytes", test_nul_bytes);
  CONNECTED ("junk/deep", test_deep);
  g_test_add ("/qmp/junk/very-deep", Fixture, "", set_up_connected, test_very_deep, tear_down);
  g_test_add ("/qmp/junk/very-deep-in-comment", Fixture, "/*\"*/", set_up_connected, test_very_deep,
              tear_down);
  CONNECTED ("junk/many-values", test_many_values);
  CONNECTED ("junk/long-line", test_long_line);
  CONNECTED ("junk/endless-line", test_endless_line);
  CONNECTED ("end/hang-up", test_hang_up);
  CONNECTED ("end/hang-up-in-answer", test_hang_up_in_answer);
  CONNECTED ("end/hang-up-when-idle", test_hang_up_when_idle);
  CONNECTED ("end/last-words", test_last_words);
  CONNECTED ("end/close", test_close);
  CONNECTED ("limit/timeout", test_timeout);
  CONNECTED ("limit/cancel", test_cancel);
  CONNECTED ("limit/cancelled-before", test_cancelled_before);

  CONNECTING ("first-event-is-heard", test_first_event_is_heard);
  CONNECTING ("greeting-in-pieces", test_greeting_in_pieces);
  CONNECTING ("bad-greeting", test_bad_greeting);
  CONNECTING ("no-greeting", test_no_greeting);
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ends a QMP connection: junk that no honest QEMU sends, an end at the other side, our own
 * close. */
#include "qmp-fixture.h"

#include "lodge-error.h"

#include <string.h>

/* Executes a command that ends the connection; returns nothing but asserts all about it. */
static void
assert_ends (QmpFixture *fixture, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) later = NULL;
  g_autoptr (JsonNode) node =
      qmp_fixture_execute (fixture->qmp, "query-status", QMP_FIXTURE_LONG_MS, &error);

  g_assert_null (node);
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, part);
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "“query-status”");
  qmp_fixture_wait_closed (fixture);
  g_assert_true (lodge_qmp_is_closed (fixture->qmp));

  g_assert_null (qmp_fixture_execute (fixture->qmp, "query-status", QMP_FIXTURE_LONG_MS, &later));
  qmp_fixture_assert_error (later, LODGE_ERROR_FAILED, "is closed");
}

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
    {"third-greeting", "{\"QMP\": {}}\n{\"QMP\": {}}\n", "third greeting"},
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
test_junk (QmpFixture *fixture, gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);

  fake_qmp_answer_raw (fixture->fake, "query-status", junk[index].lines);
  assert_ends (fixture, junk[index].part);
}

static void
test_nul_bytes (QmpFixture *fixture, gconstpointer unused)
{
  fake_qmp_ignore (fixture->fake, "query-status");
  fake_qmp_send (fixture->fake, "{\"event\": \"A\0\"}\n", 16);
  qmp_fixture_wait_closed (fixture);
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
test_deep (QmpFixture *fixture, gconstpointer unused)
{
  g_autofree char *allowed = make_nested (127); /* and the object around it */
  g_autofree char *deep = make_nested (128);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (fixture->fake, "query-status", allowed);
  fake_qmp_answer (fixture->fake, "query-status", deep);
  node = qmp_fixture_execute (fixture->qmp, "query-status", QMP_FIXTURE_LONG_MS, &error);
  g_assert_no_error (error);
  assert_ends (fixture, "nested too deeply");
}

/* Deep enough to end a process that recurses; behind a comment with a quote in it, which json-glib
 * would skip. */
static void
test_very_deep (QmpFixture *fixture, gconstpointer data)
{
  g_autofree char *deep = make_nested (1000000);
  g_autofree char *text = g_strconcat (data, deep, NULL);

  fake_qmp_answer (fixture->fake, "query-status", text);
  assert_ends (fixture, *(const char *) data == '\0' ? "nested too deeply" : "not JSON");
}

static void
test_many_values (QmpFixture *fixture, gconstpointer unused)
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
test_long_line (QmpFixture *fixture, gconstpointer unused)
{
  g_autofree char *allowed = make_text_value (4 * 1024 * 1024 - 100);
  g_autofree char *five_mib = make_text_value (5 * 1024 * 1024);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (fixture->fake, "query-status", allowed);
  fake_qmp_answer (fixture->fake, "query-status", five_mib);
  node = qmp_fixture_execute (fixture->qmp, "query-status", QMP_FIXTURE_LONG_MS, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (strlen (json_node_get_string (node)), ==, 4 * 1024 * 1024 - 100);
  assert_ends (fixture, "too long");
}

/* No line's end ever comes: it stops at the limit, not at the end of memory. */
static void
test_endless_line (QmpFixture *fixture, gconstpointer unused)
{
  g_autofree char *text = g_strnfill (5 * 1024 * 1024, ' ');

  fake_qmp_answer_raw (fixture->fake, "query-status", text);
  assert_ends (fixture, "too long");
}

static void
test_hang_up (QmpFixture *fixture, gconstpointer unused)
{
  fake_qmp_hang_up_on (fixture->fake, "query-status");
  assert_ends (fixture, "QEMU closed the connection");
}

static void
test_hang_up_in_answer (QmpFixture *fixture, gconstpointer unused)
{
  fake_qmp_answer_raw (fixture->fake, "query-status", "{\"return\": {}, \"id\"");
  fake_qmp_set_hang_up_after_greeting (fixture->fake, FALSE);
  fake_qmp_set_piece_bytes (fixture->fake, 5);
  fake_qmp_emit (fixture->fake, "A", NULL);
  fake_qmp_hang_up_on (fixture->fake, "second");

  QmpWait first = {FALSE}, second = {FALSE};
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) second_error = NULL;

  lodge_qmp_execute_async (fixture->qmp, "query-status", NULL, QMP_FIXTURE_LONG_MS, NULL,
                           qmp_fixture_done_cb, &first);
  lodge_qmp_execute_async (fixture->qmp, "second", NULL, QMP_FIXTURE_LONG_MS, NULL,
                           qmp_fixture_done_cb, &second);
  qmp_fixture_wait_closed (fixture);
  /* Everything under way had ended when "closed" was heard. */
  g_assert_true (first.done);
  g_assert_true (second.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, first.result, &error));
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, second.result, &second_error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "“query-status” was not answered");
  qmp_fixture_assert_error (second_error, LODGE_ERROR_FAILED, "“second” was not answered");
  g_object_unref (first.result);
  g_object_unref (second.result);
}

static void
test_hang_up_when_idle (QmpFixture *fixture, gconstpointer unused)
{
  fake_qmp_hang_up (fixture->fake);
  qmp_fixture_wait_closed (fixture);
}

/* What was said before hanging up is heard, although nobody takes our command any more. */
static void
test_last_words (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_send (fixture->fake, "{\"event\": \"SHUTDOWN\"}\n", -1);
  g_main_context_iteration (NULL, FALSE);
  fake_qmp_hang_up (fixture->fake);
  g_assert_null (qmp_fixture_execute (fixture->qmp, "x", QMP_FIXTURE_LONG_MS, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "“x”");
  qmp_fixture_wait_closed (fixture);
  g_assert_cmpstr (fixture->events->str, ==, "SHUTDOWN ");
}

static void
test_close (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  QmpWait wait = {FALSE};

  fake_qmp_ignore (fixture->fake, "x");
  lodge_qmp_execute_async (fixture->qmp, "x", NULL, QMP_FIXTURE_LONG_MS, NULL, qmp_fixture_done_cb,
                           &wait);
  lodge_qmp_close (fixture->qmp);
  lodge_qmp_close (fixture->qmp);
  g_assert_cmpuint (fixture->n_closed, ==, 0);
  qmp_fixture_wait_closed (fixture);
  g_assert_true (wait.done);
  g_assert_null (lodge_qmp_execute_finish (fixture->qmp, wait.result, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "“x” was not answered");
  g_object_unref (wait.result);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define CONNECTED(path, function)                                                                  \
  g_test_add ("/qmp/" path, QmpFixture, NULL, qmp_fixture_set_up_connected, function,              \
              qmp_fixture_tear_down)

  for (guint i = 0; i < G_N_ELEMENTS (junk); i++) {
    g_autofree char *path = g_strconcat ("/qmp/junk/", junk[i].name, NULL);

    g_test_add (path, QmpFixture, GUINT_TO_POINTER (i), qmp_fixture_set_up_connected, test_junk,
                qmp_fixture_tear_down);
  }
  CONNECTED ("junk/nul-bytes", test_nul_bytes);
  CONNECTED ("junk/deep", test_deep);
  g_test_add ("/qmp/junk/very-deep", QmpFixture, "", qmp_fixture_set_up_connected, test_very_deep,
              qmp_fixture_tear_down);
  g_test_add ("/qmp/junk/very-deep-in-comment", QmpFixture, "/*\"*/", qmp_fixture_set_up_connected,
              test_very_deep, qmp_fixture_tear_down);
  CONNECTED ("junk/many-values", test_many_values);
  CONNECTED ("junk/long-line", test_long_line);
  CONNECTED ("junk/endless-line", test_endless_line);
  CONNECTED ("end/hang-up", test_hang_up);
  CONNECTED ("end/hang-up-in-answer", test_hang_up_in_answer);
  CONNECTED ("end/hang-up-when-idle", test_hang_up_when_idle);
  CONNECTED ("end/last-words", test_last_words);
  CONNECTED ("end/close", test_close);
  return g_test_run ();
}

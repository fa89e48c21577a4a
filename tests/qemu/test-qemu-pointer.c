/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pointer's places as QEMU is told them, and its answers good and bad. */
#include "qmp-fixture.h"

#include "lodge-error.h"
#include "qemu/lodge-qemu-pointer.h"

static gboolean
move (QmpFixture *fixture, guint x, guint y, guint buttons, int notches, GError **error)
{
  QmpWait wait = {FALSE, NULL};
  gboolean moved;

  lodge_qemu_pointer_move_async (fixture->qmp, x, y, buttons, notches, qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  moved = lodge_qemu_pointer_move_finish (fixture->qmp, wait.result, error);
  g_object_unref (wait.result);
  return moved;
}

static int
query (QmpFixture *fixture, GError **error)
{
  QmpWait wait = {FALSE, NULL};
  int absolute;

  lodge_qemu_pointer_query_async (fixture->qmp, qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  absolute = lodge_qemu_pointer_query_finish (fixture->qmp, wait.result, error);
  g_object_unref (wait.result);
  return absolute;
}

#define AXES                                                                                       \
  "{\"events\":[{\"type\":\"abs\",\"data\":{\"axis\":\"x\",\"value\":1}},"                         \
  "{\"type\":\"abs\",\"data\":{\"axis\":\"y\",\"value\":32767}},"
#define BUTTON(name, down) "{\"type\":\"btn\",\"data\":{\"button\":\"" name "\",\"down\":" down "}}"
#define WHEEL(name)        "," BUTTON (name, "true") "," BUTTON (name, "false")

static void
test_move (QmpFixture *fixture, gconstpointer unused)
{
  static const struct {
    guint buttons;
    int notches;
    const char *want;
  } cases[] = {
      {0, 0,
       AXES BUTTON ("left", "false") "," BUTTON ("middle", "false") "," BUTTON (
           "right", "false") "," BUTTON ("side", "false") "," BUTTON ("extra", "false") "]}"},
      {1 | 4 | 16, 2,
       AXES BUTTON ("left", "true") "," BUTTON ("middle", "false") "," BUTTON (
           "right", "true") "," BUTTON ("side", "false") "," BUTTON ("extra", "true")
           WHEEL ("wheel-down") WHEEL ("wheel-down") "]}"},
      {2 | 8, -1,
       AXES BUTTON ("left", "false") "," BUTTON ("middle", "true") "," BUTTON (
           "right", "false") "," BUTTON ("side", "true") "," BUTTON ("extra", "false")
           WHEEL ("wheel-up") "]}"},
  };
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (fixture->fake, "input-send-event", "{}");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_assert_true (move (fixture, 1, 32767, cases[i].buttons, cases[i].notches, &error));
    g_assert_no_error (error);
    g_autoptr (JsonNode) node = json_node_alloc ();
    json_node_init_object (node, fake_qmp_get_arguments (fixture->fake, "input-send-event"));
    g_autofree char *text = json_to_string (node, FALSE);
    g_assert_cmpstr (text, ==, cases[i].want);
  }
}

static void
test_refused (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "input-send-event", "GenericError", "No handler");
  g_assert_false (move (fixture, 0, 0, 0, 0, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "No handler");
}

static void
test_query (QmpFixture *fixture, gconstpointer unused)
{
  static const struct {
    const char *answer;
    int want;
  } cases[] = {
      {"[{\"name\": \"QEMU HID Tablet\", \"index\": 3, \"current\": true, \"absolute\": true},"
       " {\"name\": \"QEMU PS/2 Mouse\", \"index\": 2, \"current\": false, \"absolute\": false}]",
       1},
      {"[{\"name\": \"QEMU PS/2 Mouse\", \"index\": 2, \"current\": true, \"absolute\": false},"
       " {\"name\": \"QEMU HID Tablet\", \"index\": 3, \"current\": false, \"absolute\": true}]",
       0},
      /* What no QEMU says. */
      {"[]", 0},
      {"{}", 0},
      {"[1, null, \"x\", [], {}]", 0},
      {"[{\"current\": \"yes\", \"absolute\": true}]", 0},
      {"[{\"current\": true, \"absolute\": {}}]", 0},
      {"[{\"current\": null}, {\"current\": true, \"absolute\": true}]", 1},
  };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    fake_qmp_answer (fixture->fake, "query-mice", cases[i].answer);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_assert_cmpint (query (fixture, &error), ==, cases[i].want);
    g_assert_no_error (error);
  }
}

static void
test_query_refused (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "query-mice", "GenericError", "Not now");
  g_assert_cmpint (query (fixture, &error), ==, -1);
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "Not now");
}

#define ADD(path, test)                                                                            \
  g_test_add ("/qemu-pointer/" path, QmpFixture, NULL, qmp_fixture_set_up_connected, test,         \
              qmp_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("move", test_move);
  ADD ("refused", test_refused);
  ADD ("query", test_query);
  ADD ("query-refused", test_query_refused);
  return g_test_run ();
}

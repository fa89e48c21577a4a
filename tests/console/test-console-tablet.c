/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest without an agent on several monitors: its tablet is given places past SPICE, by the
 * engine, as soon as it has a driver for it. */
#include "console/lodge-console-session.h"

#include "fake-engine.h"
#include "spice-fixture-agent.h"
#include "spice-fixture.h"

#include <string.h>

typedef struct {
  FakeEngine *engine;
  LodgeClient *client;
  LodgeMachine1 *machine;
  SpiceFixture *server;
  LodgeConsoleSession *session;
  gboolean absolute;
  const char *call;
} Test;

static gboolean
has_picture (Test *test, guint monitor)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_monitor (test->session, monitor), &frame);
  return frame.data != NULL;
}

static gboolean
is_ready (gpointer data)
{
  Test *test = data;
  gboolean settled, absolute;

  g_object_get (test->session, "settled", &settled, "pointer-absolute", &absolute, NULL);
  return settled && absolute == test->absolute && has_picture (test, 0) && has_picture (test, 1);
}

static void
wait_absolute (Test *test, gboolean absolute)
{
  test->absolute = absolute;
  g_assert_true (spice_fixture_wait (is_ready, test));
}

static void
set_up (Test *test)
{
  const int one[] = {0, 0, 640, 480};
  g_autoptr (GError) error = NULL;

  *test = (Test){.engine = fake_engine_new (NULL)};
  fake_engine_add_machine (test->engine, "web", "running");
  test->client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error);
  g_assert_no_error (error);
  test->machine = lodge_client_open_machine_sync (test->client, "web", NULL, &error);
  g_assert_no_error (error);
  test->server = spice_fixture_new (640, 480, TRUE);
  spice_fixture_set_agent_mouse (test->server, TRUE);
  spice_fixture_add_channel (test->server, 320, 240);
  spice_fixture_set_monitors (test->server, 1, one);
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  lodge_console_session_set_machine (test->session, test->machine);
  lodge_console_session_open (test->session);
  wait_absolute (test, FALSE);
}

static void
tear_down (Test *test)
{
  lodge_console_session_close (test->session);
  spice_fixture_settle ();
  g_assert_finalize_object (test->session);
  spice_fixture_free (test->server);
  g_object_unref (test->machine);
  g_object_unref (test->client);
  fake_engine_free (test->engine);
}

/* ---- what the engine was called with */

static char *
dup_points (Test *test)
{
  g_auto (GStrv) calls = fake_engine_dup_calls (test->engine);
  g_autoptr (GString) points = g_string_new (NULL);

  for (guint i = 0; calls[i] != NULL; i++) {
    if (g_str_has_prefix (calls[i], "Point web "))
      g_string_append_printf (points, "%s%s", points->len > 0 ? "; " : "",
                              calls[i] + strlen ("Point web "));
  }
  return g_string_free (g_steal_pointer (&points), FALSE);
}

static gboolean
has_ended_with (gpointer data)
{
  Test *test = data;
  g_autofree char *points = dup_points (test);

  return g_str_has_suffix (points, test->call);
}

static void
expect (Test *test, const char *want)
{
  test->call = want;
  spice_fixture_wait (has_ended_with, test);
  g_autofree char *points = dup_points (test);
  g_assert_cmpstr (points, ==, want);
  fake_engine_clear_calls (test->engine);
}

/* ---- tests */

static gboolean
has_moved (gpointer data)
{
  int dx, dy;

  spice_fixture_get_motion (((Test *) data)->server, &dx, &dy);
  return dx == 3 && dy == 4;
}

static void
test_places (void)
{
  Test test;

  set_up (&test);
  /* Nothing in the guest would hear of a place. */
  lodge_console_session_position_on (test.session, 1, 5, 5);
  lodge_console_session_motion (test.session, 3, 4);
  g_assert_true (spice_fixture_wait (has_moved, &test));
  spice_fixture_clear (test.server);

  fake_engine_set_absolute (test.engine, "web", TRUE);
  wait_absolute (&test, TRUE);
  /* Over both monitors, 640 by 480 and 320 by 240: side by side, and the higher one counts. */
  lodge_console_session_position_on (test.session, 0, 0, 0);
  expect (&test, "17 34 0 0");
  lodge_console_session_position_on (test.session, 0, 639, 479);
  expect (&test, "21827 32732 0 0");
  lodge_console_session_position_on (test.session, 1, 0, 0);
  expect (&test, "21861 34 0 0");
  lodge_console_session_position_on (test.session, 1, 319, 239);
  expect (&test, "32749 16349 0 0");
  lodge_console_session_position_on (test.session, 1, G_MAXINT, -5);
  expect (&test, "32749 34 0 0");

  lodge_console_session_button (test.session, LODGE_BUTTON_RIGHT, TRUE);
  lodge_console_session_position_on (test.session, 0, 0, 0);
  lodge_console_session_button (test.session, LODGE_BUTTON_RIGHT, FALSE);
  expect (&test, "32749 34 4 0; 17 34 4 0; 17 34 0 0");
  lodge_console_session_wheel (test.session, 3);
  lodge_console_session_wheel (test.session, -1);
  lodge_console_session_button (test.session, LODGE_BUTTON_EXTRA, TRUE);
  lodge_console_session_button (test.session, LODGE_BUTTON_EXTRA, FALSE);
  expect (&test, "17 34 0 3; 17 34 0 -1; 17 34 16 0; 17 34 0 0");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");

  /* The guest has let go of its tablet. */
  fake_engine_set_absolute (test.engine, "web", FALSE);
  wait_absolute (&test, FALSE);
  lodge_console_session_motion (test.session, 3, 4);
  g_assert_true (spice_fixture_wait (has_moved, &test));
  spice_fixture_settle ();
  expect (&test, "");
  tear_down (&test);
}

/* A pointer faster than the engine: not all places are told, the last one before a click is. */
static void
test_fast (void)
{
  Test test;

  set_up (&test);
  fake_engine_set_absolute (test.engine, "web", TRUE);
  wait_absolute (&test, TRUE);
  for (int i = 0; i < 100; i++)
    lodge_console_session_position_on (test.session, 0, i, 0);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  for (int i = 0; i < 100; i++)
    lodge_console_session_position_on (test.session, 0, i, 1);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, FALSE);
  expect (&test, "17 34 0 0; 3396 34 0 0; 3396 34 1 0; 3396 102 1 0; 3396 102 0 0");
  tear_down (&test);
}

/* A console that goes leaves no button down. */
static void
test_held (void)
{
  Test test;

  set_up (&test);
  fake_engine_set_absolute (test.engine, "web", TRUE);
  wait_absolute (&test, TRUE);
  lodge_console_session_position_on (test.session, 0, 0, 0);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  expect (&test, "17 34 0 0; 17 34 1 0");
  spice_fixture_cut (test.server);
  expect (&test, "17 34 0 0");
  tear_down (&test);
}

static gboolean
has_told (gpointer agent)
{
  return g_str_equal (spice_fixture_agent_get_pointer (agent), "@7,8:1");
}

static gboolean
has_no_agent (gpointer session)
{
  gboolean agent;

  g_object_get (session, "can-resize", &agent, NULL);
  return !agent;
}

/* An agent that comes has the places from SPICE. */
static void
test_agent (void)
{
  Test test;

  set_up (&test);
  fake_engine_set_absolute (test.engine, "web", TRUE);
  wait_absolute (&test, TRUE);
  SpiceFixtureAgent *agent = spice_fixture_agent_new (test.server);
  spice_fixture_settle ();
  fake_engine_clear_calls (test.engine);
  lodge_console_session_position_on (test.session, 1, 7, 8);
  g_assert_true (spice_fixture_wait (has_told, agent));
  spice_fixture_settle ();
  expect (&test, "");
  spice_fixture_agent_free (agent);
  g_assert_true (spice_fixture_wait (has_no_agent, test.session));
  wait_absolute (&test, TRUE);
  lodge_console_session_position_on (test.session, 0, 0, 0);
  expect (&test, "17 34 0 0");
  tear_down (&test);
}

#define TEST(name)                                                                                 \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
TEST (places)
TEST (fast)
TEST (held)
TEST (agent)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/console-tablet/places", run_places);
  g_test_add_func ("/console-tablet/fast", run_fast);
  g_test_add_func ("/console-tablet/held", run_held);
  g_test_add_func ("/console-tablet/agent", run_agent);
  return g_test_run ();
}

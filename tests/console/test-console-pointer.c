/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest's mouse and tablet get from a session. */
#include "input-fixture.h"

#include <linux/input-event-codes.h>

static void
test_position (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  lodge_console_session_position (test.session, 0, 0);
  spice_fixture_expect_pointer (test.server, "@0,0");
  lodge_console_session_position (test.session, 639, 479);
  spice_fixture_expect_pointer (test.server, "@639,479");
  lodge_console_session_position (test.session, -5, 100);
  spice_fixture_expect_pointer (test.server, "@0,100");
  lodge_console_session_position (test.session, G_MAXINT, G_MAXINT);
  spice_fixture_expect_pointer (test.server, "@639,479");
  /* Motion means nothing to a tablet. */
  lodge_console_session_motion (test.session, 5, 5);
  lodge_console_session_position (test.session, 1, 2);
  spice_fixture_expect_pointer (test.server, "@1,2");
  input_fixture_teardown (&test);
}

static gboolean
at_last (gpointer data)
{
  int x, y;

  spice_fixture_get_position (((InputFixture *) data)->server, &x, &y);
  return x == 150 && y == 250;
}

/* A pointer faster than the guest: not all places are sent, the last one always is. */
static void
test_coalesced (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  for (int i = 1; i <= 50; i++)
    lodge_console_session_position (test.session, 100 + i, 200 + i);
  g_assert_true (spice_fixture_wait (at_last, &test));
  g_auto (GStrv) events = g_strsplit (spice_fixture_get_pointer (test.server), " ", -1);
  g_assert_cmpuint (g_strv_length (events), <, 50);

  /* A click is where the pointer was last, however much was on its way. */
  spice_fixture_clear (test.server);
  for (int i = 1; i <= 50; i++)
    lodge_console_session_position (test.session, 300 + i, 300);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, FALSE);
  spice_fixture_settle ();
  g_assert_true (g_str_has_suffix (spice_fixture_get_pointer (test.server), "@350,300 =1 =0"));
  input_fixture_teardown (&test);
}

static void
test_buttons (void)
{
  static const struct {
    LodgeButton button;
    const char *want;
  } cases[] = {
      {LODGE_BUTTON_LEFT, "=1 =0"},
      {LODGE_BUTTON_RIGHT, "=2 =0"},
      {LODGE_BUTTON_MIDDLE, "=4 =0"},
      /* As libspice-server gives them to QEMU, which has these two for its wheel's sides. */
      {LODGE_BUTTON_SIDE, "=64 =0"},
      {LODGE_BUTTON_EXTRA, "=128 =0"},
  };
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  lodge_console_session_position (test.session, 10, 20);
  spice_fixture_expect_pointer (test.server, "@10,20");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    lodge_console_session_button (test.session, cases[i].button, TRUE);
    lodge_console_session_button (test.session, cases[i].button, TRUE);
    lodge_console_session_button (test.session, cases[i].button, FALSE);
    lodge_console_session_button (test.session, cases[i].button, FALSE);
    spice_fixture_expect_pointer (test.server, cases[i].want);
  }

  /* A drag, with a second button in it. */
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  lodge_console_session_position (test.session, 11, 21);
  lodge_console_session_button (test.session, LODGE_BUTTON_RIGHT, TRUE);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, FALSE);
  lodge_console_session_button (test.session, LODGE_BUTTON_RIGHT, FALSE);
  spice_fixture_expect_pointer (test.server, "=1 @11,21 =3 =2 =0");
  lodge_console_session_button (test.session, 0, TRUE);
  lodge_console_session_button (test.session, 1 << 20, TRUE);
  lodge_console_session_position (test.session, 1, 1);
  spice_fixture_expect_pointer (test.server, "@1,1");
  input_fixture_teardown (&test);
}

static void
test_wheel (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  lodge_console_session_position (test.session, 3, 3);
  spice_fixture_expect_pointer (test.server, "@3,3");
  lodge_console_session_wheel (test.session, 1);
  spice_fixture_expect_pointer (test.server, "w1/0");
  lodge_console_session_wheel (test.session, -3);
  spice_fixture_expect_pointer (test.server, "w-1/0 w-1/0 w-1/0");
  /* A button that is held stays so. */
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  lodge_console_session_wheel (test.session, 2);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, FALSE);
  spice_fixture_expect_pointer (test.server, "=1 w1/1 w1/1 =0");
  lodge_console_session_wheel (test.session, 0);
  lodge_console_session_position (test.session, 4, 4);
  spice_fixture_expect_pointer (test.server, "@4,4");

  lodge_console_session_wheel (test.session, G_MAXINT);
  spice_fixture_settle ();
  g_auto (GStrv) events = g_strsplit (spice_fixture_get_pointer (test.server), " ", -1);
  g_assert_cmpuint (g_strv_length (events), ==, 64);
  input_fixture_teardown (&test);
}

/* No device turns to the side: Shift does it, held for a whole turn, and gone before all else. */
static void
test_wheel_sideways (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  lodge_console_session_position (test.session, 3, 3);
  lodge_console_session_wheel_sideways (test.session, 1);
  lodge_console_session_wheel_sideways (test.session, 2);
  lodge_console_session_wheel_sideways (test.session, -1);
  spice_fixture_expect_order (test.server, "@3,3 2a w1/0 w1/0 w1/0 w-1/0 aa");
  /* The other Shift, the next time. */
  lodge_console_session_wheel_sideways (test.session, -1);
  lodge_console_session_wheel (test.session, -1);
  spice_fixture_expect_order (test.server, "36 w-1/0 b6 w-1/0");
  lodge_console_session_wheel_sideways (test.session, 1);
  lodge_console_session_position (test.session, 4, 4);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  spice_fixture_expect_order (test.server, "2a w1/0 @4,4 aa =1");
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, FALSE);
  lodge_console_session_wheel_sideways (test.session, 1);
  input_fixture_tap (&test, KEY_A);
  spice_fixture_expect_order (test.server, "=0 36 w1/0 b6 1e 9e");
  lodge_console_session_wheel_sideways (test.session, 1);
  lodge_console_session_release_all (test.session);
  spice_fixture_expect_order (test.server, "2a w1/0 aa");

  /* The user's own Shift stays as it is; with another modifier it would be another combination. */
  lodge_console_session_key (test.session, KEY_RIGHTSHIFT, TRUE);
  lodge_console_session_wheel_sideways (test.session, 1);
  lodge_console_session_key (test.session, KEY_RIGHTSHIFT, FALSE);
  spice_fixture_expect_order (test.server, "36 w1/0 b6");
  lodge_console_session_key (test.session, KEY_LEFTCTRL, TRUE);
  lodge_console_session_wheel_sideways (test.session, 1);
  lodge_console_session_wheel_sideways (test.session, 0);
  lodge_console_session_key (test.session, KEY_LEFTCTRL, FALSE);
  spice_fixture_expect_order (test.server, "1d 9d");
  lodge_console_session_wheel_sideways (test.session, 1);
  spice_fixture_expect_order (test.server, "36 w1/0 b6");
  input_fixture_teardown (&test);
}

static gboolean
has_moved (gpointer data)
{
  int dx, dy;

  spice_fixture_get_motion (((InputFixture *) data)->server, &dx, &dy);
  return dx == 90 && dy == -60;
}

static void
test_relative (void)
{
  InputFixture test;

  input_fixture_setup (&test, FALSE);
  for (int i = 0; i < 30; i++)
    lodge_console_session_motion (test.session, 3, -2);
  g_assert_true (spice_fixture_wait (has_moved, &test));
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  /* A mouse has no place. */
  lodge_console_session_position (test.session, 5, 5);
  lodge_console_session_button (test.session, LODGE_BUTTON_RIGHT, TRUE);
  lodge_console_session_button (test.session, LODGE_BUTTON_RIGHT, FALSE);
  lodge_console_session_wheel (test.session, -1);
  spice_fixture_expect_pointer (test.server, "=2 =0 w-1/0");
  input_fixture_teardown (&test);
}

/* The guest's driver wakes its tablet up, and lets it go again. */
static void
test_mode_changes (void)
{
  InputFixture test;

  input_fixture_setup (&test, FALSE);
  for (int i = 0; i < 3; i++) {
    test.tablet = TRUE;
    spice_fixture_set_tablet (test.server, TRUE);
    g_assert_true (spice_fixture_wait (input_fixture_is_ready, &test));
    spice_fixture_settle ();
    spice_fixture_clear (test.server);
    lodge_console_session_position (test.session, 7, 8);
    spice_fixture_expect_pointer (test.server, "@7,8");

    test.tablet = FALSE;
    spice_fixture_set_tablet (test.server, FALSE);
    g_assert_true (spice_fixture_wait (input_fixture_is_ready, &test));
    lodge_console_session_motion (test.session, 4, 5);
    spice_fixture_expect_pointer (test.server, "+4,5");
  }
  input_fixture_teardown (&test);
}

#define TEST(name)                                                                                 \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
TEST (position)
TEST (coalesced)
TEST (buttons)
TEST (wheel)
TEST (wheel_sideways)
TEST (relative)
TEST (mode_changes)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/console-pointer/position", run_position);
  g_test_add_func ("/console-pointer/coalesced", run_coalesced);
  g_test_add_func ("/console-pointer/buttons", run_buttons);
  g_test_add_func ("/console-pointer/wheel", run_wheel);
  g_test_add_func ("/console-pointer/wheel-sideways", run_wheel_sideways);
  g_test_add_func ("/console-pointer/relative", run_relative);
  g_test_add_func ("/console-pointer/mode-changes", run_mode_changes);
  return g_test_run ();
}

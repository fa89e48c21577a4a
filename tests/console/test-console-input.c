/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest's keyboard gets from a session; the pointer is in test-console-pointer.c. */
#include "input-fixture.h"

#include <linux/input-event-codes.h>

enum { SCROLL = 1, NUM = 2, CAPS = 4 };

static void
test_keys (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  input_fixture_tap (&test, KEY_A);
  spice_fixture_expect_scancodes (test.server, "1e 9e");
  input_fixture_tap (&test, KEY_RIGHTCTRL);
  spice_fixture_expect_scancodes (test.server, "e0 1d e0 9d");
  input_fixture_tap (&test, KEY_LEFTMETA);
  spice_fixture_expect_scancodes (test.server, "e0 5b e0 db");
  input_fixture_tap (&test, KEY_F12);
  spice_fixture_expect_scancodes (test.server, "58 d8");
  input_fixture_tap (&test, KEY_SYSRQ);
  spice_fixture_expect_scancodes (test.server, "e0 37 e0 b7");
  /* Held, it repeats; released once. */
  lodge_console_session_key (test.session, KEY_B, TRUE);
  lodge_console_session_key (test.session, KEY_B, TRUE);
  input_fixture_tap (&test, KEY_B);
  spice_fixture_expect_scancodes (test.server, "30 30 30 b0");
  /* No such key, and one that was never pressed. */
  input_fixture_tap (&test, KEY_MICMUTE);
  input_fixture_tap (&test, G_MAXUINT);
  lodge_console_session_key (test.session, KEY_C, FALSE);
  input_fixture_tap (&test, KEY_D);
  spice_fixture_expect_scancodes (test.server, "20 a0");
  input_fixture_teardown (&test);
}

static gboolean
has_last_scancodes (gpointer data)
{
  return g_str_has_suffix (spice_fixture_get_scancodes (data), "1e 9e 30 b0");
}

/* A keyboard's buffer has room for a few keys: a program's come one after the other, none is lost
 * and none stays down. */
static void
test_fast_keys (void)
{
  enum { TIMES = 30 };
  g_autoptr (GString) all = g_string_new (NULL);
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  for (int i = 0; i < TIMES; i++) {
    input_fixture_tap (&test, KEY_A);
    input_fixture_tap (&test, KEY_RIGHTCTRL);
    g_string_append (all, i == 0 ? "1e 9e e0 1d e0 9d" : " 1e 9e e0 1d e0 9d");
  }
  g_assert_cmpuint (lodge_console_session_get_n_waiting (test.session), >, 3 * TIMES);
  spice_fixture_expect_scancodes (test.server, all->str);

  /* A key that is held meanwhile repeats only as far as there is room. */
  for (int i = 0; i < 1000; i++)
    lodge_console_session_key (test.session, KEY_A, TRUE);
  lodge_console_session_key (test.session, KEY_A, FALSE);
  input_fixture_tap (&test, KEY_B);
  g_assert_true (spice_fixture_wait (has_last_scancodes, test.server));
  g_assert_cmpuint (strlen (spice_fixture_get_scancodes (test.server)), <, 60);

  /* What still waits when the session ends is forgotten, and the key is not left down. */
  spice_fixture_clear (test.server);
  for (int i = 0; i < TIMES; i++)
    input_fixture_tap (&test, KEY_C);
  lodge_console_session_close (test.session);
  spice_fixture_settle ();
  g_assert_false (g_str_has_suffix (spice_fixture_get_scancodes (test.server), "2e"));
  g_assert_cmpuint (strlen (spice_fixture_get_scancodes (test.server)), <, 60);
  input_fixture_teardown (&test);
}

/* Typed, clicked, typed: what is typed goes where it was meant to go, although the first keys still
 * wait when the click comes. A pointer that only moves does not wait for them. */
static void
test_click_after_keys (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  for (int i = 0; i < 4; i++)
    input_fixture_tap (&test, KEY_A);
  lodge_console_session_position (test.session, 9, 9);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  for (int i = 0; i < 50; i++)
    lodge_console_session_position (test.session, 10 + i, 20);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, FALSE);
  lodge_console_session_wheel (test.session, 1);
  lodge_console_session_wheel (test.session, 1);
  lodge_console_session_wheel (test.session, -1);
  lodge_console_session_position (test.session, 1, 1);
  input_fixture_tap (&test, KEY_B);
  lodge_console_session_button (test.session, LODGE_BUTTON_RIGHT, TRUE);
  lodge_console_session_button (test.session, LODGE_BUTTON_RIGHT, FALSE);
  spice_fixture_expect_order (test.server, "1e 9e 1e 9e @9,9 1e 9e 1e 9e =1 @59,20 =0 "
                                           "w1/0 w1/0 w-1/0 @1,1 30 b0 =2 =0");

  /* Everything is let go of in the same order. */
  for (int i = 0; i < 3; i++)
    input_fixture_tap (&test, KEY_A);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  lodge_console_session_key (test.session, KEY_C, TRUE);
  lodge_console_session_release_all (test.session);
  spice_fixture_expect_order (test.server, "1e 9e 1e 9e 1e 9e =1 2e ae =0");

  /* What waits when the session ends leaves nothing behind for the next one. */
  for (int i = 0; i < 4; i++)
    input_fixture_tap (&test, KEY_A);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  lodge_console_session_close (test.session);
  spice_fixture_settle ();
  lodge_console_session_open (test.session);
  g_assert_true (spice_fixture_wait (input_fixture_is_ready, &test));
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  lodge_console_session_position (test.session, 5, 5);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, FALSE);
  spice_fixture_expect_order (test.server, "@5,5 =1 =0");
  input_fixture_teardown (&test);
}

/* The same with a mouse: its motion is added up. */
static void
test_motion_after_keys (void)
{
  InputFixture test;

  input_fixture_setup (&test, FALSE);
  for (int i = 0; i < 4; i++)
    input_fixture_tap (&test, KEY_A);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  for (int i = 0; i < 5; i++)
    lodge_console_session_motion (test.session, 3, -2);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, FALSE);
  spice_fixture_expect_order (test.server, "1e 9e 1e 9e 1e 9e 1e 9e =1 +15,-10 =0");
  input_fixture_teardown (&test);
}

static void
test_release_all (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  lodge_console_session_key (test.session, KEY_LEFTSHIFT, TRUE);
  lodge_console_session_key (test.session, KEY_A, TRUE);
  lodge_console_session_key (test.session, KEY_RIGHTALT, TRUE);
  lodge_console_session_key (test.session, KEY_PAUSE, TRUE);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  lodge_console_session_button (test.session, LODGE_BUTTON_EXTRA, TRUE);
  spice_fixture_expect_scancodes (test.server, "2a 1e e0 38 e0 46");
  lodge_console_session_release_all (test.session);
  spice_fixture_expect_scancodes (test.server, "9e aa e0 b8 e0 c6");
  spice_fixture_settle ();
  g_assert_cmpuint (spice_fixture_get_buttons (test.server), ==, 0);

  /* And nothing is left to be released. */
  spice_fixture_clear (test.server);
  lodge_console_session_release_all (test.session);
  lodge_console_session_key (test.session, KEY_A, FALSE);
  input_fixture_tap (&test, KEY_Z);
  spice_fixture_expect_scancodes (test.server, "2c ac");
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");
  input_fixture_teardown (&test);
}

/* What was let go of while the guest stood still is told again: no press of it, and nothing that is
 * still down. */
static void
test_still (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  lodge_console_session_key (test.session, KEY_LEFTSHIFT, TRUE);
  lodge_console_session_key (test.session, KEY_A, TRUE);
  lodge_console_session_key (test.session, KEY_B, TRUE);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  lodge_console_session_button (test.session, LODGE_BUTTON_RIGHT, TRUE);
  spice_fixture_expect_order (test.server, "2a 1e 30 @0,0 =1 =3");
  lodge_console_session_set_still (test.session, TRUE);
  lodge_console_session_key (test.session, KEY_LEFTSHIFT, FALSE);
  lodge_console_session_release_all (test.session);
  lodge_console_session_button (test.session, LODGE_BUTTON_RIGHT, TRUE);
  spice_fixture_expect_scancodes (test.server, "aa 9e b0");
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  lodge_console_session_key (test.session, KEY_B, TRUE);
  lodge_console_session_set_still (test.session, FALSE);
  spice_fixture_expect_order (test.server, "30 9e aa =3 =2");

  /* Once is enough. */
  spice_fixture_clear (test.server);
  lodge_console_session_set_still (test.session, TRUE);
  lodge_console_session_set_still (test.session, FALSE);
  input_fixture_tap (&test, KEY_Z);
  spice_fixture_expect_order (test.server, "2c ac");
  input_fixture_teardown (&test);
}

/* Closing lets go of what was down, although nothing follows it. */
static void
test_close_releases (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  lodge_console_session_key (test.session, KEY_LEFTCTRL, TRUE);
  spice_fixture_expect_scancodes (test.server, "1d");
  lodge_console_session_close (test.session);
  spice_fixture_expect_scancodes (test.server, "9d");
  input_fixture_tap (&test, KEY_A);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");
  input_fixture_teardown (&test);
}

static gboolean
has_leds (gpointer data)
{
  guint leds;

  g_object_get (((InputFixture *) data)->session, "leds", &leds, NULL);
  return leds == (NUM | SCROLL);
}

static gboolean
has_scroll_led (gpointer data)
{
  guint leds;

  g_object_get (((InputFixture *) data)->session, "leds", &leds, NULL);
  return (leds & SCROLL) != 0;
}

static void
test_locks (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  lodge_console_session_sync_locks (test.session, CAPS);
  spice_fixture_expect_scancodes (test.server, "3a ba");

  /* The guest says what it shows; what is like that already is not pressed again. */
  spice_fixture_set_leds (test.server, NUM | SCROLL);
  g_assert_true (spice_fixture_wait (has_leds, &test));
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  lodge_console_session_sync_locks (test.session, NUM | SCROLL);
  lodge_console_session_sync_locks (test.session, NUM | SCROLL | 0xf0);
  input_fixture_tap (&test, KEY_A);
  spice_fixture_expect_scancodes (test.server, "1e 9e");
  lodge_console_session_sync_locks (test.session, NUM | CAPS);
  spice_fixture_expect_scancodes (test.server, "46 c6 3a ba");
  input_fixture_teardown (&test);
}

/* The server takes the second byte of it for Scroll Lock: a sync of the locks must not press that.
 */
static void
test_pause_and_locks (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  input_fixture_tap (&test, KEY_PAUSE);
  spice_fixture_expect_scancodes (test.server, "e0 46 e0 c6");
  lodge_console_session_sync_locks (test.session, CAPS);
  spice_fixture_expect_scancodes (test.server, "3a ba");
  /* Once that has come back from the server it must still be known to be wrong. */
  g_assert_true (spice_fixture_wait (has_scroll_led, &test));
  lodge_console_session_sync_locks (test.session, 0);
  spice_fixture_expect_scancodes (test.server, "3a ba");
  input_fixture_tap (&test, KEY_PAUSE);
  lodge_console_session_sync_locks (test.session, NUM);
  spice_fixture_expect_scancodes (test.server, "e0 46 e0 c6 45 c5");
  input_fixture_teardown (&test);
}

/* A lock's own key, pressed while the guest does not say what it shows, as firmware does not. */
static void
test_lock_keys (void)
{
  InputFixture test;

  input_fixture_setup (&test, TRUE);
  input_fixture_tap (&test, KEY_CAPSLOCK);
  lodge_console_session_sync_locks (test.session, CAPS);
  input_fixture_tap (&test, KEY_NUMLOCK);
  lodge_console_session_sync_locks (test.session, CAPS | NUM);
  lodge_console_session_sync_locks (test.session, CAPS);
  spice_fixture_expect_scancodes (test.server, "3a ba 45 c5 45 c5");
  input_fixture_teardown (&test);
}

/* Input for a session that is not open, or not yet, goes nowhere and says nothing. */
static void
test_not_connected (void)
{
  SpiceFixture *server = spice_fixture_new (640, 480, TRUE);
  LodgeConsoleSession *session = lodge_console_session_new_for_open (spice_fixture_open, server);

  for (int i = 0; i < 2; i++) {
    lodge_console_session_key (session, KEY_A, TRUE);
    lodge_console_session_position (session, 1, 1);
    lodge_console_session_motion (session, 1, 1);
    lodge_console_session_button (session, LODGE_BUTTON_LEFT, TRUE);
    lodge_console_session_wheel (session, 1);
    lodge_console_session_sync_locks (session, CAPS);
    lodge_console_session_resize (session, 800, 600);
    lodge_console_session_release_all (session);
    if (i == 0)
      lodge_console_session_open (session);
  }
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (server), ==, "");
  g_assert_cmpstr (spice_fixture_get_pointer (server), ==, "");
  g_assert_finalize_object (session);
  spice_fixture_settle ();
  spice_fixture_free (server);
}

#define TEST(name)                                                                                 \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
TEST (keys)
TEST (fast_keys)
TEST (click_after_keys)
TEST (motion_after_keys)
TEST (release_all)
TEST (still)
TEST (close_releases)
TEST (locks)
TEST (pause_and_locks)
TEST (lock_keys)
TEST (not_connected)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/console-input/keys", run_keys);
  g_test_add_func ("/console-input/fast-keys", run_fast_keys);
  g_test_add_func ("/console-input/click-after-keys", run_click_after_keys);
  g_test_add_func ("/console-input/motion-after-keys", run_motion_after_keys);
  g_test_add_func ("/console-input/release-all", run_release_all);
  g_test_add_func ("/console-input/still", run_still);
  g_test_add_func ("/console-input/close-releases", run_close_releases);
  g_test_add_func ("/console-input/locks", run_locks);
  g_test_add_func ("/console-input/pause-and-locks", run_pause_and_locks);
  g_test_add_func ("/console-input/lock-keys", run_lock_keys);
  g_test_add_func ("/console-input/not-connected", run_not_connected);
  return g_test_run ();
}

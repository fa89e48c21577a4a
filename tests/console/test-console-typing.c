/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A text typed into a guest: what its keyboard gets. */
#include "console/lodge-console-typing.h"
#include "spice-fixture.h"

#include <linux/input-event-codes.h>
#include <string.h>

enum { CAPS = 4 };

typedef struct {
  SpiceFixture *server;
  LodgeConsoleSession *session;
  int ended; /* -1: not yet */
  guint progresses;
} Test;

static gboolean
is_ready (gpointer data)
{
  gboolean connected;

  g_object_get (((Test *) data)->session, "connected", &connected, NULL);
  return connected;
}

static void
set_up (Test *test)
{
  *test = (Test){.server = spice_fixture_new (640, 480, TRUE), .ended = -1};
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  lodge_console_session_open (test->session);
  g_assert_true (spice_fixture_wait (is_ready, test));
  spice_fixture_settle ();
  spice_fixture_clear (test->server);
}

static void
tear_down (Test *test)
{
  g_assert_finalize_object (test->session);
  spice_fixture_settle ();
  spice_fixture_free (test->server);
}

static void
ended_cb (LodgeConsoleTyping *typing, gboolean whole, Test *test)
{
  g_assert_cmpint (test->ended, ==, -1);
  test->ended = whole;
}

static void
progress_cb (LodgeConsoleTyping *typing, Test *test)
{
  test->progresses++;
}

static gboolean
is_ended (gpointer data)
{
  return ((Test *) data)->ended != -1;
}

static LodgeConsoleTyping *
start (Test *test, const char *text, guint expect_missing)
{
  guint missing;
  g_autoptr (GArray) strokes = lodge_strokes_new (text, lodge_stroke_us, NULL, &missing);
  LodgeConsoleTyping *typing = lodge_console_typing_new (test->session, strokes);

  g_assert_cmpuint (missing, ==, expect_missing);
  test->ended = -1;
  g_signal_connect (typing, "ended", G_CALLBACK (ended_cb), test);
  g_signal_connect (typing, "progress", G_CALLBACK (progress_cb), test);
  return typing;
}

static void
test_text (void)
{
  Test test;

  set_up (&test);
  LodgeConsoleTyping *typing = start (&test, "aBC 1!\r\n\x07\xc3\xa4\t", 2);
  g_assert_true (spice_fixture_wait (is_ended, &test));
  g_assert_cmpint (test.ended, ==, TRUE);
  g_assert_cmpfloat (lodge_console_typing_get_progress (typing), ==, 1);
  /* Shift is held as long as it is wanted. */
  spice_fixture_expect_scancodes (test.server,
                                  "1e 9e 2a 30 b0 2e ae aa 39 b9 02 82 2a 02 82 aa 1c 9c 0f 8f");
  g_assert_finalize_object (typing);

  /* With Caps Lock on a letter needs the other Shift, and nothing else does. */
  spice_fixture_set_leds (test.server, CAPS);
  spice_fixture_settle ();
  typing = start (&test, "aB1!", 0);
  g_assert_true (spice_fixture_wait (is_ended, &test));
  spice_fixture_expect_scancodes (test.server, "2a 1e 9e aa 30 b0 02 82 2a 02 82 aa");
  g_assert_finalize_object (typing);

  typing = start (&test, "", 0);
  g_assert_true (spice_fixture_wait (is_ended, &test));
  g_assert_finalize_object (typing);
  tear_down (&test);
}

static gboolean
has_begun (gpointer data)
{
  return ((Test *) data)->progresses > 2;
}

/* The last of it has come, and Shift was let go of. */
static gboolean
has_let_go (gpointer data)
{
  return g_str_has_suffix (spice_fixture_get_scancodes (((Test *) data)->server), " 1e 9e aa");
}

/* It stops soon, lets go of Shift, and what the user does meanwhile does not wait for all of it. */
static void
test_cancelled (void)
{
  g_autofree char *much = g_strnfill (20000, 'A');
  Test test;

  set_up (&test);
  LodgeConsoleTyping *typing = start (&test, much, 0);
  g_assert_true (spice_fixture_wait (has_begun, &test));
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, TRUE);
  lodge_console_session_button (test.session, LODGE_BUTTON_LEFT, FALSE);
  spice_fixture_expect_pointer (test.server, "@0,0 =1 =0");
  g_assert_cmpint (test.ended, ==, -1);
  lodge_console_typing_cancel (typing);
  g_assert_cmpint (test.ended, ==, FALSE);
  g_assert_cmpfloat (lodge_console_typing_get_progress (typing), <, .5);
  lodge_console_typing_cancel (typing);
  g_assert_true (spice_fixture_wait (has_let_go, &test));
  g_assert_finalize_object (typing);

  /* The connection ends under it, and the one who types goes away. */
  typing = start (&test, much, 0);
  test.progresses = 0;
  g_assert_true (spice_fixture_wait (has_begun, &test));
  spice_fixture_cut (test.server);
  g_assert_true (spice_fixture_wait (is_ended, &test));
  g_assert_cmpint (test.ended, ==, FALSE);
  g_assert_finalize_object (typing);
  /* Without one nothing is typed, nor said to be. */
  typing = start (&test, much, 0);
  g_assert_true (spice_fixture_wait (is_ended, &test));
  g_assert_cmpint (test.ended, ==, FALSE);
  g_assert_cmpfloat (lodge_console_typing_get_progress (typing), ==, 0);
  g_assert_finalize_object (typing);
  typing = start (&test, much, 0);
  g_assert_finalize_object (typing);
  tear_down (&test);
}

/* Its window loses the focus in the middle of it: what follows still has its Shift. */
static void
test_released (void)
{
  g_autofree char *much = g_strnfill (40, 'A');
  Test test;

  set_up (&test);
  LodgeConsoleTyping *typing = start (&test, much, 0);
  g_assert_true (spice_fixture_wait (has_begun, &test));
  lodge_console_session_release_all (test.session);
  g_assert_true (spice_fixture_wait (is_ended, &test));
  g_assert_cmpint (test.ended, ==, TRUE);
  g_assert_true (spice_fixture_wait (has_let_go, &test));

  g_autoptr (GString) codes = g_string_new (spice_fixture_get_scancodes (test.server));
  g_assert_true (g_str_has_prefix (codes->str, "2a 1e 9e 1e"));
  /* Down again at once where it was let go of. */
  g_assert_cmpuint (g_string_replace (codes, "aa 2a 1e", "1e", 0), ==, 1);
  g_assert_null (strstr (codes->str, "aa 1e"));
  g_assert_finalize_object (typing);
  tear_down (&test);
}

static gboolean
map_none (gunichar c, LodgeStroke *out_stroke, gpointer user_data)
{
  *(guint *) user_data += 1;
  return FALSE;
}

static void
test_strokes (void)
{
  guint missing, n = 0;
  LodgeStroke stroke;
  g_autoptr (GArray) none = lodge_strokes_new ("a\xe2\x82\xac\n\rb", map_none, &n, &missing);

  g_assert_cmpuint (none->len, ==, 2); /* the lines' ends are on every keyboard */
  g_assert_cmpuint (missing, ==, 3);
  g_assert_cmpuint (n, ==, 3);
  for (char c = ' '; c <= '~'; c++)
    g_assert_true (lodge_stroke_us (c, &stroke, NULL));
  g_assert_false (lodge_stroke_us (0, &stroke, NULL));
  g_assert_false (lodge_stroke_us (0x20ac, &stroke, NULL));
  g_assert_true (lodge_stroke_us ('_', &stroke, NULL));
  g_assert_cmpuint (stroke.evdev, ==, KEY_MINUS);
  g_assert_true (stroke.shift && !stroke.alt_gr && !stroke.caps);
}

#define TEST(name)                                                                                 \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
TEST (text)
TEST (cancelled)
TEST (released)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/console-typing/strokes", test_strokes);
  g_test_add_func ("/console-typing/text", run_text);
  g_test_add_func ("/console-typing/cancelled", run_cancelled);
  g_test_add_func ("/console-typing/released", run_released);
  return g_test_run ();
}

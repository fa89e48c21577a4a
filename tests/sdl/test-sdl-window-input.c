/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer's keyboard and pointer: what the guest gets of real ones, and what it does not. */
#include "window-fixture.h"

#include "test-keys-repeat.h"

static void
test_keys (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 640, 480, TRUE);
  test_xdotool ("key a");
  spice_fixture_expect_scancodes (test.server, "1e 9e");
  test_xdotool ("key ctrl+w");
  spice_fixture_expect_scancodes (test.server, "1d 11 9d 91");
  test_xdotool ("key Right");
  spice_fixture_expect_scancodes (test.server, "e0 4d e0 cd");
  test_xdotool ("key Tab F10 Escape");
  spice_fixture_expect_scancodes (test.server, "0f 8f 44 c4 01 81");
  test_xdotool ("key q");
  spice_fixture_expect_scancodes (test.server, "10 90");
  test_xdotool ("key Pause");
  spice_fixture_expect_scancodes (test.server, "e0 46 e0 c6");
  window_fixture_tear_down (&test);
}

/* Those of the screen that xvfb-test makes. */
#define SCREEN_WIDTH  1600
#define SCREEN_HEIGHT 1200

static void
close_cb (guint *n_closed)
{
  (*n_closed)++;
}

static gboolean
was_closed (gpointer n_closed)
{
  return *(guint *) n_closed > 0;
}

static gboolean
has_left (gpointer data)
{
  return lodge_sdl_window_get_left (((WindowFixture *) data)->window);
}

static gboolean
has_not_left (gpointer data)
{
  return !has_left (data);
}

/* Ctrl+Alt gives the viewer the keys, and each way back gives them to the guest. */
static void
test_leaving (void)
{
  WindowFixture test;
  guint n_closed = 0;

  window_fixture_set_up (&test, 640, 480, TRUE);
  g_signal_connect_swapped (test.window, "close", G_CALLBACK (close_cb), &n_closed);
  spice_fixture_fill (test.server, 0, 0, 640, 480, 0xffffff);
  test_xdotool ("key F11");
  window_fixture_expect_size (&test, SCREEN_WIDTH, SCREEN_HEIGHT);
  test_xdotool ("key F11");
  window_fixture_expect_size (&test, 640, 480);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");

  test_xdotool ("key ctrl+alt");
  g_assert_true (spice_fixture_wait (has_left, &test));
  spice_fixture_expect_scancodes (test.server, "1d 38 9d b8");
  window_fixture_expect_pixel (&test, 2, 477, 0x373737); /* says what the keys do */
  test_xdotool ("key a key f");
  window_fixture_expect_size (&test, SCREEN_WIDTH, SCREEN_HEIGHT);
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");
  /* That was for the guest's sake, which has the keys again. */
  g_assert_false (has_left (&test));
  test_xdotool ("key F11");
  window_fixture_expect_size (&test, 640, 480);

  test_xdotool ("key ctrl+alt");
  g_assert_true (spice_fixture_wait (has_left, &test));
  spice_fixture_expect_scancodes (test.server, "1d 38 9d b8");
  test_xdotool ("key Return");
  g_assert_true (spice_fixture_wait (has_not_left, &test));
  window_fixture_expect_pixel (&test, 2, 477, 0xffffff);
  test_xdotool ("key b");
  spice_fixture_expect_scancodes (test.server, "30 b0");

  /* With another key it is the guest's. */
  test_xdotool ("key ctrl+alt+t");
  spice_fixture_expect_scancodes (test.server, "1d 38 14 9d b8 94");
  g_assert_false (has_left (&test));

  test_xdotool ("key ctrl+alt");
  g_assert_true (spice_fixture_wait (has_left, &test));
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  window_fixture_move_to (&test, 10, 10);
  test_xdotool ("click 1");
  g_assert_true (spice_fixture_wait (has_not_left, &test));
  spice_fixture_expect_pointer (test.server, "@10,10 =1 =0");

  test_xdotool ("key ctrl+alt");
  g_assert_true (spice_fixture_wait (has_left, &test));
  g_assert_cmpuint (n_closed, ==, 0);
  test_xdotool ("key q");
  g_assert_true (spice_fixture_wait (was_closed, &n_closed));
  window_fixture_tear_down (&test);
}

/* The key that gives the keyboard back to the guest is not typed there, however long it is held. */
static void
test_leaving_held (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 640, 480, TRUE);
  test_xdotool ("key ctrl+alt");
  g_assert_true (spice_fixture_wait (has_left, &test));
  spice_fixture_expect_scancodes (test.server, "1d 38 9d b8");
  test_keys_repeat (TRUE);
  test_xdotool ("keydown Return");
  g_assert_true (spice_fixture_wait (has_not_left, &test));
  /* It is never quiet. */
  spice_fixture_run_for (1500);
  test_xdotool ("keyup Return");
  test_keys_repeat (FALSE);
  test_xdotool ("key a");
  spice_fixture_expect_scancodes (test.server, "1e 9e");
  window_fixture_tear_down (&test);
}

static gboolean
has_let_go (gpointer data)
{
  const char *scancodes = spice_fixture_get_scancodes (data);

  return strstr (scancodes, "b0") != NULL && strstr (scancodes, "aa") != NULL;
}

/* Keys that are down when the user goes to another window are not held in the guest for ever. */
static void
test_focus_loss (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 640, 480, TRUE);
  test_xdotool ("keydown shift keydown b");
  spice_fixture_expect_scancodes (test.server, "2a 30");
  SDL_Window *other = window_fixture_distract (&test);
  g_assert_true (spice_fixture_wait (has_let_go, test.server));
  spice_fixture_clear (test.server);
  test_xdotool ("keyup b keyup shift");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");
  test_xdotool ("key c");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");

  window_fixture_come_back (&test, other);
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  test_xdotool ("key d");
  spice_fixture_expect_scancodes (test.server, "20 a0");
  window_fixture_tear_down (&test);
}

static void
test_grab (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 640, 480, TRUE);
  window_fixture_expect_grabbed (&test, FALSE);
  window_fixture_move_to (&test, 100, 100);
  test_xdotool ("click 1");
  window_fixture_expect_grabbed (&test, TRUE);
  spice_fixture_expect_pointer (test.server, "@100,100 =1 =0");
  g_assert_cmpstr (SDL_GetWindowTitle (lodge_sdl_window_get_window (test.window)), ==,
                   "web – Ctrl+Alt takes keyboard and pointer back");
  test_xdotool ("key alt+F4");
  spice_fixture_expect_scancodes (test.server, "38 3e b8 be");

  /* The end of the connection gives it back. */
  spice_fixture_cut (test.server);
  window_fixture_expect_grabbed (&test, FALSE);
  g_assert_cmpstr (SDL_GetWindowTitle (lodge_sdl_window_get_window (test.window)), ==, "web");
  window_fixture_tear_down (&test);
}

/* ---- pointer */

static void
test_pointer (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 640, 480, TRUE);
  window_fixture_move_to (&test, 0, 0);
  spice_fixture_expect_pointer (test.server, "@0,0");
  window_fixture_move_to (&test, 639, 479);
  spice_fixture_expect_pointer (test.server, "@639,479");
  test_xdotool ("click 1 click 3 click 2");
  spice_fixture_expect_pointer (test.server, "=1 =0 =2 =0 =4 =0");
  test_xdotool ("click 8 click 9");
  spice_fixture_expect_pointer (test.server, "=64 =0 =128 =0");
  test_xdotool ("click 5 click 5 click 4");
  spice_fixture_expect_pointer (test.server, "w1/0 w1/0 w-1/0");

  /* A drag that leaves the window goes on along its edge, and its end is seen. */
  window_fixture_move_to (&test, 600, 400);
  test_xdotool ("mousedown 1");
  window_fixture_move_to (&test, 800, 410);
  test_xdotool ("mouseup 1");
  spice_fixture_expect_pointer (test.server, "@600,400 =1 @639,410 =0");
  window_fixture_tear_down (&test);
}

/* Turns, in notches; positive is to the right, and away from the user. */
static void
push_wheel (WindowFixture *test, float x, float y)
{
  SDL_Event event = {
      .wheel = {.type = SDL_MOUSEWHEEL,
                .windowID = SDL_GetWindowID (lodge_sdl_window_get_window (test->window)),
                .preciseX = x,
                .preciseY = y}};

  g_assert_cmpint (SDL_PushEvent (&event), ==, 1);
}

static void
test_wheel (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 640, 480, TRUE);
  /* The pointer has come before the guest: where it is turned the guest knows all the same. */
  lodge_sdl_window_set_session (test.window, NULL, 0);
  window_fixture_move_to (&test, 50, 60);
  spice_fixture_settle ();
  lodge_sdl_window_set_session (test.window, test.session, 0);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");
  test_xdotool ("click 5");
  spice_fixture_expect_pointer (test.server, "@50,60 w1/0");

  /* To the sides it is with Shift, as in Lodge's own console. */
  test_xdotool ("click 7");
  spice_fixture_expect_order (test.server, "2a w1/0 aa");
  test_xdotool ("click 6");
  spice_fixture_expect_order (test.server, "36 w-1/0 b6");
  window_fixture_tear_down (&test);
}

/* A touchpad's turns are less than a notch: they add up. */
static void
test_smooth (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 640, 480, TRUE);
  window_fixture_move_to (&test, 50, 60);
  spice_fixture_expect_pointer (test.server, "@50,60");
  push_wheel (&test, 0, -0.5f);
  push_wheel (&test, 0, -0.25f);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_order (test.server), ==, "");
  push_wheel (&test, 0, -0.25f);
  spice_fixture_expect_order (test.server, "w1/0");
  push_wheel (&test, 0, -2.75f);
  spice_fixture_expect_order (test.server, "w1/0 w1/0");
  /* The other way begins anew. */
  push_wheel (&test, 0, 0.75f);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_order (test.server), ==, "");
  push_wheel (&test, 0, 0.25f);
  spice_fixture_expect_order (test.server, "w-1/0");
  /* Fingers do not go straight: a turn is to the side when most of it is. */
  push_wheel (&test, 1, -1);
  spice_fixture_expect_order (test.server, "w1/0");
  push_wheel (&test, 0.75f, 0.25f);
  push_wheel (&test, 0.25f, 0);
  spice_fixture_expect_order (test.server, "2a w1/0 aa");
  push_wheel (&test, -1, 0);
  spice_fixture_expect_order (test.server, "36 w-1/0 b6");
  window_fixture_tear_down (&test);
}

/* A window of another size: the corners are still the corners. */
static void
test_pointer_scaled (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 1000, 750, TRUE);
  window_fixture_resize (&test, 640, 480);
  spice_fixture_clear (test.server);
  window_fixture_move_to (&test, 639, 479);
  spice_fixture_expect_pointer (test.server, "@999,749");
  window_fixture_move_to (&test, 0, 0);
  spice_fixture_expect_pointer (test.server, "@0,0");
  window_fixture_move_to (&test, 320, 0);
  spice_fixture_expect_pointer (test.server, "@500,0");
  window_fixture_tear_down (&test);
}

static gboolean
has_moved (gpointer data)
{
  int dx, dy;

  spice_fixture_get_motion (((WindowFixture *) data)->server, &dx, &dy);
  return dx == 2000 && dy == 1400;
}

/* Much further than the screen is wide, and nothing of it lost. */
static void
test_relative (void)
{
  WindowFixture test;
  int dx, dy;

  window_fixture_set_up (&test, 640, 480, FALSE);
  window_fixture_move_to (&test, 200, 200);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");
  /* The click that gives the guest the pointer is not the guest's. */
  test_xdotool ("click 1");
  window_fixture_expect_grabbed (&test, TRUE);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");

  for (int i = 0; i < 10; i++)
    test_xdotool ("mousemove_relative 10 7 mousemove_relative 90 63 mousemove_relative 100 70");
  spice_fixture_wait (has_moved, &test);
  spice_fixture_get_motion (test.server, &dx, &dy);
  g_assert_cmpint (dx, ==, 2000);
  g_assert_cmpint (dy, ==, 1400);
  spice_fixture_clear (test.server);
  test_xdotool ("click 3");
  spice_fixture_expect_pointer (test.server, "=2 =0");

  /* Given back, the guest gets no more of it. */
  test_xdotool ("key ctrl+alt");
  window_fixture_expect_grabbed (&test, FALSE);
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  test_xdotool ("mousemove_relative 5 5");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");
  window_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  WINDOW_FIXTURE_ADD ("/sdl-window-input/keys", test_keys);
  WINDOW_FIXTURE_ADD ("/sdl-window-input/leaving", test_leaving);
  WINDOW_FIXTURE_ADD ("/sdl-window-input/leaving-held", test_leaving_held);
  WINDOW_FIXTURE_ADD ("/sdl-window-input/focus-loss", test_focus_loss);
  WINDOW_FIXTURE_ADD ("/sdl-window-input/grab", test_grab);
  WINDOW_FIXTURE_ADD ("/sdl-window-input/pointer", test_pointer);
  WINDOW_FIXTURE_ADD ("/sdl-window-input/wheel", test_wheel);
  WINDOW_FIXTURE_ADD ("/sdl-window-input/smooth", test_smooth);
  WINDOW_FIXTURE_ADD ("/sdl-window-input/pointer-scaled", test_pointer_scaled);
  WINDOW_FIXTURE_ADD ("/sdl-window-input/relative", test_relative);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer's window: what an X server shows of a guest's picture, of its cursor, and of words. */
#include "window-fixture.h"

#include <SDL_syswm.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- picture */

static void
test_picture (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 640, 480, TRUE);
  spice_fixture_fill (test.server, 0, 0, 640, 480, 0x336699);
  window_fixture_expect_pixel (&test, 0, 0, 0x336699);
  window_fixture_expect_pixel (&test, 639, 479, 0x336699);
  /* A small change is where it is, and nowhere else. */
  spice_fixture_fill (test.server, 100, 200, 3, 2, 0xff8000);
  window_fixture_expect_pixel (&test, 100, 200, 0xff8000);
  window_fixture_expect_pixel (&test, 102, 201, 0xff8000);
  window_fixture_expect_pixel (&test, 99, 200, 0x336699);
  window_fixture_expect_pixel (&test, 103, 201, 0x336699);
  window_fixture_expect_pixel (&test, 102, 202, 0x336699);
  /* More changes than are uploaded one by one. */
  for (int i = 0; i < 50; i++)
    spice_fixture_fill (test.server, i * 4, i * 4, 2, 2, 0x00ff00);
  for (int i = 0; i < 50; i++) {
    window_fixture_expect_pixel (&test, i * 4, i * 4, 0x00ff00);
    window_fixture_expect_pixel (&test, i * 4 + 2, i * 4 + 2, 0x336699);
  }
  window_fixture_tear_down (&test);
}

/* The window follows the guest until its user has made it another size. */
static void
test_size (void)
{
  WindowFixture test;
  int width, height;

  window_fixture_set_up (&test, 640, 480, TRUE);
  spice_fixture_set_agent (test.server, TRUE);
  spice_fixture_settle ();
  spice_fixture_resize (test.server, 800, 600);
  window_fixture_expect_size (&test, 800, 600);
  spice_fixture_settle ();
  g_usleep (200 * G_TIME_SPAN_MILLISECOND);
  spice_fixture_settle ();
  g_assert_cmpuint (spice_fixture_get_asked_size (test.server, &width, &height), ==, 0);

  window_fixture_resize (&test, 700, 500);
  g_usleep (200 * G_TIME_SPAN_MILLISECOND);
  spice_fixture_settle ();
  g_assert_cmpuint (spice_fixture_get_asked_size (test.server, &width, &height), ==, 1);
  g_assert_cmpint (width, ==, 700);
  g_assert_cmpint (height, ==, 500);
  spice_fixture_resize (test.server, 640, 480);
  spice_fixture_settle ();
  SDL_GetWindowSize (lodge_sdl_window_get_window (test.window), &width, &height);
  g_assert_cmpint (width, ==, 700);
  window_fixture_tear_down (&test);
}

/* Twice as large is each pixel four times, and not a mixture. */
static void
test_scaled (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 320, 240, TRUE);
  spice_fixture_fill (test.server, 0, 0, 320, 240, 0x000000);
  spice_fixture_fill (test.server, 10, 10, 1, 1, 0xffffff);
  window_fixture_resize (&test, 640, 480);
  window_fixture_expect_pixel (&test, 20, 20, 0xffffff);
  window_fixture_expect_pixel (&test, 21, 21, 0xffffff);
  window_fixture_expect_pixel (&test, 19, 20, 0x000000);
  window_fixture_expect_pixel (&test, 22, 21, 0x000000);

  /* Its sides stay in proportion: what is left is black. */
  spice_fixture_fill (test.server, 0, 0, 320, 240, 0x336699);
  window_fixture_resize (&test, 840, 480);
  window_fixture_expect_pixel (&test, 99, 240, 0x000000);
  window_fixture_expect_pixel (&test, 100, 240, 0x336699);
  window_fixture_expect_pixel (&test, 739, 240, 0x336699);
  window_fixture_expect_pixel (&test, 740, 240, 0x000000);

  /* Smaller than it is, all of it is there. */
  window_fixture_resize (&test, 160, 120);
  window_fixture_expect_pixel (&test, 0, 0, 0x336699);
  window_fixture_expect_pixel (&test, 159, 119, 0x336699);
  window_fixture_tear_down (&test);
}

/* ---- cursor */

static void
test_cursor (void)
{
  guint32 shape[8 * 4];
  WindowFixture test;

  window_fixture_set_up (&test, 320, 240, TRUE);
  window_fixture_move_to (&test, 100, 100);
  for (guint i = 0; i < G_N_ELEMENTS (shape); i++)
    shape[i] = 0xff804020;
  spice_fixture_set_cursor (test.server, 8, 4, 3, 2, shape);
  window_fixture_expect_cursor (&test, 8, 4, 3, 2, 0xff804020);
  /* With the picture it is larger, and its tip with it. */
  window_fixture_resize (&test, 640, 480);
  window_fixture_expect_cursor (&test, 16, 8, 6, 4, 0xff804020);
  /* A tip outside is moved in. */
  spice_fixture_set_cursor (test.server, 8, 4, 8, 4, shape);
  window_fixture_expect_cursor (&test, 16, 8, 14, 6, 0xff804020);
  spice_fixture_hide_cursor (test.server);
  window_fixture_expect_cursor (&test, 1, 1, 0, 0, 0x00000000);
  window_fixture_tear_down (&test);
}

/* A guest with a mouse moves its own pointer, and it is seen while it has the host's. */
static void
test_cursor_in_picture (void)
{
  guint32 shape[4 * 4];
  WindowFixture test;

  window_fixture_set_up (&test, 320, 240, FALSE);
  spice_fixture_fill (test.server, 0, 0, 320, 240, 0x336699);
  for (guint i = 0; i < G_N_ELEMENTS (shape); i++)
    shape[i] = 0xffff0000;
  spice_fixture_set_cursor (test.server, 4, 4, 1, 1, shape);
  spice_fixture_move_cursor (test.server, 50, 60);
  window_fixture_expect_pixel (&test, 51, 61, 0x336699);
  window_fixture_move_to (&test, 100, 100);
  test_xdotool ("click 1");
  window_fixture_expect_grabbed (&test, TRUE);
  window_fixture_expect_pixel (&test, 49, 59, 0xff0000);
  window_fixture_expect_pixel (&test, 52, 62, 0xff0000);
  window_fixture_expect_pixel (&test, 48, 59, 0x336699);
  spice_fixture_move_cursor (test.server, 150, 160);
  window_fixture_expect_pixel (&test, 150, 160, 0xff0000);
  window_fixture_expect_pixel (&test, 50, 60, 0x336699);
  window_fixture_tear_down (&test);
}

/* ---- words */

static guint
count_colours (WindowFixture *test, int width, int height)
{
  g_autoptr (GHashTable) colours = g_hash_table_new (NULL, NULL);

  for (int y = 0; y < height; y += 2) {
    for (int x = 0; x < width; x += 2)
      g_hash_table_add (colours, GUINT_TO_POINTER (window_fixture_get_pixel (test, x, y)));
  }
  return g_hash_table_size (colours);
}

/* Where the picture was there are words, drawn anew for each size; and markup in them is none. */
static void
test_words (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 320, 240, TRUE);
  spice_fixture_fill (test.server, 0, 0, 320, 240, 0x336699);
  window_fixture_expect_pixel (&test, 2, 2, 0x336699);
  lodge_sdl_window_set_words (test.window, "<b>The & End", "It has gone \xff.");
  lodge_sdl_window_set_session (test.window, NULL, 0);
  window_fixture_expect_pixel (&test, 2, 2, 0x242424);
  /* Grey, white, and what lies between. */
  g_assert_cmpuint (count_colours (&test, 320, 240), >, 4);
  lodge_sdl_window_set_words (test.window, "", NULL);
  spice_fixture_settle ();
  g_usleep (50 * G_TIME_SPAN_MILLISECOND);
  spice_fixture_settle ();
  g_assert_cmpuint (count_colours (&test, 320, 240), ==, 1);

  lodge_sdl_window_set_session (test.window, test.session, 0);
  window_fixture_expect_pixel (&test, 2, 2, 0x336699);
  window_fixture_tear_down (&test);
}

static gboolean
is_answered (gpointer server)
{
  return spice_fixture_get_n_answered (server) > 0;
}

/* A picture in a graphics card's memory is not shown here: that is said, and the guest goes on. */
static void
test_scanout (void)
{
  const int memory = memfd_create ("scanout", MFD_CLOEXEC);
  WindowFixture test;

  window_fixture_set_up (&test, 320, 240, TRUE);
  g_assert_cmpint (ftruncate (memory, 320 * 240 * 4), ==, 0);
  spice_fixture_fill (test.server, 0, 0, 320, 240, 0x336699);
  window_fixture_expect_pixel (&test, 2, 2, 0x336699);
  spice_fixture_set_scanout (test.server, memory, 320, 240, 320 * 4, 0x34325258, FALSE);
  window_fixture_expect_pixel (&test, 2, 2, 0x242424);
  g_assert_cmpuint (count_colours (&test, 320, 240), >, 4);
  spice_fixture_draw_scanout (test.server, 0, 0, 320, 240);
  g_assert_true (spice_fixture_wait (is_answered, test.server));

  spice_fixture_resize (test.server, 320, 240);
  spice_fixture_fill (test.server, 0, 0, 320, 240, 0x993366);
  window_fixture_expect_pixel (&test, 2, 2, 0x993366);
  window_fixture_tear_down (&test);
  close (memory);
}

/* The line at the foot is over the picture, and goes. */
static void
test_notice (void)
{
  WindowFixture test;

  window_fixture_set_up (&test, 640, 480, TRUE);
  spice_fixture_fill (test.server, 0, 0, 640, 480, 0xffffff);
  window_fixture_expect_pixel (&test, 2, 477, 0xffffff);
  lodge_sdl_window_set_notice (test.window, "The guest hears the microphone.");
  window_fixture_expect_pixel (&test, 2, 2, 0xffffff);
  window_fixture_expect_pixel (&test, 2, 477, 0x373737);
  lodge_sdl_window_set_notice (test.window, NULL);
  window_fixture_expect_pixel (&test, 2, 477, 0xffffff);
  window_fixture_tear_down (&test);
}

/* ---- one of several monitors */

static void
test_monitor (void)
{
  const int both[] = {0, 0, 320, 240, 320, 0, 320, 240};
  const int one[] = {0, 0, 640, 240};
  WindowFixture test;

  window_fixture_set_up (&test, 640, 240, TRUE);
  spice_fixture_set_monitors (test.server, 2, both);
  spice_fixture_fill (test.server, 0, 0, 320, 240, 0x336699);
  spice_fixture_fill (test.server, 320, 0, 320, 240, 0x993366);
  window_fixture_expect_pixel (&test, 0, 0, 0x336699);
  window_fixture_expect_pixel (&test, 319, 239, 0x336699);

  /* The other one, in the same window. */
  lodge_sdl_window_set_session (test.window, NULL, 0);
  lodge_sdl_window_set_session (test.window, test.session, 1);
  window_fixture_expect_pixel (&test, 0, 0, 0x993366);
  window_fixture_expect_pixel (&test, 319, 239, 0x993366);
  /* The tablet lies over both. */
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  window_fixture_move_to (&test, 10, 20);
  spice_fixture_expect_pointer (test.server, "@330,20");

  /* One that is switched off has no picture. */
  lodge_sdl_window_set_words (test.window, "Off", NULL);
  spice_fixture_set_monitors (test.server, 1, one);
  window_fixture_expect_pixel (&test, 2, 2, 0x242424);
  window_fixture_tear_down (&test);
}

typedef struct {
  int width;
  int height;
  guint n;
} Wanted;

static void
wanted_cb (Wanted *wanted, int width, int height)
{
  wanted->width = width;
  wanted->height = height;
  wanted->n++;
}

static gboolean
is_wanted (gpointer wanted)
{
  return ((Wanted *) wanted)->n > 0;
}

static gboolean
is_asked_for_two (gpointer server)
{
  return spice_fixture_get_asked_monitors (server) == 2;
}

static gboolean
is_asked_for_one (gpointer server)
{
  return spice_fixture_get_asked_monitors (server) == 1;
}

static gboolean
is_disconnected (gpointer session)
{
  gboolean connected;

  g_object_get (session, "connected", &connected, NULL);
  return !connected;
}

static gboolean
is_settled (gpointer session)
{
  gboolean settled;

  g_object_get (session, "settled", &settled, NULL);
  return settled;
}

/* A monitor that is off is switched on when it is to be shown, once, and off again with the window:
 * by the agent, or where there is none by the card. */
static void
test_monitor_off (void)
{
  const int both[] = {0, 0, 320, 240, 320, 0, 320, 240};
  WindowFixture test;
  Wanted wanted = {0};

  window_fixture_set_up (&test, 640, 240, TRUE);
  g_signal_connect_swapped (test.window, "size-wanted", G_CALLBACK (wanted_cb), &wanted);
  lodge_sdl_window_set_session (test.window, NULL, 0);
  lodge_sdl_window_set_session (test.window, test.session, 1);
  g_assert_true (spice_fixture_wait (is_wanted, &wanted));
  g_assert_cmpint (wanted.width, ==, 640);
  g_assert_cmpint (wanted.height, ==, 240);
  spice_fixture_set_monitors (test.server, 2, both);
  spice_fixture_fill (test.server, 320, 0, 320, 240, 0x993366);
  window_fixture_expect_size (&test, 320, 240);
  window_fixture_expect_pixel (&test, 319, 239, 0x993366);
  spice_fixture_run_for (300);
  g_assert_cmpuint (wanted.n, ==, 1);
  /* From now on the guest follows the window. */
  wanted.n = 0;
  window_fixture_resize (&test, 700, 500);
  g_assert_true (spice_fixture_wait (is_wanted, &wanted));
  g_assert_cmpint (wanted.width, ==, 700);
  g_assert_cmpint (wanted.height, ==, 500);
  wanted.n = 0;
  lodge_sdl_window_set_session (test.window, NULL, 0);
  g_assert_cmpuint (wanted.n, ==, 1);
  g_assert_cmpint (wanted.width, ==, 0);
  g_assert_cmpint (wanted.height, ==, 0);
  window_fixture_tear_down (&test);
}

static void
test_monitor_off_agent (void)
{
  WindowFixture test;
  Wanted wanted = {0};

  window_fixture_set_up (&test, 640, 240, TRUE);
  g_signal_connect_swapped (test.window, "size-wanted", G_CALLBACK (wanted_cb), &wanted);
  spice_fixture_set_agent (test.server, TRUE);
  lodge_sdl_window_set_session (test.window, NULL, 0);
  spice_fixture_settle ();
  lodge_sdl_window_set_session (test.window, test.session, 1);
  g_assert_true (spice_fixture_wait (is_asked_for_two, test.server));
  lodge_sdl_window_set_session (test.window, NULL, 0);
  g_assert_true (spice_fixture_wait (is_asked_for_one, test.server));
  g_assert_cmpuint (wanted.n, ==, 0);
  window_fixture_tear_down (&test);
}

/* The connection breaks, and there is another one. */
static void
reconnect (WindowFixture *test, guint monitor)
{
  spice_fixture_cut (test->server);
  g_assert_true (spice_fixture_wait (is_disconnected, test->session));
  lodge_sdl_window_set_session (test->window, NULL, 0);
  g_object_unref (test->session);
  spice_fixture_settle ();
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  lodge_console_session_open (test->session);
  lodge_sdl_window_set_session (test->window, test->session, monitor);
}

/* What was switched on before the connection broke goes off with the window all the same. */
static void
test_monitor_off_later (void)
{
  const int both[] = {0, 0, 320, 240, 320, 0, 320, 240};
  WindowFixture test;
  Wanted wanted = {0};

  window_fixture_set_up (&test, 640, 240, TRUE);
  g_signal_connect_swapped (test.window, "size-wanted", G_CALLBACK (wanted_cb), &wanted);
  lodge_sdl_window_set_session (test.window, NULL, 0);
  lodge_sdl_window_set_session (test.window, test.session, 1);
  g_assert_true (spice_fixture_wait (is_wanted, &wanted));
  spice_fixture_set_monitors (test.server, 2, both);
  window_fixture_expect_size (&test, 320, 240);
  wanted.n = 0;
  reconnect (&test, 1);
  /* It is as large as it was. */
  g_assert_true (spice_fixture_wait (is_wanted, &wanted));
  g_assert_cmpint (wanted.width, ==, 320);
  g_assert_cmpint (wanted.height, ==, 240);
  wanted.n = 0;
  lodge_sdl_window_set_session (test.window, NULL, 0);
  g_assert_cmpuint (wanted.n, ==, 1);
  g_assert_cmpint (wanted.width, ==, 0);
  g_assert_cmpint (wanted.height, ==, 0);
  /* Once. */
  lodge_sdl_window_end (test.window);
  g_assert_cmpuint (wanted.n, ==, 1);
  window_fixture_tear_down (&test);
}

static void
test_monitor_off_later_agent (void)
{
  const int both[] = {0, 0, 320, 240, 320, 0, 320, 240};
  WindowFixture test;

  window_fixture_set_up (&test, 640, 240, TRUE);
  spice_fixture_set_agent (test.server, TRUE);
  lodge_sdl_window_set_session (test.window, NULL, 0);
  spice_fixture_settle ();
  lodge_sdl_window_set_session (test.window, test.session, 1);
  g_assert_true (spice_fixture_wait (is_asked_for_two, test.server));
  spice_fixture_set_monitors (test.server, 2, both);
  window_fixture_expect_size (&test, 320, 240);
  reconnect (&test, 1);
  g_assert_true (spice_fixture_wait (is_settled, test.session));
  spice_fixture_run_for (300);
  lodge_sdl_window_set_session (test.window, NULL, 0);
  g_assert_true (spice_fixture_wait (is_asked_for_one, test.server));
  window_fixture_tear_down (&test);
}

/* The window goes while there is no connection: the card can be told without one. A guest that has
 * ended meanwhile has nothing that is on. */
static void
test_monitor_off_without (void)
{
  WindowFixture test;
  Wanted wanted = {0};

  window_fixture_set_up (&test, 640, 240, TRUE);
  g_signal_connect_swapped (test.window, "size-wanted", G_CALLBACK (wanted_cb), &wanted);
  for (guint i = 0; i < 2; i++) {
    wanted.n = 0;
    lodge_sdl_window_set_session (test.window, NULL, 0);
    lodge_sdl_window_set_session (test.window, test.session, 1);
    g_assert_true (spice_fixture_wait (is_wanted, &wanted));
    spice_fixture_cut (test.server);
    g_assert_true (spice_fixture_wait (is_disconnected, test.session));
    lodge_sdl_window_set_session (test.window, NULL, 0);
    g_assert_cmpuint (wanted.n, ==, 1);
    if (i == 0)
      lodge_sdl_window_forget_switched_on (test.window);
    lodge_sdl_window_end (test.window);
    g_assert_cmpuint (wanted.n, ==, i == 0 ? 1 : 2);
    if (i == 0)
      reconnect (&test, 0);
  }
  g_assert_cmpint (wanted.width, ==, 0);
  g_assert_cmpint (wanted.height, ==, 0);
  window_fixture_tear_down (&test);
}

/* One that is on keeps its size, and stays on. */
static void
test_monitor_on (void)
{
  const int both[] = {0, 0, 320, 240, 320, 0, 320, 240};
  WindowFixture test;
  Wanted wanted = {0};

  window_fixture_set_up (&test, 640, 240, TRUE);
  g_signal_connect_swapped (test.window, "size-wanted", G_CALLBACK (wanted_cb), &wanted);
  spice_fixture_set_monitors (test.server, 2, both);
  spice_fixture_settle ();
  lodge_sdl_window_set_session (test.window, NULL, 0);
  lodge_sdl_window_set_session (test.window, test.session, 1);
  window_fixture_expect_size (&test, 320, 240);
  spice_fixture_run_for (300);
  lodge_sdl_window_set_session (test.window, NULL, 0);
  g_assert_cmpuint (wanted.n, ==, 0);
  window_fixture_tear_down (&test);
}

/* Without an agent a guest follows what its card says. */
static void
test_size_by_card (void)
{
  WindowFixture test;
  Wanted wanted = {0};

  window_fixture_set_up (&test, 640, 480, TRUE);
  g_signal_connect_swapped (test.window, "size-wanted", G_CALLBACK (wanted_cb), &wanted);
  spice_fixture_resize (test.server, 800, 600);
  window_fixture_expect_size (&test, 800, 600);
  spice_fixture_run_for (300);
  g_assert_cmpuint (wanted.n, ==, 0);
  window_fixture_resize (&test, 700, 500);
  g_assert_true (spice_fixture_wait (is_wanted, &wanted));
  g_assert_cmpint (wanted.width, ==, 700);
  g_assert_cmpint (wanted.height, ==, 500);
  /* The first one is not switched off. */
  wanted.n = 0;
  lodge_sdl_window_set_session (test.window, NULL, 0);
  g_assert_cmpuint (wanted.n, ==, 0);
  window_fixture_tear_down (&test);
}

/* A window manager takes a window's frame away while SDL asks where it is. */
static void
test_frame_gone (void)
{
  WindowFixture test;
  SDL_SysWMinfo info;
  Window gone, child;
  int x, y;

  window_fixture_set_up (&test, 320, 240, TRUE);
  SDL_VERSION (&info.version);
  g_assert_true (SDL_GetWindowWMInfo (lodge_sdl_window_get_window (test.window), &info) ==
                 SDL_TRUE);
  gone = XCreateSimpleWindow (test.display, DefaultRootWindow (test.display), 0, 0, 8, 8, 0, 0, 0);
  XDestroyWindow (test.display, gone);
  XSync (test.display, False);
  g_assert_false (XTranslateCoordinates (info.info.x11.display, gone,
                                         DefaultRootWindow (info.info.x11.display), 0, 0, &x, &y,
                                         &child));
  spice_fixture_fill (test.server, 0, 0, 320, 240, 0x336699);
  window_fixture_expect_pixel (&test, 100, 100, 0x336699);
  window_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  WINDOW_FIXTURE_ADD ("/sdl-window/picture", test_picture);
  WINDOW_FIXTURE_ADD ("/sdl-window/size", test_size);
  WINDOW_FIXTURE_ADD ("/sdl-window/scaled", test_scaled);
  WINDOW_FIXTURE_ADD ("/sdl-window/cursor", test_cursor);
  WINDOW_FIXTURE_ADD ("/sdl-window/cursor-in-picture", test_cursor_in_picture);
  WINDOW_FIXTURE_ADD ("/sdl-window/words", test_words);
  WINDOW_FIXTURE_ADD ("/sdl-window/scanout", test_scanout);
  WINDOW_FIXTURE_ADD ("/sdl-window/notice", test_notice);
  WINDOW_FIXTURE_ADD ("/sdl-window/monitor", test_monitor);
  WINDOW_FIXTURE_ADD ("/sdl-window/monitor-off", test_monitor_off);
  WINDOW_FIXTURE_ADD ("/sdl-window/monitor-off-agent", test_monitor_off_agent);
  WINDOW_FIXTURE_ADD ("/sdl-window/monitor-off-later", test_monitor_off_later);
  WINDOW_FIXTURE_ADD ("/sdl-window/monitor-off-later-agent", test_monitor_off_later_agent);
  WINDOW_FIXTURE_ADD ("/sdl-window/monitor-off-without", test_monitor_off_without);
  WINDOW_FIXTURE_ADD ("/sdl-window/monitor-on", test_monitor_on);
  WINDOW_FIXTURE_ADD ("/sdl-window/size-by-card", test_size_by_card);
  WINDOW_FIXTURE_ADD ("/sdl-window/frame-gone", test_frame_gone);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-screen SOCKET: a guest's screen of 1920x1080 behind a SPICE server, and the eye and the
 * hand of its user on the X server in DISPLAY. Reads commands from its standard input, a line each,
 * and answers each with one line:
 *
 *   find            where the guest's screen is on the display: "X Y WIDTH HEIGHT", or "none"
 *   draw KIND N MS  draws N frames, one every MS ms, small (200x100) or full: the microseconds from
 *                   the first draw until the last frame is seen
 *   send KIND N MS  the same for a client that shows nothing: until the last one was drawn
 *   look N          N times: the microseconds from a small draw until its middle has that colour
 *   type N          N times: the microseconds from a key press until the server has it
 *   seen            the microseconds until the guest's screen is somewhere on the display
 *   again           ends the client's connections, and draws what nobody can have seen yet: the
 *                   microseconds until it is on the display
 */
#include "bench-pixel.h"
#include "spice-fixture.h"

#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <X11/extensions/XTest.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH  1920
#define HEIGHT 1080
/* The middle of what is drawn small. */
#define SMALL_X      860
#define SMALL_Y      490
#define SMALL_WIDTH  200
#define SMALL_HEIGHT 100
/* In no theme. */
#define FIND_COLOUR  0x12f3c7
#define AGAIN_COLOUR 0xc712f3
#define LIMIT_US     (5 * G_TIME_SPAN_SECOND)
#define SEEN_US      (30 * G_TIME_SPAN_SECOND)

typedef struct {
  SpiceFixture *server;
  Display *display;
  int x, y; /* where the guest's first pixel is */
  guint32 *full;
  guint32 colour;
} Bench;

static guint32
next_colour (Bench *bench)
{
  bench->colour = (bench->colour * 1103515245 + 12345) & 0xffffff;
  return bench->colour;
}

/* Serves the client until the pixel has that colour; FALSE when it does not get it. */
static gboolean
wait_for_colour (Bench *bench, int x, int y, guint32 colour)
{
  const gint64 end = g_get_monotonic_time () + LIMIT_US;

  while (bench_pixel_look (bench->display, bench->x + x, bench->y + y) != colour) {
    if (g_get_monotonic_time () > end)
      return FALSE;
    while (g_main_context_iteration (NULL, FALSE))
      ;
    g_usleep (200);
  }
  return TRUE;
}

static void
draw (Bench *bench, gboolean full, guint32 colour)
{
  const int n = full ? WIDTH * HEIGHT : SMALL_WIDTH * SMALL_HEIGHT;

  for (int i = 0; i < n; i++)
    bench->full[i] = colour;
  if (full)
    spice_fixture_draw (bench->server, 0, 0, WIDTH, HEIGHT, bench->full);
  else
    spice_fixture_draw (bench->server, SMALL_X, SMALL_Y, SMALL_WIDTH, SMALL_HEIGHT, bench->full);
}

static void
find (Bench *bench)
{
  const int width = DisplayWidth (bench->display, 0), height = DisplayHeight (bench->display, 0);
  int left = width, top = height, right = -1, bottom = -1;
  XImage *image;

  draw (bench, TRUE, FIND_COLOUR);
  spice_fixture_run_for (500);
  image = XGetImage (bench->display, DefaultRootWindow (bench->display), 0, 0, width, height,
                     AllPlanes, ZPixmap);
  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++) {
      if ((XGetPixel (image, x, y) & 0xffffff) != FIND_COLOUR)
        continue;
      left = MIN (left, x);
      top = MIN (top, y);
      right = MAX (right, x);
      bottom = MAX (bottom, y);
    }
  }
  XDestroyImage (image);
  if (right < 0) {
    puts ("none");
    return;
  }
  bench->x = left;
  bench->y = top;
  printf ("%d %d %d %d\n", left, top, right - left + 1, bottom - top + 1);
}

static void
draw_many (Bench *bench, gboolean full, int n, int pause_ms, gboolean seen)
{
  const gint64 began = g_get_monotonic_time ();

  for (int i = 0; i < n; i++) {
    draw (bench, full, next_colour (bench));
    spice_fixture_run_for (pause_ms);
  }
  if (!seen ||
      wait_for_colour (bench, SMALL_X + SMALL_WIDTH / 2, SMALL_Y + SMALL_HEIGHT / 2, bench->colour))
    printf ("%" G_GINT64_FORMAT "\n", g_get_monotonic_time () - began);
  else
    puts ("none");
}

static void
look (Bench *bench, int n)
{
  for (int i = 0; i < n; i++) {
    const guint32 colour = next_colour (bench);
    const gint64 began = g_get_monotonic_time ();

    draw (bench, FALSE, colour);
    if (!wait_for_colour (bench, SMALL_X + SMALL_WIDTH / 2, SMALL_Y + SMALL_HEIGHT / 2, colour)) {
      puts (" none");
      return;
    }
    printf ("%" G_GINT64_FORMAT " ", g_get_monotonic_time () - began);
    /* Not in step with anything. */
    spice_fixture_run_for (60 + i * 7 % 40);
  }
  putchar ('\n');
}

static void
type (Bench *bench, int n)
{
  const KeyCode code = XKeysymToKeycode (bench->display, XK_a);

  for (int i = 0; i < n; i++) {
    gint64 began, took;

    spice_fixture_clear (bench->server);
    began = g_get_monotonic_time ();
    XTestFakeKeyEvent (bench->display, code, True, CurrentTime);
    XFlush (bench->display);
    while (*spice_fixture_get_scancodes (bench->server) == '\0' &&
           g_get_monotonic_time () - began < LIMIT_US) {
      if (!g_main_context_iteration (NULL, FALSE))
        g_usleep (100);
    }
    took = g_get_monotonic_time () - began;
    XTestFakeKeyEvent (bench->display, code, False, CurrentTime);
    XFlush (bench->display);
    if (took >= LIMIT_US) {
      puts (" none");
      return;
    }
    printf ("%" G_GINT64_FORMAT " ", took);
    spice_fixture_run_for (60 + i * 7 % 40);
  }
  putchar ('\n');
}

/* Wherever a window is that shows the guest's screen, it crosses the display's middle. */
static gboolean
is_seen (Bench *bench, guint32 colour)
{
  const int width = DisplayWidth (bench->display, 0);
  XImage *image = XGetImage (bench->display, DefaultRootWindow (bench->display), 0,
                             DisplayHeight (bench->display, 0) / 2, width, 1, AllPlanes, ZPixmap);
  gboolean found = FALSE;

  for (int x = 0; x < width && !found; x++)
    found = (XGetPixel (image, x, 0) & 0xffffff) == colour;
  XDestroyImage (image);
  return found;
}

static void
wait_seen (Bench *bench, guint32 colour)
{
  const gint64 began = g_get_monotonic_time ();

  draw (bench, TRUE, colour);
  while (!is_seen (bench, colour)) {
    if (g_get_monotonic_time () - began > SEEN_US) {
      puts ("none");
      return;
    }
    while (g_main_context_iteration (NULL, FALSE))
      ;
    g_usleep (1000);
  }
  printf ("%" G_GINT64_FORMAT "\n", g_get_monotonic_time () - began);
}

static void
again (Bench *bench)
{
  /* What the client has now must not be what it is looked for. */
  draw (bench, TRUE, FIND_COLOUR);
  spice_fixture_run_for (200);
  spice_fixture_cut (bench->server);
  wait_seen (bench, AGAIN_COLOUR);
}

static void
obey (Bench *bench, const char *line)
{
  char kind[8];
  int n, ms;

  if (g_str_has_prefix (line, "find"))
    find (bench);
  else if (sscanf (line, "draw %7s %d %d", kind, &n, &ms) == 3)
    draw_many (bench, g_str_equal (kind, "full"), n, ms, TRUE);
  else if (sscanf (line, "send %7s %d %d", kind, &n, &ms) == 3)
    draw_many (bench, g_str_equal (kind, "full"), n, ms, FALSE);
  else if (sscanf (line, "look %d", &n) == 1)
    look (bench, n);
  else if (sscanf (line, "type %d", &n) == 1)
    type (bench, n);
  else if (g_str_has_prefix (line, "seen"))
    wait_seen (bench, FIND_COLOUR);
  else if (g_str_has_prefix (line, "again"))
    again (bench);
  else
    puts ("what?");
  fflush (stdout);
}

static gboolean
line_cb (GIOChannel *channel, GIOCondition condition, gpointer data)
{
  g_autofree char *line = NULL;

  if (g_io_channel_read_line (channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL)
    exit (0);
  obey (data, line);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  Bench bench = {.colour = 1};

  if (argc != 2 || (bench.display = XOpenDisplay (NULL)) == NULL) {
    fprintf (stderr, "bench-screen SOCKET, with an X server\n");
    return 2;
  }
  /* spice-server writes to clients that have just gone, and leaves that signal to its program. */
  signal (SIGPIPE, SIG_IGN);
  bench.full = g_new (guint32, WIDTH * HEIGHT);
  bench.server = spice_fixture_new_at (argv[1], WIDTH, HEIGHT);
  g_io_add_watch (g_io_channel_unix_new (STDIN_FILENO), G_IO_IN | G_IO_HUP, line_cb, &bench);
  puts ("ready");
  fflush (stdout);
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}

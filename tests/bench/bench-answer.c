/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-answer X Y N: presses a key N times on the X server in DISPLAY, and prints after each how
 * many microseconds it took until that pixel was of another colour: a guest has had the key, has
 * drawn something, and a viewer has shown it. */
#include "bench-pixel.h"

#include <X11/extensions/XTest.h>
#include <X11/keysym.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT_US (5 * G_TIME_SPAN_SECOND)

static void
press (Display *display, gboolean down)
{
  XTestFakeKeyEvent (display, XKeysymToKeycode (display, XK_a), down, CurrentTime);
  XFlush (display);
}

int
main (int argc, char **argv)
{
  Display *display = XOpenDisplay (NULL);

  if (argc != 4 || display == NULL) {
    fprintf (stderr, "bench-answer X Y N, with an X server\n");
    return 2;
  }
  const int x = atoi (argv[1]), y = atoi (argv[2]);
  for (int i = 0; i < atoi (argv[3]); i++) {
    const guint32 before = bench_pixel_look (display, x, y);
    gboolean answered;
    gint64 began, took;

    /* In step neither with QEMU's looks at the guest's screen nor with the answer before. */
    g_usleep ((gulong) g_random_int_range (200000, 320000));
    began = g_get_monotonic_time ();
    press (display, TRUE);
    do {
      g_usleep (200);
      answered = bench_pixel_look (display, x, y) != before;
      took = g_get_monotonic_time () - began;
    } while (!answered && took < LIMIT_US);
    press (display, FALSE);
    if (!answered) {
      fprintf (stderr, "the guest's answer is not on the display\n");
      return 1;
    }
    printf ("%" G_GINT64_FORMAT " ", took);
  }
  putchar ('\n');
  return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-answer X Y N: presses a key N times on the X server in DISPLAY, and prints after each how
 * many microseconds it took until that pixel was of another colour: a guest has had the key, has
 * drawn something, and a viewer has shown it. */
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <X11/extensions/XTest.h>
#include <X11/keysym.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT_US (5 * G_TIME_SPAN_SECOND)

static unsigned long
look_at (Display *display, int x, int y)
{
  XImage *image = XGetImage (display, DefaultRootWindow (display), x, y, 1, 1, AllPlanes, ZPixmap);
  const unsigned long colour = XGetPixel (image, 0, 0) & 0xffffff;

  XDestroyImage (image);
  return colour;
}

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
    const unsigned long before = look_at (display, x, y);
    const gint64 began = g_get_monotonic_time ();
    gint64 took = 0;

    press (display, TRUE);
    while (look_at (display, x, y) == before && took < LIMIT_US) {
      g_usleep (200);
      took = g_get_monotonic_time () - began;
    }
    press (display, FALSE);
    if (took >= LIMIT_US) {
      fprintf (stderr, "the guest's answer is not on the display\n");
      return 1;
    }
    printf ("%" G_GINT64_FORMAT " ", took);
    /* Not in step with anything. */
    g_usleep ((gulong) (200 + i * 7 % 40) * 1000);
  }
  putchar ('\n');
  return 0;
}

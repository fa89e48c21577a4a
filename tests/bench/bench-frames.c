/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-frames SPICE FRAMES SECONDS: how many different pictures of a guest reach a console, each
 * of which a window could draw; how many the guest drew; and the processor's time that it took in
 * this process, in microseconds. FRAMES: the machine's socket for those from QEMU's memory, or ""
 * for SPICE's.
 *
 * The guest paints each frame in a colour of its own, its number (bench-guest.c). */
#include "console/lodge-console-session.h"
#include "console/lodge-frame-chooser.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define LIMIT_S 20

typedef struct {
  LodgeConsoleSession *session;
  LodgeFrameSource *source;
  gboolean mapped; /* what it is to be */
  gboolean late;
  guint32 colour;
  guint n_pictures;
} Bench;

/* In the middle: a picture that comes in parts has it in one of them. */
static void
look (Bench *bench)
{
  LodgeFrame frame;
  guint32 colour;

  lodge_frame_source_get_frame (bench->source, &frame);
  if (frame.data == NULL)
    return;
  colour =
      ((const guint32 *) (frame.data + (gsize) frame.height / 2 * frame.stride))[frame.width / 2];
  colour &= 0xffffff;
  if (colour != bench->colour)
    bench->n_pictures++;
  bench->colour = colour;
}

static void
damage_cb (LodgeFrameSource *source, int x, int y, int width, int height, Bench *bench)
{
  look (bench);
}

static gboolean
stop_cb (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static gint64
get_busy_us (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC + usage.ru_utime.tv_usec +
         usage.ru_stime.tv_usec;
}

/* Its first pictures come from wherever; counted are those of the one that is wanted. */
static gboolean
is_ready (Bench *bench)
{
  return bench->n_pictures > 3 &&
         lodge_frame_chooser_is_mapped (LODGE_FRAME_CHOOSER (bench->source)) == bench->mapped;
}

int
main (int argc, char **argv)
{
  Bench bench = {0};
  gboolean over = FALSE;
  gint64 busy_us;
  guint32 first;

  if (argc != 4)
    return 2;
  bench.mapped = *argv[2] != '\0';
  bench.session = lodge_console_session_new (argv[1]);
  bench.source = lodge_console_session_get_source (bench.session);
  g_signal_connect (bench.source, "damage", G_CALLBACK (damage_cb), &bench);
  lodge_console_session_set_frames (bench.session, argv[2]);
  lodge_console_session_show_monitor (bench.session, 0, TRUE);
  lodge_console_session_open (bench.session);

  g_timeout_add_seconds (LIMIT_S, stop_cb, &bench.late);
  while (!is_ready (&bench) && !bench.late)
    g_main_context_iteration (NULL, TRUE);
  if (bench.late) {
    fprintf (stderr, "no such pictures came within %d s\n", LIMIT_S);
    return 1;
  }
  bench.n_pictures = 0;
  first = bench.colour;
  busy_us = get_busy_us ();
  g_timeout_add (atoi (argv[3]) * 1000, stop_cb, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  printf ("%u %u %" G_GINT64_FORMAT "\n", bench.n_pictures, (bench.colour - first) & 0xffffff,
          get_busy_us () - busy_us);
  lodge_console_session_close (bench.session);
  return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-listen SOCKET: a SPICE client that receives what there is to see, and shows nothing of it.
 * Prints "ready" when it has the guest's screen, and ends when it is killed. */
#include <spice-client.h>
#include <stdio.h>

/* From the channel's constructor: it is connected when that has returned. */
static gboolean
connect_cb (gpointer channel)
{
  spice_channel_connect (channel);
  return G_SOURCE_REMOVE;
}

static void
screen_cb (void)
{
  puts ("ready");
  fflush (stdout);
}

static void
channel_cb (SpiceSession *session, SpiceChannel *channel, gpointer data)
{
  if (SPICE_IS_DISPLAY_CHANNEL (channel))
    g_signal_connect (channel, "display-primary-create", G_CALLBACK (screen_cb), NULL);
  g_idle_add (connect_cb, channel);
}

int
main (int argc, char **argv)
{
  SpiceSession *session;

  if (argc != 2) {
    fprintf (stderr, "bench-listen SOCKET\n");
    return 2;
  }
  session = spice_session_new ();
  g_object_set (session, "unix-path", argv[1], "enable-audio", FALSE, NULL);
  g_signal_connect (session, "channel-new", G_CALLBACK (channel_cb), NULL);
  if (!spice_session_connect (session))
    return 1;
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}

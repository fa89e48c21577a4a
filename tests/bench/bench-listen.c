/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-listen SOCKET: a SPICE client that receives all there is to see, and shows nothing of it:
 * what is left of a viewer's work when it draws in no time. Ends when it is killed. */
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
channel_cb (SpiceSession *session, SpiceChannel *channel, gpointer data)
{
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

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See lodge-console-ending.h.
 *
 *          no screen is being taken         idle               END_PAUSE_MS
 *   begin ───────────────────────────▶ main channel ends ───────────────────▶ all channels end
 *
 * The server's thread waits for the first message of a display it has just taken, and reads on from
 * a client that it has let go of where that message is followed by the connection's end (its
 * dcc.cpp, display_channel_client_wait_for_init). It says something of its own only after that. So
 * a channel of that thread, which has the displays and cursors, stays until something was heard on
 * it.
 */
#include "console/lodge-console-ending.h"

#include <gio/gio.h>

/* Between the end of the main channel and that of the others. */
#define END_PAUSE_MS 50
/* How often, and how long, a channel that the server has not taken yet is waited for. A server that
 * is silent for so long hangs. */
#define TAKEN_POLL_MS 20
#define TAKEN_LIMIT_S 10

/* What a channel had read when it was opened; a gsize in a pointer. */
#define OPENED_AT "lodge-console-ending-opened-at"

typedef struct {
  SpiceSession *spice;
  GApplication *application; /* held; NULL in a program without one */
  gint64 deadline;           /* monotonic; for what is being taken */
} Ending;

static guint n_endings;

static void
ending_free (gpointer data)
{
  Ending *ending = data;

  g_object_unref (ending->spice);
  if (ending->application != NULL) {
    g_application_release (ending->application);
    g_object_unref (ending->application);
  }
  g_free (ending);
  n_endings--;
}

guint
lodge_console_ending_get_n (void)
{
  return n_endings;
}

/* ---- channels that are being taken */

static gsize
get_bytes_read (SpiceChannel *channel)
{
  gulong bytes = 0;

  g_object_get (channel, "total-read-bytes", &bytes, NULL);
  return bytes;
}

static void
event_cb (SpiceChannel *channel, SpiceChannelEvent event, gpointer user_data)
{
  const gsize opened_at = event == SPICE_CHANNEL_OPENED ? get_bytes_read (channel) : 0;

  g_object_set_data (G_OBJECT (channel), OPENED_AT, GSIZE_TO_POINTER (opened_at));
}

/* Those of the server's other thread. */
static gboolean
is_of_screen (SpiceChannel *channel)
{
  return SPICE_IS_DISPLAY_CHANNEL (channel) || SPICE_IS_CURSOR_CHANNEL (channel);
}

void
lodge_console_ending_watch (SpiceChannel *channel)
{
  if (is_of_screen (channel))
    g_signal_connect (channel, "channel-event", G_CALLBACK (event_cb), NULL);
}

static gboolean
is_being_taken (SpiceChannel *channel)
{
  g_autoptr (GSocket) socket = NULL;

  if (!is_of_screen (channel))
    return FALSE;
  g_object_get (channel, "socket", &socket, NULL);
  if (socket == NULL)
    return FALSE; /* not connected yet, or not any more */

  const gsize opened_at = GPOINTER_TO_SIZE (g_object_get_data (G_OBJECT (channel), OPENED_AT));
  return opened_at == 0 || get_bytes_read (channel) == opened_at;
}

static gboolean
is_to_wait (const Ending *ending)
{
  GList *channels = spice_session_get_channels (ending->spice);
  gboolean any = FALSE;

  for (GList *l = channels; l != NULL && !any; l = l->next)
    any = is_being_taken (l->data);
  g_list_free (channels);
  return any && g_get_monotonic_time () < ending->deadline;
}

/* ---- the end */

/* The library takes the session from its channels when it disconnects, and logs critical errors
 * when one of them is in the middle of a message then, waiting for an idle to emit a signal. So
 * these run when no other idle is left, and let none of them read any more. What was to be sent,
 * the release of keys, has gone out by then. */
static gboolean
end_cb (gpointer user_data)
{
  const Ending *ending = user_data;
  GList *channels;

  /* One may have been connected since. */
  if (is_to_wait (ending))
    return G_SOURCE_CONTINUE;
  channels = spice_session_get_channels (ending->spice);
  for (GList *l = channels; l != NULL; l = l->next)
    spice_channel_disconnect (l->data, SPICE_CHANNEL_NONE);
  g_list_free (channels);
  spice_session_disconnect (ending->spice);
  return G_SOURCE_REMOVE;
}

/* The main channel goes first, so that the server knows that the client has gone before it sees the
 * display's channel end. */
static gboolean
end_main_cb (gpointer user_data)
{
  Ending *ending = user_data;
  GList *channels;

  if (is_to_wait (ending)) {
    g_timeout_add_full (G_PRIORITY_LOW, TAKEN_POLL_MS, end_main_cb, ending, NULL);
    return G_SOURCE_REMOVE;
  }
  channels = spice_session_get_channels (ending->spice);
  for (GList *l = channels; l != NULL; l = l->next) {
    if (SPICE_IS_MAIN_CHANNEL (l->data))
      spice_channel_disconnect (l->data, SPICE_CHANNEL_NONE);
  }
  g_list_free (channels);
  g_timeout_add_full (G_PRIORITY_LOW, END_PAUSE_MS, end_cb, ending, ending_free);
  return G_SOURCE_REMOVE;
}

void
lodge_console_ending_begin (SpiceSession *spice)
{
  Ending *ending = g_new0 (Ending, 1);

  n_endings++;
  ending->spice = spice;
  ending->deadline = g_get_monotonic_time () + TAKEN_LIMIT_S * G_TIME_SPAN_SECOND;
  if (g_application_get_default () != NULL) {
    ending->application = g_object_ref (g_application_get_default ());
    g_application_hold (ending->application);
  }
  g_idle_add_full (G_PRIORITY_LOW, end_main_cb, ending, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console session's sound: between SPICE's two channels and the machine's LodgeSound.
 *
 * The library's own SpiceAudio is not used: it plays through GStreamer, 200 ms late. Neither is its
 * "min-latency", which the server sets for video over a network.
 */
#include "console/lodge-console-session-private.h"

void
lodge_console_session_set_sound (LodgeConsoleSession *self, LodgeSound *sound)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));
  g_return_if_fail (self->spice == NULL);

  g_set_object (&self->sound, sound);
}

/* ---- what both channels have */

static LodgeSoundDirection
get_direction (SpiceChannel *channel)
{
  return SPICE_IS_PLAYBACK_CHANNEL (channel) ? LODGE_SOUND_PLAYBACK : LODGE_SOUND_RECORD;
}

static void
start_cb (SpiceChannel *channel, int format, int n_channels, int rate_hz, LodgeConsoleSession *self)
{
  lodge_sound_start (self->sound, get_direction (channel), format, n_channels, rate_hz);
}

static void
stop_cb (SpiceChannel *channel, LodgeConsoleSession *self)
{
  lodge_sound_stop (self->sound, get_direction (channel));
}

static void
volume_cb (SpiceChannel *channel, GParamSpec *pspec, LodgeConsoleSession *self)
{
  guint16 *volume = NULL;
  guint n_channels = 0;

  g_object_get (channel, "volume", &volume, "nchannels", &n_channels, NULL);
  lodge_sound_set_guest_volume (self->sound, get_direction (channel), volume, n_channels);
}

static void
mute_cb (SpiceChannel *channel, GParamSpec *pspec, LodgeConsoleSession *self)
{
  gboolean mute = FALSE;

  g_object_get (channel, "mute", &mute, NULL);
  lodge_sound_set_guest_mute (self->sound, get_direction (channel), mute);
}

/* Without sound a console is still of use: the session goes on. */
static void
event_cb (SpiceChannel *channel, SpiceChannelEvent event, LodgeConsoleSession *self)
{
  if (event == SPICE_CHANNEL_OPENED || event == SPICE_CHANNEL_SWITCHING)
    return;
  g_debug ("sound channel: event %d", event);
  lodge_sound_stop (self->sound, get_direction (channel));
}

/* ---- playback */

static void
data_cb (SpiceChannel *channel, gpointer data, int bytes, LodgeConsoleSession *self)
{
  lodge_sound_play (self->sound, data, bytes);
}

/* By this the library shows video in time with what is heard. */
static void
get_delay_cb (SpicePlaybackChannel *channel, LodgeConsoleSession *self)
{
  spice_playback_channel_set_delay (channel, lodge_sound_get_delay (self->sound));
}

/* ---- microphone. While it is withheld nothing is sent, and QEMU gives the guest silence
 * (audio/spiceaudio.c, line_in_read). */

static void
recorded_cb (LodgeSound *sound, gpointer data, guint bytes, LodgeConsoleSession *self)
{
  if (self->record != NULL)
    spice_record_channel_send_data (self->record, data, bytes, 0);
}

/* ---- channels */

void
lodge_console_session_take_sound (LodgeConsoleSession *self, SpiceChannel *channel)
{
  const gboolean plays = SPICE_IS_PLAYBACK_CHANNEL (channel);

  g_signal_connect_object (channel, "channel-event", G_CALLBACK (event_cb), self, 0);
  g_signal_connect_object (channel, "notify::volume", G_CALLBACK (volume_cb), self, 0);
  g_signal_connect_object (channel, "notify::mute", G_CALLBACK (mute_cb), self, 0);
  g_signal_connect_object (channel, plays ? "playback-start" : "record-start",
                           G_CALLBACK (start_cb), self, 0);
  g_signal_connect_object (channel, plays ? "playback-stop" : "record-stop", G_CALLBACK (stop_cb),
                           self, 0);
  if (plays) {
    g_signal_connect_object (channel, "playback-data", G_CALLBACK (data_cb), self, 0);
    g_signal_connect_object (channel, "playback-get-delay", G_CALLBACK (get_delay_cb), self, 0);
  } else {
    g_set_object (&self->record, SPICE_RECORD_CHANNEL (channel));
    g_signal_connect_object (self->sound, "recorded", G_CALLBACK (recorded_cb), self, 0);
  }
}

void
lodge_console_session_drop_sound (LodgeConsoleSession *self)
{
  if (self->sound == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->sound, self);
  g_clear_object (&self->record);
  for (guint i = 0; i < LODGE_SOUND_N_DIRECTIONS; i++)
    lodge_sound_stop (self->sound, i);
}

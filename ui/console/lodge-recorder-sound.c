/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording's sound: one line of samples without a hole, in step with the picture.
 *
 * What the guest plays is put behind what is there already. Where that is behind the clock because
 * nothing came, silence goes before it; where it is far ahead, which a guest with a fast clock gets
 * to in an hour, or a hold-up in the connection brings, what came is left out.
 */
#include "console/lodge-recorder-private.h"

#include <string.h>

/* Further than this behind the clock, silence is put in; ahead, what comes is left out. */
#define BEHIND_US (150 * 1000)
#define AHEAD_US  (300 * 1000)
/* How often it is looked whether nothing came. */
#define SILENCE_MS 200
/* Silence is written in pieces of at most this. */
#define PIECE_US (250 * 1000)

/* A format stays for so long at least; what comes in another one is left out. Each change makes the
 * resampler anew, and a guest could keep it busy with nothing else. */
#define FORMAT_US (100 * 1000)

#define BYTES 2 /* of a sample */

/* What a recording begins with. */
#define FIRST_CHANNELS 2
#define FIRST_RATE_HZ  48000

/* The end of what was written. */
static gint64
get_end_us (LodgeRecorder *self)
{
  return self->sound_begin_us +
         (gint64) gst_util_uint64_scale (self->n_frames, G_USEC_PER_SEC, self->rate_hz);
}

static void
set_format (LodgeRecorder *self, guint channels, guint rate_hz)
{
  if (self->channels == channels && self->rate_hz == rate_hz)
    return;
  self->sound_begin_us = self->rate_hz != 0 ? get_end_us (self) : 0;
  self->n_frames = 0;
  self->channels = channels;
  self->rate_hz = rate_hz;
  g_autoptr (GstCaps) caps = gst_caps_new_simple (
      "audio/x-raw", "format", G_TYPE_STRING, "S16LE", "layout", G_TYPE_STRING, "interleaved",
      "channels", G_TYPE_INT, (int) channels, "rate", G_TYPE_INT, (int) rate_hz, NULL);
  gst_app_src_set_caps (self->sounds, caps);
}

/* FALSE when the encoder is too far behind. */
static gboolean
has_room (LodgeRecorder *self, gsize size)
{
  return gst_app_src_get_current_level_bytes (self->sounds) + size <= LODGE_RECORDER_SOUND_BYTES &&
         gst_app_src_get_current_level_buffers (self->sounds) < LODGE_RECORDER_SOUND_BUFFERS;
}

/* Consumes @samples. FALSE when there is no room for them. */
static gboolean
write_samples (LodgeRecorder *self, gint16 *samples, gsize n_frames)
{
  const gsize size = n_frames * self->channels * BYTES;
  GstBuffer *buffer;

  if (!has_room (self, size)) {
    g_free (samples);
    return FALSE;
  }
  buffer = gst_buffer_new_wrapped (samples, size);
  GST_BUFFER_PTS (buffer) = (GstClockTime) get_end_us (self) * GST_USECOND;
  self->n_frames += n_frames;
  GST_BUFFER_DURATION (buffer) =
      (GstClockTime) get_end_us (self) * GST_USECOND - GST_BUFFER_PTS (buffer);
  gst_app_src_push_buffer (self->sounds, buffer);
  return TRUE;
}

/* FALSE when there is no room for all of it. */
static gboolean
write_silence (LodgeRecorder *self, gint64 end_us)
{
  while (get_end_us (self) < end_us) {
    const gint64 piece_us = MIN (end_us - get_end_us (self), PIECE_US);
    const gsize n_frames =
        gst_util_uint64_scale_ceil ((guint64) piece_us, self->rate_hz, G_USEC_PER_SEC);

    if (!write_samples (self, g_malloc0 (n_frames * self->channels * BYTES), n_frames))
      return FALSE;
  }
  return TRUE;
}

static gint16 *
copy_samples (LodgeRecorder *self, const guint8 *data, gsize n_frames)
{
  gint16 *samples = g_malloc (n_frames * self->channels * BYTES);
  const double gains[] = {lodge_sound_get_guest_gain (self->sound, 0),
                          lodge_sound_get_guest_gain (self->sound, 1)};

  memcpy (samples, data, n_frames * self->channels * BYTES);
  if (gains[0] == 1 && gains[1] == 1)
    return samples;
  for (gsize i = 0; i < n_frames * self->channels; i++)
    samples[i] = GINT16_TO_LE (
        (gint16) (GINT16_FROM_LE (samples[i]) * CLAMP (gains[i % self->channels], 0, 1)));
  return samples;
}

static void
played_cb (LodgeSound *sound,
           gpointer data,
           guint bytes,
           guint channels,
           guint rate_hz,
           LodgeRecorder *self)
{
  const gsize n_frames = bytes / (channels * BYTES);

  if (self->paused_us != 0 || !lodge_recorder_is_running (self))
    return;
  const gint64 now = lodge_recorder_get_time_us (self);
  const gint64 end = get_end_us (self);
  /* Before the format: a new one takes room as well. */
  if (end - now > AHEAD_US || !has_room (self, bytes))
    return;
  if (self->channels != channels || self->rate_hz != rate_hz) {
    if (now - self->format_us < FORMAT_US)
      return;
    self->format_us = now;
    set_format (self, channels, rate_hz);
  }
  /* Nor does it come before its time. */
  if (now - end > BEHIND_US && !write_silence (self, now))
    return;
  write_samples (self, copy_samples (self, data, n_frames), n_frames);
}

static gboolean
silence_cb (gpointer user_data)
{
  LodgeRecorder *self = user_data;
  const gint64 now = lodge_recorder_get_time_us (self);

  if (now - get_end_us (self) > BEHIND_US)
    write_silence (self, now);
  return G_SOURCE_CONTINUE;
}

void
lodge_recorder_begin_sound (LodgeRecorder *self)
{
  set_format (self, FIRST_CHANNELS, FIRST_RATE_HZ);
  self->format_us = -FORMAT_US;
  g_signal_connect_object (self->sound, "played", G_CALLBACK (played_cb), self, 0);
  self->silence_id = g_timeout_add (SILENCE_MS, silence_cb, self);
}

void
lodge_recorder_end_sound (LodgeRecorder *self)
{
  g_clear_handle_id (&self->silence_id, g_source_remove);
  g_signal_handlers_disconnect_by_data (self->sound, self);
  write_silence (self, lodge_recorder_get_time_us (self));
}

void
lodge_recorder_clear_sound (LodgeRecorder *self)
{
  g_clear_handle_id (&self->silence_id, g_source_remove);
  if (self->sound != NULL)
    g_signal_handlers_disconnect_by_data (self->sound, self);
}

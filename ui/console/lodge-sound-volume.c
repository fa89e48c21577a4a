/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stream's volume, one knob that the guest and the desktop's mixer turn, and its two mutes, the
 * guest's and the user's. The rules are in lodge-sound.h. */
#include "console/lodge-sound-private.h"

#include <string.h>

const pa_cvolume *
lodge_sound_volume_get (LodgeSoundStream *self, pa_cvolume *volume)
{
  if (!self->volume_known)
    return NULL;

  pa_cvolume_init (volume);
  volume->channels = self->spec.channels;
  for (guint i = 0; i < self->spec.channels; i++)
    volume->values[i] = self->volume[i];
  return volume;
}

/* An operation whose outcome says nothing that the server's events do not. */
static void
let_go (pa_operation *operation)
{
  if (operation != NULL)
    pa_operation_unref (operation);
}

void
lodge_sound_operation_cancel (pa_operation **operation)
{
  if (*operation == NULL)
    return;
  pa_operation_cancel (*operation);
  pa_operation_unref (*operation);
  *operation = NULL;
}

void
lodge_sound_volume_push (LodgeSoundStream *self)
{
  pa_cvolume volume;

  if (!lodge_sound_stream_is_ready (self) || lodge_sound_volume_get (self, &volume) == NULL)
    return;

  uint32_t index = pa_stream_get_index (self->stream);
  pa_context *context = self->sound->context;
  if (self->direction == LODGE_SOUND_PLAYBACK)
    let_go (pa_context_set_sink_input_volume (context, index, &volume, NULL, NULL));
  else
    let_go (pa_context_set_source_output_volume (context, index, &volume, NULL, NULL));
  lodge_sound_volume_pull (self);
}

gboolean
lodge_sound_mute_get (LodgeSoundStream *self)
{
  return self->user_mutes || (self->guest_mutes && self->direction == LODGE_SOUND_PLAYBACK);
}

void
lodge_sound_mute_push (LodgeSoundStream *self)
{
  const gboolean mute = lodge_sound_mute_get (self);

  if (!lodge_sound_stream_is_ready (self) || !self->mute_known)
    return;

  uint32_t index = pa_stream_get_index (self->stream);
  pa_context *context = self->sound->context;
  if (self->direction == LODGE_SOUND_PLAYBACK)
    let_go (pa_context_set_sink_input_mute (context, index, mute, NULL, NULL));
  else
    let_go (pa_context_set_source_output_mute (context, index, mute, NULL, NULL));
  lodge_sound_volume_pull (self);
}

/* Returns: whether that makes a difference on the server */
static gboolean
set_mutes (LodgeSoundStream *self, gboolean guest, gboolean user)
{
  const gboolean before = lodge_sound_mute_get (self);

  self->guest_mutes = guest;
  self->user_mutes = user;
  if (before == lodge_sound_mute_get (self))
    return FALSE;
  if (self->direction == LODGE_SOUND_PLAYBACK)
    lodge_sound_notify (self->sound, LODGE_SOUND_PROP_MUTED);
  return TRUE;
}

/* On the server the guest's mute of what it plays cannot be told from the user's: who unmutes there
 * means both. */
static gboolean
set_user_mute (LodgeSoundStream *self, gboolean mute)
{
  const gboolean lifts = !mute && self->direction == LODGE_SOUND_PLAYBACK;

  self->mute_known = TRUE;
  return set_mutes (self, self->guest_mutes && !lifts, mute);
}

void
lodge_sound_mute_turn (LodgeSoundStream *self, gboolean mute)
{
  set_user_mute (self, !!mute);
  lodge_sound_mute_push (self);
}

/* PipeWire knows of a stream before it knows its volume, and says nothing and not muted until then
 * (its pulse server's collect.c, collect_device_info). Whoever turns the knob down to nothing turns
 * it down from something, which this stream has said before. */
static gboolean
is_true (LodgeSoundStream *self, const pa_cvolume *volume, gboolean mute)
{
  if (mute || !pa_cvolume_is_muted (volume))
    self->volume_seen = TRUE;
  return self->volume_seen;
}

void
lodge_sound_volume_take (LodgeSoundStream *self,
                         guint32 index,
                         const pa_cvolume *volume,
                         gboolean mute)
{
  if (!lodge_sound_stream_is_ready (self) || pa_stream_get_index (self->stream) != index)
    return;

  if (volume != NULL && volume->channels > 0) {
    if (!is_true (self, volume, mute))
      return;
    self->volume_known = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS (self->volume); i++)
      self->volume[i] = volume->values[MIN (i, volume->channels - 1u)];
  }
  if (!self->mute_known && !mute && lodge_sound_mute_get (self)) {
    /* Nobody has asked the server for it yet. */
    self->mute_known = TRUE;
    lodge_sound_mute_push (self);
    return;
  }
  /* What differs from what we asked for was asked for by the user. */
  if (!!mute != lodge_sound_mute_get (self))
    set_user_mute (self, !!mute);
  self->mute_known = TRUE;
}

static void
sink_input_cb (pa_context *context, const pa_sink_input_info *info, int end, void *user_data)
{
  if (info != NULL)
    lodge_sound_volume_take (user_data, info->index, info->has_volume ? &info->volume : NULL,
                             info->mute);
}

static void
source_output_cb (pa_context *context, const pa_source_output_info *info, int end, void *user_data)
{
  if (info != NULL)
    lodge_sound_volume_take (user_data, info->index, info->has_volume ? &info->volume : NULL,
                             info->mute);
}

/* Asked again after each change of ours, in place of the question before, whose answer would be as
 * old as that change. */
void
lodge_sound_volume_pull (LodgeSoundStream *self)
{
  if (!lodge_sound_stream_is_ready (self))
    return;

  lodge_sound_operation_cancel (&self->question);
  uint32_t index = pa_stream_get_index (self->stream);
  pa_context *context = self->sound->context;
  if (self->direction == LODGE_SOUND_PLAYBACK)
    self->question = pa_context_get_sink_input_info (context, index, sink_input_cb, self);
  else
    self->question = pa_context_get_source_output_info (context, index, source_output_cb, self);
}

static pa_volume_t
to_volume (guint16 said)
{
  return (pa_volume_t) (((guint64) said * PA_VOLUME_NORM) / G_MAXUINT16);
}

void
lodge_sound_set_guest_volume (LodgeSound *self,
                              LodgeSoundDirection direction,
                              const guint16 *volume,
                              guint n_channels)
{
  g_return_if_fail (LODGE_IS_SOUND (self));
  g_return_if_fail (direction < LODGE_SOUND_N_DIRECTIONS);

  LodgeSoundStream *stream = &self->streams[direction];
  if (volume == NULL || n_channels == 0)
    return;

  guint16 said[2] = {volume[0], volume[MIN (n_channels - 1, 1)]};
  if (stream->guest_volume_known && memcmp (stream->guest_volume, said, sizeof said) == 0)
    return;

  memcpy (stream->guest_volume, said, sizeof said);
  stream->guest_volume_known = TRUE;
  stream->volume_known = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (said); i++)
    stream->volume[i] = to_volume (said[i]);
  lodge_sound_volume_push (stream);
}

void
lodge_sound_set_guest_mute (LodgeSound *self, LodgeSoundDirection direction, gboolean mute)
{
  g_return_if_fail (LODGE_IS_SOUND (self));
  g_return_if_fail (direction < LODGE_SOUND_N_DIRECTIONS);

  LodgeSoundStream *stream = &self->streams[direction];
  if (stream->guest_mute_known && stream->guest_mute == !!mute)
    return;

  stream->guest_mute_known = TRUE;
  stream->guest_mute = !!mute;
  if (set_mutes (stream, !!mute, stream->user_mutes))
    lodge_sound_mute_push (stream);
}

double
lodge_sound_get_guest_gain (LodgeSound *self, guint channel)
{
  g_return_val_if_fail (LODGE_IS_SOUND (self), 0);

  const LodgeSoundStream *stream = &self->streams[LODGE_SOUND_PLAYBACK];
  if (stream->guest_mute)
    return 0;
  if (!stream->guest_volume_known)
    return 1;
  return pa_sw_volume_to_linear (
      to_volume (stream->guest_volume[MIN (channel, G_N_ELEMENTS (stream->guest_volume) - 1)]));
}

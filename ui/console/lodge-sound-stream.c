/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One direction of a machine's sound.
 *
 *            want                 server says ready
 *   silent ────────▶ creating ─────────────────────▶ ready
 *     ▲  ▲              │  │                         │   ▲ │ end
 *     │  └──────────────┘  │ end           drop, fails│   │ ▼
 *     │    drop, fails     └────────────────▶ ending ─┼───┘ want: the same format again
 *     └──────────────────────────────────────────────┘
 *              drop, fails, all has been played, or too late
 *
 * silent    no stream. What fails while it is wanted is tried again by lodge-sound.c
 * creating  the server has been asked (record: which device is the default one, first). The queue
 *           keeps the newest of what is to be played
 * ready     playback: the server asks for as much as makes its own queue lodge_sound's latency
 *           long, and is given that much and no more: what does not fit stays in our queue, where
 *           it can be counted and left out. Underneath the server it is not late: a device that
 *           needs more time takes it
 * ending    all that is left is given at once, and the stream goes when it has been played
 *
 * A guest's clock and that of a device differ by as much as a second in three hours. When the guest
 * is faster our queue grows, and silence is left out, then sound; when the device is faster, the
 * server waits until its queue is full again.
 */
#include "console/lodge-sound-private.h"

#include "lodge-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Beyond a quarter of the latency in our queue silence is left out, beyond the whole sound is. So
 * after a hold-up, which made a gap of its own, what is late because of it does not stay late. */
#define SLACK_DIVISOR 4
/* More than this many times the latency is not taken at once: at 8 kHz spice-server sends 60 ms. */
#define CHUNK_FACTOR 4

/* The rest of a sound is this much longer than it should be when its device stands still. */
#define END_LATE_MS 1000

void
lodge_sound_stream_init (LodgeSoundStream *self, LodgeSound *sound, LodgeSoundDirection direction)
{
  self->sound = sound;
  self->direction = direction;
  self->queue = g_byte_array_new ();
  for (guint i = 0; i < G_N_ELEMENTS (self->volume); i++)
    self->volume[i] = PA_VOLUME_NORM;
}

gboolean
lodge_sound_stream_is_ready (LodgeSoundStream *self)
{
  return self->stream != NULL && pa_stream_get_state (self->stream) == PA_STREAM_READY;
}

static gsize
bytes_of_ms (LodgeSoundStream *self, guint ms)
{
  return pa_usec_to_bytes ((pa_usec_t) ms * PA_USEC_PER_MSEC, &self->spec);
}

/* ---- the end of a stream */

/* The server makes it after we have lost interest. Not told now, it would keep it. */
static void
unwanted_cb (pa_stream *stream, void *user_data)
{
  switch (pa_stream_get_state (stream)) {
  case PA_STREAM_READY:
    pa_stream_set_state_callback (stream, NULL, NULL);
    pa_stream_disconnect (stream);
    pa_stream_unref (stream);
    break;
  case PA_STREAM_FAILED:
  case PA_STREAM_TERMINATED:
    pa_stream_set_state_callback (stream, NULL, NULL);
    pa_stream_unref (stream);
    break;
  case PA_STREAM_UNCONNECTED:
  case PA_STREAM_CREATING:
  default:
    break;
  }
}

static void
drop_stream (LodgeSoundStream *self)
{
  pa_stream *stream = g_steal_pointer (&self->stream);

  lodge_sound_operation_cancel (&self->operation);
  lodge_sound_operation_cancel (&self->question);
  if (stream == NULL)
    return;

  pa_stream_set_write_callback (stream, NULL, NULL);
  pa_stream_set_read_callback (stream, NULL, NULL);
  pa_stream_set_moved_callback (stream, NULL, NULL);
  if (pa_stream_get_state (stream) == PA_STREAM_CREATING) {
    pa_stream_set_state_callback (stream, unwanted_cb, NULL);
  } else {
    pa_stream_set_state_callback (stream, NULL, NULL);
    if (pa_stream_get_state (stream) == PA_STREAM_READY)
      pa_stream_disconnect (stream);
    pa_stream_unref (stream);
  }
  if (self->direction == LODGE_SOUND_PLAYBACK)
    lodge_sound_set_playing (self->sound, FALSE);
}

void
lodge_sound_stream_drop (LodgeSoundStream *self)
{
  self->wanted = FALSE;
  self->ending = FALSE;
  g_clear_handle_id (&self->end_id, g_source_remove);
  g_byte_array_set_size (self->queue, 0);
  drop_stream (self);
  lodge_sound_set_problem (self->sound, &self->problem, NULL);
}

void
lodge_sound_stream_lost (LodgeSoundStream *self)
{
  if (self->ending)
    lodge_sound_stream_drop (self);
  else
    drop_stream (self);
}

static void
fail (LodgeSoundStream *self, const char *reason)
{
  g_autofree char *problem = NULL;

  if (self->ending) {
    lodge_sound_stream_drop (self);
    return;
  }
  if (self->direction == LODGE_SOUND_PLAYBACK)
    /* Translators: %s is the sound server's own word for it. */
    problem = g_strdup_printf (_ ("The guest cannot be heard: %s."), reason);
  else
    problem = g_strdup_printf (_ ("The guest cannot hear the microphone: %s."), reason);
  drop_stream (self);
  lodge_sound_set_problem (self->sound, &self->problem, problem);
  lodge_sound_retry (self->sound);
}

static const char *
last_error (LodgeSoundStream *self)
{
  return pa_strerror (pa_context_errno (self->sound->context));
}

static gboolean
end_cb (gpointer user_data)
{
  LodgeSoundStream *self = user_data;

  self->end_id = 0;
  lodge_sound_stream_drop (self);
  return G_SOURCE_REMOVE;
}

static void
drained_cb (pa_stream *stream, int success, void *user_data)
{
  lodge_sound_stream_drop (user_data);
}

/* ---- sound */

static void
feed (LodgeSoundStream *self)
{
  gsize bytes = self->queue->len;

  if (!lodge_sound_stream_is_ready (self))
    return;
  if (!self->ending) {
    const gsize asked = pa_stream_writable_size (self->stream);

    if (asked == (gsize) -1)
      return;
    bytes = MIN (bytes, asked - asked % pa_frame_size (&self->spec));
  }
  if (bytes == 0)
    return;
  /* An error of the stream is told by its state as well. */
  pa_stream_write (self->stream, self->queue->data, bytes, NULL, 0, PA_SEEK_RELATIVE);
  g_byte_array_remove_range (self->queue, 0, bytes);
}

/* The oldest, until @rest bytes are left. */
static void
leave_out (LodgeSoundStream *self, gsize rest)
{
  if (self->queue->len > rest)
    g_byte_array_remove_range (self->queue, 0, self->queue->len - rest);
}

static gsize
get_slack (LodgeSoundStream *self)
{
  return bytes_of_ms (self, self->sound->latency_ms / SLACK_DIVISOR);
}

static gboolean
is_silence (const guint8 *data, gsize bytes)
{
  return data[0] == 0 && memcmp (data, data + 1, bytes - 1) == 0;
}

void
lodge_sound_stream_play (LodgeSoundStream *self, const guint8 *data, gsize bytes)
{
  if (!self->wanted)
    return;

  const gsize slack = get_slack (self);
  const gsize limit = bytes_of_ms (self, self->sound->latency_ms);
  const gsize most = limit * CHUNK_FACTOR;
  bytes -= bytes % pa_frame_size (&self->spec);
  if (bytes > most) {
    data += bytes - most;
    bytes = most;
  }
  if (bytes == 0 || (self->queue->len > slack && is_silence (data, bytes)))
    return;

  g_byte_array_append (self->queue, data, bytes);
  feed (self);
  if (self->queue->len > limit)
    leave_out (self, lodge_sound_stream_is_ready (self) ? slack : limit);
}

guint
lodge_sound_stream_get_delay (LodgeSoundStream *self)
{
  pa_usec_t usec = 0;
  int negative = FALSE;

  if (!lodge_sound_stream_is_ready (self) ||
      pa_stream_get_latency (self->stream, &usec, &negative) < 0)
    return self->sound->latency_ms; /* not measured yet */
  if (negative)
    usec = 0;
  usec += pa_bytes_to_usec (self->queue->len, &self->spec);
  return (guint) MIN (usec / PA_USEC_PER_MSEC, G_MAXINT);
}

static void
writable_cb (pa_stream *stream, size_t bytes, void *user_data)
{
  feed (user_data);
}

static void
readable_cb (pa_stream *stream, size_t ready, void *user_data)
{
  LodgeSoundStream *self = user_data;
  const void *data;
  size_t bytes;

  /* A handler may end it. */
  while (self->stream == stream && pa_stream_readable_size (stream) > 0) {
    if (pa_stream_peek (stream, &data, &bytes) < 0 || bytes == 0)
      return;
    /* Without data it is a hole, something that the server lost. */
    if (data != NULL && self->operation == NULL && !self->guest_mutes)
      lodge_sound_recorded (self->sound, data, bytes);
    if (self->stream == stream)
      pa_stream_drop (stream);
  }
}

/* ---- the beginning of a stream */

static void create (LodgeSoundStream *self);

/* On a computer without a microphone, or when it is pulled out, the server records what it plays
 * instead. Who lets a guest hear the microphone has not meant that: the device is looked at before
 * there is a stream, before the stream runs, and whenever it was moved. */
static void
source_cb (pa_context *context, const pa_source_info *info, int end, void *user_data)
{
  LodgeSoundStream *self = user_data;
  pa_operation *operation = g_steal_pointer (&self->operation);

  if (operation == NULL)
    return; /* answered already */
  pa_operation_unref (operation);

  if (info == NULL) {
    fail (self, last_error (self));
  } else if (info->monitor_of_sink != PA_INVALID_INDEX) {
    fail (self, _ ("there is none"));
  } else if (self->stream == NULL) {
    create (self);
  } else if (pa_stream_is_corked (self->stream) > 0) {
    operation = pa_stream_cork (self->stream, FALSE, NULL, NULL);
    if (operation != NULL)
      pa_operation_unref (operation);
  }
}

static void
check_device (LodgeSoundStream *self)
{
  lodge_sound_operation_cancel (&self->operation);
  self->operation = pa_context_get_source_info_by_index (
      self->sound->context, pa_stream_get_device_index (self->stream), source_cb, self);
  if (self->operation == NULL)
    fail (self, last_error (self));
}

static void
moved_cb (pa_stream *stream, void *user_data)
{
  check_device (user_data);
}

static void
begin_end (LodgeSoundStream *self)
{
  feed (self);
  lodge_sound_operation_cancel (&self->operation);
  self->operation = pa_stream_drain (self->stream, drained_cb, self);
  if (self->operation == NULL)
    lodge_sound_stream_drop (self);
}

static void
state_cb (pa_stream *stream, void *user_data)
{
  LodgeSoundStream *self = user_data;

  switch (pa_stream_get_state (stream)) {
  case PA_STREAM_READY:
    lodge_sound_set_problem (self->sound, &self->problem, NULL);
    lodge_sound_works (self->sound);
    /* It may have been turned since the server was asked; and what the desktop remembers of an
     * earlier stream is there now when nobody has turned it yet. */
    lodge_sound_volume_push (self);
    lodge_sound_mute_push (self);
    lodge_sound_volume_pull (self);
    if (self->direction == LODGE_SOUND_PLAYBACK)
      lodge_sound_set_playing (self->sound, TRUE);
    if (self->direction == LODGE_SOUND_RECORD) {
      check_device (self);
    } else if (self->ending) {
      begin_end (self);
    } else {
      /* Better to begin a little later in the sound than to stay late. */
      leave_out (self, bytes_of_ms (self, self->sound->latency_ms) + get_slack (self));
      feed (self);
    }
    break;
  case PA_STREAM_FAILED:
  case PA_STREAM_TERMINATED: /* the server took it away: its device is gone */
    fail (self, last_error (self));
    break;
  case PA_STREAM_UNCONNECTED:
  case PA_STREAM_CREATING:
  default:
    break;
  }
}

static pa_proplist *
make_properties (LodgeSoundStream *self)
{
  const char *kind = self->direction == LODGE_SOUND_PLAYBACK ? "sink-input-by" : "source-output-by";
  pa_proplist *properties = pa_proplist_new ();

  pa_proplist_sets (properties, PA_PROP_MEDIA_NAME, self->sound->name);
  pa_proplist_sets (properties, PA_PROP_MEDIA_ICON_NAME, LODGE_APPLICATION_ID);
  /* Nobody here knows what a guest plays. It has none of the roles that a desktop's rules are
   * about, by which music is ducked or stopped when a call comes, and each machine has one of its
   * own: by it WirePlumber remembers a stream's device, volume and mute before all else
   * (restore-stream.lua, findSuitableKey). PulseAudio does by the id, and by the role where that is
   * missing (module-stream-restore.c, stream-util.c). */
  if (self->sound->id != NULL) {
    g_autofree char *role = g_strdup_printf ("lodge-machine-%s", self->sound->id);
    g_autofree char *id = g_strdup_printf ("%s-lodge-machine:%s", kind, self->sound->id);

    pa_proplist_sets (properties, PA_PROP_MEDIA_ROLE, role);
    pa_proplist_sets (properties, "module-stream-restore.id", id);
  }
  return properties;
}

static void
create (LodgeSoundStream *self)
{
  pa_buffer_attr attributes = {
      .maxlength = (uint32_t) -1,
      .tlength = (uint32_t) bytes_of_ms (self, self->sound->latency_ms),
      .prebuf = (uint32_t) -1, /* as much as tlength allows */
      .minreq = (uint32_t) bytes_of_ms (self, self->sound->latency_ms / 4),
      .fragsize = (uint32_t) bytes_of_ms (self, self->sound->latency_ms / 4),
  };
  pa_stream_flags_t flags = PA_STREAM_ADJUST_LATENCY;
  pa_proplist *properties = make_properties (self);
  pa_cvolume volume;
  int result;

  self->stream = pa_stream_new_with_proplist (self->sound->context, self->sound->name, &self->spec,
                                              NULL, properties);
  pa_proplist_free (properties);
  if (self->stream == NULL) {
    fail (self, last_error (self));
    return;
  }

  pa_stream_set_state_callback (self->stream, state_cb, self);
  self->volume_seen = FALSE;
  self->mute_known = self->mute_known || lodge_sound_mute_get (self);
  if (self->mute_known)
    flags |= lodge_sound_mute_get (self) ? PA_STREAM_START_MUTED : PA_STREAM_START_UNMUTED;
  if (self->direction == LODGE_SOUND_PLAYBACK) {
    pa_stream_set_write_callback (self->stream, writable_cb, self);
    flags |= PA_STREAM_AUTO_TIMING_UPDATE | PA_STREAM_INTERPOLATE_TIMING;
    result = pa_stream_connect_playback (self->stream, NULL, &attributes, flags,
                                         lodge_sound_volume_get (self, &volume), NULL);
  } else {
    pa_stream_set_read_callback (self->stream, readable_cb, self);
    pa_stream_set_moved_callback (self->stream, moved_cb, self);
    flags |= PA_STREAM_START_CORKED;
    result = pa_stream_connect_record (self->stream, NULL, &attributes, flags);
  }
  if (result < 0)
    fail (self, last_error (self));
}

void
lodge_sound_stream_pursue (LodgeSoundStream *self)
{
  if (!(self->wanted || self->ending) || self->stream != NULL || self->operation != NULL)
    return;

  if (self->direction == LODGE_SOUND_PLAYBACK) {
    create (self);
    return;
  }
  self->operation = pa_context_get_source_info_by_name (self->sound->context, "@DEFAULT_SOURCE@",
                                                        source_cb, self);
  if (self->operation == NULL)
    fail (self, last_error (self));
}

/* ---- the guest */

void
lodge_sound_stream_want (LodgeSoundStream *self, const pa_sample_spec *spec)
{
  if ((self->wanted || self->ending) && !pa_sample_spec_equal (spec, &self->spec))
    lodge_sound_stream_drop (self);

  if (self->ending) {
    g_clear_handle_id (&self->end_id, g_source_remove);
    lodge_sound_operation_cancel (&self->operation);
    self->ending = FALSE;
  }
  self->wanted = TRUE;
  self->spec = *spec;
}

void
lodge_sound_stream_end (LodgeSoundStream *self)
{
  if (!self->wanted)
    return;
  if (self->direction == LODGE_SOUND_RECORD || self->problem != NULL ||
      self->sound->problem != NULL) {
    lodge_sound_stream_drop (self);
    return;
  }

  self->wanted = FALSE;
  self->ending = TRUE;
  self->end_id = g_timeout_add (self->sound->latency_ms * 2 + END_LATE_MS, end_cb, self);
  if (lodge_sound_stream_is_ready (self))
    begin_end (self);
}

void
lodge_sound_stream_rename (LodgeSoundStream *self)
{
  pa_operation *operation;

  if (!lodge_sound_stream_is_ready (self))
    return;
  operation = pa_stream_set_name (self->stream, self->sound->name, NULL, NULL);
  if (operation != NULL)
    pa_operation_unref (operation);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sound-fixture.h"

const pa_sample_spec sound_fixture_stereo = {
    .format = PA_SAMPLE_S16LE, .channels = 2, .rate = SOUND_FIXTURE_RATE_HZ};

static void
problem_cb (LodgeSound *sound, GParamSpec *pspec, SoundFixture *self)
{
  self->problems++;
}

void
sound_fixture_set_up_latency (SoundFixture *self, guint latency_ms)
{
  *self = (SoundFixture){.server = pulse_server_new ()};
  self->sink = pulse_server_load (self->server, "module-null-sink", SOUND_FIXTURE_SINK);
  self->sound = g_object_new (LODGE_TYPE_SOUND, "latency", latency_ms, NULL);
  lodge_sound_set_machine (self->sound, "3a1c2a42", "web & <mail>");
  g_signal_connect (self->sound, "notify::problem", G_CALLBACK (problem_cb), self);
}

void
sound_fixture_set_up (SoundFixture *self)
{
  sound_fixture_set_up_latency (self, LODGE_SOUND_LATENCY_MS);
}

void
sound_fixture_tear_down (SoundFixture *self)
{
  g_assert_finalize_object (self->sound);
  pulse_server_free (self->server);
}

GByteArray *
sound_fixture_make_noise (gsize frames)
{
  GByteArray *noise = g_byte_array_sized_new (frames * SOUND_FIXTURE_FRAME);
  guint32 state = 12345;

  for (gsize i = 0; i < frames * 2; i++) {
    state = state * 1664525u + 1013904223u;
    gint16 sample = (gint16) (state >> 16);
    sample = sample == 0 ? 1 : sample;
    sample = GINT16_TO_LE (sample);
    g_byte_array_append (noise, (guint8 *) &sample, sizeof sample);
  }
  return noise;
}

gboolean
sound_fixture_is_playing (SoundFixture *self)
{
  gboolean playing;

  g_object_get (self->sound, "playing", &playing, NULL);
  return playing;
}

static gboolean
playing_is_wanted (gpointer data)
{
  SoundFixture *self = data;

  return sound_fixture_is_playing (self) == self->wanted;
}

void
sound_fixture_expect_playing (SoundFixture *self, gboolean playing)
{
  self->wanted = playing;
  g_assert_true (pulse_server_wait (playing_is_wanted, self));
}

char *
sound_fixture_dup_problem (SoundFixture *self)
{
  char *problem;

  g_object_get (self->sound, "problem", &problem, NULL);
  return problem;
}

static gboolean
problem_is_wanted (gpointer data)
{
  SoundFixture *self = data;
  g_autofree char *problem = sound_fixture_dup_problem (self);

  return (problem != NULL) == self->wanted;
}

void
sound_fixture_expect_problem (SoundFixture *self, gboolean problem)
{
  self->wanted = problem;
  g_assert_true (pulse_server_wait (problem_is_wanted, self));
}

/* The server lists as many as are wanted. */
typedef struct {
  GPtrArray *(*list) (PulseServer *server);
  PulseServer *server;
  guint n;
} Count;

static gboolean
has_count (gpointer data)
{
  Count *count = data;
  g_autoptr (GPtrArray) streams = count->list (count->server);

  return streams->len == count->n;
}

void
sound_fixture_expect_streams (SoundFixture *self, guint n)
{
  Count count = {pulse_server_list_playback, self->server, n};

  g_assert_true (pulse_server_wait (has_count, &count));
}

void
sound_fixture_expect_recordings (SoundFixture *self, guint n)
{
  Count count = {pulse_server_list_record, self->server, n};

  g_assert_true (pulse_server_wait (has_count, &count));
}

guint
sound_fixture_get_stream_index (SoundFixture *self)
{
  g_autoptr (GPtrArray) streams = pulse_server_list_playback (self->server);

  g_assert_cmpuint (streams->len, ==, 1);
  return ((PulseStream *) g_ptr_array_index (streams, 0))->index;
}

void
sound_fixture_start_playback (SoundFixture *self)
{
  lodge_sound_start (self->sound, LODGE_SOUND_PLAYBACK, 1, 2, SOUND_FIXTURE_RATE_HZ);
}

void
sound_fixture_stop_playback (SoundFixture *self)
{
  lodge_sound_stop (self->sound, LODGE_SOUND_PLAYBACK);
}

void
sound_fixture_play_something (SoundFixture *self)
{
  g_autoptr (GByteArray) noise = sound_fixture_make_noise (4800);

  sound_fixture_start_playback (self);
  lodge_sound_play (self->sound, noise->data, noise->len);
  sound_fixture_expect_playing (self, TRUE);
}

gsize
sound_fixture_first_sound (GByteArray *heard)
{
  gsize i = 0;

  while (i < heard->len && heard->data[i] == 0)
    i++;
  return i - i % SOUND_FIXTURE_FRAME;
}

typedef struct {
  GByteArray *heard;
  gsize silent; /* as much of it, which is not looked at again: it may be minutes */
  LodgeSound *sound;
} Playing;

static gboolean
keep_playing (gpointer data)
{
  Playing *self = data;
  static GByteArray *noise = NULL;

  if (noise == NULL)
    noise = sound_fixture_make_noise (480);
  if (self->sound->streams[LODGE_SOUND_PLAYBACK].queue->len == 0)
    lodge_sound_play (self->sound, noise->data, noise->len);
  while (self->silent < self->heard->len && self->heard->data[self->silent] == 0)
    self->silent++;
  return self->silent < self->heard->len;
}

void
sound_fixture_expect_heard (SoundFixture *self)
{
  Playing playing = {
      .heard = pulse_server_listen (self->server, "out.monitor", &sound_fixture_stereo),
      .sound = self->sound,
  };

  g_assert_true (pulse_server_wait (keep_playing, &playing));
}

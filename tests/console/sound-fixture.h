/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's sound on a real sound server, whose devices are files and nothing. */
#pragma once

#include "console/lodge-sound-private.h"

#include "pulse-server.h"

G_BEGIN_DECLS

#define SOUND_FIXTURE_RATE_HZ 48000
#define SOUND_FIXTURE_FRAME   4 /* bytes */
/* The sink of each server, as arguments for module-null-sink. */
#define SOUND_FIXTURE_SINK "sink_name=out format=s16le channels=2 rate=48000"

extern const pa_sample_spec sound_fixture_stereo;

typedef struct {
  PulseServer *server;
  guint sink; /* module */
  LodgeSound *sound;
  guint problems; /* notifications of it */
  gboolean wanted;
} SoundFixture;

/* Tests share nothing but a process, whose environment names the newest server. */
void sound_fixture_set_up (SoundFixture *self);
void sound_fixture_set_up_latency (SoundFixture *self, guint latency_ms);
/* Asserts that nothing holds the sound any more. */
void sound_fixture_tear_down (SoundFixture *self);

/* Noise that is never silent in any sample, the same each time. */
GByteArray *sound_fixture_make_noise (gsize frames);
/* Where the first frame is that is not silent; the length when there is none. */
gsize sound_fixture_first_sound (GByteArray *heard);

void sound_fixture_start_playback (SoundFixture *self);
void sound_fixture_stop_playback (SoundFixture *self);
/* A stream that plays, and is heard. */
void sound_fixture_play_something (SoundFixture *self);
/* What the guest plays is heard at the sink, sooner or later. */
void sound_fixture_expect_heard (SoundFixture *self);

gboolean sound_fixture_is_playing (SoundFixture *self);
void sound_fixture_expect_playing (SoundFixture *self, gboolean playing);
/* Returns: (nullable) (transfer full) */
char *sound_fixture_dup_problem (SoundFixture *self);
void sound_fixture_expect_problem (SoundFixture *self, gboolean problem);
/* The server lists as many. */
void sound_fixture_expect_streams (SoundFixture *self, guint n);
void sound_fixture_expect_recordings (SoundFixture *self, guint n);
/* The server's number of the one stream that there is. */
guint sound_fixture_get_stream_index (SoundFixture *self);

G_END_DECLS

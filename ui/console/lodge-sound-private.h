/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a machine's sound share: its connection to the server, and its streams. */
#pragma once

#include "console/lodge-sound.h"

#include <pulse/glib-mainloop.h>
#include <pulse/pulseaudio.h>

G_BEGIN_DECLS

/* One direction. See lodge-sound-stream.c for its life. */
typedef struct {
  LodgeSound *sound;
  LodgeSoundDirection direction;

  gboolean wanted; /* there shall be a stream */
  gboolean ending; /* not wanted any more, but there is something left to play */
  pa_sample_spec spec;
  pa_stream *stream;
  pa_operation *operation; /* playback: until all was played; record: which device it is */
  pa_operation *question;  /* how the knob stands */
  guint end_id;
  GByteArray *queue; /* to be played, and not asked for by the server yet */
  char *problem;

  guint16 guest_volume[2]; /* as the guest said last */
  gboolean guest_volume_known;
  gboolean guest_mute;
  gboolean guest_mute_known;
  pa_volume_t volume[2]; /* the knob: left, right */
  gboolean volume_known;
  gboolean volume_seen; /* the server has said of this stream that it is not silent */
  gboolean guest_mutes;
  gboolean user_mutes;
  gboolean mute_known; /* else a new stream begins as the desktop remembers it */
} LodgeSoundStream;

struct _LodgeSound {
  GObject parent_instance;

  guint latency_ms;
  char *id;
  char *name;
  gboolean microphone_allowed;
  LodgeMicrophone microphone;
  gboolean guest_records;     /* in a format that can be */
  pa_sample_spec record_spec; /* which */

  pa_glib_mainloop *mainloop;
  pa_context *context;
  gboolean ready;
  gboolean connecting;
  gboolean playing;
  char *problem; /* of the connection */
  guint retry_id;
  guint pause_ms;

  LodgeSoundStream streams[LODGE_SOUND_N_DIRECTIONS];
};

typedef enum {
  LODGE_SOUND_PROP_LATENCY = 1,
  LODGE_SOUND_PROP_MUTED,
  LODGE_SOUND_PROP_MICROPHONE_ALLOWED,
  LODGE_SOUND_PROP_MICROPHONE,
  LODGE_SOUND_PROP_PLAYING,
  LODGE_SOUND_PROP_CONNECTING,
  LODGE_SOUND_PROP_PROBLEM,
  LODGE_SOUND_N_PROPS,
} LodgeSoundProp;

/* lodge-sound.c */
void lodge_sound_notify (LodgeSound *self, LodgeSoundProp prop);
void lodge_sound_set_problem (LodgeSound *self, char **field, const char *problem);
void lodge_sound_set_playing (LodgeSound *self, gboolean playing);
void lodge_sound_recorded (LodgeSound *self, const void *data, gsize bytes);
/* Connects and makes the streams that are wanted. */
void lodge_sound_pursue (LodgeSound *self);
/* The same after a pause that grows from one time to the next. */
void lodge_sound_retry (LodgeSound *self);
/* Something works: the next pause is short again. */
void lodge_sound_works (LodgeSound *self);

/* lodge-sound-stream.c */
void
lodge_sound_stream_init (LodgeSoundStream *self, LodgeSound *sound, LodgeSoundDirection direction);
/* Another format takes the place of the stream there is. */
void lodge_sound_stream_want (LodgeSoundStream *self, const pa_sample_spec *spec);
void lodge_sound_stream_end (LodgeSoundStream *self);
/* At once, without what is left to play. */
void lodge_sound_stream_drop (LodgeSoundStream *self);
/* The connection is gone, and the stream with it: it is still wanted, its rest is not. */
void lodge_sound_stream_lost (LodgeSoundStream *self);
/* The connection is ready: makes a stream if one is wanted and there is none. */
void lodge_sound_stream_pursue (LodgeSoundStream *self);
void lodge_sound_stream_play (LodgeSoundStream *self, const guint8 *data, gsize bytes);
guint lodge_sound_stream_get_delay (LodgeSoundStream *self);
gboolean lodge_sound_stream_is_ready (LodgeSoundStream *self);
void lodge_sound_stream_rename (LodgeSoundStream *self);

/* lodge-sound-volume.c: the knob */
void lodge_sound_operation_cancel (pa_operation **operation);
void lodge_sound_volume_push (LodgeSoundStream *self); /* to the server */
void lodge_sound_volume_pull (LodgeSoundStream *self); /* from it */
/* What it says of its stream @index. @volume: (nullable): not said */
void lodge_sound_volume_take (LodgeSoundStream *self,
                              guint32 index,
                              const pa_cvolume *volume,
                              gboolean mute);
void lodge_sound_mute_push (LodgeSoundStream *self);
/* Whether the stream is to be muted on the server, by whoever. */
gboolean lodge_sound_mute_get (LodgeSoundStream *self);
/* The user turns it. */
void lodge_sound_mute_turn (LodgeSoundStream *self, gboolean mute);
/* What a new stream begins with; NULL when nobody said anything. */
const pa_cvolume *lodge_sound_volume_get (LodgeSoundStream *self, pa_cvolume *volume);

G_END_DECLS

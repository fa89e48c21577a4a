/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a recording share. */
#pragma once

#include "console/lodge-recorder.h"

#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* So many copies of the picture there are at most: one that is encoded, one that waits, and one to
 * be filled; and one more at the end, where these are all in use. */
#define LODGE_RECORDER_SLOTS 3
/* Pictures in the encoder's hands, with those that are a copy once more. */
#define LODGE_RECORDER_PICTURES 4
/* Sound that waits for the encoder: some ten seconds of what guests play. */
#define LODGE_RECORDER_SOUND_BYTES (2 * 1024 * 1024)
/* And in no more pieces than this: a guest may send a sample at a time. */
#define LODGE_RECORDER_SOUND_BUFFERS 2048

/* A part of a picture; empty when it is not wide. */
typedef struct {
  int left, top, right, bottom;
} LodgeRecorderArea;

/* A copy of the picture. Kept by the recorder, and by each buffer in the pipeline that shows it. */
typedef struct {
  guint8 *data;
  gsize size;
  int width;
  int height;
  int buffers;             /* atomic: that show it, and are not done with */
  LodgeRecorderArea stale; /* what has changed since it was filled; of the guest's picture */
} LodgeRecorderSlot;

struct _LodgeRecorder {
  GObject parent_instance;

  LodgeFrameSource *source; /* NULL: none now */
  LodgeRecorderReader reader;
  LodgeSound *sound;
  GFile *file;
  GstElement *pipeline;
  GstAppSrc *pictures;
  GstAppSrc *sounds;
  guint bus_id;
  guint end_id;       /* waits for the encoders to finish */
  guint end_limit_ms; /* for so long */
  gboolean ending;

  /* the clock; it begins with the recording, and stands still while that is paused */
  gint64 begin_us;
  gint64 paused_us; /* since when; 0: it is not */

  /* lodge-recorder-picture.c */
  LodgeRecorderSlot *slots[LODGE_RECORDER_SLOTS]; /* NULL: not needed yet */
  LodgeRecorderSlot *shown;                       /* of these, the last one written; NULL: none */
  int buffers_width;                              /* as the pipeline was told */
  int buffers_height;
  gint64 shown_us; /* when */
  gboolean dirty;
  guint picture_id;
  guint repeat_id;
  guint n_left_out; /* pictures for which there was no room */
  gint64 read_us;   /* how long the reader took for the last one; 0: it is not needed */

  /* lodge-recorder-sound.c */
  guint channels;
  guint rate_hz;
  gint64 sound_begin_us; /* since when it has this format, in the line of samples */
  gint64 format_us;      /* since when by the clock */
  guint64 n_frames;      /* written since then */
  guint silence_id;
};

/* lodge-recorder.c */
gint64 lodge_recorder_get_time_us (LodgeRecorder *self);
gboolean lodge_recorder_is_running (LodgeRecorder *self);

/* lodge-recorder-pipeline.c: FALSE with one sentence. The pipeline stands still. */
gboolean lodge_recorder_make_pipeline (LodgeRecorder *self, const char *path, GError **error);
/* Whether what is needed is there; FALSE with one sentence on what to install. */
gboolean lodge_recorder_check (GError **error);

/* lodge-recorder-picture.c */
/* The size that a picture has in the recording. */
void lodge_recorder_get_size (LodgeRecorder *self, int *out_width, int *out_height);
void lodge_recorder_connect_picture (LodgeRecorder *self);
void lodge_recorder_disconnect_picture (LodgeRecorder *self);
/* Begins to take pictures with the one there is. */
void lodge_recorder_begin_pictures (LodgeRecorder *self);
/* At the end. @current: with what has changed since the last one */
void lodge_recorder_end_pictures (LodgeRecorder *self, gboolean current);
void lodge_recorder_clear_pictures (LodgeRecorder *self);

/* lodge-recorder-sound.c */
void lodge_recorder_begin_sound (LodgeRecorder *self);
void lodge_recorder_end_sound (LodgeRecorder *self);
void lodge_recorder_clear_sound (LodgeRecorder *self);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One window's recording of what it shows: its buttons with the time while it goes on, and the end.
 *
 * It outlives its window: this process stays until the file is complete.
 */
#pragma once

#include "console/lodge-recorder.h"
#include "gtk/lodge-display.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct _LodgeRecording LodgeRecording;

/* The window's parts, all lent. */
typedef struct {
  GtkWidget *button; /* (nullable): in its header, seen while it is recorded */
  GtkLabel *time;    /* (nullable): in that */
  GtkWidget *pill;   /* over the picture, where there is no header */
  GtkLabel *pill_time;
  LodgeDisplay *display; /* shows what is recorded; reads what a graphics card has of it */
  gboolean (*hides_header) (gpointer user_data);
  /* It has begun, or shall end, or has ended. */
  void (*changed) (gpointer user_data);
  gpointer user_data;

  /* It has ended, by itself with an error. @user_data: NULL when the recording was freed before.
   * @file: where what was recorded is; NULL: it is nowhere. Not called when @owner is gone. */
  void (*ended) (GObject *owner, gpointer user_data, GFile *file, const GError *error);
  GObject *owner;
} LodgeRecordingParts;

/* @parts: copied */
LodgeRecording *lodge_recording_new (const LodgeRecordingParts *parts);
/* What is recorded is completed afterwards. */
void lodge_recording_free (LodgeRecording *self);

/* @what: what the file is named by. Errors: those of lodge_recorder_new(), and %LODGE_ERROR_HOST
 * where the display cannot show the guest's picture. */
gboolean lodge_recording_begin (LodgeRecording *self,
                                const char *what,
                                LodgeFrameSource *source,
                                LodgeSound *sound,
                                GError **error);
void lodge_recording_stop (LodgeRecording *self);

/* Whether there is one whose file is not complete; and whether it goes on. */
gboolean lodge_recording_is_there (LodgeRecording *self);
gboolean lodge_recording_goes_on (LodgeRecording *self);

/* While it goes on: see lodge_recorder_set_source() and lodge_recorder_set_paused(). */
void lodge_recording_follow (LodgeRecording *self, LodgeFrameSource *source, gboolean paused);
/* The header has come or gone. */
void lodge_recording_show (LodgeRecording *self);

G_END_DECLS

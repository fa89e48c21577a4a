/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest of a SPICE server that is recorded. Within spice_fixture_run(). */
#pragma once

#include "console/lodge-console-session.h"
#include "console/lodge-recorder-private.h"

#include "recording.h"
#include "spice-fixture-sound.h"

G_BEGIN_DECLS

typedef struct {
  SpiceFixture *server;
  SpiceFixtureSound *card;
  LodgeSound *sound;
  LodgeConsoleSession *session;
  LodgeRecorder *recorder;
  LodgeRecorderReader reader; /* of the next one; none at first */
  char *folder;               /* a new one */
  char *path;                 /* of the recording */
  guint ended;
  GError *error; /* with which it ended */
} RecorderFixture;

void recorder_fixture_set_up (RecorderFixture *self, int width, int height);
void recorder_fixture_tear_down (RecorderFixture *self);

void recorder_fixture_begin (RecorderFixture *self);
/* Waits for the end, and reads the file. */
Recording *recorder_fixture_end (RecorderFixture *self);
void recorder_fixture_wait_ended (RecorderFixture *self);

/* Until the guest's picture has come as far as its last corner, which is of this color. */
void recorder_fixture_wait_color (RecorderFixture *self, guint32 rgb);
/* All of the guest's picture in one color. Returns: a moment in the recording when it is shown. */
gint64 recorder_fixture_fill (RecorderFixture *self, guint32 rgb);
/* Returns: a moment when all that has changed until now is shown. */
gint64 recorder_fixture_settle (RecorderFixture *self);
/* Until the recording is so long. */
void recorder_fixture_wait_length (RecorderFixture *self, gint64 length_ms);

G_END_DECLS

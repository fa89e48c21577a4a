/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console's session with a server that says again what it once said, and all that there is to see
 * of it. */
#pragma once

#include "console/lodge-console-session.h"

#include "spice-recording.h"

G_BEGIN_DECLS

typedef enum {
  HOSTILE_PICTURES, /* with a cursor, several monitors and a clipboard, in one compression */
  HOSTILE_SOUND,    /* it plays and records */
  HOSTILE_SCANOUT,  /* a picture in a graphics card's memory */
  HOSTILE_SHARING,  /* a file, and what the guest has copied, through its agent */
} HostileKind;

typedef struct {
  gboolean ended;
  guint64 sum; /* of all that was shown, so that all of it is read */
  guint frames;
  guint scanouts; /* frames in a graphics card's memory */
  guint damages;  /* of those */
  guint played;   /* times that sound came */
  guint recorded; /* times that the guest began to record */
  guint copied;   /* files that the guest's agent has taken */
  guint read;     /* clipboards of the guest's */
} HostileSeen;

/* What there is to see of a session without changes. */
gboolean hostile_seen_is_enough (HostileKind kind, const HostileSeen *seen);

/* Makes a session ready for one of that kind: it takes part in the clipboard, has @sound, and sends
 * @file once that can be sent. Before it is opened. */
void hostile_session_prepare (LodgeConsoleSession *session,
                              HostileKind kind,
                              LodgeSound *sound,
                              const char *file);
/* Until its end. @seed: of what is changed in the recording; 0: nothing */
void hostile_session_run (
    SpiceRecording *recording, HostileKind kind, guint32 seed, const char *file, HostileSeen *seen);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a real SPICE server says to its client, kept channel by channel and message by message, and
 * said again, also with something wrong in it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SpiceRecording SpiceRecording;

/* @open: a LodgeConsoleOpen, of the server */
SpiceRecording *spice_recording_new (int (*open) (gpointer data), gpointer data);
/* When the client has gone. */
void spice_recording_free (SpiceRecording *self);

/* A LodgeConsoleOpen: a connection to the server of which all that the server says is kept. */
int spice_recording_open (gpointer self);
/* When the client and the server have gone: waits for the connections' ends, and takes apart what
 * was kept. Returns: how many messages there are. */
guint spice_recording_finish (SpiceRecording *self);

/* Keeps what was recorded in a file, for other processes. */
void spice_recording_save (SpiceRecording *self, const char *path);
SpiceRecording *spice_recording_load (const char *path);

/* The recorded server, for one client. */
typedef struct _SpicePlayer SpicePlayer;

/* @seed: what is changed, and how; 0: nothing, and the connections stay until spice_player_end() */
SpicePlayer *spice_player_new (SpiceRecording *recording, guint32 seed);
/* The client has seen enough of what was not changed. */
void spice_player_end (SpicePlayer *self);
/* Waits for its connections' ends. */
void spice_player_free (SpicePlayer *self);
/* A LodgeConsoleOpen. */
int spice_player_open (gpointer self);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What recording a server and playing it again share.
 *
 * Each connection has a thread of its own, with blocking calls: the client runs on the main
 * context. Numbers on the wire are little endian; sizes and places are those of spice/protocol.h.
 */
#pragma once

#include "spice-recording.h"

G_BEGIN_DECLS

#define MINI_HEADER_SIZE 6

typedef struct {
  guint8 type;
  guint8 id;
  int client; /* our ends, while it is recorded */
  int server;
  GThread *thread;
  GByteArray *said;
  GArray *descriptors; /* guint32: where in it bytes are that came with one */
  GPtrArray *parts;    /* GBytes: the link's two parts, then each message with its header; and by
                        * itself each byte that came with a descriptor */
} SpiceRecordingChannel;

struct _SpiceRecording {
  int (*open) (gpointer data);
  gpointer data;
  GPtrArray *channels;
};

/* FALSE: the other end has gone. */
gboolean spice_recording_send (int fd, gconstpointer data, gsize size);
/* @data: what goes with the descriptor @given */
gboolean spice_recording_send_with (int fd, gconstpointer data, gsize size, int given);
/* Reads what a client says first, and keeps it in @link: which channel it wants. */
gboolean spice_recording_receive_link (int fd, GByteArray *link, guint8 *type, guint8 *id);

G_END_DECLS

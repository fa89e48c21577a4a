/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wire to the guest: spice-webdavd in it puts the connections of its programs into one stream,
 * and this takes them apart again.
 *
 * A frame is the client's number as a signed 64-bit integer, the length as an unsigned 16-bit one,
 * both little-endian, and as many bytes. The guest chooses the numbers; one that is not known is a
 * new connection, and length 0 says that it has ended, either way.
 *
 * Owns: the wire and the connections. Never: holds more than one frame of a connection, each way;
 * what the guest does not take stays where it is, up to the file.
 */
#pragma once

#include "sharing/share/server.h"

G_BEGIN_DECLS

typedef struct _ShareMux ShareMux;

/* What a file manager opens is below ten. Another one is told that it has ended. */
#define SHARE_MUX_MAX_CLIENTS 64

typedef void (*ShareMuxEnded) (gpointer user_data);

/* Takes @fd, a connected stream socket. @server stays the caller's and lives longer. @ended is
 * called once, when the wire is gone. */
ShareMux *share_mux_new (
    int fd, ShareServer *server, ShareMuxEnded ended, gpointer user_data, GError **error);

G_END_DECLS

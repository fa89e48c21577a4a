/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wire to QEMU: Ethernet frames on a stream socket, each behind its length as a 32-bit
 * big-endian number (net/stream.c in QEMU).
 *
 * Owns: the socket and both buffers. Never: waits. What does not fit on the way to the guest is
 * dropped and counted, as a switch does; TCP sends it again.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _UsernetWire UsernetWire;

/* A guest chooses what comes over the wire. A longer frame than this is not one that any network
 * card of QEMU makes (64 KiB of IP and the Ethernet header): it is skipped. */
#define USERNET_WIRE_FRAME_MAX_BYTES 65550
/* And past this it is not QEMU that speaks: the wire ends. */
#define USERNET_WIRE_SKIP_MAX_BYTES (1024 * 1024)

/* @frame may be changed in place. */
typedef void (*UsernetWireFrame) (guint8 *frame, gsize size_bytes, gpointer user_data);

typedef struct {
  guint64 frames_in;
  guint64 frames_out;
  guint64 skipped_in;  /* too long or too short to be a frame */
  guint64 dropped_out; /* the guest did not read fast enough */
} UsernetWireCounters;

/* Takes @fd, a connected stream socket. */
UsernetWire *usernet_wire_new (int fd);
void usernet_wire_free (UsernetWire *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (UsernetWire, usernet_wire_free)

int usernet_wire_get_fd (UsernetWire *self);
const UsernetWireCounters *usernet_wire_get_counters (UsernetWire *self);
/* Something waits to be sent: poll for POLLOUT too. */
gboolean usernet_wire_has_pending (UsernetWire *self);

/* Reads what is there and gives each whole frame away. %FALSE: the wire has ended. */
gboolean usernet_wire_read (UsernetWire *self, UsernetWireFrame frame, gpointer user_data);
/* Sends what waits. %FALSE: the wire has ended. */
gboolean usernet_wire_flush (UsernetWire *self);
/* Sends a frame, or drops it. */
void usernet_wire_send (UsernetWire *self, const guint8 *frame, gsize size_bytes);

G_END_DECLS

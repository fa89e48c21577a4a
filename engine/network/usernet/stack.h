/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libslirp, with the wire on one side and the host's sockets on the other.
 *
 * Owns: the Slirp, its timers, the filter, the table of forwards. Never: waits; the main loop asks
 * which descriptors to wait for and says which are ready.
 */
#pragma once

#include "network/usernet/filter.h"
#include "network/usernet/wire.h"

#include <poll.h>

G_BEGIN_DECLS

typedef struct {
  gboolean udp;
  struct sockaddr_storage address; /* with the port */
  guint16 host_port;
  guint16 guest_port;
} UsernetForward;

/* @address is a number ("127.0.0.1", "::1"). %FALSE when it is not, or a port is 0, or for UDP from
 * an IPv6 address: a datagram that comes before the guest has an address of its own makes libslirp
 * send an error about a packet that it does not have, and fall (sorecvfrom() in its socket.c). */
gboolean usernet_forward_set (
    UsernetForward *self, gboolean udp, const char *address, guint16 host_port, guint16 guest_port);
/* "tcp:127.0.0.1:2222:22". Transfer full. */
char *usernet_forward_format (const UsernetForward *self);

typedef struct _UsernetStack UsernetStack;

/* @wire stays the caller's and lives longer. */
UsernetStack *usernet_stack_new (UsernetWire *wire);
void usernet_stack_free (UsernetStack *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (UsernetStack, usernet_stack_free)

const UsernetFilterCounters *usernet_stack_get_counters (UsernetStack *self);

/* Adds what to wait for to @polls (element-type struct pollfd) and shortens @timeout_ms. */
void usernet_stack_fill (UsernetStack *self, GArray *polls, guint32 *timeout_ms);
/* After the wait. @polls as filled. */
void usernet_stack_dispatch (UsernetStack *self, GArray *polls);
/* A frame from the guest, which may be changed in place. */
void usernet_stack_input (UsernetStack *self, guint8 *frame, gsize size_bytes);

/* 0, or why not, as an errno. */
int usernet_stack_add_forward (UsernetStack *self, const UsernetForward *forward);
/* %FALSE when there is no such forward. Connections made through it go on. */
gboolean usernet_stack_remove_forward (UsernetStack *self, const UsernetForward *forward);
/* Lent (element-type UsernetForward), in the order of adding. */
GArray *usernet_stack_get_forwards (UsernetStack *self);

G_END_DECLS

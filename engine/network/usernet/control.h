/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control socket: one JSON object a line, each way.
 *
 *     {"id":"1","do":"list"}
 *         {"id":"1","forwards":["tcp:127.0.0.1:2222:22"]}
 *     {"id":"2","do":"add","protocol":"tcp","address":"127.0.0.1","port":"2222","guest-port":"22"}
 *         {"id":"2"}
 *     {"id":"3","do":"remove", ... as for add}
 *         {"id":"3","error":"not-found","detail":"..."}
 *     {"id":"4","do":"count"}
 *         {"id":"4","frames-in":12,"dhcp-answers":2, ...}
 *     {"id":"5","do":"stop"}
 *
 * The values of a question are strings, so that GVariant's text format reads it and this program,
 * which a guest may take over, needs no JSON library. "id" is the asker's and comes back with the
 * answer. Errors: duplicate (the same address and port is forwarded already),
 * exists (the port is in use on the host), denied, no-address, full, not-found, invalid, failed.
 *
 * Owns: the listening socket, made by the engine, and its clients. Never: waits; a client that
 * sends too long a line or does not read its answers is closed.
 */
#pragma once

#include "network/usernet/stack.h"

G_BEGIN_DECLS

#define USERNET_CONTROL_LINE_MAX_BYTES 4096

typedef struct _UsernetControl UsernetControl;

/* Takes @fd, a bound unix socket. @stack and @wire stay the caller's and live longer. */
UsernetControl *usernet_control_new (int fd, UsernetStack *stack, UsernetWire *wire);
void usernet_control_free (UsernetControl *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (UsernetControl, usernet_control_free)

/* Adds what to wait for to @polls (element-type struct pollfd). */
void usernet_control_fill (UsernetControl *self, GArray *polls);
/* After the wait. %FALSE: somebody asked the program to stop. */
gboolean usernet_control_dispatch (UsernetControl *self, GArray *polls);

G_END_DECLS

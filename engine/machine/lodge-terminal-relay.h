/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between one of QEMU's text consoles (a serial port, the monitor) and whoever looks at it.
 *
 * QEMU's socket serves one client, keeps nothing while there is none, and leaves a second client
 * waiting without a word. So the engine is that client, remembers the last of what was written, and
 * serves any number of clients: each is first told what is remembered. Bytes are passed on and
 * never looked at.
 *
 * Never: lets a client hold up the guest. One that reads too slowly misses something, and is told
 * in a line of its own how much.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is remembered. */
#define LODGE_TERMINAL_RELAY_HISTORY_BYTES (512 * 1024)
/* How many may look at one console. */
#define LODGE_TERMINAL_RELAY_CLIENTS 16

typedef struct _LodgeTerminalRelay LodgeTerminalRelay;

/**
 * lodge_terminal_relay_new:
 * @qemu_socket: where QEMU listens; in a folder that a QEMU that was taken over can change
 * @qemu: the process that must be the one that listens there; 0: any
 * @path: where to serve clients; in a folder that QEMU cannot see
 *
 * Errors: %LODGE_ERROR_FAILED
 */
LodgeTerminalRelay *
lodge_terminal_relay_new (const char *qemu_socket, GPid qemu, const char *path, GError **error);
/* Passes on what QEMU wrote last, as far as that goes without waiting, and ends every connection.
 * Removes the socket. */
void lodge_terminal_relay_free (LodgeTerminalRelay *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeTerminalRelay, lodge_terminal_relay_free)

/* Lent. */
const char *lodge_terminal_relay_get_path (LodgeTerminalRelay *self);

G_END_DECLS

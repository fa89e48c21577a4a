/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of a connection to a SPICE server, which takes a while: libspice-server 0.15, and with it
 * the guest's QEMU, crashes where a client's channels end in the wrong moment.
 *
 * A program whose GApplication would end meanwhile is held until it is done. One without runs the
 * default main context while lodge_console_session_is_ending() says so.
 */
#pragma once

#include <spice-client.h>

G_BEGIN_DECLS

/* To be called for each channel that is connected, before it is. */
void lodge_console_ending_watch (SpiceChannel *channel);

/* Consumes @spice, whose channels nobody listens to any more. */
void lodge_console_ending_begin (SpiceSession *spice);

/* How many were begun and are not done. */
guint lodge_console_ending_get_n (void);

G_END_DECLS

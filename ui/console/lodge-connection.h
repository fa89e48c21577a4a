/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection to the engine that is made again whenever it breaks.
 *
 * Owns: the LodgeClient of a window. Never: shows anything; windows bind to its properties.
 */
#pragma once

#include "lodge-client.h"

G_BEGIN_DECLS

#define LODGE_TYPE_CONNECTION (lodge_connection_get_type ())
G_DECLARE_FINAL_TYPE (LodgeConnection, lodge_connection, LODGE, CONNECTION, GObject)

/* Properties
 *   "client" (LodgeClient, read): NULL while there is none; another one after each break
 *   "problem" (string, read): one sentence while the engine cannot be reached, else NULL
 */
LodgeConnection *lodge_connection_new (void);

/* The first attempt; later ones come by themselves. Again while it is running: no effect. */
void lodge_connection_open (LodgeConnection *self);
/* Does not wait for the next attempt. */
void lodge_connection_retry (LodgeConnection *self);

/* Lent, or NULL. */
LodgeClient *lodge_connection_get_client (LodgeConnection *self);
const char *lodge_connection_get_problem (LodgeConnection *self);

G_END_DECLS

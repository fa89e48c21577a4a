/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine on the wire: its socket, its clients, and which objects they see. */
#pragma once

#include "machine/lodge-library.h"

G_BEGIN_DECLS

#define LODGE_TYPE_SERVICE (lodge_service_get_type ())
G_DECLARE_FINAL_TYPE (LodgeService, lodge_service, LODGE, SERVICE, GObject)

/* Signals: "quit" (): a client asked for it, or nothing is left to do */

/**
 * lodge_service_new:
 * @library: what is served
 * @idle_exit_s: ends after so many seconds without client, live machine or job; 0 never
 *
 * Binds the engine's socket. The caller holds the lock that lodge_service_lock() gave.
 *
 * Errors: %LODGE_ERROR_DENIED, %LODGE_ERROR_FAILED.
 */
LodgeService *lodge_service_new (LodgeLibrary *library, guint idle_exit_s, GError **error);

/* Takes the lock that makes this process the only engine of this user, by flock on engine.lock in
 * the runtime folder. Returns the descriptor; -1 with %LODGE_ERROR_EXISTS when another engine has
 * it. */
int lodge_service_lock (GError **error);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client's connection to the engine of this user, which is started when it is not there. */
#pragma once

#include "lodge-contract-generated.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_CLIENT (lodge_client_get_type ())
G_DECLARE_FINAL_TYPE (LodgeClient, lodge_client, LODGE, CLIENT, GObject)

#define LODGE_CLIENT_ENGINE_PATH "/org/lodgevm/Engine"
#define LODGE_CLIENT_HOST_PATH   "/org/lodgevm/Host"
/* What a client of this build understands; compared with Engine1.ApiVersion on connecting. */
#define LODGE_CLIENT_API_VERSION 4

/* How long a call may take: a start on a busy computer, or the measuring of a host, takes longer
 * than the 25 s that GDBus allows. */
#define LODGE_CLIENT_CALL_LIMIT_S 120

/**
 * LodgeClientFlags:
 * @LODGE_CLIENT_FLAGS_NO_START: a missing engine is %LODGE_ERROR_NOT_FOUND, and not started
 * @LODGE_CLIENT_FLAGS_ANY_VERSION: also an engine of another API version; only for
 *   Engine1.Version and Engine1.Quit, which never change
 */
typedef enum {
  LODGE_CLIENT_FLAGS_NONE = 0,
  LODGE_CLIENT_FLAGS_NO_START = 1 << 0,
  LODGE_CLIENT_FLAGS_ANY_VERSION = 1 << 1,
} LodgeClientFlags;

/**
 * lodge_client_connect_async:
 * @flags: whether a missing engine may be started
 *
 * Connects to the engine's socket; without an answer the engine is started (its systemd user unit
 * where that is installed and a user manager runs, else a detached process) and tried again for at
 * most five seconds ($LODGE_ENGINE_TIMEOUT seconds where set). With $LODGE_ENGINE_SOCKET, the path
 * of a socket that leads to another computer's or user's engine, nothing is ever started.
 *
 * To be called from the main context's thread: the signals of the client arrive there.
 *
 * Errors: %LODGE_ERROR_HOST when the engine cannot be started (the message names the program),
 * %LODGE_ERROR_NOT_FOUND when there is none and none may be started, %LODGE_ERROR_TIMEOUT,
 * %LODGE_ERROR_INVALID when the running engine speaks another API version, %LODGE_ERROR_DENIED,
 * %LODGE_ERROR_CANCELLED.
 */
void lodge_client_connect_async (LodgeClientFlags flags,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
LodgeClient *lodge_client_connect_finish (GAsyncResult *result, GError **error);

/* The same, waiting; for command-line programs that have no main loop yet. */
LodgeClient *
lodge_client_connect_sync (LodgeClientFlags flags, GCancellable *cancellable, GError **error);

/* Lent; valid while the client lives. Emits "closed" (no arguments) when the engine went away:
 * make a new client. */
GDBusConnection *lodge_client_get_connection (LodgeClient *self);
LodgeEngine1 *lodge_client_get_engine (LodgeClient *self);
LodgeHost1 *lodge_client_get_host (LodgeClient *self);

/**
 * lodge_client_open_machine_async:
 * @machine: a UUID or a name
 *
 * Opens the machine's full object. Errors: those of Engine1.OpenMachine.
 */
void lodge_client_open_machine_async (LodgeClient *self,
                                      const char *machine,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
/* Returns: (transfer full) */
LodgeMachine1 *
lodge_client_open_machine_finish (LodgeClient *self, GAsyncResult *result, GError **error);
LodgeMachine1 *lodge_client_open_machine_sync (LodgeClient *self,
                                               const char *machine,
                                               GCancellable *cancellable,
                                               GError **error);

G_END_DECLS

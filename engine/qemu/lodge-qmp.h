/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QMP, asynchronously: one connection to one QEMU (docs/interop/qmp-spec in QEMU).
 *
 * Owns: the socket. Never: trusts an answer's shape; what QEMU says may come from a guest that took
 * it over. Lines over 4 MiB, nesting over 64 levels and unasked answers end the connection.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define LODGE_TYPE_QMP (lodge_qmp_get_type ())
G_DECLARE_FINAL_TYPE (LodgeQmp, lodge_qmp, LODGE, QMP, GObject)

/* Signals
 *   "event" (const char *name, JsonObject *data): data is never NULL
 *   "closed" (): once; every command under way has ended with %LODGE_ERROR_FAILED before
 */

/**
 * lodge_qmp_connect_async:
 * @socket_path: a unix socket; tried again every few milliseconds while it does not exist yet or
 *   refuses, as long as @timeout_ms allows and @alive (a pid, or 0) lives
 *
 * Connects, reads the greeting, negotiates capabilities.
 *
 * Errors: %LODGE_ERROR_TIMEOUT, %LODGE_ERROR_FAILED (it died, or is no QMP server),
 * %LODGE_ERROR_CANCELLED.
 */
void lodge_qmp_connect_async (const char *socket_path,
                              guint timeout_ms,
                              GPid alive,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
/**
 * lodge_qmp_connect_started_async:
 * @hello: (nullable): connected to another monitor of the same QEMU, non-blocking; a reference is
 *   held, and it is shut down, until the end
 *
 * The same for who has just started QEMU: what @hello says tells when @socket_path can be connected
 * to.
 */
void lodge_qmp_connect_started_async (GSocket *hello,
                                      const char *socket_path,
                                      guint timeout_ms,
                                      GPid alive,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
LodgeQmp *lodge_qmp_connect_finish (GAsyncResult *result, GError **error);

/**
 * lodge_qmp_execute_async:
 * @command: "query-status"
 * @arguments: (transfer full) (nullable): becomes part of the request
 * @timeout_ms: 0 for the usual 10 s
 *
 * Errors: %LODGE_ERROR_FAILED with QEMU's own description, %LODGE_ERROR_TIMEOUT (the answer is
 * dropped when it comes), %LODGE_ERROR_CANCELLED, %LODGE_ERROR_INVALID when an argument is not
 * UTF-8.
 */
void lodge_qmp_execute_async (LodgeQmp *self,
                              const char *command,
                              JsonObject *arguments,
                              guint timeout_ms,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
/* Returns: (transfer full): the answer's "return" */
JsonNode *lodge_qmp_execute_finish (LodgeQmp *self, GAsyncResult *result, GError **error);

/* Like execute, with a descriptor (for getfd and add-fd); @fd is duplicated. */
void lodge_qmp_execute_with_fd_async (LodgeQmp *self,
                                      const char *command,
                                      JsonObject *arguments,
                                      int fd,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);

/* Arguments that are all strings: name, value, ..., NULL. Transfer full, to execute. */
JsonObject *lodge_qmp_arguments (const char *first_name, ...) G_GNUC_NULL_TERMINATED;

/* The host pid of the QEMU at the other end (SO_PEERCRED), also when it has a pid namespace; 0
 * when it cannot be seen from here. */
GPid lodge_qmp_get_pid (LodgeQmp *self);
gboolean lodge_qmp_is_closed (LodgeQmp *self);
void lodge_qmp_close (LodgeQmp *self);

G_END_DECLS

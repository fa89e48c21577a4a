/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The user network of one NIC: the process lodge-usernet (libslirp) beside QEMU, seen from the
 * engine.
 *
 * Theory of operation: the engine makes a socketpair; QEMU gets one end (-netdev stream), the
 * network process the other, and they speak Ethernet frames behind a 32-bit length. The process
 * listens on a control socket in the machine's runtime folder, so that an engine that starts later
 * finds it again. It exits when QEMU closes the wire. The guest reaches the outside and nothing on
 * the host's loopback; what may come in is said by forwards.
 */
#pragma once

#include "network/lodge-forward.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_USER_NETWORK (lodge_user_network_get_type ())
G_DECLARE_FINAL_TYPE (LodgeUserNetwork, lodge_user_network, LODGE, USER_NETWORK, GObject)

/* Signals
 *   "closed" (): once; the process is gone, and every request under way has ended with
 *     %LODGE_ERROR_FAILED before
 */

/**
 * lodge_user_network_prepare:
 * @nic_id: names its sockets and log
 * @runtime_folder: the machine's
 * @out_wire: QEMU's end; the caller's
 *
 * Makes the sockets and the log. QEMU can be started with them, and what the guest sends waits in
 * the wire until lodge_user_network_run(); so that the one starts while the other does.
 *
 * Errors: %LODGE_ERROR_FAILED, also when one of that name runs already.
 */
LodgeUserNetwork *lodge_user_network_prepare (const char *nic_id,
                                              const char *runtime_folder,
                                              int *out_wire,
                                              GError **error);

/**
 * lodge_user_network_run:
 * @self: prepared, and not run yet
 * @unit: its systemd scope
 * @forwards: (nullable): rules; one whose port cannot be had is left out and named in @out_note
 * @out_note: (nullable): one sentence, or %NULL
 *
 * Does not wait for the process: what is asked of it before it listens is answered when it does.
 * Should it not come up, "closed" says so and QEMU's wire has no other end.
 *
 * Errors: those of lodge_launch().
 */
gboolean lodge_user_network_run (LodgeUserNetwork *self,
                                 const char *unit,
                                 gboolean contained,
                                 const char *const *forwards,
                                 char **out_note,
                                 GError **error);

/* Both at once. */
LodgeUserNetwork *lodge_user_network_start (const char *nic_id,
                                            const char *runtime_folder,
                                            const char *unit,
                                            gboolean contained,
                                            const char *const *forwards,
                                            int *out_wire,
                                            char **out_note,
                                            GError **error);

/* The one an earlier engine started; %LODGE_ERROR_NOT_FOUND. */
LodgeUserNetwork *
lodge_user_network_find (const char *nic_id, const char *runtime_folder, GError **error);

/* %LODGE_ERROR_EXISTS, %LODGE_ERROR_DENIED (port below 1024), %LODGE_ERROR_INVALID,
 * %LODGE_ERROR_TIMEOUT. */
void lodge_user_network_add_forward_async (LodgeUserNetwork *self,
                                           const char *rule,
                                           GCancellable *cancellable,
                                           GAsyncReadyCallback callback,
                                           gpointer user_data);
/* %LODGE_ERROR_NOT_FOUND. */
void lodge_user_network_remove_forward_async (LodgeUserNetwork *self,
                                              const char *rule,
                                              GCancellable *cancellable,
                                              GAsyncReadyCallback callback,
                                              gpointer user_data);
/* For both. */
gboolean lodge_user_network_finish (LodgeUserNetwork *self, GAsyncResult *result, GError **error);

/* What the process forwards now. */
void lodge_user_network_list_forwards_async (LodgeUserNetwork *self,
                                             GCancellable *cancellable,
                                             GAsyncReadyCallback callback,
                                             gpointer user_data);
/* Returns: (transfer full): rules in full, NULL last. */
char **lodge_user_network_list_forwards_finish (LodgeUserNetwork *self,
                                                GAsyncResult *result,
                                                GError **error);

gboolean lodge_user_network_is_closed (LodgeUserNetwork *self);

/* Ends the process, for a machine that did not come to start. */
void lodge_user_network_stop (LodgeUserNetwork *self);

G_END_DECLS

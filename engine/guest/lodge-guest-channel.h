/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The channel to qemu-guest-agent in a guest: one command and its answer after the other (QEMU,
 * qga/qapi-schema.json).
 *
 * Owns: the socket, from opening to its last reference. Never: believes an answer's shape, length
 * or time; the guest is hostile, and may answer anything or nothing.
 */
#pragma once

#include "qemu/lodge-qmp-message.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_GUEST_CHANNEL (lodge_guest_channel_get_type ())
G_DECLARE_FINAL_TYPE (LodgeGuestChannel, lodge_guest_channel, LODGE, GUEST_CHANNEL, GObject)

LodgeGuestChannel *lodge_guest_channel_new (void);

/**
 * lodge_guest_channel_open_async:
 * @socket_path: where QEMU serves the agent's channel; one at a time can have it
 * @qemu: who has to be there, or 0 where that cannot be told
 *
 * Connects, and skips what an earlier conversation has left. Once.
 *
 * Errors: %LODGE_ERROR_FAILED (nobody is there, or it went, or said too much), %LODGE_ERROR_TIMEOUT
 * (there is no agent, or it is busy).
 */
void lodge_guest_channel_open_async (LodgeGuestChannel *self,
                                     const char *socket_path,
                                     GPid qemu,
                                     guint patience_ms,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean
lodge_guest_channel_open_finish (LodgeGuestChannel *self, GAsyncResult *result, GError **error);

/**
 * lodge_guest_channel_ask_async:
 * @arguments: (transfer full) (nullable)
 * @most_bytes: that the answer may have
 *
 * One at a time. What failed is out of step, and fails from then on.
 *
 * Errors: as above; and %LODGE_ERROR_FAILED for what is no answer. An error of the agent's own is
 * an answer.
 */
void lodge_guest_channel_ask_async (LodgeGuestChannel *self,
                                    const char *command,
                                    JsonObject *arguments,
                                    gsize most_bytes,
                                    guint patience_ms,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/* Returns: (transfer full): a return or an error */
LodgeQmpMessage *
lodge_guest_channel_ask_finish (LodgeGuestChannel *self, GAsyncResult *result, GError **error);

/* FALSE: something has failed. */
gboolean lodge_guest_channel_is_in_step (LodgeGuestChannel *self);
/* Says it, and waits for nothing: for a channel that is out of step. @arguments: (transfer full) */
void lodge_guest_channel_tell (LodgeGuestChannel *self, const char *command, JsonObject *arguments);

/* From now on nothing is waited for longer than that, what is asked now included. */
void lodge_guest_channel_hurry (LodgeGuestChannel *self, guint patience_ms);

G_END_DECLS

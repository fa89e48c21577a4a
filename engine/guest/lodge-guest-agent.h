/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What qemu-guest-agent in a guest is asked (QEMU, qga/qapi-schema.json): to set its clock. Never:
 * believes what comes back beyond that; the guest is hostile, and may answer anything or nothing.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* No clock is set for less. */
#define LODGE_GUEST_AGENT_FINE_S 5

/* How long a whole conversation may take: a busy guest writes its hardware clock, too. */
extern guint lodge_guest_agent_patience_ms;

/**
 * lodge_guest_agent_set_clock_async:
 * @socket_path: where QEMU serves the agent's channel; one at a time can have it
 * @qemu: who has to be there, or 0 where that cannot be told
 *
 * Looks at the guest's clock and sets it to this computer's where it differs by more than a second.
 * Done once the guest says that its clock is right; of a guest that is too busy for a second's
 * precision, that it is off by less than %LODGE_GUEST_AGENT_FINE_S.
 *
 * Errors: %LODGE_ERROR_FAILED, %LODGE_ERROR_TIMEOUT (there is no agent, or it is busy),
 * %LODGE_ERROR_CANCELLED.
 */
void lodge_guest_agent_set_clock_async (const char *socket_path,
                                        GPid qemu,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
gboolean lodge_guest_agent_set_clock_finish (GAsyncResult *result, GError **error);

G_END_DECLS

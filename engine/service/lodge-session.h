/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the user's session is coming to its end. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * lodge_session_is_ending_async:
 *
 * Asks the user's systemd, on its private socket (the bus may be gone by then), for its state. An
 * engine that gets SIGTERM has to know: restarted by hand or by an update it leaves guests running,
 * at a logout they have to be shut down. Without a user manager: not ending. Limit two seconds.
 */
void lodge_session_is_ending_async (GAsyncReadyCallback callback, gpointer user_data);
gboolean lodge_session_is_ending_finish (GAsyncResult *result);

G_END_DECLS

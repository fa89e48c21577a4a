/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the user's session is coming to its end. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* How long systemd may take to answer. At a logout it has a lot to do at once, and without its
 * answer guests lose power. */
#define LODGE_SESSION_LIMIT_MS 15000

/**
 * lodge_session_is_ending_async:
 *
 * Asks the user's systemd, on its private socket (the bus may be gone by then), for its state. An
 * engine that gets SIGTERM has to know: restarted by hand or by an update it leaves guests running,
 * at a logout they have to be shut down. Without a user manager, or
 * without an answer in %LODGE_SESSION_LIMIT_MS: not ending.
 */
void lodge_session_is_ending_async (GAsyncReadyCallback callback, gpointer user_data);
gboolean lodge_session_is_ending_finish (GAsyncResult *result);

G_END_DECLS

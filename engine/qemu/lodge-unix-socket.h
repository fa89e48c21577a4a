/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Unix sockets that are named by a path: making one, connecting to one. Never waits. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A listening stream socket that only its owner can connect to. What is at @path is removed first:
 * who may live there was looked for before. -1 with %LODGE_ERROR_FAILED. */
int lodge_unix_socket_listen (const char *path, GError **error);

/* Returns: (transfer full): a non-blocking stream socket that is connected, or %NULL with the
 * reason as @out_errno; unix(7) says EAGAIN where the listener's queue is full. */
GSocket *lodge_unix_socket_connect (const char *path, int *out_errno);

G_END_DECLS

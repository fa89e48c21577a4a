/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the engine and its clients meet. */
#pragma once

#include <glib.h>
#include <sys/un.h>

G_BEGIN_DECLS

/* How many bytes the path of a unix socket may have (unix(7): its end is not counted). */
#define LODGE_PATHS_MOST_SOCKET_BYTES (sizeof (((struct sockaddr_un *) NULL)->sun_path) - 1)

/**
 * lodge_paths_dup_runtime:
 *
 * The folder of sockets: $LODGE_RUNTIME_DIR when set (tests), else lodge/ below the user's runtime
 * folder ($XDG_RUNTIME_DIR; the cache folder where there is none).
 *
 * Returns: (transfer full): an absolute path; the folder may not exist yet
 */
char *lodge_paths_dup_runtime (void);

/**
 * lodge_paths_ensure_runtime:
 *
 * Makes the folder of sockets where it is missing, and refuses one that is not a real folder, is
 * somebody else's, or is open to others.
 *
 * Returns: (transfer full): the path, or %NULL with %LODGE_ERROR_DENIED or %LODGE_ERROR_FAILED
 */
char *lodge_paths_ensure_runtime (GError **error);

/**
 * lodge_paths_dup_engine_socket:
 *
 * Returns: (transfer full): the path of the engine's socket
 */
char *lodge_paths_dup_engine_socket (void);

/**
 * lodge_paths_dup_machine_runtime:
 * @uuid: a machine's UUID
 *
 * Returns: (transfer full): the folder of that machine's sockets; 0700, made by the engine
 */
char *lodge_paths_dup_machine_runtime (const char *uuid);

/**
 * lodge_paths_dup_data:
 *
 * Returns: (transfer full): $XDG_DATA_HOME/lodge, where machines are kept
 */
char *lodge_paths_dup_data (void);

/**
 * lodge_paths_dup_helper:
 * @name: of a program of Lodge's own that nobody starts by hand
 *
 * Returns: (transfer full): its path, in $LODGE_LIBEXECDIR when set (the build folder), else where
 * it is installed
 */
char *lodge_paths_dup_helper (const char *name);

G_END_DECLS

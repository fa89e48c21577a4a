/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of a launched program. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Opens @path for appending (0600, never through a link), empties it when it has grown over 1 MiB,
 * and writes the line a new run begins with. The descriptor, close-on-exec, or -1 with
 * %LODGE_ERROR_DENIED, %LODGE_ERROR_FAILED. */
int lodge_launch_log_open (const char *path, const char *program, GError **error);

G_END_DECLS

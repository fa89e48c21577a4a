/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes as people write them: "4G", "512M". One rule for the engine, its files and every client. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * lodge_size_parse:
 * @text: a whole number, alone (bytes) or followed by K, M, G or T (powers of 1024; small letters
 *   too, "4GiB" as well)
 * @out_bytes: (out): written on success only
 *
 * Errors: %LODGE_ERROR_INVALID, naming @text.
 */
gboolean lodge_size_parse (const char *text, guint64 *out_bytes, GError **error);

/**
 * lodge_size_format:
 *
 * Returns: (transfer full): the shortest text that parses to exactly @bytes
 */
char *lodge_size_format (guint64 bytes);

G_END_DECLS

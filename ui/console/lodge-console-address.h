/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a SPICE server that is not one of Lodge's machines is: a URI taken apart. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *host; /* NULL: at @path */
  char *port; /* NULL where there is TLS: then nothing goes unencrypted */
  char *tls_port;
  char *path; /* of a unix socket, absolute */
} LodgeConsoleAddress;

/**
 * lodge_console_address_parse:
 * @uri: "spice://host:5900", "spice://host?tls-port=5901", "spices://host:5901" or
 *   "spice+unix:///path"
 *
 * A port beside a TLS port is left out. Whatever else such a URI may name is refused and not
 * ignored; above all a ticket, which every process of this computer could read there.
 *
 * Returns: (transfer full): or %NULL with %LODGE_ERROR_INVALID
 */
LodgeConsoleAddress *lodge_console_address_parse (const char *uri, GError **error);
LodgeConsoleAddress *lodge_console_address_copy (const LodgeConsoleAddress *self);
void lodge_console_address_free (LodgeConsoleAddress *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeConsoleAddress, lodge_console_address_free)

/* For people: "host:5900", "[::1]:5900", "/path". (transfer full) */
char *lodge_console_address_to_text (const LodgeConsoleAddress *self);

G_END_DECLS

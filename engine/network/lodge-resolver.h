/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host's resolv.conf for contained networks, kept up to date.
 *
 * A computer that changes networks replaces /etc/resolv.conf, or what it links to, by another file.
 * A file bound into a containment stays the old one; a folder shows what is in it now. So a copy is
 * kept in a folder of its own, and that is bound.
 *
 * Owns: the folder "resolver" in the runtime folder, the copy in it, and the watch on the original.
 * Never: changes what the copy says.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_RESOLVER (lodge_resolver_get_type ())
G_DECLARE_FINAL_TYPE (LodgeResolver, lodge_resolver, LODGE, RESOLVER, GObject)

/* The one of this process, which watches as long as somebody holds it. Transfer full; %NULL with
 * %LODGE_ERROR_DENIED when there is no runtime folder. */
LodgeResolver *lodge_resolver_get (GError **error);

/* Lent: for %LODGE_COMMAND_BIND_RESOLVER. */
const char *lodge_resolver_get_folder (LodgeResolver *self);

G_END_DECLS

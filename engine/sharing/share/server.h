/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The WebDAV server of one folder, and the gate before it.
 *
 * libphodav answers; what it does not look at is looked at before it sees a request: names that
 * lead out of the folder or through a link that does, and bodies that nobody needs. The walls
 * around the program hold without the gate; it is what a guest gets a proper answer from.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ShareServer ShareServer;

/* @folder: absolute, as the program sees it. */
ShareServer *share_server_new (const char *folder, gboolean writable, GError **error);
void share_server_free (ShareServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShareServer, share_server_free)

/* Returns: (transfer full): the guest's end of a new HTTP connection */
GIOStream *share_server_connect (ShareServer *self, GError **error);

G_END_DECLS

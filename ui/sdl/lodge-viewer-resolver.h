/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A resolver that knows one host, and asks nobody. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_VIEWER_RESOLVER (lodge_viewer_resolver_get_type ())
G_DECLARE_FINAL_TYPE (LodgeViewerResolver, lodge_viewer_resolver, LODGE, VIEWER_RESOLVER, GResolver)

/* @addresses: (element-type GInetAddress): copied. @error: what is said when there are none */
GResolver *lodge_viewer_resolver_new (const char *host, GList *addresses, const GError *error);

G_END_DECLS

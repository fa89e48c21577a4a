/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a Wayland compositor offers beyond what GTK makes use of.
 *
 * All of it, and all that is made from it, is on GDK's own event queue: nothing waits, and each
 * event comes in the main loop.
 */
#pragma once

#include <gtk/gtk.h>
#include <wayland-client.h>

G_BEGIN_DECLS

typedef struct _LodgeWaylandGlobals LodgeWaylandGlobals;

typedef struct {
  const struct wl_interface *interface;
  guint32 version;        /* that it is used as: a compositor's that is older is none */
  GDestroyNotify destroy; /* of its proxy */
} LodgeWaylandGlobal;

/* @wanted: static
 * @found: called once, when those that there are can be had; not within this call */
LodgeWaylandGlobals *lodge_wayland_globals_new (GdkDisplay *display,
                                                const LodgeWaylandGlobal *wanted,
                                                guint n_wanted,
                                                void (*found) (gpointer user_data),
                                                gpointer user_data);
/* Not within @found; after all that was made from them. */
void lodge_wayland_globals_free (LodgeWaylandGlobals *self);

/* Lent: the proxy of one of those that were wanted; NULL: there is none, or it is not found yet. */
gpointer lodge_wayland_globals_get (LodgeWaylandGlobals *self, guint index);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer of a foreign server asks other programs of this computer for, before it shuts
 * itself off from them: the way to the sound server, and the addresses of the server's host, which
 * the C library may ask a daemon for (of mDNS, of systemd). */
#pragma once

#include "console/lodge-console-address.h"
#include "console/lodge-sound.h"

G_BEGIN_DECLS

typedef struct _LodgeViewerReach LodgeViewerReach;

typedef void (*LodgeViewerReachFunc) (gpointer user_data);

/**
 * lodge_viewer_reach_new:
 * @sound: (nullable)
 *
 * Calls @func once, from the main loop, when all has been asked for and has answered, failed or
 * taken too long. From then on GIO knows the addresses of that host, or why there are none, and of
 * no other. To be freed then, or before.
 */
LodgeViewerReach *lodge_viewer_reach_new (const LodgeConsoleAddress *address,
                                          LodgeSound *sound,
                                          LodgeViewerReachFunc func,
                                          gpointer user_data);
void lodge_viewer_reach_free (LodgeViewerReach *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeViewerReach, lodge_viewer_reach_free)

G_END_DECLS

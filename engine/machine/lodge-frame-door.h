/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a console asks for a monitor's frames: the engine's side of lodge-frames-wire.h.
 *
 * QEMU keeps what it has to say to a listener that does not read, without a limit, and its guest
 * stands still, for a second at most, when that should answer. So a console that does not answer
 * the engine either is taken off QEMU.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* How long a console may not answer; it is asked as often. */
#define LODGE_FRAME_DOOR_PATIENCE_MS 10000

typedef struct _LodgeFrameDoor LodgeFrameDoor;

/* Begins to open the display of @monitor. */
typedef void (*LodgeFrameDoorOpen) (gpointer opener,
                                    guint monitor,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/* Returns: a descriptor, which becomes the caller's, or -1 */
typedef int (*LodgeFrameDoorOpened) (gpointer opener, GAsyncResult *result, GError **error);

/**
 * lodge_frame_door_new:
 * @path: in a folder that QEMU cannot see
 * @opener: a GObject that outlives it, with the two functions
 *
 * Errors: %LODGE_ERROR_FAILED
 */
LodgeFrameDoor *lodge_frame_door_new (const char *path,
                                      guint patience_ms,
                                      gpointer opener,
                                      LodgeFrameDoorOpen open,
                                      LodgeFrameDoorOpened opened,
                                      GError **error);
/* Ends every connection, and those with QEMU that came of them. Removes the socket. */
void lodge_frame_door_free (LodgeFrameDoor *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeFrameDoor, lodge_frame_door_free)

/* Lent. */
const char *lodge_frame_door_get_path (LodgeFrameDoor *self);

G_END_DECLS

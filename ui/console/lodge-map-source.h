/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A frame source fed by QEMU's own memory: org.qemu.Display1.Listener.Unix.Map (QEMU 10,
 * ui/dbus-display1.xml). It has a picture and never a cursor.
 *
 * Owns: the connection with QEMU, and a copy of the picture. Never: waits for QEMU, or reads its
 * memory by other means than read().
 */
#pragma once

#include "console/lodge-frame-source.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_MAP_SOURCE (lodge_map_source_get_type ())
G_DECLARE_FINAL_TYPE (LodgeMapSource, lodge_map_source, LODGE, MAP_SOURCE, GObject)

/* Signal "ended" (): once, when QEMU's picture cannot be had in this way any more: it has closed
 * the connection, shows something that is no memory to map, or said what cannot be. The picture
 * has gone before. */

LodgeMapSource *lodge_map_source_new (void);

/* Once. @fd: connected to QEMU, which knows already what this listener can do. Consumed. */
void lodge_map_source_take_fd (LodgeMapSource *self, int fd);
/* QEMU knows at once that nobody listens any more. No signal. */
void lodge_map_source_close (LodgeMapSource *self);

G_END_DECLS

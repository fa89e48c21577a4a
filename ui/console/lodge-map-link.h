/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console's side of lodge-frames-wire.h: asks the engine for a monitor's frames, and says that it
 * is there for as long as it wants them. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _LodgeMapLink LodgeMapLink;

/* @fd: connected to QEMU, the receiver's to close; -1: there are none now. Called once, and never
 * before lodge_map_link_new() has returned. */
typedef void (*LodgeMapLinked) (int fd, gpointer user_data);

LodgeMapLink *
lodge_map_link_new (const char *path, guint monitor, LodgeMapLinked linked, gpointer user_data);
/* The engine takes the console off QEMU. No further call. */
void lodge_map_link_free (LodgeMapLink *self);

G_END_DECLS

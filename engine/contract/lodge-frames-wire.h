/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes over the socket that Machine1's FramesSocket names: single bytes.
 *
 *   console                     engine
 *     the monitor, from 0 on      ->
 *                               <-  LODGE_FRAMES_OPEN, with a descriptor: D-Bus with QEMU, which
 *                                   calls org.qemu.Display1.Listener and Listener.Unix.Map there
 *                               or  LODGE_FRAMES_SHUT, and the end: not now
 *                               <-  LODGE_FRAMES_ASK, every now and then after that
 *     LODGE_FRAMES_HERE           ->
 *
 * A connection is for one monitor. When it ends, or a question is not answered before the next one,
 * the engine ends the one with QEMU, too.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LODGE_FRAMES_OPEN '+'
#define LODGE_FRAMES_SHUT '-'
#define LODGE_FRAMES_ASK  '?'
#define LODGE_FRAMES_HERE '!'

G_END_DECLS

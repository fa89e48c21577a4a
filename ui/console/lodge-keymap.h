/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the host's key codes to the ones a PC keyboard sends. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The highest Linux key code that has a scan code, plus one. */
#define LODGE_KEYMAP_SIZE 240

/* @evdev: a Linux key code (linux/input-event-codes.h: KEY_A = 30).
 * Returns: its XT set 1 scan code, 0x100 added where 0xe0 goes before it, or 0 for a key that a PC
 * keyboard does not have. */
guint lodge_keymap_scancode (guint evdev);

G_END_DECLS

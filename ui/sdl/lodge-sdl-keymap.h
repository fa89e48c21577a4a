/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From SDL's scan codes to Linux's key codes, which lodge_console_session_key() takes. */
#pragma once

#include <SDL.h>
#include <glib.h>

G_BEGIN_DECLS

/* Returns: a Linux key code (KEY_A = 30), or 0 for a key that has none. */
guint lodge_sdl_keymap_evdev (SDL_Scancode scancode);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SDL's events as a source of GLib's main loop. */
#pragma once

#include <SDL.h>
#include <glib.h>

G_BEGIN_DECLS

typedef void (*LodgeSdlEventFunc) (const SDL_Event *event, gpointer user_data);

/**
 * lodge_sdl_events_new:
 * @window: any window; the source may outlive it
 *
 * Calls @func for each event of SDL, on the thread that made the window. To be attached and
 * destroyed by the caller.
 *
 * Returns: (transfer full)
 */
GSource *lodge_sdl_events_new (SDL_Window *window, LodgeSdlEventFunc func, gpointer user_data);

G_END_DECLS

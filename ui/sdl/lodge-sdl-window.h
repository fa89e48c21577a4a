/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer's window: a guest's picture, or words where there is none, and what keyboard and
 * pointer do in it.
 *
 * All keys are the guest's but F11 (full screen), until Ctrl+Alt is pressed and released: then they
 * are the viewer's, and a line at the foot says what each does. A bare console has no other way
 * out.
 */
#pragma once

#include "console/lodge-console-session.h"

#include <SDL.h>

G_BEGIN_DECLS

#define LODGE_TYPE_SDL_WINDOW (lodge_sdl_window_get_type ())
G_DECLARE_FINAL_TYPE (LodgeSdlWindow, lodge_sdl_window, LODGE, SDL_WINDOW, GObject)

/* Signals
 *   "close" (): the user wants it closed
 *   "key" (int key): a key that is not the guest's, as an SDL_Keycode, was pressed
 *   "size-wanted" (int width, int height): the guest's monitor shall have this size in pixels, or
 *     be off at 0 by 0; there is no agent through which the session could say so
 */

/* To be called before SDL is initialized: what the viewer wants otherwise than games do. */
void lodge_sdl_window_set_hints (void);

/**
 * lodge_sdl_window_new:
 *
 * SDL's video is initialized by the caller.
 *
 * Errors: %LODGE_ERROR_HOST when SDL can make no window, or draw nothing in it.
 */
LodgeSdlWindow *lodge_sdl_window_new (const char *title, gboolean full_screen, GError **error);

void lodge_sdl_window_set_title (LodgeSdlWindow *self, const char *title);
/* The picture and the input's way; NULL: words are shown. @monitor: which one, from 0. */
void
lodge_sdl_window_set_session (LodgeSdlWindow *self, LodgeConsoleSession *session, guint monitor);
/* The guest has ended, and with it what this window has switched on. */
void lodge_sdl_window_forget_switched_on (LodgeSdlWindow *self);
/* The window is about to go: there is no session any more, and the monitor that it has switched on
 * goes off, through "size-wanted" also where the connection is broken. */
void lodge_sdl_window_end (LodgeSdlWindow *self);
/* What is shown while there is no picture. @body may be NULL. */
void lodge_sdl_window_set_words (LodgeSdlWindow *self, const char *heading, const char *body);
/* One line over the picture, as long as it is so; NULL: none. */
void lodge_sdl_window_set_notice (LodgeSdlWindow *self, const char *notice);

/* Lent. */
SDL_Window *lodge_sdl_window_get_window (LodgeSdlWindow *self);
gboolean lodge_sdl_window_get_grabbed (LodgeSdlWindow *self);
/* Whether the keys are the viewer's. */
gboolean lodge_sdl_window_get_left (LodgeSdlWindow *self);
/* The guest's words for what is drawn now: for tests. */
const char *lodge_sdl_window_get_heading (LodgeSdlWindow *self);

G_END_DECLS

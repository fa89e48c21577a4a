/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer's keyboard: whose the keys are, the grab, and the end of both. */
#include "sdl/lodge-sdl-keymap.h"
#include "sdl/lodge-sdl-window-private.h"

#include <string.h>

static gboolean
guest_has_keys (LodgeSdlWindow *self)
{
  return !self->left && lodge_sdl_window_is_connected (self);
}

/* Done when a key is let go of: a window that becomes another size may lose the focus for a moment,
 * and with it what SDL knows of keys that are down. It takes those for new ones then. */
static void
toggle_full_screen (LodgeSdlWindow *self)
{
  const gboolean full = (SDL_GetWindowFlags (self->window) & SDL_WINDOW_FULLSCREEN) != 0;

  SDL_SetWindowFullscreen (self->window, full ? 0 : SDL_WINDOW_FULLSCREEN_DESKTOP);
}

/* A key of the viewer's, by what is printed on it. */
static void
use_key (LodgeSdlWindow *self, SDL_Keycode key)
{
  if (key == SDLK_q) {
    lodge_sdl_window_emit_close (self);
  } else if (key == SDLK_f) {
    return; /* when it is let go of */
  } else if (self->left && (key == SDLK_RETURN || key == SDLK_ESCAPE)) {
    lodge_sdl_window_set_left (self, FALSE);
  } else {
    lodge_sdl_window_emit_key (self, key);
  }
}

void
lodge_sdl_window_key (LodgeSdlWindow *self, const SDL_KeyboardEvent *event)
{
  const guint evdev = lodge_sdl_keymap_evdev (event->keysym.scancode);
  const gboolean pressed = event->state == SDL_PRESSED;
  guint8 *own = &self->own_keys[event->keysym.scancode];

  /* A key that gave the keyboard to the guest is not repeated there while it is still down; and one
   * that is let go of after the keyboard was taken from the guest is let go of there. */
  if (pressed && event->repeat == 0)
    *own = !guest_has_keys (self);
  const gboolean guests = !*own && (guest_has_keys (self) || !pressed);

  if (event->keysym.scancode == SDL_SCANCODE_F11) {
    if (!pressed)
      toggle_full_screen (self);
    return;
  }

  const gboolean leave = event->repeat == 0 && lodge_leave_combo_key (&self->combo, evdev, pressed);
  if (self->session != NULL && guests)
    lodge_console_session_key (self->session, evdev, pressed);
  if (leave && lodge_sdl_window_is_connected (self)) {
    lodge_sdl_window_set_left (self, !self->left);
  } else if (*own && pressed && event->repeat == 0) {
    use_key (self, event->keysym.sym);
  } else if (*own && !pressed && event->keysym.sym == SDLK_f) {
    toggle_full_screen (self);
    lodge_sdl_window_set_left (self, FALSE);
  }
}

void
lodge_sdl_window_sync_locks (LodgeSdlWindow *self)
{
  const SDL_Keymod locks = SDL_GetModState ();

  if (self->focused && self->session != NULL)
    lodge_console_session_sync_locks (self->session, ((locks & KMOD_SCROLL) != 0 ? 1 : 0) |
                                                         ((locks & KMOD_NUM) != 0 ? 2 : 0) |
                                                         ((locks & KMOD_CAPS) != 0 ? 4 : 0));
}

void
lodge_sdl_window_set_focused (LodgeSdlWindow *self, gboolean focused)
{
  self->focused = focused;
  memset (self->own_keys, 0, sizeof self->own_keys);
  self->combo = (LodgeLeaveCombo){0};
  if (focused)
    lodge_sdl_window_sync_locks (self);
  else
    lodge_sdl_window_release (self);
  /* Whoever comes back wants to type. */
  lodge_sdl_window_set_left (self, FALSE);
}

void
lodge_sdl_window_grab (LodgeSdlWindow *self)
{
  if (self->grabbed)
    return;
  self->grabbed = TRUE;
  SDL_SetWindowKeyboardGrab (self->window, SDL_TRUE);
  lodge_sdl_window_update_pointer (self);
  lodge_sdl_window_update_title (self);
}

void
lodge_sdl_window_ungrab (LodgeSdlWindow *self)
{
  if (!self->grabbed)
    return;
  self->grabbed = FALSE;
  SDL_SetWindowKeyboardGrab (self->window, SDL_FALSE);
  lodge_sdl_window_update_pointer (self);
  lodge_sdl_window_update_title (self);
}

void
lodge_sdl_window_release (LodgeSdlWindow *self)
{
  if (self->session != NULL)
    lodge_console_session_release_all (self->session);
  self->swallowed = 0;
  lodge_sdl_window_ungrab (self);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer's pointer: positions, motion, buttons, wheel, and the guest's cursor.
 *
 * As in Lodge's own console: a guest with a tablet takes positions, and its pointer is the host's
 * in the guest's shape. One with a mouse takes motion only: a click gives it the host's pointer,
 * and Ctrl+Alt takes it back.
 */
#include "sdl/lodge-sdl-cursor.h"
#include "sdl/lodge-sdl-window-private.h"

#include <math.h>

gboolean
lodge_sdl_window_pointer_is_relative (LodgeSdlWindow *self)
{
  gboolean absolute = FALSE;

  if (!lodge_sdl_window_is_connected (self))
    return FALSE;
  g_object_get (self->session, "pointer-absolute", &absolute, NULL);
  return !absolute;
}

void
lodge_sdl_window_update_pointer (LodgeSdlWindow *self)
{
  const gboolean relative = self->grabbed && lodge_sdl_window_pointer_is_relative (self);

  /* SDL keeps the pointer in place, counts what is less than a pixel, and puts the pointer back. */
  if (relative != (SDL_GetRelativeMouseMode () == SDL_TRUE))
    SDL_SetRelativeMouseMode (relative ? SDL_TRUE : SDL_FALSE);
  lodge_sdl_window_update_cursor (self);
}

static void
send_position (LodgeSdlWindow *self, int x, int y)
{
  int guest_x, guest_y;

  /* Points outside are moved to the edge: a drag that leaves the window goes on along it. */
  if (self->session != NULL && lodge_display_view_to_guest (&self->view, x, y, &guest_x, &guest_y))
    lodge_console_session_position_on (self->session, self->monitor, guest_x, guest_y);
}

void
lodge_sdl_window_motion (LodgeSdlWindow *self, const SDL_MouseMotionEvent *event)
{
  if (self->session == NULL)
    return;
  if (!lodge_sdl_window_pointer_is_relative (self))
    send_position (self, event->x, event->y);
  else if (self->grabbed && (event->xrel != 0 || event->yrel != 0))
    lodge_console_session_motion (self->session, event->xrel, event->yrel);
}

static LodgeButton
to_button (int button)
{
  switch (button) {
  case SDL_BUTTON_LEFT:
    return LODGE_BUTTON_LEFT;
  case SDL_BUTTON_MIDDLE:
    return LODGE_BUTTON_MIDDLE;
  case SDL_BUTTON_RIGHT:
    return LODGE_BUTTON_RIGHT;
  case SDL_BUTTON_X1:
    return LODGE_BUTTON_SIDE;
  case SDL_BUTTON_X2:
    return LODGE_BUTTON_EXTRA;
  default:
    return 0;
  }
}

void
lodge_sdl_window_button (LodgeSdlWindow *self, const SDL_MouseButtonEvent *event)
{
  const LodgeButton button = to_button (event->button);
  const gboolean was_grabbed = self->grabbed;

  if (!lodge_sdl_window_is_connected (self))
    return;
  if (!lodge_sdl_window_pointer_is_relative (self))
    send_position (self, event->x, event->y);
  if (event->state == SDL_PRESSED) {
    lodge_leave_combo_spoil (&self->combo);
    lodge_sdl_window_set_left (self, FALSE);
    lodge_sdl_window_grab (self);
    /* The guest's pointer is not where the host's is, so what was clicked at is not in the guest.
     */
    if (!was_grabbed && lodge_sdl_window_pointer_is_relative (self)) {
      self->swallowed |= button;
      return;
    }
    self->swallowed &= ~button;
  } else if ((self->swallowed & button) != 0) {
    self->swallowed &= ~button;
    return;
  }
  if (button != 0)
    lodge_console_session_button (self->session, button, event->state == SDL_PRESSED);
}

/* The pointer may be elsewhere by now than the event says. */
static void
send_wheel_position (LodgeSdlWindow *self)
{
  int x, y;

  if (SDL_GetMouseFocus () != self->window || lodge_sdl_window_pointer_is_relative (self))
    return;
  SDL_GetMouseState (&x, &y);
  send_position (self, x, y);
}

void
lodge_sdl_window_wheel (LodgeSdlWindow *self, const SDL_MouseWheelEvent *event)
{
  if (self->session == NULL)
    return;
  /* The pointer may have come here without a motion: with the window, or before the guest. */
  send_wheel_position (self);
  /* SDL's is positive away from the user. */
  lodge_scroll_turn (&self->scroll, self->session, event->preciseX, -event->preciseY);
}

/* ---- cursor */

void
lodge_sdl_window_forget_cursor (LodgeSdlWindow *self)
{
  self->cursor_scale = 0;
  g_clear_pointer (&self->cursor_texture, SDL_DestroyTexture);
}

/* How large one of the guest's pixels is in the pixels that cursors of this host are made of. */
static double
get_cursor_scale (LodgeSdlWindow *self)
{
  if (self->view.view_width < 1)
    return 1;
  return (double) self->view.view_width / self->view.guest_width / self->view.device_scale;
}

static void
set_cursor (LodgeSdlWindow *self, SDL_Cursor *cursor)
{
  SDL_SetCursor (cursor != NULL ? cursor : SDL_GetDefaultCursor ());
  /* Not before another one is set: it may be the one that is shown. */
  g_clear_pointer (&self->cursor, SDL_FreeCursor);
  self->cursor = cursor;
}

void
lodge_sdl_window_update_cursor (LodgeSdlWindow *self)
{
  const double scale = get_cursor_scale (self);
  LodgeCursor cursor;

  /* A guest that has not drawn a cursor yet must not leave the user without any; and one with a
   * mouse has its own, drawn with the picture. */
  if (self->source == NULL || lodge_sdl_window_pointer_is_relative (self) ||
      !lodge_frame_source_get_cursor (self->source, &cursor)) {
    if (self->cursor != NULL)
      set_cursor (self, NULL);
    self->cursor_scale = 0;
    SDL_ShowCursor (SDL_ENABLE);
    lodge_sdl_window_queue_draw (self);
    return;
  }
  SDL_ShowCursor (cursor.rgba != NULL ? SDL_ENABLE : SDL_DISABLE);
  if (cursor.rgba == NULL || self->cursor_scale == scale)
    return;
  set_cursor (self, lodge_sdl_cursor_new (&cursor, scale));
  self->cursor_scale = scale;
}

void
lodge_sdl_window_draw_cursor (LodgeSdlWindow *self)
{
  LodgeCursor cursor;

  if (!self->grabbed || !lodge_sdl_window_pointer_is_relative (self) ||
      !lodge_frame_source_get_cursor (self->source, &cursor) || cursor.rgba == NULL)
    return;
  if (self->cursor_texture == NULL) {
    SDL_Surface *surface = lodge_sdl_cursor_make_surface (&cursor, 1);

    if (surface != NULL)
      self->cursor_texture = SDL_CreateTextureFromSurface (self->renderer, surface);
    SDL_FreeSurface (surface);
    if (self->cursor_texture == NULL)
      return;
    SDL_SetTextureBlendMode (self->cursor_texture, SDL_BLENDMODE_BLEND);
  }

  const double scale = (double) self->view.view_width / self->view.guest_width;
  const SDL_Rect place = {self->view.left + (int) round ((cursor.x - cursor.hot_x) * scale),
                          self->view.top + (int) round ((cursor.y - cursor.hot_y) * scale),
                          MAX (1, (int) round (cursor.width * scale)),
                          MAX (1, (int) round (cursor.height * scale))};
  SDL_RenderCopy (self->renderer, self->cursor_texture, NULL, &place);
}

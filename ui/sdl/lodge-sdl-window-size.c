/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer's window: its size, and the guest's.
 *
 * The window is as large as the picture, where the screen has room for that, until its user makes
 * it another size: from then on the guest follows it, or its picture is made to fit.
 */
#include "sdl/lodge-sdl-window-private.h"

#include "console/lodge-frame-message.h"

/* A window that is being resized is at many sizes in between. */
#define RESIZE_PAUSE_MS 150

/* As the session has it, for guests with an agent. */
#define GUEST_LEAST_WIDTH  320
#define GUEST_LEAST_HEIGHT 200

/* Whether the guest shows something on the monitor. One that is off may have a picture all the
 * same, in which its card says so. */
static gboolean
is_on (LodgeSdlWindow *self)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (self->source, &frame);
  return lodge_frame_is_shown (&frame);
}

static void
ask_guest (LodgeSdlWindow *self, int width, int height)
{
  gboolean can_resize;

  g_object_get (self->session, "can-resize", &can_resize, NULL);
  if (can_resize) {
    lodge_console_session_resize_monitor (self->session, self->monitor, width, height);
    return;
  }
  width = MAX (width, GUEST_LEAST_WIDTH);
  height = MAX (height, GUEST_LEAST_HEIGHT);
  if (width == self->told_width && height == self->told_height)
    return;
  self->told_card = TRUE;
  self->told_width = width;
  self->told_height = height;
  lodge_sdl_window_emit_size_wanted (self, width, height);
}

void
lodge_sdl_window_switch_off (LodgeSdlWindow *self)
{
  if (!self->switched_on || !lodge_sdl_window_is_connected (self))
    return;
  lodge_console_session_resize_monitor (self->session, self->monitor, 0, 0);
  if (self->told_card)
    lodge_sdl_window_emit_size_wanted (self, 0, 0);
  lodge_sdl_window_forget_switched_on (self);
}

void
lodge_sdl_window_end (LodgeSdlWindow *self)
{
  g_return_if_fail (LODGE_IS_SDL_WINDOW (self));

  lodge_sdl_window_set_session (self, NULL, 0);
  if (self->switched_on && self->told_card)
    lodge_sdl_window_emit_size_wanted (self, 0, 0);
  lodge_sdl_window_forget_switched_on (self);
}

void
lodge_sdl_window_forget_switched_on (LodgeSdlWindow *self)
{
  g_return_if_fail (LODGE_IS_SDL_WINDOW (self));

  self->switched_on = self->told_card = FALSE;
}

void
lodge_sdl_window_take_size (LodgeSdlWindow *self)
{
  SDL_Rect room;
  int width, height, output_width, output_height;

  lodge_sdl_picture_get_size (self->picture, &width, &height);
  if (self->sized || width == 0 || !self->looked ||
      SDL_GetDisplayUsableBounds (SDL_GetWindowDisplayIndex (self->window), &room) != 0)
    return;
  lodge_sdl_window_measure (self, &output_width, &output_height);
  self->own_width = CLAMP ((int) (width / self->view.device_scale), LODGE_SDL_WINDOW_LEAST_WIDTH,
                           MAX (room.w, LODGE_SDL_WINDOW_LEAST_WIDTH));
  self->own_height = CLAMP ((int) (height / self->view.device_scale), LODGE_SDL_WINDOW_LEAST_HEIGHT,
                            MAX (room.h, LODGE_SDL_WINDOW_LEAST_HEIGHT));
  SDL_SetWindowSize (self->window, self->own_width, self->own_height);
}

/* A further monitor is off in the guest until it is given a size, which it is once: one that goes
 * dark later has been switched off by the guest. */
static gboolean
resize_cb (gpointer user_data)
{
  LodgeSdlWindow *self = user_data;
  const gboolean first = !self->looked;
  gboolean settled;
  int width, height;

  self->resize_id = 0;
  g_object_get (self->session, "settled", &settled, NULL);
  /* A picture may still be on its way. */
  if (first ? !settled : !lodge_sdl_window_is_connected (self))
    return G_SOURCE_REMOVE;
  const gboolean on = self->monitor == 0 || is_on (self);
  self->looked = TRUE;
  if (on)
    lodge_sdl_window_take_size (self);
  lodge_sdl_window_measure (self, &width, &height);
  /* It was switched on through a connection that broke: what this one does not know to be on, it
   * does not switch off. */
  if (first && on && self->switched_on) {
    ask_guest (self, self->sized ? width : self->view.guest_width,
               self->sized ? height : self->view.guest_height);
    return G_SOURCE_REMOVE;
  }
  if (on ? !self->sized || (width == self->view.guest_width && height == self->view.guest_height)
         : !self->sized && !first)
    return G_SOURCE_REMOVE;
  self->switched_on |= !on;
  ask_guest (self, width, height);
  return G_SOURCE_REMOVE;
}

void
lodge_sdl_window_queue_resize (LodgeSdlWindow *self)
{
  g_clear_handle_id (&self->resize_id, g_source_remove);
  if (self->session != NULL && (self->sized || !self->looked))
    self->resize_id = g_timeout_add (RESIZE_PAUSE_MS, resize_cb, self);
}

void
lodge_sdl_window_size_changed (LodgeSdlWindow *self, int width, int height)
{
  if (width != self->own_width || height != self->own_height)
    self->sized = TRUE;
  lodge_sdl_window_queue_resize (self);
  lodge_sdl_window_update_view (self);
  lodge_sdl_window_queue_draw (self);
}

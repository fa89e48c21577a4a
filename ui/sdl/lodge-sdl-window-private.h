/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the viewer's window share: its life and drawing, its size, its keyboard, its
 * pointer. */
#pragma once

#include "console/lodge-display-view.h"
#include "console/lodge-leave-combo.h"
#include "console/lodge-scroll.h"
#include "sdl/lodge-sdl-picture.h"
#include "sdl/lodge-sdl-window.h"

G_BEGIN_DECLS

/* Words as they were last drawn. */
typedef struct {
  SDL_Texture *texture;
  int width; /* of the room that they were made for */
} LodgeSdlWords;

struct _LodgeSdlWindow {
  GObject parent_instance;

  SDL_Window *window;
  SDL_Renderer *renderer;
  GSource *events;
  gboolean hidden;
  guint draw_id;
  gint64 drawn_at;

  char *title;
  char *heading;
  char *body;
  char *notice;
  LodgeSdlWords words;
  LodgeSdlWords foot;

  LodgeConsoleSession *session;
  guint monitor;
  LodgeFrameSource *source; /* the session's, lent */
  LodgeSdlPicture *picture;
  LodgeDisplayView view;
  int own_width; /* what the window was last given for a picture's sake, in its own pixels */
  int own_height;
  gboolean sized; /* by the user, or by filling the screen: the guest follows it now */
  guint resize_id;
  gboolean looked;      /* whether the guest's monitor was on when it was first to be shown */
  gboolean switched_on; /* the monitor, by this window */
  int told_width; /* the last size in "size-wanted"; 0: none since there is, or is no, agent */
  int told_height;
  gboolean told_card; /* with that, whatever was told since */

  /* keyboard */
  gboolean focused;
  gboolean grabbed;
  gboolean left;
  LodgeLeaveCombo combo;
  guint8 own_keys[SDL_NUM_SCANCODES]; /* that were the viewer's when they were pressed */

  /* pointer */
  guint swallowed; /* LodgeButton bits: the click took the pointer, and is not the guest's */
  LodgeScroll scroll;
  SDL_Cursor *cursor;
  double cursor_scale; /* that cursor was made for; 0: it is to be made */
  SDL_Texture *cursor_texture;
};

/* The smallest that a window can be made. */
#define LODGE_SDL_WINDOW_LEAST_WIDTH  160
#define LODGE_SDL_WINDOW_LEAST_HEIGHT 120

/* lodge-sdl-window-draw.c */
void lodge_sdl_window_queue_draw (LodgeSdlWindow *self);
/* How much there is to draw on, in the renderer's pixels; and how many of them the window's have.
 */
void lodge_sdl_window_measure (LodgeSdlWindow *self, int *out_width, int *out_height);
/* Where in it the picture lies now. */
void lodge_sdl_window_update_view (LodgeSdlWindow *self);
/* They are other ones, or the renderer has lost them. */
void lodge_sdl_words_forget (LodgeSdlWords *words);

/* lodge-sdl-window.c */
gboolean lodge_sdl_window_is_connected (LodgeSdlWindow *self);
void lodge_sdl_window_update_title (LodgeSdlWindow *self);
void lodge_sdl_window_set_left (LodgeSdlWindow *self, gboolean left);
void lodge_sdl_window_emit_close (LodgeSdlWindow *self);
void lodge_sdl_window_emit_key (LodgeSdlWindow *self, SDL_Keycode key);
void lodge_sdl_window_emit_size_wanted (LodgeSdlWindow *self, int width, int height);

/* lodge-sdl-window-size.c */
/* Gives the window the picture's size. The words of a card whose monitor is off are no picture: a
 * further one keeps its size until that is known. */
void lodge_sdl_window_take_size (LodgeSdlWindow *self);
/* The guest is asked for the window's size, or a further monitor is switched on, in a moment. */
void lodge_sdl_window_queue_resize (LodgeSdlWindow *self);
/* The window has this size now. */
void lodge_sdl_window_size_changed (LodgeSdlWindow *self, int width, int height);
/* A further monitor that was switched on: no windows are to be opened where nobody sees them. */
void lodge_sdl_window_switch_off (LodgeSdlWindow *self);

/* lodge-sdl-window-keyboard.c */
void lodge_sdl_window_key (LodgeSdlWindow *self, const SDL_KeyboardEvent *event);
void lodge_sdl_window_set_focused (LodgeSdlWindow *self, gboolean focused);
void lodge_sdl_window_grab (LodgeSdlWindow *self);
void lodge_sdl_window_ungrab (LodgeSdlWindow *self);
/* Everything that is down in the guest goes up, and the grab ends. */
void lodge_sdl_window_release (LodgeSdlWindow *self);
void lodge_sdl_window_sync_locks (LodgeSdlWindow *self);

/* lodge-sdl-window-pointer.c */
gboolean lodge_sdl_window_pointer_is_relative (LodgeSdlWindow *self);
void lodge_sdl_window_motion (LodgeSdlWindow *self, const SDL_MouseMotionEvent *event);
void lodge_sdl_window_button (LodgeSdlWindow *self, const SDL_MouseButtonEvent *event);
void lodge_sdl_window_wheel (LodgeSdlWindow *self, const SDL_MouseWheelEvent *event);
/* Takes the pointer for relative motion, or gives it back, as grab and guest are. */
void lodge_sdl_window_update_pointer (LodgeSdlWindow *self);
void lodge_sdl_window_update_cursor (LodgeSdlWindow *self);
/* Its shape is another one. */
void lodge_sdl_window_forget_cursor (LodgeSdlWindow *self);
/* Into the picture, where no pointer of the host's shows it. */
void lodge_sdl_window_draw_cursor (LodgeSdlWindow *self);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer's window: its life, and what happens to it. */
#include "sdl/lodge-sdl-events.h"
#include "sdl/lodge-sdl-window-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

#define FIRST_WIDTH  1024
#define FIRST_HEIGHT 768

G_DEFINE_FINAL_TYPE (LodgeSdlWindow, lodge_sdl_window, G_TYPE_OBJECT)

enum { CLOSE, KEY, SIZE_WANTED, N_SIGNALS };
static guint signals[N_SIGNALS];

gboolean
lodge_sdl_window_is_connected (LodgeSdlWindow *self)
{
  gboolean connected = FALSE;

  if (self->session != NULL)
    g_object_get (self->session, "connected", &connected, NULL);
  return connected;
}

void
lodge_sdl_window_emit_close (LodgeSdlWindow *self)
{
  g_signal_emit (self, signals[CLOSE], 0);
}

void
lodge_sdl_window_emit_size_wanted (LodgeSdlWindow *self, int width, int height)
{
  g_signal_emit (self, signals[SIZE_WANTED], 0, width, height);
}

void
lodge_sdl_window_emit_key (LodgeSdlWindow *self, SDL_Keycode key)
{
  g_signal_emit (self, signals[KEY], 0, (int) key);
}

/* ---- the guest */

static void
picture_cb (gboolean resized, gpointer user_data)
{
  LodgeSdlWindow *self = user_data;

  if (resized) {
    /* They may say why there is no picture. */
    lodge_sdl_words_forget (&self->words);
    lodge_sdl_window_take_size (self);
    lodge_sdl_window_update_view (self);
  }
  lodge_sdl_window_queue_draw (self);
}

static void
cursor_changed_cb (LodgeFrameSource *source, LodgeSdlWindow *self)
{
  lodge_sdl_window_forget_cursor (self);
  lodge_sdl_window_update_cursor (self);
}

static void
cursor_moved_cb (LodgeFrameSource *source, LodgeSdlWindow *self)
{
  if (self->grabbed && lodge_sdl_window_pointer_is_relative (self))
    lodge_sdl_window_queue_draw (self);
}

static void
can_resize_cb (LodgeConsoleSession *session, GParamSpec *pspec, LodgeSdlWindow *self)
{
  /* Whoever was told before, the other one was not. */
  self->looked = self->monitor == 0;
  self->told_width = self->told_height = 0;
  lodge_sdl_window_queue_resize (self);
}

static void
settled_cb (LodgeConsoleSession *session, GParamSpec *pspec, LodgeSdlWindow *self)
{
  lodge_sdl_window_queue_resize (self);
}

static void
pointer_cb (LodgeConsoleSession *session, GParamSpec *pspec, LodgeSdlWindow *self)
{
  lodge_sdl_window_forget_cursor (self);
  lodge_sdl_window_update_pointer (self);
}

static void
connected_cb (LodgeConsoleSession *session, GParamSpec *pspec, LodgeSdlWindow *self)
{
  if (lodge_sdl_window_is_connected (self)) {
    lodge_sdl_window_sync_locks (self);
  } else {
    lodge_sdl_window_release (self);
    lodge_sdl_window_set_left (self, FALSE);
  }
  pointer_cb (session, pspec, self);
}

static void
update_shown (LodgeSdlWindow *self)
{
  if (self->session != NULL)
    lodge_console_session_show_monitor (self->session, self->monitor, !self->hidden);
}

void
lodge_sdl_window_set_session (LodgeSdlWindow *self, LodgeConsoleSession *session, guint monitor)
{
  g_return_if_fail (LODGE_IS_SDL_WINDOW (self));

  if (self->session == session)
    return;
  if (self->session != NULL) {
    lodge_sdl_window_release (self);
    lodge_sdl_window_switch_off (self);
    g_signal_handlers_disconnect_by_data (self->session, self);
    g_signal_handlers_disconnect_by_data (self->source, self);
    g_clear_pointer (&self->picture, lodge_sdl_picture_free);
    lodge_console_session_show_monitor (self->session, self->monitor, FALSE);
    self->source = NULL;
  }
  g_set_object (&self->session, session);
  /* Through a connection that broke nothing was switched off. */
  if (session != NULL && monitor != self->monitor)
    lodge_sdl_window_forget_switched_on (self);
  if (session != NULL)
    self->monitor = monitor;
  self->looked = monitor == 0;
  self->told_width = self->told_height = 0;
  if (session != NULL) {
    self->source = lodge_console_session_get_monitor (session, monitor);
    self->picture = lodge_sdl_picture_new (self->source, self->renderer, picture_cb, self);
    g_signal_connect (self->source, "cursor-changed", G_CALLBACK (cursor_changed_cb), self);
    g_signal_connect (self->source, "cursor-moved", G_CALLBACK (cursor_moved_cb), self);
    g_signal_connect (session, "notify::connected", G_CALLBACK (connected_cb), self);
    g_signal_connect (session, "notify::settled", G_CALLBACK (settled_cb), self);
    g_signal_connect (session, "notify::can-resize", G_CALLBACK (can_resize_cb), self);
    g_signal_connect (session, "notify::pointer-absolute", G_CALLBACK (pointer_cb), self);
    lodge_sdl_window_take_size (self);
    update_shown (self);
  }
  lodge_sdl_window_queue_resize (self);
  self->left = FALSE;
  lodge_sdl_window_forget_cursor (self);
  lodge_sdl_window_update_view (self);
  lodge_sdl_window_update_pointer (self);
  lodge_sdl_window_queue_draw (self);
}

/* ---- words */

static gboolean
replace (char **field, const char *text)
{
  if (g_strcmp0 (*field, text) == 0)
    return FALSE;
  char *copy = g_strdup (text);

  g_free (*field);
  *field = copy;
  return TRUE;
}

void
lodge_sdl_window_set_words (LodgeSdlWindow *self, const char *heading, const char *body)
{
  g_return_if_fail (LODGE_IS_SDL_WINDOW (self));

  const gboolean other = replace (&self->heading, heading);
  if (!replace (&self->body, body) && !other)
    return;
  lodge_sdl_words_forget (&self->words);
  lodge_sdl_window_queue_draw (self);
}

void
lodge_sdl_window_set_notice (LodgeSdlWindow *self, const char *notice)
{
  g_return_if_fail (LODGE_IS_SDL_WINDOW (self));

  if (!replace (&self->notice, notice))
    return;
  lodge_sdl_words_forget (&self->foot);
  lodge_sdl_window_queue_draw (self);
}

void
lodge_sdl_window_set_left (LodgeSdlWindow *self, gboolean left)
{
  if (left)
    lodge_sdl_window_release (self);
  if (self->left == left)
    return;
  self->left = left;
  lodge_sdl_words_forget (&self->foot);
  lodge_sdl_window_queue_draw (self);
}

void
lodge_sdl_window_update_title (LodgeSdlWindow *self)
{
  g_autofree char *whole = NULL;

  if (self->grabbed)
    /* Translators: a window's title; %s is a machine's name */
    whole = g_strdup_printf (_ ("%s – Ctrl+Alt takes keyboard and pointer back"), self->title);
  SDL_SetWindowTitle (self->window, whole != NULL ? whole : self->title);
}

void
lodge_sdl_window_set_title (LodgeSdlWindow *self, const char *title)
{
  g_return_if_fail (LODGE_IS_SDL_WINDOW (self));

  g_autofree char *valid = g_utf8_make_valid (title, -1);
  if (replace (&self->title, valid))
    lodge_sdl_window_update_title (self);
}

/* ---- events */

static void
window_event (LodgeSdlWindow *self, const SDL_WindowEvent *event)
{
  switch (event->event) {
  case SDL_WINDOWEVENT_HIDDEN:
  case SDL_WINDOWEVENT_MINIMIZED:
    self->hidden = TRUE;
    update_shown (self);
    g_clear_handle_id (&self->draw_id, g_source_remove);
    break;
  case SDL_WINDOWEVENT_SHOWN:
  case SDL_WINDOWEVENT_RESTORED:
  case SDL_WINDOWEVENT_MAXIMIZED:
  case SDL_WINDOWEVENT_EXPOSED:
    self->hidden = FALSE;
    update_shown (self);
    lodge_sdl_window_queue_draw (self);
    break;
  case SDL_WINDOWEVENT_SIZE_CHANGED:
    lodge_sdl_window_size_changed (self, event->data1, event->data2);
    break;
  case SDL_WINDOWEVENT_FOCUS_GAINED:
  case SDL_WINDOWEVENT_FOCUS_LOST:
    lodge_sdl_window_set_focused (self, event->event == SDL_WINDOWEVENT_FOCUS_GAINED);
    break;
  case SDL_WINDOWEVENT_CLOSE:
    lodge_sdl_window_emit_close (self);
    break;
  default:
    break;
  }
}

static void
forget_textures (LodgeSdlWindow *self)
{
  lodge_sdl_words_forget (&self->words);
  lodge_sdl_words_forget (&self->foot);
  g_clear_pointer (&self->cursor_texture, SDL_DestroyTexture);
  if (self->picture != NULL)
    lodge_sdl_picture_forget_texture (self->picture);
  lodge_sdl_window_queue_draw (self);
}

/* SDL has one queue of events for all windows of a process. */
static gboolean
is_ours (LodgeSdlWindow *self, const SDL_Event *event)
{
  const Uint32 id = SDL_GetWindowID (self->window);

  switch (event->type) {
  case SDL_WINDOWEVENT:
    return event->window.windowID == id;
  case SDL_KEYDOWN:
  case SDL_KEYUP:
    return event->key.windowID == id;
  case SDL_MOUSEMOTION:
    return event->motion.windowID == id;
  case SDL_MOUSEBUTTONDOWN:
  case SDL_MOUSEBUTTONUP:
    return event->button.windowID == id;
  case SDL_MOUSEWHEEL:
    return event->wheel.windowID == id;
  default:
    return TRUE;
  }
}

static void
event_cb (const SDL_Event *event, gpointer user_data)
{
  LodgeSdlWindow *self = user_data;

  if (!is_ours (self, event))
    return;
  g_object_ref (self);
  switch (event->type) {
  case SDL_WINDOWEVENT:
    window_event (self, &event->window);
    break;
  case SDL_KEYDOWN:
  case SDL_KEYUP:
    lodge_sdl_window_key (self, &event->key);
    break;
  case SDL_MOUSEMOTION:
    lodge_sdl_window_motion (self, &event->motion);
    break;
  case SDL_MOUSEBUTTONDOWN:
  case SDL_MOUSEBUTTONUP:
    lodge_sdl_window_button (self, &event->button);
    break;
  case SDL_MOUSEWHEEL:
    lodge_sdl_window_wheel (self, &event->wheel);
    break;
  case SDL_RENDER_TARGETS_RESET:
  case SDL_RENDER_DEVICE_RESET:
    forget_textures (self);
    break;
  case SDL_QUIT:
    lodge_sdl_window_emit_close (self);
    break;
  default:
    break;
  }
  g_object_unref (self);
}

/* ---- life */

void
lodge_sdl_window_set_hints (void)
{
  /* Keys are the guest's as they lie on the keyboard: no method of input is to take them. */
  g_setenv ("XMODIFIERS", "@im=none", TRUE);
  g_unsetenv ("SDL_IM_MODULE");
  SDL_SetHint (SDL_HINT_APP_NAME, "lodge-viewer");
  /* Signals end the program, or are the main loop's. */
  SDL_SetHint (SDL_HINT_NO_SIGNAL_HANDLERS, "1");
  SDL_SetHint (SDL_HINT_QUIT_ON_LAST_WINDOW_CLOSE, "0");
  /* The click that brings the window to the front is also one in the guest. */
  SDL_SetHint (SDL_HINT_MOUSE_FOCUS_CLICKTHROUGH, "1");
  /* Alt+Tab is the guest's while the keyboard is grabbed, and a full screen stays one. */
  SDL_SetHint (SDL_HINT_ALLOW_ALT_TAB_WHILE_GRABBED, "0");
  SDL_SetHint (SDL_HINT_VIDEO_MINIMIZE_ON_FOCUS_LOSS, "0");
  /* The desktop's effects, and its screen saver, stay as they are. */
  SDL_SetHint (SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
  SDL_SetHint (SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
  /* Where SDL draws by itself it is to do without OpenGL altogether. */
  SDL_SetHint (SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
}

static gboolean
make_window (LodgeSdlWindow *self, gboolean full_screen, GError **error)
{
  const Uint32 full = full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0;

  self->window =
      SDL_CreateWindow (self->title, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, FIRST_WIDTH,
                        FIRST_HEIGHT, SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI | full);
  if (self->window == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("SDL could not open a window: %s"),
                 SDL_GetError ());
    return FALSE;
  }
  SDL_SetWindowMinimumSize (self->window, LODGE_SDL_WINDOW_LEAST_WIDTH,
                            LODGE_SDL_WINDOW_LEAST_HEIGHT);
  /* On a bare console SDL takes OpenGL first, also where that is only OpenGL ES (there is no
   * libGL), and then draws nothing that can be seen; which of the two there is makes no difference
   * to ES. */
  if (g_strcmp0 (SDL_GetCurrentVideoDriver (), "KMSDRM") == 0)
    SDL_SetHint (SDL_HINT_RENDER_DRIVER, "opengles2");
  /* Without OpenGL, and where it breaks, SDL draws by itself. */
  self->renderer = SDL_CreateRenderer (self->window, -1, SDL_RENDERER_PRESENTVSYNC);
  if (self->renderer == NULL)
    self->renderer = SDL_CreateRenderer (self->window, -1, SDL_RENDERER_SOFTWARE);
  if (self->renderer == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("SDL can draw nothing here: %s"),
                 SDL_GetError ());
    return FALSE;
  }
  return TRUE;
}

LodgeSdlWindow *
lodge_sdl_window_new (const char *title, gboolean full_screen, GError **error)
{
  g_autoptr (LodgeSdlWindow) self = g_object_new (LODGE_TYPE_SDL_WINDOW, NULL);

  self->title = g_utf8_make_valid (title, -1);
  if (!make_window (self, full_screen, error))
    return NULL;
  self->sized = full_screen;
  self->own_width = FIRST_WIDTH;
  self->own_height = FIRST_HEIGHT;
  self->focused = (SDL_GetWindowFlags (self->window) & SDL_WINDOW_INPUT_FOCUS) != 0;
  /* Text is not wanted, and would be composed of keys. */
  SDL_StopTextInput ();
  self->events = lodge_sdl_events_new (self->window, event_cb, self);
  g_source_attach (self->events, NULL);
  lodge_sdl_window_update_view (self);
  lodge_sdl_window_queue_draw (self);
  return g_steal_pointer (&self);
}

static void
lodge_sdl_window_dispose (GObject *object)
{
  LodgeSdlWindow *self = LODGE_SDL_WINDOW (object);

  if (self->window != NULL)
    lodge_sdl_window_set_session (self, NULL, 0);
  g_clear_handle_id (&self->draw_id, g_source_remove);
  g_clear_handle_id (&self->resize_id, g_source_remove);
  if (self->events != NULL)
    g_source_destroy (self->events);
  g_clear_pointer (&self->events, g_source_unref);
  lodge_sdl_words_forget (&self->words);
  lodge_sdl_words_forget (&self->foot);
  lodge_sdl_window_forget_cursor (self);
  g_clear_pointer (&self->cursor, SDL_FreeCursor);
  g_clear_pointer (&self->renderer, SDL_DestroyRenderer);
  g_clear_pointer (&self->window, SDL_DestroyWindow);

  G_OBJECT_CLASS (lodge_sdl_window_parent_class)->dispose (object);
}

static void
lodge_sdl_window_finalize (GObject *object)
{
  LodgeSdlWindow *self = LODGE_SDL_WINDOW (object);

  g_free (self->title);
  g_free (self->heading);
  g_free (self->body);
  g_free (self->notice);

  G_OBJECT_CLASS (lodge_sdl_window_parent_class)->finalize (object);
}

static void
lodge_sdl_window_class_init (LodgeSdlWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = lodge_sdl_window_dispose;
  object_class->finalize = lodge_sdl_window_finalize;

  signals[CLOSE] = g_signal_new ("close", LODGE_TYPE_SDL_WINDOW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
  signals[KEY] = g_signal_new ("key", LODGE_TYPE_SDL_WINDOW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                               G_TYPE_NONE, 1, G_TYPE_INT);
  signals[SIZE_WANTED] = g_signal_new ("size-wanted", LODGE_TYPE_SDL_WINDOW, G_SIGNAL_RUN_LAST, 0,
                                       NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_INT);
}

static void
lodge_sdl_window_init (LodgeSdlWindow *self)
{
  self->view.device_scale = 1;
}

SDL_Window *
lodge_sdl_window_get_window (LodgeSdlWindow *self)
{
  return self->window;
}

gboolean
lodge_sdl_window_get_grabbed (LodgeSdlWindow *self)
{
  return self->grabbed;
}

gboolean
lodge_sdl_window_get_left (LodgeSdlWindow *self)
{
  return self->left;
}

const char *
lodge_sdl_window_get_heading (LodgeSdlWindow *self)
{
  return self->heading;
}

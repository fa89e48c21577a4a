/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SDL's events as a source of GLib's main loop.
 *
 * SDL's own waiting, SDL_WaitEvent(), knows nothing of the sockets that SPICE and the sound server
 * are at the other end of, and a thread of its own for it is not possible: events are taken on the
 * thread of the window. So the connection to the display server wakes the main loop, and SDL reads
 * from it. There is more to it than the connection:
 *
 *   X11      SDL tells of a lost focus only a while after the server did (SDL_x11events.c:
 *            PENDING_FOCUS_TIME, 200 ms), when it is asked again
 *   Wayland  it repeats keys itself, and when it is asked (SDL_waylandevents.c)
 *   others   a bare console (KMS) is read from devices that SDL does not name: it is asked at every
 *            picture of a screen of 120 Hz, which is the one case of polling while nothing happens
 */
#include "sdl/lodge-sdl-events.h"

#include <SDL_syswm.h>

#ifdef LODGE_HAVE_WAYLAND
#include <wayland-client-core.h>
#endif

#define SETTLE_MS        300
#define SETTLE_PAUSE_MS  20
#define REPEAT_PAUSE_MS  10
#define POLLING_PAUSE_MS 8

typedef struct {
  GSource source;
  gpointer tag; /* of the connection; NULL: there is none to wait for */
#ifdef LODGE_HAVE_X11
  Display *x11;
#endif
  gint64 settle_until;
  gint64 ask_at; /* -1: when the connection says so */
} Events;

static gboolean
is_waiting (Events *self)
{
#ifdef LODGE_HAVE_X11
  /* Also sends what is still to be sent; and drawing may have read events already. */
  if (self->x11 != NULL && XPending (self->x11) > 0)
    return TRUE;
#endif
  return SDL_HasEvents (SDL_FIRSTEVENT, SDL_LASTEVENT);
}

static gboolean
is_key_down (void)
{
  int n;
  const Uint8 *keys = SDL_GetKeyboardState (&n);

  for (int i = 0; i < n; i++) {
    if (keys[i])
      return TRUE;
  }
  return FALSE;
}

static int
get_pause_ms (Events *self)
{
  if (self->tag == NULL)
    return POLLING_PAUSE_MS;
  if (is_key_down ())
    return REPEAT_PAUSE_MS;
  return g_source_get_time (&self->source) < self->settle_until ? SETTLE_PAUSE_MS : -1;
}

static gboolean
events_prepare (GSource *source, int *timeout)
{
  Events *self = (Events *) source;
  const int pause_ms = get_pause_ms (self);

  *timeout = pause_ms;
  self->ask_at =
      pause_ms < 0 ? -1 : g_source_get_time (source) + pause_ms * G_TIME_SPAN_MILLISECOND;
  return is_waiting (self);
}

static gboolean
events_check (GSource *source)
{
  Events *self = (Events *) source;

  if (self->tag != NULL && g_source_query_unix_fd (source, self->tag) != 0)
    return TRUE;
  return (self->ask_at >= 0 && g_source_get_time (source) >= self->ask_at) || is_waiting (self);
}

static gboolean
events_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  Events *self = (Events *) source;
  LodgeSdlEventFunc func = (LodgeSdlEventFunc) (void (*) (void)) callback;
  SDL_Event event;

  while (!g_source_is_destroyed (source) && SDL_PollEvent (&event)) {
    self->settle_until = g_get_monotonic_time () + SETTLE_MS * G_TIME_SPAN_MILLISECOND;
    func (&event, user_data);
  }
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs events_funcs = {
    .prepare = events_prepare, .check = events_check, .dispatch = events_dispatch};

#ifdef LODGE_HAVE_X11
static int (*handler_before) (Display *display, XErrorEvent *event);

static int
error_cb (Display *display, XErrorEvent *event)
{
  return event->error_code == BadWindow ? 0 : handler_before (display, event);
}

/* SDL asks where the window's frame is, which the window manager may have taken away meanwhile, at
 * every change to full screen and back; Xlib's own handler then ends the program (libsdl-org/SDL
 * issue 16240, mended in SDL 3 alone). A window that is gone is nothing to end for. */
static void
ignore_gone_windows (void)
{
  int (*before) (Display * display, XErrorEvent * event) = XSetErrorHandler (error_cb);

  if (before != error_cb)
    handler_before = before;
}
#endif

GSource *
lodge_sdl_events_new (SDL_Window *window, LodgeSdlEventFunc func, gpointer user_data)
{
  GSource *source = g_source_new (&events_funcs, sizeof (Events));
  Events *self = (Events *) source;
  SDL_SysWMinfo info;
  int fd = -1;

  SDL_VERSION (&info.version);
  if (SDL_GetWindowWMInfo (window, &info)) {
#ifdef LODGE_HAVE_X11
    if (info.subsystem == SDL_SYSWM_X11) {
      self->x11 = info.info.x11.display;
      fd = ConnectionNumber (self->x11);
      ignore_gone_windows ();
    }
#endif
#ifdef LODGE_HAVE_WAYLAND
    if (info.subsystem == SDL_SYSWM_WAYLAND)
      fd = wl_display_get_fd (info.info.wl.display);
#endif
  }
  if (fd >= 0)
    self->tag = g_source_add_unix_fd (source, fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_source_set_name (source, "SDL events");
  g_source_set_callback (source, (GSourceFunc) (void (*) (void)) func, user_data, NULL);
  return source;
}

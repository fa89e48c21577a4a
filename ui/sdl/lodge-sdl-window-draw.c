/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer's window: what is drawn in it, and when.
 *
 * What changes asks for one drawing, which comes when the events that are there are dealt with and
 * not more often than the screen shows pictures. All of the window is drawn each time, because SDL
 * promises nothing of what was drawn before; of the guest's picture only what changed is uploaded.
 */
#include "sdl/lodge-sdl-text.h"
#include "sdl/lodge-sdl-window-private.h"

#include <glib/gi18n-lib.h>

/* As GDK's: after events, before what waits for nothing to do. */
#define DRAW_PRIORITY (G_PRIORITY_HIGH_IDLE + 20)
#define DEFAULT_HZ    60

/* Words are a part of the window's height, so that they can be read on any screen. */
#define WORDS_PART   36
#define WORDS_MIN    14
#define WORDS_MAX    48
#define WORDS_MARGIN 24
#define FOOT_OPACITY 200
#define GREY         0x24

void
lodge_sdl_words_forget (LodgeSdlWords *words)
{
  g_clear_pointer (&words->texture, SDL_DestroyTexture);
  words->width = 0;
}

/* Where the renderer draws, in its own pixels, and how many of them the window's one has. */
void
lodge_sdl_window_measure (LodgeSdlWindow *self, int *out_width, int *out_height)
{
  int width;

  SDL_GetWindowSize (self->window, &width, NULL);
  if (SDL_GetRendererOutputSize (self->renderer, out_width, out_height) != 0)
    SDL_GetWindowSize (self->window, out_width, out_height);
  self->view.device_scale = width > 0 ? (double) *out_width / width : 1;
  self->view.width = *out_width / self->view.device_scale;
  self->view.height = *out_height / self->view.device_scale;
}

void
lodge_sdl_window_update_view (LodgeSdlWindow *self)
{
  LodgeDisplayView before = self->view;
  int width, height, guest_width = 0, guest_height = 0;

  lodge_sdl_window_measure (self, &width, &height);
  if (self->picture != NULL)
    lodge_sdl_picture_get_size (self->picture, &guest_width, &guest_height);
  lodge_display_view_fit (&self->view, guest_width, guest_height);
  if (!lodge_display_view_equal (&before, &self->view))
    lodge_sdl_window_update_cursor (self);
}

static int
get_words_size (int height)
{
  return CLAMP (height / WORDS_PART, WORDS_MIN, WORDS_MAX);
}

/* Returns: whether there is something to draw. */
static gboolean
prepare_words (LodgeSdlWindow *self,
               LodgeSdlWords *words,
               const char *heading,
               const char *body,
               int width,
               int height,
               SDL_Rect *out_place)
{
  const int room = MAX (LODGE_SDL_WINDOW_LEAST_WIDTH / 2, width - 2 * WORDS_MARGIN);

  if (words->texture == NULL || words->width != room) {
    SDL_Surface *surface = lodge_sdl_text_new (heading, body, room, get_words_size (height));

    lodge_sdl_words_forget (words);
    if (surface != NULL)
      words->texture = SDL_CreateTextureFromSurface (self->renderer, surface);
    SDL_FreeSurface (surface);
    if (words->texture == NULL)
      return FALSE;
    words->width = room;
    SDL_SetTextureBlendMode (words->texture, SDL_BLENDMODE_BLEND);
  }
  SDL_QueryTexture (words->texture, NULL, NULL, &out_place->w, &out_place->h);
  out_place->x = (width - out_place->w) / 2;
  return TRUE;
}

/* What the source itself says of a picture that is there and not shown. Lent; NULL: nothing. */
static const char *
get_problem (LodgeSdlWindow *self)
{
  LodgeScanout scanout;

  if (self->session == NULL)
    return NULL;
  if (lodge_frame_source_get_scanout (self->source, &scanout))
    return _ ("The guest draws with the graphics card, which this viewer cannot show. It can when "
              "the guest is started without that (QEMU: gl=off).");
  return lodge_frame_source_get_problem (self->source);
}

static void
draw_words (LodgeSdlWindow *self, int width, int height)
{
  const char *problem = get_problem (self);
  const char *heading = problem != NULL ? _ ("The Picture Cannot Be Shown") : self->heading;
  const char *body = problem != NULL ? problem : self->body;
  SDL_Rect place;

  SDL_SetRenderDrawColor (self->renderer, GREY, GREY, GREY, SDL_ALPHA_OPAQUE);
  SDL_RenderClear (self->renderer);
  if (!prepare_words (self, &self->words, heading, body, width, height, &place))
    return;
  place.y = (height - place.h) / 2;
  SDL_RenderCopy (self->renderer, self->words.texture, NULL, &place);
}

static const char *
get_foot (LodgeSdlWindow *self)
{
  if (self->left)
    return _ (
        "F switches full screen, Q closes the viewer and lets the guest go on; Enter or a click "
        "goes back to the guest.");
  return self->notice;
}

static void
draw_foot (LodgeSdlWindow *self, int width, int height)
{
  const char *foot = get_foot (self);
  SDL_Rect place;

  if (foot == NULL || !prepare_words (self, &self->foot, NULL, foot, width, height, &place))
    return;
  const int margin = get_words_size (height) / 2;
  const SDL_Rect bar = {0, height - place.h - 2 * margin, width, place.h + 2 * margin};

  place.y = bar.y + margin;
  SDL_SetRenderDrawBlendMode (self->renderer, SDL_BLENDMODE_BLEND);
  SDL_SetRenderDrawColor (self->renderer, 0, 0, 0, FOOT_OPACITY);
  SDL_RenderFillRect (self->renderer, &bar);
  SDL_RenderCopy (self->renderer, self->foot.texture, NULL, &place);
}

static void
draw_picture (LodgeSdlWindow *self, int width, int height)
{
  const SDL_Rect place = {self->view.left, self->view.top, self->view.view_width,
                          self->view.view_height};

  SDL_SetRenderDrawColor (self->renderer, 0, 0, 0, SDL_ALPHA_OPAQUE);
  SDL_RenderClear (self->renderer);
  if (!lodge_sdl_picture_draw (self->picture, &place))
    g_warning ("The picture cannot be drawn: %s", SDL_GetError ());
  lodge_sdl_window_draw_cursor (self);
  draw_foot (self, width, height);
}

static void
draw (LodgeSdlWindow *self)
{
  int width, height;

  lodge_sdl_window_measure (self, &width, &height);
  lodge_sdl_window_update_view (self);
  if (self->view.view_width > 0)
    draw_picture (self, width, height);
  else
    draw_words (self, width, height);
  SDL_RenderPresent (self->renderer);
  self->drawn_at = g_get_monotonic_time ();
}

static gboolean
draw_cb (gpointer user_data)
{
  LodgeSdlWindow *self = user_data;

  self->draw_id = 0;
  draw (self);
  return G_SOURCE_REMOVE;
}

static gint64
get_frame_us (LodgeSdlWindow *self)
{
  SDL_DisplayMode mode;

  if (SDL_GetWindowDisplayMode (self->window, &mode) != 0 || mode.refresh_rate < 1)
    mode.refresh_rate = DEFAULT_HZ;
  return G_USEC_PER_SEC / mode.refresh_rate;
}

void
lodge_sdl_window_queue_draw (LodgeSdlWindow *self)
{
  if (self->draw_id != 0 || self->hidden || self->renderer == NULL)
    return;
  const gint64 wait_us = self->drawn_at + get_frame_us (self) - g_get_monotonic_time ();

  if (wait_us > 0)
    self->draw_id =
        g_timeout_add_full (DRAW_PRIORITY, (guint) (wait_us / 1000), draw_cb, self, NULL);
  else
    self->draw_id = g_idle_add_full (DRAW_PRIORITY, draw_cb, self, NULL);
}

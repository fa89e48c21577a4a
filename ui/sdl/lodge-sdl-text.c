/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words as pictures, by Pango: it wraps them, and finds a font for each script. */
#include "sdl/lodge-sdl-text.h"

#include <pango/pangocairo.h>

/* A name or an error may be long; what is more than this many lines is cut off. */
#define LINES_MAX 12
/* Pango's way to say lines and not pixels. */
#define HEIGHT_IN_LINES(n) (-(n))

static PangoLayout *
make_layout (cairo_t *cairo, const char *text, int width, int size, PangoWeight weight)
{
  PangoLayout *layout = pango_cairo_create_layout (cairo);
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  PangoFontDescription *font = pango_font_description_new ();

  pango_font_description_set_family (font, "Cantarell, sans-serif");
  pango_font_description_set_weight (font, weight);
  pango_font_description_set_absolute_size (font, (double) size * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_font_description_free (font);
  pango_layout_set_width (layout, width * PANGO_SCALE);
  pango_layout_set_height (layout, HEIGHT_IN_LINES (LINES_MAX));
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_alignment (layout, PANGO_ALIGN_CENTER);
  pango_layout_set_text (layout, valid, -1);
  return layout;
}

static int
get_height (PangoLayout *layout)
{
  int height = 0;

  if (layout != NULL)
    pango_layout_get_pixel_size (layout, NULL, &height);
  return height;
}

static void
show (cairo_t *cairo, PangoLayout *layout, int y)
{
  if (layout == NULL)
    return;
  cairo_move_to (cairo, 0, y);
  pango_cairo_show_layout (cairo, layout);
}

SDL_Surface *
lodge_sdl_text_new (const char *heading, const char *body, int width, int size)
{
  /* Sizes are known only once there is something to draw on. */
  cairo_surface_t *nothing = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, 1, 1);
  cairo_t *measure = cairo_create (nothing);
  g_autoptr (PangoLayout) upper =
      heading != NULL ? make_layout (measure, heading, width, size * 3 / 2, PANGO_WEIGHT_BOLD)
                      : NULL;
  g_autoptr (PangoLayout) lower =
      body != NULL ? make_layout (measure, body, width, size, PANGO_WEIGHT_NORMAL) : NULL;
  const int gap = upper != NULL && lower != NULL ? size : 0;
  const int height = MAX (1, get_height (upper) + gap + get_height (lower));

  cairo_destroy (measure);
  cairo_surface_destroy (nothing);

  SDL_Surface *result =
      SDL_CreateRGBSurfaceWithFormat (0, width, height, 32, SDL_PIXELFORMAT_ARGB8888);
  if (result == NULL)
    return NULL;
  cairo_surface_t *surface = cairo_image_surface_create_for_data (
      result->pixels, CAIRO_FORMAT_ARGB32, width, height, result->pitch);
  cairo_t *cairo = cairo_create (surface);

  /* White throughout: what is left of it at the edges of letters is in the alpha alone, as SDL
   * takes it, although cairo multiplies colours by it. */
  cairo_set_source_rgb (cairo, 1, 1, 1);
  show (cairo, upper, 0);
  show (cairo, lower, get_height (upper) + gap);
  cairo_destroy (cairo);
  cairo_surface_destroy (surface);
  for (int y = 0; y < height; y++) {
    guint32 *line = (guint32 *) ((guint8 *) result->pixels + (gsize) y * result->pitch);

    for (int x = 0; x < width; x++)
      line[x] |= 0x00ffffff;
  }
  return result;
}

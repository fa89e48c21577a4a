/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a picture has changed since it was drawn last. A window that nobody sees is not drawn, and
 * its guest goes on. */
#pragma once

#include <cairo.h>

/* As many rectangles as are told apart. Each further one would cost more than what lies between
 * them, and a union of very many takes as long as drawing. */
#define LODGE_DAMAGE_PIECES_MAX 64

static inline void
lodge_damage_add (cairo_region_t *damage, const cairo_rectangle_int_t *piece)
{
  cairo_rectangle_int_t whole;

  cairo_region_union_rectangle (damage, piece);
  if (cairo_region_num_rectangles (damage) <= LODGE_DAMAGE_PIECES_MAX)
    return;
  cairo_region_get_extents (damage, &whole);
  cairo_region_union_rectangle (damage, &whole);
}

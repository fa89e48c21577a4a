/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A widget that shows what a graphics card has in its memory, and where the desktop can do that,
 * without copying it once more. */
#pragma once

#include "console/lodge-scanout.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LODGE_TYPE_SCANOUT_VIEW (lodge_scanout_view_get_type ())
G_DECLARE_FINAL_TYPE (LodgeScanoutView, lodge_scanout_view, LODGE, SCANOUT_VIEW, GtkWidget)

GtkWidget *lodge_scanout_view_new (void);

/**
 * lodge_scanout_view_show:
 * @damage: (nullable): what has changed since the last call, of which the picture is a part then;
 *   NULL: it is another one
 *
 * The whole widget shows @scanout from now on, whose descriptor stays the caller's.
 *
 * Errors: %LODGE_ERROR_FAILED when GTK cannot show it, or is too old for it; nothing is shown then.
 */
gboolean lodge_scanout_view_show (LodgeScanoutView *self,
                                  const LodgeScanout *scanout,
                                  const cairo_rectangle_int_t *damage,
                                  GError **error);

/* Whether its pixels are made larger by a whole number, and stay sharp squares. */
void lodge_scanout_view_set_sharp (LodgeScanoutView *self, gboolean sharp);

/* Lent: what is shown, the first line in memory on top; NULL: nothing. */
GdkTexture *lodge_scanout_view_get_texture (LodgeScanoutView *self);

/* For tests: as if the desktop could show no such picture. */
void lodge_scanout_view_refuse (gboolean refuse);

G_END_DECLS

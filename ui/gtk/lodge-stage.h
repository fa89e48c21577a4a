/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a display stands in: bars beside a picture that is larger, pixel for pixel. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* @stage: around a LodgeDisplay, from now on and in whatever window it is. The wheel and the
 * touchpad are the guest's. */
void lodge_stage_init (GtkScrolledWindow *stage);

G_END_DECLS

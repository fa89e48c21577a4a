/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many device pixels there are in a pixel of a window, and pictures made larger by a whole
 * number of them. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

double lodge_display_get_device_scale (GtkWidget *widget);
double lodge_display_get_surface_scale (GdkSurface *surface);
/* @changed is called with @widget, which is mapped, when it may say something else. */
void lodge_display_watch_device_scale (GtkWidget *widget, GCallback changed);
void lodge_display_unwatch_device_scale (GtkWidget *widget, GCallback changed);
/* For tests: what the function above says of every widget from now on; 0 for the truth. */
void lodge_display_set_device_scale (double scale);

/* A node that shows @texture with each of its pixels as a sharp square; NULL before GTK 4.10, whose
 * textures are always smoothed. */
GskRenderNode *lodge_display_new_sharp_node (GdkTexture *texture, const graphene_rect_t *bounds);

G_END_DECLS

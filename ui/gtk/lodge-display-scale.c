/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many device pixels there are in a pixel of a window, and pictures made larger by a whole
 * number of them. Fractions are known from GTK 4.12 on; before, a compositor that scales by 1.25
 * makes the picture smaller itself. */
/* This file alone may use what is above the floor. */
#undef GDK_VERSION_MAX_ALLOWED
#include "gtk/lodge-display-scale.h"

static double forced_scale;

void
lodge_display_set_device_scale (double scale)
{
  forced_scale = scale;
}

GskRenderNode *
lodge_display_new_sharp_node (GdkTexture *texture, const graphene_rect_t *bounds)
{
#if GTK_CHECK_VERSION(4, 10, 0)
  return gsk_texture_scale_node_new (texture, bounds, GSK_SCALING_FILTER_NEAREST);
#else
  return NULL;
#endif
}

static GdkSurface *
get_surface (GtkWidget *widget)
{
  GtkNative *native = gtk_widget_get_native (widget);

  return native != NULL ? gtk_native_get_surface (native) : NULL;
}

double
lodge_display_get_surface_scale (GdkSurface *surface)
{
#if GTK_CHECK_VERSION(4, 12, 0)
  return gdk_surface_get_scale (surface);
#else
  return gdk_surface_get_scale_factor (surface);
#endif
}

double
lodge_display_get_device_scale (GtkWidget *widget)
{
  GdkSurface *surface = get_surface (widget);

  if (forced_scale > 0)
    return forced_scale;
  return surface != NULL ? lodge_display_get_surface_scale (surface)
                         : gtk_widget_get_scale_factor (widget);
}

void
lodge_display_watch_device_scale (GtkWidget *widget, GCallback changed)
{
  GdkSurface *surface = get_surface (widget);

  if (surface != NULL)
#if GTK_CHECK_VERSION(4, 12, 0)
    g_signal_connect_object (surface, "notify::scale", changed, widget, G_CONNECT_SWAPPED);
#else
    g_signal_connect_object (surface, "notify::scale-factor", changed, widget, G_CONNECT_SWAPPED);
#endif
}

void
lodge_display_unwatch_device_scale (GtkWidget *widget, GCallback changed)
{
  GdkSurface *surface = get_surface (widget);

  if (surface != NULL)
    g_signal_handlers_disconnect_by_func (surface, (gpointer) changed, widget);
}

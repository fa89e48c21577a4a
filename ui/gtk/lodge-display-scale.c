/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many device pixels there are in a pixel of a window. Fractions are known from GTK 4.12 on;
 * before, a compositor that scales by 1.25 makes the picture smaller itself. */
/* This file alone may use what is above the floor. */
#undef GDK_VERSION_MAX_ALLOWED
#include "gtk/lodge-display-scale.h"

double
lodge_display_get_device_scale (GtkWidget *widget)
{
#if GTK_CHECK_VERSION(4, 12, 0)
  GtkNative *native = gtk_widget_get_native (widget);
  GdkSurface *surface = native != NULL ? gtk_native_get_surface (native) : NULL;

  if (surface != NULL)
    return gdk_surface_get_scale (surface);
#endif
  return gtk_widget_get_scale_factor (widget);
}

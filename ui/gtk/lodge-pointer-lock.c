/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps the host's pointer in one place: picks the way of the windowing system. */
#include "gtk/lodge-pointer-lock.h"

#ifdef LODGE_HAVE_X11
#include <gdk/x11/gdkx.h>
#endif
#ifdef LODGE_HAVE_WAYLAND
#include <gdk/wayland/gdkwayland.h>
#endif

LodgePointerLock *
lodge_pointer_lock_new (GtkWidget *widget,
                        LodgePointerMotion motion,
                        LodgePointerLost lost,
                        gpointer user_data)
{
  LodgePointerLock *self = NULL;

#ifdef LODGE_HAVE_X11
  if (GDK_IS_X11_DISPLAY (gtk_widget_get_display (widget)))
    self = lodge_pointer_lock_new_x11 (widget);
#endif
#ifdef LODGE_HAVE_WAYLAND
  if (GDK_IS_WAYLAND_DISPLAY (gtk_widget_get_display (widget)))
    self = lodge_pointer_lock_new_wayland (widget);
#endif
  if (self == NULL)
    return NULL;

  self->motion = motion;
  self->lost = lost;
  self->user_data = user_data;
  return self;
}

void
lodge_pointer_lock_free (LodgePointerLock *self)
{
  self->free (self);
}

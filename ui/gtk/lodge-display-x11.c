/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The focus on X11 while the keyboard is grabbed.
 *
 * GDK grabs the keyboard where it is asked to inhibit system shortcuts, and does not count a focus
 * that moves during a grab (it ignores NotifyWhileGrabbed). A window that opens, or is clicked at,
 * would have the focus and our guest its keys. So the grab ends there, and GDK hears of the focus.
 */
#include "gtk/lodge-display-private.h"

#include <X11/extensions/XInput2.h>
#include <gdk/x11/gdkx.h>

static gboolean
xevent_cb (GdkX11Display *display, gpointer xevent, LodgeDisplay *self)
{
  XGenericEventCookie *cookie = xevent;
  GdkSurface *surface = gtk_native_get_surface (gtk_widget_get_native (GTK_WIDGET (self)));

  if (cookie->type != GenericEvent || cookie->extension != self->xi_opcode ||
      cookie->data == NULL || cookie->evtype != XI_FocusOut)
    return FALSE;

  const XIFocusOutEvent *event = cookie->data;
  if (event->event == gdk_x11_surface_get_xid (surface) && event->mode == XINotifyWhileGrabbed &&
      event->detail != XINotifyInferior && event->detail != XINotifyPointer)
    lodge_display_ungrab (self);
  return FALSE;
}

void
lodge_display_watch_focus (LodgeDisplay *self)
{
  GdkDisplay *display = gtk_widget_get_display (GTK_WIDGET (self));
  int first_event, first_error;

  if (GDK_IS_X11_DISPLAY (display) &&
      XQueryExtension (gdk_x11_display_get_xdisplay (display), "XInputExtension", &self->xi_opcode,
                       &first_event, &first_error))
    self->xevent_id = g_signal_connect (display, "xevent", G_CALLBACK (xevent_cb), self);
}

void
lodge_display_unwatch_focus (LodgeDisplay *self)
{
  if (self->xevent_id != 0)
    g_signal_handler_disconnect (gtk_widget_get_display (GTK_WIDGET (self)), self->xevent_id);
  self->xevent_id = 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps the host's pointer in one place on X11.
 *
 * The pointer is grabbed with XI_RawMotion in the grab's own mask, and put back into the middle of
 * the widget at each event, so that it never meets an edge. Raw motion must not be selected on the
 * root window too: every event would come twice then. Raw events are made by devices only, so the
 * warp itself makes none.
 */
#include "gtk/lodge-pointer-lock.h"

#include <X11/extensions/XInput2.h>
#include <gdk/x11/gdkx.h>

typedef struct {
  LodgePointerLock parent;

  GdkDisplay *display;
  Display *xdisplay;
  Window window;
  int device;
  int opcode;
  int center_x; /* in the window */
  int center_y;
  double start_x; /* on the screen: where the pointer was */
  double start_y;
  gulong xevent_id;
} LodgePointerLockX11;

/* Of the values that changed, in order, as many as the mask has bits. The first two are X and Y. */
static void
read_motion (const XIRawEvent *event, double *dx, double *dy)
{
  const double *value = event->raw_values;

  *dx = *dy = 0;
  for (int i = 0; i < 2 && i < event->valuators.mask_len * 8; i++) {
    if (!XIMaskIsSet (event->valuators.mask, i))
      continue;
    if (i == 0)
      *dx = *value;
    else
      *dy = *value;
    value++;
  }
}

static gboolean
xevent_cb (GdkX11Display *display, gpointer xevent, LodgePointerLockX11 *self)
{
  XGenericEventCookie *cookie = xevent;
  double dx, dy;

  if (cookie->type != GenericEvent || cookie->extension != self->opcode || cookie->data == NULL)
    return FALSE;

  if (cookie->evtype == XI_RawMotion) {
    read_motion (cookie->data, &dx, &dy);
    XIWarpPointer (self->xdisplay, self->device, None, self->window, 0, 0, 0, 0, self->center_x,
                   self->center_y);
    /* Last, because it may free the lock. */
    if (dx != 0 || dy != 0)
      self->parent.motion (dx, dy, self->parent.user_data);
    return TRUE;
  }
  return FALSE;
}

static gboolean
start_grab (LodgePointerLockX11 *self)
{
  unsigned char bits[XIMaskLen (XI_LASTEVENT)] = {0};
  XIEventMask mask = {.deviceid = self->device, .mask_len = sizeof bits, .mask = bits};

  XISetMask (bits, XI_RawMotion);
  XISetMask (bits, XI_Motion);
  XISetMask (bits, XI_ButtonPress);
  XISetMask (bits, XI_ButtonRelease);
  return XIGrabDevice (self->xdisplay, self->device, self->window, CurrentTime, None,
                       XIGrabModeAsync, XIGrabModeAsync, True, &mask) == GrabSuccess;
}

static void
lodge_pointer_lock_x11_free (LodgePointerLock *lock)
{
  LodgePointerLockX11 *self = (LodgePointerLockX11 *) lock;

  g_signal_handler_disconnect (self->display, self->xevent_id);
  gdk_x11_display_error_trap_push (self->display);
  XIUngrabDevice (self->xdisplay, self->device, CurrentTime);
  XIWarpPointer (self->xdisplay, self->device, None, DefaultRootWindow (self->xdisplay), 0, 0, 0, 0,
                 self->start_x, self->start_y);
  gdk_x11_display_error_trap_pop_ignored (self->display);
  g_object_unref (self->display);
  g_free (self);
}

static gboolean
find_center (LodgePointerLockX11 *self, GtkWidget *widget)
{
  GtkNative *native = gtk_widget_get_native (widget);
  graphene_point_t center;
  double x, y;

  if (!gtk_widget_compute_point (widget, GTK_WIDGET (native),
                                 &GRAPHENE_POINT_INIT (gtk_widget_get_width (widget) / 2.0,
                                                       gtk_widget_get_height (widget) / 2.0),
                                 &center))
    return FALSE;
  gtk_native_get_surface_transform (native, &x, &y);
  int scale = gdk_surface_get_scale_factor (gtk_native_get_surface (native));
  self->center_x = (center.x + x) * scale;
  self->center_y = (center.y + y) * scale;
  return TRUE;
}

LodgePointerLock *
lodge_pointer_lock_new_x11 (GtkWidget *widget)
{
  GdkDisplay *display = gtk_widget_get_display (widget);
  GdkDevice *pointer = gdk_seat_get_pointer (gdk_display_get_default_seat (display));
  GdkSurface *surface = gtk_native_get_surface (gtk_widget_get_native (widget));
  LodgePointerLockX11 *self = g_new0 (LodgePointerLockX11, 1);
  int first_event, first_error;

  self->parent.free = lodge_pointer_lock_x11_free;
  self->display = g_object_ref (display);
  self->xdisplay = gdk_x11_display_get_xdisplay (display);
  self->window = gdk_x11_surface_get_xid (surface);
  self->device = gdk_x11_device_get_id (pointer);

  Window root, child;
  double x, y;
  XIButtonState buttons = {0};
  XIModifierState modifiers;
  XIGroupState group;
  if (!find_center (self, widget) ||
      !XQueryExtension (self->xdisplay, "XInputExtension", &self->opcode, &first_event,
                        &first_error) ||
      !XIQueryPointer (self->xdisplay, self->device, DefaultRootWindow (self->xdisplay), &root,
                       &child, &self->start_x, &self->start_y, &x, &y, &buttons, &modifiers,
                       &group) ||
      !start_grab (self)) {
    XFree (buttons.mask);
    g_object_unref (self->display);
    g_free (self);
    return NULL;
  }
  XFree (buttons.mask);
  XIWarpPointer (self->xdisplay, self->device, None, self->window, 0, 0, 0, 0, self->center_x,
                 self->center_y);
  self->xevent_id = g_signal_connect (display, "xevent", G_CALLBACK (xevent_cb), self);
  self->parent.active = TRUE;
  return &self->parent;
}

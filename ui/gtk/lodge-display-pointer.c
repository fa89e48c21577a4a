/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display's pointer: positions, motion, buttons, wheel, and the guest's cursor.
 *
 * A guest with a tablet takes positions; its pointer is the host's, in the guest's shape. One with
 * a mouse takes motion only: a click gives it the host's pointer, which is then locked in place,
 * and Ctrl+Alt takes it back.
 */
#include "gtk/lodge-display-private.h"

#include "gtk/lodge-display-scale.h"

#include <math.h>

#ifdef LODGE_HAVE_X11
#include <gdk/x11/gdkx.h>
#endif

/* A touchpad scrolls in pixels. libinput counts 15 (degrees) for a notch of a wheel, so a finger
 * that moves as far as that turns it by one. */
#define PIXELS_PER_NOTCH 15.0

/* Cursors made larger than this are too large for a display server's hardware plane, or for it. */
#define CURSOR_SIZE_MAX 256

gboolean
lodge_display_pointer_is_relative (LodgeDisplay *self)
{
  gboolean connected = FALSE, absolute = FALSE;

  if (self->session != NULL)
    g_object_get (self->session, "connected", &connected, "pointer-absolute", &absolute, NULL);
  return connected && !absolute;
}

/* ---- relative motion */

static void
send_motion (LodgeDisplay *self, double dx, double dy)
{
  /* What is less than a pixel is kept for the next time: slow motion consists of it. */
  self->rest_x += dx;
  self->rest_y += dy;
  int whole_x = trunc (self->rest_x);
  int whole_y = trunc (self->rest_y);
  self->rest_x -= whole_x;
  self->rest_y -= whole_y;
  if (self->session != NULL && (whole_x != 0 || whole_y != 0))
    lodge_console_session_motion (self->session, whole_x, whole_y);
}

static void
lock_motion_cb (double dx, double dy, gpointer user_data)
{
  send_motion (user_data, dx, dy);
}

static void
lock_lost_cb (gpointer user_data)
{
  lodge_display_ungrab (user_data);
}

void
lodge_display_lock_pointer (LodgeDisplay *self)
{
  lodge_display_unlock_pointer (self);
  if (lodge_display_pointer_is_relative (self))
    self->lock = lodge_pointer_lock_new (GTK_WIDGET (self), lock_motion_cb, lock_lost_cb, self);
  lodge_display_update_cursor (self);
}

void
lodge_display_unlock_pointer (LodgeDisplay *self)
{
  g_clear_pointer (&self->lock, lodge_pointer_lock_free);
  self->rest_x = self->rest_y = 0;
  lodge_display_update_cursor (self);
}

/* ---- events */

static LodgeButton
to_button (guint button)
{
  switch (button) {
  case GDK_BUTTON_PRIMARY:
    return LODGE_BUTTON_LEFT;
  case GDK_BUTTON_MIDDLE:
    return LODGE_BUTTON_MIDDLE;
  case GDK_BUTTON_SECONDARY:
    return LODGE_BUTTON_RIGHT;
  case 8: /* X11's numbers, which GDK has on Wayland too: 4 to 7 are the wheels */
    return LODGE_BUTTON_SIDE;
  case 9:
    return LODGE_BUTTON_EXTRA;
  default:
    return 0;
  }
}

static gboolean
get_position (LodgeDisplay *self, GdkEvent *event, double *x, double *y)
{
  GtkNative *native = gtk_widget_get_native (GTK_WIDGET (self));
  graphene_point_t point;
  double event_x, event_y, native_x, native_y;

  if (native == NULL || !gdk_event_get_position (event, &event_x, &event_y))
    return FALSE;
  gtk_native_get_surface_transform (native, &native_x, &native_y);
  if (!gtk_widget_compute_point (GTK_WIDGET (native), GTK_WIDGET (self),
                                 &GRAPHENE_POINT_INIT (event_x - native_x, event_y - native_y),
                                 &point))
    return FALSE;
  *x = point.x;
  *y = point.y;
  return TRUE;
}

static void
send_position (LodgeDisplay *self, GdkEvent *event)
{
  double x, y;
  int guest_x, guest_y;

  if (!get_position (self, event, &x, &y))
    return;
  if (!lodge_display_pointer_is_relative (self)) {
    /* Points outside are moved to the edge: a drag that leaves the window goes on along it. */
    if (lodge_display_view_to_guest (&self->view, x, y, &guest_x, &guest_y))
      lodge_console_session_position_on (self->session, self->monitor, guest_x, guest_y);
  } else if (self->grabbed && (self->lock == NULL || !self->lock->active)) {
    send_motion (self, (x - self->last_x) * self->view.device_scale,
                 (y - self->last_y) * self->view.device_scale);
  }
  self->last_x = x;
  self->last_y = y;
}

static gboolean
press (LodgeDisplay *self, GdkEvent *event, LodgeButton button)
{
  gboolean was_grabbed = self->grabbed;

  gtk_widget_grab_focus (GTK_WIDGET (self));
  lodge_leave_combo_spoil (&self->combo);
  send_position (self, event);
  lodge_display_grab (self, event);
  /* The guest's pointer is not where the host's is, so what was clicked at is not in the guest. */
  if (!was_grabbed && lodge_display_pointer_is_relative (self)) {
    self->swallowed |= button;
    return GDK_EVENT_STOP;
  }
  self->swallowed &= ~button;
  if (button != 0)
    lodge_console_session_button (self->session, button, TRUE);
  return GDK_EVENT_STOP;
}

static gboolean
release (LodgeDisplay *self, GdkEvent *event, LodgeButton button)
{
  send_position (self, event);
  if ((self->swallowed & button) != 0)
    self->swallowed &= ~button;
  else if (button != 0)
    lodge_console_session_button (self->session, button, FALSE);
  return GDK_EVENT_STOP;
}

static gboolean
event_cb (GtkEventControllerLegacy *controller, GdkEvent *event, LodgeDisplay *self)
{
  if (self->session == NULL)
    return GDK_EVENT_PROPAGATE;

  switch (gdk_event_get_event_type (event)) {
  case GDK_BUTTON_PRESS:
    return press (self, event, to_button (gdk_button_event_get_button (event)));
  case GDK_BUTTON_RELEASE:
    return release (self, event, to_button (gdk_button_event_get_button (event)));
  /* The first finger is the pointer with its left button held. */
  case GDK_TOUCH_BEGIN:
    return gdk_touch_event_get_emulating_pointer (event) && press (self, event, LODGE_BUTTON_LEFT);
  case GDK_TOUCH_END:
  case GDK_TOUCH_CANCEL:
    return gdk_touch_event_get_emulating_pointer (event) &&
           release (self, event, LODGE_BUTTON_LEFT);
  case GDK_TOUCH_UPDATE:
    if (!gdk_touch_event_get_emulating_pointer (event))
      return GDK_EVENT_PROPAGATE;
    send_position (self, event);
    return GDK_EVENT_STOP;
  case GDK_ENTER_NOTIFY:
  case GDK_MOTION_NOTIFY:
    send_position (self, event);
    return GDK_EVENT_PROPAGATE; /* a window may show its header bar at the edge */
  default:
    return GDK_EVENT_PROPAGATE;
  }
}

void
lodge_display_scroll (LodgeDisplay *self, double dx, double dy, GdkScrollUnit unit)
{
  const double pixels = unit == GDK_SCROLL_UNIT_SURFACE ? PIXELS_PER_NOTCH : 1;

  lodge_scroll_turn (&self->scroll, self->session, dx / pixels, dy / pixels);
}

static gboolean
scroll_cb (GtkEventControllerScroll *controller, double dx, double dy, LodgeDisplay *self)
{
  if (self->session == NULL)
    return GDK_EVENT_PROPAGATE;

  /* The pointer may have come here without a motion: with the window, or before the guest. */
  GdkEvent *event = gtk_event_controller_get_current_event (GTK_EVENT_CONTROLLER (controller));
  if (event != NULL)
    send_position (self, event);
  lodge_display_scroll (self, dx, dy, gtk_event_controller_scroll_get_unit (controller));
  return GDK_EVENT_STOP;
}

/* ---- cursor */

void
lodge_display_forget_cursor (LodgeDisplay *self)
{
  g_clear_object (&self->cursor);
  self->cursor_scale = 0;
}

/* How large one of the guest's pixels is in the pixels that cursors of this host are made of. */
static double
get_cursor_scale (LodgeDisplay *self)
{
  double scale = 1;

  if (self->view.view_width > 0)
    scale = (double) self->view.view_width / self->view.guest_width;
#ifdef LODGE_HAVE_X11
  /* X11 takes device pixels. */
  if (GDK_IS_X11_DISPLAY (gtk_widget_get_display (GTK_WIDGET (self))))
    return scale;
#endif
  /* GDK gives Wayland all textures as if for a scale of 1. */
  return scale / lodge_display_get_device_scale (GTK_WIDGET (self));
}

static GdkTexture *
make_texture (const LodgeCursor *cursor)
{
  gsize stride = (gsize) cursor->width * 4;
  g_autoptr (GBytes) bytes = g_bytes_new (cursor->rgba, stride * cursor->height);

  return gdk_memory_texture_new (cursor->width, cursor->height, GDK_MEMORY_R8G8B8A8, bytes, stride);
}

static GdkCursor *
make_cursor (LodgeDisplay *self, const LodgeCursor *cursor, double scale)
{
  g_autoptr (GdkCursor) fallback = gdk_cursor_new_from_name ("default", NULL);
  int width = CLAMP ((int) round (cursor->width * scale), 1, CURSOR_SIZE_MAX);
  int height = CLAMP ((int) round (cursor->height * scale), 1, CURSOR_SIZE_MAX);

  if (width == cursor->width && height == cursor->height)
    return gdk_cursor_new_from_texture (self->cursor, cursor->hot_x, cursor->hot_y, fallback);

  g_autoptr (GBytes) bytes = g_bytes_new (cursor->rgba, (gsize) cursor->width * cursor->height * 4);
  g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new_from_bytes (
      bytes, GDK_COLORSPACE_RGB, TRUE, 8, cursor->width, cursor->height, cursor->width * 4);
  g_autoptr (GdkPixbuf) scaled =
      gdk_pixbuf_scale_simple (pixbuf, width, height, GDK_INTERP_BILINEAR);
  g_autoptr (GdkTexture) texture = gdk_texture_new_for_pixbuf (scaled);
  return gdk_cursor_new_from_texture (texture, cursor->hot_x * width / cursor->width,
                                      cursor->hot_y * height / cursor->height, fallback);
}

void
lodge_display_update_cursor (LodgeDisplay *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  LodgeCursor cursor;
  double scale = get_cursor_scale (self);

  if (lodge_display_pointer_is_relative (self)) {
    self->cursor_scale = 0;
    if (self->source != NULL && lodge_frame_source_get_cursor (self->source, &cursor) &&
        cursor.rgba != NULL && self->cursor == NULL)
      self->cursor = make_texture (&cursor);
    gtk_widget_set_cursor_from_name (widget, self->grabbed ? "none" : NULL);
    /* Its cursor is drawn with its picture, while it has the pointer. */
    gtk_widget_queue_draw (widget);
    return;
  }
  /* A guest that has not drawn a cursor yet must not leave the user without any. */
  if (self->source == NULL || !lodge_frame_source_get_cursor (self->source, &cursor)) {
    self->cursor_scale = 0;
    gtk_widget_set_cursor (widget, NULL);
    return;
  }
  if (cursor.rgba == NULL) {
    self->cursor_scale = 0;
    gtk_widget_set_cursor_from_name (widget, "none");
    return;
  }
  if (self->cursor_scale == scale)
    return;

  if (self->cursor == NULL)
    self->cursor = make_texture (&cursor);
  g_autoptr (GdkCursor) shape = make_cursor (self, &cursor, scale);
  gtk_widget_set_cursor (widget, shape);
  self->cursor_scale = scale;
}

void
lodge_display_init_pointer (LodgeDisplay *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GtkEventController *events = gtk_event_controller_legacy_new ();
  GtkEventController *scroll =
      gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);

  g_signal_connect_object (events, "event", G_CALLBACK (event_cb), self, 0);
  gtk_widget_add_controller (widget, events);
  g_signal_connect_object (scroll, "scroll", G_CALLBACK (scroll_cb), self, 0);
  gtk_widget_add_controller (widget, scroll);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display's keyboard: keys by their place on the keyboard, and the focus.
 *
 * The application's accelerators are handled by controllers in the capture phase on the window,
 * before any widget sees a key: Ctrl+W typed in a guest would close its window. So while the
 * display has the focus a controller of its own is on the window too, and as the last one added it
 * comes first.
 */
#include "gtk/lodge-display-private.h"

#include <linux/input-event-codes.h>

/* ---- keys */

/* GDK's key codes are those of X11, which are Linux's plus 8, on Wayland too. */
static guint
to_evdev (guint keycode)
{
  return keycode >= 8 ? keycode - 8 : 0;
}

/* As most programs take it, in terminals with Shift. */
static gboolean
is_paste (guint keyval, GdkModifierType state)
{
  if ((state & (GDK_ALT_MASK | GDK_SUPER_MASK)) != 0)
    return FALSE;
  return ((state & GDK_CONTROL_MASK) != 0 && gdk_keyval_to_lower (keyval) == GDK_KEY_v) ||
         ((state & GDK_SHIFT_MASK) != 0 &&
          (keyval == GDK_KEY_Insert || keyval == GDK_KEY_KP_Insert));
}

static gboolean
key_pressed_cb (GtkEventControllerKey *controller,
                guint keyval,
                guint keycode,
                GdkModifierType state,
                LodgeDisplay *self)
{
  if (self->session == NULL)
    return GDK_EVENT_PROPAGATE;
  (void) lodge_leave_combo_key (&self->combo, to_evdev (keycode), TRUE);
  if (lodge_display_follow_host_keys (self, to_evdev (keycode), TRUE))
    return GDK_EVENT_PROPAGATE;
  lodge_console_session_key (self->session, to_evdev (keycode), TRUE);
  if (is_paste (keyval, state))
    g_signal_emit_by_name (self, "paste-pressed");
  return GDK_EVENT_STOP;
}

static void
key_released_cb (GtkEventControllerKey *controller,
                 guint keyval,
                 guint keycode,
                 GdkModifierType state,
                 LodgeDisplay *self)
{
  if (self->session == NULL)
    return;
  lodge_display_follow_host_keys (self, to_evdev (keycode), FALSE);
  lodge_console_session_key (self->session, to_evdev (keycode), FALSE);
  if (lodge_leave_combo_key (&self->combo, to_evdev (keycode), FALSE))
    lodge_display_leave (self);
}

static void
take_keys (LodgeDisplay *self)
{
  GtkWidget *root = GTK_WIDGET (gtk_widget_get_root (GTK_WIDGET (self)));

  lodge_display_drop_keys (self);
  if (root == NULL)
    return;
  self->key_controller = gtk_event_controller_key_new ();
  gtk_event_controller_set_propagation_phase (self->key_controller, GTK_PHASE_CAPTURE);
  g_signal_connect_object (self->key_controller, "key-pressed", G_CALLBACK (key_pressed_cb), self,
                           0);
  g_signal_connect_object (self->key_controller, "key-released", G_CALLBACK (key_released_cb), self,
                           0);
  self->key_root = root;
  g_object_add_weak_pointer (G_OBJECT (root), (gpointer *) &self->key_root);
  gtk_widget_add_controller (root, self->key_controller);
}

void
lodge_display_drop_keys (LodgeDisplay *self)
{
  self->combo = (LodgeLeaveCombo){0};
  lodge_display_drop_host_keys (self);
  if (self->key_root == NULL)
    return;
  gtk_widget_remove_controller (self->key_root, self->key_controller);
  g_object_remove_weak_pointer (G_OBJECT (self->key_root), (gpointer *) &self->key_root);
  self->key_root = NULL;
  self->key_controller = NULL;
}

void
lodge_display_sync_locks (LodgeDisplay *self)
{
  GdkSeat *seat = gdk_display_get_default_seat (gtk_widget_get_display (GTK_WIDGET (self)));
  GdkDevice *keyboard = seat != NULL ? gdk_seat_get_keyboard (seat) : NULL;

  if (!self->focused || self->session == NULL || keyboard == NULL)
    return;
  lodge_console_session_sync_locks (self->session,
                                    (gdk_device_get_scroll_lock_state (keyboard) ? 1 : 0) |
                                        (gdk_device_get_num_lock_state (keyboard) ? 2 : 0) |
                                        (gdk_device_get_caps_lock_state (keyboard) ? 4 : 0));
}

static void
focus_enter_cb (GtkEventControllerFocus *controller, LodgeDisplay *self)
{
  self->focused = TRUE;
  take_keys (self);
  lodge_display_sync_locks (self);
}

static void
focus_leave_cb (GtkEventControllerFocus *controller, LodgeDisplay *self)
{
  self->focused = FALSE;
  lodge_display_drop_keys (self);
  lodge_display_release (self);
}

void
lodge_display_release (LodgeDisplay *self)
{
  if (self->session != NULL)
    lodge_console_session_release_all (self->session);
  self->swallowed = 0;
  lodge_display_ungrab (self);
}

void
lodge_display_init_input (LodgeDisplay *self)
{
  GtkEventController *focus = gtk_event_controller_focus_new ();

  g_signal_connect_object (focus, "enter", G_CALLBACK (focus_enter_cb), self, 0);
  g_signal_connect_object (focus, "leave", G_CALLBACK (focus_leave_cb), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (self), focus);
}

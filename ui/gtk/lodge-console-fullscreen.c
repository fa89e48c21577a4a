/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Full screen: F11, and the way back that a pointer finds at the top edge. */
#include "gtk/lodge-console-window-private.h"

/* How long the way back is shown when full screen begins. */
#define SHOW_MS 3000
/* The pointer shows it in this many pixels at the top, and hides it below the second number. */
#define SHOW_ABOVE 2
#define HIDE_BELOW 90

static gboolean
has_focus (LodgeConsoleWindow *self)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));

  return focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->leave_revealer));
}

static gboolean
leave_timer_cb (gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;

  self->leave_timer = 0;
  /* Who came there by the keyboard is still there. */
  if (!has_focus (self))
    gtk_revealer_set_reveal_child (self->leave_revealer, FALSE);
  return G_SOURCE_REMOVE;
}

static void
motion_cb (GtkEventControllerMotion *controller, double x, double y, LodgeConsoleWindow *self)
{
  if (!gtk_window_is_fullscreen (GTK_WINDOW (self)))
    return;

  if (y < SHOW_ABOVE) {
    g_clear_handle_id (&self->leave_timer, g_source_remove);
    gtk_revealer_set_reveal_child (self->leave_revealer, TRUE);
  } else if (y > HIDE_BELOW && self->leave_timer == 0) {
    gtk_revealer_set_reveal_child (self->leave_revealer, FALSE);
  }
}

static gboolean
has_open_menu (LodgeConsoleWindow *self)
{
  GtkWidget *const buttons[] = {self->power_button, self->keys_button, self->menu_button};

  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++) {
    GtkPopover *popover = gtk_menu_button_get_popover (GTK_MENU_BUTTON (buttons[i]));

    if (popover != NULL && gtk_widget_get_visible (GTK_WIDGET (popover)))
      return TRUE;
  }

  return FALSE;
}

/* Who comes back to the window comes back to the guest, wherever the keyboard was left. On X11 a
 * menu has the focus of a window of its own: that is no going away. */
static void
active_cb (LodgeConsoleWindow *self)
{
  const gboolean active = gtk_window_is_active (GTK_WINDOW (self));

  if (active && self->was_left &&
      lodge_console_machine_get_phase (self->machine) == LODGE_CONSOLE_SHOWN)
    gtk_widget_grab_focus (GTK_WIDGET (self->display));
  self->was_left = !active && !has_open_menu (self);
}

static void
fullscreened_cb (LodgeConsoleWindow *self)
{
  const gboolean fullscreen = gtk_window_is_fullscreen (GTK_WINDOW (self));

  /* The button goes; else the keyboard would be on the header's first one, which pauses. */
  if (!fullscreen && has_focus (self))
    gtk_widget_grab_focus (GTK_WIDGET (self->display));
  gtk_widget_set_visible (self->header, !fullscreen);
  gtk_widget_set_visible (GTK_WIDGET (self->leave_revealer), fullscreen);
  gtk_revealer_set_reveal_child (self->leave_revealer, fullscreen);
  g_clear_handle_id (&self->leave_timer, g_source_remove);
  if (fullscreen)
    self->leave_timer = g_timeout_add (SHOW_MS, leave_timer_cb, self);
}

static gboolean
key_cb (GtkEventControllerKey *controller,
        guint keyval,
        guint keycode,
        GdkModifierType state,
        LodgeConsoleWindow *self)
{
  const GdkModifierType modifiers = state & gtk_accelerator_get_default_mod_mask ();

  if (keyval != GDK_KEY_F11 || modifiers != 0)
    return GDK_EVENT_PROPAGATE;

  lodge_console_fullscreen_toggle (self);
  return GDK_EVENT_STOP;
}

static void
add_key (LodgeConsoleWindow *self)
{
  if (self->fullscreen_key != NULL)
    gtk_widget_remove_controller (GTK_WIDGET (self), self->fullscreen_key);
  self->fullscreen_key = gtk_event_controller_key_new ();
  gtk_event_controller_set_propagation_phase (self->fullscreen_key, GTK_PHASE_CAPTURE);
  g_signal_connect (self->fullscreen_key, "key-pressed", G_CALLBACK (key_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), self->fullscreen_key);
}

static gboolean
key_idle_cb (gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;

  self->fullscreen_key_idle = 0;
  add_key (self);
  return G_SOURCE_REMOVE;
}

/* A display that takes the focus puts a controller on the window that gives every key to the guest;
 * the newest one comes first (gtk_widget_add_controller() prepends), so ours is made new. */
static void
focus_cb (LodgeConsoleWindow *self)
{
  if (self->fullscreen_key_idle == 0)
    self->fullscreen_key_idle = g_idle_add (key_idle_cb, self);
  if (self->leave_timer == 0 && !has_focus (self))
    gtk_revealer_set_reveal_child (self->leave_revealer, FALSE);
}

/* The keyboard leaves the guest: for the header bar, or for the way back from full screen. */
static void
leave_cb (LodgeConsoleWindow *self)
{
  if (gtk_window_is_fullscreen (GTK_WINDOW (self))) {
    gtk_revealer_set_reveal_child (self->leave_revealer, TRUE);
    /* By name: what is only about to be revealed is not found by looking for something to focus. */
    gtk_widget_grab_focus (self->leave_button);
  } else {
    /* Not the first button, which pauses: a desktop's own shortcut with Ctrl+Alt looks the same. */
    gtk_widget_grab_focus (self->menu_button);
  }
  gtk_window_set_focus_visible (GTK_WINDOW (self), TRUE);
}

void
lodge_console_fullscreen_init (LodgeConsoleWindow *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();

  gtk_event_controller_set_propagation_phase (motion, GTK_PHASE_CAPTURE);
  g_signal_connect (motion, "motion", G_CALLBACK (motion_cb), self);
  gtk_widget_add_controller (self->overlay, motion);

  add_key (self);
  g_signal_connect_object (self->display, "leave", G_CALLBACK (leave_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect (self, "notify::focus-widget", G_CALLBACK (focus_cb), NULL);
  g_signal_connect (self, "notify::is-active", G_CALLBACK (focus_cb), NULL);
  g_signal_connect (self, "notify::is-active", G_CALLBACK (active_cb), NULL);
  g_signal_connect (self, "notify::fullscreened", G_CALLBACK (fullscreened_cb), NULL);
}

void
lodge_console_fullscreen_toggle (LodgeConsoleWindow *self)
{
  if (gtk_window_is_fullscreen (GTK_WINDOW (self)))
    gtk_window_unfullscreen (GTK_WINDOW (self));
  else
    gtk_window_fullscreen (GTK_WINDOW (self));
}

void
lodge_console_fullscreen_clear (LodgeConsoleWindow *self)
{
  g_clear_handle_id (&self->fullscreen_key_idle, g_source_remove);
  g_clear_handle_id (&self->leave_timer, g_source_remove);
}

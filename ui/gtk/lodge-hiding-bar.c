/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window's header bar that hides in full screen. */
#include "gtk/lodge-hiding-bar.h"

#include <adwaita.h>
#include <glib/gi18n-lib.h>

/* How long the bar is shown when full screen begins; how long the pointer rests at the edge before
 * it comes, and is away from it before it goes. */
#define BEGIN_MS 3000
#define REST_MS  250
#define AWAY_MS  700
/* The edge, and how far below the bar the pointer is away from it. */
#define EDGE_HEIGHT 2
#define AWAY_HEIGHT 40

struct _LodgeHidingBar {
  LodgeHidingBarParts parts;
  GtkEventController *key; /* the newest controller of the window */
  GtkEventController *motion;
  GtkEventController *click;
  guint key_idle;
  guint show_timer;
  guint hide_timer;
  gboolean by_keyboard; /* the bar was asked for by it: the pointer, wherever it is, is no matter */
  gboolean edge_spent;  /* by a click: until the pointer has left the edge */
  gboolean outside;     /* the pointer, of the window; else it is at: */
  double x, y;
};

static gboolean
has_focus (LodgeHidingBar *self)
{
  GtkWidget *focus = gtk_window_get_focus (self->parts.window);

  return focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->parts.revealer));
}

static gboolean
has_open_menu (LodgeHidingBar *self)
{
  return self->parts.has_open_menu (self->parts.user_data);
}

/* ---- the bar */

static void
stop_timers (LodgeHidingBar *self)
{
  g_clear_handle_id (&self->show_timer, g_source_remove);
  g_clear_handle_id (&self->hide_timer, g_source_remove);
}

/* A revealer that shows nothing still takes a row of pixels from the pointer (GTK 4.8); and what
 * slides away is not clicked at any more. */
static void
reveal (LodgeHidingBar *self, gboolean revealed)
{
  GtkWidget *revealer = GTK_WIDGET (self->parts.revealer);

  if (revealed)
    gtk_widget_set_visible (revealer, TRUE);
  gtk_widget_set_can_target (revealer, revealed);
  gtk_revealer_set_reveal_child (self->parts.revealer, revealed);
}

static void
revealed_cb (LodgeHidingBar *self)
{
  if (!gtk_revealer_get_reveal_child (self->parts.revealer))
    gtk_widget_set_visible (GTK_WIDGET (self->parts.revealer), FALSE);
}

static void
show_bar (LodgeHidingBar *self)
{
  stop_timers (self);
  reveal (self, TRUE);
}

static void
hide_bar (LodgeHidingBar *self)
{
  stop_timers (self);
  self->by_keyboard = FALSE;
  reveal (self, FALSE);
  /* A button that was clicked has the keyboard, and is not seen any more. */
  if (has_focus (self))
    self->parts.focus_guest (self->parts.user_data);
}

static gboolean
show_cb (gpointer user_data)
{
  LodgeHidingBar *self = user_data;

  self->show_timer = 0;
  show_bar (self);
  return G_SOURCE_REMOVE;
}

static gboolean
hide_cb (gpointer user_data)
{
  LodgeHidingBar *self = user_data;

  if (has_open_menu (self))
    return G_SOURCE_CONTINUE;
  self->hide_timer = 0;
  hide_bar (self);
  return G_SOURCE_REMOVE;
}

/* ---- pointer */

static gboolean
is_away (LodgeHidingBar *self, double x, double y)
{
  graphene_rect_t bounds;

  if (!gtk_widget_compute_bounds (GTK_WIDGET (self->parts.revealer), self->parts.overlay, &bounds))
    return TRUE;
  return !graphene_rect_contains_point (graphene_rect_inset (&bounds, -AWAY_HEIGHT, -AWAY_HEIGHT),
                                        &GRAPHENE_POINT_INIT ((float) x, (float) y));
}

/* A bar that has only begun to come has no size by which the pointer could be in it. */
static gboolean
away_cb (gpointer user_data)
{
  LodgeHidingBar *self = user_data;

  if (self->outside || is_away (self, self->x, self->y))
    return hide_cb (self);
  self->hide_timer = 0;
  return G_SOURCE_REMOVE;
}

static void
begin_to_hide (LodgeHidingBar *self)
{
  if (gtk_revealer_get_reveal_child (self->parts.revealer) && self->hide_timer == 0 &&
      !self->by_keyboard)
    self->hide_timer = g_timeout_add (AWAY_MS, away_cb, self);
}

/* Also when it comes from outside, without a motion. */
static void
motion_cb (GtkEventControllerMotion *controller, double x, double y, LodgeHidingBar *self)
{
  const GdkModifierType held =
      gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (controller)) &
      (GDK_BUTTON1_MASK | GDK_BUTTON2_MASK | GDK_BUTTON3_MASK);

  self->outside = FALSE;
  self->x = x;
  self->y = y;
  if (!gtk_window_is_fullscreen (self->parts.window))
    return;

  if (gtk_revealer_get_reveal_child (self->parts.revealer)) {
    if (!is_away (self, x, y)) {
      self->by_keyboard = FALSE;
      g_clear_handle_id (&self->hide_timer, g_source_remove);
    } else {
      begin_to_hide (self);
    }
    return;
  }

  if (y >= EDGE_HEIGHT)
    self->edge_spent = FALSE;
  if (y >= EDGE_HEIGHT || held != 0 || self->edge_spent)
    g_clear_handle_id (&self->show_timer, g_source_remove);
  else if (self->show_timer == 0)
    self->show_timer = g_timeout_add (REST_MS, show_cb, self);
}

/* To another monitor: it does not rest at the edge, and is not in the bar. */
static void
leave_cb (GtkEventControllerMotion *controller, LodgeHidingBar *self)
{
  self->outside = TRUE;
  if (!gtk_window_is_fullscreen (self->parts.window))
    return;
  self->edge_spent = FALSE;
  g_clear_handle_id (&self->show_timer, g_source_remove);
  begin_to_hide (self);
}

/* What is clicked at the edge is the guest's. */
static void
pressed_cb (GtkGestureClick *click, int n, double x, double y, LodgeHidingBar *self)
{
  if (!gtk_revealer_get_reveal_child (self->parts.revealer) && y < EDGE_HEIGHT)
    self->edge_spent = TRUE;
  g_clear_handle_id (&self->show_timer, g_source_remove);
}

/* ---- keyboard */

static gboolean
key_cb (GtkEventControllerKey *controller,
        guint keyval,
        guint keycode,
        GdkModifierType modifiers,
        LodgeHidingBar *self)
{
  const GdkModifierType held = modifiers & gtk_accelerator_get_default_mod_mask ();

  if (self->parts.key_pressed != NULL &&
      self->parts.key_pressed (keyval, held, self->parts.user_data))
    return GDK_EVENT_STOP;
  if (held != 0)
    return GDK_EVENT_PROPAGATE;

  if (keyval == GDK_KEY_F11) {
    lodge_hiding_bar_toggle (self);
    return GDK_EVENT_STOP;
  }
  if (keyval == GDK_KEY_Escape && has_focus (self) && !has_open_menu (self)) {
    hide_bar (self);
    return GDK_EVENT_STOP;
  }
  return GDK_EVENT_PROPAGATE;
}

static void
release_cb (GtkEventControllerKey *controller,
            guint keyval,
            guint keycode,
            GdkModifierType modifiers,
            LodgeHidingBar *self)
{
  if (self->parts.key_released != NULL)
    self->parts.key_released (self->parts.user_data);
}

static void
add_key (LodgeHidingBar *self)
{
  GtkWidget *window = GTK_WIDGET (self->parts.window);

  if (self->key != NULL)
    gtk_widget_remove_controller (window, self->key);
  self->key = gtk_event_controller_key_new ();
  gtk_event_controller_set_propagation_phase (self->key, GTK_PHASE_CAPTURE);
  g_signal_connect (self->key, "key-pressed", G_CALLBACK (key_cb), self);
  g_signal_connect (self->key, "key-released", G_CALLBACK (release_cb), self);
  gtk_widget_add_controller (window, self->key);
}

static gboolean
key_idle_cb (gpointer user_data)
{
  LodgeHidingBar *self = user_data;

  self->key_idle = 0;
  add_key (self);
  return G_SOURCE_REMOVE;
}

/* A display that takes the focus puts a controller on the window that gives every key to the guest;
 * the newest one comes first (gtk_widget_add_controller() prepends), so ours is made new. That is
 * before the next event: on a busy computer an ordinary idle comes seconds later. */
static void
focus_cb (LodgeHidingBar *self)
{
  if (self->key_idle == 0)
    self->key_idle = g_idle_add_full (G_PRIORITY_HIGH, key_idle_cb, self, NULL);
  if (self->by_keyboard && !has_focus (self) && !has_open_menu (self))
    hide_bar (self);
}

/* ---- coming and going */

static void
move_header (LodgeHidingBar *self, gboolean into_bar)
{
  GtkRevealer *revealer = self->parts.revealer;
  g_autoptr (GtkWidget) header = g_object_ref (self->parts.header);
  const gboolean is_in_bar = gtk_revealer_get_child (revealer) == header;

  if (into_bar == is_in_bar)
    return;
  if (into_bar) {
    gtk_box_remove (self->parts.content, header);
    gtk_revealer_set_child (revealer, header);
  } else {
    gtk_revealer_set_child (revealer, NULL);
    gtk_box_prepend (self->parts.content, header);
  }
}

static void
fullscreened_cb (LodgeHidingBar *self)
{
  AdwHeaderBar *header = ADW_HEADER_BAR (self->parts.header);
  GtkButton *toggle = self->parts.toggle;
  const gboolean fullscreen = gtk_window_is_fullscreen (self->parts.window);
  GtkWidget *focus = gtk_window_get_focus (self->parts.window);
  const char *words = fullscreen ? _ ("Leave Full Screen (F11)") : _ ("Full Screen (F11)");

  stop_timers (self);
  self->by_keyboard = FALSE;
  /* GTK (4.8) gives what has the focus, and is nowhere for a moment, its role for a screen
   * reader a second time, and complains of that itself. */
  if (focus != NULL && gtk_widget_is_ancestor (focus, self->parts.header))
    gtk_window_set_focus (self->parts.window, NULL);
  move_header (self, fullscreen);
  gtk_button_set_icon_name (toggle,
                            fullscreen ? "view-restore-symbolic" : "view-fullscreen-symbolic");
  gtk_widget_set_tooltip_text (GTK_WIDGET (toggle), words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (toggle), GTK_ACCESSIBLE_PROPERTY_LABEL, words,
                                  -1);
  /* Not every desktop's title bar has this, and only here nothing else can do it. */
  gtk_widget_set_visible (self->parts.minimize, fullscreen);
  adw_header_bar_set_show_start_title_buttons (header, !fullscreen);
  adw_header_bar_set_show_end_title_buttons (header, !fullscreen);

  reveal (self, fullscreen);
  /* Else the keyboard would be on the header's first button. */
  if (gtk_window_get_focus (self->parts.window) == NULL)
    self->parts.focus_guest (self->parts.user_data);
  if (fullscreen)
    self->hide_timer = g_timeout_add (BEGIN_MS, hide_cb, self);
}

LodgeHidingBar *
lodge_hiding_bar_new (const LodgeHidingBarParts *parts)
{
  LodgeHidingBar *self = g_new0 (LodgeHidingBar, 1);

  self->parts = *parts;
  self->motion = gtk_event_controller_motion_new ();
  gtk_event_controller_set_propagation_phase (self->motion, GTK_PHASE_CAPTURE);
  g_signal_connect (self->motion, "enter", G_CALLBACK (motion_cb), self);
  g_signal_connect (self->motion, "motion", G_CALLBACK (motion_cb), self);
  g_signal_connect (self->motion, "leave", G_CALLBACK (leave_cb), self);
  gtk_widget_add_controller (parts->overlay, self->motion);
  self->click = GTK_EVENT_CONTROLLER (gtk_gesture_click_new ());
  gtk_event_controller_set_propagation_phase (self->click, GTK_PHASE_CAPTURE);
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (self->click), 0);
  g_signal_connect (self->click, "pressed", G_CALLBACK (pressed_cb), self);
  gtk_widget_add_controller (parts->overlay, self->click);
  add_key (self);

  g_signal_connect_swapped (parts->revealer, "notify::child-revealed", G_CALLBACK (revealed_cb),
                            self);
  g_signal_connect_swapped (parts->window, "notify::focus-widget", G_CALLBACK (focus_cb), self);
  g_signal_connect_swapped (parts->window, "notify::is-active", G_CALLBACK (focus_cb), self);
  g_signal_connect_swapped (parts->window, "notify::fullscreened", G_CALLBACK (fullscreened_cb),
                            self);
  return self;
}

void
lodge_hiding_bar_free (LodgeHidingBar *self)
{
  if (self == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->parts.window, self);
  g_signal_handlers_disconnect_by_data (self->parts.revealer, self);
  gtk_widget_remove_controller (GTK_WIDGET (self->parts.window), self->key);
  gtk_widget_remove_controller (self->parts.overlay, self->motion);
  gtk_widget_remove_controller (self->parts.overlay, self->click);
  g_clear_handle_id (&self->key_idle, g_source_remove);
  stop_timers (self);
  g_free (self);
}

void
lodge_hiding_bar_toggle (LodgeHidingBar *self)
{
  if (gtk_window_is_fullscreen (self->parts.window))
    gtk_window_unfullscreen (self->parts.window);
  else
    gtk_window_fullscreen (self->parts.window);
}

gboolean
lodge_hiding_bar_enter (LodgeHidingBar *self)
{
  if (!gtk_window_is_fullscreen (self->parts.window))
    return FALSE;
  show_bar (self);
  self->by_keyboard = TRUE;
  gtk_widget_grab_focus (GTK_WIDGET (self->parts.toggle));
  gtk_window_set_focus_visible (self->parts.window, TRUE);
  return TRUE;
}

gboolean
lodge_hiding_bar_is_hidden (LodgeHidingBar *self)
{
  return gtk_window_is_fullscreen (self->parts.window) &&
         !gtk_revealer_get_reveal_child (self->parts.revealer);
}

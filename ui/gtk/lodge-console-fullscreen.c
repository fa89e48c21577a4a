/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Full screen: F11, and the bar that slides in from the top edge. Also the window's other keys.
 *
 * The bar is the window's header bar, with all that is in it, in the middle of the top edge. It
 *
 *   comes   for a moment when full screen begins; when the pointer rests at the top edge; when the
 *           keyboard leaves the guest (Ctrl+Alt), and then has it
 *   stays   while the pointer or the keyboard is in it, or a menu of it is open
 *   goes    a moment after the pointer has left it; at once with Escape, or when the guest has the
 *           keyboard again
 *
 * The top row belongs to the guest: a pointer that only comes by, that drags something, or that
 * clicks there, does not bring the bar.
 */
#include "gtk/lodge-console-window-private.h"

#include <glib/gi18n-lib.h>

/* How long the bar is shown when full screen begins; how long the pointer rests at the edge before
 * it comes, and is away from it before it goes. */
#define BEGIN_MS 3000
#define REST_MS  250
#define AWAY_MS  700
/* The edge, and how far below the bar the pointer is away from it. */
#define EDGE_HEIGHT 2
#define AWAY_HEIGHT 40

struct _LodgeConsoleFullscreen {
  GtkEventController *key; /* the newest controller of the window */
  guint key_idle;
  guint show_timer;
  guint hide_timer;
  gboolean by_keyboard; /* the bar was asked for by it: the pointer, wherever it is, is no matter */
  gboolean edge_spent;  /* by a click: until the pointer has left the edge */
  gboolean was_left;    /* for another window */
  gboolean print_held;  /* each press counts once, however long it is */
};

static gboolean
is_fullscreen (LodgeConsoleWindow *self)
{
  return gtk_window_is_fullscreen (GTK_WINDOW (self));
}

static gboolean
has_focus (LodgeConsoleWindow *self)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));

  return focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->bar));
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

/* ---- the bar */

static void
stop_timers (LodgeConsoleFullscreen *state)
{
  g_clear_handle_id (&state->show_timer, g_source_remove);
  g_clear_handle_id (&state->hide_timer, g_source_remove);
}

/* A revealer that shows nothing still takes a row of pixels from the pointer (GTK 4.8); and what
 * slides away is not clicked at any more. */
static void
reveal (LodgeConsoleWindow *self, gboolean revealed)
{
  if (revealed)
    gtk_widget_set_visible (GTK_WIDGET (self->bar), TRUE);
  gtk_widget_set_can_target (GTK_WIDGET (self->bar), revealed);
  gtk_revealer_set_reveal_child (self->bar, revealed);
}

static void
revealed_cb (LodgeConsoleWindow *self)
{
  if (!gtk_revealer_get_reveal_child (self->bar))
    gtk_widget_set_visible (GTK_WIDGET (self->bar), FALSE);
}

static void
show_bar (LodgeConsoleWindow *self)
{
  stop_timers (self->fullscreen);
  reveal (self, TRUE);
}

static void
hide_bar (LodgeConsoleWindow *self)
{
  stop_timers (self->fullscreen);
  self->fullscreen->by_keyboard = FALSE;
  reveal (self, FALSE);
  /* A button that was clicked has the keyboard, and is not seen any more. */
  if (has_focus (self))
    lodge_console_terminals_focus_screen (self, self->display);
}

static gboolean
show_cb (gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;

  self->fullscreen->show_timer = 0;
  show_bar (self);
  return G_SOURCE_REMOVE;
}

static gboolean
hide_cb (gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;

  if (has_open_menu (self))
    return G_SOURCE_CONTINUE;
  self->fullscreen->hide_timer = 0;
  hide_bar (self);
  return G_SOURCE_REMOVE;
}

/* ---- pointer */

static gboolean
is_away (LodgeConsoleWindow *self, double x, double y)
{
  graphene_rect_t bounds;

  if (!gtk_widget_compute_bounds (GTK_WIDGET (self->bar), self->overlay, &bounds))
    return TRUE;
  return !graphene_rect_contains_point (graphene_rect_inset (&bounds, -AWAY_HEIGHT, -AWAY_HEIGHT),
                                        &GRAPHENE_POINT_INIT ((float) x, (float) y));
}

static void
motion_cb (GtkEventControllerMotion *controller, double x, double y, LodgeConsoleWindow *self)
{
  LodgeConsoleFullscreen *state = self->fullscreen;
  const GdkModifierType held =
      gtk_event_controller_get_current_event_state (GTK_EVENT_CONTROLLER (controller)) &
      (GDK_BUTTON1_MASK | GDK_BUTTON2_MASK | GDK_BUTTON3_MASK);

  if (!is_fullscreen (self))
    return;

  if (gtk_revealer_get_reveal_child (self->bar)) {
    if (!is_away (self, x, y)) {
      state->by_keyboard = FALSE;
      g_clear_handle_id (&state->hide_timer, g_source_remove);
    } else if (state->hide_timer == 0 && !state->by_keyboard) {
      state->hide_timer = g_timeout_add (AWAY_MS, hide_cb, self);
    }
    return;
  }

  if (y >= EDGE_HEIGHT)
    state->edge_spent = FALSE;
  if (y >= EDGE_HEIGHT || held != 0 || state->edge_spent)
    g_clear_handle_id (&state->show_timer, g_source_remove);
  else if (state->show_timer == 0)
    state->show_timer = g_timeout_add (REST_MS, show_cb, self);
}

/* What is clicked at the edge is the guest's. */
static void
pressed_cb (GtkGestureClick *click, int n, double x, double y, LodgeConsoleWindow *self)
{
  if (!gtk_revealer_get_reveal_child (self->bar) && y < EDGE_HEIGHT)
    self->fullscreen->edge_spent = TRUE;
  g_clear_handle_id (&self->fullscreen->show_timer, g_source_remove);
}

/* ---- keyboard */

static gboolean
key_cb (GtkEventControllerKey *controller,
        guint keyval,
        guint keycode,
        GdkModifierType modifiers,
        LodgeConsoleWindow *self)
{
  const GdkModifierType held = modifiers & gtk_accelerator_get_default_mod_mask ();

  /* A guest that has all keys has this one too. */
  if (keyval == GDK_KEY_Print && (held & ~GDK_SHIFT_MASK) == GDK_CONTROL_MASK &&
      !lodge_display_get_grabbed (self->display)) {
    const gboolean again = self->fullscreen->print_held;

    self->fullscreen->print_held = TRUE;
    return again || gtk_widget_activate_action (
                        GTK_WIDGET (self),
                        held == GDK_CONTROL_MASK ? "console.screenshot" : "console.record", NULL);
  }
  if (held != 0)
    return GDK_EVENT_PROPAGATE;

  if (keyval == GDK_KEY_F11) {
    lodge_console_fullscreen_toggle (self);
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
            LodgeConsoleWindow *self)
{
  self->fullscreen->print_held = FALSE;
}

static void
add_key (LodgeConsoleWindow *self)
{
  LodgeConsoleFullscreen *state = self->fullscreen;

  if (state->key != NULL)
    gtk_widget_remove_controller (GTK_WIDGET (self), state->key);
  state->key = gtk_event_controller_key_new ();
  gtk_event_controller_set_propagation_phase (state->key, GTK_PHASE_CAPTURE);
  g_signal_connect (state->key, "key-pressed", G_CALLBACK (key_cb), self);
  g_signal_connect (state->key, "key-released", G_CALLBACK (release_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), state->key);
}

static gboolean
key_idle_cb (gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;

  self->fullscreen->key_idle = 0;
  add_key (self);
  return G_SOURCE_REMOVE;
}

/* A display that takes the focus puts a controller on the window that gives every key to the guest;
 * the newest one comes first (gtk_widget_add_controller() prepends), so ours is made new. */
static void
focus_cb (LodgeConsoleWindow *self)
{
  LodgeConsoleFullscreen *state = self->fullscreen;

  if (state->key_idle == 0)
    state->key_idle = g_idle_add (key_idle_cb, self);
  if (state->by_keyboard && !has_focus (self) && !has_open_menu (self))
    hide_bar (self);
}

/* The keyboard leaves the guest: for the header bar, wherever it is. */
static void
leave_cb (LodgeConsoleWindow *self)
{
  if (is_fullscreen (self)) {
    show_bar (self);
    self->fullscreen->by_keyboard = TRUE;
    gtk_widget_grab_focus (self->fullscreen_button);
  } else {
    /* Not the first button, which pauses: a desktop's own shortcut with Ctrl+Alt looks the same. */
    gtk_widget_grab_focus (self->menu_button);
  }
  gtk_window_set_focus_visible (GTK_WINDOW (self), TRUE);
}

/* Who comes back to the window comes back to the guest, wherever the keyboard was left. On X11 a
 * menu has the focus of a window of its own: that is no going away. */
static void
active_cb (LodgeConsoleWindow *self)
{
  const gboolean active = gtk_window_is_active (GTK_WINDOW (self));

  /* It may be let go of elsewhere. */
  self->fullscreen->print_held = FALSE;
  if (active && self->fullscreen->was_left &&
      lodge_console_machine_get_phase (self->machine) == LODGE_CONSOLE_SHOWN)
    lodge_console_terminals_focus_screen (self, self->display);
  self->fullscreen->was_left = !active && !has_open_menu (self);
}

/* ---- coming and going */

static void
move_header (LodgeConsoleWindow *self, gboolean into_bar)
{
  g_autoptr (GtkWidget) header = g_object_ref (self->header);
  const gboolean is_in_bar = gtk_revealer_get_child (self->bar) == header;

  if (into_bar == is_in_bar)
    return;
  if (into_bar) {
    gtk_box_remove (self->content, header);
    gtk_revealer_set_child (self->bar, header);
  } else {
    gtk_revealer_set_child (self->bar, NULL);
    gtk_box_prepend (self->content, header);
  }
}

static void
fullscreened_cb (LodgeConsoleWindow *self)
{
  const gboolean fullscreen = is_fullscreen (self);
  const gboolean had_focus = has_focus (self);
  const char *words = fullscreen ? _ ("Leave Full Screen (F11)") : _ ("Full Screen (F11)");

  stop_timers (self->fullscreen);
  self->fullscreen->by_keyboard = FALSE;
  move_header (self, fullscreen);
  gtk_button_set_icon_name (GTK_BUTTON (self->fullscreen_button),
                            fullscreen ? "view-restore-symbolic" : "view-fullscreen-symbolic");
  gtk_widget_set_tooltip_text (self->fullscreen_button, words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->fullscreen_button),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, words, -1);
  /* Not every desktop's title bar has this, and only here nothing else can do it. */
  gtk_widget_set_visible (self->minimize_button, fullscreen);
  adw_header_bar_set_show_start_title_buttons (ADW_HEADER_BAR (self->header), !fullscreen);
  adw_header_bar_set_show_end_title_buttons (ADW_HEADER_BAR (self->header), !fullscreen);

  reveal (self, fullscreen);
  /* Else the keyboard would be on the header's first button, which pauses. */
  if (had_focus || gtk_window_get_focus (GTK_WINDOW (self)) == NULL)
    lodge_console_terminals_focus_screen (self, self->display);
  if (fullscreen)
    self->fullscreen->hide_timer = g_timeout_add (BEGIN_MS, hide_cb, self);
}

void
lodge_console_fullscreen_init (LodgeConsoleWindow *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkGesture *click = gtk_gesture_click_new ();

  self->fullscreen = g_new0 (LodgeConsoleFullscreen, 1);
  gtk_event_controller_set_propagation_phase (motion, GTK_PHASE_CAPTURE);
  g_signal_connect (motion, "motion", G_CALLBACK (motion_cb), self);
  gtk_widget_add_controller (self->overlay, motion);
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (click), GTK_PHASE_CAPTURE);
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), 0);
  g_signal_connect (click, "pressed", G_CALLBACK (pressed_cb), self);
  gtk_widget_add_controller (self->overlay, GTK_EVENT_CONTROLLER (click));

  g_signal_connect_object (self->bar, "notify::child-revealed", G_CALLBACK (revealed_cb), self,
                           G_CONNECT_SWAPPED);
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
  if (is_fullscreen (self))
    gtk_window_unfullscreen (GTK_WINDOW (self));
  else
    gtk_window_fullscreen (GTK_WINDOW (self));
}

gboolean
lodge_console_fullscreen_hides_header (LodgeConsoleWindow *self)
{
  return gtk_window_is_fullscreen (GTK_WINDOW (self)) && !gtk_revealer_get_reveal_child (self->bar);
}

void
lodge_console_fullscreen_clear (LodgeConsoleWindow *self)
{
  LodgeConsoleFullscreen *state = g_steal_pointer (&self->fullscreen);

  if (state == NULL)
    return;
  g_signal_handlers_disconnect_by_func (self, focus_cb, NULL);
  g_signal_handlers_disconnect_by_func (self, active_cb, NULL);
  g_signal_handlers_disconnect_by_func (self, fullscreened_cb, NULL);
  g_clear_handle_id (&state->key_idle, g_source_remove);
  stop_timers (state);
  g_free (state);
}

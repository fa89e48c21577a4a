/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Full screen of the console window, and the window's other keys. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-hiding-bar.h"

struct _LodgeConsoleFullscreen {
  LodgeHidingBar *bar;
  gboolean was_left; /* for another window */
  gboolean key_held; /* each press counts once, however long it is */
};

static void
focus_guest (gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;

  lodge_console_terminals_focus_screen (self,
                                        gtk_widget_get_mapped (GTK_WIDGET (self->display))
                                            ? (gpointer) lodge_console_beside_get_screen (self)
                                            : (gpointer) self->status_button);
}

static gboolean
has_open_menu (gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;
  GtkWidget *const buttons[] = {self->power_button, self->keys_button, self->menu_button};

  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++) {
    GtkPopover *popover = gtk_menu_button_get_popover (GTK_MENU_BUTTON (buttons[i]));

    if (popover != NULL && gtk_widget_get_visible (GTK_WIDGET (popover)))
      return TRUE;
  }

  return FALSE;
}

/* @own: it is the window's own screen, and not a further monitor's beside it */
static const char *
find_action (guint keyval, GdkModifierType held, gboolean own)
{
  const gboolean shift = (held & GDK_SHIFT_MASK) != 0;

  if ((held & ~GDK_SHIFT_MASK) != GDK_CONTROL_MASK)
    return NULL;
  if (keyval == GDK_KEY_Print && own)
    return shift ? "console.record" : "console.screenshot";
  if (keyval == GDK_KEY_Print)
    return shift ? "screen.record" : "screen.screenshot";
  return shift && keyval == GDK_KEY_Insert ? "sharing.paste-files" : NULL;
}

/* Of the screen that they are typed at. A guest that has all keys has these too. */
static gboolean
key_pressed (guint keyval, GdkModifierType held, gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  LodgeDisplay *display = LODGE_IS_DISPLAY (focus) ? LODGE_DISPLAY (focus) : self->display;
  const char *action = find_action (keyval, held, display == self->display);

  if (action == NULL || lodge_display_get_grabbed (display))
    return FALSE;

  const gboolean again = self->fullscreen->key_held;

  self->fullscreen->key_held = TRUE;
  return again || gtk_widget_activate_action (GTK_WIDGET (display), action, NULL);
}

static void
key_released (gpointer user_data)
{
  ((LodgeConsoleWindow *) user_data)->fullscreen->key_held = FALSE;
}

void
lodge_console_fullscreen_leave (LodgeConsoleWindow *self)
{
  if (lodge_hiding_bar_enter (self->fullscreen->bar))
    return;
  /* Not the first button, which pauses: a desktop's own shortcut with Ctrl+Alt looks the same. */
  gtk_widget_grab_focus (self->menu_button);
  gtk_window_set_focus_visible (GTK_WINDOW (self), TRUE);
}

/* Who comes back to the window comes back to the guest, wherever the keyboard was left. On X11 a
 * menu has the focus of a window of its own: that is no going away. */
static void
active_cb (LodgeConsoleWindow *self)
{
  const gboolean active = gtk_window_is_active (GTK_WINDOW (self));

  /* It may be let go of elsewhere. */
  self->fullscreen->key_held = FALSE;
  if (active && self->fullscreen->was_left &&
      lodge_console_machine_get_phase (self->machine) == LODGE_CONSOLE_SHOWN)
    focus_guest (self);
  self->fullscreen->was_left = !active && !has_open_menu (self);
}

void
lodge_console_fullscreen_init (LodgeConsoleWindow *self)
{
  const LodgeHidingBarParts parts = {
      .window = GTK_WINDOW (self),
      .content = self->content,
      .header = self->header,
      .overlay = self->overlay,
      .revealer = self->bar,
      .toggle = GTK_BUTTON (self->fullscreen_button),
      .minimize = self->minimize_button,
      .focus_guest = focus_guest,
      .has_open_menu = has_open_menu,
      .key_pressed = key_pressed,
      .key_released = key_released,
      .user_data = self,
  };

  self->fullscreen = g_new0 (LodgeConsoleFullscreen, 1);
  self->fullscreen->bar = lodge_hiding_bar_new (&parts);
  g_signal_connect_object (self->display, "leave", G_CALLBACK (lodge_console_fullscreen_leave),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect (self, "notify::is-active", G_CALLBACK (active_cb), NULL);
}

void
lodge_console_fullscreen_toggle (LodgeConsoleWindow *self)
{
  lodge_hiding_bar_toggle (self->fullscreen->bar);
}

gboolean
lodge_console_fullscreen_hides_header (LodgeConsoleWindow *self)
{
  return self->fullscreen != NULL && lodge_hiding_bar_is_hidden (self->fullscreen->bar);
}

void
lodge_console_fullscreen_clear (LodgeConsoleWindow *self)
{
  LodgeConsoleFullscreen *state = g_steal_pointer (&self->fullscreen);

  if (state == NULL)
    return;
  g_signal_handlers_disconnect_by_func (self, active_cb, NULL);
  g_signal_handlers_disconnect_by_func (self->display, lodge_console_fullscreen_leave, self);
  lodge_hiding_bar_free (state->bar);
  g_free (state);
}

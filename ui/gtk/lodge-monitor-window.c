/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window for one of a guest's further monitors. */
#include "gtk/lodge-monitor-window.h"

#include "gtk/lodge-hiding-bar.h"
#include "gtk/lodge-saved-toast.h"
#include "gtk/lodge-settings.h"

#include <glib/gi18n-lib.h>

struct _LodgeMonitorWindow {
  AdwWindow parent_instance;

  GtkBox *content;
  GtkWidget *header;
  AdwWindowTitle *title;
  GtkButton *fullscreen_button;
  GtkWidget *minimize_button;
  GtkWidget *overlay;
  GtkRevealer *bar;
  GtkWidget *begin_button;
  GtkWidget *record_button;
  GtkLabel *record_time;

  LodgeMonitorView *view; /* NULL once it was given back */
  LodgeDisplay *display;  /* its own */
  LodgeHidingBar *hiding_bar;
  gboolean key_held;
};

G_DEFINE_FINAL_TYPE (LodgeMonitorWindow, lodge_monitor_window, ADW_TYPE_WINDOW)

static void
focus_guest (gpointer user_data)
{
  LodgeMonitorWindow *self = user_data;

  if (self->view != NULL)
    gtk_widget_grab_focus (GTK_WIDGET (self->display));
}

static void
show_subtitle (LodgeMonitorWindow *self)
{
  const char *way_out = lodge_display_get_way_out (self->display);

  adw_window_title_set_subtitle (self->title, way_out != NULL ? way_out : "");
}

static gboolean
has_open_menu (gpointer user_data)
{
  return FALSE;
}

/* Ctrl+Alt without a grab: to the window's own buttons. */
static void
leave_cb (LodgeMonitorWindow *self)
{
  if (lodge_hiding_bar_enter (self->hiding_bar))
    return;
  gtk_widget_grab_focus (GTK_WIDGET (self->fullscreen_button));
  gtk_window_set_focus_visible (GTK_WINDOW (self), TRUE);
}

static void
fullscreen_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lodge_hiding_bar_toggle (LODGE_MONITOR_WINDOW (widget)->hiding_bar);
}

/* Where the header is hidden what it says is said over the picture. */
static void
update_header_seen (LodgeMonitorWindow *self)
{
  if (self->view != NULL && self->hiding_bar != NULL)
    lodge_monitor_view_set_header_seen (self->view, !lodge_hiding_bar_is_hidden (self->hiding_bar));
}

/* ---- keys */

static const char *
find_action (guint keyval, GdkModifierType held)
{
  const gboolean shift = (held & GDK_SHIFT_MASK) != 0;

  if ((held & ~GDK_SHIFT_MASK) != GDK_CONTROL_MASK)
    return NULL;
  if (keyval == GDK_KEY_Print)
    return shift ? "screen.record" : "screen.screenshot";
  /* lodge-console-exchange.c */
  return shift && keyval == GDK_KEY_Insert ? "sharing.paste-files" : NULL;
}

/* A guest that has all keys has these too. */
static gboolean
key_pressed (guint keyval, GdkModifierType held, gpointer user_data)
{
  LodgeMonitorWindow *self = user_data;
  const char *action = find_action (keyval, held);

  if (action == NULL || self->view == NULL || lodge_display_get_grabbed (self->display))
    return FALSE;
  if (!self->key_held)
    gtk_widget_activate_action (GTK_WIDGET (self->display), action, NULL);
  self->key_held = TRUE;
  return TRUE;
}

static void
key_released (gpointer user_data)
{
  ((LodgeMonitorWindow *) user_data)->key_held = FALSE;
}

/* ---- type */

static void
lodge_monitor_window_dispose (GObject *object)
{
  LodgeMonitorWindow *self = LODGE_MONITOR_WINDOW (object);

  lodge_monitor_window_give_back (self);
  g_clear_pointer (&self->hiding_bar, lodge_hiding_bar_free);
  G_OBJECT_CLASS (lodge_monitor_window_parent_class)->dispose (object);
}

static void
lodge_monitor_window_class_init (LodgeMonitorWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lodge_monitor_window_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-monitor-window.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, content);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, header);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, title);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, fullscreen_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, minimize_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, overlay);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, bar);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, begin_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, record_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, record_time);
  lodge_saved_toast_install_actions (widget_class);
  gtk_widget_class_install_action (widget_class, "monitor.fullscreen", NULL, fullscreen_action);
}

static void
lodge_monitor_window_init (LodgeMonitorWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));

  const LodgeHidingBarParts parts = {
      .window = GTK_WINDOW (self),
      .content = self->content,
      .header = self->header,
      .overlay = self->overlay,
      .revealer = self->bar,
      .toggle = self->fullscreen_button,
      .minimize = self->minimize_button,
      .focus_guest = focus_guest,
      .has_open_menu = has_open_menu,
      .key_pressed = key_pressed,
      .key_released = key_released,
      .user_data = self,
  };

  self->hiding_bar = lodge_hiding_bar_new (&parts);
  g_signal_connect (self, "notify::fullscreened", G_CALLBACK (update_header_seen), NULL);
  g_signal_connect_object (self->bar, "notify::reveal-child", G_CALLBACK (update_header_seen), self,
                           G_CONNECT_SWAPPED);
  lodge_settings_keep_size (GTK_WINDOW (self), "monitor");
}

static void
take_view (LodgeMonitorWindow *self, LodgeMonitorView *view)
{
  self->view = view;
  self->display = lodge_monitor_view_get_display (view);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "monitor",
                                  lodge_monitor_view_get_actions (view));
  gtk_overlay_set_child (GTK_OVERLAY (self->overlay), GTK_WIDGET (view));
  g_object_bind_property (view, "recorded", self->record_button, "visible", G_BINDING_SYNC_CREATE);
  g_object_bind_property (view, "recorded", self->begin_button, "visible",
                          G_BINDING_SYNC_CREATE | G_BINDING_INVERT_BOOLEAN);
  g_object_bind_property (lodge_monitor_view_get_time (view), "label", self->record_time, "label",
                          G_BINDING_SYNC_CREATE);
  g_signal_connect_object (self->display, "leave", G_CALLBACK (leave_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->display, "notify::grabbed", G_CALLBACK (show_subtitle), self,
                           G_CONNECT_SWAPPED);
  update_header_seen (self);
  gtk_window_set_focus (GTK_WINDOW (self), GTK_WIDGET (self->display));
}

LodgeMonitorWindow *
lodge_monitor_window_new (GtkApplication *application, LodgeMonitorView *view)
{
  LodgeMonitorWindow *self =
      g_object_new (LODGE_TYPE_MONITOR_WINDOW, "application", application, NULL);

  take_view (self, view);
  return self;
}

void
lodge_monitor_window_give_back (LodgeMonitorWindow *self)
{
  LodgeMonitorView *view = g_steal_pointer (&self->view);

  g_return_if_fail (LODGE_IS_MONITOR_WINDOW (self));
  if (view == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->display, self);
  lodge_monitor_view_set_header_seen (view, FALSE);
  /* The keyboard first: it must not be in what is nowhere for a moment. */
  gtk_window_set_focus (GTK_WINDOW (self), NULL);
  gtk_overlay_set_child (GTK_OVERLAY (self->overlay), NULL);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "monitor", NULL);
}

void
lodge_monitor_window_follow (LodgeMonitorWindow *self, LodgeConsoleMachine *machine)
{
  g_return_if_fail (LODGE_IS_MONITOR_WINDOW (self));

  /* Translators: a machine's name, and the number of one of its monitors */
  g_autofree char *title =
      g_strdup_printf (_ ("%s: Monitor %u"), lodge_console_machine_get_name (machine),
                       lodge_monitor_view_get_monitor (self->view) + 1);

  gtk_window_set_title (GTK_WINDOW (self), title);
  adw_window_title_set_title (self->title, title);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window that shows one of a guest's further monitors. */
#include "gtk/lodge-monitor-window.h"

#include "gtk/lodge-hiding-bar.h"
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
  LodgeDisplay *display;
  GtkRevealer *bar;

  guint monitor;
  LodgeHidingBar *hiding_bar;
};

G_DEFINE_FINAL_TYPE (LodgeMonitorWindow, lodge_monitor_window, ADW_TYPE_WINDOW)

static void
focus_guest (gpointer user_data)
{
  gtk_widget_grab_focus (GTK_WIDGET (((LodgeMonitorWindow *) user_data)->display));
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

static void
lodge_monitor_window_dispose (GObject *object)
{
  LodgeMonitorWindow *self = LODGE_MONITOR_WINDOW (object);

  g_clear_pointer (&self->hiding_bar, lodge_hiding_bar_free);
  G_OBJECT_CLASS (lodge_monitor_window_parent_class)->dispose (object);
}

static void
lodge_monitor_window_class_init (LodgeMonitorWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lodge_monitor_window_dispose;
  g_type_ensure (LODGE_TYPE_DISPLAY);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-monitor-window.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, content);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, header);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, title);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, fullscreen_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, minimize_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, overlay);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, display);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, bar);
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
      .user_data = self,
  };

  self->hiding_bar = lodge_hiding_bar_new (&parts);
  g_signal_connect_object (self->display, "leave", G_CALLBACK (leave_cb), self, G_CONNECT_SWAPPED);
  lodge_settings_keep_size (GTK_WINDOW (self), "monitor");
}

LodgeMonitorWindow *
lodge_monitor_window_new (GtkApplication *application, guint monitor)
{
  LodgeMonitorWindow *self =
      g_object_new (LODGE_TYPE_MONITOR_WINDOW, "application", application, NULL);

  self->monitor = monitor;
  lodge_display_set_monitor (self->display, monitor);
  gtk_window_set_focus (GTK_WINDOW (self), GTK_WIDGET (self->display));
  return self;
}

void
lodge_monitor_window_set_machine (LodgeMonitorWindow *self, const char *machine)
{
  /* Translators: a machine's name, and the number of one of its monitors */
  g_autofree char *title = g_strdup_printf (_ ("%s: Monitor %u"), machine, self->monitor + 1);

  g_return_if_fail (LODGE_IS_MONITOR_WINDOW (self));

  gtk_window_set_title (GTK_WINDOW (self), title);
  adw_window_title_set_title (self->title, title);
}

LodgeDisplay *
lodge_monitor_window_get_display (LodgeMonitorWindow *self)
{
  g_return_val_if_fail (LODGE_IS_MONITOR_WINDOW (self), NULL);

  return self->display;
}

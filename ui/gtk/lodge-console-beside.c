/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's further monitors beside the first one, in the console window: in their order, each
 * with a part of the room, and dividers between them that can be dragged.
 *
 * The first one's screen never moves, so nothing of it is interrupted when another comes or goes:
 * there is a chain of panes around it from the beginning,
 *
 *   panes[0]: first | panes[1]: second | panes[2]: third | fourth
 *
 * and one with nothing in its second half has no divider and leaves all room to the first half.
 */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-monitor-view.h"

#define N_PANES (LODGE_CONSOLE_MONITORS - 1)
/* What the user can drag a part down to: why it shows nothing can still be read there. All have the
 * same: as long as no divider was dragged GTK gives each a part of the room by what it needs at
 * least. */
#define PART_WIDTH 200

struct _LodgeConsoleBeside {
  GtkPaned *panes[N_PANES];
  LodgeMonitorView *views[LODGE_CONSOLE_MONITORS]; /* lent; NULL: it is not here */
  LodgeDisplay *last;                              /* has the keyboard, or had it last; or NULL */
};

static void
set_child (LodgeConsoleBeside *self, guint monitor, GtkWidget *child)
{
  if (monitor < N_PANES)
    gtk_paned_set_start_child (self->panes[monitor], child);
  else
    gtk_paned_set_end_child (self->panes[N_PANES - 1], child);
}

/* Whoever comes or goes, the others share the room alike. */
static void
share_room (LodgeConsoleBeside *self)
{
  gboolean any = self->views[LODGE_CONSOLE_MONITORS - 1] != NULL;

  for (guint i = N_PANES - 1; i > 0; i--) {
    any |= self->views[i] != NULL;
    gtk_widget_set_visible (GTK_WIDGET (self->panes[i]), any);
  }
  for (guint i = 0; i < N_PANES; i++)
    g_object_set (self->panes[i], "position-set", FALSE, NULL);
}

void
lodge_console_beside_put (LodgeConsoleWindow *window, guint monitor, LodgeMonitorView *view)
{
  LodgeConsoleBeside *self = window->beside;
  LodgeDisplay *display = lodge_monitor_view_get_display (view);

  g_return_if_fail (monitor > 0 && monitor < LODGE_CONSOLE_MONITORS);

  self->views[monitor] = view;
  gtk_widget_set_size_request (GTK_WIDGET (view), PART_WIDTH, -1);
  set_child (self, monitor, GTK_WIDGET (view));
  share_room (self);
  g_signal_connect_object (display, "leave", G_CALLBACK (lodge_console_fullscreen_leave), window,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (display, "notify::grabbed",
                           G_CALLBACK (lodge_console_window_show_subtitle), window,
                           G_CONNECT_SWAPPED);
}

void
lodge_console_beside_take (LodgeConsoleWindow *window, guint monitor)
{
  LodgeConsoleBeside *self = window->beside;
  LodgeMonitorView *view = g_steal_pointer (&self->views[monitor]);
  LodgeDisplay *display;

  if (view == NULL)
    return;
  display = lodge_monitor_view_get_display (view);
  g_signal_handlers_disconnect_by_data (display, window);
  if (self->last == display)
    self->last = NULL;
  /* The keyboard must not be in what is nowhere for a moment. */
  if (gtk_window_get_focus (GTK_WINDOW (window)) == GTK_WIDGET (display))
    gtk_window_set_focus (GTK_WINDOW (window), GTK_WIDGET (window->display));
  set_child (self, monitor, NULL);
  gtk_widget_set_size_request (GTK_WIDGET (view), -1, -1);
  share_room (self);
  lodge_console_window_show_subtitle (window);
}

LodgeDisplay *
lodge_console_beside_get_screen (LodgeConsoleWindow *window)
{
  const LodgeConsoleBeside *self = window->beside;

  return self != NULL && self->last != NULL ? self->last : window->display;
}

const char *
lodge_console_beside_get_way_out (LodgeConsoleWindow *window)
{
  const LodgeConsoleBeside *self = window->beside;
  const char *words = lodge_display_get_way_out (window->display);

  for (guint i = 1; self != NULL && words == NULL && i < LODGE_CONSOLE_MONITORS; i++) {
    if (self->views[i] != NULL)
      words = lodge_display_get_way_out (lodge_monitor_view_get_display (self->views[i]));
  }
  return words;
}

static void
focus_cb (LodgeConsoleWindow *window)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (window));

  if (LODGE_IS_DISPLAY (focus))
    window->beside->last = LODGE_DISPLAY (focus);
}

void
lodge_console_beside_class_init (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, screen);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, screens);
}

void
lodge_console_beside_init (LodgeConsoleWindow *window)
{
  LodgeConsoleBeside *self = g_new0 (LodgeConsoleBeside, 1);

  window->beside = self;
  gtk_widget_set_size_request (window->screen, PART_WIDTH, -1);
  for (guint i = 0; i < N_PANES; i++) {
    self->panes[i] = i == 0 ? window->screens : GTK_PANED (gtk_paned_new (0));
    /* Else some pixels on both sides of the divider would be its own, and not the guest's. */
    gtk_paned_set_wide_handle (self->panes[i], TRUE);
    gtk_paned_set_shrink_start_child (self->panes[i], FALSE);
    gtk_paned_set_shrink_end_child (self->panes[i], FALSE);
    gtk_widget_add_css_class (GTK_WIDGET (self->panes[i]), "console-screens");
    if (i > 0)
      gtk_paned_set_end_child (self->panes[i - 1], GTK_WIDGET (self->panes[i]));
  }
  share_room (self);
  g_signal_connect (window, "notify::focus-widget", G_CALLBACK (focus_cb), NULL);
}

void
lodge_console_beside_clear (LodgeConsoleWindow *window)
{
  if (window->beside == NULL)
    return;
  g_signal_handlers_disconnect_by_func (window, focus_cb, NULL);
  g_clear_pointer (&window->beside, g_free);
}

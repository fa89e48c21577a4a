/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether anybody can see the display, which the session is told: what nobody sees need not be
 * fetched sooner than SPICE brings it. */
/* This file alone may use what is above the floor. */
#undef GDK_VERSION_MAX_ALLOWED
#include "gtk/lodge-display-private.h"

#if GTK_CHECK_VERSION(4, 12, 0)
#define UNSEEN (GDK_TOPLEVEL_STATE_MINIMIZED | GDK_TOPLEVEL_STATE_SUSPENDED)
#else
#define UNSEEN GDK_TOPLEVEL_STATE_MINIMIZED
#endif

static GdkToplevel *
get_toplevel (LodgeDisplay *self)
{
  GtkNative *native = gtk_widget_get_native (GTK_WIDGET (self));
  GdkSurface *surface = native != NULL ? gtk_native_get_surface (native) : NULL;

  return surface != NULL && GDK_IS_TOPLEVEL (surface) ? GDK_TOPLEVEL (surface) : NULL;
}

void
lodge_display_update_shown (LodgeDisplay *self)
{
  GdkToplevel *toplevel = get_toplevel (self);
  const GdkToplevelState state = toplevel != NULL ? gdk_toplevel_get_state (toplevel) : 0;

  if (self->session != NULL)
    lodge_console_session_show_monitor (self->session, self->monitor,
                                        gtk_widget_get_mapped (GTK_WIDGET (self)) &&
                                            (state & UNSEEN) == 0);
}

static void
state_cb (LodgeDisplay *self)
{
  lodge_display_update_shown (self);
}

void
lodge_display_watch_shown (LodgeDisplay *self)
{
  GdkToplevel *toplevel = get_toplevel (self);

  if (toplevel != NULL)
    g_signal_connect_object (toplevel, "notify::state", G_CALLBACK (state_cb), self,
                             G_CONNECT_SWAPPED);
  lodge_display_update_shown (self);
}

void
lodge_display_unwatch_shown (LodgeDisplay *self)
{
  GdkToplevel *toplevel = get_toplevel (self);

  if (toplevel != NULL)
    g_signal_handlers_disconnect_by_func (toplevel, (gpointer) state_cb, self);
  lodge_display_update_shown (self);
}

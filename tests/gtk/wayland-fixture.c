/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See wayland-fixture.h. */
#include "wayland-fixture.h"

gboolean
wayland_fixture_is_ready (gpointer data)
{
  WaylandFixture *self = data;
  LodgeFrame frame;
  gboolean connected, absolute;

  lodge_frame_source_get_frame (lodge_console_session_get_source (self->session), &frame);
  g_object_get (self->session, "connected", &connected, "pointer-absolute", &absolute, NULL);
  return connected && absolute == self->tablet && frame.data != NULL &&
         gtk_widget_has_focus (GTK_WIDGET (self->display)) &&
         gtk_window_is_active (GTK_WINDOW (self->window)) &&
         gtk_widget_get_width (GTK_WIDGET (self->display)) == self->screen_width;
}

void
wayland_fixture_set_up (
    WaylandFixture *self, int width, int height, int screen_width, gboolean tablet)
{
  gtk_init ();
  *self = (WaylandFixture){.server = spice_fixture_new (width, height, tablet),
                           .screen_width = screen_width,
                           .tablet = tablet};
  self->session = lodge_console_session_new_for_open (spice_fixture_open, self->server);
  self->window = gtk_window_new ();
  self->display = LODGE_DISPLAY (lodge_display_new ());
  lodge_display_set_session (self->display, self->session);
  gtk_window_set_child (GTK_WINDOW (self->window), GTK_WIDGET (self->display));
  gtk_window_set_decorated (GTK_WINDOW (self->window), FALSE);
  gtk_window_set_focus (GTK_WINDOW (self->window), GTK_WIDGET (self->display));
  gtk_window_present (GTK_WINDOW (self->window));
  lodge_console_session_open (self->session);
  g_assert_true (spice_fixture_wait (wayland_fixture_is_ready, self));
}

void
wayland_fixture_tear_down (WaylandFixture *self)
{
  if (self->window != NULL)
    gtk_window_destroy (GTK_WINDOW (self->window));
  spice_fixture_settle ();
  g_assert_finalize_object (self->session);
  spice_fixture_settle ();
  spice_fixture_free (self->server);
}

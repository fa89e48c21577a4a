/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See sway-fixture.h. */
#include "sway-fixture.h"

#include "gtk/lodge-display-private.h"
#include "gtk/lodge-display-scale.h"

static void
ended_cb (GObject *process, GAsyncResult *result, gpointer out)
{
  g_assert_true (g_subprocess_communicate_finish (G_SUBPROCESS (process), result, out, NULL, NULL));
  g_assert_true (g_subprocess_get_successful (G_SUBPROCESS (process)));
}

static gboolean
is_there (gpointer data)
{
  return *(gpointer *) data != NULL;
}

GBytes *
sway_fixture_run_program (const char *const *argv)
{
  g_autoptr (GSubprocess) process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL);
  GBytes *out = NULL;

  g_assert_nonnull (process);
  g_subprocess_communicate_async (process, NULL, NULL, ended_cb, &out);
  g_assert_true (spice_fixture_wait (is_there, &out));
  return out;
}

static gboolean
is_ready (gpointer data)
{
  SwayFixture *test = data;
  LodgeFrame frame;
  gboolean connected, absolute;

  lodge_frame_source_get_frame (lodge_console_session_get_source (test->session), &frame);
  g_object_get (test->session, "connected", &connected, "pointer-absolute", &absolute, NULL);
  return connected && absolute && frame.data != NULL &&
         gtk_widget_has_focus (GTK_WIDGET (test->display)) &&
         gtk_window_is_active (GTK_WINDOW (test->window)) &&
         gtk_widget_get_width (GTK_WIDGET (test->display)) == SCREEN_WIDTH;
}

void
sway_fixture_set_up (SwayFixture *test)
{
  gtk_init ();
  *test = (SwayFixture){.server = spice_fixture_new (640, 480, TRUE)};
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  test->window = gtk_window_new ();
  test->display = LODGE_DISPLAY (lodge_display_new ());
  lodge_display_set_session (test->display, test->session);
  gtk_window_set_child (GTK_WINDOW (test->window), GTK_WIDGET (test->display));
  gtk_window_set_decorated (GTK_WINDOW (test->window), FALSE);
  gtk_window_set_focus (GTK_WINDOW (test->window), GTK_WIDGET (test->display));
  gtk_window_present (GTK_WINDOW (test->window));
  lodge_console_session_open (test->session);
  g_assert_true (spice_fixture_wait (is_ready, test));
  spice_fixture_set_agent (test->server, TRUE);
}

void
sway_fixture_tear_down (SwayFixture *test)
{
  gtk_window_destroy (GTK_WINDOW (test->window));
  spice_fixture_settle ();
  g_assert_finalize_object (test->session);
  spice_fixture_settle ();
  spice_fixture_free (test->server);
}

/* The window has been told of the scale and of the size that comes of it. */
static gboolean
is_scaled (gpointer data)
{
  SwayFixture *test = data;

  return lodge_display_get_device_scale (GTK_WIDGET (test->display)) == test->scale &&
         gtk_widget_get_width (test->window) == (int) (SCREEN_WIDTH / test->scale) &&
         gtk_widget_get_height (test->window) == (int) (SCREEN_HEIGHT / test->scale);
}

gboolean
sway_fixture_is_asked (gpointer data)
{
  SwayFixture *test = data;
  int width, height;

  /* A margin that was changed has not been heard of before the next frame. */
  if (gtk_widget_get_width (GTK_WIDGET (test->display)) + test->margin !=
      gtk_widget_get_width (test->window))
    return FALSE;
  lodge_display_update_view (test->display);
  lodge_display_view_get_room (&test->display->view, &test->width, &test->height);
  spice_fixture_get_asked_size (test->server, &width, &height);
  return width == test->width && height == test->height;
}

void
sway_fixture_use_scale (SwayFixture *test, double scale)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  const char *argv[] = {"swaymsg", "output", "*", "scale", text, NULL};

  g_ascii_dtostr (text, sizeof text, scale);
  G_GNUC_UNUSED g_autoptr (GBytes) said = sway_fixture_run_program (argv);
  test->scale = scale;
  g_assert_true (spice_fixture_wait (is_scaled, test));
}

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

void
sway_fixture_set_up (SwayFixture *test)
{
  *test = (SwayFixture){.scale = 1};
  wayland_fixture_set_up (&test->base, 640, 480, SCREEN_WIDTH, TRUE);
  spice_fixture_set_agent (test->base.server, TRUE);
}

void
sway_fixture_tear_down (SwayFixture *test)
{
  wayland_fixture_tear_down (&test->base);
}

/* The window has been told of the scale and of the size that comes of it. */
static gboolean
is_scaled (gpointer data)
{
  SwayFixture *test = data;

  return lodge_display_get_device_scale (GTK_WIDGET (test->base.display)) == test->scale &&
         gtk_widget_get_width (test->base.window) == (int) (SCREEN_WIDTH / test->scale) &&
         gtk_widget_get_height (test->base.window) == (int) (SCREEN_HEIGHT / test->scale);
}

gboolean
sway_fixture_is_asked (gpointer data)
{
  SwayFixture *test = data;
  int width, height;

  /* A margin that was changed has not been heard of before the next frame. */
  if (gtk_widget_get_width (GTK_WIDGET (test->base.display)) + test->margin !=
      gtk_widget_get_width (test->base.window))
    return FALSE;
  lodge_display_update_view (test->base.display);
  lodge_display_view_get_room (&test->base.display->view, &test->width, &test->height);
  spice_fixture_get_asked_size (test->base.server, &width, &height);
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

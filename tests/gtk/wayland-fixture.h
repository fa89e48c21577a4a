/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display on all of a Wayland compositor's screen, with a SPICE server behind it. */
#pragma once

#include "gtk/lodge-display.h"

#include "spice-fixture.h"

G_BEGIN_DECLS

typedef struct {
  SpiceFixture *server;
  LodgeConsoleSession *session;
  GtkWidget *window; /* NULL: the test has destroyed it */
  LodgeDisplay *display;
  int screen_width;
  gboolean tablet; /* the guest has one, which is heard of */
} WaylandFixture;

/* A guest of @width by @height on a screen that is @screen_width wide; its display has the focus.
 */
void wayland_fixture_set_up (
    WaylandFixture *self, int width, int height, int screen_width, gboolean tablet);
void wayland_fixture_tear_down (WaylandFixture *self);

/* A SpiceFixtureCondition: the guest's picture and its pointer are there, and the focus. */
gboolean wayland_fixture_is_ready (gpointer self);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display on all of Sway's screen (sway-test), with a SPICE server behind it. */
#pragma once

#include "wayland-fixture.h"

G_BEGIN_DECLS

/* Of sway-test. */
#define SCREEN_WIDTH  1470
#define SCREEN_HEIGHT 1050

typedef struct {
  WaylandFixture base;
  double scale;
  int margin;        /* at the display's left and top */
  int width, height; /* of the guest */
} SwayFixture;

/* A guest of 640 by 480 with an agent, whose display has the focus. */
void sway_fixture_set_up (SwayFixture *self);
void sway_fixture_tear_down (SwayFixture *self);

/* What a program says; the main loop runs meanwhile. Transfer full. */
GBytes *sway_fixture_run_program (const char *const *argv);
/* Has the screen scaled, and waits until the window has heard of it. */
void sway_fixture_use_scale (SwayFixture *self, double scale);
/* A SpiceFixtureCondition: the guest was asked for the size that the display has for it, which is
 * in the fixture now. */
gboolean sway_fixture_is_asked (gpointer self);

G_END_DECLS

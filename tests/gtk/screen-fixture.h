/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest has drawn, and whether that is what the screen shows: that of the X server in which
 * a Wayland compositor shows its own. */
#pragma once

#include "gtk/lodge-display.h"

#include "spice-fixture.h"

G_BEGIN_DECLS

typedef struct {
  SpiceFixture *server;
  LodgeDisplay *display;
  guint32 *pixels; /* 0x00RRGGBB, as the guest drew them last */
  int width;
  int height;
  guint n_drawn;
} ScreenFixture;

void screen_fixture_set_up (ScreenFixture *self, SpiceFixture *server, LodgeDisplay *display);
void screen_fixture_tear_down (ScreenFixture *self);

/* The guest has another mode, and draws all of it. */
void screen_fixture_resize (ScreenFixture *self, int width, int height);
/* It draws there: each pixel another one than its neighbours, and than the last time. */
void screen_fixture_draw (ScreenFixture *self, int x, int y, int width, int height);

/* SpiceFixtureConditions: the screen shows it, pixel for pixel, where the display says it is and as
 * much of it as there is room for; that, and it went there past GTK, or by it. */
gboolean screen_fixture_is_shown (gpointer self);
gboolean screen_fixture_is_on_plane (gpointer self);
gboolean screen_fixture_is_drawn (gpointer self);
/* It is shown, and further changes bring it onto the plane. */
void screen_fixture_expect_on_plane (ScreenFixture *self);

/* 0x00RRGGBB */
guint32 screen_fixture_get_pixel (int x, int y);

G_END_DECLS

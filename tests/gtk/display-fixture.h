/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display in a window, with a SPICE server behind it and xdotool in front of it. */
#pragma once

#include "gtk/lodge-display.h"

#include "spice-fixture.h"

G_BEGIN_DECLS

typedef struct {
  SpiceFixture *server;
  LodgeConsoleSession *session;
  GtkWidget *window;
  GtkWidget *display;
  gboolean tablet; /* whether the guest takes absolute positions */
} DisplayFixture;

/* A test function of that name, run in a process of its own under "/display/". */
#define DISPLAY_FIXTURE_ADD(path, test) SPICE_FIXTURE_ADD ("/display/" path, test)

/* A window of 640 by 480 that shows a guest of that size, pixel by pixel, and has the focus. */
void display_fixture_set_up (DisplayFixture *self);
void display_fixture_set_up_size (DisplayFixture *self,
                                  int width,
                                  int height,
                                  int guest_width,
                                  int guest_height,
                                  gboolean tablet);
/* Asserts that nothing holds the display or the session any more. */
void display_fixture_tear_down (DisplayFixture *self);

/* A SpiceFixtureCondition: connected, with a picture, in the pointer's mode, and focused. */
gboolean display_fixture_is_ready (gpointer self);

/* What is on the screen at a point of the display, as 0xffRRGGBB. */
guint32 display_fixture_get_pixel (DisplayFixture *self, int x, int y);
void display_fixture_expect_color (DisplayFixture *self, int x, int y, guint32 color);

/* Runs xdotool with these words, and the main loop meanwhile. */
void display_fixture_xdotool (const char *format, ...) G_GNUC_PRINTF (1, 2);
gulong display_fixture_get_xid (GtkWidget *window);
/* Where a point of the display is in its X window. */
void display_fixture_to_window (DisplayFixture *self, double x, double y, int *out_x, int *out_y);
/* Moves the pointer to a point of the display. */
void display_fixture_move_to (DisplayFixture *self, double x, double y);
void display_fixture_expect_grabbed (DisplayFixture *self, gboolean grabbed);

G_END_DECLS

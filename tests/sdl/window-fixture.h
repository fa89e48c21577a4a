/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer's window with a SPICE server behind it and xdotool in front of it, and what an X
 * server makes of it. */
#pragma once

#include "sdl/lodge-sdl-window.h"

#include "spice-fixture.h"
#include "test-xdotool.h"

G_BEGIN_DECLS

typedef struct {
  SpiceFixture *server;
  LodgeConsoleSession *session;
  LodgeSdlWindow *window;
  gboolean tablet;  /* whether the guest takes absolute positions */
  gpointer display; /* a connection of our own to the X server */
} WindowFixture;

/* A test function of that name, run in a process of its own. */
#define WINDOW_FIXTURE_ADD(path, test)                                                             \
  g_test_add_data_func (path, (gconstpointer) (void (*) (void)) test, window_fixture_run)
void window_fixture_run (gconstpointer test);

/* A window that shows a guest of that size, pixel by pixel, and has the focus; the pointer is
 * outside of it. */
void window_fixture_set_up (WindowFixture *self, int width, int height, gboolean tablet);
void window_fixture_tear_down (WindowFixture *self);

/* Gives the window a size, as its user would, and waits for it. */
void window_fixture_resize (WindowFixture *self, int width, int height);
void window_fixture_expect_size (WindowFixture *self, int width, int height);
/* Waits until this pixel of the window is 0xRRGGBB on the screen. */
void window_fixture_expect_pixel (WindowFixture *self, int x, int y, guint32 color);
/* What it is now. */
guint32 window_fixture_get_pixel (WindowFixture *self, int x, int y);
/* Waits until the pointer looks like this: 0xAARRGGBB for each pixel, as X11 has them (multiplied
 * by the alpha). */
void window_fixture_expect_cursor (
    WindowFixture *self, int width, int height, int hot_x, int hot_y, guint32 first);

void window_fixture_move_to (WindowFixture *self, int x, int y);
/* A SpiceFixtureCondition: it has the focus. */
gboolean window_fixture_is_focused (gpointer self);
void window_fixture_expect_grabbed (WindowFixture *self, gboolean grabbed);
/* Another window takes the focus, and has it. To be destroyed with the one below. */
SDL_Window *window_fixture_distract (WindowFixture *self);
void window_fixture_come_back (WindowFixture *self, SDL_Window *other);

G_END_DECLS

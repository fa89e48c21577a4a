/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session that is connected to a server which keeps what its guest would get. */
#pragma once

#include "console/lodge-console-session.h"
#include "spice-fixture.h"

G_BEGIN_DECLS

typedef struct {
  SpiceFixture *server;
  LodgeConsoleSession *session;
  gboolean tablet;
} InputFixture;

/* Nothing has been sent yet. */
void input_fixture_setup (InputFixture *test, gboolean tablet);
void input_fixture_teardown (InputFixture *test);
/* For spice_fixture_wait(): the session has all that it needs for input. */
gboolean input_fixture_is_ready (gpointer data);
/* A key goes down, and up again. */
void input_fixture_tap (InputFixture *test, guint evdev);

G_END_DECLS

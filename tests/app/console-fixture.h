/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console window that shows a guest: a fake engine with a machine "web", and a SPICE server with
 * an agent. Within spice_fixture_run(). */
#pragma once

#include "app-fixture.h"

#include "gtk/lodge-console-window-private.h"
#include "spice-fixture-agent.h"

G_BEGIN_DECLS

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeConsoleWindow *window; /* NULL once it is gone */
  const char *uuid;
  char *folder; /* a new one; files in it are removed at the end */
  char *socket;
  SpiceFixture *server;
  SpiceFixtureAgent *agent;
} ConsoleFixture;

/* @capabilities: of the agent; 0 for none. The guest's picture is 640 by 400. */
void console_fixture_set_up (ConsoleFixture *self, guint32 capabilities);
void console_fixture_tear_down (ConsoleFixture *self);

/* Where the user's pictures or videos go from now on. @which: "XDG_VIDEOS_DIR" */
void console_fixture_set_user_folder (const char *which, const char *path);
/* How many files there are in the fixture's folder whose names end in @suffix. @out_path:
 * (nullable): of one of them */
guint console_fixture_count_files (ConsoleFixture *self, const char *suffix, char **out_path);

/* Lent; NULL while there is none. */
LodgeConsoleSession *console_fixture_get_session (ConsoleFixture *self);
gboolean console_fixture_is_shown (ConsoleFixture *self);
/* A key of the description, changed by somebody else. */
void console_fixture_set_key (ConsoleFixture *self, const char *key, const char *text);
/* The same for how many monitors the guest has; until the menu has them. */
void console_fixture_set_monitors (ConsoleFixture *self, guint n);
/* The window of the guest's second monitor, lent; NULL while there is none. */
GtkWindow *console_fixture_find_monitor (void);
/* What is in it, lent. */
LodgeMonitorView *console_fixture_get_view (GtkWindow *monitor);
/* A graphics card draws this, its last line first. Until the window has it, or says why it cannot.
 * The pixels can be changed in the memory that it returns, which is the caller's to close. */
int
console_fixture_set_scanout (ConsoleFixture *self, const guint32 *pixels, int width, int height);
/* The labels of the menu, one a line, with @before; and what is in its submenus after a '>';
 * a section begins with "--", and its heading. */
char *console_fixture_dup_menu (GMenuModel *menu, const char *before);
/* Whether a hint of that title is revealed below @root, a widget. */
gboolean console_fixture_has_hint (gpointer root, const char *title);

G_END_DECLS

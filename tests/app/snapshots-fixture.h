/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of a machine's snapshots, at the console window of a machine "web" of a fake engine.
 */
#pragma once

#include "app-fixture.h"

#include "gtk/lodge-console-window-private.h"
#include "gtk/lodge-snapshots-window-private.h"

G_BEGIN_DECLS

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  const char *uuid;
  LodgeConsoleWindow *console;
  LodgeSnapshotsWindow *window; /* weak */
} SnapshotsFixture;

/* For g_test_add(). The engine and its machine alone; with the snapshots' window and its list. */
void snapshots_set_up (SnapshotsFixture *test, gconstpointer data);
void snapshots_set_up_open (SnapshotsFixture *test, gconstpointer data);
void snapshots_tear_down (SnapshotsFixture *test, gconstpointer data);

/* From its console, which is opened where it is not. */
void snapshots_open_window (SnapshotsFixture *test);
/* The one that is to be seen, or NULL. */
LodgeSnapshotsWindow *snapshots_find_window (SnapshotsFixture *test);
gboolean snapshots_is_page (SnapshotsFixture *test, const char *page);
/* The row with that name; NULL while it is not shown. */
GtkWidget *snapshots_find_card (SnapshotsFixture *test, const char *name);
const LodgeSnapshotRow *snapshots_get_row (SnapshotsFixture *test, guint position);
/* Nothing is on its way, and the machine is off. */
gboolean snapshots_can_take (SnapshotsFixture *test);

/* Waits for a message at @parent, and closes it. */
void snapshots_assert_message (const char *text, gpointer parent);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A library window over a fake engine, for its tests. */
#pragma once

#include "app-fixture.h"

#include "gtk/lodge-library-window.h"

G_BEGIN_DECLS

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeMachineList *machines;
  LodgeConsoleLauncher *launcher;
  LodgeLibraryWindow *window;
  char *folder;
  char *record;
} LibraryFixture;

void library_fixture_set_up (LibraryFixture *f, gconstpointer data);
void library_fixture_tear_down (LibraryFixture *f, gconstpointer data);
/* Shows the window, and waits for its machines. */
void library_fixture_show (LibraryFixture *f);
void library_fixture_act (LibraryFixture *f, const char *action, const char *uuid);

/* The open windows of a type; the first of them, or NULL. */
guint library_fixture_count_windows (GType type, gpointer *out_first);
gpointer library_fixture_find_window (GType type);
/* How often a menu with sections has an action. */
guint library_fixture_count_entries (GMenuModel *menu, const char *action);

G_END_DECLS

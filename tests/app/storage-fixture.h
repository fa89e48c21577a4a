/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of a machine's disks and drives, at the console window of a machine "web" of a fake
 * engine. */
#pragma once

#include "app-fixture.h"

#include "gtk/lodge-console-window-private.h"
#include "gtk/lodge-storage-window-private.h"

G_BEGIN_DECLS

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  const char *uuid;
  LodgeConsoleWindow *console; /* weak */
  LodgeStorageWindow *window;  /* weak */
} StorageFixture;

/* For g_test_add(). The console alone; with the window and its lists. */
void storage_set_up_closed (StorageFixture *test, gconstpointer data);
void storage_set_up (StorageFixture *test, gconstpointer data);
void storage_tear_down (StorageFixture *test, gconstpointer data);

void storage_open_window (StorageFixture *test);
/* The one that is to be seen, or NULL. */
LodgeStorageWindow *storage_find_window (void);
/* Nothing is on its way. */
gboolean storage_can_add (StorageFixture *test);
gboolean storage_is_busy (StorageFixture *test);
guint storage_count_rows (GtkListBox *list);
/* Whether the keyboard is at the row, or its button, of that title. */
gboolean storage_is_focused (StorageFixture *test, const char *title);

G_END_DECLS

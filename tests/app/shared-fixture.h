/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window with what is shared, over a console window: a fake engine with a machine "web" that is
 * off. */
#pragma once

#include "app-fixture.h"

#include "gtk/lodge-console-window-private.h"

G_BEGIN_DECLS

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeConsoleWindow *window;
  GtkWidget *shared; /* NULL once it is gone */
} SharedFixture;

/* What the engines that are made from then on say of their computer; or NULL. */
extern const char *shared_fixture_host_facts;
/* For how long they think about that. */
extern guint shared_fixture_check_delay_ms;

void shared_fixture_set_up (SharedFixture *self);
void shared_fixture_tear_down (SharedFixture *self);

/* A key of the description, changed by somebody else; and whether it is so. */
void shared_fixture_set_key (SharedFixture *self, const char *key, const char *text);
gboolean shared_fixture_has_key (SharedFixture *self, const char *key, const char *text);

/* The row with that title; NULL while it is not shown. */
GtkWidget *shared_fixture_find_row (SharedFixture *self, const char *title);
const char *shared_fixture_get_subtitle (SharedFixture *self, const char *title);
/* Its switch; there has to be one. */
GtkSwitch *shared_fixture_find_switch (SharedFixture *self, const char *title);

G_END_DECLS

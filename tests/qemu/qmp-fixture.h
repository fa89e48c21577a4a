/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the QMP client have in common: a fake QEMU, a client that is connected to it,
 * and what was heard from it. */
#pragma once

#include "qemu/lodge-qmp.h"

#include "fake-qmp.h"

G_BEGIN_DECLS

/* Long enough never to be met, unless the test is about a limit that runs out. */
#define QMP_FIXTURE_LONG_MS  30000
#define QMP_FIXTURE_SHORT_MS 60

typedef struct {
  FakeQmp *fake;
  LodgeQmp *qmp; /* NULL before a test has connected it itself */
  guint n_events;
  GString *events; /* their names, a space after each */
  guint n_closed;
} QmpFixture;

/* One call under way, and its result. */
typedef struct {
  gboolean done;
  GAsyncResult *result;
} QmpWait;

void qmp_fixture_set_up (QmpFixture *self, gconstpointer unused);
void qmp_fixture_set_up_connected (QmpFixture *self, gconstpointer unused);
/* Asserts that nothing holds the client any more. */
void qmp_fixture_tear_down (QmpFixture *self, gconstpointer unused);

/* A GAsyncReadyCallback for a QmpWait. */
void qmp_fixture_done_cb (GObject *source, GAsyncResult *result, gpointer user_data);
void qmp_fixture_iterate_until (const gboolean *done);
/* What is ready now is done. */
void qmp_fixture_drain (void);
/* "closed" has been heard, and once only. */
void qmp_fixture_wait_closed (QmpFixture *self);
/* Keeps what is heard in the fixture. */
void qmp_fixture_event_cb (LodgeQmp *qmp, const char *name, JsonObject *data, QmpFixture *self);

/* The calls of lodge-qmp.h, waited for. */
LodgeQmp *qmp_fixture_connect (const char *path, guint timeout_ms, GPid alive, GError **error);
JsonNode *
qmp_fixture_execute (LodgeQmp *qmp, const char *command, guint timeout_ms, GError **error);

/* One line that says @part. */
void qmp_fixture_assert_error (GError *error, int code, const char *part);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See qmp-fixture.h. */
#include "qmp-fixture.h"

#include "lodge-error.h"
#include "test-wait.h"

#include <string.h>

void
qmp_fixture_done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  QmpWait *wait = user_data;

  wait->result = g_object_ref (result);
  wait->done = TRUE;
}

void
qmp_fixture_iterate_until (const gboolean *done)
{
  while (!*done)
    g_main_context_iteration (NULL, TRUE);
}

void
qmp_fixture_drain (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

LodgeQmp *
qmp_fixture_connect (const char *path, guint timeout_ms, GPid alive, GError **error)
{
  QmpWait wait = {FALSE};
  LodgeQmp *qmp;

  lodge_qmp_connect_async (path, timeout_ms, alive, NULL, qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  qmp = lodge_qmp_connect_finish (wait.result, error);
  g_object_unref (wait.result);
  return qmp;
}

JsonNode *
qmp_fixture_execute (LodgeQmp *qmp, const char *command, guint timeout_ms, GError **error)
{
  QmpWait wait = {FALSE};
  JsonNode *node;

  lodge_qmp_execute_async (qmp, command, NULL, timeout_ms, NULL, qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  node = lodge_qmp_execute_finish (qmp, wait.result, error);
  g_object_unref (wait.result);
  return node;
}

void
qmp_fixture_assert_error (GError *error, int code, const char *part)
{
  g_assert_error (error, LODGE_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("“%s” does not say “%s”", error->message, part);
  g_assert_null (strchr (error->message, '\n'));
}

void
qmp_fixture_event_cb (LodgeQmp *qmp, const char *name, JsonObject *data, QmpFixture *self)
{
  g_assert_nonnull (data);
  self->n_events++;
  g_string_append_printf (self->events, "%s ", name);
}

static void
closed_cb (LodgeQmp *qmp, QmpFixture *self)
{
  g_assert_true (lodge_qmp_is_closed (qmp));
  self->n_closed++;
}

void
qmp_fixture_set_up (QmpFixture *self, gconstpointer unused)
{
  self->fake = fake_qmp_new ();
  self->events = g_string_new (NULL);
}

void
qmp_fixture_set_up_connected (QmpFixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  qmp_fixture_set_up (self, unused);
  self->qmp = qmp_fixture_connect (fake_qmp_get_path (self->fake), QMP_FIXTURE_LONG_MS, 0, &error);
  g_assert_no_error (error);
  g_assert_nonnull (self->qmp);
  g_signal_connect (self->qmp, "event", G_CALLBACK (qmp_fixture_event_cb), self);
  g_signal_connect (self->qmp, "closed", G_CALLBACK (closed_cb), self);
}

void
qmp_fixture_tear_down (QmpFixture *self, gconstpointer unused)
{
  qmp_fixture_drain ();
  if (self->qmp != NULL) {
    g_signal_handlers_disconnect_by_data (self->qmp, self);
    test_wait_unref (self->qmp);
  }
  fake_qmp_free (self->fake);
  g_string_free (self->events, TRUE);
  qmp_fixture_drain ();
}

void
qmp_fixture_wait_closed (QmpFixture *self)
{
  while (self->n_closed == 0)
    g_main_context_iteration (NULL, TRUE);
  qmp_fixture_drain ();
  g_assert_cmpuint (self->n_closed, ==, 1);
}

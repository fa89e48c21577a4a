/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clipboard-fixture.h"

#include "console/lodge-console-session-private.h"
#include "lodge-error.h"

#include <string.h>

const char *const clipboard_fixture_text_only[] = {LODGE_CLIPBOARD_TEXT, NULL};
const char *const clipboard_fixture_text_and_png[] = {LODGE_CLIPBOARD_TEXT, LODGE_CLIPBOARD_PNG,
                                                      NULL};

void
clipboard_fixture_run (gconstpointer test)
{
  spice_fixture_run ((void (*) (void)) test);
}

static void
offered_cb (LodgeConsoleClipboard *clipboard, ClipboardFixture *self)
{
  self->offers++;
}

static void
wanted_cb (LodgeConsoleClipboard *clipboard, guint id, const char *type, ClipboardFixture *self)
{
  g_array_append_val (self->wanted, id);
  g_free (self->wanted_type);
  self->wanted_type = g_strdup (type);
}

gboolean
clipboard_fixture_is_available (gpointer data)
{
  return lodge_console_clipboard_get_available (((ClipboardFixture *) data)->clipboard);
}

gboolean
clipboard_fixture_is_unavailable (gpointer data)
{
  return !clipboard_fixture_is_available (data);
}

static gboolean
has_agent_port (gpointer data)
{
  gboolean port;

  g_object_get (((ClipboardFixture *) data)->session, "can-resize", &port, NULL);
  return port;
}

gboolean
clipboard_fixture_has_offer (gpointer data)
{
  return lodge_console_clipboard_get_offer (((ClipboardFixture *) data)->clipboard)[0] != NULL;
}

gboolean
clipboard_fixture_has_no_offer (gpointer data)
{
  return !clipboard_fixture_has_offer (data);
}

static gboolean
is_log (gpointer data)
{
  ClipboardFixture *self = data;

  return strcmp (spice_fixture_agent_get_log (self->agent), self->log) == 0;
}

void
clipboard_fixture_expect_log (ClipboardFixture *self, const char *log)
{
  self->log = log;
  if (!spice_fixture_wait (is_log, self))
    g_error ("“%s” instead of “%s”", spice_fixture_agent_get_log (self->agent), log);
  spice_fixture_agent_clear (self->agent);
}

gboolean
clipboard_fixture_is_done (gpointer data)
{
  return ((ClipboardFixtureRead *) data)->done;
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  ClipboardFixtureRead *got = data;

  got->bytes =
      lodge_console_clipboard_read_finish (LODGE_CONSOLE_CLIPBOARD (source), result, &got->error);
  got->done = TRUE;
}

void
clipboard_fixture_start_read (ClipboardFixture *self,
                              const char *type,
                              GCancellable *cancellable,
                              ClipboardFixtureRead *got)
{
  *got = (ClipboardFixtureRead){0};
  lodge_console_clipboard_read_async (self->clipboard, type, cancellable, read_cb, got);
}

void
clipboard_fixture_expect_bytes (ClipboardFixtureRead *got, gconstpointer data, gsize size)
{
  g_assert_true (spice_fixture_wait (clipboard_fixture_is_done, got));
  g_assert_no_error (got->error);
  gsize got_size;
  gconstpointer got_data = g_bytes_get_data (got->bytes, &got_size);
  g_assert_cmpmem (got_data, got_size, data, size);
  g_clear_pointer (&got->bytes, g_bytes_unref);
}

void
clipboard_fixture_expect_error (ClipboardFixtureRead *got, int code)
{
  g_assert_true (spice_fixture_wait (clipboard_fixture_is_done, got));
  g_assert_null (got->bytes);
  g_assert_error (got->error, LODGE_ERROR, code);
  g_test_message ("%s", got->error->message);
  g_clear_error (&got->error);
}

void
clipboard_fixture_set_up (ClipboardFixture *self, guint32 capabilities)
{
  *self = (ClipboardFixture){.server = spice_fixture_new (640, 480, TRUE)};
  self->wanted = g_array_new (FALSE, FALSE, sizeof (guint));
  self->agent = spice_fixture_agent_new (self->server);
  self->session = lodge_console_session_new_for_open (spice_fixture_open, self->server);
  self->clipboard = lodge_console_session_get_clipboard (self->session);
  lodge_console_clipboard_set_ways (self->clipboard,
                                    LODGE_CLIPBOARD_WAY_TO_GUEST | LODGE_CLIPBOARD_WAY_TO_HOST);
  g_signal_connect (self->clipboard, "offered", G_CALLBACK (offered_cb), self);
  g_signal_connect (self->clipboard, "wanted", G_CALLBACK (wanted_cb), self);
  lodge_console_session_open (self->session);
  g_assert_true (spice_fixture_wait (has_agent_port, self));
  if (capabilities != 0) {
    spice_fixture_agent_announce (self->agent, capabilities);
    g_assert_true (spice_fixture_wait (clipboard_fixture_is_available, self));
  }
  spice_fixture_settle ();
  spice_fixture_agent_clear (self->agent);
}

void
clipboard_fixture_tear_down (ClipboardFixture *self)
{
  g_object_add_weak_pointer (G_OBJECT (self->clipboard), (gpointer *) &self->clipboard);
  g_assert_finalize_object (self->session);
  g_assert_null (self->clipboard);
  spice_fixture_settle ();
  if (self->agent != NULL)
    spice_fixture_agent_free (self->agent);
  spice_fixture_free (self->server);
  g_array_unref (self->wanted);
  g_free (self->wanted_type);
}

void
clipboard_fixture_grab (ClipboardFixture *self, guint n, guint32 first, guint32 second)
{
  spice_fixture_agent_grab (self->agent, 0, n, first, second);
  g_assert_true (spice_fixture_wait (clipboard_fixture_has_offer, self));
}

static gboolean
has_wanted (gpointer data)
{
  return ((ClipboardFixture *) data)->wanted->len > 0;
}

guint
clipboard_fixture_expect_wanted (ClipboardFixture *self, const char *type)
{
  g_assert_true (spice_fixture_wait (has_wanted, self));
  g_assert_cmpstr (self->wanted_type, ==, type);
  guint id = g_array_index (self->wanted, guint, 0);
  g_array_remove_index (self->wanted, 0);
  return id;
}

void
clipboard_fixture_answer (ClipboardFixture *self, guint id, const char *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;

  g_assert_true (lodge_console_clipboard_answer (self->clipboard, id, bytes, &error));
  g_assert_no_error (error);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clipboard between host and guest: exact bytes both ways, and agents that are slow, silent,
 * gone or lying. */
#include "console/lodge-console-clipboard-private.h"
#include "console/lodge-console-session-private.h"
#include "lodge-error.h"
#include "spice-fixture-agent.h"

#include <string.h>

#define BOTH (LODGE_CLIPBOARD_WAY_TO_GUEST | LODGE_CLIPBOARD_WAY_TO_HOST)
#define TEXT VD_AGENT_CLIPBOARD_UTF8_TEXT
#define PNG  VD_AGENT_CLIPBOARD_IMAGE_PNG
/* Long enough for anything to come that comes at all. */
#define SHORT_LIMIT_MS 300

static const char *const text_only[] = {LODGE_CLIPBOARD_TEXT, NULL};
static const char *const text_and_png[] = {LODGE_CLIPBOARD_TEXT, LODGE_CLIPBOARD_PNG, NULL};

typedef struct {
  SpiceFixture *server;
  SpiceFixtureAgent *agent;
  LodgeConsoleSession *session;
  LodgeConsoleClipboard *clipboard;
  guint offers; /* how often "offered" came */
  GArray *wanted;
  char *wanted_type;
  const char *log; /* what is waited for */
} Test;

/* One read and how it ended. */
typedef struct {
  GBytes *bytes;
  GError *error;
  gboolean done;
} Got;

static void
offered_cb (LodgeConsoleClipboard *clipboard, Test *test)
{
  test->offers++;
}

static void
wanted_cb (LodgeConsoleClipboard *clipboard, guint id, const char *type, Test *test)
{
  g_array_append_val (test->wanted, id);
  g_free (test->wanted_type);
  test->wanted_type = g_strdup (type);
}

static gboolean
is_available (gpointer data)
{
  return lodge_console_clipboard_get_available (((Test *) data)->clipboard);
}

static gboolean
is_unavailable (gpointer data)
{
  return !is_available (data);
}

static gboolean
has_agent_port (gpointer data)
{
  gboolean port;

  g_object_get (((Test *) data)->session, "can-resize", &port, NULL);
  return port;
}

static gboolean
has_offer (gpointer data)
{
  return lodge_console_clipboard_get_offer (((Test *) data)->clipboard)[0] != NULL;
}

static gboolean
has_no_offer (gpointer data)
{
  return !has_offer (data);
}

static gboolean
is_log (gpointer data)
{
  Test *test = data;

  return strcmp (spice_fixture_agent_get_log (test->agent), test->log) == 0;
}

/* Waits until the agent has been told just this, and forgets it. */
static void
expect_log (Test *test, const char *log)
{
  test->log = log;
  if (!spice_fixture_wait (is_log, test))
    g_error ("“%s” instead of “%s”", spice_fixture_agent_get_log (test->agent), log);
  spice_fixture_agent_clear (test->agent);
}

static gboolean
is_done (gpointer data)
{
  return ((Got *) data)->done;
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Got *got = data;

  got->bytes =
      lodge_console_clipboard_read_finish (LODGE_CONSOLE_CLIPBOARD (source), result, &got->error);
  got->done = TRUE;
}

static void
start_read (Test *test, const char *type, Got *got)
{
  *got = (Got){0};
  lodge_console_clipboard_read_async (test->clipboard, type, NULL, read_cb, got);
}

static void
expect_bytes (Got *got, gconstpointer data, gsize size)
{
  g_assert_true (spice_fixture_wait (is_done, got));
  g_assert_no_error (got->error);
  gsize got_size;
  gconstpointer got_data = g_bytes_get_data (got->bytes, &got_size);
  g_assert_cmpmem (got_data, got_size, data, size);
  g_clear_pointer (&got->bytes, g_bytes_unref);
}

static void
expect_error (Got *got, int code)
{
  g_assert_true (spice_fixture_wait (is_done, got));
  g_assert_null (got->bytes);
  g_assert_error (got->error, LODGE_ERROR, code);
  g_test_message ("%s", got->error->message);
  g_clear_error (&got->error);
}

static void
setup (Test *test, guint32 capabilities)
{
  *test = (Test){.server = spice_fixture_new (640, 480, TRUE)};
  test->wanted = g_array_new (FALSE, FALSE, sizeof (guint));
  test->agent = spice_fixture_agent_new (test->server);
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  test->clipboard = lodge_console_session_get_clipboard (test->session);
  lodge_console_clipboard_set_ways (test->clipboard, BOTH);
  g_signal_connect (test->clipboard, "offered", G_CALLBACK (offered_cb), test);
  g_signal_connect (test->clipboard, "wanted", G_CALLBACK (wanted_cb), test);
  lodge_console_session_open (test->session);
  g_assert_true (spice_fixture_wait (has_agent_port, test));
  if (capabilities != 0) {
    spice_fixture_agent_announce (test->agent, capabilities);
    g_assert_true (spice_fixture_wait (is_available, test));
  }
  spice_fixture_settle ();
  spice_fixture_agent_clear (test->agent);
}

static void
teardown (Test *test)
{
  g_object_add_weak_pointer (G_OBJECT (test->clipboard), (gpointer *) &test->clipboard);
  g_assert_finalize_object (test->session);
  g_assert_null (test->clipboard);
  spice_fixture_settle ();
  if (test->agent != NULL)
    spice_fixture_agent_free (test->agent);
  spice_fixture_free (test->server);
  g_array_unref (test->wanted);
  g_free (test->wanted_type);
}

/* The guest copies, the host pastes. */
static void
grab (Test *test, guint n, guint32 first, guint32 second)
{
  spice_fixture_agent_grab (test->agent, 0, n, first, second);
  g_assert_true (spice_fixture_wait (has_offer, test));
}

static void
test_to_host (void)
{
  static const guint8 picture[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 1, 2, 0xff};
  Test test;
  Got got;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  /* In our order, and without what is not known. */
  spice_fixture_agent_grab (test.agent, 0, 4, PNG, 77, VD_AGENT_CLIPBOARD_FILE_LIST, TEXT);
  g_assert_true (spice_fixture_wait (has_offer, &test));
  const char *const *offer = lodge_console_clipboard_get_offer (test.clipboard);
  g_assert_cmpstrv (offer, text_and_png);
  /* Nobody has pasted, nothing was asked for. */
  spice_fixture_settle ();
  expect_log (&test, "");

  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, TEXT, "Grüße\nzwei\r\n", 14);
  expect_bytes (&got, "Grüße\nzwei\r\n", 14); /* a Linux guest's line ends are its own */

  start_read (&test, LODGE_CLIPBOARD_PNG, &got);
  expect_log (&test, "request0:2");
  spice_fixture_agent_data (test.agent, 0, PNG, picture, sizeof picture);
  expect_bytes (&got, picture, sizeof picture);

  spice_fixture_agent_release (test.agent, 0);
  g_assert_true (spice_fixture_wait (has_no_offer, &test));
  g_assert_cmpuint (test.offers, ==, 2);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_error (&got, LODGE_ERROR_NOT_FOUND);
  expect_log (&test, "");
  teardown (&test);
}

static gboolean
has_wanted (gpointer data)
{
  return ((Test *) data)->wanted->len > 0;
}

static guint
expect_wanted (Test *test, const char *type)
{
  g_assert_true (spice_fixture_wait (has_wanted, test));
  g_assert_cmpstr (test->wanted_type, ==, type);
  guint id = g_array_index (test->wanted, guint, 0);
  g_array_remove_index (test->wanted, 0);
  return id;
}

static void
answer (Test *test, guint id, const char *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;

  g_assert_true (lodge_console_clipboard_answer (test->clipboard, id, bytes, &error));
  g_assert_no_error (error);
}

static void
test_to_guest (void)
{
  Test test;
  GByteArray *data;
  int max;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  g_assert_true (spice_fixture_agent_get_max_clipboard (test.agent, &max));
  g_assert_cmpint (max, ==, LODGE_CLIPBOARD_SIZE_MAX + 1);

  /* Before anything is offered nothing is handed out. */
  spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:0=0");
  g_assert_cmpuint (test.wanted->len, ==, 0);

  lodge_console_clipboard_offer (test.clipboard, text_and_png);
  expect_log (&test, "grab0:1,2");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  guint id = expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  answer (&test, id, "eins\nzwei", 9);
  expect_log (&test, "data0:1=9");
  data = spice_fixture_agent_get_data (test.agent);
  g_assert_cmpmem (data->data, data->len, "eins\nzwei", 9);
  answer (&test, id, "again", 5); /* does nothing */

  spice_fixture_agent_request (test.agent, 0, PNG);
  id = expect_wanted (&test, LODGE_CLIPBOARD_PNG);
  answer (&test, id, "\x89PNG\r\n\x1a\n\0", 9);
  expect_log (&test, "data0:2=9");
  g_assert_cmpmem (data->data, data->len, "\x89PNG\r\n\x1a\n\0", 9);

  /* A type that was not offered, and one that does not exist. */
  spice_fixture_agent_request (test.agent, 0, VD_AGENT_CLIPBOARD_IMAGE_BMP);
  spice_fixture_agent_request (test.agent, 0, 4711);
  expect_log (&test, "data0:0=0 data0:0=0");

  /* Nothing after all. */
  spice_fixture_agent_request (test.agent, 0, TEXT);
  id = expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  g_assert_true (lodge_console_clipboard_answer (test.clipboard, id, NULL, NULL));
  expect_log (&test, "data0:0=0");

  /* Offered again: this agent needs no release in between. */
  lodge_console_clipboard_offer (test.clipboard, text_only);
  expect_log (&test, "grab0:1");
  lodge_console_clipboard_offer (test.clipboard, NULL);
  expect_log (&test, "release0");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:0=0");
  g_assert_cmpuint (test.wanted->len, ==, 0);
  teardown (&test);
}

/* What the guest copies covers what the host offered; the answer it still waits for comes, empty.
 */
static void
test_guest_takes_over (void)
{
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  lodge_console_clipboard_offer (test.clipboard, text_only);
  expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  guint id = expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  grab (&test, 1, TEXT, 0);
  expect_log (&test, "data0:0=0");
  g_assert_false (lodge_console_clipboard_is_offering (test.clipboard));
  answer (&test, id, "late", 4);
  spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:0=0");

  /* And the other way round. */
  lodge_console_clipboard_offer (test.clipboard, text_only);
  g_assert_null (lodge_console_clipboard_get_offer (test.clipboard)[0]);
  expect_log (&test, "grab0:1");
  teardown (&test);
}

static void
test_line_ends (void)
{
  Test test;
  Got got;

  setup (&test, SPICE_FIXTURE_AGENT_WINDOWS);
  grab (&test, 1, TEXT, 0);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  /* A Windows program's NUL does not count; a lone CR stays. */
  spice_fixture_agent_data (test.agent, 0, TEXT, "a\r\nb\r\n\r\nc\rd\n\0", 13);
  expect_bytes (&got, "a\nb\n\nc\rd\n", 9);

  lodge_console_clipboard_offer (test.clipboard, text_only);
  expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  answer (&test, expect_wanted (&test, LODGE_CLIPBOARD_TEXT), "a\nb\r\n\nc\rd", 9);
  expect_log (&test, "data0:1=11");
  GByteArray *data = spice_fixture_agent_get_data (test.agent);
  g_assert_cmpmem (data->data, data->len, "a\r\nb\r\n\r\nc\rd", 11);

  /* An old agent is told of the end before it is told of the next. */
  lodge_console_clipboard_offer (test.clipboard, text_only);
  expect_log (&test, "release0 grab0:1");
  teardown (&test);
}

/* Old agents let go before they take again: nobody sees that, but a real end is seen. */
static void
test_release_and_regrab (void)
{
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_WINDOWS);
  grab (&test, 1, TEXT, 0);
  g_assert_cmpuint (test.offers, ==, 1);
  spice_fixture_agent_release (test.agent, 0);
  spice_fixture_agent_grab (test.agent, 0, 2, TEXT, PNG);
  spice_fixture_settle ();
  g_assert_cmpuint (test.offers, ==, 2);
  g_assert_cmpstrv (lodge_console_clipboard_get_offer (test.clipboard), text_and_png);

  spice_fixture_agent_release (test.agent, 0);
  g_assert_true (spice_fixture_wait (has_no_offer, &test));
  g_assert_cmpuint (test.offers, ==, 3);
  teardown (&test);
}

static void
test_bad_text (void)
{
  Test test;
  Got got;
  g_autoptr (GBytes) bad = g_bytes_new ("a\xff", 2);
  g_autoptr (GBytes) nul = g_bytes_new ("a\0b", 3);
  g_autoptr (GError) error = NULL;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  grab (&test, 1, TEXT, 0);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, TEXT, "\xc3(", 2);
  expect_error (&got, LODGE_ERROR_INVALID);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, TEXT, "a\0b", 3);
  expect_error (&got, LODGE_ERROR_INVALID);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, TEXT, NULL, 0);
  expect_bytes (&got, "", 0);

  lodge_console_clipboard_offer (test.clipboard, text_only);
  expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  g_assert_false (lodge_console_clipboard_answer (
      test.clipboard, expect_wanted (&test, LODGE_CLIPBOARD_TEXT), bad, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  spice_fixture_agent_request (test.agent, 0, TEXT);
  g_assert_false (lodge_console_clipboard_answer (
      test.clipboard, expect_wanted (&test, LODGE_CLIPBOARD_TEXT), nul, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  expect_log (&test, "data0:0=0 data0:0=0");
  teardown (&test);
}

static void
test_too_large (void)
{
  Test test;
  Got got;
  g_autofree guint8 *much = g_malloc0 (LODGE_CLIPBOARD_SIZE_MAX + 1);
  g_autoptr (GError) error = NULL;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  grab (&test, 2, TEXT, PNG);
  start_read (&test, LODGE_CLIPBOARD_PNG, &got);
  expect_log (&test, "request0:2");
  spice_fixture_agent_data (test.agent, 0, PNG, much, LODGE_CLIPBOARD_SIZE_MAX + 1);
  expect_error (&got, LODGE_ERROR_INVALID);
  start_read (&test, LODGE_CLIPBOARD_PNG, &got);
  expect_log (&test, "request0:2");
  spice_fixture_agent_data (test.agent, 0, PNG, much, LODGE_CLIPBOARD_SIZE_MAX);
  expect_bytes (&got, much, LODGE_CLIPBOARD_SIZE_MAX);

  lodge_console_clipboard_offer (test.clipboard, text_and_png);
  expect_log (&test, "grab0:1,2");
  g_autoptr (GBytes) bytes = g_bytes_new_static (much, LODGE_CLIPBOARD_SIZE_MAX + 1);
  spice_fixture_agent_request (test.agent, 0, PNG);
  g_assert_false (lodge_console_clipboard_answer (
      test.clipboard, expect_wanted (&test, LODGE_CLIPBOARD_PNG), bytes, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_test_message ("%s", error->message);
  expect_log (&test, "data0:0=0");
  g_autoptr (GBytes) most = g_bytes_new_static (much, LODGE_CLIPBOARD_SIZE_MAX);
  spice_fixture_agent_request (test.agent, 0, PNG);
  g_assert_true (lodge_console_clipboard_answer (
      test.clipboard, expect_wanted (&test, LODGE_CLIPBOARD_PNG), most, NULL));
  expect_log (&test, "data0:2=67108864");
  teardown (&test);
}

/* Sizes and counts that no honest agent says, as the library hands them on: what they stand for is
 * never read. */
static void
test_lies (void)
{
  Test test;
  Got got;
  guint8 little[] = {1, 0, 0, 0};
  gboolean taken;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  SpiceMainChannel *main = test.session->main;
  grab (&test, 1, TEXT, 0);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  g_signal_emit_by_name (main, "main-clipboard-selection", 0, TEXT, little, G_MAXUINT - 3);
  expect_error (&got, LODGE_ERROR_INVALID);
  g_signal_emit_by_name (main, "main-clipboard-selection-grab", 0, little, G_MAXUINT / 4, &taken);
  g_assert_null (lodge_console_clipboard_get_offer (test.clipboard)[0]);

  /* Half a message, with what comes next taken for its other half: nothing comes out of it. */
  lodge_console_clipboard_set_time_limit (test.clipboard, SHORT_LIMIT_MS);
  grab (&test, 1, TEXT, 0);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  const guint32 head[] = {0, GUINT32_TO_LE (TEXT)};
  spice_fixture_agent_send_lie (test.agent, VD_AGENT_CLIPBOARD, 1000, head, sizeof head);
  expect_error (&got, LODGE_ERROR_TIMEOUT);
  teardown (&test);
}

/* Data that nobody has asked for, of another type than asked for, or too late. */
static void
test_unasked (void)
{
  Test test;
  Got got, other;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  grab (&test, 2, TEXT, PNG);
  spice_fixture_agent_data (test.agent, 0, TEXT, "unasked", 7);
  spice_fixture_settle ();
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, PNG, "other", 5);
  spice_fixture_agent_data (test.agent, 1, TEXT, "primary", 7);
  spice_fixture_settle ();
  g_assert_false (got.done);

  /* Something else is copied meanwhile: the answer to the old question is not taken for the new. */
  grab (&test, 1, TEXT, 0);
  expect_error (&got, LODGE_ERROR_NOT_FOUND);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &other);
  spice_fixture_settle ();
  expect_log (&test, "");
  spice_fixture_agent_data (test.agent, 0, TEXT, "old", 3);
  expect_log (&test, "request0:1");
  g_assert_false (other.done);
  spice_fixture_agent_data (test.agent, 0, TEXT, "new", 3);
  expect_bytes (&other, "new", 3);

  /* Two who wait for the same get the same. */
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &other);
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, TEXT, "twice", 5);
  expect_bytes (&got, "twice", 5);
  expect_bytes (&other, "twice", 5);

  /* The guest says itself that it has nothing. */
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, VD_AGENT_CLIPBOARD_NONE, NULL, 0);
  expect_error (&got, LODGE_ERROR_NOT_FOUND);
  teardown (&test);
}

static void
test_silent (void)
{
  Test test;
  Got got;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  grab (&test, 2, TEXT, PNG);

  /* The one who pastes has had enough. */
  got = (Got){0};
  lodge_console_clipboard_read_async (test.clipboard, LODGE_CLIPBOARD_TEXT, cancellable, read_cb,
                                      &got);
  expect_log (&test, "request0:1");
  g_cancellable_cancel (cancellable);
  g_assert_true (spice_fixture_wait (is_done, &got));
  g_assert_error (got.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&got.error);
  spice_fixture_agent_data (test.agent, 0, TEXT, "late", 4);
  spice_fixture_settle ();

  lodge_console_clipboard_set_time_limit (test.clipboard, SHORT_LIMIT_MS);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  expect_error (&got, LODGE_ERROR_TIMEOUT);
  /* The next question is asked again. */
  start_read (&test, LODGE_CLIPBOARD_PNG, &got);
  expect_log (&test, "request0:2");
  spice_fixture_agent_data (test.agent, 0, PNG, "png", 3);
  expect_bytes (&got, "png", 3);

  /* The host does not answer either: the guest gets nothing, but gets it. */
  lodge_console_clipboard_offer (test.clipboard, text_only);
  expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  guint id = expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  expect_log (&test, "data0:0=0");
  answer (&test, id, "late", 4);

  /* So does one that asks too much at once. */
  lodge_console_clipboard_set_time_limit (test.clipboard, 60000);
  for (guint i = 0; i < 20; i++)
    spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:0=0 data0:0=0 data0:0=0 data0:0=0 data0:0=0 data0:0=0 data0:0=0 "
                     "data0:0=0 data0:0=0 data0:0=0 data0:0=0 data0:0=0");
  g_assert_cmpuint (test.wanted->len, ==, 8);
  teardown (&test);
}

/* A guest that asks and does not read what it is given costs no more than a certain amount. That is
 * half a gigabyte, of which only the last bytes are moved here: the rest is said to have been. */
static void
test_does_not_read (void)
{
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  LodgeConsoleClipboard *clipboard = test.clipboard;
  g_assert_cmpuint (LODGE_CLIPBOARD_ANSWERED_MAX, ==, G_GUINT64_CONSTANT (8) * 64 * 1024 * 1024);
  lodge_console_clipboard_offer (clipboard, text_and_png);
  expect_log (&test, "grab0:1,2");
  g_assert_cmpuint (clipboard->answered_bytes, ==, 0);

  clipboard->answered_bytes = LODGE_CLIPBOARD_ANSWERED_MAX - 8 * 5;
  for (guint i = 0; i < 8; i++) {
    spice_fixture_agent_request (test.agent, 0, PNG);
    answer (&test, expect_wanted (&test, LODGE_CLIPBOARD_PNG), "bytes", 5);
    expect_log (&test, "data0:2=5");
  }
  g_assert_cmpuint (clipboard->answered_bytes, ==, LODGE_CLIPBOARD_ANSWERED_MAX);
  spice_fixture_agent_request (test.agent, 0, PNG);
  answer (&test, expect_wanted (&test, LODGE_CLIPBOARD_PNG), "b", 1);
  expect_log (&test, "data0:0=0");

  /* What was not handed out does not count: a smaller one may still pass. */
  clipboard->answered_bytes = LODGE_CLIPBOARD_ANSWERED_MAX - 4;
  spice_fixture_agent_request (test.agent, 0, TEXT);
  answer (&test, expect_wanted (&test, LODGE_CLIPBOARD_TEXT), "bytes", 5);
  expect_log (&test, "data0:0=0");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  answer (&test, expect_wanted (&test, LODGE_CLIPBOARD_TEXT), "byte", 4);
  expect_log (&test, "data0:1=4");

  /* What is copied anew on the host is a new offer. */
  lodge_console_clipboard_offer (clipboard, text_and_png);
  expect_log (&test, "grab0:1,2");
  spice_fixture_agent_request (test.agent, 0, PNG);
  answer (&test, expect_wanted (&test, LODGE_CLIPBOARD_PNG), "png", 3);
  expect_log (&test, "data0:2=3");
  teardown (&test);
}

static void
test_ways (void)
{
  Test test;
  Got got;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  lodge_console_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_NO_WAY);
  spice_fixture_agent_grab (test.agent, 0, 1, TEXT);
  lodge_console_clipboard_offer (test.clipboard, text_only);
  spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:0=0");
  g_assert_cmpuint (test.offers + test.wanted->len, ==, 0);
  g_assert_null (lodge_console_clipboard_get_offer (test.clipboard)[0]);

  /* To the host alone: what the guest has already is there now. */
  lodge_console_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_WAY_TO_HOST);
  g_assert_cmpuint (test.offers, ==, 1);
  lodge_console_clipboard_offer (test.clipboard, text_only);
  spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:0=0");
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  /* A way that closes ends what is on it. */
  lodge_console_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_WAY_TO_GUEST);
  expect_error (&got, LODGE_ERROR_NOT_FOUND);
  g_assert_null (lodge_console_clipboard_get_offer (test.clipboard)[0]);
  g_assert_cmpuint (test.offers, ==, 2);

  lodge_console_clipboard_offer (test.clipboard, text_only);
  expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  guint id = expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  lodge_console_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_NO_WAY);
  expect_log (&test, "data0:0=0 release0");
  answer (&test, id, "late", 4);
  spice_fixture_settle ();
  expect_log (&test, "");
  teardown (&test);
}

/* The primary selection is not shared, and asking for it is answered. */
static void
test_primary (void)
{
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  lodge_console_clipboard_offer (test.clipboard, text_only);
  expect_log (&test, "grab0:1");
  spice_fixture_agent_grab (test.agent, 1, 1, TEXT);
  spice_fixture_agent_request (test.agent, 1, TEXT);
  spice_fixture_agent_release (test.agent, 1);
  expect_log (&test, "data1:0=0");
  g_assert_cmpuint (test.offers + test.wanted->len, ==, 0);
  g_assert_true (lodge_console_clipboard_is_offering (test.clipboard));
  teardown (&test);
}

static void
test_agent_comes_and_goes (void)
{
  Test test;
  Got got;

  /* A port without a word, then an agent that knows nothing of clipboards. */
  setup (&test, 0);
  g_assert_false (is_available (&test));
  lodge_console_clipboard_offer (test.clipboard, text_only);
  spice_fixture_agent_announce (test.agent, 1u << VD_AGENT_CAP_REPLY);
  spice_fixture_agent_grab (test.agent, 0, 1, TEXT);
  spice_fixture_agent_request (test.agent, 0, TEXT);
  spice_fixture_settle ();
  g_assert_false (is_available (&test));
  g_assert_cmpuint (test.offers + test.wanted->len, ==, 0);
  expect_log (&test, "");

  /* One that does is told at once what was offered before. */
  spice_fixture_agent_announce (test.agent, SPICE_FIXTURE_AGENT_LINUX);
  g_assert_true (spice_fixture_wait (is_available, &test));
  expect_log (&test, "grab0:1");
  grab (&test, 1, TEXT, 0);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");

  /* Gone in the middle: no one is left waiting. */
  spice_fixture_agent_free (g_steal_pointer (&test.agent));
  expect_error (&got, LODGE_ERROR_NOT_FOUND);
  g_assert_true (spice_fixture_wait (is_unavailable, &test));
  g_assert_null (lodge_console_clipboard_get_offer (test.clipboard)[0]);
  lodge_console_clipboard_offer (test.clipboard, text_only);

  test.agent = spice_fixture_agent_new (test.server);
  spice_fixture_agent_announce (test.agent, SPICE_FIXTURE_AGENT_LINUX);
  expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  guint id = expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  lodge_console_session_close (test.session);
  g_assert_false (is_available (&test));
  answer (&test, id, "nobody", 6);
  teardown (&test);
}

/* The window closes while somebody waits. */
static void
test_closed_in_the_middle (void)
{
  Test test;
  Got got;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  grab (&test, 1, TEXT, 0);
  start_read (&test, LODGE_CLIPBOARD_TEXT, &got);
  expect_log (&test, "request0:1");
  lodge_console_session_close (test.session);
  expect_error (&got, LODGE_ERROR_NOT_FOUND);
  teardown (&test);
}

#define ADD(name)                                                                                  \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
ADD (to_host)
ADD (to_guest)
ADD (guest_takes_over)
ADD (line_ends)
ADD (release_and_regrab)
ADD (bad_text)
ADD (too_large)
ADD (lies)
ADD (unasked)
ADD (silent)
ADD (does_not_read)
ADD (ways)
ADD (primary)
ADD (agent_comes_and_goes)
ADD (closed_in_the_middle)
#undef ADD

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/console-clipboard/to-host", run_to_host);
  g_test_add_func ("/console-clipboard/to-guest", run_to_guest);
  g_test_add_func ("/console-clipboard/guest-takes-over", run_guest_takes_over);
  g_test_add_func ("/console-clipboard/line-ends", run_line_ends);
  g_test_add_func ("/console-clipboard/release-and-regrab", run_release_and_regrab);
  g_test_add_func ("/console-clipboard/bad-text", run_bad_text);
  g_test_add_func ("/console-clipboard/too-large", run_too_large);
  g_test_add_func ("/console-clipboard/lies", run_lies);
  g_test_add_func ("/console-clipboard/unasked", run_unasked);
  g_test_add_func ("/console-clipboard/silent", run_silent);
  g_test_add_func ("/console-clipboard/does-not-read", run_does_not_read);
  g_test_add_func ("/console-clipboard/ways", run_ways);
  g_test_add_func ("/console-clipboard/primary", run_primary);
  g_test_add_func ("/console-clipboard/agent-comes-and-goes", run_agent_comes_and_goes);
  g_test_add_func ("/console-clipboard/closed-in-the-middle", run_closed_in_the_middle);
  return g_test_run ();
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clipboard between host and guest, with agents that are slow, silent or lying, and with more
 * than may pass. */
#include "clipboard-fixture.h"
#include "console/lodge-console-clipboard-private.h"
#include "console/lodge-console-session-private.h"
#include "lodge-error.h"

/* Long enough for anything to come that comes at all. */
#define SHORT_LIMIT_MS 300
#define LONG_LIMIT_MS  120000

static void
test_bad_text (void)
{
  ClipboardFixture test;
  ClipboardFixtureRead got;
  g_autoptr (GBytes) bad = g_bytes_new ("a\xff", 2);
  g_autoptr (GBytes) nul = g_bytes_new ("a\0b", 3);
  g_autoptr (GError) error = NULL;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  clipboard_fixture_grab (&test, 1, CLIPBOARD_FIXTURE_TEXT, 0);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_TEXT, "\xc3(", 2);
  clipboard_fixture_expect_error (&got, LODGE_ERROR_INVALID);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_TEXT, "a\0b", 3);
  clipboard_fixture_expect_error (&got, LODGE_ERROR_INVALID);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_TEXT, NULL, 0);
  clipboard_fixture_expect_bytes (&got, "", 0);

  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  clipboard_fixture_expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  g_assert_false (lodge_console_clipboard_answer (
      test.clipboard, clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_TEXT), bad, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  clipboard_fixture_expect_log (&test, "data0:0=0");
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  clipboard_fixture_expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  g_assert_false (lodge_console_clipboard_answer (
      test.clipboard, clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_TEXT), nul, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  clipboard_fixture_expect_log (&test, "data0:0=0");
  clipboard_fixture_tear_down (&test);
}

static void
test_too_large (void)
{
  ClipboardFixture test;
  ClipboardFixtureRead got;
  g_autofree guint8 *much = g_malloc0 (LODGE_CLIPBOARD_SIZE_MAX + 1);
  g_autoptr (GError) error = NULL;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  /* Of sizes, not of how long so much takes on a busy computer. */
  lodge_console_clipboard_set_time_limit (test.clipboard, LONG_LIMIT_MS);
  clipboard_fixture_grab (&test, 2, CLIPBOARD_FIXTURE_TEXT, CLIPBOARD_FIXTURE_PNG);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_PNG, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:2");
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_PNG, much,
                            LODGE_CLIPBOARD_SIZE_MAX + 1);
  clipboard_fixture_expect_error (&got, LODGE_ERROR_INVALID);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_PNG, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:2");
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_PNG, much, LODGE_CLIPBOARD_SIZE_MAX);
  clipboard_fixture_expect_bytes (&got, much, LODGE_CLIPBOARD_SIZE_MAX);

  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_and_png);
  clipboard_fixture_expect_log (&test, "grab0:1,2");
  g_autoptr (GBytes) bytes = g_bytes_new_static (much, LODGE_CLIPBOARD_SIZE_MAX + 1);
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_PNG);
  g_assert_false (lodge_console_clipboard_answer (
      test.clipboard, clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_PNG), bytes, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_test_message ("%s", error->message);
  clipboard_fixture_expect_log (&test, "data0:0=0");
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_and_png);
  clipboard_fixture_expect_log (&test, "grab0:1,2");
  g_autoptr (GBytes) most = g_bytes_new_static (much, LODGE_CLIPBOARD_SIZE_MAX);
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_PNG);
  g_assert_true (lodge_console_clipboard_answer (
      test.clipboard, clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_PNG), most, NULL));
  clipboard_fixture_expect_log (&test, "data0:2=67108864");
  clipboard_fixture_tear_down (&test);
}

/* A guest that asks again and again for what it was refused: the host's clipboard is not read again
 * for it, and the user not told again. */
static void
test_asks_again (void)
{
  ClipboardFixture test;
  g_autofree guint8 *much = g_malloc0 (LODGE_CLIPBOARD_SIZE_MAX + 1);
  g_autoptr (GBytes) bytes = g_bytes_new_static (much, LODGE_CLIPBOARD_SIZE_MAX + 1);
  guint ids[3];

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_and_png);
  clipboard_fixture_expect_log (&test, "grab0:1,2");
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_PNG);
    ids[i] = clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_PNG);
  }
  g_assert_false (lodge_console_clipboard_answer (test.clipboard, ids[1], bytes, NULL));
  /* That was the answer to all of them. */
  clipboard_fixture_expect_log (&test, "data0:0=0 data0:0=0 data0:0=0");
  g_assert_true (lodge_console_clipboard_answer (test.clipboard, ids[0], bytes, NULL));
  g_assert_true (lodge_console_clipboard_answer (test.clipboard, ids[2], bytes, NULL));
  for (guint i = 0; i < 5; i++)
    spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_PNG);
  clipboard_fixture_expect_log (&test, "data0:0=0 data0:0=0 data0:0=0 data0:0=0 data0:0=0");
  g_assert_cmpuint (test.wanted->len, ==, 0);

  /* The text beside it is there, and what is copied anew is, too. */
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  clipboard_fixture_answer (&test, clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_TEXT),
                            "text", 4);
  clipboard_fixture_expect_log (&test, "data0:1=4");
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_and_png);
  clipboard_fixture_expect_log (&test, "grab0:1,2");
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_PNG);
  clipboard_fixture_answer (&test, clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_PNG),
                            "png", 3);
  clipboard_fixture_expect_log (&test, "data0:2=3");
  clipboard_fixture_tear_down (&test);
}

/* Sizes and counts that no honest agent says, as the library hands them on: what they stand for is
 * never read. */
static void
test_lies (void)
{
  ClipboardFixture test;
  ClipboardFixtureRead got;
  guint8 little[] = {1, 0, 0, 0};
  gboolean taken;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  SpiceMainChannel *main = test.session->main;
  clipboard_fixture_grab (&test, 1, CLIPBOARD_FIXTURE_TEXT, 0);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  g_signal_emit_by_name (main, "main-clipboard-selection", 0, CLIPBOARD_FIXTURE_TEXT, little,
                         G_MAXUINT - 3);
  clipboard_fixture_expect_error (&got, LODGE_ERROR_INVALID);
  g_signal_emit_by_name (main, "main-clipboard-selection-grab", 0, little, G_MAXUINT / 4, &taken);
  g_assert_null (lodge_console_clipboard_get_offer (test.clipboard)[0]);

  /* Half a message, with what comes next taken for its other half: nothing comes out of it. */
  lodge_console_clipboard_set_time_limit (test.clipboard, SHORT_LIMIT_MS);
  clipboard_fixture_grab (&test, 1, CLIPBOARD_FIXTURE_TEXT, 0);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  const guint32 head[] = {0, GUINT32_TO_LE (CLIPBOARD_FIXTURE_TEXT)};
  spice_fixture_agent_send_lie (test.agent, VD_AGENT_CLIPBOARD, 1000, head, sizeof head);
  clipboard_fixture_expect_error (&got, LODGE_ERROR_TIMEOUT);
  clipboard_fixture_tear_down (&test);
}

/* Data that nobody has asked for, of another type than asked for, or too late. */
static void
test_unasked (void)
{
  ClipboardFixture test;
  ClipboardFixtureRead got, other;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  clipboard_fixture_grab (&test, 2, CLIPBOARD_FIXTURE_TEXT, CLIPBOARD_FIXTURE_PNG);
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_TEXT, "unasked", 7);
  spice_fixture_settle ();
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_PNG, "other", 5);
  spice_fixture_agent_data (test.agent, 1, CLIPBOARD_FIXTURE_TEXT, "primary", 7);
  spice_fixture_settle ();
  g_assert_false (got.done);

  /* Something else is copied meanwhile: the answer to the old question is not taken for the new. */
  clipboard_fixture_grab (&test, 1, CLIPBOARD_FIXTURE_TEXT, 0);
  clipboard_fixture_expect_error (&got, LODGE_ERROR_NOT_FOUND);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &other);
  spice_fixture_settle ();
  clipboard_fixture_expect_log (&test, "");
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_TEXT, "old", 3);
  clipboard_fixture_expect_log (&test, "request0:1");
  g_assert_false (other.done);
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_TEXT, "new", 3);
  clipboard_fixture_expect_bytes (&other, "new", 3);

  /* Two who wait for the same get the same. */
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &other);
  clipboard_fixture_expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_TEXT, "twice", 5);
  clipboard_fixture_expect_bytes (&got, "twice", 5);
  clipboard_fixture_expect_bytes (&other, "twice", 5);

  /* The guest says itself that it has nothing. */
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, VD_AGENT_CLIPBOARD_NONE, NULL, 0);
  clipboard_fixture_expect_error (&got, LODGE_ERROR_NOT_FOUND);
  clipboard_fixture_tear_down (&test);
}

static void
test_silent (void)
{
  ClipboardFixture test;
  ClipboardFixtureRead got;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  clipboard_fixture_grab (&test, 2, CLIPBOARD_FIXTURE_TEXT, CLIPBOARD_FIXTURE_PNG);

  /* The one who pastes has had enough. */
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, cancellable, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  g_cancellable_cancel (cancellable);
  g_assert_true (spice_fixture_wait (clipboard_fixture_is_done, &got));
  g_assert_error (got.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&got.error);
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_TEXT, "late", 4);
  spice_fixture_settle ();

  lodge_console_clipboard_set_time_limit (test.clipboard, SHORT_LIMIT_MS);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  clipboard_fixture_expect_error (&got, LODGE_ERROR_TIMEOUT);
  /* The next question is asked again. */
  lodge_console_clipboard_set_time_limit (test.clipboard, LONG_LIMIT_MS);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_PNG, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:2");
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_PNG, "png", 3);
  clipboard_fixture_expect_bytes (&got, "png", 3);
  lodge_console_clipboard_set_time_limit (test.clipboard, SHORT_LIMIT_MS);

  /* The host does not answer either: the guest gets nothing, but gets it. */
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  clipboard_fixture_expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  guint id = clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  clipboard_fixture_expect_log (&test, "data0:0=0");
  clipboard_fixture_answer (&test, id, "late", 4);

  /* So does one that asks too much at once. */
  lodge_console_clipboard_set_time_limit (test.clipboard, 60000);
  for (guint i = 0; i < 20; i++)
    spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  clipboard_fixture_expect_log (
      &test, "data0:0=0 data0:0=0 data0:0=0 data0:0=0 data0:0=0 data0:0=0 data0:0=0 "
             "data0:0=0 data0:0=0 data0:0=0 data0:0=0 data0:0=0");
  g_assert_cmpuint (test.wanted->len, ==, 8);
  clipboard_fixture_tear_down (&test);
}

/* A guest that asks and does not read what it is given costs no more than a certain amount. That is
 * half a gigabyte, of which only the last bytes are moved here: the rest is said to have been. */
static void
test_does_not_read (void)
{
  ClipboardFixture test;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  LodgeConsoleClipboard *clipboard = test.clipboard;
  g_assert_cmpuint (LODGE_CLIPBOARD_ANSWERED_MAX, ==, G_GUINT64_CONSTANT (8) * 64 * 1024 * 1024);
  lodge_console_clipboard_offer (clipboard, clipboard_fixture_text_and_png);
  clipboard_fixture_expect_log (&test, "grab0:1,2");
  g_assert_cmpuint (clipboard->answered_bytes, ==, 0);

  clipboard->answered_bytes = LODGE_CLIPBOARD_ANSWERED_MAX - 8 * 5;
  for (guint i = 0; i < 8; i++) {
    spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_PNG);
    clipboard_fixture_answer (&test, clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_PNG),
                              "bytes", 5);
    clipboard_fixture_expect_log (&test, "data0:2=5");
  }
  g_assert_cmpuint (clipboard->answered_bytes, ==, LODGE_CLIPBOARD_ANSWERED_MAX);
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_PNG);
  clipboard_fixture_answer (&test, clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_PNG),
                            "b", 1);
  clipboard_fixture_expect_log (&test, "data0:0=0");

  /* And the host's is not read again for it. */
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_PNG);
  clipboard_fixture_expect_log (&test, "data0:0=0");
  g_assert_cmpuint (test.wanted->len, ==, 0);
  /* What was not handed out does not count: a smaller one may still pass. */
  clipboard->answered_bytes = LODGE_CLIPBOARD_ANSWERED_MAX - 4;
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  clipboard_fixture_answer (&test, clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_TEXT),
                            "byte", 4);
  clipboard_fixture_expect_log (&test, "data0:1=4");

  /* What is copied anew on the host is a new offer. */
  lodge_console_clipboard_offer (clipboard, clipboard_fixture_text_and_png);
  clipboard_fixture_expect_log (&test, "grab0:1,2");
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_PNG);
  clipboard_fixture_answer (&test, clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_PNG),
                            "png", 3);
  clipboard_fixture_expect_log (&test, "data0:2=3");
  clipboard_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  CLIPBOARD_FIXTURE_ADD ("bad-text", test_bad_text);
  CLIPBOARD_FIXTURE_ADD ("too-large", test_too_large);
  CLIPBOARD_FIXTURE_ADD ("asks-again", test_asks_again);
  CLIPBOARD_FIXTURE_ADD ("lies", test_lies);
  CLIPBOARD_FIXTURE_ADD ("unasked", test_unasked);
  CLIPBOARD_FIXTURE_ADD ("silent", test_silent);
  CLIPBOARD_FIXTURE_ADD ("does-not-read", test_does_not_read);
  return g_test_run ();
}

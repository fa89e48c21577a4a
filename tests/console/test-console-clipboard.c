/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clipboard between host and guest: exact bytes both ways, which ways are open, and agents that
 * come and go. */
#include "clipboard-fixture.h"
#include "lodge-error.h"

static void
test_to_host (void)
{
  static const guint8 picture[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 1, 2, 0xff};
  ClipboardFixture test;
  ClipboardFixtureRead got;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  /* In our order, and without what is not known. */
  spice_fixture_agent_grab (test.agent, 0, 4, CLIPBOARD_FIXTURE_PNG, 77,
                            VD_AGENT_CLIPBOARD_FILE_LIST, CLIPBOARD_FIXTURE_TEXT);
  g_assert_true (spice_fixture_wait (clipboard_fixture_has_offer, &test));
  const char *const *offer = lodge_console_clipboard_get_offer (test.clipboard);
  g_assert_cmpstrv (offer, clipboard_fixture_text_and_png);
  /* Nobody has pasted, nothing was asked for. */
  spice_fixture_settle ();
  clipboard_fixture_expect_log (&test, "");

  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_TEXT, "Grüße\nzwei\r\n", 14);
  /* A Linux guest's line ends are its own. */
  clipboard_fixture_expect_bytes (&got, "Grüße\nzwei\r\n", 14);

  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_PNG, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:2");
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_PNG, picture, sizeof picture);
  clipboard_fixture_expect_bytes (&got, picture, sizeof picture);

  spice_fixture_agent_release (test.agent, 0);
  g_assert_true (spice_fixture_wait (clipboard_fixture_has_no_offer, &test));
  g_assert_cmpuint (test.offers, ==, 2);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_error (&got, LODGE_ERROR_NOT_FOUND);
  clipboard_fixture_expect_log (&test, "");
  clipboard_fixture_tear_down (&test);
}

static void
test_to_guest (void)
{
  ClipboardFixture test;
  GByteArray *data;
  int max;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  g_assert_true (spice_fixture_agent_get_max_clipboard (test.agent, &max));
  g_assert_cmpint (max, ==, LODGE_CLIPBOARD_SIZE_MAX + 1);

  /* Before anything is offered nothing is handed out. */
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  clipboard_fixture_expect_log (&test, "data0:0=0");
  g_assert_cmpuint (test.wanted->len, ==, 0);

  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_and_png);
  clipboard_fixture_expect_log (&test, "grab0:1,2");
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  guint id = clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  clipboard_fixture_answer (&test, id, "eins\nzwei", 9);
  clipboard_fixture_expect_log (&test, "data0:1=9");
  data = spice_fixture_agent_get_data (test.agent);
  g_assert_cmpmem (data->data, data->len, "eins\nzwei", 9);
  clipboard_fixture_answer (&test, id, "again", 5); /* does nothing */

  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_PNG);
  id = clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_PNG);
  clipboard_fixture_answer (&test, id, "\x89PNG\r\n\x1a\n\0", 9);
  clipboard_fixture_expect_log (&test, "data0:2=9");
  g_assert_cmpmem (data->data, data->len, "\x89PNG\r\n\x1a\n\0", 9);

  /* A type that was not offered, and one that does not exist. */
  spice_fixture_agent_request (test.agent, 0, VD_AGENT_CLIPBOARD_IMAGE_BMP);
  spice_fixture_agent_request (test.agent, 0, 4711);
  clipboard_fixture_expect_log (&test, "data0:0=0 data0:0=0");

  /* Nothing after all. */
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  id = clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  g_assert_true (lodge_console_clipboard_answer (test.clipboard, id, NULL, NULL));
  clipboard_fixture_expect_log (&test, "data0:0=0");

  /* Offered again: this agent needs no release in between. */
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  clipboard_fixture_expect_log (&test, "grab0:1");
  lodge_console_clipboard_offer (test.clipboard, NULL);
  clipboard_fixture_expect_log (&test, "release0");
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  clipboard_fixture_expect_log (&test, "data0:0=0");
  g_assert_cmpuint (test.wanted->len, ==, 0);
  clipboard_fixture_tear_down (&test);
}

/* What the guest copies covers what the host offered; the answer it still waits for comes, empty.
 */
static void
test_guest_takes_over (void)
{
  ClipboardFixture test;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  clipboard_fixture_expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  guint id = clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  clipboard_fixture_grab (&test, 1, CLIPBOARD_FIXTURE_TEXT, 0);
  clipboard_fixture_expect_log (&test, "data0:0=0");
  g_assert_false (lodge_console_clipboard_is_offering (test.clipboard));
  clipboard_fixture_answer (&test, id, "late", 4);
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  clipboard_fixture_expect_log (&test, "data0:0=0");

  /* And the other way round. */
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  g_assert_null (lodge_console_clipboard_get_offer (test.clipboard)[0]);
  clipboard_fixture_expect_log (&test, "grab0:1");
  clipboard_fixture_tear_down (&test);
}

static void
test_line_ends (void)
{
  ClipboardFixture test;
  ClipboardFixtureRead got;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_WINDOWS);
  clipboard_fixture_grab (&test, 1, CLIPBOARD_FIXTURE_TEXT, 0);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  /* A Windows program's NUL does not count; a lone CR stays. */
  spice_fixture_agent_data (test.agent, 0, CLIPBOARD_FIXTURE_TEXT, "a\r\nb\r\n\r\nc\rd\n\0", 13);
  clipboard_fixture_expect_bytes (&got, "a\nb\n\nc\rd\n", 9);

  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  clipboard_fixture_expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  clipboard_fixture_answer (&test, clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_TEXT),
                            "a\nb\r\n\nc\rd", 9);
  clipboard_fixture_expect_log (&test, "data0:1=11");
  GByteArray *data = spice_fixture_agent_get_data (test.agent);
  g_assert_cmpmem (data->data, data->len, "a\r\nb\r\n\r\nc\rd", 11);

  /* An old agent is told of the end before it is told of the next. */
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  clipboard_fixture_expect_log (&test, "release0 grab0:1");
  clipboard_fixture_tear_down (&test);
}

/* Old agents let go before they take again: nobody sees that, but a real end is seen. */
static void
test_release_and_regrab (void)
{
  ClipboardFixture test;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_WINDOWS);
  clipboard_fixture_grab (&test, 1, CLIPBOARD_FIXTURE_TEXT, 0);
  g_assert_cmpuint (test.offers, ==, 1);
  spice_fixture_agent_release (test.agent, 0);
  spice_fixture_agent_grab (test.agent, 0, 2, CLIPBOARD_FIXTURE_TEXT, CLIPBOARD_FIXTURE_PNG);
  spice_fixture_settle ();
  g_assert_cmpuint (test.offers, ==, 2);
  g_assert_cmpstrv (lodge_console_clipboard_get_offer (test.clipboard),
                    clipboard_fixture_text_and_png);

  spice_fixture_agent_release (test.agent, 0);
  g_assert_true (spice_fixture_wait (clipboard_fixture_has_no_offer, &test));
  g_assert_cmpuint (test.offers, ==, 3);
  clipboard_fixture_tear_down (&test);
}

static void
test_ways (void)
{
  ClipboardFixture test;
  ClipboardFixtureRead got;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  lodge_console_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_NO_WAY);
  spice_fixture_agent_grab (test.agent, 0, 1, CLIPBOARD_FIXTURE_TEXT);
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  clipboard_fixture_expect_log (&test, "data0:0=0");
  g_assert_cmpuint (test.offers + test.wanted->len, ==, 0);
  g_assert_null (lodge_console_clipboard_get_offer (test.clipboard)[0]);

  /* To the host alone: what the guest has already is there now. */
  lodge_console_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_WAY_TO_HOST);
  g_assert_cmpuint (test.offers, ==, 1);
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  clipboard_fixture_expect_log (&test, "data0:0=0");
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  /* A way that closes ends what is on it. */
  lodge_console_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_WAY_TO_GUEST);
  clipboard_fixture_expect_error (&got, LODGE_ERROR_NOT_FOUND);
  g_assert_null (lodge_console_clipboard_get_offer (test.clipboard)[0]);
  g_assert_cmpuint (test.offers, ==, 2);

  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  clipboard_fixture_expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  guint id = clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  lodge_console_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_NO_WAY);
  clipboard_fixture_expect_log (&test, "data0:0=0 release0");
  clipboard_fixture_answer (&test, id, "late", 4);
  spice_fixture_settle ();
  clipboard_fixture_expect_log (&test, "");
  clipboard_fixture_tear_down (&test);
}

/* The primary selection is not shared, and asking for it is answered. */
static void
test_primary (void)
{
  ClipboardFixture test;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  clipboard_fixture_expect_log (&test, "grab0:1");
  spice_fixture_agent_grab (test.agent, 1, 1, CLIPBOARD_FIXTURE_TEXT);
  spice_fixture_agent_request (test.agent, 1, CLIPBOARD_FIXTURE_TEXT);
  spice_fixture_agent_release (test.agent, 1);
  clipboard_fixture_expect_log (&test, "data1:0=0");
  g_assert_cmpuint (test.offers + test.wanted->len, ==, 0);
  g_assert_true (lodge_console_clipboard_is_offering (test.clipboard));
  clipboard_fixture_tear_down (&test);
}

static void
test_agent_comes_and_goes (void)
{
  ClipboardFixture test;
  ClipboardFixtureRead got;

  /* A port without a word, then an agent that knows nothing of clipboards. */
  clipboard_fixture_set_up (&test, 0);
  g_assert_false (clipboard_fixture_is_available (&test));
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);
  spice_fixture_agent_announce (test.agent, 1u << VD_AGENT_CAP_REPLY);
  spice_fixture_agent_grab (test.agent, 0, 1, CLIPBOARD_FIXTURE_TEXT);
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  spice_fixture_settle ();
  g_assert_false (clipboard_fixture_is_available (&test));
  g_assert_cmpuint (test.offers + test.wanted->len, ==, 0);
  clipboard_fixture_expect_log (&test, "");

  /* One that does is told at once what was offered before. */
  spice_fixture_agent_announce (test.agent, SPICE_FIXTURE_AGENT_LINUX);
  g_assert_true (spice_fixture_wait (clipboard_fixture_is_available, &test));
  clipboard_fixture_expect_log (&test, "grab0:1");
  clipboard_fixture_grab (&test, 1, CLIPBOARD_FIXTURE_TEXT, 0);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");

  /* Gone in the middle: no one is left waiting. */
  spice_fixture_agent_free (g_steal_pointer (&test.agent));
  clipboard_fixture_expect_error (&got, LODGE_ERROR_NOT_FOUND);
  g_assert_true (spice_fixture_wait (clipboard_fixture_is_unavailable, &test));
  g_assert_null (lodge_console_clipboard_get_offer (test.clipboard)[0]);
  lodge_console_clipboard_offer (test.clipboard, clipboard_fixture_text_only);

  test.agent = spice_fixture_agent_new (test.server);
  spice_fixture_agent_announce (test.agent, SPICE_FIXTURE_AGENT_LINUX);
  clipboard_fixture_expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, CLIPBOARD_FIXTURE_TEXT);
  guint id = clipboard_fixture_expect_wanted (&test, LODGE_CLIPBOARD_TEXT);
  lodge_console_session_close (test.session);
  g_assert_false (clipboard_fixture_is_available (&test));
  clipboard_fixture_answer (&test, id, "nobody", 6);
  clipboard_fixture_tear_down (&test);
}

/* The window closes while somebody waits. */
static void
test_closed_in_the_middle (void)
{
  ClipboardFixture test;
  ClipboardFixtureRead got;

  clipboard_fixture_set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  clipboard_fixture_grab (&test, 1, CLIPBOARD_FIXTURE_TEXT, 0);
  clipboard_fixture_start_read (&test, LODGE_CLIPBOARD_TEXT, NULL, &got);
  clipboard_fixture_expect_log (&test, "request0:1");
  lodge_console_session_close (test.session);
  clipboard_fixture_expect_error (&got, LODGE_ERROR_NOT_FOUND);
  clipboard_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  CLIPBOARD_FIXTURE_ADD ("to-host", test_to_host);
  CLIPBOARD_FIXTURE_ADD ("to-guest", test_to_guest);
  CLIPBOARD_FIXTURE_ADD ("guest-takes-over", test_guest_takes_over);
  CLIPBOARD_FIXTURE_ADD ("line-ends", test_line_ends);
  CLIPBOARD_FIXTURE_ADD ("release-and-regrab", test_release_and_regrab);
  CLIPBOARD_FIXTURE_ADD ("ways", test_ways);
  CLIPBOARD_FIXTURE_ADD ("primary", test_primary);
  CLIPBOARD_FIXTURE_ADD ("agent-comes-and-goes", test_agent_comes_and_goes);
  CLIPBOARD_FIXTURE_ADD ("closed-in-the-middle", test_closed_in_the_middle);
  return g_test_run ();
}

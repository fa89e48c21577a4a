/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in a guest with several monitors a place on one of them is, and who is told of it: its
 * tablet or its agent. */
#include "console/lodge-console-session.h"

#include "spice-fixture-agent.h"
#include "spice-fixture.h"
#include "test-folder.h"

#include <string.h>

typedef struct {
  const char *name;
  gboolean foreign;     /* a server, not one of Lodge's machines */
  gboolean channels;    /* one for each monitor (virtio), or one for both (QXL) */
  gboolean agent_mouse; /* the server's option of that name */
  gboolean agent;
  const char *tablet; /* what they get; NULL: the pointer is not absolute, and nobody gets it */
  const char *told;
} Case;

#define OVER_BOTH "@330,20 @11,21 =1 @331,22 =0"
#define ON_EACH   "@10,20:1 @11,21:0 =2 @11,22:1 =0"

static const Case cases[] = {
    /* Lodge's own machines: agent-mouse is on where there are several channels. */
    {"qxl", FALSE, FALSE, FALSE, FALSE, OVER_BOTH, ""},
    {"qxl-agent", FALSE, FALSE, FALSE, TRUE, OVER_BOTH, ""},
    {"virtio", FALSE, TRUE, TRUE, FALSE, NULL, NULL},
    {"virtio-agent", FALSE, TRUE, TRUE, TRUE, "", ON_EACH},
    /* Foreign servers. One with agent-mouse=off, an agent and several monitors on one channel is
     * missing: nothing tells it from the one with agent-mouse=on. */
    {"foreign-one", TRUE, FALSE, FALSE, FALSE, OVER_BOTH, ""},
    {"foreign-one-mouse", TRUE, FALSE, TRUE, FALSE, OVER_BOTH, ""},
    {"foreign-one-mouse-agent", TRUE, FALSE, TRUE, TRUE, "", ON_EACH},
    {"foreign-several", TRUE, TRUE, FALSE, FALSE, NULL, NULL},
    {"foreign-several-agent", TRUE, TRUE, FALSE, TRUE, NULL, NULL},
    {"foreign-several-mouse", TRUE, TRUE, TRUE, FALSE, NULL, NULL},
    {"foreign-several-mouse-agent", TRUE, TRUE, TRUE, TRUE, "", ON_EACH},
};

typedef struct {
  const Case *wanted;
  SpiceFixture *server;
  SpiceFixtureAgent *agent;
  LodgeConsoleSession *session;
} Test;

static gboolean
has_picture (Test *test, guint monitor)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_monitor (test->session, monitor), &frame);
  return frame.width == 320 && frame.height == 240;
}

static gboolean
is_ready (gpointer data)
{
  Test *test = data;
  gboolean settled, absolute, agent;

  g_object_get (test->session, "settled", &settled, "pointer-absolute", &absolute, "can-resize",
                &agent, NULL);
  return settled && absolute == (test->wanted->tablet != NULL) && agent == test->wanted->agent &&
         has_picture (test, 0) && has_picture (test, 1);
}

static gboolean
has_told (gpointer data)
{
  Test *test = data;

  return g_str_equal (spice_fixture_agent_get_pointer (test->agent), test->wanted->told);
}

static gboolean
has_moved (gpointer data)
{
  int dx, dy;

  spice_fixture_get_motion (((Test *) data)->server, &dx, &dy);
  return dx == 3 && dy == 4;
}

static void
point (Test *test)
{
  lodge_console_session_position_on (test->session, 1, 10, 20);
  lodge_console_session_position_on (test->session, 0, 11, 21);
  lodge_console_session_button (test->session, LODGE_BUTTON_LEFT, TRUE);
  lodge_console_session_position_on (test->session, 1, 11, 22);
  lodge_console_session_button (test->session, LODGE_BUTTON_LEFT, FALSE);
}

static void
set_up (Test *test, const char *path)
{
  const int both[] = {0, 0, 320, 240, 320, 0, 320, 240};
  const int one[] = {0, 0, 320, 240};
  const Case *wanted = test->wanted;
  g_autofree char *uri = g_strconcat ("spice+unix://", path, NULL);
  g_autoptr (LodgeConsoleAddress) address = lodge_console_address_parse (uri, NULL);

  g_assert_nonnull (address);
  test->server = spice_fixture_new_at (path, 640, 240);
  spice_fixture_set_agent_mouse (test->server, wanted->agent_mouse);
  if (wanted->channels)
    spice_fixture_add_channel (test->server, 320, 240);
  spice_fixture_set_monitors (test->server, wanted->channels ? 1 : 2,
                              wanted->channels ? one : both);
  if (wanted->agent)
    test->agent = spice_fixture_agent_new (test->server);
  test->session = wanted->foreign ? lodge_console_session_new_for_address (address, NULL)
                                  : lodge_console_session_new (path);
  lodge_console_session_open (test->session);
  g_assert_true (spice_fixture_wait (is_ready, test));
  spice_fixture_settle ();
  spice_fixture_clear (test->server);
}

static void
tear_down (Test *test)
{
  lodge_console_session_close (test->session);
  g_assert_finalize_object (test->session);
  spice_fixture_settle ();
  if (test->agent != NULL)
    spice_fixture_agent_free (test->agent);
  spice_fixture_free (test->server);
}

static const Case *running;

static void
test_case (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lp-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "spice.sock", NULL);
  Test test = {.wanted = running};

  set_up (&test, path);
  point (&test);
  if (running->told == NULL) {
    /* Its places go nowhere, and its motion to the mouse. */
    lodge_console_session_motion (test.session, 3, 4);
    g_assert_true (spice_fixture_wait (has_moved, &test));
    spice_fixture_settle ();
    g_assert_null (strchr (spice_fixture_get_pointer (test.server), '@'));
  } else if (*running->tablet != '\0') {
    spice_fixture_expect_pointer (test.server, running->tablet);
  } else {
    spice_fixture_wait (has_told, &test);
  }
  if (test.agent != NULL)
    g_assert_cmpstr (spice_fixture_agent_get_pointer (test.agent), ==,
                     running->told != NULL ? running->told : "");
  tear_down (&test);
  test_folder_remove (folder);
}

static void
run_case (gconstpointer data)
{
  running = data;
  spice_fixture_run (test_case);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strconcat ("/console-pointer-monitors/", cases[i].name, NULL);
    g_test_add_data_func (path, &cases[i], run_case);
  }
  return g_test_run ();
}

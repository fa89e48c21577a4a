/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See input-fixture.h. */
#include "input-fixture.h"

static gboolean
get (InputFixture *test, const char *property)
{
  gboolean value;

  g_object_get (test->session, property, &value, NULL);
  return value;
}

gboolean
input_fixture_is_ready (gpointer data)
{
  InputFixture *test = data;
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_source (test->session), &frame);
  return get (test, "connected") && get (test, "pointer-absolute") == test->tablet &&
         frame.data != NULL;
}

void
input_fixture_setup (InputFixture *test, gboolean tablet)
{
  *test = (InputFixture){.server = spice_fixture_new (640, 480, tablet), .tablet = tablet};
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  lodge_console_session_open (test->session);
  g_assert_true (spice_fixture_wait (input_fixture_is_ready, test));
  spice_fixture_settle ();
  spice_fixture_clear (test->server);
}

void
input_fixture_teardown (InputFixture *test)
{
  g_assert_finalize_object (test->session);
  spice_fixture_settle ();
  spice_fixture_free (test->server);
}

void
input_fixture_tap (InputFixture *test, guint evdev)
{
  lodge_console_session_key (test->session, evdev, TRUE);
  lodge_console_session_key (test->session, evdev, FALSE);
}

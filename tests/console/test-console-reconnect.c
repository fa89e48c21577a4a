/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A day of windows that are opened and closed, and of machines that end: nothing is left of any.
 * What it takes of memory is LeakSanitizer's to say.
 *
 * The server is a recorded one: libspice-server 0.15 crashes in one of some hundred ends.
 */
#include "console/lodge-console-session.h"

#include "spice-fixture.h"
#include "spice-recording.h"

#define TIMES 100
/* The first ones open what stays. */
#define TIMES_WARM 5

static gboolean
has_frame (gpointer session)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_source (session), &frame);
  return frame.data != NULL;
}

static gboolean
is_connected (gpointer session)
{
  gboolean connected;

  g_object_get (session, "connected", &connected, NULL);
  return connected;
}

static gboolean
is_not_connected (gpointer session)
{
  return !is_connected (session);
}

static SpiceRecording *
record (void)
{
  SpiceFixture *server = spice_fixture_new (640, 480, TRUE);
  SpiceRecording *recording = spice_recording_new (spice_fixture_open, server);
  LodgeConsoleSession *session =
      lodge_console_session_new_for_open (spice_recording_open, recording);

  lodge_console_session_open (session);
  g_assert_true (spice_fixture_wait (has_frame, session));
  spice_fixture_fill (server, 0, 0, 640, 480, 0x336699);
  spice_fixture_settle ();
  g_object_unref (session);
  spice_fixture_settle ();
  spice_fixture_free (server);
  g_assert_cmpuint (spice_recording_finish (recording), >, 10);
  return recording;
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

/* The server ends each connection itself, some time after it has said all: every other one is
 * closed before that. */
static void
test_hundred_times (void)
{
  SpiceRecording *recording = record ();
  guint descriptors = 0;

  for (guint i = 0; i < TIMES; i++) {
    SpicePlayer *player = spice_player_new (recording, 0);
    LodgeConsoleSession *session = lodge_console_session_new_for_open (spice_player_open, player);

    lodge_console_session_open (session);
    g_assert_true (spice_fixture_wait (has_frame, session));
    if (i % 2 == 0)
      lodge_console_session_close (session);
    g_assert_true (spice_fixture_wait (is_not_connected, session));
    g_assert_false (has_frame (session));
    /* The library ends its channels when nothing else is to be done. */
    spice_fixture_run_for (80);
    g_assert_finalize_object (session);
    spice_player_free (player);
    if (i == TIMES_WARM)
      descriptors = count_descriptors ();
  }
  g_assert_cmpuint (count_descriptors (), <=, descriptors);
  spice_recording_free (recording);
}

static void
run_hundred_times (void)
{
  spice_fixture_run (test_hundred_times);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/console-reconnect/hundred-times", run_hundred_times);
  return g_test_run ();
}

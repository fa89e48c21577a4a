/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens to a machine's sound when the sound server or a device goes. */
#include "sound-fixture.h"

#include <string.h>

static void
test_server_restarts (void)
{
  SoundFixture test;

  sound_fixture_set_up (&test);
  sound_fixture_start_playback (&test);
  sound_fixture_expect_heard (&test);
  for (guint i = 0; i < 3; i++) {
    test.problems = 0;
    pulse_server_kill (test.server);
    sound_fixture_expect_problem (&test, TRUE);
    g_assert_false (sound_fixture_is_playing (&test));
    pulse_server_start (test.server);
    pulse_server_load (test.server, "module-null-sink", SOUND_FIXTURE_SINK);
    sound_fixture_expect_heard (&test);
    sound_fixture_expect_problem (&test, FALSE);
    sound_fixture_expect_streams (&test, 1);
  }
  sound_fixture_stop_playback (&test);
  sound_fixture_expect_streams (&test, 0);

  /* While the guest is silent, nobody is told of a server that goes and comes. */
  test.problems = 0;
  pulse_server_kill (test.server);
  pulse_server_start (test.server);
  pulse_server_load (test.server, "module-null-sink", SOUND_FIXTURE_SINK);
  sound_fixture_start_playback (&test);
  sound_fixture_expect_heard (&test);
  sound_fixture_tear_down (&test);
}

static void
test_no_server (void)
{
  SoundFixture test;

  sound_fixture_set_up (&test);
  pulse_server_kill (test.server);
  sound_fixture_start_playback (&test);
  sound_fixture_expect_problem (&test, TRUE);
  g_autofree char *problem = sound_fixture_dup_problem (&test);
  g_test_message ("%s", problem);
  g_assert_null (strchr (problem, '\n'));
  g_assert_cmpuint (test.problems, ==, 1);
  sound_fixture_stop_playback (&test);
  sound_fixture_expect_problem (&test, FALSE);
  g_assert_cmpuint (test.sound->retry_id, ==, 0);

  lodge_sound_start (test.sound, LODGE_SOUND_RECORD, 1, 2, SOUND_FIXTURE_RATE_HZ);
  sound_fixture_expect_problem (&test, FALSE);
  g_object_set (test.sound, "microphone-allowed", TRUE, NULL);
  sound_fixture_expect_problem (&test, TRUE);
  g_object_set (test.sound, "microphone-allowed", FALSE, NULL);
  sound_fixture_expect_problem (&test, FALSE);
  g_assert_cmpuint (test.sound->retry_id, ==, 0);
  sound_fixture_tear_down (&test);
}

static void
test_device_goes (void)
{
  SoundFixture test;

  sound_fixture_set_up (&test);
  sound_fixture_start_playback (&test);
  sound_fixture_expect_heard (&test);
  pulse_server_unload (test.server, test.sink);
  if (!pulse_server_is_pipewire ()) {
    sound_fixture_expect_problem (&test, TRUE);
    sound_fixture_expect_streams (&test, 0);
    g_assert_false (sound_fixture_is_playing (&test));
  }

  /* One that comes is used at once, without a new connection. */
  pa_context *context = test.sound->context;
  test.sink = pulse_server_load (test.server, "module-null-sink", SOUND_FIXTURE_SINK);
  sound_fixture_expect_heard (&test);
  sound_fixture_expect_problem (&test, FALSE);
  g_assert_true (test.sound->context == context);

  /* Where there is another the server moves the stream there. */
  if (!pulse_server_is_pipewire ())
    pulse_server_load (test.server, "module-rescue-streams", "");
  pulse_server_load (test.server, "module-null-sink", "sink_name=other");
  guint index = sound_fixture_get_stream_index (&test);
  test.problems = 0;
  pulse_server_unload (test.server, test.sink);
  sound_fixture_expect_streams (&test, 1);
  g_assert_cmpuint (sound_fixture_get_stream_index (&test), ==, index);
  g_assert_cmpuint (test.problems, ==, 0);
  g_assert_true (sound_fixture_is_playing (&test));
  sound_fixture_tear_down (&test);
}

/* The device is gone in the middle of the end, when nothing is left to do about it. */
static void
test_device_goes_at_end (void)
{
  g_autoptr (GByteArray) noise = sound_fixture_make_noise (SOUND_FIXTURE_RATE_HZ);
  SoundFixture test;

  sound_fixture_set_up_latency (&test, 1000);
  sound_fixture_start_playback (&test);
  lodge_sound_play (test.sound, noise->data, noise->len);
  sound_fixture_expect_playing (&test, TRUE);
  sound_fixture_stop_playback (&test);
  g_assert_true (sound_fixture_is_playing (&test));
  pulse_server_unload (test.server, test.sink);
  sound_fixture_expect_playing (&test, FALSE);
  g_assert_cmpuint (test.problems, ==, 0);
  g_assert_cmpuint (test.sound->retry_id, ==, 0);
  sound_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  if (pulse_server_skip ())
    return 0;
  g_setenv ("LC_ALL", "C.UTF-8", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sound/server-restarts", test_server_restarts);
  g_test_add_func ("/sound/no-server", test_no_server);
  g_test_add_func ("/sound/device-goes", test_device_goes);
  g_test_add_func ("/sound/device-goes-at-end", test_device_goes_at_end);
  return g_test_run ();
}

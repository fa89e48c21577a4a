/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The volume that the guest, the desktop's mixer and the window have of a machine's sound. */
#include "sound-fixture.h"

typedef struct {
  SoundFixture *test;
  guint left, right; /* percent */
  gboolean mute;
} Knob;

static gboolean
has_knob (gpointer data)
{
  Knob *knob = data;
  g_autoptr (GPtrArray) streams = pulse_server_list_playback (knob->test->server);

  if (streams->len != 1)
    return FALSE;
  PulseStream *stream = g_ptr_array_index (streams, 0);
  return (stream->volume.values[0] * 100 + PA_VOLUME_NORM / 2) / PA_VOLUME_NORM == knob->left &&
         (stream->volume.values[1] * 100 + PA_VOLUME_NORM / 2) / PA_VOLUME_NORM == knob->right &&
         !!stream->mute == knob->mute;
}

static void
expect_knob (SoundFixture *test, guint left, guint right, gboolean mute)
{
  Knob knob = {test, left, right, mute};

  g_assert_true (pulse_server_wait (has_knob, &knob));
}

static void
say_volume (SoundFixture *test, guint left, guint right)
{
  guint16 volume[] = {left * G_MAXUINT16 / 100, right * G_MAXUINT16 / 100};

  lodge_sound_set_guest_volume (test->sound, LODGE_SOUND_PLAYBACK, volume, 2);
}

static gboolean
muted_is_wanted (gpointer data)
{
  SoundFixture *test = data;
  gboolean muted;

  g_object_get (test->sound, "muted", &muted, NULL);
  return muted == test->wanted;
}

static gboolean
mixer_is_known (gpointer data)
{
  Knob *knob = data;

  return knob->test->sound->streams[LODGE_SOUND_PLAYBACK].volume[0] ==
         PA_VOLUME_NORM * knob->left / 100;
}

static void
test_volume (void)
{
  SoundFixture test;

  sound_fixture_set_up (&test);
  say_volume (&test, 50, 25);
  sound_fixture_play_something (&test);
  expect_knob (&test, 50, 25, FALSE);

  /* The guest turns it; every other thing it may say about volumes. */
  say_volume (&test, 100, 100);
  expect_knob (&test, 100, 100, FALSE);
  guint16 one = G_MAXUINT16 / 2;
  lodge_sound_set_guest_volume (test.sound, LODGE_SOUND_PLAYBACK, &one, 1);
  expect_knob (&test, 50, 50, FALSE);
  lodge_sound_set_guest_volume (test.sound, LODGE_SOUND_PLAYBACK, NULL, 2);
  lodge_sound_set_guest_volume (test.sound, LODGE_SOUND_PLAYBACK, &one, 0);
  guint16 many[] = {0, G_MAXUINT16, 7, 7, 7, 7};
  lodge_sound_set_guest_volume (test.sound, LODGE_SOUND_PLAYBACK, many, G_N_ELEMENTS (many));
  expect_knob (&test, 0, 100, FALSE);

  /* The mixer turns it. The guest says the same again: that is no turn. */
  say_volume (&test, 80, 80);
  expect_knob (&test, 80, 80, FALSE);
  pulse_server_set_volume (test.server, sound_fixture_get_stream_index (&test), 30);
  Knob mixer = {&test, 30, 30, FALSE};
  g_assert_true (pulse_server_wait (mixer_is_known, &mixer));
  say_volume (&test, 80, 80);
  expect_knob (&test, 30, 30, FALSE);

  /* Nor is it in the next stream. */
  sound_fixture_stop_playback (&test);
  sound_fixture_expect_streams (&test, 0);
  sound_fixture_play_something (&test);
  say_volume (&test, 80, 80);
  expect_knob (&test, 30, 30, FALSE);
  say_volume (&test, 81, 81);
  expect_knob (&test, 81, 81, FALSE);
  sound_fixture_tear_down (&test);
}

static gboolean
volume_is_seen (gpointer data)
{
  return ((LodgeSoundStream *) data)->volume_seen;
}

/* As PipeWire says of a stream whose volume it does not know yet; and what the mixer turns to it.
 */
static void
test_nothing (void)
{
  const pa_cvolume nothing = {.channels = 2};
  SoundFixture test;

  sound_fixture_set_up (&test);
  sound_fixture_play_something (&test);
  expect_knob (&test, 100, 100, FALSE);
  g_object_set (test.sound, "muted", TRUE, NULL);
  sound_fixture_stop_playback (&test);
  sound_fixture_expect_streams (&test, 0);
  sound_fixture_play_something (&test);
  LodgeSoundStream *stream = &test.sound->streams[LODGE_SOUND_PLAYBACK];
  lodge_sound_operation_cancel (&stream->question);
  stream->volume_seen = FALSE;
  lodge_sound_volume_take (stream, pa_stream_get_index (stream->stream), &nothing, FALSE);
  Knob before = {&test, 100, 100, TRUE};
  g_assert_true (mixer_is_known (&before));
  test.wanted = TRUE;
  g_assert_true (muted_is_wanted (&test));
  say_volume (&test, 70, 70);
  expect_knob (&test, 70, 70, TRUE);
  g_assert_true (pulse_server_wait (volume_is_seen, stream));

  pulse_server_set_volume (test.server, sound_fixture_get_stream_index (&test), 0);
  Knob down = {&test, 0, 0, TRUE};
  g_assert_true (pulse_server_wait (mixer_is_known, &down));
  lodge_sound_operation_cancel (&stream->question);
  stream->volume_seen = FALSE;
  lodge_sound_volume_take (stream, pa_stream_get_index (stream->stream), &nothing, FALSE);
  g_assert_true (muted_is_wanted (&test));
  sound_fixture_stop_playback (&test);
  sound_fixture_expect_streams (&test, 0);
  sound_fixture_play_something (&test);
  expect_knob (&test, 0, 0, TRUE);
  sound_fixture_tear_down (&test);
}

/* The guest has muted itself before the server said anything of its stream. */
static void
test_early_mute (void)
{
  const pa_cvolume full = {.channels = 2, .values = {PA_VOLUME_NORM, PA_VOLUME_NORM}};
  SoundFixture test;

  sound_fixture_set_up (&test);
  sound_fixture_play_something (&test);
  LodgeSoundStream *stream = &test.sound->streams[LODGE_SOUND_PLAYBACK];
  lodge_sound_operation_cancel (&stream->question);
  stream->mute_known = FALSE;
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, TRUE);
  lodge_sound_volume_take (stream, pa_stream_get_index (stream->stream), &full, FALSE);
  expect_knob (&test, 100, 100, TRUE);
  test.wanted = TRUE;
  g_assert_true (muted_is_wanted (&test));
  sound_fixture_tear_down (&test);
}

static void
test_mute (void)
{
  SoundFixture test;

  sound_fixture_set_up (&test);
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, FALSE);
  sound_fixture_play_something (&test);
  expect_knob (&test, 100, 100, FALSE);
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, TRUE);
  expect_knob (&test, 100, 100, TRUE);
  test.wanted = TRUE;
  g_assert_true (muted_is_wanted (&test));

  /* The window. */
  g_object_set (test.sound, "muted", FALSE, NULL);
  expect_knob (&test, 100, 100, FALSE);
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, TRUE); /* the same again */
  g_object_set (test.sound, "muted", TRUE, NULL);
  expect_knob (&test, 100, 100, TRUE);

  /* The mixer. */
  pulse_server_set_mute (test.server, sound_fixture_get_stream_index (&test), FALSE);
  test.wanted = FALSE;
  g_assert_true (pulse_server_wait (muted_is_wanted, &test));
  pulse_server_set_mute (test.server, sound_fixture_get_stream_index (&test), TRUE);
  test.wanted = TRUE;
  g_assert_true (pulse_server_wait (muted_is_wanted, &test));

  /* The next stream begins as this one was left: not a sample is heard of it. */
  sound_fixture_stop_playback (&test);
  sound_fixture_expect_streams (&test, 0);
  sound_fixture_play_something (&test);
  expect_knob (&test, 100, 100, TRUE);
  sound_fixture_tear_down (&test);
}

/* ---- the user's mute */

static gboolean
user_mute_is_wanted (gpointer data)
{
  SoundFixture *test = data;

  return test->sound->streams[LODGE_SOUND_PLAYBACK].user_mutes == test->wanted;
}

/* What the user mutes, in the window or in the mixer, no guest makes heard. */
static void
test_guest_cannot_unmute (void)
{
  SoundFixture test;

  sound_fixture_set_up (&test);
  sound_fixture_play_something (&test);
  g_object_set (test.sound, "muted", TRUE, NULL);
  expect_knob (&test, 100, 100, TRUE);
  for (guint i = 0; i < 3; i++) {
    lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, TRUE);
    lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, FALSE);
  }
  test.wanted = TRUE;
  g_assert_true (muted_is_wanted (&test));
  say_volume (&test, 50, 50); /* the server has surely heard of all that */
  expect_knob (&test, 50, 50, TRUE);

  g_object_set (test.sound, "muted", FALSE, NULL);
  expect_knob (&test, 50, 50, FALSE);
  pulse_server_set_mute (test.server, sound_fixture_get_stream_index (&test), TRUE);
  g_assert_true (pulse_server_wait (user_mute_is_wanted, &test));
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, TRUE);
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, FALSE);
  say_volume (&test, 60, 60);
  expect_knob (&test, 60, 60, TRUE);

  /* Nor in the next stream. */
  sound_fixture_stop_playback (&test);
  sound_fixture_expect_streams (&test, 0);
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, TRUE);
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, FALSE);
  sound_fixture_play_something (&test);
  expect_knob (&test, 60, 60, TRUE);

  /* The guest's own mute is its own to take back, and is not taken for the user's. */
  pulse_server_set_mute (test.server, sound_fixture_get_stream_index (&test), FALSE);
  test.wanted = FALSE;
  g_assert_true (pulse_server_wait (muted_is_wanted, &test));
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, TRUE);
  expect_knob (&test, 60, 60, TRUE);
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, FALSE);
  expect_knob (&test, 60, 60, FALSE);
  sound_fixture_tear_down (&test);
}

/* A mute that the desktop remembers is the user's, whatever the guest says first. */
static void
test_remembered_mute (void)
{
  SoundFixture test;

  sound_fixture_set_up (&test);
  if (!pulse_server_is_pipewire ())
    pulse_server_load (test.server, "module-stream-restore", "");
  sound_fixture_play_something (&test);
  expect_knob (&test, 100, 100, FALSE);
  pulse_server_set_mute (test.server, sound_fixture_get_stream_index (&test), TRUE);
  test.wanted = TRUE;
  g_assert_true (pulse_server_wait (muted_is_wanted, &test));
  g_assert_finalize_object (test.sound);
  sound_fixture_expect_streams (&test, 0);

  test.sound = lodge_sound_new ();
  lodge_sound_set_machine (test.sound, "3a1c2a42", "web & <mail>");
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, FALSE);
  sound_fixture_play_something (&test);
  g_assert_true (pulse_server_wait (muted_is_wanted, &test));
  say_volume (&test, 70, 70);
  expect_knob (&test, 70, 70, TRUE);
  g_assert_finalize_object (test.sound);
  sound_fixture_expect_streams (&test, 0);

  /* Of that machine alone. */
  test.sound = lodge_sound_new ();
  lodge_sound_set_machine (test.sound, "77aa01b2", "mail");
  sound_fixture_play_something (&test);
  expect_knob (&test, 100, 100, FALSE);
  sound_fixture_tear_down (&test);
}

/* ---- what the guest plays, for whoever else listens */

typedef struct {
  guint bytes;
  guint channels;
  guint rate_hz;
} Played;

static void
played_cb (
    LodgeSound *sound, gpointer data, guint bytes, guint channels, guint rate_hz, Played *played)
{
  played->bytes += bytes;
  played->channels = channels;
  played->rate_hz = rate_hz;
}

/* Whether a server plays it or not; whole frames, and nothing of what is not to be played. */
static void
test_played (void)
{
  g_autoptr (LodgeSound) sound = lodge_sound_new ();
  static const guint8 data[4096];
  Played played = {0};

  g_signal_connect (sound, "played", G_CALLBACK (played_cb), &played);
  lodge_sound_play (sound, data, sizeof data);
  g_assert_cmpuint (played.bytes, ==, 0);
  lodge_sound_start (sound, LODGE_SOUND_PLAYBACK, 1, 2, 44100);
  lodge_sound_play (sound, data, 4003);
  lodge_sound_play (sound, data, 3);
  lodge_sound_play (sound, NULL, 400);
  lodge_sound_play (sound, data, -4);
  g_assert_cmpuint (played.bytes, ==, 4000);
  g_assert_cmpuint (played.channels, ==, 2);
  g_assert_cmpuint (played.rate_hz, ==, 44100);
  lodge_sound_stop (sound, LODGE_SOUND_PLAYBACK);
  lodge_sound_play (sound, data, sizeof data);
  lodge_sound_start (sound, LODGE_SOUND_PLAYBACK, 7, 2, 44100);
  lodge_sound_play (sound, data, sizeof data);
  g_assert_cmpuint (played.bytes, ==, 4000);
  lodge_sound_stop (sound, LODGE_SOUND_PLAYBACK);
}

/* The guest's own wish alone; on the scale that the sound server has too. */
static void
test_guest_gain (void)
{
  g_autoptr (LodgeSound) sound = lodge_sound_new ();
  const guint16 volume[] = {G_MAXUINT16, G_MAXUINT16 / 2 + 1};

  g_assert_cmpfloat (lodge_sound_get_guest_gain (sound, 0), ==, 1);
  lodge_sound_set_guest_volume (sound, LODGE_SOUND_PLAYBACK, volume, 2);
  g_object_set (sound, "muted", TRUE, NULL);
  g_assert_cmpfloat (lodge_sound_get_guest_gain (sound, 0), ==, 1);
  g_assert_cmpfloat_with_epsilon (lodge_sound_get_guest_gain (sound, 1), 0.125, 0.001);
  lodge_sound_set_guest_mute (sound, LODGE_SOUND_PLAYBACK, TRUE);
  g_assert_cmpfloat (lodge_sound_get_guest_gain (sound, 0), ==, 0);
  lodge_sound_set_guest_mute (sound, LODGE_SOUND_PLAYBACK, FALSE);
  g_assert_cmpfloat (lodge_sound_get_guest_gain (sound, 0), ==, 1);
}

int
main (int argc, char **argv)
{
  if (pulse_server_skip ())
    return 0;
  g_setenv ("LC_ALL", "C.UTF-8", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sound/volume", test_volume);
  g_test_add_func ("/sound/nothing", test_nothing);
  g_test_add_func ("/sound/early-mute", test_early_mute);
  g_test_add_func ("/sound/mute", test_mute);
  g_test_add_func ("/sound/guest-cannot-unmute", test_guest_cannot_unmute);
  g_test_add_func ("/sound/remembered-mute", test_remembered_mute);
  g_test_add_func ("/sound/played", test_played);
  g_test_add_func ("/sound/guest-gain", test_guest_gain);
  return g_test_run ();
}

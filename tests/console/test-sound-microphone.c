/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine hears: nothing that it may not, and no other thing than a microphone. */
#include "sound-fixture.h"

#include <fcntl.h>
#include <unistd.h>

static void
recorded_cb (LodgeSound *sound, const guint8 *data, guint bytes, GByteArray *recorded)
{
  g_assert_cmpuint (bytes % SOUND_FIXTURE_FRAME, ==, 0);
  g_byte_array_append (recorded, data, bytes);
}

/* A microphone whose sound is what is written into @out_fd. */
static guint
add_microphone (SoundFixture *test, int *out_fd)
{
  g_autofree char *path = g_build_filename (pulse_server_get_folder (test->server), "mic", NULL);
  g_autofree char *arguments =
      g_strdup_printf ("source_name=mic file=%s format=s16le channels=2 rate=48000", path);
  const guint module = pulse_server_load (test->server, "module-pipe-source", arguments);

  *out_fd = open (path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  g_assert_cmpint (*out_fd, >=, 0);
  pulse_server_set_default_source (test->server, "mic");
  return module;
}

static guint
get_microphone (SoundFixture *test)
{
  guint microphone;

  g_object_get (test->sound, "microphone", &microphone, NULL);
  return microphone;
}

typedef struct {
  int fd;
  GByteArray *noise;
  gsize written;
  GByteArray *recorded;
} Speech;

static gboolean
speak (gpointer data)
{
  Speech *speech = data;
  gssize n = write (speech->fd, speech->noise->data + speech->written,
                    MIN (speech->noise->len - speech->written, 4096));

  if (n > 0)
    speech->written += n;
  return speech->recorded->len >= speech->noise->len;
}

static gboolean
is_recording (gpointer data)
{
  g_autoptr (GPtrArray) streams = pulse_server_list_record (((SoundFixture *) data)->server);

  return streams->len == 1 && !((PulseStream *) g_ptr_array_index (streams, 0))->corked;
}

static void
test_microphone (void)
{
  g_autoptr (GByteArray) recorded = g_byte_array_new ();
  g_autoptr (GByteArray) noise = sound_fixture_make_noise (SOUND_FIXTURE_RATE_HZ);
  SoundFixture test;
  int fd;

  sound_fixture_set_up (&test);
  add_microphone (&test, &fd);
  g_signal_connect (test.sound, "recorded", G_CALLBACK (recorded_cb), recorded);

  /* Not allowed: the guest may record as it likes. */
  lodge_sound_start (test.sound, LODGE_SOUND_RECORD, 1, 2, SOUND_FIXTURE_RATE_HZ);
  g_assert_cmpuint (get_microphone (&test), ==, LODGE_MICROPHONE_WITHHELD);
  sound_fixture_play_something (&test); /* the server has surely been talked to */
  sound_fixture_expect_recordings (&test, 0);

  /* Allowed, but it does not record. */
  lodge_sound_stop (test.sound, LODGE_SOUND_RECORD);
  g_object_set (test.sound, "microphone-allowed", TRUE, NULL);
  g_assert_cmpuint (get_microphone (&test), ==, LODGE_MICROPHONE_OFF);
  sound_fixture_stop_playback (&test);
  sound_fixture_expect_streams (&test, 0);
  sound_fixture_expect_recordings (&test, 0);

  lodge_sound_start (test.sound, LODGE_SOUND_RECORD, 1, 2, SOUND_FIXTURE_RATE_HZ);
  g_assert_cmpuint (get_microphone (&test), ==, LODGE_MICROPHONE_LIVE);
  g_assert_true (pulse_server_wait (is_recording, &test));
  sound_fixture_expect_recordings (&test, 1);
  g_autoptr (GPtrArray) streams = pulse_server_list_record (test.server);
  PulseStream *stream = g_ptr_array_index (streams, 0);
  g_assert_cmpstr (stream->name, ==, "web & <mail>");
  g_assert_cmpstr (pa_proplist_gets (stream->properties, PA_PROP_APPLICATION_ICON_NAME), ==,
                   "org.lodgevm.Lodge");
  Speech speech = {fd, noise, 0, recorded};
  g_assert_true (pulse_server_wait (speak, &speech));
  g_assert_cmpmem (recorded->data, recorded->len, noise->data, noise->len);

  /* Forbidden in the middle: from this moment on nothing comes. */
  g_object_set (test.sound, "microphone-allowed", FALSE, NULL);
  g_assert_cmpuint (get_microphone (&test), ==, LODGE_MICROPHONE_WITHHELD);
  g_byte_array_set_size (recorded, 0);
  g_assert_cmpint (write (fd, noise->data, 4096), ==, 4096);
  sound_fixture_expect_recordings (&test, 0);
  g_assert_cmpuint (recorded->len, ==, 0);
  g_object_set (test.sound, "microphone-allowed", TRUE, NULL);
  g_assert_true (pulse_server_wait (is_recording, &test));
  lodge_sound_stop (test.sound, LODGE_SOUND_RECORD);
  g_assert_cmpuint (get_microphone (&test), ==, LODGE_MICROPHONE_OFF);
  sound_fixture_expect_recordings (&test, 0);
  close (fd);
  sound_fixture_tear_down (&test);
}

/* What the desktop plays is not the microphone, although the server offers it where there is none.
 */
static void
test_no_microphone (void)
{
  g_autoptr (GByteArray) recorded = g_byte_array_new ();
  SoundFixture test;
  int fd;

  sound_fixture_set_up (&test);
  g_signal_connect (test.sound, "recorded", G_CALLBACK (recorded_cb), recorded);
  g_object_set (test.sound, "microphone-allowed", TRUE, NULL);
  lodge_sound_start (test.sound, LODGE_SOUND_RECORD, 1, 2, SOUND_FIXTURE_RATE_HZ);
  sound_fixture_expect_problem (&test, TRUE);
  sound_fixture_expect_recordings (&test, 0);
  g_autofree char *problem = sound_fixture_dup_problem (&test);
  g_test_message ("%s", problem);

  guint module = add_microphone (&test, &fd);
  g_assert_true (pulse_server_wait (is_recording, &test));
  sound_fixture_expect_problem (&test, FALSE);
  /* While the desktop plays: the server lets the stream hear that from now on. */
  sound_fixture_start_playback (&test);
  sound_fixture_expect_heard (&test);
  pulse_server_unload (test.server, module);
  sound_fixture_expect_problem (&test, TRUE);
  sound_fixture_expect_recordings (&test, 0);
  g_assert_cmpuint (recorded->len, ==, 0);
  close (fd);
  sound_fixture_tear_down (&test);
}

typedef struct {
  SoundFixture *test;
  gboolean mute;
} RecordMute;

static gboolean
has_record_mute (gpointer data)
{
  RecordMute *wanted = data;
  g_autoptr (GPtrArray) streams = pulse_server_list_record (wanted->test->server);

  return streams->len == 1 &&
         !!((PulseStream *) g_ptr_array_index (streams, 0))->mute == wanted->mute;
}

static gboolean
user_mutes_microphone (gpointer data)
{
  return ((SoundFixture *) data)->sound->streams[LODGE_SOUND_RECORD].user_mutes;
}

/* The guest's mute of the microphone never gets to the mixer, so that what is muted there is the
 * user's; but nothing is sent while it is on. */
static void
test_guest_cannot_unmute_microphone (void)
{
  g_autoptr (GByteArray) recorded = g_byte_array_new ();
  g_autoptr (GByteArray) noise = sound_fixture_make_noise (SOUND_FIXTURE_RATE_HZ);
  const guint16 half = G_MAXUINT16 / 2, all = G_MAXUINT16;
  SoundFixture test;
  int fd;

  sound_fixture_set_up (&test);
  add_microphone (&test, &fd);
  g_signal_connect (test.sound, "recorded", G_CALLBACK (recorded_cb), recorded);
  g_object_set (test.sound, "microphone-allowed", TRUE, NULL);
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_RECORD, TRUE);
  lodge_sound_start (test.sound, LODGE_SOUND_RECORD, 1, 2, SOUND_FIXTURE_RATE_HZ);
  g_assert_true (pulse_server_wait (is_recording, &test));
  RecordMute wanted = {&test, FALSE};
  g_assert_true (has_record_mute (&wanted));
  g_assert_cmpuint (recorded->len, ==, 0);
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_RECORD, FALSE);
  Speech speech = {fd, noise, 0, recorded};
  g_assert_true (pulse_server_wait (speak, &speech));

  g_autoptr (GPtrArray) streams = pulse_server_list_record (test.server);
  pulse_server_set_record_mute (test.server,
                                ((PulseStream *) g_ptr_array_index (streams, 0))->index, TRUE);
  g_assert_true (pulse_server_wait (user_mutes_microphone, &test));
  for (guint i = 0; i < 3; i++) {
    lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_RECORD, TRUE);
    lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_RECORD, FALSE);
    lodge_sound_set_guest_volume (test.sound, LODGE_SOUND_RECORD, i % 2 == 0 ? &half : &all, 1);
  }
  lodge_sound_stop (test.sound, LODGE_SOUND_RECORD);
  sound_fixture_expect_recordings (&test, 0);
  lodge_sound_start (test.sound, LODGE_SOUND_RECORD, 1, 2, SOUND_FIXTURE_RATE_HZ);
  g_assert_true (pulse_server_wait (is_recording, &test));
  wanted.mute = TRUE;
  g_assert_true (pulse_server_wait (has_record_mute, &wanted));
  g_assert_true (user_mutes_microphone (&test));
  close (fd);
  sound_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_setenv ("LC_ALL", "C.UTF-8", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sound/microphone", test_microphone);
  g_test_add_func ("/sound/no-microphone", test_no_microphone);
  g_test_add_func ("/sound/guest-cannot-unmute-microphone", test_guest_cannot_unmute_microphone);
  return g_test_run ();
}

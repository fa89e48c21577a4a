/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine plays on a real sound server: the samples, and the streams as the server lists
 * them. */
#include "sound-fixture.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  GByteArray *heard;
  gsize bytes;
} Heard;

/* Without the silence of every frame that has some: what is sent has none. */
static GByteArray *
without_silence (GByteArray *heard)
{
  GByteArray *sound = g_byte_array_new ();

  for (gsize i = 0; i + SOUND_FIXTURE_FRAME <= heard->len; i += SOUND_FIXTURE_FRAME) {
    if (memcmp (heard->data + i, "\0\0\0\0", SOUND_FIXTURE_FRAME) != 0)
      g_byte_array_append (sound, heard->data + i, SOUND_FIXTURE_FRAME);
  }
  return sound;
}

static gboolean
has_heard (gpointer data)
{
  Heard *heard = data;
  g_autoptr (GByteArray) sound = without_silence (heard->heard);

  return sound->len >= heard->bytes;
}

/* All is with the server before it begins, so that nobody's being late can make a gap: what is
 * heard is what was sent, every bit, and nothing in between. A null sink takes back up to its own
 * latency when a stream begins, which its monitor has told by then: so there is silence first. */
static void
test_exact (void)
{
  g_autoptr (GByteArray) noise = sound_fixture_make_noise (2 * SOUND_FIXTURE_RATE_HZ);
  g_autofree guint8 *silence = g_malloc0 (SOUND_FIXTURE_RATE_HZ);
  static const gsize sizes[] = {4, 1920, 1924, 400, 65536, 44};
  SoundFixture test;

  sound_fixture_set_up_latency (&test, 4000);
  GByteArray *heard = pulse_server_listen (test.server, "out.monitor", &sound_fixture_stereo);
  sound_fixture_start_playback (&test);
  lodge_sound_play (test.sound, silence, SOUND_FIXTURE_RATE_HZ);
  for (gsize at = 0, i = 0; at < noise->len; i++) {
    gsize bytes = MIN (sizes[i % G_N_ELEMENTS (sizes)], noise->len - at);

    lodge_sound_play (test.sound, noise->data + at, bytes);
    at += bytes;
    g_main_context_iteration (NULL, FALSE);
  }
  sound_fixture_stop_playback (&test);
  Heard all = {heard, noise->len};
  g_assert_true (pulse_server_wait (has_heard, &all));
  gsize first = sound_fixture_first_sound (heard);
  g_assert_cmpuint (heard->len, >=, first + noise->len);
  g_assert_cmpmem (heard->data + first, noise->len, noise->data, noise->len);
  sound_fixture_expect_streams (&test, 0);
  sound_fixture_expect_playing (&test, FALSE);
  sound_fixture_tear_down (&test);
}

typedef struct {
  SoundFixture *test;
  GByteArray *noise;
  gsize sent;
  int fd;
  GByteArray *heard; /* without silence */
  gint64 heard_at;
} Flow;

#define QUIET_S 2

/* Gives when something was taken, and reads as the device would, if with a clock of its own. */
static gboolean
flow (gpointer data)
{
  Flow *self = data;
  const gsize step = 480 * SOUND_FIXTURE_FRAME;
  LodgeSound *sound = self->test->sound;
  guint8 read_now[4096];
  const guint before = self->heard->len;

  if (self->sent < self->noise->len && sound->streams[LODGE_SOUND_PLAYBACK].queue->len < step) {
    lodge_sound_play (sound, self->noise->data + self->sent,
                      MIN (step, self->noise->len - self->sent));
    self->sent += MIN (step, self->noise->len - self->sent);
    if (self->sent == self->noise->len)
      sound_fixture_stop_playback (self->test);
  }
  const gssize n = read (self->fd, read_now, sizeof read_now);
  for (gssize i = 0; i + SOUND_FIXTURE_FRAME <= n; i += SOUND_FIXTURE_FRAME) {
    if (memcmp (read_now + i, "\0\0\0\0", SOUND_FIXTURE_FRAME) != 0)
      g_byte_array_append (self->heard, read_now + i, SOUND_FIXTURE_FRAME);
  }
  if (self->heard->len != before)
    self->heard_at = g_get_monotonic_time ();
  return self->heard->len >= self->noise->len ||
         (pulse_server_is_pipewire () && self->sent == self->noise->len && before > 0 &&
          g_get_monotonic_time () - self->heard_at > QUIET_S * G_TIME_SPAN_SECOND);
}

/* PipeWire leaves out what a busy computer brings too late for its turn, 256 or 512 frames at once
 * as measured. Returns how many bytes of @noise are left out in @heard, all else being in order. */
static gsize
count_left_out (GByteArray *heard, GByteArray *noise)
{
  gsize at = 0;

  for (gsize i = 0; i < heard->len; i += SOUND_FIXTURE_FRAME, at += SOUND_FIXTURE_FRAME) {
    while (at < noise->len && memcmp (heard->data + i, noise->data + at, SOUND_FIXTURE_FRAME) != 0)
      at += SOUND_FIXTURE_FRAME;
    g_assert_cmpuint (at, <, noise->len);
  }
  return noise->len - heard->len;
}

/* At the latency that users have. The device's clock is whenever this test reads, so there are gaps
 * when it is too quick; but what is heard is what was sent, all of it and in order. */
static void
test_order (void)
{
  g_autoptr (GByteArray) noise = sound_fixture_make_noise (2 * SOUND_FIXTURE_RATE_HZ);
  g_autoptr (GByteArray) heard = g_byte_array_new ();
  SoundFixture test;

  sound_fixture_set_up (&test);
  g_autofree char *path = g_build_filename (pulse_server_get_folder (test.server), "out", NULL);
  g_autofree char *arguments =
      g_strdup_printf ("sink_name=file file=%s format=s16le channels=2 rate=48000", path);
  pulse_server_load (test.server, "module-pipe-sink", arguments);
  pulse_server_unload (test.server, test.sink);
  Flow all = {.test = &test, .noise = noise, .heard = heard};
  all.fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  g_assert_cmpint (all.fd, >=, 0);
  sound_fixture_start_playback (&test);
  const gboolean ended = pulse_server_wait (flow, &all);
  if (!ended)
    g_test_message ("%" G_GSIZE_FORMAT " bytes were sent", all.sent);
  if (pulse_server_is_pipewire ())
    g_assert_cmpuint (count_left_out (heard, noise), <, noise->len / 10);
  else
    g_assert_cmpmem (heard->data, heard->len, noise->data, noise->len);
  g_assert_true (ended);
  sound_fixture_expect_streams (&test, 0);
  close (all.fd);
  sound_fixture_tear_down (&test);
}

/* ---- what the server is asked for: both calls go through here, as the program comes before its
 * libraries */

typedef struct {
  guint n;
  pa_buffer_attr attributes;
  pa_stream_flags_t flags;
} Asked;

static Asked asked[LODGE_SOUND_N_DIRECTIONS];

static void
note (LodgeSoundDirection direction, const pa_buffer_attr *attributes, pa_stream_flags_t flags)
{
  g_assert_nonnull (attributes);
  asked[direction] = (Asked){asked[direction].n + 1, *attributes, flags};
}

int
pa_stream_connect_playback (pa_stream *stream,
                            const char *device,
                            const pa_buffer_attr *attributes,
                            pa_stream_flags_t flags,
                            const pa_cvolume *volume,
                            pa_stream *sync)
{
  int (*real) (pa_stream *, const char *, const pa_buffer_attr *, pa_stream_flags_t,
               const pa_cvolume *, pa_stream *) = dlsym (RTLD_NEXT, __func__);

  note (LODGE_SOUND_PLAYBACK, attributes, flags);
  return real (stream, device, attributes, flags, volume, sync);
}

int
pa_stream_connect_record (pa_stream *stream,
                          const char *device,
                          const pa_buffer_attr *attributes,
                          pa_stream_flags_t flags)
{
  int (*real) (pa_stream *, const char *, const pa_buffer_attr *, pa_stream_flags_t) =
      dlsym (RTLD_NEXT, __func__);

  note (LODGE_SOUND_RECORD, attributes, flags);
  return real (stream, device, attributes, flags);
}

static gboolean
is_recording_asked (gpointer unused)
{
  return asked[LODGE_SOUND_RECORD].n > 0;
}

/* 40 ms as a whole, of which a quarter comes at a time; whatever a server makes of it. */
static void
test_latency (void)
{
  const guint32 bytes_of_ms = SOUND_FIXTURE_RATE_HZ / 1000 * SOUND_FIXTURE_FRAME;
  const Asked *played = &asked[LODGE_SOUND_PLAYBACK], *heard = &asked[LODGE_SOUND_RECORD];
  SoundFixture test;

  g_assert_cmpuint (LODGE_SOUND_LATENCY_MS, ==, 40);
  sound_fixture_set_up (&test);
  memset (asked, 0, sizeof asked);
  sound_fixture_play_something (&test);
  g_assert_cmpuint (played->n, ==, 1);
  g_assert_cmpuint (played->attributes.tlength, ==, 40 * bytes_of_ms);
  g_assert_cmpuint (played->attributes.minreq, ==, 10 * bytes_of_ms);
  /* Without it the device's own queue came on top. */
  g_assert_true ((played->flags & PA_STREAM_ADJUST_LATENCY) != 0);

  /* Nothing is asked for where there is no microphone. */
  pulse_server_load (test.server, "module-null-source", "source_name=mic");
  pulse_server_set_default_source (test.server, "mic");
  g_object_set (test.sound, "microphone-allowed", TRUE, NULL);
  lodge_sound_start (test.sound, LODGE_SOUND_RECORD, 1, 2, SOUND_FIXTURE_RATE_HZ);
  g_assert_true (pulse_server_wait (is_recording_asked, NULL));
  g_assert_cmpuint (heard->attributes.fragsize, ==, 10 * bytes_of_ms);
  g_assert_true ((heard->flags & PA_STREAM_ADJUST_LATENCY) != 0);
  sound_fixture_tear_down (&test);

  /* Another one where it is asked for. */
  sound_fixture_set_up_latency (&test, 200);
  sound_fixture_play_something (&test);
  g_assert_cmpuint (played->n, ==, 2);
  g_assert_cmpuint (played->attributes.tlength, ==, 200 * bytes_of_ms);
  sound_fixture_tear_down (&test);
}

/* A guest that is faster than the device: what is late is bounded. */
static void
test_too_fast (void)
{
  g_autoptr (GByteArray) noise = sound_fixture_make_noise (480);
  const guint8 silence[1920] = {0};
  SoundFixture test;

  sound_fixture_set_up (&test);
  sound_fixture_start_playback (&test);
  GByteArray *queue = test.sound->streams[LODGE_SOUND_PLAYBACK].queue;
  const gsize limit = LODGE_SOUND_LATENCY_MS * SOUND_FIXTURE_RATE_HZ / 1000 * SOUND_FIXTURE_FRAME;
  for (guint i = 0; i < 1000; i++) {
    lodge_sound_play (test.sound, noise->data, noise->len);
    g_assert_cmpuint (queue->len, <=, limit);
    if (i % 10 == 0)
      g_main_context_iteration (NULL, FALSE);
  }
  sound_fixture_expect_playing (&test, TRUE);
  lodge_sound_play (test.sound, noise->data, noise->len);
  while (queue->len <= limit / 2)
    lodge_sound_play (test.sound, noise->data, noise->len);

  /* Silence is left out then. */
  gsize before = queue->len;
  lodge_sound_play (test.sound, silence, sizeof silence);
  g_assert_cmpuint (queue->len, <=, before);
  sound_fixture_tear_down (&test);
}

static gboolean
is_renamed (gpointer test)
{
  g_autoptr (GPtrArray) streams = pulse_server_list_playback (((SoundFixture *) test)->server);

  return streams->len == 1 && g_str_equal (((PulseStream *) streams->pdata[0])->name, "other");
}

static void
test_properties (void)
{
  static const struct {
    const char *key, *value;
  } wanted[] = {
      {PA_PROP_APPLICATION_NAME, "Lodge"},
      {PA_PROP_APPLICATION_ID, "org.lodgevm.Lodge"},
      {PA_PROP_APPLICATION_ICON_NAME, "org.lodgevm.Lodge"},
      {PA_PROP_MEDIA_NAME, "web & <mail>"},
      {PA_PROP_MEDIA_ICON_NAME, "org.lodgevm.Lodge"},
      {PA_PROP_MEDIA_ROLE, "lodge-machine-3a1c2a42"},
      {"module-stream-restore.id", "sink-input-by-lodge-machine:3a1c2a42"},
  };
  SoundFixture test;

  sound_fixture_set_up (&test);
  sound_fixture_expect_streams (&test, 0);
  sound_fixture_play_something (&test);
  g_autoptr (GPtrArray) streams = pulse_server_list_playback (test.server);
  g_assert_cmpuint (streams->len, ==, 1);
  PulseStream *stream = g_ptr_array_index (streams, 0);
  g_assert_cmpstr (stream->name, ==, "web & <mail>");
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    /* PipeWire makes one itself. */
    if (!pulse_server_is_pipewire () || !g_str_has_prefix (wanted[i].key, "module-"))
      g_assert_cmpstr (pa_proplist_gets (stream->properties, wanted[i].key), ==, wanted[i].value);
  }
  g_assert_true (pa_sample_spec_equal (&stream->spec, &sound_fixture_stereo));

  lodge_sound_set_machine (test.sound, "3a1c2a42", "other");
  /* PipeWire has told its other programs a moment later. */
  g_assert_true (pulse_server_wait (is_renamed, &test));
  sound_fixture_tear_down (&test);
}

/* What guests do: start and stop, and start again before the rest was played. */
static void
test_silent (void)
{
  SoundFixture test;

  sound_fixture_set_up (&test);
  for (guint i = 0; i < 3; i++) {
    sound_fixture_play_something (&test);
    sound_fixture_expect_streams (&test, 1);
    sound_fixture_stop_playback (&test);
    sound_fixture_start_playback (&test); /* the same stream goes on */
    sound_fixture_expect_streams (&test, 1);
    sound_fixture_stop_playback (&test);
    sound_fixture_stop_playback (&test);
    sound_fixture_expect_streams (&test, 0);
    sound_fixture_expect_playing (&test, FALSE);
  }

  /* Stopped before there was a stream at all: none is left on the server, now or later. */
  for (guint i = 0; i < 20; i++) {
    lodge_sound_start (test.sound, LODGE_SOUND_PLAYBACK, 1, 1 + i % 2, SOUND_FIXTURE_RATE_HZ);
    for (guint j = 0; j < i; j++)
      g_main_context_iteration (NULL, FALSE);
    lodge_sound_start (test.sound, LODGE_SOUND_PLAYBACK, 1, 2 - i % 2, SOUND_FIXTURE_RATE_HZ);
    sound_fixture_stop_playback (&test);
  }
  sound_fixture_expect_streams (&test, 0);
  g_assert_cmpuint (test.problems, ==, 0);

  /* The guest's window goes in the middle. */
  sound_fixture_play_something (&test);
  g_assert_finalize_object (test.sound);
  sound_fixture_expect_streams (&test, 0);
  test.sound = lodge_sound_new ();
  sound_fixture_tear_down (&test);
}

static void
test_formats (void)
{
  static const struct {
    int format, channels, rate_hz;
    gboolean good;
  } formats[] = {
      {1, 1, 8000, TRUE},          {1, 2, 44100, TRUE},
      {1, 2, 192000, TRUE},        {0, 2, 48000, FALSE},
      {2, 2, 48000, FALSE},        {-1, 2, 48000, FALSE},
      {1, 0, 48000, FALSE},        {1, 3, 48000, FALSE},
      {1, -1, 48000, FALSE},       {1, 2, 0, FALSE},
      {1, 2, 7999, FALSE},         {1, 2, 192001, FALSE},
      {1, 2, G_MININT, FALSE},     {1, G_MAXINT, G_MAXINT, FALSE},
      {G_MAXINT, 2, 48000, FALSE},
  };
  const guint8 data[64] = {1, 2, 3};
  SoundFixture test;

  sound_fixture_set_up (&test);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    lodge_sound_start (test.sound, LODGE_SOUND_PLAYBACK, formats[i].format, formats[i].channels,
                       formats[i].rate_hz);
    lodge_sound_play (test.sound, data, sizeof data);
    g_autofree char *problem = sound_fixture_dup_problem (&test);
    if (formats[i].good) {
      g_assert_null (problem);
      sound_fixture_expect_playing (&test, TRUE);
      g_autoptr (GPtrArray) streams = pulse_server_list_playback (test.server);
      g_assert_cmpuint (streams->len, ==, 1);
      PulseStream *stream = g_ptr_array_index (streams, 0);
      g_assert_cmpuint (stream->spec.rate, ==, formats[i].rate_hz);
      g_assert_cmpuint (stream->spec.channels, ==, formats[i].channels);
    } else {
      g_assert_nonnull (problem);
      g_assert_false (sound_fixture_is_playing (&test));
      sound_fixture_expect_streams (&test, 0);
    }
    lodge_sound_start (test.sound, LODGE_SOUND_RECORD, formats[i].format, formats[i].channels,
                       formats[i].rate_hz);
    guint microphone;
    g_object_get (test.sound, "microphone", &microphone, NULL);
    g_assert_cmpuint (microphone, ==,
                      formats[i].good ? LODGE_MICROPHONE_WITHHELD : LODGE_MICROPHONE_OFF);
  }
  sound_fixture_stop_playback (&test);
  lodge_sound_stop (test.sound, LODGE_SOUND_RECORD);
  g_autofree char *problem = sound_fixture_dup_problem (&test);
  g_assert_null (problem);
  sound_fixture_tear_down (&test);
}

static void
test_sizes (void)
{
  g_autofree guint8 *large = g_malloc (16 * 1024 * 1024);
  SoundFixture test;

  sound_fixture_set_up (&test);
  GByteArray *queue = test.sound->streams[LODGE_SOUND_PLAYBACK].queue;
  memset (large, 7, 16 * 1024 * 1024);
  lodge_sound_play (test.sound, large, 1920); /* nothing was started */
  g_assert_cmpuint (queue->len, ==, 0);
  sound_fixture_start_playback (&test);
  lodge_sound_play (test.sound, large, 0);
  lodge_sound_play (test.sound, large, -4);
  lodge_sound_play (test.sound, large, G_MINSSIZE);
  lodge_sound_play (test.sound, NULL, 4);
  lodge_sound_play (test.sound, large, 3);
  g_assert_cmpuint (queue->len, ==, 0);
  lodge_sound_play (test.sound, large, 4 * 5 + 3);
  g_assert_cmpuint (queue->len, ==, 4 * 5);
  lodge_sound_play (test.sound, large, 16 * 1024 * 1024);
  g_assert_cmpuint (queue->len, ==,
                    LODGE_SOUND_LATENCY_MS * SOUND_FIXTURE_RATE_HZ / 1000 * SOUND_FIXTURE_FRAME);
  sound_fixture_expect_playing (&test, TRUE);
  lodge_sound_play (test.sound, large, 16 * 1024 * 1024 - 1);
  g_assert_cmpuint (queue->len % SOUND_FIXTURE_FRAME, ==, 0);
  g_assert_true (sound_fixture_is_playing (&test));
  sound_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  if (pulse_server_skip ())
    return 0;
  g_setenv ("LC_ALL", "C.UTF-8", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sound/exact", test_exact);
  g_test_add_func ("/sound/order", test_order);
  g_test_add_func ("/sound/latency", test_latency);
  g_test_add_func ("/sound/too-fast", test_too_fast);
  g_test_add_func ("/sound/properties", test_properties);
  g_test_add_func ("/sound/silent", test_silent);
  g_test_add_func ("/sound/formats", test_formats);
  g_test_add_func ("/sound/sizes", test_sizes);
  return g_test_run ();
}

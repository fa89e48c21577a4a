/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's sound on a real sound server, whose devices are files and nothing: the samples, the
 * streams as the server lists them, and what happens when server or device go. */
#include "console/lodge-sound-private.h"
#include "pulse-server.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RATE_HZ 48000
#define FRAME   4
#define SINK    "sink_name=out format=s16le channels=2 rate=48000"

static const pa_sample_spec stereo = {.format = PA_SAMPLE_S16LE, .channels = 2, .rate = RATE_HZ};

typedef struct {
  PulseServer *server;
  guint sink; /* module */
  LodgeSound *sound;
  guint problems; /* notifications of it */
  gboolean wanted;
} Test;

static void
problem_cb (LodgeSound *sound, GParamSpec *pspec, Test *test)
{
  test->problems++;
}

static void
setup_latency (Test *test, guint latency_ms)
{
  *test = (Test){.server = pulse_server_new ()};
  test->sink = pulse_server_load (test->server, "module-null-sink", SINK);
  test->sound = g_object_new (LODGE_TYPE_SOUND, "latency", latency_ms, NULL);
  lodge_sound_set_machine (test->sound, "3a1c2a42", "web & <mail>");
  g_signal_connect (test->sound, "notify::problem", G_CALLBACK (problem_cb), test);
}

static void
setup (Test *test)
{
  setup_latency (test, LODGE_SOUND_LATENCY_MS);
}

static void
teardown (Test *test)
{
  g_assert_finalize_object (test->sound);
  pulse_server_free (test->server);
}

/* Noise that is never silent in any sample, the same each time. */
static GByteArray *
make_noise (gsize frames)
{
  GByteArray *noise = g_byte_array_sized_new (frames * FRAME);
  guint32 state = 12345;

  for (gsize i = 0; i < frames * 2; i++) {
    state = state * 1664525u + 1013904223u;
    gint16 sample = (gint16) (state >> 16);
    sample = sample == 0 ? 1 : sample;
    sample = GINT16_TO_LE (sample);
    g_byte_array_append (noise, (guint8 *) &sample, sizeof sample);
  }
  return noise;
}

/* ---- conditions */

static gboolean
is_playing (Test *test)
{
  gboolean playing;

  g_object_get (test->sound, "playing", &playing, NULL);
  return playing;
}

static gboolean
playing_is_wanted (gpointer data)
{
  Test *test = data;

  return is_playing (test) == test->wanted;
}

static void
expect_playing (Test *test, gboolean playing)
{
  test->wanted = playing;
  g_assert_true (pulse_server_wait (playing_is_wanted, test));
}

static char *
dup_problem (Test *test)
{
  char *problem;

  g_object_get (test->sound, "problem", &problem, NULL);
  return problem;
}

static gboolean
problem_is_wanted (gpointer data)
{
  Test *test = data;
  g_autofree char *problem = dup_problem (test);

  return (problem != NULL) == test->wanted;
}

static void
expect_problem (Test *test, gboolean problem)
{
  test->wanted = problem;
  g_assert_true (pulse_server_wait (problem_is_wanted, test));
}

/* The server lists as many as are wanted. */
typedef struct {
  GPtrArray *(*list) (PulseServer *server);
  PulseServer *server;
  guint n;
} Count;

static gboolean
has_count (gpointer data)
{
  Count *count = data;
  g_autoptr (GPtrArray) streams = count->list (count->server);

  return streams->len == count->n;
}

static void
expect_streams (Test *test, guint n)
{
  Count count = {pulse_server_list_playback, test->server, n};

  g_assert_true (pulse_server_wait (has_count, &count));
}

static void
expect_recordings (Test *test, guint n)
{
  Count count = {pulse_server_list_record, test->server, n};

  g_assert_true (pulse_server_wait (has_count, &count));
}

static void
start (Test *test)
{
  lodge_sound_start (test->sound, LODGE_SOUND_PLAYBACK, 1, 2, RATE_HZ);
}

static void
stop (Test *test)
{
  lodge_sound_stop (test->sound, LODGE_SOUND_PLAYBACK);
}

/* A stream that plays, and is heard. */
static void
play_something (Test *test)
{
  g_autoptr (GByteArray) noise = make_noise (4800);

  start (test);
  lodge_sound_play (test->sound, noise->data, noise->len);
  expect_playing (test, TRUE);
}

/* ---- samples */

typedef struct {
  GByteArray *heard;
  gsize bytes;
} Heard;

/* Without the silence of every frame that has some: what is sent has none. */
static GByteArray *
without_silence (GByteArray *heard)
{
  GByteArray *sound = g_byte_array_new ();

  for (gsize i = 0; i + FRAME <= heard->len; i += FRAME) {
    if (memcmp (heard->data + i, "\0\0\0\0", FRAME) != 0)
      g_byte_array_append (sound, heard->data + i, FRAME);
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

static gsize
first_sound (GByteArray *heard)
{
  gsize i = 0;

  while (i < heard->len && heard->data[i] == 0)
    i++;
  return i - i % FRAME;
}

/* All is with the server before it begins, so that nobody's being late can make a gap: what is
 * heard is what was sent, every bit, and nothing in between. A null sink takes back up to its own
 * latency when a stream begins, which its monitor has told by then: so there is silence first. */
static void
test_exact (void)
{
  g_autoptr (GByteArray) noise = make_noise (2 * RATE_HZ);
  g_autofree guint8 *silence = g_malloc0 (RATE_HZ);
  static const gsize sizes[] = {4, 1920, 1924, 400, 65536, 44};
  Test test;

  setup_latency (&test, 4000);
  GByteArray *heard = pulse_server_listen (test.server, "out.monitor", &stereo);
  start (&test);
  lodge_sound_play (test.sound, silence, RATE_HZ);
  for (gsize at = 0, i = 0; at < noise->len; i++) {
    gsize bytes = MIN (sizes[i % G_N_ELEMENTS (sizes)], noise->len - at);

    lodge_sound_play (test.sound, noise->data + at, bytes);
    at += bytes;
    g_main_context_iteration (NULL, FALSE);
  }
  stop (&test);
  Heard all = {heard, noise->len};
  g_assert_true (pulse_server_wait (has_heard, &all));
  gsize first = first_sound (heard);
  g_assert_cmpuint (heard->len, >=, first + noise->len);
  g_assert_cmpmem (heard->data + first, noise->len, noise->data, noise->len);
  expect_streams (&test, 0);
  expect_playing (&test, FALSE);
  teardown (&test);
}

typedef struct {
  Test *test;
  GByteArray *noise;
  gsize sent;
  int fd;
  GByteArray *heard; /* without silence */
} Flow;

/* Gives when something was taken, and reads as the device would, if with a clock of its own. */
static gboolean
flow (gpointer data)
{
  Flow *self = data;
  const gsize step = 480 * FRAME;
  LodgeSound *sound = self->test->sound;
  guint8 read_now[4096];

  if (self->sent < self->noise->len && sound->streams[LODGE_SOUND_PLAYBACK].queue->len < step) {
    lodge_sound_play (sound, self->noise->data + self->sent,
                      MIN (step, self->noise->len - self->sent));
    self->sent += MIN (step, self->noise->len - self->sent);
    if (self->sent == self->noise->len)
      stop (self->test);
  }
  const gssize n = read (self->fd, read_now, sizeof read_now);
  for (gssize i = 0; i + FRAME <= n; i += FRAME) {
    if (memcmp (read_now + i, "\0\0\0\0", FRAME) != 0)
      g_byte_array_append (self->heard, read_now + i, FRAME);
  }
  return self->heard->len >= self->noise->len;
}

/* At the latency that users have. The device's clock is whenever this test reads, so there are gaps
 * when it is too quick; but what is heard is what was sent, all of it and in order. */
static void
test_order (void)
{
  g_autoptr (GByteArray) noise = make_noise (2 * RATE_HZ);
  g_autoptr (GByteArray) heard = g_byte_array_new ();
  Test test;

  setup (&test);
  g_autofree char *path = g_build_filename (pulse_server_get_folder (test.server), "out", NULL);
  g_autofree char *arguments =
      g_strdup_printf ("sink_name=file file=%s format=s16le channels=2 rate=48000", path);
  pulse_server_load (test.server, "module-pipe-sink", arguments);
  pulse_server_unload (test.server, test.sink);
  Flow all = {.test = &test, .noise = noise, .heard = heard};
  all.fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  g_assert_cmpint (all.fd, >=, 0);
  start (&test);
  g_assert_true (pulse_server_wait (flow, &all));
  g_assert_cmpmem (heard->data, heard->len, noise->data, noise->len);
  expect_streams (&test, 0);
  close (all.fd);
  teardown (&test);
}

/* A guest that is faster than the device: what is late is bounded. */
static void
test_too_fast (void)
{
  g_autoptr (GByteArray) noise = make_noise (480);
  const guint8 silence[1920] = {0};
  Test test;

  setup (&test);
  start (&test);
  GByteArray *queue = test.sound->streams[LODGE_SOUND_PLAYBACK].queue;
  const gsize limit = LODGE_SOUND_LATENCY_MS * RATE_HZ / 1000 * FRAME;
  for (guint i = 0; i < 1000; i++) {
    lodge_sound_play (test.sound, noise->data, noise->len);
    g_assert_cmpuint (queue->len, <=, limit);
    if (i % 10 == 0)
      g_main_context_iteration (NULL, FALSE);
  }
  expect_playing (&test, TRUE);
  lodge_sound_play (test.sound, noise->data, noise->len);
  while (queue->len <= limit / 2)
    lodge_sound_play (test.sound, noise->data, noise->len);

  /* Silence is left out then. */
  gsize before = queue->len;
  lodge_sound_play (test.sound, silence, sizeof silence);
  g_assert_cmpuint (queue->len, <=, before);
  teardown (&test);
}

/* ---- streams as the server lists them */

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
      {PA_PROP_MEDIA_ROLE, "production"},
      {"module-stream-restore.id", "sink-input-by-lodge-machine:3a1c2a42"},
  };
  Test test;

  setup (&test);
  expect_streams (&test, 0);
  play_something (&test);
  g_autoptr (GPtrArray) streams = pulse_server_list_playback (test.server);
  g_assert_cmpuint (streams->len, ==, 1);
  PulseStream *stream = g_ptr_array_index (streams, 0);
  g_assert_cmpstr (stream->name, ==, "web & <mail>");
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    g_assert_cmpstr (pa_proplist_gets (stream->properties, wanted[i].key), ==, wanted[i].value);
  g_assert_true (pa_sample_spec_equal (&stream->spec, &stereo));

  lodge_sound_set_machine (test.sound, "3a1c2a42", "other");
  expect_streams (&test, 1);
  g_autoptr (GPtrArray) renamed = pulse_server_list_playback (test.server);
  g_assert_cmpstr (((PulseStream *) g_ptr_array_index (renamed, 0))->name, ==, "other");
  teardown (&test);
}

/* What guests do: start and stop, and start again before the rest was played. */
static void
test_silent (void)
{
  Test test;

  setup (&test);
  for (guint i = 0; i < 3; i++) {
    play_something (&test);
    expect_streams (&test, 1);
    stop (&test);
    start (&test); /* the same stream goes on */
    expect_streams (&test, 1);
    stop (&test);
    stop (&test);
    expect_streams (&test, 0);
    expect_playing (&test, FALSE);
  }

  /* Stopped before there was a stream at all: none is left on the server, now or later. */
  for (guint i = 0; i < 20; i++) {
    lodge_sound_start (test.sound, LODGE_SOUND_PLAYBACK, 1, 1 + i % 2, RATE_HZ);
    for (guint j = 0; j < i; j++)
      g_main_context_iteration (NULL, FALSE);
    lodge_sound_start (test.sound, LODGE_SOUND_PLAYBACK, 1, 2 - i % 2, RATE_HZ);
    stop (&test);
  }
  expect_streams (&test, 0);
  g_assert_cmpuint (test.problems, ==, 0);

  /* The guest's window goes in the middle. */
  play_something (&test);
  g_assert_finalize_object (test.sound);
  expect_streams (&test, 0);
  test.sound = lodge_sound_new ();
  teardown (&test);
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
  Test test;

  setup (&test);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    lodge_sound_start (test.sound, LODGE_SOUND_PLAYBACK, formats[i].format, formats[i].channels,
                       formats[i].rate_hz);
    lodge_sound_play (test.sound, data, sizeof data);
    g_autofree char *problem = dup_problem (&test);
    if (formats[i].good) {
      g_assert_null (problem);
      expect_playing (&test, TRUE);
      g_autoptr (GPtrArray) streams = pulse_server_list_playback (test.server);
      g_assert_cmpuint (streams->len, ==, 1);
      PulseStream *stream = g_ptr_array_index (streams, 0);
      g_assert_cmpuint (stream->spec.rate, ==, formats[i].rate_hz);
      g_assert_cmpuint (stream->spec.channels, ==, formats[i].channels);
    } else {
      g_assert_nonnull (problem);
      g_assert_false (is_playing (&test));
      expect_streams (&test, 0);
    }
    lodge_sound_start (test.sound, LODGE_SOUND_RECORD, formats[i].format, formats[i].channels,
                       formats[i].rate_hz);
    guint microphone;
    g_object_get (test.sound, "microphone", &microphone, NULL);
    g_assert_cmpuint (microphone, ==,
                      formats[i].good ? LODGE_MICROPHONE_WITHHELD : LODGE_MICROPHONE_OFF);
  }
  stop (&test);
  lodge_sound_stop (test.sound, LODGE_SOUND_RECORD);
  g_autofree char *problem = dup_problem (&test);
  g_assert_null (problem);
  teardown (&test);
}

static void
test_sizes (void)
{
  g_autofree guint8 *large = g_malloc (16 * 1024 * 1024);
  Test test;

  setup (&test);
  GByteArray *queue = test.sound->streams[LODGE_SOUND_PLAYBACK].queue;
  memset (large, 7, 16 * 1024 * 1024);
  lodge_sound_play (test.sound, large, 1920); /* nothing was started */
  g_assert_cmpuint (queue->len, ==, 0);
  start (&test);
  lodge_sound_play (test.sound, large, 0);
  lodge_sound_play (test.sound, large, -4);
  lodge_sound_play (test.sound, large, G_MINSSIZE);
  lodge_sound_play (test.sound, NULL, 4);
  lodge_sound_play (test.sound, large, 3);
  g_assert_cmpuint (queue->len, ==, 0);
  lodge_sound_play (test.sound, large, 4 * 5 + 3);
  g_assert_cmpuint (queue->len, ==, 4 * 5);
  lodge_sound_play (test.sound, large, 16 * 1024 * 1024);
  g_assert_cmpuint (queue->len, ==, LODGE_SOUND_LATENCY_MS * RATE_HZ / 1000 * FRAME);
  expect_playing (&test, TRUE);
  lodge_sound_play (test.sound, large, 16 * 1024 * 1024 - 1);
  g_assert_cmpuint (queue->len % FRAME, ==, 0);
  g_assert_true (is_playing (&test));
  teardown (&test);
}

/* ---- volume */

typedef struct {
  Test *test;
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
expect_knob (Test *test, guint left, guint right, gboolean mute)
{
  Knob knob = {test, left, right, mute};

  g_assert_true (pulse_server_wait (has_knob, &knob));
}

static guint
get_index (Test *test)
{
  g_autoptr (GPtrArray) streams = pulse_server_list_playback (test->server);

  g_assert_cmpuint (streams->len, ==, 1);
  return ((PulseStream *) g_ptr_array_index (streams, 0))->index;
}

static void
say_volume (Test *test, guint left, guint right)
{
  guint16 volume[] = {left * G_MAXUINT16 / 100, right * G_MAXUINT16 / 100};

  lodge_sound_set_guest_volume (test->sound, LODGE_SOUND_PLAYBACK, volume, 2);
}

static gboolean
muted_is_wanted (gpointer data)
{
  Test *test = data;
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
  Test test;

  setup (&test);
  say_volume (&test, 50, 25);
  play_something (&test);
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
  pulse_server_set_volume (test.server, get_index (&test), 30);
  Knob mixer = {&test, 30, 30, FALSE};
  g_assert_true (pulse_server_wait (mixer_is_known, &mixer));
  say_volume (&test, 80, 80);
  expect_knob (&test, 30, 30, FALSE);

  /* Nor is it in the next stream. */
  stop (&test);
  expect_streams (&test, 0);
  play_something (&test);
  say_volume (&test, 80, 80);
  expect_knob (&test, 30, 30, FALSE);
  say_volume (&test, 81, 81);
  expect_knob (&test, 81, 81, FALSE);
  teardown (&test);
}

static void
test_mute (void)
{
  Test test;

  setup (&test);
  lodge_sound_set_guest_mute (test.sound, LODGE_SOUND_PLAYBACK, FALSE);
  play_something (&test);
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
  pulse_server_set_mute (test.server, get_index (&test), FALSE);
  test.wanted = FALSE;
  g_assert_true (pulse_server_wait (muted_is_wanted, &test));
  pulse_server_set_mute (test.server, get_index (&test), TRUE);
  test.wanted = TRUE;
  g_assert_true (pulse_server_wait (muted_is_wanted, &test));

  /* The next stream begins as this one was left: not a sample is heard of it. */
  stop (&test);
  expect_streams (&test, 0);
  play_something (&test);
  expect_knob (&test, 100, 100, TRUE);
  teardown (&test);
}

/* ---- what goes away */

static gboolean
keep_playing (gpointer data)
{
  Heard *heard = data;
  static guint8 *sound = NULL;

  if (sound == NULL)
    sound = g_byte_array_free (make_noise (480), FALSE);
  LodgeSound *self = (LodgeSound *) heard->bytes;
  if (self->streams[LODGE_SOUND_PLAYBACK].queue->len == 0)
    lodge_sound_play (self, sound, 480 * FRAME);
  return first_sound (heard->heard) < heard->heard->len;
}

/* What the guest plays is heard at the sink, sooner or later. */
static void
expect_heard (Test *test)
{
  GByteArray *bytes = pulse_server_listen (test->server, "out.monitor", &stereo);
  Heard heard = {bytes, (gsize) test->sound};

  g_assert_true (pulse_server_wait (keep_playing, &heard));
}

static void
test_server_restarts (void)
{
  Test test;

  setup (&test);
  start (&test);
  expect_heard (&test);
  for (guint i = 0; i < 3; i++) {
    test.problems = 0;
    pulse_server_kill (test.server);
    expect_problem (&test, TRUE);
    g_assert_false (is_playing (&test));
    pulse_server_start (test.server);
    pulse_server_load (test.server, "module-null-sink", SINK);
    expect_heard (&test);
    expect_problem (&test, FALSE);
    expect_streams (&test, 1);
  }
  stop (&test);
  expect_streams (&test, 0);

  /* While the guest is silent, nobody is told of a server that goes and comes. */
  test.problems = 0;
  pulse_server_kill (test.server);
  pulse_server_start (test.server);
  pulse_server_load (test.server, "module-null-sink", SINK);
  start (&test);
  expect_heard (&test);
  teardown (&test);
}

static void
test_no_server (void)
{
  Test test;

  setup (&test);
  pulse_server_kill (test.server);
  start (&test);
  expect_problem (&test, TRUE);
  g_autofree char *problem = dup_problem (&test);
  g_test_message ("%s", problem);
  g_assert_null (strchr (problem, '\n'));
  g_assert_cmpuint (test.problems, ==, 1);
  stop (&test);
  expect_problem (&test, FALSE);
  g_assert_cmpuint (test.sound->retry_id, ==, 0);

  lodge_sound_start (test.sound, LODGE_SOUND_RECORD, 1, 2, RATE_HZ);
  expect_problem (&test, FALSE);
  g_object_set (test.sound, "microphone-allowed", TRUE, NULL);
  expect_problem (&test, TRUE);
  g_object_set (test.sound, "microphone-allowed", FALSE, NULL);
  expect_problem (&test, FALSE);
  g_assert_cmpuint (test.sound->retry_id, ==, 0);
  teardown (&test);
}

static void
test_device_goes (void)
{
  Test test;

  setup (&test);
  start (&test);
  expect_heard (&test);
  pulse_server_unload (test.server, test.sink);
  expect_problem (&test, TRUE);
  expect_streams (&test, 0);
  g_assert_false (is_playing (&test));

  /* One that comes is used at once, without a new connection. */
  pa_context *context = test.sound->context;
  test.sink = pulse_server_load (test.server, "module-null-sink", SINK);
  expect_heard (&test);
  expect_problem (&test, FALSE);
  g_assert_true (test.sound->context == context);

  /* Where there is another the server moves the stream there. */
  pulse_server_load (test.server, "module-rescue-streams", "");
  pulse_server_load (test.server, "module-null-sink", "sink_name=other");
  guint index = get_index (&test);
  test.problems = 0;
  pulse_server_unload (test.server, test.sink);
  expect_streams (&test, 1);
  g_assert_cmpuint (get_index (&test), ==, index);
  g_assert_cmpuint (test.problems, ==, 0);
  g_assert_true (is_playing (&test));
  teardown (&test);
}

/* The device is gone in the middle of the end, when nothing is left to do about it. */
static void
test_device_goes_at_end (void)
{
  g_autoptr (GByteArray) noise = make_noise (RATE_HZ);
  Test test;

  setup_latency (&test, 1000);
  start (&test);
  lodge_sound_play (test.sound, noise->data, noise->len);
  expect_playing (&test, TRUE);
  stop (&test);
  g_assert_true (is_playing (&test));
  pulse_server_unload (test.server, test.sink);
  expect_playing (&test, FALSE);
  g_assert_cmpuint (test.problems, ==, 0);
  g_assert_cmpuint (test.sound->retry_id, ==, 0);
  teardown (&test);
}

/* ---- microphone */

static void
recorded_cb (LodgeSound *sound, const guint8 *data, guint bytes, GByteArray *recorded)
{
  g_assert_cmpuint (bytes % FRAME, ==, 0);
  g_byte_array_append (recorded, data, bytes);
}

/* A microphone whose sound is what is written into @out_fd. */
static guint
add_microphone (Test *test, int *out_fd)
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
get_microphone (Test *test)
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
  g_autoptr (GPtrArray) streams = pulse_server_list_record (((Test *) data)->server);

  return streams->len == 1 && !((PulseStream *) g_ptr_array_index (streams, 0))->corked;
}

static void
test_microphone (void)
{
  g_autoptr (GByteArray) recorded = g_byte_array_new ();
  g_autoptr (GByteArray) noise = make_noise (RATE_HZ);
  Test test;
  int fd;

  setup (&test);
  add_microphone (&test, &fd);
  g_signal_connect (test.sound, "recorded", G_CALLBACK (recorded_cb), recorded);

  /* Not allowed: the guest may record as it likes. */
  lodge_sound_start (test.sound, LODGE_SOUND_RECORD, 1, 2, RATE_HZ);
  g_assert_cmpuint (get_microphone (&test), ==, LODGE_MICROPHONE_WITHHELD);
  play_something (&test); /* the server has surely been talked to */
  expect_recordings (&test, 0);

  /* Allowed, but it does not record. */
  lodge_sound_stop (test.sound, LODGE_SOUND_RECORD);
  g_object_set (test.sound, "microphone-allowed", TRUE, NULL);
  g_assert_cmpuint (get_microphone (&test), ==, LODGE_MICROPHONE_OFF);
  stop (&test);
  expect_streams (&test, 0);
  expect_recordings (&test, 0);

  lodge_sound_start (test.sound, LODGE_SOUND_RECORD, 1, 2, RATE_HZ);
  g_assert_cmpuint (get_microphone (&test), ==, LODGE_MICROPHONE_LIVE);
  g_assert_true (pulse_server_wait (is_recording, &test));
  expect_recordings (&test, 1);
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
  expect_recordings (&test, 0);
  g_assert_cmpuint (recorded->len, ==, 0);
  g_object_set (test.sound, "microphone-allowed", TRUE, NULL);
  g_assert_true (pulse_server_wait (is_recording, &test));
  lodge_sound_stop (test.sound, LODGE_SOUND_RECORD);
  g_assert_cmpuint (get_microphone (&test), ==, LODGE_MICROPHONE_OFF);
  expect_recordings (&test, 0);
  close (fd);
  teardown (&test);
}

/* What the desktop plays is not the microphone, although the server offers it where there is none.
 */
static void
test_no_microphone (void)
{
  g_autoptr (GByteArray) recorded = g_byte_array_new ();
  Test test;
  int fd;

  setup (&test);
  g_signal_connect (test.sound, "recorded", G_CALLBACK (recorded_cb), recorded);
  g_object_set (test.sound, "microphone-allowed", TRUE, NULL);
  lodge_sound_start (test.sound, LODGE_SOUND_RECORD, 1, 2, RATE_HZ);
  expect_problem (&test, TRUE);
  expect_recordings (&test, 0);
  g_autofree char *problem = dup_problem (&test);
  g_test_message ("%s", problem);

  guint module = add_microphone (&test, &fd);
  g_assert_true (pulse_server_wait (is_recording, &test));
  expect_problem (&test, FALSE);
  /* While the desktop plays: the server lets the stream hear that from now on. */
  start (&test);
  expect_heard (&test);
  pulse_server_unload (test.server, module);
  expect_problem (&test, TRUE);
  expect_recordings (&test, 0);
  g_assert_cmpuint (recorded->len, ==, 0);
  close (fd);
  teardown (&test);
}

/* Tests share nothing but a process, whose environment names the newest server. */
int
main (int argc, char **argv)
{
  g_setenv ("LC_ALL", "C.UTF-8", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sound/exact", test_exact);
  g_test_add_func ("/sound/order", test_order);
  g_test_add_func ("/sound/too-fast", test_too_fast);
  g_test_add_func ("/sound/properties", test_properties);
  g_test_add_func ("/sound/silent", test_silent);
  g_test_add_func ("/sound/formats", test_formats);
  g_test_add_func ("/sound/sizes", test_sizes);
  g_test_add_func ("/sound/volume", test_volume);
  g_test_add_func ("/sound/mute", test_mute);
  g_test_add_func ("/sound/server-restarts", test_server_restarts);
  g_test_add_func ("/sound/no-server", test_no_server);
  g_test_add_func ("/sound/device-goes", test_device_goes);
  g_test_add_func ("/sound/device-goes-at-end", test_device_goes_at_end);
  g_test_add_func ("/sound/microphone", test_microphone);
  g_test_add_func ("/sound/no-microphone", test_no_microphone);
  return g_test_run ();
}

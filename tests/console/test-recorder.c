/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recordings of a guest, decoded again: colors at known moments, sizes, the cursor, sound. */
#include "recorder-fixture.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RED   0xe02020
#define GREEN 0x20c020
#define BLUE  0x2020e0

/* Each color from its own moment on, and not before. */
static void
test_colors (void)
{
  static const guint32 colors[] = {RED, GREEN, BLUE, 0xffffff, 0x000000};
  gint64 times[G_N_ELEMENTS (colors)];
  gint64 before[G_N_ELEMENTS (colors)];
  RecorderFixture test;

  recorder_fixture_set_up (&test, 321, 241);
  recorder_fixture_begin (&test);
  for (guint i = 0; i < G_N_ELEMENTS (colors); i++) {
    before[i] = test.recorder->shown_us;
    times[i] = recorder_fixture_fill (&test, colors[i]);
  }
  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  const gint64 length = lodge_recorder_get_time_us (test.recorder);
  for (guint i = 0; i < G_N_ELEMENTS (colors); i++) {
    recording_assert_color (recording, times[i], 0, 0, colors[i]);
    recording_assert_color (recording, times[i], 320, 240, colors[i]);
    if (i > 0)
      recording_assert_color (recording, before[i], 160, 120, colors[i - 1]);
  }

  const RecordingFrame *first = g_ptr_array_index (recording->frames, 0);
  const RecordingFrame *last = g_ptr_array_index (recording->frames, recording->frames->len - 1);
  g_assert_cmpint (first->time_us, ==, 0);
  g_assert_cmpint (first->width, ==, 321);
  g_assert_cmpint (first->height, ==, 241);
  /* Sound and picture end together, and the file says when, in milliseconds. */
  g_assert_cmpint (ABS (last->time_us - length), <=, 2 * 1000);
  g_assert_cmpint (ABS (recording->duration_us - length), <, 100 * 1000);
  g_assert_cmpint (ABS ((gint64) recording->sound->len / 4 * G_USEC_PER_SEC / 48000 - length), <,
                   100 * 1000);
  recorder_fixture_tear_down (&test);
}

typedef struct {
  RecorderFixture *fixture;
  gint64 since_us;
} Repeated;

static gboolean
is_repeated (gpointer data)
{
  const Repeated *repeated = data;

  return repeated->fixture->recorder->shown_us > repeated->since_us + 1000;
}

enum { CARD_WIDTH = 64, CARD_HEIGHT = 48, CARD_BYTES = CARD_WIDTH * CARD_HEIGHT * 4 };

/* What a graphics card has in its memory, and who reads that. */
typedef struct {
  RecorderFixture *fixture;
  int memory;
  guint32 pixels[CARD_WIDTH * CARD_HEIGHT];
} Card;

static gboolean
read_card (gpointer user_data, LodgeFrame *out_frame)
{
  Card *card = user_data;

  if (pread (card->memory, card->pixels, CARD_BYTES, 0) != CARD_BYTES)
    return FALSE;
  *out_frame = (LodgeFrame){(const guint8 *) card->pixels, CARD_WIDTH, CARD_HEIGHT, CARD_WIDTH * 4};
  return TRUE;
}

static gint64
draw_card (Card *card, guint32 rgb)
{
  for (guint i = 0; i < CARD_WIDTH * CARD_HEIGHT; i++)
    card->pixels[i] = rgb;
  g_assert_cmpint (pwrite (card->memory, card->pixels, CARD_BYTES, 0), ==, CARD_BYTES);
  spice_fixture_draw_scanout (card->fixture->server, 0, 0, CARD_WIDTH, CARD_HEIGHT);
  return recorder_fixture_settle (card->fixture);
}

static gboolean
has_scanout (gpointer data)
{
  LodgeScanout scanout;

  return lodge_frame_source_get_scanout (
      lodge_console_session_get_source (((Card *) data)->fixture->session), &scanout);
}

/* What a graphics card draws is recorded from the beginning, and when it changes. */
static void
test_scanout (void)
{
  RecorderFixture test;
  Card card = {&test, memfd_create ("scanout", MFD_CLOEXEC)};

  recorder_fixture_set_up (&test, 320, 240);
  test.reader = (LodgeRecorderReader){read_card, &card};
  g_assert_cmpint (ftruncate (card.memory, CARD_BYTES), ==, 0);
  spice_fixture_set_scanout (test.server, card.memory, CARD_WIDTH, CARD_HEIGHT, CARD_WIDTH * 4,
                             0x34325258, FALSE);
  g_assert_true (spice_fixture_wait (has_scanout, &card));
  for (guint i = 0; i < CARD_WIDTH * CARD_HEIGHT; i++)
    card.pixels[i] = RED;
  g_assert_cmpint (pwrite (card.memory, card.pixels, CARD_BYTES, 0), ==, CARD_BYTES);
  recorder_fixture_begin (&test);
  const gint64 green = draw_card (&card, GREEN);
  const gint64 blue = draw_card (&card, BLUE);

  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  const RecordingFrame *first = g_ptr_array_index (recording->frames, 0);
  g_assert_cmpint (first->width, ==, CARD_WIDTH);
  g_assert_cmpint (first->height, ==, CARD_HEIGHT);
  recording_assert_color (recording, 0, 10, 10, RED);
  recording_assert_color (recording, green, 10, 10, GREEN);
  recording_assert_color (recording, blue, CARD_WIDTH - 1, CARD_HEIGHT - 1, BLUE);
  /* Nobody reads it after the end. */
  g_assert_null (test.recorder->reader.read);
  recorder_fixture_tear_down (&test);
  close (card.memory);
}

/* A still picture takes next to nothing, and its time; a wild one no more than it may. */
static void
test_rate (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  const gint64 still_begin = recorder_fixture_fill (&test, RED);
  recorder_fixture_wait_length (&test, still_begin / 1000 + 3500);
  g_assert_true (spice_fixture_wait (is_repeated, &(Repeated){&test, still_begin}));
  const gint64 still_end = test.recorder->shown_us;
  for (guint i = 0, taken = 0; i < 300 || taken < 10; i++) {
    const gint64 before = test.recorder->shown_us;

    spice_fixture_fill (test.server, i % 320, 0, 1, 240, i * 7919);
    spice_fixture_run_for (5);
    taken += test.recorder->shown_us != before;
  }
  const gint64 wild_end = recorder_fixture_fill (&test, BLUE);

  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  guint still = 0, wild = 0;
  for (guint i = 0; i < recording->frames->len; i++) {
    const RecordingFrame *frame = g_ptr_array_index (recording->frames, i);

    if (i > 0)
      g_assert_cmpint (frame->time_us, >,
                       ((RecordingFrame *) g_ptr_array_index (recording->frames, i - 1))->time_us);
    still += frame->time_us > still_begin + 1000 && frame->time_us <= still_end;
    wild += frame->time_us > still_end + 1000 && frame->time_us <= wild_end;
  }
  g_assert_cmpuint (still, >=, 1);
  g_assert_cmpuint (still, <=, (guint) ((still_end - still_begin) / 900000 + 1));
  g_assert_cmpuint (wild, >=, 5);
  g_assert_cmpuint (wild, <=, (guint) ((wild_end - still_end) * 33 / G_USEC_PER_SEC + 2));
  recording_assert_color (recording, still_end, 100, 100, RED);
  recorder_fixture_tear_down (&test);
}

typedef struct {
  RecorderFixture *fixture;
  int width, height;
} Size;

static gboolean
has_size (gpointer data)
{
  const Size *size = data;
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_source (size->fixture->session), &frame);
  return frame.width == size->width && frame.height == size->height;
}

static void
resize (RecorderFixture *test, int width, int height)
{
  spice_fixture_resize (test->server, width, height);
  g_assert_true (spice_fixture_wait (has_size, &(Size){test, width, height}));
  recorder_fixture_settle (test);
}

/* The picture keeps its size and the guest its proportions. */
static void
test_resize (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  const gint64 first = recorder_fixture_fill (&test, RED);
  resize (&test, 640, 240);
  const gint64 wide = recorder_fixture_fill (&test, GREEN);
  resize (&test, 200, 600);
  const gint64 high = recorder_fixture_fill (&test, BLUE);
  resize (&test, 320, 240);
  const gint64 again = recorder_fixture_fill (&test, RED);

  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  for (guint i = 0; i < recording->frames->len; i++) {
    const RecordingFrame *frame = g_ptr_array_index (recording->frames, i);
    g_assert_cmpint (frame->width, ==, 320);
    g_assert_cmpint (frame->height, ==, 240);
  }
  recording_assert_color (recording, first, 5, 5, RED);
  /* 320 x 120, with 60 above and below */
  recording_assert_color (recording, wide, 160, 70, GREEN);
  recording_assert_color (recording, wide, 5, 120, GREEN);
  recording_assert_color (recording, wide, 160, 50, 0);
  recording_assert_color (recording, wide, 160, 190, 0);
  /* 80 x 240, with 120 at each side */
  recording_assert_color (recording, high, 160, 5, BLUE);
  recording_assert_color (recording, high, 110, 120, 0);
  recording_assert_color (recording, high, 210, 120, 0);
  recording_assert_color (recording, again, 5, 5, RED);
  recording_assert_color (recording, again, 315, 235, RED);
  recorder_fixture_tear_down (&test);
}

/* However large a guest says it is: no side of a picture and of its copies is larger than that. */
static void
test_huge (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 16384, 64);
  recorder_fixture_begin (&test);
  recorder_fixture_fill (&test, RED);
  spice_fixture_fill (test.server, 8192, 0, 8192, 64, BLUE);
  recorder_fixture_wait_color (&test, BLUE);
  const gint64 two = recorder_fixture_settle (&test);
  for (guint i = 0; i < LODGE_RECORDER_SLOTS; i++) {
    if (test.recorder->slots[i] != NULL)
      g_assert_cmpuint (test.recorder->slots[i]->size, <=, 4096 * 16 * 4);
  }
  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  g_assert_cmpint (recording_get_frame (recording, two)->width, ==, 4096);
  g_assert_cmpint (recording_get_frame (recording, two)->height, ==, 16);
  recording_assert_color (recording, two, 2000, 8, RED);
  recording_assert_color (recording, two, 2100, 8, BLUE);
  recorder_fixture_tear_down (&test);
}

static gboolean
has_cursor (gpointer data)
{
  LodgeCursor cursor;

  return lodge_frame_source_get_cursor (
             lodge_console_session_get_source (((RecorderFixture *) data)->session), &cursor) &&
         cursor.rgba != NULL;
}

static gboolean
has_no_cursor (gpointer data)
{
  return !has_cursor (data);
}

/* It is in the picture, where it was put, and leaves nothing behind. */
static void
test_cursor (void)
{
  g_autofree guint32 *argb = g_new (guint32, 32 * 32);
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  recorder_fixture_fill (&test, RED);
  for (guint i = 0; i < 32 * 32; i++)
    argb[i] = i % 32 < 16 ? 0xff000000 | GREEN : 0;
  spice_fixture_set_cursor (test.server, 32, 32, 4, 8, argb);
  g_assert_true (spice_fixture_wait (has_cursor, &test));
  lodge_console_session_position (test.session, 104, 108);
  const gint64 here = recorder_fixture_settle (&test);
  lodge_console_session_position (test.session, 204, 108);
  const gint64 there = recorder_fixture_settle (&test);
  lodge_console_session_position (test.session, 319, 239);
  const gint64 corner = recorder_fixture_settle (&test);
  spice_fixture_hide_cursor (test.server);
  g_assert_true (spice_fixture_wait (has_no_cursor, &test));
  const gint64 hidden = recorder_fixture_settle (&test);

  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  recording_assert_color (recording, here, 108, 116, GREEN);
  recording_assert_color (recording, here, 102, 104, GREEN);
  recording_assert_color (recording, here, 108, 130, GREEN);
  recording_assert_color (recording, here, 124, 116, RED); /* seen through */
  recording_assert_color (recording, here, 96, 116, RED);
  recording_assert_color (recording, here, 108, 96, RED);
  recording_assert_color (recording, there, 108, 116, RED);
  recording_assert_color (recording, there, 208, 116, GREEN);
  recording_assert_color (recording, corner, 208, 116, RED);
  recording_assert_color (recording, corner, 318, 235, GREEN);
  recording_assert_color (recording, hidden, 318, 235, RED);
  recorder_fixture_tear_down (&test);
}

/* While it is paused its time stands still, and what changes is seen when it goes on. */
static void
test_pause (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  const gint64 red = recorder_fixture_fill (&test, RED);
  lodge_recorder_set_paused (test.recorder, TRUE);
  const gint64 paused = lodge_recorder_get_time_us (test.recorder);
  spice_fixture_fill (test.server, 0, 0, 320, 240, BLUE);
  spice_fixture_run_for (1500);
  g_assert_cmpint (lodge_recorder_get_time_us (test.recorder), ==, paused);
  lodge_recorder_set_paused (test.recorder, FALSE);
  const gint64 after = recorder_fixture_fill (&test, GREEN);

  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  const gint64 length = lodge_recorder_get_time_us (test.recorder);
  /* The first one after it may be of the same millisecond. */
  recording_assert_color (recording, MAX (red, paused - 2000), 100, 100, RED);
  recording_assert_color (recording, after, 100, 100, GREEN);
  g_assert_cmpint (recording->duration_us, <, length + 500 * 1000);
  recorder_fixture_tear_down (&test);
}

/* Ended while it is paused. */
static void
test_pause_end (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  const gint64 red = recorder_fixture_fill (&test, RED);
  lodge_recorder_set_paused (test.recorder, TRUE);
  spice_fixture_run_for (100);
  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  recording_assert_color (recording, red, 100, 100, RED);
  recorder_fixture_tear_down (&test);
}

/* The connection breaks, and there is another one: meanwhile the last picture stays. */
static void
test_reconnect (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  const gint64 red = recorder_fixture_fill (&test, RED);
  lodge_console_session_close (test.session);
  lodge_recorder_set_source (test.recorder, NULL);
  spice_fixture_run_for (300);
  const gint64 gone = recorder_fixture_settle (&test);
  spice_fixture_resize (test.server, 320, 240);
  lodge_console_session_open (test.session);
  lodge_recorder_set_source (test.recorder, lodge_console_session_get_source (test.session));
  recorder_fixture_settle (&test);
  const gint64 back = recorder_fixture_fill (&test, GREEN);

  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  recording_assert_color (recording, red, 100, 100, RED);
  recording_assert_color (recording, gone, 100, 100, RED);
  recording_assert_color (recording, back, 100, 100, GREEN);
  recorder_fixture_tear_down (&test);
}

/* ---- sound */

/* Plays so much of a square wave. Returns: its end. */
static gint64
play (RecorderFixture *test, guint rate_hz, gint64 length_ms)
{
  const gint64 begin = lodge_recorder_get_length_ms (test->recorder);
  guint32 chunk[SPICE_FIXTURE_SOUND_CHUNK];
  const gint64 chunk_us = (gint64) G_N_ELEMENTS (chunk) * G_USEC_PER_SEC / rate_hz;
  gint64 sent_us = 0, due_us = 0;

  for (guint i = 0; i < G_N_ELEMENTS (chunk); i++)
    chunk[i] = i / 24 % 2 != 0 ? 0x20002000 : 0xe000e000;
  spice_fixture_sound_start (test->card, rate_hz);
  while (sent_us < length_ms * 1000) {
    const gint64 now_us = lodge_recorder_get_time_us (test->recorder) - begin * 1000;

    if (due_us <= now_us && spice_fixture_sound_play (test->card, chunk)) {
      sent_us += chunk_us;
      /* What was slept through is not made up for. */
      due_us = MAX (due_us + chunk_us, now_us - 50000);
    }
    spice_fixture_run_for (2);
  }
  spice_fixture_sound_stop (test->card);
  spice_fixture_run_for (200); /* what is on its way */
  return lodge_recorder_get_time_us (test->recorder);
}

/* Sound is put behind what is there, which may be so far from the present; and after its end it may
 * still come for so long on a busy computer. */
#define BEHIND_US (150 * 1000) /* lodge-recorder-sound.c */
#define REST_US   (G_GINT64_CONSTANT (1500) * 1000)

/* Where sound that is played now is put at the earliest. */
static gint64
get_earliest (RecorderFixture *test)
{
  const LodgeRecorder *recorder = test->recorder;
  const gint64 end =
      recorder->sound_begin_us +
      (gint64) gst_util_uint64_scale (recorder->n_frames, G_USEC_PER_SEC, recorder->rate_hz);

  return MAX (end, lodge_recorder_get_time_us (test->recorder) - BEHIND_US);
}

/* Silence, sound of two rates, silence: each where it belongs. */
static void
test_sound (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  recorder_fixture_begin (&test);
  recorder_fixture_wait_length (&test, 800);
  const gint64 first = lodge_recorder_get_time_us (test.recorder);
  const gint64 first_earliest = get_earliest (&test);
  const gint64 first_end = play (&test, 48000, 800);
  recorder_fixture_wait_length (&test, (first_end + REST_US) / 1000 + 500);
  const gint64 second = lodge_recorder_get_time_us (test.recorder);
  const gint64 second_earliest = get_earliest (&test);
  const gint64 second_end = play (&test, 22050, 800);
  recorder_fixture_wait_length (&test, (second_end + REST_US) / 1000 + 500);

  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  g_assert_cmpint (recording_get_peak (recording, 0, first_earliest - 50000), <, 300);
  g_assert_cmpint (recording_get_peak (recording, first + 200000, first_end - 300000), >, 5000);
  g_assert_cmpint (recording_get_peak (recording, first_end + REST_US, second_earliest - 50000), <,
                   300);
  g_assert_cmpint (recording_get_peak (recording, second + 200000, second_end - 300000), >, 5000);
  g_assert_cmpint (recording_get_peak (recording, second_end + REST_US, G_MAXINT), <, 300);
  recorder_fixture_tear_down (&test);
}

/* At the guest's own volume, whatever the user of this desktop hears. */
static void
test_volume (void)
{
  RecorderFixture test;

  recorder_fixture_set_up (&test, 320, 240);
  g_object_set (test.sound, "muted", TRUE, NULL);
  recorder_fixture_begin (&test);
  const gint64 loud_end = play (&test, 48000, 800);
  spice_fixture_sound_set_volume (test.card, 0x8000, 0x8000);
  const gint64 quiet_end = play (&test, 48000, 1000);
  spice_fixture_sound_set_mute (test.card, TRUE);
  const gint64 mute_end = play (&test, 48000, 1000);

  g_autoptr (Recording) recording = recorder_fixture_end (&test);
  const int loud = recording_get_peak (recording, 0, loud_end - 200000);
  const int quiet = recording_get_peak (recording, loud_end + 500000, quiet_end - 200000);
  g_assert_cmpint (loud, >, 5000);
  g_assert_cmpint (quiet, >, 300);
  g_assert_cmpint (quiet, <, loud / 4);
  g_assert_cmpint (recording_get_peak (recording, quiet_end + 500000, mute_end - 200000), <, 300);
  recorder_fixture_tear_down (&test);
}

#define TEST(name)                                                                                 \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
TEST (colors)
TEST (scanout)
TEST (rate)
TEST (resize)
TEST (huge)
TEST (cursor)
TEST (pause)
TEST (pause_end)
TEST (reconnect)
TEST (sound)
TEST (volume)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recorder/colors", run_colors);
  g_test_add_func ("/recorder/scanout", run_scanout);
  g_test_add_func ("/recorder/rate", run_rate);
  g_test_add_func ("/recorder/resize", run_resize);
  g_test_add_func ("/recorder/huge", run_huge);
  g_test_add_func ("/recorder/cursor", run_cursor);
  g_test_add_func ("/recorder/pause", run_pause);
  g_test_add_func ("/recorder/pause-end", run_pause_end);
  g_test_add_func ("/recorder/reconnect", run_reconnect);
  g_test_add_func ("/recorder/sound", run_sound);
  g_test_add_func ("/recorder/volume", run_volume);
  return g_test_run ();
}

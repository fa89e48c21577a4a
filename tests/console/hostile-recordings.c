/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See hostile-recordings.h. */
#include "hostile-recordings.h"

#include "spice-fixture-agent.h"
#include "spice-fixture-sound.h"

#include <spice/enums.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WIDTH   HOSTILE_WIDTH
#define HEIGHT  HOSTILE_HEIGHT
#define RATE_HZ 48000
#define XR24    0x34325258u
#define N_DRAWN 4

static const struct {
  HostileKind kind;
  int compression;
} rows[] = {
    {HOSTILE_PICTURES, SPICE_IMAGE_COMPRESSION_OFF},
    {HOSTILE_PICTURES, SPICE_IMAGE_COMPRESSION_QUIC},
    {HOSTILE_PICTURES, SPICE_IMAGE_COMPRESSION_LZ},
    {HOSTILE_PICTURES, SPICE_IMAGE_COMPRESSION_GLZ},
    {HOSTILE_PICTURES, SPICE_IMAGE_COMPRESSION_LZ4},
    {HOSTILE_PICTURES, SPICE_IMAGE_COMPRESSION_AUTO_GLZ},
    {HOSTILE_SOUND, SPICE_IMAGE_COMPRESSION_OFF},
    {HOSTILE_SCANOUT, SPICE_IMAGE_COMPRESSION_OFF},
    {HOSTILE_SHARING, SPICE_IMAGE_COMPRESSION_OFF},
};
G_STATIC_ASSERT (G_N_ELEMENTS (rows) == HOSTILE_RECORDINGS);

HostileKind
hostile_recording_get_kind (guint which)
{
  return rows[which].kind;
}

/* ---- the server and its client */

typedef struct {
  SpiceFixture *server;
  SpiceFixtureAgent *agent;
  SpiceFixtureSound *card; /* NULL: none */
  LodgeSound *sound;
  SpiceRecording *recording;
  LodgeConsoleSession *session;
  LodgeFrameSource *source;
  const char *said; /* what the agent has been told */
  guint wanted;
} Scene;

static gboolean
has_frame (gpointer scene)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (((Scene *) scene)->source, &frame);
  return frame.data != NULL;
}

/* Half smooth, half noise, which each compression has another way for. */
static void
draw (SpiceFixture *server, guint round)
{
  guint32 pixels[48 * 32];

  for (guint i = 0; i < G_N_ELEMENTS (pixels); i++)
    pixels[i] = round % 2 == 0 ? (i % 48) * 0x050301 + round : (i * 2654435761u + round) & 0xffffff;
  spice_fixture_draw (server, round * 7 % 48, round * 5 % 32, 48, 32, pixels);
}

/* ---- pictures */

/* The guest's one monitor was narrowed to a half of the picture. */
static gboolean
is_narrow (gpointer scene)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (((Scene *) scene)->source, &frame);
  return frame.data != NULL && frame.width == WIDTH / 2;
}

static gboolean
is_low (gpointer scene)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (((Scene *) scene)->source, &frame);
  return frame.data != NULL && frame.height == HEIGHT / 2;
}

static gboolean
has_offer (gpointer scene)
{
  LodgeConsoleClipboard *clipboard =
      lodge_console_session_get_clipboard (((Scene *) scene)->session);

  return lodge_console_clipboard_get_offer (clipboard)[0] != NULL;
}

static void
play_pictures (Scene *scene)
{
  static const guint32 cursor[] = {0xffff0000, 0x8000ff00, 0x00000000, 0xff0000ff};
  static const int two[] = {0, 0, WIDTH / 2, HEIGHT, WIDTH / 2, 0, WIDTH / 2, HEIGHT};
  SpiceFixture *server = scene->server;

  spice_fixture_agent_announce (scene->agent, SPICE_FIXTURE_AGENT_LINUX);
  for (guint i = 0; i < 6; i++)
    draw (server, i);
  spice_fixture_set_cursor (server, 2, 2, 1, 1, cursor);
  spice_fixture_move_cursor (server, 9, 9);
  spice_fixture_set_leds (server, 2);
  spice_fixture_set_monitors (server, 2, two);
  spice_fixture_set_tablet (server, FALSE);
  spice_fixture_agent_grab (scene->agent, 0, 1, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  g_assert_true (spice_fixture_wait (has_offer, scene));
  g_assert_true (spice_fixture_wait (is_narrow, scene));
  spice_fixture_settle ();
  spice_fixture_resize (server, WIDTH / 2, HEIGHT / 2);
  g_assert_true (spice_fixture_wait (is_low, scene));
  for (guint i = 0; i < 3; i++)
    draw (server, i);
  spice_fixture_hide_cursor (server);
  spice_fixture_agent_release (scene->agent, 0);
}

/* ---- sound */

static void
played_cb (
    LodgeSound *sound, gpointer data, guint bytes, guint channels, guint rate_hz, guint *played)
{
  *played += bytes;
}

/* Plays on until the client has it: the first chunks are lost. */
static gboolean
has_played (gpointer data)
{
  Scene *scene = data;
  guint32 noise[SPICE_FIXTURE_SOUND_CHUNK];

  for (guint i = 0; i < G_N_ELEMENTS (noise); i++)
    noise[i] = (i + 1) * 2654435761u;
  spice_fixture_sound_play (scene->card, noise);
  return scene->wanted >= 4 * sizeof noise;
}

static gboolean
is_microphone (gpointer data)
{
  Scene *scene = data;
  guint microphone;

  g_object_get (scene->sound, "microphone", &microphone, NULL);
  return microphone == scene->wanted;
}

static void
play_sound (Scene *scene)
{
  scene->wanted = 0;
  g_signal_connect (scene->sound, "played", G_CALLBACK (played_cb), &scene->wanted);
  spice_fixture_sound_set_volume (scene->card, 30000, 40000);
  spice_fixture_sound_start (scene->card, RATE_HZ);
  g_assert_true (spice_fixture_wait (has_played, scene));
  g_signal_handlers_disconnect_by_func (scene->sound, played_cb, &scene->wanted);
  spice_fixture_sound_set_mute (scene->card, TRUE);
  scene->wanted = LODGE_MICROPHONE_WITHHELD;
  spice_fixture_sound_record_start (scene->card, RATE_HZ);
  g_assert_true (spice_fixture_wait (is_microphone, scene));
  scene->wanted = LODGE_MICROPHONE_OFF;
  spice_fixture_sound_record_stop (scene->card);
  g_assert_true (spice_fixture_wait (is_microphone, scene));
  spice_fixture_sound_stop (scene->card);
}

/* ---- a graphics card's memory */

static gboolean
has_scanout (gpointer scene)
{
  LodgeScanout scanout;

  return lodge_frame_source_get_scanout (((Scene *) scene)->source, &scanout) &&
         scanout.width == (int) ((Scene *) scene)->wanted;
}

static gboolean
is_answered (gpointer scene)
{
  return spice_fixture_get_n_answered (((Scene *) scene)->server) >= ((Scene *) scene)->wanted;
}

static void
play_scanout (Scene *scene)
{
  const int memory = memfd_create ("scanout", MFD_CLOEXEC);

  g_assert_no_errno (ftruncate (memory, WIDTH * HEIGHT * 4));
  scene->wanted = WIDTH;
  spice_fixture_set_scanout (scene->server, memory, WIDTH, HEIGHT, WIDTH * 4, XR24, FALSE);
  g_assert_true (spice_fixture_wait (has_scanout, scene));
  for (scene->wanted = 1; scene->wanted <= N_DRAWN; scene->wanted++) {
    spice_fixture_draw_scanout (scene->server, 3, 2 * scene->wanted, 20, 10);
    g_assert_true (spice_fixture_wait (is_answered, scene));
  }
  scene->wanted = WIDTH / 2;
  spice_fixture_set_scanout (scene->server, memory, WIDTH / 2, HEIGHT, WIDTH * 4, XR24, TRUE);
  g_assert_true (spice_fixture_wait (has_scanout, scene));
  spice_fixture_resize (scene->server, WIDTH / 2, HEIGHT / 2);
  g_assert_true (spice_fixture_wait (is_low, scene));
  draw (scene->server, 1);
  close (memory);
}

/* ---- sharing */

static gboolean
has_said (gpointer data)
{
  Scene *scene = data;

  return strstr (spice_fixture_agent_get_log (scene->agent), scene->said) != NULL;
}

static void
expect_said (Scene *scene, const char *said)
{
  scene->said = said;
  g_assert_true (spice_fixture_wait (has_said, scene));
}

static gboolean
has_sent_all (gpointer scene)
{
  LodgeConsoleFiles *files = lodge_console_session_get_files (((Scene *) scene)->session);

  return lodge_console_files_get_n_unfinished (files) == 0;
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GBytes) bytes =
      lodge_console_clipboard_read_finish (LODGE_CONSOLE_CLIPBOARD (source), result, NULL);

  g_assert_nonnull (bytes);
  *(guint *) user_data = TRUE;
}

static gboolean
is_read (gpointer scene)
{
  return ((Scene *) scene)->wanted;
}

static void
play_sharing (Scene *scene)
{
  static const char words[] = "What the guest has copied.";
  LodgeConsoleClipboard *clipboard = lodge_console_session_get_clipboard (scene->session);

  spice_fixture_agent_announce (scene->agent, SPICE_FIXTURE_AGENT_LINUX);
  expect_said (scene, "start");
  spice_fixture_agent_file_status (scene->agent, 0, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  expect_said (scene, "data");
  spice_fixture_agent_file_status (scene->agent, 0, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
  g_assert_true (spice_fixture_wait (has_sent_all, scene));
  spice_fixture_agent_grab (scene->agent, 0, 1, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  g_assert_true (spice_fixture_wait (has_offer, scene));
  scene->wanted = FALSE;
  lodge_console_clipboard_read_async (clipboard, lodge_console_clipboard_get_offer (clipboard)[0],
                                      NULL, read_cb, &scene->wanted);
  expect_said (scene, "request0:1");
  spice_fixture_agent_data (scene->agent, 0, VD_AGENT_CLIPBOARD_UTF8_TEXT, words, strlen (words));
  g_assert_true (spice_fixture_wait (is_read, scene));
  spice_fixture_agent_request (scene->agent, 0, VD_AGENT_CLIPBOARD_UTF8_TEXT);
}

/* ---- all of them */

SpiceRecording *
hostile_recording_new (guint which, const char *file)
{
  static void (*const play[]) (Scene * scene) = {
      [HOSTILE_PICTURES] = play_pictures,
      [HOSTILE_SOUND] = play_sound,
      [HOSTILE_SCANOUT] = play_scanout,
      [HOSTILE_SHARING] = play_sharing,
  };
  const HostileKind kind = rows[which].kind;
  Scene scene = {.server = spice_fixture_new (WIDTH, HEIGHT, TRUE)};

  scene.agent = spice_fixture_agent_new (scene.server);
  if (kind == HOSTILE_SOUND)
    scene.card = spice_fixture_sound_new (scene.server);
  scene.recording = spice_recording_new (spice_fixture_open, scene.server);
  scene.session = lodge_console_session_new_for_open (spice_recording_open, scene.recording);
  scene.source = lodge_console_session_get_source (scene.session);
  spice_fixture_set_compression (scene.server, rows[which].compression);
  scene.sound = lodge_sound_new ();
  hostile_session_prepare (scene.session, kind, scene.sound, file);
  lodge_console_session_open (scene.session);
  g_assert_true (spice_fixture_wait (has_frame, &scene));
  draw (scene.server, 1);
  play[kind](&scene);
  spice_fixture_settle ();

  g_object_unref (scene.session);
  g_object_unref (scene.sound);
  spice_fixture_settle ();
  if (scene.card != NULL)
    spice_fixture_sound_free (scene.card);
  spice_fixture_agent_free (scene.agent);
  spice_fixture_free (scene.server);
  g_assert_cmpuint (spice_recording_finish (scene.recording), >, 20);
  return scene.recording;
}

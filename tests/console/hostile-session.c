/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See hostile-session.h. */
#include "hostile-session.h"

#include <unistd.h>

/* Of a session with pictures without changes: at first, narrowed to the first monitor, and after
 * the guest changed its size. */
#define N_FRAMES 3

gboolean
hostile_seen_is_enough (HostileKind kind, const HostileSeen *seen)
{
  switch (kind) {
  case HOSTILE_SOUND:
    return seen->played > 0 && seen->recorded > 0;
  case HOSTILE_SCANOUT:
    return seen->scanouts > 1 && seen->damages > 0;
  case HOSTILE_SHARING:
    return seen->copied > 0 && seen->read > 0;
  case HOSTILE_PICTURES:
  default:
    return seen->frames >= N_FRAMES;
  }
}

static void
ended_cb (LodgeConsoleSession *session, const GError *error, HostileSeen *seen)
{
  if (error != NULL)
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  seen->ended = TRUE;
}

static void
read_frame (LodgeFrameSource *source, int x, int y, int width, int height, HostileSeen *seen)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (source, &frame);
  if (frame.data == NULL) {
    LodgeScanout scanout;

    g_assert_true (lodge_frame_source_get_scanout (source, &scanout));
    lodge_frame_source_drawn (source);
    seen->damages++;
    return;
  }
  g_assert_true (x >= 0 && y >= 0 && width > 0 && height > 0);
  g_assert_true (x + width <= frame.width && y + height <= frame.height);
  for (int line = y; line < y + height; line++) {
    const guint8 *bytes = frame.data + (gsize) line * frame.stride + (gsize) x * 4;

    for (int i = 0; i < width * 4; i++)
      seen->sum += bytes[i];
  }
}

/* Its memory is at least what the numbers say. */
static void
look_at_scanout (const LodgeScanout *scanout, HostileSeen *seen)
{
  g_assert_true (scanout->width > 0 && scanout->height > 0);
  g_assert_cmpint (scanout->stride, >=, scanout->width * 4);
  g_assert_cmpint (lseek (scanout->fd, 0, SEEK_END), >=,
                   (gint64) scanout->stride * scanout->height);
  g_assert_false (scanout->in_host);
  seen->scanouts++;
}

static void
frame_cb (LodgeFrameSource *source, HostileSeen *seen)
{
  LodgeFrame frame;
  LodgeScanout scanout;

  if (lodge_frame_source_get_scanout (source, &scanout))
    look_at_scanout (&scanout, seen);
  lodge_frame_source_get_frame (source, &frame);
  if (frame.data == NULL)
    return;
  seen->frames++;
  /* What a server makes very large is not worth the time here: its ends are. */
  read_frame (source, 0, 0, frame.width, MIN (frame.height, 64), seen);
  read_frame (source, 0, frame.height - 1, frame.width, 1, seen);
}

static void
cursor_cb (LodgeFrameSource *source, HostileSeen *seen)
{
  LodgeCursor cursor;

  if (!lodge_frame_source_get_cursor (source, &cursor) || cursor.rgba == NULL)
    return;
  g_assert_true (cursor.hot_x >= 0 && cursor.hot_x < cursor.width);
  g_assert_true (cursor.hot_y >= 0 && cursor.hot_y < cursor.height);
  for (gsize i = 0; i < (gsize) cursor.width * cursor.height * 4; i++)
    seen->sum += cursor.rgba[i];
}

static guint n_read; /* the answer may come when the session has gone */

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes =
      lodge_console_clipboard_read_finish (LODGE_CONSOLE_CLIPBOARD (source), result, &error);

  g_assert_true ((bytes == NULL) == (error != NULL));
  if (bytes != NULL)
    n_read++;
}

static void
offered_cb (LodgeConsoleClipboard *clipboard, gpointer user_data)
{
  const char *const *offer = lodge_console_clipboard_get_offer (clipboard);

  if (offer[0] != NULL)
    lodge_console_clipboard_read_async (clipboard, offer[0], NULL, read_cb, NULL);
}

static void
copied_cb (LodgeConsoleFiles *files, LodgeConsoleTransfer *transfer, HostileSeen *seen)
{
  seen->copied++;
}

static void
played_cb (LodgeSound *sound,
           const guint8 *data,
           guint bytes,
           guint channels,
           guint rate_hz,
           HostileSeen *seen)
{
  g_assert_true (channels == 1 || channels == 2);
  g_assert_cmpuint (bytes % (channels * 2), ==, 0);
  for (guint i = 0; i < bytes; i++)
    seen->sum += data[i];
  seen->played++;
}

static void
microphone_cb (LodgeSound *sound, GParamSpec *pspec, HostileSeen *seen)
{
  guint microphone;

  g_object_get (sound, "microphone", &microphone, NULL);
  /* Nobody has allowed it. */
  g_assert_cmpuint (microphone, !=, LODGE_MICROPHONE_LIVE);
  if (microphone == LODGE_MICROPHONE_WITHHELD)
    seen->recorded++;
}

/* What a user does meanwhile. */
static void
use (LodgeConsoleSession *session, guint turn)
{
  lodge_console_session_key (session, 30, turn % 2 == 0);
  lodge_console_session_position (session, turn, turn);
  lodge_console_session_button (session, LODGE_BUTTON_LEFT, turn % 2 == 0);
  lodge_console_session_wheel (session, 1);
  lodge_console_session_sync_locks (session, turn);
  lodge_console_session_resize (session, 640 + turn, 480);
}

/* ---- one session */

static void
available_cb (LodgeConsoleFiles *files, GParamSpec *pspec, GFile *file)
{
  GSList only = {.data = file};

  if (!lodge_console_files_get_available (files))
    return;
  g_signal_handlers_disconnect_by_func (files, available_cb, file);
  lodge_console_files_send (files, &only, NULL);
}

void
hostile_session_prepare (LodgeConsoleSession *session,
                         HostileKind kind,
                         LodgeSound *sound,
                         const char *file)
{
  LodgeConsoleFiles *files = lodge_console_session_get_files (session);

  lodge_console_clipboard_set_ways (lodge_console_session_get_clipboard (session),
                                    LODGE_CLIPBOARD_WAY_TO_GUEST | LODGE_CLIPBOARD_WAY_TO_HOST);
  if (kind == HOSTILE_SOUND)
    lodge_console_session_set_sound (session, sound);
  if (kind == HOSTILE_SHARING) {
    lodge_console_files_set_enabled (files, TRUE);
    g_signal_connect_data (files, "notify::available", G_CALLBACK (available_cb),
                           g_file_new_for_path (file),
                           (GClosureNotify) (void (*) (void)) g_object_unref, 0);
  }
}

void
hostile_session_run (
    SpiceRecording *recording, HostileKind kind, guint32 seed, const char *file, HostileSeen *seen)
{
  SpicePlayer *player = spice_player_new (recording, seed);
  LodgeConsoleSession *session = lodge_console_session_new_for_open (spice_player_open, player);
  LodgeFrameSource *source = lodge_console_session_get_source (session);
  LodgeConsoleFiles *files = lodge_console_session_get_files (session);
  g_autoptr (LodgeSound) sound = lodge_sound_new ();

  *seen = (HostileSeen){0};
  n_read = 0;
  hostile_session_prepare (session, kind, sound, file);
  g_signal_connect (sound, "played", G_CALLBACK (played_cb), seen);
  g_signal_connect (sound, "notify::microphone", G_CALLBACK (microphone_cb), seen);
  g_signal_connect (session, "disconnected", G_CALLBACK (ended_cb), seen);
  g_signal_connect (source, "frame-changed", G_CALLBACK (frame_cb), seen);
  g_signal_connect (source, "damage", G_CALLBACK (read_frame), seen);
  g_signal_connect (source, "cursor-changed", G_CALLBACK (cursor_cb), seen);
  g_signal_connect (files, "copied", G_CALLBACK (copied_cb), seen);
  g_signal_connect (lodge_console_session_get_clipboard (session), "offered",
                    G_CALLBACK (offered_cb), NULL);
  lodge_console_session_open (session);
  for (guint turn = 0; !seen->ended; turn++) {
    g_main_context_iteration (NULL, TRUE);
    seen->read = n_read;
    if (turn % 16 == 0)
      use (session, turn);
    if (hostile_seen_is_enough (kind, seen))
      spice_player_end (player);
  }
  g_signal_handlers_disconnect_by_data (source, seen);
  g_signal_handlers_disconnect_by_data (files, seen);
  g_signal_handlers_disconnect_by_data (sound, seen);
  g_object_unref (session);
  spice_player_free (player);
}

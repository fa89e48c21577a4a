/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See recorder-fixture.h. */
#include "recorder-fixture.h"

#include "test-folder.h"
#include "test-wait.h"

static gboolean
is_shown (gpointer data)
{
  RecorderFixture *self = data;
  LodgeFrame frame;
  gboolean connected = FALSE, absolute = FALSE;

  lodge_frame_source_get_frame (lodge_console_session_get_source (self->session), &frame);
  g_object_get (self->session, "connected", &connected, "pointer-absolute", &absolute, NULL);
  return frame.data != NULL && connected && absolute;
}

void
recorder_fixture_set_up (RecorderFixture *self, int width, int height)
{
  g_setenv ("PULSE_SERVER", "unix:/nonexistent", TRUE);
  *self = (RecorderFixture){.server = spice_fixture_new (width, height, TRUE)};
  self->card = spice_fixture_sound_new (self->server);
  self->sound = lodge_sound_new ();
  self->session = lodge_console_session_new_for_open (spice_fixture_open, self->server);
  lodge_console_session_set_sound (self->session, self->sound);
  lodge_console_session_open (self->session);
  self->folder = g_dir_make_tmp ("lodge-record-XXXXXX", NULL);
  g_assert_true (spice_fixture_wait (is_shown, self));
}

void
recorder_fixture_tear_down (RecorderFixture *self)
{
  /* Kept by the end of its file for a moment. */
  if (self->recorder != NULL)
    test_wait_unref (self->recorder);
  g_assert_finalize_object (self->session);
  g_assert_finalize_object (self->sound);
  spice_fixture_settle ();
  spice_fixture_sound_free (self->card);
  spice_fixture_free (self->server);
  test_folder_remove (self->folder);
  g_clear_error (&self->error);
  g_free (self->folder);
  g_free (self->path);
}

static void
ended_cb (LodgeRecorder *recorder, const GError *error, RecorderFixture *self)
{
  self->ended++;
  self->error = error != NULL ? g_error_copy (error) : NULL;
}

void
recorder_fixture_begin (RecorderFixture *self)
{
  g_autoptr (GError) error = NULL;

  self->recorder =
      lodge_recorder_new (self->folder, "web", lodge_console_session_get_source (self->session),
                          &self->reader, self->sound, &error);
  g_assert_no_error (error);
  g_assert_nonnull (self->recorder);
  g_signal_connect (self->recorder, "ended", G_CALLBACK (ended_cb), self);
  self->path = g_file_get_path (lodge_recorder_get_file (self->recorder));
}

static gboolean
has_ended (gpointer data)
{
  return ((RecorderFixture *) data)->ended > 0;
}

void
recorder_fixture_wait_ended (RecorderFixture *self)
{
  g_assert_true (spice_fixture_wait (has_ended, self));
  g_assert_cmpuint (self->ended, ==, 1);
}

Recording *
recorder_fixture_end (RecorderFixture *self)
{
  lodge_recorder_stop (self->recorder);
  g_assert_cmpuint (self->ended, ==, 0);
  recorder_fixture_wait_ended (self);
  g_assert_no_error (self->error);
  return recording_read (self->path);
}

typedef struct {
  RecorderFixture *fixture;
  gint64 value;
  LodgeFrame *frame;
} Wait;

static gboolean
is_colored (gpointer data)
{
  Wait *wait = data;
  LodgeFrame frame;

  lodge_frame_source_get_frame (lodge_console_session_get_source (wait->fixture->session), &frame);
  if (frame.data == NULL)
    return FALSE;
  const guint32 *last =
      (const guint32 *) (const void *) (frame.data + (gsize) (frame.height - 1) * frame.stride);
  return (last[frame.width - 1] & 0xffffff) == wait->value;
}

static gboolean
is_taken (gpointer data)
{
  Wait *wait = data;

  return !wait->fixture->recorder->dirty && wait->fixture->recorder->shown_us >= wait->value;
}

gint64
recorder_fixture_settle (RecorderFixture *self)
{
  Wait wait = {self};

  /* What the server was told is on its way; a recording never settles. */
  spice_fixture_run_for (150);
  wait.value = lodge_recorder_get_time_us (self->recorder);
  g_assert_true (spice_fixture_wait (is_taken, &wait));
  return self->recorder->shown_us;
}

static gboolean
has_frame (gpointer data)
{
  LodgeFrame *frame = ((Wait *) data)->frame;

  lodge_frame_source_get_frame (
      lodge_console_session_get_source (((Wait *) data)->fixture->session), frame);
  return frame->width > 0;
}

void
recorder_fixture_wait_color (RecorderFixture *self, guint32 rgb)
{
  Wait wait = {self, rgb};

  g_assert_true (spice_fixture_wait (is_colored, &wait));
}

gint64
recorder_fixture_fill (RecorderFixture *self, guint32 rgb)
{
  LodgeFrame frame;
  Wait wait = {self, rgb, &frame};

  /* One that connects again has none at first. */
  g_assert_true (spice_fixture_wait (has_frame, &wait));
  spice_fixture_fill (self->server, 0, 0, frame.width, frame.height, rgb);
  recorder_fixture_wait_color (self, rgb);
  return recorder_fixture_settle (self);
}

static gboolean
is_long (gpointer data)
{
  Wait *wait = data;

  return lodge_recorder_get_length_ms (wait->fixture->recorder) >= wait->value;
}

void
recorder_fixture_wait_length (RecorderFixture *self, gint64 length_ms)
{
  Wait wait = {self, length_ms};

  g_assert_true (spice_fixture_wait (is_long, &wait));
}

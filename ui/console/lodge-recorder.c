/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording's life.
 *
 *             stop()                  all is written
 *   running ----------> ending ------------------------+
 *      |                   |                           v
 *      +-------------------+--- something failed --> closing --> ended
 *
 * running  pictures and samples go in
 * ending   nothing goes in any more; the encoders finish what they have
 * closing  a thread waits for those of GStreamer: one may be in the middle of a large picture
 * ended    the file is nobody's
 */
#include "console/lodge-recorder-private.h"

#include "console/lodge-saved-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"

#include <glib/gi18n-lib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING ".webm"

/* A handful of pictures, the largest of them, on a computer that is busy. */
#define END_LIMIT_MS 30000

G_DEFINE_FINAL_TYPE (LodgeRecorder, lodge_recorder, G_TYPE_OBJECT)

enum { ENDED, N_SIGNALS };
static guint signals[N_SIGNALS];

/* ---- the clock */

gint64
lodge_recorder_get_time_us (LodgeRecorder *self)
{
  return (self->paused_us != 0 ? self->paused_us : g_get_monotonic_time ()) - self->begin_us;
}

gboolean
lodge_recorder_is_running (LodgeRecorder *self)
{
  return self->pipeline != NULL && !self->ending;
}

void
lodge_recorder_set_paused (LodgeRecorder *self, gboolean paused)
{
  g_return_if_fail (LODGE_IS_RECORDER (self));

  if (!lodge_recorder_is_running (self) || (self->paused_us != 0) == paused)
    return;
  if (paused) {
    self->paused_us = g_get_monotonic_time ();
  } else {
    self->begin_us += g_get_monotonic_time () - self->paused_us;
    self->paused_us = 0;
  }
}

gint64
lodge_recorder_get_length_ms (LodgeRecorder *self)
{
  g_return_val_if_fail (LODGE_IS_RECORDER (self), 0);
  return lodge_recorder_get_time_us (self) / 1000;
}

GFile *
lodge_recorder_get_file (LodgeRecorder *self)
{
  g_return_val_if_fail (LODGE_IS_RECORDER (self), NULL);
  return self->file;
}

/* ---- the end */

static void
close_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const char *path = g_file_peek_path (LODGE_RECORDER (source)->file);
  struct stat about;

  gst_element_set_state (data, GST_STATE_NULL);
  /* Nothing was recorded. */
  if (stat (path, &about) == 0 && about.st_size == 0)
    unlink (path);
  g_task_return_boolean (task, TRUE);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeRecorder *self = LODGE_RECORDER (source);
  g_autoptr (GError) error = user_data;

  g_signal_emit (self, signals[ENDED], 0, error);
}

static void
stop_taking (LodgeRecorder *self)
{
  if (self->ending)
    return;
  /* Where it was not stopped, but broke. */
  if (self->paused_us == 0)
    self->paused_us = g_get_monotonic_time ();
  self->ending = TRUE;
  lodge_recorder_disconnect_picture (self);
  g_clear_object (&self->source);
  self->reader = (LodgeRecorderReader){0};
  lodge_recorder_clear_sound (self);
}

/* Consumes @error. The task keeps this object until then. */
static void
close_file (LodgeRecorder *self, GError *error)
{
  g_autoptr (GTask) task = NULL;

  if (self->bus_id == 0) {
    g_clear_error (&error);
    return;
  }
  g_clear_handle_id (&self->bus_id, g_source_remove);
  g_clear_handle_id (&self->end_id, g_source_remove);
  stop_taking (self);
  lodge_recorder_clear_pictures (self);
  task = g_task_new (self, NULL, closed_cb, error);
  g_task_set_source_tag (task, close_file);
  g_task_set_task_data (task, gst_object_ref (self->pipeline), gst_object_unref);
  lodge_task_run_in_thread (task, close_thread);
}

static gboolean
late_cb (gpointer user_data)
{
  LodgeRecorder *self = user_data;

  self->end_id = 0;
  close_file (self, g_error_new (LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                                 _ ("The end of %s could not be written in time: it plays up to "
                                    "there."),
                                 g_file_peek_path (self->file)));
  return G_SOURCE_REMOVE;
}

void
lodge_recorder_stop (LodgeRecorder *self)
{
  g_return_if_fail (LODGE_IS_RECORDER (self));

  if (!lodge_recorder_is_running (self))
    return;
  const gboolean paused = self->paused_us != 0;
  /* Picture and sound end at the same moment, however long it takes to write them. */
  if (!paused)
    self->paused_us = g_get_monotonic_time ();
  lodge_recorder_end_pictures (self, !paused);
  lodge_recorder_end_sound (self);
  stop_taking (self);
  gst_app_src_end_of_stream (self->pictures);
  gst_app_src_end_of_stream (self->sounds);
  self->end_id = g_timeout_add (self->end_limit_ms, late_cb, self);
}

/* ---- what GStreamer says */

static GError *
make_error (LodgeRecorder *self, const GError *reason)
{
  const char *path = g_file_peek_path (self->file);

  if (g_error_matches (reason, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT))
    return g_error_new (
        G_IO_ERROR, G_IO_ERROR_NO_SPACE,
        _ ("There is no room left for %s: the recording ends here, and plays up to this point."),
        path);
  if (reason->domain == GST_RESOURCE_ERROR)
    return g_error_new (
        G_IO_ERROR, G_IO_ERROR_FAILED,
        _ ("%s could not be written any further: the recording ends here, and plays up to this "
           "point."),
        path);
  /* Translators: the second %s is GStreamer's own sentence. */
  return g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Recording to %s failed: %s"), path,
                      reason->message);
}

static gboolean
bus_cb (GstBus *bus, GstMessage *message, gpointer user_data)
{
  LodgeRecorder *self = user_data;
  g_autoptr (GError) reason = NULL;
  g_autofree char *details = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS) {
    close_file (self, NULL);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &reason, &details);
    g_debug ("recording: %s (%s)", reason->message, details);
    close_file (self, make_error (self, reason));
  }
  return G_SOURCE_CONTINUE;
}

/* ---- the beginning */

static gboolean
begin (LodgeRecorder *self, const char *folder, const char *stem, GError **error)
{
  g_autoptr (GFileOutputStream) stream = NULL;

  if (!lodge_recorder_check (error))
    return FALSE;
  stream = lodge_saved_file_create (folder, stem, ENDING, &self->file, error);
  /* Only its name is wanted. */
  if (stream == NULL || !g_output_stream_close (G_OUTPUT_STREAM (stream), NULL, error))
    return FALSE;
  if (!lodge_recorder_make_pipeline (self, g_file_peek_path (self->file), error)) {
    g_file_delete (self->file, NULL, NULL);
    return FALSE;
  }

  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);
  self->bus_id = gst_bus_add_watch (bus, bus_cb, self);
  self->begin_us = g_get_monotonic_time ();
  lodge_recorder_begin_pictures (self);
  lodge_recorder_begin_sound (self);
  lodge_recorder_connect_picture (self);
  /* What goes wrong with this is told by the bus as well. */
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  return TRUE;
}

LodgeRecorder *
lodge_recorder_new (const char *folder,
                    const char *stem,
                    LodgeFrameSource *source,
                    const LodgeRecorderReader *reader,
                    LodgeSound *sound,
                    GError **error)
{
  g_autoptr (LodgeRecorder) self = g_object_new (LODGE_TYPE_RECORDER, NULL);

  g_return_val_if_fail (LODGE_IS_SOUND (sound), NULL);

  self->sound = g_object_ref (sound);
  if (reader != NULL)
    self->reader = *reader;
  g_set_object (&self->source, source);
  return begin (self, folder, stem, error) ? g_steal_pointer (&self) : NULL;
}

void
lodge_recorder_set_source (LodgeRecorder *self, LodgeFrameSource *source)
{
  g_return_if_fail (LODGE_IS_RECORDER (self));

  if (!lodge_recorder_is_running (self) || self->source == source)
    return;
  lodge_recorder_disconnect_picture (self);
  g_set_object (&self->source, source);
  lodge_recorder_connect_picture (self);
}

/* ---- type */

static void
lodge_recorder_dispose (GObject *object)
{
  LodgeRecorder *self = LODGE_RECORDER (object);

  g_clear_handle_id (&self->bus_id, g_source_remove);
  g_clear_handle_id (&self->end_id, g_source_remove);
  lodge_recorder_disconnect_picture (self);
  lodge_recorder_clear_sound (self);
  lodge_recorder_clear_pictures (self);
  if (self->pipeline != NULL)
    gst_element_set_state (self->pipeline, GST_STATE_NULL);
  g_clear_object (&self->pictures);
  g_clear_object (&self->sounds);
  g_clear_object (&self->pipeline);
  g_clear_object (&self->source);
  g_clear_object (&self->sound);
  g_clear_object (&self->file);
  G_OBJECT_CLASS (lodge_recorder_parent_class)->dispose (object);
}

static void
lodge_recorder_class_init (LodgeRecorderClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_recorder_dispose;
  signals[ENDED] = g_signal_new ("ended", LODGE_TYPE_RECORDER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
lodge_recorder_init (LodgeRecorder *self)
{
  self->end_limit_ms = END_LIMIT_MS;
}

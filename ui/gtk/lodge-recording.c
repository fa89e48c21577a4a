/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One window's recording of what it shows. */
#include "gtk/lodge-recording.h"

#include "console/lodge-saved-file.h"
#include "gtk/lodge-scanout-copy.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

/* The time is shown in seconds, and none is left out. */
#define TICK_MS 200

struct _LodgeRecording {
  LodgeRecordingParts parts;
  LodgeRecorder *recorder; /* NULL: nothing is recorded */
  gboolean ending;
  guint tick_id;
  LodgeScanoutCopy copy; /* the last picture that a graphics card had */
};

/* ---- what is seen of it */

static void
show_time (LodgeRecording *self)
{
  const gint64 seconds = lodge_recorder_get_length_ms (self->recorder) / 1000;
  g_autofree char *time =
      seconds < 3600 ? g_strdup_printf ("%d:%02d", (int) (seconds / 60), (int) (seconds % 60))
                     : g_strdup_printf ("%d:%02d:%02d", (int) (seconds / 3600),
                                        (int) (seconds / 60 % 60), (int) (seconds % 60));

  if (g_str_equal (time, gtk_label_get_text (self->parts.pill_time)))
    return;
  gtk_label_set_text (self->parts.pill_time, time);
  if (self->parts.time != NULL)
    gtk_label_set_text (self->parts.time, time);
}

static gboolean
tick_cb (gpointer user_data)
{
  show_time (user_data);
  return G_SOURCE_CONTINUE;
}

void
lodge_recording_show (LodgeRecording *self)
{
  const gboolean there = self->recorder != NULL;

  if (self->parts.button != NULL)
    gtk_widget_set_visible (self->parts.button, there);
  gtk_widget_set_visible (self->parts.pill,
                          there && self->parts.hides_header (self->parts.user_data));
}

static void
changed (LodgeRecording *self)
{
  lodge_recording_show (self);
  self->parts.changed (self->parts.user_data);
}

/* ---- the end */

/* Lent; NULL: there is nothing in it. */
static GFile *
get_file (LodgeRecorder *recorder, const GError *error)
{
  GFile *file = lodge_recorder_get_file (recorder);

  return error == NULL || g_file_query_exists (file, NULL) ? file : NULL;
}

static void
ended_cb (LodgeRecorder *recorder, const GError *error, LodgeRecording *self)
{
  g_autoptr (LodgeRecorder) owned = g_steal_pointer (&self->recorder);
  const LodgeRecordingParts parts = self->parts;

  g_signal_handlers_disconnect_by_data (owned, self);
  g_clear_handle_id (&self->tick_id, g_source_remove);
  lodge_scanout_copy_clear (&self->copy);
  self->ending = FALSE;
  changed (self);
  parts.ended (parts.owner, parts.user_data, get_file (owned, error), error);
}

void
lodge_recording_stop (LodgeRecording *self)
{
  if (!lodge_recording_goes_on (self))
    return;
  self->ending = TRUE;
  g_clear_handle_id (&self->tick_id, g_source_remove);
  lodge_recorder_stop (self->recorder);
  changed (self);
}

/* ---- the window has gone, and the file is not complete */

typedef struct {
  GApplication *application; /* held; NULL in a program without one */
  GWeakRef owner;
  void (*ended) (GObject *owner, gpointer user_data, GFile *file, const GError *error);
} Rest;

static void
completed_cb (LodgeRecorder *recorder, const GError *error, Rest *rest)
{
  g_autoptr (GObject) owner = g_weak_ref_get (&rest->owner);

  g_signal_handlers_disconnect_by_data (recorder, rest);
  if (owner != NULL)
    rest->ended (owner, NULL, get_file (recorder, error), error);
  if (rest->application != NULL) {
    g_application_release (rest->application);
    g_object_unref (rest->application);
  }
  g_weak_ref_clear (&rest->owner);
  g_free (rest);
  g_object_unref (recorder);
}

/* Consumes @recorder. */
static void
complete (LodgeRecorder *recorder, const LodgeRecordingParts *parts)
{
  GApplication *application = g_application_get_default ();
  Rest *rest = g_new0 (Rest, 1);

  if (application != NULL) {
    rest->application = g_object_ref (application);
    g_application_hold (application);
  }
  g_weak_ref_init (&rest->owner, parts->owner);
  rest->ended = parts->ended;
  g_signal_connect (recorder, "ended", G_CALLBACK (completed_cb), rest);
  lodge_recorder_stop (recorder);
}

/* ---- the beginning */

static gboolean
read_scanout (gpointer user_data, LodgeFrame *out_frame)
{
  LodgeRecording *self = user_data;

  return lodge_scanout_copy_take (&self->copy, self->parts.display, out_frame);
}

gboolean
lodge_recording_begin (LodgeRecording *self,
                       const char *what,
                       LodgeFrameSource *source,
                       LodgeSound *sound,
                       GError **error)
{
  g_autofree char *folder = lodge_saved_file_dup_folder (G_USER_DIRECTORY_VIDEOS, _ ("Videos"));
  g_autofree char *stem = lodge_saved_file_dup_stem (what);
  const LodgeRecorderReader reader = {read_scanout, self};

  g_return_val_if_fail (self->recorder == NULL, FALSE);

  /* The window says why. */
  if (lodge_display_get_problem (self->parts.display) != NULL) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_HOST,
                         _ ("Only what is shown can be recorded, and the guest’s picture is not: "
                            "switch 3D acceleration off, and start the guest again."));
    return FALSE;
  }
  self->recorder = lodge_recorder_new (folder, stem, source, &reader, sound, error);
  if (self->recorder == NULL)
    return FALSE;
  g_signal_connect (self->recorder, "ended", G_CALLBACK (ended_cb), self);
  self->tick_id = g_timeout_add (TICK_MS, tick_cb, self);
  show_time (self);
  changed (self);
  return TRUE;
}

void
lodge_recording_follow (LodgeRecording *self, LodgeFrameSource *source, gboolean paused)
{
  if (!lodge_recording_goes_on (self))
    return;
  lodge_recorder_set_source (self->recorder, source);
  lodge_recorder_set_paused (self->recorder, paused);
}

gboolean
lodge_recording_is_there (LodgeRecording *self)
{
  return self->recorder != NULL;
}

gboolean
lodge_recording_goes_on (LodgeRecording *self)
{
  return self->recorder != NULL && !self->ending;
}

LodgeRecording *
lodge_recording_new (const LodgeRecordingParts *parts)
{
  LodgeRecording *self = g_new0 (LodgeRecording, 1);

  self->parts = *parts;
  return self;
}

void
lodge_recording_free (LodgeRecording *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->tick_id, g_source_remove);
  if (self->recorder != NULL) {
    g_signal_handlers_disconnect_by_data (self->recorder, self);
    complete (g_steal_pointer (&self->recorder), &self->parts);
  }
  lodge_scanout_copy_clear (&self->copy);
  g_free (self);
}

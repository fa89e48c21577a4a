/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's recording: the menu's entry, a red button with the time while it goes on,
 * and what is said of the file.
 *
 * It goes on while the connection to the screen is made again, and stands still with the guest. It
 * ends with the machine, when somebody else shows the console, and when the window is closed; this
 * process stays until the file is complete.
 */
#include "gtk/lodge-console-window-private.h"

#include "console/lodge-recorder.h"
#include "console/lodge-saved-file.h"
#include "gtk/lodge-message.h"

#include <glib/gi18n-lib.h>

/* Where the menu has it: below the screenshot. */
#define MENU_PLACE 1
/* The time is shown in seconds, and none is left out. */
#define TICK_MS 200

struct _LodgeConsoleRecord {
  LodgeRecorder *recorder; /* NULL: nothing is recorded */
  gboolean ending;
  guint tick_id;
  char *taken; /* what was recorded when somebody else took the console, while that is so */
};

static void
show_time (LodgeConsoleWindow *self)
{
  const gint64 seconds = lodge_recorder_get_length_ms (self->record->recorder) / 1000;
  g_autofree char *time =
      seconds < 3600 ? g_strdup_printf ("%d:%02d", (int) (seconds / 60), (int) (seconds % 60))
                     : g_strdup_printf ("%d:%02d:%02d", (int) (seconds / 3600),
                                        (int) (seconds / 60 % 60), (int) (seconds % 60));

  if (g_str_equal (time, gtk_label_get_text (self->record_time)))
    return;
  gtk_label_set_text (self->record_time, time);
  gtk_label_set_text (self->record_pill_time, time);
}

static gboolean
tick_cb (gpointer user_data)
{
  show_time (user_data);
  return G_SOURCE_CONTINUE;
}

static void
set_menu (LodgeConsoleWindow *self, gboolean recording)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (
      recording ? _ ("Stop _Recording") : _ ("_Record the Screen"), "console.record");

  g_menu_item_set_attribute (item, "accel", "s", "<Control><Shift>Print");
  g_menu_remove (self->picture_menu, MENU_PLACE);
  g_menu_insert_item (self->picture_menu, MENU_PLACE, item);
}

static void
show_buttons (LodgeConsoleWindow *self)
{
  const gboolean recording = self->record->recorder != NULL;

  gtk_widget_set_visible (self->record_button, recording);
  gtk_widget_set_visible (self->record_pill,
                          recording && lodge_console_fullscreen_hides_header (self));
}

/* ---- the end */

/* Nobody here asked for that end: the page says it for as long as it is shown. */
static void
remember_taken (LodgeConsoleWindow *self, GFile *file)
{
  if (lodge_console_machine_get_phase (self->machine) != LODGE_CONSOLE_ELSEWHERE)
    return;
  g_free (self->record->taken);
  self->record->taken = g_file_get_parse_name (file);
  lodge_console_window_update (self);
}

gboolean
lodge_console_record_is_recording (LodgeConsoleWindow *self)
{
  return self->record != NULL && self->record->recorder != NULL && !self->record->ending;
}

char *
lodge_console_record_dup_taken (LodgeConsoleWindow *self)
{
  if (self->record->taken != NULL)
    /* Translators: %s is the path of a file. */
    return g_strdup_printf (_ ("That ended the recording, which was saved as %s."),
                            self->record->taken);
  return self->record->recorder != NULL
             ? g_strdup (_ ("That ended the recording, which is being saved."))
             : NULL;
}

static void
ended_cb (LodgeRecorder *recorder, const GError *error, LodgeConsoleWindow *self)
{
  g_signal_handlers_disconnect_by_data (recorder, self);
  self->record->recorder = NULL;
  g_clear_handle_id (&self->record->tick_id, g_source_remove);
  self->record->ending = FALSE;
  set_menu (self, FALSE);
  show_buttons (self);
  lodge_console_record_update (self);
  if (error == NULL || g_file_query_exists (lodge_recorder_get_file (recorder), NULL)) {
    lodge_console_saved_say (self, _ ("Recording saved"), lodge_recorder_get_file (recorder), TRUE);
    remember_taken (self, lodge_recorder_get_file (recorder));
  }
  if (error != NULL)
    lodge_message_show_error (GTK_WINDOW (self), _ ("The Recording Has Ended"), error);
  g_object_unref (recorder);
}

static void
stop (LodgeConsoleWindow *self)
{
  self->record->ending = TRUE;
  g_clear_handle_id (&self->record->tick_id, g_source_remove);
  lodge_recorder_stop (self->record->recorder);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "console.record", FALSE);
}

/* ---- the window has gone, and the file is not complete */

static void
completed_cb (LodgeRecorder *recorder, const GError *error, GApplication *application)
{
  g_signal_handlers_disconnect_by_func (recorder, completed_cb, application);
  if (application != NULL) {
    g_application_release (application);
    g_object_unref (application);
  }
  g_object_unref (recorder);
}

/* Consumes @recorder. */
static void
complete (LodgeRecorder *recorder)
{
  GApplication *application = g_application_get_default ();

  if (application != NULL) {
    g_object_ref (application);
    g_application_hold (application);
  }
  g_signal_connect (recorder, "ended", G_CALLBACK (completed_cb), application);
  lodge_recorder_stop (recorder);
}

/* ---- the beginning */

static LodgeFrameSource *
get_source (LodgeConsoleWindow *self)
{
  LodgeConsoleSession *session = lodge_console_machine_get_session (self->machine);

  return session != NULL ? lodge_console_session_get_source (session) : NULL;
}

static void
begin (LodgeConsoleWindow *self)
{
  g_autofree char *folder = lodge_saved_file_dup_folder (G_USER_DIRECTORY_VIDEOS, _ ("Videos"));
  g_autofree char *stem =
      lodge_saved_file_dup_stem (lodge_console_machine_get_name (self->machine));
  g_autoptr (GError) error = NULL;

  self->record->recorder = lodge_recorder_new (
      folder, stem, get_source (self), lodge_console_machine_get_sound (self->machine), &error);
  if (self->record->recorder == NULL) {
    lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Record the Screen"), error);
    return;
  }
  g_signal_connect (self->record->recorder, "ended", G_CALLBACK (ended_cb), self);
  self->record->tick_id = g_timeout_add (TICK_MS, tick_cb, self);
  show_time (self);
  set_menu (self, TRUE);
  show_buttons (self);
  lodge_console_record_update (self);
}

static void
record_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeConsoleWindow *self = LODGE_CONSOLE_WINDOW (widget);

  if (self->record->recorder == NULL)
    begin (self);
  else if (!self->record->ending)
    stop (self);
}

/* ---- following the machine */

void
lodge_console_record_update (LodgeConsoleWindow *self)
{
  const LodgeConsolePhase phase = lodge_console_machine_get_phase (self->machine);
  LodgeRecorder *recorder = self->record->recorder;

  if (phase == LODGE_CONSOLE_SHOWN)
    g_clear_pointer (&self->record->taken, g_free);
  if (recorder != NULL && !self->record->ending) {
    lodge_recorder_set_source (recorder, get_source (self));
    lodge_recorder_set_paused (recorder, lodge_console_machine_get_state (self->machine) ==
                                             LODGE_MACHINE_STATE_PAUSED);
    if (phase == LODGE_CONSOLE_OFF || phase == LODGE_CONSOLE_SUSPENDED ||
        phase == LODGE_CONSOLE_CRASHED || phase == LODGE_CONSOLE_ELSEWHERE ||
        phase == LODGE_CONSOLE_PROBLEM || phase == LODGE_CONSOLE_GONE)
      stop (self);
  }
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "console.record",
                                 recorder != NULL ? !self->record->ending
                                                  : phase == LODGE_CONSOLE_SHOWN);
}

void
lodge_console_record_class_init (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, picture_menu);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, record_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, record_time);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, record_pill);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, record_pill_time);
  gtk_widget_class_install_action (widget_class, "console.record", NULL, record_action);
}

void
lodge_console_record_init (LodgeConsoleWindow *self)
{
  self->record = g_new0 (LodgeConsoleRecord, 1);
  g_signal_connect (self, "notify::fullscreened", G_CALLBACK (show_buttons), NULL);
  g_signal_connect_object (self->bar, "notify::reveal-child", G_CALLBACK (show_buttons), self,
                           G_CONNECT_SWAPPED);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "console.record", FALSE);
}

void
lodge_console_record_clear (LodgeConsoleWindow *self)
{
  LodgeConsoleRecord *record = g_steal_pointer (&self->record);

  if (record == NULL)
    return;
  g_signal_handlers_disconnect_by_func (self, show_buttons, NULL);
  g_signal_handlers_disconnect_by_func (self->bar, show_buttons, self);
  g_clear_handle_id (&record->tick_id, g_source_remove);
  if (record->recorder != NULL) {
    g_signal_handlers_disconnect_by_data (record->recorder, self);
    complete (record->recorder);
  }
  g_free (record->taken);
  g_free (record);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's recording: the menu's entry, a red button with the time while it goes on,
 * and what is said of the file.
 *
 * It goes on while the connection to the screen is made again, and stands still with the guest. It
 * ends with the machine, when somebody else shows the console, and when the window is closed.
 */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-recording.h"
#include "gtk/lodge-saved-toast.h"

#include <glib/gi18n-lib.h>

/* Where the menu has it: below the screenshot. */
#define MENU_PLACE 1

struct _LodgeConsoleRecord {
  LodgeRecording *recording;
  char *taken; /* what was recorded when somebody else took the console, while that is so */
};

static void
set_menu (LodgeConsoleWindow *self, gboolean recording)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (
      recording ? _ ("Stop _Recording") : _ ("_Record the Screen"), "console.record");

  g_menu_item_set_attribute (item, "accel", "s", "<Control><Shift>Print");
  g_menu_remove (self->picture_menu, MENU_PLACE);
  g_menu_insert_item (self->picture_menu, MENU_PLACE, item);
}

static gboolean
hides_header (gpointer user_data)
{
  return lodge_console_fullscreen_hides_header (user_data);
}

static void
show_buttons (LodgeConsoleWindow *self)
{
  lodge_recording_show (self->record->recording);
}

static void
recording_changed (gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;

  set_menu (self, lodge_recording_is_there (self->record->recording));
  lodge_console_record_update (self);
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
  return self->record != NULL && lodge_recording_goes_on (self->record->recording);
}

char *
lodge_console_record_dup_taken (LodgeConsoleWindow *self)
{
  if (self->record->taken != NULL)
    /* Translators: %s is the path of a file. */
    return g_strdup_printf (_ ("That ended the recording, which was saved as %s."),
                            self->record->taken);
  return lodge_recording_is_there (self->record->recording)
             ? g_strdup (_ ("That ended the recording, which is being saved."))
             : NULL;
}

void
lodge_console_record_say_ended (LodgeConsoleWindow *self, GFile *file, const GError *error)
{
  if (!lodge_console_window_is_open (self))
    return;
  if (file != NULL)
    lodge_saved_toast_say (self->toasts, &self->saved_toast, _ ("Recording saved"), file, TRUE);
  if (error != NULL)
    lodge_message_show_error (GTK_WINDOW (self), _ ("The Recording Has Ended"), error);
}

static void
ended (GObject *owner, gpointer window, GFile *file, const GError *error)
{
  LodgeConsoleWindow *self = LODGE_CONSOLE_WINDOW (owner);

  lodge_console_record_say_ended (self, file, error);
  if (file != NULL && lodge_console_window_is_open (self))
    remember_taken (self, file);
}

/* ---- the beginning */

static LodgeFrameSource *
get_source (LodgeConsoleWindow *self)
{
  LodgeConsoleSession *session = lodge_console_machine_get_session (self->machine);

  return session != NULL ? lodge_console_session_get_source (session) : NULL;
}

static void
record_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeConsoleWindow *self = LODGE_CONSOLE_WINDOW (widget);
  LodgeRecording *recording = self->record->recording;
  g_autoptr (GError) error = NULL;

  if (lodge_recording_is_there (recording))
    lodge_recording_stop (recording);
  else if (!lodge_recording_begin (recording, lodge_console_machine_get_name (self->machine),
                                   get_source (self),
                                   lodge_console_machine_get_sound (self->machine), &error))
    lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Record the Screen"), error);
}

/* ---- following the machine */

void
lodge_console_record_update (LodgeConsoleWindow *self)
{
  const LodgeConsolePhase phase = lodge_console_machine_get_phase (self->machine);
  LodgeRecording *recording = self->record->recording;

  if (phase == LODGE_CONSOLE_SHOWN)
    g_clear_pointer (&self->record->taken, g_free);
  lodge_recording_follow (recording, get_source (self),
                          lodge_console_machine_get_state (self->machine) ==
                              LODGE_MACHINE_STATE_PAUSED);
  if (phase == LODGE_CONSOLE_OFF || phase == LODGE_CONSOLE_SUSPENDED ||
      phase == LODGE_CONSOLE_CRASHED || phase == LODGE_CONSOLE_ELSEWHERE ||
      phase == LODGE_CONSOLE_PROBLEM || phase == LODGE_CONSOLE_GONE)
    lodge_recording_stop (recording);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "console.record",
                                 lodge_recording_is_there (recording)
                                     ? lodge_recording_goes_on (recording)
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
  const LodgeRecordingParts parts = {
      .button = self->record_button,
      .time = self->record_time,
      .pill = self->record_pill,
      .pill_time = self->record_pill_time,
      .display = self->display,
      .hides_header = hides_header,
      .changed = recording_changed,
      .user_data = self,
      .ended = ended,
      .owner = G_OBJECT (self),
  };

  self->record = g_new0 (LodgeConsoleRecord, 1);
  self->record->recording = lodge_recording_new (&parts);
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
  lodge_recording_free (record->recording);
  g_free (record->taken);
  g_free (record);
}

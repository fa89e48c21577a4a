/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One guest's window. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-menu-tooltip.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-saved-toast.h"
#include "gtk/lodge-settings.h"

#include <glib/gi18n-lib.h>

G_DEFINE_FINAL_TYPE (LodgeConsoleWindow, lodge_console_window, ADW_TYPE_APPLICATION_WINDOW)

#define CLOSING_EXPLAINED "closing-explained"
/* Below this there is no room for the icon of a status page. */
#define LOW_HEIGHT 400

/* A page with a sentence and one thing to do about it; the phases not named have none. */
typedef struct {
  LodgeConsolePhase phase;
  const char *icon;
  const char *title;
  const char *button;
  const char *action;
} StatusRow;

static const StatusRow statuses[] = {
    {LODGE_CONSOLE_OFF, "lodge-off-symbolic", N_ ("The Machine Is Off"), N_ ("_Start"),
     "console.start"},
    {LODGE_CONSOLE_TEMPLATE, "edit-copy-symbolic", N_ ("The Machine Is a Template"), N_ ("_Close"),
     "window.close"},
    {LODGE_CONSOLE_SUSPENDED, "lodge-suspended-symbolic", N_ ("The Machine Is Suspended"),
     N_ ("_Resume"), "console.start"},
    {LODGE_CONSOLE_CRASHED, "dialog-warning-symbolic", N_ ("The Machine Has Crashed"),
     N_ ("_Start Again"), "console.start"},
    {LODGE_CONSOLE_PROBLEM, "dialog-warning-symbolic", N_ ("There Is Nothing to Show"),
     N_ ("_Try Again"), "console.retry"},
    {LODGE_CONSOLE_GONE, "user-trash-symbolic", N_ ("The Machine Is Gone"), N_ ("_Close"),
     "window.close"},
    {LODGE_CONSOLE_ELSEWHERE, "computer-symbolic", N_ ("Shown Elsewhere"), N_ ("Show _Here"),
     "console.take-back"},
    {LODGE_CONSOLE_LOST, "dialog-warning-symbolic", N_ ("The Screen Cannot Be Reached"),
     N_ ("_Try Now"), "console.retry"},
};

static const char *
get_busy_words (LodgeConsoleMachine *machine, LodgeConsolePhase phase)
{
  const char *sentence;

  switch (phase) {
  case LODGE_CONSOLE_LOADING:
    return _ ("Looking for the machine");
  case LODGE_CONSOLE_CONNECTING:
    return _ ("Connecting to the screen");
  default:
    /* It runs, and the engine has not named its screen yet, or cannot reach it. */
    if (lodge_machine_state_get_can (lodge_console_machine_get_state (machine)) &
        LODGE_MACHINE_CAN_SHOW) {
      sentence = lodge_console_machine_get_sentence (machine);
      return sentence != NULL && *sentence != '\0' ? sentence : _ ("Connecting to the screen");
    }
    return lodge_machine_state_get_word (lodge_console_machine_get_state (machine));
  }
}

/* Returns: (transfer full): for a page that takes its description for markup */
static char *
dup_description (LodgeConsoleWindow *self, LodgeConsolePhase phase)
{
  const char *sentence = lodge_console_machine_get_sentence (self->machine);
  g_autofree char *recording = NULL;
  g_autofree char *whole = NULL;

  if (phase == LODGE_CONSOLE_SUSPENDED && (sentence == NULL || *sentence == '\0'))
    sentence = _ ("The guest’s memory is on the disk. It goes on from where it was.");
  if (phase == LODGE_CONSOLE_TEMPLATE && (sentence == NULL || *sentence == '\0'))
    sentence = _ ("Other machines are made from it. It cannot be started, and does not change.");
  if (sentence == NULL)
    return g_strdup ("");

  if (phase == LODGE_CONSOLE_ELSEWHERE) {
    /* Translators: %s is who has it now, "a Lodge window on HOST". */
    whole = g_strdup_printf (_ ("The console is shown by %s. Only one can show it at a time."),
                             sentence);
    recording = lodge_console_record_dup_taken (self);
    if (recording != NULL) {
      g_autofree char *first = g_steal_pointer (&whole);

      whole = g_strdup_printf ("%s\n\n%s", first, recording);
    }
    sentence = whole;
  }
  return g_markup_escape_text (sentence, -1);
}

/* Where there is no room for everything the words and the button come before the icon. */
static gboolean
is_low (LodgeConsoleWindow *self)
{
  int width, height;

  if (gtk_window_is_maximized (GTK_WINDOW (self)) || gtk_window_is_fullscreen (GTK_WINDOW (self)))
    return FALSE;
  gtk_window_get_default_size (GTK_WINDOW (self), &width, &height);
  return height > 0 && height < LOW_HEIGHT;
}

static void
show_status (LodgeConsoleWindow *self, const StatusRow *row)
{
  g_autofree char *description = dup_description (self, row->phase);
  g_autofree char *blamed =
      row->phase == LODGE_CONSOLE_OFF ? lodge_console_media_dup_blamed (self) : NULL;
  const gboolean same = g_str_equal (gtk_stack_get_visible_child_name (self->pages), "status") &&
                        g_str_equal (adw_status_page_get_title (self->status_page), _ (row->title));

  adw_status_page_set_icon_name (self->status_page, is_low (self) ? NULL : row->icon);
  adw_status_page_set_title (self->status_page, _ (row->title));
  adw_status_page_set_description (self->status_page, description);
  gtk_button_set_label (self->status_button,
                        blamed != NULL ? _ ("_Eject Disc and Start") : _ (row->button));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->status_button),
                                  blamed != NULL ? "media.eject-blamed" : row->action);
  if (same)
    return;

  gtk_stack_set_visible_child_name (self->pages, "status");
  /* Enter does what is offered. */
  lodge_console_terminals_focus_screen (self, self->status_button);
}

static void
show_phase (LodgeConsoleWindow *self)
{
  const LodgeConsolePhase phase = lodge_console_machine_get_phase (self->machine);
  const gboolean was_shown =
      g_str_equal (gtk_stack_get_visible_child_name (self->pages), "display");

  if (phase == LODGE_CONSOLE_SHOWN) {
    gtk_stack_set_visible_child_name (self->pages, "display");
    if (!was_shown)
      lodge_console_terminals_focus_screen (self, lodge_console_beside_get_screen (self));
    return;
  }

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++) {
    if (statuses[i].phase == phase) {
      show_status (self, &statuses[i]);
      return;
    }
  }

  gtk_label_set_text (self->busy_label, get_busy_words (self->machine, phase));
  gtk_stack_set_visible_child_name (self->pages, "busy");
}

void
lodge_console_window_show_subtitle (LodgeConsoleWindow *self)
{
  const LodgeMachineState state = lodge_console_machine_get_state (self->machine);
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  const char *way_out = lodge_console_beside_get_way_out (self);

  /* What the user must know to get out comes before what the picture shows anyway. */
  if (way_out != NULL)
    adw_window_title_set_subtitle (self->title, way_out);
  else if (machine != NULL && lodge_machine1_get_asleep (machine))
    adw_window_title_set_subtitle (self->title, _ ("Asleep"));
  else if (state == LODGE_MACHINE_STATE_RUNNING && machine != NULL &&
           lodge_machine1_get_disposable (machine))
    adw_window_title_set_subtitle (self->title, _ ("Running; nothing of this run is kept"));
  else
    adw_window_title_set_subtitle (self->title, state == LODGE_MACHINE_STATE_UNKNOWN
                                                    ? ""
                                                    : lodge_machine_state_get_word (state));
}

static void
changed_cb (LodgeConsoleMachine *machine, LodgeConsoleWindow *self)
{
  const char *name = lodge_console_machine_get_name (machine);
  const LodgeMachineState state = lodge_console_machine_get_state (machine);
  const gboolean shown = lodge_console_machine_get_phase (machine) == LODGE_CONSOLE_SHOWN;
  const char *problem = lodge_connection_get_problem (self->connection);

  lodge_display_set_session (self->display, lodge_console_machine_get_session (machine));
  lodge_console_scaling_update (self);
  lodge_console_record_update (self);
  lodge_console_monitors_update (self);
  lodge_console_media_update (self);
  lodge_console_exchange_update (self);
  lodge_console_keys_update (self);
  lodge_console_terminals_update (self);
  lodge_console_hint_update (self);
  lodge_console_folder_update (self);
  lodge_console_disposable_update (self);
  lodge_console_3d_update (self);
  lodge_console_lock_update (self);
  lodge_console_suspend_update (self);
  /* First, so that a button that is to have the keyboard can take it. */
  lodge_console_actions_update (self);
  show_phase (self);

  gtk_window_set_title (GTK_WINDOW (self), name);
  adw_window_title_set_title (self->title, name);
  lodge_console_window_show_subtitle (self);
  /* With a reason it is said in the middle. */
  gtk_revealer_set_reveal_child (self->paused_revealer, shown &&
                                                            state == LODGE_MACHINE_STATE_PAUSED &&
                                                            !lodge_console_hint_is_shown (self));
  /* Without a picture the page itself says so. */
  if (problem != NULL)
    gtk_label_set_text (self->banner_label, problem);
  gtk_revealer_set_reveal_child (self->banner, shown && problem != NULL);

  if (self->start_wanted && state != LODGE_MACHINE_STATE_UNKNOWN) {
    self->start_wanted = FALSE;
    gtk_widget_activate_action (GTK_WIDGET (self), "console.start", NULL);
  }
}

void
lodge_console_window_update (LodgeConsoleWindow *self)
{
  changed_cb (self->machine, self);
}

static void
retry_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lodge_console_machine_retry (LODGE_CONSOLE_WINDOW (widget)->machine);
}

static void
take_back_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lodge_console_machine_take_back (LODGE_CONSOLE_WINDOW (widget)->machine);
}

static void
fullscreen_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lodge_console_fullscreen_toggle (LODGE_CONSOLE_WINDOW (widget));
}

static gboolean
close_cb (gpointer user_data)
{
  LODGE_CONSOLE_WINDOW (user_data)->close_idle = 0;
  gtk_window_close (user_data);
  return G_SOURCE_REMOVE;
}

/* The user has answered. */
static void
close_soon (LodgeConsoleWindow *self)
{
  self->may_close = TRUE;
  g_clear_handle_id (&self->close_idle, g_source_remove);
  /* Not now: the dialog, which goes with its window, is still closing itself. */
  self->close_idle = g_idle_add (close_cb, self);
}

static void
explained_cb (AdwMessageDialog *dialog, const char *response, LodgeConsoleWindow *self)
{
  GSettings *settings = lodge_settings_get ();

  if (g_str_equal (response, "cancel"))
    return;

  if (settings != NULL)
    g_settings_set_boolean (settings, CLOSING_EXPLAINED, TRUE);
  if (g_str_equal (response, "shutdown"))
    gtk_widget_activate_action (GTK_WIDGET (self), "console.shutdown", NULL);
  if (g_str_equal (response, "close"))
    close_soon (self);
}

/* What a guest does when its window is closed, by its state; the first row is for all others. */
static const struct {
  LodgeMachineState state;
  const char *heading;
  const char *explanation;
} closings[] = {
    {LODGE_MACHINE_STATE_RUNNING, N_ ("“%s” Goes On Running"),
     N_ ("Closing the window does not stop the guest. The library shows it, and opens this window "
         "again. This is said only once.")},
    {LODGE_MACHINE_STATE_PAUSED, N_ ("“%s” Stays Paused"),
     N_ ("Closing the window does not stop the guest. The library shows it, and opens this window "
         "again. This is said only once.")},
    {LODGE_MACHINE_STATE_SUSPENDING, N_ ("“%s” Is Still Being Suspended"),
     N_ ("Closing the window does not stop that. The library shows how far it is, and resumes the "
         "guest later.")},
    {LODGE_MACHINE_STATE_STARTING, N_ ("“%s” Goes On Starting"),
     N_ ("Closing the window does not stop that. The library shows the guest, and opens this "
         "window "
         "again.")},
    {LODGE_MACHINE_STATE_STOPPING, N_ ("“%s” Goes On Shutting Down"),
     N_ ("Closing the window does not stop that. The library shows when it is off.")},
};
static const char recording_ends[] =
    N_ ("The screen is being recorded: closing the window ends that, and the recording is saved.");

static gboolean
is_recording (LodgeConsoleWindow *self)
{
  return lodge_console_record_is_recording (self) || lodge_console_monitors_is_recording (self);
}

/* Whether closing the window leaves something behind that goes on. */
static gboolean
goes_on (LodgeConsoleWindow *self)
{
  return (lodge_machine_state_get_can (lodge_console_machine_get_state (self->machine)) &
          LODGE_MACHINE_CAN_KILL) != 0 &&
         lodge_console_machine_get_phase (self->machine) != LODGE_CONSOLE_ELSEWHERE;
}

/* The guest may come to another state while this is read. */
static void
explain (LodgeConsoleMachine *machine, AdwMessageDialog *dialog)
{
  LodgeConsoleWindow *self =
      LODGE_CONSOLE_WINDOW (gtk_window_get_transient_for (GTK_WINDOW (dialog)));
  const LodgeMachineState state = lodge_console_machine_get_state (machine);
  g_autofree char *heading = NULL, *body = NULL;
  guint row = 0;

  if (!lodge_console_window_is_open (self))
    return;
  /* Nothing does any more. */
  if (!goes_on (self)) {
    gtk_window_close (GTK_WINDOW (dialog));
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (closings); i++)
    row = closings[i].state == state ? i : row;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  /* The format is one of the table above, each with the one %s for the name. */
  heading = g_strdup_printf (_ (closings[row].heading), lodge_console_machine_get_name (machine));
#pragma GCC diagnostic pop
  body = g_strjoin (" ", _ (closings[row].explanation),
                    is_recording (self) ? _ (recording_ends) : NULL, NULL);
  adw_message_dialog_set_heading (dialog, heading);
  adw_message_dialog_set_body (dialog, body);
  adw_message_dialog_set_response_enabled (
      dialog, "shutdown", (lodge_machine_state_get_can (state) & LODGE_MACHINE_CAN_SHUTDOWN) != 0);
}

/* Said once to each user: closing is not stopping. */
static void
explain_closing (LodgeConsoleWindow *self)
{
  GtkWidget *widget = adw_message_dialog_new (GTK_WINDOW (self), NULL, NULL);
  AdwMessageDialog *dialog = ADW_MESSAGE_DIALOG (widget);

  adw_message_dialog_set_heading_use_markup (dialog, FALSE);
  adw_message_dialog_add_responses (dialog, "cancel", _ ("_Cancel"), "shutdown", _ ("S_hut Down"),
                                    "close", _ ("Close _Window"), NULL);
  adw_message_dialog_set_response_appearance (dialog, "close", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (dialog, "close");
  adw_message_dialog_set_close_response (dialog, "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (explained_cb), self, 0);
  explain (self->machine, dialog);
  g_signal_connect_object (self->machine, "changed", G_CALLBACK (explain), dialog, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
closing_answered_cb (AdwMessageDialog *dialog, const char *response, LodgeConsoleWindow *self)
{
  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    close_soon (self);
}

/* @n_files would not arrive. */
static void
ask_about_ends (LodgeConsoleWindow *self, guint n_files, gboolean recording)
{
  g_autofree char *files =
      n_files == 0
          ? NULL
          : g_strdup_printf (
                ngettext ("%u file is still being copied into the guest. Closing the window ends "
                          "that.",
                          "%u files are still being copied into the guest. Closing the window ends "
                          "that.",
                          n_files),
                n_files);
  g_autofree char *body =
      g_strjoin (files != NULL && recording ? " " : "", files != NULL ? files : "",
                 recording ? _ (recording_ends) : "", NULL);
  AdwMessageDialog *dialog =
      lodge_message_ask (GTK_WINDOW (self), _ ("Close the Window?"), body, _ ("_Close Anyway"));

  g_signal_connect_object (dialog, "response", G_CALLBACK (closing_answered_cb), self, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

static gboolean
lodge_console_window_close_request (GtkWindow *window)
{
  LodgeConsoleWindow *self = LODGE_CONSOLE_WINDOW (window);
  GSettings *settings = lodge_settings_get ();
  const gboolean runs = goes_on (self);
  const guint n_files = lodge_console_exchange_get_n_unfinished (self);

  const gboolean recording = is_recording (self);
  const gboolean explained =
      settings == NULL || g_settings_get_boolean (settings, CLOSING_EXPLAINED);

  /* What is explained once tells of a recording, too. */
  if ((n_files > 0 || (recording && (explained || !runs))) && !self->may_close) {
    ask_about_ends (self, n_files, recording);
    return TRUE;
  }
  if (runs && !self->may_close && !explained) {
    explain_closing (self);
    return TRUE;
  }

  return GTK_WINDOW_CLASS (lodge_console_window_parent_class)->close_request (window);
}

/* A window that is closed may live on in a call that has not come back, and is not disposed of
 * before; gtk_window_destroy() hides it without the signal and then unrealizes it. */
static void
end (LodgeConsoleWindow *self)
{
  g_clear_handle_id (&self->close_idle, g_source_remove);
  lodge_console_fullscreen_clear (self);
  lodge_console_record_clear (self);
  lodge_console_monitors_clear (self);
  lodge_console_beside_clear (self);
  lodge_console_media_clear (self);
  lodge_console_scaling_clear (self);
  g_clear_weak_pointer (&self->saved_toast);
  lodge_console_3d_clear (self);
  lodge_console_folder_clear (self);
  lodge_console_exchange_clear (self);
  lodge_console_terminals_clear (self);
  lodge_console_hint_clear (self);
  lodge_console_suspend_clear (self);
  lodge_console_sound_clear (self);
  lodge_console_keys_clear (self);
  if (self->machine != NULL) {
    g_signal_handlers_disconnect_by_data (self->machine, self);
    lodge_display_set_session (self->display, NULL);
    /* A call that is not answered yet may keep it, and its connections would not be ended. */
    g_object_run_dispose (G_OBJECT (self->machine));
  }
  g_clear_object (&self->machine);
  g_clear_object (&self->connection);
}

static void
lodge_console_window_unrealize (GtkWidget *widget)
{
  end (LODGE_CONSOLE_WINDOW (widget));
  GTK_WIDGET_CLASS (lodge_console_window_parent_class)->unrealize (widget);
}

static void
lodge_console_window_dispose (GObject *object)
{
  end (LODGE_CONSOLE_WINDOW (object));
  G_OBJECT_CLASS (lodge_console_window_parent_class)->dispose (object);
}

static void
bind_children (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, content);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, header);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, title);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, start_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, pause_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, resume_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, power_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, keys_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, menu_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, banner);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, banner_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, overlay);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, pages);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, busy_box);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, busy_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, status_page);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, status_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, stage);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, display);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, paused_revealer);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, bar);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, fullscreen_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, minimize_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, monitors_menu);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, media_menu);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, sharing_menu);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, keys_menu);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, microphone_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, microphone_pill);
  gtk_widget_class_bind_template_child (widget_class, LodgeConsoleWindow, sound_problem);
}

static void
lodge_console_window_class_init (LodgeConsoleWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = lodge_console_window_dispose;
  widget_class->unrealize = lodge_console_window_unrealize;
  GTK_WINDOW_CLASS (klass)->close_request = lodge_console_window_close_request;

  g_type_ensure (LODGE_TYPE_DISPLAY);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-console-window.ui");
  bind_children (widget_class);

  lodge_console_actions_init (widget_class);
  lodge_console_screenshot_init (widget_class);
  lodge_saved_toast_install_actions (widget_class);
  lodge_console_record_class_init (widget_class);
  lodge_console_beside_class_init (widget_class);
  gtk_widget_class_install_action (widget_class, "console.retry", NULL, retry_action);
  gtk_widget_class_install_action (widget_class, "console.take-back", NULL, take_back_action);
  lodge_console_fetch_class_init (widget_class);
  lodge_console_folder_class_init (widget_class);
  gtk_widget_class_install_action (widget_class, "console.fullscreen", NULL, fullscreen_action);
}

static void
lodge_console_window_init (LodgeConsoleWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  lodge_menu_tooltip_yield (GTK_MENU_BUTTON (self->power_button));
  lodge_menu_tooltip_yield (GTK_MENU_BUTTON (self->keys_button));
  lodge_menu_tooltip_yield (GTK_MENU_BUTTON (self->menu_button));
  lodge_settings_keep_size (GTK_WINDOW (self), "console");
  lodge_console_fullscreen_init (self);
  lodge_console_scaling_init (self);
  lodge_console_record_init (self);
  lodge_console_beside_init (self);
  lodge_console_monitors_init (self);
  lodge_console_media_init (self);
  lodge_console_exchange_init (self);
  lodge_console_keys_init (self);
  lodge_console_terminals_init (self);
  lodge_console_hint_init (self);
  lodge_console_folder_init (self);
  lodge_console_disposable_init (self);
  lodge_console_3d_init (self);
  lodge_console_lock_init (self);
  lodge_console_suspend_init (self);
}

static void
size_cb (LodgeConsoleWindow *self)
{
  if (lodge_console_window_is_open (self))
    show_phase (self);
}

gboolean
lodge_console_window_is_open (LodgeConsoleWindow *self)
{
  return self->machine != NULL;
}

GtkWidget *
lodge_console_window_new (GtkApplication *application,
                          LodgeConnection *connection,
                          const char *machine)
{
  LodgeConsoleWindow *self =
      g_object_new (LODGE_TYPE_CONSOLE_WINDOW, "application", application, NULL);

  self->connection = g_object_ref (connection);
  self->machine = lodge_console_machine_new (connection, machine);
  g_signal_connect (self, "notify::default-height", G_CALLBACK (size_cb), NULL);
  g_signal_connect (self, "notify::maximized", G_CALLBACK (size_cb), NULL);
  g_signal_connect (self, "notify::fullscreened", G_CALLBACK (size_cb), NULL);
  lodge_console_sound_init (self);
  g_signal_connect (self->machine, "changed", G_CALLBACK (changed_cb), self);
  g_signal_connect_object (self->display, "notify::grabbed",
                           G_CALLBACK (lodge_console_window_show_subtitle), self,
                           G_CONNECT_SWAPPED);
  lodge_console_window_update (self);
  return GTK_WIDGET (self);
}

void
lodge_console_window_start (LodgeConsoleWindow *self)
{
  g_return_if_fail (LODGE_IS_CONSOLE_WINDOW (self));

  self->start_wanted = TRUE;
  lodge_console_window_update (self);
}

void
lodge_console_window_say_crashed (LodgeConsoleWindow *self)
{
  g_return_if_fail (LODGE_IS_CONSOLE_WINDOW (self));

  adw_toast_overlay_add_toast (self->toasts,
                               /* A toast is one line, which a narrow window cuts. */
                               adw_toast_new (_ ("The window crashed; the machine did not")));
}

LodgeConsoleMachine *
lodge_console_window_get_machine (LodgeConsoleWindow *self)
{
  return self->machine;
}

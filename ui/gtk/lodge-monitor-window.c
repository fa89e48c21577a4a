/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window that shows one of a guest's further monitors. */
#include "gtk/lodge-monitor-window.h"

#include "gtk/lodge-hiding-bar.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-saved-toast.h"
#include "gtk/lodge-screen-hint.h"
#include "gtk/lodge-screenshot.h"
#include "gtk/lodge-settings.h"

#include <glib/gi18n-lib.h>

struct _LodgeMonitorWindow {
  AdwWindow parent_instance;

  GtkBox *content;
  GtkWidget *header;
  AdwWindowTitle *title;
  GtkButton *fullscreen_button;
  GtkWidget *minimize_button;
  AdwToastOverlay *toasts;
  GtkWidget *overlay;
  LodgeDisplay *display;
  GtkRevealer *bar;
  GtkWidget *begin_button;
  GtkWidget *record_button;
  GtkLabel *record_time;
  GtkWidget *record_pill;
  GtkLabel *record_pill_time;

  guint monitor;
  LodgeConsoleMachine *machine; /* NULL until it is followed */
  LodgeHidingBar *hiding_bar;
  LodgeRecording *recording;
  LodgeScreenHint *hint;
  GSignalGroup *agent; /* of the session: whether the guest's has come */
  gboolean key_held;
  AdwToast *saved_toast; /* weak */
};

G_DEFINE_FINAL_TYPE (LodgeMonitorWindow, lodge_monitor_window, ADW_TYPE_WINDOW)

static void
focus_guest (gpointer user_data)
{
  gtk_widget_grab_focus (GTK_WIDGET (((LodgeMonitorWindow *) user_data)->display));
}

static void
show_subtitle (LodgeMonitorWindow *self)
{
  const char *way_out = lodge_display_get_way_out (self->display);

  adw_window_title_set_subtitle (self->title, way_out != NULL ? way_out : "");
}

static gboolean
has_open_menu (gpointer user_data)
{
  return FALSE;
}

/* Ctrl+Alt without a grab: to the window's own buttons. */
static void
leave_cb (LodgeMonitorWindow *self)
{
  if (lodge_hiding_bar_enter (self->hiding_bar))
    return;
  gtk_widget_grab_focus (GTK_WIDGET (self->fullscreen_button));
  gtk_window_set_focus_visible (GTK_WINDOW (self), TRUE);
}

static void
fullscreen_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lodge_hiding_bar_toggle (LODGE_MONITOR_WINDOW (widget)->hiding_bar);
}

/* ---- its picture as a file */

static LodgeFrameSource *
get_source (LodgeMonitorWindow *self)
{
  LodgeConsoleSession *session = lodge_console_machine_get_session (self->machine);

  return session != NULL ? lodge_console_session_get_monitor (session, self->monitor) : NULL;
}

/* Returns: (transfer full): what files are named by */
static char *
dup_name (LodgeMonitorWindow *self)
{
  /* Translators: the name of a file begins with it: a machine's name, and the number of one of its
   * monitors */
  return g_strdup_printf (_ ("%s, Monitor %u"), lodge_console_machine_get_name (self->machine),
                          self->monitor + 1);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMonitorWindow *self = LODGE_MONITOR_WINDOW (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = lodge_screenshot_save_finish (result, &error);

  /* It is closed, and there is nobody to be told. */
  if (!gtk_widget_get_realized (GTK_WIDGET (self)))
    return;
  if (file != NULL)
    lodge_saved_toast_say (self->toasts, &self->saved_toast, _ ("Screenshot saved"), file, FALSE);
  else
    lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Save the Screenshot"), error);
}

static void
screenshot_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeMonitorWindow *self = LODGE_MONITOR_WINDOW (widget);
  /* Of what QEMU writes where a guest shows nothing nobody wants a picture. */
  GdkTexture *texture = lodge_screen_hint_is_dark (self->hint)
                            ? NULL
                            : lodge_screenshot_copy (get_source (self), self->display);
  const char *problem = lodge_display_get_problem (self->display);
  g_autofree char *what = dup_name (self);

  if (texture != NULL)
    lodge_screenshot_save_async (self, texture, NULL, what, saved_cb, NULL);
  else
    lodge_message_show (
        GTK_WINDOW (self), _ ("Could Not Take a Screenshot"),
        problem != NULL ? problem : _ ("This monitor shows nothing now. Try again once it does."));
}

/* ---- its recording */

static gboolean
hides_header (gpointer user_data)
{
  LodgeMonitorWindow *self = user_data;

  return self->hiding_bar != NULL && lodge_hiding_bar_is_hidden (self->hiding_bar);
}

static void
show_recording (LodgeMonitorWindow *self)
{
  if (self->recording != NULL)
    lodge_recording_show (self->recording);
}

static void
update_recording (gpointer user_data)
{
  LodgeMonitorWindow *self = user_data;
  const gboolean there = lodge_recording_is_there (self->recording);
  const gboolean shown = lodge_console_machine_get_phase (self->machine) == LODGE_CONSOLE_SHOWN;

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "monitor.screenshot", shown);
  gtk_widget_set_visible (self->begin_button, !there);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "monitor.record",
                                 there ? lodge_recording_goes_on (self->recording) : shown);
  lodge_recording_follow (self->recording, get_source (self),
                          lodge_console_machine_get_state (self->machine) ==
                              LODGE_MACHINE_STATE_PAUSED);
}

static void
record_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeMonitorWindow *self = LODGE_MONITOR_WINDOW (widget);
  g_autoptr (GError) error = NULL;

  if (lodge_recording_is_there (self->recording)) {
    lodge_recording_stop (self->recording);
    return;
  }
  g_autofree char *what = dup_name (self);
  if (!lodge_recording_begin (self->recording, what, get_source (self),
                              lodge_console_machine_get_sound (self->machine), &error))
    lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Record the Screen"), error);
}

static const char *
find_action (guint keyval, GdkModifierType held)
{
  const gboolean shift = (held & GDK_SHIFT_MASK) != 0;

  if ((held & ~GDK_SHIFT_MASK) != GDK_CONTROL_MASK)
    return NULL;
  if (keyval == GDK_KEY_Print)
    return shift ? "monitor.record" : "monitor.screenshot";
  /* lodge-console-exchange.c */
  return shift && keyval == GDK_KEY_Insert ? "sharing.paste-files" : NULL;
}

/* A guest that has all keys has these too. */
static gboolean
key_pressed (guint keyval, GdkModifierType held, gpointer user_data)
{
  LodgeMonitorWindow *self = user_data;
  const char *action = find_action (keyval, held);

  if (action == NULL || lodge_display_get_grabbed (self->display))
    return FALSE;
  if (!self->key_held)
    gtk_widget_activate_action (GTK_WIDGET (self), action, NULL);
  self->key_held = TRUE;
  return TRUE;
}

static void
key_released (gpointer user_data)
{
  ((LodgeMonitorWindow *) user_data)->key_held = FALSE;
}

gboolean
lodge_monitor_window_is_recording (LodgeMonitorWindow *self)
{
  g_return_val_if_fail (LODGE_IS_MONITOR_WINDOW (self), FALSE);

  return lodge_recording_goes_on (self->recording);
}

void
lodge_monitor_window_say_ended (LodgeMonitorWindow *self, GFile *file, const GError *error)
{
  g_return_if_fail (LODGE_IS_MONITOR_WINDOW (self));

  if (file != NULL)
    lodge_saved_toast_say (self->toasts, &self->saved_toast, _ ("Recording saved"), file, TRUE);
  if (error != NULL)
    lodge_message_show_error (GTK_WINDOW (self), _ ("The Recording Has Ended"), error);
}

static void
init_recording (LodgeMonitorWindow *self,
                GObject *owner,
                void (*ended) (GObject *owner, gpointer window, GFile *file, const GError *error))
{
  const LodgeRecordingParts parts = {
      .button = self->record_button,
      .time = self->record_time,
      .pill = self->record_pill,
      .pill_time = self->record_pill_time,
      .display = self->display,
      .hides_header = hides_header,
      .changed = update_recording,
      .user_data = self,
      .ended = ended,
      .owner = owner,
  };

  self->recording = lodge_recording_new (&parts);
  g_signal_connect (self, "notify::fullscreened", G_CALLBACK (show_recording), NULL);
  g_signal_connect_object (self->bar, "notify::reveal-child", G_CALLBACK (show_recording), self,
                           G_CONNECT_SWAPPED);
}

/* ---- why it shows nothing */

/* Whether the guest has no agent that could switch a monitor on. It may come yet. */
static gboolean
lacks_agent (LodgeMonitorWindow *self)
{
  LodgeConsoleSession *session = lodge_console_machine_get_session (self->machine);
  gboolean agent = FALSE;

  if (session != NULL)
    g_object_get (session, "can-resize", &agent, NULL);
  return !agent;
}

/* What the machine as a whole does the console's window says, and offers. */
static void
show_hint (gpointer user_data)
{
  LodgeMonitorWindow *self = user_data;
  const char *problem = lodge_display_get_problem (self->display);
  const gboolean dark = self->hint != NULL && lodge_screen_hint_is_dark (self->hint);
  LodgeMachine1 *object =
      self->machine != NULL ? lodge_console_machine_get_machine (self->machine) : NULL;
  LodgeScreenHintWords words = {0};

  /* It has gone, or nothing is known yet. */
  if (self->hint == NULL || self->machine == NULL)
    return;
  if (object != NULL && lodge_machine1_get_asleep (object)) {
    words.title = _ ("The Guest Is Asleep");
    words.sentence = _ ("It has suspended itself to memory, and shows nothing until it is woken.");
  } else if (problem != NULL) {
    words.title = _ ("The Picture Cannot Be Shown");
    words.sentence = problem;
  } else if (dark && lacks_agent (self)) {
    words.title = _ ("Waiting for the Guest’s Agent");
    words.sentence = _ ("The guest has not switched this monitor on, and spice-vdagent, which "
                        "could, does not run in it yet: wait while the guest starts, or install "
                        "it there (for Windows: the SPICE guest tools).");
  } else if (dark) {
    words.title = _ ("This Monitor Is Off");
    words.sentence = _ ("The guest has not switched it on: its driver and the settings of its "
                        "desktop decide on that. One that the machine was given while the guest "
                        "runs is there from its next start on.");
  }
  if (lodge_console_machine_get_phase (self->machine) != LODGE_CONSOLE_SHOWN)
    words.title = NULL;
  lodge_screen_hint_hide (GTK_WIDGET (self->display), words.title != NULL && dark);
  lodge_screen_hint_show (self->hint, words.title != NULL ? &words : NULL);
}

/* ---- type */

static void
lodge_monitor_window_dispose (GObject *object)
{
  LodgeMonitorWindow *self = LODGE_MONITOR_WINDOW (object);

  g_clear_pointer (&self->recording, lodge_recording_free);
  g_clear_pointer (&self->hint, lodge_screen_hint_free);
  g_clear_object (&self->agent);
  g_clear_pointer (&self->hiding_bar, lodge_hiding_bar_free);
  g_clear_object (&self->machine);
  g_clear_weak_pointer (&self->saved_toast);
  G_OBJECT_CLASS (lodge_monitor_window_parent_class)->dispose (object);
}

static void
lodge_monitor_window_class_init (LodgeMonitorWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lodge_monitor_window_dispose;
  g_type_ensure (LODGE_TYPE_DISPLAY);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-monitor-window.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, content);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, header);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, title);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, fullscreen_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, minimize_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, overlay);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, display);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, bar);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, begin_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, record_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, record_time);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, record_pill);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorWindow, record_pill_time);
  lodge_saved_toast_install_actions (widget_class);
  gtk_widget_class_install_action (widget_class, "monitor.screenshot", NULL, screenshot_action);
  gtk_widget_class_install_action (widget_class, "monitor.record", NULL, record_action);
  gtk_widget_class_install_action (widget_class, "monitor.fullscreen", NULL, fullscreen_action);
}

static void
lodge_monitor_window_init (LodgeMonitorWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));

  const LodgeHidingBarParts parts = {
      .window = GTK_WINDOW (self),
      .content = self->content,
      .header = self->header,
      .overlay = self->overlay,
      .revealer = self->bar,
      .toggle = self->fullscreen_button,
      .minimize = self->minimize_button,
      .focus_guest = focus_guest,
      .has_open_menu = has_open_menu,
      .key_pressed = key_pressed,
      .key_released = key_released,
      .user_data = self,
  };

  self->hiding_bar = lodge_hiding_bar_new (&parts);
  g_signal_connect_object (self->display, "leave", G_CALLBACK (leave_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->display, "notify::grabbed", G_CALLBACK (show_subtitle), self,
                           G_CONNECT_SWAPPED);
  self->hint = lodge_screen_hint_new (GTK_OVERLAY (self->overlay), show_hint, self);
  g_signal_connect_object (self->display, "notify::problem", G_CALLBACK (show_hint), self,
                           G_CONNECT_SWAPPED);
  self->agent = g_signal_group_new (LODGE_TYPE_CONSOLE_SESSION);
  g_signal_group_connect_swapped (self->agent, "notify::can-resize", G_CALLBACK (show_hint), self);
  lodge_settings_keep_size (GTK_WINDOW (self), "monitor");
}

LodgeMonitorWindow *
lodge_monitor_window_new (
    GtkApplication *application,
    guint monitor,
    GObject *owner,
    void (*ended) (GObject *owner, gpointer window, GFile *file, const GError *error))
{
  LodgeMonitorWindow *self =
      g_object_new (LODGE_TYPE_MONITOR_WINDOW, "application", application, NULL);

  self->monitor = monitor;
  init_recording (self, owner, ended);
  lodge_display_set_monitor (self->display, monitor);
  gtk_window_set_focus (GTK_WINDOW (self), GTK_WIDGET (self->display));
  return self;
}

void
lodge_monitor_window_follow (LodgeMonitorWindow *self, LodgeConsoleMachine *machine)
{
  g_return_if_fail (LODGE_IS_MONITOR_WINDOW (self));

  /* Translators: a machine's name, and the number of one of its monitors */
  g_autofree char *title = g_strdup_printf (
      _ ("%s: Monitor %u"), lodge_console_machine_get_name (machine), self->monitor + 1);

  g_set_object (&self->machine, machine);
  gtk_window_set_title (GTK_WINDOW (self), title);
  adw_window_title_set_title (self->title, title);
  lodge_display_set_session (self->display, lodge_console_machine_get_session (machine));
  update_recording (self);
  lodge_screen_hint_follow (self->hint, get_source (self));
  g_signal_group_set_target (self->agent, lodge_console_machine_get_session (machine));
  show_hint (self);
}

GtkOverlay *
lodge_monitor_window_get_overlay (LodgeMonitorWindow *self)
{
  g_return_val_if_fail (LODGE_IS_MONITOR_WINDOW (self), NULL);

  return GTK_OVERLAY (self->overlay);
}

LodgeDisplay *
lodge_monitor_window_get_display (LodgeMonitorWindow *self)
{
  g_return_val_if_fail (LODGE_IS_MONITOR_WINDOW (self), NULL);

  return self->display;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One of a guest's further monitors. */
#include "gtk/lodge-monitor-view.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-saved-toast.h"
#include "gtk/lodge-screen-hint.h"
#include "gtk/lodge-screenshot.h"
#include "gtk/lodge-stage.h"

#include <glib/gi18n-lib.h>

enum { PROP_0, PROP_RECORDED, N_PROPS };
static GParamSpec *properties[N_PROPS];

struct _LodgeMonitorView {
  AdwBin parent_instance;

  GtkWidget *overlay;
  GtkScrolledWindow *stage;
  LodgeDisplay *display;
  GtkWidget *record_pill;
  GtkLabel *record_pill_time;

  guint monitor;
  LodgeConsoleMachine *machine; /* NULL until it is followed */
  GSimpleActionGroup *actions;
  LodgeRecording *recording;
  gboolean recorded; /* as it was notified last */
  gboolean header_seen;
  LodgeScreenHint *hint;
  GSignalGroup *agent;   /* of the session: whether the guest's has come */
  AdwToast *saved_toast; /* weak */
};

G_DEFINE_FINAL_TYPE (LodgeMonitorView, lodge_monitor_view, ADW_TYPE_BIN)

static LodgeFrameSource *
get_source (LodgeMonitorView *self)
{
  LodgeConsoleSession *session = lodge_console_machine_get_session (self->machine);

  return session != NULL ? lodge_console_session_get_monitor (session, self->monitor) : NULL;
}

/* NULL: it is closed, and there is nobody to be told. */
static GtkWindow *
get_window (LodgeMonitorView *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  return GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL;
}

static void
say_saved (LodgeMonitorView *self, const char *words, GFile *file, gboolean can_open)
{
  GtkWidget *toasts = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_TOAST_OVERLAY);

  if (toasts != NULL)
    lodge_saved_toast_say (ADW_TOAST_OVERLAY (toasts), &self->saved_toast, words, file, can_open);
}

/* Returns: (transfer full): what files are named by */
static char *
dup_name (LodgeMonitorView *self)
{
  /* Translators: the name of a file begins with it: a machine's name, and the number of one of its
   * monitors */
  return g_strdup_printf (_ ("%s, Monitor %u"), lodge_console_machine_get_name (self->machine),
                          self->monitor + 1);
}

/* ---- its picture as a file */

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMonitorView *self = LODGE_MONITOR_VIEW (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = lodge_screenshot_save_finish (result, &error);

  if (get_window (self) == NULL)
    return;
  if (file != NULL)
    say_saved (self, _ ("Screenshot saved"), file, FALSE);
  else
    lodge_message_show_error (get_window (self), _ ("Could Not Save the Screenshot"), error);
}

static void
screenshot_cb (LodgeMonitorView *self)
{
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
        get_window (self), _ ("Could Not Take a Screenshot"),
        problem != NULL ? problem : _ ("This monitor shows nothing now. Try again once it does."));
}

/* ---- its recording */

static gboolean
hides_header (gpointer user_data)
{
  return !LODGE_MONITOR_VIEW (user_data)->header_seen;
}

static void
enable (LodgeMonitorView *self, const char *name, gboolean enabled)
{
  g_simple_action_set_enabled (
      G_SIMPLE_ACTION (g_action_map_lookup_action (G_ACTION_MAP (self->actions), name)), enabled);
}

static void
update_recording (gpointer user_data)
{
  LodgeMonitorView *self = user_data;
  const gboolean there = lodge_recording_is_there (self->recording);
  const gboolean shown = lodge_console_machine_get_phase (self->machine) == LODGE_CONSOLE_SHOWN;

  enable (self, "screenshot", shown);
  enable (self, "record", there ? lodge_recording_goes_on (self->recording) : shown);
  gtk_widget_set_sensitive (self->record_pill, lodge_recording_goes_on (self->recording));
  lodge_recording_follow (self->recording, get_source (self),
                          lodge_console_machine_get_state (self->machine) ==
                              LODGE_MACHINE_STATE_PAUSED);
  if (self->recorded == there)
    return;
  self->recorded = there;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RECORDED]);
}

static void
record_cb (LodgeMonitorView *self)
{
  g_autoptr (GError) error = NULL;

  if (lodge_recording_is_there (self->recording)) {
    lodge_recording_stop (self->recording);
    return;
  }
  g_autofree char *what = dup_name (self);
  if (!lodge_recording_begin (self->recording, what, get_source (self),
                              lodge_console_machine_get_sound (self->machine), &error))
    lodge_message_show_error (get_window (self), _ ("Could Not Record the Screen"), error);
}

gboolean
lodge_monitor_view_is_recording (LodgeMonitorView *self)
{
  g_return_val_if_fail (LODGE_IS_MONITOR_VIEW (self), FALSE);

  return lodge_recording_goes_on (self->recording);
}

void
lodge_monitor_view_say_ended (LodgeMonitorView *self, GFile *file, const GError *error)
{
  g_return_if_fail (LODGE_IS_MONITOR_VIEW (self));

  if (file != NULL)
    say_saved (self, _ ("Recording saved"), file, TRUE);
  if (error != NULL)
    lodge_message_show_error (get_window (self), _ ("The Recording Has Ended"), error);
}

void
lodge_monitor_view_set_header_seen (LodgeMonitorView *self, gboolean seen)
{
  g_return_if_fail (LODGE_IS_MONITOR_VIEW (self));

  self->header_seen = seen;
  if (self->recording != NULL)
    lodge_recording_show (self->recording);
}

static void
init_recording (LodgeMonitorView *self,
                GObject *owner,
                void (*ended) (GObject *owner, gpointer view, GFile *file, const GError *error))
{
  const LodgeRecordingParts parts = {
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
}

/* ---- why it shows nothing */

/* Whether the guest has no agent that could switch a monitor on. It may come yet. */
static gboolean
lacks_agent (LodgeMonitorView *self)
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
  LodgeMonitorView *self = user_data;
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
lodge_monitor_view_dispose (GObject *object)
{
  LodgeMonitorView *self = LODGE_MONITOR_VIEW (object);

  g_clear_pointer (&self->recording, lodge_recording_free);
  g_clear_pointer (&self->hint, lodge_screen_hint_free);
  g_clear_object (&self->agent);
  g_clear_object (&self->machine);
  g_clear_object (&self->actions);
  g_clear_weak_pointer (&self->saved_toast);
  G_OBJECT_CLASS (lodge_monitor_view_parent_class)->dispose (object);
}

static void
lodge_monitor_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_RECORDED)
    g_value_set_boolean (value, LODGE_MONITOR_VIEW (object)->recorded);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
lodge_monitor_view_class_init (LodgeMonitorViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = lodge_monitor_view_dispose;
  object_class->get_property = lodge_monitor_view_get_property;
  properties[PROP_RECORDED] = g_param_spec_boolean ("recorded", NULL, NULL, FALSE,
                                                    G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (LODGE_TYPE_DISPLAY);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-monitor-view.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorView, overlay);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorView, stage);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorView, display);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorView, record_pill);
  gtk_widget_class_bind_template_child (widget_class, LodgeMonitorView, record_pill_time);
}

static void
add_action (LodgeMonitorView *self, const char *name, GCallback activated)
{
  g_autoptr (GSimpleAction) action = g_simple_action_new (name, NULL);

  g_signal_connect_object (action, "activate", activated, self, G_CONNECT_SWAPPED);
  g_action_map_add_action (G_ACTION_MAP (self->actions), G_ACTION (action));
}

static void
lodge_monitor_view_init (LodgeMonitorView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  lodge_stage_init (self->stage);
  /* Not by the action: moved elsewhere, GTK (4.8) would take it for one that has gone. */
  g_signal_connect_object (self->record_pill, "clicked", G_CALLBACK (record_cb), self,
                           G_CONNECT_SWAPPED);

  self->actions = g_simple_action_group_new ();
  add_action (self, "screenshot", G_CALLBACK (screenshot_cb));
  add_action (self, "record", G_CALLBACK (record_cb));
  gtk_widget_insert_action_group (GTK_WIDGET (self), "screen", G_ACTION_GROUP (self->actions));

  self->hint = lodge_screen_hint_new (GTK_OVERLAY (self->overlay), show_hint, self);
  g_signal_connect_object (self->display, "notify::problem", G_CALLBACK (show_hint), self,
                           G_CONNECT_SWAPPED);
  self->agent = g_signal_group_new (LODGE_TYPE_CONSOLE_SESSION);
  g_signal_group_connect_swapped (self->agent, "notify::can-resize", G_CALLBACK (show_hint), self);
}

LodgeMonitorView *
lodge_monitor_view_new (
    guint monitor,
    GObject *owner,
    void (*ended) (GObject *owner, gpointer view, GFile *file, const GError *error))
{
  LodgeMonitorView *self = g_object_new (LODGE_TYPE_MONITOR_VIEW, NULL);
  g_autofree char *name = g_strdup_printf (_ ("Screen of the machine, monitor %u"), monitor + 1);

  self->monitor = monitor;
  init_recording (self, owner, ended);
  lodge_display_set_monitor (self->display, monitor);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->display), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
  return self;
}

void
lodge_monitor_view_follow (LodgeMonitorView *self, LodgeConsoleMachine *machine)
{
  g_return_if_fail (LODGE_IS_MONITOR_VIEW (self));

  g_set_object (&self->machine, machine);
  lodge_display_set_session (self->display, lodge_console_machine_get_session (machine));
  update_recording (self);
  lodge_screen_hint_follow (self->hint, get_source (self));
  g_signal_group_set_target (self->agent, lodge_console_machine_get_session (machine));
  show_hint (self);
}

guint
lodge_monitor_view_get_monitor (LodgeMonitorView *self)
{
  g_return_val_if_fail (LODGE_IS_MONITOR_VIEW (self), 0);

  return self->monitor;
}

GtkOverlay *
lodge_monitor_view_get_overlay (LodgeMonitorView *self)
{
  g_return_val_if_fail (LODGE_IS_MONITOR_VIEW (self), NULL);

  return GTK_OVERLAY (self->overlay);
}

LodgeDisplay *
lodge_monitor_view_get_display (LodgeMonitorView *self)
{
  g_return_val_if_fail (LODGE_IS_MONITOR_VIEW (self), NULL);

  return self->display;
}

GtkLabel *
lodge_monitor_view_get_time (LodgeMonitorView *self)
{
  g_return_val_if_fail (LODGE_IS_MONITOR_VIEW (self), NULL);

  return self->record_pill_time;
}

GActionGroup *
lodge_monitor_view_get_actions (LodgeMonitorView *self)
{
  g_return_val_if_fail (LODGE_IS_MONITOR_VIEW (self), NULL);

  return G_ACTION_GROUP (self->actions);
}

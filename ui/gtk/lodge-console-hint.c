/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the console window says over a screen that is connected and yet shows nothing, or stands
 * still: why, and what can be done. The keyboard stays with the guest, which a key may wake. */
#include "gtk/lodge-console-window-private.h"

#include "console/lodge-frame-message.h"

#include <glib/gi18n-lib.h>

/* A picture that is just being made anew, or has not come yet, is nothing to talk about. */
#define PATIENCE_MS 1500
#define LOOK_MS     100
/* With what is around it; one at the bottom covers no button. */
#define TOAST_HEIGHT 72

struct _LodgeConsoleHint {
  GtkWidget *revealer;
  GtkLabel *title;
  GtkLabel *sentence;
  GtkButton *button;
  LodgeFrameSource *source; /* of the session that is shown */
  guint timer;
  guint look;    /* at a picture that has changed */
  gboolean dark; /* there has been no picture for so long */
};

typedef struct {
  const char *title;
  const char *sentence; /* NULL: the display's problem where it has one, or the machine's note */
  const char *button;   /* NULL: none */
  const char *action;
  const char *target; /* of the action, or NULL */
} HintRow;

static const HintRow asleep = {
    N_ ("The Guest Is Asleep"),
    N_ ("It has suspended itself to memory, and shows nothing until it is woken."), N_ ("_Wake Up"),
    "console.wake", NULL};
static const HintRow dark = {N_ ("The Guest’s Display Is Off"),
                             N_ ("The guest has switched it off, or has not switched it on yet. A "
                                 "key or the pointer may wake "
                                 "it."),
                             N_ ("Press a _Key"), "console.send-keys", "shift"};
static const HintRow stopped = {N_ ("Paused"), NULL, N_ ("_Resume"), "console.resume", NULL};

static const HintRow crashed = {N_ ("The Guest Has Crashed"), NULL, N_ ("_Start Again"),
                                "console.start", NULL};

/* It is the guest's card, and that only changes with a start. */
static const HintRow not_shown = {N_ ("The Picture Cannot Be Shown"), NULL, N_ ("Switch 3D _Off"),
                                  "graphics.accelerated", NULL};
static const HintRow flat_next = {N_ ("The Picture Cannot Be Shown"),
                                  N_ ("3D acceleration is off from the guest’s next start on. Shut "
                                      "it down and start it again to see it."),
                                  N_ ("_Shut Down"), "console.shutdown", NULL};
/* It is off, and what comes is no graphics card's all the same. */
static const HintRow not_shown_here = {N_ ("The Picture Cannot Be Shown"), NULL, NULL, NULL, NULL};

static const HintRow *
choose (LodgeConsoleWindow *self)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  const char *note = machine != NULL ? lodge_machine1_get_note (machine) : NULL;

  if (lodge_console_machine_get_phase (self->machine) != LODGE_CONSOLE_SHOWN)
    return NULL;
  if (machine != NULL &&
      lodge_console_machine_get_state (self->machine) == LODGE_MACHINE_STATE_CRASHED)
    return &crashed;
  if (machine != NULL && lodge_machine1_get_asleep (machine))
    return &asleep;
  if (lodge_console_machine_get_state (self->machine) == LODGE_MACHINE_STATE_PAUSED)
    return note != NULL && *note != '\0' ? &stopped : NULL;
  if (lodge_display_get_problem (self->display) != NULL)
    return machine != NULL && lodge_console_3d_is_wanted (self) ? &not_shown
           : machine != NULL && self->flat_next                 ? &flat_next
                                                                : &not_shown_here;
  return self->hint->dark ? &dark : NULL;
}

/* Lent. */
static const char *
get_sentence (LodgeConsoleWindow *self, const HintRow *row)
{
  if (row == &not_shown || row == &not_shown_here)
    return lodge_display_get_problem (self->display);
  return row->sentence != NULL
             ? _ (row->sentence)
             : lodge_machine1_get_note (lodge_console_machine_get_machine (self->machine));
}

static void
show (LodgeConsoleWindow *self)
{
  LodgeConsoleHint *hint = self->hint;
  const HintRow *row = choose (self);

  gtk_revealer_set_reveal_child (GTK_REVEALER (hint->revealer), row != NULL);
  gtk_widget_set_can_target (hint->revealer, row != NULL);
  /* QEMU's own words would stick out on both sides. */
  gtk_widget_set_opacity (GTK_WIDGET (self->display), row == &dark ? 0 : 1);
  if (row == NULL)
    return;

  /* What a guest wrote last is worth reading. */
  gtk_widget_set_valign (hint->revealer, row == &crashed ? GTK_ALIGN_END : GTK_ALIGN_CENTER);
  gtk_widget_set_margin_bottom (hint->revealer, row == &crashed ? TOAST_HEIGHT : 0);
  gtk_label_set_text (hint->title, _ (row->title));
  gtk_label_set_text (hint->sentence, get_sentence (self, row));
  gtk_widget_set_visible (GTK_WIDGET (hint->button), row->button != NULL);
  if (row->button == NULL)
    return;
  gtk_button_set_label (hint->button, _ (row->button));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (hint->button), NULL);
  gtk_actionable_set_action_target_value (GTK_ACTIONABLE (hint->button),
                                          row->target != NULL ? g_variant_new_string (row->target)
                                                              : NULL);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (hint->button), row->action);
}

static gboolean
has_picture (LodgeConsoleHint *self)
{
  LodgeFrame frame = {0};

  if (self->source != NULL)
    lodge_frame_source_get_frame (self->source, &frame);
  return frame.width > 0 && (frame.data == NULL || !lodge_frame_is_message (&frame));
}

static gboolean
timer_cb (gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;

  self->hint->timer = 0;
  self->hint->dark = TRUE;
  show (self);
  return G_SOURCE_REMOVE;
}

static void
frame_cb (LodgeConsoleWindow *self)
{
  LodgeConsoleHint *hint = self->hint;

  if (hint->source == NULL || has_picture (hint)) {
    g_clear_handle_id (&hint->timer, g_source_remove);
    if (hint->dark) {
      hint->dark = FALSE;
      show (self);
    }
  } else if (hint->timer == 0 && !hint->dark) {
    hint->timer = g_timeout_add (PATIENCE_MS, timer_cb, self);
  }
}

static gboolean
look_cb (gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;

  self->hint->look = 0;
  frame_cb (self);
  return G_SOURCE_REMOVE;
}

/* There are many for one picture, and a guest that is used has a picture: it is looked at now and
 * then, and not after each of them. */
static void
damage_cb (LodgeFrameSource *source, int x, int y, int width, int height, LodgeConsoleWindow *self)
{
  if (self->hint->look == 0)
    self->hint->look = g_timeout_add (LOOK_MS, look_cb, self);
}

void
lodge_console_hint_update (LodgeConsoleWindow *self)
{
  LodgeConsoleHint *hint = self->hint;
  LodgeConsoleSession *session = lodge_console_machine_get_session (self->machine);
  LodgeFrameSource *source = session != NULL ? lodge_console_session_get_source (session) : NULL;

  if (source != hint->source) {
    if (hint->source != NULL)
      g_signal_handlers_disconnect_by_data (hint->source, self);
    g_set_object (&hint->source, source);
    if (source != NULL) {
      g_signal_connect_object (source, "frame-changed", G_CALLBACK (frame_cb), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (source, "damage", G_CALLBACK (damage_cb), self, 0);
    }
  }
  frame_cb (self);
  show (self);
}

static void
problem_cb (LodgeConsoleWindow *self)
{
  if (self->hint != NULL)
    show (self);
}

static GtkLabel *
add_label (GtkWidget *box, const char *style)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 50);
  gtk_label_set_justify (GTK_LABEL (label), GTK_JUSTIFY_CENTER);
  if (style != NULL)
    gtk_widget_add_css_class (label, style);
  gtk_box_append (GTK_BOX (box), label);
  return GTK_LABEL (label);
}

void
lodge_console_hint_init (LodgeConsoleWindow *self)
{
  LodgeConsoleHint *hint = g_new0 (LodgeConsoleHint, 1);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *button = gtk_button_new_with_mnemonic ("");

  self->hint = hint;
  hint->title = add_label (box, "title-3");
  hint->sentence = add_label (box, NULL);
  hint->button = GTK_BUTTON (button);
  gtk_widget_add_css_class (button, "pill");
  gtk_widget_add_css_class (button, "suggested-action");
  gtk_widget_set_halign (button, GTK_ALIGN_CENTER);
  /* Who clicks it goes on with the guest. */
  gtk_widget_set_focus_on_click (button, FALSE);
  gtk_box_append (GTK_BOX (box), button);
  gtk_widget_add_css_class (box, "console-hint");

  hint->revealer = gtk_revealer_new ();
  gtk_revealer_set_transition_type (GTK_REVEALER (hint->revealer),
                                    GTK_REVEALER_TRANSITION_TYPE_CROSSFADE);
  gtk_revealer_set_child (GTK_REVEALER (hint->revealer), box);
  gtk_widget_set_halign (hint->revealer, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (hint->revealer, GTK_ALIGN_CENTER);
  gtk_widget_set_can_target (hint->revealer, FALSE);
  gtk_overlay_add_overlay (GTK_OVERLAY (self->overlay), hint->revealer);
  g_signal_connect_object (self->display, "notify::problem", G_CALLBACK (problem_cb), self,
                           G_CONNECT_SWAPPED);
}

gboolean
lodge_console_hint_is_shown (LodgeConsoleWindow *self)
{
  return gtk_revealer_get_reveal_child (GTK_REVEALER (self->hint->revealer));
}

void
lodge_console_hint_clear (LodgeConsoleWindow *self)
{
  LodgeConsoleHint *hint = g_steal_pointer (&self->hint);

  if (hint == NULL)
    return;
  g_clear_handle_id (&hint->timer, g_source_remove);
  g_clear_handle_id (&hint->look, g_source_remove);
  if (hint->source != NULL)
    g_signal_handlers_disconnect_by_data (hint->source, self);
  g_clear_object (&hint->source);
  g_free (hint);
}

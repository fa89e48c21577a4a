/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said over a screen that shows nothing. */
#include "gtk/lodge-screen-hint.h"

#include "console/lodge-frame-message.h"

/* A picture that is just being made anew, or has not come yet, is nothing to talk about. */
#define PATIENCE_MS 1500
/* At one that has gone, and at one that is there. */
#define LOOK_DARK_MS 100
#define LOOK_MS      500
/* With what is around it; one at the bottom covers no button. */
#define TOAST_HEIGHT 72

struct _LodgeScreenHint {
  GtkWidget *revealer;
  GtkLabel *title;
  GtkLabel *sentence;
  GtkButton *button;
  void (*changed) (gpointer user_data);
  gpointer user_data;
  LodgeFrameSource *source;
  guint timer;
  guint look;    /* at a picture that has changed */
  gboolean dark; /* there has been no picture for so long */
};

/* ---- is there a picture? */

static gboolean
has_picture (LodgeScreenHint *self)
{
  LodgeFrame frame = {0};

  if (self->source != NULL)
    lodge_frame_source_get_frame (self->source, &frame);
  return lodge_frame_is_shown (&frame);
}

static gboolean
timer_cb (gpointer user_data)
{
  LodgeScreenHint *self = user_data;

  self->timer = 0;
  self->dark = TRUE;
  self->changed (self->user_data);
  return G_SOURCE_REMOVE;
}

static void
frame_cb (LodgeScreenHint *self)
{
  if (self->source == NULL || has_picture (self)) {
    g_clear_handle_id (&self->timer, g_source_remove);
    if (self->dark) {
      self->dark = FALSE;
      self->changed (self->user_data);
    }
  } else if (self->timer == 0 && !self->dark) {
    self->timer = g_timeout_add (PATIENCE_MS, timer_cb, self);
  }
}

static gboolean
look_cb (gpointer user_data)
{
  LodgeScreenHint *self = user_data;

  self->look = 0;
  frame_cb (self);
  return G_SOURCE_REMOVE;
}

/* There are many for one picture, and a guest that is used has a picture: it is looked at now and
 * then, and not after each of them. */
static void
damage_cb (LodgeFrameSource *source, int x, int y, int width, int height, LodgeScreenHint *self)
{
  if (self->look == 0)
    self->look =
        g_timeout_add (self->dark || self->timer != 0 ? LOOK_DARK_MS : LOOK_MS, look_cb, self);
}

static void
drop_source (LodgeScreenHint *self)
{
  if (self->source != NULL)
    g_signal_handlers_disconnect_by_data (self->source, self);
  g_clear_object (&self->source);
}

void
lodge_screen_hint_follow (LodgeScreenHint *self, LodgeFrameSource *source)
{
  if (source != self->source) {
    drop_source (self);
    g_set_object (&self->source, source);
    if (source != NULL) {
      g_signal_connect_swapped (source, "frame-changed", G_CALLBACK (frame_cb), self);
      g_signal_connect (source, "damage", G_CALLBACK (damage_cb), self);
    }
  }
  frame_cb (self);
}

gboolean
lodge_screen_hint_is_dark (LodgeScreenHint *self)
{
  return self->dark;
}

/* ---- what is said */

void
lodge_screen_hint_show (LodgeScreenHint *self, const LodgeScreenHintWords *words)
{
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->revealer), words != NULL);
  gtk_widget_set_can_target (self->revealer, words != NULL);
  if (words == NULL)
    return;

  gtk_widget_set_valign (self->revealer, words->below ? GTK_ALIGN_END : GTK_ALIGN_CENTER);
  gtk_widget_set_margin_bottom (self->revealer, words->below ? TOAST_HEIGHT : 0);
  gtk_label_set_text (self->title, words->title);
  gtk_label_set_text (self->sentence, words->sentence);
  gtk_widget_set_visible (GTK_WIDGET (self->button), words->button != NULL);
  if (words->button == NULL)
    return;
  gtk_button_set_label (self->button, words->button);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->button), NULL);
  gtk_actionable_set_action_target_value (
      GTK_ACTIONABLE (self->button),
      words->target != NULL ? g_variant_new_string (words->target) : NULL);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->button), words->action);
}

gboolean
lodge_screen_hint_is_shown (LodgeScreenHint *self)
{
  return gtk_revealer_get_reveal_child (GTK_REVEALER (self->revealer));
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

LodgeScreenHint *
lodge_screen_hint_new (GtkOverlay *overlay,
                       void (*changed) (gpointer user_data),
                       gpointer user_data)
{
  LodgeScreenHint *self = g_new0 (LodgeScreenHint, 1);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *button = gtk_button_new_with_mnemonic ("");

  self->changed = changed;
  self->user_data = user_data;
  self->title = add_label (box, "title-3");
  self->sentence = add_label (box, NULL);
  self->button = GTK_BUTTON (button);
  gtk_widget_add_css_class (button, "pill");
  gtk_widget_add_css_class (button, "suggested-action");
  gtk_widget_set_halign (button, GTK_ALIGN_CENTER);
  /* Who clicks it goes on with the guest. */
  gtk_widget_set_focus_on_click (button, FALSE);
  gtk_box_append (GTK_BOX (box), button);
  gtk_widget_add_css_class (box, "console-hint");

  self->revealer = gtk_revealer_new ();
  gtk_revealer_set_transition_type (GTK_REVEALER (self->revealer),
                                    GTK_REVEALER_TRANSITION_TYPE_CROSSFADE);
  gtk_revealer_set_child (GTK_REVEALER (self->revealer), box);
  gtk_widget_set_halign (self->revealer, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (self->revealer, GTK_ALIGN_CENTER);
  gtk_widget_set_can_target (self->revealer, FALSE);
  gtk_overlay_add_overlay (overlay, self->revealer);
  return self;
}

void
lodge_screen_hint_free (LodgeScreenHint *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_handle_id (&self->look, g_source_remove);
  drop_source (self);
  g_free (self);
}

void
lodge_screen_hint_hide (GtkWidget *display, gboolean hidden)
{
  GtkWidget *stage = gtk_widget_get_parent (display);

  gtk_widget_set_opacity (display, hidden ? 0 : 1);
  if (hidden)
    gtk_widget_add_css_class (stage, "hidden-picture");
  else
    gtk_widget_remove_css_class (stage, "hidden-picture");
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lower edge of a window while something takes long. */
#include "gtk/lodge-work-panel.h"

#include <glib/gi18n-lib.h>

#define PULSE_MS 150

struct _LodgeWorkPanel {
  GtkWidget parent_instance;

  GtkRevealer *revealer;
  GtkLabel *step;
  GtkProgressBar *bar;
  GtkWidget *cancel_button;

  GCancellable *cancellable; /* NULL while there is no work */
  guint pulse;               /* while it is not known how far it is */
};

G_DEFINE_FINAL_TYPE (LodgeWorkPanel, lodge_work_panel, GTK_TYPE_WIDGET)

static gboolean
pulse_cb (gpointer user_data)
{
  gtk_progress_bar_pulse (LODGE_WORK_PANEL (user_data)->bar);
  return G_SOURCE_CONTINUE;
}

static void
cancel_cb (GtkButton *button, LodgeWorkPanel *self)
{
  gtk_label_set_text (self->step, _ ("Cancelling"));
  gtk_widget_set_sensitive (self->cancel_button, FALSE);
  g_cancellable_cancel (self->cancellable);
}

static void
lodge_work_panel_dispose (GObject *object)
{
  LodgeWorkPanel *self = LODGE_WORK_PANEL (object);
  GtkWidget *revealer = GTK_WIDGET (g_steal_pointer (&self->revealer));

  g_clear_handle_id (&self->pulse, g_source_remove);
  g_clear_object (&self->cancellable);
  if (revealer != NULL)
    gtk_widget_unparent (revealer);
  G_OBJECT_CLASS (lodge_work_panel_parent_class)->dispose (object);
}

static void
lodge_work_panel_class_init (LodgeWorkPanelClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_work_panel_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static void
lodge_work_panel_init (LodgeWorkPanel *self)
{
  GtkWidget *grid = gtk_grid_new ();

  self->revealer = GTK_REVEALER (gtk_revealer_new ());
  self->step = GTK_LABEL (gtk_label_new (NULL));
  self->bar = GTK_PROGRESS_BAR (gtk_progress_bar_new ());
  self->cancel_button = gtk_button_new_with_mnemonic (_ ("_Cancel"));

  gtk_label_set_xalign (self->step, 0);
  gtk_label_set_ellipsize (self->step, PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (GTK_WIDGET (self->step), TRUE);
  gtk_widget_set_valign (self->cancel_button, GTK_ALIGN_CENTER);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self->bar), GTK_ACCESSIBLE_RELATION_LABELLED_BY,
                                  self->step, NULL, -1);
  g_signal_connect (self->cancel_button, "clicked", G_CALLBACK (cancel_cb), self);
  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  gtk_widget_add_css_class (grid, "work-panel");
  gtk_grid_attach (GTK_GRID (grid), GTK_WIDGET (self->step), 0, 0, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), GTK_WIDGET (self->bar), 0, 1, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), self->cancel_button, 1, 0, 1, 2);
  gtk_revealer_set_transition_type (self->revealer, GTK_REVEALER_TRANSITION_TYPE_SLIDE_UP);
  gtk_revealer_set_child (self->revealer, grid);
  gtk_widget_set_parent (GTK_WIDGET (self->revealer), GTK_WIDGET (self));
}

GtkWidget *
lodge_work_panel_new (void)
{
  return g_object_new (LODGE_TYPE_WORK_PANEL, NULL);
}

void
lodge_work_panel_begin (LodgeWorkPanel *self, GCancellable *cancellable, const char *step)
{
  g_return_if_fail (LODGE_IS_WORK_PANEL (self));

  if (self->revealer == NULL)
    return;
  g_set_object (&self->cancellable, cancellable);
  gtk_label_set_text (self->step, step);
  gtk_progress_bar_set_fraction (self->bar, 0);
  gtk_widget_set_sensitive (self->cancel_button, TRUE);
  gtk_revealer_set_reveal_child (self->revealer, TRUE);
}

void
lodge_work_panel_show_progress (double progress, const char *step, gpointer panel)
{
  LodgeWorkPanel *self = panel;

  g_return_if_fail (LODGE_IS_WORK_PANEL (self));

  if (self->cancellable == NULL)
    return;
  if (*step != '\0' && !g_cancellable_is_cancelled (self->cancellable))
    gtk_label_set_text (self->step, step);
  if (progress >= 0) {
    g_clear_handle_id (&self->pulse, g_source_remove);
    gtk_progress_bar_set_fraction (self->bar, MIN (progress, 1));
  } else if (self->pulse == 0) {
    self->pulse = g_timeout_add (PULSE_MS, pulse_cb, self);
  }
}

void
lodge_work_panel_end (LodgeWorkPanel *self)
{
  g_return_if_fail (LODGE_IS_WORK_PANEL (self));

  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->pulse, g_source_remove);
  if (self->revealer != NULL)
    gtk_revealer_set_reveal_child (self->revealer, FALSE);
}

gboolean
lodge_work_panel_is_shown (LodgeWorkPanel *self)
{
  return self->cancellable != NULL;
}

gboolean
lodge_work_panel_has_focus (LodgeWorkPanel *self)
{
  return gtk_widget_has_focus (self->cancel_button);
}

double
lodge_work_panel_get_fraction (LodgeWorkPanel *self)
{
  return gtk_progress_bar_get_fraction (self->bar);
}

const char *
lodge_work_panel_get_step (LodgeWorkPanel *self)
{
  return gtk_label_get_text (self->step);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bar at the bottom of a window that follows a job. */
#include "gtk/lodge-work-bar.h"

#include "gtk/lodge-job.h"

#include <glib/gi18n-lib.h>

#define PULSE_MS 150

struct _LodgeWorkBar {
  AdwBin parent_instance;

  GtkRevealer *revealer;
  GtkLabel *step;
  GtkProgressBar *progress;
  GtkWidget *cancel;
  GCancellable *work; /* NULL while there is none */
  guint pulse;
};

G_DEFINE_FINAL_TYPE (LodgeWorkBar, lodge_work_bar, ADW_TYPE_BIN)

/* From a call to the end of its job. */
typedef struct {
  LodgeWorkBar *bar; /* owned */
  GAsyncReadyCallback callback;
  gpointer user_data;
} Follow;

gboolean
lodge_work_bar_is_busy (LodgeWorkBar *self)
{
  return self->work != NULL;
}

static gboolean
pulse_cb (gpointer user_data)
{
  gtk_progress_bar_pulse (LODGE_WORK_BAR (user_data)->progress);
  return G_SOURCE_CONTINUE;
}

static void
progress_cb (double progress, const char *step, gpointer user_data)
{
  LodgeWorkBar *self = user_data;

  /* Its window is closed. */
  if (self->progress == NULL)
    return;
  if (*step != '\0' && !g_cancellable_is_cancelled (self->work))
    gtk_label_set_text (self->step, step);
  if (progress >= 0) {
    g_clear_handle_id (&self->pulse, g_source_remove);
    gtk_progress_bar_set_fraction (self->progress, MIN (progress, 1));
  } else if (self->pulse == 0) {
    self->pulse = g_timeout_add (PULSE_MS, pulse_cb, self);
  }
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Follow *follow = user_data;
  g_autoptr (LodgeWorkBar) self = follow->bar;

  g_clear_object (&self->work);
  g_clear_handle_id (&self->pulse, g_source_remove);
  if (self->revealer != NULL)
    gtk_revealer_set_reveal_child (self->revealer, FALSE);
  follow->callback (source, result, follow->user_data);
}

void
lodge_work_bar_follow (LodgeWorkBar *self,
                       GDBusConnection *connection,
                       const char *path,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  Follow *follow = g_new0 (Follow, 1);

  g_return_if_fail (self->work == NULL);

  follow->bar = g_object_ref (self);
  follow->callback = callback;
  follow->user_data = user_data;
  self->work = g_cancellable_new ();
  if (self->revealer != NULL) {
    gtk_label_set_text (self->step, "");
    gtk_progress_bar_set_fraction (self->progress, 0);
    gtk_widget_set_sensitive (self->cancel, TRUE);
    gtk_revealer_set_reveal_child (self->revealer, TRUE);
  }
  lodge_job_follow_async (connection, path, self->work, progress_cb, self, ended_cb, follow);
}

static void
cancel_cb (GtkButton *button, LodgeWorkBar *self)
{
  gtk_label_set_text (self->step, _ ("Cancelling"));
  gtk_widget_set_sensitive (self->cancel, FALSE);
  g_cancellable_cancel (self->work);
}

static void
lodge_work_bar_dispose (GObject *object)
{
  LodgeWorkBar *self = LODGE_WORK_BAR (object);

  /* A job that goes on holds the bar, whose widgets go with the window. */
  self->revealer = NULL;
  self->step = NULL;
  self->progress = NULL;
  self->cancel = NULL;
  g_clear_handle_id (&self->pulse, g_source_remove);
  G_OBJECT_CLASS (lodge_work_bar_parent_class)->dispose (object);
}

static void
lodge_work_bar_class_init (LodgeWorkBarClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_work_bar_dispose;
}

static void
lodge_work_bar_init (LodgeWorkBar *self)
{
  GtkWidget *grid = gtk_grid_new ();

  self->revealer = GTK_REVEALER (gtk_revealer_new ());
  self->step = GTK_LABEL (gtk_label_new (NULL));
  self->progress = GTK_PROGRESS_BAR (gtk_progress_bar_new ());
  self->cancel = gtk_button_new_with_mnemonic (_ ("_Cancel"));

  gtk_label_set_xalign (self->step, 0);
  gtk_label_set_ellipsize (self->step, PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (GTK_WIDGET (self->step), TRUE);
  gtk_widget_set_valign (self->cancel, GTK_ALIGN_CENTER);
  g_signal_connect (self->cancel, "clicked", G_CALLBACK (cancel_cb), self);
  gtk_grid_set_row_spacing (GTK_GRID (grid), 6);
  gtk_grid_set_column_spacing (GTK_GRID (grid), 12);
  gtk_widget_add_css_class (grid, "work-panel");
  gtk_grid_attach (GTK_GRID (grid), GTK_WIDGET (self->step), 0, 0, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), GTK_WIDGET (self->progress), 0, 1, 1, 1);
  gtk_grid_attach (GTK_GRID (grid), self->cancel, 1, 0, 1, 2);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (self->progress),
                                  GTK_ACCESSIBLE_RELATION_LABELLED_BY, self->step, NULL, -1);
  gtk_revealer_set_child (self->revealer, grid);
  adw_bin_set_child (ADW_BIN (self), GTK_WIDGET (self->revealer));
}

GtkWidget *
lodge_work_bar_new (void)
{
  return g_object_new (LODGE_TYPE_WORK_BAR, NULL);
}

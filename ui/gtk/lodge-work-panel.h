/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lower edge of a window while something takes long: what is done, how far it is, and a way to
 * stop it. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LODGE_TYPE_WORK_PANEL (lodge_work_panel_get_type ())
G_DECLARE_FINAL_TYPE (LodgeWorkPanel, lodge_work_panel, LODGE, WORK_PANEL, GtkWidget)

GtkWidget *lodge_work_panel_new (void);

/* Shows the panel. @cancellable: what its button cancels. @step: until the work says what it does
 */
void lodge_work_panel_begin (LodgeWorkPanel *self, GCancellable *cancellable, const char *step);
/* A LodgeJobProgress; @panel: the panel. Does nothing while it is not shown. */
void lodge_work_panel_show_progress (double progress, const char *step, gpointer panel);
/* Hides it. */
void lodge_work_panel_end (LodgeWorkPanel *self);

gboolean lodge_work_panel_is_shown (LodgeWorkPanel *self);
/* Whether the keyboard is in it. */
gboolean lodge_work_panel_has_focus (LodgeWorkPanel *self);
/* What is shown: 0 to 1, and words. Lent. */
double lodge_work_panel_get_fraction (LodgeWorkPanel *self);
const char *lodge_work_panel_get_step (LodgeWorkPanel *self);

G_END_DECLS

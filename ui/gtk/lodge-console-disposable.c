/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's word, for as long as that is so, that nothing of this run is kept. */
#include "gtk/lodge-console-window-private.h"

#include <glib/gi18n-lib.h>

void
lodge_console_disposable_update (LodgeConsoleWindow *self)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);

  /* While the engine is away it stays as it was. */
  if (machine != NULL)
    gtk_widget_set_visible (self->disposable_label, lodge_machine1_get_disposable (machine));
}

void
lodge_console_disposable_init (LodgeConsoleWindow *self)
{
  const char *words =
      _ ("Nothing of this run is kept: when it ends, the machine is as it was before");

  self->disposable_label = gtk_label_new (_ ("Not Kept"));
  gtk_widget_add_css_class (self->disposable_label, "console-not-kept");
  gtk_widget_set_valign (self->disposable_label, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (self->disposable_label, words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->disposable_label),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, words, -1);
  gtk_widget_set_visible (self->disposable_label, FALSE);
  adw_header_bar_pack_start (ADW_HEADER_BAR (self->header), self->disposable_label);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's padlock, of a machine that is encrypted. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-lock-words.h"

void
lodge_console_lock_update (LodgeConsoleWindow *self)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);

  /* While the engine is away it stays as it was. */
  if (machine != NULL)
    lodge_lock_words_show (self->lock_icon, lodge_machine1_get_encryption (machine));
}

void
lodge_console_lock_init (LodgeConsoleWindow *self)
{
  self->lock_icon = GTK_IMAGE (gtk_image_new ());
  gtk_widget_set_visible (GTK_WIDGET (self->lock_icon), FALSE);
  adw_header_bar_pack_start (ADW_HEADER_BAR (self->header), GTK_WIDGET (self->lock_icon));
}

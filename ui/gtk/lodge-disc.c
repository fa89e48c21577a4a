/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked about a disc, wherever that is. */
#include "gtk/lodge-disc.h"

#include "gtk/lodge-message.h"

#include <glib/gi18n-lib.h>

void
lodge_disc_choose (GtkFileChooserNative **slot,
                   GtkWindow *parent,
                   LodgeFileChosen chosen,
                   gpointer user_data,
                   GDestroyNotify free_data)
{
  static const char *const suffixes[] = {"iso", NULL};
  const LodgeFileQuestion question = {
      .title = _ ("Choose a Disc"),
      .action = GTK_FILE_CHOOSER_ACTION_OPEN,
      .accept = _ ("_Insert"),
      .filter = _ ("Images of discs"),
      .suffixes = suffixes,
  };

  lodge_file_choice_ask (slot, parent, &question, chosen, user_data, free_data);
}

AdwMessageDialog *
lodge_disc_ask_for_force (GtkWindow *parent)
{
  return lodge_message_ask (
      parent, _ ("The Guest Does Not Give the Disc Back"),
      _ ("It may be reading from it. Taken out by force, whatever reads it there fails."),
      _ ("Take Out by _Force"));
}

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

/* Whoever wants to have the guest's disc all the same. */
typedef struct {
  void (*force) (gpointer user_data);
  gpointer user_data;
  GDestroyNotify free_data;
} Force;

static void
force_answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  const Force *wish = user_data;

  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    wish->force (wish->user_data);
}

static void
force_gone (gpointer data, GClosure *closure)
{
  Force *wish = data;

  wish->free_data (wish->user_data);
  g_free (wish);
}

void
lodge_disc_ask_for_force (GtkWindow *parent,
                          void (*force) (gpointer user_data),
                          gpointer user_data,
                          GDestroyNotify free_data)
{
  Force *wish = g_new0 (Force, 1);
  AdwMessageDialog *dialog = lodge_message_ask (
      parent, _ ("The Guest Does Not Give the Disc Back"),
      _ ("It may be reading from it. Taken out by force, whatever reads it there fails."),
      _ ("Take Out by _Force"));

  wish->force = force;
  wish->user_data = user_data;
  wish->free_data = free_data;
  g_signal_connect_data (dialog, "response", G_CALLBACK (force_answered_cb), wish, force_gone, 0);
  g_signal_connect_object (parent, "unrealize", G_CALLBACK (gtk_window_close), dialog,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

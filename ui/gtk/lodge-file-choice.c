/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking for a file of this computer. */
#include "gtk/lodge-file-choice.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

typedef struct {
  GtkFileChooserNative **slot;
  LodgeFileChosen chosen;
  gpointer user_data;
  GDestroyNotify free_data;
} Choice;

static void
choice_free (gpointer data, GClosure *closure)
{
  Choice *choice = data;

  if (choice->free_data != NULL)
    choice->free_data (choice->user_data);
  g_free (choice);
}

gboolean
lodge_file_choice_check_path (const char *path, GError **error)
{
  if (g_utf8_validate (path, -1, NULL))
    return TRUE;
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                       _ ("Only a file whose name is UTF-8 can be used: rename it first"));
  return FALSE;
}

char *
lodge_file_choice_dup_path (GFile *file, GError **error)
{
  g_autofree char *path = g_file_get_path (file);

  if (path == NULL)
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                         _ ("This is not a file of this computer; copy it here first."));
  else if (lodge_file_choice_check_path (path, error))
    return g_steal_pointer (&path);
  return NULL;
}

static void
response_cb (GtkNativeDialog *dialog, int response, gpointer user_data)
{
  const Choice *choice = user_data;
  G_GNUC_UNUSED g_autoptr (GtkFileChooserNative) owned = g_steal_pointer (choice->slot);
  g_autoptr (GFile) file = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  if (file != NULL) {
    g_autoptr (GError) error = NULL;
    g_autofree char *path = lodge_file_choice_dup_path (file, &error);

    choice->chosen (path, error, choice->user_data);
  }
  gtk_native_dialog_destroy (dialog);
}

static void
add_filters (GtkFileChooser *chooser, const LodgeFileQuestion *question)
{
  g_autoptr (GtkFileFilter) some = gtk_file_filter_new ();
  g_autoptr (GtkFileFilter) all = gtk_file_filter_new ();

  gtk_file_filter_set_name (some, question->filter);
  for (guint i = 0; question->suffixes[i] != NULL; i++)
    gtk_file_filter_add_suffix (some, question->suffixes[i]);
  gtk_file_filter_set_name (all, _ ("All files"));
  gtk_file_filter_add_pattern (all, "*");
  gtk_file_chooser_add_filter (chooser, some);
  gtk_file_chooser_add_filter (chooser, all);
}

void
lodge_file_choice_ask (GtkFileChooserNative **slot,
                       GtkWindow *parent,
                       const LodgeFileQuestion *question,
                       LodgeFileChosen chosen,
                       gpointer user_data,
                       GDestroyNotify free_data)
{
  Choice *choice;

  if (*slot != NULL) {
    if (free_data != NULL)
      free_data (user_data);
    return;
  }
  choice = g_new (Choice, 1);
  *choice = (Choice){slot, chosen, user_data, free_data};
  *slot = gtk_file_chooser_native_new (question->title, parent, question->action, question->accept,
                                       _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (*slot), TRUE);
  if (question->name != NULL)
    gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (*slot), question->name);
  if (question->filter != NULL)
    add_filters (GTK_FILE_CHOOSER (*slot), question);
  g_signal_connect_data (*slot, "response", G_CALLBACK (response_cb), choice, choice_free, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (*slot));
}

void
lodge_file_choice_end (GtkFileChooserNative **slot)
{
  g_autoptr (GtkFileChooserNative) dialog = g_steal_pointer (slot);

  /* The desktop may hold it, too, and would go on showing it. */
  if (dialog != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (dialog));
}

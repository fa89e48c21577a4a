/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What something that was refused needs to be asked about its machine before it can be done again.
 */
#include "gtk/lodge-machine-question.h"

#include "gtk/lodge-child-window.h"

/* The questions of a window: UUID to LodgeMachineQuestion, lent. */
#define KEY "lodge-machine-questions"

static GHashTable *
get_questions (GtkWindow *parent)
{
  GHashTable *questions = g_object_get_data (G_OBJECT (parent), KEY);

  if (questions == NULL) {
    questions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_object_set_data_full (G_OBJECT (parent), KEY, questions, (GDestroyNotify) g_hash_table_unref);
  }
  return questions;
}

static void
clear (gpointer data)
{
  LodgeMachineQuestion *self = data;

  g_hash_table_remove (get_questions (self->parent), self->uuid);
  if (self->free_data != NULL)
    self->free_data (self->user_data);
  if (self->free_own != NULL)
    self->free_own (self->own);
  g_object_unref (self->parent);
  g_object_unref (self->client);
  if (self->machine != NULL)
    g_signal_handlers_disconnect_matched (self->machine, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL,
                                          self);
  g_clear_object (&self->machine);
  g_free (self->uuid);
  g_free (self->name);
  g_free (self->heading);
}

LodgeMachineQuestion *
lodge_machine_question_ref (LodgeMachineQuestion *self)
{
  return g_rc_box_acquire (self);
}

void
lodge_machine_question_unref (LodgeMachineQuestion *self)
{
  g_rc_box_release_full (self, clear);
}

LodgeMachineQuestion *
lodge_machine_question_new (GtkWindow *parent,
                            LodgeClient *client,
                            const char *uuid,
                            const char *name,
                            const char *heading,
                            LodgeMachineAnswered answered,
                            gpointer user_data,
                            GDestroyNotify free_data)
{
  LodgeMachineQuestion *self = g_hash_table_lookup (get_questions (parent), uuid);

  if (self != NULL) {
    if (self->dialog != NULL)
      gtk_window_present (GTK_WINDOW (self->dialog));
    if (free_data != NULL)
      free_data (user_data);
    return NULL;
  }
  self = g_rc_box_new0 (LodgeMachineQuestion);
  self->parent = g_object_ref (parent);
  self->client = g_object_ref (client);
  self->uuid = g_strdup (uuid);
  self->name = g_strdup (name);
  self->heading = g_strdup (heading);
  self->answered = answered;
  self->user_data = user_data;
  self->free_data = free_data;
  g_hash_table_insert (get_questions (parent), g_strdup (uuid), self);
  return self;
}

gboolean
lodge_machine_question_is_open (LodgeMachineQuestion *self)
{
  return gtk_widget_get_visible (GTK_WIDGET (self->parent));
}

static void
gone (gpointer data, GClosure *closure)
{
  lodge_machine_question_unref (data);
}

static void
hidden_cb (AdwMessageDialog *dialog, LodgeMachineQuestion *self)
{
  if (self->dialog == dialog)
    self->dialog = NULL;
}

static void
removed_cb (LodgeEngine1 *engine, const char *uuid, AdwMessageDialog *dialog)
{
  if (g_str_equal (uuid, g_object_get_data (G_OBJECT (dialog), KEY)))
    gtk_window_close (GTK_WINDOW (dialog));
}

void
lodge_machine_question_show (LodgeMachineQuestion *self,
                             AdwMessageDialog *dialog,
                             GCallback response)
{
  self->dialog = dialog;
  g_object_set_data_full (G_OBJECT (dialog), KEY, g_strdup (self->uuid), g_free);
  lodge_child_window_attach (GTK_WINDOW (dialog), self->parent);
  g_signal_connect_data (dialog, "response", response, lodge_machine_question_ref (self), gone, 0);
  g_signal_connect_data (dialog, "unrealize", G_CALLBACK (hidden_cb),
                         lodge_machine_question_ref (self), gone, 0);
  g_signal_connect_object (lodge_client_get_engine (self->client), "machine-removed",
                           G_CALLBACK (removed_cb), dialog, 0);
  /* Another engine is asked anew. */
  g_signal_connect_object (self->client, "closed", G_CALLBACK (gtk_window_close), dialog,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

void
lodge_machine_question_take_back (LodgeMachineQuestion *self)
{
  if (self->dialog != NULL)
    gtk_window_close (GTK_WINDOW (self->dialog));
}

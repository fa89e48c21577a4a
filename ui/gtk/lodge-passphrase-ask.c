/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The passphrase of an encrypted machine is asked for where something has failed without it. */
#include "gtk/lodge-passphrase-ask.h"

#include "gtk/lodge-message.h"
#include "lodge-error.h"
#include "lodge-passphrase.h"

#include <glib/gi18n-lib.h>

typedef struct {
  GtkWindow *parent;      /* owned */
  LodgeMachine1 *machine; /* once it has been opened */
  char *name;
  char *heading;
  GtkEntry *entry; /* lent by the question */
  GtkCheckButton *remember;
  LodgePassphraseGiven given;
  gpointer user_data;
  GDestroyNotify free_data;
} Ask;

static void
ask_clear (gpointer data)
{
  Ask *ask = data;

  if (ask->free_data != NULL)
    ask->free_data (ask->user_data);
  g_object_unref (ask->parent);
  g_clear_object (&ask->machine);
  g_free (ask->name);
  g_free (ask->heading);
}

static void
ask_unref (Ask *ask)
{
  g_rc_box_release_full (ask, ask_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Ask, ask_unref)

static gboolean
is_open (Ask *ask)
{
  return gtk_widget_get_visible (GTK_WIDGET (ask->parent));
}

static void question_show (Ask *ask, const char *sentence);

static void
unlocked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Ask) ask = user_data;
  g_autoptr (GError) error = NULL;
  const gboolean done = lodge_machine1_call_unlock_finish (LODGE_MACHINE1 (source), result, &error);

  if (!is_open (ask))
    return;
  if (done) {
    ask->given (ask->user_data);
    return;
  }
  g_dbus_error_strip_remote_error (error);
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_DENIED))
    question_show (ask, error->message);
  else
    lodge_message_show_error (ask->parent, ask->heading, error);
}

static void
answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  Ask *ask = user_data;

  if (!g_str_equal (response, LODGE_MESSAGE_ACT) || !is_open (ask))
    return;
  lodge_machine1_call_unlock (
      ask->machine, lodge_passphrase_to_variant (gtk_editable_get_text (GTK_EDITABLE (ask->entry))),
      gtk_check_button_get_active (ask->remember), NULL, unlocked_cb, g_rc_box_acquire (ask));
}

static void
question_gone (gpointer data, GClosure *closure)
{
  ask_unref (data);
}

static void
typed_cb (GtkEditable *entry, AdwMessageDialog *dialog)
{
  adw_message_dialog_set_response_enabled (dialog, LODGE_MESSAGE_ACT,
                                           *gtk_editable_get_text (entry) != '\0');
}

/* @sentence: (nullable): what was wrong with the last answer */
static void
question_show (Ask *ask, const char *sentence)
{
  g_autofree char *question = g_strdup_printf (_ ("Unlock “%s”"), ask->name);
  GtkWidget *window = adw_message_dialog_new (
      ask->parent, question,
      sentence != NULL ? sentence : _ ("This machine is encrypted, and its passphrase is needed."));
  AdwMessageDialog *dialog = ADW_MESSAGE_DIALOG (window);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  /* Not a GtkPasswordEntry, whose text tells of its focus when that is gone already (GTK 4.8). */
  ask->entry = GTK_ENTRY (gtk_entry_new ());
  gtk_entry_set_visibility (ask->entry, FALSE);
  gtk_entry_set_input_purpose (ask->entry, GTK_INPUT_PURPOSE_PASSWORD);
  gtk_entry_set_activates_default (ask->entry, TRUE);
  gtk_entry_set_placeholder_text (ask->entry, _ ("Passphrase"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (ask->entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Passphrase"), -1);
  ask->remember =
      GTK_CHECK_BUTTON (gtk_check_button_new_with_mnemonic (_ ("Keep the key in the _keyring")));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (ask->entry));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (ask->remember));
  adw_message_dialog_set_extra_child (dialog, box);
  adw_message_dialog_add_responses (dialog, "cancel", _ ("_Cancel"), LODGE_MESSAGE_ACT,
                                    _ ("_Unlock"), NULL);
  adw_message_dialog_set_response_appearance (dialog, LODGE_MESSAGE_ACT, ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (dialog, LODGE_MESSAGE_ACT);
  adw_message_dialog_set_close_response (dialog, "cancel");
  g_signal_connect_object (ask->entry, "changed", G_CALLBACK (typed_cb), dialog, 0);
  typed_cb (GTK_EDITABLE (ask->entry), dialog);
  g_signal_connect_data (dialog, "response", G_CALLBACK (answered_cb), g_rc_box_acquire (ask),
                         question_gone, 0);
  gtk_window_set_focus (GTK_WINDOW (window), GTK_WIDGET (ask->entry));
  gtk_window_present (GTK_WINDOW (window));
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Ask) ask = user_data;
  g_autoptr (GError) error = NULL;

  ask->machine = lodge_client_open_machine_finish (LODGE_CLIENT (source), result, &error);
  if (!is_open (ask))
    return;
  if (ask->machine != NULL)
    question_show (ask, NULL);
  else
    lodge_message_show_error (ask->parent, ask->heading, error);
}

void
lodge_passphrase_ask (GtkWindow *parent,
                      LodgeClient *client,
                      const char *uuid,
                      const char *name,
                      const char *heading,
                      LodgePassphraseGiven given,
                      gpointer user_data,
                      GDestroyNotify free_data)
{
  Ask *ask = g_rc_box_new0 (Ask);

  ask->parent = g_object_ref (parent);
  ask->name = g_strdup (name);
  ask->heading = g_strdup (heading);
  ask->given = given;
  ask->user_data = user_data;
  ask->free_data = free_data;
  lodge_client_open_machine_async (client, uuid, NULL, opened_cb, ask);
}

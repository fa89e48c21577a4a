/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The passphrase of an encrypted machine is asked for where something has failed without it. */
#include "gtk/lodge-passphrase-ask.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-set-keys.h"
#include "lodge-error.h"
#include "lodge-passphrase.h"

#include <glib/gi18n-lib.h>

/* What is asked with. */
typedef struct {
  GtkEntry *entry; /* lent by the question */
  GtkCheckButton *remember;
  gboolean keep; /* was chosen before a passphrase that was wrong */
} Own;

static void question_show (LodgeMachineQuestion *ask, const char *sentence);

/* The key is to be kept, for which a keyring may have questions of its own. The passphrase's is
 * over: there may be another one meanwhile. */
typedef struct {
  GtkWindow *parent; /* owned */
  char *name;
} Keeping;

static void
keeping_free (Keeping *keeping)
{
  g_object_unref (keeping->parent);
  g_free (keeping->name);
  g_free (keeping);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Keeping, keeping_free)

static void
kept_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Keeping) keeping = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) told = NULL;
  g_autofree char *heading = NULL;

  if (lodge_machine1_call_remember_key_finish (LODGE_MACHINE1 (source), result, &error))
    return;
  g_dbus_error_strip_remote_error (error);
  heading = g_strdup_printf (_ ("Could Not Keep the Key of “%s” in the Keyring"), keeping->name);
  told = g_error_new (error->domain, error->code, _ ("The passphrase will be asked for again: %s"),
                      error->message);
  lodge_set_keys_show_error (keeping->parent, heading, told);
}

static void
keep (LodgeMachineQuestion *ask)
{
  Keeping *keeping = g_new0 (Keeping, 1);

  keeping->parent = g_object_ref (ask->parent);
  keeping->name = g_strdup (ask->name);
  lodge_machine1_call_remember_key (ask->machine, TRUE, NULL, kept_cb, keeping);
}

static void
unlocked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachineQuestion) ask = user_data;
  const Own *own = ask->own;
  g_autoptr (GError) error = NULL;

  if (lodge_machine1_call_unlock_finish (LODGE_MACHINE1 (source), result, &error)) {
    /* Nothing that the passphrase was asked for depends on a keyring. */
    if (own->keep)
      keep (ask);
    ask->answered (ask->user_data);
    return;
  }
  g_dbus_error_strip_remote_error (error);
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_DENIED) &&
      lodge_machine_question_is_open (ask))
    question_show (ask, error->message);
  else
    lodge_set_keys_show_error (ask->parent, ask->heading, error);
}

static void
answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  LodgeMachineQuestion *ask = user_data;
  Own *own = ask->own;

  if (!g_str_equal (response, LODGE_MESSAGE_ACT) || !lodge_machine_question_is_open (ask))
    return;
  own->keep = gtk_check_button_get_active (own->remember);
  lodge_machine1_call_unlock (
      ask->machine, lodge_passphrase_to_variant (gtk_editable_get_text (GTK_EDITABLE (own->entry))),
      NULL, unlocked_cb, lodge_machine_question_ref (ask));
}

static void
typed_cb (GtkEditable *entry, AdwMessageDialog *dialog)
{
  adw_message_dialog_set_response_enabled (dialog, LODGE_MESSAGE_ACT,
                                           *gtk_editable_get_text (entry) != '\0');
}

/* @sentence: (nullable): what was wrong with the last answer */
static void
question_show (LodgeMachineQuestion *ask, const char *sentence)
{
  Own *own = ask->own;
  g_autofree char *question = g_strdup_printf (_ ("Unlock “%s”"), ask->name);
  GtkWidget *window = adw_message_dialog_new (
      ask->parent, question,
      sentence != NULL ? sentence : _ ("This machine is encrypted, and its passphrase is needed."));
  AdwMessageDialog *dialog = ADW_MESSAGE_DIALOG (window);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  /* In memory that is not swapped out, and is wiped. */
  g_autoptr (GtkEntryBuffer) buffer = gtk_password_entry_buffer_new ();

  /* Not a GtkPasswordEntry, whose text tells of its focus when that is gone already (GTK 4.8). */
  own->entry = GTK_ENTRY (gtk_entry_new_with_buffer (buffer));
  gtk_entry_set_visibility (own->entry, FALSE);
  gtk_entry_set_input_purpose (own->entry, GTK_INPUT_PURPOSE_PASSWORD);
  gtk_entry_set_activates_default (own->entry, TRUE);
  gtk_entry_set_placeholder_text (own->entry, _ ("Passphrase"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (own->entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Passphrase"), -1);
  own->remember =
      GTK_CHECK_BUTTON (gtk_check_button_new_with_mnemonic (_ ("Keep the key in the _keyring")));
  gtk_check_button_set_active (own->remember, own->keep);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (own->entry));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (own->remember));
  adw_message_dialog_set_extra_child (dialog, box);
  adw_message_dialog_add_responses (dialog, "cancel", _ ("_Cancel"), LODGE_MESSAGE_ACT,
                                    _ ("_Unlock"), NULL);
  adw_message_dialog_set_response_appearance (dialog, LODGE_MESSAGE_ACT, ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (dialog, LODGE_MESSAGE_ACT);
  adw_message_dialog_set_close_response (dialog, "cancel");
  g_signal_connect_object (own->entry, "changed", G_CALLBACK (typed_cb), dialog, 0);
  typed_cb (GTK_EDITABLE (own->entry), dialog);
  gtk_window_set_focus (GTK_WINDOW (window), GTK_WIDGET (own->entry));
  lodge_machine_question_show (ask, dialog, G_CALLBACK (answered_cb));
}

static gboolean
is_locked (LodgeMachineQuestion *ask)
{
  return g_strcmp0 (lodge_machine1_get_encryption (ask->machine), "locked") == 0;
}

/* Somebody else has done it, and will have had a reason. */
static void
encryption_cb (LodgeMachineQuestion *ask)
{
  if (!is_locked (ask))
    lodge_machine_question_take_back (ask);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachineQuestion) ask = user_data;
  g_autoptr (GError) error = NULL;

  ask->machine = lodge_client_open_machine_finish (LODGE_CLIENT (source), result, &error);
  if (!lodge_machine_question_is_open (ask))
    return;
  if (ask->machine == NULL) {
    lodge_message_show_error (ask->parent, ask->heading, error);
    return;
  }
  if (!is_locked (ask)) {
    ask->answered (ask->user_data);
    return;
  }
  question_show (ask, NULL);
  g_signal_connect_swapped (ask->machine, "notify::encryption", G_CALLBACK (encryption_cb), ask);
}

void
lodge_passphrase_say_dropped (GtkWindow *window, const char *heading)
{
  g_autoptr (GError) error = g_error_new_literal (
      LODGE_ERROR, LODGE_ERROR_STATE,
      _ ("Its window was closed while the passphrase was being checked, so nothing was done: ask "
         "for it again"));

  lodge_set_keys_show_error (window, heading, error);
}

void
lodge_passphrase_ask (GtkWindow *parent,
                      LodgeClient *client,
                      const char *uuid,
                      const char *name,
                      const char *heading,
                      LodgeMachineAnswered given,
                      gpointer user_data,
                      GDestroyNotify free_data)
{
  LodgeMachineQuestion *ask =
      lodge_machine_question_new (parent, client, uuid, name, heading, given, user_data, free_data);

  if (ask == NULL)
    return;
  ask->own = g_new0 (Own, 1);
  ask->free_own = g_free;
  lodge_client_open_machine_async (client, uuid, NULL, opened_cb, ask);
}

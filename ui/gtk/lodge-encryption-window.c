/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether one machine is encrypted, and what can be done about that. */
#include "gtk/lodge-encryption-window-private.h"

#include "console/lodge-machine-state.h"
#include "gtk/lodge-child-window.h"
#include "gtk/lodge-lock-words.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-passphrase-ask.h"
#include "gtk/lodge-window-parts.h"

#include <glib/gi18n-lib.h>

#define WIDTH     520
#define MIN_WIDTH 380
/* As high as what is shown as a rule; the rest can be scrolled to. */
#define PLAIN_HEIGHT     560
#define ENCRYPTED_HEIGHT 410

G_DEFINE_FINAL_TYPE (LodgeEncryptionWindow, lodge_encryption_window, LODGE_TYPE_MACHINE_WINDOW)

/* --- What can be done --- */

static const char *
get_encryption (LodgeEncryptionWindow *self)
{
  const char *encryption =
      self->base.machine != NULL ? lodge_machine1_get_encryption (self->base.machine) : NULL;

  return encryption != NULL ? encryption : "";
}

static LodgeMachineState
get_state (LodgeEncryptionWindow *self)
{
  return self->base.machine != NULL
             ? lodge_machine_state_from_text (lodge_machine1_get_state (self->base.machine))
             : LODGE_MACHINE_STATE_UNKNOWN;
}

/* Why it can be neither encrypted nor decrypted now; NULL: nothing is in the way. Transfer full. */
static char *
dup_obstacle (LodgeEncryptionWindow *self)
{
  if (self->base.machine == NULL)
    return g_strdup (lodge_connection_get_problem (self->base.connection));
  switch (get_state (self)) {
  case LODGE_MACHINE_STATE_OFF:
    return g_strdup (self->problem);
  case LODGE_MACHINE_STATE_SUSPENDED:
    return g_strdup (_ ("Its encryption can be changed once it is off: resume it and shut it down "
                        "first, or discard its saved state"));
  case LODGE_MACHINE_STATE_TEMPLATE:
    return g_strdup (_ ("It is a template: make it an ordinary machine again before its encryption "
                        "is changed"));
  default:
    return g_strdup_printf (_ ("Its encryption can be changed only while it is off; now it is: %s"),
                            lodge_machine_state_get_word (get_state (self)));
  }
}

void
lodge_encryption_window_update (LodgeEncryptionWindow *self)
{
  const char *encryption = get_encryption (self);
  const gboolean encrypted = *encryption != '\0';
  const gboolean locked = g_str_equal (encryption, "locked");
  const gboolean free_now = self->base.machine != NULL && !self->calling && self->work == NULL;
  g_autofree char *obstacle = dup_obstacle (self);
  const gboolean may_change = free_now && obstacle == NULL;

  gtk_label_set_text (self->hint, obstacle != NULL ? obstacle : "");
  gtk_widget_set_visible (GTK_WIDGET (self->hint), obstacle != NULL);
  lodge_lock_words_show (self->lock_icon, encryption);
  gtk_label_set_text (self->state_label, locked      ? _ ("Encrypted and locked")
                                         : encrypted ? _ ("Encrypted, unlocked now")
                                                     : _ ("Not encrypted"));
  gtk_widget_set_visible (GTK_WIDGET (self->state_label), self->base.machine != NULL);
  if (gtk_widget_get_visible (self->plain_page) != (self->base.machine != NULL && !encrypted) ||
      gtk_widget_get_visible (self->encrypted_page) != encrypted)
    gtk_window_set_default_size (GTK_WINDOW (self), WIDTH,
                                 encrypted ? ENCRYPTED_HEIGHT : PLAIN_HEIGHT);
  gtk_widget_set_visible (self->plain_page, self->base.machine != NULL && !encrypted);
  /* One that was hidden is not the default any more. */
  if (gtk_widget_get_visible (self->plain_page))
    gtk_window_set_default_widget (GTK_WINDOW (self), self->encrypt_button);
  /* What was typed is not there for whoever sees the page again. */
  if (encrypted)
    lodge_encrypt_row_clear (self->encrypt_row);
  gtk_widget_set_visible (self->encrypted_page, encrypted);
  gtk_widget_set_sensitive (GTK_WIDGET (self->encrypt_row), may_change);
  gtk_widget_set_sensitive (self->encrypt_button,
                            may_change && lodge_encrypt_row_is_good (self->encrypt_row));
  gtk_button_set_label (self->lock_button, locked ? _ ("_Unlock…") : _ ("_Lock Now"));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->lock_row),
                                 locked ? _ ("Locked") : _ ("Unlocked"));
  adw_action_row_set_subtitle (
      self->lock_row,
      locked ? _ ("Its passphrase, or the key in the keyring, is needed to start it")
             : _ ("Until 15 minutes after its guest has ended, or what is done with it"));
  gtk_widget_set_sensitive (GTK_WIDGET (self->lock_button), locked ? free_now : may_change);
  gtk_widget_set_sensitive (self->change_button, free_now);
  gtk_widget_set_sensitive (self->keep_button, free_now);
  gtk_widget_set_sensitive (self->forget_button, free_now);
  gtk_widget_set_sensitive (self->decrypt_button, may_change);
}

/* --- Doing it --- */

static char *
dup_failure (LodgeEncryptionWindow *self, const char *format)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  return g_strdup_printf (format, self->base.name);
#pragma GCC diagnostic pop
}

static void
encrypt_cb (GtkButton *button, LodgeEncryptionWindow *self)
{
  g_autoptr (GVariant) spec = NULL;
  g_autoptr (GVariant) passphrase = NULL;
  GVariantDict dict;
  gboolean remember = FALSE;

  g_variant_dict_init (&dict, NULL);
  lodge_encrypt_row_add_to_spec (self->encrypt_row, &dict);
  spec = g_variant_ref_sink (g_variant_dict_end (&dict));
  passphrase = g_variant_lookup_value (spec, "passphrase", G_VARIANT_TYPE_BYTESTRING);
  g_variant_lookup (spec, "remember", "b", &remember);
  if (passphrase != NULL)
    lodge_encryption_work_call (self, "Encrypt", g_variant_new ("(@ayb)", passphrase, remember),
                                dup_failure (self, _ ("Could Not Encrypt “%s”")),
                                _ ("The machine is encrypted"));
}

static void
unlocked_cb (gpointer user_data)
{
  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (user_data)))
    lodge_message_toast (GTK_WINDOW (user_data), _ ("The machine is unlocked"),
                         LODGE_MESSAGE_TOAST_S);
}

static void
lock_cb (GtkButton *button, LodgeEncryptionWindow *self)
{
  LodgeClient *client = lodge_connection_get_client (self->base.connection);
  g_autofree char *failure = NULL;

  if (!g_str_equal (get_encryption (self), "locked")) {
    lodge_encryption_work_call (self, "Lock", NULL, dup_failure (self, _ ("Could Not Lock “%s”")),
                                NULL);
    return;
  }
  failure = dup_failure (self, _ ("Could Not Unlock “%s”"));
  if (client != NULL)
    lodge_passphrase_ask (GTK_WINDOW (self), client, self->base.uuid, self->base.name, failure,
                          unlocked_cb, g_object_ref (self), g_object_unref);
}

static void
change_cb (GtkButton *button, LodgeEncryptionWindow *self)
{
  lodge_encryption_ask_change (self);
}

static void
keyring_cb (GtkButton *button, LodgeEncryptionWindow *self)
{
  const gboolean keep = GTK_WIDGET (button) == self->keep_button;

  lodge_encryption_work_call (
      self, "RememberKey", g_variant_new ("(b)", keep),
      dup_failure (self, keep ? _ ("Could Not Keep the Key of “%s” in the Keyring")
                              : _ ("Could Not Take the Key of “%s” out of the Keyring")),
      keep ? _ ("The keyring opens the machine from now on")
           : _ ("The keyring does not open the machine any more"));
}

static void
decrypt_answered_cb (AdwMessageDialog *dialog, const char *response, LodgeEncryptionWindow *self)
{
  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    lodge_encryption_work_call (self, "Decrypt", NULL,
                                dup_failure (self, _ ("Could Not Decrypt “%s”")),
                                _ ("The machine is not encrypted any more"));
}

static void
decrypt_cb (GtkButton *button, LodgeEncryptionWindow *self)
{
  g_autofree char *question = g_strdup_printf (_ ("Decrypt “%s”?"), self->base.name);
  AdwMessageDialog *dialog = lodge_message_ask (
      GTK_WINDOW (self), question,
      _ ("All of it is written anew in clear, which takes as much room again until that is done. "
         "From then on whoever can read its folder can read its disks."),
      _ ("_Decrypt"));

  lodge_child_window_attach (GTK_WINDOW (dialog), GTK_WINDOW (self));
  g_signal_connect_object (dialog, "response", G_CALLBACK (decrypt_answered_cb), self, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* --- The engine --- */

static char *
dup_title (const char *name)
{
  return g_strdup_printf (_ ("Encryption of “%s”"), name);
}

static void
show_changes (LodgeEncryptionWindow *self)
{
  lodge_encryption_work_check (self);
  lodge_encryption_window_update (self);
}

static void
changed (LodgeMachineWindow *base, GVariant *properties)
{
  show_changes (LODGE_ENCRYPTION_WINDOW (base));
}

static void
dropped (LodgeMachineWindow *base)
{
  LodgeEncryptionWindow *self = LODGE_ENCRYPTION_WINDOW (base);

  g_cancellable_cancel (self->checking);
  g_clear_object (&self->checking);
  g_clear_pointer (&self->problem, g_free);
  self->calling = FALSE;
}

static void
opened (LodgeMachineWindow *base)
{
  LodgeEncryptionWindow *self = LODGE_ENCRYPTION_WINDOW (base);

  show_changes (self);
  if (gtk_widget_get_visible (self->plain_page))
    gtk_widget_child_focus (GTK_WIDGET (self->encrypt_row), GTK_DIR_TAB_FORWARD);
}

static void
failed (LodgeMachineWindow *base, const GError *error)
{
  LodgeEncryptionWindow *self = LODGE_ENCRYPTION_WINDOW (base);

  gtk_label_set_text (self->hint, error->message);
  gtk_widget_set_visible (GTK_WIDGET (self->hint), TRUE);
}

/* It may have been mended meanwhile, in another window. */
static void
active_cb (LodgeEncryptionWindow *self)
{
  if (gtk_window_is_active (GTK_WINDOW (self)))
    lodge_encryption_work_check (self);
}

static void
begun (LodgeMachineWindow *base)
{
  LodgeEncryptionWindow *self = LODGE_ENCRYPTION_WINDOW (base);

  g_signal_connect_swapped (base->engine, "job-added", G_CALLBACK (lodge_encryption_work_find),
                            self);
  lodge_encryption_work_find (self);
}

static void
update (LodgeMachineWindow *base)
{
  lodge_encryption_window_update (LODGE_ENCRYPTION_WINDOW (base));
}

/* --- Life --- */

static void
closed (LodgeMachineWindow *base)
{
  lodge_work_panel_end (LODGE_ENCRYPTION_WINDOW (base)->work_panel);
}

static void
lodge_encryption_window_dispose (GObject *object)
{
  LodgeEncryptionWindow *self = LODGE_ENCRYPTION_WINDOW (object);

  g_clear_object (&self->work);
  G_OBJECT_CLASS (lodge_encryption_window_parent_class)->dispose (object);
}

static void
lodge_encryption_window_class_init (LodgeEncryptionWindowClass *klass)
{
  LodgeMachineWindowClass *window_class = LODGE_MACHINE_WINDOW_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lodge_encryption_window_dispose;
  window_class->dup_title = dup_title;
  window_class->update = update;
  window_class->begun = begun;
  window_class->opened = opened;
  window_class->failed = failed;
  window_class->changed = changed;
  window_class->dropped = dropped;
  window_class->closed = closed;
}

static GtkWidget *
make_text (const char *sentence)
{
  GtkWidget *label = gtk_label_new (sentence);

  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  return label;
}

static void
make_plain_page (LodgeEncryptionWindow *self)
{
  GtkWidget *list = GTK_WIDGET (lodge_boxed_list_new ());
  GtkWidget *what = make_text (_ (
      "Its disks, the firmware’s variables, the TPM’s state and the memory in its snapshots are "
      "written anew, which takes as much room again until that is done. What was there before is "
      "deleted, but not overwritten: until something else takes its place, who has the medium "
      "can find it. Clones and copies that were made before stay as they are."));
  GtkWidget *warning =
      make_text (_ ("If the passphrase is lost, what is on the machine is lost, too: nobody can "
                    "bring it back."));

  self->plain_page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  self->encrypt_row = g_object_new (LODGE_TYPE_ENCRYPT_ROW, NULL);
  adw_expander_row_set_enable_expansion (ADW_EXPANDER_ROW (self->encrypt_row), TRUE);
  adw_expander_row_set_expanded (ADW_EXPANDER_ROW (self->encrypt_row), TRUE);
  adw_expander_row_set_show_enable_switch (ADW_EXPANDER_ROW (self->encrypt_row), FALSE);
  g_signal_connect_object (self->encrypt_row, "changed",
                           G_CALLBACK (lodge_encryption_window_update), self, G_CONNECT_SWAPPED);
  gtk_list_box_append (GTK_LIST_BOX (list), GTK_WIDGET (self->encrypt_row));
  self->encrypt_button = gtk_button_new_with_mnemonic (_ ("_Encrypt"));
  gtk_widget_add_css_class (self->encrypt_button, "suggested-action");
  gtk_widget_set_halign (self->encrypt_button, GTK_ALIGN_END);
  g_signal_connect (self->encrypt_button, "clicked", G_CALLBACK (encrypt_cb), self);
  gtk_widget_add_css_class (warning, "heading");
  gtk_box_append (GTK_BOX (self->plain_page), list);
  gtk_box_append (GTK_BOX (self->plain_page), warning);
  gtk_box_append (GTK_BOX (self->plain_page), what);
  gtk_box_append (GTK_BOX (self->plain_page), self->encrypt_button);
}

/* @subtitle: (nullable) */
static AdwActionRow *
add_row (GtkWidget *list, const char *title, const char *subtitle)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  if (subtitle != NULL)
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 0);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
  return ADW_ACTION_ROW (row);
}

static GtkWidget *
add_button (LodgeEncryptionWindow *self, AdwActionRow *row, const char *label, GCallback clicked)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  g_signal_connect (button, "clicked", clicked, self);
  adw_action_row_add_suffix (row, button);
  return button;
}

static void
make_encrypted_page (LodgeEncryptionWindow *self)
{
  GtkWidget *list = GTK_WIDGET (lodge_boxed_list_new ());
  AdwActionRow *row;

  self->encrypted_page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  self->lock_row = add_row (list, "", NULL);
  self->lock_button = GTK_BUTTON (add_button (self, self->lock_row, "", G_CALLBACK (lock_cb)));
  row = add_row (list, _ ("Passphrase"), NULL);
  self->change_button = add_button (self, row, _ ("_Change…"), G_CALLBACK (change_cb));
  row = add_row (list, _ ("Key in the Keyring"),
                 _ ("Opens the machine without the passphrase, for whoever has logged in"));
  self->keep_button = add_button (self, row, _ ("_Keep"), G_CALLBACK (keyring_cb));
  self->forget_button = add_button (self, row, _ ("_Forget"), G_CALLBACK (keyring_cb));
  row = add_row (list, _ ("Encryption"), _ ("Writes all of the machine anew, in clear"));
  self->decrypt_button = add_button (self, row, _ ("_Decrypt…"), G_CALLBACK (decrypt_cb));
  gtk_box_append (GTK_BOX (self->encrypted_page), list);
}

static void
lodge_encryption_window_init (LodgeEncryptionWindow *self)
{
  GtkWidget *toasts = adw_toast_overlay_new ();
  GtkWidget *outer = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *state = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *scroller = gtk_scrolled_window_new ();

  gtk_window_set_default_size (GTK_WINDOW (self), WIDTH, PLAIN_HEIGHT);
  gtk_widget_set_size_request (GTK_WIDGET (self), MIN_WIDTH, -1);
  gtk_widget_set_margin_top (box, 18);
  gtk_widget_set_margin_bottom (box, 18);
  gtk_widget_set_margin_start (box, 18);
  gtk_widget_set_margin_end (box, 18);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), box);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_widget_set_vexpand (scroller, TRUE);

  self->lock_icon = GTK_IMAGE (gtk_image_new ());
  self->state_label = GTK_LABEL (gtk_label_new (NULL));
  gtk_widget_add_css_class (GTK_WIDGET (self->state_label), "title-4");
  gtk_box_append (GTK_BOX (state), GTK_WIDGET (self->lock_icon));
  gtk_box_append (GTK_BOX (state), GTK_WIDGET (self->state_label));
  self->hint = GTK_LABEL (make_text (NULL));
  gtk_widget_add_css_class (GTK_WIDGET (self->hint), "dim-label");
  make_plain_page (self);
  make_encrypted_page (self);
  gtk_box_append (GTK_BOX (box), state);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->hint));
  gtk_box_append (GTK_BOX (box), self->plain_page);
  gtk_box_append (GTK_BOX (box), self->encrypted_page);

  self->work_panel = LODGE_WORK_PANEL (lodge_work_panel_new ());
  gtk_box_append (GTK_BOX (outer), adw_header_bar_new ());
  gtk_box_append (GTK_BOX (outer), scroller);
  gtk_box_append (GTK_BOX (outer), GTK_WIDGET (self->work_panel));
  adw_toast_overlay_set_child (ADW_TOAST_OVERLAY (toasts), outer);
  adw_window_set_content (ADW_WINDOW (self), toasts);
  gtk_widget_set_visible (self->plain_page, FALSE);
  gtk_widget_set_visible (self->encrypted_page, FALSE);
  g_signal_connect (self, "notify::is-active", G_CALLBACK (active_cb), NULL);
}

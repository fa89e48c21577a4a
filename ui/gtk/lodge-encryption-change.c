/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Another passphrase for a machine: asked for in a window that stays until it was changed, so that
 * who mistyped the old one mends that alone. */
#include "gtk/lodge-encryption-window-private.h"

#include "gtk/lodge-child-window.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-password-row.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-window-parts.h"
#include "lodge-error.h"
#include "lodge-passphrase.h"

#include <glib/gi18n-lib.h>

#define WIDTH 440

/* The window owns it, and a call that is on its way. */
typedef struct {
  LodgeEncryptionWindow *owner; /* owned */
  GtkWindow *window;            /* NULL once it is closed */
  GtkWidget *rows;
  GtkEditable *old, *next, *again;
  GtkLabel *problem;
  GtkWidget *button;
} Change;

static void
change_clear (gpointer data)
{
  Change *self = data;

  g_object_unref (self->owner);
}

static void
change_release (gpointer data)
{
  g_rc_box_release_full (data, change_clear);
}

static void
gone_cb (gpointer change, GObject *window)
{
  change_release (change);
}

/* Its widgets go after this. */
static void
unrealize_cb (Change *self)
{
  self->window = NULL;
}

/* @wrong: it is the passphrase that it has which is. */
static void
show_problem (Change *self, const char *sentence, gboolean wrong)
{
  gtk_label_set_text (self->problem, sentence != NULL ? sentence : "");
  gtk_widget_set_visible (GTK_WIDGET (self->problem), sentence != NULL);
  if (wrong)
    gtk_widget_add_css_class (GTK_WIDGET (self->old), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->old), "error");
  gtk_accessible_update_state (GTK_ACCESSIBLE (self->old), GTK_ACCESSIBLE_STATE_INVALID,
                               wrong ? GTK_ACCESSIBLE_INVALID_TRUE : GTK_ACCESSIBLE_INVALID_FALSE,
                               -1);
}

static void
typed_cb (Change *self)
{
  const char *next;

  /* A row that goes is emptied first, and the others may be gone. */
  if (self->window == NULL)
    return;
  next = gtk_editable_get_text (self->next);
  show_problem (self, NULL, FALSE);
  gtk_widget_set_sensitive (self->button,
                            *gtk_editable_get_text (self->old) != '\0' && *next != '\0' &&
                                g_str_equal (next, gtk_editable_get_text (self->again)));
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Change *self = user_data;
  LodgeEncryptionWindow *owner = self->owner;
  g_autoptr (GError) error = NULL;

  if (!lodge_machine1_call_change_passphrase_finish (LODGE_MACHINE1 (source), result, &error))
    g_dbus_error_strip_remote_error (error);
  if (lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (owner))) {
    owner->calling = FALSE;
    lodge_encryption_window_update (owner);
  }
  if (self->window != NULL && error != NULL) {
    const gboolean wrong = g_error_matches (error, LODGE_ERROR, LODGE_ERROR_DENIED);

    gtk_widget_set_sensitive (self->rows, TRUE);
    typed_cb (self);
    show_problem (self, error->message, wrong);
    /* That selects it, too. */
    gtk_widget_grab_focus (GTK_WIDGET (wrong ? self->old : self->next));
    if (wrong)
      gtk_editable_select_region (self->old, 0, -1);
  } else {
    if (self->window != NULL)
      gtk_window_destroy (self->window);
    /* Where there still is a window, if only the library: the old one is the right one, or not. */
    if (error != NULL)
      lodge_set_keys_show_error (GTK_WINDOW (owner), _ ("Could Not Change the Passphrase"), error);
    else
      lodge_message_toast (GTK_WINDOW (owner), _ ("The passphrase was changed"),
                           LODGE_MESSAGE_TOAST_S);
  }
  change_release (self);
}

static void
change_cb (Change *self)
{
  LodgeEncryptionWindow *owner = self->owner;

  /* The engine went away, or something else has begun. */
  if (owner->base.machine == NULL || owner->calling || owner->work != NULL) {
    show_problem (self, lodge_message_get_not_now (), FALSE);
    return;
  }
  owner->calling = TRUE;
  lodge_encryption_window_update (owner);
  gtk_widget_set_sensitive (self->rows, FALSE);
  gtk_widget_set_sensitive (self->button, FALSE);
  lodge_machine1_call_change_passphrase (
      owner->base.machine, lodge_passphrase_to_variant (gtk_editable_get_text (self->old)),
      lodge_passphrase_to_variant (gtk_editable_get_text (self->next)), NULL, changed_cb,
      g_rc_box_acquire (self));
}

static GtkEditable *
add_row (Change *self, const char *title)
{
  GtkWidget *row = lodge_password_row_new (title);

  gtk_list_box_append (GTK_LIST_BOX (self->rows), row);
  g_signal_connect_swapped (row, "changed", G_CALLBACK (typed_cb), self);
  return GTK_EDITABLE (row);
}

static GtkLabel *
add_label (GtkBox *box, const char *sentence)
{
  GtkWidget *label = gtk_label_new (sentence);

  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_box_append (box, label);
  return GTK_LABEL (label);
}

static GtkWidget *
make_bar (Change *self)
{
  GtkWidget *bar = gtk_header_bar_new ();
  GtkWidget *cancel = gtk_button_new_with_mnemonic (_ ("_Cancel"));

  self->button = gtk_button_new_with_mnemonic (_ ("_Change"));
  gtk_widget_add_css_class (self->button, "suggested-action");
  g_signal_connect_swapped (self->button, "clicked", G_CALLBACK (change_cb), self);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (cancel), "window.close");
  gtk_header_bar_set_show_title_buttons (GTK_HEADER_BAR (bar), FALSE);
  gtk_header_bar_pack_start (GTK_HEADER_BAR (bar), cancel);
  gtk_header_bar_pack_end (GTK_HEADER_BAR (bar), self->button);
  gtk_widget_add_css_class (bar, "flat");
  return bar;
}

static GtkWidget *
make_content (Change *self)
{
  GtkWidget *content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  gtk_box_append (GTK_BOX (content), make_bar (self));
  gtk_widget_set_margin_top (box, 12);
  gtk_widget_set_margin_bottom (box, 18);
  gtk_widget_set_margin_start (box, 18);
  gtk_widget_set_margin_end (box, 18);
  self->rows = GTK_WIDGET (lodge_boxed_list_new ());
  self->old = add_row (self, _ ("Passphrase That It Has"));
  self->next = add_row (self, _ ("New Passphrase"));
  self->again = add_row (self, _ ("The Same Again"));
  add_label (GTK_BOX (box), _ ("Clones of the machine and copies of its folder that were made "
                               "before keep the passphrase that it has now."));
  gtk_box_append (GTK_BOX (box), self->rows);
  self->problem = add_label (GTK_BOX (box), NULL);
  gtk_widget_add_css_class (GTK_WIDGET (self->problem), "error");
  gtk_box_append (GTK_BOX (content), box);
  return content;
}

static void
add_escape (GtkWidget *window)
{
  GtkEventController *keys = gtk_shortcut_controller_new ();

  gtk_shortcut_controller_add_shortcut (
      GTK_SHORTCUT_CONTROLLER (keys), gtk_shortcut_new (gtk_keyval_trigger_new (GDK_KEY_Escape, 0),
                                                        gtk_named_action_new ("window.close")));
  gtk_widget_add_controller (window, keys);
}

void
lodge_encryption_ask_change (LodgeEncryptionWindow *self)
{
  GtkWidget *window = adw_window_new ();
  Change *change = g_rc_box_new0 (Change);

  change->owner = g_object_ref (self);
  change->window = GTK_WINDOW (window);
  gtk_window_set_title (change->window, _ ("Change the Passphrase"));
  gtk_window_set_modal (change->window, TRUE);
  gtk_window_set_resizable (change->window, FALSE);
  gtk_window_set_default_size (change->window, WIDTH, -1);
  adw_window_set_content (ADW_WINDOW (window), make_content (change));
  gtk_window_set_default_widget (change->window, change->button);
  typed_cb (change);
  add_escape (window);
  lodge_child_window_attach (change->window, GTK_WINDOW (self));
  g_signal_connect_swapped (window, "unrealize", G_CALLBACK (unrealize_cb), change);
  /* After its widgets, which tell of their text at their end. */
  g_object_weak_ref (G_OBJECT (window), gone_cb, change);
  gtk_window_present (change->window);
  gtk_widget_grab_focus (GTK_WIDGET (change->old));
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages and questions in a window of their own. Text is shown as it is, never as markup. */
#include "gtk/lodge-message.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

static AdwMessageDialog *
make_dialog (GtkWindow *parent, const char *heading, const char *body)
{
  GtkWidget *dialog = adw_message_dialog_new (parent, NULL, NULL);

  /* Off by default since 1.2; said here because names and errors come from outside. */
  adw_message_dialog_set_heading_use_markup (ADW_MESSAGE_DIALOG (dialog), FALSE);
  adw_message_dialog_set_body_use_markup (ADW_MESSAGE_DIALOG (dialog), FALSE);
  adw_message_dialog_set_heading (ADW_MESSAGE_DIALOG (dialog), heading);
  adw_message_dialog_set_body (ADW_MESSAGE_DIALOG (dialog), body != NULL ? body : "");
  return ADW_MESSAGE_DIALOG (dialog);
}

void
lodge_message_show (GtkWindow *parent, const char *heading, const char *sentence)
{
  AdwMessageDialog *dialog = make_dialog (parent, heading, sentence);

  adw_message_dialog_add_response (dialog, "close", _ ("_Close"));
  adw_message_dialog_set_default_response (dialog, "close");
  gtk_window_present (GTK_WINDOW (dialog));
}

/* By the user, who knows it. */
static gboolean
was_cancelled (const GError *error)
{
  return g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

void
lodge_message_show_error (GtkWindow *parent, const char *heading, const GError *error)
{
  g_return_if_fail (error != NULL);

  if (!was_cancelled (error))
    lodge_message_show (parent, heading, error->message);
}

void
lodge_message_show_away (GtkWindow *parent, const char *heading)
{
  lodge_message_show (
      parent, heading,
      _ ("The Lodge engine cannot be reached at the moment: try again when it is back"));
}

const char *
lodge_message_get_not_now (void)
{
  return _ (
      "That is not possible at the moment: try again when what is being done with the machine "
      "is done");
}

void
lodge_message_show_not_now (GtkWindow *parent, const char *heading)
{
  lodge_message_show (parent, heading, lodge_message_get_not_now ());
}

static AdwToastOverlay *
find_toasts (GtkWidget *widget)
{
  AdwToastOverlay *found = NULL;

  if (ADW_IS_TOAST_OVERLAY (widget))
    return ADW_TOAST_OVERLAY (widget);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_toasts (child);
  return found;
}

AdwToast *
lodge_message_toast (GtkWindow *window, const char *sentence, guint timeout_s)
{
  AdwToastOverlay *toasts = NULL;
  g_autofree char *escaped = NULL;
  AdwToast *toast;

  while (window != NULL && toasts == NULL) {
    if (gtk_widget_get_visible (GTK_WIDGET (window)))
      toasts = find_toasts (GTK_WIDGET (window));
    window = gtk_window_get_transient_for (window);
  }
  if (toasts == NULL)
    return NULL;
  /* A toast takes its title for markup. */
  escaped = g_markup_escape_text (sentence, -1);
  toast = adw_toast_new (escaped);
  adw_toast_set_timeout (toast, timeout_s);
  adw_toast_overlay_add_toast (toasts, toast);
  return toast;
}

void
lodge_message_toast_error (GtkWindow *window, const GError *error)
{
  if (!was_cancelled (error))
    lodge_message_toast (window, error->message, 0);
}

AdwMessageDialog *
lodge_message_ask (GtkWindow *parent, const char *heading, const char *body, const char *action)
{
  AdwMessageDialog *dialog = make_dialog (parent, heading, body);

  adw_message_dialog_add_responses (dialog, "cancel", _ ("_Cancel"), LODGE_MESSAGE_ACT, action,
                                    NULL);
  adw_message_dialog_set_response_appearance (dialog, LODGE_MESSAGE_ACT, ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_default_response (dialog, "cancel");
  adw_message_dialog_set_close_response (dialog, "cancel");
  return dialog;
}

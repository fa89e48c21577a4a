/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages and questions in a window of their own. Text is shown as it is, never as markup. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* Shows a sentence, until it is closed. */
void lodge_message_show (GtkWindow *parent, const char *heading, const char *sentence);

/* Shows a failure: what could not be done, and the sentence that says why. Not for what the user
 * has cancelled: that shows nothing. */
void lodge_message_show_error (GtkWindow *parent, const char *heading, const GError *error);

/* What could not be done, because the engine has gone since it was asked for. */
void lodge_message_show_away (GtkWindow *parent, const char *heading);
/* Or because something else may have begun, too. */
void lodge_message_show_not_now (GtkWindow *parent, const char *heading);
const char *lodge_message_get_not_now (void);

/**
 * lodge_message_toast:
 * @window: or, where it is closed or has no toasts, the one that it belongs to
 * @timeout_s: 0: until it is dismissed
 *
 * Says @sentence in passing, as text.
 *
 * Returns: (transfer none) (nullable): %NULL where nobody is there to see it
 */
AdwToast *lodge_message_toast (GtkWindow *window, const char *sentence, guint timeout_s);
/* A failure, until it is dismissed: of what somebody else has asked for. */
void lodge_message_toast_error (GtkWindow *window, const GError *error);
/* libadwaita's own */
#define LODGE_MESSAGE_TOAST_S 5

/**
 * lodge_message_ask:
 * @body: (nullable): one or two sentences
 * @action: the label of the button that does it (destructive)
 *
 * The response "act" means yes. The caller connects to "response" and presents the dialog.
 */
AdwMessageDialog *
lodge_message_ask (GtkWindow *parent, const char *heading, const char *body, const char *action);
#define LODGE_MESSAGE_ACT "act"

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking for a ticket on the terminal, without showing it and without stopping the main loop. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _LodgeViewerPrompt LodgeViewerPrompt;

/* @ticket: lent; NULL when the terminal has ended, or the line is empty or too long */
typedef void (*LodgeViewerPromptFunc) (const char *ticket, gpointer user_data);

/* Whether standard input is a terminal, and this program in its foreground. */
gboolean lodge_viewer_prompt_is_possible (void);
/* Calls @func once, and never again: to be freed then, or before. Its end, and whatever ends or
 * stops the program but SIGKILL and SIGSTOP, gives the terminal its echo back; SIGTERM, SIGINT and
 * SIGHUP when the program catches them. One at a time. */
LodgeViewerPrompt *
lodge_viewer_prompt_new (const char *question, LodgeViewerPromptFunc func, gpointer user_data);
void lodge_viewer_prompt_free (LodgeViewerPrompt *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeViewerPrompt, lodge_viewer_prompt_free)

G_END_DECLS

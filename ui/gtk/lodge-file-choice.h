/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking for a file of this computer, in the desktop's own dialog. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct {
  const char *title;
  GtkFileChooserAction action;
  const char *accept; /* on its button */
  const char *name;   /* proposed, where a file is saved; or NULL */
  const char *filter; /* what the files with these endings are called; or NULL: all are shown */
  const char *const *suffixes;
} LodgeFileQuestion;

/* With a @path that is UTF-8, or with the @error: the file is elsewhere, or its name is not. */
typedef void (*LodgeFileChosen) (const char *path, const GError *error, gpointer user_data);

/**
 * lodge_file_choice_ask:
 * @slot: a field of whoever asks, which has the dialog until it is answered. Nothing is asked while
 *   there is one
 * @free_data: (nullable): of @user_data, whatever becomes of it
 *
 * @chosen is not called where nothing is chosen. An existing file that is to be saved over was
 * asked about by the dialog.
 */
void lodge_file_choice_ask (GtkFileChooserNative **slot,
                            GtkWindow *parent,
                            const LodgeFileQuestion *question,
                            LodgeFileChosen chosen,
                            gpointer user_data,
                            GDestroyNotify free_data);
/* Takes the question back, if there is one. */
void lodge_file_choice_end (GtkFileChooserNative **slot);

/* What D-Bus and a description take of a file that was chosen or dropped: %LODGE_ERROR_INVALID.
 * Transfer full. */
char *lodge_file_choice_dup_path (GFile *file, GError **error);
gboolean lodge_file_choice_check_path (const char *path, GError **error);

G_END_DECLS

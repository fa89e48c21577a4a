/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which folders of machines were made, or accepted once, by the Lodge of this user. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * lodge_known_folder_check:
 * @folder: a machine's, with its full path
 * @out_held: (out): what lodge_known_folder_set() was given
 *
 * Whether the folder was made here or has been accepted, and is still the same folder; one that was
 * copied in, or put in another's place, is not.
 */
gboolean lodge_known_folder_check (const char *folder, char ***out_held);

/**
 * lodge_known_folder_set:
 * @held: (nullable): lines that are kept with it
 *
 * Accepts the folder as it is now. %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_STORAGE,
 * %LODGE_ERROR_DENIED.
 */
gboolean lodge_known_folder_set (const char *folder, const char *const *held, GError **error);

/* The folder goes. */
void lodge_known_folder_forget (const char *folder);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Removing a folder that may be hostile. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * lodge_remove_tree:
 * @folder_fd: the folder that @name is in
 * @name: one name, without '/'
 * @shown: how to call it in messages
 *
 * Removes @name and all in it. Never follows a link (the link itself goes), never leaves the mount
 * that @folder_fd is on: where another is found in the tree, nothing at all is removed.
 *
 * Errors: %LODGE_ERROR_STATE (something is mounted in it, or it is nested too deeply),
 * %LODGE_ERROR_DENIED, %LODGE_ERROR_STORAGE. A @name that is not there is no error.
 */
gboolean lodge_remove_tree (int folder_fd, const char *name, const char *shown, GError **error);

/* Only looks whether it could: the mounts and the depth. */
gboolean
lodge_remove_tree_check (int folder_fd, const char *name, const char *shown, GError **error);

G_END_DECLS

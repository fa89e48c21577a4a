/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folders of machines below $XDG_DATA_HOME/lodge/machines.
 *
 * A machine's folder is named by its UUID. One that is being made or deleted has a dot in front, so
 * that a crash leaves nothing half-made that looks like a machine; lodge_store_clean() removes it.
 */
#pragma once

#include "description/lodge-description-file.h"

G_BEGIN_DECLS

typedef struct _LodgeStore LodgeStore;

/* @data_folder: lodge_paths_dup_data() in the engine. Made (0700) where missing.
 * %LODGE_ERROR_DENIED, %LODGE_ERROR_STORAGE. */
LodgeStore *lodge_store_open (const char *data_folder, GError **error);
/* In any thread. The machines hold it, one of which may outlive the library in a question to its
 * QEMU. */
LodgeStore *lodge_store_ref (LodgeStore *self);
void lodge_store_unref (LodgeStore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeStore, lodge_store_unref)

/**
 * lodge_store_list:
 *
 * Returns: (transfer full) (element-type utf8): UUIDs of the folders that look like machines,
 * sorted; broken ones too (loading says why)
 */
GPtrArray *lodge_store_list (LodgeStore *self);

/* Absolute path of a machine's folder. (transfer full) */
char *lodge_store_dup_folder (LodgeStore *self, const char *uuid);

/* Loads machine.ini of @uuid; the uuid inside must be the folder's name (%LODGE_ERROR_INVALID). */
LodgeDescriptionFile *lodge_store_load (LodgeStore *self, const char *uuid, GError **error);

/* Makes the hidden folder ".new-UUID" (0700) with layers/ in it. Its path, transfer full. */
char *lodge_store_begin (LodgeStore *self, const char *uuid, GError **error);
/* Writes machine.ini into the hidden folder and gives it its real name, durably. */
LodgeDescriptionFile *
lodge_store_commit (LodgeStore *self, const LodgeDescription *description, GError **error);
/* Removes the hidden folder and all in it. */
void lodge_store_abort (LodgeStore *self, const char *uuid);

/* Renames the folder to ".gone-UUID" and removes it. Never follows a link out of the folder. */
gboolean lodge_store_delete (LodgeStore *self, const char *uuid, GError **error);

/* Removes what a crash left behind: folders (".new-*", ".gone-*"), and files in the making in those
 * of machines that do not run. The caller is the only engine. */
void lodge_store_clean (LodgeStore *self);

/**
 * lodge_store_lock:
 *
 * Takes the lock of a running machine: a flock on the file "lock" in its folder, which goes with
 * the descriptor into QEMU and is free again the moment that dies.
 *
 * Returns: the descriptor (close-on-exec), or -1 with %LODGE_ERROR_STATE when somebody has it,
 * %LODGE_ERROR_DENIED, %LODGE_ERROR_STORAGE
 */
int lodge_store_lock (LodgeStore *self, const char *uuid, GError **error);

/* Whether @folder is @above, or somewhere below it, whatever links lead there. */
gboolean lodge_store_is_below (const char *folder, const char *above);

G_END_DECLS

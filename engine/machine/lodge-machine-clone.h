/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making a machine of another one. */
#pragma once

#include "machine/lodge-machine.h"

G_BEGIN_DECLS

/* Machine1.Clone's options, with their types checked. */
typedef struct {
  char *name;
  gboolean linked;
  char *snapshot; /* name or id, or NULL for the present */
} LodgeCloneSpec;

/* @options: a{sv}. %LODGE_ERROR_INVALID for an unknown key, a wrong type, a bad name. */
LodgeCloneSpec *lodge_clone_spec_parse (const char *name, GVariant *options, GError **error);
void lodge_clone_spec_free (LodgeCloneSpec *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeCloneSpec, lodge_clone_spec_free)

/**
 * lodge_machine_clone_async:
 * @spec: (transfer full)
 * @job: its machine is the new UUID; progress, step and cancel are used, its end is the caller's
 *
 * Works in a hidden folder that gets its real name in the last step; an end before that removes it,
 * and leaves the source as it was.
 *
 * Errors: %LODGE_ERROR_STATE, %LODGE_ERROR_INVALID, %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_STORAGE
 * (full disk), %LODGE_ERROR_DENIED, %LODGE_ERROR_CANCELLED, %LODGE_ERROR_HOST (this file system
 * cannot share files).
 */
void lodge_machine_clone_async (LodgeMachine *self,
                                LodgeCloneSpec *spec,
                                LodgeJob *job,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
/* Returns: (transfer full): the new machine's description */
LodgeDescriptionFile *
lodge_machine_clone_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

G_END_DECLS

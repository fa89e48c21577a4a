/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The present becomes frozen layers, without a snapshot: what a clone of it stands on. */
#pragma once

#include "machine/lodge-machine.h"

G_BEGIN_DECLS

/* In a thread, while nothing writes to the machine's states. */
typedef gboolean (*LodgeFreezeStill) (gpointer data, GError **error);

/* Whether it can be done now. %LODGE_ERROR_STATE. */
gboolean lodge_machine_freeze_check (LodgeMachine *self, GError **error);

/**
 * lodge_machine_freeze_async:
 * @job: whose cancel ends it early
 * @still: copies what has to fit to the layers; its error is this one's
 *
 * For work that is under way, and has the machine's lock unless it runs. Each disk gets a new top;
 * the layer below is merged into it again by itself, once no clone shares it. A guest that runs
 * stands still for a moment. An end before the last step leaves everything as it was.
 *
 * Errors: %LODGE_ERROR_STATE, %LODGE_ERROR_STORAGE (full disk), %LODGE_ERROR_DENIED,
 * %LODGE_ERROR_CANCELLED, %LODGE_ERROR_FAILED (QEMU's words).
 */
void lodge_machine_freeze_async (LodgeMachine *self,
                                 LodgeJob *job,
                                 LodgeFreezeStill still,
                                 gpointer data,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
gboolean lodge_machine_freeze_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* Writes the files of @layers (element-type LodgeLayer) from @first on, which are empty tops: for
 * threads. %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED. */
gboolean
lodge_freeze_make_tops (const char *folder, GPtrArray *layers, guint first, GError **error);

/* Whether nothing was written to the tops of @from, to which nobody writes, since they were made,
 * and each stands on something: for threads. */
gboolean lodge_freeze_is_fresh (const char *folder, const LodgeDescription *from);

/* A QEMU that runs opens the frozen layers that it began with as tops anew, so that others may read
 * them. Never fails: where it cannot be done, who needs it is told by his own QEMU. */
void
lodge_machine_seal_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data);
void lodge_machine_seal_finish (LodgeMachine *self, GAsyncResult *result);

G_END_DECLS

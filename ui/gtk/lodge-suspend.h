/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the windows have in common about guests that are suspended to disk. */
#pragma once

#include "gtk/lodge-job.h"
#include "lodge-client.h"

G_BEGIN_DECLS

/* What discarding a saved state loses: a translatable sentence, and the same translated. */
extern const char lodge_suspend_loss[];
const char *lodge_suspend_get_loss (void);

/**
 * lodge_suspend_follow_async:
 * @uuid: a machine
 * @cancellable: asks the engine to let the guest go on
 * @progress: (nullable)
 *
 * Follows the suspending of a machine, whoever asked for it, to its end. Errors: those of
 * lodge_job_follow_async(), %LODGE_ERROR_NOT_FOUND when it is not being suspended.
 */
void lodge_suspend_follow_async (LodgeClient *client,
                                 const char *uuid,
                                 GCancellable *cancellable,
                                 LodgeJobProgress progress,
                                 gpointer progress_data,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
gboolean lodge_suspend_follow_finish (LodgeClient *client, GAsyncResult *result, GError **error);

/* Asks the engine to let the guest go on; nobody waits for the answer, which the state gives. */
void lodge_suspend_cancel (LodgeClient *client, const char *uuid);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of a guest that runs, copied out of it through its agent. */
#pragma once

#include "machine/lodge-job.h"
#include "machine/lodge-machine.h"

G_BEGIN_DECLS

/**
 * lodge_machine_fetch_file_async:
 * @path: in the guest, whole
 * @folder: here; absolute
 *
 * One at a time. The name is that in the guest, with a number where it is taken; nothing half-made
 * stays. It ends early with the job, when the guest does not run any more, and when it is switched
 * off that files come out of the guest.
 *
 * Errors: %LODGE_ERROR_DENIED (switched off; or by the guest, or the folder), %LODGE_ERROR_STATE
 * (it does not run, or no agent runs in it), %LODGE_ERROR_BUSY (another is on its way), and those
 * of lodge_guest_fetch_async().
 */
void lodge_machine_fetch_file_async (LodgeMachine *self,
                                     LodgeJob *job,
                                     const char *path,
                                     const char *folder,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
/* Returns: (transfer full): the path of the file here */
char *lodge_machine_fetch_file_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

G_END_DECLS

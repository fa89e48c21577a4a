/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that exists becomes an encrypted one, or stops being one. */
#pragma once

#include "machine/lodge-machine.h"
#include "storage/lodge-secret.h"

G_BEGIN_DECLS

/**
 * lodge_machine_encrypt_async:
 * @passphrase: (nullable): what is to open it; %NULL: it is encrypted, and is not to be any more
 *
 * Writes every layer, the firmware's variables, the TPM's state and the memory in snapshots anew.
 * Only when off. Whenever this ends the machine is whole as it was, or whole as it is to be; until
 * its last step all of it takes the room of two. What was there before is deleted, and not
 * overwritten. A clone keeps what it shares as it is. Snapshots get other ids.
 *
 * Errors: %LODGE_ERROR_STATE, %LODGE_ERROR_LOCKED, %LODGE_ERROR_INVALID (a file that is not Lodge's
 * own), %LODGE_ERROR_STORAGE (also: no room for it), %LODGE_ERROR_HOST, %LODGE_ERROR_CANCELLED,
 * those of lodge_image_compact_async().
 */
void lodge_machine_encrypt_async (LodgeMachine *self,
                                  LodgeJob *job,
                                  LodgeSecret *passphrase,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
/* With lodge_machine_disk_finish(). */

/* Whether that could begin now, before anybody is asked for a passphrase; with its errors. */
gboolean lodge_machine_check_encrypt (LodgeMachine *self, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of a TPM, written anew with another key, or with none. */
#pragma once

#include "storage/lodge-secret.h"

G_BEGIN_DECLS

/**
 * lodge_tpm_convert:
 * @folder: the machine's
 * @from: the state's folder in it, which no TPM uses; it is not changed. Where it is missing or
 * empty nothing is done
 * @to: the new one in it, which is made
 * @from_key: (nullable): what its state is encrypted with: derived from the machine's key
 * @to_key: (nullable): what the new one shall be
 * @mode: of the new files
 * @unit: of the systemd scope that it may run in
 *
 * Durable when it returns. It waits for programs: for threads.
 *
 * Errors: %LODGE_ERROR_HOST (no swtpm), %LODGE_ERROR_FAILED with swtpm's words, and what
 * lodge_own_folder_make() gives.
 */
gboolean lodge_tpm_convert (const char *folder,
                            const char *from,
                            const char *to,
                            LodgeSecret *from_key,
                            LodgeSecret *to_key,
                            guint mode,
                            const char *unit,
                            gboolean contained,
                            GError **error);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frozen layers that a running QEMU has opened for writing, because they were tops when it began:
 * it opens them anew for reading, and no longer keeps others from reading them.
 */
#pragma once

#include "qemu/lodge-qmp.h"

G_BEGIN_DECLS

/* %LODGE_ERROR_FAILED with QEMU's words, %LODGE_ERROR_TIMEOUT.
 * @layers: (array zero-terminated): "format:id", then the id of the layer below or "", alternating
 * @encrypted: with what QEMU calls LODGE_MACHINE_COMMAND_KEY
 */
void lodge_qemu_seal_async (LodgeQmp *qmp,
                            const char *const *layers,
                            gboolean encrypted,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
gboolean lodge_qemu_seal_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error);

G_END_DECLS

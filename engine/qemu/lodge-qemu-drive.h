/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in a drive of a running QEMU. */
#pragma once

#include "qemu/lodge-qmp.h"

G_BEGIN_DECLS

/**
 * lodge_qemu_drive_change_async:
 * @drive: the id of a drive, as in the command
 * @fd: of the image to put in, open for reading and duplicated; -1 to leave the drive empty
 * @force: also when the guest has locked the drive, which then reads nothing any more
 *
 * Asks a guest that has locked the drive to let go, and waits some seconds for it. What was in the
 * drive stays in it unless all of it was done. QEMU gets the image as a descriptor: its containment
 * does not let it open a file that was not named at its start.
 *
 * Errors: %LODGE_ERROR_BUSY (the guest holds it), %LODGE_ERROR_FAILED with QEMU's words, those of
 * lodge_qmp_execute_async().
 */
void lodge_qemu_drive_change_async (LodgeQmp *qmp,
                                    const char *drive,
                                    int fd,
                                    gboolean force,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean lodge_qemu_drive_change_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error);

G_END_DECLS

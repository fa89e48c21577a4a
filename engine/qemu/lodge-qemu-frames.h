/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A monitor's frames from QEMU's own memory: a connection on which QEMU tells where they are and
 * what changes in them (org.qemu.Display1.Listener.Unix.Map, QEMU 10 and later). */
#pragma once

#include "qemu/lodge-qmp.h"

G_BEGIN_DECLS

/**
 * lodge_qemu_frames_open_async:
 * @qmp: of a QEMU that has `-display dbus,p2p=yes`
 * @keyring: as for lodge_qemu_display_set_size_async()
 * @monitor: 0 for the first
 *
 * QEMU's main thread waits for the other end more than once while such a connection begins, with
 * the guest standing still. So all of that is done here, and whoever gets the connection has only
 * to answer ScanoutMap; for that QEMU waits one second at most.
 *
 * QEMU serves one such client at a time, as with lodge_qemu_display_set_size_async().
 *
 * Errors: %LODGE_ERROR_HOST: this QEMU has no such thing; %LODGE_ERROR_NOT_FOUND: it has, but no
 * such monitor, or none that it tells of; %LODGE_ERROR_TIMEOUT; those of lodge_qmp_execute().
 */
void lodge_qemu_frames_open_async (LodgeQmp *qmp,
                                   const char *keyring,
                                   guint monitor,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
/* Returns: a descriptor, the caller's to close, on which QEMU calls the methods of
 * org.qemu.Display1.Listener and Listener.Unix.Map from now on; or -1 */
int lodge_qemu_frames_open_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error);

G_END_DECLS

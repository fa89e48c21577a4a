/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's own display interface, D-Bus without a bus, for what SPICE cannot do without an agent in
 * the guest: saying how large the screen should be. */
#pragma once

#include "qemu/lodge-qmp.h"

G_BEGIN_DECLS

/* The largest side of a screen: what virtio-gpu's and SPICE's guests take without complaint. */
#define LODGE_QEMU_DISPLAY_SIDE_MAX 16384
#define LODGE_QEMU_DISPLAY_MONITORS 16

/* Names the folder, made by QEMU, in which GDBus keeps the cookies that let us in. */
#define LODGE_QEMU_DISPLAY_KEYRING_VARIABLE "G_DBUS_COOKIE_SHA1_KEYRING_DIR"
/* In the machine's runtime folder. */
#define LODGE_QEMU_DISPLAY_KEYRING "keyring"

/**
 * lodge_qemu_display_set_size_async:
 * @qmp: of a QEMU that has `-display dbus,p2p=yes`
 * @keyring: what that QEMU has in its environment as LODGE_QEMU_DISPLAY_KEYRING_VARIABLE
 * @monitor: 0 for the first
 * @width: 0, and so @height: the monitor is switched off, which the first one cannot be
 *
 * The graphics card tells its guest, which may do as it likes. QEMU has one such client at a time:
 * a second call before the first has ended makes that fail.
 *
 * Errors: %LODGE_ERROR_INVALID: a monitor or size that cannot be; %LODGE_ERROR_HOST: the QEMU, or
 * the graphics card, has no way to say it; %LODGE_ERROR_TIMEOUT; those of lodge_qmp_execute().
 */
void lodge_qemu_display_set_size_async (LodgeQmp *qmp,
                                        const char *keyring,
                                        guint monitor,
                                        guint width,
                                        guint height,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
gboolean lodge_qemu_display_set_size_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error);

G_END_DECLS

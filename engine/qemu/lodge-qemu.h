/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An installed QEMU and what it can do, asked over QMP once and kept until the binary changes. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_QEMU (lodge_qemu_get_type ())
G_DECLARE_FINAL_TYPE (LodgeQemu, lodge_qemu, LODGE, QEMU, GObject)

/**
 * lodge_qemu_probe_async:
 * @architecture: "x86_64"
 *
 * Finds qemu-system-<architecture> ($LODGE_QEMU when set, else in PATH), asks a paused
 * "-machine none" of it what it can do, and keeps the answers below the cache folder by the
 * binary's identity (path, device, inode, size, time of change).
 *
 * Errors: %LODGE_ERROR_HOST when none is installed (the message says what to install),
 * %LODGE_ERROR_FAILED, %LODGE_ERROR_TIMEOUT.
 */
void lodge_qemu_probe_async (const char *architecture,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
LodgeQemu *lodge_qemu_probe_finish (GAsyncResult *result, GError **error);

const char *lodge_qemu_get_binary (LodgeQemu *self);
const char *lodge_qemu_get_version (LodgeQemu *self); /* "7.2.22" */
gboolean lodge_qemu_has_version (LodgeQemu *self, guint major, guint minor);
/* "q35" to "pc-q35-7.2"; NULL when it has no such machine. Lent. */
const char *lodge_qemu_resolve_machine (LodgeQemu *self, const char *alias);
gboolean lodge_qemu_has_machine (LodgeQemu *self, const char *machine);
gboolean lodge_qemu_has_device (LodgeQemu *self, const char *device);
gboolean lodge_qemu_has_spice (LodgeQemu *self);
/* Whether it has `-display dbus`, which is a module of its own. */
gboolean lodge_qemu_has_dbus_display (LodgeQemu *self);

G_END_DECLS

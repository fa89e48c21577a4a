/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files that talk to QEMU's display interface share. */
#pragma once

#include "qemu/lodge-qemu-display.h"

G_BEGIN_DECLS

/* For one thing that is said there. */
#define LODGE_QEMU_DISPLAY_LIMIT_MS 5000
extern guint lodge_qemu_display_limit_ms;

/**
 * lodge_qemu_display_connect_async:
 * @descriptors: whether they can be sent, too
 *
 * Errors: those of lodge_qmp_execute(), %LODGE_ERROR_HOST, and GIO's.
 */
void lodge_qemu_display_connect_async (LodgeQmp *qmp,
                                       const char *keyring,
                                       gboolean descriptors,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
/* Returns: (transfer full): blocking; D-Bus messages come next */
GSocket *lodge_qemu_display_connect_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error);

/* Proves who we are on a fresh socket that QEMU serves. Waits, so for threads only. */
gboolean lodge_qemu_display_enter (GSocket *socket,
                                   const char *keyring,
                                   gboolean descriptors,
                                   GCancellable *cancellable,
                                   GError **error);

/* A fresh one, and the end for QEMU, which is the caller's to close. */
GSocket *lodge_qemu_display_make_pair (int *out_other, GError **error);

G_END_DECLS

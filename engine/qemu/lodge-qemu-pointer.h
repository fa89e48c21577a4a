/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The absolute pointer of a running QEMU. */
#pragma once

#include "qemu/lodge-qmp.h"

G_BEGIN_DECLS

/**
 * lodge_qemu_pointer_move_async:
 * @x: 0 to 32767, from the left edge of all that the guest shows to the right one
 * @y: the same from the upper edge to the lower one
 * @buttons: those that are down then: 1 left, 2 middle, 4 right, 8 side, 16 extra
 * @notches: of the wheel, -64 to 64, positive is down
 *
 * Errors: those of lodge_qmp_execute_async().
 */
void lodge_qemu_pointer_move_async (LodgeQmp *qmp,
                                    guint x,
                                    guint y,
                                    guint buttons,
                                    int notches,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean lodge_qemu_pointer_move_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error);

/* Whether the guest has a driver for it now: then it is QEMU's current one. */
void
lodge_qemu_pointer_query_async (LodgeQmp *qmp, GAsyncReadyCallback callback, gpointer user_data);
/* Returns: 1: it has, 0: it has not, -1: an error */
int lodge_qemu_pointer_query_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error);

G_END_DECLS

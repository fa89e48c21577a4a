/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layers that a running QEMU's disks stand on, made those that machine.ini says. */
#pragma once

#include "description/lodge-description.h"
#include "qemu/lodge-qmp.h"

G_BEGIN_DECLS

typedef struct _LodgeQemuChain LodgeQemuChain;

LodgeQemuChain *lodge_qemu_chain_new (gboolean encrypted, gboolean io_uring);
/* @layer reads as what QEMU's node for @above stands on now, and is frozen. @top: whether @above is
 * the layer that the guest writes to. @fd: taken; of @layer's file, open for reading. Those of one
 * disk from the lowest up. */
void lodge_qemu_chain_add_layer (
    LodgeQemuChain *self, const LodgeLayer *layer, const char *above, gboolean top, int fd);
/* A layer's id that machine.ini does not name any more, and QEMU may have still. From the upmost
 * down, as far as that is known. */
void lodge_qemu_chain_add_gone (LodgeQemuChain *self, const char *layer);
void lodge_qemu_chain_free (LodgeQemuChain *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeQemuChain, lodge_qemu_chain_free)

/**
 * lodge_qemu_chain_settle_async:
 * @chain: taken
 *
 * The guest notices nothing, whether it runs or stands still, and no file is written to. It may be
 * called again whatever became of it before: what is so already stays. After an error QEMU reads
 * on what it has read before, or has not let go of all that is gone.
 *
 * Errors: %LODGE_ERROR_BUSY while QEMU has given its disks out of its hands (a guest that stood
 * still when its memory was saved); %LODGE_ERROR_FAILED with QEMU's words; those of
 * lodge_qmp_execute_async().
 */
void lodge_qemu_chain_settle_async (LodgeQmp *qmp,
                                    LodgeQemuChain *chain,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean lodge_qemu_chain_settle_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error);

/* %LODGE_ERROR_BUSY as above, without anything being done. */
void lodge_qemu_chain_check_async (LodgeQmp *qmp, GAsyncReadyCallback callback, gpointer user_data);
gboolean lodge_qemu_chain_check_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error);

G_END_DECLS

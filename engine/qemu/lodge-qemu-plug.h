/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks and USB sticks that are plugged into a running QEMU, and taken out of it. */
#pragma once

#include "description/lodge-description.h"
#include "qemu/lodge-qmp.h"

G_BEGIN_DECLS

/* How long a guest may think about letting go of a disk. Tests are less patient. */
#define LODGE_QEMU_UNPLUG_MS 60000
extern guint lodge_qemu_unplug_ms;

/* A virtio disk, or a stick, as QEMU is to have it: its layers, each with a descriptor. */
typedef struct _LodgeQemuPlug LodgeQemuPlug;

/* @disk: copied; its port is what counts, and that its bus is virtio. */
LodgeQemuPlug *lodge_qemu_plug_new (const LodgeDisk *disk, gboolean encrypted, gboolean io_uring);
/* From the top down. @fd: taken; of the file, opened as a disk of the command line has it: the top
 * for reading and writing, what is below for reading; -1 for a disk that is taken out, and for one
 * of this computer that QEMU has open still. */
void lodge_qemu_plug_add_layer (LodgeQemuPlug *self, const LodgeLayer *layer, int fd);
/* @fd: taken; of its image, open for reading; -1 for one that is taken out. It needs no layers. */
LodgeQemuPlug *lodge_qemu_plug_new_stick (const LodgeStick *stick, int fd);
void lodge_qemu_plug_free (LodgeQemuPlug *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeQemuPlug, lodge_qemu_plug_free)

/**
 * lodge_qemu_plug_in_async:
 * @plug: taken
 *
 * The guest gets the disk, now or when it looks at its ports the next time. Nodes of these names
 * that no device is on are made anew, so that it may be called again whatever became of it before.
 * After an error that QEMU has told nothing of it is left.
 *
 * Errors: %LODGE_ERROR_FAILED with QEMU's words, those of lodge_qmp_execute_async().
 */
void lodge_qemu_plug_in_async (LodgeQmp *qmp,
                               LodgeQemuPlug *plug,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
/**
 * lodge_qemu_plug_out_async:
 * @plug: taken
 *
 * Asks the guest to let go of the disk, waits for that, and lets go of its files. That cannot be
 * taken back: a guest that did not in time, or where it was cancelled, may do so at any time
 * later, and at its next reset.
 *
 * Errors: %LODGE_ERROR_BUSY when the guest does not want to, or has not done so within
 * %LODGE_QEMU_UNPLUG_MS; %LODGE_ERROR_CANCELLED; as above.
 */
void lodge_qemu_plug_out_async (LodgeQmp *qmp,
                                LodgeQemuPlug *plug,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
/* For both. */
gboolean lodge_qemu_plug_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error);

/* The ids of all devices that have one. */
void
lodge_qemu_list_devices_async (LodgeQmp *qmp, GAsyncReadyCallback callback, gpointer user_data);
/* (element-type utf8 utf8): a set; transfer full. */
GHashTable *lodge_qemu_list_devices_finish (LodgeQmp *qmp, GAsyncResult *result, GError **error);

G_END_DECLS

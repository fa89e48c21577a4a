/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disks of a machine: what there is, making one larger, and a new one. All but the list is a
 * job's work, whose end is the caller's. */
#pragma once

#include "machine/lodge-machine.h"

G_BEGIN_DECLS

/* aa{sv}: each disk as Machine1.ListDisks says. Transfer full. */
void lodge_machine_list_disks_async (LodgeMachine *self,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
GVariant *lodge_machine_list_disks_finish (LodgeMachine *self, GAsyncResult *result);

/**
 * lodge_machine_grow_disk_async:
 * @disk: its id
 * @size_bytes: more than it has; made whole sectors
 *
 * The layer that is written to gets larger, also while the guest runs. Snapshots stay as they are.
 * Whenever this ends the disk has its old size or the new one. Its result is what it has now, in
 * bytes.
 *
 * Errors: %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_INVALID (not larger than it is, too large, outside
 * of the folder), %LODGE_ERROR_STATE (also: shared with a clone), %LODGE_ERROR_STORAGE,
 * %LODGE_ERROR_FAILED (QEMU's words), %LODGE_ERROR_CANCELLED.
 */
void lodge_machine_grow_disk_async (LodgeMachine *self,
                                    LodgeJob *job,
                                    const char *disk,
                                    guint64 size_bytes,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);

/**
 * lodge_machine_add_disk_async:
 * @size_bytes: made whole sectors; 0: as large as the image
 * @bus: (nullable): "virtio" or "sata"; else as the first disk
 * @image: (nullable): the path of an image of any format, to be copied; else it is empty
 *
 * A new disk, behind those that are there. A guest that runs or is paused gets it at once, where it
 * is a virtio disk. An end before machine.ini is written leaves everything as it was. Its result is
 * the disk's id.
 *
 * Errors: %LODGE_ERROR_STATE, %LODGE_ERROR_INVALID (also: no port is free), %LODGE_ERROR_STORAGE,
 * %LODGE_ERROR_DENIED, %LODGE_ERROR_CANCELLED, those of lodge_image_inspect_async().
 */
void lodge_machine_add_disk_async (LodgeMachine *self,
                                   LodgeJob *job,
                                   guint64 size_bytes,
                                   const char *bus,
                                   const char *image,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);

/**
 * lodge_machine_add_host_disk_async:
 * @path: below /dev/disk/by-id or /dev/disk/by-partuuid
 * @accepted: the user knows that its guest may destroy all that is there
 *
 * The same with a disk or partition of this computer, as a whole. As long as the machine has it
 * there are no snapshots and no clones, and its guest is not suspended to disk.
 *
 * Errors: those of lodge_host_disk_open(); %LODGE_ERROR_DENIED with what is to be accepted;
 * %LODGE_ERROR_INVALID for an encrypted machine; and as above.
 */
void lodge_machine_add_host_disk_async (LodgeMachine *self,
                                        LodgeJob *job,
                                        const char *path,
                                        const char *bus,
                                        gboolean accepted,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);

/**
 * lodge_machine_remove_disk_async:
 * @disk: its id
 * @first: also the first disk, from which the machine starts
 *
 * The disk goes, and its layers but those that a snapshot needs. A guest that runs is asked to let
 * go of it first, where it is a virtio disk and not the first; that can be cancelled, and whatever
 * it does later leaves the disk the machine's. An end before machine.ini is written leaves
 * everything as it was.
 *
 * Errors: %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_STATE (also: the first, which is not wanted),
 * %LODGE_ERROR_BUSY (the guest keeps it),
 * %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED, %LODGE_ERROR_CANCELLED.
 */
void lodge_machine_remove_disk_async (LodgeMachine *self,
                                      LodgeJob *job,
                                      const char *disk,
                                      gboolean first,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);

/**
 * lodge_machine_detach_disk_async:
 * @disk: its id
 * @first: also the one from which the machine starts
 *
 * The guest has the disk no more, and the machine keeps it with all that is on it. A guest that
 * runs is asked to let go of it, as with lodge_machine_remove_disk_async(). Whenever this ends the
 * disk is attached or detached, and the guest has it or not as machine.ini says.
 *
 * Errors: %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_STATE (also: the one that it starts from, which is
 * not wanted; one of this computer; one that is detached), %LODGE_ERROR_BUSY (the guest keeps it),
 * %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED, %LODGE_ERROR_CANCELLED.
 */
void lodge_machine_detach_disk_async (LodgeMachine *self,
                                      LodgeJob *job,
                                      const char *disk,
                                      gboolean first,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);

/**
 * lodge_machine_attach_disk_async:
 *
 * The guest has it again, in its old place: one that runs or is paused at once, where it is a
 * virtio disk behind the one that it has started from.
 *
 * Errors: %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_STATE (also: one that is attached),
 * %LODGE_ERROR_INVALID (no port is free), %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED, those of
 * opening its files, %LODGE_ERROR_FAILED (QEMU's words).
 */
void lodge_machine_attach_disk_async (LodgeMachine *self,
                                      LodgeJob *job,
                                      const char *disk,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);

/**
 * lodge_machine_compact_disk_async:
 *
 * Writes the disk's layers anew without what is not in use; see lodge-machine-disk-compact.c. Only
 * when off or crashed. Whenever this ends the disk holds what it held. Its result is how many bytes
 * that has given back.
 *
 * Errors: %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_STATE, %LODGE_ERROR_INVALID, %LODGE_ERROR_STORAGE,
 * %LODGE_ERROR_DENIED, %LODGE_ERROR_CANCELLED.
 */
void lodge_machine_compact_disk_async (LodgeMachine *self,
                                       LodgeJob *job,
                                       const char *disk,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);

/**
 * lodge_machine_convert_disk_async:
 * @disk: its id
 * @format: of lodge_image_check_export_format()
 * @path: absolute; for the image
 * @snapshot: (nullable): of which snapshot, by its id or name; else of the present
 * @replace: whether a file that is there may be replaced
 * @forbidden: (array zero-terminated): files that must not be
 *
 * Writes what the disk holds into one image. The present only when off or crashed, a snapshot in
 * any state. Nothing half-made is left under any name. Its result is what the image takes of the
 * disk, in bytes.
 *
 * Errors: %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_EXISTS, %LODGE_ERROR_STATE, %LODGE_ERROR_INVALID,
 * %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED, %LODGE_ERROR_CANCELLED.
 */
void lodge_machine_convert_disk_async (LodgeMachine *self,
                                       LodgeJob *job,
                                       const char *disk,
                                       const char *format,
                                       const char *path,
                                       const char *snapshot,
                                       gboolean replace,
                                       const char *const *forbidden,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);

/* For all of these but the list. Returns: (transfer full): the result as each says, or "". */
char *lodge_machine_disk_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

G_END_DECLS

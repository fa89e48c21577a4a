/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of a guest that runs, written to a file, and its disks switched to new tops at the
 * very moment that the file shows.
 *
 * Owns: nothing of QEMU; what it has added is taken away again when it is abandoned.
 * Never: opens a file by its path. A contained QEMU sees none but those it began with, so all that
 * it is to use comes as descriptors.
 */
#pragma once

#include "qemu/lodge-qmp.h"

G_BEGIN_DECLS

/* What it may take to stop a guest, in which the rest is written. QEMU reckons by how fast it has
 * written so far: on a computer that is busy it takes two or three times as long. So the first is
 * what is wanted, and the second (QEMU's own default) is what is had where so many passes over the
 * memory did not get there, or nearly all that may be written is. */
#define LODGE_QEMU_SNAPSHOT_DOWNTIME_MS       50
#define LODGE_QEMU_SNAPSHOT_DOWNTIME_EASED_MS 300

#define LODGE_TYPE_QEMU_SNAPSHOT (lodge_qemu_snapshot_get_type ())
G_DECLARE_FINAL_TYPE (LodgeQemuSnapshot, lodge_qemu_snapshot, LODGE, QEMU_SNAPSHOT, GObject)

/* @qmp: of a QEMU that takes part in nothing like that now; kept. One for each snapshot: from here
 * on it watches whether the guest stops by itself. */
LodgeQemuSnapshot *lodge_qemu_snapshot_new (LodgeQmp *qmp);

/* The machine is encrypted: so are the images that are added. */
void lodge_qemu_snapshot_set_encrypted (LodgeQemuSnapshot *self, gboolean encrypted);
/* @old_node is written to now; @node will be instead, in the empty qcow2 image @fd, which is
 * duplicated. */
void lodge_qemu_snapshot_add_disk (
    LodgeQemuSnapshot *self, const char *old_node, const char *node, int fd, gboolean io_uring);

typedef void (*LodgeQemuSnapshotProgress) (double fraction, gpointer user_data);

/**
 * lodge_qemu_snapshot_freeze_async:
 * @memory_fd: an empty file; duplicated. -1: only the disks are wanted, and the guest is stopped
 * @most_bytes: when more is written, the guest is stopped so that it comes to an end
 * @progress: (nullable): called with 0 when the memory begins, and may end this
 *
 * Writes the memory while the guest runs, then stops it. One that stands still since its memory was
 * written before runs for an instant first, with a RESUME and a STOP event. Whoever gets an error
 * abandons.
 *
 * Errors: %LODGE_ERROR_CANCELLED, %LODGE_ERROR_FAILED with QEMU's words, %LODGE_ERROR_STORAGE,
 * %LODGE_ERROR_STATE when the guest has stopped by itself meanwhile, %LODGE_ERROR_TIMEOUT when QEMU
 * comes no further.
 */
void lodge_qemu_snapshot_freeze_async (LodgeQemuSnapshot *self,
                                       int memory_fd,
                                       guint64 most_bytes,
                                       LodgeQemuSnapshotProgress progress,
                                       gpointer progress_data,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
/* The guest stands still: the disks are switched, and the last of the memory is written. */
void lodge_qemu_snapshot_switch_async (LodgeQemuSnapshot *self,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
/* Once the memory is written: what was passed on for it is at its end when QEMU lets go of it, too.
 */
void lodge_qemu_snapshot_close_memory (LodgeQemuSnapshot *self);
/* The guest runs again; one that has stopped by itself (a panic, a disk that failed) stays as it
 * is. QEMU refuses that until it has put away the migration, some moments after it has told that it
 * is complete: this waits. */
void lodge_qemu_snapshot_go_on_async (LodgeQemuSnapshot *self,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
/* After an error or a success: nothing is left in QEMU but the new tops, if they are in use. The
 * guest still stands still where it did. */
void lodge_qemu_snapshot_end_async (LodgeQemuSnapshot *self,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/* What somebody else began in this QEMU, who is gone, is over: the memory is not written any
 * further.
 * @nodes: (array zero-terminated): that he may have added; those that are in use stay.
 * lodge_qemu_snapshot_is_used() is known afterwards. */
void lodge_qemu_snapshot_recover_async (LodgeQemuSnapshot *self,
                                        const char *const *nodes,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
/* Whether a device is on @node. */
gboolean lodge_qemu_snapshot_is_used (LodgeQemuSnapshot *self, const char *node);
gboolean lodge_qemu_snapshot_finish (LodgeQemuSnapshot *self, GAsyncResult *result, GError **error);

/**
 * lodge_qemu_snapshot_load_async:
 * @qmp: of a QEMU that was started with "-incoming defer"
 * @memory_fd: for reading; duplicated
 * @file_fd: the file that what comes through a pipe is read from, whose place tells how far that
 * is; -1 where @memory_fd is one
 *
 * Errors: %LODGE_ERROR_FAILED, %LODGE_ERROR_CANCELLED, %LODGE_ERROR_TIMEOUT.
 */
void lodge_qemu_snapshot_load_async (LodgeQmp *qmp,
                                     int memory_fd,
                                     int file_fd,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean lodge_qemu_snapshot_load_finish (GAsyncResult *result, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What belongs to a snapshot besides its frozen layers: the folder snapshots/ID of a machine's.
 *
 *     machine.ini     the description as it was
 *     nvram.qcow2     the firmware's variables; none for BIOS, and none before the first start
 *     tpm/            the TPM's state, in the same way
 *     thumbnail.png   what a guest that ran showed; else the machine's last picture. None when
 *                     that is encrypted
 *     memory          of a guest that ran: what QEMU needs to go on from there
 *
 * All of it is read-only. Everything here waits for the disk: for threads.
 */
#pragma once

#include "description/lodge-description.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * lodge_snapshot_files_store:
 * @folder: the machine's
 * @description: the machine as it is
 *
 * Makes the folder, with the description in it. Durable when it returns; on an error the journal's
 * list is what removes the rest.
 *
 * Errors: %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED, %LODGE_ERROR_INVALID (a link).
 */
gboolean lodge_snapshot_files_store (const char *folder,
                                     const char *id,
                                     const LodgeDescription *description,
                                     GError **error);
/* The firmware's variables and the TPM's state, while nothing writes to them. %LODGE_ERROR_INVALID
 * also for a state that is larger than any. */
gboolean lodge_snapshot_files_store_states (const char *folder,
                                            const char *id,
                                            const LodgeDescription *description,
                                            GError **error);

/* @png: (nullable): %NULL for the machine's last picture, which may be none */
gboolean lodge_snapshot_files_store_picture (const char *folder,
                                             const char *id,
                                             GBytes *png,
                                             GError **error);

/* The file with the memory, in the machine's folder. Transfer full. */
char *lodge_snapshot_dup_memory (const char *id);
/* @make: a new one, for writing; else for reading. -1 with %LODGE_ERROR_NOT_FOUND and the like. */
int lodge_snapshot_files_open_memory (const char *folder,
                                      const char *id,
                                      gboolean make,
                                      GError **error);

/* QEMU has written all of it: it is read-only and on the disk, but for its name in the folder.
 * %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED. */
gboolean lodge_snapshot_files_sync_memory (const char *folder,
                                           const char *id,
                                           int memory_fd,
                                           GError **error);

/* The names in "layers", which a new layer must not have: of strings, as a set. Transfer full;
 * %NULL when the folder cannot be read. */
GHashTable *lodge_snapshot_files_list_layers (const char *folder, GError **error);

/* %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_INVALID: damaged; the message says so. Transfer full. */
LodgeDescription *
lodge_snapshot_files_load (const char *folder, const char *id, const char *name, GError **error);

/* Copies the states back, under new names in the machine's folder (@nvram may be ""). */
gboolean lodge_snapshot_files_restore (
    const char *folder, const char *id, const char *nvram, const char *tpm_state, GError **error);

/* The machine's picture is the snapshot's from now on; where that has none there is none. */
gboolean lodge_snapshot_files_restore_picture (const char *folder, const char *id, GError **error);

/* The machine's picture is @png from now on; %NULL: there is none. Errors: those of
 * lodge_durable_file_write(), of lodge_own_file_remove(). */
gboolean lodge_snapshot_files_set_picture (const char *folder, GBytes *png, GError **error);

/**
 * lodge_snapshot_files_hand_over:
 * @id: (nullable): a snapshot's, or %NULL for the present, to whose states nothing writes
 * @from: the machine; @to: that in @to_folder, which has none yet
 *
 * Copies the states and the picture into another machine's folder.
 */
gboolean lodge_snapshot_files_hand_over (const char *folder,
                                         const char *id,
                                         const LodgeDescription *from,
                                         const char *to_folder,
                                         const LodgeDescription *to,
                                         GError **error);

/* Copies the present's states: the firmware's variables beside those (@nvram may be ""), the TPM's
 * to @tpm_state in @tpm_folder, which is there, or %NULL where there is no TPM. */
gboolean lodge_snapshot_files_copy_states (const char *folder,
                                           const LodgeDescription *from,
                                           const char *nvram,
                                           const char *tpm_folder,
                                           const char *tpm_state,
                                           GError **error);

/* What they take of the disk, in bytes. */
guint64 lodge_snapshot_files_measure (const char *folder, const char *id);

/* PNG bytes, or %NULL. Transfer full. */
GBytes *lodge_snapshot_files_load_thumbnail (const char *folder, const char *id);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tells whether a suspended guest's memory still fits its disks.
 *
 * The memory says what the guest believes to be on its disks. When those were written to since, the
 * two together are a broken file system, so how they were when the memory was written is kept
 * beside it: in the file "disks" of the folder snapshots/ID. All of it is for threads.
 */
#pragma once

#include "description/lodge-description.h"

G_BEGIN_DECLS

/* QEMU has let go of the disks, and the memory is whole. @stood: the guest had been paused, and
 * comes back so. Durable when it returns. Errors: those of lodge_durable_file_write(). */
gboolean lodge_suspend_files_stamp (const char *folder,
                                    const char *id,
                                    const LodgeDescription *description,
                                    gboolean stood,
                                    GError **error);

/* Whether the guest had been paused when it was suspended; FALSE where that is not known. */
gboolean lodge_suspend_files_stood (const char *folder, const char *id);

/**
 * lodge_suspend_files_check:
 * @description: what the guest had, as of lodge_description_dup_suspended(): machine.ini may have a
 *   disk by now that QEMU never got
 * @exact: nobody has copied the folder since; else times may be as coarse as on a stick
 *
 * Errors: %LODGE_ERROR_INVALID with the disk that has changed, %LODGE_ERROR_NOT_FOUND, and what
 * reading gives.
 */
gboolean lodge_suspend_files_check (const char *folder,
                                    const char *id,
                                    const LodgeDescription *description,
                                    gboolean exact,
                                    GError **error);

G_END_DECLS

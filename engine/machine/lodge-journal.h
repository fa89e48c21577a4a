/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is being changed in a machine's folder: recorded before the first change, gone after the
 * last, so that the next engine finds no half of anything.
 *
 * A change makes new files beside the old ones, then writes machine.ini, and then removes what that
 * does not name any more. The one write of machine.ini is the moment from which the change counts.
 * So the record needs to list only what is made and what goes: whatever of it machine.ini does not
 * need is removed, which undoes a change that does not count yet and finishes one that does.
 */
#pragma once

#include "description/lodge-description.h"

G_BEGIN_DECLS

/* Whether @file may be listed: layers, snapshots, and the states of firmware and TPM, under the
 * names that Lodge gives, an encrypted machine's key and the picture of another. What somebody has
 * named otherwise by hand is never removed. */
gboolean lodge_journal_takes (const char *file);

/**
 * lodge_journal_begin:
 * @folder: the machine's
 * @files: (element-type utf8): paths in it, of files and folders that it takes
 *
 * Durable when it returns. What an earlier record lists stays in it.
 *
 * Errors: %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED.
 */
gboolean lodge_journal_begin (const char *folder, GPtrArray *files, GError **error);

/* The same for a snapshot of a guest that runs, or stands still by itself (@ran is FALSE): what
 * QEMU was told has to be undone, too. */
gboolean lodge_journal_begin_live (
    const char *folder, GPtrArray *files, const char *snapshot, gboolean ran, GError **error);
/* The snapshot's id, or %NULL where the record is of none such. Transfer full. */
char *lodge_journal_dup_live (const char *folder, gboolean *out_ran);

/* What the record lists. Transfer full; empty where there is none, or none of ours. */
GPtrArray *lodge_journal_list (const char *folder);

/* Whether there is a record. */
gboolean lodge_journal_exists (const char *folder);

/**
 * lodge_journal_finish:
 * @now: what machine.ini says, read from the disk
 *
 * Removes what the record lists and @now does not need, makes frozen layers read-only and tops
 * writable, and then removes the record, which stays when something of that could not be done.
 *
 * Errors: %LODGE_ERROR_INVALID for a record that is none of ours, those of lodge_own_file_remove().
 */
gboolean lodge_journal_finish (const char *folder, const LodgeDescription *now, GError **error);

G_END_DECLS

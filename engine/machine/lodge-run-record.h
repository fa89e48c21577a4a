/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is remembered of a machine's last run: that it has begun, until it has ended in good order.
 *
 * A QEMU, an engine and a computer may each end without a word. The file "run" in the machine's
 * folder is there from a guest's first instruction until its power-off is known or somebody forces
 * it off, so one that is found there beside a free lock tells of a guest that lost its power. It
 * holds words from a fixed list, since the folder may come from somebody else; and why the run has
 * no 3D, in a sentence that is only of use while its QEMU lives, which has the folder locked.
 * Beside it, in "started", is machine.ini as it was at the start.
 */
#pragma once

#include "description/lodge-description.h"

G_BEGIN_DECLS

typedef enum {
  LODGE_RUN_NONE,          /* never ran, or ended in good order */
  LODGE_RUN_QEMU_ENDED,    /* QEMU was gone while this computer went on */
  LODGE_RUN_COMPUTER_ENDED /* the computer it ran on was switched off, or lost power */
} LodgeRunEnd;

/* The guest is about to run.
 * @started: (nullable): what its QEMU was started with, which may be other than what machine.ini
 * says by now; NULL where nobody knows */
void lodge_run_record_begin (const char *machine_folder, const LodgeDescription *started);
/* What that QEMU has is another by now: a disk was plugged in, or taken out. */
void lodge_run_record_change_started (const char *machine_folder, const LodgeDescription *started);
/* What the QEMU that runs was started with: for another engine than that which has done it.
 * Transfer full; NULL where that is not known. */
LodgeDescription *lodge_run_record_load_started (const char *machine_folder);
/* The same for one that goes on from the memory @suspended (an id), which must never be loaded once
 * more after that. Durable when it returns: for threads. Errors: those of
 * lodge_durable_file_write(). */
gboolean lodge_run_record_begin_resumed (const char *machine_folder,
                                         const LodgeDescription *started,
                                         const char *suspended,
                                         GError **error);
/* The same for one of which nothing is kept, which must never be taken for another. */
gboolean lodge_run_record_begin_disposable (const char *machine_folder,
                                            const LodgeDescription *started,
                                            GError **error);
/* It has no 3D although it should: @problem, a sentence, says why. Nothing where no run has begun.
 */
void lodge_run_record_set_flat (const char *machine_folder, const char *problem);
/* That sentence, for a run whose QEMU lives, as text of one line; or %NULL. Transfer full. */
char *lodge_run_record_dup_flat (const char *machine_folder);
/* Whether the last run that has not ended in good order was such a one. */
gboolean lodge_run_record_is_disposable (const char *machine_folder);
/* What the last run that has not ended in good order went on from, or %NULL. Transfer full. */
char *lodge_run_record_dup_resumed (const char *machine_folder);
/* Its QEMU was seen to end, or is found to have ended: a later restart of the computer does not
 * make that its cause. */
void lodge_run_record_qemu_ended (const char *machine_folder);
/* It has ended in good order, or somebody wants it off. */
void lodge_run_record_clear (const char *machine_folder);

/* How the last run ended, for a machine whose lock is free. */
LodgeRunEnd lodge_run_record_read (const char *machine_folder);

G_END_DECLS

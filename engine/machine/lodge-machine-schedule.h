/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's snapshots that are taken by themselves: whether one is to be taken now. Who takes it
 * is the library (lodge-library-schedule.c). */
#pragma once

#include "description/lodge-description.h"
#include "machine/lodge-machine.h"

G_BEGIN_DECLS

/* So long a merge is waited for. */
#define LODGE_MACHINE_SCHEDULE_PATIENCE_S (10 * 60)

/* By the clock, and by what the machine does now. */
gboolean lodge_machine_schedule_is_due (LodgeMachine *self);

/* The same by what is on its disks, and what is in the way. FALSE without an error: nothing was
 * written since the last one. Errors: what is in the way. */
void lodge_machine_schedule_look_async (LodgeMachine *self,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
gboolean
lodge_machine_schedule_look_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* What came of it: the note says what was in the way until one was taken. */
void lodge_machine_schedule_failed (LodgeMachine *self, const GError *error);
void lodge_machine_schedule_taken (LodgeMachine *self);

/* One that is to be deleted now, lent, or %NULL.
 * @trusted: nobody has set the clock lately */
const LodgeSnapshot *lodge_machine_schedule_find_expired (LodgeMachine *self, gboolean trusted);
/* Whether @snapshot, of the present description, is the one that it would name, whatever is worked
 * on.
 */
gboolean lodge_machine_schedule_expires (LodgeMachine *self,
                                         const LodgeSnapshot *snapshot,
                                         gboolean trusted);
/* That has failed, and is tried again later. */
void lodge_machine_schedule_not_deleted (LodgeMachine *self);

/* The guest runs, or machine.ini is another one: what was known of the disks is not any more. */
void lodge_machine_schedule_changed (LodgeMachine *self);

G_END_DECLS

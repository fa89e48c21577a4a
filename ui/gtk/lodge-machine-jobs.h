/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's jobs, brought to the machines that they are about. */
#pragma once

#include "gtk/lodge-machine-list.h"

G_BEGIN_DECLS

/* Follows all jobs of one engine, whoever began them: each is the "work" of its machine's item in
 * the list while it goes on. A machine that is being made is in the list from then on, in a state
 * of its own, and goes again when it comes to nothing. What has failed, and nobody here follows, is
 * told by the item of its machine.
 *
 * Owns its proxies of jobs, and what it has put into the list. Never asks more than once for each
 * job. */
typedef struct _LodgeMachineJobs LodgeMachineJobs;

/* @list: lives longer */
LodgeMachineJobs *lodge_machine_jobs_new (LodgeMachineList *list, LodgeEngine1 *engine);
void lodge_machine_jobs_free (LodgeMachineJobs *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeMachineJobs, lodge_machine_jobs_free)

/* lodge-machine-list.c, for this: a row as on the contract; and out of the list. */
void lodge_machine_list_put (LodgeMachineList *self, GVariant *row);
void lodge_machine_list_take_out (LodgeMachineList *self, const char *uuid);

G_END_DECLS

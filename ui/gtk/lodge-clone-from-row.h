/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a clone is made of: the machine as it is now, or one of its snapshots. */
#pragma once

#include "console/lodge-machine-state.h"
#include "lodge-client.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_CLONE_FROM_ROW (lodge_clone_from_row_get_type ())
G_DECLARE_FINAL_TYPE (LodgeCloneFromRow, lodge_clone_from_row, LODGE, CLONE_FROM_ROW, AdwActionRow)

/* Signal "changed" (): another choice, or whether there is one. */

/* Offers what there is of @machine, and follows it. */
void lodge_clone_from_row_set_machine (LodgeCloneFromRow *self, LodgeMachine1 *machine);
/* The id of a snapshot; NULL: as it is now. */
const char *lodge_clone_from_row_get_snapshot (LodgeCloneFromRow *self);
/* Why what is chosen cannot be cloned now, and what to do first; NULL: it can. Lent. */
const char *lodge_clone_from_row_get_obstacle (LodgeCloneFromRow *self);

G_END_DECLS

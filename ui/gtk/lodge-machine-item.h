/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One row of the engine's compact list of machines. */
#pragma once

#include "console/lodge-machine-state.h"
#include "lodge-contract-generated.h"

#include <gdk/gdk.h>

G_BEGIN_DECLS

#define LODGE_TYPE_MACHINE_ITEM (lodge_machine_item_get_type ())
G_DECLARE_FINAL_TYPE (LodgeMachineItem, lodge_machine_item, LODGE, MACHINE_ITEM, GObject)

/* The struct of a machine in org.lodgevm.Engine1. */
#define LODGE_MACHINE_ITEM_ROW_TYPE "(sssssuutsb)"

/* Properties, all read
 *   "uuid", "name", "os", "note", "encryption" (string, never NULL), "state" (uint,
 * LodgeMachineState), "memory-mib", "cpus" (uint), "thumbnail-serial" (uint64; 0 there is none),
 *   "thumbnail" (GdkPaintable or NULL): set by whoever fetched it
 *   "work" (LodgeJob1 or NULL): the job that is about it; notified whenever the job changes
 *   "disposable" (boolean): nothing of the run that is under way is kept
 *   "cloned" (boolean): it is what a job is making a clone of
 */

/* @row: of type LODGE_MACHINE_ITEM_ROW_TYPE */
LodgeMachineItem *lodge_machine_item_new (GVariant *row);

/* Takes over what differs; notifies only that. The UUID must be the same. */
void lodge_machine_item_update (LodgeMachineItem *self, GVariant *row);

/* Lent. */
const char *lodge_machine_item_get_uuid (LodgeMachineItem *self);
const char *lodge_machine_item_get_name (LodgeMachineItem *self);
/* For sorting: "web 9" comes before "web 10". */
const char *lodge_machine_item_get_sort_key (LodgeMachineItem *self);
const char *lodge_machine_item_get_os (LodgeMachineItem *self);
const char *lodge_machine_item_get_note (LodgeMachineItem *self);
/* "" (it is not encrypted), "locked" or "unlocked". */
const char *lodge_machine_item_get_encryption (LodgeMachineItem *self);
gboolean lodge_machine_item_get_disposable (LodgeMachineItem *self);
LodgeMachineState lodge_machine_item_get_state (LodgeMachineItem *self);
guint lodge_machine_item_get_memory_mib (LodgeMachineItem *self);
guint lodge_machine_item_get_cpus (LodgeMachineItem *self);
guint64 lodge_machine_item_get_thumbnail_serial (LodgeMachineItem *self);

/* The picture and the serial it was fetched for; NULL when there is none (yet). */
GdkPaintable *lodge_machine_item_get_thumbnail (LodgeMachineItem *self);
guint64 lodge_machine_item_get_fetched_serial (LodgeMachineItem *self);
void
lodge_machine_item_set_thumbnail (LodgeMachineItem *self, GdkPaintable *thumbnail, guint64 serial);

/* Lent; NULL while nothing is being done to it. */
LodgeJob1 *lodge_machine_item_get_work (LodgeMachineItem *self);
void lodge_machine_item_set_work (LodgeMachineItem *self, LodgeJob1 *work);
/* What has become of a job that nobody tells of; it is in the note, while the engine has nothing to
 * say there, until something else is done with the machine. */
void lodge_machine_item_set_failure (LodgeMachineItem *self, const char *failure);
/* The job has changed. */
void lodge_machine_item_work_changed (LodgeMachineItem *self);

gboolean lodge_machine_item_get_cloned (LodgeMachineItem *self);
/* One more clone of it is being made (@n 1), or one less (-1). */
void lodge_machine_item_add_clone (LodgeMachineItem *self, int n);

G_END_DECLS

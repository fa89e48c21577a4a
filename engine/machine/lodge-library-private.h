/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the library share. */
#pragma once

#include "machine/lodge-library.h"

G_BEGIN_DECLS

/* Takes @job; lends it back. */
LodgeJob *lodge_library_add_job (LodgeLibrary *self, LodgeJob *job);

/* As long as @job runs nobody else may have @name. %LODGE_ERROR_EXISTS. */
gboolean
lodge_library_reserve_name (LodgeLibrary *self, LodgeJob *job, const char *name, GError **error);
/* A machine just made. Takes @file; the machine is lent. */
LodgeMachine *lodge_library_add_made (LodgeLibrary *self, LodgeDescriptionFile *file);
/* Some machine may have layers to merge. */
void lodge_library_merge_later (LodgeLibrary *self);

/* lodge-library-snapshots.c: begins to merge layers of @machine if that can be done now. */
void lodge_library_consider_merging (LodgeLibrary *self, LodgeMachine *machine);

/* lodge-library-schedule.c */
typedef struct _LodgeLibrarySchedule LodgeLibrarySchedule;
/* For @library, which owns it and outlives it. */
/* @clock_path: as lodge_clock_trust_new() */
LodgeLibrarySchedule *lodge_library_schedule_new (LodgeLibrary *library, const char *clock_path);
void lodge_library_schedule_free (LodgeLibrarySchedule *self);
/* Begins what is due now, if nothing is under way. */
void lodge_library_schedule_tick (LodgeLibrarySchedule *self);
/* Something is under way, or there may be more to do. */
gboolean lodge_library_schedule_is_busy (LodgeLibrarySchedule *self);
/* Nothing is begun any more. */
void lodge_library_schedule_stop (LodgeLibrarySchedule *self);
/* %NULL until it is known what runs. */
LodgeLibrarySchedule *lodge_library_get_schedule (LodgeLibrary *self);

/* lodge-library-snapshots.c: a job; now, and with the name for that. Lent. */
LodgeJob *lodge_library_take_scheduled (LodgeLibrary *self, LodgeMachine *machine);

G_END_DECLS

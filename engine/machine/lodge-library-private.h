/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the library share. */
#pragma once

#include "machine/lodge-library.h"

G_BEGIN_DECLS

/* Takes @job; lends it back. */
LodgeJob *lodge_library_add_job (LodgeLibrary *self, LodgeJob *job);

/* lodge-library-snapshots.c: begins to merge layers of @machine if that can be done now. */
void lodge_library_consider_merging (LodgeLibrary *self, LodgeMachine *machine);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disk becomes full at some step of an operation, or has too little room for it: that is said
 * in a sentence, and what is there is as it was.
 *
 * Full is a file system of the test's own, which takes nothing more of anybody; or, where there is
 * none, a limit of this process and of the programs that it starts but QEMU: no file can be written
 * to. */
#pragma once

#include "machine-fixture.h"

G_BEGIN_DECLS

/* In main(), before there are threads. @own: with a file system, in a mount namespace of this
 * process; FALSE: there can be none here. */
gboolean full_fixture_init (gboolean own);

/* The machines are on the file system. */
void full_fixture_set_up (MachineFixture *self, gconstpointer data);
void full_fixture_tear_down (MachineFixture *self, gconstpointer data);

typedef LodgeJob *(*FullBegin) (MachineFixture *fixture, LodgeMachine *machine);

/* There is no room any more from the nth step on; 0: from before the first. How the operation ended
 * is lent; NULL: well. There is room again by then. */
const GError *
full_fixture_run (MachineFixture *self, LodgeMachine *machine, FullBegin begin, guint step);

/* That there is no room is what it says, in words for who does not know what is behind it. */
void full_fixture_assert_told (const GError *error);

/* One step in @few each time; every one with LODGE_TEST_CRASHES set. */
guint full_fixture_get_stride (guint few);

/* After each failure: all is as it was before @begin. Gives the machine, which may be another
 * engine's by then. */
typedef LodgeMachine *(*FullLook) (MachineFixture *fixture, LodgeMachine *machine);

/* Full after no step, after one, and so on until the operation comes to its end all the same. Gives
 * how often it failed. */
guint full_fixture_try_steps (MachineFixture *self,
                              LodgeMachine **machine,
                              FullBegin begin,
                              FullLook look);
/* Has no room from the beginning, then some, then more, until that is enough. With a file system of
 * its own alone. */
guint full_fixture_try_sizes (MachineFixture *self,
                              LodgeMachine **machine,
                              FullBegin begin,
                              FullLook look);

G_END_DECLS

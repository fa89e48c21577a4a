/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest that runs, of whose memory and of both whose disks it is known what they hold: a mark,
 * which is a letter. */
#pragma once

#include "machine-fixture.h"

G_BEGIN_DECLS

/* Of its second disk. */
#define LIVE_GUEST_SIZE (G_GUINT64_CONSTANT (4) << 20)

/* It is called "web", and runs, with no mark. */
LodgeMachine *live_guest_create (MachineFixture *fixture);

/* Its memory and its disks hold @mark from here on; also when it loses power. */
void live_guest_mark (LodgeMachine *machine, char mark);
/* They do, and the guest runs. */
void live_guest_assert (LodgeMachine *machine, char mark);
/* Of a guest that runs, but has lost what was in its memory. */
void live_guest_assert_disks (LodgeMachine *machine, char mark);

/* Until nothing is under way, and nothing is left that begins by itself. */
void live_guest_settle (MachineFixture *fixture, LodgeMachine *machine);

G_END_DECLS

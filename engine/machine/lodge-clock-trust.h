/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the clock on the wall can be believed so far that something is deleted for its age.
 *
 * It can be wrong from the very start of the engine, or be set at any time; then nothing is
 * believed until a day has passed, or the kernel says that it follows a time server. It is believed
 * at once where it goes on from the last time at which it was: in the same run of the computer
 * exactly, in another one within a week, which is at most how much too early something can go. That
 * time is kept in a file.
 *
 * Never: keeps a time that is not believed itself.
 */
#pragma once

#include "machine/lodge-clock.h"

G_BEGIN_DECLS

typedef struct _LodgeClockTrust LodgeClockTrust;

/* @path: of the file, which need not be there yet */
LodgeClockTrust *lodge_clock_trust_new (const char *path);
void lodge_clock_trust_free (LodgeClockTrust *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeClockTrust, lodge_clock_trust_free)

/* To be asked often, so that it is seen when somebody sets the clock. */
gboolean lodge_clock_trust_look (LodgeClockTrust *self, const LodgeClock *clock);

G_END_DECLS

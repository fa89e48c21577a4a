/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the program takes from itself before it reads the first byte of a guest. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Within 20 seconds of computing the program has to say so again, or it is ended: a library that
 * does not come back from what a guest has sent is found out by that. What waits computes nothing.
 */
void share_sandbox_alive (void);

/* Nothing can be undone. %FALSE, with the reason on standard error: the program must end. */
gboolean share_sandbox_enter (gboolean writable);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests: to be there between any two steps of a change. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Called, where it is set, on any thread: what has just been done. */
extern void (*lodge_journal_step_hook) (const char *step);

/* For whoever changes something. */
void lodge_journal_step (const char *step);

G_END_DECLS

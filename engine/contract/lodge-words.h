/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wire's words as people read them: "running" in their own language. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @state: Machine1.State. Lent; @state itself for one that this build does not know. */
const char *lodge_words_machine_state (const char *state);

/* @word: Job1.State or Job1.Kind. The same. */
const char *lodge_words_job (const char *word);

G_END_DECLS

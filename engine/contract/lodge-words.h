/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wire's words as people read them: "running" in their own language. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @state: Machine1.State. Lent; @state itself for one that this build does not know. */
const char *lodge_words_machine_state (const char *state);

/* @word: Job1.State or Job1.Kind. The same. */
const char *lodge_words_job (const char *word);

/* What a guest has to do with a disk that has grown. @os: libosinfo's short id of its system, "" or
 * %NULL where that is not known. */
const char *lodge_words_after_growing (const char *os);
/* What has to be done in a guest that runs before it loses a disk. The same. */
const char *lodge_words_before_removing (const char *os);

/* @blockers: a(ss), of Machine1.CheckSnapshot. Each sentence with what to do about it, one after
 * the other; "" for none. Transfer full. */
char *lodge_words_dup_blockers (GVariant *blockers);

G_END_DECLS

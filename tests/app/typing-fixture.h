/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl on a terminal of its own (a pty): what it shows there, and what is typed. */
#pragma once

#include "lodgectl-fixture.h"

#include <sys/types.h>

G_BEGIN_DECLS

typedef struct {
  Fixture base;
  int master;
  int slave; /* ours: the program has a copy */
  GString *shown;
} Typing;

void typing_set_up (Typing *self, gconstpointer data);
void typing_tear_down (Typing *self, gconstpointer data);
/* Another terminal in its place. */
void typing_renew (Typing *self);

/* A session of its own on the terminal, and in it a shell that has jobs: what is the first of a
 * session is not stopped by its terminal. It waits for a line before it ends itself, with which the
 * terminal would be gone. @words: of the shell, where "$LODGE_TEST_LODGECTL" is the program */
pid_t typing_start (Typing *self, const char *words);
/* Whether @text has been shown. */
gboolean typing_shows (Typing *self, const char *text);
/* Whether the terminal shows what is typed. */
gboolean typing_echoes (Typing *self);
void typing_type (Typing *self, const char *text);
/* The shell tells how the program has ended: with exit code @expected. */
void typing_assert_ended (Typing *self, pid_t child, int expected);

G_END_DECLS
